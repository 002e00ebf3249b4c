//! M2: the group is in a restricted management administrative unit.

use crate::Check;
use crate::Context;
use crate::catalogue::RESTRICTED_UNITS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG027",
    name: "group-in-restricted-unit",
    requirement: "M2",
    title: "The group is in a restricted management administrative unit",
    severity: Severity::Medium,
    what: "Looks for a restricted unit that has the role-assignable group of the account as a member.",
    rationale: "A group outside the unit lets others change who is excluded from the policies.",
    fix: "Entra admin center > Roles & admins > Admin units: add the group of {subject} to the restricted unit.",
    controls: &["NIST AC-6(5)"],
    references: &[RESTRICTED_UNITS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let (groups, unknown) = context.role_groups(id);
        let mut open = unknown;
        let mut outside = None;
        let mut inside = Vec::new();
        for group in groups.iter().filter_map(|g| g.id.as_ref()) {
            let (units, missing) = context.restricted_units(group);
            match (units.is_empty(), missing) {
                (false, _) => inside.extend(units.into_iter().map(|unit| (group, unit))),
                (true, Some(missing)) => open = Some(missing),
                (true, None) => outside = Some(group),
            }
        }
        match (outside, &open) {
            (Some(group), _) => CHECK
                .fail(
                    &account.subject,
                    "a group of the account is in no restricted unit",
                )
                .seen(format!("groups/{group}"), "restricted unit", "none"),
            (None, Some(missing)) => CHECK.unread(&account.subject, missing),
            (None, None) if groups.is_empty() => CHECK.not_applicable(
                &account.subject,
                "no role-assignable group holds the account",
            ),
            (None, None) => inside.into_iter().fold(
                CHECK.pass(
                    &account.subject,
                    "a restricted unit holds the group of the account",
                ),
                |finding, (group, unit)| {
                    finding.seen(format!("administrativeUnits/{unit}"), "members", group)
                },
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn m2_group_outside_fails() {
        let mut world = World::modern();
        world.snapshot.units.items[0].members = Reading::Read(vec![oid("bg1"), oid("bg2")]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
