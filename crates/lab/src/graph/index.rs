//! What is worked out of the state so that reading does not search all of it: names, and who belongs to what.
//!
//! Invariant: an index is used only for the revision that it was made of, and only until the next change becomes visible.

use crate::state::text;
use std::{
    collections::{BTreeSet, HashMap, HashSet, VecDeque},
    sync::{Arc, Mutex, PoisonError},
};

use jiff::Timestamp;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{
    kind::{self, Kind},
    write::runs,
};
use crate::{Lab, State};

/// An object of another collection.
#[derive(Clone, Debug)]
pub(crate) struct Ref {
    pub(crate) kind: &'static Kind,
    /// Id, folded.
    pub(crate) id: Arc<str>,
}

/// A group, and whether members of nested groups count.
type Below = (Arc<str>, bool);

/// See the module.
#[derive(Debug, Default)]
pub(crate) struct Index {
    revision: u64,
    /// From when on it is no longer good.
    until: Option<Timestamp>,
    /// Ids of users by folded user principal name.
    names: HashMap<String, String>,
    /// Groups, units and roles that an object is directly in, by its folded id.
    above: HashMap<Arc<str>, Vec<Ref>>,
    /// Groups that an object is in through groups of which only the transitive members are known.
    far_above: HashMap<Arc<str>, Vec<Ref>>,
    /// Directory roles that somebody holds, with their members.
    pub(crate) roles: Vec<Value>,
    /// Who has a role for the whole tenant now, folded.
    admins: HashSet<Arc<str>>,
    /// Members that were worked out before.
    below: Mutex<HashMap<Below, Arc<[Ref]>>>,
}

/// Where the newest index lies.
#[derive(Debug, Default)]
pub(crate) struct Newest(Mutex<Option<Arc<Index>>>);

fn folded(text: &str) -> Arc<str> {
    text.to_lowercase().into()
}

/// The list that stands in an object, if it does.
pub(crate) fn list<'a>(value: &'a Value, name: &str) -> Option<&'a Vec<Value>> {
    value.get(name)?.as_array()
}

pub(crate) fn refs(items: &[Value]) -> impl Iterator<Item = Ref> {
    items.iter().map(|item| Ref {
        kind: kind::of_type(item),
        id: folded(text(item, "id")),
    })
}

impl Index {
    /// The index of the state at this moment.
    pub(crate) fn of(lab: &Lab, state: &State, now: Timestamp) -> Arc<Self> {
        let mut newest = lab.index.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(index) = newest.as_ref()
            && index.revision == state.revision
            && index.until.is_none_or(|until| now < until)
        {
            return Arc::clone(index);
        }
        let index = Arc::new(Self::build(state, now));
        *newest = Some(Arc::clone(&index));
        index
    }

    fn build(state: &State, now: Timestamp) -> Self {
        let settles = COLLECTIONS
            .iter()
            .filter_map(|name| state.table(name).settles(now));
        let mut index = Self {
            revision: state.revision,
            until: settles.chain(turns(state, now)).min(),
            ..Self::default()
        };
        let groups = state.table("groups");
        let known = |id: &str| {
            groups.seen(id, now).is_some_and(|group| {
                list(group, "members")
                    .or(list(group, "transitiveMembers"))
                    .is_some()
            })
        };
        for user in state.table("users").all_seen(now) {
            index.names.insert(
                text(user, "userPrincipalName").to_lowercase(),
                text(user, "id").to_owned(),
            );
            for group in refs(list(user, "transitiveMemberOf").map_or(&[], Vec::as_slice)) {
                if !known(&group.id) {
                    let above = &mut index.far_above;
                    above
                        .entry(folded(text(user, "id")))
                        .or_default()
                        .push(group);
                }
            }
        }
        for group in groups.all_seen(now) {
            let this = Ref {
                kind: &kind::GROUP,
                id: folded(text(group, "id")),
            };
            let (above, members) = match list(group, "members") {
                Some(members) => (&mut index.above, members.as_slice()),
                None => (
                    &mut index.far_above,
                    list(group, "transitiveMembers").map_or(&[][..], Vec::as_slice),
                ),
            };
            for member in members {
                above
                    .entry(folded(text(member, "id")))
                    .or_default()
                    .push(this.clone());
            }
        }
        for unit in state.table("administrativeUnits").all_seen(now) {
            let this = Ref {
                kind: &kind::UNIT,
                id: folded(text(unit, "id")),
            };
            for member in list(unit, "members").into_iter().flatten() {
                let above = &mut index.above;
                above
                    .entry(folded(text(member, "id")))
                    .or_default()
                    .push(this.clone());
            }
        }
        index.admins = admins(state, now);
        index.roles = roles(state, now);
        for role in &index.roles {
            let this = Ref {
                kind: &kind::ROLE,
                id: folded(text(role, "id")),
            };
            for member in list(role, "members").into_iter().flatten() {
                let above = &mut index.above;
                above
                    .entry(folded(text(member, "id")))
                    .or_default()
                    .push(this.clone());
            }
        }
        index
    }

