//! `lockout prove|whatif|preflight`.

use std::net::IpAddr;

use breakglass_conditional_access::sign_in::{ClientApp, Flow, InsiderRisk, Platform, Risk};
use clap::{
    Args, Subcommand, ValueEnum,
    builder::{PossibleValuesParser, TypedValueParser},
};

use super::{Common, PlainFormat};
use std::path::PathBuf;

/// `lockout`
#[derive(Args, Debug)]
pub struct LockoutArgs {
    /// What to do
    #[command(subcommand)]
    pub command: LockoutCommand,
}

/// The verbs of `lockout`.
#[derive(Debug, Subcommand)]
pub enum LockoutCommand {
    /// For every policy: can it ever reach the account, over all sign-ins that there could be
    Prove(Box<ProveArgs>),
    /// One sign-in: which policies apply, which don't and why, and how it ends
    Whatif(Box<WhatIfArgs>),
    /// The tenant with a change beside the tenant without: who loses access
    Preflight(Box<PreflightArgs>),
}

/// What is judged.
#[derive(Args, Clone, Debug, Default)]
pub struct PolicySetArgs {
    /// What to judge: a snapshot, a directory or file of an export, `-` for standard input, or a
    /// built-in tenant (`contoso`, `contoso-modern`)
    #[arg(long, value_name = "TENANT")]
    pub tenant: Option<String>,

    /// Judge report-only policies as if they were enabled
    #[arg(long)]
    pub enable_report_only: bool,

    /// Put witnesses, and samples of what never applies, to Microsoft's own What If, on the tenant that
    /// the configuration connects to; where it does not agree the exit code is not 0
    #[arg(long)]
    pub confirm: bool,

    #[command(flatten)]
    /// Configuration and time
    pub common: Common,
}

/// Whose access is guarded.
#[derive(Args, Clone, Debug, Default)]
pub struct GuardedArgs {
    /// An emergency access account: UPN, object id, or `@person.json`; may be repeated
    /// [default: the accounts of the register, else of the configuration]
    #[arg(long = "account", value_name = "ACCOUNT")]
    pub accounts: Vec<String>,

    /// The register: tells the accounts and the policies that are meant to reach them
    #[arg(long, value_name = "FILE")]
    pub register: Option<PathBuf>,

    /// A resource from which the tenant can be repaired, by app id or name; may be repeated
    /// [default: Microsoft Entra admin center, Microsoft Graph]
    #[arg(long = "target", value_name = "APP")]
    pub targets: Vec<String>,
}

/// Output formats of `lockout prove`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum ProveFormat {
    /// For a person at a terminal
    Text,
    /// `breakglass/lockout-proof/v1`, stable, for machines
    Json,
    /// For a pull request or a wiki
    Markdown,
}

/// Output formats of `lockout preflight`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum PreflightFormat {
    /// For a person at a terminal
    Text,
    /// `breakglass/preflight/v1`, stable, for machines
    Json,
    /// For a pull-request comment
    Markdown,
    /// For code scanning (SARIF 2.1.0)
    Sarif,
    /// For a CI server
    Junit,
}

/// `lockout prove`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass lockout prove --tenant contoso\n  \
    breakglass lockout prove --tenant ./export --account BreakGlass01@contoso.onmicrosoft.com\n  \
    breakglass lockout prove --tenant snapshot.json.gz --register register.toml --format markdown\n  \
    breakglass lockout prove --tenant policies.json --account @person.json --target 'Azure Resource Manager'\n\n\
    Exit codes: 0 every account gets in and only intended policies reach it · 1 an account is locked out, or \
    a policy that is not intended reaches it · 2 wrong call · 3 cannot tell")]
pub struct ProveArgs {
    #[command(flatten)]
    /// What is judged
    pub set: PolicySetArgs,

    #[command(flatten)]
    /// Whose access is guarded
    pub guarded: GuardedArgs,

    /// Output format
    #[arg(long, value_enum, default_value_t = ProveFormat::Text)]
    pub format: ProveFormat,
}

/// `lockout whatif`
#[derive(Args, Debug)]
#[command(
    after_help = "What is not given is not known, and a policy that asks for it may or may not apply.\n\n\
    Examples:\n  \
    breakglass lockout whatif --tenant contoso --user adele.admin@contoso.com \\\n      \
    --app 'Exchange Online' --platform android --client browser \\\n      \
    --ip 203.0.113.7 --country BR --device none\n  \
    breakglass lockout whatif --tenant contoso --sign-in witness.json\n  \
    breakglass lockout whatif --tenant policies.json --user @person.json --app 'Azure Resource Manager' --method fido2\n\n\
    Exit codes: 0 it gets in · 1 it is blocked or denied · 2 wrong call · 3 cannot tell"
)]
pub struct WhatIfArgs {
    #[command(flatten)]
    /// What is judged
    pub set: PolicySetArgs,

    /// Who signs in: UPN, object id, or `@person.json` [default: the `user` of --sign-in]
    #[arg(long, value_name = "USER")]
    pub user: Option<String>,

    /// `@person.json`: describes a person whom --sign-in names and the tenant's export does not
    #[arg(long = "account", value_name = "ACCOUNT", conflicts_with = "user")]
    pub account: Option<String>,

