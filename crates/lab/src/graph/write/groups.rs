//! Groups, and the links of groups and units (Microsoft Graph, *group resource type*; Microsoft Entra, *Use Entra
//! groups to manage role assignments*).

use serde_json::{Value, json};

use super::{
    call::{Link, Owner},
    context::{Context, Done, Object, bad, is, items, merge, new_id, referred, same, text},
    memberships,
    rights::{self, has},
};
use crate::{
    audit::{self, Modified, Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

const KNOWN: &[&str] = &[
    "displayName",
    "description",
    "mailEnabled",
    "mailNickname",
    "securityEnabled",
    "groupTypes",
    "isAssignableToRole",
    "visibility",
    "membershipRule",
    "membershipRuleProcessingState",
    "classification",
    "preferredDataLocation",
    "theme",
    "uniqueName",
];
/// Role-assignable groups that a tenant may have.
const MOST_ASSIGNABLE: usize = 500;
/// References that one call may bind.
const MOST_BOUND: usize = 20;

pub(super) fn create(ctx: &mut Context<'_>, body: &Object) -> Done {
    known(body)?;
    let body = Value::Object(body.clone());
    for name in ["displayName", "mailNickname"] {
        if text(&body, name).is_empty() {
            return Err(bad(format!(
                "A value is required for property '{name}' of resource 'Group'."
            )));
        }
    }
    for name in ["mailEnabled", "securityEnabled"] {
        if body.get(name).and_then(Value::as_bool).is_none() {
            return Err(bad(format!(
                "A value is required for property '{name}' of resource 'Group'."
            )));
        }
    }
    let assignable = is(&body, "isAssignableToRole");
    if assignable {
        allow_assignable(ctx)?;
        check_assignable(ctx, &body)?;
    } else {
        ctx.allow(rights::MANAGE_GROUPS)?;
    }
    let bound = [bound(&body, "members")?, bound(&body, "owners")?];
    if bound.iter().map(Vec::len).sum::<usize>() > MOST_BOUND {
        return Err(bad(
            "A maximum of 20 relationships can be added in a single request.",
        ));
    }
    let mut references = [Vec::new(), Vec::new()];
    for (ids, list) in bound.iter().zip(&mut references) {
        for id in ids {
            let reference = reference(ctx, id)?;
            if assignable && text(&reference, "@odata.type") == "#microsoft.graph.group" {
                return Err(bad(
                    "A group cannot be added as a member of a role-assignable group.",
                ));
            }
            list.push(reference);
        }
    }
    let [members, mut owners] = references;
    if owners.is_empty() && !ctx.rights.app_only {
        // Whoever creates a group for themselves owns it.
        owners.push(json!({"@odata.type": "#microsoft.graph.user", "id": ctx.rights.who}));
    }
    let id = new_id();
    let mut group = json!({
        "id": id, "deletedDateTime": null, "classification": null, "createdDateTime": stamp(ctx.now),
        "description": null, "displayName": null, "groupTypes": [], "isAssignableToRole": null, "mail": null,
        "mailEnabled": false, "mailNickname": null, "membershipRule": null, "membershipRuleProcessingState": null,
        "onPremisesSyncEnabled": null, "onPremisesLastSyncDateTime": null, "securityEnabled": true,
        "visibility": assignable.then_some("Private"), "isManagementRestricted": null,
    });
    let mut own = body;
    if let Some(own) = own.as_object_mut() {
        own.retain(|name, _| !name.contains('@'));
    }
    merge(&mut group, &own);
    let mut stored = group.clone();
    let transitive: Vec<Value> = Vec::new();
    merge(
        &mut stored,
        &json!({"members": members, "owners": owners, "transitiveMembers": transitive, "transitiveMemberOf": transitive}),
    );
    ctx.put("groups", stored);
    let ids: Vec<String> = members
        .iter()
        .map(|member| text(member, "id").to_owned())
        .collect();
    for member in ids {
        let now = ctx.now;
        memberships::refresh(&mut ctx.state, &id, &member, now);
    }
    let modified = audit::changed(&Object::new(), group.as_object().unwrap_or(&Object::new()));
    let target = Target::object("Group", &group).with(modified);
    ctx.log(
        Service::Core,
        "GroupManagement",
        "Add group",
        "Add",
        vec![target],
    );
    for member in &members {
        log_link(ctx, &group, member, Owner::Group, Link::Members, true);
    }
    Ok(Answer::json(201, ctx.entity("groups/$entity", &group)))
}

/// A group or unit without the lists that lie in it.
pub(super) fn shown(ctx: &Context<'_>, rest: &str, object: &Value) -> Value {
    let mut own = object.clone();
    if let Some(own) = own.as_object_mut() {
        for list in [
            "members",
            "owners",
            "transitiveMembers",
            "transitiveMemberOf",
            "scopedRoleMembers",
        ] {
            own.remove(list);
        }
    }
    ctx.entity(rest, &own)
}

pub(super) fn update(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    let old = ctx.get("groups", id)?;
    known(body)?;
    if let Some(asked) = body.get("isAssignableToRole")
        && asked.as_bool().unwrap_or_default() != is(&old, "isAssignableToRole")
    {
        return Err(bad(
            "Property 'isAssignableToRole' is immutable and can only be set when the group is created.",
        ));
    }
    let given = Value::Object(body.clone());
    let bound = bound(&given, "members")?;
    if bound.len() > MOST_BOUND {
        return Err(bad(
            "A maximum of 20 relationships can be added in a single request.",
        ));
    }
    let own: Object = body
        .iter()
        .filter(|(name, _)| !name.contains('@'))
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect();
    if is(&old, "isAssignableToRole")
        && items(&given, "groupTypes")
            .iter()
            .any(|kind| kind == "DynamicMembership")
    {
        return Err(bad(
            "A role-assignable group cannot have dynamic membership.",
        ));
    }
    if !own.is_empty() || bound.is_empty() {
        allow_change(ctx, &old, false)?;
        let mut group = old.clone();
        merge(&mut group, &Value::Object(own));
        let empty = Object::new();
        let modified = audit::changed(
            old.as_object().unwrap_or(&empty),
            group.as_object().unwrap_or(&empty),
        );
        let target = Target::object("Group", &group).with(modified);
        ctx.put("groups", group);
        ctx.log(
            Service::Core,
            "GroupManagement",
            "Update group",
            "Update",
            vec![target],
        );
    }
    for member in bound {
        add(ctx, Owner::Group, id, Link::Members, &member)?;
    }
    Ok(Answer::no_content())
}

pub(super) fn delete(ctx: &mut Context<'_>, id: &str) -> Done {
    let group = ctx.get("groups", id)?;
    allow_change(ctx, &group, false)?;
    let id = text(&group, "id").to_owned();
    let now = ctx.now;
    ctx.state.remove("groups", &id, now);
    for member in items(&group, "members") {
        let member = text(member, "id").to_owned();
        memberships::refresh(&mut ctx.state, &id, &member, now);
    }
    memberships::forget(&mut ctx.state, &id, now);
    super::deleted::keep(ctx, "groups", &group);
    let target = Target::object("Group", &group);
    ctx.log(
        Service::Core,
        "GroupManagement",
        "Delete group",
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

pub(super) fn add_link(
    ctx: &mut Context<'_>,
    owner: Owner,
    id: &str,
    link: Link,
    body: &Object,
) -> Done {
    let given = body
        .get("@odata.id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let member = referred(given)
        .ok_or_else(|| {
            bad("The reference in '@odata.id' is missing or names no directory object.")
        })?
        .to_owned();
    add(ctx, owner, id, link, &member)?;
    Ok(Answer::no_content())
}

fn add(
    ctx: &mut Context<'_>,
    owner: Owner,
    id: &str,
    link: Link,
    member: &str,
) -> Result<(), ApiError> {
    let mut object = holder(ctx, owner, id)?;
    let reference = reference(ctx, member)?;
    let kind = text(&reference, "@odata.type").to_owned();
    let list = name(link);
    if owner == Owner::Group {
        if link == Link::Members
            && items(&object, "groupTypes")
                .iter()
                .any(|kind| kind == "DynamicMembership")
        {
            return Err(bad(
                "Members of a group with dynamic membership cannot be changed.",
            ));
        }
        if is(&object, "isAssignableToRole") && kind == "#microsoft.graph.group" {
            return Err(bad(
                "A group cannot be added as a member of a role-assignable group.",
            ));
        }
    } else {
        check_unit_member(ctx, &object, &reference)?;
    }
    if has(&object, list, member) {
        return Err(bad(format!(
            "One or more added object references already exist for the following modified properties: '{list}'."
        )));
    }
    let mut members = items(&object, list).to_vec();
    members.push(reference.clone());
    merge(&mut object, &json!({ list: members }));
    store(ctx, owner, &object, link, member);
    log_link(ctx, &object, &reference, owner, link, true);
    Ok(())
}

pub(super) fn remove_link(
    ctx: &mut Context<'_>,
    owner: Owner,
    id: &str,
    link: Link,
    member: &str,
) -> Done {
    let mut object = holder(ctx, owner, id)?;
    let list = name(link);
    let reference = items(&object, list)
        .iter()
        .find(|own| same(text(own, "id"), member))
        .cloned()
        .ok_or_else(|| ApiError::not_found(member))?;
    let rest: Vec<Value> = items(&object, list)
        .iter()
        .filter(|own| !same(text(own, "id"), member))
        .cloned()
        .collect();
    merge(&mut object, &json!({ list: rest }));
    store(ctx, owner, &object, link, member);
    log_link(ctx, &object, &reference, owner, link, false);
    Ok(Answer::no_content())
}

/// The group or unit, when the caller may change its lists.
fn holder(ctx: &Context<'_>, owner: Owner, id: &str) -> Result<Value, ApiError> {
    match owner {
        Owner::Group => {
            let group = ctx.get("groups", id)?;
            allow_change(ctx, &group, true)?;
            Ok(group)
        }
        Owner::Unit => {
            ctx.allow(rights::MANAGE_ROLES)?;
            ctx.get("administrativeUnits", id)
        }
    }
}

fn store(ctx: &mut Context<'_>, owner: Owner, object: &Value, link: Link, member: &str) {
    let id = text(object, "id").to_owned();
    let now = ctx.now;
    match owner {
        Owner::Group => {
            ctx.put("groups", object.clone());
            if link == Link::Members {
                memberships::refresh(&mut ctx.state, &id, member, now);
            }
        }
        Owner::Unit => {
            ctx.put("administrativeUnits", object.clone());
            memberships::mark_unit(&mut ctx.state, &id, member, now);
        }
    }
}

/// Who may change a group: its own unit first, then roles, then its owners.
fn allow_change(ctx: &Context<'_>, group: &Value, membership: bool) -> Result<(), ApiError> {
    let id = text(group, "id");
    let owns = has(group, "owners", &ctx.rights.who) && !ctx.rights.who.is_empty();
    if is(group, "isAssignableToRole") {
        // Tenant-wide Global and Privileged Role Administrators keep the membership of a role-assignable group even in
        // a restricted unit; owners and apps do not.
        let above = ctx.rights.holds(&ctx.state, rights::MANAGE_ROLES, &[]);
        if above && membership {
            return Ok(());
        }
        ctx.rights.refuse_restricted(&ctx.state, id)?;
        let app = ctx.rights.app_only
            && ctx
                .caller
                .permissions
                .contains("RoleManagement.ReadWrite.Directory");
        return if above || app || owns {
            Ok(())
        } else {
            Err(ApiError::denied())
        };
    }
    ctx.rights.refuse_restricted(&ctx.state, id)?;
    if owns {
        return Ok(());
    }
    ctx.rights.allow_on(&ctx.state, id, rights::MANAGE_GROUPS)
}

fn allow_assignable(ctx: &Context<'_>) -> Result<(), ApiError> {
    if !ctx
        .caller
        .permissions
        .contains("RoleManagement.ReadWrite.Directory")
    {
        return Err(ApiError::denied());
    }
    ctx.allow(rights::MANAGE_ROLES)
}

fn check_assignable(ctx: &Context<'_>, body: &Value) -> Result<(), ApiError> {
    if items(body, "groupTypes")
        .iter()
        .any(|kind| kind == "DynamicMembership")
    {
        return Err(bad(
            "A role-assignable group cannot have dynamic membership.",
        ));
    }
    if !is(body, "securityEnabled") {
        return Err(bad("A role-assignable group must be security enabled."));
    }
    let visibility = text(body, "visibility");
    if !visibility.is_empty() && !same(visibility, "Private") {
        return Err(bad(
            "The visibility of a role-assignable group must be 'Private'.",
        ));
    }
    let groups = ctx.state.table("groups");
    if groups
        .all()
        .filter(|group| is(group, "isAssignableToRole"))
        .count()
        >= MOST_ASSIGNABLE
    {
        return Err(bad("The tenant already has 500 role-assignable groups."));
    }
    Ok(())
}

/// Restricted units hold users, devices and security groups.
fn check_unit_member(ctx: &Context<'_>, unit: &Value, reference: &Value) -> Result<(), ApiError> {
    let kind = text(reference, "@odata.type");
    let fits = match kind {
        "#microsoft.graph.user" | "#microsoft.graph.device" => true,
        "#microsoft.graph.group" => {
            let group = ctx.get("groups", text(reference, "id"))?;
            let security = is(&group, "securityEnabled")
                && !is(&group, "mailEnabled")
                && !items(&group, "groupTypes")
                    .iter()
                    .any(|kind| kind == "Unified");
            security || !is(unit, "isMemberManagementRestricted")
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(bad(
            "The object cannot be a member of this administrative unit.",
        ))
    }
}

/// The reference to an object of the directory, with its type.
fn reference(ctx: &Context<'_>, id: &str) -> Result<Value, ApiError> {
    for (table, kind) in [
        ("users", "user"),
        ("groups", "group"),
        ("devices", "device"),
        ("servicePrincipals", "servicePrincipal"),
    ] {
        if let Some(object) = ctx.state.table(table).get(id) {
            return Ok(
                json!({"@odata.type": format!("#microsoft.graph.{kind}"), "id": text(object, "id")}),
            );
        }
    }
    Err(ApiError::not_found(id))
}

fn bound(body: &Value, list: &str) -> Result<Vec<String>, ApiError> {
    items(body, &format!("{list}@odata.bind"))
        .iter()
        .map(|reference| {
            reference
                .as_str()
                .and_then(referred)
                .map(str::to_owned)
                .ok_or_else(|| {
                    bad(format!(
                        "A reference in '{list}@odata.bind' names no directory object."
                    ))
                })
        })
        .collect()
}

fn known(body: &Object) -> Result<(), ApiError> {
    for name in body.keys() {
        if !name.contains('@') && !KNOWN.contains(&name.as_str()) {
            return Err(bad(format!(
                "The property '{name}' cannot be set on type 'microsoft.graph.group'."
            )));
        }
    }
    Ok(())
}

const fn name(link: Link) -> &'static str {
    match link {
        Link::Members => "members",
        Link::Owners => "owners",
    }
}

/// The record of a change of membership: the member is the main target, the holder stands in its properties.
fn log_link(
    ctx: &mut Context<'_>,
    holder: &Value,
    reference: &Value,
    owner: Owner,
    link: Link,
    added: bool,
) {
    let id = text(reference, "id").to_owned();
    let (kind, object) = ["users", "groups", "devices", "servicePrincipals"]
        .into_iter()
        .zip(["User", "Group", "Device", "ServicePrincipal"])
        .find_map(|(table, kind)| Some((kind, ctx.state.table(table).get(&id)?.clone())))
        .unwrap_or(("Other", reference.clone()));
    let (prefix, category, holder_kind) = match owner {
        Owner::Group => ("Group", "GroupManagement", "Group"),
        Owner::Unit => (
            "AdministrativeUnit",
            "AdministrativeUnit",
            "AdministrativeUnit",
        ),
    };
    let property = |name: &str, value: &str| {
        let (old, new) = match added {
            true => (Value::Null, json!(value)),
            false => (json!(value), Value::Null),
        };
        Modified::new(&format!("{prefix}.{name}"), &old, &new)
    };
    let modified = [
        property("ObjectID", text(holder, "id")),
        property("DisplayName", text(holder, "displayName")),
    ];
    let to = match (owner, is(holder, "isMemberManagementRestricted")) {
        (Owner::Group, _) => "group",
        (Owner::Unit, false) => "administrative unit",
        (Owner::Unit, true) => "restricted management administrative unit",
    };
    let what = if link == Link::Members {
        "member"
    } else {
        "owner"
    };
    let (activity, operation) = if added {
        (format!("Add {what} to {to}"), "Assign")
    } else {
        (format!("Remove {what} from {to}"), "Unassign")
    };
    let targets = vec![
        Target::object(kind, &object).with(modified),
        Target::object(holder_kind, holder),
    ];
    ctx.log(Service::Core, category, &activity, operation, targets);
}
