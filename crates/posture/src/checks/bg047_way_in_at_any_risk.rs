//! X1: the way in does not close when Microsoft sees risk in the sign-in.

use breakglass_conditional_access::prove::Verdict;
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG047",
    name: "way-in-at-any-risk",
    requirement: "X1",
    title: "The account gets in whatever risk Microsoft sees in the sign-in",
    severity: Severity::High,
    what: "Looks for a sign-in that gets in at every sign-in risk, user risk and insider risk.",
    rationale: "Risk is not in the hands of the person at the keyboard. An emergency brings an unusual place, an unusual device and an account that never signs in: what raises risk.",
    fix: "For the risk policies named in the evidence: Entra admin center > Protection > Conditional Access > (policy) > Users > Exclude: the group of the emergency access accounts; `breakglass plan` plans it.",
    controls: &["NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let proof = &proved.proof;
        match (proof.verdict, proof.robust) {
            (Verdict::LockedOut, _) => {
                CHECK.not_applicable(&account.subject, "there is no way in at all, see BG046")
            }
            (_, Some(true)) => CHECK
                .pass(&account.subject, "there is a way in at every risk")
                .seen("signIn", "way in", context.lockout.way_in(proof)),
            (_, Some(false)) => {
                let mut finding = CHECK.fail(
                    &account.subject,
                    "every way in closes when Microsoft sees risk in the sign-in",
                );
                for place in &proof.blame {
                    finding = finding.seen(
                        context.policy_object(*place),
                        "closes the way",
                        context.lockout.policy_name(*place),
                    );
                }
                finding
            }
            (_, None) => CHECK.cannot_tell(
                &account.subject,
                "whether the way in stays open at every risk depends on what is not known",
                "Read what BG046 and BG045 name as not known, then run the check again.",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn x1_a_risk_policy_for_everybody_leaves_a_way_in_only_without_risk() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.policy(json!({"id": "risk", "displayName": "High risk", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                           "signInRiskLevels": ["high"]},
            "grantControls": {"operator": "OR", "builtInControls": ["block"]}}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        assert_eq!(world.verdicts("BG046"), [Pass, Pass]);
        world.last_policy()["conditions"]["signInRiskLevels"] = json!([]);
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable, NotApplicable]);
    }
}
