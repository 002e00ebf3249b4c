//! A tiny portal: what an administrator, or an attacker, does by hand in the Entra admin center.
//!
//! Invariants:
//! - every action is the write of Microsoft Graph that the real portal makes, with the signed-in person as delegated
//!   caller: roles, restricted units and audit records are the same;
//! - actions are POST only and carry the session's secret;
//! - a session ends with its user: whoever was deleted or disabled has none.

mod page;

use std::sync::Arc;

use axum::{
    Router,
    body::Bytes,
    extract::State as Extract,
    http::{HeaderMap, header},
    response::{IntoResponse as _, Redirect, Response},
    routing::{get, post},
};
use breakglass_conditional_access::environment::ADMIN_PORTALS;
use serde_json::{Value, json};

use crate::{
    Lab,
    graph::{Version, write},
    lab::{Body, Caller},
    signin::{
        goal::Fields,
        memory::Session,
        oauth::{COOKIE, fields},
    },
};

/// The portal, on the login listener.
pub(crate) fn routes(lab: Arc<Lab>) -> Router {
    Router::new()
        .route("/portal", get(show))
        .route("/portal/act", post(act))
        .route("/portal/signout", post(sign_out))
        .with_state(lab)
}

fn cookie(headers: &HeaderMap) -> Option<&str> {
    let all = headers.get(header::COOKIE)?.to_str().ok()?;
    all.split(';').find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        (name == COOKIE).then_some(value)
    })
}

/// The session of a request, and its user.
fn session(lab: &Lab, headers: &HeaderMap) -> Option<(Session, Value)> {
    let key = cookie(headers)?;
    let session = lab.desk.memory().sessions.get(key).cloned()?;
    let user = lab.state().table("users").get(&session.user).cloned()?;
    let good = user.get("accountEnabled") != Some(&Value::Bool(false))
        && user
            .get("signInSessionsValidFromDateTime")
            .and_then(Value::as_str)
            .and_then(|text| text.parse::<jiff::Timestamp>().ok())
            .is_none_or(|from| session.since >= from);
    good.then_some((session, user))
}

fn sign_in_first() -> Response {
    Redirect::to("/lab/signin?lab_app=entra&back=%2Fportal").into_response()
}

async fn show(Extract(lab): Extract<Arc<Lab>>, headers: HeaderMap) -> Response {
    match session(&lab, &headers) {
        Some((session, user)) => page::respond(&lab, &session, &user, None),
        None => sign_in_first(),
    }
}

async fn sign_out(Extract(lab): Extract<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let form = fields(&body);
    let Some(key) = cookie(&headers) else {
        return sign_in_first();
    };
    let mut memory = lab.desk.memory();
    let own = memory.sessions.get(key).map(|session| session.csrf.clone());
    if own.as_ref() == form.get("csrf") {
        memory.sessions.shift_remove(key);
    }
    Redirect::to("/lab").into_response()
}

async fn act(Extract(lab): Extract<Arc<Lab>>, headers: HeaderMap, body: Bytes) -> Response {
    let Some((session, user)) = session(&lab, &headers) else {
        return sign_in_first();
    };
    let form = fields(&body);
    let said = if form.get("csrf") == Some(&session.csrf) {
        perform(&lab, &session, &form)
    } else {
        Err("The form was not made by this session. Nothing was done.".to_owned())
    };
    page::respond(&lab, &session, &user, Some(&said))
}

/// A write of Graph.
struct Write {
    method: &'static str,
    path: Vec<String>,
    body: Option<Value>,
    done: String,
}

impl Write {
    fn new(
        method: &'static str,
        path: &[&str],
        body: Option<Value>,
        done: impl Into<String>,
    ) -> Self {
        Self {
            method,
            path: path.iter().map(|&segment| segment.to_owned()).collect(),
            body,
            done: done.into(),
        }
    }
}

/// Does what a form asks for. `Err`: why it was refused, in the service's words.
fn perform(lab: &Lab, session: &Session, form: &Fields) -> Result<String, String> {
    let write = write_of(lab, form).ok_or("There is no such action.")?;
    let segments: Vec<&str> = write.path.iter().map(String::as_str).collect();
    // The real portal holds every delegated permission; what the person may do is judged by roles.
    let permissions = write::needs(write.method, &segments)
        .iter()
        .flat_map(|group| group.iter())
        .map(|&name| name.to_owned())
        .collect();
    let caller = Caller {
        app: ADMIN_PORTALS.to_owned(),
        principal: None,
        user: Some(session.user.clone()),
        permissions,
        ip: session.ip.clone(),
    };
    let answer = write::answer(
        lab,
        &caller,
        write.method,
        Version::Beta,
        &segments,
        "",
        write.body,
    )
    .ok_or("There is no such action.")?;
    match answer {
        Ok(answer) if answer.status < 300 => Ok(write.done),
        Ok(answer) => Err(match answer.body {
            Body::Json(body) => body["error"]["message"]
                .as_str()
                .unwrap_or("The service refused.")
                .to_owned(),
            Body::Text(_) | Body::Empty => "The service refused.".to_owned(),
        }),
        Err(error) => Err(format!("{}: {}", error.code, error.message)),
    }
}

