//! M4: the role at the unit is activated for a short time, with a reason.

use breakglass_model::{Finding, Severity, tenant::AssignmentKind};

use crate::{
    Check, Context,
    catalogue::{PIM_SETTINGS, Seen},
    directory::Keeper,
};

pub(super) const CHECK: Check = Check {
    id: "BG075",
    name: "keeper-short-and-eligible",
    requirement: "M4",
    title: "The role at the unit is activated for hours, with a justification",
    severity: Severity::Medium,
    what: "Looks at every role at the restricted unit of the accounts: it must be eligible, not active, and its PIM settings must end an activation after at most 4 hours and ask for a justification.",
    rationale: "A role that is always on is used by whoever takes over the machine of its holder. Microsoft's default of 8 hours is a working day.",
    fix: "Entra admin center > Identity Governance > Privileged Identity Management > Microsoft Entra roles > Settings > {subject} > Edit: activation maximum 2 hours, require justification; make standing assignments eligible. `breakglass plan --keeper <user> --approver <user>` plans it.",
    controls: &["NIST AC-6(5)", "SCuBA MS.AAD.7.5v1", "SCuBA MS.AAD.7.6v1"],
    references: &[PIM_SETTINGS],
    run,
};

/// No source gives a number; half a working day is enough to look after two accounts.
const LIMIT_HOURS: i64 = 4;

fn judge(context: &Context<'_>, keeper: &Keeper<'_>) -> Finding {
    let name = keeper.name.as_str();
    let active = keeper
        .assignments
        .iter()
        .find(|own| own.kind == AssignmentKind::Active && own.activated.get() != Some(&true));
    if let Some(active) = active {
        let who = context.principal(&active.principal);
        return match active.activated.get() {
            None => CHECK.unknown(
                name,
                "roleAssignmentScheduleInstances/assignmentType",
                "the input does not tell assigned from activated",
                "RoleAssignmentSchedule.Read.Directory",
            ),
            Some(_) => CHECK
                .fail(
                    name,
                    "the role at the unit is held permanently, without activation",
                )
                .seen(keeper.object(), "principal", who),
        };
    }
    let pim = match context.pim(keeper.role) {
        Ok(pim) => pim,
        Err(missing) => return CHECK.unread(name, &missing),
    };
    let Some(minutes) = pim.minutes() else {
        return CHECK.unknown(
            name,
            "roleManagementPolicyAssignments/Expiration_EndUser_Assignment",
            "the length of an activation is not in the input",
            "RoleManagement.Read.Directory",
        );
    };
    let justified = pim.asks_for("Justification");
    let finding = if minutes > LIMIT_HOURS * 60 {
        CHECK.fail(
            name,
            format!("an activation lasts longer than {LIMIT_HOURS} hours"),
        )
    } else if !justified {
        CHECK.fail(name, "activation asks for no justification")
    } else {
        CHECK.pass(name, "activation is short and asks for a justification")
    };
    finding
        .seen(
            keeper.object(),
            "Expiration_EndUser_Assignment",
            format!("{minutes} minutes"),
        )
        .seen(keeper.object(), "Justification", justified)
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_keeper(&CHECK, |keeper| judge(context, keeper))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use breakglass_model::tenant::AssignmentKind;
    use serde_json::json;

    #[test]
    fn m4_eight_hours_fail_and_so_does_no_justification() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        for (length, verdict) in [
            ("PT8H", Fail),
            ("P1D", Fail),
            ("PT4H", Pass),
            ("PT30M", Pass),
            ("", CannotTell),
        ] {
            world.keeper_rule("Expiration_EndUser_Assignment")["maximumDuration"] = json!(length);
            assert_eq!(world.verdicts(CHECK.id), [verdict], "{length}");
        }
        let mut world = World::modern();
        world.keeper_rule("Enablement_EndUser_Assignment")["enabledRules"] = json!([]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m4_a_standing_keeper_fails() {
        let mut world = World::modern();
        let mut keeper = world.snapshot.eligible_assignments.items.pop().unwrap();
        keeper.kind = AssignmentKind::Active;
        keeper.activated = Reading::Read(false);
        world.snapshot.active_assignments.items.push(keeper);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m4_unread_settings_cannot_tell() {
        let mut world = World::modern();
        world
            .snapshot
            .other
            .remove("roleManagementPolicyAssignments");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.snapshot.eligible_assignments.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable]);
    }
}
