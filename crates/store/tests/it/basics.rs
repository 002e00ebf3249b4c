//! What each call promises.

use breakglass_casework::IncidentState;
use breakglass_model::{SetAside, SignalKind};
use breakglass_store::{
    Announcement, DeliveryState, ErrorClass, IncidentFilter, Recorded, SignalFilter,
};
use jiff::SignedDuration;

use crate::db::{account, at, channels, detected, on_both, record, record_from};

const MINUTE: SignedDuration = SignedDuration::from_secs(60);

#[test]
fn g1_a_signal_is_stored_with_its_bytes_incidents_alert_and_outbox_rows() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        let first = detected("s1", "v1", SignalKind::Use);
        let accounts = [account("a"), account("b"), account("a")];
        let recorded = record_from(&store, &first, &accounts, "one", at(1)).await;
        let Recorded::New {
            alert,
            incidents,
            new_version,
        } = recorded
        else {
            panic!("new")
        };
        assert!(!new_version);
        assert_eq!(incidents.len(), 2);
        assert!(incidents.iter().all(|incident| incident.is_new));
        assert_eq!(alert.incident.as_ref(), Some(&incidents[0]));
        assert_eq!(store.outbox(true).await.unwrap().len(), 2);
        let detail = store.incident(&incidents[1].id).await.unwrap().unwrap();
        assert_eq!(detail.signals, vec![first.signal.clone()]);
        assert_eq!(detail.alerts[0].alert, *alert);
        assert_eq!(detail.alerts[0].deliveries.len(), 2);

        // Planted bug 13: the same again is folded, from another source kept, a new version sent.
        assert_eq!(
            record_from(&store, &first, &accounts, "one", at(2)).await,
            Recorded::Folded
        );
        assert_eq!(
            record_from(&store, &first, &accounts, "two", at(3)).await,
            Recorded::Folded
        );
        let copies = store.raw_copies("s1").await.unwrap();
        assert_eq!(copies.len(), 2);
        assert!(copies.iter().all(|copy| copy.bytes == first.raw));
        assert_eq!(store.outbox(true).await.unwrap().len(), 2);
        let second = detected("s1", "v2", SignalKind::Use);
        let recorded = record_from(&store, &second, &accounts, "one", at(4)).await;
        let Recorded::New {
            alert: later,
            incidents: same,
            new_version: true,
        } = recorded
        else {
            panic!("a new version")
        };
        assert_ne!(later.id, alert.id);
        assert_eq!(same[0].id, incidents[0].id);
        assert!(!same[0].is_new);
        assert_eq!(store.outbox(true).await.unwrap().len(), 4);
        let only_b = SignalFilter {
            account: Some("b".to_owned()),
            ..SignalFilter::default()
        };
        assert_eq!(store.signals(&only_b).await.unwrap().len(), 2);
        let history = store.history(at(10)).await.unwrap();
        assert!(history.from_store);
        assert_eq!(history.uses.len(), 1);
        assert_eq!(history.uses[0].incident.as_ref(), Some(&incidents[0].id));
        store.verify_evidence().await.unwrap();
        store.close().await;
    });
}

#[test]
fn g3_a_lease_is_held_by_one_and_ends() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        record(&store, &detected("s1", "v1", SignalKind::Use), "a", at(0)).await;
        let mine = store
            .claim("one", &channels(), 10, MINUTE, at(1))
            .await
            .unwrap();
        assert_eq!(mine.len(), 2);
        assert!(
            store
                .claim("two", &channels(), 10, MINUTE, at(2))
                .await
                .unwrap()
                .is_empty()
        );
        let error = store
            .accepted(&mine[0], "two", "r", at(3))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Conflict);
        store.accepted(&mine[0], "one", "r", at(3)).await.unwrap();
        store.accepted(&mine[0], "one", "r", at(3)).await.unwrap();
        assert_eq!(store.next_due(&channels()).await.unwrap(), Some(at(61)));
        let again = store
            .claim("two", &channels(), 10, MINUTE, at(61))
            .await
            .unwrap();
        assert_eq!(again.len(), 1);
        assert_eq!((again[0].attempts, &again[0].id), (2, &mine[1].id));
        let error = store
            .failed(&mine[1], "one", "late", at(90), at(62))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Conflict);
        assert_eq!(store.release("two", at(63)).await.unwrap(), 1);
        assert_eq!(
            store
                .claim("one", &channels(), 10, MINUTE, at(63))
                .await
                .unwrap()
                .len(),
            1
        );
        store.verify_evidence().await.unwrap();
    });
}

