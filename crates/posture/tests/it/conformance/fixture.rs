//! Conformance tenants as written in the data files, and how a tenant is made of one.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use breakglass_model::{
    Register, TenantSnapshot, example,
    export::{self, InputFile},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// A data file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    /// What its tenants have in common: the heading of its table.
    title: String,
    tenant: Vec<Fixture>,
}

/// One tenant: a built-in one, changed, and what must be found.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Fixture {
    pub(crate) name: String,
    /// What is wrong with it, in the words of the field.
    pub(crate) wrong: String,
    /// The story (`story 6`, of the list of lockouts that happened) or the requirement that it comes from.
    pub(crate) source: String,
    /// The built-in tenant that it changes.
    #[serde(default = "modern")]
    pub(crate) base: String,
    #[serde(default)]
    pub(crate) change: Vec<Change>,
    #[serde(default)]
    pub(crate) register: Vec<Change>,
    #[serde(default)]
    pub(crate) expect: Expect,
    /// What the requirement asks to be found and the program does not find yet.
    #[serde(default)]
    pub(crate) missed: String,
    /// Whether a plan must mend it.
    #[serde(default)]
    pub(crate) planned: bool,
}

/// What must be found. Of a tenant with changes: what is found beside what is found of its base; `-BG009` is found of the base
/// and no longer. `BG009(02)`: of that account only.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Expect {
    /// Checks that fail.
    pub(crate) fails: String,
    /// Checks that cannot tell.
    pub(crate) unknown: String,
    /// Whether the accounts get in; empty: all get in.
    pub(crate) verdicts: String,
    /// Policies that reach an account and are not intended; empty: none.
    pub(crate) reached_by: String,
}

fn modern() -> String {
    "contoso-modern".to_owned()
}

/// A change of the snapshot or of the register: of one object (`of`), of a list (`new`, `without`), of a table of the register
/// (neither), or of what was read (`not_read`).
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Change {
    /// The collection; in the register the list or table (`account`, `sealed/place`).
    r#in: String,
    /// The object: its id, or its name up to a space or `@`; `*`: each.
    of: Option<String>,
    /// The field that is set to `to`, or to null without one: a JSON pointer.
    set: Option<String>,
    /// The list that `to` is added to: a JSON pointer.
    add: Option<String>,
    /// The field that is removed: a JSON pointer.
    drop: Option<String>,
    /// The new value.
    to: Option<Value>,
    /// A new object, …
    new: Option<Value>,
    /// … made from this one.
    like: Option<String>,
    /// The object that is removed; `*`: each.
    without: Option<String>,
    /// Why the collection was not read.
    not_read: Option<String>,
}

/// The moment of every conformance tenant.
pub(crate) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The directory of the data files.
pub(crate) fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../posture/tests/it/conformance")
}

/// The data files in order, with their titles and tenants.
pub(crate) fn files() -> Vec<(PathBuf, String, Vec<Fixture>)> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .filter(|path| !path.ends_with("names.toml"))
        .collect();
    paths.sort();
    let names = names();
    paths
        .into_iter()
        .map(|path| {
            let mut text = fs::read_to_string(&path).unwrap();
            for (name, id) in &names {
                text = text.replace(&format!("<{name}>"), id);
            }
            let file: File =
                toml::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
            (path, file.title, file.tenant)
        })
        .collect()
}

/// Every conformance tenant.
pub(crate) fn fixtures() -> Vec<Fixture> {
    files()
        .into_iter()
        .flat_map(|(_, _, tenants)| tenants)
        .collect()
}

/// Short names of objects (`<group>`) and what they stand for.
fn names() -> BTreeMap<String, String> {
    toml::from_str(&fs::read_to_string(folder().join("names.toml")).unwrap()).unwrap()
}

impl Fixture {
    /// Whether it is a built-in tenant as it is.
    pub(crate) fn is_base(&self) -> bool {
        self.change.is_empty() && self.register.is_empty()
    }

