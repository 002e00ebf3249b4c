//! `plan` and `apply`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::{Common, StoreArgs};

/// Output formats of `plan`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// For a person at a terminal
    Text,
    /// `breakglass/plan/v1`, stable: what `apply` takes
    Json,
    /// One page to read, print and sign
    Html,
    /// Azure's part for people who keep Bicep; says what Bicep can't express
    Bicep,
    /// For people who keep Terraform (azuread, azurerm, msgraph, azapi); says what it can't express
    Terraform,
    /// A shell script of Microsoft Graph and Azure calls for the Azure CLI, to be read and run by hand
    GraphScript,
}

/// `plan`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass plan --tenant contoso\n  \
    breakglass plan --tenant snapshot.json.gz --register register.toml --out plan.json \\\n      \
    --keeper chloe@contoso.com --approver adele@contoso.com --approver bert@contoso.com \\\n      \
    --alert-mail soc@other.example --alert-sms '+41 445550142'\n\n\
    Exit codes: 0 nothing to do · 1 there is something to do · 2 wrong call · 3 cannot tell: what every step rests on \
    was not read")]
pub struct PlanArgs {
    /// What to plan for: a snapshot, a directory or file of an export, `-` for standard input, or a built-in tenant
    /// (`contoso`, `contoso-modern`)
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,

    /// An emergency access account: UPN or object id; may be repeated [default: the register's, else the configuration's]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register: accounts, group, unit, intended policies
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// A user who may look after the accounts after activating the keeper role; may be repeated
    #[arg(long = "keeper", value_name = "USER")]
    pub keepers: Vec<String>,

    /// A user who approves that activation; name two
    #[arg(long = "approver", value_name = "USER")]
    pub approvers: Vec<String>,

    /// A standing Global Administrator who shall be eligible instead; may be repeated
    #[arg(long = "make-eligible", value_name = "USER")]
    pub make_eligible: Vec<String>,

    /// Somebody who shall leave the accounts' group; may be repeated
    #[arg(long = "remove-from-group", value_name = "USER")]
    pub leave_group: Vec<String>,

    /// A mailbox that alerts go to, best outside the tenant; may be repeated
    #[arg(long = "alert-mail", value_name = "ADDRESS")]
    pub alert_mail: Vec<String>,

    /// A telephone that alerts go to: `+41 445550142`, country code and number; may be repeated
    #[arg(long = "alert-sms", value_name = "NUMBER")]
    pub alert_sms: Vec<String>,

    /// Resource id of an event hub that the logs go to beside the workspace, to be read from outside of the tenant
    #[arg(long = "event-hub", value_name = "ID")]
    pub event_hub: Option<String>,

    /// The authorization rule of the event hub's namespace that the logs are sent by: it may manage, send and listen
    #[arg(
        long = "event-hub-rule",
        value_name = "NAME",
        default_value = "RootManageSharedAccessKey",
        requires = "event_hub"
    )]
    pub event_hub_rule: String,

    /// Write the plan to this file as JSON, for `apply`
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlanFormat::Text)]
    pub format: PlanFormat,

    #[command(flatten)]
    /// History
    pub store: StoreArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// `apply`
#[derive(Args, Debug)]
#[command(
    after_help = "The plan is approved by a second person: they read it, and sign its digest with the SSH key that the \
    register names for them:\n  \
    printf %s <digest> | ssh-keygen -Y sign -n breakglass-plan -f ~/.ssh/id_ed25519 > plan.sig\n\n\
    Examples:\n  \
    breakglass apply plan.json --identity apply.toml --register register.toml --by anna --approval plan.sig\n  \
    breakglass apply plan.json --identity apply.toml --alone --yes <digest>\n  \
    breakglass apply plan.json --identity apply.toml --alone --undo\n\n\
    Exit codes: 0 every step is done, and every account gets in · 1 a step would harm an account and was not taken, was \
    left for a person, or an account is locked out at the end · 2 wrong call, not approved, or the tenant has changed since \
    the plan was made; nothing was done · 3 cannot tell: what a proof rests on was not read · 4 it broke on the way: the \
    same command goes on"
)]
pub struct ApplyArgs {
    /// The plan, as `plan --out` wrote it
    #[arg(value_name = "PLAN")]
    pub plan: PathBuf,

    /// Configuration with `[identity.apply]`, which no other command reads: keep it apart from the monitor
    #[arg(long, value_name = "FILE")]
    pub identity: Option<PathBuf>,

    /// Take the steps without asking: the digest of the plan
    #[arg(long, value_name = "DIGEST")]
    pub yes: Option<String>,

    /// Take back what this plan did, last step first
    #[arg(long)]
    pub undo: bool,

    /// Signature of a second person over the digest (`ssh-keygen -Y sign -n breakglass-plan`); may be repeated: where an
    /// application writes, whoever applies it signs, too
    #[arg(long = "approval", value_name = "FILE", conflicts_with = "alone")]
    pub approvals: Vec<PathBuf>,

    /// Who applies it: a person of the register; somebody else must have approved
    #[arg(long, value_name = "PERSON", conflicts_with = "alone")]
    pub by: Option<String>,

    /// There is no second person: every report says so
    #[arg(long)]
    pub alone: bool,

    /// The register, whose people approve
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// Seal the password of each account that is made into this directory, for the people of the register who have a
    /// `recipient` (age); without it nobody ever sees one
    #[arg(long, value_name = "DIRECTORY", conflicts_with = "undo")]
    pub seal: Option<PathBuf>,

    /// Output format
    #[arg(long, value_enum, default_value_t = super::PlainFormat::Text)]
    pub format: super::PlainFormat,

    #[command(flatten)]
    /// Where the evidence is kept
    pub store: StoreArgs,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}
