//! The commands about security keys.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Common, ConnectArgs, PlainFormat};

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
    /// Say what an AAGUID stands for, or the key that is plugged in
    Identify(KeyIdentifyArgs),
    /// Register the key that is plugged in for an account, on its behalf
    Enroll(Box<KeyEnrollArgs>),
    /// Set or change the PIN of the key that is plugged in, and its rules for PINs
    Pin(KeyPinArgs),
    /// The FIDO Metadata Service: who really made a key
    Mds(KeyMdsArgs),
}

/// What is known about keys beyond the built-in tables.
#[derive(Args, Clone, Debug, Default)]
pub struct KeyTables {
    /// More products: CSV with `aaguid`, and `vendor`, `description`, `bio`, `usb`, `nfc`, `ble` where known
    #[arg(long, value_name = "FILE")]
    pub aaguids: Vec<PathBuf>,

    /// More advisories: CSV with `id`, `vendor`, `aaguid`, `model`, `firmware_below`, `reason`, `reference`
    #[arg(long, value_name = "FILE")]
    pub advisories: Vec<PathBuf>,

    /// The FIDO metadata (`key mds import`); its signature is verified each time
    #[arg(long, value_name = "FILE")]
    pub mds: Option<PathBuf>,

    /// The root certificate under which the metadata is signed, PEM [default: FIDO's]
    #[arg(long, value_name = "FILE", requires = "mds")]
    pub mds_root: Option<PathBuf>,
}

/// Which key.
#[derive(Args, Clone, Debug, Default)]
pub struct PluggedArgs {
    /// A key in software instead of one that is plugged in, for the twin only: its file, made when it is not there
    #[arg(long, value_name = "FILE")]
    pub software_key: Option<PathBuf>,

    /// The AAGUID that a software key says when it is made
    #[arg(long, value_name = "AAGUID", requires = "software_key", default_value = SOFTWARE_AAGUID)]
    pub software_aaguid: String,
}

/// Made up; in no list.
const SOFTWARE_AAGUID: &str = "b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a";

/// Where the PIN comes from. It is never an argument and never kept.
#[derive(Args, Clone, Debug, Default)]
pub struct PinArgs {
    /// Read the PIN from the first line of this file, `-` for standard input [default: asked for at the terminal]
    #[arg(long, value_name = "FILE")]
    pub pin_file: Option<PathBuf>,
}

/// `key list`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass key list --tenant contoso-modern\n  \
    breakglass key list --tenant snapshot.json.gz --register register.toml --format json\n\n\
    Exit codes: 0 register and tenant agree · 1 they do not, or something is known against a key · 2 wrong call · \
    3 cannot tell")]
pub struct KeyListArgs {
    /// A snapshot, an export, `-`, or a built-in tenant (`contoso`, `contoso-modern`)
    #[arg(long, value_name = "TENANT")]
    pub tenant: String,

    /// An emergency access account, by UPN or object id; may be repeated [default: those of the register, else of
    /// the configuration]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// The sealed part of the register, when it is a file of its own
    #[arg(long, value_name = "FILE", requires = "register")]
    pub sealed: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// What is known about keys
    pub tables: KeyTables,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `key identify`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass key identify 2fc0579f-8113-47ea-b116-bb5a8db9202a\n  \
    breakglass key identify\n\n\
    Exit codes: 0 it is known · 1 something is known against it · 2 wrong call · 3 it is in no list")]
pub struct KeyIdentifyArgs {
    /// The AAGUID [default: the key that is plugged in is asked]
    pub aaguid: Option<String>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// Which key
    pub plugged: PluggedArgs,

    #[command(flatten)]
    /// What is known about keys
    pub tables: KeyTables,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `key enroll`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass key enroll --account BreakGlass01@contoso.onmicrosoft.com --label BG01-A --serial 12345601 \
    --envelope E-0017 --register register.toml --login browser\n\n\
    The key makes a passkey, what it attests is verified here, and only then is it registered in the tenant and \
    written into the register. Whatever fails, a re-run is safe. docs/keys.md tells the rest.\n\n\
    Exit codes: 0 registered · 1 registered, and something is known against the key · 2 wrong call, or the key or \
    the tenant refused; nothing was registered · 4 it broke on the way; what is done is said")]
pub struct KeyEnrollArgs {
    /// The account, by UPN or object id
    #[arg(long, value_name = "ACCOUNT")]
    pub account: String,

    /// The label on the key, which also names it in the tenant: 1 to 30 characters
    #[arg(long, value_name = "LABEL")]
    pub label: String,

    /// The serial number that is printed on the key
    #[arg(long, value_name = "SERIAL")]
    pub serial: String,

    /// The envelope that the key will lie in, by its id in the register
    #[arg(long, value_name = "ENVELOPE")]
    pub envelope: String,

    /// The place where it will lie, by its id in the register
    #[arg(long, value_name = "PLACE")]
    pub place: Option<String>,

    /// The register to write into [default: the configuration's]
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// Configuration with `[identity.apply]`, as for `apply` [default: the person that --login lets in]
    #[arg(long, value_name = "FILE", conflicts_with = "login")]
    pub identity: Option<PathBuf>,

    /// Register a key too that does not prove which model it is
    #[arg(long)]
    pub allow_unattested: bool,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// Which key
    pub plugged: PluggedArgs,

    #[command(flatten)]
    /// Where the PIN comes from
    pub pin: PinArgs,

    #[command(flatten)]
    /// What is known about keys
    pub tables: KeyTables,

    #[command(flatten)]
    /// Which tenant, and who asks
    pub connect: ConnectArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `key pin`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass key pin\n  \
    breakglass key pin --min-length 8\n\n\
    A wrong PIN costs a try; how many are left is shown before each.")]
pub struct KeyPinArgs {
    /// Make the key ask for PINs of at least this length, where it can; it cannot be lowered again
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(4..=63))]
    pub min_length: Option<u8>,

    /// Make the key ask for another PIN before its next use, where it can
    #[arg(long)]
    pub force_change: bool,

    #[command(flatten)]
    /// Which key
    pub plugged: PluggedArgs,

    #[command(flatten)]
    /// Where the PIN comes from
    pub pin: PinArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `key mds`
#[derive(Args, Debug)]
pub struct KeyMdsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: KeyMdsCommand,
}

/// The verbs of `key mds`.
#[derive(Debug, Subcommand)]
pub enum KeyMdsCommand {
    /// Verify a metadata file of FIDO and keep it
    Import(KeyMdsImportArgs),
}

/// `key mds import`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    curl --location --output blob.jwt https://mds3.fidoalliance.org/\n  \
    breakglass key mds import blob.jwt\n  \
    breakglass key enroll … --mds fido-mds.jwt\n\n\
    The file is kept as FIDO signed it, and verified again whenever it is used. An older list does not take the \
    place of a newer one.")]
pub struct KeyMdsImportArgs {
    /// The file, as FIDO publishes it
    pub file: PathBuf,

    /// The root certificate under which it is signed, PEM [default: FIDO's, GlobalSign Root CA - R3]
    #[arg(long, value_name = "FILE")]
    pub root: Option<PathBuf>,

    /// Where to keep it
    #[arg(long, value_name = "FILE", default_value = "fido-mds.jwt")]
    pub out: PathBuf,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}
