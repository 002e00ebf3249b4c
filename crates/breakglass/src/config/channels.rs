//! `[[channel]]`: where alerts go.

mod read;

use std::path::PathBuf;

use super::{Secret, SecretSource, Setting, secrets::Loader};

pub(super) use read::read;

/// A channel. `S` is [`SecretSource`] before the secrets are loaded and [`Secret`] after.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Channel<S> {
    /// Name, unique without regard to case; `smtp-1` for the first mail channel without one.
    pub name: String,
    /// What it fails with (`provider:x`, `carrier:y`).
    pub depends_on: Vec<String>,
    /// Where it sends to, and how.
    pub config: ChannelConfig<S>,
}

/// The kinds of channels.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ChannelConfig<S> {
    /// Mail.
    Smtp(Smtp<S>),
    /// Signed HTTP posts.
    Webhook(Webhook<S>),
    /// PagerDuty.
    PagerDuty(PagerDuty<S>),
    /// Standard error of the program.
    Console,
}

/// Mail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Smtp<S> {
    /// To whom; at least one.
    pub to: Vec<String>,
    /// From whom.
    pub from: String,
    /// The mail server.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is protected.
    pub tls: MailTls,
    /// User and password.
    pub login: Option<(String, S)>,
    /// A file of certificates (PEM) of authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// How a connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MailTls {
    /// TLS after a greeting in clear; the usual way on port 587.
    StartTls,
    /// TLS from the first byte; the usual way on port 465.
    Implicit,
    /// Not at all.
    None,
}

/// Signed HTTP posts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Webhook<S> {
    /// Where to.
    pub url: Setting<S>,
    /// Signing secrets, at least one; several while they are exchanged.
    pub secrets: Vec<S>,
    /// Permits a target inside our own network, and without TLS.
    pub allow_private: bool,
    /// A file of certificates (PEM) of authorities to trust beside the system's.
    pub ca_file: Option<PathBuf>,
}

/// PagerDuty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PagerDuty<S> {
    /// Integration key of the service.
    pub routing_key: S,
    /// Base of the API, when it is not the usual one.
    pub url: Option<String>,
    /// Permits a base inside our own network, and without TLS.
    pub allow_private: bool,
}

impl Channel<SecretSource> {
    /// Where the secrets of the channel lie.
    pub(super) fn secrets(&self) -> Vec<&SecretSource> {
        match &self.config {
            ChannelConfig::Smtp(smtp) => smtp.login.iter().map(|(_, password)| password).collect(),
            ChannelConfig::Webhook(webhook) => match &webhook.url {
                Setting::Secret(url) => webhook.secrets.iter().chain([url]).collect(),
                Setting::Plain(_) => webhook.secrets.iter().collect(),
            },
            ChannelConfig::PagerDuty(pagerduty) => vec![&pagerduty.routing_key],
            ChannelConfig::Console => Vec::new(),
        }
    }

    /// The channel with its secrets; `None` when one was reported as not to be had.
    pub(super) fn resolve(&self, loader: &mut Loader<'_>) -> Option<Channel<Secret>> {
        let config = match &self.config {
            ChannelConfig::Smtp(smtp) => {
                let login = match &smtp.login {
                    Some((user, password)) => Some((user.clone(), loader.one(password)?)),
                    None => None,
                };
                ChannelConfig::Smtp(Smtp {
                    login,
                    to: smtp.to.clone(),
                    from: smtp.from.clone(),
                    host: smtp.host.clone(),
                    port: smtp.port,
                    tls: smtp.tls,
                    ca_file: smtp.ca_file.clone(),
                })
            }
            ChannelConfig::Webhook(webhook) => {
                // Both before any `?`: all problems at once.
                let url = match &webhook.url {
                    Setting::Plain(url) => Some(Setting::Plain(url.clone())),
                    Setting::Secret(source) => loader.one(source).map(Setting::Secret),
                };
                let secrets: Vec<_> = webhook
                    .secrets
                    .iter()
                    .map(|source| loader.several(source))
                    .collect();
                let secrets: Option<Vec<_>> = secrets.into_iter().collect();
                ChannelConfig::Webhook(Webhook {
                    url: url?,
                    secrets: secrets?.concat(),
                    allow_private: webhook.allow_private,
                    ca_file: webhook.ca_file.clone(),
                })
            }
            ChannelConfig::PagerDuty(pagerduty) => ChannelConfig::PagerDuty(PagerDuty {
                routing_key: loader.one(&pagerduty.routing_key)?,
                url: pagerduty.url.clone(),
                allow_private: pagerduty.allow_private,
            }),
            ChannelConfig::Console => ChannelConfig::Console,
        };
        Some(Channel {
            name: self.name.clone(),
            depends_on: self.depends_on.clone(),
            config,
        })
    }
}
