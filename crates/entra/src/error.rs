//! What went wrong in talking to Microsoft.

mod redact;
mod told;

use std::{fmt, time::Duration};

use crate::TransportError;

pub(crate) use redact::without;
pub(crate) use told::{SKEW, line, parsed, refusal, told, unreadable};

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
    /// `error.code`, as sent, of the innermost envelope that has one; may be empty.
    pub code: String,
    /// `error.message`, as sent, without anything that looks like a token.
    pub message: String,
    /// What was asked for: method and path.
    pub call: String,
    /// `request-id` of the answer, for Microsoft's support.
    pub request_id: Option<String>,
    /// What to do next, or empty.
    pub help: String,
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
        if !self.help.is_empty() {
            write!(f, "; {}", self.help)?;
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

    /// Whether a token is not taken, a fresh one neither: everything would be answered so, whatever is granted (Microsoft
    /// Graph, *Resolve authorization errors*; Azure Resource Manager, `ExpiredAuthenticationToken`).
    pub fn is_token_refused(&self) -> bool {
        self.status() == Some(401)
            && self.code().is_some_and(|code| {
                ["InvalidAuthenticationToken", "ExpiredAuthenticationToken"]
                    .iter()
                    .any(|known| code.eq_ignore_ascii_case(known))
            })
    }

    /// Whether there is no such object.
    pub fn is_not_found(&self) -> bool {
        self.status() == Some(404)
    }

    /// Whether the tenant lacks the licence for it, or never set the feature up.
    pub fn is_unlicensed(&self) -> bool {
        is_unlicensed(self.code().unwrap_or_default())
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

fn is_unlicensed(code: &str) -> bool {
    [
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
        "AadPremiumLicenseRequired",
        "MissingProvider",
    ]
    .iter()
    .any(|known| code.eq_ignore_ascii_case(known))
}

/// A time in words.
fn words(time: Duration) -> String {
    match time.as_secs() {
        0 | 1 => "one second".to_owned(),
        seconds @ ..120 => format!("{seconds} seconds"),
        seconds @ ..7200 => format!("{} minutes", seconds.div_ceil(60)),
        seconds @ ..172_800 => format!("{} hours", seconds.div_ceil(3600)),
        seconds => format!("{} days", seconds.div_ceil(86_400)),
    }
}
