//! A6: few standing Global Administrators.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::missing;
use breakglass_model::Finding;
use breakglass_model::NotRead;
use breakglass_model::ObjectId;
use breakglass_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "BG013",
    name: "few-global-administrators",
    requirement: "A6",
    title: "Few standing Global Administrators",
    severity: Severity::Medium,
    what: "Counts users, service principals and group members with a standing assignment, the accounts included, and compares with the limit of the register (4 by default).",
    rationale: "Each standing Global Administrator is a way to take the tenant.",
    fix: "Entra admin center > Roles & admins > Global Administrator: make people eligible through PIM or give them a smaller role.",
    controls: &["CIS M365 1.1.3", "SCuBA MS.AAD.7.1v1", "NIST AC-6(5)"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let snapshot = context.snapshot;
    let limit = context
        .register
        .map(|r| r.max_global_administrators)
        .filter(|limit| *limit > 0)
        .unwrap_or(4);
    let mut unknown: Option<NotRead> = snapshot
        .active_assignments
        .missing
        .clone()
        .or_else(|| snapshot.roles.missing.clone());
    let (mut sure, mut all) = (BTreeSet::<ObjectId>::new(), BTreeSet::<ObjectId>::new());
    for a in snapshot
        .active_assignments
        .iter()
        .filter(|a| context.in_force(a) && snapshot.is_global_administrator(&a.role))
    {
        if a.activated.get() == Some(&true) {
            continue;
        }
        let members = if let Some(group) = snapshot.group(&a.principal) {
            let members = group.transitive_members.get();
            let Some(members) = members.or_else(|| group.members.get()) else {
                unknown.get_or_insert_with(|| {
                    missing(
                        "groups/members",
                        "the members of a group that holds the role are not in the input",
                        "GroupMember.Read.All",
                    )
                });
                continue;
            };
            members.clone()
        } else {
            // Neither a user nor a known group: a service principal, unless groups are missing.
            if snapshot.user(&a.principal).is_none() && unknown.is_none() {
                unknown.clone_from(&snapshot.groups.missing);
            }
            vec![a.principal.clone()]
        };
        if a.activated.get() == Some(&false) {
            sure.extend(members.iter().cloned());
        }
        all.extend(members);
    }
    let finding = if sure.len() > limit {
        CHECK.fail(
            "tenant",
            format!(
                "{} principals hold Global Administrator permanently; the limit is {limit}",
                sure.len()
            ),
        )
    } else if let Some(missing) = &unknown {
        CHECK.unread("tenant", missing)
    } else if all.len() > limit {
        CHECK.unknown(
            "tenant",
            "roleAssignmentScheduleInstances/assignmentType",
            "the input does not tell assigned from activated",
            "RoleAssignmentSchedule.Read.Directory",
        )
    } else if all.is_empty() {
        CHECK.unknown(
            "tenant",
            "roleAssignmentScheduleInstances",
            "the input names nobody who holds Global Administrator, and every tenant has one",
            "RoleAssignmentSchedule.Read.Directory",
        )
    } else {
        CHECK.pass(
            "tenant",
            format!(
                "{} principals hold Global Administrator; the limit is {limit}",
                all.len()
            ),
        )
    };
    let finding = finding.seen(
        "roleAssignmentScheduleInstances",
        "assignments read",
        snapshot.active_assignments.items.len(),
    );
    vec![all.iter().take(20).fold(finding, |f, id| {
        f.seen(
            format!("directoryObjects/{id}"),
            "role",
            "Global Administrator",
        )
    })]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, assignment, now};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use breakglass_model::tenant::AssignmentKind;

    #[test]
    fn a6_a_tenant_without_an_administrator_was_not_read() {
        let mut world = World::modern();
        world.snapshot.active_assignments.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn a6_five_fail() {
        let mut world = World::modern();
        for p in ["sp1", "sp2"] {
            world
                .snapshot
                .active_assignments
                .items
                .push(assignment(p, AssignmentKind::Active));
        }
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn a6_limit_of_the_register_counts() {
        let mut world = World::modern();
        world.register.max_global_administrators = 2;
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn a6_unread_members_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.groups.items[0].members = Reading::default();
        world
            .snapshot
            .active_assignments
            .items
            .push(assignment("grp", AssignmentKind::Active));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn a6_an_assignment_that_ended_does_not_count() {
        let mut world = World::modern();
        for p in ["sp1", "sp2"] {
            let mut ended = assignment(p, AssignmentKind::Active);
            ended.end = Reading::Read(Some(now()));
            world.snapshot.active_assignments.items.push(ended);
        }
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
    }
}
