//! `breakglass.toml`: what is written, and what is valid.
//!
//! A file is read once and everything that is wrong with it is reported at once, each with its place
//! and what to do ([`Problem`]). What is as written are the [`Section`]s of a [`Document`], which know
//! places; what is valid is [`ValidConfig`], which other code may trust.
//!
//! Invariants:
//! - no secret stands in the file: a field for a secret names a file or an environment variable, and a
//!   literal one is refused without being repeated;
//! - reading the configuration reads nothing else: files and variables are read by
//!   [`ValidConfig::resolve`], through functions that the caller hands in;
//! - the types here are plain; the wiring turns them into those of other crates.
//!
//! [`Document`]: breakglass_model::source_text::Document
//! [`Section`]: breakglass_model::source_text::Section

mod channels;
mod identities;
mod read;
mod secrets;
mod sources;
mod values;

#[cfg(test)]
mod tests;

use std::{collections::BTreeMap, path::PathBuf};

use breakglass_model::{ObjectId, Severity, TenantId, Upn, source_text::Problem};
use jiff::{civil::Date, tz::TimeZone};

pub use channels::{Channel, ChannelConfig, MailTls, PagerDuty, Smtp, Webhook};
pub use identities::{Identity, PURPOSES, Proof};
pub use secrets::{Resolved, Secret, SecretFrom, SecretSource, Setting, readable_by_others};
pub use sources::SourceConfig;

/// A configuration that is well-formed. What was not written is `None` or empty.
#[derive(Clone, Debug, Default)]
pub struct ValidConfig {
    /// The tenant.
    pub tenant_id: Option<TenantId>,
    /// The cloud that the tenant is in.
    pub cloud: Cloud,
    /// Who the program is to the tenant, by purpose ([`PURPOSES`]).
    pub identities: BTreeMap<&'static str, Identity<SecretSource>>,
    /// Where the store is: `sqlite:<path>` or `postgres://…`.
    pub store: Option<Setting<SecretSource>>,
    /// The register.
    pub register: Option<RegisterFiles>,
    /// Emergency access accounts named here, for use without a register.
    pub accounts: Vec<ConfiguredAccount>,
    /// Where log records come from.
    pub sources: Vec<SourceConfig>,
    /// Where alerts go.
    pub channels: Vec<Channel<SecretSource>>,
    /// Accepted failures.
    pub waivers: Vec<Waiver>,
    /// Severity from which `check` exits with 1.
    pub fail_on: Option<Severity>,
    /// Most standing Global Administrators that are accepted; outranks the register.
    pub max_global_administrators: Option<usize>,
    /// What is known about keys beyond the built-in tables.
    pub keys: KeyFiles,
    /// Time zone of the times in messages; `None`: the system's.
    pub time_zone: Option<TimeZone>,
    /// What is doubtful, but not wrong.
    pub warnings: Vec<Problem>,
}

/// Files with what is known about keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeyFiles {
    /// More products: CSV.
    pub aaguids: Vec<PathBuf>,
    /// More advisories: CSV.
    pub advisories: Vec<PathBuf>,
}

/// A Microsoft cloud.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Cloud {
    /// The worldwide one.
    #[default]
    Public,
    /// US Government.
    UsGov,
    /// US Department of Defense.
    UsGovDod,
    /// China, operated by 21Vianet.
    China,
    /// Another one, by its addresses.
    Custom {
        /// Tokens.
        login: String,
        /// Microsoft Graph.
        graph: String,
        /// Azure Resource Manager.
        arm: String,
        /// Log Analytics.
        logs: String,
        /// Certificates to trust beside the system's, in PEM.
        ca_file: Option<PathBuf>,
    },
}

/// The files of the register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegisterFiles {
    /// Accounts, keys and people.
    pub file: PathBuf,
    /// Places and envelopes, when they lie in a file of their own.
    pub sealed_file: Option<PathBuf>,
}

/// An account named in the configuration; it has at least one of the two.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfiguredAccount {
    /// Object id.
    pub id: Option<ObjectId>,
    /// User principal name.
    pub upn: Option<Upn>,
}

/// Somebody's acceptance of one failure, until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Code or name of the check.
    pub check: String,
    /// Subject of the finding.
    pub subject: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day on which it holds.
    pub until: Date,
    /// Person ids of who accepted it; at least one.
    pub approved_by: Vec<String>,
}

/// [`ValidConfig::example`].
const EXAMPLE: &str = include_str!("example.toml");

impl ValidConfig {
    /// A commented example with everything that can be configured; it is valid.
    pub const fn example() -> &'static str {
        EXAMPLE
    }

    /// Reads a configuration. Paths in it are relative to the directory of `file_name`.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the file.
    pub fn from_toml(file_name: &str, text: &str) -> Result<Self, Vec<Problem>> {
        read::config(file_name, text)
    }
}
