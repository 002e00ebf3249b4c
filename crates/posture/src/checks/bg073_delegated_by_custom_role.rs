//! M3: the accounts are looked after through a custom role at the unit, with the least actions.

use breakglass_model::{Finding, Reading, Severity};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    directory::Keeper,
};

pub(super) const CHECK: Check = Check {
    id: "BG073",
    name: "delegated-by-custom-role",
    requirement: "M3",
    title: "A tightly scoped custom role looks after the accounts",
    severity: Severity::Medium,
    what: "Looks for roles that are held, or can be activated, at the restricted unit of the accounts. Each must be a custom role with no more than reading, basic properties, enabling, authentication methods, sessions and members of the group, and be given at the unit only.",
    rationale: "Nobody but a role at the unit can change what is in it. A built-in role there does much more than is needed, and deletes what it should look after.",
    fix: "az rest --method POST --url https://graph.microsoft.com/v1.0/roleManagement/directory/roleDefinitions --body '{\"displayName\":\"Emergency access keeper\",\"isEnabled\":true,\"rolePermissions\":[{\"allowedResourceActions\":[\"microsoft.directory/users/basic/update\",\"microsoft.directory/users/enable\",\"microsoft.directory/groups/members/update\"]}]}', then make people eligible for it at the unit; `breakglass plan --keeper <user> --approver <user>` plans both. For {subject}: take away what the evidence names.",
    controls: &["NIST AC-6(5)", "NIST AC-5", "CIS Controls 5.4"],
    references: &[
        RESTRICTED_UNITS,
        "https://learn.microsoft.com/entra/identity/role-based-access-control/custom-create",
    ],
    run,
};

/// What looking after the accounts needs, behind `microsoft.directory/`. Not among them: deleting, disabling, changing
/// the name (which breaks registered keys), roles, and everything at once.
const LEAST: [&str; 7] = [
    "users/basic/update",
    "users/enable",
    "users/invalidateAllRefreshTokens",
    "users/password/update",
    "groups/members/update",
    "groups/basic/update",
    "administrativeUnits/members/update",
];

fn least(action: &str) -> bool {
    let rest = action
        .strip_prefix("microsoft.directory/")
        .unwrap_or(action);
    rest.ends_with("/read")
        || rest.starts_with("users/authenticationMethods/")
        || LEAST.iter().any(|known| known.eq_ignore_ascii_case(rest))
}

fn judge(context: &Context<'_>, keeper: &Keeper<'_>) -> Finding {
    let name = keeper.name.as_str();
    let Some(role) = keeper.definition else {
        return match &context.snapshot.roles.missing {
            Some(missing) => CHECK.unread(name, missing),
            None => CHECK.unknown(
                name,
                "roleManagement/directory/roleDefinitions",
                "the definition of the role is not in the input",
                "RoleManagement.Read.Directory",
            ),
        };
    };
    let holders: Vec<String> = keeper
        .assignments
        .iter()
        .map(|own| context.principal(&own.principal))
        .collect();
    match &role.built_in {
        Reading::Read(true) => {
            return CHECK
                .fail(name, "a built-in role is given at the unit; it does more than looking after the accounts")
                .seen(keeper.object(), "isBuiltIn", true)
                .seen(keeper.object(), "principals", holders.join(", "));
        }
        Reading::Read(false) => {}
        Reading::NotRead(why) => {
            return CHECK.unknown(
                name,
                "roleDefinitions/isBuiltIn",
                why,
                "RoleManagement.Read.Directory",
            );
        }
    }
    let more: Vec<&str> = role
        .actions
        .iter()
        .map(String::as_str)
        .filter(|action| !least(action))
        .collect();
    if !more.is_empty() {
        return CHECK
            .fail(name, "the role allows more than looking after the accounts")
            .seen(keeper.object(), "allowedResourceActions", more.join(", "));
    }
    let snapshot = context.snapshot;
    let wide = snapshot
        .active_assignments
        .iter()
        .chain(&snapshot.eligible_assignments)
        .find(|own| {
            context.in_force(own)
                && own.role == *keeper.role
                && own.scope.get().is_some_and(|scope| scope == "/")
        });
    if let Some(wide) = wide {
        return CHECK
            .fail(name, "the role is given for the whole tenant, too")
            .seen(
                keeper.object(),
                "directoryScopeId",
                context.principal(&wide.principal),
            );
    }
    if role.actions.is_empty() {
        return CHECK.unknown(
            name,
            "roleDefinitions/rolePermissions",
            "the actions of the role are not in the input",
            "RoleManagement.Read.Directory",
        );
    }
    CHECK
        .pass(
            name,
            "a custom role with the least actions is given at the unit only",
        )
        .seen(
            keeper.object(),
            "allowedResourceActions",
            role.actions.join(", "),
        )
        .seen(keeper.object(), "principals", holders.join(", "))
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let (keepers, unknown) = context.unit_roles();
    let mut findings: Vec<Finding> = keepers.iter().map(|own| judge(context, own)).collect();
    match unknown {
        Some(missing) => findings.push(CHECK.unread("tenant", &missing)),
        None if findings.is_empty() => findings.push(
            CHECK
                .fail(
                    "tenant",
                    "nobody has a role at a restricted unit of the accounts: only Global Administrators can look after them",
                )
                .seen(
                    "roleAssignmentScheduleInstances",
                    "assignments read",
                    context.snapshot.active_assignments.items.len(),
                )
                .seen(
                    "roleEligibilityScheduleInstances",
                    "assignments read",
                    context.snapshot.eligible_assignments.items.len(),
                ),
        ),
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
    fn m3_an_action_too_many_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.snapshot.roles.items[1]
            .actions
            .push("microsoft.directory/users/delete".to_owned());
        let findings = world.run(CHECK.id);
        assert_eq!(findings[0].verdict, Fail);
        assert_eq!(
            findings[0].evidence[0].value,
            "microsoft.directory/users/delete"
        );
    }

    #[test]
    fn m3_a_built_in_role_at_the_unit_fails() {
        let mut world = World::modern();
        world.snapshot.roles.items[1].built_in = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m3_the_role_for_the_whole_tenant_fails() {
        let mut world = World::modern();
        let mut wide = world.snapshot.eligible_assignments.items[0].clone();
        wide.principal = oid("apr1");
        wide.scope = Reading::Read("/".to_owned());
        world.snapshot.eligible_assignments.items.push(wide);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m3_nobody_at_the_unit_fails_and_unread_eligibility_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.eligible_assignments.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.snapshot.eligible_assignments.missing = breakglass_model::TenantSnapshot::empty()
            .eligible_assignments
            .missing;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
