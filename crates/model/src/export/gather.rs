//! Objects as they come out of the files, told apart and kept by collection until all are there.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::{Map, Value};

use super::{
    Counts,
    kind::{self, Place, Relation},
    stream::Early,
};
use crate::{NotRead, SetAside};

/// A list that belongs to an owner, read from a file of its own.
#[derive(Debug, Default)]
pub(super) struct Related {
    pub(super) items: Vec<Value>,
    pub(super) incomplete: Option<String>,
}

/// How completely a collection was read.
#[derive(Debug, Default)]
pub(super) struct Extent {
    /// A whole collection (a last page, a snapshot's list) was read.
    pub(super) whole: bool,
    /// Single objects lay in a folder that is named like the collection.
    pub(super) folder: bool,
    /// Why objects are certainly missing.
    pub(super) missing: Option<NotRead>,
}

/// Where an object was found: its file and the place in it, and whether the file is our snapshot.
#[derive(Clone, Copy, Debug)]
pub(super) struct Source<'a> {
    pub(super) file: &'a str,
    pub(super) position: &'a str,
}

/// Everything that was recognised so far.
#[derive(Debug, Default)]
pub(super) struct Gather {
    pub(super) objects: BTreeMap<String, Vec<Value>>,
    pub(super) extents: BTreeMap<String, Extent>,
    pub(super) relations: BTreeMap<(&'static str, String, &'static str), Related>,
    /// Names of groups that other files tell, by folded id.
    pub(super) group_names: BTreeMap<String, (String, String)>,
    pub(super) tenant_id: Option<String>,
    pub(super) tenant_name: Option<String>,
    pub(super) collected_at: Option<String>,
    pub(super) not_read: Vec<NotRead>,
    /// What our snapshot tells its readers.
    pub(super) notes: Vec<String>,
    pub(super) set_aside: Vec<SetAside>,
    pub(super) repeated: BTreeSet<String>,
    pub(super) counts: Vec<Counts>,
    /// Whether our own snapshot was read: its lists are never cut off by `$expand`.
    pub(super) has_snapshot: bool,
    /// Objects that are made already.
    pub(super) early: Early,
    index: HashMap<(String, String), usize>,
}

impl Gather {
    /// Notes a piece that could not be understood.
    pub(super) fn set_aside(&mut self, at: Source<'_>, reason: impl Into<String>) {
        self.set_aside.push(SetAside {
            file: at.file.to_owned(),
            position: at.position.to_owned(),
            reason: reason.into(),
        });
        if let Some(counts) = self.counts.last_mut() {
            counts.set_aside += 1;
        }
    }

    /// Notes a file of which nothing could be read. What it may have held is incomplete from here on: a
    /// file whose place says nothing may have held a policy.
    pub(super) fn lost(&mut self, at: Source<'_>, place: &Place, reason: String) {
        let why = format!("{} could not be read: {reason}", at.file);
        if let Some(relation) = &place.relation {
            let key = (relation.owner, relation.id.to_lowercase(), relation.name);
            self.relations.entry(key).or_default().incomplete = Some(why);
        } else {
            self.incomplete(place.kind.unwrap_or(kind::POLICIES), why);
        }
        self.set_aside(at, reason);
    }

    /// Notes that objects of a collection are certainly missing.
    pub(super) fn incomplete(&mut self, kind: &str, reason: String) {
        self.extent(kind).missing = Some(NotRead {
            collection: kind.to_owned(),
            reason,
            permission: None,
        });
    }

    /// A collector whose current file is this one.
    pub(super) fn file(file: &str) -> Self {
        Self {
            counts: vec![Counts {
                file: file.to_owned(),
                ..Counts::default()
            }],
            ..Self::default()
        }
    }

    /// Counts something that was recognised in the current file.
    pub(super) fn count(&mut self, kind: &str) {
        self.count_many(kind, 1);
    }

