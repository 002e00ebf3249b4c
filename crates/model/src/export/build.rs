//! What was gathered, made into the snapshot.

use serde_json::Value;

use super::{
    gather::Gather,
    kind::{
        self, ACTIVE, DIRECTORY_ROLES, ELIGIBLE, GROUPS, MEMBERS, METHODS, OWNED_DEVICES, OWNERS,
        PLAIN, REGISTERED_DEVICES, ROLES, TRANSITIVE_MEMBER_OF, TRANSITIVE_MEMBERS, UNITS, USERS,
    },
    object,
};
use crate::{
    Collection, ObjectId, Reading, SetAside, TenantSnapshot,
    tenant::{AssignmentKind, Group, RoleAssignment, User},
};

/// Graph cuts a list that is expanded inside a directory object off after this many members.
const EXPAND_LIMIT: usize = 20;

impl Gather {
    pub(super) fn build(mut self, files: usize, digest: String) -> TenantSnapshot {
        let mut snapshot = TenantSnapshot::empty();
        snapshot.digest = digest;
        self.tenant(&mut snapshot);
        self.expanded_member_of();
        self.collections(&mut snapshot);
        self.members_from_users(&mut snapshot);
        self.groups_of_policies(&mut snapshot);
        self.assumptions(&mut snapshot, files);
        snapshot.assumptions.append(&mut self.notes);
        snapshot.other = std::mem::take(&mut self.objects);
        for (name, extent) in &self.extents {
            // An empty collection that was read is not the same as one that was not.
            if extent.whole && !is_typed(name) && name != kind::REGISTRATION {
                snapshot.other.entry(name.clone()).or_default();
            }
            if let Some(missing) = &extent.missing
                && !is_typed(name)
            {
                snapshot.not_read.push(missing.clone());
            }
        }
        snapshot.not_read.append(&mut self.not_read);
        snapshot.set_aside = self.set_aside;
        snapshot
    }

    fn tenant(&mut self, snapshot: &mut TenantSnapshot) {
        if let Some(organization) = self.objects.get(kind::ORGANIZATION).and_then(|o| o.last()) {
            let owned = |key: &str| object::owned(organization, key);
            self.tenant_id = self.tenant_id.take().or(owned("id"));
            self.tenant_name = self.tenant_name.take().or(owned("displayName"));
        }
        snapshot.id = self.tenant_id.as_deref().and_then(object::tenant_id);
        snapshot.name = self.tenant_name.take();
        snapshot.collected_at = self.collected_at.as_deref().and_then(|at| at.parse().ok());
    }

    fn take(&mut self, kind: &str) -> Vec<Value> {
        self.objects.remove(kind).unwrap_or_default()
    }

    fn collections(&mut self, snapshot: &mut TenantSnapshot) {
        let mut users = std::mem::take(&mut self.early.users);
        users.extend(self.take(USERS).iter().map(|raw| self.user(raw)));
        for raw in self.take(kind::REGISTRATION) {
            self.early.register(&raw);
        }
        for user in &mut users {
            user.registered = self.early.registered(user.id.as_ref());
        }
        self.fill(&mut snapshot.users, USERS, users);
        let mut groups = std::mem::take(&mut self.early.groups);
        groups.extend(self.take(GROUPS).iter().map(|raw| self.group(raw)));
        self.without_id(GROUPS, groups.iter().any(|group| group.id.is_none()));
        self.fill(&mut snapshot.groups, GROUPS, groups);
        let units: Vec<_> = self
            .objects
            .get(UNITS)
            .into_iter()
            .flatten()
            .map(|raw| {
                let mut unit = object::unit(raw);
                if let Some(list) = self.list(UNITS, raw, raw, MEMBERS) {
                    unit.members = ids_of(list);
                }
                unit
            })
            .collect();
        self.objects.remove(UNITS);
        self.without_id(UNITS, units.iter().any(|unit| unit.id.is_none()));
        self.fill(&mut snapshot.units, UNITS, units);
        let domains = self.take(kind::DOMAINS);
        let read: Vec<_> = domains.iter().filter_map(object::domain).collect();
        self.without_id(kind::DOMAINS, read.len() < domains.len());
        self.fill(&mut snapshot.domains, kind::DOMAINS, read);
        self.roles(snapshot);
        let policies = self.take(kind::POLICIES);
        let policies = policies.into_iter().map(object::policy).collect();
        self.fill(&mut snapshot.policies, kind::POLICIES, policies);
        let reviews = self.take(kind::REVIEWS);
        self.fill(&mut snapshot.access_reviews, kind::REVIEWS, reviews);
        let workflows = self.take(kind::WORKFLOWS);
        self.fill(
            &mut snapshot.lifecycle_workflows,
            kind::WORKFLOWS,
            workflows,
        );
    }

