//! S3: two people can open each place, and nobody who left.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::key_places;
use breakglass_model::Finding;
use breakglass_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "BG033",
    name: "two-people-open",
    requirement: "S3",
    title: "Two people can open each place, and nobody who left",
    severity: Severity::High,
    what: "Counts the authorised people who can open each place where keys lie; people who left, or are not in the register, fail.",
    rationale: "A safe that one person opens is closed when that person is away; one that a leaver opens is not a safe.",
    fix: "Change the combination of {subject}, give it to two authorised people, and record it in register.toml. Then `breakglass check --only BG033 --register register.toml --sealed <file>`.",
    controls: &["NIST PS-4", "NIST PE-3", "PCI DSS 8.2.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (register, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    let with_keys = key_places(&register.accounts, sealed);
    if with_keys.is_empty() {
        return vec![CHECK.cannot_tell(
            "register",
            "the register names no place where a key lies",
            "Add `place` to every key in the register.",
        )];
    }
    with_keys
        .iter()
        .map(|id| {
            let Some(place) = sealed.places.iter().find(|p| p.id == *id) else {
                return CHECK.cannot_tell(
                    id,
                    "the place is not described in the register",
                    "Add the place to the register.",
                );
            };

            let authorised = |id: &&String| {
                register
                    .people
                    .iter()
                    .any(|p| p.id == **id && p.authorised_on(context.today()))
            };
            let path = format!("register/sealed/place/{id}");
            if let Some(gone) = place.opens.iter().find(|id| !authorised(id)) {
                return CHECK
                    .fail(
                        id,
                        format!("{gone} can open the place and is not authorised today"),
                    )
                    .seen(path, "opens", gone);
            }
            let people: BTreeSet<&str> = place.opens.iter().map(String::as_str).collect();
            let finding = if people.len() >= 2 {
                CHECK.pass(
                    id,
                    format!("{} authorised people can open the place", people.len()),
                )
            } else {
                CHECK.fail(
                    id,
                    format!("{} person can open the place; two are needed", people.len()),
                )
            };
            finding.seen(
                path,
                "opens",
                people.into_iter().collect::<Vec<_>>().join(", "),
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
    fn s3_leaver_fails() {
        let mut world = World::modern();
        world.register.people[1].authorised_until = Some(date(2026, 9, 30));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn s3_one_person_fails() {
        let mut world = World::modern();
        world.sealed().places[0].opens.pop();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }
}
