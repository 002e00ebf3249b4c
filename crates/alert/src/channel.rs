//! What a channel is.

use std::{fmt, future::Future, pin::Pin, time::Duration};

use breakglass_model::Alert;

use crate::Message;

/// What a provider gave as proof that it took the message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt(pub String);

/// What a failure tells about the next attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// It may pass at any moment: network, time-out, a server in trouble.
    Soon,
    /// The provider asks for patience.
    Later,
    /// The same message will be refused again until somebody mends the channel.
    Broken,
}

/// A message that was not accepted, or of which that is not known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SendError {
    /// What it tells about the next attempt.
    pub retry_hint: Retry,
    /// How long the provider wants us to wait.
    pub after: Option<Duration>,
    /// Why, in one line without secrets.
    pub reason: String,
}

impl SendError {
    /// A failure that may pass at any moment.
    pub fn soon(reason: impl Into<String>) -> Self {
        Self {
            retry_hint: Retry::Soon,
            after: None,
            reason: reason.into(),
        }
    }

    /// A failure that lasts until somebody mends the channel.
    pub fn broken(reason: impl Into<String>) -> Self {
        Self {
            retry_hint: Retry::Broken,
            after: None,
            reason: reason.into(),
        }
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.reason)
    }
}

impl std::error::Error for SendError {}

/// A configuration that cannot become a channel.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("channel {channel}: {reason}")]
pub struct ConfigError {
    /// The channel's name.
    pub channel: String,
    /// What is wrong, without secrets.
    pub reason: String,
}

/// One attempt under way.
pub type Sending<'a> = Pin<Box<dyn Future<Output = Result<Receipt, SendError>> + Send + 'a>>;

/// A way to reach people. It sends once and says how it went.
pub trait Channel: Send + Sync {
    /// The name in the configuration and in the outbox.
    fn name(&self) -> &str;

    /// Sends once. Whoever calls sets the deadline; dropping the future abandons the attempt.
    fn send<'a>(&'a self, message: &'a Message, alert: &'a Alert) -> Sending<'a>;
}
