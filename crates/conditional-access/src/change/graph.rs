//! Graph JSON: policies (and what they refer to) as Graph returns them, edited.

use breakglass_model::source_text::quoted;
use serde_json::{Map, Value};

use super::{
    Action, Change, ChangeError, Changes, HOW, HOW_PLAN, Kind, WHOLE, body, gaps, known_text,
    last_segment,
};

/// Reads a document whose keys are camelCase already.
pub(super) fn read(file: &str, document: Value) -> Result<Changes, ChangeError> {
    let fail = |position: &str, reason: String, help: &str| ChangeError {
        file: file.to_owned(),
        position: position.to_owned(),
        reason,
        help: help.to_owned(),
    };
    let mut changes = Changes::default();
    let mut context = None;
    let objects: Vec<(String, Value)> = match document {
        Value::Array(items) => placed("", items),
        Value::Object(mut map) => {
            context = map
                .get("@odata.context")
                .and_then(Value::as_str)
                .and_then(of_context);
            if let Some(Value::Array(items)) = map.get_mut("value") {
                let items = std::mem::take(items);
                if map.contains_key("@odata.nextLink") {
                    changes.warnings.push(format!(
                        "{file}: only one page of a longer list: what stands on the pages after it \
                         was not read"
                    ));
                }
                placed("value", items)
            } else {
                if let Some((reason, help)) = something_else(&map) {
                    return Err(fail(WHOLE, reason, help));
                }
                vec![(WHOLE.to_owned(), Value::Object(map))]
            }
        }
        other => {
            let reason = format!("{} where a policy is expected", what(&other));
            return Err(fail(WHOLE, reason, HOW));
        }
    };
    if objects.is_empty() {
        return Err(fail(WHOLE, "the list is empty".to_owned(), HOW));
    }
    for (position, object) in objects {
        let Value::Object(map) = &object else {
            let reason = format!("{} where a policy is expected", what(&object));
            return Err(fail(&position, reason, HOW));
        };
        let Some(kind) = kind(map).or(context) else {
            let keys: Vec<_> = map.keys().take(4).map(|key| quoted(key)).collect();
            let reason = if keys.is_empty() {
                "an object without properties".to_owned()
            } else {
                format!(
                    "no Conditional Access policy, and nothing that one refers to (it has {})",
                    keys.join(", ")
                )
            };
            return Err(fail(&position, reason, HOW));
        };
        let source = if position == WHOLE {
            file.to_owned()
        } else {
            format!("{file}: {position}")
        };
        let change = change(kind, object, source);
        if change.id.is_none() && change.name.is_none() && kind != Kind::RoleAssignment {
            return Err(fail(
                &position,
                "neither `id` nor `displayName` says which object it is".to_owned(),
                "add the `id` of the object that it changes",
            ));
        }
        changes.warnings.extend(partial(&change));
        changes.changes.push(change);
    }
    Ok(changes)
}

fn placed(name: &str, items: Vec<Value>) -> Vec<(String, Value)> {
    let place = |(at, item)| (format!("{name}[{at}]"), item);
    items.into_iter().enumerate().map(place).collect()
}

fn change(kind: Kind, body: Value, source: String) -> Change {
    let whole = kind != Kind::Policy || gaps(&body).is_empty();
    Change {
        kind,
        action: if whole { Action::Put } else { Action::Merge },
        id: known_text(&body, "id").map(|id| last_segment(id).to_owned()),
        name: known_text(&body, "displayName").map(str::to_owned),
        body,
        source,
        before_name: None,
    }
}

/// The warning about a body that is not a whole policy.
pub(super) fn partial(change: &Change) -> Option<String> {
    if change.kind != Kind::Policy || change.action != Action::Merge {
        return None;
    }
    let gaps = gaps(&change.body);
    (!gaps.is_empty()).then(|| {
        format!(
            "{}: a partial policy, without {}: what it leaves out stays as it is in the tenant; give \
             the whole policy to be sure",
            change.source,
            gaps.join(", ")
        )
    })
}

/// The kind of an object, by its OData type, else by the properties that only it has.
fn kind(object: &Map<String, Value>) -> Option<Kind> {
    if let Some(name) = object.get("@odata.type").and_then(Value::as_str) {
        let name = name.trim_start_matches('#').to_ascii_lowercase();
        return match name.strip_prefix("microsoft.graph.").unwrap_or(&name) {
            "conditionalaccesspolicy" => Some(Kind::Policy),
            "namedlocation" | "ipnamedlocation" | "countrynamedlocation" => {
                Some(Kind::NamedLocation)
            }
            "authenticationstrengthpolicy" => Some(Kind::AuthenticationStrength),
            "group" => Some(Kind::Group),
            "unifiedroleassignment" => Some(Kind::RoleAssignment),
            _ => None,
        };
    }
    let has = |key: &str| object.contains_key(key);
    let is_state = |state: &str| {
        let states = ["enabled", "disabled", "enabledForReportingButNotEnforced"];
        states.iter().any(|known| known.eq_ignore_ascii_case(state))
    };
    let state = object.get("state").and_then(Value::as_str);
    if object.get("conditions").is_some_and(Value::is_object)
        || has("grantControls")
        || has("sessionControls")
        || state.is_some_and(is_state)
    {
        Some(Kind::Policy)
    } else if has("ipRanges") || has("countriesAndRegions") {
        Some(Kind::NamedLocation)
    } else if has("allowedCombinations") {
        Some(Kind::AuthenticationStrength)
    } else if has("principalId") && has("roleDefinitionId") {
        Some(Kind::RoleAssignment)
    } else if has("groupTypes") || has("securityEnabled") || has("membershipRule") {
        Some(Kind::Group)
    } else {
        None
    }
}

/// The kind that an `@odata.context` names behind its `#`.
fn of_context(context: &str) -> Option<Kind> {
    let (_, path) = context.split_once('#')?;
    let path = path.trim_end_matches("/$entity");
    let path = path.split('(').next().unwrap_or(path);
    body::place(path).map(|place| place.kind)
}

/// Files that are easily taken for a change: what they are, and what to give in their place.
fn something_else(map: &Map<String, Value>) -> Option<(String, &'static str)> {
    let text = |key: &str| map.get(key).and_then(Value::as_str);
    if let Some(error) = map.get("error").filter(|error| error.is_object()) {
        let code = error["code"].as_str().unwrap_or("no code");
        return Some((
            format!(
                "an error that Microsoft Graph answered with ({}), not a policy",
                quoted(code)
            ),
            "export the policy again, with the permission Policy.Read.All",
        ));
    }
    if let Some(schema) = text("schema").filter(|schema| schema.starts_with("breakglass/")) {
        return Some((
            format!(
                "a file of this program with the schema {}, not a change",
                quoted(schema)
            ),
            "give a snapshot with `--tenant`, and here the policy as it shall become",
        ));
    }
    if map.contains_key("terraform_version") && map.contains_key("lineage") {
        return Some(("Terraform's state, not a plan".to_owned(), HOW_PLAN));
    }
    if map.contains_key("@level") {
        let reason = "the log that `terraform plan -json` prints, not the plan";
        return Some((reason.to_owned(), HOW_PLAN));
    }
    None
}

fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "true or false",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
