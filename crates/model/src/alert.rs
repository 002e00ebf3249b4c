//! What is sent to people: the content of one alert, as it waits in the outbox.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::Signal;

/// One alert. It is written in the same transaction as the signal that caused it, once per channel,
/// and carries everything that a message needs, so that sending never has to look anything up.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alert {
    /// Deterministic id (UUIDv5 of signal id, version and account): copies sent by several watchers,
    /// or twice by one, carry the same id so that receivers can fold them.
    pub id: String,
    /// The signal; `None` for a test.
    pub signal: Option<Signal>,
    /// The incident that the signal opened or joined; `None` for a test or for a guarded object only.
    pub incident: Option<AlertIncident>,
    /// City and country as the record tells them.
    pub location: Option<String>,
    /// When the alert was written.
    pub created_at: Timestamp,
    /// A marked test of the channel, not a real event.
    pub test: bool,
}

/// The incident as an alert names it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AlertIncident {
    /// Incident id, short enough to read out on the phone (`INC-20261124-7F3A`).
    pub id: String,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// Whether this signal opened it.
    pub is_new: bool,
}
