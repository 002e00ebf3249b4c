//! Azure Resource Manager, as far as an alerting chain is made of it.
//!
//! Sources: the published API specifications of each provider; Azure Resource Manager, *REST API*, *Throttling*. What is
//! kept lies in the collections of the state under its resource id.
//!
//! Invariants:
//! - every answer names its request and what is left of the caller's budget;
//! - ids compare without regard to letter case, and keep the spelling of whoever made them;
//! - a list of tenant-wide diagnostic settings never pages.

mod access;
mod check;
mod derived;
mod kind;
mod lists;
mod path;
mod put;
mod read;

use serde_json::{Value, json};

use crate::{
    Fault, Lab, State,
    lab::{Answer, ApiError, Caller},
};
use access::{Access, Deed};
use kind::Kind;
use path::Target;

pub(crate) use derived::workspaces;

/// Whether the roles of a caller let them read resources of a type at a scope.
pub(crate) fn reads(lab: &Lab, state: &State, caller: &Caller, kind: &str, scope: &str) -> bool {
    Access::of(lab, state, caller, lab.now()).allows(kind, Deed::Read, scope)
}

/// A request, read.
struct Request<'a> {
    lab: &'a Lab,
    caller: &'a Caller,
    method: &'a str,
    /// Decoded.
    path: String,
    query: Vec<(String, String)>,
    version: String,
}

