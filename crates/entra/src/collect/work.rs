//! The working directory of a collection: what was read so far, on disk.
//!
//! Beside the snapshot `<out>` lies `<out>.part/` with one NDJSON file for each finished step, and `state.json`, which
//! says which steps are finished. A file is written under another name, synced and renamed; only then does `state.json`
//! name it, in the same way. So a step is finished or was never there, whatever ends the program.

use std::{
    fs::{self, File, TryLockError},
    io::{self, BufRead as _, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use breakglass_model::NotRead;
use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{CollectError, Options};
use crate::file::{replace, sync_directory};

/// How long an interrupted collection can be continued. Parts that are older would make a snapshot of two different
/// days.
const KEPT: SignedDuration = SignedDuration::from_hours(6);

/// What a step gave.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Done {
    pub(super) step: String,
    /// The collection that the step's file holds; `None`: it has no file.
    pub(super) collection: Option<String>,
    pub(super) objects: u64,
    pub(super) not_read: Vec<NotRead>,
    pub(super) notes: Vec<String>,
}

/// What was asked for, and what is finished.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    schema: String,
    pub(super) tenant: Option<String>,
    accounts: Vec<String>,
    with_names: bool,
    pub(super) started: Timestamp,
    pub(super) done: Vec<Done>,
}

const SCHEMA: &str = "breakglass/collect-state/v1";

/// See the module. Only one program at a time has it.
#[derive(Debug)]
pub(super) struct Work {
    dir: PathBuf,
    lock: File,
    pub(super) state: State,
}

/// How a collection begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// There was nothing to continue.
    New,
    /// It goes on where an earlier run stopped.
    Resumed,
    /// There was something, and it could not be continued.
    Anew(String),
}

fn io(what: &str, path: &Path, error: io::Error) -> CollectError {
    CollectError::Io {
        what: format!("{what} `{}`", path.display()),
        error,
    }
}

/// The directory of the parts of a snapshot.
pub(super) fn directory(out: &Path) -> PathBuf {
    let mut name = out.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    out.with_file_name(name)
}

impl Work {
    /// Takes the directory, and what an earlier run left there if it can be continued.
    pub(super) fn open(
        options: &Options,
        tenant: Option<String>,
        now: Timestamp,
    ) -> Result<(Self, Start), CollectError> {
        let dir = directory(&options.out);
        fs::create_dir_all(&dir).map_err(|error| io("making the directory", &dir, error))?;
        private(&dir, 0o700).map_err(|error| io("protecting", &dir, error))?;
        let path = dir.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| io("opening", &path, error))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(CollectError::Busy { dir }),
            Err(TryLockError::Error(error)) => return Err(io("locking", &path, error)),
        }
        let fresh = State {
            schema: SCHEMA.to_owned(),
            tenant,
            accounts: options.accounts.clone(),
            with_names: options.with_names,
            started: now,
            done: Vec::new(),
        };
        let (state, start) = match earlier(&dir) {
            None => (fresh, Start::New),
            Some(_) if options.fresh => (
                fresh,
                Start::Anew("a new beginning was asked for".to_owned()),
            ),
            Some(Err(why)) => (fresh, Start::Anew(why)),
            Some(Ok(state)) => match unlike(&state, &fresh) {
                None => (state, Start::Resumed),
                Some(why) => (fresh, Start::Anew(why.to_owned())),
            },
        };
        let work = Self { dir, lock, state };
        work.sweep()?;
        work.save()?;
        Ok((work, start))
    }

    /// Removes whatever no finished step has.
    fn sweep(&self) -> Result<(), CollectError> {
        let known: Vec<PathBuf> = self
            .state
            .done
            .iter()
            .filter(|done| done.collection.is_some())
            .map(|done| self.file(&done.step))
            .collect();
        let entries = fs::read_dir(&self.dir).map_err(|e| io("reading", &self.dir, e))?;
        for entry in entries {
            let path = entry.map_err(|e| io("reading", &self.dir, e))?.path();
            let name = path.file_name().and_then(|name| name.to_str());
            let ours = name.is_some_and(|name| name.contains(".ndjson"));
            if ours && !known.contains(&path) {
                fs::remove_file(&path).map_err(|error| io("removing", &path, error))?;
            }
        }
        Ok(())
    }

    fn file(&self, step: &str) -> PathBuf {
        self.dir.join(format!("{}.ndjson", step.replace('/', "-")))
    }

    fn save(&self) -> Result<(), CollectError> {
        let path = self.dir.join("state.json");
        let text = serde_json::to_vec(&self.state).map_err(io::Error::from);
        text.and_then(|text| replace(&path, |file| file.write_all(&text)))
            .map_err(|error| io("writing", &path, error))
    }

    /// What a step gave, if it is finished.
    pub(super) fn done(&self, step: &str) -> Option<&Done> {
        self.state.done.iter().find(|done| done.step == step)
    }

    /// Begins the file of a step.
    pub(super) fn part(&self, step: &str) -> Result<Part, CollectError> {
        let path = self.file(step).with_extension("ndjson.tmp");
        let file = File::create(&path).map_err(|error| io("writing", &path, error))?;
        Ok(Part {
            path,
            file: BufWriter::with_capacity(1 << 16, file),
            objects: 0,
        })
    }

    /// A step is finished: with a file, or, as it could not be read, without one.
    pub(super) fn finish(&mut self, part: Part, done: Done) -> Result<(), CollectError> {
        let Part { path, file, .. } = part;
        if done.collection.is_some() {
            let end = self.file(&done.step);
            close(file)
                .and_then(|()| fs::rename(&path, &end))
                .and_then(|()| sync_directory(&self.dir))
                .map_err(|error| io("writing", &path, error))?;
        } else {
            drop(file);
            fs::remove_file(&path).map_err(|error| io("removing", &path, error))?;
        }
        self.state.done.push(done);
        self.save()
    }

    /// Shows every object of a finished step.
    pub(super) fn each(&self, step: &str, mut show: impl FnMut(Value)) -> Result<(), CollectError> {
        if self.done(step).is_none_or(|done| done.collection.is_none()) {
            return Ok(());
        }
        let path = self.file(step);
        let failed = |error| io("reading", &path, error);
        let file = File::open(&path).map_err(failed)?;
        for line in BufReader::with_capacity(1 << 16, file).lines() {
            let line = line.map_err(failed)?;
            show(serde_json::from_str(&line).map_err(|error| failed(error.into()))?);
        }
        Ok(())
    }

    /// Copies the lines of a finished step into the snapshot; says whether there were any.
    pub(super) fn copy(
        &self,
        step: &str,
        out: &mut dyn Write,
        mut first: bool,
    ) -> Result<bool, CollectError> {
        let path = self.file(step);
        let failed = |error| io("reading", &path, error);
        let mut file = BufReader::with_capacity(1 << 16, File::open(&path).map_err(failed)?);
        let mut line = Vec::new();
        loop {
            line.clear();
            if file.read_until(b'\n', &mut line).map_err(failed)? == 0 {
                return Ok(first);
            }
            if line.last() == Some(&b'\n') {
                line.pop();
            }
            let between: &[u8] = if first { b"\n   " } else { b",\n   " };
            first = false;
            out.write_all(between)
                .and_then(|()| out.write_all(&line))
                .map_err(|error| CollectError::Io {
                    what: "writing the snapshot".to_owned(),
                    error,
                })?;
        }
    }

    /// The snapshot lies at its place: the parts are not needed any more.
    pub(super) fn remove(self) -> Result<(), CollectError> {
        let Self { dir, lock, .. } = self;
        let removed = fs::remove_dir_all(&dir);
        drop(lock);
        removed.map_err(|error| io("removing", &dir, error))
    }
}

