//! Microsoft Graph, v1.0 and beta.
//!
//! A call is read ([`request`]), counted ([`throttle`]), judged by permission, and answered: by a write, by a question
//! asked with POST ([`action`]), or by reading ([`route`] finds what the path names, [`read`] and [`page`] show it).

mod action;
mod batch;
mod check;
mod derive;
mod index;
mod kind;
mod log_filter;
mod logs;
mod members;
mod page;
mod read;
mod related;
mod request;
mod route;
mod throttle;
pub(crate) mod what_if;
pub(crate) mod what_if_set;
pub(crate) mod write;

use std::sync::Arc;

use crate::{
    Lab,
    gateway::{Call, json_body},
    lab::{Answer, ApiError, Body, Caller},
    permissions,
};
use index::Index;
use read::Reader;
use request::Request;
use route::Found;

pub(crate) use index::Newest;
pub(crate) use throttle::Meter;

/// Which of the two versions a call goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Version {
    /// `v1.0`.
    V1,
    /// `beta`.
    Beta,
}

impl Version {
    /// The first segment of the path.
    pub(crate) const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// The answer to a call.
pub(crate) fn answer(lab: &Arc<Lab>, caller: &Caller, call: &Call) -> Result<Answer, ApiError> {
    let body = json_body(&call.body)?;
    let header = |name: &str| call.header(name).map(str::to_owned);
    let request = Request::read(&call.method, &call.path, &call.query, header, body)?;
    if request.folded.iter().map(String::as_str).eq(["$batch"]) && request.method == "POST" {
        let correlation = &call.client_request_id;
        return batch::answer(
            lab,
            caller,
            request.version,
            request.body.as_ref(),
            correlation,
        );
    }
    single(lab, caller, &request)
}

/// The answer to one call, alone or in a batch.
fn single(lab: &Arc<Lab>, caller: &Caller, request: &Request) -> Result<Answer, ApiError> {
    let cost = lab.meter.count(lab, caller, request)?;
    let mut answer = read_or_ask(lab, caller, request)?;
    if !request.all_members
        && let Body::Json(shown) = &mut answer.body
    {
        members::hide(shown);
    }
    if let Some(units) = cost.units {
        answer
            .headers
            .push(("x-ms-resource-unit", units.to_string()));
    }
    if let Some(used) = cost.used {
        answer
            .headers
            .push(("x-ms-throttle-limit-percentage", format!("{used:.2}")));
    }
    Ok(answer)
}

/// A change; `None`: the path takes none with this method.
fn change(lab: &Lab, caller: &Caller, request: &Request) -> Option<Result<Answer, ApiError>> {
    let segments: Vec<&str> = request.segments.iter().map(String::as_str).collect();
    let needs = write::needs(&request.method, &segments);
    if needs.iter().any(|any| !permissions::holds(caller, any)) {
        return Some(Err(ApiError::denied()));
    }
    let (version, body) = (request.version, request.body.clone());
    let method = &request.method;
    write::answer(
        lab,
        caller,
        method,
        version,
        &segments,
        &request.raw_query,
        body,
    )
}

fn read_or_ask(lab: &Arc<Lab>, caller: &Caller, request: &Request) -> Result<Answer, ApiError> {
    if let Some(outcome) = change(lab, caller, request) {
        return outcome;
    }
    let state = lab.state();
    let now = lab.now();
    let reader = Reader {
        lab,
        state: &state,
        index: Index::of(lab, &state, now),
        now,
        caller,
        request,
    };
    let mut path = request.path();
    if request.version == Version::Beta && path.first() == Some(&"administrativeunits") {
        path.insert(0, "directory");
    }
    if path.first() == Some(&"me") && caller.user.is_none() {
        return Err(ApiError::new(
            400,
            "BadRequest",
            "/me request is only valid with delegated authentication flow.",
        ));
    }
    if path.first() == Some(&"me") && path.len() > 1 {
        path.splice(0..1, ["users", "me"]);
    }
    let Some(need) = permissions::of_read(&path) else {
        let segment = request.segments.first().map_or("", String::as_str);
        return Err(ApiError::new(
            400,
            "BadRequest",
            format!("Resource not found for the segment '{segment}'."),
        ));
    };
    if !permissions::may(&state, caller, need, now) {
        return Err(permissions::denied(&path, caller, need));
    }
    let found = match request.method.as_str() {
        "GET" => reader.route()?,
        "POST" => action::answer(&reader).unwrap_or_else(|| Err(not_allowed()))?,
        _ => return Err(not_allowed()),
    };
    let body = match found {
        Found::List(list) => Body::Json(reader.page(list)?),
        Found::Count(list) => Body::Text(reader.count(&list)?.to_string()),
        Found::One {
            object,
            kind,
            context,
            mixed,
        } => Body::Json(reader.entity(kind, &object, &context, mixed)?),
        Found::Whole(value) => Body::Json(value),
        Found::Special(answer) => return Ok(answer),
    };
    Ok(Answer {
        status: 200,
        headers: Vec::new(),
        body,
    })
}

/// The path does not take this method.
fn not_allowed() -> ApiError {
    ApiError::new(
        405,
        "Request_BadRequest",
        "Specified HTTP method is not allowed for the request target.",
    )
}
