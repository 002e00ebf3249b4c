//! Tenants made of small snapshots, as they lie in files.

mod changed;
mod cohorts;
mod environment;
mod groups;
mod methods;
mod roles;

use breakglass_model::{
    ObjectId, TenantSnapshot,
    export::{self, InputFile},
};
use serde_json::{Value, json};

use super::{People, Tenant};
use crate::identity::{Identity, Membership};

const GA: &str = "62e90394-69f5-4237-9190-012177145e10";
const SECURITY: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";

/// A snapshot of these collections; a collection that is absent was not read.
fn snapshot(collections: &Value) -> TenantSnapshot {
    let document = json!({
        "schema": "breakglass/snapshot/v1",
        "tenant": {"id": "t"},
        "collections": collections,
    });
    let snapshot = export::read([InputFile {
        path: "t.json".to_owned(),
        bytes: document.to_string().into_bytes(),
    }]);
    assert!(snapshot.set_aside.is_empty(), "{:?}", snapshot.set_aside);
    snapshot
}

fn oid(id: &str) -> ObjectId {
    ObjectId::parse(id).unwrap()
}

/// A policy about these users.
fn policy(users: &Value) -> Value {
    json!({
        "id": "p", "displayName": "P", "state": "enabled",
        "conditions": {"users": users, "applications": {"includeApplications": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]},
    })
}

fn user(id: &str) -> Value {
    json!({
        "id": id, "userPrincipalName": format!("{id}@contoso.com"), "userType": "Member",
        "accountEnabled": true,
    })
}

fn identity(snapshot: &TenantSnapshot, id: &str) -> Identity {
    let tenant = Tenant::read(snapshot);
    People::new(snapshot, &[&tenant]).identity(&oid(id))
}

/// The way to a group or role; the test fails when it does not hold the person.
fn way(membership: Membership<'_>) -> Vec<String> {
    match membership {
        Membership::Held(path) => path.through.clone(),
        other => panic!("{other:?}"),
    }
}

fn doubt(membership: Membership<'_>) -> String {
    match membership {
        Membership::Unknown(why) => why.to_owned(),
        other => panic!("{other:?}"),
    }
}
