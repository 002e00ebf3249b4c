//! One file per command.

pub mod alert;
pub mod check;
pub mod incident;
pub mod init;
pub mod lockout;
pub mod schema;
pub mod watch;
