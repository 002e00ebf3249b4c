//! S2: every seal was looked at lately and is unbroken.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG031",
    name: "seals-checked",
    requirement: "S2",
    title: "Every seal was looked at lately and is unbroken",
    severity: Severity::Medium,
    what: "Looks at the last dated check of every envelope.",
    rationale: "A broken seal that nobody notices means that somebody else has the key.",
    fix: "Look at the seal of envelope {subject} and record it in register.toml: `checked` of the envelope. Then `breakglass check --only BG031 --register register.toml --sealed <file>`.",
    controls: &["NIST PE-3", "ISM 1614"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (_, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    if sealed.envelopes.is_empty() {
        return vec![
            CHECK
                .fail("register", "the register lists no envelope")
                .seen("register/sealed/envelope", "listed", 0),
        ];
    }
    sealed
        .envelopes
        .iter()
        .map(|envelope| {
            let last = envelope
                .checked
                .iter()
                .filter(|c| context.days_since(c.on) >= 0)
                .max_by_key(|c| c.on);
            let finding = match last {
                None => CHECK.fail(&envelope.id, "the seal was never looked at"),
                Some(c) if !c.seal_ok => CHECK.fail(&envelope.id, "the seal was found broken"),
                Some(c) if context.days_since(c.on) > context.settings.seal_days => CHECK.fail(
                    &envelope.id,
                    format!(
                        "the seal was last looked at {} days ago",
                        context.days_since(c.on)
                    ),
                ),
                Some(_) => CHECK.pass(
                    &envelope.id,
                    "the seal was looked at lately and is unbroken",
                ),
            };
            finding.seen(
                format!("register/sealed/envelope/{}", envelope.id),
                "checked",
                last.map_or_else(|| "never".to_owned(), |c| c.on.to_string()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};
    use jiff::civil::date;

    #[test]
    fn s2_broken_seal_fails() {
        let mut world = World::modern();
        world.sealed().envelopes[0].checked[0].seal_ok = false;
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn s2_old_check_fails() {
        let mut world = World::modern();
        world.sealed().envelopes[0].checked[0].on = date(2025, 1, 1);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
