//! Whose role lets them do what, and what is protected from roles.
//!
//! Sources: Microsoft Entra, *Restricted management administrative units*, *Privileged roles and permissions*, *Use
//! Entra groups to manage role assignments*; Microsoft Graph, *Working with users* (sensitive actions).

use std::collections::BTreeSet;

use jiff::Timestamp;
use serde_json::{Value, json};

use super::context::{is, items, same, text};
use crate::{
    State,
    lab::{ApiError, Caller},
};

/// Template ids of built-in roles.
pub(super) mod role {
    pub(crate) const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
    pub(crate) const PRIVILEGED_ROLE: &str = "e8611ab8-c189-46e8-94e1-60213ab1f814";
    pub(crate) const PRIVILEGED_AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";
    pub(crate) const AUTHENTICATION: &str = "c4e39bd9-1100-46d3-8c65-fb160da0071f";
    pub(crate) const AUTHENTICATION_POLICY: &str = "0526716b-113d-4c15-b2c8-68e3c22b9f80";
    pub(crate) const USER: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
    pub(crate) const HELPDESK: &str = "729827e3-9c14-49f7-bb1b-9608f156bbb8";
    pub(crate) const PASSWORD: &str = "966707d0-3269-4727-9be2-8c3a10f19b9d";
    pub(crate) const GROUPS: &str = "fdd7a751-b60b-444a-984c-02652fe8fa1c";
    pub(crate) const CONDITIONAL_ACCESS: &str = "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9";
    pub(crate) const SECURITY: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";
    pub(crate) const DIRECTORY_WRITERS: &str = "9360feb5-f418-4baa-8175-e2a00bac4301";
    pub(crate) const GLOBAL_READER: &str = "f2ef992c-3afb-46b9-b7cf-a126ee74c451";
    pub(crate) const SECURITY_READER: &str = "5d6b6bb7-de71-4623-b4af-96380a352509";
}

/// Roles that Microsoft labels privileged (Microsoft Entra, *built-in roles*), by template id.
const PRIVILEGED: &[(&str, &str)] = &[
    (
        "db506228-d27e-4b7d-95e5-295956d6615f",
        "Agent ID Administrator",
    ),
    (
        "9b895d92-2cd3-44c7-9d02-a6ac2d5ea5c3",
        "Application Administrator",
    ),
    (
        "cf1c38e5-3621-4004-a7cb-879624dced7c",
        "Application Developer",
    ),
    (
        "ecb2c6bf-0ab6-418e-bd87-7986f8d63bbe",
        "Attribute Provisioning Administrator",
    ),
    (
        "422218e4-db15-4ef9-bbe0-8afb41546d79",
        "Attribute Provisioning Reader",
    ),
    (
        "c4e39bd9-1100-46d3-8c65-fb160da0071f",
        "Authentication Administrator",
    ),
    (
        "25a516ed-2fa0-40ea-a2d0-12923a21473a",
        "Authentication Extensibility Administrator",
    ),
    (
        "aaf43236-0c0d-4d5f-883a-6955382ac081",
        "B2C IEF Keyset Administrator",
    ),
    (
        "158c047a-c907-4556-b7ef-446551a6b5f7",
        "Cloud Application Administrator",
    ),
    (
        "7698a772-787b-4ac8-901f-60d6b08affd2",
        "Cloud Device Administrator",
    ),
    (
        "b1be1c3e-b65d-4f19-8427-f6fa0d97feb9",
        "Conditional Access Administrator",
    ),
    ("9360feb5-f418-4baa-8175-e2a00bac4301", "Directory Writers"),
    (
        "8329153b-31d0-4727-b945-745eb3bc5f31",
        "Domain Name Administrator",
    ),
    (
        "be2f45a1-457d-42af-a067-6ec1fa63bc45",
        "External Identity Provider Administrator",
    ),
    (
        "62e90394-69f5-4237-9190-012177145e10",
        "Global Administrator",
    ),
    ("f2ef992c-3afb-46b9-b7cf-a126ee74c451", "Global Reader"),
    (
        "729827e3-9c14-49f7-bb1b-9608f156bbb8",
        "Helpdesk Administrator",
    ),
    (
        "8ac3fc64-6eca-42ea-9e69-59f4c7b60eb2",
        "Hybrid Identity Administrator",
    ),
    (
        "3a2c62db-5318-420d-8d74-23affee5d9d5",
        "Intune Administrator",
    ),
    (
        "59d46f88-662b-457b-bceb-5c3809e5908f",
        "Lifecycle Workflows Administrator",
    ),
    (
        "4ba39ca4-527c-499a-b93d-d9b492c50246",
        "Partner Tier1 Support (do not use)",
    ),
    (
        "e00e864a-17c5-4a4b-9c06-f5b95a8d5bd8",
        "Partner Tier2 Support (do not use)",
    ),
    (
        "966707d0-3269-4727-9be2-8c3a10f19b9d",
        "Password Administrator",
    ),
    (
        "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
        "Privileged Authentication Administrator",
    ),
    (
        "e8611ab8-c189-46e8-94e1-60213ab1f814",
        "Privileged Role Administrator",
    ),
    (
        "194ae4cb-b126-40b2-bd5b-6091b380977d",
        "Security Administrator",
    ),
    ("5f2222b1-57c3-48ba-8ad5-d4759f1fde6f", "Security Operator"),
    ("5d6b6bb7-de71-4623-b4af-96380a352509", "Security Reader"),
    ("fe930be7-5e62-47db-91af-98c3a49a38b1", "User Administrator"),
];

