//! Our own snapshot, read as it comes.
//!
//! A snapshot of a large tenant is mostly users, members of groups and entries of the registration report. Each is made
//! into what we keep of it before the next is read, so that the document is never held whole. Only a file that is the
//! whole input is read so, and only while everything in it is as `collect` writes it; whatever is not makes the usual
//! reader begin anew, which knows every form and says what is wrong with one.

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

use super::{
    SNAPSHOT_SCHEMA,
    gather::{Gather, Source},
    kind, object,
};
use crate::{
    ObjectId,
    tenant::{Group, RegisteredMethods, User},
};

/// Objects that were made before the rest of the input was read.
#[derive(Debug, Default)]
pub(super) struct Early {
    pub(super) users: Vec<User>,
    pub(super) groups: Vec<Group>,
    by_number: HashMap<u128, RegisteredMethods>,
    by_text: HashMap<String, RegisteredMethods>,
}

/// An id as a number, where it is a GUID.
fn number(id: &str) -> Option<u128> {
    uuid::Uuid::try_parse(id).ok().map(|id| id.as_u128())
}

impl Early {
    /// Takes an entry of the registration report.
    pub(super) fn register(&mut self, entry: &Value) {
        let (Some(id), Some(methods)) = (object::text(entry, "id"), object::registered(entry))
        else {
            return;
        };
        match number(id) {
            Some(number) => self.by_number.insert(number, methods),
            None => self.by_text.insert(id.to_lowercase(), methods),
        };
    }

    /// What the report tells of a user.
    pub(super) fn registered(&self, id: Option<&ObjectId>) -> Option<RegisteredMethods> {
        let id = id?;
        match number(id.as_str()) {
            Some(number) => self.by_number.get(&number).copied(),
            None => self.by_text.get(&id.folded()).copied(),
        }
    }
}

/// Reads a snapshot into a fresh collector; `None`: the usual reader has to look at it.
pub(super) fn snapshot(file: &str, text: &str) -> Option<Gather> {
    let start = text.trim_start().strip_prefix('{')?.trim_start();
    let start = start
        .strip_prefix("\"schema\"")?
        .trim_start()
        .strip_prefix(':')?
        .trim_start();
    start
        .strip_prefix('"')?
        .strip_prefix(SNAPSHOT_SCHEMA)?
        .strip_prefix('"')?;
    let mut gather = Gather::file(file);
    gather.has_snapshot = true;
    let mut reader = serde_json::Deserializer::from_str(text);
    let document = Document {
        gather: &mut gather,
        file,
    };
    document.deserialize(&mut reader).ok()?;
    reader.end().ok()?;
    gather.are_unlike().then_some(gather)
}

impl Gather {
    /// Whether no two users or groups have the same id.
    fn are_unlike(&self) -> bool {
        unlike(self.early.users.iter().map(|user| user.id.as_ref()))
            && unlike(self.early.groups.iter().map(|group| group.id.as_ref()))
    }
}

fn unlike<'a>(mut ids: impl Iterator<Item = Option<&'a ObjectId>>) -> bool {
    let mut seen = HashSet::new();
    ids.all(|id| {
        id.and_then(|id| number(id.as_str()))
            .is_some_and(|number| seen.insert(number))
    })
}

struct Document<'g> {
    gather: &'g mut Gather,
    file: &'g str,
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a snapshot")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = serde_json::Map::new();
        let mut seen = false;
        while let Some(key) = map.next_key::<String>()? {
            if key == "collections" {
                if std::mem::replace(&mut seen, true) {
                    return Err(A::Error::custom("`collections` twice"));
                }
                map.next_value_seed(Collections(&mut *self.gather))?;
            } else {
                rest.insert(key, map.next_value()?);
            }
        }
        if !seen {
            return Err(A::Error::custom("no `collections`"));
        }
        let at = Source {
            file: self.file,
            position: "whole file",
        };
        self.gather.snapshot_head(at, &mut rest);
        Ok(())
    }
}

struct Collections<'g>(&'g mut Gather);

impl<'de> DeserializeSeed<'de> for Collections<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Collections<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("collections")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(name) = map.next_key::<String>()? {
            let kind = kind::by_name(&name).map_or(name, str::to_owned);
            self.0.extent(&kind).whole = true;
            map.next_value_seed(Items {
                gather: &mut *self.0,
                kind: &kind,
            })?;
        }
        Ok(())
    }
}

struct Items<'g> {
    gather: &'g mut Gather,
    kind: &'g str,
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        let gather = self.gather;
        let mut early = 0;
        while let Some(item) = items.next_element::<Value>()? {
            // Direct memberships are worked out with those of all groups, when everything is read.
            if !item.is_object() || item.get(kind::MEMBER_OF).is_some() {
                return Err(A::Error::custom("not as `collect` writes it"));
            }
            match self.kind {
                kind::USERS => {
                    let user = gather.user(&item);
                    gather.early.users.push(user);
                }
                kind::GROUPS => {
                    let group = gather.group(&item);
                    gather.early.groups.push(group);
                }
                kind::REGISTRATION => gather.early.register(&item),
                kind => {
                    gather.add(kind, item);
                    continue;
                }
            }
            early += 1;
        }
        if early > 0 {
            gather.count_many(self.kind, early);
        }
        Ok(())
    }
}
