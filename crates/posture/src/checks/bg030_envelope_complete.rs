//! S2: each place holds the key and its PIN.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::place_holds;
use crate::facts::place_of;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG030",
    name: "envelope-complete",
    requirement: "S2",
    title: "Each place holds the key and its PIN",
    severity: Severity::High,
    what: "Looks for the key and its PIN among what the envelopes at the place of the key hold.",
    rationale: "A key without its PIN opens nothing.",
    fix: "Seal the PIN with the key of {subject} and record it in register.toml: `holds` of the envelope. Then `breakglass check --only BG030 --register register.toml --sealed <file>`.",
    controls: &["CIS M365 1.1.2", "NIST IA-5"],
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

        let incomplete = keys.iter().find(|k| {
            let has = |item: String| {
                place_of(k, sealed)
                    .is_some_and(|p| place_holds(sealed, p, |h| h.eq_ignore_ascii_case(&item)))
            };
            !has(format!("key:{}", k.label)) || !has(format!("pin:{}", k.label))
        });
        match incomplete {
            Some(key) => CHECK
                .fail(
                    subject,
                    format!(
                        "no envelope at the place of key {} holds both the key and its PIN",
                        key.label
                    ),
                )
                .seen(account.entry_path(), "key", &key.label),
            None => keys.iter().fold(
                CHECK.pass(subject, "key and PIN lie together"),
                |finding, key| {
                    finding.seen(
                        format!(
                            "register/sealed/place/{}",
                            place_of(key, sealed).unwrap_or_default()
                        ),
                        "holds",
                        format!("key:{0}, pin:{0}", key.label),
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
    fn s2_pin_missing_fails() {
        let mut world = World::modern();
        world.sealed().envelopes[0]
            .holds
            .retain(|h| !h.starts_with("pin:"));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
