//! D1: the last drill tested the whole flow.

use breakglass_model::{Finding, Severity, history::DrillOutcome};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    facts::day_of,
};

pub(super) const CHECK: Check = Check {
    id: "BG090",
    name: "drill-full-flow",
    requirement: "D1",
    title: "The last drill tested sign-in, role, monitoring and alert",
    severity: Severity::High,
    what: "Looks at the last drill of every account: it must be passed in all its parts (sign-in with the key, still Global Administrator, monitoring captured it, alert fired), and the store must hold the sign-in that the monitor saw within a day of it.",
    rationale: "A drill that ends at the sign-in page shows that the key works. Whether anybody would have been told is the other half.",
    fix: "Drill {subject} end to end: sign in with its key, look at its role, see that `breakglass watch` holds the sign-in and that the alert reached a person; then record it.",
    controls: &[
        "ISM 1610",
        "NIST CP-4",
        "CIS Controls 17.7",
        "PCI DSS 12.10.2",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_account(&CHECK, |account| {
        let subject = &account.subject;
        let Some((on, outcome)) = context.last_drill(account) else {
            return if context.history.from_store {
                CHECK
                    .fail(subject, "no drill of the account is known")
                    .seen(account.object(), "drill", "none")
            } else {
                CHECK.cannot_tell(subject, "no drill on record: there is no store to prove one", PROVE)
            };
        };
        let finding = match outcome {
            DrillOutcome::Failed => CHECK.fail(subject, "a part of the last drill was not passed"),
            DrillOutcome::Declared => CHECK.cannot_tell(
                subject,
                "the last drill is declared, not proven: which parts it tested is not known",
                PROVE,
            ),
            DrillOutcome::Passed => {
                let seen = context.history.uses.iter().find(|own| {
                    Some(&own.account) == account.id.as_ref()
                        && context.days_apart(day_of(own.at), on) <= 1
                });
                match seen {
                    Some(own) => CHECK
                        .pass(subject, "the last drill was passed in all its parts, and the monitor saw its sign-in")
                        .seen(account.object(), "use", own.at),
                    None if context.history.from_store => {
                        CHECK.fail(subject, "the monitor saw no sign-in on the day of the last drill")
                    }
                    None => CHECK.cannot_tell(subject, "there is no store that would hold the sign-in of the drill", PROVE),
                }
            }
        };
        finding.seen(account.object(), "drill", on)
    })
}

const PROVE: &str =
    "Drill the account while `breakglass watch` runs with a store, then record the drill.";

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use breakglass_model::history::DrillOutcome;

    #[test]
    fn d1_a_drill_that_the_monitor_did_not_see_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.history.uses.pop();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn d1_a_declared_drill_cannot_tell_and_a_failed_one_fails() {
        let mut world = World::modern();
        world.history.drills[0].outcome = DrillOutcome::Declared;
        world.history.drills[1].outcome = DrillOutcome::Failed;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Fail]);
        world.history.drills.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.history.from_store = false;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
