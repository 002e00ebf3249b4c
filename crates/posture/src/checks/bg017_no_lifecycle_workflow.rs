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
    what: "Looks for enabled lifecycle workflows other than for joiners. A rule that names the account is read; any other cannot be evaluated here.",
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
        let names: Vec<String> = account
            .user
            .into_iter()
            .flat_map(|user| {
                let upn = user.upn.as_ref().map(ToString::to_string);
                upn.into_iter().chain(user.id.as_ref().map(ToString::to_string))
            })
            .collect();
        let acting = workflows.iter().filter(|w| {
            w["isEnabled"] != false
                && !w["category"].as_str().is_some_and(|c| c.eq_ignore_ascii_case("joiner"))
        });
        let mut open = None;
        for workflow in acting {
            let name = workflow["displayName"].as_str().unwrap_or("without a name");
            let rule = workflow["executionConditions"]["scope"]["rule"].as_str();
            let seen = |finding: Finding| {
                finding.seen(format!("lifecycleWorkflows/{name}"), "rule", rule.unwrap_or("not in the input"))
            };
            match rule.and_then(|rule| covers(rule, &names)) {
                Some(false) => {}
                Some(true) => {
                    return seen(CHECK.fail(&account.subject, format!("the rule of the workflow `{name}` names the account")));
                }
                None => {
                    let why = format!("whether the rule of the workflow `{name}` covers the account cannot be evaluated here");
                    open.get_or_insert_with(|| {
                        seen(CHECK.cannot_tell(&account.subject, why, "Read the rule, and exclude the account in it by name."))
                    });
                }
            }
        }
        open.unwrap_or_else(|| {
            CHECK
                .pass(&account.subject, "no enabled workflow for others than joiners covers the account")
                .seen("identityGovernance/lifecycleWorkflows/workflows", "workflows read", workflows.items.len())
        })
    })
}

/// Whether a rule covers an account for what it says of its name; `None`: it does not say it so plainly.
fn covers(rule: &str, names: &[String]) -> Option<bool> {
    let rule = rule.to_lowercase();
    let says = |word: &str| rule.split([' ', '(', ')']).any(|own| own == word);
    let compares = |operator: &str| {
        names
            .iter()
            .any(|name| rule.contains(&format!("{operator} '{}'", name.to_lowercase())))
    };
    if says("not") {
        None
    } else if compares("eq") && !says("and") {
        Some(true)
    } else if compares("ne") && !says("or") {
        Some(false)
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

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

    #[test]
    fn a9_a_rule_that_names_the_account_is_read() {
        let upn = |world: &mut World, id: &str| world.user(id).upn.clone().unwrap().to_string();
        for (rule, expected) in [
            ("(userPrincipalName eq '<1>')", [Fail, CannotTell]),
            (
                "(department eq 'IT') and (userPrincipalName ne '<1>') and (userPrincipalName ne '<2>')",
                [Pass, Pass],
            ),
            (
                "(department eq 'IT') or (userPrincipalName ne '<1>')",
                [CannotTell, CannotTell],
            ),
            (
                "(department eq 'IT') and (userPrincipalName eq '<1>')",
                [CannotTell, CannotTell],
            ),
            ("not (userPrincipalName eq '<1>')", [CannotTell, CannotTell]),
        ] {
            let mut world = World::modern();
            let rule = rule
                .replace("<1>", &upn(&mut world, "bg1").to_uppercase())
                .replace("<2>", &upn(&mut world, "bg2"));
            world
                .snapshot
                .lifecycle_workflows
                .items
                .push(serde_json::json!({"displayName": "L", "category": "leaver",
                "isEnabled": true, "executionConditions": {"scope": {"rule": rule}}}));
            assert_eq!(world.verdicts(CHECK.id), expected, "{rule}");
        }
    }
}