#[test]
fn g4_no_failure_however_often_ends_a_row() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        let test = store.enqueue_test("mail", at(0)).await.unwrap();
        assert!(test.test);
        assert_ne!(store.enqueue_test("mail", at(0)).await.unwrap().id, test.id);
        let mut now = at(0);
        for _ in 0..30 {
            let rows = store
                .claim("one", &channels(), 1, MINUTE, now)
                .await
                .unwrap();
            assert_eq!(rows.len(), 1);
            // A caller who asks for the end of time gets an hour.
            let never = jiff::Timestamp::MAX;
            store
                .failed(&rows[0], "one", "410 gone \u{0}", never, now)
                .await
                .unwrap();
            now = now.checked_add(SignedDuration::from_hours(1)).unwrap();
        }
        let open = store.outbox(true).await.unwrap();
        assert_eq!(open.len(), 2);
        assert!(
            open.iter()
                .all(|row| matches!(row.state, DeliveryState::Pending { .. }))
        );
        // A clock that was a year ahead does not hold a row for a year.
        let year = now
            .checked_add(SignedDuration::from_hours(24 * 365))
            .unwrap();
        let rows = store
            .claim("one", &channels(), 9, MINUTE, year)
            .await
            .unwrap();
        assert_eq!(rows.len(), 2);
        assert_eq!(
            store
                .claim("two", &channels(), 9, MINUTE, now)
                .await
                .unwrap()
                .len(),
            2
        );
    });
}

#[test]
fn w11_a_success_is_claimed_before_a_flood_of_failures() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        for number in 0..30 {
            let id = format!("f{number}");
            record(
                &store,
                &detected(&id, "v1", SignalKind::Attempt),
                "a",
                at(number),
            )
            .await;
        }
        record(
            &store,
            &detected("success", "v1", SignalKind::Use),
            "a",
            at(40),
        )
        .await;
        let first = store
            .claim("one", &channels(), 2, MINUTE, at(41))
            .await
            .unwrap();
        assert!(
            first
                .iter()
                .all(|row| row.alert.signal.as_ref().unwrap().id == "success")
        );
        let next = store
            .claim("one", &channels(), 2, MINUTE, at(41))
            .await
            .unwrap();
        assert!(
            next.iter()
                .all(|row| row.alert.signal.as_ref().unwrap().id == "f0")
        );
    });
}

#[test]
fn g3_acknowledging_covers_what_there_is_and_a_later_signal_pages_again() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        record(&store, &detected("s1", "v1", SignalKind::Use), "a", at(0)).await;
        let all = IncidentFilter::default();
        let id = store.incidents(&all).await.unwrap()[0].id.clone();
        let done = store.acknowledge(&id, "alice", at(5)).await.unwrap();
        assert_eq!(done.alerts.len(), 1);
        let again = store.acknowledge(&id, "bob", at(6)).await.unwrap();
        assert!(again.alerts.is_empty());
        assert_eq!(again.incident.acknowledged_by.as_deref(), Some("alice"));
        assert_eq!(
            store.outbox(true).await.unwrap().len(),
            2,
            "sending goes on"
        );
        record(&store, &detected("s2", "v1", SignalKind::Use), "a", at(7)).await;
        let detail = store.incident(&id).await.unwrap().unwrap();
        assert_eq!(detail.incident.state, IncidentState::Open);
        assert_eq!(detail.incident.signals, 2);
        assert_eq!(detail.alerts[0].acknowledged_by.as_deref(), Some("alice"));
        assert_eq!(detail.alerts[1].acknowledged_by, None);
        assert_eq!(
            store
                .acknowledge(&id, "bob", at(8))
                .await
                .unwrap()
                .alerts
                .len(),
            1
        );
        assert_eq!(
            store
                .incident(&id)
                .await
                .unwrap()
                .unwrap()
                .acknowledgements
                .len(),
            2
        );
        let error = store.acknowledge("INC-0", "bob", at(8)).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Conflict);
    });
}

