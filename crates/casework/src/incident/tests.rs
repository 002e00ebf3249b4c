use std::collections::{BTreeMap, HashSet};

use proptest::prelude::*;

use super::*;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_790_000_000 + second).unwrap()
}

fn newcomer<'a>(signal_id: &'a str, account_key: &'a str, second: i64) -> Newcomer<'a> {
    Newcomer {
        signal_id,
        account_key,
        account_display: account_key,
        severity: Severity::High,
        at: at(second),
    }
}

#[test]
fn an_incident_id_is_short_and_the_same_everywhere() {
    let first = place(None, newcomer("s1", "a", 0), |_| false);
    let again = place(None, newcomer("s1", "a", 0), |_| false);
    assert_eq!(first, again);
    let id = &first.incident().id;
    assert_eq!(id.len(), "INC-20261124-7F3A".len(), "{id}");
    assert!(id.starts_with("INC-20260921-"), "{id}");
    let other = place(None, newcomer("s1", "b", 0), |_| false);
    assert_ne!(id, &other.incident().id);
}

#[test]
fn a_taken_incident_id_is_lengthened() {
    let first = place(None, newcomer("s1", "a", 0), |_| false);
    let short = first.incident().id.clone();
    let longer = place(None, newcomer("s1", "a", 0), |id| id == short);
    assert_eq!(longer.incident().id.len(), short.len() + 1);
    assert!(longer.incident().id.starts_with(&short));
    let longest = place(None, newcomer("s1", "a", 0), |_| true);
    assert_eq!(longest.incident().id.len(), "INC-20260921-".len() + 64);
}

#[test]
fn g4_a_later_signal_opens_an_acknowledged_incident_again() {
    let opened = place(None, newcomer("s1", "a", 0), |_| false);
    let seen = opened.incident().acknowledge("alice", at(5));
    assert!(seen.changed);
    let twice = seen.incident.acknowledge("bob", at(6));
    assert!(!twice.changed);
    assert_eq!(twice.incident.acknowledged_by.as_deref(), Some("alice"));
    let Placement::Join { incident, reopened } =
        place(Some(&twice.incident), newcomer("s2", "a", 9), |_| false)
    else {
        panic!("a signal of the same account joins");
    };
    assert!(reopened);
    assert_eq!(incident.state, IncidentState::Open);
    assert_eq!(incident.acknowledged_by, None);
    assert_eq!(incident.signals, 2);
}

#[derive(Clone, Debug)]
enum Step {
    Signal { account: u8, severity: Severity },
    Acknowledge { account: u8 },
}

fn step() -> impl Strategy<Value = Step> {
    let severity = prop_oneof![
        Just(Severity::Low),
        Just(Severity::Medium),
        Just(Severity::High),
        Just(Severity::Critical)
    ];
    prop_oneof![
        3 => (0u8..3, severity).prop_map(|(account, severity)| Step::Signal { account, severity }),
        1 => (0u8..3).prop_map(|account| Step::Acknowledge { account }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]
    /// G4: no sequence of calls loses a signal, ends an incident by itself, or leaves a signal
    /// acknowledged that came after the acknowledgement.
    #[test]
    fn g4_no_sequence_loses_a_signal_or_ends_an_incident(steps in prop::collection::vec(step(), 0..60)) {
        let mut incidents: BTreeMap<String, Incident> = BTreeMap::new();
        let mut signals: BTreeMap<String, (u64, Severity)> = BTreeMap::new();
        let mut unseen: HashSet<String> = HashSet::new();
        for (number, step) in steps.iter().enumerate() {
            let now = i64::try_from(number).unwrap();
            match step {
                Step::Signal { account, severity } => {
                    let key = format!("account-{account}");
                    let id = format!("signal-{number}");
                    let before = incidents.get(&key).cloned();
                    let newcomer = Newcomer { severity: *severity, ..newcomer(&id, &key, now) };
                    let taken: HashSet<String> = incidents.values().map(|i| i.id.clone()).collect();
                    let placed = place(before.as_ref(), newcomer, |id| taken.contains(id));
                    let after = placed.incident().clone();
                    prop_assert_eq!(after.state, IncidentState::Open);
                    if let Some(before) = before {
                        prop_assert_eq!(&before.id, &after.id);
                        prop_assert_eq!(before.opened_at, after.opened_at);
                    }
                    let count = signals.entry(key.clone()).or_insert((0, *severity));
                    *count = (count.0 + 1, count.1.max(*severity));
                    unseen.insert(key.clone());
                    incidents.insert(key, after);
                }
                Step::Acknowledge { account } => {
                    let key = format!("account-{account}");
                    if let Some(incident) = incidents.get_mut(&key) {
                        *incident = incident.acknowledge("alice", at(now)).incident;
                        unseen.remove(&key);
                    }
                }
            }
            for (key, incident) in &incidents {
                prop_assert_eq!((incident.signals, incident.severity), signals[key]);
                prop_assert_eq!(incident.state == IncidentState::Open, unseen.contains(key));
            }
            prop_assert_eq!(incidents.len(), signals.len());
        }
    }
}
