//! Roles of the directory: who holds which, and who can activate which.

use std::collections::{BTreeMap, HashMap};

use breakglass_model::{
    ObjectId, Reading,
    tenant::{RoleAssignment, User},
};

use super::{
    columns::Columns,
    index::{Index, Object},
    key::{Interned, Key},
    members::Members,
};
use crate::identity::{Memberships, Path};

/// A role that somebody has by an assignment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Grant {
    role: u32,
    /// The scope was not read: it is taken to be the whole tenant only where that includes somebody.
    assumed: bool,
}

/// Assignments of one kind.
#[derive(Debug, Default)]
struct Assigned {
    direct: HashMap<u32, Vec<Grant>>,
    /// By the column of a group.
    through: Vec<(u32, Grant)>,
    /// Why anybody may have a role.
    doubt: BTreeMap<u32, String>,
}

/// Roles by their assignments.
#[derive(Debug)]
pub(super) struct Roles {
    /// Template ids, folded, by the number of the role.
    templates: Vec<String>,
    numbers: Interned<String>,
    /// Ids of role definitions and activated roles, to template ids; `None`: a custom role.
    definitions: HashMap<Key, Option<String>>,
    active: Assigned,
    eligible: Assigned,
    others: Option<String>,
}

impl Roles {
    /// Reads the assignments; groups that hold one become followed.
    pub(super) fn new(index: &mut Index<'_>, columns: &mut Columns) -> Self {
        let snapshot = index.snapshot;
        let mut roles =
            Self {
                templates: Vec::new(),
                numbers: Interned::new(),
                definitions: HashMap::new(),
                active: Assigned::default(),
                eligible: Assigned::default(),
                others: snapshot.active_assignments.missing.as_ref().map(|missing| {
                    format!("not all role assignments were read: {}", missing.reason)
                }),
            };
        for role in &snapshot.roles {
            let Some(id) = &role.id else { continue };
            let template = role.template_id.as_ref().unwrap_or(id).folded();
            let built_in = role.built_in != Reading::Read(false);
            roles
                .definitions
                .insert(Key::of(id.as_str()), built_in.then_some(template));
        }
        roles.active = roles.assigned(index, columns, &snapshot.active_assignments.items);
        roles.eligible = roles.assigned(index, columns, &snapshot.eligible_assignments.items);
        roles
    }

