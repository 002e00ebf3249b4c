//! What was noticed in the logs.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::Severity;

/// The schema name that every signal line carries.
pub const SIGNAL_SCHEMA: &str = "breakglass/signal/v1";

/// What kind of thing was noticed.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum SignalKind {
    /// A successful sign-in of an account.
    Use,
    /// A failed or interrupted sign-in of an account.
    Attempt,
    /// Something that an account did.
    Act,
    /// A modification of an account, its group, its unit or its role assignment.
    Change,
    /// Alerting, policies, or what the proof rests on, changed.
    Guard,
    /// People who are authorised or told changed.
    People,
    /// Records are missing: logs stopped, or a window was never read.
    Gap,
    /// A record mentions an account but cannot be understood.
    Unreadable,
}

impl SignalKind {
    /// The word that the signal line and the database carry.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Use => "use",
            Self::Attempt => "attempt",
            Self::Act => "act",
            Self::Change => "change",
            Self::Guard => "guard",
            Self::People => "people",
            Self::Gap => "gap",
            Self::Unreadable => "unreadable",
        }
    }
}

/// When a record became readable at its source: between the last complete read without it and the
/// first read with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ReadableAt {
    /// The last complete read that did not hold the record; `null` when there was none.
    #[schemars(with = "Option<String>")]
    pub not_before: Option<Timestamp>,
    /// The first read that held it.
    #[schemars(with = "String")]
    pub not_after: Timestamp,
}

/// Who or what is named in a signal: an account, or the actor behind a change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Party {
    /// Object id, as the record writes it.
    pub id: Option<String>,
    /// User principal name, as the record writes it.
    pub upn: Option<String>,
    /// Display name; for an application, its name.
    pub name: Option<String>,
}

/// The device of a sign-in, as the record tells it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Device {
    /// Entra device id; absent for an unregistered device.
    pub id: Option<String>,
    /// Display name.
    pub name: Option<String>,
    /// Operating system.
    pub os: Option<String>,
    /// Browser.
    pub browser: Option<String>,
    /// Whether the device is compliant, where the record says so.
    pub compliant: Option<bool>,
}

/// A Conditional Access policy that took part in a sign-in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct AppliedPolicy {
    /// Policy id.
    pub id: String,
    /// Policy name.
    pub name: Option<String>,
    /// `success`, `failure`, `reportOnlySuccess`, … in Graph's words.
    pub result: String,
}

/// One thing noticed about an emergency access account. One line of `watch`, schema
/// `breakglass/signal/v1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(deny_unknown_fields)]
pub struct Signal {
    /// Always `breakglass/signal/v1`.
    pub schema: String,
    /// UUIDv5 of (tenant, stream, the record's own id): the same record gives the same id from any source.
    pub id: String,
    /// Hash of the record's canonical projection: outcome, method, policies, actor. Copies of a version are folded.
    pub version: String,
    /// When it happened, by the record (`createdDateTime`, `activityDateTime`); `null` when the record has no readable time.
    #[schemars(with = "Option<String>")]
    pub at: Option<Timestamp>,
    /// When the record became readable at its source.
    pub readable_at: ReadableAt,
    /// What kind of thing it is.
    pub kind: SignalKind,
    /// How urgent it is.
    pub severity: Severity,
    /// The tenant that the record names, or the one that is watched.
    pub tenant_id: Option<String>,
    /// The emergency access account that it is about; `null` when only a guarded object (policy, alert rule) is named.
    pub account: Option<Party>,
    /// Who acted, where that is somebody else than the account or the record names it.
    pub actor: Option<Party>,
    /// The device that was used.
    pub device: Option<Device>,
    /// AAGUID of the security key, where the record names one.
    pub aaguid: Option<String>,
    /// `Sign-in activity`, `Update user`, ….
    pub operation: Option<String>,
    /// Result in one word or code: `0`, `50126`, `success`, `failure`.
    pub result: Option<String>,
    /// Source IP address.
    pub ip: Option<String>,
    /// Application that was signed in to, or that acted.
    pub app: Option<String>,
    /// Authentication method(s), as the record names them.
    pub method: Option<String>,
    /// Policies that took part, without those that are off or did not apply.
    pub policies_applied: Vec<AppliedPolicy>,
    /// Where the record was read: `file:<path>#<line>`, `stdin#<line>`.
    pub source: String,
    /// SHA-256 of the record's bytes as received, in hex.
    pub raw_sha256: String,
    /// One sentence for a person.
    pub summary: String,
}

/// A signal together with what must be kept beside it but is not part of the line: the bytes and
/// every watched account that the record concerns.
#[derive(Clone, Debug, PartialEq)]
pub struct Detected {
    /// The signal.
    pub signal: Signal,
    /// The record's bytes as received.
    pub raw: Vec<u8>,
    /// Keys (folded object id, else folded UPN, of the watch list) of all watched accounts concerned;
    /// the first is the signal's `account`. Empty for a signal about a guarded object only.
    pub concerns: Vec<String>,
    /// City and country as the record tells them, for the message.
    pub location: Option<String>,
}
