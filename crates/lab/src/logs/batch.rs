//! Several queries in one call (Azure Monitor, *Log Analytics API*, *Batch queries*).
//!
//! Invariant: each query in it is judged and answered as one of its own.

use crate::state::text;
use serde_json::{Map, Value, json};

use super::{asked, error};
use crate::{
    Lab,
    lab::{Answer, Body, Caller},
};

/// Answers a batch.
pub(super) fn answer(lab: &Lab, caller: &Caller, body: Option<&Value>) -> Answer {
    let requests = body
        .and_then(|body| body.get("requests"))
        .and_then(Value::as_array);
    let Some(requests) = requests.filter(|requests| !requests.is_empty()) else {
        return error::bad("The batch holds no requests.");
    };
    let responses: Vec<Value> = requests
        .iter()
        .map(|request| shown(text(request, "id"), one(lab, caller, request)))
        .collect();
    Answer::json(200, json!({"responses": responses}))
}

fn one(lab: &Lab, caller: &Caller, request: &Value) -> Answer {
    let path = text(request, "path").trim_start_matches('/');
    let method = text(request, "method");
    if !path.eq_ignore_ascii_case("query") || !(method.is_empty() || method == "POST") {
        return error::not_found("PathNotFoundError", "The requested path does not exist");
    }
    let headers = request.get("headers").and_then(Value::as_object);
    let prefer = headers
        .into_iter()
        .flatten()
        .find(|(name, _)| name.eq_ignore_ascii_case("prefer"))
        .and_then(|(_, value)| value.as_str())
        .unwrap_or_default();
    let Some(body) = request.get("body") else {
        return error::bad("A request of the batch has no body.");
    };
    asked(lab, caller, text(request, "workspace"), prefer, body)
}

fn shown(id: &str, answer: Answer) -> Value {
    let mut shown = json!({"id": id, "status": answer.status, "headers": Map::new()});
    if let Body::Json(body) = answer.body {
        shown["body"] = body;
    }
    shown
}
