//! Keys in Graph's camelCase, whatever tool wrote the file.

use serde_json::{Map, Value};

/// The level that older Graph SDKs put into every object for what they do not know.
const ADDITIONAL: &str = "additionalProperties";

/// `GrantControls` → `grantControls`, as PowerShell's Graph module writes policies; annotations and
/// keys that are no identifiers stay. A key that was camelCase to begin with wins over its twin.
///
/// Recursion is safe: the value comes from `serde_json`, which refuses more than 128 levels.
pub(super) fn camel(value: Value) -> Value {
    match value {
        Value::Object(map) => {
            let mut kept = Map::new();
            let mut lowered = Vec::new();
            for (key, value) in map {
                let name = lower(&key);
                let value = camel(value);
                if name == ADDITIONAL {
                    if let Value::Object(more) = value {
                        lowered.extend(more);
                    }
                } else if name == key {
                    kept.insert(name, value);
                } else {
                    lowered.push((name, value));
                }
            }
            for (name, value) in lowered {
                kept.entry(name).or_insert(value);
            }
            Value::Object(kept)
        }
        Value::Array(items) => Value::Array(items.into_iter().map(camel).collect()),
        other => other,
    }
}

fn lower(key: &str) -> String {
    let name = key.split('@').next().unwrap_or(key);
    let identifier = name.chars().all(|c| c.is_ascii_alphanumeric());
    if !identifier || !name.starts_with(|c: char| c.is_ascii_uppercase()) {
        return key.to_owned();
    }
    if name.chars().all(|c| c.is_ascii_uppercase()) {
        return key.to_ascii_lowercase();
    }
    let (first, rest) = key.split_at(1);
    first.to_ascii_lowercase() + rest
}