    /// The tenant and its register.
    pub(crate) fn make(&self) -> (TenantSnapshot, Register) {
        let example = example::tenant(&self.base, now()).unwrap();
        let mut document: Value = serde_json::from_str(&example.snapshot_json).unwrap();
        for change in &self.change {
            change
                .make(&mut document)
                .unwrap_or_else(|| panic!("{}: {change:?} does not fit", self.name));
        }
        let snapshot = export::read([InputFile {
            path: format!("{}.snapshot.json", self.name),
            bytes: document.to_string().into_bytes(),
        }]);
        assert!(
            snapshot.set_aside.is_empty(),
            "{}: {:?}",
            self.name,
            snapshot.set_aside
        );
        let mut document: Value = toml::from_str(&example.register_toml).unwrap();
        for change in &self.register {
            change
                .make_in(&mut document)
                .unwrap_or_else(|| panic!("{}: {change:?} does not fit", self.name));
        }
        let text = toml::to_string(&dated(toml::Value::try_from(document).unwrap())).unwrap();
        let register = Register::from_toml("register.toml", &text, None)
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        (snapshot, register)
    }
}

impl Change {
    /// Makes the change in a snapshot file; `None`: what it names is not there.
    fn make(&self, document: &mut Value) -> Option<()> {
        let collections = document["collections"].as_object_mut()?;
        if let Some(reason) = &self.not_read {
            collections.remove(&self.r#in)?;
            let entry = json!({"collection": self.r#in, "reason": reason, "permission": null});
            document["notRead"].as_array_mut()?.push(entry);
            return Some(());
        }
        self.make_in(&mut document["collections"])
    }

    /// Makes the change below a root.
    fn make_in(&self, root: &mut Value) -> Option<()> {
        let place = root.pointer_mut(&format!("/{}", self.r#in))?;
        if place.is_object() {
            return self.change(place);
        }
        let list = place.as_array_mut()?;
        if let Some(without) = &self.without {
            let before = list.len();
            list.retain(|object| !named(object, without));
            return (list.len() < before).then_some(());
        }
        if let Some(new) = &self.new {
            let mut object = match &self.like {
                Some(like) => list.iter().find(|own| named(own, like))?.clone(),
                None => json!({}),
            };
            for (key, value) in new.as_object()? {
                put(&mut object, key, value.clone())?;
            }
            list.push(object);
            return Some(());
        }
        let of = self.of.as_deref()?;
        let mut found = 0;
        for object in list.iter_mut().filter(|object| named(object, of)) {
            found += 1;
            self.change(object)?;
        }
        (found == 1 || of == "*" && found > 0).then_some(())
    }

    /// Changes one object.
    fn change(&self, object: &mut Value) -> Option<()> {
        let to = || self.to.clone().unwrap_or(Value::Null);
        if let Some(pointer) = &self.set {
            put(object, pointer, to())?;
        } else if let Some(pointer) = &self.add {
            object.pointer_mut(pointer)?.as_array_mut()?.push(to());
        } else {
            let (parent, key) = self.drop.as_deref()?.rsplit_once('/')?;
            match object.pointer_mut(parent)? {
                Value::Array(list) => {
                    let place = key.parse::<usize>().ok()?;
                    (place < list.len()).then(|| list.remove(place))?;
                }
                parent => {
                    parent.as_object_mut()?.remove(key)?;
                }
            }
        }
        Some(())
    }
}

/// The dates of a register, which came through JSON, as dates again.
fn dated(value: toml::Value) -> toml::Value {
    match value {
        toml::Value::Table(table) => match table.get("$__toml_private_datetime") {
            Some(date) => toml::Value::Datetime(date.as_str().unwrap().parse().unwrap()),
            None => toml::Value::Table(
                table
                    .into_iter()
                    .map(|(key, value)| (key, dated(value)))
                    .collect(),
            ),
        },
        toml::Value::Array(list) => toml::Value::Array(list.into_iter().map(dated).collect()),
        other => other,
    }
}

/// Whether a text names an object: its id, or its name up to a space or an `@`.
fn named(object: &Value, text: &str) -> bool {
    text == "*"
        || [
            "id",
            "userPrincipalName",
            "displayName",
            "name",
            "upn",
            "account",
        ]
        .iter()
        .filter_map(|key| object[key].as_str())
        .filter_map(|own| own.strip_prefix(text))
        .any(|rest| rest.is_empty() || rest.starts_with([' ', '@']))
}

/// Sets what a pointer, or a bare key, leads to; objects on the way are made.
fn put(object: &mut Value, pointer: &str, to: Value) -> Option<()> {
    let mut place = object;
    for key in pointer.trim_start_matches('/').split('/') {
        if place.is_null() {
            *place = Value::Object(Map::new());
        }
        place = match place {
            Value::Array(list) => list.get_mut(key.parse::<usize>().ok()?)?,
            Value::Object(map) => map.entry(key).or_insert(Value::Null),
            _ => return None,
        };
    }
    *place = to;
    Some(())
}
