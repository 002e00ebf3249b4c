//! Input that breaks other readers.

use std::{
    fs,
    io::Write,
    process::{Command, Stdio},
};

use crate::support::{UPN, code, err, lines, out, program, run, run_with_input, shared, sign_in};

/// A line of two gigabytes is not held in memory, and its neighbours are found.
#[test]
fn a_line_of_two_gigabytes_hides_nothing() {
    let place = tempfile::tempdir().unwrap();
    let said = place.path().join("signals");
    let mut child = Command::new("sh")
        .args([
            "-c",
            "ulimit -v 900000; exec \"$0\" watch --no-alert --account \"$1\" --source -",
            env!("CARGO_BIN_EXE_breakglass"),
            UPN,
        ])
        .stdin(Stdio::piped())
        .stdout(fs::File::create(&said).unwrap())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut pipe = child.stdin.take().unwrap();
    writeln!(pipe, "{}", sign_in(1, "0")).unwrap();
    let block = vec![b'a'; 1 << 20];
    for _ in 0..2048 {
        pipe.write_all(&block).unwrap();
    }
    writeln!(pipe, "\n{}", sign_in(2, "0")).unwrap();
    drop(pipe);
    let output = child.wait_with_output().unwrap();
    let signals = fs::read_to_string(&said).unwrap();
    assert_eq!(signals.lines().count(), 2, "{}", err(&output));
    assert!(err(&output).contains("set aside"), "{}", err(&output));
}

/// A record of the account that no JSON parser accepts is a critical signal, and hides no neighbour.
#[test]
fn an_unreadable_record_of_the_account_is_a_critical_signal() {
    let broken = sign_in(2, "0").replace("Azure Portal", "\\ud800 lone surrogate");
    let input = format!("{}\n{broken}\n{}\n", sign_in(1, "0"), sign_in(3, "0"));
    let output = run_with_input(
        &["watch", "--no-alert", "--account", UPN, "--source", "-"],
        input.as_bytes(),
    );
    let signals = lines(&output);
    let kinds: Vec<_> = signals
        .iter()
        .map(|s| s["kind"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(
        kinds.iter().filter(|kind| *kind == "use").count(),
        2,
        "{kinds:?}"
    );
    let unreadable = signals.iter().find(|s| s["kind"] == "unreadable");
    assert_eq!(
        unreadable.unwrap_or_else(|| panic!("{kinds:?}"))["severity"],
        "critical"
    );
}

/// Nothing that an attacker writes into a record reaches the terminal as a control character.
#[test]
fn terminal_escapes_of_a_record_are_removed() {
    let hostile = sign_in(1, "0").replace("Azure Portal", "\\u001b[2J\\u202eevil");
    let output = run_with_input(
        &["watch", "--no-alert", "--account", UPN, "--source", "-"],
        hostile.as_bytes(),
    );
    let signal = &lines(&output)[0];
    for field in ["app", "summary"] {
        let text = signal[field].as_str().unwrap();
        assert!(
            !text.chars().any(|c| c.is_control() || c == '\u{202e}'),
            "{text:?}"
        );
        assert!(text.contains("evil"));
    }
}

/// Every file of the hostile corpus between two records of the account: both are found, nothing panics.
#[test]
fn hostile_files_hide_no_neighbour() {
    let Some(shared) = shared() else { return };
    for path in crate::support::files(&shared.join("hostile-input/test_parsing")) {
        let bytes = fs::read(&path).unwrap();
        // Some of the corpus is UTF-16; in a stream of UTF-8 lines that is just a broken line.
        let mut input = format!("{}\n", sign_in(1, "0")).into_bytes();
        input.extend(
            bytes
                .iter()
                .map(|byte| if *byte == b'\n' { b' ' } else { *byte }),
        );
        input.extend(format!("\n{}\n", sign_in(2, "0")).as_bytes());
        let output = run_with_input(
            &["watch", "--no-alert", "--account", UPN, "--source", "-"],
            &input,
        );
        assert!(
            !err(&output).contains("panicked"),
            "{}: {}",
            path.display(),
            err(&output)
        );
        assert_eq!(
            lines(&output).len(),
            2,
            "{}: {}",
            path.display(),
            err(&output)
        );
    }
}

/// An error quotes as much of what it does not understand as a person can read.
#[test]
fn a_long_value_is_not_repeated_in_the_error() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("value.json");
    let name = path.to_str().unwrap();
    let person = format!("@{name}");
    fs::write(&path, format!("\"{}\"", "a".repeat(1 << 19))).unwrap();
    for call in [
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--sign-in",
            name,
        ][..],
        &[
            "lockout",
            "prove",
            "--tenant",
            "contoso",
            "--account",
            &person,
        ],
        &[
            "lockout",
            "preflight",
            "--tenant",
            "contoso",
            "--change",
            name,
        ],
        &["check", "--tenant", "contoso", "--baseline", name],
        &["lab", "--tenant", name],
        &["apply", name],
    ] {
        let output = run(call);
        assert_eq!(code(&output), 2, "{call:?}: {:.300}", err(&output));
        assert!(err(&output).len() < 2000, "{call:?}: {:.300}", err(&output));
    }
}

