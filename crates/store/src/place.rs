//! Where the store is: the address as a person writes it, checked and made ready.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use url::Url;

use crate::{
    dialect::{Dialect, POSTGRES, SQLITE},
    error::{ErrorClass, StoreError},
};

const WHAT: &str = "open the store";

/// An address that was understood.
#[derive(Debug)]
pub(crate) struct Place {
    /// For messages: no password.
    pub(crate) shown: String,
    /// For the driver. May hold a password.
    pub(crate) url: String,
    pub(crate) dialect: &'static Dialect,
    /// A SQLite database without a file: one connection for everything.
    pub(crate) memory: bool,
}

impl Place {
    /// Reads `sqlite:<path>`, `sqlite::memory:` or `postgres://…`. For a file, its directory must
    /// exist; the file is created, readable for its owner only.
    pub(crate) fn parse(address: &str) -> Result<Self, StoreError> {
        if address.starts_with("postgres://") || address.starts_with("postgresql://") {
            return Self::postgres(address);
        }
        match address.strip_prefix("sqlite:") {
            Some(":memory:") => Ok(Self {
                shown: "sqlite::memory:".to_owned(),
                url: "sqlite::memory:".to_owned(),
                dialect: &SQLITE,
                memory: true,
            }),
            Some(path) => Self::sqlite(path.strip_prefix("//").unwrap_or(path)),
            None => {
                // The text may be a mistyped address with a password in it: only its scheme is shown.
                let scheme: String = address.chars().take_while(|c| *c != ':').take(20).collect();
                Err(StoreError::new(
                    ErrorClass::Config,
                    WHAT,
                    "an unknown database",
                    format!("an address that starts with `{scheme}` is not understood"),
                )
                .with_next("Write `sqlite:<path>` or `postgres://<user>@<host>/<database>`"))
            }
        }
    }

    fn postgres(address: &str) -> Result<Self, StoreError> {
        let url = Url::parse(address).map_err(|error| {
            StoreError::new(
                ErrorClass::Config,
                WHAT,
                "a PostgreSQL server",
                format!("the address is not a URL ({error})"),
            )
            .with_next(
                "Write `postgres://<user>@<host>/<database>`; `%`-escape `@ : / ? #` in a password",
            )
        })?;
        let mut shown = url.clone();
        // Neither can fail for an address that has a host; without one there is no password.
        if shown.set_password(None).is_err() {
            shown.set_path("");
        }
        shown.set_query(None);
        Ok(Self {
            shown: shown.to_string(),
            url: address.to_owned(),
            dialect: &POSTGRES,
            memory: false,
        })
    }

    fn sqlite(path: &str) -> Result<Self, StoreError> {
        let config = |why: String, next: &'static str| {
            StoreError::new(ErrorClass::Config, WHAT, path, why).with_next(next)
        };
        if path.is_empty() {
            return Err(config(
                "the address names no file".to_owned(),
                "Write `sqlite:<path>`",
            ));
        }
        let file = Path::new(path);
        let parent = match file.parent() {
            Some(parent) if !parent.as_os_str().is_empty() => parent,
            _ => Path::new("."),
        };
        let parent = fs::canonicalize(parent).map_err(|error| {
            config(
                format!(
                    "the directory {} cannot be used ({error})",
                    parent.display()
                ),
                "Create the directory, or name one that exists",
            )
        })?;
        let Some(name) = file.file_name() else {
            return Err(config(
                "it names no file".to_owned(),
                "Write `sqlite:<path>`",
            ));
        };
        let full = parent.join(name);
        if full.is_dir() {
            return Err(config(
                "it is a directory".to_owned(),
                "Name a file in it, such as `breakglass.db`",
            ));
        }
        create(&full).map_err(|error| {
            let class = match error.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorClass::Disk,
                _ => ErrorClass::Config,
            };
            StoreError::new(class, WHAT, path, error.to_string())
        })?;
        let shown = full.display().to_string();
        Ok(Self {
            url: format!("sqlite:{}?mode=rw", escape(&shown)),
            shown,
            dialect: &SQLITE,
            memory: false,
        })
    }
}

/// Creates the file when it is missing. SQLite gives its journal the same rights as the file. A file
/// that exists is not even opened: closing it would release the locks that SQLite holds on it for
/// another store of this process.
fn create(path: &PathBuf) -> io::Result<()> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        other => other.map(drop),
    }
}

/// Escapes what has a meaning in a URL.
fn escape(path: &str) -> String {
    use std::fmt::Write as _;
    let mut url = String::with_capacity(path.len());
    for byte in path.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'_' | b'-' => {
                url.push(char::from(byte));
            }
            // Writing to a `String` cannot fail.
            _ => drop(write!(url, "%{byte:02X}")),
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn g10_a_password_is_never_shown() {
        let place = Place::parse("postgres://bg:canary-7@db.example/bg?password=canary-7").unwrap();
        assert_eq!(place.shown, "postgres://bg@db.example/bg");
        for address in [
            "postgres//bg:canary-7@db",
            "postgres://bg:canary-7@db:port/x",
        ] {
            let error = Place::parse(address).unwrap_err();
            assert_eq!(error.class, ErrorClass::Config);
            assert!(
                !format!("{error} {error:?}").contains("canary-7"),
                "{error}"
            );
        }
    }
}
