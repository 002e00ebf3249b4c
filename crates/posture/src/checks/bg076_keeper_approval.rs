//! M4: two people other than the keeper can approve.

use std::collections::BTreeSet;

use breakglass_model::{Finding, NotRead, ObjectId, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::{PIM_SETTINGS, Seen},
    directory::{Keeper, text},
    facts::missing,
};

pub(super) const CHECK: Check = Check {
    id: "BG076",
    name: "keeper-approval",
    requirement: "M4",
    title: "Activating the role at the unit needs somebody else's approval",
    severity: Severity::Medium,
    what: "Looks at the approval rule of every role at the restricted unit of the accounts: approval must be asked for, and for every keeper two people, enabled, other than the keeper and than the emergency access accounts, must be able to give it.",
    rationale: "One person alone must not be able to reach the accounts. One approver on holiday, or approvers who are the locked-away accounts themselves, make an activation that nobody can ever approve.",
    fix: "Entra admin center > Identity Governance > Privileged Identity Management > Microsoft Entra roles > Settings > {subject} > Edit: require approval, and name two people who are not the keeper.",
    controls: &["SCuBA MS.AAD.7.6v1", "NIST AC-5", "NIST AC-6(5)"],
    references: &[PIM_SETTINGS],
    run,
};

/// Approvers that a rule names, with the members of groups among them, and what was not read.
fn approvers(
    context: &Context<'_>,
    setting: &Value,
) -> (BTreeSet<ObjectId>, bool, Option<NotRead>) {
    let (mut found, mut named, mut unknown) = (BTreeSet::new(), false, None);
    let stages = setting.get("approvalStages").and_then(Value::as_array);
    for approver in stages
        .into_iter()
        .flatten()
        .filter_map(|stage| stage.get("primaryApprovers")?.as_array())
        .flatten()
    {
        named = true;
        if let Ok(id) = ObjectId::parse(text(approver, "userId")) {
            found.insert(id);
            continue;
        }
        let group = ObjectId::parse(text(approver, "groupId")).ok();
        let group = group.and_then(|id| context.snapshot.group(&id));
        match group.and_then(|own| own.transitive_members.get().or_else(|| own.members.get())) {
            Some(members) => found.extend(members.iter().cloned()),
            None => {
                unknown.get_or_insert_with(|| {
                    missing(
                        "groups/members",
                        "the members of a group that approves are not in the input",
                        "GroupMember.Read.All",
                    )
                });
            }
        }
    }
    (found, named, unknown)
}

fn judge(context: &Context<'_>, keeper: &Keeper<'_>) -> Finding {
    let name = keeper.name.as_str();
    let pim = match context.pim(keeper.role) {
        Ok(pim) => pim,
        Err(missing) => return CHECK.unread(name, &missing),
    };
    let Some(setting) = pim
        .rule("Approval_EndUser_Assignment")
        .and_then(|rule| rule.get("setting"))
    else {
        return CHECK.unknown(
            name,
            "roleManagementPolicyAssignments/Approval_EndUser_Assignment",
            "the rule is not in the input",
            "RoleManagement.Read.Directory",
        );
    };
    let field = "Approval_EndUser_Assignment";
    if setting.get("isApprovalRequired").and_then(Value::as_bool) != Some(true) {
        return CHECK
            .fail(name, "activation asks for nobody's approval")
            .seen(keeper.object(), field, "isApprovalRequired: false");
    }
    let (all, named, unknown) = approvers(context, setting);
    if !named {
        return CHECK
            .fail(name, "no approver is named: the active Global and Privileged Role Administrators approve, who may be nobody but the accounts")
            .seen(keeper.object(), field, "no primaryApprovers");
    }
    let able: Vec<&ObjectId> = all
        .iter()
        .filter(|id| !context.is_account(id))
        .filter(|id| match context.snapshot.user(id) {
            Some(user) => user.account_enabled.get() != Some(&false),
            None => !context.snapshot.users.is_complete(),
        })
        .collect();
    let short = keeper
        .eligible()
        .find(|who| able.iter().filter(|id| *id != who).count() < 2);
    let unread: Vec<&ObjectId> = able
        .iter()
        .copied()
        .filter(|id| {
            let user = context.snapshot.user(id);
            user.is_some_and(|user| user.account_enabled.get().is_none())
        })
        .collect();
    let people: Vec<String> = able.iter().map(|id| context.principal(id)).collect();
    let finding = match (short, unknown) {
        (Some(_), Some(missing)) => return CHECK.unread(name, &missing),
        (Some(who), None) => CHECK.fail(
            name,
            format!(
                "fewer than two people other than {} and the accounts can approve",
                context.principal(who)
            ),
        ),
        (None, _) => match &context.snapshot.users.missing {
            Some(missing) => return CHECK.unread(name, missing),
            None => match unread.first() {
                Some(who) => {
                    return CHECK.unknown(
                        name,
                        "users/accountEnabled",
                        &format!(
                            "whether {} can sign in and approve is not in the input",
                            context.principal(who)
                        ),
                        "User.Read.All",
                    );
                }
                None => CHECK.pass(name, "two or more people other than the keeper can approve"),
            },
        },
    };
    finding.seen(keeper.object(), field, people.join(", "))
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_keeper(&CHECK, |keeper| judge(context, keeper))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::{Value, json};

    fn approved_by(world: &mut World, approvers: Value) {
        world.keeper_rule("Approval_EndUser_Assignment")["setting"]["approvalStages"][0]["primaryApprovers"] =
            approvers;
    }

    #[test]
    fn m4_two_others_pass_and_fewer_fail() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        approved_by(&mut world, json!([{"userId": "apr1"}]));
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        // The keeper does not count, nor do the accounts.
        approved_by(
            &mut world,
            json!([{"userId": "apr1"}, {"userId": "adm1"}, {"userId": "bg1"}]),
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        approved_by(&mut world, json!([]));
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.keeper_rule("Approval_EndUser_Assignment")["setting"]["isApprovalRequired"] =
            json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m4_an_approver_who_left_does_not_count() {
        let mut world = World::modern();
        world.user("apr2").account_enabled = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m4_a_group_of_which_the_members_are_not_read_cannot_tell() {
        let mut world = World::modern();
        approved_by(&mut world, json!([{"groupId": "unread"}]));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
