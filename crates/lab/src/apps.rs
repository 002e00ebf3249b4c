//! The app registrations that the twin knows unless it is told others: one for each of our ways to work, and the public
//! clients of Microsoft's own tools.
//!
//! They stand beside the tenant's objects and not among them: a snapshot collected from the twin must not show an app
//! that the tenant does not have.

use crate::App;

/// Application id of Microsoft Graph Command Line Tools, a public client in every tenant.
pub const GRAPH_COMMAND_LINE: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Application id of the Azure CLI, a public client in every tenant.
pub const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Template id of Security Reader, which reads the settings that no Azure role in a subscription reaches.
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";

const WATCH: &[&str] = &[
    "AuditLog.Read.All",
    "Directory.Read.All",
    "Policy.Read.ConditionalAccess",
];

/// Microsoft Graph, *permissions reference*: the read-only set of what posture and monitoring call.
const POSTURE: &[&str] = &[
    "AccessReview.Read.All",
    "AdministrativeUnit.Read.All",
    "Application.Read.All",
    "AuditLog.Read.All",
    "CustomSecAttributeAssignment.Read.All",
    "Device.Read.All",
    "Domain.Read.All",
    "GroupMember.Read.All",
    "IdentityRiskyUser.Read.All",
    "LifecycleWorkflows.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.Read.AuthenticationMethod",
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "RoleAssignmentSchedule.Read.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "RoleManagementPolicy.Read.Directory",
    "User.Read.All",
    "UserAuthenticationMethod.Read.All",
];

const APPLY: &[&str] = &[
    "AdministrativeUnit.ReadWrite.All",
    "Application.Read.All",
    "AuditLog.Read.All",
    "Domain.Read.All",
    "Group.ReadWrite.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.ReadWrite.ConditionalAccess",
    "Policy.ReadWrite.SecurityDefaults",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.ReadWrite.Directory",
    "RoleManagementPolicy.ReadWrite.Directory",
    "User.DeleteRestore.All",
    "User.ReadWrite.All",
    "User.RevokeSessions.All",
    "UserAuthMethod-Passkey.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
];

/// What people consented to for Microsoft's own public clients: all that any of our commands asks for.
fn delegated() -> Vec<String> {
    let mut all: Vec<String> = [WATCH, POSTURE, APPLY]
        .concat()
        .iter()
        .map(|&name| name.to_owned())
        .collect();
    all.push("User.Read".to_owned());
    all.sort();
    all.dedup();
    all
}

fn confidential(name: &str, number: u8, permissions: &[&str], azure: &[&str]) -> App {
    App {
        client_id: format!("b1a55000-0000-4000-8000-0000000a{number:04x}"),
        principal: format!("b1a55000-0000-4000-8000-0000000b{number:04x}"),
        name: name.to_owned(),
        secret: Some(format!("twin~secret-{number:04x}-of-no-real-tenant")),
        permissions: permissions.iter().map(|&name| name.to_owned()).collect(),
        azure: azure.iter().map(|&name| name.to_owned()).collect(),
        ..App::default()
    }
}

/// The apps of a twin that was not told others. Ids and secrets are made up and always the same.
pub fn default_apps() -> Vec<App> {
    let reader = ["Reader", "Log Analytics Reader"];
    let public = |client: &str, name: &str| App {
        client_id: client.to_owned(),
        name: name.to_owned(),
        permissions: delegated(),
        public: true,
        ..App::default()
    };
    vec![
        confidential("breakglass watch", 1, WATCH, &reader),
        App {
            entra: vec![SECURITY_READER.to_owned()],
            ..confidential("breakglass posture", 2, POSTURE, &reader)
        },
        confidential(
            "breakglass apply",
            3,
            APPLY,
            &[
                "Contributor",
                "Contributor at /providers/Microsoft.aadiam",
                "Log Analytics Reader",
                "User Access Administrator",
            ],
        ),
        public(GRAPH_COMMAND_LINE, "Microsoft Graph Command Line Tools"),
        public(AZURE_CLI, "Microsoft Azure CLI"),
    ]
}
