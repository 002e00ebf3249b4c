//! Requirement C5 (a policy is pre-flighted before it is enforced) and X1 (the lockout proof's input).

mod applying;
mod files;
mod plans;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const AZUREAD: &[u8] = include_bytes!("../../tests/fixtures/change/azuread.json");
const BODIES: &[u8] = include_bytes!("../../tests/fixtures/change/bodies.json");
const POLICY: &[u8] = include_bytes!("../../tests/fixtures/change/policy.json");
const PASCAL: &[u8] = include_bytes!("../../tests/fixtures/change/pascal.json");

fn id(number: u8) -> String {
    format!("22222222-0000-4000-8000-00000000000{number}")
}

fn policy(id: &str, name: &str) -> Value {
    json!({
        "id": id, "displayName": name, "state": "enabled",
        "conditions": {
            "users": {"includeUsers": ["All"], "excludeUsers": ["x"]},
            "applications": {"includeApplications": ["All"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]},
        "sessionControls": null,
    })
}

/// A plan with one resource.
fn plan(kind: &str, change: &Value) -> Vec<u8> {
    let resource = json!({"address": format!("{kind}.one"), "type": kind, "change": change});
    json!({"format_version": "1.2", "resource_changes": [resource]})
        .to_string()
        .into_bytes()
}

/// Every place of a document.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                places(item, &format!("{at}/{index}"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let key = key.replace('~', "~0").replace('/', "~1");
                places(item, &format!("{at}/{key}"), found);
            }
        }
        _ => {}
    }
}

fn anything() -> impl Strategy<Value = Value> {
    prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        ".{0,8}".prop_map(Value::from),
        Just(json!([])),
        Just(json!([null])),
        Just(json!([true])),
        Just(json!({})),
        Just(json!({"id": true, "conditions": [null, true]})),
    ]
}

proptest! {
    #[test]
    fn read_never_panics_on_bytes(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = read("f", &bytes);
    }

    #[test]
    fn read_never_panics_on_a_document_with_something_else_in_it(
        which in 0..4_usize,
        at in any::<prop::sample::Index>(),
        other in anything(),
    ) {
        let mut document: Value = serde_json::from_slice([AZUREAD, BODIES, POLICY, PASCAL][which]).unwrap();
        let mut found = Vec::new();
        places(&document, "", &mut found);
        *document.pointer_mut(&found[at.index(found.len())]).unwrap() = other;
        // A file is never silently nothing.
        if let Ok(changes) = read("f", document.to_string().as_bytes()) {
            prop_assert!(!changes.changes.is_empty() || !changes.warnings.is_empty());
            let _ = apply(&[policy("a", "A")], &changes.changes);
        }
    }
}
