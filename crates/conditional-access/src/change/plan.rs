//! The output of `terraform show -json <plan>`: `resource_changes[].change.{actions, before, after,
//! after_unknown}`.

use std::collections::BTreeMap;

use breakglass_model::source_text::quoted;
use serde_json::Value;

use super::{
    Action, Change, ChangeError, Changes, HOW_PLAN, KNOWN_AFTER_APPLY, Kind, WHOLE, azuread, body,
    gaps, graph,
};

/// Attributes that the provider fills in when nobody wrote them: on creation they count as unknown,
/// and are then what the service defaults to, which is what a body without them says.
const COMPUTED: &[&str] = &[
    "insider_risk_levels",
    "sign_in_frequency_authentication_type",
    "sign_in_frequency_interval",
    "members",
    "directory_scope_id",
    "app_scope_id",
];

/// Providers that can carry what Conditional Access depends on, as resource types start.
const PROVIDERS: &[&str] = &["azuread_", "msgraph_", "azapi_"];

/// Resources that narrow a strength from outside of it.
const CONFIGURATION: &str = "_combination_configuration";

/// How many types or paths one warning names.
const NAMED: usize = 6;

/// What a resource describes, in Graph's words.
pub(super) struct Object {
    pub(super) kind: Kind,
    pub(super) id: Option<String>,
    pub(super) name: Option<String>,
    pub(super) body: Value,
    /// How it is sent.
    pub(super) sent: Sent,
}

/// How a provider sends what a resource describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// The provider builds the whole object.
    Whole,
    /// The body as it is: POST when it is created, PATCH when it is updated.
    AsWritten,
    /// Always PATCH: a part of an object that the resource does not own.
    Part,
}

/// What Terraform does to a resource; the order in which the changes are to be applied, so that a name
/// that is given up can be taken again in the same plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Step {
    Delete,
    Update,
    Replace,
    Create,
}

/// Reads a plan.
pub(super) fn read(file: &str, plan: &Value) -> Result<Changes, ChangeError> {
    let fail = |position: &str, reason: &str| ChangeError {
        file: file.to_owned(),
        position: position.to_owned(),
        reason: reason.to_owned(),
        help: HOW_PLAN.to_owned(),
    };
    let none = Vec::new();
    let resources = match plan.get("resource_changes") {
        Some(Value::Array(resources)) => resources,
        Some(Value::Null) | None if plan.get("values").is_some() => {
            return Err(fail(WHOLE, "this is Terraform's state, not a plan"));
        }
        // Terraform leaves out an empty list.
        Some(Value::Null) | None if plan.get("planned_values").is_some() => &none,
        Some(Value::Null) | None => {
            return Err(fail(WHOLE, "a Terraform plan without `resource_changes`"));
        }
        Some(_) => return Err(fail("resource_changes", "not a list")),
    };
    let mut changes = Changes::default();
    if plan["errored"] == true {
        return Err(fail(
            "errored",
            "a plan that ended with an error, so that it does not tell all changes",
        ));
    }
    if plan["complete"] == false {
        let why =
            format!("{file}: Terraform put off a part of the changes, so the plan is incomplete");
        changes.warnings.push(why.clone());
        changes.incomplete.push(why);
    }
    let mut steps: Vec<(Step, Change)> = Vec::new();
    let mut unread: BTreeMap<&str, usize> = BTreeMap::new();
    for (at, resource) in resources.iter().enumerate() {
        let position = format!("resource_changes[{at}]");
        let (Some(address), Some(kind)) = (resource["address"].as_str(), resource["type"].as_str())
        else {
            return Err(fail(&position, "a resource without `address` or `type`"));
        };
        let Some(actions) = resource["change"]["actions"].as_array() else {
            return Err(fail(&position, "a resource without `change.actions`"));
        };
        let Some(step) = step(actions) else {
            continue;
        };
        if !PROVIDERS.iter().any(|name| kind.starts_with(name)) {
            *unread.entry(kind).or_default() += 1;
            continue;
        }
        let change = &resource["change"];
        let (before, unknown) = (&change["before"], &change["after_unknown"]);
        if before == &change["after"] && !marked(unknown) {
            continue;
        }
        let after = overlay(&change["after"], unknown, written(plan, address));
        let described = |values: &Value| {
            azuread::object(kind, values)
                .map(Ok)
                .or_else(|| body::object(kind, values))
        };
        let current = if step == Step::Delete { before } else { &after };
        match described(current) {
            None if kind.ends_with(CONFIGURATION) => changes.warnings.push(format!(
                "{file}: {address}: narrows an authentication strength and was not read: give the \
                 strength with its combinationConfigurations as Graph JSON"
            )),
            None => *unread.entry(kind).or_default() += 1,
            Some(Err(reason)) => changes.warnings.push(format!(
                "{file}: {address}: was not read: {reason}; what it changes is not in the answer"
            )),
            Some(Ok(object)) => {
                let earlier = described(before).and_then(Result::ok);
                let source = format!("{file}: {address}");
                let first = steps.len();
                steps.extend(of_resource(step, object, earlier, &source));
                for (_, change) in &steps[first..] {
                    changes.warnings.extend(warnings(step, change));
                }
            }
        }
    }
    if !unread.is_empty() {
        changes.warnings.push(format!(
            "{file}: resources that this program does not read: {}",
            counted(&unread)
        ));
    }
    if steps.is_empty() {
        changes.warnings.push(format!(
            "{file}: none of the {} resources in the plan changes what Conditional Access does",
            resources.len()
        ));
    }
    steps.sort_by_key(|(step, _)| *step);
    changes.changes = steps.into_iter().map(|(_, change)| change).collect();
    Ok(changes)
}

