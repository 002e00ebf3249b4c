//! A twin without listeners, for tests of what it answers.

use std::{collections::BTreeSet, sync::Arc};

use breakglass_model::FixedClock;
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Addresses, App, Lab, State, default_apps,
    graph::{Version, write},
    lab::{Answer, ApiError, Body, Caller},
    tokens::Keys,
};

pub(crate) const BREAK_GLASS: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
/// Global Administrator.
pub(crate) const ADELE: &str = "7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6";
/// Holds no role.
pub(crate) const CHLOE: &str = "7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c";
/// Holds no role.
pub(crate) const ANNA: &str = "7b3e241e-41c2-4d8a-b6f0-9c5d1e2a79b2";
/// Role-assignable, in the restricted unit.
pub(crate) const GROUP: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";
/// Restricted; holds the emergency accounts and their group.
pub(crate) const UNIT: &str = "7b3e1e56-41c2-4d8a-b6f0-9c5d1e2a58ba";
/// Custom role.
pub(crate) const KEEPER: &str = "7b3e1ec5-41c2-4d8a-b6f0-9c5d1e2a5b33";

pub(crate) fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

/// The built-in tenant of this name.
pub(crate) fn lab(tenant: &str) -> Lab {
    let example = breakglass_model::example::tenant(tenant, now()).unwrap();
    of(serde_json::from_str(&example.snapshot_json).unwrap())
}

pub(crate) fn of(snapshot: Value) -> Lab {
    Lab::new(
        Arc::new(FixedClock(now())),
        State::from_snapshot(snapshot).unwrap(),
        Addresses {
            login: "https://localhost:1".to_owned(),
            graph: "https://localhost:2".to_owned(),
            arm: "https://localhost:3".to_owned(),
            logs: "https://localhost:4".to_owned(),
            admin: "http://localhost:5".to_owned(),
        },
        apps(),
        Keys::generate().unwrap(),
    )
}

/// A person, with every permission consented to.
pub(crate) fn person(id: &str) -> Caller {
    Caller {
        app: crate::GRAPH_COMMAND_LINE.to_owned(),
        user: Some(id.to_owned()),
        permissions: all(),
        ip: "198.51.100.9".to_owned(),
        ..Caller::default()
    }
}

/// An app that may do everything, beside the default ones: for tests of something else than permissions.
pub(crate) const EVERYTHING: &str = "everything";

/// The apps of a twin under test.
pub(crate) fn apps() -> Vec<App> {
    let azure = ["Owner", "Owner at /providers/Microsoft.aadiam"];
    let mut all = default_apps();
    all.push(App {
        client_id: "b1a55000-0000-4000-8000-0000000a00ff".to_owned(),
        principal: "b1a55000-0000-4000-8000-0000000b00ff".to_owned(),
        name: EVERYTHING.to_owned(),
        azure: azure.map(str::to_owned).to_vec(),
        ..App::default()
    });
    all
}

/// One of these apps, for itself.
pub(crate) fn app(name: &str) -> Caller {
    let app = apps().into_iter().find(|app| app.name == name).unwrap();
    Caller {
        app: app.client_id,
        principal: Some(app.principal),
        permissions: app.permissions.into_iter().collect(),
        ip: "198.51.100.10".to_owned(),
        ..Caller::default()
    }
}

fn all() -> BTreeSet<String> {
    [
        "User.ReadWrite.All",
        "User-PasswordProfile.ReadWrite.All",
        "Directory.AccessAsUser.All",
        "RoleManagement.ReadWrite.Directory",
        "Group.ReadWrite.All",
    ]
    .map(str::to_owned)
    .into()
}

/// Puts a write to the v1.0 API.
pub(crate) fn write(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    path: &str,
    body: Value,
) -> Result<Answer, ApiError> {
    write_to(lab, caller, Version::V1, method, path, body)
}

pub(crate) fn write_to(
    lab: &Lab,
    caller: &Caller,
    version: Version,
    method: &str,
    path: &str,
    body: Value,
) -> Result<Answer, ApiError> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let segments: Vec<&str> = path.split('/').collect();
    let body = (!body.is_null()).then_some(body);
    write::answer(lab, caller, method, version, &segments, query, body).unwrap()
}

/// The JSON of an answer.
pub(crate) fn json_of(answer: Answer) -> Value {
    match answer.body {
        Body::Json(value) => value,
        other => panic!("no JSON: {other:?}"),
    }
}

/// Names of the activities that were logged, in order.
pub(crate) fn activities(lab: &Lab) -> Vec<String> {
    lab.state()
        .logs
        .iter()
        .map(|row| {
            row.record["activityDisplayName"]
                .as_str()
                .unwrap_or_default()
                .to_owned()
        })
        .collect()
}
