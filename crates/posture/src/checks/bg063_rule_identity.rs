//! W9: a rule runs with an identity of its own, which may read.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{LOG_ALERTS, Rule, covers, list, resource_group, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG063",
    name: "rule-identity",
    requirement: "W9",
    title: "The alert rule runs with its own identity, which may read",
    severity: Severity::Medium,
    what: "Reads the identity of every enabled alert rule about the accounts (system-assigned), and whether it has Log Analytics Reader on the workspace and Reader on the resource group of each action group, there or at a wider scope.",
    rationale: "A rule without an identity runs with the rights of its last editor, and stops when that person leaves. A new identity has no right at all, and its rule fails in silence.",
    fix: "Azure portal > Monitor > Alerts > Alert rules > the rule > Identity: System assigned, On; then `az role assignment create --assignee-object-id <principal id> --assignee-principal-type ServicePrincipal --role \"Log Analytics Reader\" --scope <workspace id>` and the same with `--role Reader --scope <resource group of the action group>`.",
    controls: &[
        "NIST SP 800-53 r5 AC-6(9)",
        "NIST SP 800-53 r5 AU-5",
        "NIST CSF 2.0 PR.AA-05",
    ],
    references: &[
        LOG_ALERTS,
        "https://learn.microsoft.com/azure/role-based-access-control/built-in-roles",
    ],
    run,
};

/// Roles that may read both the logs and the resources (Azure, *Built-in roles*): Log Analytics Reader and Contributor,
/// Monitoring Reader and Contributor, Reader, Contributor, Owner.
const READERS: [&str; 7] = [
    "73c42c96-874c-492b-b04d-ab87d138a893",
    "92aaf0da-9dab-42b6-94a3-d43ce8d16293",
    "43d0d8ad-25c7-4714-9337-8ba259a9fe05",
    "749f88d5-cbae-40b8-bcfc-e573ddc772fa",
    "acdd72a7-3385-48ef-bd42-f606fba81ae7",
    "b24988ac-6180-42a0-ab88-20f7382dd24c",
    "8e3af657-a8ff-443c-a75c-2fe8c4bcb635",
];

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, |rule| judge(context, rule))
}

/// The assignment that lets a principal, or somebody by this test, read a resource.
fn reads<'a>(
    assignments: &'a [Value],
    resource: &str,
    who: impl Fn(&Value) -> bool,
) -> Option<&'a Value> {
    assignments.iter().find(|assignment| {
        let properties = &assignment["properties"];
        let role = text(properties, "roleDefinitionId")
            .rsplit('/')
            .next()
            .unwrap_or_default();
        who(properties)
            && READERS
                .iter()
                .any(|reader| reader.eq_ignore_ascii_case(role))
            && covers(text(properties, "scope"), resource)
    })
}

fn judge(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let identity = &rule.raw["identity"];
    let kind = text(identity, "type");
    if !kind.to_lowercase().contains("systemassigned") {
        let (why, kind) = match kind {
            "" | "None" => (
                "it has no identity, and runs with the rights of whoever edited it last",
                "None",
            ),
            kind => (
                "its identity is not system-assigned: others can use and lose it",
                kind,
            ),
        };
        return CHECK
            .fail(rule.name, why)
            .seen(rule.object, "identity/type", kind);
    }
    let principal = text(identity, "principalId");
    let assignments = list(context.snapshot, "azureRoleAssignments");
    let own = |properties: &Value| text(properties, "principalId").eq_ignore_ascii_case(principal);
    let group =
        |properties: &Value| text(properties, "principalType").eq_ignore_ascii_case("Group");
    let mut needed: Vec<(&str, &str)> = rule
        .scopes()
        .into_iter()
        .map(|scope| ("the workspace", scope))
        .collect();
    for id in rule.action_groups() {
        needed.push(("the resource group of the action group", resource_group(id)));
    }
    let mut finding = CHECK.pass(
        rule.name,
        "its own identity may read the workspace and the resource group of the action group",
    );
    for (what, resource) in needed {
        if let Some(assignment) = reads(assignments.items, resource, own) {
            finding = finding.seen(
                text(assignment, "id"),
                "roleDefinitionId",
                text(&assignment["properties"], "roleDefinitionId"),
            );
            continue;
        }
        if let Some(missing) = &assignments.missing {
            return CHECK.unread(rule.name, missing);
        }
        if reads(assignments.items, resource, group).is_some() {
            return CHECK.cannot_tell(
                rule.name,
                format!("its identity has no role of its own on {what}; a group has one, and may hold it"),
                "Assign the role to the identity itself, or look into the group.",
            );
        }
        // Assignments are read at the workspaces, with those above: a resource group without a workspace is not seen.
        let seen = list(context.snapshot, "workspaces")
            .items
            .iter()
            .any(|w| covers(resource, text(w, "id")));
        if !seen {
            return CHECK.cannot_tell(
                rule.name,
                format!("role assignments on {what} are not in the input: they are read where a workspace is, and above"),
                "See `az role assignment list --assignee <principal id> --all`, or keep action group and workspace in one resource group.",
            );
        }
        return CHECK
            .fail(rule.name, format!("its identity may not read {what}"))
            .seen(rule.object, "identity/principalId", principal)
            .seen(resource, "roleAssignments", "none for this principal");
    }
    finding.seen(rule.object, "identity/type", kind)
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w9_identity_and_its_roles() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.other("scheduledQueryRules")[0]["identity"] = json!(null);
        world.other("scheduledQueryRules")[1]["identity"]["type"] = json!("UserAssigned");
        world
            .other("azureRoleAssignments")
            .retain(|a| a["properties"]["principalId"] != "id-audit");
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
    }

    #[test]
    fn w9_wider_scope_counts_and_a_group_may_hold_it() {
        let mut world = World::modern();
        world
            .other("azureRoleAssignments")
            .retain(|a| a["properties"]["principalId"] == "id-use");
        world.other("azureRoleAssignments").truncate(1);
        world.other("azureRoleAssignments")[0]["properties"]["scope"] = json!("/subscriptions/s");
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail, Fail]);
        world.other("azureRoleAssignments")[0]["properties"]["principalType"] = json!("Group");
        assert_eq!(world.verdicts(CHECK.id), [Pass, CannotTell, CannotTell]);
    }

    #[test]
    fn w9_resource_group_without_a_workspace_is_not_seen() {
        let mut world = World::modern();
        world.properties("scheduledQueryRules", 0)["actions"]["actionGroups"] =
            json!(["/subscriptions/s/resourceGroups/x/providers/a/b"]);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass, Pass]);
        world.snapshot.other.remove("azureRoleAssignments");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
    }
}
