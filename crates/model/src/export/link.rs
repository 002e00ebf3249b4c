//! What ties objects of several files together: members, the groups that policies name, and what was
//! taken for granted.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{
    build::{group_ids, ids_of},
    gather::Gather,
    is_placeholder,
    kind::{self, GROUPS, MEMBER_OF, MEMBERS, TRANSITIVE_MEMBERS, USERS},
    object,
};
use crate::{
    ObjectId, Reading, TenantSnapshot,
    tenant::{Group, Policy},
};

impl Gather {
    /// `memberOf` expanded in users and groups is as good as a file of its own.
    pub(super) fn expanded_member_of(&mut self) {
        let mut found = Vec::new();
        for kind in [USERS, GROUPS] {
            for raw in self.objects.get(kind).into_iter().flatten() {
                if let (Some(id), Some(Reading::Read(items))) = (
                    object::text(raw, "id"),
                    self.list(kind, raw, raw, MEMBER_OF),
                ) {
                    found.push(((kind, id.to_lowercase(), MEMBER_OF), items));
                }
            }
        }
        for (key, items) in found {
            self.relations.entry(key).or_default().items = items;
        }
    }

    /// `memberOf` lists direct groups only; with those of every group they give the transitive ones.
    pub(super) fn members_from_users(&self, snapshot: &mut TenantSnapshot) {
        let mut member_of = BTreeMap::new();
        for ((owner, id, name), related) in &self.relations {
            if *owner == GROUPS && *name == MEMBER_OF && related.incomplete.is_none() {
                member_of.insert(id.clone(), group_ids(&related.items));
            }
        }
        for user in &mut snapshot.users.items {
            let Some(id) = &user.id else { continue };
            let key = (USERS, id.folded(), MEMBER_OF);
            let Some(related) = self.relations.get(&key) else {
                continue;
            };
            if user.transitive_member_of.get().is_some() {
                continue;
            }
            let direct = group_ids(&related.items);
            user.transitive_member_of = match object::closure(&direct, &member_of) {
                Some(all) if related.incomplete.is_none() => Reading::Read(all),
                _ => Reading::NotRead(
                    "the input lists only the direct groups of this user (memberOf): export \
                     transitiveMemberOf"
                        .to_owned(),
                ),
            };
        }
    }

    /// A group that is named by a policy, or whose members lie in a file, but that is not in the input
    /// itself: it exists, and what is known of it is kept.
    pub(super) fn groups_of_policies(&self, snapshot: &mut TenantSnapshot) {
        let mut wanted: BTreeSet<ObjectId> = BTreeSet::new();
        if !snapshot.groups.is_complete() {
            for policy in &snapshot.policies.items {
                wanted.extend(groups_named(policy));
            }
        }
        for (owner, id, name) in self.relations.keys() {
            if *owner == GROUPS && matches!(*name, MEMBERS | TRANSITIVE_MEMBERS) {
                wanted.extend(ObjectId::parse(id).ok());
            }
        }
        if !snapshot.groups.is_complete() {
            for (id, _) in self.group_names.values() {
                wanted.extend(ObjectId::parse(id).ok());
            }
        }
        for id in wanted {
            if snapshot.group(&id).is_some() {
                continue;
            }
            let raw = serde_json::json!({"id": id.as_str()});
            let mut group = Group {
                display_name: self
                    .group_names
                    .get(&id.folded())
                    .map(|(_, name)| name.clone()),
                ..object::group(&raw)
            };
            group.members = self.list(GROUPS, &raw, &raw, MEMBERS).map_or_else(
                || {
                    Reading::NotRead(format!(
                        "the input does not list the members of group {id}: export \
                         groups/{id}/members"
                    ))
                },
                ids_of,
            );
            if let Some(list) = self.list(GROUPS, &raw, &raw, TRANSITIVE_MEMBERS) {
                group.transitive_members = ids_of(list);
            }
            snapshot.groups.items.push(group);
        }
        for group in &mut snapshot.groups.items {
            if let (None, Some(id)) = (&group.display_name, &group.id) {
                group.display_name = self
                    .group_names
                    .get(&id.folded())
                    .map(|(_, name)| name.clone());
            }
        }
    }

    pub(super) fn assumptions(&self, snapshot: &mut TenantSnapshot, files: usize) {
        let policies = self.extents.get(kind::POLICIES);
        if !snapshot.policies.items.is_empty() && policies.is_none_or(|e| !e.whole || files > 1) {
            snapshot.assumptions.push(
                if files > 1 {
                    "the policies in this directory are taken to be all policies of the tenant"
                } else {
                    "the policies in this file are taken to be all policies of the tenant"
                }
                .to_owned(),
            );
        }
        for (name, extent) in &self.extents {
            if extent.folder && !extent.whole && extent.missing.is_none() && name != kind::POLICIES
            {
                snapshot.assumptions.push(format!(
                    "the objects in the folder of {name} are taken to be all of them"
                ));
            }
        }
        let mut placeholders = BTreeSet::new();
        for policy in &snapshot.policies.items {
            for id in who(policy).filter(|id| is_placeholder(id)) {
                placeholders.insert(id.chars().take(60).collect::<String>());
            }
        }
        if !placeholders.is_empty() {
            let named: Vec<_> = placeholders.iter().take(5).cloned().collect();
            let more = placeholders.len().saturating_sub(named.len());
            let more = if more == 0 {
                String::new()
            } else {
                format!(" and {more} more")
            };
            snapshot.assumptions.push(format!(
                "placeholders stand where ids belong and are compared as text: {}{more}",
                named.join(", ")
            ));
        }
        for object in &self.repeated {
            snapshot.assumptions.push(format!(
                "{object} is in the input more than once: the last one read is used"
            ));
        }
    }
}

/// Every text in the lists of a policy's `conditions.users`.
fn who(policy: &Policy) -> impl Iterator<Item = &str> {
    policy
        .raw
        .pointer("/conditions/users")
        .and_then(Value::as_object)
        .into_iter()
        .flat_map(|users| users.values())
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(Value::as_str)
}

fn groups_named(policy: &Policy) -> Vec<ObjectId> {
    ["includeGroups", "excludeGroups"]
        .iter()
        .filter_map(|key| {
            policy
                .raw
                .pointer("/conditions/users")?
                .get(key)?
                .as_array()
        })
        .flatten()
        .filter_map(object::object_id)
        .collect()
}