    /// A sign-in as JSON, such as a witness of `prove`: a file, `-`, or the JSON itself; the other
    /// options override it
    #[arg(long, value_name = "JSON")]
    pub sign_in: Option<String>,

    /// Resource that a token is asked for, by app id or name (`Exchange Online`); may be repeated
    #[arg(long = "app", value_name = "APP")]
    pub apps: Vec<String>,

    /// User action (`registersecurityinfo`, `registerdevice`)
    #[arg(long, value_name = "ACTION")]
    pub action: Option<String>,

    /// Authentication context that the resource asks for (`c1` … `c99`); may be repeated
    #[arg(long = "context", value_name = "CONTEXT", value_parser = context)]
    pub contexts: Vec<String>,

    /// Device platform
    #[arg(long, value_name = "PLATFORM", ignore_case = true, value_parser = platforms())]
    pub platform: Option<Platform>,

    /// Class of client
    #[arg(long, value_name = "CLIENT", ignore_case = true, value_parser = clients())]
    pub client: Option<ClientApp>,

    /// Public address that Entra sees
    #[arg(long, value_name = "ADDRESS")]
    pub ip: Option<IpAddr>,

    /// Country of the address by Microsoft's database (`BR`), or `none` when it knows none
    #[arg(long, value_name = "CODE", value_parser = country_or_none)]
    pub country: Option<String>,

    /// Country by the GPS of the Authenticator app, or `none`: it did not answer
    #[arg(long, value_name = "CODE", value_parser = country_or_none)]
    pub gps_country: Option<String>,

    /// Whether it comes through the tenant's Global Secure Access client
    #[arg(long, value_name = "BOOL", num_args = 0..=1, default_missing_value = "true")]
    pub compliant_network: Option<bool>,

    /// Sign-in risk
    #[arg(long, value_name = "RISK", ignore_case = true, value_parser = risks())]
    pub risk: Option<Risk>,

    /// User risk
    #[arg(long, value_name = "RISK", ignore_case = true, value_parser = risks())]
    pub user_risk: Option<Risk>,

    /// Insider risk
    #[arg(long, value_name = "RISK", ignore_case = true, value_parser = insider_risks())]
    pub insider_risk: Option<InsiderRisk>,

    /// Authentication flow
    #[arg(long, value_name = "FLOW", ignore_case = true, value_parser = flows())]
    pub flow: Option<Flow>,

    /// The device as JSON (`{"isCompliant": true, "trustType": "AzureAD"}`), or `none`: not registered
    #[arg(long, value_name = "JSON")]
    pub device: Option<String>,

    /// A method to assume instead of those that were read (`fido2`, `fido2=<AAGUID>`,
    /// `password,sms`), or `none`; may be repeated
    #[arg(long = "method", value_name = "METHOD")]
    pub methods: Vec<String>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub format: PlainFormat,
}

/// `lockout preflight`
#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    breakglass lockout preflight --tenant contoso --change new-policy.json\n  \
    breakglass lockout preflight --tenant ./export --change plan.json --register register.toml --format markdown\n  \
    breakglass lockout preflight --tenant snapshot.json.gz --delete 'CA004 Require a security key'\n\n\
    Exit codes: 0 no emergency access account loses a sign-in and an administrator keeps a way in · 1 it locks \
    out · 2 wrong call · 3 cannot tell")]
pub struct PreflightArgs {
    #[command(flatten)]
    /// What is judged
    pub set: PolicySetArgs,

    #[command(flatten)]
    /// Whose access is guarded
    pub guarded: GuardedArgs,

    /// What would change: a policy as Graph JSON, a directory of them, or the output of
    /// `terraform show -json`; `-` for standard input; may be repeated
    #[arg(long = "change", value_name = "FILE")]
    pub changes: Vec<PathBuf>,

    /// A policy that would be deleted, by id or name; may be repeated
    #[arg(long = "delete", value_name = "POLICY")]
    pub deletions: Vec<String>,

    /// Output format
    #[arg(long, value_enum, default_value_t = PreflightFormat::Text)]
    pub format: PreflightFormat,
}

macro_rules! words {
    ($name:ident, $type:ty) => {
        fn $name() -> impl TypedValueParser<Value = $type> {
            PossibleValuesParser::new(<$type>::ALL.iter().map(|value| value.word()))
                .try_map(|word| <$type>::from_word(&word).ok_or("it is not one of the words"))
        }
    };
}

words!(platforms, Platform);
words!(clients, ClientApp);
words!(risks, Risk);
words!(insider_risks, InsiderRisk);
words!(flows, Flow);

fn country_or_none(text: &str) -> Result<String, String> {
    let code = text.trim();
    if code.eq_ignore_ascii_case("none") {
        return Ok("none".to_owned());
    }
    if code.len() == 2 && code.bytes().all(|byte| byte.is_ascii_alphabetic()) {
        return Ok(code.to_ascii_uppercase());
    }
    Err("give the two letters of ISO 3166-1 (`DE`, `BR`), or `none`".to_owned())
}

fn context(text: &str) -> Result<String, String> {
    let word = text.trim().to_ascii_lowercase();
    let number = word
        .strip_prefix('c')
        .and_then(|number| number.parse::<u8>().ok());
    match number {
        Some(1..=99) => Ok(word),
        _ => Err("authentication contexts are `c1` to `c99`".to_owned()),
    }
}
