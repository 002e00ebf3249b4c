//! K1: new keys can be registered, and only attested ones.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{PASSKEYS, Seen},
    methods_policy,
};

pub(super) const CHECK: Check = Check {
    id: "BG089",
    name: "registration-attested",
    requirement: "K1",
    title: "Keys can be registered, and only attested ones",
    severity: Severity::Medium,
    what: "Looks at the FIDO2 settings of the authentication methods policy: self-service registration must be allowed, and attestation enforced, by every passkey profile where there are profiles.",
    rationale: "A lost key must be replaced at once: with self-service switched off nobody registers one, not even an administrator on behalf. Without attestation anything that calls itself a key is taken.",
    fix: "Entra admin center > Protection > Authentication methods > Policies > Passkey (FIDO2) > Configure: allow self-service set up, enforce attestation.",
    controls: &["NIST IA-5", "SCuBA MS.AAD.3.6v1"],
    references: &[PASSKEYS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let settings = match methods_policy::fido2(context) {
        Ok(settings) => settings,
        Err(missing) => return vec![CHECK.unread("tenant", &missing)],
    };
    let object = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
    let (open, attested) = (
        settings.flag("isSelfServiceRegistrationAllowed"),
        settings.attested(),
    );
    let finding = match (open, attested) {
        (Some(false), _) => CHECK.fail(
            "tenant",
            "nobody can register a key: self-service registration is not allowed",
        ),
        (_, Some(false)) => CHECK.fail("tenant", "keys are registered without attestation"),
        (Some(true), Some(true)) => {
            CHECK.pass("tenant", "keys can be registered, and only attested ones")
        }
        _ => {
            return vec![CHECK.unknown(
                "tenant",
                "authenticationMethodsPolicy/Fido2",
                "the input does not tell whether registration is allowed and attested",
                "Policy.Read.AuthenticationMethod",
            )];
        }
    };
    let word =
        |flag: Option<bool>| flag.map_or_else(|| "not known".to_owned(), |flag| flag.to_string());
    vec![
        finding
            .seen(object, "isSelfServiceRegistrationAllowed", word(open))
            .seen(object, "isAttestationEnforced", word(attested)),
    ]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn k1_registration_without_attestation_fails_and_so_does_none() {
        for (key, verdict) in [
            ("isAttestationEnforced", Fail),
            ("isSelfServiceRegistrationAllowed", Fail),
        ] {
            let mut world = World::modern();
            assert_eq!(world.verdicts(CHECK.id), [Pass]);
            world.fido2_settings()[key] = json!(false);
            assert_eq!(world.verdicts(CHECK.id), [verdict]);
            world.fido2_settings()[key] = json!(null);
            assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        }
    }

    #[test]
    fn k1_every_profile_has_to_ask_for_attestation() {
        let mut world = World::modern();
        world.fido2_settings()["passkeyProfiles"] = json!([{"attestationEnforcement": "registrationOnly"}, {"attestationEnforcement": "disabled"}]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
