//! K1: every key is a hardware model that Microsoft lists.

use breakglass_model::{Finding, Reading, Severity, aaguid::Kind};

use crate::{Check, Context, catalogue::Seen, facts::fido2};

pub(super) const CHECK: Check = Check {
    id: "BG093",
    name: "key-model-listed",
    requirement: "K1",
    title: "Every key is a hardware model that Microsoft lists",
    severity: Severity::Medium,
    what: "Looks up the AAGUID of every registered passkey in the list of models that Microsoft calls eligible for attestation (as of 6 October 2026, completed by `aaguids` in `[keys]`); a phone, a computer or a password manager fails, and so does a security key that is not listed; an unknown model is not guessed at.",
    rationale: "A passkey in a phone or a password manager does not lie in a safe. A model that Microsoft does not list cannot be attested when it has to be registered again.",
    fix: "Register a security key of a listed model for {subject}: plug it in and `breakglass key enroll --account <account> --label <label> --serial <serial> --envelope <envelope>`; then delete the passkey named in the evidence: Entra admin center > Users > {subject} > Authentication methods.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-5"],
    references: &[
        "https://learn.microsoft.com/entra/identity/authentication/concept-fido2-hardware-vendor",
    ],
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
        let keys = fido2(methods);
        let object = format!("{}/authentication/methods", account.object());
        let mut unsure = None;
        let mut names = Vec::new();
        for key in &keys {
            let model = key.aaguid.as_deref().unwrap_or("no AAGUID");
            let Some(known) = context.keys.catalogue.find(model) else {
                unsure = Some(model);
                continue;
            };
            let name = known.model.unwrap_or_else(|| model.to_owned());
            let because = match known.kind {
                Kind::PlatformOrManager => {
                    "a passkey lives in a phone, a computer or a password manager"
                }
                Kind::Hardware if known.eligible == Some(false) => {
                    "a key is of a model that Microsoft does not list as eligible"
                }
                Kind::Hardware => {
                    names.push(name);
                    continue;
                }
                Kind::Unknown => {
                    unsure = Some(model);
                    continue;
                }
            };
            return CHECK
                .fail(subject, because)
                .seen(object, "aaGuid", format!("{model}: {name}"));
        }
        match (unsure, names.is_empty()) {
            (Some(model), _) => CHECK.unknown(
                subject,
                "the model of a key",
                &format!("{model} is not in the table of listed hardware models"),
                "",
            ),
            (None, true) => CHECK.not_applicable(subject, "the account has no passkey (BG018)"),
            (None, false) => CHECK
                .pass(subject, "every key is a listed hardware model")
                .seen(object, "model", names.join(", ")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn k1_a_passkey_in_a_phone_fails_and_an_unknown_model_cannot_tell() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.user("bg1").methods =
            Reading::Read(vec![key("de1e552d-db1d-4423-a619-566b625cdc84")]);
        world.user("bg2").methods =
            Reading::Read(vec![key("00000000-0000-0000-0000-000000000000")]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, CannotTell]);
    }
}
