//! What the directory tells of a password.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Reading;

/// The state of a password (Microsoft Graph, *user resource type*, *passwordProfile*).
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Password {
    /// Whether `passwordPolicies` holds `DisablePasswordExpiration`.
    pub never_expires: Reading<bool>,
    /// `lastPasswordChangeDateTime`; `None`: the directory knows of no change.
    pub changed: Reading<Option<Timestamp>>,
    /// Whether it must be changed at the next sign-in (`forceChangePasswordNextSignIn`, with or without MFA).
    pub must_change: Reading<bool>,
}
