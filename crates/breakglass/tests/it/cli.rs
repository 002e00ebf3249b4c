//! The contract of the command line itself.

use crate::support::{code, err, out, run};

#[test]
fn help_teaches_and_names_the_exit_codes() {
    let help = run(&["--help"]);
    assert_eq!(code(&help), 0);
    for word in ["demo", "check", "watch", "incident", "alert", "Exit codes"] {
        assert!(out(&help).contains(word), "{word}");
    }
    assert!(out(&run(&["check", "--help"])).contains("Examples:"));
}

#[test]
fn a_wrong_call_is_exit_2_with_nothing_on_standard_output() {
    for call in [
        &["chekc"][..],
        &["check", "--tenant"],
        &["check", "--tenant", "contoso", "--at", "yesterday"],
        &["check", "--tenant", "contoso", "--only", "BG999"],
        &["check", "--tenant", "contoso", "--account", ""],
        &["check"],
        &["check", "--explain", "BG999"],
        &["watch", "--source", "file:/nowhere"],
        &[
            "watch",
            "--no-alert",
            "--source",
            "kafka",
            "--account",
            "a@b.c",
        ],
        &["incident", "list"],
        &["incident", "show", "INC-1", "--data-dir", "/nowhere/at/all"],
        &["alert", "test"],
        &["schema", "nothing"],
        &["completions", "tcsh"],
    ] {
        let output = run(call);
        assert_eq!(code(&output), 2, "{call:?}: {}", err(&output));
        assert_eq!(out(&output), "", "{call:?}");
        assert!(!err(&output).trim().is_empty(), "{call:?}");
        assert!(!err(&output).contains("panicked"), "{call:?}");
    }
}

#[test]
fn every_schema_is_a_json_schema_of_its_document() {
    for name in [
        "check-report",
        "signal",
        "watch-summary",
        "incident-list",
        "incident",
        "alert-test",
    ] {
        let output = run(&["schema", name]);
        assert_eq!(code(&output), 0);
        let schema: serde_json::Value = serde_json::from_str(&out(&output)).unwrap();
        jsonschema::meta::validate(&schema).unwrap();
        assert_eq!(schema["$id"], format!("breakglass/{name}/v1"));
    }
}

#[test]
fn completions_and_the_manual_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&run(&["completions", shell])).contains("breakglass"));
    }
    assert!(out(&run(&["man"])).starts_with(".ie"));
}
