//! `key list|identify`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, PlainFormat};

/// `key`
#[derive(Args, Debug)]
pub struct KeyArgs {
    /// What to do
    #[command(subcommand)]
    pub command: KeyCommand,
}

/// The verbs of `key`.
#[derive(Debug, Subcommand)]
pub enum KeyCommand {
    /// The keys of the accounts: what the register says beside what the tenant has registered
    List(KeyListArgs),
    /// The maker and product line that an AAGUID stands for
    Identify(KeyIdentifyArgs),
}

/// `key list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass key list --tenant contoso\n  \
    breakglass key list --tenant snapshot.json.gz --register register.toml --format json\n\n\
    Exit codes: 0 register and tenant agree · 1 they differ · 2 wrong call · 3 cannot tell: methods were not read")]
pub struct KeyListArgs {
    /// A snapshot, a directory or file of an export, `-` for standard input, or a built-in tenant (`contoso`,
    /// `contoso-modern`)
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,

    /// An emergency access account: UPN or object id; may be repeated [default: the register's, else the configuration's]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register: labels, serial numbers, places
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `key identify`
#[derive(Args, Debug)]
#[command(after_help = "Exit codes: 0 it is known · 2 it is no AAGUID · 3 it is not in the table")]
pub struct KeyIdentifyArgs {
    /// The AAGUID, as a key or Microsoft shows it
    #[arg(value_name = "AAGUID")]
    pub aaguid: String,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,
}
