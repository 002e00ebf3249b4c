//! Published policy sets, where they are at hand: `BREAKGLASS_SHARED`, or `shared` in a directory above.

use std::{
    fs,
    path::{Path, PathBuf},
};

use breakglass_conditional_access::{
    Environment, Policy,
    environment::{Location, LocationKind},
    policy::read,
};
use breakglass_model::text::decode;
use serde_json::Value;

/// Folder or file, policies in it, name.
const SETS: [(&str, usize, &str); 5] = [
    ("alexfilipin-templates", 59, "AlexFilipin"),
    ("azure-samples-templates", 6, "Azure-Samples"),
    ("clutch2view-nis2", 22, "Clutch2View"),
    ("j0eyv-baseline/Config/ConditionalAccess", 36, "j0eyv"),
    ("scubagear-sample-export-aad.json", 7, "ScubaGear"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "a measurement is told by its environment where its data is"
)]
fn root() -> Option<PathBuf> {
    if let Ok(told) = std::env::var("BREAKGLASS_SHARED") {
        return Some(told.into());
    }
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join("shared"))
        .find(|shared| shared.join("data/ca-policies").is_dir())
}

/// Every set, and all of them together.
pub(crate) fn sets() -> Option<Vec<(String, Vec<Policy>)>> {
    let root = root()?.join("data/ca-policies");
    let mut sets: Vec<(String, Vec<Policy>)> = SETS
        .iter()
        .map(|(path, number, name)| {
            let mut policies = Vec::new();
            gather(&root.join(path), &mut policies);
            assert_eq!(policies.len(), *number, "{path}");
            ((*name).to_owned(), policies)
        })
        .collect();
    let all = sets
        .iter()
        .flat_map(|(_, policies)| policies.clone())
        .collect();
    sets.push(("all of them".to_owned(), all));
    Some(sets)
}

fn gather(path: &Path, policies: &mut Vec<Policy>) {
    if path.is_dir() {
        let mut entries: Vec<PathBuf> = fs::read_dir(path)
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .collect();
        entries.sort();
        for entry in entries {
            gather(&entry, policies);
        }
    } else if path.extension().is_some_and(|kind| kind == "json") {
        let bytes = fs::read(path).unwrap();
        let text = decode(&bytes).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        match &value["conditional_access_policies"] {
            Value::Array(exported) => policies.extend(exported.iter().map(read)),
            _ if value.get("conditions").is_some() => policies.push(read(&value)),
            _ => {}
        }
    }
}

/// An environment with a stand-in for every location that a set names and does not bring: a range or a country,
/// in turn.
pub(crate) fn environment(policies: &[Policy]) -> Environment {
    let mut environment = Environment::default();
    for id in policies
        .iter()
        .filter_map(|policy| policy.locations.as_ref())
        .flat_map(|locations| locations.include.iter().chain(&locations.exclude))
    {
        let number = environment.locations.len();
        if id.starts_with("All") || environment.locations.iter().any(|own| own.id == *id) {
            continue;
        }
        environment.locations.push(Location {
            id: id.clone(),
            name: id.clone(),
            kind: if number.is_multiple_of(2) {
                LocationKind::Ip {
                    trusted: number.is_multiple_of(4),
                    ranges: vec![format!("198.51.{number}.0/24").parse().unwrap()],
                }
            } else {
                LocationKind::Country {
                    codes: vec![["FI", "US", "DE"][number % 3].to_owned()],
                    include_unknown: false,
                    by_gps: false,
                }
            },
        });
    }
    environment
}
