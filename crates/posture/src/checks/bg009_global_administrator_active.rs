//! A4: Global Administrator is assigned and active.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;
use breakglass_model::tenant::AssignmentKind;
use breakglass_model::tenant::RoleAssignment;

pub(super) const CHECK: Check = Check {
    id: "BG009",
    name: "global-administrator-active",
    requirement: "A4",
    title: "Global Administrator is assigned and active",
    severity: Severity::Critical,
    what: "Looks for an active assignment, direct or through a group, that is not an activation of an eligible one and has not ended.",
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
            .find(|a| a.activated.get() == Some(&false) && a.end.get().is_some())
        {
            return CHECK
                .pass(subject, "an active assignment is in force")
                .seen(assignment(found), "principalId", &found.principal);
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
        if let Some(found) = active
            .assignments
            .iter()
            .find(|a| a.activated.get() == Some(&false))
        {
            return CHECK
                .unknown(
                    subject,
                    "roleAssignmentScheduleInstances/endDateTime",
                    "the input does not tell whether the assignment has ended",
                    "RoleAssignmentSchedule.Read.Directory",
                )
                .seen(assignment(found), "principalId", &found.principal);
        }
        let eligible = !context
            .held(id, AssignmentKind::Eligible)
            .assignments
            .is_empty();
        let because = if !active.assignments.is_empty() {
            "the role is held only by an activation, which ends"
        } else if eligible {
            "the role is only eligible and must be activated first"
        } else if !active.ended.is_empty() {
            "the assignment of the role has ended"
        } else {
            "the account does not hold Global Administrator"
        };
        let finding = CHECK
            .fail(subject, because)
            .seen(account.object(), "eligible", eligible);
        active.ended.iter().fold(finding, |finding, ended| {
            let end = ended.end.get().copied().flatten();
            let end = end.map_or_else(String::new, |end| end.to_string());
            finding.seen(assignment(ended), "endDateTime", end)
        })
    })
}

fn assignment(own: &RoleAssignment) -> String {
    format!("roleAssignments/{}", own.id.as_deref().unwrap_or("?"))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, assignment, now, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
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

    #[test]
    fn a4_an_assignment_that_ended_is_not_in_force() {
        let mut world = World::modern();
        let end = |world: &mut World, end| {
            world.snapshot.active_assignments.items[0].end = end;
        };
        end(&mut world, Reading::Read(Some(now())));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.because, "the assignment of the role has ended");
        assert_eq!(finding.evidence[1].field, "endDateTime");
        assert_eq!(finding.evidence[1].value, now().to_string());
        // What no longer holds has neither an end to judge nor a scope.
        for other in ["BG010", "BG011", "BG081"] {
            assert_eq!(world.verdicts(other), [NotApplicable, Pass], "{other}");
        }
        end(
            &mut world,
            Reading::Read("2026-10-01T12:00:01Z".parse().ok()),
        );
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        end(&mut world, Reading::default());
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }

    #[test]
    fn a4_an_eligible_assignment_that_ended_is_none() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items.remove(0);
        let mut eligible = assignment("bg1", AssignmentKind::Eligible);
        eligible.end = Reading::Read("2026-09-30T12:00:00Z".parse().ok());
        world.snapshot.eligible_assignments.items.push(eligible);
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(
            finding.because,
            "the account does not hold Global Administrator"
        );
    }
}
