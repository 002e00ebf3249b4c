//! `init` where nobody can answer.

use std::{fs, process::Stdio};

use crate::support::{code, err, out, program};

fn init(place: &std::path::Path, arguments: &[&str]) -> std::process::Output {
    program()
        .arg("init")
        .args(arguments)
        .current_dir(place)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

/// The file that is written is one that the other commands take.
#[test]
fn init_writes_a_configuration_that_the_other_commands_take() {
    let place = tempfile::tempdir().unwrap();
    let output = init(place.path(), &["--from", "contoso", "--yes"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("2 accounts"), "{}", out(&output));
    let text = fs::read_to_string(place.path().join("breakglass.toml")).unwrap();
    for words in [
        "6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61",
        "BreakGlass01@contoso.onmicrosoft.com",
        "BreakGlass02@contoso.onmicrosoft.com",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
    let doctor = program()
        .args(["doctor", "--offline", "--config", "breakglass.toml"])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert!(
        out(&doctor).contains("✔ breakglass.toml: it is valid"),
        "{}{}",
        out(&doctor),
        err(&doctor)
    );
    let check = program()
        .args([
            "check",
            "--config",
            "breakglass.toml",
            "--tenant",
            "contoso",
        ])
        .current_dir(place.path())
        .output()
        .unwrap();
    assert_eq!(code(&check), 1, "{}", err(&check));
    assert!(out(&check).contains("BreakGlass02"));
}

#[test]
fn init_never_overwrites() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("breakglass.toml");
    fs::write(&file, "# mine\n").unwrap();
    let output = init(place.path(), &["--from", "contoso", "--yes"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("exists already"), "{}", err(&output));
    assert_eq!(fs::read_to_string(&file).unwrap(), "# mine\n");
    let output = init(place.path(), &["--yes", "--out", "-"]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(out(&output).contains("[tenant]"), "{}", out(&output));
}

#[test]
fn init_asks_nobody_who_cannot_answer() {
    let place = tempfile::tempdir().unwrap();
    let output = init(place.path(), &[]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--yes"), "{}", err(&output));
    assert!(!place.path().join("breakglass.toml").exists());
    let output = init(place.path(), &["--from", "absent.json", "--yes"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("absent.json"), "{}", err(&output));
    let output = init(place.path(), &["--yes", "--out", "no/such/place.toml"]);
    assert_ne!(code(&output), 0);
    assert!(err(&output).contains("no/such/place.toml"));
}
