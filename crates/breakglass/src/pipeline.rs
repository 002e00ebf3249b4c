//! From a detected signal to the store, and from the store to the line that is printed.
//!
//! The reader runs on a plain thread, because filtering is work for the processor, not waiting. For each
//! signal it waits for the store's transaction before it reads on: nothing counts as read that is not on
//! disk. A signal is printed only after it was stored, and only when the store did not know it.

use std::{
    collections::HashMap,
    io::{ErrorKind, Write},
};

use breakglass_model::{Clock, SetAside, SignalKind, signal::Detected};
use breakglass_store::{ConcernedAccount, Observation, Recorded, Store, StoreError};
use breakglass_watch::WatchList;
use jiff::{SignedDuration, Timestamp};
use tokio::runtime::Handle;

/// The longest that the steps of one plan take.
pub const ANNOUNCED: SignedDuration = SignedDuration::from_hours(6);

/// Why a signal could not be taken in. The run stops: reading on would lose it.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The store did not take it.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Standard output did not take it; the reader of a pipe went away.
    #[error("standard output could not be written: {0}")]
    Output(#[from] std::io::Error),
    /// The signal could not be written as JSON.
    #[error("the signal could not be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
}

/// Takes signals in: store first, then the line.
pub struct Intake<'a> {
    /// Where signals are kept; `None` with `--no-alert`.
    pub store: Option<(Store, Handle)>,
    /// Channels that every alert goes to.
    pub channels: Vec<String>,
    /// How accounts are shown to people, by their key in the watch list.
    pub displays: HashMap<String, String>,
    /// Now.
    pub clock: &'a dyn Clock,
    /// Signals that the store knew before.
    pub known: u64,
}

impl Intake<'_> {
    /// Takes one signal in; prints it when it is new.
    pub fn signal(
        &mut self,
        detected: &Detected,
        out: &mut dyn Write,
    ) -> Result<Option<Recorded>, Refused> {
        let announced = self.announced(detected)?;
        let detected = announced.as_ref().unwrap_or(detected);
        let recorded = match &self.store {
            None => None,
            Some((store, handle)) => {
                let accounts: Vec<ConcernedAccount> = detected
                    .concerns
                    .iter()
                    .enumerate()
                    .map(|(index, key)| ConcernedAccount {
                        key: incident_key(detected, index, key),
                        display: self.displays.get(key).unwrap_or(key).clone(),
                    })
                    .collect();
                let source = &detected.signal.source;
                let observation = Observation {
                    detected,
                    accounts: &accounts,
                    stream: detected.signal.kind.as_str(),
                    source_copy: source.rsplit_once('#').map_or(source, |(name, _)| name),
                };
                let now = self.clock.now();
                Some(handle.block_on(store.record(&observation, &self.channels, now))?)
            }
        };
        if matches!(recorded, Some(Recorded::Folded)) {
            self.known += 1;
        } else {
            let line = serde_json::to_string(&detected.signal)?;
            match writeln!(out, "{line}").and_then(|()| out.flush()) {
                // Whoever read the lines has gone; keeping and alerting go on without them.
                Err(error) if error.kind() == ErrorKind::BrokenPipe && self.store.is_some() => {}
                written => written?,
            }
        }
        Ok(recorded)
    }

    /// A change that belongs to a plan which is being applied, with words that say so. Nothing else about it changes: it
    /// is kept and alerted like any other.
    fn announced(&self, detected: &Detected) -> Result<Option<Detected>, StoreError> {
        let signal = &detected.signal;
        let (Some((store, handle)), SignalKind::Change | SignalKind::Guard) =
            (&self.store, signal.kind)
        else {
            return Ok(None);
        };
        let (Some(actor), Some(at)) = (
            signal.actor.as_ref().and_then(|actor| actor.id.as_deref()),
            signal.at,
        ) else {
            return Ok(None);
        };
        let since = at.checked_sub(ANNOUNCED).unwrap_or(Timestamp::MIN);
        let announcements = handle.block_on(store.announcements(since))?;
        let record = String::from_utf8_lossy(&detected.raw);
        let own = announcements
            .iter()
            .find(|own| own.covers(actor, at, &record));
        let Some(own) = own else {
            return Ok(None);
        };
        let mut detected = detected.clone();
        let digest: String = own.plan.chars().take(8).collect();
        detected.signal.summary = format!(
            "{} Announced: plan {digest}, approved by {}.",
            signal.summary, own.approved_by
        );
        Ok(Some(detected))
    }

    /// Keeps what could not be understood.
    pub fn set_aside(&self, piece: &SetAside) -> Result<(), Refused> {
        if let Some((store, handle)) = &self.store {
            handle.block_on(store.record_set_aside(piece, &[], self.clock.now()))?;
        }
        Ok(())
    }
}

