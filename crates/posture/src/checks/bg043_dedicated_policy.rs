//! C2: a dedicated policy asks the account for an authentication strength.

use breakglass_conditional_access::prove::{Effect, Reach};
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG043",
    name: "dedicated-policy",
    requirement: "C2",
    title: "A dedicated policy asks for the break glass authentication strength",
    severity: Severity::High,
    what: "Looks for an enabled policy that includes the account or its group, not everybody, and asks for an authentication strength that the account's keys satisfy.",
    rationale: "An account that is excluded from everything is guarded by nothing. One policy of its own, with a strength that its keys meet, closes that hole; a policy that includes the accounts on purpose is not a fault.",
    fix: "Create a Conditional Access policy that includes the group of the emergency access accounts, all resources, and grants with an authentication strength that names their keys; declare it as `intended_policies` in the register.",
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
        let met = dedicated
            .iter()
            .find(|p| p.effect == Effect::Challenge && p.reach == Reach::Can);
        if let Some(proof) = met {
            return CHECK
                .pass(
                    &account.subject,
                    format!("{} reaches the account and its method meets it", lockout.policy_name(proof.policy)),
                )
                .seen(context.policy_object(proof.policy), "reaches", lockout.reaches(proof));
        }
        if let Some(proof) = dedicated.first() {
            let text = lockout.reaches(proof);
            let finding = if proof.reach == Reach::CannotTell {
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
        CHECK.fail(
            &account.subject,
            "no enabled policy includes the account, or a group of its own, and asks for an authentication strength",
        )
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{Fail, Pass};
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
}
