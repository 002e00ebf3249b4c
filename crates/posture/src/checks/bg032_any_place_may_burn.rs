//! S3: any one place may burn.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use crate::facts::{place_holds, place_of};
use breakglass_model::Finding;
use breakglass_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "BG032",
    name: "any-place-may-burn",
    requirement: "S3",
    title: "Any one place may burn",
    severity: Severity::Critical,
    what: "For every place: another place must hold a key with its PIN.",
    rationale: "One safe for everything is one fire away from a lockout.",
    fix: "Move a key with its PIN to another place and record it in register.toml: `place` of the [[sealed.envelope]]. Then `breakglass check --only BG032 --register register.toml --sealed <file>`.",
    controls: &["CIS M365 1.1.2", "NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (register, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    // Only a key whose PIN lies in the same place opens anything.
    let places: BTreeSet<&str> = register
        .accounts
        .iter()
        .flat_map(|a| &a.keys)
        .filter_map(|key| Some((place_of(key, sealed)?, format!("pin:{}", key.label))))
        .filter(|(place, pin)| place_holds(sealed, place, |h| h.eq_ignore_ascii_case(pin)))
        .map(|(place, _)| place)
        .collect();
    let finding = if places.len() >= 2 {
        CHECK.pass(
            "register",
            "after the loss of any one place a key with its PIN is left",
        )
    } else if register.accounts.iter().all(|a| a.keys.is_empty()) {
        return vec![CHECK.cannot_tell(
            "register",
            "the register lists no key",
            "Add the keys of the accounts to the register.",
        )];
    } else {
        CHECK.fail("register", "fewer than two places hold a key with its PIN")
    };
    let finding = finding.seen(
        "register/sealed/place",
        "places that hold a key with its PIN",
        places.len(),
    );
    vec![places.iter().fold(finding, |f, p| {
        f.seen(format!("register/sealed/place/{p}"), "holds", "key")
    })]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn s3_one_safe_fails() {
        let mut world = World::modern();
        world.register.accounts[1].keys[0].place = Some("hq-safe".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn s3_key_without_pin_does_not_count() {
        let mut world = World::modern();
        world.sealed().envelopes[1]
            .holds
            .retain(|h| !h.starts_with("pin:"));
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
