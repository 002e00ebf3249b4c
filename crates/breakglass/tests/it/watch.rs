//! `watch` as a user runs it.

use std::{fs, time::Duration};

use serde_json::{Value, json};

use crate::support::{
    ACCOUNT, Killed, TENANT, UPN, code, err, lines, out, program, run, run_with_input, sign_in,
    wait_until,
};

/// W2, W3: a use by object id in any case, a failed attempt, and other people's sign-ins left out.
#[test]
fn w3_uses_and_attempts_become_valid_signal_lines() {
    let other = sign_in(9, "0")
        .replace(ACCOUNT, "c0000000-0000-4000-8000-000000000001")
        .replace("breakglass01", "anna");
    let input = format!("{}\n{}\n{other}\n", sign_in(1, "50126"), sign_in(2, "0"));
    let output = run_with_input(
        &[
            "watch",
            "--no-alert",
            "--account",
            &ACCOUNT.to_uppercase(),
            "--source",
            "-",
        ],
        input.as_bytes(),
    );
    assert_eq!(code(&output), 0, "{}", err(&output));
    let signals = lines(&output);
    let kinds: Vec<_> = signals
        .iter()
        .map(|signal| signal["kind"].clone())
        .collect();
    assert_eq!(kinds, ["attempt", "use"]);
    assert_eq!(signals[1]["severity"], "critical");
    assert_eq!(signals[1]["tenant_id"], TENANT);
    let schema: Value = serde_json::from_str(&out(&run(&["schema", "signal"]))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for signal in &signals {
        let problems: Vec<String> = validator
            .iter_errors(signal)
            .map(|error| error.to_string())
            .collect();
        assert!(problems.is_empty(), "{problems:?}\n{signal:#}");
    }
}

/// The counts add up and can be read by a machine.
#[test]
fn rows_are_skipped_signals_folded_or_set_aside() {
    let place = tempfile::tempdir().unwrap();
    let summary = place.path().join("summary.json");
    let input = format!("{}\n{}\nnot json\n{{}}\n", sign_in(1, "0"), sign_in(1, "0"));
    let output = run_with_input(
        &[
            "watch",
            "--no-alert",
            "--account",
            UPN,
            "--source",
            "-",
            "--summary",
            summary.to_str().unwrap(),
        ],
        input.as_bytes(),
    );
    let counts: Value = serde_json::from_str(&fs::read_to_string(&summary).unwrap()).unwrap();
    assert_eq!(lines(&output).len(), 1, "{}", err(&output));
    let n = |name: &str| counts[name].as_u64().unwrap();
    assert_eq!(
        n("rows"),
        n("skipped") + n("signals") + n("folded") + n("set_aside"),
        "{counts}"
    );
    assert_eq!(
        (n("rows"), n("signals"), n("folded")),
        (4, 1, 1),
        "{counts}"
    );
}

#[test]
fn a_signal_has_the_same_id_from_any_shape() {
    let record = sign_in(1, "0");
    let enveloped = format!("{{\"records\":[{record}]}}");
    let array = format!("[{record}]");
    let ids: Vec<Value> = [record.as_str(), &enveloped, &array]
        .iter()
        .map(|input| {
            let output = run_with_input(
                &["watch", "--no-alert", "--account", UPN, "--source", "-"],
                input.as_bytes(),
            );
            lines(&output)
                .first()
                .unwrap_or_else(|| panic!("{}", err(&output)))["id"]
                .clone()
        })
        .collect();
    assert_eq!(ids[0], ids[1]);
    assert_eq!(ids[0], ids[2]);
}

/// Without channels an alerting run is refused, rather than pretended.
#[test]
fn w6_watching_without_a_channel_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let output = run(&[
        "watch",
        "--account",
        UPN,
        "--source",
        "-",
        "--data-dir",
        place.path().to_str().unwrap(),
    ]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("channel"), "{}", err(&output));
    assert!(err(&output).contains("--no-alert"), "{}", err(&output));
}

