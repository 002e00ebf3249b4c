//! Why the store could not do what it was asked.

use std::io;

/// What kind of trouble it is, and so what helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ErrorClass {
    /// The address, the rights or the version are wrong: a person must change something.
    Config,
    /// The disk is full or broken.
    Disk,
    /// Somebody else is writing; trying again helps.
    Busy,
    /// What is stored is not what was written, or not a store.
    Corrupt,
    /// The database server cannot be reached.
    Network,
    /// The caller no longer owns what it wants to change, or it does not exist.
    Conflict,
}

/// Why the store could not do what it was asked. The text says what was tried, where, why it failed
/// and what to do next; it never holds a password.
#[derive(Debug, thiserror::Error)]
#[error("cannot {what} in {place}: {why}. {next}")]
pub struct StoreError {
    /// The kind of trouble.
    pub class: ErrorClass,
    /// The process must stop and start again before it may write: what the last write left on the disk
    /// is unknown.
    pub fatal: bool,
    /// What was tried, as a verb phrase.
    pub what: &'static str,
    /// The file or server, without a password.
    pub place: Box<str>,
    /// The reason.
    pub why: Box<str>,
    /// What to do next.
    pub next: &'static str,
    /// The error beneath.
    #[source]
    pub source: Option<Box<sqlx::Error>>,
}

impl StoreError {
    /// An error that the store itself found.
    pub(crate) fn new(
        class: ErrorClass,
        what: &'static str,
        place: &str,
        why: impl Into<String>,
    ) -> Self {
        Self {
            class,
            fatal: false,
            what,
            place: place.into(),
            why: why.into().into(),
            next: next_step(class),
            source: None,
        }
    }

    pub(crate) fn with_next(mut self, next: &'static str) -> Self {
        self.next = next;
        self
    }

    /// An error of the database, classed.
    pub(crate) fn from_sqlx(what: &'static str, place: &str, source: sqlx::Error) -> Self {
        let (class, fatal) = classify(&source);
        let why = match &source {
            sqlx::Error::Database(error) => match error.code() {
                Some(code) => format!("{} (code {code})", error.message()),
                None => error.message().to_owned(),
            },
            // A configuration error of the driver may quote the address, password included.
            sqlx::Error::Configuration(_) => "the address is not understood".to_owned(),
            sqlx::Error::PoolTimedOut => "no connection became free in time".to_owned(),
            other => other.to_string(),
        };
        let source = (!matches!(source, sqlx::Error::Configuration(_))).then(|| Box::new(source));
        Self {
            class,
            fatal,
            what,
            place: place.into(),
            why: why.into(),
            next: if fatal {
                "Stop, check the disk, and start again: what the last write left is unknown"
            } else {
                next_step(class)
            },
            source,
        }
    }
}

fn next_step(class: ErrorClass) -> &'static str {
    match class {
        ErrorClass::Config => "Check the address and the rights on it",
        ErrorClass::Disk => {
            "Free space on the disk or repair it, then run again; what was acknowledged is kept"
        }
        ErrorClass::Busy => {
            "Try again; if it lasts, look for a second process that holds the database"
        }
        ErrorClass::Corrupt => "Keep the database as it is and restore a backup beside it",
        ErrorClass::Network => {
            "Check that the database server runs and can be reached, then run again"
        }
        ErrorClass::Conflict => "Read the present state and decide again",
    }
}

/// Class of a database error, and whether it is fatal.
fn classify(error: &sqlx::Error) -> (ErrorClass, bool) {
    match error {
        sqlx::Error::Database(error) => {
            let code = error.code().unwrap_or_default();
            match code.parse::<u32>() {
                // SQLSTATE of PostgreSQL has five characters, and `53100` is a number too.
                Ok(number) if code.len() < 5 => sqlite_class(number),
                _ => (sqlstate_class(&code), false),
            }
        }
        sqlx::Error::Io(error) => (io_class(error), false),
        sqlx::Error::PoolTimedOut => (ErrorClass::Busy, false),
        sqlx::Error::Configuration(_) => (ErrorClass::Config, false),
        sqlx::Error::Tls(_)
        | sqlx::Error::Protocol(_)
        | sqlx::Error::WorkerCrashed
        | sqlx::Error::PoolClosed => (ErrorClass::Network, false),
        _ => (ErrorClass::Corrupt, false),
    }
}

fn io_class(error: &io::Error) -> ErrorClass {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ErrorClass::Disk,
        _ => ErrorClass::Network,
    }
}

/// Result codes of SQLite: the primary code is the low byte, the rest says more.
fn sqlite_class(code: u32) -> (ErrorClass, bool) {
    const IOERR_FSYNC: u32 = 0x0a | (4 << 8);
    const IOERR_DIR_FSYNC: u32 = 0x0a | (5 << 8);
    let fatal = matches!(code, IOERR_FSYNC | IOERR_DIR_FSYNC);
    let class = match code & 0xff {
        5 | 6 => ErrorClass::Busy,
        // full, input/output error
        10 | 13 => ErrorClass::Disk,
        // permission, read-only, cannot open, authorisation
        3 | 8 | 14 | 23 => ErrorClass::Config,
        // constraint: also what the append-only triggers raise
        19 => ErrorClass::Conflict,
        // malformed (11), not a database (26), and what should not happen
        _ => ErrorClass::Corrupt,
    };
    (class, fatal)
}

/// SQLSTATE of PostgreSQL.
fn sqlstate_class(code: &str) -> ErrorClass {
    match code {
        "53100" | "58030" => ErrorClass::Disk,
        "XX001" | "XX002" => ErrorClass::Corrupt,
        "57P01" | "57P02" | "57P03" => ErrorClass::Network,
        "40001" | "40P01" | "55P03" | "57014" => ErrorClass::Busy,
        _ => match code.get(..2) {
            Some("08") => ErrorClass::Network,
            Some("53") => ErrorClass::Busy,
            Some("28" | "3D" | "42" | "25") => ErrorClass::Config,
            Some("23" | "P0") => ErrorClass::Conflict,
            _ => ErrorClass::Corrupt,
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_of_both_databases_are_classed() {
        assert_eq!(sqlite_class(13), (ErrorClass::Disk, false));
        assert_eq!(sqlite_class(1034), (ErrorClass::Disk, true));
        assert_eq!(sqlite_class(517), (ErrorClass::Busy, false));
        assert_eq!(sqlite_class(26), (ErrorClass::Corrupt, false));
        assert_eq!(sqlstate_class("53100"), ErrorClass::Disk);
        assert_eq!(sqlstate_class("28P01"), ErrorClass::Config);
        assert_eq!(sqlstate_class("55P03"), ErrorClass::Busy);
        assert_eq!(sqlstate_class("08006"), ErrorClass::Network);
    }
}