const POLICIES: [&str; 3] = ["identity", "conditionalAccess", "policies"];

fn write_of(lab: &Lab, form: &Fields) -> Option<Write> {
    let get = |name: &str| form.get(name).map_or("", |text| text.trim());
    let (id, value) = (get("id"), get("value"));
    let policy = [POLICIES.as_slice(), &[id]].concat();
    Some(match get("act") {
        "state" => Write::new(
            "PATCH",
            &policy,
            Some(json!({"state": value})),
            format!("The state of the policy is {value}."),
        ),
        "exclude" | "include" => exclusion(lab, form)?,
        "compliant" => Write::new(
            "POST",
            &POLICIES,
            Some(compliant_device()),
            "The policy was made: everybody needs a compliant device.",
        ),
        "drop" => Write::new("DELETE", &policy, None, "The policy was deleted."),
        "grant" => Write::new(
            "POST",
            &["roleManagement", "directory", "roleAssignments"],
            Some(json!({"principalId": id, "roleDefinitionId": value, "directoryScopeId": "/"})),
            "The role was assigned.",
        ),
        "withdraw" => Write::new(
            "DELETE",
            &["roleManagement", "directory", "roleAssignments", id],
            None,
            "The role was taken away.",
        ),
        "password" => Write::new(
            "POST",
            &[
                "users",
                id,
                "authentication",
                "methods",
                write::PASSWORD_METHOD,
                "resetPassword",
            ],
            Some(json!({"newPassword": value})),
            "The password was reset.",
        ),
        "key" => Write::new(
            "DELETE",
            &["users", id, "authentication", "fido2Methods", value],
            None,
            "The key was deleted.",
        ),
        _ => return None,
    })
}

/// A policy with one user or group more, or less, among its exclusions.
fn exclusion(lab: &Lab, form: &Fields) -> Option<Write> {
    let get = |name: &str| form.get(name).map_or("", |text| text.trim());
    let state = lab.state();
    let policy = state
        .table("conditionalAccessPolicies")
        .get(get("id"))?
        .clone();
    let named = get("value");
    let same = |object: &Value, key: &str| {
        object
            .get(key)
            .and_then(Value::as_str)
            .is_some_and(|own| own.eq_ignore_ascii_case(named))
    };
    let find = |table: &str, keys: &[&str]| {
        let found = state
            .table(table)
            .all()
            .find(|object| keys.iter().any(|key| same(object, key)));
        found.and_then(|object| object["id"].as_str().map(str::to_owned))
    };
    let (list, id) = match find("users", &["id", "userPrincipalName"]) {
        Some(id) => ("excludeUsers", id),
        None => match find("groups", &["id", "displayName"]) {
            Some(id) => ("excludeGroups", id),
            // What does not exist any more can still be taken out.
            None => (get("list"), named.to_owned()),
        },
    };
    let list = match list {
        "excludeUsers" | "excludeGroups" | "excludeRoles" => list,
        _ => "excludeUsers",
    };
    let mut conditions = policy.get("conditions")?.clone();
    let own = &mut conditions["users"][list];
    let mut ids: Vec<Value> = own.as_array().cloned().unwrap_or_default();
    ids.retain(|own| {
        !own.as_str()
            .is_some_and(|own| own.eq_ignore_ascii_case(&id))
    });
    let done = if get("act") == "exclude" {
        ids.push(json!(id));
        "The exclusion was added."
    } else {
        "The exclusion was removed."
    };
    *own = json!(ids);
    let path = [POLICIES.as_slice(), &[get("id")]].concat();
    Some(Write::new(
        "PATCH",
        &path,
        Some(json!({"conditions": {"users": conditions["users"]}})),
        done,
    ))
}

/// The policy that locks out every emergency account: all users, all resources, nobody excluded.
fn compliant_device() -> Value {
    json!({
        "displayName": "Compliant device for everyone",
        "state": "enabled",
        "conditions": {
            "clientAppTypes": ["all"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"]},
        },
        "grantControls": {"operator": "OR", "builtInControls": ["compliantDevice"]},
    })
}
