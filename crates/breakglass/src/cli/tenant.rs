//! The commands that connect to a tenant, and those that serve its twin.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

use super::{Common, PlainFormat};

/// How a person signs in for a first look, without an app registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Login {
    /// The browser of this machine
    Browser,
    /// A code that is typed on another device
    DeviceCode,
    /// The login of the Azure CLI (`az login`)
    AzureCli,
}

/// A cloud, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum CloudName {
    /// Worldwide
    Public,
    /// US Government (GCC High)
    Usgov,
    /// US Department of Defense
    UsgovDod,
    /// China, operated by 21Vianet
    China,
}

/// Which tenant, and who asks.
#[derive(Args, Clone, Debug, Default)]
pub struct ConnectArgs {
    /// Sign in as a person instead of with the identity of the configuration; no app registration is needed
    #[arg(long, value_enum, value_name = "HOW")]
    pub login: Option<Login>,

    /// The tenant to sign in to, by id or domain [default: the configuration's, else the person's own]
    #[arg(long, value_name = "ID")]
    pub tenant_id: Option<String>,

    /// The cloud that the tenant is in [default: the configuration's, else public]
    #[arg(long, value_enum, value_name = "CLOUD")]
    pub cloud: Option<CloudName>,
}

/// `collect`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass collect --login browser --account BreakGlass01@contoso.onmicrosoft.com\n  \
    breakglass collect --config breakglass.toml --out snapshot.json.gz\n  \
    breakglass check --tenant snapshot.json.gz --account BreakGlass01@contoso.onmicrosoft.com\n\n\
    Nothing is written to the tenant. Of ordinary users the snapshot keeps: object id, whether the account is enabled, \
    user type, creation type, state of an invitation, domain of the user principal name; of guests the home domain, and \
    kinds and issuers of their identities; membership of groups that a policy, a role or the methods policy names, and \
    active roles; of the registration report classes of registered methods, whether they are registered for MFA and \
    capable of MFA and of passwordless sign-in, and the time of the report; the id where an object names them as author, \
    approver or manager. No names unless --with-names. \
    An interrupted run goes on where it stopped.\n\n\
    Exit codes: 0 everything was read · 2 wrong call · 3 written, but something could not be read · 4 it broke on \
    the way; a re-run goes on")]
pub struct CollectArgs {
    /// The file to write; plain JSON unless the name ends in `.gz`
    #[arg(long, value_name = "FILE", default_value = "snapshot.json.gz")]
    pub out: PathBuf,

    /// An emergency access account, by UPN or object id: it is read in full; may be repeated
    /// [default: the accounts of the register, else of the configuration]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register: tells the accounts
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// Keep names of ordinary users too
    #[arg(long)]
    pub with_names: bool,

    /// Begin anew, also where an interrupted run could be continued
    #[arg(long)]
    pub fresh: bool,

    /// How the summary is written
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// Which tenant, and who asks
    pub connect: ConnectArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `init`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass init\n  \
    breakglass init --from snapshot.json.gz --out breakglass.toml\n\n\
    An existing file is never overwritten.")]
pub struct InitArgs {
    /// Fill in what a snapshot or export tells: tenant, likely emergency access accounts
    #[arg(long, value_name = "TENANT")]
    pub from: Option<String>,

    /// The file to write; `-` for standard output
    #[arg(long, value_name = "FILE", default_value = "breakglass.toml")]
    pub out: PathBuf,

    /// Ask nothing; take what the snapshot tells and the defaults
    #[arg(long, short)]
    pub yes: bool,
}

/// `doctor`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass doctor\n  \
    breakglass doctor --config breakglass.toml --format json\n  \
    breakglass doctor --identity apply.toml\n  \
    breakglass doctor --offline\n\n\
    Exit codes: 0 all is well · 1 something is wrong · 2 wrong call · 3 cannot tell")]
pub struct DoctorArgs {
    /// Ask only what this machine knows: no tenant, no names
    #[arg(long)]
    pub offline: bool,

    /// Look at the permissions of `[identity.apply]` in this file too [default: those of the configuration only]
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// How it is written
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,

    #[command(flatten)]
    /// Which tenant, and who asks
    pub connect: ConnectArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `lab`
#[derive(Args, Debug)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    breakglass lab --tenant contoso --data-dir lab\n  \
    breakglass collect --config lab/breakglass.toml --out snapshot.json.gz\n  \
    breakglass lab fault throttle-storm on --data-dir lab\n  \
    breakglass lab faults --data-dir lab\n\n\
    It runs until it is interrupted. It listens on this machine only, and everything in it is made up."
)]
pub struct LabArgs {
    /// What to do with a twin that runs
    #[command(subcommand)]
    pub command: Option<LabCommand>,

    /// The tenant that is served: `contoso`, `contoso-modern`, or a snapshot
    #[arg(long, value_name = "TENANT", default_value = "contoso")]
    pub tenant: String,

    /// Where the twin writes its certificate, and a configuration that connects to it
    #[arg(long, value_name = "DIR", default_value = "breakglass-lab")]
    pub data_dir: PathBuf,

    /// First of five ports, one for each service [default: ports that are free]
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,

    /// Append every sign-in and audit record to this file, as an Event Hub export has it
    #[arg(long, value_name = "FILE")]
    pub export: Option<PathBuf>,

    /// Faults to start with (`breakglass lab faults` lists them); `name=off` for one that is on by default
    #[arg(long = "fault", value_name = "FAULT", value_delimiter = ',')]
    pub faults: Vec<String>,
}

/// What can be done with a twin that runs.
#[derive(Debug, Subcommand)]
pub enum LabCommand {
    /// Switch a fault of the running twin
    Fault(LabFaultArgs),
    /// List the faults, and which are on
    Faults(LabFaultsArgs),
}

/// On or off.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Switch {
    /// It happens
    On,
    /// It does not
    Off,
}

/// `lab fault`
#[derive(Args, Debug)]
pub struct LabFaultArgs {
    /// Name of the fault
    pub name: String,
    /// On or off
    #[arg(value_enum)]
    pub switch: Switch,
    /// The directory of the running twin
    #[arg(long, value_name = "DIR", default_value = "breakglass-lab")]
    pub data_dir: PathBuf,
}

/// `lab faults`
#[derive(Args, Debug)]
pub struct LabFaultsArgs {
    /// The directory of the running twin; without one that runs, the defaults are shown
    #[arg(long, value_name = "DIR", default_value = "breakglass-lab")]
    pub data_dir: PathBuf,
}
