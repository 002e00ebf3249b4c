//! Refusals of the token endpoint.
//!
//! Microsoft identity platform, *Microsoft Entra authentication and authorization error codes*: numbers, and the shape of
//! the body.

use axum::{
    Json,
    http::StatusCode,
    response::{IntoResponse as _, Response},
};
use serde_json::json;
use uuid::Uuid;

use crate::Lab;

/// A refusal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TokenError {
    pub(crate) status: u16,
    /// OAuth's word: `invalid_client`.
    pub(crate) error: &'static str,
    /// Microsoft's number: 7000215.
    pub(crate) code: u32,
    /// The sentence behind `AADSTS<number>: `.
    pub(crate) message: String,
}

impl TokenError {
    /// A refusal with status 400, 401 where the client is not who it says it is.
    pub(crate) fn new(error: &'static str, code: u32, message: impl Into<String>) -> Self {
        let status = match error {
            "invalid_client" => 401,
            "temporarily_unavailable" => 503,
            _ => 400,
        };
        Self {
            status,
            error,
            code,
            message: message.into(),
        }
    }

    /// A form field is missing.
    pub(crate) fn missing(field: &str) -> Self {
        Self::new(
            "invalid_request",
            900_144,
            format!("The request body must contain the following parameter: '{field}'."),
        )
    }

    /// The body, with ids and the time of this refusal.
    pub(crate) fn answer(&self, lab: &Lab, correlation: Option<&str>) -> Response {
        let trace = Uuid::new_v4().to_string();
        let correlation = correlation.map_or_else(|| Uuid::new_v4().to_string(), str::to_owned);
        let time = lab.now().strftime("%Y-%m-%d %H:%M:%SZ").to_string();
        let code = self.code;
        let body = json!({
            "error": self.error,
            "error_description": format!(
                "AADSTS{code}: {} Trace ID: {trace} Correlation ID: {correlation} Timestamp: {time}", self.message
            ),
            "error_codes": [code],
            "timestamp": time,
            "trace_id": trace,
            "correlation_id": correlation,
            "error_uri": format!("https://login.microsoftonline.com/error?code={code}"),
        });
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        (status, Json(body)).into_response()
    }
}
