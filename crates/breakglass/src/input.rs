//! Reading what `--tenant`, `--register` and `--account` name.

use std::{
    fs, io,
    io::Read,
    path::{Path, PathBuf},
};

use breakglass_model::{
    SetAside, TenantSnapshot, example,
    export::{self, InputFile},
};
use jiff::{SignedDuration, Timestamp};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::{failure::Failure, output::json_error};

/// Largest single input file. A tenant of 200,000 users exports to a few hundred megabytes.
const MAX_FILE: u64 = 4 << 30;

/// Largest text that people write: registers and configurations of hundreds of accounts have some hundred kilobytes.
const MAX_TEXT: u64 = 1 << 20;

/// Largest document of ours: a report of a large tenant has some megabytes.
const MAX_DOCUMENT: u64 = 256 << 20;

/// A tenant that was named on the command line.
#[derive(Debug)]
pub struct TenantInput {
    /// What was read.
    pub snapshot: TenantSnapshot,
    /// The register of a built-in tenant, used when none is given.
    pub register_toml: Option<String>,
    /// Whether anything in it is part of a tenant.
    pub recognised: bool,
}

impl TenantInput {
    /// For commands that judge the tenant as it is now: data of another day is called so, here and in the document.
    #[must_use]
    pub fn dated(mut self, now: Timestamp) -> Self {
        if let Some(why) = age(self.snapshot.collected_at, now) {
            crate::output::tell!("warning: {why}");
            self.snapshot.assumptions.push(why);
        }
        self
    }

    /// For commands that have nothing to say without a tenant.
    ///
    /// # Errors
    /// When nothing in the input is part of one; the warning has said why.
    pub fn needed(self) -> Result<Self, Failure> {
        if self.recognised {
            return Ok(self);
        }
        Err(
            Failure::cannot_tell("the tenant could not be read: nothing in the input is part of one").help(
                "give a snapshot (`breakglass collect` makes one), an export directory, or a built-in tenant: `contoso`, `contoso-modern`",
            ),
        )
    }
}

/// What to say of data that is not of the moment that is judged: older than a day, or younger than the moment. Clocks of
/// two machines may differ by minutes.
pub fn age(collected: Option<Timestamp>, now: Timestamp) -> Option<String> {
    let collected = collected?;
    let hours = now.duration_since(collected).as_hours();
    if collected.duration_since(now) > SignedDuration::from_mins(5) {
        return Some(format!(
            "the data was collected at {collected}, after the moment that is judged: it is taken as if the tenant had been \
             so at {now}"
        ));
    }
    if now.duration_since(collected) <= SignedDuration::from_hours(24) {
        return None;
    }
    let old = match hours {
        ..48 => format!("{hours} hours"),
        _ => format!("{} days", hours / 24),
    };
    Some(format!(
        "the data is {old} old (collected at {collected}): what has changed in the tenant since then is not seen; \
         `breakglass collect` reads it anew"
    ))
}

/// Reads a snapshot, an export directory or file, standard input, or a built-in tenant.
pub fn tenant(name: &str, now: Timestamp) -> Result<TenantInput, Failure> {
    if let Some(example) = example::tenant(name, now)
        && !Path::new(name).exists()
    {
        return Ok(TenantInput {
            snapshot: example.snapshot,
            register_toml: Some(example.register_toml),
            recognised: true,
        });
    }
    let mut unreadable = Vec::new();
    let files = if name == "-" {
        vec![InputFile {
            path: "-".to_owned(),
            bytes: standard_input()?,
        }]
    } else {
        let path = Path::new(name);
        let about = fs::metadata(path).map_err(|error| {
            let failure = not_opened("the tenant", path, &error);
            if error.kind() == io::ErrorKind::NotFound {
                failure.help(
                    "give an export directory, a snapshot file, `-`, or a built-in tenant: `contoso`, `contoso-modern`",
                )
            } else {
                failure
            }
        })?;
        if about.is_dir() {
            directory(path, &mut unreadable)?
        } else {
            vec![one_file(path)?]
        }
    };
    if files.is_empty() {
        return Err(Failure::cannot_tell(format!(
            "there is no file in `{name}`{}",
            reasons(&unreadable)
        ))
        .help("point --tenant at the directory that the export was written to"));
    }
    let (mut snapshot, counts) = export::read_with_counts(files);
    let recognised = counts.iter().any(|count| !count.recognised.is_empty());
    if !recognised {
        let reason = snapshot.set_aside.first().map_or_else(
            || "it is empty".to_owned(),
            |piece| match piece.position.as_str() {
                "whole file" => piece.reason.clone(),
                place => format!("{place}: {}", piece.reason),
            },
        );
        crate::output::tell!(
            "warning: nothing in `{name}` is part of a tenant export ({reason}); what needs the tenant cannot be told"
        );
    }
    snapshot.set_aside.extend(unreadable);
    Ok(TenantInput {
        snapshot,
        register_toml: None,
        recognised,
    })
}

