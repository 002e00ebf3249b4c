//! What stands before an administrator's power: activation of the role, and protected actions.

use breakglass_model::TenantSnapshot;
use serde_json::Value;

use super::environment::{list, text, texts};
use crate::identity::{Fact, fold};

/// What the activation of a role asks for (Microsoft Graph: `unifiedRoleManagementPolicy`).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ActivationRules {
    /// Multifactor authentication.
    pub mfa: bool,
    /// An authentication context, by its claim (`c1`).
    pub context: Option<String>,
    /// Somebody else's approval.
    pub approval: bool,
    /// Users and groups who may approve, by id. With approval and none of them, the active Global and
    /// Privileged Role Administrators do.
    pub approvers: Vec<String>,
}

/// An operation that asks for an authentication context.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct ProtectedAction {
    /// Name of the operation (`microsoft.directory/conditionalAccessPolicies/delete`).
    pub action: String,
    /// The context (`c1`).
    pub context: String,
}

/// The activation rules of a role of the directory.
pub(super) fn rules(snapshot: &TenantSnapshot, role: &str) -> Fact<ActivationRules> {
    let is_role = |raw: &&Value| {
        text(raw, "roleDefinitionId").is_some_and(|id| fold(id) == role)
            && text(raw, "scopeId").is_none_or(|scope| scope == "/")
    };
    let Some(assignment) = list(snapshot, "roleManagementPolicyAssignments")
        .iter()
        .find(is_role)
    else {
        return Fact::Unknown(
            "the rules for activating the role are not in the input \
             (policies/roleManagementPolicyAssignments with its policy and rules)"
                .to_owned(),
        );
    };
    let by_id =
        |raw: &&Value| text(raw, "id").is_some_and(|id| Some(id) == text(assignment, "policyId"));
    let policy = assignment
        .get("policy")
        .filter(|policy| policy.get("rules").is_some())
        .or_else(|| list(snapshot, "roleManagementPolicies").iter().find(by_id));
    let Some(Value::Array(items)) = policy.and_then(|policy| policy.get("rules")) else {
        return Fact::Unknown(
            "the rules of the policy for activating the role are not in the input".to_owned(),
        );
    };
    let mut rules = ActivationRules::default();
    for rule in items {
        match text(rule, "id").unwrap_or_default() {
            "Enablement_EndUser_Assignment" => {
                rules.mfa = texts(rule, "enabledRules")
                    .any(|name| name.eq_ignore_ascii_case("MultiFactorAuthentication"));
            }
            "AuthenticationContext_EndUser_Assignment" => {
                let enabled = rule.get("isEnabled").and_then(Value::as_bool) == Some(true);
                rules.context = text(rule, "claimValue")
                    .filter(|_| enabled)
                    .map(str::to_owned);
            }
            "Approval_EndUser_Assignment" => approval(rule, &mut rules),
            _ => {}
        }
    }
    Fact::Known(rules)
}

fn approval(rule: &Value, rules: &mut ActivationRules) {
    let Some(setting) = rule.get("setting") else {
        return;
    };
    rules.approval = setting.get("isApprovalRequired").and_then(Value::as_bool) == Some(true);
    let stages = setting.get("approvalStages").and_then(Value::as_array);
    for approver in stages
        .into_iter()
        .flatten()
        .filter_map(|stage| stage.get("primaryApprovers")?.as_array())
        .flatten()
    {
        let id = ["userId", "groupId", "id"]
            .iter()
            .find_map(|key| text(approver, key));
        rules.approvers.extend(id.map(fold));
    }
}

/// Operations with a context, where the snapshot holds `resourceActions`.
pub(super) fn protected(snapshot: &TenantSnapshot) -> Fact<Vec<ProtectedAction>> {
    let Some(actions) = snapshot.other.get("resourceActions") else {
        return Fact::Unknown(
            "protected actions are not in the input \
             (roleManagement/directory/resourceNamespaces/<id>/resourceActions)"
                .to_owned(),
        );
    };
    let mut protected: Vec<ProtectedAction> = actions
        .iter()
        .filter_map(|raw| {
            Some(ProtectedAction {
                action: text(raw, "name").or_else(|| text(raw, "id"))?.to_owned(),
                context: text(raw, "authenticationContextId")?.to_owned(),
            })
        })
        .collect();
    protected.sort();
    Fact::Known(protected)
}
