//! Conditional Access: what a policy set does to one sign-in, and to all sign-ins that there could be.
//!
//! The crate is pure: policies, locations, strengths and identities go in, verdicts come out. Start at
//! [`Engine`]: it is made of [`Policy`]s and an [`Environment`], makes an [`Identity`] ready as a
//! [`Subject`], and evaluates a [`SignIn`].
//!
//! Two kinds of claims need opposite caution and are never mixed: *this policy can never reach this account*
//! has to hold for more sign-ins than really exist, *this account gets in* for fewer. An unknown counts as
//! *may apply* in the first and as an obstacle in the second.

mod app_filter;
pub mod change;
pub mod device_filter;
pub mod engine;
pub mod environment;
pub mod identity;
pub mod policy;
pub mod preflight;
pub mod prove;
pub mod sign_in;
pub mod strength;
pub mod tenant;
pub mod truth;
pub mod words;

pub use engine::{Enforce, Engine, Evaluation, Outcome, Subject};
pub use environment::Environment;
pub use identity::Identity;
pub use policy::Policy;
pub use sign_in::SignIn;
pub use truth::Truth;
