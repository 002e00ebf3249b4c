//! Watching: from bytes of a log to signals about emergency access accounts.
//!
//! The way of a record: [`sources`] opens a file, standard input or anything else that can be read and follows
//! it while it grows; [`decode`] takes off gzip and UTF-16; [`Scan`] tells lines, documents and tables apart and
//! cuts them into records (`document`, `table`); [`filter`] drops, by bytes alone, what cannot name anybody
//! on the [`WatchList`]; what is left is parsed by `breakglass_model::record` and judged by [`detect`].
//!
//! Invariants:
//! - the filter finds whatever a full parse of every record would find, in any letter case and any escape;
//! - every record is counted once: rows = skipped + signals + folded + set aside;
//! - a record that cannot be read never hides its neighbours, and is itself a signal if it names an account;
//! - memory does not grow with the input: no record above the limit is held;
//! - no clock, no environment, no network, no async; time comes from a `Clock`.

pub mod decode;
pub mod detect;
mod document;
pub mod filter;
mod folder;
mod list;
mod scan;
pub mod sources;
mod table;
pub mod words;

use std::path::PathBuf;

use breakglass_model::{SetAside, signal::Detected};

pub use folder::Folder;
pub use list::{GuardKind, Guarded, WatchList, WatchedAccount};
pub use scan::{Options, Receiver, Scan};
pub use sources::Source;

/// What a scan reports while it reads.
#[derive(Debug)]
pub enum Event {
    /// Something about a watched account or a guarded object.
    Signal(Box<Detected>),
    /// A piece of input that is no record and names nobody.
    SetAside(SetAside),
}

/// How many records went where. `rows` = `skipped` + `signals` + `folded` + `set_aside`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records met; blank lines, a CSV header and the wrapping of documents are none.
    pub rows: u64,
    /// Records about others.
    pub skipped: u64,
    /// Records that became signals, the unreadable ones included.
    pub signals: u64,
    /// Copies of a record that was already a signal.
    pub folded: u64,
    /// Records that are not valid and name nobody.
    pub set_aside: u64,
    /// Signals whose record cannot be parsed.
    pub unreadable: u64,
    /// Bytes read, after gzip and UTF-16 were taken off.
    pub bytes: u64,
}

/// Why a scan stopped.
#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    /// The source could not be opened.
    #[error("cannot open {}: {reason}. {next}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        reason: String,
        /// What to do.
        next: &'static str,
    },
    /// It could be opened, and then not be read to its end. What came before was read and counted.
    #[error(
        "cannot read {source_name} beyond byte {position}: {reason}. What came before was read; mend or fetch the source again and read it from there"
    )]
    Read {
        /// The source as the user named it.
        source_name: String,
        /// How many bytes were read, after gzip and UTF-16 were taken off.
        position: u64,
        /// Why.
        reason: String,
    },
    /// The receiver of the events refused one (disk full, pipe closed).
    #[error("stopped: {0}")]
    Stopped(Box<dyn std::error::Error + Send + Sync>),
}
