//! `lockout prove|whatif|preflight`: what Conditional Access does to accounts, administrators and users.
//!
//! The commands only read input, ask the Conditional Access crate, and write what it answers: no verdict is
//! made here. One exception: an emergency access account that the tenant does not hold can't be asked about,
//! so it is *cannot tell*.

pub mod confirm;
pub mod document;
mod escape;
mod page;
mod preflight;
mod prove;
mod scene;
mod sign_in;
mod what_if;

pub use preflight::run as preflight;
pub use prove::run as prove;
pub use what_if::run as what_if;
