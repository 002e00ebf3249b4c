//! Writes `docs/real-data.md`: what the readers make of a directory of real exports and logs.

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    fs,
    path::{Path, PathBuf},
};

use breakglass_model::{
    export::{self, InputFile},
    record::LogRecord,
};

/// Reads every file below `data` and writes the page.
pub(crate) fn write(root: &Path, data: &Path) -> Result<String, String> {
    let mut page = String::from(
        "# Real data\n\nWhat the readers make of real exports and logs that nobody here wrote, file by file. Written by\n\
         `cargo xtask real-data <directory>`; the data itself is not part of this repository. `./test` reads it\n\
         again where it is at hand, and compares the signals with an independent script.\n",
    );
    exports(&mut page, &data.join("ca-policies"))?;
    logs(&mut page, data)?;
    examples(&mut page, data)?;
    fs::write(root.join("docs/real-data.md"), page)
        .map_err(|error| format!("docs/real-data.md: {error}"))?;
    Ok("docs/real-data.md written".to_owned())
}

fn files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_path_buf()];
    while let Some(place) = open.pop() {
        for entry in
            fs::read_dir(&place).map_err(|error| format!("{}: {error}", place.display()))?
        {
            let path = entry
                .map_err(|error| format!("{}: {error}", place.display()))?
                .path();
            if path.is_dir() {
                open.push(path);
            } else {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}

fn input(root: &Path, path: &Path) -> Result<InputFile, String> {
    let bytes = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    let path = path
        .strip_prefix(root)
        .unwrap_or(path)
        .to_string_lossy()
        .into_owned();
    Ok(InputFile { path, bytes })
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('<', "&lt;")
}

/// Every export: one table, a row per file.
fn exports(page: &mut String, folder: &Path) -> Result<(), String> {
    page.push_str("\n## Tenant exports\n");
    let mut collections: BTreeMap<String, Vec<InputFile>> = BTreeMap::new();
    for path in files(folder)? {
        let file = input(folder, &path)?;
        let collection = file
            .path
            .split_once('/')
            .map_or("(single files)", |(first, _)| first)
            .to_owned();
        collections.entry(collection).or_default().push(file);
    }
    for (name, files) in collections {
        let (snapshot, counts) = export::read_with_counts(files);
        page.push_str(&format!(
            "\n### {}\n\n| file | recognised | set aside |\n|---|---|---|\n",
            cell(&name)
        ));
        let mut total: BTreeMap<String, usize> = BTreeMap::new();
        for count in &counts {
            let listed: Vec<String> = count
                .recognised
                .iter()
                .map(|(kind, number)| format!("{number} {kind}"))
                .collect();
            for (kind, number) in &count.recognised {
                *total.entry(kind.clone()).or_default() += number;
            }
            let listed = if listed.is_empty() {
                "–".to_owned()
            } else {
                listed.join(", ")
            };
            let _infallible = writeln!(
                page,
                "| {} | {} | {} |",
                cell(&count.file),
                cell(&listed),
                count.set_aside
            );
        }
        let total: Vec<String> = total
            .iter()
            .map(|(kind, number)| format!("{number} {kind}"))
            .collect();
        let aside: usize = counts.iter().map(|count| count.set_aside).sum();
        let _infallible = writeln!(
            page,
            "| **{} files** | **{}** | **{aside}** |",
            counts.len(),
            cell(&total.join(", "))
        );
        for piece in &snapshot.set_aside {
            let _infallible = writeln!(
                page,
                "\nSet aside: `{}`, {}: {}",
                piece.file,
                piece.position,
                cell(&piece.reason)
            );
        }
    }
    Ok(())
}

/// Every log: each record parsed, by kind.
fn logs(page: &mut String, data: &Path) -> Result<(), String> {
    page.push_str(
        "\n## Logs\n\nEvery record of each file, parsed. The tests of `crates/watch` compare, for each id and name that occurs\n\
         as user, initiator or target, the signals with what an independent Python script finds: they are the same.\n\n\
         | file | rows | sign-ins | audits | other | with an id of their own | set aside |\n|---|---|---|---|---|---|---|\n",
    );
    for folder in ["signin-logs", "audit-logs"] {
        for path in files(&data.join(folder))? {
            if path.extension().is_some_and(|ending| ending == "md") {
                continue;
            }
            let name = path
                .strip_prefix(data)
                .unwrap_or(&path)
                .display()
                .to_string();
            let mut tally = Tally::default();
            if path.extension().is_some_and(|ending| ending == "csv") {
                let mut rows = csv::ReaderBuilder::new()
                    .flexible(true)
                    .from_path(&path)
                    .map_err(|error| format!("{name}: {error}"))?;
                let headers = rows
                    .headers()
                    .map_err(|error| format!("{name}: {error}"))?
                    .clone();
                for row in rows.records() {
                    match row {
                        Ok(row) => tally.add(&LogRecord::from_row(headers.iter().zip(row.iter()))),
                        Err(error) => tally.aside.push(error.to_string()),
                    }
                }
            } else {
                let text = fs::read_to_string(&path).map_err(|error| format!("{name}: {error}"))?;
                for (number, line) in text.lines().enumerate() {
                    match serde_json::from_str(line) {
                        Ok(value) => tally.add(&LogRecord::from_json(&value)),
                        Err(error) => tally.aside.push(format!("line {}: {error}", number + 1)),
                    }
                }
            }
            let _infallible = writeln!(
                page,
                "| {} | {} | {} | {} | {} | {} | {} |",
                cell(&name),
                tally.sign_ins + tally.audits + tally.other + tally.aside.len(),
                tally.sign_ins,
                tally.audits,
                tally.other,
                tally.with_id,
                cell(&tally.said()),
            );
        }
    }
    Ok(())
}

#[derive(Default)]
struct Tally {
    sign_ins: usize,
    audits: usize,
    other: usize,
    with_id: usize,
    aside: Vec<String>,
}

impl Tally {
    fn add(&mut self, record: &LogRecord) {
        match record {
            LogRecord::SignIn(_) => self.sign_ins += 1,
            LogRecord::Audit(_) => self.audits += 1,
            LogRecord::Other(_) => self.other += 1,
        }
        self.with_id += usize::from(record.common().id.is_some());
    }

    fn said(&self) -> String {
        match self.aside.as_slice() {
            [] => "0".to_owned(),
            aside => format!("{} ({})", aside.len(), aside.join("; ")),
        }
    }
}

/// Bodies of Microsoft's published examples, and hostile texts.
fn examples(page: &mut String, data: &Path) -> Result<(), String> {
    page.push_str("\n## Published examples and hostile input\n\n| input | files | recognised | set aside |\n|---|---|---|---|\n");
    for folder in ["api-specs", "hostile-input", "aaguids"] {
        let root = data.join(folder);
        let mut read = Vec::new();
        for path in files(&root)? {
            read.push(input(&root, &path)?);
        }
        let number = read.len();
        let (snapshot, counts) = export::read_with_counts(read);
        let recognised: usize = counts
            .iter()
            .flat_map(|count| count.recognised.values())
            .sum();
        let _infallible = writeln!(
            page,
            "| {folder} | {number} | {recognised} | {} |",
            snapshot.set_aside.len()
        );
    }
    page.push_str(
        "\nThe example files of API specifications hold calls and answers side by side and are no exports; they are\n\
         set aside with that reason. The JSON test suite is read without a panic, each of its files alone and all\n\
         together. Queries, fault trees and Merkle vectors are data of later parts and are not read yet.\n",
    );
    Ok(())
}