/// What the actions come to; `None` when nothing happens to the object (`no-op`, `read`, `forget`).
fn step(actions: &[Value]) -> Option<Step> {
    let has = |name: &str| actions.iter().any(|action| action == name);
    if has("create") && has("delete") {
        Some(Step::Replace)
    } else if has("create") {
        Some(Step::Create)
    } else if has("update") {
        Some(Step::Update)
    } else if has("delete") {
        Some(Step::Delete)
    } else {
        None
    }
}

fn of_resource(
    step: Step,
    object: Object,
    earlier: Option<Object>,
    source: &str,
) -> Vec<(Step, Change)> {
    let change = |action, object: Object| Change {
        kind: object.kind,
        action,
        id: object.id,
        name: object.name,
        body: object.body,
        source: source.to_owned(),
        before_name: None,
    };
    if step == Step::Delete {
        // Such a resource leaves its object as it is when it goes (provider documentation).
        return if object.sent == Sent::Part {
            Vec::new()
        } else {
            vec![(step, change(Action::Delete, object))]
        };
    }
    // A membership or assignment has no identity but its ends: the old one goes.
    let is_link = matches!(object.kind, Kind::GroupMember | Kind::RoleAssignment);
    if let (true, Step::Replace | Step::Update, Some(earlier)) = (is_link, step, earlier.as_ref())
        && earlier.body != object.body
    {
        let gone = Change {
            kind: earlier.kind,
            action: Action::Delete,
            id: earlier.id.clone(),
            name: None,
            body: earlier.body.clone(),
            source: source.to_owned(),
            before_name: None,
        };
        return vec![
            (Step::Delete, gone),
            (Step::Create, change(Action::Put, object)),
        ];
    }
    // What is replaced gets a new id: whoever outside of the plan names the old one names nothing from then on.
    if let (Step::Replace, true, Some(earlier)) = (step, referred(object.kind), earlier.as_ref()) {
        let gone = Change {
            kind: earlier.kind,
            action: Action::Delete,
            id: earlier.id.clone(),
            name: earlier.name.clone(),
            body: earlier.body.clone(),
            source: source.to_owned(),
            before_name: None,
        };
        return vec![
            (Step::Delete, gone),
            (Step::Create, change(Action::Put, object)),
        ];
    }
    let action = match object.sent {
        Sent::Part => Action::Merge,
        Sent::AsWritten if step == Step::Update => Action::Merge,
        Sent::AsWritten if object.kind == Kind::Policy && !gaps(&object.body).is_empty() => {
            Action::Merge
        }
        Sent::Whole | Sent::AsWritten => Action::Put,
    };
    let mut change = change(action, object);
    if let Some(earlier) = earlier {
        change.before_name = earlier.name;
        // A replaced object gets a new id at apply; here it stands where the old one stood.
        if change.id.is_none() && !is_link {
            change.id = earlier.id;
            if let (Some(id), Some(map)) = (&change.id, change.body.as_object_mut()) {
                map.insert("id".to_owned(), Value::from(id.clone()));
            }
        }
    }
    vec![(step, change)]
}

/// Whether policies refer to objects of this kind by id.
fn referred(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::NamedLocation | Kind::AuthenticationStrength | Kind::Group
    )
}

