//! What every write needs at hand: the state, who calls, and the records that it leaves.

pub(super) use crate::state::text;
use std::sync::MutexGuard;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::rights::{self, Rights};
use crate::{
    Lab, State,
    audit::{self, Event, Initiator, Modified, Service, Target},
    graph::Version,
    lab::{Answer, ApiError, Caller},
};

/// A JSON object.
pub(super) type Object = Map<String, Value>;

/// What a write does.
pub(super) type Done = Result<Answer, ApiError>;

/// One call in progress. The state is held to its end, so that a change and its records are one.
pub(super) struct Context<'a> {
    pub(super) lab: &'a Lab,
    pub(super) state: MutexGuard<'a, State>,
    pub(super) caller: &'a Caller,
    pub(super) version: Version,
    pub(super) query: &'a str,
    pub(super) now: Timestamp,
    pub(super) rights: Rights,
    pub(super) initiator: Initiator,
    correlation: String,
}

impl<'a> Context<'a> {
    pub(super) fn new(lab: &'a Lab, caller: &'a Caller, version: Version, query: &'a str) -> Self {
        let state = lab.state();
        let now = lab.now();
        Self {
            rights: Rights::of(&state, caller, now),
            initiator: initiator(lab, &state, caller),
            lab,
            state,
            caller,
            version,
            query,
            now,
            correlation: new_id(),
        }
    }

    /// `@odata.context` of an answer.
    pub(super) fn metadata(&self, rest: &str) -> Value {
        json!(format!(
            "{}/{}/$metadata#{rest}",
            self.lab.addresses.graph,
            self.version.segment()
        ))
    }

    /// Puts the context in front of an object.
    pub(super) fn entity(&self, rest: &str, object: &Value) -> Value {
        let mut answer = Object::new();
        answer.insert("@odata.context".to_owned(), self.metadata(rest));
        for (key, value) in object.as_object().into_iter().flatten() {
            answer.insert(key.clone(), value.clone());
        }
        Value::Object(answer)
    }

    /// An object of a collection as it is, or 404.
    pub(super) fn get(&self, table: &str, id: &str) -> Result<Value, ApiError> {
        self.state
            .table(table)
            .get(id)
            .cloned()
            .ok_or_else(|| ApiError::not_found(id))
    }

    /// A user by object id or principal name.
    pub(super) fn user(&self, key: &str) -> Result<Value, ApiError> {
        let users = self.state.table("users");
        users
            .get(key)
            .or_else(|| {
                users
                    .all()
                    .find(|user| same(text(user, "userPrincipalName"), key))
            })
            .cloned()
            .ok_or_else(|| ApiError::not_found(key))
    }

    /// Writes an object into its collection, under its own id.
    pub(super) fn put(&mut self, table: &str, value: Value) {
        let id = text(&value, "id").to_owned();
        let now = self.now;
        self.state.put(table, &id, value, now);
    }

    /// Writes an audit record.
    pub(super) fn log(
        &mut self,
        service: Service,
        category: &str,
        activity: &str,
        operation: &str,
        targets: Vec<Target>,
    ) {
        let initiator = self.initiator.clone();
        self.log_as(
            &initiator,
            service,
            category,
            activity,
            operation,
            targets,
            Vec::new(),
        );
    }