impl Request<'_> {
    /// A parameter of the query, in any letter case.
    fn parameter(&self, name: &str) -> Option<&str> {
        self.query
            .iter()
            .find(|(own, _)| own.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Answers a call. Path and query are as they came, encoded.
pub(crate) fn answer(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    path: &str,
    query: &str,
    body: Option<Value>,
) -> Answer {
    let request_id = uuid::Uuid::new_v4().to_string();
    let (left, allowed) = lab.meter.arm(lab, caller, method, path);
    let outcome = allowed.and_then(|()| run(lab, caller, method, path, query, body));
    let mut answer = outcome.unwrap_or_else(|error| {
        let body = json!({"error": {"code": error.code, "message": error.message}});
        Answer {
            headers: error.headers,
            ..Answer::json(error.status, body)
        }
    });
    let region = lab.now().strftime("%Y%m%dT%H%M%SZ");
    answer.headers.extend([
        ("x-ms-request-id", request_id.clone()),
        ("x-ms-correlation-request-id", request_id.clone()),
        (
            "x-ms-routing-request-id",
            format!("TWIN:{region}:{request_id}"),
        ),
    ]);
    answer.headers.push((left.header, left.calls.to_string()));
    answer
}

fn run(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    path: &str,
    query: &str,
    body: Option<Value>,
) -> Result<Answer, ApiError> {
    if lab.faults.on(Fault::ArmOutage) {
        return Err(ApiError::new(
            503,
            "ServerUnavailable",
            "The server is currently unable to process the request.",
        ));
    }
    let query: Vec<(String, String)> = url::form_urlencoded::parse(query.as_bytes())
        .into_owned()
        .collect();
    let version = query
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("api-version"))
        .map(|(_, value)| value.clone())
        .unwrap_or_default();
    if version.is_empty() {
        return Err(ApiError::new(
            400,
            "MissingApiVersionParameter",
            "The api-version query parameter (?api-version=) is required for all requests.",
        ));
    }
    if !is_version(&version) {
        return Err(ApiError::new(
            400,
            "InvalidApiVersionParameter",
            format!(
                "The api-version '{version}' is invalid. The supported versions are of the form 'YYYY-MM-DD'."
            ),
        ));
    }
    let request = Request {
        lab,
        caller,
        method,
        path: decoded(path),
        query,
        version,
    };
    match Target::read(&request.path) {
        None => lists::answer(&request),
        Some(target) => resource(&request, &target, body),
    }
}

/// `2017-04-01`, with or without `-preview`.
fn is_version(text: &str) -> bool {
    let date = text.get(..10).unwrap_or_default();
    let rest = text.get(10..).unwrap_or("?");
    let digits = date.chars().enumerate().all(|(place, c)| match place {
        4 | 7 => c == '-',
        _ => c.is_ascii_digit(),
    });
    date.len() == 10 && digits && (rest.is_empty() || rest == "-preview")
}

fn decoded(path: &str) -> String {
    // A plus sign is itself in a path, other than in a query.
    let kept = path.replace('+', "%2B");
    let text: String = url::form_urlencoded::parse(format!("p={kept}").as_bytes())
        .find(|(name, _)| name == "p")
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default();
    text
}

fn resource(
    request: &Request<'_>,
    target: &Target,
    body: Option<Value>,
) -> Result<Answer, ApiError> {
    if let Some(answer) = read::special(request, target)? {
        return Ok(answer);
    }
    if let Some(answer) = put::action(request, target, body.as_ref())? {
        return Ok(answer);
    }
    let kind = Kind::of(&target.kind).ok_or_else(|| {
        let (namespace, kind) = target.kind.split_once('/').unwrap_or((&target.kind, ""));
        ApiError::new(
            404,
            "InvalidResourceType",
            format!("The resource type '{kind}' could not be found in the namespace '{namespace}' for api version '{}'.", request.version),
        )
    })?;
    if !kind.versions.contains(&request.version.as_str()) {
        let (namespace, own) = kind.name.split_once('/').unwrap_or((kind.name, ""));
        return Err(ApiError::new(
            400,
            "NoRegisteredProviderFound",
            format!(
                "No registered resource provider found for location 'global' and API version '{}' for type '{own}' of \
                 '{namespace}'. The supported api-versions are '{}'.",
                request.version,
                kind.versions.join(", ")
            ),
        ));
    }
    match (request.method, target.is_item(), target.is_list()) {
        ("GET", true, _) => read::item(request, target, kind),
        ("GET", _, true) => read::list(request, target, kind),
        ("PUT" | "PATCH" | "DELETE", ..) if kind.place == kind::Place::Observed => {
            Err(ApiError::new(
                405,
                "HttpMethodNotAllowed",
                format!(
                    "The twin shows resources of the type '{}' and changes none.",
                    kind.name
                ),
            ))
        }
        ("PUT", true, _) => put::put(request, target, kind, body),
        ("PATCH", true, _) => put::patch(request, target, kind, body),
        ("DELETE", true, _) => put::delete(request, kind),
        _ => Err(ApiError::new(
            405,
            "HttpMethodNotAllowed",
            format!(
                "The HTTP method '{}' is not supported at scope '{}'.",
                request.method, request.path
            ),
        )),
    }
}

/// Refuses what the caller's roles do not allow.
fn authorize(
    request: &Request<'_>,
    access: &Access,
    kind: &str,
    deed: Deed,
    scope: &str,
) -> Result<(), ApiError> {
    if access.allows(kind, deed, scope) {
        return Ok(());
    }
    Err(refused(request, kind, deed, scope))
}

fn refused(request: &Request<'_>, kind: &str, deed: Deed, scope: &str) -> ApiError {
    let client = &request.caller.app;
    let object = request
        .caller
        .user
        .as_ref()
        .or(request.caller.principal.as_ref())
        .map_or("", String::as_str);
    ApiError::new(
        403,
        "AuthorizationFailed",
        format!(
            "The client '{client}' with object id '{object}' does not have authorization to perform action \
             '{kind}/{}' over scope '{scope}' or the scope is invalid. If access was recently granted, please refresh \
             your credentials.",
            deed.word()
        ),
    )
}

fn not_found(target: &Target) -> ApiError {
    let name = target.names.join("/");
    let group = path::group(&target.scope).unwrap_or_default();
    ApiError::new(
        404,
        "ResourceNotFound",
        format!(
            "The Resource '{}/{name}' under resource group '{group}' was not found.",
            target.kind
        ),
    )
}

#[cfg(test)]
mod tests;