#[test]
fn watching_nobody_is_refused() {
    let output = run(&["watch", "--no-alert", "--source", "-"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("account"), "{}", err(&output));
}

/// `--follow` sees what is appended, and a half-written last line only when it is whole.
#[test]
fn follow_reads_what_is_appended() {
    use std::io::Write;
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log.ndjson");
    let said = place.path().join("signals");
    fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
    let child = program()
        .args([
            "watch",
            "--no-alert",
            "--follow",
            "--account",
            UPN,
            "--source",
            &format!("file:{}", log.display()),
        ])
        .stdin(std::process::Stdio::null())
        .stdout(fs::File::create(&said).unwrap())
        .stderr(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let _running = Killed(child);
    let count = || fs::read_to_string(&said).unwrap().lines().count();
    wait_until("the first signal", Duration::from_secs(20), || count() == 1);
    let whole = sign_in(2, "0");
    let (start, rest) = whole.split_at(100);
    let mut file = fs::OpenOptions::new().append(true).open(&log).unwrap();
    file.write_all(start.as_bytes()).unwrap();
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(count(), 1);
    file.write_all(format!("{rest}\n").as_bytes()).unwrap();
    wait_until("the second signal", Duration::from_secs(20), || {
        count() == 2
    });
}

/// The built-in tenant tells the group and the policies, so that changes to them are seen.
#[test]
fn w3_a_change_of_a_policy_that_names_the_accounts_is_a_guard_signal() {
    let tenant = run(&["check", "--tenant", "contoso", "--format", "json"]);
    let report: Value = serde_json::from_str(&out(&tenant)).unwrap();
    let id = report["tenant"]["id"].as_str().unwrap().to_owned();
    let account = report["accounts"][0]["id"].as_str().unwrap().to_owned();
    let policy = |excluded: &[&str]| {
        json!({"conditions": {"users": {"excludeUsers": excluded}}}).to_string()
    };
    let record = json!({
        "category": "AuditLogs", "tenantId": id, "operationName": "Update conditional access policy",
        "properties": {
            "id": "Directory_1", "activityDateTime": "2026-11-24T18:00:00Z", "category": "Policy", "result": "success",
            "activityDisplayName": "Update conditional access policy",
            "initiatedBy": {"user": {"id": "a0000000-0000-4000-8000-000000000009", "userPrincipalName": "someone@contoso.com"}},
            "targetResources": [{
                "id": "99999999-0000-4000-8000-000000000001", "type": "Policy", "displayName": "Block",
                "modifiedProperties": [{"displayName": "ConditionalAccessPolicy", "oldValue": policy(&[&account]), "newValue": policy(&[])}],
            }],
        },
    })
    .to_string();
    let output = run_with_input(
        &[
            "watch",
            "--no-alert",
            "--tenant",
            "contoso",
            "--source",
            "-",
        ],
        record.as_bytes(),
    );
    let signals = lines(&output);
    assert_eq!(signals.len(), 1, "{}\n{record}", err(&output));
    assert_eq!(signals[0]["kind"], "guard");
}

/// A monitor with a source missing would look healthy: it does not start.
#[test]
fn w13_following_a_source_that_is_not_there_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let log = place.path().join("log.ndjson");
    fs::write(&log, "").unwrap();
    let missing = place.path().join("missing.ndjson");
    let sources = [&log, &missing].map(|path| format!("file:{}", path.display()));
    let output = run(&[
        "watch",
        "--no-alert",
        "--follow",
        "--account",
        UPN,
        "--source",
        &sources[0],
        "--source",
        &sources[1],
    ]);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("missing.ndjson"), "{}", err(&output));
}

/// Copies are folded across followed files, and an interrupt ends the run with its counts.
#[test]
fn copies_in_two_followed_files_are_one_signal() {
    let place = tempfile::tempdir().unwrap();
    let said = place.path().join("signals");
    let told = place.path().join("told");
    let logs = ["a", "b"].map(|name| {
        let log = place.path().join(name);
        fs::write(&log, format!("{}\n", sign_in(1, "0"))).unwrap();
        format!("file:{}", log.display())
    });
    let child = program()
        .args([
            "watch",
            "--no-alert",
            "--follow",
            "--account",
            UPN,
            "--source",
            &logs[0],
            "--source",
            &logs[1],
        ])
        .stdin(std::process::Stdio::null())
        .stdout(fs::File::create(&said).unwrap())
        .stderr(fs::File::create(&told).unwrap())
        .spawn()
        .unwrap();
    let mut running = Killed(child);
    wait_until("the signal", Duration::from_secs(20), || {
        !fs::read_to_string(&said).unwrap().is_empty()
    });
    std::thread::sleep(Duration::from_millis(800));
    let id = running.0.id().to_string();
    assert!(
        std::process::Command::new("kill")
            .args(["-INT", &id])
            .status()
            .unwrap()
            .success()
    );
    let ended = running.0.wait().unwrap();
    assert_eq!(
        ended.code(),
        Some(0),
        "{}",
        fs::read_to_string(&told).unwrap()
    );
    assert_eq!(fs::read_to_string(&said).unwrap().lines().count(), 1);
    assert!(fs::read_to_string(&told).unwrap().contains("read 2 rows"));
}

#[test]
fn an_account_may_be_a_file() {
    let place = tempfile::tempdir().unwrap();
    let person = place.path().join("person.json");
    fs::write(&person, format!("{{\"id\":\"{ACCOUNT}\",\"groups\":[]}}")).unwrap();
    let account = format!("@{}", person.display());
    let output = run_with_input(
        &[
            "watch",
            "--no-alert",
            "--account",
            &account,
            "--source",
            "-",
        ],
        format!("{}\n", sign_in(1, "0")).as_bytes(),
    );
    assert_eq!(lines(&output).len(), 1, "{}", err(&output));
}
