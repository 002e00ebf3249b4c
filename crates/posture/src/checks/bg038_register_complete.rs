//! R1: the register is complete.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG038",
    name: "register-complete",
    requirement: "R1",
    title: "The register is complete",
    severity: Severity::Medium,
    what: "Looks for the accounts, their keys, the people and the sealed part in the register.",
    rationale: "In the emergency somebody has to know which accounts, where, and who may.",
    fix: "Fill in what the evidence names in register.toml. Then `breakglass check --only BG038 --register register.toml`.",
    controls: &["CIS Controls 5.1", "NIST AC-2", "ISM 1610"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let mut lacks = Vec::new();
    if register.accounts.len() < 2 {
        lacks.push("two accounts".to_owned());
    }
    for account in &register.accounts {
        let name = account
            .upn
            .as_ref()
            .map(ToString::to_string)
            .or_else(|| account.id.as_ref().map(ToString::to_string))
            .unwrap_or_default();
        if account.id.is_none() {
            lacks.push(format!("the object id of {name}"));
        }
        if account.keys.is_empty() {
            lacks.push(format!("the keys of {name}"));
        }
    }
    if !register
        .people
        .iter()
        .any(|p| p.authorised_on(context.today()))
    {
        lacks.push("an authorised person".to_owned());
    }
    if !lacks.is_empty() {
        let finding = CHECK.fail(
            "register",
            format!("the register lacks {}", lacks.join(", ")),
        );
        return vec![
            lacks
                .iter()
                .fold(finding, |f, l| f.seen("register", "lacks", l)),
        ];
    }
    let (_, sealed) = ok_or_return!(context.needs_sealed(&CHECK));
    let keys = register.accounts.iter().map(|own| own.keys.len());
    vec![
        CHECK
            .pass(
                "register",
                "accounts, keys, people and places are registered",
            )
            .seen("register/account", "listed", register.accounts.len())
            .seen("register/account/key", "listed", keys.sum::<usize>())
            .seen("register/person", "listed", register.people.len())
            .seen("register/sealed/place", "listed", sealed.places.len()),
    ]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail};

    #[test]
    fn r1_keys_missing_fails() {
        let mut world = World::modern();
        world.register.accounts[0].keys.clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn r1_no_register_cannot_tell() {
        let mut world = World::modern();
        world.register.people.clear();
        assert_eq!(world.verdicts_unregistered(CHECK.id), [CannotTell]);
    }
}
