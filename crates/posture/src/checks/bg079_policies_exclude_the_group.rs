//! M2: policies exclude the group of the accounts, not something else that holds them.

use breakglass_conditional_access::{
    Identity, Policy,
    identity::{Fact, GuestKind, Membership},
    policy::State,
};
use breakglass_model::{Finding, NotRead, ObjectId, Severity, tenant::Group};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    facts::missing,
};

pub(super) const CHECK: Check = Check {
    id: "BG079",
    name: "policies-exclude-the-group",
    requirement: "M2",
    title: "Policies exclude the group of the accounts, and nothing in its place",
    severity: Severity::Medium,
    what: "Looks for enabled and report-only policies that leave the account out and do not exclude the role-assignable group that holds it: by the account's own id, by another group (nested, or beside it) that no restricted unit protects, by a directory role.",
    rationale: "A list of single accounts is kept by hand in every policy: the account that was made last is missing in the one that nobody remembered. Whoever can fill another group, or holds the role, is left out too; and an account that loses the role falls under every policy at once.",
    fix: "Entra admin center > Protection > Conditional Access > (policy named in the evidence) > Users > Exclude: the group of the emergency access accounts in place of what the evidence shows.",
    controls: &["CIS M365 1.1.2", "Maester MT.1005"],
    references: &[RESTRICTED_UNITS],
    run,
};

/// A policy that leaves an account out by something else than its group.
struct Instead<'a> {
    policy: usize,
    by: By<'a>,
}

/// What leaves it out.
#[derive(Clone, PartialEq, Eq)]
enum By<'a> {
    Itself,
    Group(&'a str),
    Role(&'a str),
}

impl By<'_> {
    fn because(&self) -> &'static str {
        match self {
            Self::Itself => "policies exclude the account by its own id and not its group",
            Self::Group(_) => {
                "policies leave the account out by another group than its own, which others can fill"
            }
            Self::Role(_) => {
                "policies leave the account out by a role, and with it everybody who holds the role"
            }
        }
    }

    fn field(&self) -> &'static str {
        match self {
            Self::Itself => "conditions.users.excludeUsers",
            Self::Group(_) => "conditions.users.excludeGroups",
            Self::Role(_) => "conditions.users.excludeRoles",
        }
    }

    /// What the evidence says of it, after the name of the policy.
    fn words(&self, context: &Context<'_>) -> String {
        let object = |id: &str| ObjectId::parse(id).ok();
        match self {
            Self::Itself => String::new(),
            Self::Group(id) => {
                let name = object(id).map_or_else(|| (*id).to_owned(), |id| context.principal(&id));
                format!(": {name}")
            }
            Self::Role(id) => {
                let id = object(id);
                let role = id.as_ref().and_then(|id| context.role(id));
                let name = role.and_then(|role| role.display_name.clone());
                let shown = id.map(|id| id.to_string()).unwrap_or_default();
                format!(": {}", name.unwrap_or(shown))
            }
        }
    }
}

/// Whether a policy is for an account unless it excludes it, as far as is known.
fn meant(policy: &Policy, identity: &Identity) -> bool {
    let include = &policy.users.include;
    let perhaps = |of: Membership<'_>| of != Membership::NotHeld;
    let guest = identity.guest != Fact::Known(GuestKind::Member);
    include.all
        || include
            .users
            .iter()
            .any(|id| id.eq_ignore_ascii_case(&identity.id))
        || include
            .groups
            .iter()
            .any(|id| perhaps(identity.groups.of(id)))
        || include
            .roles
            .iter()
            .any(|id| perhaps(identity.roles.of(id)))
        || guest && (include.any_guest || include.guests.is_some())
}

