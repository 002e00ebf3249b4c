//! S5: it is known when each place can be reached.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::key_places;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG035",
    name: "hours-known",
    requirement: "S5",
    title: "It is known when each place can be reached",
    severity: Severity::Medium,
    what: "Looks for the hours of each place where keys lie.",
    rationale: "A bank box is closed at night and at weekends.",
    fix: "Record the hours of {subject} in register.toml: `hours` of the place. Then `breakglass check --only BG035 --register register.toml --sealed <file>`.",
    controls: &["NIST CP-2"],
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

            match place
                .hours
                .as_deref()
                .map(str::trim)
                .filter(|h| !h.is_empty())
            {
                Some(hours) => CHECK
                    .pass(id, format!("the place can be reached: {hours}"))
                    .seen(format!("register/sealed/place/{id}"), "hours", hours),
                None => CHECK.fail(id, "the hours of the place are not known").seen(
                    format!("register/sealed/place/{id}"),
                    "hours",
                    "none",
                ),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn s5_unknown_hours_fail() {
        let mut world = World::modern();
        world.sealed().places[0].hours = None;
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }
}
