//! M1: the account is in a restricted management administrative unit.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::RESTRICTED_UNITS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG025",
    name: "in-restricted-unit",
    requirement: "M1",
    title: "The account is in a restricted management administrative unit",
    severity: Severity::High,
    what: "Looks for a restricted unit that has the account as a member.",
    rationale: "Otherwise any administrator of users or authentication can reset or delete the account.",
    fix: "Entra admin center > Roles & admins > Admin units: create one with restricted management and add {subject}.",
    controls: &["NIST AC-6(5)", "MCSB PA-5"],
    references: &[EMERGENCY_ACCESS, RESTRICTED_UNITS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let (units, unknown) = context.restricted_units(id);
        match (units.first(), &unknown) {
            (Some(unit), _) => CHECK
                .pass(&account.subject, "a restricted unit holds the account")
                .seen(
                    format!("administrativeUnits/{unit}"),
                    "isMemberManagementRestricted",
                    true,
                ),
            (None, Some(missing)) => CHECK.unread(&account.subject, missing),
            (None, None) => CHECK
                .fail(&account.subject, "no restricted unit holds the account")
                .seen(
                    "directory/administrativeUnits",
                    "units read",
                    context.snapshot.units.items.len(),
                ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn m1_no_unit_fails() {
        let mut world = World::modern();
        world.snapshot.units.items.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn m1_open_unit_fails() {
        let mut world = World::modern();
        world.snapshot.units.items[0].restricted = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
