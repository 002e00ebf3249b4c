//! The command line: one type per command, with the help that `--help` shows.

mod key;
mod lockout;
mod plan;
mod tenant;

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use jiff::Timestamp;

pub use key::{KeyArgs, KeyCommand, KeyIdentifyArgs, KeyListArgs};
pub use lockout::{
    GuardedArgs, LockoutArgs, LockoutCommand, PolicySetArgs, PreflightArgs, PreflightFormat,
    ProveArgs, ProveFormat, WhatIfArgs,
};
pub use plan::{ApplyArgs, PlanArgs, PlanFormat};
pub use tenant::{
    CloudName, CollectArgs, ConnectArgs, DoctorArgs, InitArgs, LabArgs, LabCommand, LabFaultArgs,
    LabFaultsArgs, Login, Switch,
};

/// Keeps the emergency access accounts of a Microsoft Entra ID tenant working, watched and explained.
#[derive(Debug, Parser)]
#[command(
    name = "breakglass",
    version,
    propagate_version = true,
    max_term_width = 100,
    after_help = "Exit codes: 0 clean · 1 something was found · 2 wrong call or configuration · \
                  3 cannot tell · 4 broke on the way (a re-run is safe)\n\n\
                  New here? `breakglass demo` shows everything on a built-in example tenant."
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Play the whole story on a built-in example tenant: no set-up, no network
    Demo(DemoArgs),
    /// Write a commented configuration
    Init(InitArgs),
    /// Read a tenant into one snapshot file
    Collect(CollectArgs),
    /// Judge a tenant: the three questions, then findings
    Check(Box<CheckArgs>),
    /// Prove who gets in past Conditional Access, try one sign-in, pre-flight a change of policies
    Lockout(LockoutArgs),
    /// Say what must change to reach the modern set-up
    Plan(Box<PlanArgs>),
    /// Take the steps of a plan, one by one, each read back
    Apply(Box<ApplyArgs>),
    /// The security keys of the accounts
    Key(KeyArgs),
    /// Read sign-in and audit logs, print one JSON line per signal, alert
    Watch(WatchArgs),
    /// List, show and acknowledge incidents
    Incident(IncidentArgs),
    /// Try the alert channels
    Alert(AlertArgs),
    /// Serve the twin of Microsoft's cloud on this machine
    Lab(LabArgs),
    /// Say whether this installation can do its job
    Doctor(DoctorArgs),
    /// Print the JSON Schema of a document
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
    /// Print the manual page (roff)
    Man,
}

/// Arguments that several commands share.
#[derive(Args, Clone, Debug, Default)]
pub struct Common {
    /// Configuration file [default: breakglass.toml, when there is one here]
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,

    /// Take this moment as "now" (RFC 3339), so that results can be reproduced
    #[arg(long, value_name = "TIME", value_parser = parse_at)]
    pub at: Option<Timestamp>,
}

fn parse_at(text: &str) -> Result<Timestamp, String> {
    text.parse()
        .map_err(|_| "not an RFC 3339 time; write it like 2026-11-24T20:00:00Z".to_owned())
}

/// Where signals, alerts and incidents are kept.
#[derive(Args, Clone, Debug, Default)]
pub struct StoreArgs {
    /// Directory for the database [default: what `[store]` in the configuration says]
    #[arg(long, value_name = "DIR", conflicts_with = "store")]
    pub data_dir: Option<PathBuf>,

    /// Database URL: `sqlite:<file>` or `postgres://…`
    #[arg(
        long,
        value_name = "URL",
        env = "BREAKGLASS_STORE",
        hide_env_values = true
    )]
    pub store: Option<String>,
}

/// Output formats of `check`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// For a person at a terminal
    Text,
    /// `breakglass/check-report/v1`, stable, for machines
    Json,
    /// One printable page
    Html,
    /// For a pull request or a wiki
    Markdown,
    /// One line per finding
    Csv,
    /// For a CI server
    Junit,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
}

/// The lowest severity that makes a finding count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum FailOn {
    /// Only critical findings count
    Critical,
    /// High and worse
    High,
    /// Medium and worse
    Medium,
    /// Everything counts
    Low,
}

/// `check`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass check --tenant contoso\n  \
    breakglass check --tenant ./export --account BreakGlass01@contoso.onmicrosoft.com\n  \
    breakglass check --tenant snapshot.json.gz --register register.toml --format html > report.html\n  \
    breakglass check --explain BG001")]
pub struct CheckArgs {
    /// What to judge: a snapshot, a directory or file of an export, `-` for standard input, or a
    /// built-in tenant (`contoso`, `contoso-modern`)
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,

    /// An emergency access account: UPN, object id, or `@person.json`; may be repeated
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register of accounts, keys, places and people
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// The sealed part of the register (places, envelopes), when it is a file of its own
    #[arg(long, value_name = "FILE", requires = "register")]
    pub sealed: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub format: ReportFormat,

    /// Run only these checks (`BG001,BG004`)
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub only: Vec<String>,

    /// Leave these checks out
    #[arg(long, value_name = "ID", value_delimiter = ',')]
    pub skip: Vec<String>,

    /// The lowest severity that makes the exit code 1 or 3 [default: low]
    #[arg(long, value_enum)]
    pub fail_on: Option<FailOn>,

    /// An earlier JSON report: only what is new since then counts
    #[arg(long, value_name = "FILE")]
    pub baseline: Option<PathBuf>,

    /// Show passed checks too, with their evidence
    #[arg(long, short)]
    pub verbose: bool,

