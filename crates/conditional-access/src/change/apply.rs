//! Applying the changes of policies to the policies that are there.

use std::collections::HashMap;

use breakglass_model::source_text::quoted;
use serde_json::{Map, Value};

use super::{Action, Change, KNOWN_AFTER_APPLY, Kind, known_text, last_segment};

/// Keys of a policy that decide what it does.
const PARTS: [&str; 3] = ["conditions", "grantControls", "sessionControls"];

/// Where a change finds its policy.
enum Target {
    At(usize),
    Nowhere,
    /// So many policies have the name.
    Several(usize),
}

/// Applies the changes of policies to a list of raw policies: by id, else by name (without regard to
/// letter case), else added. Gives the new list, and one line per change that says what it did.
///
/// A policy that replaces another keeps the id of the one that was there; an added one without id gets
/// `new:<display name>`. When several changes reach the same policy the last one wins, and its line
/// says so. A name that several policies have is no address: such a change removes and merges nothing,
/// and a whole policy is added beside them. Changes of other kinds are left out, see [`apply_kind`].
pub fn apply(present: &[Value], changes: &[Change]) -> (Vec<Value>, Vec<String>) {
    apply_kind(present, changes, Kind::Policy)
}

/// As [`apply`], for objects of one kind with `id` and `displayName`: policies, locations, strengths.
pub fn apply_kind(present: &[Value], changes: &[Change], kind: Kind) -> (Vec<Value>, Vec<String>) {
    let mut policies = present.to_vec();
    let mut touched: HashMap<String, &str> = HashMap::new();
    let mut lines = Vec::new();
    for change in changes.iter().filter(|c| c.kind == kind) {
        let target = find(&policies, change);
        let mut line = match (change.action, target) {
            (Action::Put | Action::Merge, Target::Nowhere) => add(&mut policies, change, ""),
            (Action::Put, Target::Several(count)) => {
                let why = format!(
                    " beside {count} {} of that name: give the `id` of the one to replace",
                    kind.plural()
                );
                add(&mut policies, change, &why)
            }
            (Action::Put, Target::At(at)) => put(&mut policies[at], change),
            (Action::Merge, Target::At(at)) => merge_into(&mut policies[at], change),
            (Action::Delete, Target::At(at)) => {
                let policy = policies.remove(at);
                format!("removes {}", title(&policy))
            }
            (Action::Delete, Target::Nowhere) => {
                format!("removes nothing: {} is not in the tenant", asked(change))
            }
            (Action::Delete | Action::Merge, Target::Several(count)) => format!(
                "changes nothing: {count} {} are called {}; give the `id`",
                kind.plural(),
                asked(change)
            ),
        };
        // Where the change went, to notice the next one that goes there.
        if let Target::At(at) = find(&policies, change)
            && let Some(id) = known_text(&policies[at], "id")
            && change.action != Action::Delete
            && let Some(earlier) = touched.insert(id.to_lowercase(), &change.source)
        {
            line.push_str(&format!(
                "; warning: {earlier} changes the same policy, and the last one counts"
            ));
        }
        lines.push(format!("{}: {line}", change.source));
    }
    (policies, lines)
}

fn find(policies: &[Value], change: &Change) -> Target {
    if let Some(id) = &change.id {
        let same = |policy: &Value| {
            known_text(policy, "id")
                .is_some_and(|other| last_segment(other).eq_ignore_ascii_case(id))
        };
        if let Some(at) = policies.iter().position(same) {
            return Target::At(at);
        }
    }
    for name in [&change.before_name, &change.name].into_iter().flatten() {
        let name = name.trim().to_lowercase();
        let mut found = policies.iter().enumerate().filter(|(_, policy)| {
            known_text(policy, "displayName").is_some_and(|n| n.trim().to_lowercase() == name)
        });
        if let Some((at, _)) = found.next() {
            return match found.count() {
                0 => Target::At(at),
                more => Target::Several(more + 1),
            };
        }
    }
    Target::Nowhere
}

fn add(policies: &mut Vec<Value>, change: &Change, why: &str) -> String {
    let mut policy = change.body.as_object().cloned().unwrap_or_default();
    let id = change.id.clone().unwrap_or_else(|| {
        let name = change.name.as_deref().unwrap_or(&change.source);
        format!("new:{name}")
    });
    policy.insert("id".to_owned(), Value::from(id));
    let policy = Value::Object(policy);
    let partial = if change.action == Action::Merge {
        ", though its body is partial: the tenant holds no policy to merge it onto"
    } else {
        ""
    };
    let line = format!("adds {}{why}{partial}", title(&policy));
    policies.push(policy);
    line
}

