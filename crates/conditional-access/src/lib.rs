//! Conditional Access: what a policy set does to one sign-in, and to all sign-ins that there could be.
//!
//! The crate is pure: policies, locations, strengths and identities go in, verdicts come out.

pub mod change;
pub mod truth;

pub use truth::Truth;