/// Other built-in roles.
const OTHERS: &[(&str, &str)] = &[
    (
        "0526716b-113d-4c15-b2c8-68e3c22b9f80",
        "Authentication Policy Administrator",
    ),
    (
        "fdd7a751-b60b-444a-984c-02652fe8fa1c",
        "Groups Administrator",
    ),
    ("88d8e3e3-8f55-4a1e-953a-9b9898b8876b", "Directory Readers"),
    ("4a5d8f65-41da-4de4-8968-e035b65339cf", "Reports Reader"),
    (
        "b0f54661-2d74-4c50-afa3-1ec803f12efe",
        "Billing Administrator",
    ),
    (
        "29232cdf-9323-42fd-ade2-1d097af3e4de",
        "Exchange Administrator",
    ),
    (
        "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
        "SharePoint Administrator",
    ),
    (
        "45d8d3c5-c802-45c6-b32a-1d70b5e1e86e",
        "Identity Governance Administrator",
    ),
    (
        "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
        "License Administrator",
    ),
    (
        "d29b2b05-8046-44ba-8758-1e26182fcf32",
        "Directory Synchronization Accounts",
    ),
];

/// A built-in role that the snapshot does not list, since every tenant has it.
pub(super) fn built_in(id: &str) -> Option<Value> {
    let (id, name) = PRIVILEGED
        .iter()
        .chain(OTHERS)
        .find(|(own, _)| same(own, id))?;
    Some(
        json!({"id": id, "templateId": id, "displayName": name, "isBuiltIn": true, "isEnabled": true}),
    )
}

/// What a deed asks of the caller's roles: one of the built-in ones, or a custom role with one of these actions.
#[derive(Clone, Copy, Debug)]
pub(super) struct Need {
    pub(super) roles: &'static [&'static str],
    pub(super) actions: &'static [&'static str],
}

pub(super) const MANAGE_USERS: Need = Need {
    roles: &[role::GLOBAL, role::USER, role::DIRECTORY_WRITERS],
    actions: &["microsoft.directory/users/basic/update"],
};
pub(super) const ENABLE_USERS: Need = Need {
    roles: &[role::GLOBAL, role::USER],
    actions: &[
        "microsoft.directory/users/enable",
        "microsoft.directory/users/disable",
    ],
};
pub(super) const SET_PASSWORDS: Need = Need {
    roles: &[
        role::GLOBAL,
        role::PRIVILEGED_AUTHENTICATION,
        role::AUTHENTICATION,
        role::USER,
        role::HELPDESK,
        role::PASSWORD,
    ],
    actions: &["microsoft.directory/users/password/update"],
};
pub(super) const DELETE_USERS: Need = Need {
    roles: &[role::GLOBAL, role::USER],
    actions: &["microsoft.directory/users/delete"],
};
pub(super) const REVOKE_SESSIONS: Need = Need {
    roles: &[
        role::GLOBAL,
        role::USER,
        role::HELPDESK,
        role::AUTHENTICATION,
        role::PRIVILEGED_AUTHENTICATION,
        role::PASSWORD,
        role::DIRECTORY_WRITERS,
    ],
    actions: &["microsoft.directory/users/invalidateAllRefreshTokens"],
};
pub(super) const MANAGE_GROUPS: Need = Need {
    roles: &[
        role::GLOBAL,
        role::GROUPS,
        role::USER,
        role::DIRECTORY_WRITERS,
    ],
    actions: &[
        "microsoft.directory/groups/members/update",
        "microsoft.directory/groups/basic/update",
    ],
};
/// Role-assignable groups, units, roles and their assignments.
pub(super) const MANAGE_ROLES: Need = Need {
    roles: &[role::GLOBAL, role::PRIVILEGED_ROLE],
    actions: &["microsoft.directory/roleAssignments/allProperties/allTasks"],
};
pub(super) const MANAGE_ACCESS: Need = Need {
    roles: &[role::GLOBAL, role::CONDITIONAL_ACCESS, role::SECURITY],
    actions: &["microsoft.directory/conditionalAccessPolicies/basic/update"],
};
pub(super) const READ_ACCESS: Need = Need {
    roles: &[
        role::GLOBAL,
        role::CONDITIONAL_ACCESS,
        role::SECURITY,
        role::GLOBAL_READER,
        role::SECURITY_READER,
    ],
    actions: &["microsoft.directory/conditionalAccessPolicies/standard/read"],
};
pub(super) const MANAGE_METHODS_POLICY: Need = Need {
    roles: &[role::GLOBAL, role::AUTHENTICATION_POLICY],
    actions: &["microsoft.directory/userCredentialPolicies/basic/update"],
};
pub(super) const MANAGE_METHODS: Need = Need {
    roles: &[
        role::GLOBAL,
        role::PRIVILEGED_AUTHENTICATION,
        role::AUTHENTICATION,
    ],
    actions: &[
        "microsoft.directory/users/authenticationMethods/basic/update",
        "microsoft.directory/users/authenticationMethods/create",
        "microsoft.directory/users/authenticationMethods/delete",
    ],
};
const SENSITIVE_OF_PRIVILEGED: Need = Need {
    roles: &[role::GLOBAL, role::PRIVILEGED_AUTHENTICATION],
    actions: &[],
};
const GLOBAL_ONLY: Need = Need {
    roles: &[role::GLOBAL],
    actions: &[],
};

