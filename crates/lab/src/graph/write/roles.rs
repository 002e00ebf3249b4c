//! Custom roles and role assignments (Microsoft Graph, *unifiedRoleDefinition*, *unifiedRoleAssignment*).
//!
//! What is active lies in `roleAssignmentScheduleInstances`, whatever way it came there; `roleAssignments` is a view of
//! the same, and is written too only where the snapshot keeps it as a collection of its own.

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, bad, is, items, merge, new_id, same, text},
    rights::{self, role},
    rules,
};
use crate::{
    State,
    audit::{self, Modified, Service, Target},
    lab::{Answer, ApiError},
};

pub(super) const ACTIVE: &str = "roleAssignmentScheduleInstances";
pub(super) const ELIGIBLE: &str = "roleEligibilityScheduleInstances";
const PLAIN: &str = "roleAssignments";

/// Built-in roles that may be assigned at the scope of a unit.
const UNIT_ROLES: &[&str] = &[
    "58a13ea3-c632-46ae-9ee0-9c0d43cd7f3d",
    "ffd52fa5-98dc-465c-991d-fc073eb59f8f",
    "c4e39bd9-1100-46d3-8c65-fb160da0071f",
    "7698a772-787b-4ac8-901f-60d6b08affd2",
    "fdd7a751-b60b-444a-984c-02652fe8fa1c",
    "729827e3-9c14-49f7-bb1b-9608f156bbb8",
    "4d6ac14f-3453-41d0-bef9-a3e0c569773a",
    "966707d0-3269-4727-9be2-8c3a10f19b9d",
    "644ef478-e28f-4e28-b9dc-3fdde9aa0b1f",
    "7be44c8a-adaf-4e2a-84d6-ab2649e08a13",
    "f28a1f50-f6e7-4571-818b-6a12f2af6b6c",
    "69091246-20e8-4a56-aa4d-066075b2a7a8",
    "3d762c5a-1b6c-493f-843e-55a3b42923d4",
    "fe930be7-5e62-47db-91af-98c3a49a38b1",
];

/// The id that the service gives an assignment: role, principal and, where it is not the tenant, the scope object, as
/// little-endian GUIDs in base64url, and `-1`.
pub(crate) fn assignment_id(role: &str, principal: &str, scope: &str) -> String {
    let scope = scope.rsplit('/').next().unwrap_or_default();
    let bytes: Vec<u8> = [role, principal, scope]
        .iter()
        .filter_map(|id| uuid::Uuid::parse_str(id).ok())
        .flat_map(|id| id.to_bytes_le())
        .collect();
    format!("{}-1", data_encoding::BASE64URL_NOPAD.encode(&bytes))
}

/// The active assignment of this id: that of its row, or the one that the service computes for it.
pub(super) fn find(state: &State, id: &str) -> Option<Value> {
    [ACTIVE, PLAIN]
        .iter()
        .flat_map(|table| state.table(table).all())
        .find(|row| {
            same(text(row, "id"), id)
                || assignment_id(
                    text(row, "roleDefinitionId"),
                    text(row, "principalId"),
                    text(row, "directoryScopeId"),
                ) == id
        })
        .cloned()
}

pub(super) fn create_role(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let body = Value::Object(body.clone());
    check_role(ctx, &body, None)?;
    if text(&body, "displayName").is_empty()
        || body.get("isEnabled").and_then(Value::as_bool).is_none()
        || items(&body, "rolePermissions").is_empty()
    {
        return Err(bad(
            "The properties 'displayName', 'isEnabled' and 'rolePermissions' are required.",
        ));
    }
    let asked = text(&body, "templateId");
    let id = if uuid::Uuid::parse_str(asked).is_ok() {
        asked.to_owned()
    } else {
        new_id()
    };
    let mut definition = json!({
        "id": id, "description": null, "displayName": null, "isBuiltIn": false, "isEnabled": true,
        "resourceScopes": ["/"], "templateId": id, "version": null, "rolePermissions": [],
    });
    let mut own = body;
    if let Some(own) = own.as_object_mut() {
        own.retain(|name, _| {
            !matches!(name.as_str(), "id" | "isBuiltIn" | "templateId") && !name.contains('@')
        });
    }
    merge(&mut definition, &own);
    ctx.put("roleDefinitions", definition.clone());
    rules::of_new_role(ctx, &id);
    let modified = audit::changed(
        &Object::new(),
        definition.as_object().unwrap_or(&Object::new()),
    );
    let target = Target::object("Role", &definition).with(modified);
    ctx.log(
        Service::Core,
        "RoleManagement",
        "Add role definition",
        "Add",
        vec![target],
    );
    Ok(Answer::json(
        201,
        ctx.entity(
            "roleManagement/directory/roleDefinitions/$entity",
            &definition,
        ),
    ))
}