    /// Notes that an object of a collection has no id: nobody can tell which one it is, or who means it.
    fn without_id(&mut self, kind: &str, one: bool) {
        if one {
            let reason = "one of them is in the input without a readable id";
            self.incomplete(kind, reason.to_owned());
        }
    }

    /// A user, with the lists that belong to it.
    pub(super) fn user(&self, raw: &Value) -> User {
        let mut user = object::user(raw);
        let methods = raw
            .get("authentication")
            .filter(|a| a.get(METHODS).is_some())
            .unwrap_or(raw);
        if let Some(list) = self.list(USERS, raw, methods, METHODS) {
            user.methods = map(list, |items| items.iter().map(object::method).collect());
        }
        if let Some(list) = self.list(USERS, raw, raw, TRANSITIVE_MEMBER_OF) {
            user.transitive_member_of = groups_of(list);
        }
        let devices = [REGISTERED_DEVICES, OWNED_DEVICES]
            .into_iter()
            .filter_map(|name| self.list(USERS, raw, raw, name))
            .reduce(|one, other| if one.get().is_some() { one } else { other });
        if let Some(list) = devices {
            user.devices = match list {
                Reading::Read(items) => object::devices(items),
                Reading::NotRead(why) => Reading::NotRead(why),
            };
        }
        user
    }

    /// A group, with its members.
    pub(super) fn group(&self, raw: &Value) -> Group {
        let mut group = object::group(raw);
        if let Some(list) = self.list(GROUPS, raw, raw, MEMBERS) {
            group.members = ids_of(list);
        }
        if let Some(list) = self.list(GROUPS, raw, raw, TRANSITIVE_MEMBERS) {
            group.transitive_members = ids_of(list);
        }
        if let Some(list) = self.list(GROUPS, raw, raw, OWNERS) {
            group.owners = ids_of(list);
        }
        group
    }

    fn roles(&mut self, snapshot: &mut TenantSnapshot) {
        let directory_roles = self.take(DIRECTORY_ROLES);
        let mut roles: Vec<_> = self.take(ROLES).iter().map(object::role).collect();
        let mut active = Vec::new();
        for raw in &directory_roles {
            let role = object::role(raw);
            if let (Some(Reading::Read(members)), Some(id)) =
                (self.list(DIRECTORY_ROLES, raw, raw, MEMBERS), &role.id)
            {
                active.extend(ids(&members).into_iter().map(|principal| {
                    RoleAssignment {
                        id: None,
                        principal,
                        role: role.template_id.clone().unwrap_or_else(|| id.clone()),
                        kind: AssignmentKind::Active,
                        scope: Reading::Read("/".to_owned()),
                        end: Reading::NotRead(
                            "the input holds members of directoryRoles, which have no end: \
                         roleAssignmentScheduleInstances tells it"
                                .to_owned(),
                        ),
                        activated: Reading::default(),
                    }
                }));
            }
            roles.push(role);
        }
        self.fill(&mut snapshot.roles, ROLES, roles);
        let scheduled = self.assignments(ACTIVE, AssignmentKind::Active, true);
        let eligible = self.assignments(ELIGIBLE, AssignmentKind::Eligible, true);
        self.fill(&mut snapshot.eligible_assignments, ELIGIBLE, eligible);
        // The schedule instance of an assignment says more than its other two forms.
        let plain = self.assignments(PLAIN, AssignmentKind::Active, false);
        let plain_whole = self.extents.get(PLAIN).is_some_and(|e| e.whole || e.folder);
        let mut all = scheduled;
        for assignment in plain.into_iter().chain(active) {
            let known = all.iter().any(|other| {
                other.principal == assignment.principal
                    && other.role == assignment.role
                    && (other.scope == assignment.scope || other.scope.get().is_none())
            });
            if !known {
                all.push(assignment);
            }
        }
        if plain_whole {
            let extent = self.extent(ACTIVE);
            // They stand in for schedule instances that could not be read at all.
            let replaced = if extent.whole {
                None
            } else {
                extent.missing.take()
            };
            extent.whole = true;
            self.not_read.extend(replaced);
        }
        if let Some(missing) = self.extents.get_mut(PLAIN).and_then(|e| e.missing.take())
            && self.extents.get(ACTIVE).is_none_or(|e| !e.whole)
        {
            self.extent(ACTIVE).missing = Some(missing);
        }
        self.fill(&mut snapshot.active_assignments, ACTIVE, all);
    }

