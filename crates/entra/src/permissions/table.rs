//! The table. See the module above for what the columns mean.

use super::Need;
use crate::Service;

/// Commands that read a connected tenant.
const READ: &[&str] = &["collect", "check", "lockout"];
/// Those, and the monitor, which follows the same objects.
const FOLLOW: &[&str] = &["collect", "check", "lockout", "watch"];
const CHECK: &[&str] = &["collect", "check"];
const APPLY: &[&str] = &["apply"];
/// A key is registered by a command of its own, with the identity that writes.
const ENROLL: &[&str] = &["apply", "key enroll"];

macro_rules! graph {
    ($collection:literal, $call:literal, [$($permission:literal),+], $role:literal, $why:literal, $by:expr) => {
        Need {
            collection: $collection,
            service: Service::Graph,
            call: $call,
            application: &[$($permission),+],
            delegated: &[$($permission),+],
            role: $role,
            why: $why,
            used_by: $by,
        }
    };
}

macro_rules! azure {
    ($service:ident, $collection:literal, $call:literal, $role:literal, $why:literal, $by:expr) => {
        Need {
            collection: $collection,
            service: Service::$service,
            call: $call,
            application: &[$role],
            delegated: &[],
            role: $role,
            why: $why,
            used_by: $by,
        }
    };
}

/// The whole table, in the order in which `collect` reads.
pub const fn all() -> &'static [Need] {
    TABLE
}

