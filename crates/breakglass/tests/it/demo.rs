//! The first command of the README.

use std::{
    fs,
    process::{Command, Stdio},
};

use crate::{
    lab::LIMIT,
    support::{Killed, code, err, files, out, program, run, wait_until},
};

#[test]
fn the_demo_plays_every_step_and_exits_0() {
    let output = run(&["demo", "--once"]);
    assert_eq!(code(&output), 0, "{}\n{}", out(&output), err(&output));
    for shown in [
        "CANNOT TELL",
        "BreakGlass01",
        "400 records read, no signal",
        "tries a security key: refused (AADSTS53000) by CA003",
        "the key was right",
        "tries a security key: it is in",
        "refused with 403 by the restricted unit",
        "[CRITICAL] Emergency Access Activity",
        "INC-",
        "acknowledged",
    ] {
        assert!(
            out(&output).contains(shown),
            "{shown} is not shown:\n{}",
            out(&output)
        );
    }
}

/// Whoever has seen enough leaves nothing behind.
#[cfg(unix)]
#[test]
fn an_interrupted_demo_leaves_nothing_behind() {
    let place = tempfile::tempdir().unwrap();
    let temporary = place.path().join("tmp");
    fs::create_dir(&temporary).unwrap();
    let child = program()
        .arg("demo")
        .env("TMPDIR", &temporary)
        .current_dir(place.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let id = child.id().to_string();
    let mut child = Killed(child);
    wait_until("the demo", LIMIT, || {
        files(&temporary)
            .iter()
            .any(|file| file.ends_with("stream.ndjson"))
    });
    let sent = Command::new("kill").args(["-INT", &id]).status().unwrap();
    assert!(sent.success());
    wait_until("its end", LIMIT, || child.0.try_wait().unwrap().is_some());
    assert_eq!(child.0.wait().unwrap().code(), Some(4));
    assert_eq!(fs::read_dir(&temporary).unwrap().count(), 0);
}
