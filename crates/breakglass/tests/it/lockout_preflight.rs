//! `lockout preflight`: a change of policies before it is made.

use std::{fs, path::Path};

use serde_json::{Value, json};

use crate::{
    lockout::{AT, document, valid},
    support::{code, err, out, run, run_with_input},
};

const GROUP: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";

fn policy(name: &str, users: &Value, control: &str, state: &str) -> String {
    serde_json::to_string_pretty(&json!({
        "displayName": name,
        "state": state,
        "conditions": {
            "users": users,
            "applications": { "includeApplications": ["All"] },
            "clientAppTypes": ["all"],
        },
        "grantControls": { "operator": "OR", "builtInControls": [control] },
    }))
    .unwrap()
}

fn change(place: &Path, name: &str, users: &Value, control: &str, state: &str) -> String {
    let file = place.join(format!("{}.json", name.to_lowercase().replace(' ', "-")));
    fs::write(&file, policy(name, users, control, state)).unwrap();
    file.to_str().unwrap().to_owned()
}

fn preflight(more: &[&str]) -> (i32, Value) {
    let mut call = vec![
        "lockout",
        "preflight",
        "--tenant",
        "contoso-modern",
        "--at",
        AT,
    ];
    call.extend(more);
    let (exit, document) = document(&call);
    valid("preflight", &document);
    (exit, document)
}

/// C5, X1: a block for everybody takes every sign-in from both accounts.
#[test]
fn c5_x1_a_block_for_everybody_locks_out() {
    let place = tempfile::tempdir().unwrap();
    let file = change(
        place.path(),
        "CA011 Block",
        &json!({"includeUsers": ["All"]}),
        "block",
        "enabled",
    );
    let (exit, document) = preflight(&["--change", &file]);
    assert_eq!((exit, &document["verdict"]), (1, &json!("locks-out")));
    assert_eq!(document["accounts"]["before"]["way_in"], 2);
    assert_eq!(document["accounts"]["after"]["way_in"], 0);
    let lost = document["lost"].as_array().unwrap();
    let accounts: Vec<&Value> = lost
        .iter()
        .filter(|loss| loss["who"]["kind"] == "account")
        .collect();
    assert_eq!(accounts.len(), 2);
    for loss in accounts {
        assert_eq!(loss["scope"], "all");
        assert_eq!(loss["by"][0]["name"], "CA011 Block");
    }
    assert_eq!(document["newly_applies"].as_array().unwrap().len(), 2);
}

/// C5: no administrator left is a lockout, even when the accounts are excluded.
#[test]
fn c5_x1_no_administrator_left_locks_out() {
    let place = tempfile::tempdir().unwrap();
    let users = json!({"includeUsers": ["All"], "excludeGroups": [GROUP]});
    let file = change(place.path(), "CA011 Block", &users, "block", "enabled");
    let (exit, document) = preflight(&["--change", &file]);
    assert_eq!((exit, &document["verdict"]), (1, &json!("locks-out")));
    assert_eq!(document["accounts"]["after"]["way_in"], 2);
    assert_eq!(document["administrators"]["after"]["way_in"], 0);
}

/// C5: users who lose are a narrowing, exit 0; nothing lost is safe.
#[test]
fn c5_x1_others_may_lose_and_nobody_may() {
    let place = tempfile::tempdir().unwrap();
    let guests = json!({"includeUsers": ["b0b0b0b0-0000-4000-8000-0000000000b0"]});
    let file = change(place.path(), "CA011 Nobody", &guests, "block", "enabled");
    let (exit, document) = preflight(&["--change", &file]);
    assert_eq!(
        (exit, &document["verdict"]),
        (0, &json!("safe")),
        "{document:#}"
    );
    assert_eq!(document["lost"], json!([]));
    let off = json!({"includeUsers": ["All"]});
    let file = change(place.path(), "CA012 Off", &off, "block", "disabled");
    assert_eq!(preflight(&["--change", &file]).1["verdict"], "safe");
}

