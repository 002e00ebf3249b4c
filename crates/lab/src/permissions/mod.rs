//! Which permission a read needs, and which role of a signed-in user.
//!
//! Microsoft Graph, *permissions reference* and the permission tables of each call. Any of the permissions that are
//! listed for a call will do, the higher ones too.
//!
//! Invariant: a path that has no row here can't be read by anybody.

mod reads;

use jiff::Timestamp;
use serde_json::json;

pub(crate) use reads::of_read;

use crate::{
    State,
    graph::write::active_roles,
    lab::{ApiError, Caller},
};

/// What a call needs.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Need {
    /// One of these permissions.
    pub(crate) any: &'static [&'static str],
    /// Those of them that count only where a person signed in.
    pub(crate) people_only: &'static [&'static str],
    /// For a signed-in user, one of these roles (template ids) as well; empty: every member may.
    pub(crate) roles: &'static [&'static str],
}

/// Permissions that show all properties of users.
pub(crate) const ALL_OF_USERS: &[&str] = &[
    "User.Read.All",
    "User.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// What users show with `User.ReadBasic.All` alone.
pub(crate) const BASIC_PROPERTIES: &[&str] = &[
    "displayName",
    "givenName",
    "id",
    "mail",
    "photo",
    "surname",
    "userPrincipalName",
    "userType",
];
/// Permissions that show who is a member of a group.
pub(crate) const GROUPS: &[&str] = &[
    "GroupMember.Read.All",
    "GroupMember.ReadWrite.All",
    "Group.Read.All",
    "Group.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Permissions that show service principals and app registrations.
pub(crate) const APPLICATIONS: &[&str] = &[
    "Application.Read.All",
    "Application.ReadWrite.All",
    "Application.ReadWrite.OwnedBy",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Permissions that show devices.
pub(crate) const DEVICES: &[&str] = &[
    "Device.Read.All",
    "Device.ReadWrite.All",
    "Directory.Read.All",
    "Directory.ReadWrite.All",
];
/// Permissions that show the policies a sign-in met.
pub(crate) const APPLIED_POLICIES: &[&str] = &[
    "Policy.Read.All",
    "Policy.Read.ConditionalAccess",
    "Policy.ReadWrite.ConditionalAccess",
];
/// Roles that show a signed-in user the policies a sign-in met.
pub(crate) const APPLIED_POLICIES_ROLES: &[&str] = reads::ACCESS_ROLES;

/// Whether a caller holds one of these permissions.
pub(crate) fn holds(caller: &Caller, any: &[&str]) -> bool {
    any.iter().any(|&name| caller.permissions.contains(name))
}

/// Whether a caller holds a permission that counts for this.
fn has_permission(caller: &Caller, need: Need) -> bool {
    let counts = |name: &&&str| caller.user.is_some() || !need.people_only.contains(*name);
    need.any
        .iter()
        .filter(counts)
        .any(|&name| caller.permissions.contains(name))
}

/// Whether a caller may read what this needs.
pub(crate) fn may(state: &State, caller: &Caller, need: Need, now: Timestamp) -> bool {
    has_permission(caller, need) && has_role(state, caller, need.roles, now)
}

/// How a read is refused: authentication methods (Microsoft Graph, *List methods*) and Privileged Identity Management have
/// words of their own; the latter's are JSON inside the message.
pub(crate) fn denied(path: &[&str], caller: &Caller, need: Need) -> ApiError {
    let is_pim = match path {
        ["users", _, "authentication", ..] => {
            return ApiError::new(403, "accessDenied", "Request Authorization failed");
        }
        ["rolemanagement", "directory", set, ..] => set.contains("schedule"),
        ["policies", set, ..] => set.starts_with("rolemanagementpolic"),
        ["identitygovernance", "privilegedaccess", ..] => true,
        _ => false,
    };
    if !is_pim || has_permission(caller, need) {
        return ApiError::denied();
    }
    let scopes = need.any.join(",");
    let message = json!({
        "errorCode": "PermissionScopeNotGranted",
        "message": format!("Authorization failed due to missing permission scope {scopes}."),
        "instanceAnnotations": [],
    });
    ApiError::new(403, "UnknownError", message.to_string())
}

/// Whether a signed-in user has one of these roles for the whole tenant, or Global Administrator. Apps need none.
pub(crate) fn has_role(state: &State, caller: &Caller, roles: &[&str], now: Timestamp) -> bool {
    let Some(user) = caller.user.as_deref() else {
        return true;
    };
    if roles.is_empty() {
        return true;
    }
    active_roles(state, user, now)
        .iter()
        .filter(|(_, scope)| scope == "/")
        .any(|(role, _)| role == reads::GLOBAL || roles.contains(&role.as_str()))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use serde_json::{Value, json};

    use super::*;

    const GROUP: &str = "10000000-0000-4000-8000-000000000000";

    fn state(rows: &Value) -> State {
        State::from_snapshot(json!({
            "schema": "breakglass/snapshot/v1", "tenant": {"id": "t", "name": "T"},
            "collections": {
                "groups": [{"id": GROUP, "isAssignableToRole": true, "members": [{"id": "nested"}]}],
                "roleAssignmentScheduleInstances": rows,
            },
        }))
        .unwrap()
    }

    /// X4: an app for itself reads the settings of roles by `RoleManagement.Read.Directory`, a person by another one.
    #[test]
    fn x4_a_permission_for_people_does_not_count_for_an_app() {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let global = json!([{"principalId": "global", "roleDefinitionId": reads::GLOBAL, "directoryScopeId": "/"}]);
        let state = state(&global);
        let path = ["policies", "rolemanagementpolicyassignments"];
        let need = of_read(&path).unwrap();
        for (user, permission, allowed) in [
            (None, "RoleManagementPolicy.Read.Directory", false),
            (None, "RoleManagement.Read.Directory", true),
            (Some("global"), "RoleManagementPolicy.Read.Directory", true),
        ] {
            let caller = Caller {
                user: user.map(str::to_owned),
                permissions: BTreeSet::from([permission.to_owned()]),
                ..Caller::default()
            };
            assert_eq!(may(&state, &caller, need, now), allowed, "{permission}");
            if !allowed {
                let error = denied(&path, &caller, need);
                assert!(error.message.contains("PermissionScopeNotGranted"));
            }
        }
    }

    #[test]
    fn a_signed_in_user_needs_the_permission_and_a_role_that_runs() {
        let now: Timestamp = "2026-03-01T09:00:00Z".parse().unwrap();
        let row = |principal: &str, role: &str, scope: &str, end: Value| json!({"principalId": principal, "roleDefinitionId": role, "directoryScopeId": scope, "endDateTime": end});
        let reader = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
        let state = state(&json!([
            row("global", reads::GLOBAL, "/", Value::Null),
            row("reader", reader, "/", Value::Null),
            row("ended", reader, "/", json!("2026-02-01T00:00:00Z")),
            row("scoped", reader, "/administrativeUnits/x", Value::Null),
            row(GROUP, reader, "/", Value::Null),
        ]));
        let need = of_read(&["identity", "conditionalaccess", "policies"]).unwrap();
        let may_read = |user: Option<&str>, permission: &str| {
            let caller = Caller {
                user: user.map(str::to_owned),
                permissions: BTreeSet::from([permission.to_owned()]),
                ..Caller::default()
            };
            may(&state, &caller, need, now)
        };
        for (user, allowed) in [
            (None, true),
            (Some("global"), true),
            (Some("reader"), true),
            (Some("nested"), true),
            (Some("ended"), false),
            (Some("scoped"), false),
            (Some("nobody"), false),
        ] {
            assert_eq!(may_read(user, "Policy.Read.All"), allowed, "{user:?}");
            assert!(!may_read(user, "User.Read.All"));
        }
        assert!(of_read(&["planets"]).is_none());
    }
}
