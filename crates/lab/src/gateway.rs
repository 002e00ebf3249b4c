//! What Graph, Azure Resource Manager and Log Analytics have in common: outages, tokens, request ids, and how answers go
//! out.
//!
//! Invariant: every answer, refusals included, carries the request's id and the service's time.

use std::{net::SocketAddr, sync::Arc};

use axum::{
    Router,
    body::{Body as HttpBody, to_bytes},
    extract::{ConnectInfo, Request, State as Extract},
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::{
    Fault, Lab, arm, graph,
    lab::{Answer, ApiError, Body, Caller},
    logs,
    tokens::{self, Api},
};

/// What Graph says of its JSON.
const GRAPH_JSON: &str = "application/json;odata.metadata=minimal;odata.streaming=true;IEEE754Compatible=false;charset=utf-8";

/// The most that a request may hold; Graph takes 4 MB.
const BODY_LIMIT: usize = 4 << 20;

/// The Graph listener.
pub(crate) fn graph(lab: Arc<Lab>) -> Router {
    listener(lab, Api::Graph, graph_outcome)
}

/// The listener of Azure Resource Manager.
pub(crate) fn arm(lab: Arc<Lab>) -> Router {
    listener(lab, Api::Arm, arm_outcome)
}

/// The listener of Log Analytics.
pub(crate) fn logs(lab: Arc<Lab>) -> Router {
    listener(lab, Api::Logs, logs_outcome)
}

/// Answers every call to a service.
fn listener(
    lab: Arc<Lab>,
    api: Api,
    outcome: fn(&Arc<Lab>, &Call) -> Result<Answer, ApiError>,
) -> Router {
    let answered = move |Extract(lab): Extract<Arc<Lab>>,
                         ConnectInfo(from): ConnectInfo<SocketAddr>,
                         request: Request| async move {
        let ids = Ids::of(request.headers());
        let outcome = match Call::read(from, request, &ids).await {
            Ok(call) => outcome(&lab, &call),
            Err(error) => Err(error),
        };
        respond(&lab, api, &ids, outcome)
    };
    Router::new().fallback(answered).with_state(lab)
}

/// What a call is known by: the service's id, and the client's, for which the service's stands in.
struct Ids {
    request: String,
    client: String,
}

impl Ids {
    fn of(headers: &HeaderMap) -> Self {
        let request = Uuid::new_v4().to_string();
        let client = headers.get("client-request-id");
        let client = client
            .and_then(|value| value.to_str().ok())
            .map_or_else(|| request.clone(), str::to_owned);
        Self { request, client }
    }
}

/// A call as it came in.
pub(crate) struct Call {
    pub(crate) method: String,
    /// Path as sent, encoded.
    pub(crate) path: String,
    /// Query as sent, encoded, without the question mark.
    pub(crate) query: String,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
    pub(crate) ip: String,
    pub(crate) client_request_id: String,
}

impl Call {
    async fn read(from: SocketAddr, request: Request, ids: &Ids) -> Result<Self, ApiError> {
        let (parts, body) = request.into_parts();
        let body = to_bytes(body, BODY_LIMIT).await.map_err(|_| {
            ApiError::new(413, "RequestEntityTooLarge", "The request is too large.")
        })?;
        Ok(Self {
            method: parts.method.as_str().to_owned(),
            path: parts.uri.path().to_owned(),
            query: parts.uri.query().unwrap_or_default().to_owned(),
            headers: parts.headers,
            body: body.to_vec(),
            ip: from.ip().to_string(),
            client_request_id: ids.client.clone(),
        })
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }

    /// Who calls.
    fn caller(&self, lab: &Lab, api: Api) -> Result<Caller, ApiError> {
        tokens::caller(
            lab,
            api,
            self.header(header::AUTHORIZATION.as_str()),
            &self.ip,
        )
    }
}

fn text(value: &str) -> HeaderValue {
    HeaderValue::from_str(value).unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// The answer as HTTP.
fn respond(lab: &Lab, api: Api, ids: &Ids, outcome: Result<Answer, ApiError>) -> Response {
    let now = lab.now();
    let (request_id, client_request_id) = (ids.request.as_str(), ids.client.as_str());
    let answer =
        outcome.unwrap_or_else(|error| error.answer(lab, api, request_id, client_request_id));
    let (body, kind) = match answer.body {
        Body::Empty => (HttpBody::empty(), None),
        Body::Json(value) => (
            HttpBody::from(value.to_string()),
            Some(match api {
                Api::Graph => GRAPH_JSON,
                Api::Arm | Api::Logs => "application/json; charset=utf-8",
            }),
        ),
        Body::Text(value) => (HttpBody::from(value), Some("text/plain")),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let headers = response.headers_mut();
    if let Some(kind) = kind {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    let diagnostic = json!({"ServerInfo": {
        "DataCenter": "Twin", "Slice": "E", "Ring": "0", "ScaleUnit": "001", "RoleInstance": "TWIN0001",
    }});
    headers.insert(
        header::DATE,
        text(&now.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    if api == Api::Arm {
        headers.insert("x-ms-request-id", text(request_id));
        headers.insert("x-ms-correlation-request-id", text(request_id));
    }
    headers.insert("request-id", text(request_id));
    headers.insert("client-request-id", text(client_request_id));
    if api == Api::Graph {
        headers.insert("x-ms-ags-diagnostic", text(&diagnostic.to_string()));
    }
    for (name, value) in answer.headers {
        if let Ok(name) = HeaderName::from_bytes(name.as_bytes()) {
            headers.insert(name, text(&value));
        }
    }
    response
}

fn graph_outcome(lab: &Arc<Lab>, call: &Call) -> Result<Answer, ApiError> {
    lab.meter.failures(lab)?;
    let caller = call.caller(lab, Api::Graph)?;
    graph::answer(lab, &caller, call)
}

fn arm_outcome(lab: &Arc<Lab>, call: &Call) -> Result<Answer, ApiError> {
    if lab.faults.on(Fault::ArmOutage) {
        return Err(ApiError::new(
            503,
            "ServerUnavailable",
            "The server is currently unable to process the request. Please retry after sometime.",
        ));
    }
    lab.meter.storm(lab)?;
    let caller = call.caller(lab, Api::Arm)?;
    let body = json_body(&call.body).map_err(|error| ApiError {
        code: "InvalidRequestContent".to_owned(),
        ..error
    })?;
    Ok(arm::answer(
        lab,
        &caller,
        &call.method,
        &call.path,
        &call.query,
        body,
    ))
}

fn logs_outcome(lab: &Arc<Lab>, call: &Call) -> Result<Answer, ApiError> {
    lab.meter.storm(lab)?;
    let caller = call.caller(lab, Api::Logs)?;
    lab.meter.query(lab, &caller)?;
    let body = json_body(&call.body).map_err(|error| ApiError {
        code: "BadArgumentError".to_owned(),
        ..error
    })?;
    Ok(logs::answer(
        lab,
        &caller,
        &call.method,
        &call.path,
        &call.query,
        call.header("prefer").unwrap_or_default(),
        body.as_ref(),
    ))
}

/// A body that must be JSON; an absent one is `None`.
pub(crate) fn json_body(bytes: &[u8]) -> Result<Option<Value>, ApiError> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return Ok(None);
    }
    serde_json::from_slice(bytes).map(Some).map_err(|error| {
        ApiError::new(
            400,
            "BadRequest",
            format!("Unable to read JSON request payload. Please ensure Content-Type header is set and payload is of valid JSON format. {error}"),
        )
    })
}
