//! C4: over all sign-ins, only the intended policies reach the account.

use breakglass_conditional_access::prove::{Effect, Reach};
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG045",
    name: "only-intended-policies",
    requirement: "C4",
    title: "Only the intended policies can reach the account",
    severity: Severity::High,
    what: "Proves over all possible sign-ins (resources, networks, platforms, clients, devices, risks, flows) which enabled policies can apply to the account. Intended are those that the register declares, and dedicated policies with an authentication strength.",
    rationale: "A What If shows one sign-in; the one that nobody tried is the one that fails. A policy that asks today for something easy may ask for something else after its next edit.",
    fix: "Entra admin center > Protection > Conditional Access > (policy) > Users > Exclude: the group of the emergency access accounts; `breakglass plan` plans it. Or declare the policies named in the evidence as `intended_policies` in the register.",
    controls: &["Maester MT.1005", "CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

const ANY: &[Effect] = &[
    Effect::None,
    Effect::Session,
    Effect::Challenge,
    Effect::Deny,
    Effect::Block,
];

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let lockout = context.lockout;
        let list = |reach: Reach| -> Vec<_> { proved.unintended(reach, ANY).collect() };
        let (surely, perhaps) = (list(Reach::Can), list(Reach::CannotTell));
        let (mut finding, proofs) = if !surely.is_empty() {
            let names: Vec<&str> = surely
                .iter()
                .map(|p| lockout.policy_name(p.policy))
                .collect();
            let text = format!(
                "policies that are not intended can apply: {}",
                names.join(", ")
            );
            (CHECK.fail(&account.subject, text), surely)
        } else if !perhaps.is_empty() {
            let names: Vec<&str> = perhaps
                .iter()
                .map(|p| lockout.policy_name(p.policy))
                .collect();
            let text = format!(
                "whether these policies can apply is not known: {}",
                names.join(", ")
            );
            let fix = "Read what the evidence names as not known, then run the check again.";
            (CHECK.cannot_tell(&account.subject, text, fix), perhaps)
        } else if let Some(missing) = &lockout.missing {
            return CHECK.unread(&account.subject, missing);
        } else {
            return context.judged(CHECK.pass(
                &account.subject,
                format!(
                    "of {} policies none but the intended ones can apply to any sign-in",
                    proved.proof.policies.len()
                ),
            ));
        };
        for proof in proofs {
            finding = finding.seen(
                context.policy_object(proof.policy),
                "reaches",
                lockout.reaches(proof),
            );
        }
        finding
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn c4_a_policy_that_asks_for_what_the_account_can_do_is_still_not_intended() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.policy(json!({"id": "mfa", "displayName": "MFA for all", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        assert_eq!(world.verdicts("BG042"), [Pass, Pass]);
        let finding = &world.run(CHECK.id)[0];
        assert!(
            finding.evidence[0].value.contains("signing in to"),
            "{finding:?}"
        );
        world.register.accounts[0].intended_policies = vec![crate::testing::oid("mfa")];
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }

    #[test]
    fn c4_policies_that_were_not_read_completely_never_pass() {
        let mut world = World::modern();
        world.snapshot.policies =
            breakglass_model::Collection::not_read("policies", "refused", None);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
        assert_eq!(world.verdicts("BG042"), [CannotTell, CannotTell]);
        assert_eq!(world.verdicts("BG046"), [CannotTell, CannotTell]);
    }
}
