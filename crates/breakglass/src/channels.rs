//! From configured channels to channels that send.

use std::{fs, sync::Arc, time::Duration};

use breakglass_alert as alert;
use breakglass_alert::channels as kinds;
use breakglass_model::Clock;
use url::Url;

use crate::{
    config::{Channel, ChannelConfig, MailTls, Secret},
    failure::Failure,
    input,
};

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// PagerDuty's Events API v2, service region United States; `url` in the configuration names another.
const PAGERDUTY: &str = "https://events.pagerduty.com";

/// Builds every channel.
pub fn build(
    configs: &[Channel<Secret>],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn alert::Channel>>, Failure> {
    configs.iter().map(|config| one(config, clock)).collect()
}

fn secret(secret: &Secret) -> alert::Secret {
    alert::Secret::new(secret.reveal())
}

fn address(text: &str, channel: &str) -> Result<Url, Failure> {
    // The address may carry a token, so it is not repeated.
    Url::parse(text).map_err(|error| {
        Failure::usage(format!(
            "the `url` of channel `{channel}` is not an address: {error}"
        ))
    })
}

fn one(
    config: &Channel<Secret>,
    clock: &Arc<dyn Clock>,
) -> Result<Arc<dyn alert::Channel>, Failure> {
    let name = config.name.clone();
    let wrong = |error: alert::channel::ConfigError| {
        Failure::usage(format!(
            "the channel `{}` cannot work: {error}",
            config.name
        ))
    };
    Ok(match &config.config {
        ChannelConfig::Smtp(smtp) => {
            let extra_roots = smtp
                .ca_file
                .as_ref()
                .map(|path| {
                    fs::read(path).map_err(|error| {
                        input::not_opened("the CA file", path, &error).usage_code()
                    })
                })
                .transpose()?;
            let smtp = kinds::Smtp::new(kinds::SmtpConfig {
                name,
                host: smtp.host.clone(),
                port: smtp.port,
                tls: match smtp.tls {
                    MailTls::StartTls => kinds::MailTls::StartTls,
                    MailTls::Implicit => kinds::MailTls::Implicit,
                    MailTls::None => kinds::MailTls::NoneLoopback,
                },
                login: smtp
                    .login
                    .as_ref()
                    .map(|(user, password)| (user.clone(), secret(password))),
                extra_roots,
                from: smtp.from.clone(),
                to: smtp.to.clone(),
                timeout: TIMEOUT,
            });
            Arc::new(smtp.map_err(wrong)?)
        }
        ChannelConfig::Webhook(webhook) => {
            if webhook.ca_file.is_some() {
                return Err(Failure::usage(format!("the channel `{name}` names a `ca_file`, which webhooks do not use yet"))
                    .help("add the certificate to the system's, or use http to a private address with `allow_private`"));
            }
            let webhook = kinds::Webhook::new(
                kinds::WebhookConfig {
                    url: address(webhook.url.reveal(), &name)?,
                    name,
                    secrets: webhook.secrets.iter().map(secret).collect(),
                    timeout: TIMEOUT,
                    allow_private: webhook.allow_private,
                },
                Arc::clone(clock),
            );
            Arc::new(webhook.map_err(wrong)?)
        }
        ChannelConfig::PagerDuty(pager) => {
            let pager = kinds::PagerDuty::new(kinds::PagerDutyConfig {
                base: address(pager.url.as_deref().unwrap_or(PAGERDUTY), &name)?,
                name,
                routing_key: secret(&pager.routing_key),
                timeout: TIMEOUT,
                allow_private: pager.allow_private,
            });
            Arc::new(pager.map_err(wrong)?)
        }
        ChannelConfig::Console => Arc::new(kinds::Console::new(name, std::io::stderr())),
    })
}
