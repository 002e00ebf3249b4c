//! D2: drills are planned at least every 90 days.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG037",
    name: "drill-cycle",
    requirement: "D2",
    title: "Drills are planned at least every 90 days",
    severity: Severity::Medium,
    what: "Compares the cycle of the register with the floor of 90 days.",
    rationale: "A longer cycle can be set, but it is below the floor of Microsoft.",
    fix: "Set the cycle in register.toml: `every_days = 90` under [drills]. Then `breakglass check --only BG037 --register register.toml`.",
    controls: &["ISM 1610", "NIST CP-4"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let days = register.drills.every_days;
    let finding = if days > 90 {
        CHECK.fail(
            "register",
            format!("drills are planned every {days} days, below the floor of 90"),
        )
    } else {
        CHECK.pass("register", format!("drills are planned every {days} days"))
    };
    vec![finding.seen("register/drills", "every_days", days)]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn d2_longer_cycle_is_below_the_floor() {
        let mut world = World::modern();
        world.register.drills.every_days = 180;
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
