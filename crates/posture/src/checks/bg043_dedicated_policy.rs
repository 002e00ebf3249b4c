//! C2: a dedicated policy asks the account for an authentication strength.

use breakglass_conditional_access::{
    Policy, Truth,
    policy::Target,
    prove::{Effect, PolicyProof, Reach},
};
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context, GuardedAccount,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG043",
    name: "dedicated-policy",
    requirement: "C2",
    title: "A dedicated policy asks for the break glass authentication strength",
    severity: Severity::High,
    what: "Looks for an enabled policy that includes the account or its group, not everybody, and asks for an authentication strength that the account's keys satisfy, for every sign-in: all resources, no other condition.",
    rationale: "An account that is excluded from everything is guarded by nothing. One policy of its own, with a strength that its keys meet, closes that hole; one for a single application leaves it open everywhere else. A policy that includes the accounts on purpose is not a fault.",
    fix: "`breakglass plan --register register.toml` plans it (steps for requirement C2: the strength, the policy in report-only, the policy switched on). By hand: Entra admin center > Protection > Conditional Access > Policies > New policy: the group of the emergency access accounts, all resources, Grant > Require authentication strength with a strength that names their keys. Declare it as `intended_policies` in the register.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-2(1)"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let lockout = context.lockout;
        let dedicated: Vec<_> = proved
            .proof
            .policies
            .iter()
            .filter(|p| p.intended && p.reach != Reach::Never && lockout.asks_for_strength(p.policy))
            .collect();
        let everywhere = |p: &&&PolicyProof| lockout.policy(p.policy).is_some_and(Policy::unconditional);
        let met = dedicated
            .iter()
            .filter(|p| p.effect == Effect::Challenge && p.reach == Reach::Can && p.met == Truth::Yes);
        if let Some(proof) = met.clone().find(everywhere) {
            return CHECK
                .pass(
                    &account.subject,
                    format!("{} reaches the account and its method meets it", lockout.policy_name(proof.policy)),
                )
                .seen(context.policy_object(proof.policy), "reaches", lockout.reaches(proof));
        }
        let not_met = dedicated.iter().find(everywhere);
        let somewhere = met.clone().next().filter(|_| not_met.is_none());
        if let Some(policy) = somewhere.and_then(|proof| lockout.policy(proof.policy)) {
            return in_one_place(context, account, policy);
        }
        if let Some(proof) = not_met.or_else(|| dedicated.first()) {
            let text = lockout.reaches(proof);
            let finding = if proof.met == Truth::Unknown && proof.reach == Reach::Can {
                CHECK.cannot_tell(
                    &account.subject,
                    "whether a method of the account meets the dedicated policy is not known",
                    "Read the account's authentication methods (UserAuthenticationMethod.Read.All), then run the check again.",
                )
            } else if proof.reach == Reach::CannotTell {
                CHECK.cannot_tell(
                    &account.subject,
                    "whether the dedicated policy reaches the account is not known",
                    "Read what the evidence names as not known, then run the check again.",
                )
            } else {
                CHECK.fail(&account.subject, "no usable method of the account meets the dedicated policy")
            };
            return finding.seen(context.policy_object(proof.policy), "reaches", text);
        }
        if let Some(missing) = &lockout.missing {
            return CHECK.unread(&account.subject, missing);
        }
        context.judged(CHECK.fail(
            &account.subject,
            "no enabled policy includes the account, or a group of its own, and asks for an authentication strength",
        ))
    })
}

/// The dedicated policy holds for some sign-ins only.
fn in_one_place(context: &Context<'_>, account: &GuardedAccount<'_>, policy: &Policy) -> Finding {
    let subject = &account.subject;
    let finding = if let Some(missing) = &context.lockout.missing {
        // Another policy may hold for the rest.
        CHECK.unread(subject, missing)
    } else if policy.target == Target::Unknown || !policy.unknown.is_empty() {
        CHECK.cannot_tell(
            subject,
            format!("whether {} holds for every sign-in is not known: it has conditions that this program does not know", policy.name),
            "Look at the conditions of the policy; without them it holds for every sign-in.",
        )
    } else {
        CHECK
            .fail(
                subject,
                format!("{} asks for the strength for some sign-ins only: for all others a password may be enough", policy.name),
            )
            .mended_by("Entra admin center > Protection > Conditional Access > (the dedicated policy): let it hold for all resources, without exclusion and without any other condition; `breakglass plan` plans it.")
    };
    let object = format!("identity/conditionalAccess/policies/{}", policy.id);
    narrowed(policy)
        .into_iter()
        .fold(finding, |finding, (field, value)| {
            finding.seen(&object, field, value)
        })
}

