//! `$batch`: several calls in one.
//!
//! Microsoft Graph, *Combine multiple HTTP requests using JSON batching*.
//!
//! Invariant: each call in it is judged, counted and refused like a call of its own, and the answers come in another
//! order than the calls.

use std::{collections::HashMap, sync::Arc};

use data_encoding::BASE64;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Version, request::Request};
use crate::{
    Lab,
    lab::{Answer, ApiError, Body, Caller},
    tokens::Api,
};

/// Calls in a batch at most.
const MOST: usize = 20;

fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

struct Item<'a> {
    id: &'a str,
    method: &'a str,
    url: &'a str,
    headers: HashMap<String, String>,
    body: Option<&'a Value>,
    after: Vec<&'a str>,
}

impl<'a> Item<'a> {
    fn read(value: &'a Value) -> Result<Self, ApiError> {
        let text = |name: &str| value.get(name).and_then(Value::as_str);
        let id = text("id").filter(|id| !id.is_empty());
        let id = id.ok_or_else(|| bad("Request id is required for every request in a batch."))?;
        let missing = |name: &str| bad(format!("The request '{id}' has no '{name}'."));
        let headers = value.get("headers").and_then(Value::as_object);
        let item = Self {
            id,
            method: text("method").ok_or_else(|| missing("method"))?,
            url: text("url").ok_or_else(|| missing("url"))?,
            headers: headers
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
                .collect(),
            body: value.get("body").filter(|body| !body.is_null()),
            after: value
                .get("dependsOn")
                .and_then(Value::as_array)
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect(),
        };
        if item.body.is_some() && !item.headers.contains_key("content-type") {
            return Err(bad(format!(
                "The request '{id}' has a body and no Content-Type header."
            )));
        }
        Ok(item)
    }
}

/// The calls of a batch, in an order in which none comes before one that it depends on.
fn read(body: Option<&Value>) -> Result<Vec<Item<'_>>, ApiError> {
    let requests = body
        .and_then(|body| body.get("requests"))
        .and_then(Value::as_array);
    let requests = requests.ok_or_else(|| bad("Invalid batch payload format."))?;
    if requests.is_empty() {
        return Err(bad("The batch holds no requests."));
    }
    if requests.len() > MOST {
        return Err(bad(format!(
            "Number of batch request steps exceeds the maximum value of {MOST}."
        )));
    }
    let items = requests
        .iter()
        .map(Item::read)
        .collect::<Result<Vec<_>, _>>()?;
    for (at, item) in items.iter().enumerate() {
        if items[..at]
            .iter()
            .any(|own| own.id.eq_ignore_ascii_case(item.id))
        {
            return Err(bad(format!("Duplicate request id '{}' in batch.", item.id)));
        }
        for after in &item.after {
            if !items.iter().any(|own| own.id.eq_ignore_ascii_case(after)) {
                return Err(bad(format!(
                    "The request '{}' depends on '{after}', which is not in the batch.",
                    item.id
                )));
            }
        }
    }
    check_form(&items)?;
    in_order(items)
}

/// The forms of dependence that there are: none at all, all that depend depend on the same one, or a chain of all.
fn check_form(items: &[Item<'_>]) -> Result<(), ApiError> {
    let mut after: Vec<&[&str]> = items
        .iter()
        .map(|item| item.after.as_slice())
        .filter(|after| !after.is_empty())
        .collect();
    let dependent = after.len();
    let single = after.iter().all(|after| after.len() == 1);
    after.sort_unstable_by_key(|after| after[0].to_lowercase());
    after.dedup_by_key(|after| after[0].to_lowercase());
    let same = after.len() <= 1;
    let chain = after.len() == dependent && dependent + 1 == items.len();
    if single && (same || chain) {
        return Ok(());
    }
    Err(bad(
        "The dependencies of a batch are none, a chain of all its requests, or one request that the others depend on.",
    ))
}

/// The calls, each behind the one that it depends on, else as they came.
fn in_order(mut left: Vec<Item<'_>>) -> Result<Vec<Item<'_>>, ApiError> {
    let mut ordered: Vec<Item<'_>> = Vec::with_capacity(left.len());
    while !left.is_empty() {
        let ready = left.iter().position(|item| {
            let done = |id: &&str| ordered.iter().any(|own| own.id.eq_ignore_ascii_case(id));
            item.after.iter().all(done)
        });
        let ready = ready.ok_or_else(|| bad("The requests of the batch depend on each other."))?;
        ordered.push(left.remove(ready));
    }
    Ok(ordered)
}

/// Answers a batch.
pub(super) fn answer(
    lab: &Arc<Lab>,
    caller: &Caller,
    version: Version,
    body: Option<&Value>,
    correlation: &str,
) -> Result<Answer, ApiError> {
    let items = read(body)?;
    let mut statuses: HashMap<String, u16> = HashMap::new();
    let mut responses = Vec::new();
    for item in &items {
        let failed = item.after.iter().any(|id| {
            statuses
                .get(&id.to_lowercase())
                .is_none_or(|status| *status >= 400)
        });
        let request_id = Uuid::new_v4().to_string();
        let outcome = if failed {
            Err(ApiError::new(424, "FailedDependency", "Failed Dependency"))
        } else {
            one(lab, caller, version, item)
        };
        let answer =
            outcome.unwrap_or_else(|error| error.answer(lab, Api::Graph, &request_id, correlation));
        statuses.insert(item.id.to_lowercase(), answer.status);
        responses.push(shown(item.id, answer));
    }
    // The service answers in whatever order the calls end.
    let half = responses.len() / 2;
    responses.rotate_left(half);
    Ok(Answer::json(200, json!({"responses": responses})))
}

fn one(
    lab: &Arc<Lab>,
    caller: &Caller,
    version: Version,
    item: &Item<'_>,
) -> Result<Answer, ApiError> {
    let (path, query) = item.url.split_once('?').unwrap_or((item.url, ""));
    if path.contains("://") {
        return Err(bad("The url of a request in a batch is relative."));
    }
    let path = format!("/{}/{}", version.segment(), path.trim_start_matches('/'));
    let header = |name: &str| item.headers.get(name).cloned();
    let request = Request::read(
        &item.method.to_ascii_uppercase(),
        &path,
        query,
        header,
        item.body.cloned(),
    )?;
    if request
        .folded
        .first()
        .is_some_and(|first| first == "$batch")
    {
        return Err(bad("A batch can't hold a batch."));
    }
    super::single(lab, caller, &request)
}

fn shown(id: &str, answer: Answer) -> Value {
    let mut headers: Map<String, Value> = answer
        .headers
        .into_iter()
        .map(|(name, value)| (name.to_owned(), json!(value)))
        .collect();
    let body = match answer.body {
        Body::Empty => None,
        Body::Json(value) => {
            headers.insert("Content-Type".to_owned(), json!("application/json"));
            Some(value)
        }
        // What is not JSON comes in Base64.
        Body::Text(text) => {
            headers.insert("Content-Type".to_owned(), json!("text/plain"));
            Some(json!(BASE64.encode(text.as_bytes())))
        }
    };
    let mut shown = json!({"id": id, "status": answer.status, "headers": headers});
    if let Some(body) = body {
        shown["body"] = body;
    }
    shown
}
