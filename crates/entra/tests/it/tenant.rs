//! A small tenant with something in every collection that is read.

use serde_json::{Value, json};

pub(crate) const BG1: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
pub(crate) const ADM: &str = "7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6";
pub(crate) const EVE: &str = "7b3e1ade-41c2-4d8a-b6f0-9c5d1e2a44f2";
const BOB: &str = "7b3e1ade-41c2-4d8a-b6f0-9c5d1e2a44ff";
const APP: &str = "7b3e1e7b-41c2-4d8a-b6f0-9c5d1e2a598d";
const GLASS: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";
pub(crate) const ROLES: &str = "7b3e1d2e-41c2-4d8a-b6f0-9c5d1e2a5222";
pub(crate) const STAFF: &str = "7b3e1d53-41c2-4d8a-b6f0-9c5d1e2a52f5";
const INNER: &str = "7b3e1d53-41c2-4d8a-b6f0-9c5d1e2a52ff";
const OTHER: &str = "7b3e1d53-41c2-4d8a-b6f0-9c5d1e2a5200";
pub(crate) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const READER: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
pub(crate) const WORKSPACE: &str =
    "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w1";
const RESOURCES: &str = "/subscriptions/s1/resourceGroups/rg/providers";
const INSIGHTS: &str = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.Insights";
const SENTINEL: &str = "/subscriptions/s1/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/w1/\
    providers/Microsoft.SecurityInsights";

fn person(id: &str, upn: &str, name: &str) -> Value {
    json!({
        "id": id, "userPrincipalName": upn, "displayName": name, "accountEnabled": true, "userType": "Member",
        "creationType": null, "mobilePhone": "+41 44 555 01 42", "onPremisesSyncEnabled": null,
        "signInActivity": {"lastSignInDateTime": "2026-05-01T00:00:00Z"},
        "identities": [{"signInType": "userPrincipalName", "issuer": "contoso.com", "issuerAssignedId": upn}],
        "authentication": {
            "methods": [{"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": "pw"}],
            "requirements": {"perUserMfaState": "disabled"},
        },
        "transitiveMemberOf": [], "registeredDevices": [],
    })
}

fn user_ref(id: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.user", "id": id, "displayName": "Somebody"})
}

fn group_ref(id: &str) -> Value {
    json!({"@odata.type": "#microsoft.graph.group", "id": id, "displayName": "Some group"})
}

fn group(id: &str, members: &[Value]) -> Value {
    json!({"id": id, "displayName": "A group", "groupTypes": [], "isAssignableToRole": null, "members": members})
}

fn assignment(id: &str, principal: &str, role: &str) -> Value {
    json!({"id": id, "principalId": principal, "roleDefinitionId": role, "directoryScopeId": "/",
        "assignmentType": "Assigned", "memberType": "Direct", "startDateTime": null, "endDateTime": null})
}

pub(crate) fn policy(id: &str, include: &[&str], exclude: &[&str]) -> Value {
    json!({"id": id, "displayName": id, "state": "enabled", "grantControls": {"builtInControls": ["mfa"]},
        "conditions": {"users": {"includeUsers": [], "includeGroups": include, "excludeGroups": exclude}}})
}

