//! What policies name and what does not exist.

use std::collections::HashSet;

use breakglass_model::TenantSnapshot;

use super::{environment::list, is_id, key::Key};
use crate::{Environment, Policy, identity::fold, policy::Control};

/// An object that a policy names and that certainly does not exist: the collection was read completely and
/// does not hold it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dangling {
    /// Id of the policy.
    pub policy: String,
    /// What the id should be of.
    pub kind: DanglingKind,
    /// The id.
    pub id: String,
}

/// What a dangling id should be of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DanglingKind {
    /// A group: deleted, so that it holds nobody.
    Group,
    /// A user: deleted.
    User,
    /// A named location.
    Location,
    /// An authentication strength.
    Strength,
}

/// Every dangling id, policy by policy.
pub(super) fn find(
    snapshot: &TenantSnapshot,
    policies: &[Policy],
    environment: &Environment,
) -> Vec<Dangling> {
    let mut users: HashSet<Key> = policies
        .iter()
        .flat_map(|policy| [&policy.users.include, &policy.users.exclude])
        .flat_map(|set| &set.users)
        .filter(|id| is_id(id))
        .map(|id| Key::of(id))
        .collect();
    if !users.is_empty() {
        for id in snapshot.users.iter().filter_map(|user| user.id.as_ref()) {
            users.remove(&Key::of(id.as_str()));
        }
    }
    let groups: HashSet<Key> = snapshot
        .groups
        .iter()
        .filter_map(|group| Some(Key::of(group.id.as_ref()?.as_str())))
        .collect();
    let has_locations = snapshot.other.contains_key("namedLocations");
    let has_strengths = !list(snapshot, "authenticationStrengthPolicies").is_empty();
    let mut found = Vec::new();
    for policy in policies {
        let mut add = |kind, id: &String| {
            if is_id(id) {
                found.push(Dangling {
                    policy: policy.id.clone(),
                    kind,
                    id: id.clone(),
                });
            }
        };
        for set in [&policy.users.include, &policy.users.exclude] {
            if snapshot.groups.is_complete() {
                set.groups
                    .iter()
                    .filter(|id| !groups.contains(&Key::of(id)))
                    .for_each(|id| add(DanglingKind::Group, id));
            }
            if snapshot.users.is_complete() {
                set.users
                    .iter()
                    .filter(|id| users.contains(&Key::of(id)))
                    .for_each(|id| add(DanglingKind::User, id));
            }
        }
        if let (Some(locations), true) = (&policy.locations, has_locations) {
            locations
                .include
                .iter()
                .chain(&locations.exclude)
                .filter(|id| {
                    !["all", "alltrusted"].contains(&fold(id).as_str())
                        && !environment
                            .locations
                            .iter()
                            .any(|l| fold(&l.id) == fold(id))
                })
                .for_each(|id| add(DanglingKind::Location, id));
        }
        for control in policy.grant.iter().flat_map(|grant| &grant.controls) {
            if let Control::Strength(strength) = control
                && has_strengths
                && environment.strength(&strength.id).is_none()
            {
                add(DanglingKind::Strength, &strength.id);
            }
        }
    }
    found.sort();
    found.dedup();
    found
}
