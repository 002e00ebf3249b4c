//! Fresh databases, and the values that tests put into them.

use std::{
    future::Future,
    sync::atomic::{AtomicU32, Ordering},
};

use breakglass_model::{
    Severity, Signal, SignalKind,
    signal::{Detected, Party, ReadableAt, SIGNAL_SCHEMA},
};
use breakglass_store::{ConcernedAccount, Observation, Recorded, Store};
use jiff::Timestamp;
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _};

/// One database for one test.
pub(crate) struct Fresh {
    pub(crate) url: String,
    pub(crate) postgres: bool,
    _dir: Option<tempfile::TempDir>,
}

impl Fresh {
    pub(crate) fn sqlite() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let url = format!("sqlite:{}", dir.path().join("breakglass.db").display());
        Self {
            url,
            postgres: false,
            _dir: Some(dir),
        }
    }

    /// A new database in the server of `BREAKGLASS_TEST_POSTGRES`.
    pub(crate) async fn postgres() -> Option<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        #[allow(clippy::disallowed_methods)] // tests are told of their server by the environment
        let server = std::env::var("BREAKGLASS_TEST_POSTGRES").ok();
        let Some(server) = server else {
            assert!(
                std::env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
                "no PostgreSQL (BREAKGLASS_TEST_POSTGRES is not set)"
            );
            eprintln!("skipped: no PostgreSQL (BREAKGLASS_TEST_POSTGRES is not set)");
            return None;
        };
        sqlx::any::install_default_drivers();
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("bg_{}_{number}", std::process::id());
        let mut admin = AnyConnection::connect(&server).await.unwrap();
        for sql in [
            format!("DROP DATABASE IF EXISTS {name}"),
            format!("CREATE DATABASE {name}"),
        ] {
            sqlx::raw_sql(AssertSqlSafe(sql))
                .execute(&mut admin)
                .await
                .unwrap();
        }
        let base = server.rsplit_once('/').unwrap().0;
        Some(Self {
            url: format!("{base}/{name}"),
            postgres: true,
            _dir: None,
        })
    }

    pub(crate) async fn open(&self) -> Store {
        Store::open(&self.url).await.unwrap()
    }

    /// A connection past the store, to look and to tamper.
    pub(crate) async fn raw(&self) -> AnyConnection {
        sqlx::any::install_default_drivers();
        AnyConnection::connect(&self.url).await.unwrap()
    }
}

/// Runs a test on both databases.
pub(crate) fn on_both<F: Future<Output = ()>>(test: impl Fn(Fresh) -> F) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        test(Fresh::sqlite()).await;
        if let Some(fresh) = Fresh::postgres().await {
            test(fresh).await;
        }
    });
}

pub(crate) fn at(second: i64) -> Timestamp {
    Timestamp::from_second(1_795_000_000 + second).unwrap()
}

pub(crate) fn channels() -> Vec<String> {
    vec!["mail".to_owned(), "webhook".to_owned()]
}

pub(crate) fn detected(id: &str, version: &str, kind: SignalKind) -> Detected {
    Detected {
        signal: Signal {
            schema: SIGNAL_SCHEMA.to_owned(),
            id: id.to_owned(),
            version: version.to_owned(),
            at: Some(at(0)),
            readable_at: ReadableAt {
                not_before: None,
                not_after: at(0),
            },
            kind,
            severity: Severity::Critical,
            tenant_id: None,
            account: Some(Party {
                id: Some("account-1".to_owned()),
                ..Party::default()
            }),
            actor: None,
            device: None,
            aaguid: None,
            operation: None,
            result: None,
            ip: None,
            app: Some("a\u{0}b \u{202e} ' -- 🗝".to_owned()),
            method: None,
            policies_applied: Vec::new(),
            source: "test".to_owned(),
            raw_sha256: String::new(),
            summary: id.to_owned(),
        },
        raw: format!("{id} {version} \u{0}").into_bytes(),
        concerns: vec!["account-1".to_owned()],
        location: Some("Oslo, NO".to_owned()),
    }
}

pub(crate) fn account(key: &str) -> ConcernedAccount {
    ConcernedAccount {
        key: key.to_owned(),
        display: format!("{key}\u{0}@contoso.com"),
    }
}

pub(crate) async fn record(
    store: &Store,
    detected: &Detected,
    key: &str,
    now: Timestamp,
) -> Recorded {
    record_from(store, detected, &[account(key)], "file", now).await
}

pub(crate) async fn record_from(
    store: &Store,
    detected: &Detected,
    accounts: &[ConcernedAccount],
    source_copy: &str,
    now: Timestamp,
) -> Recorded {
    let observation = Observation {
        detected,
        accounts,
        stream: "signin",
        source_copy,
    };
    store.record(&observation, &channels(), now).await.unwrap()
}
