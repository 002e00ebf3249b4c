//! Documents that are written from the code: the pages of the checks, the command line, the schemas.

use std::{fs, path::Path};

fn documents() -> Vec<(String, String)> {
    breakglass::documents::all()
}

/// Folders that hold generated documents only; anything else in them is stale.
const FOLDERS: [&str; 2] = ["docs/checks", "docs/schemas"];

fn strays(root: &Path, documents: &[(String, String)]) -> Vec<String> {
    let mut strays = Vec::new();
    for folder in FOLDERS {
        let Ok(entries) = fs::read_dir(root.join(folder)) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = format!("{folder}/{}", entry.file_name().to_string_lossy());
            if !documents.iter().any(|(known, _)| *known == path) {
                strays.push(path);
            }
        }
    }
    strays
}

/// Writes every document and removes stale ones.
pub(crate) fn write(root: &Path) -> Result<String, String> {
    let documents = documents();
    for (path, text) in &documents {
        let file = root.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        }
        fs::write(&file, text).map_err(|error| format!("{path}: {error}"))?;
    }
    for stray in strays(root, &documents) {
        fs::remove_file(root.join(&stray)).map_err(|error| format!("{stray}: {error}"))?;
    }
    Ok(format!("{} documents written", documents.len()))
}

/// Fails when a document on disk is not what the code would write.
pub(crate) fn check(root: &Path) -> Result<String, String> {
    let documents = documents();
    let mut stale: Vec<String> = documents
        .iter()
        .filter(|(path, text)| fs::read_to_string(root.join(path)).ok().as_deref() != Some(text))
        .map(|(path, _)| path.clone())
        .collect();
    stale.extend(strays(root, &documents));
    if stale.is_empty() {
        Ok(format!(
            "{} generated documents are up to date",
            documents.len()
        ))
    } else {
        Err(format!(
            "stale, run `cargo xtask generate`: {}",
            stale.join(", ")
        ))
    }
}