/// What keeps a policy from holding for every sign-in of whom it is for.
fn narrowed(policy: &Policy) -> Vec<(&'static str, String)> {
    let mut found = Vec::new();
    match &policy.target {
        Target::Resources(resources) => {
            found.push((
                "conditions.applications.includeApplications",
                resources.include.join(", "),
            ));
            if !resources.exclude.is_empty() {
                found.push((
                    "conditions.applications.excludeApplications",
                    resources.exclude.join(", "),
                ));
            }
            if let Some(filter) = &resources.filter {
                found.push((
                    "conditions.applications.applicationFilter",
                    filter.rule.clone(),
                ));
            }
        }
        Target::UserActions(actions) => found.push((
            "conditions.applications.includeUserActions",
            actions.join(", "),
        )),
        Target::Contexts(contexts) => found.push((
            "conditions.applications.includeAuthenticationContextClassReferences",
            contexts.join(", "),
        )),
        Target::Unknown => {}
    }
    let conditions = [
        (policy.client_apps.is_some(), "conditions.clientAppTypes"),
        (policy.platforms.is_some(), "conditions.platforms"),
        (policy.locations.is_some(), "conditions.locations"),
        (policy.sign_in_risk.is_some(), "conditions.signInRiskLevels"),
        (policy.user_risk.is_some(), "conditions.userRiskLevels"),
        (
            policy.insider_risk.is_some(),
            "conditions.insiderRiskLevels",
        ),
        (policy.device.is_some(), "conditions.devices.deviceFilter"),
        (policy.flows.is_some(), "conditions.authenticationFlows"),
    ];
    let set = conditions.into_iter().filter(|(set, _)| *set);
    found.extend(set.map(|(_, field)| (field, "set".to_owned())));
    found.extend(
        policy
            .unknown
            .iter()
            .map(|path| ("conditions", path.clone())),
    );
    found
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn c2_a_policy_that_includes_the_group_on_purpose_is_intended() {
        let mut world = World::without_policies();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.dedicated(&json!({"id": "00000000-0000-0000-0000-000000000004"}));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        assert_eq!(world.verdicts("BG045"), [Pass, Pass]);
        assert_eq!(world.verdicts("BG042"), [Pass, Pass]);
    }

    #[test]
    fn c2_a_strength_that_names_one_key_only_fails_the_other_account() {
        let mut world = World::without_policies();
        world.snapshot.other.insert(
            "authenticationStrengthPolicies".to_owned(),
            vec![json!({"id": "s", "displayName": "Break glass", "allowedCombinations": ["fido2"],
                "combinationConfigurations": [{"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
                    "appliesToCombinations": ["fido2"], "allowedAAGUIDs": [crate::testing::YUBICO]}]})],
        );
        world.dedicated(&json!({"id": "s"}));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        assert_eq!(world.verdicts("BG046"), [Pass, Fail]);
    }

    #[test]
    fn c2_a_strength_in_one_place_only_fails() {
        let mut world = World::without_policies();
        let strength = json!({"id": "00000000-0000-0000-0000-000000000004"});
        world.dedicated(&strength);
        let narrow = [
            (
                "applications",
                json!({"includeApplications": ["00000002-0000-0ff1-ce00-000000000000"]}),
            ),
            (
                "applications",
                json!({"includeApplications": ["All"], "excludeApplications": ["Office365"]}),
            ),
            (
                "applications",
                json!({"includeAuthenticationContextClassReferences": ["c1"]}),
            ),
            ("signInRiskLevels", json!(["high"])),
            ("platforms", json!({"includePlatforms": ["windows"]})),
        ];
        let whole = world.last_policy().clone();
        for (condition, value) in narrow {
            world.last_policy()["conditions"][condition] = value.clone();
            breakglass_conditional_access::policy::complete(world.last_policy());
            let findings = world.run(CHECK.id);
            assert_eq!(
                world.verdicts(CHECK.id),
                [Fail, Fail],
                "{condition} {value}"
            );
            assert!(
                findings[0].because.contains("some sign-ins only"),
                "{findings:?}"
            );
            assert!(
                findings[0]
                    .evidence
                    .iter()
                    .any(|own| own.field.contains(condition)),
                "{findings:?}"
            );
            *world.last_policy() = whole.clone();
        }
        // A second one for every sign-in closes the hole.
        world.last_policy()["conditions"]["signInRiskLevels"] = json!(["high"]);
        world.dedicated(&strength);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    #[test]
    fn c2_with_policies_unread_nothing_is_said_of_the_rest() {
        let mut world = World::without_policies();
        world.dedicated(&json!({"id": "00000000-0000-0000-0000-000000000004"}));
        world.last_policy()["conditions"]["platforms"] = json!({"includePlatforms": ["windows"]});
        world.snapshot.policies.missing =
            breakglass_model::TenantSnapshot::empty().policies.missing;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
