//! The tenant after a planned change.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::TenantSnapshot;
use serde_json::Value;

use super::{Tenant, environment};
use crate::{
    Environment, Identity, Policy,
    change::{self, Action, Change, KNOWN_AFTER_APPLY, Kind},
    identity::{Membership, Memberships, Path, fold},
    policy::{self, UserSet},
};

/// A tenant after a change, with what the change did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Changed {
    /// The tenant after the change.
    pub tenant: Tenant,
    /// Memberships that the change moves.
    pub overlay: Overlay,
    /// What each change did, one line a change.
    pub lines: Vec<String>,
    /// Changes whose effect is not known, one clause a change.
    pub open: Vec<String>,
}

/// Memberships of groups and roles that a change moves.
///
/// The policies after the change name such a group or role by another id, and [`Self::identity`] gives a person
/// their membership of that. So one identity answers for both sides.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Overlay {
    groups: BTreeMap<String, Moves>,
    roles: BTreeMap<String, Moves>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Moves {
    /// The list is the whole truth.
    whole: bool,
    added: BTreeSet<String>,
    removed: BTreeSet<String>,
}

/// Ids on the side after the change. No directory object begins so.
const AFTER: &str = "after\u{0}";

impl Changed {
    /// Applies changes and deletions of policies (by id) to a tenant.
    pub fn new(
        snapshot: &TenantSnapshot,
        before: &Tenant,
        changes: &[Change],
        deletions: &[&Policy],
    ) -> Self {
        let raw: Vec<Value> = snapshot.policies.iter().map(|p| p.raw.clone()).collect();
        let (mut raw, mut lines) = change::apply(&raw, changes);
        for gone in deletions {
            raw.retain(|raw| fold(&policy::read(raw).id) != fold(&gone.id));
            lines.push(format!("--delete: removes `{}` (`{}`)", gone.name, gone.id));
        }
        let mut policies: Vec<Policy> = raw.iter().map(policy::read).collect();
        let environment = objects(snapshot, before, &policies, changes, &mut lines);
        // A name that several objects have: the change is meant, and could not be made.
        let mut open: Vec<String> = lines
            .iter()
            .filter(|line| line.contains(": changes nothing: "))
            .cloned()
            .collect();
        let overlay = Overlay::new(snapshot, changes, &mut lines, &mut open);
        let mut tenant = Tenant {
            environment,
            ..before.clone()
        };
        for policy in &mut policies {
            overlay.rename(policy);
        }
        for (id, name) in overlay.names(before) {
            tenant.environment.object_names.insert(id, name);
        }
        tenant.policies = policies;
        Self {
            tenant,
            overlay,
            lines,
            open,
        }
    }
}

/// The environment with changed locations and strengths.
fn objects(
    snapshot: &TenantSnapshot,
    before: &Tenant,
    policies: &[Policy],
    changes: &[Change],
    lines: &mut Vec<String>,
) -> Environment {
    let mut other = BTreeMap::new();
    for (name, kind) in [
        ("namedLocations", Kind::NamedLocation),
        (
            "authenticationStrengthPolicies",
            Kind::AuthenticationStrength,
        ),
    ] {
        let present = snapshot.other.get(name).map_or(&[][..], Vec::as_slice);
        let (objects, own) = change::apply_kind(present, changes, kind);
        lines.extend(own);
        other.insert(name.to_owned(), objects);
    }
    let bare = TenantSnapshot {
        other,
        ..TenantSnapshot::empty()
    };
    let read = environment::read(&bare, policies, &mut Vec::new());
    Environment {
        locations: read.locations,
        strengths: read.strengths,
        app_attributes: if before.environment.app_attributes.is_empty() {
            environment::attributes(snapshot)
        } else {
            before.environment.app_attributes.clone()
        },
        ..before.environment.clone()
    }
}

impl Overlay {
    fn new(
        snapshot: &TenantSnapshot,
        changes: &[Change],
        lines: &mut Vec<String>,
        open: &mut Vec<String>,
    ) -> Self {
        let mut overlay = Self::default();
        let users: BTreeSet<String> = if changes.iter().any(|c| moves(c.kind)) {
            snapshot
                .users
                .iter()
                .filter_map(|user| user.id.as_ref())
                .map(|id| fold(id.as_str()))
                .collect()
        } else {
            BTreeSet::new()
        };
        for change in changes.iter().filter(|change| moves(change.kind)) {
            match overlay.add(change, &users) {
                Ok(line) => lines.extend(line.map(|line| format!("{}: {line}", change.source))),
                Err(why) => open.push(format!("{}: {why}", change.source)),
            }
        }
        overlay
    }

