//! `key`: the security keys of the accounts.

mod enroll;
mod identify;
mod list;
mod metadata;
mod pins;
mod plugged;
mod register;
mod tables;

pub use enroll::{EnrolmentDocument, enroll};
pub use identify::{KeyDocument, identify};
pub use list::{KeysDocument, list};
pub use metadata::import;
pub use pins::pin;

use breakglass_keys::KeyError;

use crate::failure::Failure;

/// The failure for a key that did not do what it was asked: exit 2, since nothing was registered.
#[allow(
    clippy::needless_pass_by_value,
    reason = "the shape that `map_err` wants"
)]
fn key_failed(error: KeyError) -> Failure {
    match error {
        KeyError::Unreachable(_) | KeyError::Protocol(_) | KeyError::TimedOut | KeyError::Busy => {
            Failure::broke(error.to_string())
        }
        _ => Failure::usage(error.to_string()),
    }
}