fn put(present: &mut Value, change: &Change) -> String {
    let mut policy = change.body.as_object().cloned().unwrap_or_default();
    if let Some(id) = present.get("id") {
        policy.insert("id".to_owned(), id.clone());
    }
    let old = std::mem::replace(present, Value::Object(policy));
    let by_id = known_text(&old, "id")
        .zip(change.id.as_deref())
        .is_some_and(|(old, id)| last_segment(old).eq_ignore_ascii_case(id));
    let by_name = if by_id { "" } else { ", found by its name" };
    format!(
        "replaces {}{by_name}{}",
        title(&old),
        difference(&old, present)
    )
}

fn merge_into(present: &mut Value, change: &Change) -> String {
    let old = present.clone();
    if let (Some(map), Some(body)) = (present.as_object_mut(), change.body.as_object()) {
        merge(map, body);
        if let Some(id) = old.get("id") {
            map.insert("id".to_owned(), id.clone());
        }
    }
    format!(
        "is merged onto {}{}",
        title(&old),
        difference(&old, present)
    )
}

/// Objects are merged; lists and everything else are replaced.
fn merge(present: &mut Map<String, Value>, body: &Map<String, Value>) {
    for (key, value) in body {
        match (present.get_mut(key), value) {
            (Some(Value::Object(present)), Value::Object(value)) => merge(present, value),
            _ => {
                present.insert(key.clone(), value.clone());
            }
        }
    }
}

/// The new name, the new state, and what is not configured any more.
fn difference(old: &Value, new: &Value) -> String {
    let mut text = String::new();
    let at = |policy: &Value, key: &str| known_text(policy, key).map(str::to_owned);
    let (before, after) = (at(old, "displayName"), at(new, "displayName"));
    if let Some(after) = after.filter(|after| before.as_ref() != Some(after)) {
        text.push_str(&format!(", renamed to {}", quoted(&after)));
    }
    let (before, after) = (at(old, "state"), at(new, "state"));
    if let (Some(before), Some(after)) = (before, after)
        && before != after
    {
        text.push_str(&format!(", state {} → {}", quoted(&before), quoted(&after)));
    }
    let mut gone = Vec::new();
    for part in PARTS {
        lost(&old[part], &new[part], part, 2, &mut gone);
    }
    if !gone.is_empty() {
        text.push_str(&format!(", no longer set: {}", gone.join(", ")));
    }
    text
}

fn lost(old: &Value, new: &Value, path: &str, levels: usize, gone: &mut Vec<String>) {
    if is_nothing(old) {
        return;
    }
    match (old, new) {
        // A strength is named by its id; Graph's answers carry its content too.
        (Value::Object(old), Value::Object(new)) if levels > 0 && !path.ends_with("Strength") => {
            for (key, value) in old.iter().filter(|(key, _)| !key.contains('@')) {
                let new = new.get(key).unwrap_or(&Value::Null);
                lost(value, new, &format!("{path}.{key}"), levels - 1, gone);
            }
        }
        _ if is_nothing(new) => gone.push(path.to_owned()),
        _ => {}
    }
}

/// Absent, null, empty and an object of such values mean the same: not configured.
fn is_nothing(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => true,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => {
            let mut parts = map.iter().filter(|(key, _)| !key.contains('@'));
            map.get("isEnabled") == Some(&Value::Bool(false)) || parts.all(|(_, v)| is_nothing(v))
        }
        Value::Bool(true) | Value::Number(_) => false,
    }
}

fn title(policy: &Value) -> String {
    let name = known_text(policy, "displayName").unwrap_or("a policy without a name");
    match known_text(policy, "id") {
        Some(id) => format!("{} ({})", quoted(name), quoted(id)),
        None => quoted(name),
    }
}

fn asked(change: &Change) -> String {
    let name = change.before_name.as_ref().or(change.name.as_ref());
    quoted(
        name.or(change.id.as_ref())
            .map_or(KNOWN_AFTER_APPLY, String::as_str),
    )
}
