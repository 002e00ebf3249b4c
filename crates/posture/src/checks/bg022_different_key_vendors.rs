//! K3: the accounts have keys of different vendors.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::fido2;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "BG022",
    name: "different-key-vendors",
    requirement: "K3",
    title: "The accounts have keys of different vendors",
    severity: Severity::High,
    what: "Tells the vendor of every registered passkey by its AAGUID; fails when one vendor made the keys of all accounts.",
    rationale: "A firmware fault or a recall of one vendor must not take out both accounts.",
    fix: "Register a key of another vendor on one of the accounts: security info page (mysignins.microsoft.com/security-info), signed in as that account: Add sign-in method > Security key.",
    controls: &["NIST CP-2", "Zero Trust 21835"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let mut makers: Vec<BTreeSet<String>> = Vec::new();
    let mut unknown = None;
    let mut facts = Vec::new();
    for account in context.accounts {
        let Some(user) = account.user else {
            unknown = Some(format!("{} was not found among the users", account.subject));
            continue;
        };
        let methods = match &user.methods {
            Reading::Read(methods) => methods,
            Reading::NotRead(why) => {
                unknown = Some(format!("{}: {why}", account.subject));
                continue;
            }
        };
        let mut own = BTreeSet::new();
        for key in fido2(methods) {
            let aaguid = key.aaguid.as_deref().unwrap_or_default().to_lowercase();
            if aaguid.is_empty() {
                unknown = Some(format!("{}: a passkey without AAGUID", account.subject));
                continue;
            }
            let maker = context.keys.vendor(&aaguid).unwrap_or_else(|| {
                unknown = Some(format!("the vendor of AAGUID {aaguid} is not known"));
                aaguid.clone()
            });
            facts.push((account.object(), aaguid, maker.clone()));
            own.insert(maker);
        }
        makers.push(own);
    }
    let first = makers.first().cloned().unwrap_or_default();
    let single = makers.len() == context.accounts.len()
        && first.len() == 1
        && makers.iter().all(|m| *m == first);
    let with_keys = makers.iter().filter(|m| !m.is_empty()).count();
    let finding = if single && makers.len() >= 2 {
        CHECK.fail("tenant", "one vendor made the keys of all accounts")
    } else if let Some(why) = unknown {
        CHECK.unknown(
            "tenant",
            "the vendor of every key",
            &why,
            "UserAuthenticationMethod.Read.All",
        )
    } else if with_keys < 2 {
        CHECK.fail("tenant", "fewer than two accounts have a passkey")
    } else {
        CHECK.pass("tenant", "no single vendor made the keys of all accounts")
    };
    let finding = finding.seen(
        "users/authentication/methods",
        "accounts with a passkey",
        with_keys,
    );
    vec![
        facts
            .into_iter()
            .fold(finding, |f, (object, aaguid, maker)| {
                f.seen(object, &format!("AAGUID {aaguid}"), maker)
            }),
    ]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, YUBICO, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail};

    #[test]
    fn k3_same_vendor_fails() {
        let mut world = World::modern();
        world.user("bg2").methods = Reading::Read(vec![key(YUBICO)]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn k3_unknown_vendor_cannot_tell() {
        let mut world = World::modern();
        world.user("bg2").methods = Reading::Read(vec![key("0000")]);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
