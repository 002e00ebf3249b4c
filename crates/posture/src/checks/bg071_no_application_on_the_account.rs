//! M1: no application can change the account itself.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG071",
    name: "no-application-on-the-account",
    requirement: "M1",
    title: "No application can change the account itself",
    severity: Severity::High,
    what: "Looks for enabled applications whose Microsoft Graph application permissions change users, groups or authentication methods, and whether a restricted unit keeps them from the account.",
    rationale: "An application with UserAuthenticationMethod.ReadWrite.All registers a method of its own on any account that no restricted unit holds, and signs in as it.",
    fix: "Put {subject} into a restricted management administrative unit: Entra admin center > Roles & admins > Admin units; or revoke the permissions named in the evidence.",
    controls: &["NIST AC-6(5)", "CIS Controls 5.4"],
    references: &[
        RESTRICTED_UNITS,
        "https://learn.microsoft.com/graph/permissions-reference",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (holders, missing) = context.holders();
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let (units, unknown) = context.restricted_units(id);
        if let Some(unit) = units.first() {
            return CHECK
                .pass(subject, "a restricted unit keeps applications from the account")
                .seen(format!("directory/administrativeUnits/{unit}"), "members", id);
        }
        let direct: Vec<_> = holders.iter().filter(|own| !own.power.above_unit).collect();
        if let Some(missing) = unknown.as_ref().or(missing.as_ref()) {
            return CHECK.unread(subject, missing);
        }
        if direct.is_empty() {
            return CHECK
                .pass(subject, "no enabled application can change users, groups or methods")
                .seen("appRoleAssignments", "assignments read", context.listed("appRoleAssignments").len());
        }
        let finding = CHECK.fail(
            subject,
            "no restricted unit holds the account, and applications can change users, groups or methods",
        );
        direct.iter().take(20).fold(finding, |finding, own| {
            finding.seen(own.object(), "appRoleId", format!("{}: {}", own.name, own.power.permission))
        })
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn m1_only_the_unit_keeps_an_application_out() {
        let mut world = World::modern();
        world.listed("appRoleAssignments").push(
            json!({"principalId": "sp", "principalType": "ServicePrincipal",
            "appRoleId": "50483e42-d915-4231-9639-7fdb7fd190e5"}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.snapshot.units.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.snapshot.other.remove("appRoleAssignments");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
