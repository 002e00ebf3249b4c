//! Reading exports: files of a tenant in, one [`TenantSnapshot`] out.
//!
//! Accepted (see the contract of `--tenant`): our own snapshot, a directory of Microsoft Graph
//! responses, the directories of EntraExporter and IntuneManagement, the provider export of ScubaGear,
//! and Conditional Access policies on their own; as UTF-8 or UTF-16, plain or gzip.
//!
//! Invariants:
//! - every file either contributes something or stands in `set_aside` with place and reason;
//! - one broken file never hides another;
//! - what was not in the input is never read as "there is none".

mod build;
mod gather;
mod guard;
mod kind;
mod link;
mod normal;
mod object;
mod own;
mod scuba;
mod stream;

use std::{borrow::Cow, collections::BTreeMap};

use sha2::{Digest as _, Sha256};

use crate::{TenantSnapshot, text};
use gather::{Gather, Source};
pub use normal::normalise;

/// The schema name of our own snapshot: `{schema, tenant: {id, name}, collectedAt, collections,
/// notRead, notes}`. A collection that is absent was not read; one that is present is complete, unless
/// `notRead` names it too. `notes` are sentences that its readers must know.
pub const SNAPSHOT_SCHEMA: &str = "breakglass/snapshot/v1";

/// The most bytes that one gzip file may unpack to: far above the snapshot of a large tenant.
const UNPACKED_LIMIT: usize = 256 << 20;

/// One file of the input.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFile {
    /// Path as the user sees it, `/` between its parts; relative to the directory that was named.
    pub path: String,
    /// Content as it lies on the disk.
    pub bytes: Vec<u8>,
}

/// What one file gave.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// The file.
    pub file: String,
    /// How many objects were recognised, by collection.
    pub recognised: BTreeMap<String, usize>,
    /// How many pieces were set aside.
    pub set_aside: usize,
}

/// Reads the files of one tenant.
pub fn read(files: impl IntoIterator<Item = InputFile>) -> TenantSnapshot {
    read_with_counts(files).0
}

/// Reads the files of one tenant, and tells what each of them gave, in the order of their paths.
pub fn read_with_counts(
    files: impl IntoIterator<Item = InputFile>,
) -> (TenantSnapshot, Vec<Counts>) {
    let mut files: Vec<InputFile> = files.into_iter().collect();
    // The order in which a directory is walked must change neither digest nor result.
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut gather = Gather::default();
    for file in &files {
        gather.counts.push(Counts {
            file: file.path.clone(),
            ..Counts::default()
        });
        read_file(&mut gather, file, files.len() == 1);
    }
    let digest = digest(&files);
    let counts = std::mem::take(&mut gather.counts);
    (gather.build(files.len(), digest), counts)
}

/// What tells one input from another: SHA-256 over the names and contents of its files, in the order of their paths,
/// each with its length (eight bytes, big-endian) before it; in hexadecimal.
pub fn digest(files: &[InputFile]) -> String {
    let mut digest = Sha256::new();
    for part in files
        .iter()
        .flat_map(|file| [file.path.as_bytes(), &file.bytes])
    {
        // Lengths keep two different lists of files from running together.
        digest.update(u64::try_from(part.len()).unwrap_or(u64::MAX).to_be_bytes());
        digest.update(part);
    }
    data_encoding::HEXLOWER.encode(&digest.finalize())
}

fn read_file(gather: &mut Gather, file: &InputFile, is_only: bool) {
    let at = Source {
        file: &file.path,
        position: "whole file",
    };
    let place = kind::place(&file.path);
    let bytes = if text::is_gzip(&file.bytes) {
        match text::gunzip(&file.bytes, UNPACKED_LIMIT) {
            Ok(content) => Cow::Owned(content),
            Err(error) => return gather.lost(at, &place, error.to_string()),
        }
    } else {
        Cow::Borrowed(&file.bytes[..])
    };
    let lower = file.path.to_lowercase();
    let says_json = lower
        .strip_suffix(".gz")
        .unwrap_or(&lower)
        .rsplit_once('.')
        .is_some_and(|(_, ending)| ending == "json");
    let text = match text::decode(&bytes) {
        Ok(text) => text,
        Err(_) if !says_json => return gather.set_aside(at, "not JSON"),
        Err(error) => return gather.lost(at, &place, error.to_string()),
    };
    let start = text.trim_start().chars().next();
    match start {
        None if says_json => {
            return gather.lost(at, &place, "the file is empty: export it again".to_owned());
        }
        None => return gather.set_aside(at, "it is empty"),
        Some('{' | '[') => {}
        Some(_) if !says_json => return gather.set_aside(at, "not JSON"),
        Some(_) => {}
    }
    if is_only && let Some(read) = stream::snapshot(&file.path, &text) {
        *gather = read;
        return;
    }
    match serde_json::from_str(&text) {
        Ok(document) => {
            gather.document(
                &file.path,
                &kind::place(&file.path),
                normal::normalise(document),
            );
        }
        // What was named alone was meant to be read, whatever it is called.
        Err(_) if !says_json && !is_only => gather.set_aside(at, "not JSON"),
        Err(error) => {
            let position = format!("line {} column {}", error.line(), error.column());
            let why = error.to_string();
            let why = why.split(" at line ").next().unwrap_or(&why);
            gather.lost(
                Source {
                    file: &file.path,
                    position: &position,
                },
                &place,
                format!("not valid JSON ({why}): export the file again"),
            );
        }
    }
}

/// Whether an id stands for one that a template's user must fill in.
fn is_placeholder(id: &str) -> bool {
    id.contains(['<', '>', '%', '{']) || id.to_lowercase().contains("xxxx")
}
