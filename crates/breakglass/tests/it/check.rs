//! `check` on real exports, on the built-in tenants, and on bad input.

use std::{fs, io::Write};

use serde_json::Value;

use crate::support::{code, err, files, out, run, shared};

fn report(arguments: &[&str]) -> (i32, Value) {
    let output = run(arguments);
    let text = out(&output);
    let report = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{arguments:?}: {error}\n{text}\n{}", err(&output)));
    (code(&output), report)
}

fn valid(report: &Value) {
    let schema: Value = serde_json::from_str(&out(&run(&["schema", "check-report"]))).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(report)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
}

/// Every export in the shared data gives a valid document and exit 1 or 3, with an account and without.
#[test]
fn every_shared_export_gives_a_valid_report() {
    let Some(shared) = shared() else { return };
    let policies = shared.join("ca-policies");
    let mut exports: Vec<_> = fs::read_dir(&policies)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.is_dir() || path.extension().is_some_and(|ending| ending == "json"))
        .collect();
    exports.extend(
        files(&policies.join("clutch2view-nis2"))
            .into_iter()
            .take(3),
    );
    assert!(exports.len() >= 5);
    for export in exports {
        for account in [
            &[][..],
            &["--account", "BreakGlass01@contoso.onmicrosoft.com"],
        ] {
            let mut call = vec![
                "check",
                "--format",
                "json",
                "--tenant",
                export.to_str().unwrap(),
            ];
            call.extend(account);
            let (code, report) = report(&call);
            assert!(code == 1 || code == 3, "{call:?}: exit {code}");
            valid(&report);
            for question in report["questions"].as_array().unwrap() {
                assert_ne!(question["answer"], "yes", "{call:?}");
            }
        }
    }
}

