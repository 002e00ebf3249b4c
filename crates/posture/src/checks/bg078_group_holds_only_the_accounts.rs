//! M2: the group holds the accounts and nobody else, and nobody else owns it.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::{Finding, NotRead, ObjectId, Severity, tenant::Group};

use crate::{
    Check, Context,
    catalogue::{ROLE_GROUPS, Seen},
    facts::missing,
};

pub(super) const CHECK: Check = Check {
    id: "BG078",
    name: "group-holds-only-the-accounts",
    requirement: "M2",
    title: "The group holds the accounts and nobody else",
    severity: Severity::High,
    what: "Compares the members of every role-assignable group of the accounts with the declared accounts that exist, and looks for owners other than them.",
    rationale: "Policies exclude the group: whoever is in it, or can put somebody in, is excluded too. An owner of a role-assignable group manages its members.",
    fix: "Entra admin center > Groups > {subject} > Members and Owners: remove everybody but the emergency access accounts; add the account that is missing.",
    controls: &["NIST AC-6(5)", "NIST AC-6(7)", "CIS Controls 5.1"],
    references: &[ROLE_GROUPS],
    run,
};

fn judge(context: &Context<'_>, group: &Group, id: &ObjectId) -> Finding {
    let name = group.display_name.clone().unwrap_or_else(|| id.to_string());
    let object = format!("groups/{id}");
    let unread =
        |what: &str, why: &str| CHECK.unread(&name, &missing(what, why, "GroupMember.Read.All"));
    let members = match (group.transitive_members.get(), &group.members) {
        (Some(members), _) | (None, breakglass_model::Reading::Read(members)) => members,
        (None, breakglass_model::Reading::NotRead(why)) => return unread("groups/members", why),
    };
    let listed = |ids: &[&ObjectId]| {
        let names: Vec<String> = ids
            .iter()
            .take(20)
            .map(|id| context.principal(id))
            .collect();
        names.join(", ")
    };
    let others: Vec<&ObjectId> = members
        .iter()
        .filter(|id| !context.is_account(id))
        .collect();
    if !others.is_empty() {
        return CHECK
            .fail(
                &name,
                format!(
                    "{} members of the group are no emergency access account",
                    others.len()
                ),
            )
            .seen(object, "members", listed(&others));
    }
    let inside: BTreeSet<&ObjectId> = members.iter().collect();
    // An account that is gone can be in no group: BG002 says so.
    let outside = || {
        context.accounts.iter().filter(|own| {
            !own.is_gone(context.snapshot) && own.id.as_ref().is_none_or(|id| !inside.contains(id))
        })
    };
    let absent: Vec<&str> = outside()
        .filter(|own| own.user.is_some())
        .map(|own| own.subject.as_str())
        .collect();
    if !absent.is_empty() {
        return CHECK
            .fail(
                &name,
                "an account is not in the group that the others are in",
            )
            .seen(object, "members", format!("without {}", absent.join(", ")));
    }
    if let (Some(_), Some(missing)) = (outside().next(), &context.snapshot.users.missing) {
        return CHECK.unread(&name, missing);
    }
    let owners = match &group.owners {
        breakglass_model::Reading::Read(owners) => owners,
        breakglass_model::Reading::NotRead(why) => return unread("groups/owners", why),
    };
    let foreign: Vec<&ObjectId> = owners.iter().filter(|id| !context.is_account(id)).collect();
    if foreign.is_empty() {
        let gone = context
            .accounts
            .iter()
            .filter(|own| own.is_gone(context.snapshot));
        gone.fold(
            CHECK.pass(
                &name,
                "the group holds exactly the accounts, and nobody else owns it",
            ),
            |finding, own| finding.seen(own.object(), "found", false),
        )
        .seen(object, "members", members.len())
    } else {
        CHECK
            .fail(&name, "somebody who is no emergency access account owns the group and can change its members")
            .seen(object, "owners", listed(&foreign))
    }
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let mut groups: BTreeMap<&ObjectId, &Group> = BTreeMap::new();
    let mut unknown: Option<NotRead> = None;
    for id in context.accounts.iter().filter_map(|own| own.id.as_ref()) {
        let (found, missing) = context.role_groups(id);
        groups.extend(
            found
                .into_iter()
                .filter_map(|own| Some((own.id.as_ref()?, own))),
        );
        unknown = unknown.or(missing);
    }
    let mut findings: Vec<Finding> = groups
        .iter()
        .map(|(id, group)| judge(context, group, id))
        .collect();
    match unknown {
        Some(missing) => findings.push(CHECK.unread("tenant", &missing)),
        None if findings.is_empty() => findings.push(CHECK.not_applicable(
            "tenant",
            "no role-assignable group holds an account (BG026)",
        )),
        None => {}
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn m2_somebody_else_in_the_group_fails_and_so_does_an_owner() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.snapshot.groups.items[0].owners = Reading::Read(vec![oid("adm1")]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        let mut world = World::modern();
        world.snapshot.groups.items[0].members =
            Reading::Read(vec![oid("bg1"), oid("bg2"), oid("adm1")]);
        let findings = world.run(CHECK.id);
        assert_eq!(findings[0].verdict, Fail);
        assert_eq!(findings[0].evidence[0].value, "adm1@contoso.com");
    }

    #[test]
    fn m2_an_account_outside_fails_and_unread_owners_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.groups.items[0].members = Reading::Read(vec![oid("bg1")]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        let mut world = World::modern();
        world.snapshot.groups.items[0].owners = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn m2_an_account_that_is_gone_is_not_missed_in_the_group() {
        let mut world = World::modern();
        world.delete_user("bg2");
        world.snapshot.groups.items[0].members = Reading::Read(vec![oid("bg1")]);
        let findings = world.run(CHECK.id);
        assert_eq!(findings[0].verdict, Pass);
        assert_eq!(findings[0].evidence[0].object, "users/bg2");
        assert_eq!(world.verdicts("BG002"), [Pass, Fail]);
        // Not all users were read: it may be there, and outside of the group.
        world.snapshot.users.missing = breakglass_model::TenantSnapshot::empty().users.missing;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.snapshot.groups.items[0].members = Reading::Read(vec![oid("bg1"), oid("adm1")]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
