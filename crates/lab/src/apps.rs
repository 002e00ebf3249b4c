//! The app registrations that the twin knows unless it is told others: one for each of our ways to work, and the public
//! clients of Microsoft's own tools.
//!
//! They stand beside the tenant's objects and not among them: a snapshot collected from the twin must not show an app
//! that the tenant does not have.

use crate::{App, tokens::DATA_READ};

/// Application id of Microsoft Graph Command Line Tools, a public client in every tenant.
pub const GRAPH_COMMAND_LINE: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";
/// Application id of the Azure CLI, a public client in every tenant.
pub const AZURE_CLI: &str = "04b07795-8ddb-461a-bbee-02f9e1bf7b46";

/// Template id of Security Reader, which reads the settings that no Azure role in a subscription reaches.
const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";

/// What the registration for watching is given.
const WATCH: &[&str] = &[
    "AuditLog.Read.All",
    "Organization.Read.All",
    "Policy.Read.All",
    "Policy.Read.ConditionalAccess",
    "User.Read.All",
];

/// What the registration for posture is given: everything that is read, and a token for queries.
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
    "Policy.Read.ConditionalAccess",
    "PrivilegedAssignmentSchedule.Read.AzureADGroup",
    "PrivilegedEligibilitySchedule.Read.AzureADGroup",
    "RoleAssignmentSchedule.Read.Directory",
    "RoleEligibilitySchedule.Read.Directory",
    "RoleManagement.Read.Directory",
    "User.Read.All",
    "UserAuthenticationMethod.Read.All",
    "Data.Read",
];

/// What the registration for applying plans is given.
const APPLY: &[&str] = &[
    "AdministrativeUnit.ReadWrite.All",
    "Application.Read.All",
    "Group.ReadWrite.All",
    "Policy.Read.All",
    "Policy.ReadWrite.ConditionalAccess",
    "RoleEligibilitySchedule.ReadWrite.Directory",
    "RoleManagement.ReadWrite.Directory",
    "User.ReadWrite.All",
    "UserAuthMethod-Passkey.ReadWrite.All",
    "UserAuthenticationMethod.ReadWrite.All",
];

/// Its roles in Azure. In a real tenant those besides the first are given at the workspace and its resource group.
const APPLY_IN_AZURE: &[&str] = &[
    "Contributor at /providers/Microsoft.aadiam",
    "Log Analytics Contributor",
    "Monitoring Contributor",
    "Role Based Access Control Administrator",
];

/// What people consented to besides for Microsoft's own public clients, where a person's roles decide what of it they may do.
const CONSENTED: &[&str] = &[
    "Policy.ReadWrite.AuthenticationMethod",
    "Policy.ReadWrite.Authorization",
    "Policy.ReadWrite.SecurityDefaults",
    "RoleAssignmentSchedule.ReadWrite.Directory",
    "RoleManagementPolicy.Read.Directory",
    "RoleManagementPolicy.ReadWrite.Directory",
    "User.DeleteRestore.All",
    "User.Read",
    "User.RevokeSessions.All",
];

/// What people consented to for Microsoft's own public clients: all that any of our commands asks for, and more.
fn delegated() -> Vec<String> {
    let mut all: Vec<String> = [WATCH, POSTURE, APPLY, CONSENTED]
        .concat()
        .iter()
        .filter(|name| **name != DATA_READ)
        .map(|&name| name.to_owned())
        .collect();
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
    let public = |client: &str, name: &str| App {
        client_id: client.to_owned(),
        name: name.to_owned(),
        permissions: delegated(),
        public: true,
        ..App::default()
    };
    vec![
        confidential("breakglass watch", 1, WATCH, &[]),
        App {
            entra: vec![SECURITY_READER.to_owned()],
            ..confidential("breakglass posture", 2, POSTURE, &["Reader"])
        },
        confidential("breakglass apply", 3, APPLY, APPLY_IN_AZURE),
        public(GRAPH_COMMAND_LINE, "Microsoft Graph Command Line Tools"),
        public(AZURE_CLI, "Microsoft Azure CLI"),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Permissions in a file for the scripts that make registrations.
    fn permissions(file: &str) -> Vec<&str> {
        file.lines()
            .filter(|line| !line.starts_with('#'))
            .filter_map(|line| line.split_whitespace().next())
            .collect()
    }

    /// What is in the first column of the table *And in Azure* for a command.
    fn roles(command: &str) -> Vec<String> {
        let text = include_str!("../../../docs/permissions.md");
        let (_, rest) = text.split_once(&format!("\n### `{command}`\n")).unwrap();
        let rest = rest.split("\n## ").next().unwrap();
        let (_, rest) = rest
            .split("\n### ")
            .next()
            .unwrap()
            .split_once("And in Azure:")
            .unwrap();
        rest.lines()
            .filter_map(|line| line.strip_prefix("| ")?.split(" |").next())
            .filter(|cell| *cell != "role")
            .map(str::to_owned)
            .collect()
    }

    #[test]
    fn registrations_have_what_is_documented_and_nothing_else() {
        let apps = default_apps();
        for (app, file) in apps.iter().zip([
            include_str!("../../../scripts/app-registrations/watch.permissions"),
            include_str!("../../../scripts/app-registrations/posture.permissions"),
            include_str!("../../../scripts/app-registrations/apply.permissions"),
        ]) {
            assert_eq!(app.permissions, permissions(file), "{}", app.name);
        }
        let apply: Vec<&str> = apps[2]
            .azure
            .iter()
            .map(|role| role.split(" at ").next().unwrap())
            .collect();
        assert_eq!(apply, roles("apply"));
        // Reader covers the narrower roles for reading; Security Reader is one of Entra.
        assert_eq!(
            roles("collect"),
            [
                "Log Analytics Reader",
                "Microsoft Sentinel Reader",
                "Monitoring Reader",
                "Reader",
                "Security Reader (Entra)"
            ]
        );
        assert_eq!(apps[1].azure, ["Reader"]);
        assert_eq!(apps[1].entra, [SECURITY_READER]);
        assert!(apps[0].azure.is_empty() && apps[0].entra.is_empty());
    }
}
