//! What no real cloud has: switches for faults, the state as a snapshot, and the addresses. Plain HTTP on loopback.
//!
//! Invariant: a web page of another site can neither read nor switch anything. A request whose `Host` is not a loopback
//! name (DNS rebinding) or that comes with another site's `Origin` is refused.

use std::sync::Arc;

use axum::{
    Json, Router,
    extract::{Path, Query, Request, State as Extract},
    http::{HeaderMap, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse as _, Response},
    routing::{get, put},
};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use crate::{
    App, Fault, Lab,
    records::{self, Credential},
    signin,
    tokens::{self, Api, LIFETIME, Subject},
};

/// The admin listener.
pub(crate) fn routes(lab: Arc<Lab>, ca_pem: String) -> Router {
    Router::new()
        .route("/faults", get(faults))
        .route("/faults/{name}", put(switch))
        .route("/snapshot", get(snapshot))
        .route("/export", get(export))
        .route("/addresses", get(addresses))
        .route("/metadata/identity/oauth2/token", get(managed_identity))
        .with_state(lab)
        .route("/ca.pem", get(move || async move { ca_pem.clone() }))
        .layer(middleware::from_fn(own_site_only))
}

fn is_loopback(authority: &str) -> bool {
    let Ok(url) = Url::parse(&format!("http://{authority}")) else {
        return false;
    };
    match url.host() {
        Some(url::Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    }
}

fn is_own(headers: &HeaderMap) -> bool {
    let header = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let host = header(header::HOST);
    host.is_some_and(is_loopback)
        && header(header::ORIGIN).is_none_or(|origin| {
            origin
                .strip_prefix("http://")
                .is_some_and(|origin| Some(origin) == host)
        })
}

async fn own_site_only(request: Request, next: Next) -> Response {
    if is_own(request.headers()) {
        next.run(request).await
    } else {
        refuse(
            StatusCode::FORBIDDEN,
            "the twin's switches are for this machine only: call them by a loopback address, and not from another site",
        )
    }
}

fn refuse(status: StatusCode, message: impl Into<String>) -> Response {
    let message: String = message.into();
    (status, Json(json!({"error": {"message": message}}))).into_response()
}

async fn faults(Extract(lab): Extract<Arc<Lab>>) -> Json<Value> {
    let all: Vec<Value> = Fault::ALL
        .iter()
        .map(|fault| {
            json!({"name": fault.word(), "on": lab.faults.on(*fault), "about": fault.about()})
        })
        .collect();
    Json(json!({"faults": all}))
}

#[derive(Deserialize)]
struct Switch {
    on: bool,
}

async fn switch(
    Extract(lab): Extract<Arc<Lab>>,
    Path(name): Path<String>,
    Json(Switch { on }): Json<Switch>,
) -> Response {
    let Some(fault) = Fault::from_word(&name) else {
        let known: Vec<&str> = Fault::ALL.iter().map(|fault| fault.word()).collect();
        return refuse(
            StatusCode::NOT_FOUND,
            format!("there is no fault `{name}`: there are {}", known.join(", ")),
        );
    };
    lab.faults.switch(fault, on);
    Json(json!({"name": fault.word(), "on": on, "about": fault.about()})).into_response()
}

async fn snapshot(Extract(lab): Extract<Arc<Lab>>) -> Json<Value> {
    Json(lab.snapshot())
}

#[derive(Deserialize)]
struct Since {
    since: Option<jiff::Timestamp>,
}

/// The lines of an Event Hub export that became readable after a moment, for a file that the monitor follows.
async fn export(Extract(lab): Extract<Arc<Lab>>, Query(Since { since }): Query<Since>) -> String {
    let mut lines = String::new();
    for line in records::export(&lab, since) {
        lines.push_str(&line);
        lines.push_str("\r\n");
    }
    lines
}

async fn addresses(Extract(lab): Extract<Arc<Lab>>) -> Json<Value> {
    let Lab { addresses, .. } = &*lab;
    Json(json!({
        "login": addresses.login, "graph": addresses.graph, "arm": addresses.arm, "logs": addresses.logs,
        "admin": addresses.admin, "tenant": lab.state().tenant, "rpId": lab.rp_id,
    }))
}

#[derive(Deserialize)]
struct Identity {
    #[serde(rename = "api-version")]
    version: Option<String>,
    resource: Option<String>,
    client_id: Option<String>,
    object_id: Option<String>,
}

/// The token endpoint that virtual machines have: Microsoft Entra, *How to use managed identities on an Azure VM*.
async fn managed_identity(
    Extract(lab): Extract<Arc<Lab>>,
    Query(asked): Query<Identity>,
    headers: HeaderMap,
) -> Response {
    let wrong = |error: &str, message: &str| {
        let body = json!({"error": error, "error_description": message});
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    };
    if headers.get("metadata").is_none_or(|value| value != "true") {
        return wrong("bad_request_102", "Required metadata header not specified");
    }
    if asked.version.is_none() {
        return wrong(
            "invalid_request",
            "Required query variable 'api-version' is missing",
        );
    }
    let Some(resource) = asked.resource else {
        return wrong(
            "invalid_request",
            "Required query variable 'resource' is missing",
        );
    };
    let Some(api) = Api::of(&lab, &resource) else {
        return wrong(
            "invalid_resource",
            "AADSTS500011: The resource principal was not found in the tenant.",
        );
    };
    let wanted = |app: &&App| {
        !app.public
            && asked
                .client_id
                .as_ref()
                .is_none_or(|id| app.client_id.eq_ignore_ascii_case(id))
            && asked
                .object_id
                .as_ref()
                .is_none_or(|id| app.principal.eq_ignore_ascii_case(id))
    };
    let Some(app) = lab.apps.iter().find(wanted) else {
        return wrong("invalid_request", "Identity not found");
    };
    let subject = Subject {
        app,
        user: None,
        methods: &[],
        ip: "127.0.0.1",
    };
    let permissions: &[String] = match api {
        Api::Graph => &app.permissions,
        Api::Arm | Api::Logs => &[],
    };
    let token = tokens::issue(&lab, &subject, &resource, permissions, LIFETIME);
    records::service_principal(
        &lab,
        app,
        signin::goal::resource_of(api),
        "",
        Credential::ManagedIdentity,
    );
    let now = lab.now().as_second();
    // Numbers are text here.
    Json(json!({
        "access_token": token, "refresh_token": "", "expires_in": LIFETIME.as_secs().to_string(),
        "expires_on": now.saturating_add(LIFETIME.as_secs()).to_string(), "not_before": now.to_string(),
        "resource": resource, "token_type": "Bearer", "client_id": app.client_id,
    }))
    .into_response()
}
