//! A3: more than one person can use the accounts.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG008",
    name: "not-one-person",
    requirement: "A3",
    title: "More than one person can use the accounts",
    severity: Severity::High,
    what: "Counts the responders and custodians who are authorised today; fewer than two fail.",
    rationale: "Access must not depend on one administrator being reachable, or still employed.",
    fix: "Authorise a second person: in register.toml, add a [[person]] with the role responder or custodian. Then `breakglass check --only BG008 --register register.toml`.",
    controls: &["NIST CP-2", "PCI DSS 8.2.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let people: Vec<&str> = register
        .people
        .iter()
        .filter(|p| {
            p.authorised_on(context.today())
                && p.roles.iter().any(|r| r == "responder" || r == "custodian")
        })
        .map(|p| p.id.as_str())
        .collect();
    let finding = if people.len() >= 2 {
        CHECK.pass(
            "register",
            format!("{} people are authorised today", people.len()),
        )
    } else {
        CHECK.fail(
            "register",
            format!(
                "{} person is authorised today; two are needed",
                people.len()
            ),
        )
    };
    vec![finding.seen("register/person", "authorised today", people.join(", "))]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail};
    use jiff::civil::date;

    #[test]
    fn a3_one_person_fails() {
        let mut world = World::modern();
        world.register.people.pop();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn a3_leaver_does_not_count() {
        let mut world = World::modern();
        world.register.people[0].authorised_until = Some(date(2026, 9, 1));
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn a3_no_register_cannot_tell() {
        let mut world = World::modern();
        world.register.people.clear();
        assert_eq!(world.verdicts_unregistered(CHECK.id), [CannotTell]);
    }
}
