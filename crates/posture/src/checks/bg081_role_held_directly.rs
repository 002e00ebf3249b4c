//! A4: the account holds its role itself, not only through a group.

use breakglass_model::{Finding, Severity, tenant::AssignmentKind};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, ROLE_GROUPS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG081",
    name: "role-held-directly",
    requirement: "A4",
    title: "The account holds its role itself",
    severity: Severity::Medium,
    what: "Looks for an active assignment of Global Administrator to the account itself; one that comes only through a group fails.",
    rationale: "A role that comes through a group is gone when the membership, the group or its assignment is; one careless change takes it from every account at once.",
    fix: "Entra admin center > Roles & admins > Global Administrator > Add assignments > {subject}: Active, Permanently assigned.",
    controls: &["NIST CP-2", "NIST AC-2"],
    references: &[EMERGENCY_ACCESS, ROLE_GROUPS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let held = context.held(id, AssignmentKind::Active);
        let object =
            |own: &Option<String>| format!("roleAssignments/{}", own.clone().unwrap_or_default());
        if let Some(own) = held.assignments.iter().find(|own| own.principal == *id) {
            return CHECK
                .pass(subject, "the account holds Global Administrator itself")
                .seen(object(&own.id), "principalId", id);
        }
        match (&held.unknown, held.assignments.first()) {
            (Some(missing), _) => CHECK.unread(subject, missing),
            (None, Some(own)) => CHECK
                .fail(
                    subject,
                    "the account holds Global Administrator only through a group",
                )
                .seen(
                    object(&own.id),
                    "principalId",
                    context.principal(&own.principal),
                ),
            (None, None) => {
                CHECK.not_applicable(subject, "the account does not hold the role (BG009)")
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};

    #[test]
    fn a4_a_role_through_the_group_only_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.snapshot.active_assignments.items[1].principal = oid("grp");
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        world.snapshot.active_assignments.items.remove(1);
        assert_eq!(world.verdicts(CHECK.id), [Pass, NotApplicable]);
        world.snapshot.active_assignments.missing = breakglass_model::TenantSnapshot::empty()
            .active_assignments
            .missing;
        assert_eq!(world.verdicts(CHECK.id), [Pass, CannotTell]);
    }
}
