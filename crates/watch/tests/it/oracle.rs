use std::{collections::BTreeSet, process::Command};

use breakglass_model::SignalKind;
use breakglass_watch::{Options, Source, WatchList};
use serde_json::Value;

use crate::{account, scan_with, shared};

/// What `oracle.py`, which shares no code with us, finds in real records for each account in them.
#[test]
fn w3_an_independent_reading_of_real_records_agrees() {
    let Some(data) = shared() else { return };
    let mut files = Vec::new();
    for folder in ["signin-logs", "audit-logs"] {
        for file in std::fs::read_dir(data.join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path
                .extension()
                .is_some_and(|e| e == "csv" || e == "ndjson")
            {
                files.push(path);
            }
        }
    }
    assert!(files.len() >= 9);
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/oracle.py");
    let Ok(output) = Command::new("python3").arg(script).args(&files).output() else {
        assert!(
            std::env::var_os("BREAKGLASS_TEST_REQUIRED").is_none(),
            "no python3"
        );
        println!("skipped: no python3");
        return;
    };
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    let expected: Value = serde_json::from_slice(&output.stdout).unwrap();
    let mut compared = 0;
    for (file, facts) in expected.as_object().unwrap() {
        for (name, ids) in facts["accounts"].as_object().unwrap() {
            let watched = if name.contains('@') {
                account(None, Some(name))
            } else {
                account(Some(name), None)
            };
            let list = WatchList::new(vec![watched], Vec::new());
            let got = scan_with(&list, Options::default(), Source::file(file));
            assert!(got.error.is_none() && got.aside.is_empty());
            assert_eq!(got.counts.rows, facts["rows"].as_u64().unwrap(), "{file}");
            let found: BTreeSet<&str> = got
                .signals
                .iter()
                .filter(|d| !matches!(d.signal.kind, SignalKind::Guard))
                .map(|d| d.signal.id.as_str())
                .collect();
            let wanted: BTreeSet<&str> = ids
                .as_array()
                .unwrap()
                .iter()
                .map(|id| id.as_str().unwrap())
                .collect();
            assert_eq!(found, wanted, "{name} in {file}");
            compared += wanted.len();
        }
    }
    assert!(compared > 200, "{compared}");
}
