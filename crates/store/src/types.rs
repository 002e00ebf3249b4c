//! What goes into the store and what comes out of it.

use breakglass_casework::{Incident, IncidentState};
use breakglass_model::{Alert, AlertIncident, Severity, Signal, signal::Detected};
use jiff::{SignedDuration, Timestamp};

/// An account that a signal concerns.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConcernedAccount {
    /// Its key in the watch list: folded object id, else folded user principal name.
    pub key: String,
    /// How it is shown to people.
    pub display: String,
}

/// Something noticed, on its way into the store.
#[derive(Clone, Copy, Debug)]
pub struct Observation<'a> {
    /// The signal and the bytes that it was read from.
    pub detected: &'a Detected,
    /// Every watched account that it concerns; the first is the signal's own.
    pub accounts: &'a [ConcernedAccount],
    /// The stream that it came in (`signin`, `audit`, …).
    pub stream: &'a str,
    /// The source that delivered this copy.
    pub source_copy: &'a str,
}

/// What recording did.
#[derive(Clone, Debug, PartialEq)]
pub enum Recorded {
    /// The signal was not known in this version: it is stored, and its alert waits in the outbox.
    New {
        /// The alert, one outbox row per channel.
        alert: Box<Alert>,
        /// The incident of each concerned account, in the order of the accounts.
        incidents: Vec<AlertIncident>,
        /// Whether an earlier version of the same record was known.
        new_version: bool,
    },
    /// This version was known. Nothing is sent; a copy from a new source was kept.
    Folded,
}

/// An alert on its way to one channel, leased by the caller of [`crate::Store::claim`].
#[derive(Clone, Debug, PartialEq)]
pub struct OutboxRow {
    /// Id of the row. The same row always carries the same id, so it serves as idempotency key.
    pub id: String,
    /// What is to be sent.
    pub alert: Alert,
    /// Through which channel.
    pub channel: String,
    /// Attempts begun, this one included: 1 at the first.
    pub attempts: u32,
    /// When the row was written.
    pub created_at: Timestamp,
    /// What the latest failed attempt said.
    pub last_error: Option<String>,
}

/// Where an outbox row stands. There is no third state: no number of failures ends a row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// Not accepted yet; waits for its next attempt.
    Pending {
        /// When the next attempt is due.
        next_attempt: Timestamp,
    },
    /// Not accepted yet; somebody is sending it.
    Leased {
        /// Who.
        owner: String,
        /// Until when; afterwards anybody may send it.
        until: Timestamp,
    },
    /// The channel's provider took it.
    Accepted {
        /// When.
        at: Timestamp,
        /// What the provider gave as proof.
        receipt: String,
    },
}

impl DeliveryState {
    /// Whether the row still has to be sent.
    pub fn is_open(&self) -> bool {
        !matches!(self, Self::Accepted { .. })
    }
}

/// An outbox row as it is shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OutboxStatus {
    /// Id of the row.
    pub id: String,
    /// Id of the alert.
    pub alert_id: String,
    /// The channel.
    pub channel: String,
    /// Whether it is a marked test.
    pub test: bool,
    /// Where it stands.
    pub state: DeliveryState,
    /// Attempts begun.
    pub attempts: u32,
    /// When the row was written.
    pub created_at: Timestamp,
    /// What the latest failed attempt said.
    pub last_error: Option<String>,
}

/// Which incidents to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IncidentFilter {
    /// Only those in this state.
    pub state: Option<IncidentState>,
    /// Only those of the account with this key.
    pub account: Option<String>,
    /// At most so many, the latest first.
    pub limit: Option<u32>,
}

/// An alert of an incident.
#[derive(Clone, Debug, PartialEq)]
pub struct AlertStatus {
    /// The alert.
    pub alert: Alert,
    /// When a person acknowledged it for this incident.
    pub acknowledged_at: Option<Timestamp>,
    /// Who acknowledged it.
    pub acknowledged_by: Option<String>,
    /// Its way through each channel.
    pub deliveries: Vec<OutboxStatus>,
}