    fn assigned<'a>(
        &mut self,
        index: &mut Index<'a>,
        columns: &mut Columns,
        assignments: &'a [RoleAssignment],
    ) -> Assigned {
        let mut assigned = Assigned::default();
        let snapshot = index.snapshot;
        for assignment in assignments.iter().filter(|own| snapshot.in_force(own)) {
            let assumed = match &assignment.scope {
                Reading::Read(scope) if scope == "/" => false,
                Reading::Read(_) => continue,
                Reading::NotRead(_) => true,
            };
            let Some(role) = self.number(&assignment.role) else {
                continue;
            };
            let grant = Grant { role, assumed };
            match index.add(&assignment.principal) {
                Object::Group(place) => {
                    if let Some(id) = index.group(place).and_then(|group| group.id.as_ref()) {
                        assigned.through.push((columns.add(id.as_str()), grant));
                    }
                }
                Object::Person(person) => {
                    if index.is_stranger(person) && !index.snapshot.groups.is_complete() {
                        assigned.doubt.entry(role).or_insert_with(|| {
                            format!(
                                "{}, which holds the role, may be a group: it is neither among the users nor \
                                 among the groups of the input",
                                assignment.principal
                            )
                        });
                    }
                    assigned.direct.entry(person).or_default().push(grant);
                }
            }
        }
        for grants in assigned.direct.values_mut() {
            grants.sort_unstable();
            grants.dedup();
        }
        assigned
    }

    /// The number of a built-in role; `None`: a custom one.
    fn number(&mut self, role: &ObjectId) -> Option<u32> {
        let template = self.template(role)?;
        let number = self.numbers.add(template.clone());
        if number as usize == self.templates.len() {
            self.templates.push(template);
        }
        Some(number)
    }

    fn template(&self, role: &ObjectId) -> Option<String> {
        self.definitions
            .get(&Key::of(role.as_str()))
            .cloned()
            .unwrap_or_else(|| Some(role.folded()))
    }

    /// The roles that the input lists at the user, as the whole truth.
    fn listed(&self, user: Option<&User>) -> Option<Vec<String>> {
        let roles = user?.roles.get()?;
        let mut listed: Vec<String> = roles
            .iter()
            .filter_map(|role| self.template(role))
            .collect();
        listed.sort_unstable();
        listed.dedup();
        Some(listed)
    }

    /// Active roles of a person.
    pub(super) fn held(
        &self,
        index: &Index<'_>,
        members: &Members,
        columns: &Columns,
        person: Option<u32>,
    ) -> Memberships {
        if let Some(listed) = self.listed(person.and_then(|person| index.user(person))) {
            return Memberships::known(listed);
        }
        let mut roles = Memberships {
            others: self.others.clone(),
            ..Memberships::default()
        };
        let mut hold = |role: u32, path: Path| {
            let held = roles.held.entry(self.templates[role as usize].clone());
            let best = held.or_insert_with(|| path.clone());
            if best.include_only && !path.include_only {
                *best = path;
            }
        };
        let direct = person.and_then(|person| self.active.direct.get(&person));
        for grant in direct.into_iter().flatten() {
            hold(
                grant.role,
                Path {
                    through: Vec::new(),
                    include_only: grant.assumed,
                },
            );
        }
        for (column, grant) in &self.active.through {
            if let Some(person) = person
                && members.is_held(person, *column)
            {
                let mut through = members.through(index, person, *column);
                through.extend(columns.ids().get(*column as usize).cloned());
                hold(
                    grant.role,
                    Path {
                        through,
                        include_only: true,
                    },
                );
            }
        }
        let doubts = self
            .active
            .through
            .iter()
            .filter_map(|(column, grant)| Some((grant.role, members.doubt(person, *column)?)))
            .chain(
                self.active
                    .doubt
                    .iter()
                    .map(|(role, why)| (*role, why.as_str())),
            );
        for (role, why) in doubts {
            let template = &self.templates[role as usize];
            if !roles.held.contains_key(template) {
                roles
                    .unknown
                    .entry(template.clone())
                    .or_insert_with(|| why.to_owned());
            }
        }
        roles
    }

    /// Roles that a person can activate, by template id.
    pub(super) fn eligible(&self, members: &Members, person: u32) -> Vec<String> {
        let direct = self.eligible.direct.get(&person).into_iter().flatten();
        let through = self
            .eligible
            .through
            .iter()
            .filter(|(column, _)| members.is_held(person, *column))
            .map(|(_, grant)| grant);
        let mut roles: Vec<String> = direct
            .chain(through)
            .map(|grant| self.templates[grant.role as usize].clone())
            .collect();
        roles.sort_unstable();
        roles.dedup();
        roles
    }

    /// People who hold a role, or can activate it, sorted.
    pub(super) fn holders(
        &self,
        index: &Index<'_>,
        members: &Members,
        template: &str,
        active: bool,
    ) -> Vec<u32> {
        let mut people: Vec<u32> = Vec::new();
        let assigned = if active { &self.active } else { &self.eligible };
        let everybody = || 0..super::key::number(index.people());
        if let Some(role) = self.numbers.get(template) {
            people.extend(
                assigned
                    .direct
                    .iter()
                    .filter(|(_, grants)| grants.iter().any(|grant| grant.role == role))
                    .map(|(person, _)| *person),
            );
            for (column, grant) in &assigned.through {
                if grant.role == role {
                    people.extend(everybody().filter(|person| members.is_held(*person, *column)));
                }
            }
        }
        if active {
            people.retain(|person| index.user(*person).is_none_or(|u| u.roles.get().is_none()));
            people.extend(everybody().filter(|person| {
                self.listed(index.user(*person))
                    .is_some_and(|listed| listed.iter().any(|role| role == template))
            }));
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    /// Columns of the groups through which somebody may hold one of these roles.
    pub(super) fn columns_of(&self, is_asked: impl Fn(&str) -> bool) -> Vec<u32> {
        self.active
            .through
            .iter()
            .filter(|(_, grant)| is_asked(&self.templates[grant.role as usize]))
            .map(|(column, _)| *column)
            .collect()
    }

    /// What tells people apart by the roles that are asked for, groups left aside: the listed roles, or the
    /// direct assignments.
    pub(super) fn signature(
        &self,
        index: &Index<'_>,
        person: u32,
        is_asked: &impl Fn(&str) -> bool,
    ) -> Option<Vec<(String, bool)>> {
        let user = index.user(person);
        if let Some(listed) = self.listed(user) {
            let mut own: Vec<_> = listed
                .into_iter()
                .filter(|role| is_asked(role))
                .map(|role| (role, false))
                .collect();
            // A mark of its own: nothing else may hold this person.
            own.push((String::new(), true));
            return Some(own);
        }
        let own: Vec<_> = self
            .active
            .direct
            .get(&person)?
            .iter()
            .map(|grant| (self.templates[grant.role as usize].clone(), grant.assumed))
            .filter(|(role, _)| is_asked(role))
            .collect();
        (!own.is_empty()).then_some(own)
    }
}
