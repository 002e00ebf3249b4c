//! `./test` runs every test, or fails: what it installs is required, and what it cannot install it names.

use std::{collections::BTreeSet, fs, path::Path};

use crate::support::files;

/// Words by which a test knows that what it lacks was to be there.
const REQUIRED: [&str; 3] = [
    "BREAKGLASS_TEST_REQUIRED",
    "BREAKGLASS_TEST_BROWSER",
    "BREAKGLASS_TEST_MOUNT",
];

#[test]
fn no_test_is_skipped_in_silence() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let script = fs::read_to_string(root.join("test")).unwrap();
    let exported: BTreeSet<&str> = script
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("export "))
        .flat_map(|names| names.split(' '))
        .map(|name| name.split('=').next().unwrap())
        .collect();
    for name in REQUIRED {
        assert!(exported.contains(name), "./test sets no {name}");
    }
    assert!(
        script.contains("cargo nextest run") && script.contains("--run-ignored all"),
        "./test leaves out the tests that wait"
    );
    let (mut skips, mut ignored) = (0, 0);
    for folder in fs::read_dir(root.join("crates")).unwrap() {
        let folder = folder.unwrap().path();
        for file in ["src", "tests"].map(|name| folder.join(name)) {
            if !file.is_dir() {
                continue;
            }
            for file in files(&file) {
                let is_own = file.ends_with(file!()) || file.ends_with("tests/it/all_run.rs");
                if is_own || file.extension().is_none_or(|kind| kind != "rs") {
                    continue;
                }
                let text = fs::read_to_string(&file).unwrap();
                ignored += text.matches("#[ignore").count();
                let lines: Vec<&str> = text.lines().collect();
                for (number, line) in lines.iter().enumerate() {
                    let Some((_, why)) = line.split_once("println!(\"skipped: ") else {
                        continue;
                    };
                    skips += 1;
                    let near = lines[number.saturating_sub(8)..number].concat();
                    // The variable of an installation is always set by ./test, so that the line is not reached there.
                    let told = lines[number.saturating_sub(3)..=number].concat();
                    let is_set = told.contains("./test installs what it names")
                        && (why.starts_with('{')
                            || exported.iter().any(|name| told.contains(name)));
                    assert!(
                        why.starts_with("no shared data")
                            || is_set
                            || REQUIRED.iter().any(|name| near.contains(name)),
                        "{}:{}: {why}",
                        file.display(),
                        number + 1
                    );
                }
            }
        }
    }
    assert!(skips > 10 && ignored > 1, "{skips} {ignored}");
}