/// One time that somebody acknowledged an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AcknowledgementRecord {
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: String,
    /// The alerts that it covered.
    pub alerts: Vec<String>,
}

/// An incident with everything that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct IncidentDetail {
    /// The incident.
    pub incident: Incident,
    /// Its signals by their own time, then id.
    pub signals: Vec<Signal>,
    /// Its alerts, oldest first.
    pub alerts: Vec<AlertStatus>,
    /// Who acknowledged it when, oldest first.
    pub acknowledgements: Vec<AcknowledgementRecord>,
}

/// What acknowledging did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledged {
    /// The incident afterwards.
    pub incident: Incident,
    /// The alerts that were not acknowledged before and are now.
    pub alerts: Vec<String>,
}

/// Which signals to list.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignalFilter {
    /// Only those that happened then or later (by the record; else by when it was readable).
    pub since: Option<Timestamp>,
    /// Only those that concern the account with this key.
    pub account: Option<String>,
    /// Only those of at least this severity.
    pub severity: Option<Severity>,
    /// At most so many, the latest.
    pub limit: Option<u32>,
}

/// A check report that was kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CheckRun {
    /// When the check ran.
    pub at: Timestamp,
    /// The report, as JSON.
    pub report: String,
}

/// That an approved plan is being applied: who changes the tenant, and when. Its changes are announced to nobody as a
/// surprise, and hidden from nobody.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Announcement {
    /// Digest of the plan.
    pub plan: String,
    /// Who writes: ids of the application, its service principal, or the person.
    pub actors: Vec<String>,
    /// What its steps touch, as records name it: ids of objects, and names of those that are still to be made.
    #[serde(default)]
    pub objects: Vec<String>,
    /// Who approved it, in words.
    pub approved_by: String,
    /// When it began.
    pub from: Timestamp,
    /// When it ended; until it has, when it will have ended, whatever happens.
    pub until: Timestamp,
}

/// How far our clock and the one that stamps records may be apart.
const APART: SignedDuration = SignedDuration::from_secs(30);

impl Announcement {
    /// Whether a change by this actor at this time, with this record of it, is part of it.
    pub fn covers(&self, actor: &str, at: Timestamp, record: &str) -> bool {
        let record = record.to_lowercase();
        self.from.saturating_sub(APART).is_ok_and(|from| from <= at)
            && self
                .until
                .saturating_add(APART)
                .is_ok_and(|until| at <= until)
            && self
                .actors
                .iter()
                .any(|own| own.eq_ignore_ascii_case(actor))
            && self
                .objects
                .iter()
                .any(|own| record.contains(&own.to_lowercase()))
    }
}

/// One row of the evidence chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceRow {
    /// Position, from 1, without gaps.
    pub seq: u64,
    /// When.
    pub at: Timestamp,
    /// What happened (`signal-recorded`, `alert-accepted`, …).
    pub kind: String,
    /// To what: an id.
    pub subject: String,
    /// The particulars, as JSON.
    pub body: String,
    /// SHA-256 over the previous hash and this row, in hex.
    pub hash: String,
    /// The hash of the row before; 64 zeros for the first.
    pub prev_hash: String,
}

/// What verifying the evidence chain found when nothing is wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EvidenceVerified {
    /// How many rows there are.
    pub rows: u64,
    /// The hash of the last row.
    pub head: String,
}

/// A record as one source delivered it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawCopy {
    /// The signal's version that it gave.
    pub version: String,
    /// SHA-256 of the bytes, in hex.
    pub sha256: String,
    /// The stream.
    pub stream: String,
    /// The source.
    pub source: String,
    /// When it was recorded.
    pub at: Timestamp,
    /// The bytes as received.
    pub bytes: Vec<u8>,
}