    /// Counts several things that were recognised in the current file.
    pub(super) fn count_many(&mut self, kind: &str, many: usize) {
        if let Some(counts) = self.counts.last_mut() {
            *counts.recognised.entry(kind.to_owned()).or_default() += many;
        }
    }

    /// How completely a collection was read, to be amended.
    pub(super) fn extent(&mut self, kind: &str) -> &mut Extent {
        self.extents.entry(kind.to_owned()).or_default()
    }

    /// Keeps an object. Of several with the same id the last stays.
    pub(super) fn add(&mut self, kind: &str, object: Value) {
        self.count(kind);
        let id = object
            .get("id")
            .and_then(Value::as_str)
            .map(str::to_lowercase);
        let list = self.objects.entry(kind.to_owned()).or_default();
        if let Some(id) = id.filter(|id| !id.is_empty() && !super::is_placeholder(id)) {
            match self.index.entry((kind.to_owned(), id)) {
                std::collections::hash_map::Entry::Occupied(known) => {
                    self.repeated.insert(format!("{kind}/{}", known.key().1));
                    let place = *known.get();
                    // Which of two policies is the tenant's decides whether it locks somebody out.
                    let clash = kind == super::kind::POLICIES && list[place] != object;
                    list[place] = object;
                    let id = known.key().1.clone();
                    if clash {
                        self.extent(kind).missing = Some(NotRead {
                            collection: "identity/conditionalAccess/policies".to_owned(),
                            reason: format!("the input holds different policies with the id {id}"),
                            permission: None,
                        });
                    }
                    return;
                }
                std::collections::hash_map::Entry::Vacant(new) => {
                    new.insert(list.len());
                }
            }
        }
        list.push(object);
    }

    /// Keeps items of an owner's list.
    fn relate(&mut self, relation: &Relation, items: Vec<Value>, next: bool, file: &str) {
        self.count(&format!("{}/{}", relation.owner, relation.name));
        let key = (relation.owner, relation.id.to_lowercase(), relation.name);
        let related = self.relations.entry(key).or_default();
        related.items.extend(items);
        if next {
            related.incomplete = Some(format!(
                "the list in {file} has further pages (@odata.nextLink) that are not in the input"
            ));
        }
    }

    /// Sorts a normalised document of a file into what it holds.
    pub(super) fn document(&mut self, file: &str, place: &Place, document: Value) {
        let at = Source {
            file,
            position: "whole file",
        };
        match document {
            Value::Array(items) => self.page(at, "", place, &Place::default(), items, true),
            Value::Object(mut object) => {
                if object.get("schema").and_then(Value::as_str).is_some()
                    && object.contains_key("collections")
                {
                    self.snapshot(at, object);
                } else if object.contains_key("conditional_access_policies")
                    || object.contains_key("privileged_roles")
                {
                    self.scuba(at, object);
                } else if object.get("objects").is_some_and(Value::is_array)
                    && object.contains_key("tenantId")
                {
                    self.migration_table(at, &object);
                } else if let Some(Value::Array(_)) = object.get("value")
                    && !object.contains_key("id")
                {
                    let Some(Value::Array(items)) = object.remove("value") else {
                        return;
                    };
                    let context = context_of(&object);
                    let whole =
                        !object.contains_key("@odata.nextLink") && !object.contains_key("nextLink");
                    self.page(at, "value", place, &context, items, whole);
                } else {
                    self.single(at, place, object);
                }
            }
            other => self.lost(
                at,
                place,
                format!(
                    "the file holds {}, where an object or a list of objects is expected",
                    what(&other)
                ),
            ),
        }
    }

