//! S1: the place of every key is known.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::place_of;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG029",
    name: "key-place-known",
    requirement: "S1",
    title: "The place of every key is known",
    severity: Severity::High,
    what: "Looks up the place of every key of the register.",
    rationale: "A key that cannot be found does not open anything.",
    fix: "Record where the key of {subject} lies in register.toml: `place` of the key. Then `breakglass check --only BG029 --register register.toml --sealed <file>`.",
    controls: &["CIS M365 1.1.2", "NIST PE-3"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (_, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    context.each_account(&CHECK, |account| {
        let subject = &account.subject;
        let keys = account.entry.map_or(&[][..], |entry| &entry.keys);
        if keys.is_empty() {
            return CHECK.cannot_tell(
                subject,
                "the register lists no key of the account",
                "Add the keys of the account to the register.",
            );
        }

        let lost = keys.iter().find(|k| {
            !place_of(k, sealed).is_some_and(|p| sealed.places.iter().any(|known| known.id == p))
        });
        match lost {
            Some(key) => CHECK
                .fail(
                    subject,
                    format!("the place of key {} is not in the register", key.label),
                )
                .seen(account.entry_path(), "key", &key.label),
            None => keys.iter().fold(
                CHECK.pass(subject, "the place of every key is in the register"),
                |finding, key| {
                    finding.seen(
                        format!("{}/key/{}", account.entry_path(), key.label),
                        "place",
                        place_of(key, sealed).unwrap_or_default(),
                    )
                },
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn s1_lost_key_fails() {
        let mut world = World::modern();
        world.register.accounts[0].keys[0].place = Some("attic".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
