//! X1: Conditional Access leaves the account a way in.

use breakglass_conditional_access::prove::Verdict;
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG046",
    name: "way-in",
    requirement: "X1",
    title: "The account gets in to a place from which the tenant can be repaired",
    severity: Severity::Critical,
    what: "Looks over all sign-ins for one that gets in to the Entra admin center or to Microsoft Graph with a modern client on an unmanaged device (or on a registered device of the account), and names the smallest set of policies that closes every way when there is none. An account that is not in the tenant fails.",
    rationale: "Two policies that are each harmless can lock an account out together. Only the whole set over all sign-ins tells.",
    fix: "Exclude the group of the emergency access accounts from the policies named in the evidence. `breakglass lockout prove` shows every policy with a witness.",
    controls: &["NIST CP-2", "SCuBA MS.AAD.3.6v1"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = context.each_proof(&CHECK, |account, proved| {
        let proof = &proved.proof;
        let mut finding = match proof.verdict {
            Verdict::GetsIn => {
                return CHECK
                    .pass(&account.subject, "there is a sign-in that gets in")
                    .seen("signIn", "way in", context.lockout.way_in(proof));
            }
            Verdict::LockedOut => CHECK.fail(
                &account.subject,
                format!("no sign-in gets in: {}", proof.because.join("; ")),
            ),
            Verdict::CannotTell => CHECK.cannot_tell(
                &account.subject,
                format!(
                    "whether the account gets in depends on what is not known: {}",
                    proof.missing.join("; ")
                ),
                "Read what is named as not known, then run the check again.",
            ),
        };
        if proof.verdict == Verdict::LockedOut && proof.blame.is_empty() {
            // No exclusion helps against what stands outside Conditional Access.
            finding.fix = format!(
                "Enable {0} (Entra admin center > Users > {0} > Edit properties > Settings > Account enabled), and register a \
                 FIDO2 security key for it that the authentication methods policy allows (`breakglass key enroll --account \
                 {0}`): no exclusion from a policy helps here.",
                account.subject
            );
        }
        if proof.blame.is_empty() {
            finding = context.judged(finding);
        }
        for place in &proof.blame {
            finding = finding.seen(
                context.policy_object(*place),
                "keeps the account out",
                context.lockout.policy_name(*place),
            );
        }
        finding
    });
    for (finding, account) in findings.iter_mut().zip(context.accounts) {
        if account.is_gone(context.snapshot) {
            *finding = CHECK
                .fail(
                    &account.subject,
                    "nobody gets in with it: no user of the tenant has this id or name",
                )
                .mended_by(RESTORE)
                .seen(account.object(), "found", false);
        }
    }
    findings
}

const RESTORE: &str = "Entra admin center > Users > Deleted users: restore the account (within 30 days of its deletion), or make another one and declare it in the register.";

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn x1_two_harmless_policies_lock_out_together() {
        let mut world = World::modern();
        let on_platform = |id: &str, platforms: serde_json::Value| {
            json!({"id": id, "displayName": id, "state": "enabled",
                "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                               "platforms": platforms},
                "grantControls": {"operator": "OR", "builtInControls": ["block"]}})
        };
        world.policy(on_platform(
            "windows",
            json!({"includePlatforms": ["windows"]}),
        ));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.policy(on_platform(
            "rest",
            json!({"includePlatforms": ["all"], "excludePlatforms": ["windows"]}),
        ));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.evidence.len(), 2, "{finding:?}");
    }

    #[test]
    fn x1_an_account_that_is_gone_never_gets_in() {
        let mut world = World::modern();
        world.delete_user("bg2");
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        let finding = &world.run(CHECK.id)[1];
        assert!(
            finding.because.contains("no user of the tenant"),
            "{finding:?}"
        );
        assert_eq!(finding.evidence[0].field, "found");
        // Not all users were read: it may be there.
        world.snapshot.users.missing = breakglass_model::TenantSnapshot::empty().users.missing;
        assert_eq!(world.verdicts(CHECK.id)[1], CannotTell);
    }
}