/// A tenant that lies in one file.
pub fn one_file(path: &Path) -> Result<InputFile, Failure> {
    Ok(InputFile {
        path: file_name(path),
        bytes: read_file(path).map_err(|error| not_opened("the tenant", path, &error))?,
    })
}

fn reasons(unreadable: &[SetAside]) -> String {
    unreadable
        .iter()
        .map(|one| format!("; {}: {}", one.file, one.reason))
        .collect()
}

/// The last part of a path, for messages.
pub fn file_name(path: &Path) -> String {
    path.file_name().map_or_else(
        || path.display().to_string(),
        |name| name.to_string_lossy().into_owned(),
    )
}

fn standard_input() -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    io::stdin()
        .take(MAX_FILE)
        .read_to_end(&mut bytes)
        .map_err(|error| Failure::broke(format!("standard input could not be read: {error}")))?;
    Ok(bytes)
}

/// The failure for something that could not be opened: exit 2 when it is not there (the call is wrong),
/// exit 3 when it is there and may not or cannot be read.
pub fn not_opened(what: &str, path: &Path, error: &io::Error) -> Failure {
    let message = format!(
        "{what} `{}` could not be read: {}",
        path.display(),
        plain(error)
    );
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage(message),
        io::ErrorKind::PermissionDenied => Failure::cannot_tell(message)
            .help("run as a user who may read it, or change its owner or mode"),
        _ => Failure::cannot_tell(message),
    }
}

/// The operating system's reason, without its error number.
pub fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::NotFound if error.raw_os_error().is_some() => {
            "there is no such file".to_owned()
        }
        io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
        io::ErrorKind::IsADirectory => "it is a directory".to_owned(),
        _ => {
            let text = error.to_string();
            text.split(" (os error")
                .next()
                .unwrap_or_default()
                .to_lowercase()
        }
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let file = fs::File::open(path)?;
    let mut bytes = Vec::new();
    let read = file.take(MAX_FILE + 1).read_to_end(&mut bytes)?;
    if read as u64 > MAX_FILE {
        return Err(io::Error::other(
            "it is larger than 4 GiB, more than any tenant exports",
        ));
    }
    Ok(bytes)
}

/// The bytes of a file that was named on the command line.
pub fn bytes(what: &str, path: &Path) -> Result<Vec<u8>, Failure> {
    read_file(path).map_err(|error| not_opened(what, path, &error))
}

