//! Who is who: users, whatever else is a member of something, and groups, by id.

use std::collections::HashMap;

use breakglass_model::{ObjectId, TenantSnapshot};

use super::key::{Key, number};

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Object {
    /// A user of the snapshot, by place, or a stranger, by a number from there on.
    Person(u32),
    /// A group of the snapshot, by place.
    Group(u32),
}

/// Ids to numbers. Users have the numbers of their places; a *stranger* is an id that is neither among the
/// users nor among the groups: a service principal, or a user or group that was not read.
#[derive(Debug)]
pub(super) struct Index<'a> {
    pub(super) snapshot: &'a TenantSnapshot,
    objects: HashMap<Key, Object>,
    users: usize,
    strangers: Vec<&'a ObjectId>,
}

impl<'a> Index<'a> {
    pub(super) fn new(snapshot: &'a TenantSnapshot) -> Self {
        let users = snapshot.users.items.len();
        let mut objects = HashMap::with_capacity(users + snapshot.groups.items.len());
        for (place, group) in snapshot.groups.iter().enumerate() {
            if let Some(id) = &group.id {
                objects.insert(Key::of(id.as_str()), Object::Group(number(place)));
            }
        }
        for (place, user) in snapshot.users.iter().enumerate() {
            if let Some(id) = &user.id {
                objects.insert(Key::of(id.as_str()), Object::Person(number(place)));
            }
        }
        Self {
            snapshot,
            objects,
            users,
            strangers: Vec::new(),
        }
    }

    /// What an id is of; an id that nobody has seen yet becomes a stranger.
    pub(super) fn add(&mut self, id: &'a ObjectId) -> Object {
        let stranger = number(self.users + self.strangers.len());
        *self.objects.entry(Key::of(id.as_str())).or_insert_with(|| {
            self.strangers.push(id);
            Object::Person(stranger)
        })
    }

    pub(super) fn get(&self, id: &str) -> Option<Object> {
        self.objects.get(&Key::of(id)).copied()
    }

    /// Number of users and strangers.
    pub(super) fn people(&self) -> usize {
        self.users + self.strangers.len()
    }

    pub(super) fn is_stranger(&self, person: u32) -> bool {
        person as usize >= self.users
    }

    /// The user with a number; strangers are none.
    pub(super) fn user(&self, person: u32) -> Option<&'a breakglass_model::tenant::User> {
        self.snapshot.users.items.get(person as usize)
    }

    /// The id of a user or stranger.
    pub(super) fn id(&self, person: u32) -> Option<&'a ObjectId> {
        match self.user(person) {
            Some(user) => user.id.as_ref(),
            None => self
                .strangers
                .get((person as usize).checked_sub(self.users)?)
                .copied(),
        }
    }

    /// The group at a place.
    pub(super) fn group(&self, place: u32) -> Option<&'a breakglass_model::tenant::Group> {
        self.snapshot.groups.items.get(place as usize)
    }
}
