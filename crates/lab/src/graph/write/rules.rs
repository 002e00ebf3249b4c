//! Rules of a role's settings in Privileged Identity Management (Microsoft Graph, *unifiedRoleManagementPolicyRule*).

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, items, merge, new_id, same, text},
    rights,
};
use crate::{
    audit::{Modified, Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

const ASSIGNMENTS: &str = "roleManagementPolicyAssignments";
const MFA: &str = "MultiFactorAuthentication";

pub(super) fn update(ctx: &mut Context<'_>, policy_id: &str, rule_id: &str, body: &Object) -> Done {
    if ctx.rights.app_only {
        // Microsoft lists application permissions as not supported for the rules of directory roles. The message of
        // this service is itself JSON.
        let message = json!({"errorCode": "PermissionScopeNotGranted",
            "message": "Authorization failed due to missing permission scope RoleManagementPolicy.ReadWrite.Directory.",
            "instanceAnnotations": []});
        return Err(ApiError::new(403, "UnknownError", message.to_string()));
    }
    ctx.allow(rights::MANAGE_ROLES)?;
    let mut assignment = ctx
        .state
        .table(ASSIGNMENTS)
        .all()
        .find(|row| {
            let own = row
                .get("policy")
                .map(|policy| text(policy, "id"))
                .unwrap_or_default();
            same(own, policy_id) || same(text(row, "policyId"), policy_id)
        })
        .cloned()
        .ok_or_else(|| ApiError::not_found(policy_id))?;
    let mut rules = assignment
        .get("policy")
        .map(|policy| items(policy, "rules").to_vec())
        .unwrap_or_default();
    let place = rules
        .iter()
        .position(|rule| same(text(rule, "id"), rule_id))
        .ok_or_else(|| ApiError::not_found(rule_id))?;
    // What an empty target does to a policy: it is taken, and the other rules can't be changed any more.
    let broken = rules.iter().any(|rule| {
        rule.get("target")
            .and_then(Value::as_object)
            .is_some_and(Object::is_empty)
    });
    if broken {
        return Err(bad_rule(&format!(
            "The policy rule id '{rule_id}' is invalid."
        )));
    }
    let kind = body
        .get("@odata.type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if kind.is_empty() {
        return Err(bad_rule(
            "The property '@odata.type' is required to update a policy rule.",
        ));
    }
    let old = rules[place].clone();
    let own = text(&old, "@odata.type");
    if !own.is_empty() && !same(own, kind) {
        return Err(bad_rule(&format!(
            "The policy rule '{rule_id}' is not of the type '{kind}'."
        )));
    }
    let mut rule = old.clone();
    // Nested values are replaced as a whole: a rule is to be read, changed and written back.
    if let Some(rule) = rule.as_object_mut() {
        rule.extend(body.clone());
    }
    merge(&mut rule, &json!({"id": text(&old, "id")}));
    rules[place] = rule.clone();
    check(&rules)?;
    merge(
        &mut assignment,
        &json!({"policy": {"rules": rules, "lastModifiedDateTime": stamp(ctx.now)}}),
    );
    let held_by = text(&assignment, "roleDefinitionId").to_owned();
    ctx.put(ASSIGNMENTS, assignment);
    let definition = ctx
        .get("roleDefinitions", &held_by)
        .unwrap_or_else(|_| json!({"id": held_by}));
    let target = Target::object("Role", &definition).with([Modified::new(rule_id, &old, &rule)]);
    ctx.log(
        Service::Pim,
        "RoleManagement",
        "Update role setting in PIM",
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

/// What Privileged Identity Management sets for a role that is new: Microsoft's defaults, seventeen rules.
pub(super) fn of_new_role(ctx: &mut Context<'_>, holder: &str) {
    let tenant = ctx.state.tenant.clone();
    let policy = format!("DirectoryRole_{tenant}_{}", new_id());
    let target = |caller: &str, level: &str| json!({"caller": caller, "operations": ["All"], "level": level, "inheritableSettings": [], "enforcedSettings": []});
    let made = |kind: &str, id: &str, caller: &str, level: &str, own: Value| {
        let mut whole = json!({
            "@odata.type": format!("#microsoft.graph.unifiedRoleManagementPolicy{kind}Rule"),
            "id": id, "target": target(caller, level),
        });
        merge(&mut whole, &own);
        whole
    };
    let expiry = |required: bool, most: &str| json!({"isExpirationRequired": required, "maximumDuration": most});
    let mut rules = vec![
        made(
            "Expiration",
            "Expiration_Admin_Eligibility",
            "Admin",
            "Eligibility",
            expiry(false, "P365D"),
        ),
        made(
            "Expiration",
            "Expiration_Admin_Assignment",
            "Admin",
            "Assignment",
            expiry(false, "P180D"),
        ),
        made(
            "Expiration",
            "Expiration_EndUser_Assignment",
            "EndUser",
            "Assignment",
            expiry(true, "PT8H"),
        ),
        made(
            "Enablement",
            "Enablement_Admin_Eligibility",
            "Admin",
            "Eligibility",
            json!({"enabledRules": []}),
        ),
        made(
            "Enablement",
            "Enablement_Admin_Assignment",
            "Admin",
            "Assignment",
            json!({"enabledRules": [MFA, "Justification"]}),
        ),
        made(
            "Enablement",
            "Enablement_EndUser_Assignment",
            "EndUser",
            "Assignment",
            json!({"enabledRules": [MFA, "Justification"]}),
        ),
        made(
            "Approval",
            "Approval_EndUser_Assignment",
            "EndUser",
            "Assignment",
            json!({"setting": {
            "isApprovalRequired": false, "isApprovalRequiredForExtension": false, "isRequestorJustificationRequired": true,
            "approvalMode": "SingleStage", "approvalStages": [{"approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true,
                "escalationTimeInMinutes": 0, "isEscalationEnabled": false, "escalationApprovers": [], "primaryApprovers": []}]}}),
        ),
        made(
            "AuthenticationContext",
            "AuthenticationContext_EndUser_Assignment",
            "EndUser",
            "Assignment",
            json!({"isEnabled": false, "claimValue": ""}),
        ),
    ];
    for recipient in ["Admin", "Requestor", "Approver"] {
        for (caller, level) in [
            ("Admin", "Eligibility"),
            ("Admin", "Assignment"),
            ("EndUser", "Assignment"),
        ] {
            let id = format!("Notification_{recipient}_{caller}_{level}");
            rules.push(made("Notification", &id, caller, level, json!({
                "notificationType": "Email", "recipientType": recipient, "notificationLevel": "All",
                "isDefaultRecipientsEnabled": true, "notificationRecipients": [],
            })));
        }
    }
    ctx.put(
        ASSIGNMENTS,
        json!({
            "id": format!("{policy}_{holder}"), "policyId": policy, "scopeId": "/", "scopeType": "DirectoryRole", "roleDefinitionId": holder,
            "policy": {"id": policy, "displayName": "DirectoryRole", "description": "DirectoryRole", "isOrganizationDefault": false,
                "scopeId": "/", "scopeType": "DirectoryRole", "rules": rules},
        }),
    );
}

/// Asking for multifactor authentication and for an authentication context exclude each other.
fn check(rules: &[Value]) -> Result<(), ApiError> {
    let asks_mfa = rules.iter().any(|rule| {
        same(text(rule, "id"), "Enablement_EndUser_Assignment")
            && items(rule, "enabledRules").iter().any(|own| own == MFA)
    });
    let asks_context = rules.iter().any(|rule| {
        same(text(rule, "id"), "AuthenticationContext_EndUser_Assignment")
            && rule.get("isEnabled").and_then(Value::as_bool) == Some(true)
    });
    if asks_mfa && asks_context {
        return Err(bad_rule(
            "Multifactor authentication and an authentication context cannot both be required for activation.",
        ));
    }
    Ok(())
}

fn bad_rule(message: &str) -> ApiError {
    ApiError::new(400, "InvalidPolicy", message)
}