pub(super) fn update_role(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let old = custom(ctx, id)?;
    let change = Value::Object(body.clone());
    check_role(ctx, &change, Some(id))?;
    let mut definition = old.clone();
    merge(&mut definition, &change);
    let empty = Object::new();
    let modified = audit::changed(
        old.as_object().unwrap_or(&empty),
        definition.as_object().unwrap_or(&empty),
    );
    let target = Target::object("Role", &definition).with(modified);
    ctx.put("roleDefinitions", definition);
    ctx.log(
        Service::Core,
        "RoleManagement",
        "Update role definition",
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

pub(super) fn delete_role(ctx: &mut Context<'_>, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let definition = custom(ctx, id)?;
    let used = [ACTIVE, ELIGIBLE, PLAIN]
        .iter()
        .flat_map(|table| ctx.state.table(table).all())
        .any(|row| same(text(row, "roleDefinitionId"), id));
    if used {
        return Err(bad(
            "The role definition is still assigned: remove its assignments first.",
        ));
    }
    let now = ctx.now;
    ctx.state.remove("roleDefinitions", id, now);
    let target = Target::object("Role", &definition);
    ctx.log(
        Service::Core,
        "RoleManagement",
        "Delete role definition",
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

fn custom(ctx: &Context<'_>, id: &str) -> Result<Value, ApiError> {
    let definition = definition(ctx, id)?;
    if is(&definition, "isBuiltIn") {
        return Err(bad(
            "A built-in role definition cannot be changed or deleted.",
        ));
    }
    Ok(definition)
}

fn check_role(ctx: &Context<'_>, body: &Value, own: Option<&str>) -> Result<(), ApiError> {
    let name = text(body, "displayName");
    let taken = !name.is_empty()
        && ctx.state.table("roleDefinitions").all().any(|definition| {
            same(text(definition, "displayName"), name)
                && own.is_none_or(|own| !same(own, text(definition, "id")))
        });
    if taken {
        return Err(bad(format!(
            "A role definition with the display name '{name}' already exists."
        )));
    }
    let actions = items(body, "rolePermissions")
        .iter()
        .flat_map(|permission| items(permission, "allowedResourceActions"));
    for action in actions {
        let action = action.as_str().unwrap_or_default();
        let known = action.starts_with("microsoft.directory/") && action.split('/').count() >= 3;
        if !known {
            return Err(bad(format!(
                "The resource action '{action}' is not supported in a custom role."
            )));
        }
    }
    Ok(())
}

pub(super) fn create_assignment(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let body = Value::Object(body.clone());
    let scope = text(&body, "directoryScopeId");
    if scope.is_empty() {
        return Err(bad("A value is required for property 'directoryScopeId'."));
    }
    let row = assign(
        ctx,
        text(&body, "principalId"),
        text(&body, "roleDefinitionId"),
        scope,
    )?;
    let answer = json!({
        "id": text(&row, "id"), "principalId": text(&row, "principalId"),
        "roleDefinitionId": text(&row, "roleDefinitionId"), "directoryScopeId": text(&row, "directoryScopeId"),
    });
    Ok(Answer::json(
        201,
        ctx.entity("roleManagement/directory/roleAssignments/$entity", &answer),
    ))
}

/// Assigns a role outside Privileged Identity Management.
pub(super) fn assign(
    ctx: &mut Context<'_>,
    principal: &str,
    role: &str,
    scope: &str,
) -> Result<Value, ApiError> {
    let (principal, definition) = parties(ctx, principal, role)?;
    check_scope(ctx, &definition, scope)?;
    let (principal_id, role_id) = (text(&principal, "id"), text(&definition, "id"));
    let id = assignment_id(role_id, principal_id, scope);
    if current(&ctx.state, ACTIVE, principal_id, role_id, scope).is_some()
        || find(&ctx.state, &id).is_some()
    {
        return Err(bad(
            "A conflicting object with one or more of the specified property values is present in the directory.",
        ));
    }
    let row = json!({
        "id": id, "principalId": principal_id, "roleDefinitionId": role_id, "directoryScopeId": scope,
        "appScopeId": null, "startDateTime": null, "endDateTime": null, "assignmentType": "Assigned",
        "memberType": "Direct", "roleAssignmentOriginId": id, "roleAssignmentScheduleId": id,
    });
    store_active(ctx, &row);
    log_role(ctx, &principal, &definition, scope, true);
    let activity = "Add member to role outside of PIM (permanent)";
    let targets = vec![
        Target::object("Role", &definition),
        principal_target(&principal),
    ];
    let service = crate::audit::Initiator::service("MS-PIM");
    ctx.log_as(
        &service,
        Service::Pim,
        "RoleManagement",
        activity,
        "Assign",
        targets,
        Vec::new(),
    );
    Ok(row)
}

pub(super) fn delete_assignment(ctx: &mut Context<'_>, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let row = find(&ctx.state, id).ok_or_else(|| ApiError::not_found(id))?;
    withdraw(ctx, &row)?;
    Ok(Answer::no_content())
}

/// Ends an active assignment; nobody takes Global Administrator from themselves, nor from the last one who has it.
pub(super) fn withdraw(ctx: &mut Context<'_>, row: &Value) -> Result<(), ApiError> {
    let principal = text(row, "principalId").to_owned();
    let global =
        same(text(row, "roleDefinitionId"), role::GLOBAL) && text(row, "directoryScopeId") == "/";
    if global && !ctx.rights.app_only && same(&principal, &ctx.rights.who) {
        return Err(bad(
            "You cannot remove your own Global Administrator assignment.",
        ));
    }
    if global {
        let holders = rights::global_administrators(&ctx.state, ctx.now);
        if holders.len() == 1 && holders.contains(&principal.to_lowercase()) {
            return Err(bad(
                "The last Global Administrator assignment of the tenant cannot be removed.",
            ));
        }
    }
    remove_active(ctx, row);
    let (principal, definition) = named(ctx, row);
    log_role(
        ctx,
        &principal,
        &definition,
        text(row, "directoryScopeId"),
        false,
    );
    Ok(())
}

/// Puts a row where active assignments lie.
pub(super) fn store_active(ctx: &mut Context<'_>, row: &Value) {
    ctx.put(ACTIVE, row.clone());
    if ctx.state.tables.contains_key(PLAIN) {
        let plain = json!({
            "id": text(row, "id"), "principalId": text(row, "principalId"),
            "roleDefinitionId": text(row, "roleDefinitionId"), "directoryScopeId": text(row, "directoryScopeId"),
            "appScopeId": null,
        });
        ctx.put(PLAIN, plain);
    }
}

/// Takes it away again, from both.
pub(super) fn remove_active(ctx: &mut Context<'_>, row: &Value) {
    let now = ctx.now;
    for table in [ACTIVE, PLAIN] {
        let own = current(
            &ctx.state,
            table,
            text(row, "principalId"),
            text(row, "roleDefinitionId"),
            text(row, "directoryScopeId"),
        );
        if let Some(own) = own {
            ctx.state.remove(table, text(&own, "id"), now);
        }
    }
}

/// The row for principal, role and scope in a collection of assignments.
pub(super) fn current(
    state: &State,
    table: &str,
    principal: &str,
    role: &str,
    scope: &str,
) -> Option<Value> {
    state
        .table(table)
        .all()
        .find(|row| {
            same(text(row, "principalId"), principal)
                && same(text(row, "roleDefinitionId"), role)
                && same(text(row, "directoryScopeId"), scope)
        })
        .cloned()
}

fn definition(ctx: &Context<'_>, role: &str) -> Result<Value, ApiError> {
    ctx.get("roleDefinitions", role)
        .or_else(|error| rights::built_in(role).ok_or(error))
}

/// Principal and role of a request, which both have to exist.
pub(super) fn parties(
    ctx: &Context<'_>,
    principal: &str,
    role: &str,
) -> Result<(Value, Value), ApiError> {
    let definition = definition(ctx, role)?;
    for table in ["users", "groups", "servicePrincipals"] {
        let Some(object) = ctx.state.table(table).get(principal) else {
            continue;
        };
        if table == "groups" && !is(object, "isAssignableToRole") {
            return Err(bad("The group is not assignable to a role."));
        }
        return Ok((object.clone(), definition));
    }
    Err(ApiError::not_found(principal))
}

pub(super) fn check_scope(
    ctx: &Context<'_>,
    definition: &Value,
    scope: &str,
) -> Result<(), ApiError> {
    if scope == "/" {
        return Ok(());
    }
    if let Some(unit) = scope.strip_prefix("/administrativeUnits/") {
        ctx.get("administrativeUnits", unit)?;
        let fits = !is(definition, "isBuiltIn")
            || UNIT_ROLES
                .iter()
                .any(|own| same(own, text(definition, "id")));
        return if fits {
            Ok(())
        } else {
            Err(bad(
                "The given built-in role is not supported to be assigned to a single resource scope.",
            ))
        };
    }
    let application = scope.strip_prefix('/').unwrap_or(scope);
    for table in ["applications", "servicePrincipals"] {
        if ctx.state.table(table).get(application).is_some() {
            return Ok(());
        }
    }
    Err(ApiError::not_found(application))
}

/// Principal and role of an existing row, for records; what is gone is named by its id.
pub(super) fn named(ctx: &Context<'_>, row: &Value) -> (Value, Value) {
    let principal = text(row, "principalId");
    let object = ["users", "groups", "servicePrincipals"]
        .iter()
        .find_map(|table| ctx.state.table(table).get(principal).cloned())
        .unwrap_or_else(|| json!({"id": principal}));
    let role = text(row, "roleDefinitionId");
    let definition = definition(ctx, role).unwrap_or_else(|_| json!({"id": role}));
    (object, definition)
}

pub(super) fn principal_target(principal: &Value) -> Target {
    let kind = match principal {
        user if user.get("userPrincipalName").is_some() => "User",
        group if group.get("securityEnabled").is_some() => "Group",
        _ => "ServicePrincipal",
    };
    Target::object(kind, principal)
}

/// Which word the directory uses for a change of a role's members: the scope decides.
fn activity(state: &State, scope: &str, added: bool) -> &'static str {
    let restricted = scope
        .strip_prefix("/administrativeUnits/")
        .and_then(|unit| state.table("administrativeUnits").get(unit))
        .map(|unit| is(unit, "isMemberManagementRestricted"));
    match (restricted, added) {
        (None, true) => "Add member to role",
        (None, false) => "Remove member from role",
        (Some(false), true) => "Add scoped member to role",
        (Some(false), false) => "Remove scoped member from role",
        (Some(true), true) => {
            "Add member to role scoped over Restricted Management Administrative Unit"
        }
        (Some(true), false) => {
            "Remove member from role scoped over Restricted Management Administrative Unit"
        }
    }
}

/// The directory's own record of a member of a role that came or went.
pub(super) fn log_role(
    ctx: &mut Context<'_>,
    principal: &Value,
    definition: &Value,
    scope: &str,
    added: bool,
) {
    let activity = activity(&ctx.state, scope, added);
    log_role_as(ctx, principal, definition, activity, added);
}

pub(super) fn log_role_as(
    ctx: &mut Context<'_>,
    principal: &Value,
    definition: &Value,
    activity: &str,
    added: bool,
) {
    let property = |name: &str, value: &str| {
        let (old, new) = match added {
            true => (Value::Null, json!(value)),
            false => (json!(value), Value::Null),
        };
        Modified::new(&format!("Role.{name}"), &old, &new)
    };
    let mut modified = vec![
        property("ObjectID", text(definition, "id")),
        property("DisplayName", text(definition, "displayName")),
        property("TemplateId", text(definition, "templateId")),
    ];
    if same(text(definition, "id"), role::GLOBAL) {
        modified.push(property("WellKnownObjectName", "TenantAdmins"));
    }
    let targets = vec![
        principal_target(principal).with(modified),
        Target {
            id: Some(text(definition, "id").to_owned()),
            kind: "Role",
            ..Target::default()
        },
    ];
    let operation = if added { "Assign" } else { "Unassign" };
    ctx.log(
        Service::Core,
        "RoleManagement",
        activity,
        operation,
        targets,
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_an_assignment_follows_from_its_parts() {
        let id = assignment_id(role::GLOBAL, "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000", "/");
        assert!(id.starts_with("lAPpYvVpN0KRkAEhdxReE"), "{id}");
        let bytes = data_encoding::BASE64URL_NOPAD
            .decode(id.strip_suffix("-1").unwrap().as_bytes())
            .unwrap();
        assert_eq!(bytes.len(), 32);
        assert_eq!(
            uuid::Uuid::from_slice_le(&bytes[16..]).unwrap().to_string(),
            "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000"
        );
        let scoped = assignment_id(
            role::GLOBAL,
            "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000",
            "/administrativeUnits/7b3e1e56-41c2-4d8a-b6f0-9c5d1e2a58ba",
        );
        assert_eq!(scoped.len(), 64 + 2);
    }
}
