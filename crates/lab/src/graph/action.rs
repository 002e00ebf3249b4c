//! Questions that are asked with POST: which groups somebody is in, and which objects have these ids.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{index::Ref, kind, read::Reader, route::Found};
use crate::lab::ApiError;

fn bad(message: &str) -> ApiError {
    ApiError::new(400, "Request_BadRequest", message)
}

fn ids(body: Option<&Value>, name: &str, most: usize) -> Result<Vec<String>, ApiError> {
    let list = body
        .and_then(|body| body.get(name))
        .and_then(Value::as_array);
    let list =
        list.ok_or_else(|| bad(&format!("Invalid value specified for property '{name}'.")))?;
    if list.len() > most {
        return Err(bad(&format!(
            "Too many values specified for property '{name}': at most {most} are allowed."
        )));
    }
    Ok(list
        .iter()
        .filter_map(|id| id.as_str().map(str::to_owned))
        .collect())
}

/// The answer; `None`: the path asks no such question.
pub(super) fn answer<'a>(reader: &Reader<'a>) -> Option<Result<Found<'a>, ApiError>> {
    let path = reader.request.path();
    match path.as_slice() {
        [
            "users" | "groups" | "directoryobjects",
            _,
            question @ ("checkmembergroups" | "getmembergroups" | "checkmemberobjects"
            | "getmemberobjects"),
        ] => Some(membership(reader, reader.request.segment(1), question)),
        [
            "me",
            question @ ("checkmembergroups" | "getmembergroups" | "checkmemberobjects"
            | "getmemberobjects"),
        ] => Some(membership(reader, "me", question)),
        ["directoryobjects", "getbyids"] => Some(by_ids(reader)),
        _ => None,
    }
}

fn membership<'a>(reader: &Reader<'a>, key: &str, question: &str) -> Result<Found<'a>, ApiError> {
    let body = reader.request.body.as_ref();
    let id = if reader
        .request
        .folded
        .first()
        .is_some_and(|first| first == "groups" || first == "directoryobjects")
    {
        key.to_owned()
    } else {
        let user = reader.user(key)?;
        user.get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let groups_only = question.ends_with("groups");
    let holders: Vec<Ref> = reader
        .index
        .above(&id, true)
        .into_iter()
        .filter(|holder| !groups_only || holder.kind.name == kind::GROUP.name)
        .collect();
    let value: Vec<String> = if question.starts_with("check") {
        let (name, most) = if groups_only {
            ("groupIds", 20)
        } else {
            ("ids", 20)
        };
        let own: BTreeSet<&str> = holders.iter().map(|holder| &*holder.id).collect();
        let asked = ids(body, name, most)?;
        asked
            .into_iter()
            .filter(|id| own.contains(id.to_lowercase().as_str()))
            .collect()
    } else {
        let security = body
            .and_then(|body| body.get("securityEnabledOnly"))
            .and_then(Value::as_bool)
            .ok_or_else(|| bad("Invalid value specified for property 'securityEnabledOnly'."))?;
        let groups = reader.state.table("groups");
        holders
            .iter()
            .filter(|holder| {
                !security
                    || holder.kind.name != kind::GROUP.name
                    || groups.seen(&holder.id, reader.now).is_none_or(|group| {
                        group.get("securityEnabled") != Some(&Value::Bool(false))
                    })
            })
            .map(|holder| holder.id.to_string())
            .collect()
    };
    Ok(Found::Whole(json!({
        "@odata.context": reader.context("Collection(Edm.String)", &[], false), "value": value,
    })))
}

fn by_ids<'a>(reader: &Reader<'a>) -> Result<Found<'a>, ApiError> {
    const HOMES: [(&str, &kind::Kind); 6] = [
        ("users", &kind::USER),
        ("groups", &kind::GROUP),
        ("servicePrincipals", &kind::PRINCIPAL),
        ("administrativeUnits", &kind::UNIT),
        ("devices", &kind::DEVICE),
        ("applications", &kind::APPLICATION),
    ];
    let asked = ids(reader.request.body.as_ref(), "ids", 1000)?;
    let types = reader
        .request
        .body
        .as_ref()
        .and_then(|body| body.get("types"))
        .and_then(Value::as_array);
    let shape = reader.shape(&kind::OBJECT, false)?;
    let mut value = Vec::new();
    for id in &asked {
        for (home, kind) in HOMES {
            let wanted = types.is_none_or(|types| {
                types.iter().any(|own| {
                    own.as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(kind.name))
                })
            });
            if wanted && reader.state.table(home).seen(id, reader.now).is_some() {
                let reference = Ref {
                    kind,
                    id: id.to_lowercase().into(),
                };
                if let Some(object) = reader.resolve(&reference) {
                    value.push(reader.show(&kind::OBJECT, &object, &shape, true)?);
                }
            }
        }
    }
    Ok(Found::Whole(json!({
        "@odata.context": reader.context("directoryObjects", &[], false), "value": value,
    })))
}
