//! Random sequences of calls against a simple twin in memory.

use std::collections::{BTreeMap, HashSet};

use breakglass_casework::IncidentState;
use breakglass_model::SignalKind;
use breakglass_store::{DeliveryState, IncidentFilter, OutboxRow, Recorded, Store};
use jiff::SignedDuration;
use proptest::{
    prelude::*,
    strategy::ValueTree as _,
    test_runner::{Config, TestRunner},
};

use crate::db::{Fresh, at, channels, detected, on_both, record};

#[derive(Clone, Debug)]
enum Step {
    Record { id: u8, version: u8, account: u8 },
    Claim { owner: u8, limit: u32 },
    Accept { pick: u8 },
    Fail { pick: u8 },
    Acknowledge { account: u8 },
    Reopen,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        4 => (0u8..6, 0u8..2, 0u8..3)
            .prop_map(|(id, version, account)| Step::Record { id, version, account }),
        3 => (0u8..2, 1u32..4).prop_map(|(owner, limit)| Step::Claim { owner, limit }),
        2 => any::<u8>().prop_map(|pick| Step::Accept { pick }),
        2 => any::<u8>().prop_map(|pick| Step::Fail { pick }),
        1 => (0u8..3).prop_map(|account| Step::Acknowledge { account }),
        1 => Just(Step::Reopen),
    ];
    prop::collection::vec(step, 1..40)
}

/// What the store should hold.
#[derive(Default)]
struct Twin {
    signals: HashSet<(u8, u8)>,
    /// Outbox row id → `None` while open, the lease's owner and end beside it.
    rows: BTreeMap<String, Row>,
    incidents: BTreeMap<String, (u64, bool)>,
}

#[derive(Clone, Default)]
struct Row {
    accepted: bool,
    due: i64,
    lease: Option<(String, u32)>,
}

/// G1, G3, G4, G11: whatever the order of calls, the store holds what the twin holds.
#[test]
fn g1_g3_g4_g11_any_sequence_agrees_with_the_twin() {
    on_both(|fresh| async move {
        let cases = if fresh.postgres { 12 } else { 40 };
        let mut runner = TestRunner::new(Config::default());
        for _ in 0..cases {
            let steps = steps().new_tree(&mut runner).unwrap().current();
            let fresh = if fresh.postgres {
                Fresh::postgres().await.unwrap()
            } else {
                Fresh::sqlite()
            };
            eprintln!("{steps:?}");
            run(&fresh, &steps).await;
        }
    });
}

async fn run(fresh: &Fresh, steps: &[Step]) {
    let mut store = fresh.open().await;
    let mut twin = Twin::default();
    let mut held: Vec<(String, OutboxRow)> = Vec::new();
    for (number, step) in steps.iter().enumerate() {
        let now = i64::try_from(number).unwrap() * 20;
        match step {
            Step::Record {
                id,
                version,
                account,
            } => {
                let what = detected(&format!("s{id}"), &format!("v{version}"), SignalKind::Use);
                let key = format!("account-{account}");
                let known = twin.signals.iter().any(|(other, _)| other == id);
                let fresh_one = twin.signals.insert((*id, *version));
                match record(&store, &what, &key, at(now)).await {
                    Recorded::Folded => assert!(!fresh_one),
                    Recorded::New {
                        alert,
                        new_version,
                        incidents,
                    } => {
                        assert!(fresh_one);
                        assert_eq!(new_version, known);
                        let entry = twin.incidents.entry(key).or_default();
                        assert_eq!(incidents[0].is_new, entry.0 == 0);
                        *entry = (entry.0 + 1, false);
                        for channel in channels() {
                            let row = Row {
                                due: now,
                                ..Row::default()
                            };
                            twin.rows.insert(format!("{}:{channel}", alert.id), row);
                        }
                    }
                }
            }
            Step::Claim { owner, limit } => {
                let owner = format!("owner-{owner}");
                let due = twin
                    .rows
                    .values()
                    .filter(|row| !row.accepted && row.due <= now)
                    .count();
                let lease = SignedDuration::from_secs(100);
                let rows = store
                    .claim(&owner, &channels(), *limit, lease, at(now))
                    .await
                    .unwrap();
                assert_eq!(rows.len(), due.min(*limit as usize));
                for row in rows {
                    let twin_row = twin.rows.get_mut(&row.id).unwrap();
                    assert!(
                        !twin_row.accepted && twin_row.due <= now,
                        "not due: {}",
                        row.id
                    );
                    twin_row.due = now + 100;
                    twin_row.lease = Some((owner.clone(), row.attempts));
                    held.push((owner.clone(), row));
                }
            }
            Step::Accept { pick } | Step::Fail { pick } if !held.is_empty() => {
                let accept = matches!(step, Step::Accept { .. });
                let (owner, row) = held.remove(usize::from(*pick) % held.len());
                let twin_row = twin.rows.get_mut(&row.id).unwrap();
                let mine = twin_row.lease == Some((owner.clone(), row.attempts));
                let result = if accept {
                    store.accepted(&row, &owner, "receipt", at(now)).await
                } else {
                    store
                        .failed(&row, &owner, "no", at(now + 30), at(now))
                        .await
                };
                assert_eq!(result.is_ok(), mine);
                if mine {
                    twin_row.lease = None;
                    twin_row.accepted = accept;
                    twin_row.due = if accept { twin_row.due } else { now + 30 };
                }
            }
            Step::Accept { .. } | Step::Fail { .. } => {}
            Step::Acknowledge { account } => {
                let key = format!("account-{account}");
                let filter = IncidentFilter {
                    account: Some(key.clone()),
                    ..Default::default()
                };
                if let Some(incident) = store.incidents(&filter).await.unwrap().first() {
                    store
                        .acknowledge(&incident.id, "alice", at(now))
                        .await
                        .unwrap();
                    twin.incidents.get_mut(&key).unwrap().1 = true;
                }
            }
            // The handle is dropped without being closed, as in a crash.
            Step::Reopen => store = fresh.open().await,
        }
        compare(&store, &twin).await;
    }
    store.verify_evidence().await.unwrap();
    store.close().await;
}

async fn compare(store: &Store, twin: &Twin) {
    let outbox = store.outbox(false).await.unwrap();
    assert_eq!(outbox.len(), twin.rows.len());
    for row in outbox {
        let expected = &twin.rows[&row.id];
        match row.state {
            DeliveryState::Accepted { .. } => assert!(expected.accepted),
            DeliveryState::Leased { owner, until } => {
                assert_eq!(expected.lease, Some((owner, row.attempts)));
                assert_eq!(until, at(expected.due));
            }
            DeliveryState::Pending { next_attempt } => {
                assert!(!expected.accepted && expected.lease.is_none());
                assert_eq!(next_attempt, at(expected.due));
            }
        }
    }
    let incidents = store.incidents(&IncidentFilter::default()).await.unwrap();
    assert_eq!(incidents.len(), twin.incidents.len());
    for incident in incidents {
        let (signals, acknowledged) = twin.incidents[&incident.account_key];
        assert_eq!(incident.signals, signals);
        assert_eq!(incident.state == IncidentState::Acknowledged, acknowledged);
    }
}