#[test]
fn g9_evidence_refuses_change_and_a_forced_change_is_found() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        let aside = SetAside {
            file: "-".into(),
            position: "line 1".into(),
            reason: "cut".into(),
        };
        for _ in 0..2 {
            store.record_set_aside(&aside, b"{\0", at(0)).await.unwrap();
        }
        assert_eq!(store.set_aside().await.unwrap(), vec![aside]);
        store.save_check_run("{}", at(1)).await.unwrap();
        store.save_check_run("{\"a\":1}", at(2)).await.unwrap();
        assert_eq!(
            store.last_check_run().await.unwrap().unwrap().report,
            "{\"a\":1}"
        );
        assert_eq!(store.verify_evidence().await.unwrap().rows, 3);
        assert_eq!(store.evidence(2, 1).await.unwrap()[0].kind, "check-run");
        let mut raw = fresh.raw().await;
        store.enqueue_test("mail", at(3)).await.unwrap();
        for sql in [
            "UPDATE evidence SET body = '{}'",
            "DELETE FROM evidence",
            "DELETE FROM outbox",
        ] {
            assert!(sqlx::query(sql).execute(&mut raw).await.is_err(), "{sql}");
        }
        let off = if fresh.postgres {
            "ALTER TABLE evidence DISABLE TRIGGER USER"
        } else {
            "DROP TRIGGER evidence_no_update"
        };
        sqlx::raw_sql(off).execute(&mut raw).await.unwrap();
        sqlx::query("UPDATE evidence SET body = '{}' WHERE seq = 2")
            .execute(&mut raw)
            .await
            .unwrap();
        let error = store.verify_evidence().await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Corrupt);
        assert!(error.to_string().contains("row 2"), "{error}");
    });
}

#[test]
fn g1_calls_run_in_tasks_beside_each_other() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        let tasks: Vec<_> = (0..8)
            .map(|number| {
                let store = store.clone();
                tokio::spawn(async move {
                    let what = detected(&format!("s{number}"), "v1", SignalKind::Use);
                    record(&store, &what, "a", at(number)).await;
                    let rows = store
                        .claim("one", &channels(), 1, MINUTE, at(60))
                        .await
                        .unwrap();
                    for row in &rows {
                        store.accepted(row, "one", "r", at(60)).await.unwrap();
                    }
                    rows.len()
                })
            })
            .collect();
        let mut sent = 0;
        for task in tasks {
            sent += task.await.unwrap();
        }
        assert_eq!(store.outbox(true).await.unwrap().len(), 16 - sent);
        let incidents = store.incidents(&IncidentFilter::default()).await.unwrap();
        assert_eq!((incidents.len(), incidents[0].signals), (1, 8));
        store.verify_evidence().await.unwrap();
    });
}

#[test]
fn m5_an_announcement_is_evidence_and_covers_its_actor_for_its_time() {
    on_both(|fresh| async move {
        let store = fresh.open().await;
        let announcement = Announcement {
            plan: "3f2a".to_owned(),
            actors: vec!["B1A55000-0000-4000-8000-0000000B0003".to_owned()],
            objects: vec!["Group-1".to_owned()],
            approved_by: "zoe; applied by anna".to_owned(),
            from: at(100),
            until: at(2000),
        };
        store.announce(&announcement).await.unwrap();
        assert_eq!(
            store.announcements(at(0)).await.unwrap(),
            std::slice::from_ref(&announcement)
        );
        assert_eq!(store.announcements(at(101)).await.unwrap(), []);
        let actor = "b1a55000-0000-4000-8000-0000000b0003";
        let of = "{\"target\": \"GROUP-1\"}";
        assert!(announcement.covers(actor, at(150), of));
        assert!(!announcement.covers(actor, at(50), of));
        assert!(!announcement.covers(actor, at(2031), of));
        assert!(!announcement.covers("somebody", at(150), of));
        assert!(!announcement.covers(actor, at(150), "another group"));
        // It ends when the run ends, not when it would have ended at the latest.
        store
            .record_step(at(150), "3f2a", &serde_json::json!({"step": "group"}))
            .await
            .unwrap();
        store
            .record_apply(at(200), "3f2a", &serde_json::json!({"steps": []}))
            .await
            .unwrap();
        let ended = store.announcements(at(0)).await.unwrap();
        assert!(ended[0].covers(actor, at(230), of));
        assert!(!ended[0].covers(actor, at(231), of));
        store.verify_evidence().await.unwrap();
        let rows = store.evidence(1, 10).await.unwrap();
        let kinds: Vec<&str> = rows.iter().map(|row| row.kind.as_str()).collect();
        assert_eq!(kinds, ["plan-announced", "plan-step", "plan-applied"]);
    });
}
