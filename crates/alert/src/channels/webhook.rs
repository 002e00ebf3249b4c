//! A generic webhook in the manner of Standard Webhooks.

use std::{fmt, sync::Arc, time::Duration};

use breakglass_model::{Alert, Clock};
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use reqwest::{Client, header::CONTENT_TYPE};
use serde_json::{Value, json};
use sha2::Sha256;
use url::Url;

use super::http;
use crate::{
    Message, Secret,
    channel::{Channel, ConfigError, Receipt, SendError, Sending},
};

/// Receivers may refuse more.
const MAX_BODY: usize = 20_000;
/// Bytes that a signing key has.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A valid webhook.
#[derive(Clone)]
pub struct WebhookConfig {
    /// The channel's name.
    pub name: String,
    /// Where to; it may carry a token and is treated as a secret in texts.
    pub url: Url,
    /// `whsec_…`; several while they are exchanged: the receiver accepts any.
    pub secrets: Vec<Secret>,
    /// Time for one attempt.
    pub timeout: Duration,
    /// Permits a target inside our own network, and without TLS.
    pub allow_private: bool,
}

impl fmt::Debug for WebhookConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WebhookConfig")
            .field("name", &self.name)
            .field("host", &self.url.host_str())
            .field("secrets", &self.secrets)
            .field("allow_private", &self.allow_private)
            .finish_non_exhaustive()
    }
}

/// Posts each alert, signed.
pub struct Webhook {
    config: WebhookConfig,
    keys: Vec<Hmac<Sha256>>,
    client: Client,
    clock: Arc<dyn Clock>,
}

impl Webhook {
    /// Builds the channel. The clock dates the signature.
    pub fn new(config: WebhookConfig, clock: Arc<dyn Clock>) -> Result<Self, ConfigError> {
        let wrong = |reason: String| ConfigError {
            channel: config.name.clone(),
            reason,
        };
        http::check_target(&config.url, config.allow_private).map_err(wrong)?;
        if config.secrets.is_empty() {
            return Err(wrong("at least one signing secret is needed".to_owned()));
        }
        let keys = config
            .secrets
            .iter()
            .map(|secret| key(secret))
            .collect::<Result<_, _>>()
            .map_err(|reason| wrong(reason.to_owned()))?;
        let client = http::client(config.timeout, config.allow_private).map_err(wrong)?;
        Ok(Self {
            config,
            keys,
            client,
            clock,
        })
    }

    /// One signature per secret, separated by spaces.
    fn signatures(&self, id: &str, seconds: i64, body: &[u8]) -> String {
        let sign = |key: &Hmac<Sha256>| {
            let mut mac = key.clone();
            mac.update(format!("{id}.{seconds}.").as_bytes());
            mac.update(body);
            format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()))
        };
        self.keys.iter().map(sign).collect::<Vec<_>>().join(" ")
    }

    async fn attempt(&self, message: &Message, alert: &Alert) -> Result<Receipt, SendError> {
        let id = format!(
            "{}.{}",
            header_safe(&alert.id),
            header_safe(&self.config.name)
        );
        let body = body(message, alert);
        let seconds = self.clock.now().as_second();
        let response = self
            .client
            .post(self.config.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &id)
            .header("webhook-timestamp", seconds.to_string())
            .header("webhook-signature", self.signatures(&id, seconds, &body))
            .body(body)
            .send()
            .await
            .map_err(http::transport_failure)?;
        let (status, after, answer) = http::read(response).await;
        if status.is_success() {
            return Ok(Receipt(format!(
                "webhook-id {id}, status {}",
                status.as_u16()
            )));
        }
        let answer = self
            .config
            .secrets
            .iter()
            .fold(answer, |text, secret| secret.redact(&text));
        Err(http::status_failure(status, after, &answer))
    }
}

/// The signing key inside `whsec_…`, ready to sign.
fn key(secret: &Secret) -> Result<Hmac<Sha256>, &'static str> {
    let encoded = secret
        .reveal()
        .strip_prefix("whsec_")
        .ok_or("a signing secret begins with whsec_")?;
    let bytes = BASE64
        .decode(encoded.as_bytes())
        .map_err(|_| "what follows whsec_ in a signing secret must be Base64")?;
    if !KEY_BYTES.contains(&bytes.len()) {
        return Err("a signing secret has 24 to 64 bytes");
    }
    Hmac::new_from_slice(&bytes).map_err(|_| "the signing secret has an impossible length")
}

fn header_safe(text: &str) -> String {
    text.chars().filter(char::is_ascii_graphic).collect()
}

/// The body. The particulars give way where they do not fit: a short alert is worth more than none.
fn body(message: &Message, alert: &Alert) -> Vec<u8> {
    let kind = match alert.signal.as_ref().filter(|_| !alert.test) {
        None => "breakglass.test".to_owned(),
        Some(signal) => format!("breakglass.{}", signal.kind.as_str()),
    };
    let whole = |data: &Value| {
        json!({ "type": kind, "timestamp": alert.created_at.to_string(), "data": data })
            .to_string()
            .into_bytes()
    };
    let full = whole(&message.json);
    if full.len() < MAX_BODY {
        return full;
    }
    let mut short = message.json.clone();
    if let Some(data) = short.as_object_mut() {
        data.remove("details");
        data.insert("truncated".to_owned(), Value::Bool(true));
    }
    whole(&short)
}

impl Channel for Webhook {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn send<'a>(&'a self, message: &'a Message, alert: &'a Alert) -> Sending<'a> {
        Box::pin(self.attempt(message, alert))
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::Arc, time::Duration};

    use breakglass_model::FixedClock;
    use jiff::Timestamp;

    use super::{Webhook, WebhookConfig};
    use crate::Secret;

    const KEY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

    fn webhook(secrets: &[&str]) -> Result<Webhook, crate::channel::ConfigError> {
        let config = WebhookConfig {
            name: "hook".to_owned(),
            url: "https://hooks.example.com/token-canary".parse().unwrap(),
            secrets: secrets.iter().map(|secret| Secret::new(*secret)).collect(),
            timeout: Duration::from_secs(1),
            allow_private: false,
        };
        Webhook::new(config, Arc::new(FixedClock(Timestamp::UNIX_EPOCH)))
    }

    #[test]
    fn w6_the_signature_is_the_one_of_the_published_scheme() {
        let body =
            br#"{"type":"breakglass.signin","timestamp":"2026-10-01T10:00:00Z","data":{"id":"a"}}"#;
        let expected = "v1,d5njJCYcvvtvy2rKUDWi0l/Q8OoEmJzHO5AqpzEvn2k=";
        let signature = webhook(&[KEY])
            .unwrap()
            .signatures("msg_1", 1_790_848_800, body);
        assert_eq!(signature, expected);
        let both = webhook(&[KEY, KEY])
            .unwrap()
            .signatures("msg_1", 1_790_848_800, body);
        assert_eq!(both, format!("{expected} {expected}"));
    }

    #[test]
    fn a_wrong_secret_is_refused_without_being_shown() {
        for secrets in [
            &[][..],
            &["canary"],
            &["whsec_canary!"],
            &["whsec_Y2FuYXJ5"],
        ] {
            let error = webhook(secrets).err().unwrap();
            assert!(!error.to_string().contains("anary"), "{error}");
            assert!(!error.to_string().contains("Y2Fu"), "{error}");
        }
        assert!(!format!("{:?}", webhook(&[KEY]).unwrap().config).contains("canary"));
    }
}