/// The roles of a caller that are active now.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rights {
    pub(super) app_only: bool,
    /// Object id of the user, or of the app's service principal.
    pub(super) who: String,
    /// (role definition id, directory scope), folded.
    roles: BTreeSet<(String, String)>,
}

impl Rights {
    pub(super) fn of(state: &State, caller: &Caller, now: Timestamp) -> Self {
        let who = caller
            .user
            .clone()
            .or_else(|| caller.principal.clone())
            .unwrap_or_default();
        Self {
            app_only: caller.user.is_none(),
            roles: active_roles(state, &who, now),
            who,
        }
    }

    /// Whether a role fits, for the whole tenant or scoped to one of these units.
    pub(super) fn holds(&self, state: &State, need: Need, units: &[String]) -> bool {
        self.roles.iter().any(|(role, scope)| {
            let in_scope = scope == "/" || units.iter().any(|unit| *scope == scope_of(unit));
            in_scope && fits(state, role, need)
        })
    }

    /// Whether any role at all is assigned at the scope of this unit.
    fn scoped_to(&self, unit: &str) -> bool {
        let scope = scope_of(unit);
        self.roles.iter().any(|(_, own)| *own == scope)
    }

    /// Refuses when the object lies in a restricted management unit to which no role of the caller is scoped: tenant-wide
    /// administrators, owners of the group and apps alike.
    pub(super) fn refuse_restricted(&self, state: &State, object: &str) -> Result<(), ApiError> {
        let units = units_of(state, object);
        let outside = units
            .iter()
            .any(|(unit, restricted)| *restricted && !self.scoped_to(unit));
        if outside {
            return Err(ApiError::new(
                403,
                "Authorization_RequestDenied",
                "Insufficient privileges to complete the operation. Target object is a member of a restricted \
                 management administrative unit and can only be modified by administrators scoped to that \
                 administrative unit. Check that you are assigned a role that has permission to perform the \
                 operation for this restricted management administrative unit. Learn more: \
                 https://go.microsoft.com/fwlink/?linkid=2197831",
            ));
        }
        Ok(())
    }

    /// Refuses a change of an ordinary kind to a user or group: restricted units first, then roles.
    pub(super) fn allow_on(&self, state: &State, object: &str, need: Need) -> Result<(), ApiError> {
        self.refuse_restricted(state, object)?;
        let units: Vec<String> = units_of(state, object)
            .into_iter()
            .map(|(unit, _)| unit)
            .collect();
        if self.app_only || self.holds(state, need, &units) {
            Ok(())
        } else {
            Err(ApiError::denied())
        }
    }

    /// Refuses a sensitive change to somebody who holds a privileged role, or who is member or owner of a
    /// role-assignable group, unless the caller stands above them. Apps need a role of their own here.
    pub(super) fn allow_sensitive(
        &self,
        state: &State,
        user: &str,
        deletion: bool,
        now: Timestamp,
    ) -> Result<(), ApiError> {
        let need = match (is_privileged(state, user, now), in_assignable(state, user)) {
            (true, _) if deletion => GLOBAL_ONLY,
            (true, _) | (false, true) => SENSITIVE_OF_PRIVILEGED,
            (false, false) => return Ok(()),
        };
        // A scoped role that the tenant-wide one would allow counts within its unit.
        let units: Vec<String> = units_of(state, user)
            .into_iter()
            .map(|(unit, _)| unit)
            .collect();
        if self.holds(state, need, &units) {
            Ok(())
        } else {
            Err(ApiError::denied())
        }
    }
}

