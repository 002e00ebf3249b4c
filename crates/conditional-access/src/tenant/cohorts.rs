//! People whom the policies can't tell apart, taken together.

use std::collections::HashMap;

use breakglass_model::{
    ObjectId, Reading,
    tenant::{Method, MethodKind, RegisteredMethods, User},
};

use super::{
    devices::{self, Seen},
    key::{Interned, Key, number},
    people::{People, enabled, guest, name},
};
use crate::{
    identity::{Fact, GuestKind, Identity},
    strength::UsableMethod,
};

/// How many names stand for a cohort.
const EXAMPLES: usize = 3;

/// Users who are alike in everything that the policies can tell of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cohort {
    /// One of them.
    pub identity: Identity,
    /// How many they are.
    pub count: usize,
    /// Up to three of their names: user principal names where they are known, else ids.
    pub examples: Vec<String>,
    /// All of them; a user without an id is counted and not listed.
    pub members: Vec<ObjectId>,
}

/// What of a registered method can matter.
type MethodKey<'a> = (
    &'a MethodKind,
    Option<&'a str>,
    Option<&'a str>,
    Option<&'a str>,
    Option<bool>,
    Option<bool>,
);
/// Methods, the membership of each group that the methods policy names, and whether the domain is federated.
type RegisteredKey<'a> = (Vec<MethodKey<'a>>, Vec<u8>, bool);

/// The same of a user of whom only the registration report tells methods.
type ReportedKey = (RegisteredMethods, Vec<u8>, bool);

/// Numbers for all that people may have in common.
struct Classes<'a> {
    registered: HashMap<RegisteredKey<'a>, u32>,
    reported: HashMap<ReportedKey, u32>,
    methods: Interned<Vec<UsableMethod>>,
    devices: Interned<Vec<Seen>>,
    roles: Interned<Vec<(String, bool)>>,
    guests: Interned<Option<GuestKind>>,
}

