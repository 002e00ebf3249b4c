//! Looking into a record without caring how its writer spells things.
//!
//! Keys are compared without letter case; `X_dynamic` and `X_string` are `X`, and so is `X [UTC]`. Null, the
//! empty text and the empty cell are the same as absent. JSON inside a text is parsed where a structure is
//! expected.

use std::borrow::Cow;

use serde_json::{Map, Value};

/// An object of a record.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a>(pub(super) Option<&'a Map<String, Value>>);

fn same_key(key: &str, name: &str) -> bool {
    let key = key.trim();
    let head = match key.get(..name.len()) {
        Some(head) if head.eq_ignore_ascii_case(name) => &key[name.len()..],
        _ => return false,
    };
    head.is_empty()
        || ["_dynamic", "_string", " [UTC]"]
            .iter()
            .any(|twin| head.eq_ignore_ascii_case(twin))
}

fn filled(value: &Value) -> bool {
    match value {
        Value::Null => false,
        Value::String(text) => !text.trim().is_empty(),
        _ => true,
    }
}

/// A number, a text or a truth value as text; `None` for structures and for what is empty.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => {
            let text = text.trim();
            (!text.is_empty()).then(|| text.to_owned())
        }
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(truth) => Some(truth.to_string()),
        _ => None,
    }
}

/// The structure that a value is, or that its text spells.
pub(super) fn structure(value: &Value) -> Option<Cow<'_, Value>> {
    match value {
        Value::Object(_) | Value::Array(_) => Some(Cow::Borrowed(value)),
        Value::String(text) if text.trim_start().starts_with(['{', '[']) => {
            match serde_json::from_str::<Value>(text) {
                Ok(inner @ (Value::Object(_) | Value::Array(_))) => Some(Cow::Owned(inner)),
                _ => None,
            }
        }
        _ => None,
    }
}

impl<'a> Fields<'a> {
    pub(super) fn of(value: &'a Value) -> Self {
        Self(value.as_object())
    }

    /// The first filled field among the names.
    pub(super) fn get(self, names: &[&str]) -> Option<&'a Value> {
        let map = self.0?;
        names.iter().find_map(|name| {
            if let Some(value) = map.get(*name).filter(|value| filled(value)) {
                return Some(value);
            }
            map.iter()
                .find(|(key, value)| same_key(key, name) && filled(value))
                .map(|(_, value)| value)
        })
    }

    pub(super) fn has(self, names: &[&str]) -> bool {
        self.get(names).is_some()
    }

    pub(super) fn text(self, names: &[&str]) -> Option<String> {
        names
            .iter()
            .find_map(|name| self.get(&[name]).and_then(scalar))
    }

    pub(super) fn nested(self, names: &[&str]) -> Option<Cow<'a, Value>> {
        names
            .iter()
            .find_map(|name| self.get(&[name]).and_then(structure))
    }

    /// The items of a list; a single object counts as a list of one.
    pub(super) fn list(self, names: &[&str]) -> Vec<Value> {
        match self.nested(names).map(Cow::into_owned) {
            Some(Value::Array(items)) => items,
            Some(object) => vec![object],
            None => Vec::new(),
        }
    }
}