/// C5: a report-only policy does nothing now, and what it will do is said.
#[test]
fn c5_a_report_only_policy_is_judged_for_the_day_it_goes_live() {
    let place = tempfile::tempdir().unwrap();
    let users = json!({"includeUsers": ["All"]});
    let state = "enabledForReportingButNotEnforced";
    let file = change(place.path(), "CA011 Trial", &users, "block", state);
    let (exit, document) = preflight(&["--change", &file]);
    assert_eq!((exit, &document["verdict"]), (0, &json!("safe")));
    assert_eq!(document["if_report_only_enabled"]["verdict"], "locks-out");
    let (exit, document) = preflight(&["--change", &file, "--enable-report-only"]);
    assert_eq!((exit, &document["verdict"]), (1, &json!("locks-out")));
}

/// C5: what is deleted is named by id or name; near names are offered.
#[test]
fn c5_a_policy_is_deleted_by_id_or_name() {
    let (exit, by_name) = preflight(&["--delete", "ca004 break glass: keys and short sessions"]);
    assert_eq!(exit, 0);
    let (_, by_id) = preflight(&["--delete", "7B3E2037-41C2-4D8A-B6F0-9C5D1E2A6371"]);
    assert_eq!(by_name, by_id);
    assert!(by_name["changes"][0].as_str().unwrap().contains("CA004"));
    let output = run(&[
        "lockout",
        "preflight",
        "--tenant",
        "contoso",
        "--delete",
        "CA004 Brake glass",
    ]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("near names: CA004 Break glass: keys and short sessions"),
        "{}",
        err(&output)
    );
}

/// A directory of policies is read, hidden files and others are not; `-` is standard input.
#[test]
fn c5_changes_come_from_directories_and_standard_input() {
    let place = tempfile::tempdir().unwrap();
    let inner = place.path().join("more");
    fs::create_dir(&inner).unwrap();
    let users = json!({"includeUsers": ["All"]});
    change(place.path(), "CA011 One", &users, "block", "disabled");
    change(&inner, "CA012 Two", &users, "block", "disabled");
    fs::write(place.path().join("README.md"), "# Policies").unwrap();
    fs::write(place.path().join(".hidden.json"), "nonsense").unwrap();
    let (exit, document) = preflight(&["--change", place.path().to_str().unwrap()]);
    assert_eq!(exit, 0);
    assert_eq!(document["changes"].as_array().unwrap().len(), 2);
    let call = [
        "lockout",
        "preflight",
        "--tenant",
        "contoso-modern",
        "--change",
        "-",
    ];
    let output = run_with_input(
        &call,
        policy("CA011", &users, "block", "enabled").as_bytes(),
    );
    assert_eq!(code(&output), 1, "{}", err(&output));
    fs::write(place.path().join("broken.json"), "{").unwrap();
    fs::write(inner.join("empty.json"), "").unwrap();
    let output = run(&[
        "lockout",
        "preflight",
        "--tenant",
        "contoso",
        "--change",
        place.path().to_str().unwrap(),
    ]);
    assert_eq!(code(&output), 2);
    for file in ["broken.json", "empty.json", "2 files"] {
        assert!(err(&output).contains(file), "{}", err(&output));
    }
}

/// Without a declared account nothing is called safe.
#[test]
fn a1_c5_without_a_declared_account_it_cannot_be_told() {
    let place = tempfile::tempdir().unwrap();
    let users = json!({"includeUsers": ["All"]});
    let file = change(place.path(), "CA011 Off", &users, "block", "disabled");
    let (exit, document) =
        document(&["lockout", "preflight", "--tenant", &file, "--change", &file]);
    valid("preflight", &document);
    assert_eq!((exit, &document["verdict"]), (3, &json!("cannot-tell")));
    assert!(
        document["missing"]
            .to_string()
            .contains("no emergency access account is declared")
    );
}