/// A register, configuration or sign-in larger than people write is refused before it is parsed.
#[test]
fn a_text_that_nobody_wrote_is_not_read() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("large.toml");
    let name = path.to_str().unwrap();
    fs::write(&path, "# padding\n".repeat(200_000)).unwrap();
    for call in [
        &["check", "--tenant", "contoso", "--register", name][..],
        &["check", "--tenant", "contoso", "--config", name],
        &["watch", "--no-alert", "--source", "-", "--register", name],
        &[
            "lockout",
            "whatif",
            "--tenant",
            "contoso",
            "--sign-in",
            name,
        ],
    ] {
        let output = run(call);
        assert_eq!(code(&output), 2, "{call:?}: {}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("is larger than 1 MiB") && told.contains("large.toml"),
            "{told}"
        );
    }
    // What may be written is read in a time that nobody notices.
    let start = std::time::Instant::now();
    fs::write(&path, "[[account]]\n".repeat(80_000)).unwrap();
    let output = run(&["check", "--tenant", "contoso", "--register", name]);
    assert_eq!(code(&output), 2);
    assert!(start.elapsed().as_secs() < 30, "{:?}", start.elapsed());
    assert!(err(&output).len() < 100_000, "{}", err(&output).len());
}

/// A FIFO whose writer goes away is the end of the input, not an error.
#[test]
fn a_fifo_that_closes_ends_the_input() {
    let place = tempfile::tempdir().unwrap();
    let fifo = place.path().join("fifo");
    assert!(
        Command::new("mkfifo")
            .arg(&fifo)
            .status()
            .unwrap()
            .success()
    );
    let child = program()
        .args([
            "watch",
            "--no-alert",
            "--account",
            UPN,
            "--source",
            &format!("file:{}", fifo.display()),
        ])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut writer = fs::OpenOptions::new().write(true).open(&fifo).unwrap();
    write!(writer, "{}\n{}", sign_in(1, "0"), &sign_in(2, "0")[..80]).unwrap();
    drop(writer);
    let output = child.wait_with_output().unwrap();
    assert_eq!(
        out(&output)
            .lines()
            .filter(|line| line.contains("\"use\""))
            .count(),
        1,
        "{}",
        err(&output)
    );
    assert!(matches!(code(&output), 0 | 3), "{}", err(&output));
}

/// A truncated gzip file: what came before counts, and the run does not say that all is well.
#[test]
fn a_truncated_gzip_file_is_not_a_clean_end() {
    let place = tempfile::tempdir().unwrap();
    let plain = place.path().join("log.ndjson");
    let text: String = (0..2000)
        .map(|number| format!("{}\n", sign_in(number, "0")))
        .collect();
    fs::write(&plain, text).unwrap();
    assert!(Command::new("gzip").arg(&plain).status().unwrap().success());
    let packed = place.path().join("log.ndjson.gz");
    let whole = fs::read(&packed).unwrap();
    let source = format!("file:{}", packed.display());
    let output = run(&["watch", "--no-alert", "--account", UPN, "--source", &source]);
    assert_eq!(
        (code(&output), lines(&output).len()),
        (0, 2000),
        "{}",
        err(&output)
    );
    fs::write(&packed, &whole[..whole.len() / 2]).unwrap();
    let output = run(&["watch", "--no-alert", "--account", UPN, "--source", &source]);
    assert!(matches!(code(&output), 3 | 4), "{}", err(&output));
    assert!(!lines(&output).is_empty());
    assert!(err(&output).contains("log.ndjson.gz"), "{}", err(&output));
}

#[test]
fn a_source_that_cannot_be_read_is_named() {
    let place = tempfile::tempdir().unwrap();
    for (source, code_wanted) in [
        (place.path().join("nothing"), 2),
        (place.path().to_path_buf(), 2),
    ] {
        let output = run(&[
            "watch",
            "--no-alert",
            "--account",
            UPN,
            "--source",
            &format!("file:{}", source.display()),
        ]);
        assert_eq!(code(&output), code_wanted, "{}", err(&output));
        assert!(
            err(&output).contains(source.to_str().unwrap()),
            "{}",
            err(&output)
        );
    }
}
