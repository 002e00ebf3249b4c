//! Deleted users and groups, which can be restored for 30 days (Microsoft Graph, *deletedItems*).

use serde_json::{Value, json};

use super::{
    context::{Context, Done, Object, bad, merge, same, text},
    rights,
};
use crate::{
    audit::{Service, Target},
    lab::{Answer, ApiError},
    times::stamp,
};

/// Keeps a deleted object, marked with the time.
pub(super) fn keep(ctx: &mut Context<'_>, table: &str, object: &Value) {
    let mut object = object.clone();
    merge(&mut object, &json!({"deletedDateTime": stamp(ctx.now)}));
    ctx.state.deleted.push((table.to_owned(), object));
}

/// Takes a deleted object of one of these collections out of the bin.
pub(super) fn take(
    ctx: &mut Context<'_>,
    tables: &[&str],
    id: &str,
) -> Result<(String, Value), ApiError> {
    let place = ctx
        .state
        .deleted
        .iter()
        .position(|(table, object)| {
            tables.contains(&table.as_str()) && same(text(object, "id"), id)
        })
        .ok_or_else(|| ApiError::not_found(id))?;
    Ok(ctx.state.deleted.remove(place))
}

/// Names for the records of a collection: kind, category, what to call it.
fn kind(table: &str) -> (&'static str, &'static str, &'static str) {
    match table {
        "groups" => ("Group", "GroupManagement", "group"),
        "administrativeUnits" => (
            "AdministrativeUnit",
            "AdministrativeUnit",
            "administrative unit",
        ),
        _ => ("User", "UserManagement", "user"),
    }
}

const TABLES: &[&str] = &["users", "groups", "administrativeUnits"];

fn allow(ctx: &Context<'_>, id: &str) -> Result<(), ApiError> {
    let table = ctx
        .state
        .deleted
        .iter()
        .find(|(_, object)| same(text(object, "id"), id))
        .map(|(table, _)| table.as_str());
    match table {
        Some("groups") => ctx.allow(rights::MANAGE_GROUPS),
        Some("administrativeUnits") => ctx.allow(rights::MANAGE_ROLES),
        Some(_) => {
            ctx.allow(rights::DELETE_USERS)?;
            ctx.rights.allow_sensitive(&ctx.state, id, true, ctx.now)
        }
        None => Ok(()),
    }
}

pub(super) fn restore(ctx: &mut Context<'_>, id: &str, body: &Object) -> Done {
    allow(ctx, id)?;
    let wanted = body.get("newUserPrincipalName").and_then(Value::as_str);
    let (table, mut object) = take(ctx, TABLES, id)?;
    if let Some(upn) = wanted {
        merge(&mut object, &json!({"userPrincipalName": upn}));
    }
    let upn = text(&object, "userPrincipalName");
    let taken = !upn.is_empty()
        && ctx
            .state
            .table("users")
            .all()
            .any(|user| same(text(user, "userPrincipalName"), upn));
    if taken {
        ctx.state.deleted.push((table, object));
        return Err(bad(
            "Another object with the same value for property userPrincipalName already exists.",
        ));
    }
    if let Some(object) = object.as_object_mut() {
        object.remove("deletedDateTime");
    }
    ctx.put(&table, object.clone());
    let (kind, category, word) = kind(&table);
    let target = Target::object(kind, &object);
    ctx.log(
        Service::Core,
        category,
        &format!("Restore {word}"),
        "Update",
        vec![target],
    );
    let mut answer = match table.as_str() {
        "users" => super::users::shown(ctx, &object),
        _ => super::groups::shown(ctx, &format!("{table}/$entity"), &object),
    };
    merge(
        &mut answer,
        &json!({"@odata.context": ctx.metadata("directoryObjects/$entity"),
            "@odata.type": format!("#microsoft.graph.{}", singular(&table))}),
    );
    Ok(Answer::json(200, answer))
}

pub(super) fn purge(ctx: &mut Context<'_>, id: &str) -> Done {
    allow(ctx, id)?;
    let (table, object) = take(ctx, TABLES, id)?;
    ctx.state.passkeys.retain(|_, key| !same(&key.user, id));
    ctx.state.secrets.retain(|(user, _), _| !same(user, id));
    let (kind, category, word) = kind(&table);
    let target = Target::object(kind, &object);
    ctx.log(
        Service::Core,
        category,
        &format!("Hard Delete {word}"),
        "Delete",
        vec![target],
    );
    Ok(Answer::no_content())
}

fn singular(table: &str) -> &str {
    table.strip_suffix('s').unwrap_or(table)
}
