//! The tenant as the twin holds it: Graph and ARM objects as they are on the wire, by collection.
//!
//! Collections have the names that snapshots use (`users`, `groups`, `conditionalAccessPolicies`, …). Lists that
//! belong to an object lie in it: `members` in groups and units, `authentication.methods` and `registeredDevices` in
//! users. What follows from others (`transitiveMembers`, `transitiveMemberOf`) is worked out when it is asked for, where
//! the direct lists are known.

use std::collections::{BTreeMap, BTreeSet};

use indexmap::IndexMap;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use crate::{Passkey, given, passkey::Secret};

/// A text of an object; empty where it has none.
pub(crate) fn text<'v>(object: &'v Value, name: &str) -> &'v str {
    object.get(name).and_then(Value::as_str).unwrap_or_default()
}

/// An object with what readers may still see of its past.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// The object as it is; `None`: it was deleted.
    pub value: Option<Value>,
    /// What readers see until [`Row::visible_from`]: `None`, nothing.
    pub before: Option<Value>,
    /// When the present value shows.
    pub visible_from: Timestamp,
}

/// The objects of one collection, in the order of their creation, by folded id.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    rows: IndexMap<String, Row>,
}

impl Table {
    /// The object that a reader sees at this moment.
    pub fn seen(&self, id: &str, now: Timestamp) -> Option<&Value> {
        self.rows
            .get(&id.to_lowercase())
            .and_then(|row| row.at(now))
    }

    /// The object as it is, which is what writes are judged by.
    pub fn get(&self, id: &str) -> Option<&Value> {
        self.rows.get(&id.to_lowercase())?.value.as_ref()
    }

    /// What a reader sees at this moment, in the order of creation.
    pub fn all_seen(&self, now: Timestamp) -> impl Iterator<Item = &Value> {
        self.rows.values().filter_map(move |row| row.at(now))
    }

    /// The objects as they are.
    pub fn all(&self) -> impl Iterator<Item = &Value> {
        self.rows.values().filter_map(|row| row.value.as_ref())
    }

    /// How many places there are: objects, and gaps where deleted ones were. Pages count places, so that an object that
    /// is deleted between two pages moves no other.
    pub(crate) fn places(&self) -> usize {
        self.rows.len()
    }

    /// The object at a place, as a reader sees it at this moment.
    pub(crate) fn at(&self, place: usize, now: Timestamp) -> Option<&Value> {
        self.rows.get_index(place).and_then(|(_, row)| row.at(now))
    }

    /// When readers next see something else than they do at this moment.
    pub(crate) fn settles(&self, now: Timestamp) -> Option<Timestamp> {
        self.rows
            .values()
            .map(|row| row.visible_from)
            .filter(|from| *from > now)
            .min()
    }

    /// When an object was last written.
    pub(crate) fn visible_from(&self, id: &str) -> Option<Timestamp> {
        Some(self.rows.get(&id.to_lowercase())?.visible_from)
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.all().count()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Row {
    fn at(&self, now: Timestamp) -> Option<&Value> {
        if now < self.visible_from {
            self.before.as_ref()
        } else {
            self.value.as_ref()
        }
    }
}

/// Which log a record belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LogKind {
    /// Interactive sign-ins of users (`SignInLogs`).
    Interactive,
    /// Sign-ins of users with a token or key that made no prompt (`NonInteractiveUserSignInLogs`).
    NonInteractive,
    /// Sign-ins of service principals (`ServicePrincipalSignInLogs`).
    ServicePrincipal,
    /// Sign-ins of managed identities (`ManagedIdentitySignInLogs`).
    ManagedIdentity,
    /// Directory audits (`AuditLogs`).
    Audit,
}

/// A log record.
#[derive(Clone, Debug, PartialEq)]
pub struct LogRow {
    /// Which log.
    pub kind: LogKind,
    /// The record with every property that beta has.
    pub record: Value,
    /// When readers first see it.
    pub readable_at: Timestamp,
}

/// Everything that the twin knows of its tenant.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct State {
    /// Tenant id.
    pub tenant: String,
    /// Display name of the organisation.
    pub name: String,
    /// Objects by collection.
    pub tables: BTreeMap<String, Table>,
    /// Collections of which the snapshot says that they could not be read: nobody may read them here either.
    pub unknown: BTreeSet<String>,
    /// Log records, in the order in which they were written.
    pub logs: Vec<LogRow>,
    /// Deleted users, groups and policies that can still be restored, with the collection they came from.
    pub deleted: Vec<(String, Value)>,
    /// Passkeys that can sign in, by credential id (unpadded base64url).
    pub passkeys: BTreeMap<String, Passkey>,
    /// Passwords and passes that were set through the API, by user and method id. Passwords of a snapshot's users are
    /// not known.
    pub secrets: BTreeMap<(String, String), Secret>,
    /// Diagnostic settings that readers do not see as they are yet, by folded id: for how many reads, and what they see.
    pub unsettled: BTreeMap<String, (u8, Option<Value>)>,
    /// Counts changes.
    pub revision: u64,
    /// How long a change stays hidden from readers.
    pub lag: SignedDuration,
}