    /// List the catalogue of checks
    #[arg(long, conflicts_with_all = ["tenant", "explain"])]
    pub list: bool,

    /// Explain one check: what it does, why it matters, how to fix it
    #[arg(long, value_name = "ID", conflicts_with = "tenant")]
    pub explain: Option<String>,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,

    #[command(flatten)]
    /// Where history is read from
    pub store: StoreArgs,
}

/// `watch`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass watch --no-alert --account BreakGlass01@contoso.onmicrosoft.com --source file:signins.ndjson\n  \
    tail -F export.ndjson | breakglass watch --register register.toml --source -\n  \
    breakglass watch --config breakglass.toml --follow\n\n\
    Exit codes: 0 everything was read and every alert accepted, whether or not there were signals · \
    2 wrong call · 3 something could not be understood or read · 4 it broke, or an alert is not delivered yet\n\n\
    With a store, a signal is kept and alerted before it is printed: a run that is killed in between does not \
    print it again. The store is the record, standard output a view of it.")]
pub struct WatchArgs {
    /// What to read: `file:<path>`, a path, or `-` for standard input; may be repeated
    /// [default: the sources of the configuration]
    #[arg(long = "source", value_name = "SOURCE")]
    pub sources: Vec<String>,

    /// An emergency access account, by UPN or object id; may be repeated
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register: tells accounts, groups, units and intended policies
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// A tenant export: tells the groups that hold the accounts and the policies that name them
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,

    /// Go on reading as the files grow
    #[arg(long)]
    pub follow: bool,

    /// Only print signals: no store, no incident, no alert
    #[arg(long)]
    pub no_alert: bool,

    /// How long to go on trying to deliver alerts after the input has ended, in seconds; what is
    /// still open then stays in the store and is sent by the next run
    #[arg(long, value_name = "SECONDS", default_value_t = 60)]
    pub drain: u64,

    /// Write the counts of the run as JSON to this file
    #[arg(long, value_name = "FILE")]
    pub summary: Option<PathBuf>,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,

    #[command(flatten)]
    /// Where signals are kept
    pub store: StoreArgs,
}

/// `incident`
#[derive(Args, Debug)]
pub struct IncidentArgs {
    /// What to do
    #[command(subcommand)]
    pub command: IncidentCommand,
}

/// The nouns of `incident`.
#[derive(Debug, Subcommand)]
pub enum IncidentCommand {
    /// List incidents, the open ones first
    List(IncidentListArgs),
    /// Show one incident with its signals and the delivery of its alerts
    Show(IncidentShowArgs),
    /// Acknowledge the alerts that exist now; a later signal pages again
    Ack(IncidentAckArgs),
}

/// Text for people, JSON for machines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlainFormat {
    /// For a person
    Text,
    /// For machines
    Json,
}

/// `incident list`
#[derive(Args, Debug)]
pub struct IncidentListArgs {
    /// Only incidents that nobody has acknowledged
    #[arg(long)]
    pub open: bool,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,
    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
    #[command(flatten)]
    /// Where incidents are kept
    pub store: StoreArgs,
}

/// `incident show`
#[derive(Args, Debug)]
pub struct IncidentShowArgs {
    /// Incident id, as alerts and `incident list` show it
    pub id: String,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,
    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
    #[command(flatten)]
    /// Where incidents are kept
    pub store: StoreArgs,
}

/// `incident ack`
#[derive(Args, Debug)]
pub struct IncidentAckArgs {
    /// Incident id
    pub id: String,
    /// Who acknowledges: a person id of the register, or a name
    #[arg(long, value_name = "WHO", env = "USER")]
    pub by: String,
    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
    #[command(flatten)]
    /// Where incidents are kept
    pub store: StoreArgs,
}

/// `alert`
#[derive(Args, Debug)]
pub struct AlertArgs {
    /// What to do
    #[command(subcommand)]
    pub command: AlertCommand,
}

/// The nouns of `alert`.
#[derive(Debug, Subcommand)]
pub enum AlertCommand {
    /// Send a marked test through the channels; report delivery and time
    Test(AlertTestArgs),
}

/// `alert test`
#[derive(Args, Debug)]
pub struct AlertTestArgs {
    /// Only this channel; may be repeated [default: all]
    #[arg(long = "channel", value_name = "NAME")]
    pub channels: Vec<String>,
    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,
    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `demo`
#[derive(Args, Debug)]
pub struct DemoArgs {
    /// Keep the state here instead of a temporary directory
    #[arg(long, value_name = "DIR")]
    pub data_dir: Option<PathBuf>,
    /// Play the story without pauses; exit 0 only if every step happened
    #[arg(long)]
    pub once: bool,
    /// Play one act on the twin instead of the whole story
    #[arg(long, value_enum, value_name = "ACT")]
    pub act: Option<DemoAct>,
}

/// An act of the demo: each really happens in the twin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum DemoAct {
    /// An emergency access account is used: who is told, and how fast
    BreakGlass,
    /// A policy locks everybody out: what the proof says before it bites, and what the sign-in page says after
    LockOut,
    /// A safe with keys burns down: which accounts still get in
    LoseASafe,
}

/// `schema`
#[derive(Args, Debug)]
pub struct SchemaArgs {
    /// The document: `check-report`, `signal`, `watch-summary`, `incident`, `incident-list`, `alert-test`,
    /// `lockout-proof`, `what-if`, `preflight`, `collect`, `doctor`, `plan`, `apply`, `keys`, `key-model`
    pub name: String,
}

/// `completions`
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell
    #[arg(value_enum)]
    pub shell: clap_complete::Shell,
}