    /// Whether somebody has a role for the whole tenant.
    pub(crate) fn is_admin(&self, id: &str) -> bool {
        self.admins.contains(id.to_lowercase().as_str())
    }

    /// The id of the user with this name.
    pub(crate) fn named(&self, name: &str) -> Option<&str> {
        self.names.get(&name.to_lowercase()).map(String::as_str)
    }

    /// Groups, units and roles that an object is in.
    pub(crate) fn above(&self, id: &str, transitive: bool) -> Vec<Ref> {
        let id = folded(id);
        let mut found: Vec<Ref> = Vec::new();
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let mut queue = VecDeque::from([(id, true)]);
        while let Some((id, first)) = queue.pop_front() {
            let far = self.far_above.get(&id).filter(|_| transitive);
            for holder in self.above.get(&id).into_iter().chain(far).flatten() {
                // A unit holds what is put into it, and not the members of a group in it.
                let counts = first || holder.kind.name != kind::UNIT.name;
                if counts && seen.insert(Arc::clone(&holder.id)) {
                    found.push(holder.clone());
                    if transitive && holder.kind.name == kind::GROUP.name {
                        queue.push_back((Arc::clone(&holder.id), false));
                    }
                }
            }
        }
        found
    }

    /// Members of a group; `None`: they are not known.
    pub(crate) fn below(
        &self,
        state: &State,
        now: Timestamp,
        group: &str,
        transitive: bool,
    ) -> Option<Arc<[Ref]>> {
        let key = (folded(group), transitive);
        let mut below = self.below.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = below.get(&key) {
            return Some(Arc::clone(found));
        }
        let found: Arc<[Ref]> = if transitive {
            self.flatten(state, now, group)?.into()
        } else {
            refs(list(state.table("groups").seen(group, now)?, "members")?).collect()
        };
        below.insert(key, Arc::clone(&found));
        Some(found)
    }

    fn flatten(&self, state: &State, now: Timestamp, group: &str) -> Option<Vec<Ref>> {
        let groups = state.table("groups");
        let first = groups.seen(group, now)?;
        let Some(direct) = list(first, "members") else {
            if let Some(stored) = list(first, "transitiveMembers") {
                return Some(refs(stored).collect());
            }
            return self.by_users(state, now, group);
        };
        let mut found = Vec::new();
        let mut seen: HashSet<Arc<str>> = HashSet::new();
        let mut queue: VecDeque<Ref> = refs(direct).collect();
        while let Some(member) = queue.pop_front() {
            if !seen.insert(Arc::clone(&member.id)) {
                continue;
            }
            if member.kind.name == kind::GROUP.name
                && let Some(nested) = groups.seen(&member.id, now)
                && let Some(members) = list(nested, "members").or(list(nested, "transitiveMembers"))
            {
                queue.extend(refs(members));
            }
            found.push(member);
        }
        Some(found)
    }

    /// Members of a group that only its members know of.
    fn by_users(&self, state: &State, now: Timestamp, group: &str) -> Option<Vec<Ref>> {
        let group = group.to_lowercase();
        let found: Vec<Ref> = state
            .table("users")
            .all_seen(now)
            .map(|user| folded(text(user, "id")))
            .filter(|id| {
                let above = self.far_above.get(id);
                above.is_some_and(|above| above.iter().any(|holder| *holder.id == *group))
            })
            .map(|id| Ref {
                kind: &kind::USER,
                id,
            })
            .collect();
        (!found.is_empty()).then_some(found)
    }