/// Where users were not read nobody is known who may lose, so nothing is called safe or a narrowing.
#[test]
fn x1_without_users_it_cannot_be_told_who_loses() {
    let place = tempfile::tempdir().unwrap();
    let person = place.path().join("person.txt");
    fs::write(
        &person,
        r#"{"id":"bg1","groups":["g-bg"],"roles":[],"methods":[{"combination":"fido2"}]}"#,
    )
    .unwrap();
    let account = format!("@{}", person.display());
    let users = json!({"includeUsers": ["All"], "excludeGroups": ["g-bg"]});
    let off = change(place.path(), "CA010 Off", &users, "block", "disabled");
    let file = change(place.path(), "CA011 Block", &users, "block", "enabled");
    let (exit, document) = document(&[
        "lockout",
        "preflight",
        "--tenant",
        &off,
        "--account",
        &account,
        "--change",
        &file,
    ]);
    assert_eq!((exit, &document["verdict"]), (3, &json!("cannot-tell")));
    assert!(
        document["missing"]
            .to_string()
            .contains("users were not read")
    );
}

/// X1: code scanning gets one result a loss, at the line of the file that causes it.
#[test]
fn x1_sarif_points_at_the_changed_file() {
    let place = tempfile::tempdir().unwrap();
    let file = change(
        place.path(),
        "CA011 Block",
        &json!({"includeUsers": ["All"]}),
        "block",
        "enabled",
    );
    let output = run(&[
        "lockout",
        "preflight",
        "--tenant",
        "contoso-modern",
        "--change",
        &file,
        "--format",
        "sarif",
    ]);
    assert_eq!(code(&output), 1);
    let log: Value = serde_json::from_str(&out(&output)).unwrap();
    let results = log["runs"][0]["results"].as_array().unwrap();
    let (_, document) = preflight(&["--change", &file]);
    assert_eq!(results.len(), document["lost"].as_array().unwrap().len());
    for result in results {
        let place = &result["locations"][0]["physicalLocation"];
        let uri = place["artifactLocation"]["uri"].as_str().unwrap();
        assert!(uri.starts_with("file:///") && uri.ends_with("ca011-block.json"));
        assert_eq!(place["region"]["startLine"], 2);
        let level = if result["ruleId"] == "lockout-user" {
            "warning"
        } else {
            "error"
        };
        assert_eq!(result["level"], level);
    }
    let rules: Vec<&str> = results
        .iter()
        .map(|r| r["ruleId"].as_str().unwrap())
        .collect();
    for rule in ["lockout-account", "lockout-administrator", "lockout-user"] {
        assert!(rules.contains(&rule), "{rules:?}");
    }
}

/// X1: a CI server gets one case a claim, and the witness of what fails.
#[test]
fn x1_junit_has_one_case_a_claim() {
    let place = tempfile::tempdir().unwrap();
    let file = change(
        place.path(),
        "CA011 Block",
        &json!({"includeUsers": ["All"]}),
        "block",
        "enabled",
    );
    let call = |file: &str| {
        out(&run(&[
            "lockout",
            "preflight",
            "--tenant",
            "contoso-modern",
            "--change",
            file,
            "--format",
            "junit",
        ]))
    };
    let text = call(&file);
    assert!(
        text.contains(r#"tests="4" skipped="0" failures="4""#),
        "{text}"
    );
    assert!(text.contains("BreakGlass01@contoso.onmicrosoft.com keeps every sign-in"));
    assert!(text.contains("signing in to Microsoft Entra admin center"));
    let file = change(
        place.path(),
        "CA012 Off",
        &json!({"includeUsers": ["All"]}),
        "block",
        "disabled",
    );
    let text = call(&file);
    assert!(text.contains(r#"failures="0" errors="0""#), "{text}");
}

/// C5, X1: what a person reads, whole. The name of the file differs in every run.
#[test]
fn c5_x1_the_preflight_reads_well() {
    let place = tempfile::tempdir().unwrap();
    let users = json!({"includeUsers": ["All"], "excludeGroups": [GROUP]});
    let file = change(place.path(), "CA011 Block", &users, "block", "enabled");
    for format in ["text", "markdown"] {
        let mut command = crate::support::program();
        let output = command
            .args([
                "lockout",
                "preflight",
                "--tenant",
                "contoso-modern",
                "--at",
                AT,
            ])
            .args([
                "--change",
                Path::new(&file).file_name().unwrap().to_str().unwrap(),
            ])
            .args(["--format", format])
            .current_dir(place.path())
            .output()
            .unwrap();
        let text = out(&output);
        assert!(text.chars().count() < 65_000);
        insta::assert_snapshot!(format!("preflight_{format}"), text);
    }
}
