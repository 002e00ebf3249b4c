//! S1: the keys lie at two separate sites.

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
    id: "BG028",
    name: "two-sites",
    requirement: "S1",
    title: "The keys lie at two separate sites",
    severity: Severity::High,
    what: "Counts the sites of the places where keys lie; fewer than two fail.",
    rationale: "A fire or a flood takes a whole site.",
    fix: "Move one account's envelope to another site, then record it in register.toml: `site` of the [[sealed.place]], `place` of the [[sealed.envelope]]. Then `breakglass check --only BG028 --register register.toml --sealed <file>`.",
    controls: &["CIS M365 1.1.2", "NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (register, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    let places = key_places(&register.accounts, sealed);
    let known: Vec<_> = sealed
        .places
        .iter()
        .filter(|p| places.contains(p.id.as_str()))
        .collect();
    let sites: BTreeSet<String> = known
        .iter()
        .filter_map(|p| p.site.as_deref())
        .map(str::to_lowercase)
        .collect();
    let open = known.len() < places.len() || known.iter().any(|p| p.site.is_none());
    let finding = if sites.len() >= 2 {
        CHECK.pass("register", format!("keys lie at {} sites", sites.len()))
    } else if open {
        CHECK.cannot_tell(
            "register",
            "the site of a place with keys is not in the register",
            "Add `site` to every place in the register.",
        )
    } else {
        CHECK.fail(
            "register",
            format!("keys lie at {} site; two are needed", sites.len()),
        )
    };
    vec![finding.seen(
        "register/sealed/place",
        "site",
        sites.into_iter().collect::<Vec<_>>().join(", "),
    )]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail};

    #[test]
    fn s1_one_site_fails() {
        let mut world = World::modern();
        world.sealed().places[1].site = Some("hq".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn s1_sealed_part_missing_cannot_tell() {
        let mut world = World::modern();
        world.register.sealed = None;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
