//! The table: what reading a path needs.

use super::{APPLICATIONS, DEVICES, GROUPS, Need};

/// Template id of Global Administrator.
pub(super) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
const SECURITY_ADMIN: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
const SECURITY_OPERATOR: &str = "5f2222b1-57c3-48ba-8ad5-d4759f1fde6f";
const ACCESS_ADMIN: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
const ROLE_ADMIN: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
const METHODS_ADMIN: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
const PRIVILEGED_METHODS_ADMIN: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
const METHODS_POLICY_ADMIN: &str = "0526716b-113d-4c15-b2c8-68e3c22b9f80";
const REPORTS_READER: &str = "4a5d8f65-41da-4de4-8968-e035b65339cf";
const DIRECTORY_READERS: &str = "88d8e3e3-8f55-4a1e-953a-9b9898b8876b";
const GOVERNANCE_ADMIN: &str = "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e";
const WORKFLOWS_ADMIN: &str = "59d46f88-662b-457b-bceb-5c3809e5908f";
const USER_ADMIN: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";

/// Roles that may read Conditional Access policies.
pub(super) const ACCESS_ROLES: &[&str] =
    &[GLOBAL_READER, SECURITY_READER, SECURITY_ADMIN, ACCESS_ADMIN];

const fn need(any: &'static [&'static str], roles: &'static [&'static str]) -> Need {
    Need {
        any,
        people_only: &[],
        roles,
    }
}

