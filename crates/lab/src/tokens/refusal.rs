//! How each API says that it does not take a token.
//!
//! Microsoft Graph, *Microsoft Graph error responses*; Azure Resource Manager, *Common errors*; Azure Monitor,
//! *Azure Monitor Log Analytics API errors*. The texts are not documented.

use jiff::Timestamp;

use super::Api;
use crate::lab::ApiError;

/// What is wrong with a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal<'a> {
    /// There is none.
    Missing,
    /// It is none, or nobody here signed it.
    Malformed,
    /// It is for another API.
    Audience(&'a str),
    /// It has ended.
    Expired(Timestamp),
    /// It does not hold yet.
    Early,
    /// Its user signed out everywhere since, or is gone.
    Revoked,
}

impl Refusal<'_> {
    /// The error of an API.
    pub(super) fn of(self, api: Api, now: Timestamp) -> ApiError {
        match api {
            Api::Graph => ApiError::new(401, "InvalidAuthenticationToken", self.of_graph()),
            Api::Arm => self.of_arm(now),
            Api::Logs => self.of_logs(),
        }
    }

    const fn of_graph(self) -> &'static str {
        match self {
            Self::Missing => "Access token is empty.",
            Self::Malformed => "IDX14100: JWT is not well formed or its signature is not valid.",
            Self::Audience(_) => "Access token validation failure. Invalid audience.",
            Self::Expired(_) => "Lifetime validation failed, the token is expired.",
            Self::Early => "Lifetime validation failed, the token is not yet valid.",
            Self::Revoked => "Access token has been revoked: a fresh sign-in is needed.",
        }
    }

    fn of_arm(self, now: Timestamp) -> ApiError {
        let error = |code: &str, message: String| ApiError::new(401, code, message);
        match self {
            Self::Missing => error(
                "AuthenticationFailed",
                "Authentication failed. The 'Authorization' header is missing.".to_owned(),
            ),
            Self::Audience(audience) => error(
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The access token has been obtained for wrong audience or resource '{audience}'. It should exactly \
                     match with one of the allowed audiences 'https://management.core.windows.net/', \
                     'https://management.azure.com/'."
                ),
            ),
            Self::Expired(end) => error(
                "ExpiredAuthenticationToken",
                format!(
                    "The access token expiry UTC time '{end}' is earlier than current UTC time '{now}'."
                ),
            ),
            Self::Malformed | Self::Early | Self::Revoked => error(
                "InvalidAuthenticationToken",
                format!("The access token is invalid. {}", self.of_graph()),
            ),
        }
    }

    fn of_logs(self) -> ApiError {
        match self {
            Self::Missing | Self::Expired(_) | Self::Early | Self::Revoked => ApiError::new(
                401,
                "AuthenticationFailed",
                format!("Authentication failed. {}", self.of_graph()),
            ),
            Self::Malformed => ApiError::new(
                403,
                "InvalidAuthenticationToken",
                "The provided authentication token is invalid.",
            ),
            Self::Audience(audience) => ApiError::new(
                403,
                "InvalidAuthenticationTokenAudience",
                format!(
                    "The audience '{audience}' of the provided authentication token is invalid."
                ),
            ),
        }
    }
}
