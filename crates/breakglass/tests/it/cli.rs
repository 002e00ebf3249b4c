//! The contract of the command line itself.

use crate::support::{code, err, out, program, run, run_with_input};

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
        &[
            "check",
            "--tenant",
            "contoso",
            "--only",
            "BG001",
            "--skip",
            "BG001,two-accounts",
        ],
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

/// A terminal as narrow as a telephone is written for: no line is longer, but for a long word or a command to copy.
#[test]
fn text_fits_the_terminal() {
    for columns in [40, 60, 80] {
        for call in [
            &["check", "--tenant", "contoso"][..],
            &["check", "--tenant", "contoso", "--verbose"],
            &["check", "--list"],
            &["check", "--explain", "BG001"],
            &["lockout", "prove", "--tenant", "contoso"],
            &[
                "lockout",
                "whatif",
                "--tenant",
                "contoso",
                "--user",
                "adele.admin@contoso.com",
                "--app",
                "Exchange Online",
            ],
            &[
                "lockout",
                "preflight",
                "--tenant",
                "contoso",
                "--delete",
                "CA004 Break glass: keys and short sessions",
            ],
            &["plan", "--tenant", "contoso"],
            &["key", "list", "--tenant", "contoso"],
            &["key", "identify", "ee041bce-25e5-4cdb-8f86-897fd6418464"],
            &["check", "--help"],
        ] {
            let output = program()
                .args(call)
                .env("COLUMNS", columns.to_string())
                .output()
                .unwrap();
            assert!(!out(&output).is_empty(), "{call:?}: {}", err(&output));
            let text = out(&output);
            // Ids, paths and permissions are one word, and commands one line: they stay whole where they are to be copied.
            let mut long = text.lines().filter(|line| {
                let word = line
                    .split_whitespace()
                    .map(|word| word.chars().count())
                    .max();
                line.chars().count() > columns
                    && word.is_some_and(|word| word < columns - 16)
                    && !line.contains("breakglass ")
                    && !line.trim_start().starts_with("az ")
            });
            assert_eq!(long.next(), None, "{columns} {call:?}");
        }
    }
}

/// Whoever copies an example from the help gets an answer: those on a built-in tenant that need no file are run.
#[test]
fn examples_of_the_help_are_good_calls() {
    let page = include_str!("../../../../docs/command-line.md").replace("\\\n", " ");
    let examples: Vec<&str> = page
        .lines()
        .map(str::trim)
        .filter(|line| line.starts_with("breakglass ") && line.contains("--tenant contoso"))
        .filter(|line| !line.contains(".json") && !line.contains("breakglass lab"))
        .collect();
    assert!(examples.len() >= 5, "{examples:?}");
    let place = tempfile::tempdir().unwrap();
    for example in examples {
        let call = example.replacen("breakglass ", "\"$PROGRAM\" ", 1);
        let output = std::process::Command::new("sh")
            .args(["-c", &call])
            .env("PROGRAM", env!("CARGO_BIN_EXE_breakglass"))
            .current_dir(place.path())
            .output()
            .unwrap();
        assert!(
            matches!(code(&output), 0 | 1 | 3),
            "{example}: {}",
            err(&output)
        );
    }
}

#[test]
fn completions_and_the_manual_are_written() {
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&run(&["completions", shell])).contains("breakglass"));
    }
    assert!(out(&run(&["man"])).starts_with(".ie"));
}

