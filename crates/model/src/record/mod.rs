//! Log records, whatever they came as.
//!
//! One sign-in is written in at least four ways: the diagnostic-settings envelope (Event Hub, storage), the
//! Graph object, the Log Analytics row (as JSON or as portal CSV), and the CSV of the Entra portal. This
//! module reads all of them into one [`LogRecord`]. Rules:
//! - what a record *is* follows from its category or, failing that, from its shape; unknown fields and new
//!   words never reject it; what is neither a sign-in nor an audit record is [`LogRecord::Other`];
//! - absent and null are the same; keys are compared without letter case; JSON inside a text is parsed;
//! - the tenant is the Entra tenant: never Log Analytics' `TenantId`, which is the workspace;
//! - nothing here does I/O, and nothing fails: a field that cannot be read is `None`.

mod fields;
mod identity;
mod read;
mod row;
pub mod time;

use jiff::Timestamp;
use serde_json::Value;

pub use identity::{namespace, sha256_hex, signal_id};

use crate::signal::{AppliedPolicy, Device, Party};

/// Whether any text inside a value is matched, at any depth, inside texts that are JSON too.
pub fn any_text(value: &Value, matches: &mut dyn FnMut(&str) -> bool) -> bool {
    read::any_text(value, matches)
}

/// How a sign-in ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// A token was issued.
    Success,
    /// It was refused.
    Failure,
    /// It stopped for another step (second factor, consent, keep me signed in).
    Interrupted,
    /// The record does not say.
    Unknown,
}

/// What every record has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Common {
    /// The record's own id.
    pub id: Option<String>,
    /// The Entra tenant that the record names.
    pub tenant: Option<String>,
    /// `sign-in`, `audit`, `graph-activity`, or the category in lower case (`unknown` when there is none).
    pub stream: String,
    /// When it happened.
    pub when: Option<Timestamp>,
    /// The time as written, for a time that cannot be read.
    pub when_text: Option<String>,
    /// Correlation id.
    pub correlation: Option<String>,
    /// SHA-256 of the canonical content, which stands in for a missing id.
    pub content: String,
}

/// Somebody, or an application, as a record names them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Named {
    /// Object id; for an application, its service principal.
    pub id: Option<String>,
    /// User principal name.
    pub upn: Option<String>,
    /// Display name.
    pub name: Option<String>,
}

impl Named {
    /// Folded id, else folded UPN, else the name.
    pub fn key(&self) -> Option<String> {
        let id = self.id.as_ref().or(self.upn.as_ref());
        id.map(|id| id.to_lowercase()).or_else(|| self.name.clone())
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self.id.is_none() && self.upn.is_none() && self.name.is_none()
    }
}

impl From<Named> for Party {
    fn from(named: Named) -> Self {
        Self {
            id: named.id,
            upn: named.upn,
            name: named.name,
        }
    }
}

/// A sign-in.
#[derive(Clone, Debug, PartialEq)]
pub struct SignIn {
    /// What every record has.
    pub common: Common,
    /// Who signed in.
    pub user: Named,
    /// Result code; `0` is success. A word where the record has no code.
    pub code: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// Whether a step shows that the password was right.
    pub password_was_right: bool,
    /// The reason of a failure, as written.
    pub reason: Option<String>,
    /// Source address.
    pub ip: Option<String>,
    /// Application signed in to.
    pub app: Option<String>,
    /// Resource that the token is for.
    pub resource: Option<String>,
    /// Authentication methods, in the order of the steps, each once.
    pub methods: Vec<String>,
    /// AAGUID of the key, where one is named.
    pub aaguid: Option<String>,
    /// The device.
    pub device: Option<Device>,
    /// City, state and country, joined by commas.
    pub location: Option<String>,
    /// Policies that took part.
    pub policies: Vec<AppliedPolicy>,
}

/// A property that an audit record says was changed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Modified {
    /// Name of the property.
    pub name: Option<String>,
    /// Value before; JSON inside a text is parsed.
    pub old: Option<Value>,
    /// Value after.
    pub new: Option<Value>,
}

/// An object that an audit record is about.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Target {
    /// Id, UPN and display name.
    pub named: Named,
    /// `User`, `Group`, `Policy`, `Role`, ….
    pub kind: Option<String>,
    /// What was changed.
    pub modified: Vec<Modified>,
}

/// A directory audit record.
#[derive(Clone, Debug, PartialEq)]
pub struct Audit {
    /// What every record has.
    pub common: Common,
    /// The activity.
    pub operation: Option<String>,
    /// `UserManagement`, `Policy`, …, in Graph's words.
    pub category: Option<String>,
    /// `success`, `failure`, ….
    pub result: Option<String>,
    /// The user who did it.
    pub user: Named,
    /// The application that did it.
    pub app: Named,
    /// Source address.
    pub ip: Option<String>,
    /// What it was done to.
    pub targets: Vec<Target>,
}

/// Neither a sign-in nor an audit record.
#[derive(Clone, Debug, PartialEq)]
pub struct Other {
    /// What every record has.
    pub common: Common,
    /// The operation, where one is named.
    pub operation: Option<String>,
    /// The result, where one is named.
    pub result: Option<String>,
    /// The user that the record names in a field for users.
    pub user: Named,
    /// Source address.
    pub ip: Option<String>,
    /// Application.
    pub app: Option<String>,
}

/// A log record in our words.
#[derive(Clone, Debug, PartialEq)]
pub enum LogRecord {
    /// A sign-in.
    SignIn(Box<SignIn>),
    /// A directory audit record.
    Audit(Box<Audit>),
    /// Anything else.
    Other(Box<Other>),
}

impl LogRecord {
    /// Reads a record that came as JSON.
    pub fn from_json(value: &Value) -> Self {
        read::record(value, time::Slashes::MonthFirst)
    }

    /// Reads a row of a CSV file. A header that stands twice keeps its first filled cell.
    pub fn from_row<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        row::record(cells)
    }

    /// What every record has.
    pub fn common(&self) -> &Common {
        match self {
            Self::SignIn(record) => &record.common,
            Self::Audit(record) => &record.common,
            Self::Other(record) => &record.common,
        }
    }
}
