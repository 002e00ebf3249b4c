//! PagerDuty, Events API v2.

use std::time::Duration;

use breakglass_model::{Alert, SignalKind};
use reqwest::{Client, StatusCode};
use serde_json::{Value, json};
use url::Url;

use super::http;
use crate::{
    Message, Secret,
    channel::{Channel, ConfigError, Receipt, SendError, Sending},
};

/// Longer keys are refused.
const MAX_KEY: usize = 255;
/// Longer summaries are refused.
const MAX_SUMMARY: usize = 1024;

/// A valid PagerDuty channel.
#[derive(Clone, Debug)]
pub struct PagerDutyConfig {
    /// The channel's name.
    pub name: String,
    /// Integration key of the service.
    pub routing_key: Secret,
    /// Base of the API; `https://events.pagerduty.com` or the one of the service region.
    pub base: Url,
    /// Time for one attempt.
    pub timeout: Duration,
    /// Permits a base inside our own network, and without TLS.
    pub allow_private: bool,
}

/// Pages people through PagerDuty.
#[derive(Debug)]
pub struct PagerDuty {
    config: PagerDutyConfig,
    url: Url,
    client: Client,
}

impl PagerDuty {
    /// Builds the channel.
    pub fn new(config: PagerDutyConfig) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError {
            channel: config.name.clone(),
            reason,
        };
        http::check_target(&config.base, config.allow_private).map_err(wrong)?;
        let url = config
            .base
            .join("v2/enqueue")
            .map_err(|error| wrong(error.to_string()))?;
        let client = http::client(config.timeout, config.allow_private).map_err(wrong)?;
        Ok(Self {
            config,
            url,
            client,
        })
    }

    fn body(&self, message: &Message, alert: &Alert) -> Value {
        let summary: String = message.subject.chars().take(MAX_SUMMARY).collect();
        json!({
            "routing_key": self.config.routing_key.reveal(),
            "event_action": "trigger",
            "dedup_key": dedup_key(alert),
            "client": "breakglass",
            "payload": {
                "summary": summary,
                "source": "breakglass",
                "severity": if alert.test { "info" } else { "critical" },
                "timestamp": alert.created_at.to_string(),
                "component": "entra",
                "group": "emergency-access",
                "class": message.json.get("kind").cloned().unwrap_or(Value::Null),
                "custom_details": message.json,
            },
        })
    }

    async fn attempt(&self, message: &Message, alert: &Alert) -> Result<Receipt, SendError> {
        let response = self
            .client
            .post(self.url.clone())
            .json(&self.body(message, alert))
            .send()
            .await
            .map_err(http::transport_failure)?;
        let (status, after, body) = http::read(response).await;
        let body = self.config.routing_key.redact(&body);
        if status != StatusCode::ACCEPTED {
            return Err(http::status_failure(status, after, &body));
        }
        Ok(Receipt(format!("dedup_key {}", dedup_key(alert))))
    }
}

/// Failed attempts gather in the page of their incident. Everything else has its own key: while a
/// page is open, and also after somebody acknowledged it, more events under its key wake nobody, and
/// a success must not hide behind the failures before it.
fn dedup_key(alert: &Alert) -> String {
    let is_attempt = alert
        .signal
        .as_ref()
        .is_some_and(|signal| signal.kind == SignalKind::Attempt);
    let incident = alert.incident.as_ref().filter(|_| is_attempt);
    let key = incident.map_or(&alert.id, |incident| &incident.id);
    key.chars()
        .filter(char::is_ascii_graphic)
        .take(MAX_KEY)
        .collect()
}

impl Channel for PagerDuty {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn send<'a>(&'a self, message: &'a Message, alert: &'a Alert) -> Sending<'a> {
        Box::pin(self.attempt(message, alert))
    }
}
