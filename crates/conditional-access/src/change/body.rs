//! Terraform resources that carry a Graph body as it is: the msgraph and azapi providers.

use breakglass_model::export::normalise;
use serde_json::{Value, json};

use super::{
    KNOWN_AFTER_APPLY, Kind, known_text, last_segment,
    plan::{Object, Sent},
};

/// What a Graph address stands for.
pub(super) struct Place {
    pub(super) kind: Kind,
    /// The object in the collection; of a membership the group.
    id: Option<String>,
}

/// The collection, or the object in one, that a Graph path or an azapi type names.
pub(super) fn place(path: &str) -> Option<Place> {
    let path = path.split('?').next().unwrap_or(path);
    let segments: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let lower: Vec<String> = segments.iter().map(|s| s.to_ascii_lowercase()).collect();
    if let [.., groups, _, members, _reference] = &lower[..]
        && groups == "groups"
        && members == "members"
    {
        let group = segments.get(segments.len() - 3)?;
        return Some(Place {
            kind: Kind::GroupMember,
            id: Some((*group).to_owned()),
        });
    }
    let last = lower.len().checked_sub(1)?;
    let collection = |at: usize| {
        let parent = at.checked_sub(1).and_then(|at| lower.get(at));
        kind(lower.get(at)?, parent.map_or("", String::as_str))
    };
    if let Some(kind) = collection(last) {
        return Some(Place { kind, id: None });
    }
    Some(Place {
        kind: collection(last.checked_sub(1)?)?,
        id: segments.last().map(|id| (*id).to_owned()),
    })
}

fn kind(name: &str, parent: &str) -> Option<Kind> {
    match (name, parent) {
        ("policies", "conditionalaccess") | ("conditionalaccesspolicies", _) => Some(Kind::Policy),
        ("namedlocations", _) => Some(Kind::NamedLocation),
        ("policies", "authenticationstrength") | ("authenticationstrengthpolicies", _) => {
            Some(Kind::AuthenticationStrength)
        }
        // Azure has collections of the same names elsewhere.
        ("roleassignments", "directory" | "microsoft.graph") => Some(Kind::RoleAssignment),
        ("groups", "" | "v1.0" | "beta" | "microsoft.graph") => Some(Kind::Group),
        _ => None,
    }
}

/// The object that a resource describes: `None` for a resource that is not read, an error with the
/// reason for one that should be and cannot.
pub(super) fn object(resource: &str, values: &Value) -> Option<Result<Object, String>> {
    let path = match resource {
        "msgraph_resource" | "msgraph_update_resource" => values["url"].as_str()?,
        "azapi_resource" | "azapi_update_resource" => {
            let kind = values["type"].as_str()?;
            kind.split('@').next().unwrap_or(kind)
        }
        _ => return None,
    };
    let place = place(path)?;
    let body = match &values["body"] {
        Value::String(text) if text == KNOWN_AFTER_APPLY => {
            return Some(Err("its whole body is only known after apply".to_owned()));
        }
        // Written with `jsonencode`.
        Value::String(text) => match serde_json::from_str(text) {
            Ok(body) => body,
            Err(error) => return Some(Err(format!("its body is not valid JSON ({error})"))),
        },
        body => body.clone(),
    };
    let body = match body {
        // Azure's resources wrap everything in `properties`; no object of Graph has such a member.
        Value::Object(mut map) => map.remove("properties").unwrap_or(Value::Object(map)),
        _ => return Some(Err("it has no body".to_owned())),
    };
    let mut body = normalise(body);
    let mut id = known_text(values, "resource_id")
        .or(known_text(values, "id"))
        .map(|id| last_segment(id).to_owned())
        .or(known_text(&body, "id").map(str::to_owned));
    let is_part = resource.ends_with("update_resource");
    match place.kind {
        Kind::GroupMember => {
            let member = body["@odata.id"]
                .as_str()
                .map_or(Value::Null, |member| json!(last_segment(member)));
            body = json!({"groupId": place.id, "memberId": member});
            id = None;
        }
        _ if is_part => id = place.id.or(id),
        _ => {}
    }
    if let (Some(id), Some(map)) = (&id, body.as_object_mut()) {
        map.insert("id".to_owned(), json!(id));
    }
    Some(Ok(Object {
        kind: place.kind,
        id,
        name: known_text(&body, "displayName").map(str::to_owned),
        body,
        sent: if is_part { Sent::Part } else { Sent::AsWritten },
    }))
}
