//! Files that a command writes because somebody named them.

use std::{
    fs,
    io::{self, Write as _},
    path::Path,
};

use breakglass_entra::file;

use crate::{failure::Failure, input};

/// Whether a file that an option names may be written; asked before the work whose result goes there.
///
/// # Errors
/// A wrong call: what lies there is no file, or its directory is missing.
pub fn target(option: &str, path: &Path) -> Result<(), Failure> {
    if path == Path::new("-") {
        return Err(
            Failure::usage(format!("{option} names a file, and `-` is none"))
                .help(format!("name one with {option}, `./-` if that is its name")),
        );
    }
    let Err(error) = file::place(path) else {
        return Ok(());
    };
    let why = input::plain(&error);
    let why = why
        .strip_prefix("it ")
        .map_or_else(|| format!(": {why}"), |why| format!(" {why}"));
    Err(
        Failure::usage(format!("{option}: `{}`{why}", path.display()))
            .help("name a file in a directory that is there"),
    )
}

/// The same for a file whose directories are made where they are missing.
///
/// # Errors
/// As [`target`].
pub fn target_anywhere(option: &str, path: &Path) -> Result<(), Failure> {
    if path != Path::new("-") && fs::symlink_metadata(path).is_err() {
        return Ok(());
    }
    target(option, path)
}

/// Writes a file that was named: whole, or not at all.
///
/// # Errors
/// When the disk did not take it; what was there is as it was.
pub fn write(what: &str, path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    replace(path, bytes).map_err(|error| {
        Failure::broke(format!(
            "{what} could not be written to `{}`: {}",
            path.display(),
            input::plain(&error)
        ))
        .help("free space, or name a file in another directory")
    })
}

/// Writes a file in the place of another; see [`file::replace`].
pub fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    file::replace(path, |file| file.write_all(bytes))
}
