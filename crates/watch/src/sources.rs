//! Where records come from.

use std::{
    fs::File,
    io::{self, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use crate::WatchError;

/// How to follow a file that grows.
#[derive(Clone, Debug)]
pub struct Follow {
    /// How long to wait between looks.
    pub every: Duration,
    /// Set to end the reading at the next look.
    pub stop: Arc<AtomicBool>,
}

/// Something to read records from.
pub enum Source {
    /// A file, or a FIFO, which ends when its writer closes it.
    File {
        /// The path.
        path: PathBuf,
        /// Bytes to pass over: where an earlier reading ended. For plain files; more than the file holds means that it was begun anew, and it is read from its start.
        start: u64,
        /// Whether to go on at the end.
        follow: Option<Follow>,
    },
    /// Standard input.
    Stdin,
    /// Anything else, with the name that signals give as their source.
    Reader(String, Box<dyn Read + Send>),
}

impl std::fmt::Debug for Source {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.name())
    }
}

impl Source {
    /// A file that is read to its end.
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File {
            path: path.into(),
            start: 0,
            follow: None,
        }
    }

    /// What stands before the `#` in a signal's source.
    pub fn name(&self) -> String {
        match self {
            Self::File { path, .. } => format!("file:{}", path.display()),
            Self::Stdin => "stdin".to_owned(),
            Self::Reader(name, _) => name.clone(),
        }
    }

    /// The name in a report of what was set aside.
    pub(crate) fn file_name(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Stdin => "-".to_owned(),
            Self::Reader(name, _) => name.clone(),
        }
    }

    pub(crate) fn open(self) -> Result<Box<dyn Read + Send>, WatchError> {
        match self {
            Self::Stdin => Ok(Box::new(io::stdin())),
            Self::Reader(_, reader) => Ok(reader),
            Self::File {
                path,
                start,
                follow,
            } => {
                let mut file = open(&path)?;
                let length = file
                    .metadata()
                    .map_or(0, |m| if m.is_file() { m.len() } else { 0 });
                let start = if start <= length { start } else { 0 };
                if start > 0 {
                    file.seek(SeekFrom::Start(start))
                        .map_err(|e| refused(&path, &e))?;
                }
                Ok(match follow {
                    None => Box::new(file),
                    Some(follow) => Box::new(Growing {
                        identity: identity(&file),
                        path,
                        file,
                        at: start,
                        follow,
                        cut: false,
                        looks_after_rename: 0,
                    }),
                })
            }
        }
    }
}

fn refused(path: &Path, error: &io::Error) -> WatchError {
    let next = match error.kind() {
        io::ErrorKind::NotFound => {
            "Check the path; with a file that does not exist yet, create it empty and follow it."
        }
        io::ErrorKind::PermissionDenied => "Let the account that runs breakglass read it.",
        _ => "Check that the disk or share that holds it can be reached.",
    };
    WatchError::Open {
        path: path.to_owned(),
        reason: error.to_string(),
        next,
    }
}

fn open(path: &Path) -> Result<File, WatchError> {
    let file = File::open(path).map_err(|e| refused(path, &e))?;
    if file.metadata().is_ok_and(|m| m.is_dir()) {
        return Err(WatchError::Open {
            path: path.to_owned(),
            reason: "it is a directory".to_owned(),
            next: "Name the files in it, one --source each.",
        });
    }
    Ok(file)
}

#[cfg(unix)]
fn identity(file: &File) -> Option<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    file.metadata().ok().map(|m| (m.dev(), m.ino()))
}

#[cfg(not(unix))]
fn identity(_: &File) -> Option<(u64, u64)> {
    None
}

/// A file that is waited for at its end. When it was truncated, or another file has taken its name, reading goes
/// on at the start; a line break is put between, so that a half-written line does not join the new first one.
struct Growing {
    path: PathBuf,
    file: File,
    identity: Option<(u64, u64)>,
    at: u64,
    follow: Follow,
    cut: bool,
    looks_after_rename: u32,
}

/// How often the old file is looked at again after another one has taken its name: two seconds at four
/// looks a second.
const LOOKS_AFTER_RENAME: u32 = 8;

impl Growing {
    fn begun_anew(&mut self) -> bool {
        if self
            .file
            .metadata()
            .is_ok_and(|m| m.is_file() && m.len() < self.at)
        {
            return self.file.seek(SeekFrom::Start(0)).is_ok();
        }
        // While a rotation is under way the name may be free for a moment.
        let Ok(named) = File::open(&self.path) else {
            return false;
        };
        let other = identity(&named);
        if other == self.identity {
            return false;
        }
        // A writer that still holds the old file may go on in it for a while after the rename.
        if self.looks_after_rename < LOOKS_AFTER_RENAME {
            self.looks_after_rename += 1;
            return false;
        }
        self.looks_after_rename = 0;
        self.file = named;
        self.identity = other;
        true
    }
}

impl Read for Growing {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        if out.is_empty() {
            return Ok(0);
        }
        loop {
            if self.cut {
                self.cut = false;
                out[0] = b'\n';
                return Ok(1);
            }
            let n = self.file.read(out)?;
            self.at += n as u64;
            if n > 0 {
                return Ok(n);
            }
            if self.begun_anew() {
                self.cut = self.at > 0;
                self.at = 0;
                continue;
            }
            if self.follow.stop.load(Ordering::Relaxed) {
                return Ok(0);
            }
            std::thread::sleep(self.follow.every);
        }
    }
}
