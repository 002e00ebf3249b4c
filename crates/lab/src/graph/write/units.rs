//! Administrative units, restricted ones among them (Microsoft Graph, *administrativeUnit*; Microsoft Entra,
//! *Restricted management administrative units*).

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, bad, is, items, merge, new_id, same, text},
    memberships, rights, roles,
};
use crate::{
    audit::{self, Service, Target},
    lab::{Answer, ApiError},
};

const KNOWN: &[&str] = &[
    "displayName",
    "description",
    "visibility",
    "isMemberManagementRestricted",
    "membershipType",
    "membershipRule",
    "membershipRuleProcessingState",
];
/// Restricted units that a tenant may have.
const MOST_RESTRICTED: usize = 100;

pub(super) fn create(ctx: &mut Context<'_>, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    known(body)?;
    let body = Value::Object(body.clone());
    if text(&body, "displayName").is_empty() {
        return Err(bad(
            "A value is required for property 'displayName' of resource 'AdministrativeUnit'.",
        ));
    }
    let restricted = is(&body, "isMemberManagementRestricted");
    let units = ctx.state.table("administrativeUnits");
    let many = units
        .all()
        .filter(|unit| is(unit, "isMemberManagementRestricted"))
        .count();
    if restricted && many >= MOST_RESTRICTED {
        return Err(bad(
            "The tenant already has 100 restricted management administrative units.",
        ));
    }
    let mut unit = json!({
        "id": new_id(), "deletedDateTime": null, "displayName": null, "description": null, "visibility": null,
        "isMemberManagementRestricted": false, "membershipType": null, "membershipRule": null,
        "membershipRuleProcessingState": null,
    });
    merge(&mut unit, &body);
    let mut stored = unit.clone();
    let none: Vec<Value> = Vec::new();
    merge(&mut stored, &json!({"members": none}));
    ctx.put("administrativeUnits", stored);
    let modified = audit::changed(&Object::new(), unit.as_object().unwrap_or(&Object::new()));
    let target = Target::object("AdministrativeUnit", &unit).with(modified);
    ctx.log(
        Service::Core,
        "AdministrativeUnit",
        "Add administrative unit",
        "Add",
        vec![target],
    );
    Ok(Answer::json(
        201,
        ctx.entity("directory/administrativeUnits/$entity", &unit),
    ))
}

pub(super) fn update(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let old = ctx.get("administrativeUnits", id)?;
    known(body)?;
    if let Some(asked) = body.get("isMemberManagementRestricted")
        && asked.as_bool().unwrap_or_default() != is(&old, "isMemberManagementRestricted")
    {
        return Err(bad(
            "Property 'isMemberManagementRestricted' is immutable and can only be set when the administrative unit \
             is created.",
        ));
    }
    let mut unit = old.clone();
    merge(&mut unit, &Value::Object(body.clone()));
    let empty = Object::new();
    let modified = audit::changed(
        old.as_object().unwrap_or(&empty),
        unit.as_object().unwrap_or(&empty),
    );
    let target = Target::object("AdministrativeUnit", &unit).with(modified);
    ctx.put("administrativeUnits", unit);
    ctx.log(
        Service::Core,
        "AdministrativeUnit",
        "Update administrative unit",
        "Update",
        vec![target],
    );
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, id: &str) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let unit = ctx.get("administrativeUnits", id)?;
    let id = text(&unit, "id").to_owned();
    let now = ctx.now;
    ctx.state.remove("administrativeUnits", &id, now);
    for member in items(&unit, "members") {
        memberships::mark_unit(&mut ctx.state, &id, text(member, "id"), now);
    }
    super::deleted::keep(ctx, "administrativeUnits", &unit);
    let target = Target::object("AdministrativeUnit", &unit);
    ctx.log(
        Service::Core,
        "AdministrativeUnit",
        "Delete administrative unit",
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

/// A role scoped to the unit, by the older way: the role is named by its activated directory role.
pub(super) fn add_scoped_role(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let unit = ctx.get("administrativeUnits", id)?;
    let unit_id = text(&unit, "id").to_owned();
    let body = Value::Object(body.clone());
    let asked = text(&body, "roleId").to_owned();
    let template = ctx
        .state
        .table("directoryRoles")
        .get(&asked)
        .map(|role| text(role, "roleTemplateId").to_owned())
        .or_else(|| {
            let role = rights::built_in(&asked)?;
            Some(text(&role, "id").to_owned())
        })
        .ok_or_else(|| ApiError::not_found(&asked))?;
    let member = body
        .get("roleMemberInfo")
        .map(|info| text(info, "id").to_owned())
        .unwrap_or_default();
    let user = ctx.user(&member)?;
    let scope = format!("/administrativeUnits/{unit_id}");
    let assignment = roles::assign(ctx, &member, &template, &scope)?;
    let answer = json!({
        "id": text(&assignment, "id"), "administrativeUnitId": unit_id, "roleId": asked,
        "roleMemberInfo": {"id": text(&user, "id"), "displayName": text(&user, "displayName"),
            "userPrincipalName": text(&user, "userPrincipalName")},
    });
    Ok(Answer::json(
        201,
        ctx.entity("scopedRoleMemberships/$entity", &answer),
    ))
}

pub(super) fn remove_scoped_role(ctx: &mut Context<'_>, id: &str, assignment: &str) -> Done {
    ctx.allow(rights::MANAGE_ROLES)?;
    let unit = ctx.get("administrativeUnits", id)?;
    let scope = format!("/administrativeUnits/{}", text(&unit, "id"));
    let scoped = roles::find(&ctx.state, assignment)
        .is_some_and(|row| same(text(&row, "directoryScopeId"), &scope));
    if !scoped {
        return Err(ApiError::not_found(assignment));
    }
    roles::delete_assignment(ctx, assignment)
}

fn known(body: &Object) -> Result<(), ApiError> {
    for name in body.keys() {
        if !name.contains('@') && !KNOWN.contains(&name.as_str()) {
            return Err(bad(format!(
                "The property '{name}' cannot be set on type 'microsoft.graph.administrativeUnit'."
            )));
        }
    }
    Ok(())
}