const USERS: Need = need(
    &[
        "User.ReadBasic.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const ME: Need = need(
    &[
        "User.Read",
        "User.ReadWrite",
        "User.Read.All",
        "User.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const USERS_GROUPS: Need = need(
    &[
        "User.Read.All",
        "User.ReadWrite.All",
        "GroupMember.Read.All",
        "GroupMember.ReadWrite.All",
        "Group.Read.All",
        "Group.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const USERS_DEVICES: Need = need(
    &[
        "User.Read.All",
        "User.ReadWrite.All",
        "Device.Read.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const ORGANIZATION: Need = need(
    &[
        "Organization.Read.All",
        "Organization.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "User.Read",
        "User.Read.All",
    ],
    &[],
);
const DOMAINS: Need = need(
    &[
        "Domain.Read.All",
        "Domain.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const SKUS: Need = need(
    &[
        "LicenseAssignment.Read.All",
        "Organization.Read.All",
        "Organization.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const ROLES: Need = need(
    &[
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[
        DIRECTORY_READERS,
        GLOBAL_READER,
        ROLE_ADMIN,
        SECURITY_READER,
        SECURITY_ADMIN,
        SECURITY_OPERATOR,
    ],
);
const ACTIVE: Need = need(
    &[
        "RoleAssignmentSchedule.Read.Directory",
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
    ],
    PIM_ROLES,
);
const ELIGIBLE: Need = need(
    &[
        "RoleEligibilitySchedule.Read.Directory",
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
    ],
    PIM_ROLES,
);
const PIM_ROLES: &[&str] = &[
    GLOBAL_READER,
    SECURITY_READER,
    SECURITY_ADMIN,
    SECURITY_OPERATOR,
    ROLE_ADMIN,
];
const PIM_RULES: Need = Need {
    any: &[
        "RoleManagementPolicy.Read.Directory",
        "RoleManagementPolicy.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
        "RoleManagementPolicy.Read.AzureADGroup",
        "RoleManagementPolicy.ReadWrite.AzureADGroup",
    ],
    // Microsoft Graph, *List roleManagementPolicyAssignments*: not among the permissions of applications.
    people_only: &[
        "RoleManagementPolicy.Read.Directory",
        "RoleManagementPolicy.ReadWrite.Directory",
    ],
    roles: PIM_ROLES,
};
const PIM_ALERTS: Need = need(
    &[
        "RoleManagementAlert.Read.Directory",
        "RoleManagementAlert.ReadWrite.Directory",
        "RoleManagement.Read.Directory",
        "RoleManagement.Read.All",
        "RoleManagement.ReadWrite.Directory",
    ],
    PIM_ROLES,
);
const GROUP_ACTIVE: Need = need(
    &[
        "PrivilegedAssignmentSchedule.Read.AzureADGroup",
        "PrivilegedAssignmentSchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
    PIM_ROLES,
);
const GROUP_ELIGIBLE: Need = need(
    &[
        "PrivilegedEligibilitySchedule.Read.AzureADGroup",
        "PrivilegedEligibilitySchedule.ReadWrite.AzureADGroup",
        "PrivilegedAccess.Read.AzureADGroup",
        "PrivilegedAccess.ReadWrite.AzureADGroup",
    ],
    PIM_ROLES,
);
const UNITS: Need = need(
    &[
        "AdministrativeUnit.Read.All",
        "AdministrativeUnit.ReadWrite.All",
        "Directory.Read.All",
        "Directory.ReadWrite.All",
    ],
    &[],
);
const METHODS_ROLES: &[&str] = &[GLOBAL_READER, METHODS_ADMIN, PRIVILEGED_METHODS_ADMIN];
const METHODS: Need = need(
    &[
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    METHODS_ROLES,
);
const PASSKEYS: Need = need(
    &[
        "UserAuthMethod-Passkey.Read.All",
        "UserAuthMethod-Passkey.ReadWrite.All",
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    METHODS_ROLES,
);
const REQUIREMENTS: Need = need(
    &[
        "Policy.Read.AuthenticationMethod",
        "Policy.ReadWrite.AuthenticationMethod",
        "UserAuthenticationMethod.Read.All",
        "UserAuthenticationMethod.ReadWrite.All",
    ],
    METHODS_ROLES,
);
const ACCESS: Need = need(&["Policy.Read.All"], ACCESS_ROLES);
const CONTEXTS: Need = need(
    &[
        "AuthenticationContext.Read.All",
        "AuthenticationContext.ReadWrite.All",
        "Policy.Read.All",
    ],
    ACCESS_ROLES,
);
const STRENGTHS: Need = need(
    &[
        "Policy.Read.AuthenticationMethod",
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.Read.All",
    ],
    ACCESS_ROLES,
);
const METHODS_POLICY: Need = need(
    &[
        "Policy.Read.AuthenticationMethod",
        "Policy.ReadWrite.AuthenticationMethod",
        "Policy.Read.All",
    ],
    &[
        GLOBAL_READER,
        METHODS_POLICY_ADMIN,
        SECURITY_READER,
        SECURITY_ADMIN,
    ],
);
const POLICIES: Need = need(
    &["Policy.Read.All"],
    &[GLOBAL_READER, SECURITY_READER, SECURITY_ADMIN, ACCESS_ADMIN],
);
const REVIEWS: Need = need(
    &[
        "AccessReview.Read.All",
        "AccessReview.ReadWrite.All",
        "AccessReview.ReadWrite.Membership",
    ],
    &[
        GLOBAL_READER,
        GOVERNANCE_ADMIN,
        USER_ADMIN,
        SECURITY_READER,
        SECURITY_ADMIN,
    ],
);
const RISKY: Need = need(
    &[
        "IdentityRiskyUser.Read.All",
        "IdentityRiskyUser.ReadWrite.All",
    ],
    &[
        GLOBAL_READER,
        SECURITY_READER,
        SECURITY_ADMIN,
        SECURITY_OPERATOR,
    ],
);
const WORKFLOWS: Need = need(
    &[
        "LifecycleWorkflows-Workflow.ReadBasic.All",
        "LifecycleWorkflows-Workflow.Read.All",
        "LifecycleWorkflows-Workflow.ReadWrite.All",
        "LifecycleWorkflows.Read.All",
        "LifecycleWorkflows.ReadWrite.All",
    ],
    &[GLOBAL_READER, WORKFLOWS_ADMIN],
);
const LOGS: Need = need(
    &["AuditLog.Read.All"],
    &[
        REPORTS_READER,
        SECURITY_READER,
        SECURITY_OPERATOR,
        SECURITY_ADMIN,
        GLOBAL_READER,
    ],
);
const OBJECTS: Need = need(
    &[
        "Directory.Read.All",
        "Directory.ReadWrite.All",
        "User.Read.All",
        "User.ReadWrite.All",
        "Group.Read.All",
        "GroupMember.Read.All",
        "Application.Read.All",
        "Device.Read.All",
    ],
    &[],
);

/// What reading a path needs. The segments are folded, without the version.
pub(crate) fn of_read(path: &[&str]) -> Option<Need> {
    Some(match path {
        ["me"] => ME,
        [
            "users",
            _,
            "memberof" | "transitivememberof" | "checkmembergroups" | "getmembergroups"
            | "checkmemberobjects" | "getmemberobjects",
            ..,
        ] => USERS_GROUPS,
        ["users", _, "registereddevices" | "owneddevices", ..] => USERS_DEVICES,
        ["users", _, "authentication", "fido2methods", ..] => PASSKEYS,
        ["users", _, "authentication", "requirements"] => REQUIREMENTS,
        ["users", _, "authentication", ..] => METHODS,
        ["users", ..] => USERS,
        ["groups", ..] => need(GROUPS, &[]),
        ["organization", ..] => ORGANIZATION,
        ["domains", ..] => DOMAINS,
        ["subscribedskus", ..] => SKUS,
        ["devices", ..] => need(DEVICES, &[]),
        ["serviceprincipals" | "applications", ..] => need(APPLICATIONS, &[]),
        ["directoryobjects", ..] | ["directory", "deleteditems", ..] => OBJECTS,
        ["directoryroles", ..]
        | [
            "directory",
            "administrativeunits",
            _,
            "scopedrolemembers",
            ..,
        ]
        | [
            "rolemanagement",
            "directory",
            "roledefinitions" | "roleassignments" | "resourcenamespaces",
            ..,
        ] => ROLES,
        ["directory", "administrativeunits", ..] => UNITS,
        [
            "rolemanagement",
            "directory",
            "roleassignmentscheduleinstances"
            | "roleassignmentschedules"
            | "roleassignmentschedulerequests",
            ..,
        ] => ACTIVE,
        [
            "rolemanagement",
            "directory",
            "roleeligibilityscheduleinstances"
            | "roleeligibilityschedules"
            | "roleeligibilityschedulerequests",
            ..,
        ] => ELIGIBLE,
        [
            "policies",
            "rolemanagementpolicies" | "rolemanagementpolicyassignments",
            ..,
        ] => PIM_RULES,
        ["identitygovernance", "rolemanagementalerts", ..] => PIM_ALERTS,
        ["identitygovernance", "privilegedaccess", "group", list, ..] => {
            if list.starts_with("eligibility") {
                GROUP_ELIGIBLE
            } else {
                GROUP_ACTIVE
            }
        }
        ["identitygovernance", "accessreviews", ..] => REVIEWS,
        ["identitygovernance", "lifecycleworkflows", ..] => WORKFLOWS,
        ["identityprotection", "riskyusers", ..] => RISKY,
        ["policies", "authenticationstrengthpolicies", ..]
        | [
            "identity",
            "conditionalaccess",
            "authenticationstrength",
            ..,
        ] => STRENGTHS,
        [
            "identity",
            "conditionalaccess",
            "authenticationcontextclassreferences",
            ..,
        ] => CONTEXTS,
        ["identity", "conditionalaccess", ..] => ACCESS,
        ["policies", "authenticationmethodspolicy", ..] => METHODS_POLICY,
        ["policies", ..] => POLICIES,
        ["reports", "authenticationmethods", ..] | ["auditlogs", ..] => LOGS,
        _ => return None,
    })
}
