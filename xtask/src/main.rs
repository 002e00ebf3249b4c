//! Tasks of the workspace: `generate [--check]`, `check-deps` and `real-data <directory>`.

mod check_deps;
mod generate;
mod real_data;

use std::{path::PathBuf, process::ExitCode};

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("..");
    let done = match arguments.as_slice() {
        ["generate"] => generate::write(&root),
        ["generate", "--check"] => generate::check(&root),
        ["real-data", folder] => real_data::write(&root, std::path::Path::new(folder)),
        ["check-deps"] => check_deps::check(&root),
        _ => Err(
            "usage: cargo xtask generate [--check] | check-deps | real-data <directory>".to_owned(),
        ),
    };
    match done {
        Ok(said) => {
            println!("{said}");
            ExitCode::SUCCESS
        }
        Err(why) => {
            eprintln!("xtask: {why}");
            ExitCode::FAILURE
        }
    }
}
