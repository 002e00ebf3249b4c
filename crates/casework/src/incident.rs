//! Incidents: what opens one, what joins it, and what acknowledging it means.
//!
//! An incident gathers everything that was noticed about one account until people have closed it.
//! There are two states, and two things that can happen:
//!
//! ```text
//!              signal (pages)                 signal (pages)
//!               ┌─────┐                  ┌──────────────────────┐
//!               ▼     │                  ▼                      │
//!   ──signal──► open ─┘ ──acknowledge──► acknowledged ──────────┘ (back to open)
//! ```
//!
//! Acknowledging says "a person has seen what there is up to now". It says nothing about what comes
//! later, so a later signal opens the incident again and pages again. Closing is not here: it needs a
//! review.

use breakglass_model::Severity;
use data_encoding::HEXUPPER;
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// Where an incident stands.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum IncidentState {
    /// Something was noticed that no person has acknowledged.
    Open,
    /// A person has acknowledged everything noticed so far.
    Acknowledged,
}

impl IncidentState {
    /// The word in documents and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Open => "open",
            Self::Acknowledged => "acknowledged",
        }
    }

    /// The state that a word names.
    pub fn parse(word: &str) -> Option<Self> {
        match word {
            "open" => Some(Self::Open),
            "acknowledged" => Some(Self::Acknowledged),
            _ => None,
        }
    }
}

/// Everything noticed about one account since somebody last closed a case about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// `INC-20261124-7F3A`: short enough to read out on the phone.
    pub id: String,
    /// The account's key in the watch list: folded object id, else folded user principal name.
    pub account_key: String,
    /// How the account is shown to people.
    pub account_display: String,
    /// When the first signal was recorded.
    #[schemars(with = "String")]
    pub opened_at: Timestamp,
    /// Where it stands.
    pub state: IncidentState,
    /// When it was acknowledged; `None` while it is open.
    #[schemars(with = "Option<String>")]
    pub acknowledged_at: Option<Timestamp>,
    /// Who acknowledged it; `None` while it is open.
    pub acknowledged_by: Option<String>,
    /// How many signals belong to it; each version of a record counts.
    pub signals: u64,
    /// When the latest signal was recorded.
    #[schemars(with = "String")]
    pub last_signal_at: Timestamp,
    /// The worst severity of its signals.
    pub severity: Severity,
}

/// A signal about one account, as it looks for its incident.
#[derive(Clone, Copy, Debug)]
pub struct Newcomer<'a> {
    /// Id of the signal.
    pub signal_id: &'a str,
    /// Key of the account.
    pub account_key: &'a str,
    /// How the account is shown to people.
    pub account_display: &'a str,
    /// Severity of the signal.
    pub severity: Severity,
    /// When it is recorded.
    pub at: Timestamp,
}

/// Where a signal belongs. In both cases people are paged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Placement {
    /// It joins the account's incident, which now looks like this.
    Join {
        /// The incident with the signal in it.
        incident: Incident,
        /// Whether the incident had been acknowledged and is open again because of this signal.
        reopened: bool,
    },
    /// It opens an incident.
    Open(Incident),
}

impl Placement {
    /// The incident with the signal in it.
    pub fn incident(&self) -> &Incident {
        match self {
            Self::Join { incident, .. } | Self::Open(incident) => incident,
        }
    }
}

/// Decides where a signal belongs. `unfinished` is the account's incident that nobody has closed;
/// `taken` tells whether an incident id is in use already.
///
/// An incident of another account is never joined, whatever the caller passes.
pub fn place(
    unfinished: Option<&Incident>,
    newcomer: Newcomer<'_>,
    taken: impl Fn(&str) -> bool,
) -> Placement {
    match unfinished {
        Some(before) if before.account_key == newcomer.account_key => Placement::Join {
            reopened: before.state == IncidentState::Acknowledged,
            incident: Incident {
                state: IncidentState::Open,
                acknowledged_at: None,
                acknowledged_by: None,
                signals: before.signals.saturating_add(1),
                last_signal_at: before.last_signal_at.max(newcomer.at),
                severity: before.severity.max(newcomer.severity),
                ..before.clone()
            },
        },
        _ => {
            let (mut ids, full) =
                incident_ids(newcomer.at, newcomer.signal_id, newcomer.account_key);
            Placement::Open(Incident {
                id: ids.find(|id| !taken(id)).unwrap_or(full),
                account_key: newcomer.account_key.to_owned(),
                account_display: newcomer.account_display.to_owned(),
                opened_at: newcomer.at,
                state: IncidentState::Open,
                acknowledged_at: None,
                acknowledged_by: None,
                signals: 1,
                last_signal_at: newcomer.at,
                severity: newcomer.severity,
            })
        }
    }
}

/// The ids that an incident may carry, shortest first, and the longest of them: the UTC day and four
/// or more digits of a hash of what opened it. The same signal gives the same ids on every watcher.
pub fn incident_ids(
    opened_at: Timestamp,
    signal_id: &str,
    account_key: &str,
) -> (impl Iterator<Item = String> + use<>, String) {
    let mut hash = Sha256::new();
    hash.update(signal_id.as_bytes());
    hash.update([0]);
    hash.update(account_key.as_bytes());
    let hex = HEXUPPER.encode(&hash.finalize());
    let day = opened_at.strftime("%Y%m%d").to_string();
    let full = format!("INC-{day}-{hex}");
    let ids = (4..hex.len()).map(move |digits| format!("INC-{day}-{}", &hex[..digits]));
    (ids, full)
}

/// What acknowledging did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acknowledgement {
    /// The incident afterwards.
    pub incident: Incident,
    /// Whether it was open before.
    pub changed: bool,
}

impl Incident {
    /// A person has seen everything noticed so far. Saying it again changes nothing: the first to say
    /// it stays on record.
    #[must_use]
    pub fn acknowledge(&self, by: &str, at: Timestamp) -> Acknowledgement {
        match self.state {
            IncidentState::Acknowledged => Acknowledgement {
                incident: self.clone(),
                changed: false,
            },
            IncidentState::Open => Acknowledgement {
                incident: Self {
                    state: IncidentState::Acknowledged,
                    acknowledged_at: Some(at),
                    acknowledged_by: Some(by.to_owned()),
                    ..self.clone()
                },
                changed: true,
            },
        }
    }
}

#[cfg(test)]
mod tests;
