//! Microsoft's type model, as far as it says which fields are known.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// The fields of Microsoft's type model: by type, field and the field's type.
pub(super) struct Model {
    pub(super) types: BTreeMap<String, Type>,
}

#[derive(Default)]
pub(super) struct Type {
    base: Option<String>,
    fields: BTreeMap<String, String>,
    /// Fields that lead to other objects, and come only when they are asked for with `$expand`.
    links: BTreeSet<String>,
}

/// The value of an attribute in a line of XML.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    let (_, rest) = line.split_once(&format!(" {name}=\""))?;
    rest.split_once('"').map(|(value, _)| value)
}

/// `Collection(graph.fido2AuthenticationMethod)` without the collection and the namespace.
pub(super) fn plain(name: &str) -> &str {
    let inner = name
        .split_once('(')
        .map_or(name, |(_, rest)| rest.trim_end_matches(')'));
    inner.rsplit('.').next().unwrap_or(inner)
}

impl Model {
    /// Reads the model file, which has one element a line.
    pub(super) fn read(text: &str) -> Self {
        let mut types: BTreeMap<String, Type> = BTreeMap::new();
        let mut open = None;
        for line in text.lines() {
            let element = line.trim_start();
            if element.starts_with("<EntityType ") || element.starts_with("<ComplexType ") {
                let name = attribute(line, "Name").unwrap().to_owned();
                let base = attribute(line, "BaseType").map(|base| plain(base).to_owned());
                types.entry(name.clone()).or_default().base = base;
                open = (!element.ends_with("/>")).then_some(name);
            } else if element.starts_with("</EntityType") || element.starts_with("</ComplexType") {
                open = None;
            } else if element.starts_with("<Property ")
                || element.starts_with("<NavigationProperty ")
            {
                let (Some(owner), Some(name), Some(kind)) =
                    (&open, attribute(line, "Name"), attribute(line, "Type"))
                else {
                    continue;
                };
                let owner = types.get_mut(owner).unwrap();
                owner.fields.insert(name.to_owned(), plain(kind).to_owned());
                if element.starts_with("<Nav") {
                    owner.links.insert(name.to_owned());
                }
            }
        }
        Self { types }
    }

    fn declared(&self, owner: &str, field: &str) -> Option<&Type> {
        let mut at = Some(owner);
        while let Some(known) = at.and_then(|name| self.types.get(name)) {
            if known.fields.contains_key(field) {
                return Some(known);
            }
            at = known.base.as_deref();
        }
        None
    }

    /// The type of a field; `None`: the model does not know the field.
    fn field(&self, owner: &str, field: &str) -> Option<&str> {
        let owner = self.declared(owner, field)?;
        owner.fields.get(field).map(String::as_str)
    }

    /// Whether the model knows the field as one that can be selected.
    pub(super) fn selects(&self, owner: &str, field: &str) -> bool {
        self.declared(owner, field)
            .is_some_and(|owner| !owner.links.contains(field))
    }

    /// Whether the field leads to another object.
    pub(super) fn links(&self, owner: &str, field: &str) -> bool {
        self.declared(owner, field)
            .is_some_and(|owner| owner.links.contains(field))
    }

    /// What of `sent` the answer lost or changed.
    pub(super) fn differences(
        &self,
        kind: &str,
        sent: &Value,
        got: &Value,
        at: &str,
        out: &mut Vec<String>,
    ) {
        match (sent, got) {
            (Value::Object(sent), Value::Object(got)) => {
                let named = sent.get("@odata.type").and_then(Value::as_str).map(plain);
                let kind = named.unwrap_or(kind);
                for (name, value) in sent {
                    let Some(field) = self.field(kind, name) else {
                        continue;
                    };
                    let at = format!("{at}.{name}");
                    match got.get(name) {
                        None => out.push(format!("{at} is lost")),
                        Some(got) => self.differences(field, value, got, &at, out),
                    }
                }
            }
            (Value::Array(sent), Value::Array(got)) if sent.len() == got.len() => {
                for (index, (sent, got)) in sent.iter().zip(got).enumerate() {
                    self.differences(kind, sent, got, &format!("{at}[{index}]"), out);
                }
            }
            (sent, got) if sent == got => {}
            (sent, got) => out.push(format!("{at} was {sent} and is {got}")),
        }
    }
}
