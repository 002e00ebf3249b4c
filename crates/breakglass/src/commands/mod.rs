//! One file per command.

pub mod alert;
pub mod apply;
pub mod check;
pub mod collect;
pub mod doctor;
pub mod incident;
pub mod init;
pub mod key;
pub mod lab;
pub mod lockout;
pub mod plan;
pub mod schema;
pub mod watch;