    fn assignments(
        &mut self,
        kind: &str,
        state: AssignmentKind,
        scheduled: bool,
    ) -> Vec<RoleAssignment> {
        let mut read = Vec::new();
        for raw in self.take(kind) {
            if let Some(assignment) = object::assignment(&raw, state, scheduled) {
                read.push(assignment);
            } else {
                self.set_aside.push(SetAside {
                    file: kind.to_owned(),
                    position: object::text(&raw, "id").unwrap_or("no id").to_owned(),
                    reason: "an assignment without principalId or roleDefinitionId".to_owned(),
                });
                self.incomplete(
                    kind,
                    "an assignment without principalId or roleDefinitionId was set aside"
                        .to_owned(),
                );
            }
        }
        read
    }

    /// The list `name` of an object: from a file of its own, else expanded in the object.
    pub(super) fn list(
        &self,
        kind: &'static str,
        owner: &Value,
        holder: &Value,
        name: &'static str,
    ) -> Option<Reading<Vec<Value>>> {
        let id = |owner: &Value| object::text(owner, "id").unwrap_or_default().to_lowercase();
        if !self.relations.is_empty()
            && let Some(related) = self.relations.get(&(kind, id(owner), name))
        {
            return Some(match &related.incomplete {
                Some(why) => Reading::NotRead(why.clone()),
                None => Reading::Read(related.items.clone()),
            });
        }
        let Value::Array(items) = holder.get(name)? else {
            return None;
        };
        let cut = holder.get(format!("{name}@odata.nextLink")).is_some()
            || (!self.has_snapshot && items.len() == EXPAND_LIMIT);
        Some(if cut && name != METHODS {
            Reading::NotRead(format!(
                "the expanded list `{name}` may be cut off after {EXPAND_LIMIT} objects, as Graph \
                 does: export {kind}/<id>/{name}"
            ))
        } else {
            Reading::Read(items.clone())
        })
    }

    /// Puts the items into a collection, with how complete they are.
    fn fill<T>(&mut self, target: &mut Collection<T>, kind: &str, items: Vec<T>) {
        let extent = self.extents.get(kind);
        let missing = match extent {
            None if items.is_empty() => return,
            Some(extent) if extent.missing.is_some() => extent.missing.clone(),
            Some(extent) if extent.whole || extent.folder || kind == kind::POLICIES => None,
            _ => target.missing.take().map(|mut missing| {
                "the input holds single objects of it, not the whole list"
                    .clone_into(&mut missing.reason);
                missing
            }),
        };
        let permission = target.missing.take();
        target.items = items;
        // Name and permission in Graph's words, as an empty tenant has them.
        target.missing = missing.map(|mut missing| {
            if let Some(known) = permission {
                missing.collection = known.collection;
                missing.permission = missing.permission.or(known.permission);
            }
            missing
        });
    }
}

fn is_typed(name: &str) -> bool {
    matches!(
        name,
        USERS
            | GROUPS
            | ROLES
            | DIRECTORY_ROLES
            | ACTIVE
            | ELIGIBLE
            | PLAIN
            | UNITS
            | kind::DOMAINS
            | kind::POLICIES
            | kind::REVIEWS
            | kind::WORKFLOWS
    )
}

pub(super) fn map<A, B>(reading: Reading<A>, with: impl FnOnce(A) -> B) -> Reading<B> {
    match reading {
        Reading::Read(value) => Reading::Read(with(value)),
        Reading::NotRead(why) => Reading::NotRead(why),
    }
}

pub(super) fn ids(items: &[Value]) -> Vec<ObjectId> {
    items.iter().filter_map(object::object_id).collect()
}

/// Ids of a list of which every object must have one: who has none may be anybody.
pub(super) fn ids_of(list: Reading<Vec<Value>>) -> Reading<Vec<ObjectId>> {
    match list {
        Reading::Read(items) if items.iter().any(|item| object::object_id(item).is_none()) => {
            Reading::NotRead("an object of the list is in the input without its id".to_owned())
        }
        list => map(list, |items| ids(&items)),
    }
}

/// The same of the groups among what a user is a member of.
pub(super) fn groups_of(list: Reading<Vec<Value>>) -> Reading<Vec<ObjectId>> {
    match list {
        Reading::Read(items)
            if items
                .iter()
                .any(|item| is_group(item) && object::object_id(item).is_none()) =>
        {
            Reading::NotRead("a group of the list is in the input without its id".to_owned())
        }
        list => map(list, |items| group_ids(&items)),
    }
}

fn is_group(item: &Value) -> bool {
    object::text(item, "@odata.type")
        .is_none_or(|kind| kind.trim_start_matches('#') == "microsoft.graph.group")
}

/// The groups among what a user is a member of: Graph lists roles and administrative units there too.
pub(super) fn group_ids(items: &[Value]) -> Vec<ObjectId> {
    items
        .iter()
        .filter(|item| is_group(item))
        .filter_map(object::object_id)
        .collect()
}