/// The planted faults of the example tenant are found, and the three questions are not answered yes.
#[test]
fn the_example_tenant_fails_where_faults_are_planted() {
    let (code, report) = report(&[
        "check",
        "--tenant",
        "contoso",
        "--format",
        "json",
        "--at",
        "2026-11-24T20:00:00Z",
    ]);
    assert_eq!(code, 1);
    valid(&report);
    let failed: Vec<&str> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .map(|finding| finding["requirement"].as_str().unwrap())
        .collect();
    for planted in [
        "A4", "A6", "K3", "K4", "M1", "S1", "S3", "D2", "P2", "W1", "W3", "W5", "W6", "W7", "W8",
        "W9", "W12", "W13", "M5",
    ] {
        assert!(
            failed.contains(&planted),
            "{planted} is planted and not found; found {failed:?}"
        );
    }
    let answers: Vec<_> = report["questions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|q| q["answer"].clone())
        .collect();
    assert_eq!(answers.len(), 3);
    assert!(answers.iter().all(|answer| answer != "yes"), "{answers:?}");
}

/// After everything is put right no check fails; what stays open says why.
#[test]
fn the_modern_example_tenant_has_no_failing_check() {
    let (code, report) = report(&["check", "--tenant", "contoso-modern", "--format", "json"]);
    valid(&report);
    let failing: Vec<_> = report["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["verdict"] == "fail")
        .map(|finding| format!("{}: {}", finding["check"], finding["because"]))
        .collect();
    assert!(failing.is_empty(), "{failing:#?}");
    assert!(code == 0 || code == 3);
    assert_eq!(report["questions"][0]["answer"], "yes");
}

/// A1: with no account named, candidates are proposed and nothing is judged on them.
#[test]
fn a1_no_account_is_ever_guessed() {
    let place = tempfile::tempdir().unwrap();
    let export = place.path().join("users.json");
    fs::write(
        &export,
        r#"{"@odata.context":"https://graph.microsoft.com/v1.0/$metadata#users","value":[
            {"id":"b1b1b1b1-0000-4000-8000-0000000000b1","userPrincipalName":"BreakGlass01@contoso.onmicrosoft.com","displayName":"Break Glass 01","accountEnabled":true,"onPremisesSyncEnabled":null}]}"#,
    )
    .unwrap();
    let (code, report) = report(&[
        "check",
        "--format",
        "json",
        "--tenant",
        place.path().to_str().unwrap(),
    ]);
    assert_eq!(code, 3, "{report:#}");
    assert_eq!(report["accounts"][0]["declared"], false);
    assert!(
        !report["accounts"][0]["reasons"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    assert_eq!(report["summary"]["pass"], 0);
    assert_eq!(report["questions"][0]["answer"], "cannot-tell");
}

#[test]
fn every_format_is_written_and_names_the_failing_checks() {
    for format in ["text", "json", "html", "markdown", "csv", "junit", "sarif"] {
        let output = run(&["check", "--tenant", "contoso", "--format", format]);
        assert_eq!(code(&output), 1, "{format}: {}", err(&output));
        assert!(out(&output).contains("BG0"), "{format}");
    }
}

#[test]
fn what_was_known_before_does_not_count_with_a_baseline() {
    let place = tempfile::tempdir().unwrap();
    let baseline = place.path().join("before.json");
    let before = run(&["check", "--tenant", "contoso", "--format", "json"]);
    fs::write(&baseline, &before.stdout).unwrap();
    let after = run(&[
        "check",
        "--tenant",
        "contoso",
        "--format",
        "json",
        "--baseline",
        baseline.to_str().unwrap(),
    ]);
    assert_eq!(code(&after), 0, "{}", out(&after));
    fs::write(&baseline, "{}").unwrap();
    assert_eq!(
        code(&run(&[
            "check",
            "--tenant",
            "contoso",
            "--baseline",
            baseline.to_str().unwrap()
        ])),
        2
    );
}

#[test]
fn a_waiver_needs_a_reason_and_ends_with_its_date() {
    let place = tempfile::tempdir().unwrap();
    let config = place.path().join("breakglass.toml");
    let write = |until: &str, reason: &str| {
        fs::write(
            &config,
            format!("[[waiver]]\ncheck = \"BG001\"\nsubject = \"tenant\"\nreason = \"{reason}\"\nuntil = {until}\napproved_by = [\"anna\", \"ben\"]\n"),
        )
        .unwrap();
        run(&[
            "check",
            "--tenant",
            "contoso",
            "--format",
            "json",
            "--config",
            config.to_str().unwrap(),
            "--at",
            "2026-11-24T20:00:00Z",
        ])
    };
    assert_eq!(code(&write("2027-01-31", "")), 2);
    assert_eq!(code(&write("2027-01-31", "being built")), 1);
    assert_eq!(code(&write("2026-01-31", "being built")), 1);
}

#[test]
fn bad_input_says_what_where_why_and_what_next() {
    let place = tempfile::tempdir().unwrap();
    let nothing = run(&[
        "check",
        "--tenant",
        place.path().join("nothing").to_str().unwrap(),
    ]);
    assert_eq!(code(&nothing), 2);
    assert!(
        err(&nothing).contains("no such file") && err(&nothing).contains("help:"),
        "{}",
        err(&nothing)
    );

    let empty = run(&["check", "--tenant", place.path().to_str().unwrap()]);
    assert_eq!(code(&empty), 3);
    assert!(
        err(&empty).contains("there is no file in"),
        "{}",
        err(&empty)
    );

    fs::write(
        place.path().join("broken.json"),
        "{\"value\": [ {\"id\": ] }",
    )
    .unwrap();
    let (broken, report) = report(&[
        "check",
        "--format",
        "json",
        "--account",
        "a@b.onmicrosoft.com",
        "--account",
        "c@b.onmicrosoft.com",
        "--tenant",
        place.path().to_str().unwrap(),
    ]);
    assert_eq!(broken, 3, "{report:#}");
    let aside = &report["set_aside"][0];
    assert_eq!(aside["file"], "broken.json");
    assert!(
        aside["position"].as_str().unwrap().contains("line 1"),
        "{aside}"
    );

    let zero = place.path().join("zero");
    fs::create_dir(&zero).unwrap();
    fs::write(zero.join("empty.json"), "").unwrap();
    assert_eq!(
        code(&run(&["check", "--tenant", zero.to_str().unwrap()])),
        3
    );
}

/// A gzip bomb is refused within bounded memory.
#[test]
fn a_gzip_bomb_is_refused() {
    let place = tempfile::tempdir().unwrap();
    let bomb = place.path().join("snapshot.json.gz");
    let made = std::process::Command::new("sh")
        .args([
            "-c",
            "head -c 3000000000 /dev/zero | gzip -1 > \"$0\"",
            bomb.to_str().unwrap(),
        ])
        .status()
        .unwrap();
    assert!(made.success());
    let output = std::process::Command::new("sh")
        .args([
            "-c",
            "ulimit -v 2000000; exec \"$0\" check --tenant \"$1\"",
            env!("CARGO_BIN_EXE_breakglass"),
            bomb.to_str().unwrap(),
        ])
        .output()
        .unwrap();
    assert_eq!(code(&output), 3, "{}", err(&output));
    let said = out(&output) + &err(&output);
    assert!(said.contains("gzip") || said.contains("unpack"), "{said}");
    assert!(
        !said.contains("panicked") && !said.contains("memory allocation"),
        "{said}"
    );
}

#[test]
fn a_snapshot_on_standard_input_is_read() {
    let output = crate::support::run_with_input(
        &[
            "check",
            "--tenant",
            "-",
            "--format",
            "json",
            "--account",
            "a@b.onmicrosoft.com",
            "--account",
            "c@b.onmicrosoft.com",
        ],
        b"[]",
    );
    assert_eq!(code(&output), 3, "{}{}", out(&output), err(&output));
    let mut list = Vec::new();
    write!(list, "nonsense").unwrap();
    let output = crate::support::run_with_input(
        &[
            "check",
            "--tenant",
            "-",
            "--account",
            "a@b.onmicrosoft.com",
            "--account",
            "c@b.onmicrosoft.com",
        ],
        &list,
    );
    assert_eq!(code(&output), 3);
}