const TABLE: &[Need] = &[
    graph!(
        "organization",
        "GET /organization",
        ["Organization.Read.All"],
        "",
        "the tenant's id and name, its domains and licences",
        FOLLOW
    ),
    graph!(
        "domains",
        "GET /domains, /domains/{id}/federationConfiguration",
        ["Domain.Read.All"],
        "",
        "whether an account depends on an identity provider elsewhere",
        READ
    ),
    graph!(
        "conditionalAccessPolicies",
        "GET beta /identity/conditionalAccess/policies",
        ["Policy.Read.All"],
        "Security Reader",
        "what a sign-in has to meet",
        FOLLOW
    ),
    graph!(
        "namedLocations",
        "GET beta /identity/conditionalAccess/namedLocations",
        ["Policy.Read.All"],
        "Security Reader",
        "places that policies name",
        READ
    ),
    graph!(
        "authenticationStrengthPolicies",
        "GET /policies/authenticationStrengthPolicies",
        ["Policy.Read.AuthenticationMethod"],
        "Security Reader",
        "methods that policies ask for",
        READ
    ),
    graph!(
        "authenticationContextClassReferences",
        "GET /identity/conditionalAccess/authenticationContextClassReferences",
        ["Policy.Read.All"],
        "Security Reader",
        "contexts that roles and protected actions ask for",
        READ
    ),
    graph!(
        "identitySecurityDefaultsEnforcementPolicy",
        "GET /policies/identitySecurityDefaultsEnforcementPolicy",
        ["Policy.Read.All"],
        "Security Reader",
        "whether security defaults stand in for policies",
        READ
    ),
    graph!(
        "authenticationMethodsPolicy",
        "GET /policies/authenticationMethodsPolicy",
        ["Policy.Read.AuthenticationMethod"],
        "Global Reader",
        "methods that work at all, and for whom",
        READ
    ),
    graph!(
        "authorizationPolicy",
        "GET /policies/authorizationPolicy",
        ["Policy.Read.All"],
        "Security Reader",
        "what ordinary users may do",
        CHECK
    ),
    graph!(
        "roleDefinitions",
        "GET beta /roleManagement/directory/roleDefinitions",
        ["RoleManagement.Read.Directory"],
        "Directory Readers",
        "roles, custom ones too, and which of them are privileged",
        READ
    ),
    graph!(
        "roleAssignmentScheduleInstances",
        "GET /roleManagement/directory/roleAssignmentScheduleInstances",
        ["RoleAssignmentSchedule.Read.Directory"],
        "Global Reader",
        "who has a role now, and until when",
        READ
    ),
    graph!(
        "roleAssignments",
        "GET /roleManagement/directory/roleAssignments",
        ["RoleManagement.Read.Directory"],
        "Directory Readers",
        "who has a role, where Privileged Identity Management cannot be read",
        READ
    ),
    graph!(
        "roleEligibilityScheduleInstances",
        "GET /roleManagement/directory/roleEligibilityScheduleInstances",
        ["RoleEligibilitySchedule.Read.Directory"],
        "Global Reader",
        "who can activate a role",
        READ
    ),
    graph!(
        "roleAssignmentSchedules",
        "GET /roleManagement/directory/roleAssignmentSchedules",
        ["RoleAssignmentSchedule.Read.Directory"],
        "Global Reader",
        "when an active role was given, and how",
        CHECK
    ),
    graph!(
        "roleEligibilitySchedules",
        "GET /roleManagement/directory/roleEligibilitySchedules",
        ["RoleEligibilitySchedule.Read.Directory"],
        "Global Reader",
        "when an eligible role was given, and how",
        CHECK
    ),
    Need {
        collection: "roleManagementPolicyAssignments",
        service: Service::Graph,
        call: "GET /policies/roleManagementPolicyAssignments",
        // The permission of that name does not count for an application that acts for itself.
        application: &["RoleManagement.Read.Directory"],
        delegated: &["RoleManagementPolicy.Read.Directory"],
        role: "Global Reader",
        why: "what activating a role asks for, and who approves",
        used_by: READ,
    },
    graph!(
        "resourceActions",
        "GET beta /roleManagement/directory/resourceNamespaces/microsoft.directory/resourceActions",
        ["RoleManagement.Read.Directory"],
        "Directory Readers",
        "operations that ask for a context",
        READ
    ),
    graph!(
        "administrativeUnits",
        "GET /directory/administrativeUnits, …/{id}/members",
        ["AdministrativeUnit.Read.All"],
        "",
        "units that protect accounts and groups",
        READ
    ),
    graph!(
        "administrativeUnits/scopedRoleMembers",
        "GET /directory/administrativeUnits/{id}/scopedRoleMembers",
        ["RoleManagement.Read.Directory"],
        "Directory Readers",
        "who manages what is protected",
        CHECK
    ),
    graph!(
        "accessReviews",
        "GET /identityGovernance/accessReviews/definitions",
        ["AccessReview.Read.All"],
        "Global Reader",
        "reviews that could take a role or membership away",
        CHECK
    ),
    graph!(
        "lifecycleWorkflows",
        "GET /identityGovernance/lifecycleWorkflows/workflows",
        ["LifecycleWorkflows.Read.All"],
        "Global Reader",
        "workflows that could disable an account",
        CHECK
    ),
    graph!(
        "users",
        "GET /users",
        ["User.Read.All"],
        "",
        "accounts, and who is a guest of what kind",
        FOLLOW
    ),
    graph!(
        "users/signInActivity",
        "GET /users/{id}?$select=signInActivity",
        ["AuditLog.Read.All", "User.Read.All"],
        "Reports Reader",
        "when an account was last used",
        CHECK
    ),
    graph!(
        "users/authentication/methods",
        "GET beta /users/{id}/authentication/methods",
        ["UserAuthenticationMethod.Read.All"],
        "Global Reader",
        "keys and other methods of an account",
        READ
    ),
    graph!(
        "users/authentication/requirements",
        "GET beta /users/{id}/authentication/requirements",
        ["Policy.Read.AuthenticationMethod"],
        "Global Reader",
        "whether MFA is set for this single user",
        READ
    ),
    graph!(
        "riskyUsers",
        "GET /identityProtection/riskyUsers/{id}",
        ["IdentityRiskyUser.Read.All"],
        "Security Reader",
        "whether Microsoft thinks that an account is in somebody else's hands",
        CHECK
    ),
    graph!(
        "users/transitiveMemberOf",
        "GET /users/{id}/transitiveMemberOf",
        ["GroupMember.Read.All", "User.Read.All"],
        "",
        "groups and roles of an account",
        READ
    ),
    graph!(
        "users/registeredDevices",
        "GET /users/{id}/registeredDevices",
        ["Device.Read.All", "User.Read.All"],
        "",
        "devices that a policy could ask for",
        READ
    ),
    graph!(
        "users/manager",
        "GET /users/{id}/manager",
        ["User.Read.All"],
        "",
        "whether an account belongs to a person",
        CHECK
    ),
    graph!(
        "groups",
        "GET /groups/{id}",
        ["GroupMember.Read.All"],
        "",
        "groups that policies, roles and units name",
        READ
    ),
    graph!(
        "groups/members",
        "GET /groups/{id}/members, …/transitiveMembers",
        ["GroupMember.Read.All"],
        "",
        "who is in these groups",
        READ
    ),
    graph!(
        "groups/owners",
        "GET /groups/{id}/owners",
        ["GroupMember.Read.All"],
        "",
        "who can change the members of the group of the accounts",
        CHECK
    ),
    graph!(
        "privilegedAccessGroupAssignmentScheduleInstances",
        "GET /identityGovernance/privilegedAccess/group/assignmentScheduleInstances",
        ["PrivilegedAssignmentSchedule.Read.AzureADGroup"],
        "Global Reader",
        "whether the group of the accounts is managed by activation",
        CHECK
    ),
    graph!(
        "privilegedAccessGroupEligibilityScheduleInstances",
        "GET /identityGovernance/privilegedAccess/group/eligibilityScheduleInstances",
        ["PrivilegedEligibilitySchedule.Read.AzureADGroup"],
        "Global Reader",
        "whether the group of the accounts is managed by activation",
        CHECK
    ),
    graph!(
        "servicePrincipals",
        "GET /servicePrincipals/{id}",
        ["Application.Read.All"],
        "",
        "applications that hold roles or that policies name",
        READ
    ),
    graph!(
        "servicePrincipals/customSecurityAttributes",
        "GET /servicePrincipals?$select=customSecurityAttributes",
        [
            "Application.Read.All",
            "CustomSecAttributeAssignment.Read.All"
        ],
        "Attribute Assignment Reader",
        "applications that a policy picks by attribute",
        &["collect", "lockout"]
    ),
    graph!(
        "appRoleAssignments",
        "GET /servicePrincipals/{id}/appRoleAssignedTo",
        ["Application.Read.All"],
        "",
        "applications that can change accounts, groups or policies",
        CHECK
    ),
    graph!(
        "userRegistrationDetails",
        "GET /reports/authenticationMethods/userRegistrationDetails",
        ["AuditLog.Read.All"],
        "Reports Reader",
        "classes of methods of ordinary users",
        READ
    ),
    azure!(
        Arm,
        "diagnosticSettings",
        "GET /providers/microsoft.aadiam/diagnosticSettings",
        "Security Reader (Entra)",
        "where the logs of the directory go",
        CHECK
    ),
    azure!(
        Arm,
        "subscriptions",
        "GET /subscriptions",
        "Reader",
        "where alert rules can be",
        CHECK
    ),
    azure!(
        Arm,
        "workspaces",
        "GET …/Microsoft.OperationalInsights/workspaces",
        "Log Analytics Reader",
        "whether logs arrive, and are capped",
        CHECK
    ),
    azure!(
        Arm,
        "workspaceTables",
        "GET …/workspaces/{name}/tables/{table}",
        "Log Analytics Reader",
        "whether alert rules can query the table",
        CHECK
    ),
    azure!(
        Arm,
        "scheduledQueryRules",
        "GET …/Microsoft.Insights/scheduledQueryRules",
        "Monitoring Reader",
        "rules that announce a use",
        CHECK
    ),
    azure!(
        Arm,
        "actionGroups",
        "GET …/Microsoft.Insights/actionGroups",
        "Monitoring Reader",
        "who is told",
        CHECK
    ),
    azure!(
        Arm,
        "actionRules",
        "GET …/Microsoft.AlertsManagement/actionRules",
        "Monitoring Reader",
        "rules that keep an alert from being sent",
        CHECK
    ),
    azure!(
        Arm,
        "activityLogAlerts",
        "GET …/Microsoft.Insights/activityLogAlerts",
        "Monitoring Reader",
        "rules that announce tampering",
        CHECK
    ),
    azure!(
        Arm,
        "locks",
        "GET …/Microsoft.Authorization/locks",
        "Reader",
        "what keeps rules and workspace from being deleted",
        CHECK
    ),
    azure!(
        Arm,
        "ruleHealth",
        "GET {rule}/providers/Microsoft.ResourceHealth/availabilityStatuses/current",
        "Monitoring Reader",
        "whether Azure can run the rules",
        CHECK
    ),
    azure!(
        Arm,
        "alerts",
        "GET …/Microsoft.AlertsManagement/alerts",
        "Monitoring Reader",
        "alerts that fired, and whether one was suppressed",
        CHECK
    ),
    azure!(
        Arm,
        "activityLog",
        "GET …/Microsoft.Insights/eventtypes/management/values",
        "Monitoring Reader",
        "what was done to rules and receivers",
        CHECK
    ),
    azure!(
        Arm,
        "logDestinations",
        "GET {event hub, rule, storage account}",
        "Reader",
        "whether the places that logs go to are there",
        CHECK
    ),
    azure!(
        Arm,
        "azureRoleAssignments",
        "GET {workspace}/…/Microsoft.Authorization/roleAssignments",
        "Reader",
        "whether a rule may read its workspace, and who could tamper with it",
        CHECK
    ),
    azure!(
        Arm,
        "onboardingStates",
        "GET {workspace}/…/Microsoft.SecurityInsights/onboardingStates/default",
        "Microsoft Sentinel Reader",
        "whether Microsoft Sentinel is there",
        CHECK
    ),
    azure!(
        Arm,
        "alertRules",
        "GET {workspace}/…/Microsoft.SecurityInsights/alertRules",
        "Microsoft Sentinel Reader",
        "rules of Microsoft Sentinel",
        CHECK
    ),
    azure!(
        Arm,
        "automationRules",
        "GET {workspace}/…/Microsoft.SecurityInsights/automationRules",
        "Microsoft Sentinel Reader",
        "rules that close or silence an incident",
        CHECK
    ),
    azure!(
        Arm,
        "watchlists",
        "GET {workspace}/…/Microsoft.SecurityInsights/watchlists",
        "Microsoft Sentinel Reader",
        "lists that rules look accounts up in",
        CHECK
    ),
    azure!(
        Arm,
        "watchlistItems",
        "GET {watchlist}/watchlistItems",
        "Microsoft Sentinel Reader",
        "whether the accounts stand on the lists that rules read",
        CHECK
    ),
    azure!(
        Logs,
        "workspaceFreshness",
        "POST /v1/workspaces/{id}/query",
        "Log Analytics Reader",
        "when the last record of each table arrived",
        CHECK
    ),
    graph!(
        "signIns",
        "GET /auditLogs/signIns",
        ["AuditLog.Read.All", "Policy.Read.ConditionalAccess"],
        "Reports Reader",
        "uses of the accounts, with the policies that they met",
        &["watch"]
    ),
    graph!(
        "directoryAudits",
        "GET /auditLogs/directoryAudits",
        ["AuditLog.Read.All"],
        "Reports Reader",
        "acts by the accounts, and changes of what guards them",
        &["watch"]
    ),
    graph!(
        "whatIf",
        "POST /identity/conditionalAccess/evaluate",
        ["Policy.Read.ConditionalAccess"],
        "Security Reader",
        "Microsoft's own answer beside ours",
        &["lockout"]
    ),
    graph!(
        "write: users",
        "POST /users, PATCH /users/{id}",
        ["User.ReadWrite.All"],
        "Privileged Authentication Administrator",
        "makes the accounts",
        APPLY
    ),
    graph!(
        "write: passkeys",
        "POST /users/{id}/authentication/fido2Methods",
        ["UserAuthMethod-Passkey.ReadWrite.All"],
        "Privileged Authentication Administrator",
        "registers keys (`key enroll`)",
        ENROLL
    ),
    graph!(
        "write: groups",
        "POST /groups, POST /groups/{id}/members/$ref",
        ["Group.ReadWrite.All", "RoleManagement.ReadWrite.Directory"],
        "Privileged Role Administrator",
        "makes the role-assignable group",
        APPLY
    ),
    graph!(
        "write: administrativeUnits",
        "POST /directory/administrativeUnits, POST …/{id}/members/$ref",
        ["AdministrativeUnit.ReadWrite.All"],
        "Privileged Role Administrator",
        "makes the restricted unit",
        APPLY
    ),
    graph!(
        "write: roleAssignments",
        "POST /roleManagement/directory/roleAssignmentScheduleRequests, POST …/roleDefinitions",
        ["RoleManagement.ReadWrite.Directory"],
        "Privileged Role Administrator",
        "gives the role, permanently; makes the keeper role",
        APPLY
    ),
    graph!(
        "write: roleEligibilityScheduleRequests",
        "POST /roleManagement/directory/roleEligibilityScheduleRequests",
        ["RoleEligibilitySchedule.ReadWrite.Directory"],
        "Privileged Role Administrator",
        "makes keepers eligible",
        APPLY
    ),
    graph!(
        "write: conditionalAccessPolicies",
        "POST /identity/conditionalAccess/policies, PATCH …/{id}",
        [
            "Application.Read.All",
            "Policy.Read.All",
            "Policy.ReadWrite.ConditionalAccess"
        ],
        "Conditional Access Administrator",
        "excludes the accounts, and makes their own policy",
        APPLY
    ),
    graph!(
        "write: authenticationStrengthPolicies",
        "POST /policies/authenticationStrengthPolicies",
        ["Policy.ReadWrite.ConditionalAccess"],
        "Conditional Access Administrator",
        "makes the strength of the accounts' keys",
        APPLY
    ),
    graph!(
        "write: users/authentication/methods",
        "DELETE /users/{id}/authentication/{kind}Methods/{id}",
        ["UserAuthenticationMethod.ReadWrite.All"],
        "Privileged Authentication Administrator",
        "removes weak methods that stand beside the keys",
        APPLY
    ),
    Need {
        collection: "write: roleManagementPolicies",
        service: Service::Graph,
        call: "PATCH /policies/roleManagementPolicies/{id}/rules/{id}",
        // Microsoft lists application permissions as not supported for the rules of directory roles.
        application: &[],
        delegated: &["RoleManagementPolicy.ReadWrite.Directory"],
        role: "Privileged Role Administrator",
        why: "how the keeper role is activated",
        used_by: APPLY,
    },
    Need {
        collection: "write: authenticationMethodsPolicy",
        service: Service::Graph,
        call: "PATCH /policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2",
        // An application that holds it decides how everybody signs in: none is given it, a person signs in for it.
        application: &[],
        delegated: &["Policy.ReadWrite.AuthenticationMethod"],
        role: "Authentication Policy Administrator",
        why: "lets the accounts' keys in",
        used_by: APPLY,
    },
    Need {
        collection: "write: authorizationPolicy",
        service: Service::Graph,
        call: "PATCH /policies/authorizationPolicy",
        // An application that holds it decides what every user and guest may do: none is given it, a person signs in for it.
        application: &[],
        delegated: &["Policy.ReadWrite.Authorization"],
        role: "Privileged Role Administrator",
        why: "keeps administrators from resetting their passwords, and users from consenting to any application",
        used_by: APPLY,
    },
    Need {
        collection: "write: identitySecurityDefaultsEnforcementPolicy",
        service: Service::Graph,
        call: "PATCH /policies/identitySecurityDefaultsEnforcementPolicy",
        application: &[],
        delegated: &["Policy.ReadWrite.SecurityDefaults"],
        role: "Conditional Access Administrator",
        why: "switches security defaults off where policies do what they do",
        used_by: APPLY,
    },
    azure!(
        Arm,
        "write: diagnosticSettings",
        "PUT /providers/microsoft.aadiam/diagnosticSettings/{name}",
        "Contributor",
        "sends the logs to the workspace (at the scope /providers/Microsoft.aadiam)",
        APPLY
    ),
    azure!(
        Arm,
        "write: eventHubKeys",
        "POST {authorization rule}/listKeys",
        "Contributor",
        "sends the logs to an event hub too (at its authorization rule)",
        APPLY
    ),
    azure!(
        Arm,
        "write: workspaces",
        "PATCH …/workspaces/{name}, PATCH …/workspaces/{name}/tables/{table}",
        "Log Analytics Contributor",
        "takes a daily cap off, keeps records long enough (at the workspace)",
        APPLY
    ),
    azure!(
        Arm,
        "write: alerts",
        "PUT …/scheduledQueryRules/{name}, PUT …/actionGroups/{name}, PUT …/activityLogAlerts/{name}",
        "Monitoring Contributor",
        "makes alert rules and receivers (at the resource group of the workspace)",
        APPLY
    ),
    azure!(
        Arm,
        "write: azureRoleAssignments",
        "PUT …/roleAssignments/{id}",
        "Role Based Access Control Administrator",
        "lets the rules read (at the resource group of the workspace)",
        APPLY
    ),
];
