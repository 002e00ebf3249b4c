//! What guards the accounts of the small tenant: the role at the unit, settings, policies outside Conditional Access.

use breakglass_model::{
    Reading, TenantSnapshot, UseRecord,
    tenant::{AssignmentKind, Device, Password, Role},
};
use jiff::Timestamp;
use serde_json::{Value, json};

use super::{World, assignment, everyday, oid};

/// The custom role at the unit.
const KEEPER: &str = "keeper";

/// The rules for activating a role, as Graph writes them.
fn rules(role: &str) -> Value {
    json!({"id": format!("p_{role}"), "scopeId": "/", "scopeType": "DirectoryRole", "roleDefinitionId": role,
    "policy": {"rules": [
        {"id": "Expiration_Admin_Assignment", "isExpirationRequired": false},
        {"id": "Expiration_EndUser_Assignment", "isExpirationRequired": true, "maximumDuration": "PT2H"},
        {"id": "Enablement_EndUser_Assignment", "enabledRules": ["MultiFactorAuthentication", "Justification"]},
        {"id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": true, "approvalStages": [
            {"primaryApprovers": [{"userId": "apr1"}, {"userId": "apr2"}]}]}},
        {"id": "AuthenticationContext_EndUser_Assignment", "isEnabled": false, "claimValue": ""},
    ]}})
}

pub(super) fn guard(snapshot: &mut TenantSnapshot) {
    for id in ["apr1", "apr2"] {
        snapshot.users.items.push(everyday(id));
    }
    for user in &mut snapshot.users.items {
        user.password = Password {
            never_expires: Reading::Read(true),
            changed: Reading::Read("2026-09-03T08:00:00Z".parse().ok()),
            must_change: Reading::Read(false),
        };
        user.devices = Reading::Read(Vec::new());
    }
    snapshot.users.items[2].devices = Reading::Read(vec![Device {
        device_id: Some("paw-1".to_owned()),
        account_enabled: Some(true),
        is_compliant: Some(true),
        ..Device::default()
    }]);
    let group = &mut snapshot.groups.items[0];
    group.owners = Reading::Read(Vec::new());
    group.expires = Reading::Read(None);
    snapshot.roles.items.push(Role {
        id: Some(oid(KEEPER)),
        display_name: Some("Keeper".to_owned()),
        built_in: Reading::Read(false),
        actions: vec![
            "microsoft.directory/users/basic/update".to_owned(),
            "microsoft.directory/users/enable".to_owned(),
            "microsoft.directory/groups/members/update".to_owned(),
        ],
        ..Role::default()
    });
    let mut keeper = assignment("adm1", AssignmentKind::Eligible);
    keeper.role = oid(KEEPER);
    keeper.scope = Reading::Read("/administrativeUnits/unit".to_owned());
    snapshot.eligible_assignments.items.push(keeper);
    let global = breakglass_model::tenant::GLOBAL_ADMINISTRATOR;
    for (name, items) in [
        (
            "roleManagementPolicyAssignments",
            json!([rules(KEEPER), rules(global)]),
        ),
        ("servicePrincipals", json!([])),
        ("appRoleAssignments", json!([])),
        ("resourceActions", json!([])),
        ("riskyUsers", json!([])),
        (
            "privilegedAccessGroupAssignmentScheduleInstances",
            json!([]),
        ),
        (
            "identitySecurityDefaultsEnforcementPolicy",
            json!([{"isEnabled": false}]),
        ),
        (
            "authorizationPolicy",
            json!([{"allowedToUseSSPR": false, "defaultUserRolePermissions":
            {"permissionGrantPoliciesAssigned": ["ManagePermissionGrantsForSelf.microsoft-user-default-low"]}}]),
        ),
        (
            "authenticationMethodsPolicy",
            json!([{"policyMigrationState": "migrationComplete",
            "authenticationMethodConfigurations": [{"id": "Fido2", "state": "enabled",
                "isSelfServiceRegistrationAllowed": true, "isAttestationEnforced": true,
                "keyRestrictions": {"isEnforced": false, "enforcementType": "allow", "aaGuids": []},
                "includeTargets": [{"targetType": "group", "id": "all_users"}], "excludeTargets": []}]}]),
        ),
    ] {
        let Value::Array(items) = items else { continue };
        snapshot.other.insert(name.to_owned(), items);
    }
}

/// A use that the monitor saw and somebody explained.
pub(crate) fn seen_use(account: &str, at: &str) -> UseRecord {
    UseRecord {
        account: oid(account),
        at: at.parse::<Timestamp>().unwrap(),
        device_id: Some("paw-1".to_owned()),
        incident: Some("INC-1".to_owned()),
        explained: true,
    }
}

impl World {
    /// A collection that is kept as it was read.
    pub(crate) fn listed(&mut self, name: &str) -> &mut Vec<Value> {
        self.snapshot.other.get_mut(name).unwrap()
    }

    /// A rule for activating the role at the unit.
    pub(crate) fn keeper_rule(&mut self, id: &str) -> &mut Value {
        self.listed("roleManagementPolicyAssignments")[0]["policy"]["rules"]
            .as_array_mut()
            .unwrap()
            .iter_mut()
            .find(|rule| rule["id"] == id)
            .unwrap()
    }

    /// The settings of FIDO2 in the methods policy.
    pub(crate) fn fido2_settings(&mut self) -> &mut Value {
        &mut self.listed("authenticationMethodsPolicy")[0]["authenticationMethodConfigurations"][0]
    }
}
