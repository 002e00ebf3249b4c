//! A4: the assignment has no end.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;
use breakglass_model::tenant::AssignmentKind;

pub(super) const CHECK: Check = Check {
    id: "BG010",
    name: "assignment-permanent",
    requirement: "A4",
    title: "The assignment has no end",
    severity: Severity::Critical,
    what: "Looks at the end of every active assignment of Global Administrator to the account; one without an end must exist.",
    rationale: "An assignment with an end runs out unnoticed on an account that nobody uses.",
    fix: "Entra admin center > Roles & admins > Global Administrator > {subject} > Update: Permanently assigned.",
    controls: &["SCuBA MS.AAD.7.4v1", "NIST AC-2(2)"],
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
            .find(|a| a.activated.get() == Some(&false) && a.end.get() == Some(&None))
        {
            let object = format!("roleAssignments/{}", found.id.as_deref().unwrap_or("?"));
            return CHECK
                .pass(subject, "an active assignment has no end")
                .seen(&object, "endDateTime", "none")
                .seen(object, "principalId", &found.principal);
        }
        if let Some(missing) = &held.unknown {
            return CHECK.unread(subject, missing);
        }
        if held
            .assignments
            .iter()
            .any(|a| a.end.get().is_none() || a.activated.get().is_none())
        {
            return CHECK.unknown(
                subject,
                "roleAssignmentScheduleInstances/endDateTime",
                "the input lists assignments without their schedules",
                "RoleAssignmentSchedule.Read.Directory",
            );
        }
        if held.assignments.is_empty() {
            return CHECK.not_applicable(subject, "the account holds no active assignment");
        }
        held.assignments.iter().fold(
            CHECK.fail(subject, "every assignment of the role ends"),
            |f, a| {
                let end = a
                    .end
                    .get()
                    .copied()
                    .flatten()
                    .map_or_else(|| "none".to_owned(), |end| end.to_string());
                f.seen(
                    format!("roleAssignments/{}", a.id.as_deref().unwrap_or("?")),
                    "endDateTime",
                    end,
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
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a4_time_bound_fails() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items[0].end =
            Reading::Read(Some("2027-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn a4_end_unread_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items[0].end = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }
}
