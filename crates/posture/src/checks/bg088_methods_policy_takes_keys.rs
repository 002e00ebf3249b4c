//! K1: the authentication methods policy takes every key of the account.

use breakglass_conditional_access::Truth;
use breakglass_model::{Finding, Reading, Severity};

use crate::{
    Check, Context,
    catalogue::{PASSKEYS, Seen},
    facts::fido2,
    methods_policy,
};

pub(super) const CHECK: Check = Check {
    id: "BG088",
    name: "methods-policy-takes-keys",
    requirement: "K1",
    title: "The authentication methods policy takes every key of the account",
    severity: Severity::Critical,
    what: "Judges every registered passkey against the FIDO2 settings of the authentication methods policy: switched on, the account included and not excluded, the model allowed by the key restrictions or by a passkey profile.",
    rationale: "A model that is taken off the allow list, or put on the block list, no longer signs in: a change of this policy kills keys that lie in a safe, and nobody notices before the emergency.",
    fix: "Entra admin center > Protection > Authentication methods > Policies > Passkey (FIDO2): enable it for {subject}, and allow the AAGUIDs named in the evidence.",
    controls: &["NIST IA-5", "NIST CP-2", "SCuBA MS.AAD.3.6v1"],
    references: &[PASSKEYS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let settings = methods_policy::fido2(context);
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let settings = match &settings {
            Ok(settings) => settings,
            Err(missing) => return CHECK.unread(subject, missing),
        };
        let methods = match account.user.map(|user| &user.methods) {
            Some(Reading::Read(methods)) => methods,
            Some(Reading::NotRead(why)) => {
                return CHECK.unknown(
                    subject,
                    "users/authentication/methods",
                    why,
                    "UserAuthenticationMethod.Read.All",
                );
            }
            None => return CHECK.not_applicable(subject, "the account is not in the tenant"),
        };
        let keys = fido2(methods);
        if keys.is_empty() {
            return CHECK.not_applicable(subject, "the account has no passkey (BG018)");
        }
        let object =
            "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
        let mut unsure = None;
        for key in keys {
            let model = key.aaguid.as_deref();
            let (truth, why) = settings.takes(context, id, model);
            let label = key.name.as_deref().or(model).unwrap_or("a passkey");
            match truth {
                Truth::Yes => {}
                Truth::No => {
                    return CHECK
                        .fail(subject, format!("the policy refuses {label}: {why}"))
                        .seen(object, "aaGuid", model.unwrap_or("unknown model"));
                }
                Truth::Unknown => unsure = Some((label, why)),
            }
        }
        match unsure {
            Some((label, why)) => CHECK.unknown(
                subject,
                "whether the policy takes a key",
                &format!("{label}: {why}"),
                "GroupMember.Read.All",
            ),
            None => CHECK
                .pass(subject, "the policy takes every registered key")
                .seen(object, "state", "enabled"),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{FEITIAN, World, YUBICO};
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn k1_key_restrictions_that_refuse_a_model_fail() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        let only = |kind: &str, model: &str| json!({"isEnforced": true, "enforcementType": kind, "aaGuids": [model]});
        world.fido2_settings()["keyRestrictions"] = only("allow", &YUBICO.to_uppercase());
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        world.fido2_settings()["keyRestrictions"] = only("block", FEITIAN);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn k1_an_excluded_account_and_a_policy_switched_off_fail() {
        let mut world = World::modern();
        world.fido2_settings()["excludeTargets"] = json!([{"targetType": "group", "id": "GRP"}]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let mut world = World::modern();
        world.fido2_settings()["state"] = json!("disabled");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let mut world = World::modern();
        world.fido2_settings()["includeTargets"] = json!([{"targetType": "group", "id": "staff"}]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn k1_any_profile_of_the_account_suffices() {
        let mut world = World::modern();
        let list = |model: &str| json!({"isEnforced": true, "enforcementType": "allow", "aaGuids": [model]});
        let fido2 = world.fido2_settings();
        fido2["passkeyProfiles"] = json!([{"id": "a", "keyRestrictions": list(YUBICO)}, {"id": "b", "keyRestrictions": list(FEITIAN)}]);
        fido2["includeTargets"] = json!([{"id": "all_users", "allowedPasskeyProfiles": ["a"]}, {"id": "grp", "allowedPasskeyProfiles": ["b"]}]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.fido2_settings()["includeTargets"] =
            json!([{"id": "all_users", "allowedPasskeyProfiles": ["a"]}]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn k1_an_unread_policy_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.other.remove("authenticationMethodsPolicy");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
