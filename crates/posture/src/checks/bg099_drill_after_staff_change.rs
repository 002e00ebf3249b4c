//! D3: the accounts were drilled after the last change of staff.

use breakglass_model::{Finding, Severity, history::DrillOutcome};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    context::ok_or_return,
};

pub(super) const CHECK: Check = Check {
    id: "BG099",
    name: "drill-after-staff-change",
    requirement: "D3",
    title: "The account was drilled after the last change of staff",
    severity: Severity::Medium,
    what: "Compares the last drill of every account with the last day on which a person of the register became authorised or lost the authorisation.",
    rationale: "The person who knew how has gone; whether the one who came can do it is known after a drill.",
    fix: "Drill {subject} with the people who are authorised now, then record it: a [[drill]] with its account and date in register.toml. Then `breakglass check --only BG099 --register register.toml`.",
    controls: &["ISM 1610", "NIST CP-4", "NIST PS-5", "CIS Controls 17.7"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let today = context.today();
    let changes = register.people.iter().flat_map(|own| {
        let since = own.authorised_since.filter(|on| *on <= today);
        let until = own.authorised_until.filter(|on| *on < today);
        since
            .into_iter()
            .chain(until)
            .map(|on| (on, own.id.as_str()))
    });
    let Some((latest, who)) = changes.max() else {
        return vec![CHECK.cannot_tell(
            "register",
            "the register tells of no person since when they are authorised",
            "Add `authorised_since` to every [[person]] in register.toml.",
        )];
    };
    context.each_account(&CHECK, |account| {
        let subject = &account.subject;
        let after: Vec<_> = context
            .drills(account)
            .into_iter()
            .filter(|(on, outcome)| *on >= latest && *outcome != DrillOutcome::Failed)
            .collect();
        let proven = after.iter().find(|(_, outcome)| *outcome == DrillOutcome::Passed);
        let finding = match (proven, after.first()) {
            (Some((on, _)), _) => CHECK
                .pass(subject, "the account passed a drill after the last change of staff")
                .seen(account.object(), "drill", on),
            (None, Some((on, _))) => CHECK
                .cannot_tell(
                    subject,
                    "the drill after the last change of staff is declared, not proven",
                    "Drill the account while `breakglass watch` runs with a store, then record the drill.",
                )
                .seen(account.object(), "drill", on),
            (None, None) => CHECK.fail(subject, format!("no drill since the staff changed on {latest}")),
        };
        finding.seen(format!("register/person/{who}"), "authorised", latest)
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use breakglass_model::history::DrillOutcome;
    use jiff::civil::date;

    #[test]
    fn d3_a_new_custodian_asks_for_a_drill() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.register.people[0].authorised_since = Some(date(2026, 9, 2));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.history.drills[1].outcome = DrillOutcome::Declared;
        assert_eq!(world.verdicts(CHECK.id), [Fail, CannotTell]);
    }
}
