//! M1: no application can reach the accounts past the restricted unit.

use std::collections::BTreeMap;

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    powers::Holder,
};

pub(super) const CHECK: Check = Check {
    id: "BG070",
    name: "no-application-above-the-unit",
    requirement: "M1",
    title: "No application can change what guards the accounts",
    severity: Severity::High,
    what: "Looks for enabled applications that hold a Microsoft Graph application permission over roles, units, policies or the permissions of applications. One finding for each application, so that one that is meant can be waived.",
    rationale: "A restricted unit keeps applications from the accounts, not from the unit, the roles and the policies around them. Whoever steals the secret of such an application takes the role, or locks the accounts out by a policy.",
    fix: "Entra admin center > Enterprise applications > {subject} > Permissions: revoke the permissions named in the evidence, or give the application a smaller one; waive the check for an application that must have them, with an end date.",
    controls: &["NIST AC-6(5)", "CIS Controls 5.4", "SOC 2 CC6.1-6.4"],
    references: &[
        RESTRICTED_UNITS,
        "https://learn.microsoft.com/graph/permissions-reference",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (holders, missing) = context.holders();
    let mut of: BTreeMap<&str, Vec<&Holder<'_>>> = BTreeMap::new();
    for holder in holders.iter().filter(|own| own.power.above_unit) {
        of.entry(holder.name).or_default().push(holder);
    }
    let mut findings: Vec<Finding> = of
        .into_iter()
        .map(|(name, all)| {
            let finding = CHECK.fail(
                name,
                "the application can change roles, units or policies, and so reach the accounts past any unit",
            );
            all.iter().fold(finding, |finding, own| {
                finding.seen(own.object(), "appRoleId", own.power.permission)
            })
        })
        .collect();
    match missing {
        Some(missing) => findings.push(CHECK.unread("tenant", &missing)),
        None if findings.is_empty() => findings.push(
            CHECK
                .pass(
                    "tenant",
                    "no enabled application holds a permission over roles, units or policies",
                )
                .seen(
                    "appRoleAssignments",
                    "assignments read",
                    context.listed("appRoleAssignments").len(),
                ),
        ),
        None => {}
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn m1_an_application_that_can_assign_roles_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.listed("appRoleAssignments").push(json!({"principalId": "sp", "principalDisplayName": "Backup",
            "principalType": "ServicePrincipal", "appRoleId": "9E3F62CF-ca93-4989-b6ce-bf83c28f9fe8"}));
        let findings = world.run(CHECK.id);
        assert_eq!(findings[0].subject, "Backup");
        assert_eq!(
            findings[0].evidence[0].value,
            "RoleManagement.ReadWrite.Directory"
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world
            .listed("servicePrincipals")
            .push(json!({"id": "sp", "accountEnabled": false}));
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
    }

    #[test]
    fn m1_permissions_that_were_not_read_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.other.remove("appRoleAssignments");
        let findings = world.run(CHECK.id);
        assert_eq!(findings[0].verdict, CannotTell);
        assert!(findings[0].because.contains("Application.Read.All"));
    }
}
