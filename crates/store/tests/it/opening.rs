//! Opening: what goes wrong says what, where, why and what next; two at once both work.

use breakglass_model::SignalKind;
use breakglass_store::{ErrorClass, Store};
use sqlx::Connection as _;

use crate::db::{Fresh, at, detected, on_both, record};

fn on_sqlite<F: Future<Output = ()>>(test: F) {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
        .block_on(test);
}

#[test]
fn p1_what_cannot_be_opened_says_why() {
    on_sqlite(async {
        let dir = tempfile::tempdir().unwrap();
        let missing = format!("sqlite:{}/nowhere/b.db", dir.path().display());
        let error = Store::open(&missing).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Config);
        assert!(error.to_string().contains("nowhere"), "{error}");

        let directory = format!("sqlite:{}", dir.path().display());
        assert_eq!(
            Store::open(&directory).await.unwrap_err().class,
            ErrorClass::Config
        );

        let text = dir.path().join("notes.txt");
        std::fs::write(&text, "this is not a database. ".repeat(100)).unwrap();
        let error = Store::open(&format!("sqlite:{}", text.display()))
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Corrupt, "{error}");
        assert_eq!(
            std::fs::read_to_string(&text).unwrap().len(),
            2400,
            "left as it was"
        );

        // Nothing listens on the discard port; the password is in no text.
        let error = Store::open("postgres://u:canary-7@127.0.0.1:9/x")
            .await
            .unwrap_err();
        assert_eq!(error.class, ErrorClass::Network, "{error}");
        assert!(!format!("{error} {error:?}").contains("canary-7"));

        let odd = dir.path().join("a b%41?#ü.db");
        let store = Store::open(&format!("sqlite:{}", odd.display()))
            .await
            .unwrap();
        assert!(odd.exists());
        store.close().await;
        let memory = Store::open("sqlite::memory:").await.unwrap();
        record(&memory, &detected("s1", "v1", SignalKind::Use), "a", at(0)).await;
        assert_eq!(memory.outbox(true).await.unwrap().len(), 2);
    });
}

#[cfg(unix)]
#[test]
fn g10_the_file_and_its_journal_are_for_the_owner_only() {
    use std::os::unix::fs::PermissionsExt as _;
    on_sqlite(async {
        let fresh = Fresh::sqlite();
        let store = fresh.open().await;
        record(&store, &detected("s1", "v1", SignalKind::Use), "a", at(0)).await;
        let path = fresh.url.strip_prefix("sqlite:").unwrap();
        for suffix in ["", "-wal", "-shm"] {
            let mode = std::fs::metadata(format!("{path}{suffix}"))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o077, 0, "{suffix}");
        }
        store.close().await;
    });
}

#[test]
fn g11_a_newer_schema_and_a_foreign_database_are_left_alone() {
    on_both(|fresh| async move {
        let mut raw = if fresh.postgres {
            fresh.raw().await
        } else {
            std::fs::write(fresh.url.strip_prefix("sqlite:").unwrap(), "").unwrap();
            fresh.raw().await
        };
        sqlx::query("CREATE TABLE other (x BIGINT)")
            .execute(&mut raw)
            .await
            .unwrap();
        let error = Store::open(&fresh.url).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Config);
        assert!(error.to_string().contains("another program"), "{error}");
        sqlx::query("DROP TABLE other")
            .execute(&mut raw)
            .await
            .unwrap();
        fresh.open().await.close().await;
        sqlx::query("INSERT INTO breakglass_schema (version) VALUES (99)")
            .execute(&mut raw)
            .await
            .unwrap();
        let error = Store::open(&fresh.url).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Config);
        assert!(error.to_string().contains("newer"), "{error}");
        raw.close().await.unwrap();
    });
}
