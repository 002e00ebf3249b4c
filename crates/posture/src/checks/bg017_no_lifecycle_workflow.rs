//! A9: no lifecycle workflow can disable the account.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG017",
    name: "no-lifecycle-workflow",
    requirement: "A9",
    title: "No lifecycle workflow can disable the account",
    severity: Severity::High,
    what: "Looks for enabled lifecycle workflows other than for joiners; their rule cannot be evaluated here.",
    rationale: "A leaver or inactivity workflow disables or deletes what nobody uses.",
    fix: "Entra admin center > Identity Governance > Lifecycle workflows: exclude {subject} in the rule of the workflow.",
    controls: &["NIST AC-2(3)", "CIS Controls 5.3"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let workflows = &context.snapshot.lifecycle_workflows;
    context.each_user(&CHECK, |account, _| {
        if let Some(missing) = &workflows.missing {
            return CHECK.unread(&account.subject, missing);
        }
        let open = workflows.iter().find(|w| w["isEnabled"] != false && !w["category"].as_str().is_some_and(|c| c.eq_ignore_ascii_case("joiner")));
        match open {
            None => CHECK
                .pass(&account.subject, "no enabled workflow disables or deletes users")
                .seen("identityGovernance/lifecycleWorkflows/workflows", "workflows read", workflows.items.len()),
            Some(w) => {
                let name = w["displayName"].as_str().unwrap_or("without a name");
                let rule = w["executionConditions"]["scope"]["rule"].as_str().unwrap_or("not in the input");
                CHECK.cannot_tell(&account.subject, format!("whether the rule of the workflow `{name}` covers the account cannot be evaluated here"), "Read the rule, and exclude the account in it by name.")
                    .seen(format!("lifecycleWorkflows/{name}"), "rule", rule)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::CannotTell;

    #[test]
    fn a9_leaver_workflow_cannot_tell() {
        let mut world = World::modern();
        world
            .snapshot
            .lifecycle_workflows
            .items
            .push(serde_json::json!({"displayName": "L", "category": "leaver", "isEnabled": true}));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
