//! Processes that die, and processes that run at once.

use std::{
    collections::HashSet,
    io::{BufRead as _, BufReader},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    time::Duration,
};

use breakglass_store::{ErrorClass, IncidentFilter, SignalFilter, Store};
use jiff::SignedDuration;

use crate::db::{at, channels, on_both};

/// Cargo builds the examples of a package with its tests.
fn writer() -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    tests
        .parent()
        .and_then(Path::parent)
        .unwrap()
        .join("examples/writer")
}

fn start(url: &str, first: u64, count: u64) -> Child {
    Command::new(writer())
        .args([url, &first.to_string(), &count.to_string()])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// What the writer said was recorded.
fn acknowledged(child: &mut Child) -> Vec<u64> {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    lines
        .map_while(Result::ok)
        .filter_map(|line| line.parse().ok())
        .collect()
}

/// Everything said to be recorded is there, and nothing is there by half.
async fn check(store: &Store, acknowledged: &[u64]) {
    let signals = store.signals(&SignalFilter::default()).await.unwrap();
    let ids: HashSet<String> = signals.into_iter().map(|signal| signal.id).collect();
    for number in acknowledged {
        assert!(
            ids.contains(&format!("signal-{number}")),
            "signal {number} was lost"
        );
    }
    let outbox = store.outbox(false).await.unwrap();
    assert_eq!(
        outbox.len(),
        ids.len() * 2,
        "two outbox rows for each signal"
    );
    let incidents = store.incidents(&IncidentFilter::default()).await.unwrap();
    assert_eq!(
        incidents.iter().map(|i| i.signals).sum::<u64>(),
        ids.len() as u64
    );
    for id in &ids {
        assert_eq!(store.raw_copies(id).await.unwrap().len(), 1);
    }
    store.verify_evidence().await.unwrap();
}

#[test]
fn g1_g11_a_killed_writer_loses_nothing_acknowledged_and_leaves_nothing_half_written() {
    on_both(|fresh| async move {
        fresh.open().await.close().await;
        let (mut said, mut next) = (Vec::new(), 0);
        for round in 0..12 {
            let mut child = start(&fresh.url, next, 100_000);
            // Different moments, some before the first commit.
            tokio::time::sleep(Duration::from_millis(25 + (round * 37) % 160)).await;
            child.kill().unwrap();
            said.extend(acknowledged(&mut child));
            child.wait().unwrap();
            let store = fresh.open().await;
            check(&store, &said).await;
            store.close().await;
            // The next writer begins with what may have been cut off.
            next = said.iter().max().map_or(0, |last| last + 1);
        }
        assert!(!said.is_empty());
    });
}

#[test]
fn g1_g3_two_processes_on_one_database_lose_no_row_and_share_no_lease() {
    on_both(|fresh| async move {
        // Both also create the schema at once.
        let (mut one, mut two) = (start(&fresh.url, 0, 60), start(&fresh.url, 1000, 60));
        let said = [acknowledged(&mut one), acknowledged(&mut two)].concat();
        assert!(one.wait().unwrap().success());
        assert!(two.wait().unwrap().success());
        assert_eq!(said.len(), 120);
        let (a, b) = (fresh.open().await, fresh.open().await);
        check(&a, &said).await;
        let lease = SignedDuration::from_mins(5);
        let channels = channels();
        let mut ids = Vec::new();
        loop {
            let (x, y) = tokio::join!(
                a.claim("a", &channels, 7, lease, at(100_000_000)),
                b.claim("b", &channels, 7, lease, at(100_000_000)),
            );
            let rows = [x.unwrap(), y.unwrap()].concat();
            if rows.is_empty() {
                break;
            }
            ids.extend(rows.into_iter().map(|row| row.id));
        }
        assert_eq!(ids.len(), 240);
        assert_eq!(ids.iter().collect::<HashSet<_>>().len(), 240);
    });
}

#[cfg(target_os = "linux")]
#[test]
fn g11_a_full_disk_is_named_and_afterwards_all_goes_on() {
    let dir = tempfile::tempdir().unwrap();
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "none"])
        .arg(dir.path())
        .stderr(Stdio::null())
        .status();
    if !mounted.is_ok_and(|status| status.success()) {
        assert!(
            std::env::var_os("BREAKGLASS_TEST_MOUNT").is_none(),
            "a small file system cannot be mounted"
        );
        eprintln!("skipped: no right to mount a small file system");
        return;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let result = std::panic::catch_unwind(|| {
        runtime.block_on(async {
            let store = Store::open(&format!("sqlite:{}/b.db", dir.path().display()))
                .await
                .unwrap();
            let ballast = dir.path().join("ballast");
            std::fs::write(&ballast, vec![0; 300 * 1024]).unwrap();
            let mut said = Vec::new();
            let mut full = None;
            for number in 0..2000 {
                match record_numbered(&store, number).await {
                    Ok(()) => said.push(number),
                    Err(error) => {
                        full = Some(error);
                        break;
                    }
                }
            }
            let error = full.expect("a megabyte is full at some time");
            assert_eq!(error.class, ErrorClass::Disk, "{error}");
            std::fs::remove_file(&ballast).unwrap();
            check(&store, &said).await;
            record_numbered(&store, 5000).await.unwrap();
            said.push(5000);
            check(&store, &said).await;
            store.close().await;
        });
    });
    Command::new("umount")
        .arg("-l")
        .arg(dir.path())
        .status()
        .unwrap();
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[cfg(target_os = "linux")]
async fn record_numbered(store: &Store, number: u64) -> Result<(), breakglass_store::StoreError> {
    let detected = crate::db::detected(
        &format!("signal-{number}"),
        "v1",
        breakglass_model::SignalKind::Use,
    );
    let observation = breakglass_store::Observation {
        detected: &detected,
        accounts: &[crate::db::account("account")],
        stream: "signin",
        source_copy: "file",
    };
    store
        .record(&observation, &channels(), at(0))
        .await
        .map(drop)
}
