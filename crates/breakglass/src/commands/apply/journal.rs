//! What a run of `apply` did: a file beside the plan, a line for each event, on disk before the next thing is done.
//!
//! A step is *begun* before its write is sent and *done* when it was read back. After a crash a begun step may or may not
//! have been sent; whoever goes on looks at the tenant.

use std::{
    collections::BTreeMap,
    fs::{File, OpenOptions, TryLockError},
    io::{BufRead as _, BufReader, Seek as _, SeekFrom, Write as _},
    path::{Path, PathBuf},
};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{failure::Failure, output};

/// What happened to a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Event {
    /// Its write is about to be sent.
    Begun,
    /// It was read back.
    Done,
    /// Taking it back is about to be sent.
    UndoBegun,
    /// It was read back as taken back.
    Undone,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
struct Line {
    at: Timestamp,
    digest: String,
    step: String,
    event: Event,
    /// The object that the step made or changed, for the names that later steps use.
    #[serde(default, skip_serializing_if = "Value::is_null")]
    object: Value,
}

/// The journal of one plan. Only one program at a time has it.
#[derive(Debug)]
pub(super) struct Journal {
    path: PathBuf,
    file: File,
    digest: String,
    last: BTreeMap<String, (Event, Value)>,
}

/// The journal of a plan lies beside it.
pub(in crate::commands) fn beside(plan: &Path) -> PathBuf {
    let mut name = plan.file_name().unwrap_or_default().to_os_string();
    name.push(".journal");
    plan.with_file_name(name)
}

impl Journal {
    /// Takes the journal of a plan; a new one where there is none.
    ///
    /// # Errors
    /// When another program has it, it belongs to another plan, or it cannot be read or written.
    pub(super) fn open(plan: &Path, digest: &str) -> Result<Self, Failure> {
        let path = beside(plan);
        let failed = |error: std::io::Error| {
            Failure::broke(format!(
                "the journal `{}` cannot be used: {error}",
                path.display()
            ))
            .help("apply writes a journal beside the plan: put the plan where you may write")
        };
        let mut options = OpenOptions::new();
        options.create(true).read(true).append(true);
        // It names what was changed in the tenant: nobody else needs to know.
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Failure::usage(format!(
                    "another `apply` works on this plan (it holds `{}`)",
                    path.display()
                ))
                .help("wait for its end"));
            }
            Err(TryLockError::Error(error)) => return Err(failed(error)),
        }
        let mut journal = Self {
            path: path.clone(),
            file,
            digest: digest.to_owned(),
            last: BTreeMap::new(),
        };
        journal.read()?;
        Ok(journal)
    }

    fn read(&mut self) -> Result<(), Failure> {
        let shown = self.path.display().to_string();
        let failed = |error: std::io::Error| {
            Failure::broke(format!("the journal `{shown}` cannot be read: {error}"))
        };
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut whole = 0u64;
        let mut reader = BufReader::new(&self.file);
        let mut text = String::new();
        let mut place = 0u64;
        loop {
            text.clear();
            place += 1;
            let bytes = reader.read_line(&mut text).map_err(failed)?;
            if bytes == 0 {
                break;
            }
            // A line without its end was being written when the machine stopped: nothing was sent after it.
            if !text.ends_with('\n') {
                break;
            }
            let line: Line = serde_json::from_str(&text).map_err(|error| {
                let why = error.to_string();
                // A reader of one line counts it as the first.
                let why = why.split(" at line ").next().unwrap_or_default();
                Failure::usage(format!(
                    "the journal `{shown}` is damaged at line {place} column {}: {}",
                    error.column(),
                    output::one_line(why)
                ))
                .help(
                    "it tells what was done already; if it is lost, collect and plan again: the plan then starts from the tenant as it is",
                )
            })?;
            if line.digest != self.digest {
                return Err(Failure::usage(format!(
                    "the journal `{shown}` belongs to another plan (digest {})",
                    line.digest
                ))
                .help("write the new plan to another file, or move the old journal away if its steps are not to be undone"));
            }
            whole += bytes as u64;
            self.last.insert(line.step, (line.event, line.object));
        }
        drop(reader);
        self.file.set_len(whole).map_err(failed)
    }

    /// The last event of a step.
    pub(super) fn of(&self, step: &str) -> Option<Event> {
        self.last.get(step).map(|(event, _)| *event)
    }

    /// The object of a step, null where it has none.
    pub(super) fn object(&self, step: &str) -> &Value {
        self.last
            .get(step)
            .map_or(&Value::Null, |(_, object)| object)
    }

    /// Whether nothing was ever begun.
    pub(super) fn is_empty(&self) -> bool {
        self.last.is_empty()
    }

    /// Writes an event; when it returns, it is on disk.
    ///
    /// # Errors
    /// When it could not be written: nothing may be sent then.
    pub(super) fn write(
        &mut self,
        at: Timestamp,
        step: &str,
        event: Event,
        object: &Value,
    ) -> Result<(), Failure> {
        let object = match event {
            Event::Begun | Event::UndoBegun => self.object(step).clone(),
            Event::Done | Event::Undone => object.clone(),
        };
        let line = Line {
            at,
            digest: self.digest.clone(),
            step: step.to_owned(),
            event,
            object: object.clone(),
        };
        let failed = |error: String| {
            Failure::broke(format!(
                "the journal `{}` could not be written: {error}",
                self.path.display()
            ))
            .help("free space, then run the same command again: it goes on where it stopped")
        };
        let mut text = serde_json::to_string(&line).map_err(|error| failed(error.to_string()))?;
        text.push('\n');
        self.file
            .write_all(text.as_bytes())
            .and_then(|()| self.file.sync_data())
            .map_err(|error| failed(error.to_string()))?;
        self.last.insert(step.to_owned(), (event, object));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_done_is_known_after_a_crash_in_the_middle_of_a_line() {
        let dir = tempfile::tempdir().unwrap();
        let plan = dir.path().join("plan.json");
        let now = Timestamp::UNIX_EPOCH;
        let mut journal = Journal::open(&plan, "d").unwrap();
        assert!(journal.is_empty());
        journal.write(now, "a", Event::Begun, &Value::Null).unwrap();
        journal
            .write(now, "a", Event::Done, &json!({"id": "1"}))
            .unwrap();
        journal.write(now, "b", Event::Begun, &Value::Null).unwrap();
        drop(journal);
        let path = beside(&plan);
        let mut file = OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"{\"at\":\"2026").unwrap();
        drop(file);
        let mut journal = Journal::open(&plan, "d").unwrap();
        assert_eq!(journal.of("a"), Some(Event::Done));
        assert_eq!(journal.object("a")["id"], "1");
        assert_eq!(journal.of("b"), Some(Event::Begun));
        journal.write(now, "b", Event::Done, &Value::Null).unwrap();
        drop(journal);
        assert_eq!(
            Journal::open(&plan, "d").unwrap().of("b"),
            Some(Event::Done)
        );
        assert!(Journal::open(&plan, "other").is_err());
    }

    #[test]
    fn two_runs_at_once_are_refused() {
        let dir = tempfile::tempdir().unwrap();
        let plan = dir.path().join("plan.json");
        let _one = Journal::open(&plan, "d").unwrap();
        assert!(
            Journal::open(&plan, "d")
                .unwrap_err()
                .message
                .contains("another `apply`")
        );
    }
}