    fn single(&mut self, at: Source<'_>, place: &Place, object: Map<String, Value>) {
        let context = context_of(&object);
        if let Some(relation) = place.relation.as_ref().or(context.relation.as_ref())
            && object.contains_key("id")
        {
            self.relate(relation, vec![Value::Object(object)], false, at.file);
            return;
        }
        match recognise(&object, context.kind, place.kind) {
            Some(kind) => {
                if place.kind == Some(kind) {
                    self.extent(kind).folder = true;
                }
                self.extents.entry(kind.to_owned()).or_default();
                self.add(kind, Value::Object(object));
            }
            None => self.set_aside(at, unrecognised(&object)),
        }
    }

    fn page(
        &mut self,
        at: Source<'_>,
        name: &str,
        place: &Place,
        context: &Place,
        items: Vec<Value>,
        whole: bool,
    ) {
        if let Some(relation) = context.relation.as_ref().or(place.relation.as_ref()) {
            self.relate(relation, items, !whole, at.file);
            return;
        }
        if context.nameless || place.nameless {
            self.set_aside(
                at,
                "a list that names no group: save a list of members as groups/<id>/members.json, the \
                 groups of a user as users/<id>/transitiveMemberOf.json",
            );
            return;
        }
        let mut kinds = BTreeSet::new();
        let before = self.set_aside.len();
        if items.is_empty() {
            match context.kind.or(place.kind) {
                Some(kind) => {
                    self.count(&format!("{kind} (an empty list)"));
                    kinds.insert(kind);
                }
                None => self.set_aside(at, "an empty list, and neither @odata.context nor the path says of what: name the file after the collection (users.json)"),
            }
        }
        for (index, item) in items.into_iter().enumerate() {
            let position = format!("{name}[{index}]");
            let at = Source {
                file: at.file,
                position: &position,
            };
            match item {
                Value::Object(object) => match recognise(&object, context.kind, place.kind) {
                    Some(kind) => {
                        kinds.insert(kind);
                        self.add(kind, Value::Object(object));
                    }
                    None => self.set_aside(at, unrecognised(&object)),
                },
                other => {
                    self.set_aside(at, format!("{} where an object is expected", what(&other)));
                }
            }
        }
        for kind in kinds {
            // Directory objects of mixed types are a page of something else, not all users.
            let names_it =
                context.kind == Some(kind) || place.kind == Some(kind) || kind == kind::POLICIES;
            if !whole {
                let reason = format!(
                    "{} has further pages (@odata.nextLink) that are not in the input",
                    at.file
                );
                self.incomplete(kind, reason);
            } else if self.set_aside.len() > before {
                let reason = format!("parts of {} could not be understood", at.file);
                self.incomplete(kind, reason);
            } else {
                self.extent(kind).whole |= names_it;
            }
        }
    }
}

fn context_of(object: &Map<String, Value>) -> Place {
    object
        .get("@odata.context")
        .and_then(Value::as_str)
        .map(kind::context)
        .unwrap_or_default()
}

/// Annotations first, then shape, then place.
fn recognise(
    object: &Map<String, Value>,
    context: Option<&'static str>,
    place: Option<&'static str>,
) -> Option<&'static str> {
    let known = kind::by_type(object)
        .or(context)
        .or_else(|| kind::by_shape(object));
    if known.is_some() {
        return known;
    }
    // A folder alone makes an object only of what has the least that an object needs, and does not say
    // that it is something else.
    place.filter(|_| {
        !object.contains_key("@odata.type")
            && (object.contains_key("id") || object.contains_key("displayName"))
    })
}

fn unrecognised(object: &Map<String, Value>) -> String {
    if let Some(kind) = object.get("@odata.type").and_then(Value::as_str) {
        return format!(
            "an object of type {}, which no check reads here",
            kind.chars().take(80).collect::<String>()
        );
    }
    let keys: Vec<String> = object
        .keys()
        .take(4)
        .map(|key| key.chars().take(40).collect())
        .collect();
    format!(
        "not recognised as an object of the tenant (keys: {}): name the file or its folder after the \
         collection (users, groups, …)",
        keys.join(", ")
    )
}

pub(super) fn what(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
