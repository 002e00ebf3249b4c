//! M1: nobody holds a role above the unit all the time.

use std::collections::BTreeMap;

use breakglass_model::{Finding, NotRead, Severity, tenant::GLOBAL_ADMINISTRATOR};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    directory::{PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR},
    facts::missing,
};

pub(super) const CHECK: Check = Check {
    id: "BG072",
    name: "no-standing-role-above-the-unit",
    requirement: "M1",
    title: "Nobody holds a role above the unit permanently",
    severity: Severity::High,
    what: "Looks for standing tenant-wide assignments of Privileged Role Administrator, and of Privileged Authentication Administrator where no restricted unit holds every account, and for applications that are Global Administrator. People who are Global Administrator are counted by BG013.",
    rationale: "Global and Privileged Role Administrators cannot change what is in a restricted unit, and can take it out, or give themselves a role at the unit. A role that has to be activated leaves a trace and asks for consent first.",
    fix: "Entra admin center > Roles & admins > (role named in the evidence) > {subject}: Update the assignment to eligible; take Global Administrator from an application altogether.",
    controls: &["SCuBA MS.AAD.7.4v1", "NIST AC-6(5)", "NIST AC-5"],
    references: &[RESTRICTED_UNITS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let snapshot = context.snapshot;
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let mut unknown: Option<NotRead> = snapshot
        .active_assignments
        .missing
        .clone()
        .or_else(|| snapshot.roles.missing.clone());
    let mut guarded = true;
    for id in context.accounts.iter().filter_map(|own| own.id.as_ref()) {
        let (units, missing) = context.restricted_units(id);
        guarded &= !units.is_empty();
        unknown = unknown.or(missing);
    }
    let mut above: BTreeMap<String, Vec<(String, &str)>> = BTreeMap::new();
    for own in snapshot
        .active_assignments
        .iter()
        .filter(|own| context.in_force(own))
    {
        let wide = own.scope.get().is_none_or(|scope| scope == "/");
        let role = if context.is_role(&own.role, PRIVILEGED_ROLE_ADMINISTRATOR) {
            "Privileged Role Administrator"
        } else if !guarded && context.is_role(&own.role, PRIVILEGED_AUTHENTICATION_ADMINISTRATOR) {
            "Privileged Authentication Administrator"
        } else if snapshot.is_global_administrator(&own.role)
            && context.application(&own.principal).is_some()
        {
            GLOBAL
        } else {
            // Whether a principal that nothing is known of is an application cannot be told.
            if context.is_role(&own.role, GLOBAL_ADMINISTRATOR)
                && snapshot.user(&own.principal).is_none()
                && snapshot.group(&own.principal).is_none()
            {
                unknown = unknown.or_else(|| {
                    Some(missing(
                        "servicePrincipals",
                        "a Global Administrator is neither a user nor a group nor an application that was read",
                        "Application.Read.All",
                    ))
                });
            }
            continue;
        };
        if !wide || context.is_account(&own.principal) {
            continue;
        }
        match own.activated.get() {
            Some(true) => {}
            Some(false) => above
                .entry(context.principal(&own.principal))
                .or_default()
                .push((own.id.clone().unwrap_or_default(), role)),
            None => {
                unknown = unknown.or_else(|| {
                    Some(missing(
                        "roleAssignmentScheduleInstances/assignmentType",
                        "the input does not tell assigned from activated",
                        "RoleAssignmentSchedule.Read.Directory",
                    ))
                });
            }
        }
    }
    let mut findings: Vec<Finding> = above
        .into_iter()
        .map(|(name, all)| {
            let finding = CHECK.fail(
                &name,
                "holds a role permanently by which the unit can be undone",
            );
            all.iter().fold(finding, |finding, (id, role)| {
                finding.seen(format!("roleAssignments/{id}"), "role", role)
            })
        })
        .collect();
    match unknown {
        Some(missing) => findings.push(CHECK.unread("tenant", &missing)),
        None if findings.is_empty() => findings.push(
            CHECK
                .pass(
                    "tenant",
                    "no standing Privileged Role Administrator and no application that is Global Administrator",
                )
                .seen(
                    "roleAssignmentScheduleInstances",
                    "assignments read",
                    snapshot.active_assignments.items.len(),
                ),
        ),
        None => {}
    }
    findings
}

const GLOBAL: &str = "Global Administrator";

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::{
        directory::{PRIVILEGED_AUTHENTICATION_ADMINISTRATOR, PRIVILEGED_ROLE_ADMINISTRATOR},
        testing::{World, assignment, now, oid},
    };
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};
    use breakglass_model::tenant::AssignmentKind;
    use serde_json::json;

    #[test]
    fn m1_a_standing_privileged_role_administrator_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        let mut role = assignment("adm1", AssignmentKind::Active);
        role.role = oid(PRIVILEGED_ROLE_ADMINISTRATOR);
        world.snapshot.active_assignments.items.push(role);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.snapshot.active_assignments.items[3].activated = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        let role = &mut world.snapshot.active_assignments.items[3];
        role.activated = Reading::Read(false);
        role.end = Reading::Read(Some(now()));
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
    }

    #[test]
    fn m1_the_unit_holds_against_privileged_authentication_administrators() {
        let mut world = World::modern();
        let mut role = assignment("adm1", AssignmentKind::Active);
        role.role = oid(PRIVILEGED_AUTHENTICATION_ADMINISTRATOR);
        world.snapshot.active_assignments.items.push(role);
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.snapshot.units.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m1_an_application_that_is_global_administrator_fails() {
        let mut world = World::modern();
        world
            .listed("servicePrincipals")
            .push(json!({"id": "sp", "displayName": "Sync"}));
        world
            .snapshot
            .active_assignments
            .items
            .push(assignment("sp", AssignmentKind::Active));
        assert_eq!(world.run(CHECK.id)[0].subject, "Sync");
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
