//! K1: every passkey is bound to its device.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::{fido2, seen_of_keys};
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG019",
    name: "device-bound-keys",
    requirement: "K1",
    title: "Every passkey is bound to its device",
    severity: Severity::High,
    what: "Fails an account with a synced passkey.",
    rationale: "A synced passkey lies in somebody's cloud account and goes wherever that goes.",
    fix: "Register a hardware key in its place: security info page (mysignins.microsoft.com/security-info), signed in as {subject}: Add sign-in method > Security key; then delete the passkey named in the evidence.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-5"],
    references: &[EMERGENCY_ACCESS],
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
        let is = |value: &Option<String>, word: &str| {
            value
                .as_deref()
                .is_some_and(|v| v.eq_ignore_ascii_case(word))
        };
        if let Some(key) = keys
            .iter()
            .find(|k| k.passkey_type.is_some() && !is(&k.passkey_type, "deviceBound"))
        {
            return CHECK.fail(subject, "a passkey is synced").seen(
                account.object(),
                "passkeyType",
                key.passkey_type.as_deref().unwrap_or_default(),
            );
        }
        if keys.is_empty() {
            return CHECK.not_applicable(subject, "no FIDO2 passkey is registered");
        }
        if keys.iter().any(|k| k.passkey_type.is_none()) {
            return CHECK.unknown(
                subject,
                "fido2AuthenticationMethod/passkeyType",
                "it is not in the input for every passkey",
                "UserAuthenticationMethod.Read.All",
            );
        }
        let pass = CHECK.pass(subject, "every passkey is bound to its device");
        seen_of_keys(pass, account, &keys, "passkeyType", |key| {
            key.passkey_type.as_deref()
        })
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, YUBICO, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn k1_other_value_fails() {
        let mut world = World::modern();
        let mut bad = key(YUBICO);
        bad.passkey_type = Some("synced".to_owned());
        world.user("bg1").methods = Reading::Read(vec![bad]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn k1_passkey_type_unread_cannot_tell() {
        let mut world = World::modern();
        let mut bad = key(YUBICO);
        bad.passkey_type = None;
        world.user("bg1").methods = Reading::Read(vec![bad]);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }
}
