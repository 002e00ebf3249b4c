//! K3: no key of the account is in a published advisory.

use breakglass_model::{
    Finding, Reading, Severity,
    aaguid::{Advisory, Bearing},
};

use crate::{Check, Context, catalogue::Seen, facts::fido2};

pub(super) const CHECK: Check = Check {
    id: "BG092",
    name: "no-key-advisory",
    requirement: "K3",
    title: "No key of the account is in a published advisory",
    severity: Severity::Low,
    what: "Looks up the AAGUID of every passkey, registered or in the register, in the built-in list of advisories and in those that the configuration adds (`advisories` in `[keys]`). An AAGUID tells the model and a range of firmware; what depends on firmware that only the key tells is not held against it (`breakglass key identify` asks the key).",
    rationale: "A flaw in one chip is one failure of all keys that have it: in EUCLEAK (CVE-2024-45678) somebody with the key, its PIN and a laboratory copies its private key. A key whose seal was broken once can no longer be trusted then.",
    fix: "Read the advisory named in the evidence (`breakglass key identify` says of a plugged-in key what is known of it); replace the key of {subject} by one with repaired firmware at the next drill: `breakglass key enroll --account <account> --label <label> --serial <serial> --envelope <envelope>`. Until then treat every broken seal as a copied key.",
    controls: &["NIST IA-5", "CSF ID.IM-01..04"],
    references: &["https://www.yubico.com/support/security-advisories/ysa-2024-03/"],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let methods = match &user.methods {
            Reading::Read(methods) => methods,
            Reading::NotRead(why) => {
                return CHECK.unknown(
                    subject,
                    "users/authentication/methods",
                    why,
                    "UserAuthenticationMethod.Read.All",
                );
            }
        };
        let mut models: Vec<(String, Option<&str>)> = fido2(methods)
            .iter()
            .map(|own| {
                (
                    format!("{}/authentication/methods", account.object()),
                    own.aaguid.as_deref(),
                )
            })
            .collect();
        let listed = account.entry.into_iter().flat_map(|entry| &entry.keys);
        models.extend(listed.map(|own| {
            (
                format!("{}/key/{}", account.entry_path(), own.label),
                own.aaguid.as_deref(),
            )
        }));
        let found: Vec<(&str, &str, Advisory)> = models
            .iter()
            .filter_map(|(object, model)| Some((object.as_str(), (*model)?)))
            .flat_map(|(object, model)| {
                let hits = context.keys.against(model).into_iter();
                hits.filter(|hit| hit.bearing == Bearing::Affected)
                    .map(move |hit| (object, model, hit.advisory))
            })
            .collect();
        if let Some((_, _, first)) = found.first() {
            let because = format!("{} is known of a key: {}", first.id, first.reason);
            return found.iter().fold(
                CHECK.fail(subject, because),
                |finding, (object, model, advisory)| {
                    finding.seen(
                        *object,
                        "aaGuid",
                        format!("{model}: {} {}", advisory.id, advisory.reference),
                    )
                },
            );
        }
        if models.is_empty() {
            return CHECK.not_applicable(subject, "the account has no key (BG018)");
        }
        if models.iter().any(|(_, model)| model.is_none()) {
            return CHECK.unknown(
                subject,
                "the AAGUID of every key",
                "the register or the input lacks one",
                "",
            );
        }
        models.iter().fold(
            CHECK.pass(subject, "no key is of a model in a listed advisory"),
            |finding, (object, model)| finding.seen(object, "aaGuid", model.unwrap_or_default()),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn k3_a_key_with_the_infineon_flaw_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.user("bg1").methods =
            Reading::Read(vec![key("CB69481E-8ff7-4039-93ec-0a2729a154a8")]);
        let findings = world.run(CHECK.id);
        assert!(findings[0].because.contains("CVE-2024-45678"));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.register.accounts[1].keys[0].aaguid = None;
        assert_eq!(world.verdicts(CHECK.id), [Fail, CannotTell]);
    }
}