    /// Writes an audit record of somebody else's deed, with details.
    #[expect(
        clippy::too_many_arguments,
        reason = "the columns of a record, each of another meaning"
    )]
    pub(super) fn log_as(
        &mut self,
        initiator: &Initiator,
        service: Service,
        category: &str,
        activity: &str,
        operation: &str,
        targets: Vec<Target>,
        details: Vec<(&str, String)>,
    ) {
        let event = Event {
            service,
            category,
            activity,
            operation,
            initiator,
            targets,
            details,
            correlation: &self.correlation,
        };
        audit::record(&mut self.state, self.now, &event);
    }

    /// The row that a service of Microsoft's leaves when it writes a credential into a user.
    pub(super) fn log_credentials(&mut self, service: &str, user: &Value, property: &str) {
        let modified = [
            Modified::new(property, &Value::Null, &json!([])),
            Modified::new(
                "Included Updated Properties",
                &Value::Null,
                &json!(property),
            ),
        ];
        self.log_as(
            &Initiator::service(service),
            Service::Core,
            "UserManagement",
            "Update user",
            "Update",
            vec![Target::object("User", user).with(modified)],
            Vec::new(),
        );
    }

    /// Refuses unless the caller may do this to directory objects in general. An app for itself was already
    /// judged by its permissions.
    pub(super) fn allow(&self, need: rights::Need) -> Result<(), ApiError> {
        if self.rights.app_only || self.rights.holds(&self.state, need, &[]) {
            Ok(())
        } else {
            Err(ApiError::denied())
        }
    }
}

/// Who acts, as audit records name them.
fn initiator(lab: &Lab, state: &State, caller: &Caller) -> Initiator {
    if let Some(user) = &caller.user {
        let name = state
            .table("users")
            .get(user)
            .map(|user| text(user, "userPrincipalName").to_owned())
            .unwrap_or_default();
        return Initiator::User {
            id: user.clone(),
            name,
            ip: caller.ip.clone(),
        };
    }
    let app = lab
        .apps
        .iter()
        .find(|app| same(&app.client_id, &caller.app));
    Initiator::App {
        name: app.map_or_else(|| caller.app.clone(), |app| app.name.clone()),
        principal: caller.principal.clone(),
    }
}

/// A flag that is certainly set.
pub(super) fn is(value: &Value, key: &str) -> bool {
    value.get(key).and_then(Value::as_bool) == Some(true)
}

/// The items of a list; none when there is no list.
pub(super) fn items<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value
        .get(key)
        .and_then(Value::as_array)
        .map_or(&[], Vec::as_slice)
}

/// Ids and names compare without regard to letter case.
pub(super) fn same(a: &str, b: &str) -> bool {
    a.eq_ignore_ascii_case(b)
}

/// A fresh object id.
pub(super) fn new_id() -> String {
    uuid::Uuid::new_v4().to_string()
}

/// 400 of the directory.
pub(super) fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "Request_BadRequest", message)
}

/// Lays a partial object over a whole one: objects merge, everything else replaces.
pub(super) fn merge(into: &mut Value, change: &Value) {
    match (into, change) {
        (Value::Object(into), Value::Object(change)) => {
            for (key, value) in change {
                merge(into.entry(key.clone()).or_insert(Value::Null), value);
            }
        }
        (into, change) => *into = change.clone(),
    }
}

/// The object id at the end of a reference (`https://graph…/v1.0/users/{id}`).
pub(super) fn referred(reference: &str) -> Option<&str> {
    let id = reference.trim_end_matches('/').rsplit('/').next()?;
    // Both `directoryObjects/{id}` and `directoryObjects('{id}')` are in use.
    let id = match id.split_once("('") {
        Some((_, id)) => id.strip_suffix("')")?,
        None => id,
    };
    uuid::Uuid::parse_str(id).is_ok().then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_ends_in_an_object_id() {
        let id = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
        for start in [
            "https://graph.microsoft.com/v1.0/users/",
            "directoryObjects/",
        ] {
            assert_eq!(referred(&format!("{start}{id}")), Some(id));
        }
        assert_eq!(referred(&format!("https://x/users('{id}')")), Some(id));
        assert_eq!(referred("https://x/users/me"), None);
    }

    #[test]
    fn a_merge_keeps_what_it_does_not_name() {
        let mut into = json!({"a": {"b": [1], "c": 2}, "d": 3});
        merge(&mut into, &json!({"a": {"b": [2]}, "d": null}));
        assert_eq!(into, json!({"a": {"b": [2], "c": 2}, "d": null}));
    }
}
