//! R3: everybody who is authorised is trained.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG040",
    name: "people-trained",
    requirement: "R3",
    title: "Everybody who is authorised is trained",
    severity: Severity::Medium,
    what: "Looks for a training that is still valid, for every authorised person.",
    rationale: "At three in the night nobody learns a procedure.",
    fix: "Train {subject} and record it in register.toml: `training` of the person. Then `breakglass check --only BG040 --register register.toml`.",
    controls: &["NIST IR-3", "PCI DSS 12.10.4"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let people: Vec<_> = register
        .people
        .iter()
        .filter(|p| p.authorised_on(context.today()))
        .collect();
    if people.is_empty() {
        return vec![CHECK.fail("register", "nobody is authorised today").seen(
            "register/person",
            "authorised today",
            "nobody",
        )];
    }
    people
        .into_iter()
        .map(|person| {
            let path = format!("register/person/{}", person.id);

            let last = person.training.iter().max_by_key(|t| t.on);
            let finding = if person
                .training
                .iter()
                .any(|t| context.valid(t.on, t.valid_days))
            {
                CHECK.pass(&person.id, "a training is recorded and valid")
            } else if last.is_some() {
                CHECK.fail(&person.id, "the training is no longer valid")
            } else {
                CHECK.fail(&person.id, "no training is recorded")
            };
            finding.seen(
                path,
                "training",
                last.map_or_else(|| "none".to_owned(), |t| t.on.to_string()),
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn r3_expired_training_fails() {
        let mut world = World::modern();
        world.register.people[0].training[0].valid_days = Some(30);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
