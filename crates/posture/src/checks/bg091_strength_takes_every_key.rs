//! C2: the strength of the dedicated policy takes every key of the account.

use breakglass_conditional_access::{Truth, policy::Control, prove::Reach, strength::UsableMethod};
use breakglass_model::{Finding, Reading, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    facts::fido2,
};

pub(super) const CHECK: Check = Check {
    id: "BG091",
    name: "strength-takes-every-key",
    requirement: "C2",
    title: "The break glass authentication strength takes every key of the account",
    severity: Severity::High,
    what: "Holds every passkey of the account, registered or in the register, against the strengths of the dedicated policies that reach it.",
    rationale: "One key that the strength refuses is a spare that does not open: it is found out when the other one is lost.",
    fix: "Entra admin center > Protection > Authentication methods > Authentication strengths > (strength named in the evidence) > Passkeys (FIDO2) > Advanced options: add the AAGUIDs of the keys of {subject}.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-5", "NIST CP-2"],
    references: &[
        EMERGENCY_ACCESS,
        "https://learn.microsoft.com/entra/identity/authentication/concept-authentication-strength-advanced-options",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let subject = &account.subject;
        let lockout = context.lockout;
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
        let mut models: Vec<(String, Option<String>)> = fido2(methods)
            .iter()
            .map(|own| {
                (
                    own.name
                        .clone()
                        .unwrap_or_else(|| "a registered key".to_owned()),
                    own.aaguid.clone(),
                )
            })
            .collect();
        let listed = account.entry.into_iter().flat_map(|entry| &entry.keys);
        models.extend(listed.map(|own| (own.label.clone(), own.aaguid.clone())));
        let mut strengths = Vec::new();
        for proof in proved
            .proof
            .policies
            .iter()
            .filter(|own| own.intended && own.reach != Reach::Never)
        {
            let Some(grant) = lockout
                .policy(proof.policy)
                .and_then(|own| own.grant.as_ref())
            else {
                continue;
            };
            strengths.extend(grant.controls.iter().filter_map(|control| match control {
                Control::Strength(strength) => Some((proof.policy, strength)),
                _ => None,
            }));
        }
        if strengths.is_empty() {
            return match &lockout.missing {
                Some(missing) => CHECK.unread(subject, missing),
                None => {
                    CHECK.not_applicable(subject, "no dedicated policy asks for a strength (BG043)")
                }
            };
        }
        if models.is_empty() {
            return CHECK.not_applicable(subject, "the account has no key (BG018)");
        }
        let mut unsure = None;
        for (policy, reference) in &strengths {
            let Some(strength) = lockout.environment().strength(&reference.id) else {
                unsure = Some(format!(
                    "the strength {} is not in the input",
                    reference.name
                ));
                continue;
            };
            for (label, model) in &models {
                let key = UsableMethod::new("fido2");
                let key = model
                    .as_deref()
                    .map_or_else(|| key.clone(), |model| key.clone().model(model));
                match strength.satisfied_by(&key, false) {
                    Truth::Yes => {}
                    Truth::Unknown => unsure = Some(format!("the model of {label} is not known")),
                    Truth::No => {
                        return CHECK
                            .fail(
                                subject,
                                format!("the strength {} refuses the key {label}", reference.name),
                            )
                            .seen(
                                context.policy_object(*policy),
                                "authenticationStrength",
                                &reference.name,
                            )
                            .seen(
                                account.object(),
                                "aaGuid",
                                model.as_deref().unwrap_or("unknown"),
                            );
                    }
                }
            }
        }
        match unsure {
            Some(why) => CHECK.unknown(
                subject,
                "authenticationStrengthPolicies",
                &why,
                "Policy.Read.AuthenticationMethod",
            ),
            None => strengths.iter().fold(
                CHECK.pass(
                    subject,
                    "every key satisfies the strength of the dedicated policy",
                ),
                |finding, (policy, own)| {
                    finding.seen(
                        context.policy_object(*policy),
                        "authenticationStrength",
                        &own.name,
                    )
                },
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{FEITIAN, World, YUBICO};
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    fn strength(models: &[&str]) -> serde_json::Value {
        json!({"id": "own", "displayName": "Keys", "policyType": "custom", "allowedCombinations": ["fido2"],
            "combinationConfigurations": [{"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
                "appliesToCombinations": ["fido2"], "allowedAAGUIDs": models}]})
    }

    #[test]
    fn c2_a_strength_that_refuses_one_of_two_keys_fails() {
        let mut world = World::without_policies();
        let own = strength(&[YUBICO, FEITIAN]);
        world.snapshot.other.insert(
            "authenticationStrengthPolicies".to_owned(),
            vec![own.clone()],
        );
        world.dedicated(&own);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.listed("authenticationStrengthPolicies")[0] = strength(&[YUBICO]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        // The spare key stands in the register only.
        world.register.accounts[0]
            .keys
            .push(breakglass_model::register::Key {
                label: "BG01-B".to_owned(),
                aaguid: Some(FEITIAN.to_owned()),
                ..Default::default()
            });
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn c2_without_strength_or_model_nothing_passes() {
        let mut world = World::without_policies();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable, NotApplicable]);
        world.dedicated(&json!({"id": "gone", "displayName": "Gone"}));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
