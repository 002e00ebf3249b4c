//! Secrets of channels: where they are, and their content in memory.

use std::{
    fmt, fs,
    path::{Path, PathBuf},
};

use crate::{failure::Failure, input};

/// The content of a secret. It cannot be printed.
#[derive(Clone)]
pub struct Secret(String);

impl Secret {
    /// The content, for the channel that needs it.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(secret)")
    }
}

/// Where a secret is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretPlace {
    /// A file that holds nothing else; a line end at its end is dropped.
    File(PathBuf),
    /// An environment variable.
    Environment(String),
}

impl SecretPlace {
    /// Reads the secret.
    pub fn read(&self, what: &str) -> Result<Secret, Failure> {
        let text = match self {
            Self::File(path) => {
                let text = fs::read_to_string(path)
                    .map_err(|error| input::not_opened(what, path, &error).usage_code())?;
                warn_if_open(what, path);
                text.trim_end_matches(['\r', '\n']).to_owned()
            }
            Self::Environment(name) => std::env::var_os(name)
                .and_then(|value| value.into_string().ok())
                .ok_or_else(|| {
                    Failure::usage(format!(
                        "{what}: the environment variable `{name}` is not set, or is not text"
                    ))
                    .help("set it where the program is started")
                })?,
        };
        if text.is_empty() {
            return Err(Failure::usage(format!("{what} is empty")));
        }
        Ok(Secret(text))
    }
}

/// Says it when others on this machine may read a secret's file.
#[cfg(unix)]
fn warn_if_open(what: &str, path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if fs::metadata(path).is_ok_and(|about| about.permissions().mode() & 0o077 != 0) {
        eprintln!(
            "warning: {what} `{0}` may be read by other users of this machine; `chmod 600 {0}`",
            path.display()
        );
    }
}

/// Access lists of Windows are not judged.
#[cfg(not(unix))]
fn warn_if_open(_what: &str, _path: &Path) {}