    /// Whether an object is in a restricted management administrative unit. Under [`crate::Fault::StaleReads`] the flag
    /// follows the membership by five minutes.
    pub(crate) fn restricted(&self, state: &State, now: Timestamp, id: &str) -> bool {
        let units = state.table("administrativeUnits");
        self.above(id, false)
            .iter()
            .filter(|holder| holder.kind.name == kind::UNIT.name)
            .filter_map(|holder| Some((holder, units.seen(&holder.id, now)?)))
            .any(|(holder, unit)| {
                let shown = units.visible_from(&holder.id).is_none_or(|from| {
                    state.lag.is_zero()
                        || from
                            .saturating_add(jiff::SignedDuration::from_mins(5))
                            .is_ok_and(|from| from <= now)
                });
                shown && unit.get("isMemberManagementRestricted") == Some(&Value::Bool(true))
            })
    }
}

/// Collections that an index is made of.
const COLLECTIONS: &[&str] = &[
    "users",
    "groups",
    "administrativeUnits",
    "directoryRoles",
    "roleDefinitions",
    "roleAssignments",
    "roleAssignmentScheduleInstances",
];

/// Where assignments stand.
const ASSIGNMENTS: &[&str] = &["roleAssignmentScheduleInstances", "roleAssignments"];

/// The assignments for the whole tenant that run now.
fn tenant_wide(state: &State, now: Timestamp) -> impl Iterator<Item = &Value> {
    ASSIGNMENTS
        .iter()
        .flat_map(move |table| state.table(table).all_seen(now))
        .filter(move |row| text(row, "directoryScopeId") == "/" && runs(row, now))
}

/// When assignments begin or end.
fn turns(state: &State, now: Timestamp) -> impl Iterator<Item = Timestamp> {
    state
        .table("roleAssignmentScheduleInstances")
        .all_seen(now)
        .flat_map(|row| ["startDateTime", "endDateTime"].map(|name| text(row, name)))
        .filter_map(|time| time.parse().ok())
        .filter(move |time| *time > now)
}

/// Who has a role for the whole tenant: by themselves, or as a member of a group that can hold roles.
fn admins(state: &State, now: Timestamp) -> HashSet<Arc<str>> {
    let mut found = HashSet::new();
    for row in tenant_wide(state, now) {
        let principal = text(row, "principalId");
        if let Some(group) = state.table("groups").seen(principal, now) {
            let members = list(group, "members").into_iter().flatten();
            found.extend(members.map(|member| folded(text(member, "id"))));
        }
        found.insert(folded(principal));
    }
    found
}

/// The directory roles that somebody holds, with their members: what the snapshot says, or what follows from the
/// assignments for the whole tenant.
fn roles(state: &State, now: Timestamp) -> Vec<Value> {
    let stored = state.table("directoryRoles");
    if !stored.is_empty() {
        return stored.all_seen(now).cloned().collect();
    }
    let mut members: HashMap<String, BTreeSet<&str>> = HashMap::new();
    for row in tenant_wide(state, now) {
        let direct = text(row, "memberType").is_empty()
            || text(row, "memberType").eq_ignore_ascii_case("direct");
        if direct {
            let role = text(row, "roleDefinitionId").to_lowercase();
            members
                .entry(role)
                .or_default()
                .insert(text(row, "principalId"));
        }
    }
    let space = Uuid::parse_str(&state.tenant).unwrap_or_default();
    state
        .table("roleDefinitions")
        .all_seen(now)
        .filter(|role| role.get("isBuiltIn") != Some(&Value::Bool(false)))
        .filter_map(|role| {
            let template = text(role, "id");
            let held = members.get(&template.to_lowercase())?;
            let held: Vec<Value> = held
                .iter()
                .map(|id| json!({"@odata.type": principal_kind(state, now, id).odata_type(), "id": id}))
                .collect();
            Some(json!({
                "id": Uuid::new_v5(&space, template.as_bytes()).to_string(), "deletedDateTime": null,
                "description": role.get("description"), "displayName": role.get("displayName"),
                "roleTemplateId": template, "members": held,
            }))
        })
        .collect()
}

/// What a principal is.
pub(crate) fn principal_kind(state: &State, now: Timestamp, id: &str) -> &'static Kind {
    if state.table("groups").seen(id, now).is_some() {
        &kind::GROUP
    } else if state.table("servicePrincipals").seen(id, now).is_some() {
        &kind::PRINCIPAL
    } else {
        &kind::USER
    }
}
