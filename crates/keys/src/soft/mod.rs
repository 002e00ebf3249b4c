//! A security key in software, for tests and the twin: the same reports, framing and commands as a key over USB.
//!
//! It protects nothing: its private keys lie in its state, and it is touched as soon as it asks. A program must refuse it
//! against a real tenant.

mod authenticator;
mod device;
mod make;
mod state;

pub use device::SoftKey;
pub use make::{Attestation, Model};
pub use state::State;
