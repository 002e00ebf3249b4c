//! The tenant after a planned change.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::{
    Collection, TenantSnapshot,
    tenant::{GLOBAL_ADMINISTRATOR, Group},
};
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
    /// Groups in a list that is the whole truth.
    nested: BTreeSet<String>,
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
        let environment = objects(snapshot, before, (&raw, &policies), changes, &mut lines);
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
    (raw, policies): (&[Value], &[Policy]),
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
    // Strengths may also stand in the policies themselves.
    let policies_after = raw.iter().map(|raw| breakglass_model::tenant::Policy {
        id: None,
        display_name: None,
        state: None,
        raw: raw.clone(),
    });
    let bare = TenantSnapshot {
        other,
        policies: Collection::complete(policies_after.collect()),
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
        let groups: BTreeSet<String> = snapshot
            .groups
            .iter()
            .filter_map(|group| group.id.as_ref())
            .map(|id| fold(id.as_str()))
            .collect();
        for change in changes.iter().filter(|change| moves(change.kind)) {
            match overlay.add(change, &users, &groups) {
                Ok(line) => lines.extend(line.map(|line| format!("{}: {line}", change.source))),
                Err(why) => open.push(format!("{}: {why}", change.source)),
            }
        }
        overlay.reach_outer_groups(snapshot, open);
        overlay
    }

    /// Groups that hold a changed group hold other people too: their membership is worked out anew for everybody
    /// whom the change moves.
    fn reach_outer_groups(&mut self, snapshot: &TenantSnapshot, open: &mut Vec<String>) {
        let groups: BTreeMap<String, &Group> = snapshot
            .groups
            .iter()
            .filter_map(|group| Some((fold(group.id.as_ref()?.as_str()), group)))
            .collect();
        for (id, moves) in &mut self.groups {
            if moves.whole
                && let Some(before) = groups.get(id).and_then(|group| group.members.get())
            {
                let before = before.iter().map(|member| fold(member.as_str()));
                moves.removed = before
                    .filter(|member| !moves.added.contains(member))
                    .collect();
            }
        }
        let mut outer: BTreeSet<String> = BTreeSet::new();
        let mut next: Vec<String> = self.groups.keys().cloned().collect();
        while let Some(inner) = next.pop() {
            for (id, group) in &groups {
                let holds = group
                    .members
                    .get()
                    .is_some_and(|members| members.iter().any(|m| m.is(&inner)));
                if holds && outer.insert(id.clone()) {
                    next.push(id.clone());
                }
            }
        }
        let persons: Vec<String> = self
            .groups
            .values()
            .flat_map(|moves| moves.added.iter().chain(&moves.removed))
            .cloned()
            .collect();
        let mut outward: Vec<(String, Moves)> = Vec::new();
        for id in outer {
            let mut moves = Moves::default();
            for person in &persons {
                match self.holds(&groups, &id, person, &mut BTreeSet::new()) {
                    Ok(true) => moves.added.insert(person.clone()),
                    Ok(false) => moves.removed.insert(person.clone()),
                    Err(why) => {
                        open.push(why);
                        false
                    }
                };
            }
            outward.push((id, moves));
        }
        for (id, moves) in outward {
            self.groups.entry(id).or_insert(moves);
        }
    }

    /// Whether a group holds a person after the change, through any nesting.
    fn holds(
        &self,
        groups: &BTreeMap<String, &Group>,
        id: &str,
        person: &str,
        seen: &mut BTreeSet<String>,
    ) -> Result<bool, String> {
        if !seen.insert(id.to_owned()) {
            return Ok(false);
        }
        let moves = self.groups.get(id);
        if moves.is_some_and(|moves| moves.added.contains(person)) {
            return Ok(true);
        }
        let Some(group) = groups.get(id) else {
            return Ok(false);
        };
        let members = group.members.get().ok_or_else(|| {
            format!("whom the group {id} then holds is not known: its members were not read")
        })?;
        let stays = !moves.is_some_and(|moves| moves.removed.contains(person));
        if stays && members.iter().any(|member| member.is(person)) {
            return Ok(true);
        }
        for member in members
            .iter()
            .filter(|member| groups.contains_key(&fold(member.as_str())))
        {
            if self.holds(groups, &fold(member.as_str()), person, seen)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Takes one change in; gives what it did, or why its effect is not known.
    fn add(
        &mut self,
        change: &Change,
        users: &BTreeSet<String>,
        groups: &BTreeSet<String>,
    ) -> Result<Option<String>, String> {
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
            Kind::Group => return self.add_group(change, &person, groups),
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
        groups: &BTreeSet<String>,
    ) -> Result<Option<String>, String> {
        let rule = change
            .body
            .get("membershipRule")
            .or_else(|| change.body.get("dynamicMembership"));
        if rule.is_some_and(|rule| !rule.is_null()) && change.action != Action::Delete {
            return Err("whom its membership rule then holds is not known".to_owned());
        }
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
                let (nested, people): (Vec<String>, Vec<String>) = members
                    .iter()
                    .map(|member| member.as_str().map(fold).unwrap_or_default())
                    .partition(|member| groups.contains(member));
                let added: BTreeSet<String> =
                    people.into_iter().map(person).collect::<Result<_, _>>()?;
                let line = format!(
                    "the group {id} then holds {} members",
                    added.len() + nested.len()
                );
                let moves = Moves {
                    whole: true,
                    added,
                    nested: nested.into_iter().collect(),
                    ..Moves::default()
                };
                self.groups.insert(id, moves);
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

    /// Whether somebody is a Global Administrator after the change, given whether they are one before it.
    pub fn administers(&self, identity: &Identity, before: bool) -> bool {
        let id = fold(&identity.id);
        match self.roles.get(GLOBAL_ADMINISTRATOR) {
            Some(moves) if moves.added.contains(&id) => true,
            Some(moves) if moves.removed.contains(&id) => identity
                .eligible_roles
                .iter()
                .any(|role| fold(role) == GLOBAL_ADMINISTRATOR),
            _ => before,
        }
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
        if self.removed.contains(person) || self.whole && self.nested.is_empty() {
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
