//! What happened before: drills and uses, as checks need them.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::ObjectId;

/// Where our knowledge of a drill comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum DrillOutcome {
    /// Proven by records, all parts passed.
    Passed,
    /// Proven by records, a part failed or it was aborted.
    Failed,
    /// Somebody wrote it down in the register: never enough for a bare *yes*.
    Declared,
}

/// A drill of one account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrillRecord {
    /// The account that was drilled.
    pub account: ObjectId,
    /// The day.
    pub on: Date,
    /// Person id of the register who did or declared it.
    pub by: Option<String>,
    /// How it ended, or that it is only declared.
    pub outcome: DrillOutcome,
}

/// A use (successful sign-in) of an account, from the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct UseRecord {
    /// The account.
    pub account: ObjectId,
    /// When.
    pub at: Timestamp,
    /// Entra device id, where the record names one.
    pub device_id: Option<String>,
    /// The incident that it belongs to.
    pub incident: Option<String>,
    /// Whether a review or drill explains it.
    pub explained: bool,
}

/// A run of our own monitor: how far it read the logs, and when somebody was last reached.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MonitorRun {
    /// The streams that it read (`SignInLogs`, `NonInteractiveUserSignInLogs`, `AuditLogs`).
    pub streams: Vec<String>,
    /// Up to when all of them were read.
    pub read_to: Timestamp,
    /// When a channel last accepted a message, a test among them.
    pub told: Option<Timestamp>,
    /// Whether somebody else raises the alarm when the monitor falls silent.
    pub watched: bool,
}

/// A plan that one person applied alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoneApply {
    /// When.
    pub at: Timestamp,
    /// Digest of the plan.
    pub plan: String,
}

/// Everything remembered. Empty when there is no store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct History {
    /// Whether a store was read at all: without one, the absence of uses says nothing.
    pub from_store: bool,
    /// Drills, newest last.
    pub drills: Vec<DrillRecord>,
    /// Uses, newest last.
    pub uses: Vec<UseRecord>,
    /// Runs of our own monitor, newest last.
    #[serde(default)]
    pub runs: Vec<MonitorRun>,
    /// Plans that one person applied alone, newest last.
    #[serde(default)]
    pub alone: Vec<LoneApply>,
}

impl History {
    /// What every report says of it: that the two-person rule was switched off for the plan that was applied last.
    pub fn remarks(&self) -> Vec<String> {
        let last = self.alone.last().map(|own| {
            let digest: String = own.plan.chars().take(8).collect();
            format!(
                "the plan {digest} was applied on {} by one person alone (--alone): nobody else approved it",
                own.at.strftime("%Y-%m-%d")
            )
        });
        last.into_iter().collect()
    }
}
