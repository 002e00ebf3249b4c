//! S4: a printed sheet lies in each place.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::key_places;
use crate::facts::place_holds;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG034",
    name: "printed-sheet",
    requirement: "S4",
    title: "A printed sheet lies in each place",
    severity: Severity::Medium,
    what: "Looks for a sheet among what the envelopes at each place hold.",
    rationale: "In the emergency the online documentation may be unreachable.",
    fix: "Print the account's sheet (names, addresses and steps, no PIN), seal it at {subject}, and record it as `sheet:…` in `holds` of the envelope. Then `breakglass check --only BG034 --register register.toml --sealed <file>`.",
    controls: &["NIST CP-2", "NIST IR-8"],
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

            if place_holds(sealed, &place.id, |h| {
                h.to_lowercase().starts_with("sheet:")
            }) {
                CHECK.pass(id, "a printed sheet lies there")
            } else {
                CHECK.fail(id, "no printed sheet lies there")
            }
            .seen(format!("register/sealed/place/{id}"), "holds", "sheet")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn s4_no_sheet_fails() {
        let mut world = World::modern();
        world.sealed().envelopes[1].holds.pop();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
