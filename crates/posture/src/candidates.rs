//! Accounts that look like emergency access accounts. They are proposed, never judged.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::{
    AccountRef, ObjectId, TenantSnapshot, Upn, tenant::AssignmentKind, tenant::User,
};
use serde_json::Value;

/// Words that people put into the names of such accounts; separators and case do not matter.
const WORDS: [&str; 4] = ["breakglass", "breaktheglass", "emergency", "lastresort"];

/// Whether a name tells its reader what the account is for.
pub(crate) fn telling(name: &str) -> bool {
    let plain: String = name
        .chars()
        .filter(|c| c.is_alphanumeric())
        .flat_map(char::to_lowercase)
        .collect();
    WORDS.iter().any(|word| plain.contains(word))
}

/// Users that may be emergency access accounts, each with the reasons, best first.
///
/// A name alone is a reason to ask; without one, several other signs have to come together.
pub fn candidates(snapshot: &TenantSnapshot) -> Vec<AccountRef> {
    let excluded = exclusions(snapshot);
    let mut permanent: BTreeSet<ObjectId> = snapshot
        .active_assignments
        .iter()
        .filter(|a| a.kind == AssignmentKind::Active && a.activated.get() != Some(&true))
        .filter(|a| {
            matches!(a.end.get(), Some(None) | None) && snapshot.is_global_administrator(&a.role)
        })
        .map(|a| a.principal.clone())
        .collect();
    // Members are spread out once, since tenants have many users and few such groups.
    for group in &snapshot.groups {
        if group.id.as_ref().is_some_and(|id| permanent.contains(id)) {
            for members in [&group.members, &group.transitive_members] {
                permanent.extend(members.get().into_iter().flatten().cloned());
            }
        }
    }
    let mut found: Vec<(usize, AccountRef)> = Vec::new();
    for user in &snapshot.users {
        let named = [
            user.display_name.as_deref(),
            user.upn.as_ref().map(Upn::local_part),
        ]
        .into_iter()
        .flatten()
        .any(telling);
        let administrator = user
            .id
            .as_ref()
            .is_some_and(|id| holds(user, id, &permanent));
        // Everything else is costly or says little of somebody who is neither.
        if !named && !administrator {
            continue;
        }
        let reasons = reasons(snapshot, user, named, administrator, &excluded);
        if named || reasons.len() >= 3 {
            found.push((
                reasons.len() + usize::from(named),
                AccountRef {
                    id: user.id.clone(),
                    upn: user.upn.clone(),
                    declared: false,
                    reasons,
                },
            ));
        }
    }
    found.sort_by(|(a, x), (b, y)| {
        b.cmp(a)
            .then_with(|| x.upn.cmp(&y.upn))
            .then_with(|| x.id.cmp(&y.id))
    });
    found.into_iter().map(|(_, account)| account).collect()
}

/// Whether a permanent assignment reaches a user, directly or through a group.
fn holds(user: &User, id: &ObjectId, permanent: &BTreeSet<ObjectId>) -> bool {
    permanent.contains(id)
        || user
            .transitive_member_of
            .get()
            .is_some_and(|groups| groups.iter().any(|group| permanent.contains(group)))
}

fn reasons(
    snapshot: &TenantSnapshot,
    user: &User,
    named: bool,
    administrator: bool,
    excluded: &BTreeMap<String, usize>,
) -> Vec<String> {
    let mut reasons = Vec::new();
    if named {
        reasons.push("its name says emergency access".to_owned());
    }
    if administrator {
        reasons.push("it holds Global Administrator without an end".to_owned());
    }
    if user.synchronised.get() == Some(&false) {
        reasons.push("it is cloud-only".to_owned());
    }
    match (user.last_sign_in.get(), snapshot.collected_at) {
        (Some(None), _) => reasons.push("it never signed in".to_owned()),
        (Some(Some(last)), Some(at)) if at.duration_since(*last).as_hours() > 30 * 24 => {
            reasons.push("it has not signed in for 30 days".to_owned());
        }
        _ => {}
    }
    if let Some(id) = &user.id {
        let groups = snapshot.groups_of(id);
        let count = std::iter::once(id)
            .chain(groups.get().into_iter().flatten())
            .filter_map(|id| excluded.get(&id.folded()))
            .max()
            .copied()
            .unwrap_or(0);
        if count >= 2 {
            reasons.push(format!(
                "it is excluded from {count} Conditional Access policies"
            ));
        }
    }
    reasons
}

/// How many policies exclude each user or group, by folded id.
fn exclusions(snapshot: &TenantSnapshot) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for policy in &snapshot.policies {
        let users = &policy.raw["conditions"]["users"];
        let ids: BTreeSet<String> = ["excludeUsers", "excludeGroups"]
            .into_iter()
            .filter_map(|key| users[key].as_array())
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_lowercase)
            .collect();
        for id in ids {
            *counts.entry(id).or_insert(0) += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::World;

    #[test]
    fn a1_candidates_carry_reasons_and_are_not_declared() {
        let found = candidates(&World::modern().snapshot);
        assert_eq!(found.len(), 2, "{found:?}");
        assert!(found.iter().all(|c| !c.declared && c.reasons.len() >= 3));
    }

    #[test]
    fn a1_everyday_administrator_is_no_candidate() {
        let mut world = World::modern();
        let before = candidates(&world.snapshot).len();
        world.user("adm1").display_name = Some("Emergency desk".to_owned());
        assert_eq!(candidates(&world.snapshot).len(), before + 1);
    }

    #[test]
    fn a5_words_are_found_through_separators() {
        assert!(telling("Break-Glass_01"));
        assert!(!telling("svc-backup7"));
    }
}
