//! Why a query has no answer (Azure Monitor, *Azure Monitor Log Analytics API errors*).

use serde_json::{Value, json};

use crate::lab::Answer;

/// A place in a query: line from 1, column from 0, and what stands there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) token: String,
}

/// What is wrong with a query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// It can't be parsed.
    Syntax(Place),
    /// It names what does not exist.
    Semantic(String),
    /// It asks for something that the twin does not do.
    Unsupported(String),
}

fn envelope(status: u16, code: &str, message: &str, inner: Value) -> Answer {
    let mut error = json!({"code": code, "message": message,
        "correlationId": uuid::Uuid::new_v4().to_string()});
    if !inner.is_null() {
        error["innererror"] = inner;
    }
    Answer::json(status, json!({"error": error}))
}

impl Fault {
    pub(super) fn answer(&self) -> Answer {
        let inner = match self {
            Self::Syntax(place) => {
                let at = if place.token.is_empty() {
                    "the end of the query"
                } else {
                    &place.token
                };
                json!({
                    "code": "SyntaxError", "message": "A recognition error occurred in the query.",
                    "innererror": {"code": "SYN0002",
                        "message": format!("Query could not be parsed at '{at}' on line [{},{}]", place.line, place.column),
                        "line": place.line, "pos": place.column, "token": place.token},
                })
            }
            Self::Semantic(message) => json!({
                "code": "SemanticError", "message": "A semantic error occurred.",
                "innererror": {"code": "SEM0100", "message": message},
            }),
            Self::Unsupported(message) => json!({"code": "UnsupportedByTwin", "message": message}),
        };
        envelope(
            400,
            "BadArgumentError",
            "The request had some invalid properties",
            inner,
        )
    }
}

/// 400 for something else than the query.
pub(super) fn bad(message: &str) -> Answer {
    envelope(
        400,
        "BadArgumentError",
        "The request had some invalid properties",
        json!({"code": "BadArgumentError", "message": message}),
    )
}

/// 404.
pub(super) fn not_found(code: &str, message: &str) -> Answer {
    envelope(404, code, message, Value::Null)
}

/// 403 for want of the permission that lets an app query at all.
pub(super) fn no_permission() -> Answer {
    envelope(
        403,
        "InsufficientAccessError",
        "The provided credentials have insufficient access to perform the requested operation",
        json!({"code": "UnauthorizedClient", "message": "The client is not authorized to access the Log Analytics API."}),
    )
}

/// 403 for want of a role on the workspace.
pub(super) fn no_access() -> Answer {
    envelope(
        403,
        "InsufficientAccessError",
        "The provided credentials have insufficient access to perform the requested operation",
        json!({"code": "AuthorizationFailedError", "message": "The client has no role that allows reading this workspace."}),
    )
}
