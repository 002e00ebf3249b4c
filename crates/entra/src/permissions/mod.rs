//! What each call needs: the table behind `docs/permissions.md`, `doctor`, and the reasons in a snapshot.
//!
//! Invariants:
//! - every collection that `collect` reads has a row, so that whatever cannot be read names what to grant;
//! - a row names the *least* that allows the call (Microsoft Graph, *permissions reference*; Microsoft Entra, *Least
//!   privileged roles by task*; Azure, *built-in roles*), never what would merely do.

mod ids;
mod table;

use std::collections::BTreeSet;

use crate::Service;

pub use ids::{App, MICROSOFT_GRAPH, app};
pub use table::all;

/// What one call needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Need {
    /// The collection in a snapshot that the call fills, or what is written.
    pub collection: &'static str,
    /// The service that is called.
    pub service: Service,
    /// The call: method and path.
    pub call: &'static str,
    /// Permissions of an application that acts for itself, or the Azure role of its service principal. All of them
    /// are needed.
    pub application: &'static [&'static str],
    /// Permissions that an application which acts for a person needs; all of them.
    pub delegated: &'static [&'static str],
    /// The least role that this person needs besides; empty: every member may.
    pub role: &'static str,
    /// What it is read for.
    pub why: &'static str,
    /// Commands that need it.
    pub used_by: &'static [&'static str],
}

impl Need {
    /// Whether the call changes the tenant.
    pub fn writes(&self) -> bool {
        ["POST ", "PATCH ", "PUT ", "DELETE "]
            .iter()
            .any(|method| self.call.starts_with(method))
            && !self.call.ends_with("/evaluate")
            && !self.call.ends_with("/query")
    }
}

/// What a command needs, in the order of the table.
pub fn for_command(name: &str) -> Vec<&'static Need> {
    all()
        .iter()
        .filter(|need| need.used_by.contains(&name))
        .collect()
}

/// What reading a collection needs.
pub fn for_collection(name: &str) -> Option<&'static Need> {
    all()
        .iter()
        .find(|need| need.collection == name && !need.writes())
}

/// The application permissions of Microsoft Graph that a command needs, each once, in alphabetical order.
pub fn graph_permissions(command: &str) -> Vec<&'static str> {
    of_graph(command, |need| need.application)
}

/// The delegated permissions of Microsoft Graph that a command needs when a person signs in, each once, in alphabetical
/// order.
pub fn delegated(command: &str) -> Vec<&'static str> {
    of_graph(command, |need| need.delegated)
}

fn of_graph(command: &str, names: fn(&Need) -> &'static [&'static str]) -> Vec<&'static str> {
    let names: BTreeSet<&'static str> = for_command(command)
        .into_iter()
        .filter(|need| need.service == Service::Graph)
        .flat_map(names)
        .copied()
        .collect();
    names.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_of_graph_has_its_id() {
        for need in all().iter().filter(|need| need.service == Service::Graph) {
            for name in need.application {
                let known = app(name);
                assert!(known.is_some(), "{name} of {} has no id", need.collection);
            }
        }
    }

    /// M4: `RoleManagementPolicy.Read.Directory` is for signed-in people (Microsoft Graph, *List
    /// roleManagementPolicyAssignments*).
    #[test]
    fn m4_an_application_reads_the_settings_of_roles_by_the_permission_on_roles() {
        let need = for_collection("roleManagementPolicyAssignments").unwrap();
        assert_eq!(need.application, ["RoleManagement.Read.Directory"]);
        assert_eq!(need.delegated, ["RoleManagementPolicy.Read.Directory"]);
        let name = "RoleManagementPolicy.Read.Directory";
        assert!(!graph_permissions("collect").contains(&name));
        assert!(delegated("collect").contains(&name));
    }

    #[test]
    fn permissions_that_the_model_knows_have_the_same_ids_here() {
        for power in breakglass_model::tenant::POWERS {
            if let Some(known) = app(power.permission) {
                assert_eq!(known.role, power.role, "{}", power.permission);
            }
        }
    }

    #[test]
    fn no_reading_command_needs_a_permission_that_writes() {
        for command in ["collect", "check", "lockout", "watch", "doctor"] {
            for name in graph_permissions(command) {
                assert!(!name.contains("Write"), "{command} asks for {name}");
            }
        }
    }

    #[test]
    fn a_collection_has_one_row_for_reading() {
        let mut seen = std::collections::BTreeSet::new();
        for need in all().iter().filter(|need| !need.writes()) {
            assert!(seen.insert(need.collection), "{} twice", need.collection);
        }
    }
}
