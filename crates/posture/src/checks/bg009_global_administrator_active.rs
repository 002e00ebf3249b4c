//! A4: global Administrator is assigned and active.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;
use breakglass_model::tenant::AssignmentKind;

pub(super) const CHECK: Check = Check {
    id: "BG009",
    name: "global-administrator-active",
    requirement: "A4",
    title: "Global Administrator is assigned and active",
    severity: Severity::Critical,
    what: "Looks for an active assignment, direct or through a group, that is not an activation of an eligible one.",
    rationale: "An eligible role needs an activation, which may be what is broken.",
    fix: "Entra admin center > Roles & admins > Global Administrator > Add assignments > {subject}: Active, Permanently assigned.",
    controls: &["CIS M365 1.1.2", "SCuBA MS.AAD.7.4v1", "MCSB PA-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let active = context.held(id, AssignmentKind::Active);
        if let Some(found) = active
            .assignments
            .iter()
            .find(|a| a.activated.get() == Some(&false))
        {
            return CHECK
                .pass(subject, "an active assignment is in force")
                .seen(
                    format!("roleAssignments/{}", found.id.as_deref().unwrap_or("?")),
                    "principalId",
                    &found.principal,
                );
        }
        if let Some(missing) = &active.unknown {
            return CHECK.unread(subject, missing);
        }
        if active
            .assignments
            .iter()
            .any(|a| a.activated.get().is_none())
        {
            return CHECK.unknown(
                subject,
                "roleAssignmentScheduleInstances/assignmentType",
                "the input does not tell assigned from activated",
                "RoleAssignmentSchedule.Read.Directory",
            );
        }
        let eligible = !context
            .held(id, AssignmentKind::Eligible)
            .assignments
            .is_empty();
        let because = if !active.assignments.is_empty() {
            "the role is held only by an activation, which ends"
        } else if eligible {
            "the role is only eligible and must be activated first"
        } else {
            "the account does not hold Global Administrator"
        };
        CHECK
            .fail(subject, because)
            .seen(account.object(), "eligible", eligible)
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, assignment, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};
    use breakglass_model::tenant::AssignmentKind;

    #[test]
    fn a4_eligible_only_fails() {
        let mut world = World::modern();
        world
            .snapshot
            .active_assignments
            .items
            .retain(|a| a.principal != oid("bg2"));
        world
            .snapshot
            .eligible_assignments
            .items
            .push(assignment("bg2", AssignmentKind::Eligible));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn a4_through_group_passes() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items = vec![assignment("grp", AssignmentKind::Active)];
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    #[test]
    fn a4_activated_only_fails() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items[0].activated = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