/// Every regular file below a directory, in the order of its path. What cannot be read is set aside.
fn directory(root: &Path, unreadable: &mut Vec<SetAside>) -> Result<Vec<InputFile>, Failure> {
    let mut files = Vec::new();
    let mut open: Vec<PathBuf> = vec![root.to_path_buf()];
    while let Some(place) = open.pop() {
        let entries = match fs::read_dir(&place) {
            Ok(entries) => entries,
            Err(error) if place == root => return Err(not_opened("the directory", root, &error)),
            Err(error) => {
                unreadable.push(aside(root, &place, &error));
                continue;
            }
        };
        for entry in entries {
            let entry = match entry {
                Ok(entry) => entry,
                Err(error) => {
                    unreadable.push(aside(root, &place, &error));
                    continue;
                }
            };
            let path = entry.path();
            // Version control and editors keep hidden directories beside exports.
            if entry.file_name().to_string_lossy().starts_with('.') {
                continue;
            }
            match entry.file_type() {
                Ok(kind) if kind.is_dir() => open.push(path),
                Ok(kind) if kind.is_file() => match read_file(&path) {
                    Ok(bytes) => files.push(InputFile {
                        path: relative(root, &path),
                        bytes,
                    }),
                    Err(error) => unreadable.push(aside(root, &path, &error)),
                },
                Ok(_) => unreadable.push(SetAside {
                    file: relative(root, &path),
                    position: "file".to_owned(),
                    reason: "it is a link, pipe or device; links are not followed inside an export"
                        .to_owned(),
                }),
                Err(error) => unreadable.push(aside(root, &path, &error)),
            }
        }
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    unreadable.sort_by(|a, b| a.file.cmp(&b.file));
    Ok(files)
}

fn relative(root: &Path, path: &Path) -> String {
    let path = path.strip_prefix(root).unwrap_or(path);
    path.components()
        .map(|part| part.as_os_str().to_string_lossy())
        .collect::<Vec<_>>()
        .join("/")
}

fn aside(root: &Path, path: &Path, error: &io::Error) -> SetAside {
    SetAside {
        file: relative(root, path),
        position: "file".to_owned(),
        reason: plain(error),
    }
}

/// One of our JSON documents.
///
/// # Errors
/// A wrong call: it cannot be read, is none, or is a document of another kind. `made_by` tells what writes one.
pub fn document<T: DeserializeOwned>(
    noun: &str,
    path: &Path,
    schema: &str,
    made_by: &str,
) -> Result<T, Failure> {
    let text =
        text_up_to(MAX_DOCUMENT, &format!("the {noun}"), path).map_err(Failure::usage_code)?;
    let wrong = |why: String| {
        Failure::usage(format!("`{}` is no {noun}: {why}", path.display())).help(made_by.to_owned())
    };
    let value: Value = serde_json::from_str(&text)
        .map_err(|error| wrong(format!("it is not JSON: {}", json_error(&error))))?;
    match value.get("schema").and_then(Value::as_str) {
        Some(own) if own == schema => {}
        Some(own) => {
            return Err(wrong(format!(
                "it is a document of another kind: {}",
                crate::output::one_line(own)
            )));
        }
        None => return Err(wrong(format!("it does not say `\"schema\": \"{schema}\"`"))),
    }
    // Read again, for the line of what does not fit.
    serde_json::from_str(&text)
        .map_err(|error| wrong(format!("it is damaged: {}", json_error(&error))))
}

/// A text file that was named on the command line.
///
/// # Errors
/// When it cannot be read, is no text, or larger than anything that people write.
pub fn text_file(what: &str, path: &Path) -> Result<String, Failure> {
    text_up_to(MAX_TEXT, what, path)
}

fn text_up_to(most: u64, what: &str, path: &Path) -> Result<String, Failure> {
    let mut bytes = Vec::new();
    fs::File::open(path)
        .and_then(|file| file.take(most + 1).read_to_end(&mut bytes))
        .map_err(|error| not_opened(what, path, &error))?;
    if bytes.len() as u64 > most {
        return Err(Failure::usage(format!(
            "{what} `{}` is larger than {} MiB, so it was not read",
            path.display(),
            most >> 20
        ))
        .help("see whether another file was meant"));
    }
    breakglass_model::text::decode(&bytes)
        .map(|text| text.to_string())
        .map_err(|reason| {
            Failure::usage(format!("{what} `{}` is not text: {reason}", path.display()))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_of_another_day_is_called_so() {
        let at = |text: &str| -> Timestamp { text.parse().unwrap() };
        let collected = at("2026-11-24T12:00:00Z");
        for (now, says) in [
            ("2026-11-24T11:56:00Z", None),
            ("2026-11-25T12:00:00Z", None),
            ("2026-11-25T12:00:01Z", Some("24 hours old")),
            ("2026-11-27T11:00:00Z", Some("2 days old")),
            ("2036-01-01T00:00:00Z", Some("3324 days old")),
            (
                "2026-11-24T11:00:00Z",
                Some("after the moment that is judged"),
            ),
        ] {
            let told = age(Some(collected), at(now));
            match (says, &told) {
                (None, None) => {}
                (Some(says), Some(told)) => assert!(told.contains(says), "{now}: {told}"),
                _ => panic!("{now}: {told:?}"),
            }
        }
        assert_eq!(age(None, collected), None);
    }
}
