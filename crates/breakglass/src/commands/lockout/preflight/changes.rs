//! The files that `--change` names, and the policies that `--delete` names.

use std::{
    fs,
    io::{self, Read},
    path::{Path, PathBuf},
};

use breakglass_conditional_access::{
    Policy,
    change::{self, Action, Change, Kind},
    identity::fold,
};
use breakglass_model::text;

use super::super::{document::PolicyRef, scene::near};
use crate::{
    failure::Failure,
    input::{not_opened, plain},
};

/// The most bytes of one file: above any plan of a real tenant.
const LIMIT: u64 = 128 << 20;

/// One file with its changes.
#[derive(Debug)]
pub(super) struct Source {
    /// The file as the user named it.
    pub(super) file: String,
    text: String,
    changes: Vec<Change>,
    /// Said once to the user.
    warnings: Vec<String>,
    /// Why the file does not tell all changes.
    incomplete: Vec<String>,
}

/// Every file, in the order of the command line.
#[derive(Debug)]
pub(super) struct Sources {
    pub(super) sources: Vec<Source>,
}

impl Sources {
    /// All changes, in their order.
    pub(super) fn all(&self) -> Vec<Change> {
        self.sources
            .iter()
            .flat_map(|source| source.changes.iter().cloned())
            .collect()
    }

    /// What the reader of the files wants to be known.
    pub(super) fn warnings(&self) -> Vec<String> {
        self.sources
            .iter()
            .flat_map(|source| source.warnings.iter().cloned())
            .collect()
    }

    /// Why the files do not tell all changes.
    pub(super) fn incomplete(&self) -> impl Iterator<Item = &String> {
        self.sources.iter().flat_map(|source| &source.incomplete)
    }

    /// Where a policy is changed that is to be deleted as well.
    pub(super) fn touching(&self, policy: &Policy) -> Option<&str> {
        let is = |own: &Option<String>, other: &str| {
            own.as_ref().is_some_and(|own| fold(own) == fold(other))
        };
        self.sources
            .iter()
            .flat_map(|source| &source.changes)
            .find(|change| {
                change.kind == Kind::Policy
                    && change.action != Action::Delete
                    && (is(&change.id, &policy.id)
                        || is(&change.name, &policy.name)
                        || is(&change.before_name, &policy.name))
            })
            .map(|change| change.source.as_str())
    }

    /// The file, and the line in it, where a policy is changed; the first file when none names it.
    pub(super) fn place(&self, policies: &[PolicyRef]) -> Option<(&str, usize)> {
        let names = |change: &Change, policy: &PolicyRef| {
            let is = |own: &Option<String>, other: &str| {
                own.as_ref().is_some_and(|own| fold(own) == fold(other))
            };
            is(&change.id, &policy.id) || is(&change.name, &policy.name)
        };
        for policy in policies {
            let found = self
                .sources
                .iter()
                .find(|source| source.changes.iter().any(|change| names(change, policy)));
            if let Some(source) = found {
                return Some((&source.file, source.line(policy)));
            }
        }
        self.sources.first().map(|source| (&*source.file, 1))
    }
}

impl Source {
    /// The line that holds the id or the name of a policy.
    fn line(&self, policy: &PolicyRef) -> usize {
        [&policy.id, &policy.name]
            .into_iter()
            .find_map(|words| {
                let words = format!("\"{words}\"").to_lowercase();
                self.text
                    .lines()
                    .position(|line| line.to_lowercase().contains(&words))
            })
            .map_or(1, |line| line + 1)
    }
}

/// Reads every file; all problems are told at once. Warnings go to standard error.
pub(super) fn read(paths: &[PathBuf], standard_input_taken: bool) -> Result<Sources, Failure> {
    let mut sources = Vec::new();
    let mut problems = Vec::new();
    for (file, bytes) in bytes(paths, standard_input_taken)? {
        match change::read(&file, &bytes) {
            Ok(read) => {
                for warning in &read.warnings {
                    crate::output::tell!("warning: {warning}");
                }
                sources.push(Source {
                    text: text::decode(&bytes)
                        .map(|text| text.to_string())
                        .unwrap_or_default(),
                    file,
                    changes: read.changes,
                    warnings: read.warnings,
                    incomplete: read.incomplete,
                });
            }
            Err(error) => problems.push(error.to_string()),
        }
    }
    match problems.len() {
        0 => Ok(Sources { sources }),
        1 => Err(Failure::usage(problems.remove(0))),
        many => Err(Failure::usage(format!(
            "{many} files can't be read as changes\n\n{}\n",
            problems.join("\n\n")
        ))),
    }
}

