//! What went wrong in talking to Microsoft.

use std::{fmt, time::Duration};

use serde_json::Value;

use crate::{HttpResponse, TransportError};

/// Why a call gave nothing.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// The service answered with an error.
    #[error("{0}")]
    Refused(Box<Refusal>),
    /// No token was given.
    #[error("{0}")]
    SignIn(Box<SignInError>),
    /// No answer came, however often it was tried.
    #[error("{call}: {error}")]
    NotReached {
        /// What was asked for.
        call: String,
        /// Why no answer came.
        error: TransportError,
    },
    /// The service asks to wait for longer than a command waits.
    #[error("{call}: Microsoft limits requests and asks to come back in {}; run it again then, it goes on where it stopped", words(*.after))]
    Throttled {
        /// What was asked for.
        call: String,
        /// How long to wait.
        after: Duration,
    },
    /// An answer that is not what the documentation says.
    #[error("{call} gave an answer that cannot be used: {why}")]
    Unusable {
        /// What was asked for.
        call: String,
        /// Why.
        why: String,
    },
}

/// An answer that is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Refusal {
    /// HTTP status.
    pub status: u16,
    /// `error.code`, as sent; may be empty.
    pub code: String,
    /// `error.message`, as sent, without anything that looks like a token.
    pub message: String,
    /// What was asked for: method and path.
    pub call: String,
    /// `request-id` of the answer, for Microsoft's support.
    pub request_id: Option<String>,
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} was answered with {}", self.call, self.status)?;
        if !self.code.is_empty() {
            write!(f, " {}", self.code)?;
        }
        if !self.message.is_empty() {
            write!(f, ": {}", self.message.trim_end_matches('.'))?;
        }
        if let Some(id) = &self.request_id {
            write!(f, " (request {id})")?;
        }
        Ok(())
    }
}

/// Why Microsoft Entra gave no token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SignInError {
    /// The number of the error (`AADSTS700016`), where there is one.
    pub code: Option<u32>,
    /// `error` of OAuth 2.0 (`invalid_client`), or empty.
    pub error: String,
    /// What it means, in a sentence.
    pub message: String,
    /// What to do next.
    pub help: String,
    /// Whether trying again later can help.
    pub transient: bool,
}

impl fmt::Display for SignInError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "signing in failed: {}", self.message)?;
        if let Some(code) = self.code {
            write!(f, " (AADSTS{code})")?;
        }
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
        }
        Ok(())
    }
}

impl Error {
    fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// HTTP status of the answer.
    pub fn status(&self) -> Option<u16> {
        self.refusal().map(|refusal| refusal.status)
    }

    /// Microsoft's code for the error.
    pub fn code(&self) -> Option<&str> {
        self.refusal().map(|refusal| refusal.code.as_str())
    }

    /// Id of the request, for Microsoft's support.
    pub fn request_id(&self) -> Option<&str> {
        self.refusal()?.request_id.as_deref()
    }

    /// Whether the caller may not read this.
    pub fn is_forbidden(&self) -> bool {
        self.status() == Some(403) && !self.is_unlicensed()
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the tenant lacks the licence for it, or never set the feature up.
    pub fn is_unlicensed(&self) -> bool {
        let code = self.code().unwrap_or_default();
        [
            "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
            "AadPremiumLicenseRequired",
            "MissingProvider",
        ]
        .iter()
        .any(|known| code.eq_ignore_ascii_case(known))
    }

    /// Whether the same call can succeed later.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Refused(refusal) => matches!(refusal.status, 429 | 500 | 502..=504),
            Self::SignIn(error) => error.transient,
            Self::NotReached { .. } | Self::Throttled { .. } => true,
            Self::Unusable { .. } => false,
        }
    }
}

/// A time in words.
fn words(time: Duration) -> String {
    let seconds = time.as_secs().max(1);
    if seconds < 120 {
        format!("{seconds} seconds")
    } else {
        format!("{} minutes", seconds.div_ceil(60))
    }
}

/// The error that an answer tells.
pub(crate) fn refusal(call: &str, answer: &HttpResponse) -> Refusal {
    let body: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let (code, message) = told(&body);
    let is_text = body.is_null() && !answer.body.is_empty();
    let message = if is_text {
        String::from_utf8_lossy(&answer.body)
            .chars()
            .take(200)
            .collect()
    } else {
        message
    };
    let request_id = [
        "request-id",
        "x-ms-request-id",
        "x-ms-correlation-request-id",
    ]
    .iter()
    .find_map(|name| answer.header(name))
    .map(str::to_owned);
    Refusal {
        status: answer.status,
        code,
        message: redacted(&message),
        call: call.to_owned(),
        request_id,
    }
}

/// Code and message of an error body, in any of the envelopes that Microsoft's services use: `{"error": {…}}`, twice
/// wrapped, `{"odata.error": {…}}`, capital letters, `{"errorCode", "message"}`, and JSON inside the message.
pub(crate) fn told(body: &Value) -> (String, String) {
    let field = |value: &Value, name: &str| -> Option<Value> {
        value
            .as_object()?
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.clone())
    };
    let text = |value: &Value, name: &str| -> Option<String> {
        let found = field(value, name)?;
        match &found {
            Value::String(text) => Some(text.clone()),
            Value::Object(_) => field(&found, "value")
                .or_else(|| field(&found, "message"))?
                .as_str()
                .map(str::to_owned),
            _ => None,
        }
    };
    let mut inner = body.clone();
    for _ in 0..3 {
        match field(&inner, "error").or_else(|| field(&inner, "odata.error")) {
            Some(next) if next.is_object() => inner = next,
            _ => break,
        }
    }
    let mut code = text(&inner, "code")
        .or_else(|| text(&inner, "errorCode"))
        .unwrap_or_default();
    let mut message = text(&inner, "message").unwrap_or_default();
    if let Ok(nested @ Value::Object(_)) = serde_json::from_str::<Value>(&message) {
        if let Some(own) = text(&nested, "errorCode").or_else(|| text(&nested, "code")) {
            code = own;
        }
        message = text(&nested, "message").unwrap_or(message);
    }
    (code, message)
}

/// The text without anything that looks like a token: a bearer header, or a JSON web token.
pub(crate) fn redacted(text: &str) -> String {
    let is_token = |word: &str| {
        let word = word.trim_matches(|c: char| !c.is_ascii_alphanumeric());
        word.len() > 20 && word.starts_with("ey") && word.matches('.').count() >= 1
    };
    let mut after_bearer = false;
    text.split_inclusive(char::is_whitespace)
        .map(|word| {
            let plain = word.trim();
            let hide = after_bearer || is_token(plain);
            after_bearer = plain.eq_ignore_ascii_case("bearer");
            if hide && !plain.is_empty() {
                word.replace(plain, "[token]")
            } else {
                word.to_owned()
            }
        })
        .collect()
}