/// A small tenant with something in every collection.
pub(crate) fn tenant() -> Value {
    let mut account = person(BG1, "bg1@contoso.onmicrosoft.com", "Break Glass 01");
    account["transitiveMemberOf"] = json!([group_ref(GLASS)]);
    account["manager"] = json!({"@odata.type": "#microsoft.graph.user", "id": EVE, "userPrincipalName": "eve@contoso.com"});
    let mut administrator = person(ADM, "adele@contoso.com", "Adele");
    administrator["transitiveMemberOf"] = json!([group_ref(ROLES)]);
    let mut guest = person(
        BOB,
        "bob_fabrikam.com#EXT#@contoso.onmicrosoft.com",
        "Bob Smith",
    );
    guest["userType"] = json!("Guest");
    guest["creationType"] = json!("Invitation");
    let mut staff = group(STAFF, &[user_ref(EVE), group_ref(INNER)]);
    staff["transitiveMembers"] = json!([user_ref(EVE), group_ref(INNER), user_ref(BOB)]);
    json!({
        "tenant": {"id": "6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61", "name": "Contoso"},
        "collections": {
            "organization": [{"id": "6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61", "displayName": "Contoso",
                "verifiedDomains": [], "technicalNotificationMails": ["eve@contoso.com"]}],
            "domains": [
                {"id": "contoso.onmicrosoft.com", "isInitial": true, "authenticationType": "Managed"},
                {"id": "contoso.com", "isInitial": false, "authenticationType": "Federated",
                    "federationConfiguration": [{"id": "f", "federatedIdpMfaBehavior": "rejectMfaByFederatedIdp"}]},
            ],
            "users": [account, administrator, person(EVE, "eve@contoso.com", "Eve Sales"), guest],
            "groups": [
                group(GLASS, &[user_ref(BG1)]), group(ROLES, &[user_ref(ADM)]), staff,
                group(INNER, &[user_ref(BOB)]), group(OTHER, &[user_ref(EVE)]),
            ],
            "roleDefinitions": [
                {"id": GLOBAL, "templateId": GLOBAL, "displayName": "Global Administrator", "isBuiltIn": true,
                    "isPrivileged": true},
                {"id": READER, "templateId": READER, "displayName": "Directory Readers", "isBuiltIn": true,
                    "isPrivileged": false},
            ],
            "roleAssignmentScheduleInstances": [
                assignment("a1", BG1, GLOBAL), assignment("a2", ROLES, GLOBAL), assignment("a3", APP, READER),
            ],
            "roleEligibilityScheduleInstances": [assignment("e1", ADM, READER)],
            "roleAssignmentSchedules": [assignment("s1", BG1, GLOBAL)],
            "roleEligibilitySchedules": [assignment("s2", ADM, READER)],
            "roleManagementPolicyAssignments": [{"id": "p", "scopeId": "/", "roleDefinitionId": GLOBAL, "policy": {
                "id": "p", "lastModifiedBy": {"id": EVE, "displayName": "Eve Sales"}, "rules": [{
                    "id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": true, "approvalStages": [
                        {"primaryApprovers": [{"@odata.type": "#microsoft.graph.singleUser", "userId": EVE,
                            "description": "Eve Sales"}]}]}}]}}],
            "resourceActions": [{"id": "x", "name": "microsoft.directory/users/delete", "authenticationContextId": null}],
            "administrativeUnits": [{"id": "7b3e1e56-41c2-4d8a-b6f0-9c5d1e2a58ba", "displayName": "Protected",
                "isMemberManagementRestricted": true, "members": [user_ref(BG1), group_ref(GLASS)],
                "scopedRoleMembers": [{"id": "s", "roleId": "r", "roleMemberInfo": {"id": EVE, "displayName": "Eve Sales",
                    "userPrincipalName": "eve@contoso.com"}}]}],
            "conditionalAccessPolicies": [policy("c1", &[STAFF], &[GLASS]), policy("c2", &[], &[]), policy("c3", &[], &[])],
            "namedLocations": [{"@odata.type": "#microsoft.graph.ipNamedLocation", "id": "l", "displayName": "Office",
                "isTrusted": true, "ipRanges": []}],
            "authenticationContextClassReferences": [{"id": "c1", "displayName": "Strong", "isAvailable": true}],
            "authenticationStrengthPolicies": [{"id": "00000000-0000-0000-0000-000000000004",
                "allowedCombinations": ["fido2"], "combinationConfigurations": []}],
            "identitySecurityDefaultsEnforcementPolicy": [{"id": "d", "isEnabled": false}],
            "authenticationMethodsPolicy": [{"id": "authenticationMethodsPolicy", "authenticationMethodConfigurations": []}],
            "authorizationPolicy": [{"id": "authorizationPolicy", "allowInvitesFrom": "none"}],
            "accessReviews": [{"id": "r", "createdBy": {"id": EVE, "displayName": "Eve Sales"}}],
            "lifecycleWorkflows": [{"id": "w", "executionConditions": {"scope": {"rule": "x"}}}],
            "riskyUsers": [{"id": BG1, "riskState": "atRisk", "userDisplayName": "Somebody"}, {"id": EVE, "riskState": "none"}],
            "servicePrincipals": [{"id": APP, "appId": "a", "displayName": "Backup job", "accountEnabled": true,
                "servicePrincipalType": "Application", "appOwnerOrganizationId": null}],
            "privilegedAccessGroupAssignmentScheduleInstances": [{"id": "gA", "groupId": GLASS, "principalId": BG1,
                "accessId": "member"}],
            "privilegedAccessGroupEligibilityScheduleInstances": [{"id": "gE", "groupId": GLASS, "principalId": BG1,
                "accessId": "member"}],
            "appRoleAssignments": [{"id": "ar", "appRoleId": "741f803b-c850-494e-b5df-cde7c675a1ca", "principalId": APP,
                "principalType": "ServicePrincipal", "principalDisplayName": "Backup job", "resourceId": APP,
                "createdDateTime": null}],
            "userRegistrationDetails": [{"id": EVE, "isMfaCapable": true, "methodsRegistered": ["mobilePhone"],
                "userPrincipalName": "eve@contoso.com", "userDisplayName": "Eve Sales"}],
            "diagnosticSettings": [{"id": "/providers/microsoft.aadiam/diagnosticSettings/x", "name": "x",
                "properties": {"storageAccountId": format!("{RESOURCES}/Microsoft.Storage/storageAccounts/logs")}}],
            "subscriptions": [{"id": "/subscriptions/s1", "subscriptionId": "s1"}],
            "workspaces": [{"id": WORKSPACE, "properties": {"customerId": "c-1"},
                "systemData": {"createdBy": "eve@contoso.com"}}],
            "workspaceTables": [{"id": format!("{WORKSPACE}/tables/AuditLogs"), "name": "AuditLogs",
                "properties": {"retentionInDays": 90}}],
            "scheduledQueryRules": [{"id": format!("{INSIGHTS}/scheduledQueryRules/r"), "name": "r",
                "systemData": {"lastModifiedBy": "eve@contoso.com"}, "properties": {"severity": 0}}],
            "ruleHealth": [{
                "id": format!(
                    "{INSIGHTS}/scheduledQueryRules/r/providers/Microsoft.ResourceHealth/availabilityStatuses/current"
                ),
                "properties": {"availabilityState": "Available"}}],
            "actionGroups": [{"id": format!("{INSIGHTS}/actionGroups/a"), "name": "a"}],
            "actionRules": [{"id": format!("{RESOURCES}/Microsoft.AlertsManagement/actionRules/m"), "name": "m"}],
            "activityLogAlerts": [{"id": format!("{INSIGHTS}/activityLogAlerts/w"), "name": "w"}],
            "locks": [{"id": format!("{RESOURCES}/Microsoft.Authorization/locks/k"), "name": "k",
                "properties": {"level": "CanNotDelete"}}],
            "azureRoleAssignments": [{"id": format!("{WORKSPACE}/providers/Microsoft.Authorization/roleAssignments/o"),
                "properties": {"principalId": APP, "scope": WORKSPACE}}],
            "onboardingStates": [{"id": format!("{SENTINEL}/onboardingStates/default"), "workspaceId": WORKSPACE}],
            "alertRules": [{"id": format!("{SENTINEL}/alertRules/s"), "name": "s",
                "properties": {"query": "SigninLogs | where UserId in (_GetWatchlist('glass'))"}}],
            "automationRules": [{"id": format!("{SENTINEL}/automationRules/t"), "name": "t", "properties": {"actions": [
                {"actionType": "ModifyProperties", "actionConfiguration": {"status": "Active", "owner": {"objectId": EVE,
                    "assignedTo": "Eve Sales", "email": "eve@contoso.com", "userPrincipalName": "eve@contoso.com"}}}]}}],
            "watchlists": [{"id": format!("{SENTINEL}/watchlists/glass"), "name": "glass",
                "properties": {"watchlistAlias": "glass"}}],
            "watchlistItems": [
                {"id": format!("{SENTINEL}/watchlists/glass/watchlistItems/1"), "name": "1",
                    "properties": {"itemsKeyValue": {"Id": BG1, "Note": "of Eve Sales"}}},
                {"id": format!("{SENTINEL}/watchlists/glass/watchlistItems/2"), "name": "2",
                    "properties": {"itemsKeyValue": {"Id": EVE}}},
            ],
            "alerts": [{"id": "/subscriptions/s1/providers/Microsoft.AlertsManagement/alerts/f", "name": "f",
                "properties": {"essentials": {"alertRule": format!("{INSIGHTS}/scheduledQueryRules/r"),
                    "severity": "Sev0", "lastModifiedUserName": "Eve Sales"}}}],
            "activityLog": [{"id": "d", "caller": "eve@contoso.com", "resourceId": format!("{INSIGHTS}/actionGroups/a"),
                "operationName": {"value": "Microsoft.Insights/ActionGroups/Write"}, "status": {"value": "Succeeded"}}],
            "logDestinations": [{"id": format!("{RESOURCES}/Microsoft.Storage/storageAccounts/logs"), "name": "logs"}],
        },
    })
}