/// Whether others than the keepers of the accounts can fill a group that leaves an account out; `Err`: what was not read.
fn open(
    context: &Context<'_>,
    id: &str,
    account: &ObjectId,
    own: &[&Group],
) -> Result<bool, NotRead> {
    let Ok(id) = ObjectId::parse(id) else {
        return Ok(true);
    };
    let (units, unread) = context.restricted_units(&id);
    if !units.is_empty() {
        return Ok(false);
    }
    if let Some(unread) = unread {
        return Err(unread);
    }
    if !own.is_empty() {
        return Ok(true);
    }
    // No role-assignable group holds the account (BG026): the group that holds it directly is the accounts' own.
    match context
        .snapshot
        .group(&id)
        .and_then(|group| group.members.get())
    {
        Some(members) => Ok(!members.contains(account)),
        None => Err(missing(
            "groups/members",
            "the direct members of a group that policies exclude are not in the input",
            "GroupMember.Read.All",
        )),
    }
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let subject = &account.subject;
        let Some(id) = &account.id else {
            return CHECK.cannot_tell(
                subject,
                "the input has no id for this user",
                "Add the id to the input.",
            );
        };
        let identity = &proved.identity;
        let (groups, unknown) = context.role_groups(id);
        let own = |wanted: &String| {
            groups
                .iter()
                .filter_map(|group| group.id.as_ref())
                .any(|group| group.is(wanted))
        };
        let mut found: Vec<Instead<'_>> = Vec::new();
        let mut perhaps: Option<NotRead> = None;
        for place in 0..context.snapshot.policies.items.len() {
            let Some(policy) = context.lockout.policy(place) else {
                continue;
            };
            let exclude = &policy.users.exclude;
            if policy.state == State::Disabled || exclude.groups.iter().any(own) {
                continue;
            }
            let unread = policy
                .left_out
                .iter()
                .find(|path| path.starts_with("conditions.users") || *path == "conditions");
            if let Some(path) = unread {
                perhaps = perhaps.or_else(|| {
                    Some(missing(
                        &format!("{}/{path}", context.policy_object(place)),
                        "the policy is in the input without it",
                        "Policy.Read.All",
                    ))
                });
            }
            let mut add = |by| found.push(Instead { policy: place, by });
            if exclude.users.iter().any(|own| id.is(own)) {
                add(By::Itself);
            }
            if !meant(policy, identity) {
                continue;
            }
            for group in &exclude.groups {
                match identity.groups.of(group) {
                    Membership::Held(_) => match open(context, group, id, &groups) {
                        Ok(true) => add(By::Group(group)),
                        Ok(false) => {}
                        Err(unread) => perhaps = perhaps.or(Some(unread)),
                    },
                    Membership::Unknown(why) => {
                        perhaps = perhaps.or_else(|| {
                            Some(missing("group memberships", why, "GroupMember.Read.All"))
                        });
                    }
                    Membership::NotHeld => {}
                }
            }
            for role in &exclude.roles {
                match identity.roles.of(role) {
                    Membership::Held(_) => add(By::Role(role)),
                    Membership::Unknown(why) => {
                        perhaps = perhaps.or_else(|| {
                            Some(missing(
                                "role assignments",
                                why,
                                "RoleManagement.Read.Directory",
                            ))
                        });
                    }
                    Membership::NotHeld => {}
                }
            }
        }
        if found.is_empty() {
            let unread = perhaps.or_else(|| context.snapshot.policies.missing.clone());
            return match unread {
                Some(unread) => CHECK.unread(subject, &unread),
                None => context.judged(CHECK.pass(
                    subject,
                    "no policy leaves the account out by anything but its group",
                )),
            };
        }
        if let Some(unread) = &unknown {
            return CHECK.unread(subject, unread);
        }
        let mut because: Vec<&str> = found.iter().map(|own| own.by.because()).collect();
        because.sort_unstable();
        because.dedup();
        let finding = CHECK.fail(subject, because.join("; "));
        found.iter().take(20).fold(finding, |finding, own| {
            let name = context.lockout.policy_name(own.policy);
            finding.seen(
                context.policy_object(own.policy),
                own.by.field(),
                format!("{name}{}", own.by.words(context)),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn m2_an_exclusion_by_id_fails_and_one_by_group_passes() {
        let mut world = World::modern();
        world.policy(
            json!({"id": "p", "displayName": "Block", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": ["BG1"]},
                "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["block"]}}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["grp"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    /// A block of everybody, with these exclusions.
    fn blocked(world: &mut World, exclude: &serde_json::Value) {
        world.policy(
            json!({"id": "p", "displayName": "Block", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]},
                "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["block"]}}),
        );
        let users = &mut world.last_policy()["conditions"]["users"];
        for (key, value) in exclude.as_object().unwrap() {
            users[key] = value.clone();
        }
    }

    #[test]
    fn m2_an_exclusion_by_a_group_around_the_group_fails() {
        let mut world = World::modern();
        world.nest("grp", "outer");
        let outer = world.snapshot.groups.items.last_mut().unwrap();
        outer.display_name = Some("Exclusions".to_owned());
        outer.role_assignable = Reading::Read(false);
        blocked(&mut world, &json!({"excludeGroups": ["outer"]}));
        assert_eq!(world.verdicts("BG042"), [Pass, Pass]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let evidence = &world.run(CHECK.id)[0].evidence;
        assert_eq!(evidence[0].field, "conditions.users.excludeGroups");
        assert_eq!(evidence[0].value, "Block: Exclusions");
        // Both are excluded: the accounts are out whoever fills the other one.
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["outer", "grp"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        // The unit of the accounts keeps others from filling it.
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["outer"]);
        if let Reading::Read(members) = &mut world.snapshot.units.items[0].members {
            members.push(oid("outer"));
        }
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.snapshot.units.items[0].members = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
        world.snapshot.groups.items[1].members = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }

    #[test]
    fn m2_the_accounts_own_ordinary_group_is_judged_elsewhere() {
        let mut world = World::modern();
        world.snapshot.groups.items[0].role_assignable = Reading::Read(false);
        world.snapshot.units.items.clear();
        blocked(&mut world, &json!({"excludeGroups": ["grp"]}));
        assert_eq!(world.verdicts("BG026"), [Fail, Fail]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.nest("grp", "outer");
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["outer"]);
        world.snapshot.groups.items[1].role_assignable = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn m2_an_exclusion_by_role_fails() {
        let mut world = World::modern();
        let role = breakglass_model::tenant::GLOBAL_ADMINISTRATOR;
        blocked(&mut world, &json!({"excludeRoles": [role]}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.evidence[0].field, "conditions.users.excludeRoles");
        assert!(finding.because.contains("by a role"), "{finding:?}");
        // A policy that is for others excludes nobody here.
        world.last_policy()["conditions"]["users"]["includeUsers"] = json!(["adm1"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.last_policy()["conditions"]["users"]["includeUsers"] = json!(["All"]);
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["grp"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }
}
