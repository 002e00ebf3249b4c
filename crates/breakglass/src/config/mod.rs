//! `breakglass.toml`: as written, with places, and as valid.
//!
//! Every problem is reported at once. Secrets never stand in the file: each has a `_file` and an `_env`
//! form, and a literal one is refused without being repeated.

mod parse;
mod secret;

use std::path::PathBuf;

use jiff::civil::Date;

use breakglass_model::{ObjectId, Severity, TenantId, Upn};

pub use parse::parse;
pub use secret::{Secret, SecretPlace};

/// A commented example; `./test` checks that it is valid.
pub const EXAMPLE: &str = include_str!("example.toml");

/// A valid configuration.
#[derive(Debug, Default)]
pub struct Config {
    /// The tenant that is watched, for records that name none.
    pub tenant_id: Option<TenantId>,
    /// Database URL.
    pub store: Option<StorePlace>,
    /// Register file.
    pub register: Option<PathBuf>,
    /// The sealed part of the register.
    pub sealed: Option<PathBuf>,
    /// Accounts: object id, name, or both.
    pub accounts: Vec<(Option<ObjectId>, Option<Upn>)>,
    /// Log sources.
    pub sources: Vec<SourceConfig>,
    /// Alert channels.
    pub channels: Vec<ChannelConfig>,
    /// Accepted failures.
    pub waivers: Vec<WaiverConfig>,
    /// Lowest severity that counts.
    pub fail_on: Option<Severity>,
    /// IANA time zone of messages.
    pub time_zone: Option<String>,
    /// Things to say that do not stop the program.
    pub warnings: Vec<String>,
}

/// Where the database URL comes from: it may hold a password.
#[derive(Debug)]
pub enum StorePlace {
    /// Written in the file, without a password.
    Url(String),
    /// From a file or the environment.
    Secret(SecretPlace),
}

/// A log source.
#[derive(Debug, PartialEq, Eq)]
pub enum SourceConfig {
    /// A file, followed as it grows or not.
    File {
        /// The path.
        path: PathBuf,
        /// Whether to follow it.
        follow: bool,
    },
    /// Standard input.
    Stdin,
}

/// An alert channel.
#[derive(Debug)]
pub struct ChannelConfig {
    /// Its name, unique.
    pub name: String,
    /// Where it goes.
    pub kind: ChannelKind,
}

/// How the connection to a mail server is protected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tls {
    /// STARTTLS, required.
    StartTls,
    /// TLS from the first byte.
    Implicit,
    /// None, to loopback only.
    None,
}

/// The kinds of channel.
#[derive(Debug)]
pub enum ChannelKind {
    /// Mail.
    Smtp {
        /// Recipients.
        to: Vec<String>,
        /// Sender.
        from: String,
        /// Host name or address.
        host: String,
        /// Port.
        port: u16,
        /// Protection.
        tls: Tls,
        /// User name and password.
        login: Option<(String, SecretPlace)>,
        /// Root certificates (PEM) beside those of the system.
        ca_file: Option<PathBuf>,
    },
    /// A signed webhook.
    Webhook {
        /// Target.
        url: String,
        /// Signing secrets, the newest first.
        secrets: Vec<SecretPlace>,
        /// Whether the target may have a private address.
        allow_private: bool,
    },
    /// PagerDuty Events v2.
    PagerDuty {
        /// Integration key.
        routing_key: SecretPlace,
        /// Another address than PagerDuty's.
        url: Option<String>,
    },
    /// Standard error of this program.
    Console,
}

/// An accepted failure.
#[derive(Debug)]
pub struct WaiverConfig {
    /// Check id.
    pub check: String,
    /// Subject of the finding.
    pub subject: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day.
    pub until: Date,
    /// Person ids.
    pub approved_by: Vec<String>,
}

#[cfg(test)]
mod tests;