/// Why a snapshot can't be served.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotASnapshot(pub String);

const SCHEMA: &str = "breakglass/snapshot/v1";

impl State {
    /// The state that a snapshot (`breakglass/snapshot/v1`) describes.
    ///
    /// # Errors
    /// When the document is not a snapshot of a named tenant.
    pub fn from_snapshot(document: Value) -> Result<Self, NotASnapshot> {
        let Value::Object(mut document) = document else {
            return Err(NotASnapshot("a snapshot is a JSON object".to_owned()));
        };
        let schema = document
            .get("schema")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if schema != SCHEMA {
            return Err(NotASnapshot(format!(
                "the schema is `{schema}`, and not `{SCHEMA}`: give a snapshot that `collect` wrote"
            )));
        }
        let text = |key: &str| {
            document
                .get("tenant")?
                .get(key)?
                .as_str()
                .map(str::to_owned)
        };
        let mut state = Self {
            tenant: text("id").ok_or_else(|| NotASnapshot("`tenant.id` is missing".to_owned()))?,
            name: text("name").unwrap_or_default(),
            ..Self::default()
        };
        for missing in document
            .get("notRead")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
        {
            if let Some(name) = missing.get("collection").and_then(Value::as_str) {
                state.unknown.insert(name.to_owned());
            }
        }
        let Some(Value::Object(collections)) = document.remove("collections") else {
            return Err(NotASnapshot("`collections` is missing".to_owned()));
        };
        for (name, items) in collections {
            let Value::Array(items) = items else {
                return Err(NotASnapshot(format!("`collections.{name}` is not a list")));
            };
            let is_users = name == "users";
            let table = state.tables.entry(name).or_default();
            for (index, mut item) in items.into_iter().enumerate() {
                if is_users {
                    given::password(&mut item);
                }
                let id = item
                    .get("id")
                    .and_then(Value::as_str)
                    .map_or_else(|| format!("#{index}"), str::to_lowercase);
                table.rows.insert(
                    id,
                    Row {
                        value: Some(item),
                        before: None,
                        visible_from: Timestamp::MIN,
                    },
                );
            }
        }
        if let Some(strengths) = state.tables.get_mut("authenticationStrengthPolicies") {
            for strength in given::strengths() {
                let id = self::text(&strength, "id").to_owned();
                strengths.rows.entry(id).or_insert(Row {
                    value: Some(strength),
                    before: None,
                    visible_from: Timestamp::MIN,
                });
            }
        }
        Ok(state)
    }

    /// The state as a snapshot, collected at this moment.
    pub fn to_snapshot(&self, now: Timestamp) -> Value {
        let collections: Map<String, Value> = self
            .tables
            .iter()
            .map(|(name, table)| (name.clone(), Value::Array(table.all().cloned().collect())))
            .collect();
        let unknown: Vec<Value> = self
            .unknown
            .iter()
            .map(|name| json!({"collection": name, "reason": "the snapshot that the twin was given does not have it", "permission": null}))
            .collect();
        json!({
            "schema": SCHEMA,
            "tenant": {"id": self.tenant, "name": self.name},
            "collectedAt": now.to_string(),
            "collections": collections,
            "notRead": unknown,
        })
    }

    /// A collection; an empty one when the tenant has none.
    pub fn table(&self, name: &str) -> &Table {
        static EMPTY: std::sync::LazyLock<Table> = std::sync::LazyLock::new(Table::default);
        self.tables.get(name).unwrap_or(&EMPTY)
    }

    /// Whether the snapshot had this collection, or something was put into it since.
    pub(crate) fn knows(&self, collection: &str) -> bool {
        self.tables.contains_key(collection) && !self.unknown.contains(collection)
    }

    /// Puts an object into a collection, in place of one with the same id.
    pub fn put(&mut self, collection: &str, id: &str, value: Value, now: Timestamp) {
        self.write(collection, id, Some(value), now);
    }

    /// Takes an object out of a collection; gives it back.
    pub fn remove(&mut self, collection: &str, id: &str, now: Timestamp) -> Option<Value> {
        let old = self.table(collection).get(id).cloned()?;
        self.write(collection, id, None, now);
        Some(old)
    }

    fn write(&mut self, collection: &str, id: &str, value: Option<Value>, now: Timestamp) {
        let visible_from = now.saturating_add(self.lag).unwrap_or(now);
        let table = self.tables.entry(collection.to_owned()).or_default();
        let key = id.to_lowercase();
        let before = table.rows.get(&key).and_then(|row| row.at(now)).cloned();
        table.rows.insert(
            key,
            Row {
                value,
                before,
                visible_from,
            },
        );
        self.revision += 1;
    }
}
