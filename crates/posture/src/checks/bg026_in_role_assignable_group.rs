//! M2: a role-assignable group holds the account.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG026",
    name: "in-role-assignable-group",
    requirement: "M2",
    title: "A role-assignable group holds the account",
    severity: Severity::Medium,
    what: "Looks for a role-assignable group with assigned membership that has the account as a member.",
    rationale: "Policies exclude the group; who can change an ordinary group can change who is excluded.",
    fix: "Entra admin center > Groups > New group: roles can be assigned to the group; add {subject}.",
    controls: &["NIST AC-6(5)", "CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let (groups, unknown) = context.role_groups(id);
        match (groups.first().and_then(|g| g.id.as_ref()), &unknown) {
            (Some(group), _) => CHECK
                .pass(
                    &account.subject,
                    "a role-assignable group holds the account",
                )
                .seen(format!("groups/{group}"), "isAssignableToRole", true),
            (None, Some(missing)) => CHECK.unread(&account.subject, missing),
            (None, None) => CHECK
                .fail(
                    &account.subject,
                    "no role-assignable group holds the account",
                )
                .seen("groups", "groups read", context.snapshot.groups.items.len()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn m2_ordinary_group_fails() {
        let mut world = World::modern();
        world.snapshot.groups.items[0].role_assignable = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