/// Whether a schedule instance runs at this moment.
pub(crate) fn runs(instance: &Value, now: Timestamp) -> bool {
    let at = |key: &str| {
        instance
            .get(key)
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<Timestamp>().ok())
    };
    at("startDateTime").is_none_or(|start| start <= now)
        && at("endDateTime").is_none_or(|end| now < end)
}

/// (role definition id, scope) of every active assignment, through role-assignable groups too.
pub(crate) fn active_roles(
    state: &State,
    principal: &str,
    now: Timestamp,
) -> BTreeSet<(String, String)> {
    if principal.is_empty() {
        return BTreeSet::new();
    }
    let mut principals = vec![principal.to_lowercase()];
    for group in state.table("groups").all() {
        if is(group, "isAssignableToRole") && has(group, "members", principal) {
            principals.push(text(group, "id").to_lowercase());
        }
    }
    let tables = ["roleAssignmentScheduleInstances", "roleAssignments"];
    tables
        .iter()
        .flat_map(|table| state.table(table).all())
        .filter(|row| principals.contains(&text(row, "principalId").to_lowercase()))
        .filter(|row| runs(row, now))
        .map(|row| {
            let scope = text(row, "directoryScopeId");
            let scope = if scope.is_empty() { "/" } else { scope };
            (
                text(row, "roleDefinitionId").to_lowercase(),
                scope.to_lowercase(),
            )
        })
        .collect()
}

fn fits(state: &State, role: &str, need: Need) -> bool {
    if need.roles.contains(&role) {
        return true;
    }
    let Some(definition) = state.table("roleDefinitions").get(role) else {
        return false;
    };
    definition.get("isBuiltIn").and_then(Value::as_bool) == Some(false)
        && items(definition, "rolePermissions")
            .iter()
            .flat_map(|permission| items(permission, "allowedResourceActions"))
            .filter_map(Value::as_str)
            .any(|action| need.actions.iter().any(|own| same(own, action)))
}

fn scope_of(unit: &str) -> String {
    format!("/administrativeunits/{}", unit.to_lowercase())
}

/// Whether a list of references holds an object.
pub(super) fn has(owner: &Value, list: &str, id: &str) -> bool {
    items(owner, list)
        .iter()
        .any(|member| same(text(member, "id"), id))
}

/// The units that hold an object, and whether they are restricted. Membership is not transitive.
pub(super) fn units_of(state: &State, object: &str) -> Vec<(String, bool)> {
    state
        .table("administrativeUnits")
        .all()
        .filter(|unit| has(unit, "members", object))
        .map(|unit| {
            let restricted = is(unit, "isMemberManagementRestricted");
            (text(unit, "id").to_owned(), restricted)
        })
        .collect()
}

/// Whether a built-in role is labelled privileged, by template id.
pub(crate) fn labelled_privileged(template: &str) -> bool {
    PRIVILEGED.iter().any(|(own, _)| same(own, template))
}

/// Whether somebody holds a privileged role for the whole tenant.
pub(super) fn is_privileged(state: &State, user: &str, now: Timestamp) -> bool {
    active_roles(state, user, now)
        .iter()
        .any(|(role, scope)| scope == "/" && labelled_privileged(role))
}

fn in_assignable(state: &State, user: &str) -> bool {
    state.table("groups").all().any(|group| {
        is(group, "isAssignableToRole")
            && (has(group, "members", user) || has(group, "owners", user))
    })
}

/// Users who hold Global Administrator for the whole tenant now, folded.
pub(super) fn global_administrators(state: &State, now: Timestamp) -> BTreeSet<String> {
    let tables = ["roleAssignmentScheduleInstances", "roleAssignments"];
    let principals = tables
        .iter()
        .flat_map(|table| state.table(table).all())
        .filter(|row| same(text(row, "roleDefinitionId"), role::GLOBAL))
        .filter(|row| matches!(text(row, "directoryScopeId"), "" | "/") && runs(row, now))
        .map(|row| text(row, "principalId"));
    let mut users = BTreeSet::new();
    for principal in principals {
        match state.table("groups").get(principal) {
            Some(group) => users.extend(
                items(group, "members")
                    .iter()
                    .map(|member| text(member, "id").to_lowercase()),
            ),
            None => {
                users.insert(principal.to_lowercase());
            }
        }
    }
    users.retain(|user| state.table("users").get(user).is_some());
    users
}