fn bytes(paths: &[PathBuf], standard_input_taken: bool) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut files = Vec::new();
    for path in paths {
        if path.as_os_str() == "-" {
            if standard_input_taken || files.iter().any(|(file, _)| file == "-") {
                return Err(Failure::usage("standard input can be read only once")
                    .help("give one of the two as a file"));
            }
            files.push(("-".to_owned(), limited(io::stdin(), Path::new("-"))?));
            continue;
        }
        let about = fs::metadata(path).map_err(|error| not_opened("the change", path, &error))?;
        if about.is_dir() {
            let found = directory(path)?;
            if found.is_empty() {
                return Err(Failure::usage(format!(
                    "there is no JSON file in `{}`",
                    path.display()
                ))
                .help("give the directory that holds the policies as Graph JSON"));
            }
            for file in found {
                files.push((file.display().to_string(), open(&file)?));
            }
        } else {
            files.push((path.display().to_string(), open(path)?));
        }
    }
    Ok(files)
}

fn open(path: &Path) -> Result<Vec<u8>, Failure> {
    let file = fs::File::open(path).map_err(|error| not_opened("the change", path, &error))?;
    limited(file, path)
}

fn limited(from: impl Read, path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    from.take(LIMIT + 1)
        .read_to_end(&mut bytes)
        .map_err(|error| not_opened("the change", path, &error))?;
    if bytes.len() as u64 > LIMIT {
        return Err(Failure::usage(format!(
            "the change `{}` is larger than 128 MB, more than any plan of policies",
            path.display()
        ))
        .help("give only the changed policies, or the plan of the part that holds them"));
    }
    Ok(bytes)
}

/// The JSON files below a directory, in the order of their paths; hidden ones and links are left out.
fn directory(root: &Path) -> Result<Vec<PathBuf>, Failure> {
    let mut found = Vec::new();
    let mut open = vec![root.to_path_buf()];
    while let Some(place) = open.pop() {
        let entries = fs::read_dir(&place)
            .and_then(Iterator::collect::<io::Result<Vec<_>>>)
            .map_err(|error| {
                Failure::cannot_tell(format!(
                    "the directory `{}` could not be read: {}",
                    place.display(),
                    plain(&error)
                ))
            })?;
        for entry in entries {
            let name = entry.file_name().to_string_lossy().to_lowercase();
            let plain = name.strip_suffix(".gz").unwrap_or(&name);
            let Ok(kind) = entry.file_type() else {
                continue;
            };
            if name.starts_with('.') {
                continue;
            }
            if kind.is_dir() {
                open.push(entry.path());
            } else if kind.is_file()
                && plain
                    .rsplit_once('.')
                    .is_some_and(|(_, ending)| ending == "json")
            {
                found.push(entry.path());
            }
        }
    }
    found.sort();
    Ok(found)
}

/// The policies that are to be deleted, named by id or by name.
pub(super) fn deletions<'p>(
    named: &[String],
    policies: &'p [Policy],
) -> Result<Vec<&'p Policy>, Failure> {
    let mut found = Vec::new();
    for text in named {
        let wanted = fold(text);
        let by_id = policies.iter().find(|policy| fold(&policy.id) == wanted);
        let by_name: Vec<&Policy> = policies
            .iter()
            .filter(|policy| fold(&policy.name) == wanted)
            .collect();
        match (by_id, by_name.as_slice()) {
            (Some(policy), _) | (None, &[policy]) => found.push(policy),
            (None, []) => {
                let titles = policies.iter().map(|policy| policy.name.as_str());
                let help = match near(text, titles) {
                    some if some.is_empty() && policies.is_empty() => {
                        "the tenant's input holds no policy".to_owned()
                    }
                    some if some.is_empty() => {
                        "give the id or the name of one of its policies".to_owned()
                    }
                    some => format!("near names: {}", some.join("; ")),
                };
                return Err(
                    Failure::usage(format!("there is no policy `{text}` in the tenant")).help(help),
                );
            }
            (None, several) => {
                let ids: Vec<&str> = several.iter().map(|policy| policy.id.as_str()).collect();
                return Err(Failure::usage(format!(
                    "{} policies are called `{text}`",
                    several.len()
                ))
                .help(format!("give the id of one: {}", ids.join(", "))));
            }
        }
    }
    Ok(found)
}
