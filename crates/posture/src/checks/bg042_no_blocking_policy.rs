//! C1: no enabled policy that blocks or can't be met reaches the account.

use breakglass_conditional_access::{
    Truth,
    prove::{Effect, Reach},
};
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG042",
    name: "no-blocking-policy",
    requirement: "C1",
    title: "No enabled policy blocks the account or asks for what it can't do",
    severity: Severity::Critical,
    what: "Proves for every enabled policy, over all sign-ins, that it does not reach the account, or that the account can meet it. Exclusions through nested groups and roles count; disabled and report-only policies need none; a policy for workloads or agents never reaches a user.",
    rationale: "A block is not needed to lock somebody out: a control that the account can't meet, such as a compliant device, does the same. A tool that looks for exclusions by id, or for blocks only, sees neither.",
    fix: "Exclude the group that holds the emergency access accounts from the policies named in the evidence: Entra admin center > Protection > Conditional Access > (policy) > Users > Exclude. Try the change first with `breakglass lockout preflight`.",
    controls: &["CIS M365 1.1.2", "Maester MT.1005", "NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

const HURTS: &[Effect] = &[Effect::Block, Effect::Deny];

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| {
        let lockout = context.lockout;
        let surely: Vec<_> = proved.unintended(Reach::Can, HURTS).collect();
        let count = |n: usize| if n == 1 { "1 policy".to_owned() } else { format!("{n} policies") };
        if !surely.is_empty() {
            let mut finding = CHECK.fail(
                &account.subject,
                format!(
                    "{} can keep the account out: {}",
                    count(surely.len()),
                    surely
                        .iter()
                        .map(|p| lockout.policy_name(p.policy))
                        .collect::<Vec<_>>()
                        .join(", ")
                ),
            );
            for proof in surely {
                finding = finding.seen(
                    context.policy_object(proof.policy),
                    "reaches",
                    lockout.reaches(proof),
                );
            }
            return finding;
        }
        // Also what surely applies, when it is not known whether the account can do it.
        let perhaps: Vec<_> = proved
            .unintended(Reach::CannotTell, HURTS)
            .chain(proved.unintended(Reach::Can, &[Effect::Challenge, Effect::Session]))
            .filter(|proof| proof.met != Truth::Yes)
            .collect();
        if !perhaps.is_empty() {
            let mut finding = CHECK.cannot_tell(
                &account.subject,
                format!("{} may keep the account out, if an unknown turns out so", count(perhaps.len())),
                "Read what the evidence names as not known, then run the check again.",
            );
            for proof in perhaps {
                finding = finding.seen(
                    context.policy_object(proof.policy),
                    "may reach",
                    lockout.reaches(proof),
                );
            }
            return finding;
        }
        if let Some(missing) = &lockout.missing {
            return CHECK.unread(&account.subject, missing);
        }
        context.judged(CHECK.pass(
            &account.subject,
            format!(
                "{} judged: none of the unintended ones blocks the account or asks for what it can't do",
                count(proved.proof.policies.len())
            ),
        ))
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    fn everyone(grant: &serde_json::Value) -> serde_json::Value {
        json!({"id": "p", "displayName": "Everyone", "state": "enabled",
               "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]}},
               "grantControls": {"operator": "OR", "builtInControls": [grant]}})
    }

    #[test]
    fn c1_a_grant_that_cannot_be_met_is_as_bad_as_a_block() {
        for control in ["block", "compliantDevice"] {
            let mut world = World::modern();
            world.policy(everyone(&json!(control)));
            assert_eq!(world.verdicts(CHECK.id), [Fail, Fail], "{control}");
        }
    }

    #[test]
    fn c1_report_only_disabled_and_workload_policies_need_no_exclusion() {
        for (key, value) in [
            ("state", json!("enabledForReportingButNotEnforced")),
            ("state", json!("disabled")),
        ] {
            let mut world = World::modern();
            let mut policy = everyone(&json!("block"));
            policy[key] = value;
            world.policy(policy);
            assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        }
        let mut world = World::modern();
        let mut policy = everyone(&json!("block"));
        policy["conditions"]["clientApplications"] =
            json!({"includeServicePrincipals": ["ServicePrincipalsInMyTenant"]});
        world.policy(policy);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }

    #[test]
    fn c1_exclusions_by_group_nested_group_and_role_count() {
        for exclude in [
            json!({"excludeGroups": ["grp"]}),
            json!({"excludeGroups": ["outer"]}),
            json!({"excludeRoles": [breakglass_model::tenant::GLOBAL_ADMINISTRATOR]}),
        ] {
            let mut world = World::modern();
            world.nest("grp", "outer");
            let mut policy = everyone(&json!("block"));
            policy["conditions"]["users"]
                .as_object_mut()
                .unwrap()
                .extend(exclude.as_object().unwrap().clone());
            world.policy(policy);
            assert_eq!(world.verdicts(CHECK.id), [Pass, Pass], "{exclude}");
        }
    }

    #[test]
    fn c1_a_deleted_exclusion_group_protects_nobody() {
        let mut world = World::modern();
        let mut policy = everyone(&json!("block"));
        policy["conditions"]["users"]["excludeGroups"] = json!(["gone"]);
        world.policy(policy);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn c1_methods_that_were_not_read_are_not_a_pass() {
        let mut world = World::modern();
        world.policy(everyone(&json!("mfa")));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.user("bg2").methods = breakglass_model::Reading::NotRead("refused".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Pass, CannotTell]);
        assert_eq!(world.verdicts("BG043"), [Pass, CannotTell]);
    }

    #[test]
    fn c1_an_unknown_condition_is_not_a_pass() {
        let mut world = World::modern();
        let mut policy = everyone(&json!("block"));
        policy["conditions"]["brandNew"] = json!({"x": 1});
        world.policy(policy);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
