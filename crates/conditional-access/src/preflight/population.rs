//! For whom a change is compared.

use std::collections::HashSet;

use breakglass_model::ObjectId;

use super::{Group, Kind};
use crate::tenant::{Overlay, People};

/// Everybody: accounts, administrators and those whom the change moves one by one, the others as far as policies
/// tell them apart.
pub fn population(people: &People<'_>, accounts: &[ObjectId], overlay: &Overlay) -> Vec<Group> {
    let one = |id: &ObjectId, kind: Kind| {
        let identity = overlay.identity(people.identity(id));
        Group {
            kind,
            count: 1,
            examples: vec![identity.name.clone()],
            identity,
        }
    };
    let (active, eligible) = people.administrators();
    let mut known: HashSet<ObjectId> = HashSet::new();
    let mut groups = Vec::new();
    let moved: Vec<ObjectId> = overlay
        .moved()
        .into_iter()
        .filter_map(|id| ObjectId::parse(id).ok())
        .collect();
    for (ids, kind) in [
        (accounts, Kind::Account),
        (&active, Kind::Administrator),
        (&eligible, Kind::Administrator),
        (&moved, Kind::User),
    ] {
        for id in ids {
            if known.insert(id.clone()) {
                groups.push(one(id, kind));
            }
        }
    }
    for cohort in people.cohorts() {
        let others: Vec<&ObjectId> = cohort
            .members
            .iter()
            .filter(|id| !known.contains(id))
            .collect();
        let taken = cohort.members.len() - others.len();
        let examples = if taken == 0 {
            cohort.examples
        } else {
            let first = others.iter().take(3);
            first.map(|id| people.identity(id).name).collect()
        };
        if cohort.count > taken {
            groups.push(Group {
                kind: Kind::User,
                identity: overlay.identity(cohort.identity),
                count: cohort.count - taken,
                examples,
            });
        }
    }
    groups
}
