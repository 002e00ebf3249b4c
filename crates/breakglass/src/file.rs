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
    let error = match file::place(path) {
        Ok(path) => return writable(option, &path),
        Err(error) => error,
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

/// That a file can be made where the result will be: it is written under another name first, beside its place.
fn writable(option: &str, path: &Path) -> Result<(), Failure> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    tempfile::NamedTempFile::new_in(folder)
        .map(drop)
        .map_err(|error| {
            Failure::usage(format!(
                "{option}: nothing can be written in `{}`: {}",
                folder.display(),
                input::plain(&error)
            ))
            .help(format!(
                "name a file with {option} in a directory that you may write to; nothing was done"
            ))
        })
}

/// What a result of one kind may take the place of: an earlier one of the same kind.
#[derive(Clone, Copy, Debug)]
pub struct Kind<'a> {
    /// What such a file is called, with its article.
    pub noun: &'a str,
    /// What the beginning of such a file holds, white space left out.
    pub mark: &'a str,
    /// The files that the same call reads, by option.
    pub inputs: &'a [(&'a str, Option<&'a Path>)],
}

/// That whatever lies at the place of a result is an earlier one. A register, a configuration or a snapshot that was named
/// by mistake cannot be got back.
///
/// # Errors
/// A wrong call: it is a file that the call reads, or one of another kind. An empty file is nothing to lose.
pub fn only_over(option: &str, path: &Path, kind: &Kind<'_>) -> Result<(), Failure> {
    if !fs::metadata(path).is_ok_and(|about| about.is_file() && about.len() > 0) {
        return Ok(());
    }
    let help = format!("name another file with {option}; nothing was changed");
    let shown = path.display();
    let real = fs::canonicalize(path).ok();
    let same = |input: &Path| real.is_some() && fs::canonicalize(input).ok() == real;
    for (read_by, input) in kind.inputs {
        if input.is_some_and(same) {
            return Err(Failure::usage(format!(
                "{option}: `{shown}` is the file that {read_by} reads"
            ))
            .help(help));
        }
    }
    let is_one = match file::beginning(path, 4096) {
        Ok(bytes) => {
            let text: String = String::from_utf8_lossy(&bytes).split_whitespace().collect();
            text.contains(kind.mark)
        }
        // A file that cannot be read is not known to be worth nothing.
        Err(_) => false,
    };
    if is_one {
        return Ok(());
    }
    Err(Failure::usage(format!(
        "{option}: `{shown}` is there already, and is not {}",
        kind.noun
    ))
    .help(help))
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