/// The key of an incident: the account's object id where the record or the watch list tells it, so that
/// an account that is watched by name today and by id tomorrow has one incident, not two.
fn incident_key(detected: &Detected, index: usize, key: &str) -> String {
    let told = detected
        .signal
        .account
        .as_ref()
        .and_then(|account| account.id.as_ref());
    match told {
        Some(id) if index == 0 => id.to_lowercase(),
        _ => key.to_owned(),
    }
}

/// How each account of the list is shown to people.
pub fn displays(list: &WatchList) -> HashMap<String, String> {
    list.accounts()
        .map(|(key, account)| {
            let display = match (&account.upn, &account.id) {
                (Some(upn), _) => upn.to_string(),
                (None, Some(id)) => id.to_string(),
                (None, None) => key.to_owned(),
            };
            (key.to_owned(), display)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use breakglass_model::{
        Severity, Signal,
        signal::{Party, ReadableAt, SIGNAL_SCHEMA},
    };
    use breakglass_store::Announcement;

    use super::*;
    use crate::clock::SystemClock;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn change(id: &str, actor: &str, when: i64) -> Detected {
        Detected {
            signal: Signal {
                schema: SIGNAL_SCHEMA.to_owned(),
                id: id.to_owned(),
                version: "v".to_owned(),
                at: Some(at(when)),
                readable_at: ReadableAt {
                    not_before: None,
                    not_after: at(when),
                },
                kind: SignalKind::Change,
                severity: Severity::Critical,
                tenant_id: None,
                account: None,
                actor: Some(Party {
                    id: Some(actor.to_owned()),
                    ..Party::default()
                }),
                device: None,
                aaguid: None,
                operation: None,
                result: None,
                ip: None,
                app: None,
                method: None,
                policies_applied: Vec::new(),
                source: "test".to_owned(),
                raw_sha256: String::new(),
                summary: "The group was changed.".to_owned(),
            },
            raw: id.as_bytes().to_vec(),
            concerns: Vec::new(),
            location: None,
        }
    }

    /// What our own plan changes is told as announced, at full severity; what anybody else changes meanwhile is not.
    #[test]
    fn m5_the_steps_of_a_plan_are_told_as_announced() {
        let runtime = crate::runtime().unwrap();
        let store = runtime.block_on(async {
            let store = Store::open("sqlite::memory:").await.unwrap();
            let announcement = Announcement {
                plan: "3f2a9b1c77".to_owned(),
                actors: vec!["APPLY".to_owned()],
                objects: vec!["One".to_owned(), "two".to_owned(), "three".to_owned()],
                approved_by: "zoe; applied by anna".to_owned(),
                from: at(100),
                until: at(200),
            };
            store.announce(&announcement).await.unwrap();
            store
        });
        let mut intake = Intake {
            store: Some((store, runtime.handle().clone())),
            channels: Vec::new(),
            displays: HashMap::new(),
            clock: &SystemClock,
            known: 0,
        };
        let mut out = Vec::new();
        for signal in [
            change("one", "apply", 150),
            change("two", "somebody", 150),
            change("three", "apply", 300),
            change("four", "apply", 150),
        ] {
            intake.signal(&signal, &mut out).unwrap();
        }
        let signals: Vec<Signal> = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect();
        assert_eq!(
            signals[0].summary,
            "The group was changed. Announced: plan 3f2a9b1c, approved by zoe; applied by anna."
        );
        assert_eq!(signals[0].severity, Severity::Critical);
        assert_eq!(signals[1].summary, "The group was changed.");
        assert_eq!(signals[2].summary, "The group was changed.");
        // What the plan does not touch is not announced, whoever changes it.
        assert_eq!(signals[3].summary, "The group was changed.");
    }
}