    /// Takes one change in; gives what it did, or why its effect is not known.
    fn add(&mut self, change: &Change, users: &BTreeSet<String>) -> Result<Option<String>, String> {
        let text = |key: &str| {
            change
                .body
                .get(key)
                .and_then(Value::as_str)
                .filter(|id| *id != KNOWN_AFTER_APPLY)
                .map(fold)
                .ok_or_else(|| format!("its `{key}` is not known before the change is applied"))
        };
        let person = |id: String| {
            if users.contains(&id) {
                Ok(id)
            } else {
                Err(format!(
                    "{id} is not among the users that were read, so whom it moves is not known"
                ))
            }
        };
        let (map, holder, member) = match change.kind {
            Kind::Group => return self.add_group(change, &person),
            Kind::GroupMember => (
                &mut self.groups,
                text("groupId")?,
                person(text("memberId")?)?,
            ),
            _ => {
                let scope = change.body.get("directoryScopeId").and_then(Value::as_str);
                if scope.is_some_and(|scope| scope != "/" && scope != KNOWN_AFTER_APPLY) {
                    // A role at a smaller scope counts in no policy.
                    return Ok(None);
                }
                (
                    &mut self.roles,
                    text("roleDefinitionId")?,
                    person(text("principalId")?)?,
                )
            }
        };
        let moves = map.entry(holder.clone()).or_default();
        let line = if change.action == Action::Delete {
            moves.added.remove(&member);
            moves.removed.insert(member.clone());
            format!("takes {member} out of {holder}")
        } else {
            moves.removed.remove(&member);
            moves.added.insert(member.clone());
            format!("puts {member} into {holder}")
        };
        Ok(Some(line))
    }

    fn add_group(
        &mut self,
        change: &Change,
        person: &dyn Fn(String) -> Result<String, String>,
    ) -> Result<Option<String>, String> {
        let members = change.body.get("members").and_then(Value::as_array);
        let id = change
            .id
            .as_deref()
            .filter(|id| *id != KNOWN_AFTER_APPLY)
            .map(fold);
        match (id, members) {
            (Some(id), _) if change.action == Action::Delete => {
                self.groups.insert(
                    id.clone(),
                    Moves {
                        whole: true,
                        ..Moves::default()
                    },
                );
                Ok(Some(format!(
                    "removes the group {id}, which then holds nobody"
                )))
            }
            // Without a list of members nobody moves; a new group is known to policies after the change only.
            (_, None) | (None, _) => Ok(None),
            (Some(id), Some(members)) => {
                let added: Result<BTreeSet<String>, String> = members
                    .iter()
                    .map(|member| member.as_str().map(fold).unwrap_or_default())
                    .map(person)
                    .collect();
                let added = added?;
                let line = format!("the group {id} then holds {} members", added.len());
                self.groups.insert(
                    id,
                    Moves {
                        whole: true,
                        added,
                        removed: BTreeSet::new(),
                    },
                );
                Ok(Some(line))
            }
        }
    }

    fn rename(&self, policy: &mut Policy) {
        let side = |set: &mut UserSet| {
            for (ids, moved) in [
                (&mut set.groups, &self.groups),
                (&mut set.roles, &self.roles),
            ] {
                for id in ids.iter_mut().filter(|id| moved.contains_key(&fold(id))) {
                    *id = format!("{AFTER}{}", fold(id));
                }
            }
        };
        side(&mut policy.users.include);
        side(&mut policy.users.exclude);
    }

    fn names(&self, before: &Tenant) -> Vec<(String, String)> {
        self.groups
            .keys()
            .chain(self.roles.keys())
            .map(|id| {
                (
                    format!("{AFTER}{id}"),
                    before.environment.object_name(id).to_owned(),
                )
            })
            .collect()
    }

    /// Everybody whom the change moves, by folded object id. They have to be looked at one by one.
    pub fn moved(&self) -> BTreeSet<&str> {
        self.groups
            .values()
            .chain(self.roles.values())
            .flat_map(|moves| moves.added.iter().chain(&moves.removed))
            .map(String::as_str)
            .collect()
    }

    /// An identity that knows its memberships on both sides of the change.
    #[must_use]
    pub fn identity(&self, mut identity: Identity) -> Identity {
        let id = fold(&identity.id);
        for (held, moved) in [
            (&mut identity.groups, &self.groups),
            (&mut identity.roles, &self.roles),
        ] {
            for (holder, moves) in moved {
                moves.apply(&id, holder, held);
            }
        }
        identity
    }

    /// Whether an id stands for a group or role on the side after the change.
    pub(crate) fn is_after(id: &str) -> bool {
        id.starts_with(AFTER)
    }
}

impl Moves {
    fn apply(&self, person: &str, holder: &str, held: &mut Memberships) {
        let after = format!("{AFTER}{holder}");
        if self.added.contains(person) {
            held.held.insert(after, Path::default());
            return;
        }
        if self.whole || self.removed.contains(person) {
            held.not_held.insert(after);
            return;
        }
        match held.of(holder) {
            Membership::Held(path) => {
                let path = path.clone();
                held.held.insert(after, path);
            }
            Membership::NotHeld => {
                held.not_held.insert(after);
            }
            Membership::Unknown(why) => {
                let why = why.to_owned();
                held.unknown.insert(after, why);
            }
        }
    }
}

fn moves(kind: Kind) -> bool {
    matches!(kind, Kind::Group | Kind::GroupMember | Kind::RoleAssignment)
}
