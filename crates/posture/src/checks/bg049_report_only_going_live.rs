//! C5: switching the report-only policies on would not keep the account out.

use breakglass_conditional_access::prove::Verdict;
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG049",
    name: "report-only-going-live",
    requirement: "C5",
    title: "Switching the report-only policies on would not keep the account out",
    severity: Severity::Medium,
    what: "Proves the way in once more with every report-only policy judged as enabled.",
    rationale: "A report-only policy needs no exclusion today. Somebody switches it on one day; Microsoft does so by itself with its managed policies, on all users, emergency access accounts included, unless they are excluded.",
    fix: "Before the policies named in the evidence go live: Entra admin center > Protection > Conditional Access > (policy) > Users > Exclude: the group of the emergency access accounts; `breakglass plan` plans it.",
    controls: &["NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        match (proved.proof.verdict, proved.live.verdict) {
            (Verdict::LockedOut, _) => CHECK.not_applicable(
                &account.subject,
                "there is no way in already now, see BG046",
            ),
            (_, Verdict::GetsIn) => CHECK
                .pass(
                    &account.subject,
                    "there is a way in with every report-only policy switched on",
                )
                .seen("signIn", "way in", context.lockout.way_in(&proved.live)),
            (_, Verdict::LockedOut) => {
                let mut finding = CHECK.fail(
                    &account.subject,
                    "the account would be locked out if every report-only policy were switched on",
                );
                for place in &proved.live.blame {
                    finding = finding.seen(
                        context.policy_object(*place),
                        "would keep the account out",
                        context.lockout.policy_name(*place),
                    );
                }
                finding
            }
            (_, Verdict::CannotTell) => CHECK.cannot_tell(
                &account.subject,
                format!(
                    "whether there would be a way in depends on what is not known: {}",
                    proved.live.missing.join("; ")
                ),
                "Read what is named as not known, then run the check again.",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn c5_a_report_only_block_is_foreseen() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.policy(json!({"id": "p", "displayName": "Soon", "state": "enabledForReportingButNotEnforced",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]}}));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        assert_eq!(world.verdicts("BG042"), [Pass, Pass]);
    }
}
