//! From configured channels to channels that send.

use std::{fs, sync::Arc, time::Duration};

use breakglass_alert::{
    Channel, Secret,
    channel::ConfigError,
    channels::{
        Console, MailTls, PagerDuty, PagerDutyConfig, Smtp, SmtpConfig, Webhook, WebhookConfig,
    },
};
use breakglass_model::Clock;
use url::Url;

use crate::{
    config::{ChannelConfig, ChannelKind, SecretPlace, Tls},
    failure::Failure,
    input,
};

/// How long one attempt may take.
const TIMEOUT: Duration = Duration::from_secs(20);

/// PagerDuty's Events API v2, service region United States; `url` in the configuration names another.
const PAGERDUTY: &str = "https://events.pagerduty.com";

/// Builds every configured channel; reads their secrets.
pub fn build(
    configs: &[ChannelConfig],
    clock: &Arc<dyn Clock>,
) -> Result<Vec<Arc<dyn Channel>>, Failure> {
    configs.iter().map(|config| one(config, clock)).collect()
}

fn secret(place: &SecretPlace, what: &str, channel: &str) -> Result<Secret, Failure> {
    Ok(Secret::new(
        place
            .read(&format!("the {what} of channel `{channel}`"))?
            .reveal(),
    ))
}

fn address(text: &str, channel: &str) -> Result<Url, Failure> {
    // The address may carry a token, so it is not repeated.
    Url::parse(text).map_err(|error| {
        Failure::usage(format!(
            "the `url` of channel `{channel}` is not an address: {error}"
        ))
    })
}

fn one(config: &ChannelConfig, clock: &Arc<dyn Clock>) -> Result<Arc<dyn Channel>, Failure> {
    let name = config.name.clone();
    let wrong = |error: ConfigError| {
        Failure::usage(format!(
            "the channel `{}` cannot work: {error}",
            config.name
        ))
    };
    Ok(match &config.kind {
        ChannelKind::Smtp {
            to,
            from,
            host,
            port,
            tls,
            login,
            ca_file,
        } => {
            let login = login
                .as_ref()
                .map(|(user, place)| {
                    Ok::<_, Failure>((user.clone(), secret(place, "password", &name)?))
                })
                .transpose()?;
            let extra_roots = ca_file
                .as_ref()
                .map(|path| {
                    fs::read(path).map_err(|error| {
                        input::not_opened("the CA file", path, &error).usage_code()
                    })
                })
                .transpose()?;
            let smtp = Smtp::new(SmtpConfig {
                name,
                host: host.clone(),
                port: *port,
                tls: match tls {
                    Tls::StartTls => MailTls::StartTls,
                    Tls::Implicit => MailTls::Implicit,
                    Tls::None => MailTls::NoneLoopback,
                },
                login,
                extra_roots,
                from: from.clone(),
                to: to.clone(),
                timeout: TIMEOUT,
            });
            Arc::new(smtp.map_err(wrong)?)
        }
        ChannelKind::Webhook {
            url,
            secrets,
            allow_private,
        } => {
            let secrets = secrets
                .iter()
                .map(|place| secret(place, "secret", &name))
                .collect::<Result<Vec<_>, _>>()?;
            let webhook = Webhook::new(
                WebhookConfig {
                    name,
                    url: address(url, &config.name)?,
                    secrets,
                    timeout: TIMEOUT,
                    allow_private: *allow_private,
                },
                Arc::clone(clock),
            );
            Arc::new(webhook.map_err(wrong)?)
        }
        ChannelKind::PagerDuty { routing_key, url } => {
            let routing_key = secret(routing_key, "routing key", &name)?;
            let base = address(url.as_deref().unwrap_or(PAGERDUTY), &config.name)?;
            let pager = PagerDuty::new(PagerDutyConfig {
                name,
                routing_key,
                base,
                timeout: TIMEOUT,
                allow_private: false,
            });
            Arc::new(pager.map_err(wrong)?)
        }
        ChannelKind::Console => Arc::new(Console::new(name, std::io::stderr())),
    })
}
