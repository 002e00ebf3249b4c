//! Files with a form of their own: our snapshot, and the table of names beside an IntuneManagement export.

use serde_json::{Map, Value};

use super::{
    SNAPSHOT_SCHEMA,
    gather::{Gather, Source, what},
    kind,
};
use crate::NotRead;

impl Gather {
    /// Our own snapshot.
    pub(super) fn snapshot(&mut self, at: Source<'_>, mut object: Map<String, Value>) {
        let schema = object
            .get("schema")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if schema != SNAPSHOT_SCHEMA {
            let reason = format!(
                "the schema `{}` is not one that this version reads: it reads {}",
                schema.chars().take(60).collect::<String>(),
                SNAPSHOT_SCHEMA
            );
            self.set_aside(at, reason);
            return;
        }
        self.has_snapshot = true;
        let collections = object.remove("collections");
        let Some(Value::Object(collections)) = collections else {
            self.snapshot_head(at, &mut object);
            self.set_aside(at, "`collections` is not an object");
            return;
        };
        for (name, items) in collections {
            let position = format!("collections.{name}");
            let at = Source {
                file: at.file,
                position: &position,
            };
            let kind = kind::by_name(&name).map_or(name.clone(), str::to_owned);
            let Value::Array(items) = items else {
                self.set_aside(at, "a collection is a list of objects");
                continue;
            };
            self.extent(&kind).whole = true;
            for (index, item) in items.into_iter().enumerate() {
                if item.is_object() {
                    self.add(&kind, item);
                } else {
                    let position = format!("collections.{name}[{index}]");
                    self.set_aside(
                        Source {
                            file: at.file,
                            position: &position,
                        },
                        format!("{} where an object is expected", what(&item)),
                    );
                    // The list is known not to be whole.
                    self.incomplete(&kind, format!("{position} in {} is not an object", at.file));
                }
            }
        }
        self.snapshot_head(at, &mut object);
    }

    /// What a snapshot says beside its collections, once these are known.
    pub(super) fn snapshot_head(&mut self, at: Source<'_>, object: &mut Map<String, Value>) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        if let Some(tenant) = object.get("tenant") {
            self.tenant_id = text(tenant.get("id"));
            self.tenant_name = text(tenant.get("name"));
        }
        self.collected_at = text(object.get("collectedAt"));
        if let Some(Value::Array(notes)) = object.remove("notes") {
            for (index, note) in notes.into_iter().enumerate() {
                if let Value::String(note) = note {
                    self.notes.push(note);
                    continue;
                }
                let position = format!("notes[{index}]");
                self.set_aside(
                    Source {
                        file: at.file,
                        position: &position,
                    },
                    format!("{} where a text is expected", what(&note)),
                );
            }
        }
        if let Some(Value::Array(items)) = object.remove("notRead") {
            self.snapshot_not_read(at, items);
        }
    }

    /// What a snapshot says of collections that it lacks, or has only in part.
    fn snapshot_not_read(&mut self, at: Source<'_>, items: Vec<Value>) {
        for (index, item) in items.into_iter().enumerate() {
            let Ok(not_read) = serde_json::from_value::<NotRead>(item) else {
                let position = format!("notRead[{index}]");
                self.set_aside(
                    Source {
                        file: at.file,
                        position: &position,
                    },
                    "an entry of notRead needs `collection` and `reason`",
                );
                continue;
            };
            match kind::by_name(&not_read.collection) {
                Some(kind) if self.extent(kind).missing.is_none() => {
                    self.extent(kind).missing = Some(not_read);
                }
                _ => self.not_read.push(not_read),
            }
        }
    }

    /// `MigrationTable.json` of the IntuneManagement export: ids and names of the groups that the
    /// exported policies use.
    pub(super) fn migration_table(&mut self, at: Source<'_>, table: &Map<String, Value>) {
        let text = |value: Option<&Value>| value.and_then(Value::as_str).map(str::to_owned);
        self.tenant_id = self.tenant_id.take().or(text(table.get("tenantId")));
        self.tenant_name = self.tenant_name.take().or(text(table.get("organization")));
        self.count("MigrationTable");
        let objects = table.get("objects").and_then(Value::as_array);
        for (index, object) in objects.into_iter().flatten().enumerate() {
            let (id, name) = (text(object.get("id")), text(object.get("displayName")));
            if let (Some(id), Some(name)) = (id, name) {
                self.count("names of objects");
                let is_group =
                    text(object.get("type")).is_none_or(|kind| kind.eq_ignore_ascii_case("group"));
                if is_group {
                    self.group_names.insert(id.to_lowercase(), (id, name));
                }
            } else {
                let position = format!("Objects[{index}]");
                self.set_aside(
                    Source {
                        file: at.file,
                        position: &position,
                    },
                    "an entry without Id or DisplayName",
                );
            }
        }
    }
}