impl People<'_> {
    /// All users of the snapshot, grouped by everything that the policies can tell of them: memberships in the
    /// groups that they name, roles, being named, kind of guest, methods, devices, and whether the account is
    /// enabled. In the order of the first user of each.
    pub fn cohorts(&self) -> Vec<Cohort> {
        let asked: Vec<u32> = self
            .mentioned
            .groups
            .iter()
            .copied()
            .chain(self.roles.columns_of(|role| self.is_asked(role)))
            .collect();
        let mut mask = vec![0_u64; self.columns.ids().len().div_ceil(64)];
        for column in &asked {
            mask[*column as usize / 64] |= 1 << (column % 64);
        }
        let has_doubt = asked.iter().any(|column| self.members.has_doubt(*column));
        let targets = self.methods.columns();
        let mut classes = Classes {
            registered: HashMap::new(),
            reported: HashMap::new(),
            methods: Interned::new(),
            devices: Interned::new(),
            roles: Interned::new(),
            guests: Interned::new(),
        };
        let mut found: HashMap<Vec<u64>, usize> = HashMap::new();
        let mut cohorts: Vec<(u32, Vec<u32>)> = Vec::new();
        let mut signature = Vec::new();
        for (place, user) in self.index.snapshot.users.iter().enumerate() {
            let person = number(place);
            signature.clear();
            let row = self.members.row(person).iter().zip(&mask);
            signature.extend(row.map(|(bits, mask)| bits & mask));
            signature.push(u64::from(has_doubt && self.members.is_own(person)));
            signature.push(self.named(person, user));
            signature.extend(self.facts(person, user, &targets, &mut classes));
            let cohort = if let Some(known) = found.get(&signature) {
                *known
            } else {
                cohorts.push((person, Vec::new()));
                found.insert(signature.clone(), cohorts.len() - 1);
                cohorts.len() - 1
            };
            cohorts[cohort].1.push(person);
        }
        cohorts
            .into_iter()
            .map(|(first, people)| self.cohort(first, &people))
            .collect()
    }

    fn cohort(&self, first: u32, people: &[u32]) -> Cohort {
        let label = |person: u32| {
            let user = self.index.user(person);
            let upn = user
                .and_then(|user| user.upn.as_ref())
                .map(ToString::to_string);
            upn.or_else(|| self.index.id(person).map(ToString::to_string))
                .or_else(|| name(user?))
                .unwrap_or_else(|| "a user without id and name".to_owned())
        };
        let id = self
            .index
            .id(first)
            .map_or_else(|| label(first), ToString::to_string);
        Cohort {
            identity: self.at(Some(first), &id, true),
            count: people.len(),
            examples: people.iter().take(EXAMPLES).map(|p| label(*p)).collect(),
            members: people
                .iter()
                .filter_map(|person| self.index.id(*person).cloned())
                .collect(),
        }
    }

    fn is_asked(&self, role: &str) -> bool {
        self.mentioned.roles.contains(role)
    }

    /// Somebody whom a policy names is like nobody else.
    fn named(&self, person: u32, user: &User) -> u64 {
        let is_named = !self.mentioned.users.is_empty()
            && user
                .id
                .as_ref()
                .is_some_and(|id| self.mentioned.users.contains(&Key::of(id.as_str())));
        if is_named { u64::from(person) + 1 } else { 0 }
    }

    fn facts<'u>(
        &self,
        person: u32,
        user: &'u User,
        targets: &[u32],
        classes: &mut Classes<'u>,
    ) -> [u64; 6] {
        let three = |fact: &Fact<bool>| match fact {
            Fact::Known(known) => u64::from(*known),
            Fact::Unknown(_) => 2,
        };
        let federated = self.federated(user);
        let kind = classes.guests.add(match guest(user) {
            Fact::Known(kind) => Some(kind),
            Fact::Unknown(_) => None,
        });
        let roles = self
            .roles
            .signature(&self.index, person, &|role| self.is_asked(role))
            .map_or(0, |own| classes.roles.add(own) + 1);
        let owned = match devices::of(user) {
            Fact::Known(devices) => {
                let seen = devices::signature(&devices, &self.mentioned.rules);
                classes.devices.add(seen) + 1
            }
            Fact::Unknown(_) => 0,
        };
        let methods = match (&user.methods, user.registered) {
            (Reading::Read(methods), _) => {
                let registered = methods.iter().map(method_key).collect();
                let key = (
                    registered,
                    self.targeted(person, targets),
                    federated == Fact::Known(true),
                );
                let known = classes.registered.get(&key).copied();
                1 + known.unwrap_or_else(|| {
                    let class = self.methods_class(self.usable(Some(person), user).0, classes);
                    classes.registered.insert(key, class);
                    class
                })
            }
            (Reading::NotRead(_), Some(reported)) => {
                let key = (
                    reported,
                    self.targeted(person, targets),
                    federated == Fact::Known(true),
                );
                let known = classes.reported.get(&key).copied();
                1 + known.unwrap_or_else(|| {
                    let usable = self.reported(Some(person), user, reported);
                    let class = self.methods_class(usable, classes);
                    classes.reported.insert(key, class);
                    class
                })
            }
            (Reading::NotRead(_), None) => 0,
        };
        [
            three(&enabled(user)),
            three(&federated),
            u64::from(kind),
            u64::from(roles),
            u64::from(owned),
            u64::from(methods),
        ]
    }

    /// What the methods policy can tell of a person, by the groups that it names.
    fn targeted(&self, person: u32, targets: &[u32]) -> Vec<u8> {
        targets
            .iter()
            .map(|column| {
                let doubt = self.members.doubt(Some(person), *column).is_some();
                if self.members.is_held(person, *column) {
                    2
                } else {
                    u8::from(doubt)
                }
            })
            .collect()
    }

    fn methods_class(&self, mut usable: Vec<UsableMethod>, classes: &mut Classes<'_>) -> u32 {
        for method in &mut usable {
            method.aaguid = method.aaguid.take().and_then(|model| self.told(model));
        }
        usable.sort();
        usable.dedup();
        classes.methods.add(usable)
    }

    /// A model as far as strengths tell models apart.
    fn told(&self, model: String) -> Option<String> {
        let models = &self.mentioned.models;
        if models.is_empty() {
            None
        } else if models.contains(&model) {
            Some(model)
        } else {
            Some("another model".to_owned())
        }
    }
}

fn method_key(method: &Method) -> MethodKey<'_> {
    (
        &method.kind,
        method.aaguid.as_deref(),
        method.combination.as_deref(),
        method.phone_type.as_deref(),
        method.usable_once,
        method.usable,
    )
}