fn warnings(step: Step, change: &Change) -> Vec<String> {
    let mut warnings: Vec<String> = graph::partial(change).into_iter().collect();
    let source = &change.source;
    if change.action == Action::Delete {
        return warnings;
    }
    if change.action == Action::Merge && warnings.is_empty() {
        warnings.push(format!(
            "{source}: is sent as a PATCH: what its body leaves out stays as it is in the tenant"
        ));
    }
    let mut unknown = Vec::new();
    unknown_paths(&change.body, String::new(), &mut unknown);
    if !unknown.is_empty() {
        let more = unknown.len().saturating_sub(NAMED);
        unknown.truncate(NAMED);
        let more = if more == 0 {
            String::new()
        } else {
            format!(" and {more} more")
        };
        warnings.push(format!(
            "{source}: known only after apply, so counted as unknown: {}{more}",
            unknown.join(", ")
        ));
    }
    if step == Step::Replace && referred(change.kind) {
        warnings.push(format!(
            "{source}: is replaced and gets a new id: policies outside of this plan that name the old \
             id lose it"
        ));
    }
    warnings
}

fn unknown_paths(value: &Value, path: String, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.split(',').any(|part| part == KNOWN_AFTER_APPLY) => {
            found.push(path);
        }
        Value::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                unknown_paths(item, format!("{path}[{at}]"), found);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let dot = if path.is_empty() { "" } else { "." };
                unknown_paths(item, format!("{path}{dot}{key}"), found);
            }
        }
        _ => {}
    }
}

fn counted(types: &BTreeMap<&str, usize>) -> String {
    let mut parts: Vec<String> = types
        .iter()
        .take(NAMED)
        .map(|(name, count)| format!("{} ({count})", quoted(name)))
        .collect();
    if types.len() > NAMED {
        parts.push(format!("{} more types", types.len() - NAMED));
    }
    parts.join(", ")
}

/// Whether anything in `after_unknown` is unknown.
fn marked(unknown: &Value) -> bool {
    match unknown {
        Value::Bool(unknown) => *unknown,
        Value::Array(items) => items.iter().any(marked),
        Value::Object(map) => map.values().any(marked),
        _ => false,
    }
}

/// `after` with [`KNOWN_AFTER_APPLY`] where `after_unknown` says so. `written` is what the
/// configuration says about the same place, as far as the plan holds it.
fn overlay(after: &Value, unknown: &Value, written: Option<&Value>) -> Value {
    match unknown {
        Value::Bool(true) => Value::from(KNOWN_AFTER_APPLY),
        Value::Object(marks) => {
            let mut map = after.as_object().cloned().unwrap_or_default();
            for (key, mark) in marks.iter().filter(|(_, mark)| marked(mark)) {
                let part = written.and_then(|written| written.get(key));
                let unwritten = part.is_none() && written.is_some_and(Value::is_object);
                if unwritten && COMPUTED.contains(&key.as_str()) {
                    continue;
                }
                map.insert(key.clone(), overlay(&after[key], mark, part));
            }
            Value::Object(map)
        }
        Value::Array(marks) => {
            let mut items = after.as_array().cloned().unwrap_or_default();
            if items.len() < marks.len() {
                items.resize(marks.len(), Value::Null);
            }
            for (at, (item, mark)) in items.iter_mut().zip(marks).enumerate() {
                if marked(mark) {
                    *item = overlay(item, mark, written.and_then(|written| written.get(at)));
                }
            }
            Value::Array(items)
        }
        _ => after.clone(),
    }
}

/// The expressions of a resource in the plan's `configuration`.
fn written<'p>(plan: &'p Value, address: &str) -> Option<&'p Value> {
    let parts = parts(address);
    let mut module = plan.get("configuration")?.get("root_module")?;
    let mut parts = &parts[..];
    while let [word, name, rest @ ..] = parts
        && word == "module"
    {
        module = module.get("module_calls")?.get(name)?.get("module")?;
        parts = rest;
    }
    let address = parts.join(".");
    let resources = module.get("resources")?.as_array()?;
    let resource = resources.iter().find(|r| r["address"] == address)?;
    resource.get("expressions")
}

/// The names of an address, without the keys of instances: `module.a["x.y"].t.n[0]` → module, a, t, n.
fn parts(address: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped, mut depth) = (false, false, 0_usize);
    for c in address.chars() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if quoted => {}
            '[' => depth += 1,
            ']' => depth = depth.saturating_sub(1),
            '.' if depth == 0 => parts.push(String::new()),
            c if depth == 0 => {
                if let Some(part) = parts.last_mut() {
                    part.push(c);
                }
            }
            _ => {}
        }
    }
    parts
}
