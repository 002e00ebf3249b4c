//! One spelling: keys in Graph's camelCase, times in RFC 3339, whatever tool wrote the export.
//!
//! Recursion is safe: a value comes from `serde_json`, which refuses more than 128 levels.

use jiff::Timestamp;
use serde_json::{Map, Value};

/// The level that older Graph SDKs put into every object for what they do not know.
const ADDITIONAL: &str = "additionalProperties";

/// Below this key stand names that an organisation chose, whose letter case is their own.
const ATTRIBUTES: &str = "customSecurityAttributes";

/// Normalises a value read from any export: keys in Graph's camelCase (`GrantControls` → `grantControls`, as
/// PowerShell's Graph module writes policies), times in RFC 3339.
pub fn normalise(value: Value) -> Value {
    match value {
        Value::Object(map) => object(map),
        Value::Array(items) => Value::Array(items.into_iter().map(normalise).collect()),
        Value::String(text) => Value::String(dot_net_date(&text).unwrap_or(text)),
        other => other,
    }
}

fn object(map: Map<String, Value>) -> Value {
    let mut result = Map::new();
    let mut additional = None;
    let mut lowered = Vec::new();
    for (key, value) in map {
        let name = camel(&key);
        let value = if name == ATTRIBUTES {
            value
        } else {
            normalise(value)
        };
        if name == ADDITIONAL {
            additional = Some(value);
        } else if name == key {
            result.insert(name, value);
        } else {
            lowered.push((name, value));
        }
    }
    // A key that was camelCase to begin with is Graph's own and wins over its PascalCase twin.
    for (name, value) in lowered {
        result.entry(name).or_insert(value);
    }
    if let Some(additional) = additional {
        // The SDK fills in every property it knows, as null. Without this step every condition of a
        // policy would look as if it were set.
        if let Value::Object(more) = additional {
            for (name, value) in more {
                result.entry(name).or_insert(value);
            }
        }
        if result.values().all(Value::is_null) {
            return Value::Null;
        }
    }
    Value::Object(result)
}

/// `GrantControls` → `grantControls`, `ID` → `id`; annotations (`x@odata.type`) and map keys that
/// are no identifiers stay.
fn camel(key: &str) -> String {
    let mut chars = key.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let name = key.split('@').next().unwrap_or(key);
    let identifier = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
    if !first.is_ascii_uppercase() || !identifier {
        return key.to_owned();
    }
    if key.chars().all(|c| c.is_ascii_uppercase()) {
        return key.to_ascii_lowercase();
    }
    let mut name = String::with_capacity(key.len());
    name.push(first.to_ascii_lowercase());
    name.push_str(chars.as_str());
    name
}

/// `/Date(1777406310050)/`, as Windows PowerShell writes a time, in RFC 3339.
fn dot_net_date(text: &str) -> Option<String> {
    let inner = text.strip_prefix("/Date(")?.strip_suffix(")/")?;
    // An offset behind the number is for display only; the number counts from 1970 in UTC.
    let digits = inner
        .char_indices()
        .skip(1)
        .find(|(_, c)| matches!(c, '+' | '-'))
        .map_or(inner, |(at, _)| &inner[..at]);
    let time = Timestamp::from_millisecond(digits.parse().ok()?).ok()?;
    Some(time.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn pascal_case_and_dates_become_graphs() {
        let read = normalise(json!({
            "Id": "1", "GrantControls": {"BuiltInControls": ["mfa"]}, "x@odata.type": "#Y",
            "EndDateTime": "/Date(0)/", "With": "/Date(1000+0200)/", "Text": "/Date(x)/", "Email.Subject": "s",
        }));
        assert_eq!(
            read,
            json!({
                "id": "1", "grantControls": {"builtInControls": ["mfa"]}, "x@odata.type": "#Y",
                "endDateTime": "1970-01-01T00:00:00Z", "with": "1970-01-01T00:00:01Z",
                "text": "/Date(x)/", "Email.Subject": "s",
            })
        );
    }

    #[test]
    fn names_of_custom_security_attributes_stay_as_they_are() {
        let attributes = json!({"Engineering": {"Project": ["x"]}});
        assert_eq!(
            normalise(json!({"CustomSecurityAttributes": attributes})),
            json!({"customSecurityAttributes": attributes})
        );
    }

    #[test]
    fn additional_properties_make_no_condition() {
        let read = normalise(json!({
            "Conditions": {
                "Platforms": {"IncludePlatforms": null, "AdditionalProperties": {}},
                "Users": {"IncludeUsers": ["All"], "AdditionalProperties": {"x": 1}},
                "AdditionalProperties": {}
            }
        }));
        assert_eq!(read["conditions"]["platforms"], Value::Null);
        assert_eq!(
            read["conditions"]["users"],
            json!({"includeUsers": ["All"], "x": 1})
        );
    }
}
