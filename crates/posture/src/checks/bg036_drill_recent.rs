//! D2: the account passed a drill in the last 90 days.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;
use breakglass_model::history::DrillOutcome;

pub(super) const CHECK: Check = Check {
    id: "BG036",
    name: "drill-recent",
    requirement: "D2",
    title: "The account passed a drill in the last 90 days",
    severity: Severity::High,
    what: "Looks at the last drill of every account. A drill that is only declared is not proof.",
    rationale: "One account that was never tested is worse than none: people count on it.",
    fix: "Drill the account end to end: sign in as {subject} with its key, see that `breakglass watch` alerts, then record it as a [[drill]] in register.toml.",
    controls: &["CIS M365 1.1.2", "ISM 1610", "PCI DSS 8.2.6", "NIST CP-4"],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// Microsoft's floor.
const FLOOR_DAYS: i64 = 90;

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, _| {
        let subject = &account.subject;
        let drills = context.drills(account);
        let proven = drills
            .iter()
            .rev()
            .find(|(_, outcome)| *outcome != DrillOutcome::Declared);
        if let Some((on, outcome)) = proven
            && context.days_since(*on) <= FLOOR_DAYS
        {
            let finding = if *outcome == DrillOutcome::Passed {
                CHECK.pass(
                    subject,
                    format!("a drill was passed {} days ago", context.days_since(*on)),
                )
            } else {
                CHECK.fail(subject, "the last drill on record was not passed")
            };
            return finding.seen(account.object(), "drill", on);
        }
        match drills.last() {
            Some((on, _)) if context.days_since(*on) > FLOOR_DAYS => CHECK
                .fail(
                    subject,
                    format!("the last drill was {} days ago", context.days_since(*on)),
                )
                .seen(account.object(), "drill", on),
            Some((on, _)) => CHECK
                .cannot_tell(
                    subject,
                    "the last drill is declared, not proven",
                    "Drills proven by records come with a later version; until then a declared drill stays cannot tell.",
                )
                .seen(account.entry_path(), "drill", on),
            None if context.history.from_store || context.register.is_some() => {
                CHECK
                    .fail(subject, "no drill of the account is known")
                    .seen(account.object(), "drill", "none")
            }
            None => CHECK.cannot_tell(
                subject,
                "the drills could not be read: there is no store and no register",
                "Declare the drills as [[drill]] in register.toml and give it with --register.",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, drill};
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use breakglass_model::history::DrillOutcome;
    use jiff::civil::date;

    #[test]
    fn d2_old_drill_fails() {
        let mut world = World::modern();
        world.history.drills[0].on = date(2026, 5, 14);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn d2_declared_drill_cannot_tell() {
        let mut world = World::modern();
        world.history.drills[0].outcome = DrillOutcome::Declared;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }

    #[test]
    fn d2_failed_drill_fails() {
        let mut world = World::modern();
        world.history.drills[0].outcome = DrillOutcome::Failed;
        world.history.drills.push(drill("bg1", date(2026, 12, 1)));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
