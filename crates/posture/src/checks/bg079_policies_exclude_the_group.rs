//! M2: policies exclude the group, not the accounts one by one.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    directory::names,
};

pub(super) const CHECK: Check = Check {
    id: "BG079",
    name: "policies-exclude-the-group",
    requirement: "M2",
    title: "Policies exclude the group, not the single account",
    severity: Severity::Low,
    what: "Looks for enabled and report-only policies that exclude the account by its own id and not the role-assignable group that holds it.",
    rationale: "A list of single accounts is kept by hand in every policy. The account that was made last is missing in the one that nobody remembered.",
    fix: "Entra admin center > Protection > Conditional Access > (policy named in the evidence) > Users > Exclude: the group of the emergency access accounts in place of {subject}.",
    controls: &["CIS M365 1.1.2", "NIST CM-4", "Maester MT.1005"],
    references: &[RESTRICTED_UNITS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let policies = &context.snapshot.policies;
    context.each_id(&CHECK, |account, id| {
        let (groups, unknown) = context.role_groups(id);
        let single: Vec<_> = policies
            .iter()
            .filter(|own| own.state.as_deref() != Some("disabled"))
            .filter(|own| {
                let users = |key: &str| own.raw.pointer(&format!("/conditions/users/{key}"));
                let by_group = groups
                    .iter()
                    .filter_map(|group| group.id.as_ref())
                    .any(|group| names(users("excludeGroups"), group.as_str()));
                names(users("excludeUsers"), id.as_str()) && !by_group
            })
            .collect();
        if single.is_empty() {
            return match &policies.missing {
                Some(missing) => CHECK.unread(&account.subject, missing),
                None => CHECK.pass(
                    &account.subject,
                    "no policy excludes the account by its own id alone",
                ),
            };
        }
        if let Some(missing) = &unknown {
            return CHECK.unread(&account.subject, missing);
        }
        let finding = CHECK.fail(
            &account.subject,
            "policies exclude the account by its own id and not its group",
        );
        single.iter().take(20).fold(finding, |finding, own| {
            let key = own.id.as_ref().map_or("", |id| id.as_str());
            finding.seen(
                format!("identity/conditionalAccess/policies/{key}"),
                "conditions.users.excludeUsers",
                own.display_name.as_deref().unwrap_or(key),
            )
        })
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};
    use serde_json::json;

    #[test]
    fn m2_an_exclusion_by_id_fails_and_one_by_group_passes() {
        let mut world = World::modern();
        world.policy(
            json!({"id": "p", "displayName": "Block", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"], "excludeUsers": ["BG1"]},
                "applications": {"includeApplications": ["All"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["block"]}}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.last_policy()["conditions"]["users"]["excludeGroups"] = json!(["grp"]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }
}
