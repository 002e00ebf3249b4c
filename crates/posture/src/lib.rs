//! Checks, one file each, and the three questions that they answer.
//!
//! [`check`] takes a tenant as it was read, the register and the history, and says for every requirement
//! what holds, what does not, and what cannot be told.
//!
//! Invariants:
//! - pure: no I/O and no clock, the same input gives the same report;
//! - missing data never gives a pass: a check that needs what was not read answers *cannot tell* and names it;
//! - nothing is judged on a guess: without declared accounts there are candidates, and no verdicts;
//! - a check's code, once published, is never given to another check.

mod accounts;
mod candidates;
mod catalogue;
mod checks;
mod context;
mod controls;
mod directory;
mod facts;
mod lockout;
mod methods_policy;
mod monitoring;
pub mod plan;
mod powers;
mod questions;
pub mod report;
mod requirements;
mod run;
#[cfg(test)]
mod testing;

pub use accounts::{GuardedAccount, resolve};
pub use candidates::candidates;
pub use catalogue::{Check, Conflict, PLANNED, catalogue, conflicts, find};
pub use context::{Context, Settings};
pub use controls::{Control, ControlKind, controls, with_version};
pub use lockout::Lockout;
pub use questions::questions;
pub use requirements::{Requirement, requirements};
pub use run::{CheckError, CheckInput, Waiver, check, exit_code};
