//! A4: the assignment covers the whole tenant.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;
use breakglass_model::tenant::AssignmentKind;

pub(super) const CHECK: Check = Check {
    id: "BG011",
    name: "assignment-tenant-wide",
    requirement: "A4",
    title: "The assignment covers the whole tenant",
    severity: Severity::Critical,
    what: "Looks at the directory scope of the active assignments; one must be the whole tenant.",
    rationale: "A role scoped to a unit cannot mend the tenant.",
    fix: "Entra admin center > Roles & admins > Global Administrator > Add assignments > {subject}, scope Directory.",
    controls: &["CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let held = context.held(id, AssignmentKind::Active);
        if let Some(found) = held
            .assignments
            .iter()
            .find(|a| a.scope.get().is_some_and(|s| s == "/"))
        {
            let object = format!("roleAssignments/{}", found.id.as_deref().unwrap_or("?"));
            return CHECK
                .pass(subject, "an active assignment covers the whole tenant")
                .seen(object, "directoryScopeId", "/");
        }
        if let Some(missing) = &held.unknown {
            return CHECK.unread(subject, missing);
        }
        if held.assignments.is_empty() {
            return CHECK.not_applicable(subject, "the account holds no active assignment");
        }
        if held.assignments.iter().any(|a| a.scope.get().is_none()) {
            return CHECK.unknown(
                subject,
                "roleAssignments/directoryScopeId",
                "it is not in the input",
                "RoleManagement.Read.Directory",
            );
        }
        held.assignments.iter().fold(
            CHECK.fail(subject, "no assignment covers the whole tenant"),
            |f, a| {
                f.seen(
                    format!("roleAssignments/{}", a.id.as_deref().unwrap_or("?")),
                    "directoryScopeId",
                    a.scope.get().map_or("", String::as_str),
                )
            },
        )
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a4_scoped_fails() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items[0].scope =
            Reading::Read("/administrativeUnits/x".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