/// What an option names as a file is a file: no device is replaced, no directory made, and nothing is done before.
#[test]
fn r2_a_result_goes_to_a_file_or_nowhere() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("missing/plan.json");
    let missing = missing.to_str().unwrap();
    let here = folder.path().to_str().unwrap();
    let collect = ["collect", "--login", "azure-cli", "--out"];
    let plan = ["plan", "--tenant", "contoso", "--out"];
    for call in [&collect[..], &plan[..]] {
        for (path, why) in [
            ("-", "`-` is none"),
            ("/dev/null", "is a device or a pipe"),
            (missing, "its directory is not there"),
            (here, "is a directory"),
        ] {
            let mut call = call.to_vec();
            call.push(path);
            let output = run(&call);
            assert_eq!(code(&output), 2, "{call:?}: {}", err(&output));
            assert!(err(&output).contains(why), "{call:?}: {}", err(&output));
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Where nobody may write, that is said before anybody signs in.
#[cfg(target_os = "linux")]
#[test]
fn r2_a_place_that_takes_no_file_is_told_first() {
    // Not even the administrator of the machine makes a file there.
    for call in [
        [
            "collect",
            "--login",
            "device-code",
            "--out",
            "/proc/read.json",
        ],
        ["plan", "--tenant", "contoso", "--out", "/proc/plan.json"],
    ] {
        let output = run(&call);
        assert_eq!(code(&output), 2, "{}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("nothing can be written in `/proc`")
                && told.contains("help: name a file"),
            "{told}"
        );
    }
}

/// A file that was named by mistake is still what it was: only a result of the same kind may be replaced.
#[test]
fn r2_a_result_takes_the_place_of_nothing_else() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let (register, config, plan) = (of("register.toml"), of("breakglass.toml"), of("plan.json"));
    let (empty, packed) = (of("empty"), of("other.gz"));
    let text = "schema = \"breakglass/register/v1\"\n";
    std::fs::write(&register, text).unwrap();
    std::fs::write(&config, "").unwrap();
    std::fs::write(&empty, "").unwrap();
    std::fs::write(&packed, [0x1f, 0x8b, 8, 0]).unwrap();
    let link = of("link");
    std::os::unix::fs::symlink(&register, &link).unwrap();
    let contoso = ["plan", "--tenant", "contoso", "--out"];
    let collect = ["collect", "--login", "azure-cli", "--config", &config];
    let import = ["key", "mds", "import", &config, "--out"];
    let watch = [
        "watch",
        "--no-alert",
        "--account",
        "a@b.example",
        "--source",
        &empty,
        "--summary",
    ];
    for (call, why) in [
        (
            [&contoso[..], &[&register, "--register", &register]].concat(),
            "is the file that --register reads",
        ),
        (
            [&contoso[..], &[&link, "--register", &register]].concat(),
            "is the file that --register reads",
        ),
        ([&contoso[..], &[&register]].concat(), "is not a plan"),
        ([&contoso[..], &[&packed]].concat(), "is not a plan"),
        (
            [&collect[..], &["--out", &register]].concat(),
            "is not a snapshot",
        ),
        (
            [&collect[..], &["--out", &register, "--register", &register]].concat(),
            "is the file that --register reads",
        ),
        (
            [&import[..], &[&register]].concat(),
            "is not a metadata file",
        ),
        ([&watch[..], &[&register]].concat(), "is not a summary"),
    ] {
        let output = run(&call);
        assert_eq!(code(&output), 2, "{call:?}: {}", err(&output));
        assert!(err(&output).contains(why), "{call:?}: {}", err(&output));
        assert_eq!(
            std::fs::read_to_string(&register).unwrap(),
            text,
            "{call:?}"
        );
    }
    // A plan may be made anew, and an empty file is nothing to lose.
    for path in [&plan, &plan, &empty] {
        let output = run(&[&contoso[..], &[path]].concat());
        assert_eq!(code(&output), 1, "{}", err(&output));
    }
    let output = run(&["plan", "--tenant", &plan, "--out", &plan]);
    assert!(
        err(&output).contains("is the file that --tenant reads"),
        "{}",
        err(&output)
    );
}

/// A result that nobody can read is told with what was done before.
#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_told_with_what_was_done() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("plan.json");
    let call = |arguments: &[&str]| {
        let full = std::fs::File::options()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let mut call = program();
        call.args(arguments).current_dir(folder.path()).stdout(full);
        let output = call.output().unwrap();
        assert_eq!(code(&output), 4, "{}", err(&output));
        err(&output)
    };
    let told = call(&[
        "plan",
        "--tenant",
        "contoso",
        "--out",
        path.to_str().unwrap(),
    ]);
    assert!(told.contains("plan.json` is written;"), "{told}");
    assert!(path.exists());
    for read in [&["check", "--tenant", "contoso"][..], &["schema", "plan"]] {
        let told = call(read);
        assert!(
            told.contains("free space") && !told.contains("changed"),
            "{told}"
        );
    }
}

/// A file that is no part of a tenant: what is asked about the tenant cannot be told, and nothing is advised that would
/// not help.
#[test]
fn a_file_that_is_no_tenant_is_no_tenant_to_any_command() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("notes.txt");
    std::fs::write(&path, "to do").unwrap();
    let path = path.to_str().unwrap();
    let config = folder.path().join("breakglass.toml");
    let config = config.to_str().unwrap();
    for call in [
        &["plan", "--tenant", path, "--account", "a@b.example"][..],
        &["key", "list", "--tenant", path],
        &["init", "--yes", "--from", path, "--out", config],
    ] {
        let output = run(call);
        assert_eq!(code(&output), 3, "{call:?}: {}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("not JSON") && told.contains("nothing in the input"),
            "{told}"
        );
        assert!(!told.contains("grant"), "{told}");
    }
    assert!(!std::path::Path::new(config).exists());
}

/// With one account as with two: where nothing of a tenant was read, nothing is known of it.
#[test]
fn a1_a_file_that_is_no_tenant_gives_no_verdict() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tenant.json");
    let name = path.to_str().unwrap();
    for bytes in [&b""[..], b"{}", &[0, 159, 146, 150], &[0x1f, 0x8b, 8, 0]] {
        std::fs::write(&path, bytes).unwrap();
        let output = run(&["check", "--tenant", name, "--account", "a@b.example"]);
        assert_eq!(code(&output), 3, "{bytes:?}: {}", out(&output));
        assert!(!out(&output).contains("0 of 1"), "{}", out(&output));
        assert!(out(&output).contains("0 passed"), "{}", out(&output));
    }
}

/// Where a file is broken is said, from a file as from standard input.
#[test]
fn a_broken_tenant_is_told_with_its_place() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("cut.json");
    let name = path.to_str().unwrap();
    for (text, says) in [
        ("{\n \"value\": [", "(line 2 column 11: not valid JSON"),
        ("", "empty"),
        (" \n", "empty"),
    ] {
        std::fs::write(&path, text).unwrap();
        for output in [
            run(&["plan", "--tenant", name]),
            run_with_input(&["plan", "--tenant", "-"], text.as_bytes()),
        ] {
            assert_eq!(code(&output), 3, "{}", err(&output));
            assert!(err(&output).contains(says), "{says}: {}", err(&output));
        }
    }
}

#[test]
fn a_document_of_another_kind_is_called_so() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.json");
    let name = path.to_str().unwrap();
    for (text, why) in [
        ("nope", "is not JSON"),
        ("[]", "does not say `\"schema\""),
        (
            r#"{"schema": "breakglass/plan/v1"}"#,
            "of another kind: breakglass/plan/v1",
        ),
        (r#"{"schema": "breakglass/check-report/v1"}"#, "is damaged"),
    ] {
        std::fs::write(&path, text).unwrap();
        let output = run(&["check", "--tenant", "contoso", "--baseline", name]);
        assert_eq!(code(&output), 2, "{}", err(&output));
        assert!(err(&output).contains(why), "{}", err(&output));
    }
}
