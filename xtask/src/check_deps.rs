//! Holds the manifests against the table in `ARCHITECTURE.md`.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// Every crate is in the table, every row is a crate, and a crate depends on no other crate of ours than
/// its row allows.
pub(crate) fn check(root: &Path) -> Result<String, String> {
    let page = fs::read_to_string(root.join("ARCHITECTURE.md"))
        .map_err(|error| format!("ARCHITECTURE.md: {error}"))?;
    let table = rows(&page);
    let mut problems = Vec::new();
    let mut crates = BTreeSet::new();
    let folders = fs::read_dir(root.join("crates")).map_err(|error| format!("crates: {error}"))?;
    let mut manifests = vec![("xtask".to_owned(), root.join("xtask/Cargo.toml"))];
    for folder in folders {
        let folder = folder.map_err(|error| format!("crates: {error}"))?;
        manifests.push((
            folder.file_name().to_string_lossy().into_owned(),
            folder.path().join("Cargo.toml"),
        ));
    }
    for (name, manifest) in manifests {
        let text = fs::read_to_string(&manifest)
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        let parsed: toml::Table = text
            .parse()
            .map_err(|error| format!("{}: {error}", manifest.display()))?;
        crates.insert(name.clone());
        let Some(allowed) = table.get(&name) else {
            problems.push(format!(
                "crate `{name}` has no row in the table of ARCHITECTURE.md"
            ));
            continue;
        };
        let dependencies = parsed.get("dependencies").and_then(toml::Value::as_table);
        for dependency in dependencies.into_iter().flat_map(toml::Table::keys) {
            let ours = match dependency.as_str() {
                "breakglass" => "breakglass",
                other => match other.strip_prefix("breakglass-") {
                    Some(ours) => ours,
                    None => continue,
                },
            };
            if !allowed.contains(ours) {
                problems.push(format!(
                    "`{name}` depends on `{ours}`, which its row does not allow"
                ));
            }
        }
    }
    problems.extend(
        table
            .keys()
            .filter(|row| !crates.contains(*row))
            .map(|row| format!("the row `{row}` names no crate")),
    );
    if problems.is_empty() {
        Ok(format!("{} crates keep to the table", crates.len()))
    } else {
        Err(problems.join("\n"))
    }
}

fn rows(page: &str) -> BTreeMap<String, BTreeSet<String>> {
    page.lines()
        .filter_map(|line| {
            let cells: Vec<&str> = line
                .strip_prefix("| `")?
                .split('|')
                .map(str::trim)
                .collect();
            let name = cells.first()?.trim_matches('`').to_owned();
            let allowed = cells
                .get(2)?
                .split(',')
                .map(|one| one.trim().to_owned())
                .collect();
            Some((name, allowed))
        })
        .collect()
}