/// What an earlier run left: `None`, nothing; else its state, or why it is of no use.
fn earlier(dir: &Path) -> Option<Result<State, String>> {
    let text = fs::read(dir.join("state.json")).ok()?;
    Some(match serde_json::from_slice::<State>(&text) {
        Ok(state) if state.schema == SCHEMA => Ok(state),
        Ok(_) => Err("an earlier run was made by another version".to_owned()),
        Err(error) => Err(format!("what an earlier run left cannot be read ({error})")),
    })
}

/// Why an earlier run cannot be continued.
fn unlike(old: &State, new: &State) -> Option<&'static str> {
    let age = new.started.duration_since(old.started);
    if age > KEPT || age < SignedDuration::from_mins(-5) {
        Some("an earlier run is more than six hours old")
    } else if old.tenant != new.tenant {
        Some("an earlier run read another tenant")
    } else if old.accounts != new.accounts || old.with_names != new.with_names {
        Some("an earlier run was asked for something else")
    } else {
        None
    }
}

/// The file of a step that is being read. Dropped, it is swept away by the next run.
#[derive(Debug)]
pub(super) struct Part {
    path: PathBuf,
    file: BufWriter<File>,
    pub(super) objects: u64,
}

impl Part {
    /// Adds an object.
    pub(super) fn push(&mut self, object: &Value) -> Result<(), CollectError> {
        self.objects += 1;
        serde_json::to_writer(&mut self.file, object)
            .map_err(io::Error::from)
            .and_then(|()| self.file.write_all(b"\n"))
            .map_err(|error| io("writing", &self.path, error))
    }

    /// Adds an object with a list that is already JSON.
    pub(super) fn push_with(
        &mut self,
        object: &Value,
        lists: &[(&str, &str)],
    ) -> Result<(), CollectError> {
        let mut text = object.to_string();
        for (name, list) in lists {
            // The closing brace makes room for one more property.
            text.pop();
            let comma = if text.ends_with('{') { "" } else { "," };
            text.push_str(&format!("{comma}\"{name}\":[{list}]}}"));
        }
        text.push('\n');
        self.objects += 1;
        self.file
            .write_all(text.as_bytes())
            .map_err(|error| io("writing", &self.path, error))
    }
}

fn close(file: BufWriter<File>) -> io::Result<()> {
    file.into_inner()
        .map_err(io::IntoInnerError::into_error)?
        .sync_all()
}

#[cfg(unix)]
fn private(path: &Path, mode: u32) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn private(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}
