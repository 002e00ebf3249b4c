//! `check`: judge a tenant.

use std::path::Path;

use breakglass_model::{
    CheckReport, History, Severity, TenantSnapshot, finding::CHECK_REPORT_SCHEMA,
};
use breakglass_posture::{
    CheckInput, Settings as CheckSettings, Waiver, catalogue, check as judge, exit_code,
    report::{self, Format},
};
use jiff::Timestamp;

use crate::{
    cli::{CheckArgs, FailOn, ReportFormat},
    clock,
    failure::{Failure, exit},
    input, output, person, settings,
    settings::Settings,
};

/// Runs the command; the report goes to standard output.
pub fn run(args: &CheckArgs) -> Result<u8, Failure> {
    if args.list {
        output::print(&report::explain::list(&rules(), output::width()))?;
        return Ok(exit::CLEAN);
    }
    if let Some(id) = &args.explain {
        let rules = rules();
        let rule = rules
            .iter()
            .find(|rule| rule.id.eq_ignore_ascii_case(id))
            .ok_or_else(|| {
                Failure::usage(format!("there is no check `{id}`"))
                    .help("`breakglass check --list` lists them")
            })?;
        output::print(&report::explain::explain(rule, output::width()))?;
        return Ok(exit::CLEAN);
    }
    let now = clock::to_the_second(clock::clock(args.common.at).now());
    let settings = settings::load(args.common.config.as_deref())?;
    let report = report(args, &settings, now)?;
    let fail_on = fail_on(args, &settings);
    let text = report::render(
        &report,
        &rules(),
        match args.format {
            ReportFormat::Text => Format::Text,
            ReportFormat::Json => Format::Json,
            ReportFormat::Html => Format::Html,
            ReportFormat::Markdown => Format::Markdown,
            ReportFormat::Csv => Format::Csv,
            ReportFormat::Junit => Format::Junit,
            ReportFormat::Sarif => Format::Sarif,
        },
        output::style(args.verbose),
    )
    .map_err(|error| Failure::broke(error.to_string()))?;
    output::print(&text)?;
    let code = exit_code(&report, fail_on);
    if settings.store_given(&args.store) {
        settings.remember_run(&args.store, &report, now)?;
    }
    Ok(code)
}

/// The texts of the catalogue, as the reports need them.
pub fn rules() -> Vec<report::RuleText> {
    catalogue()
        .iter()
        .map(breakglass_posture::Check::rule_text)
        .collect()
}

fn fail_on(args: &CheckArgs, settings: &Settings) -> Severity {
    match args.fail_on {
        Some(FailOn::Critical) => Severity::Critical,
        Some(FailOn::High) => Severity::High,
        Some(FailOn::Medium) => Severity::Medium,
        Some(FailOn::Low) => Severity::Low,
        None => settings.fail_on().unwrap_or(Severity::Low),
    }
}

fn report(args: &CheckArgs, settings: &Settings, now: Timestamp) -> Result<CheckReport, Failure> {
    let Some(name) = &args.tenant else {
        return Err(Failure::usage("no tenant was given").help(
            "name an export with --tenant <directory or file>, or try a built-in one: --tenant contoso",
        ));
    };
    let mut tenant = input::tenant(name, now)?.dated(now);
    let mut register = settings.register_or(
        args.register.as_deref(),
        args.sealed.as_deref(),
        tenant.register_toml.as_deref(),
    )?;
    if let (Some(register), Some(limit)) =
        (&mut register, settings.config.max_global_administrators)
    {
        register.max_global_administrators = limit;
    }
    let accounts = accounts(&args.accounts, settings, &mut tenant.snapshot)?;
    let history = if settings.store_given(&args.store) {
        settings.history(&args.store, now)?
    } else {
        History::default()
    };
    let baseline = args.baseline.as_deref().map(baseline).transpose()?;
    let waivers: Vec<Waiver> = settings.waivers();
    let keys = settings.keys()?;
    judge(&CheckInput {
        keys: &keys,
        snapshot: &tenant.snapshot,
        register: register.as_ref(),
        history: &history,
        accounts: &accounts,
        only: &args.only,
        skip: &args.skip,
        waivers: &waivers,
        baseline: baseline.as_ref(),
        settings: CheckSettings::default(),
        version: env!("CARGO_PKG_VERSION"),
        now,
    })
    .map_err(|error| {
        Failure::usage(error.to_string()).help("`breakglass check --list` lists the checks")
    })
}

/// The accounts that were named on the command line or in the configuration, as texts to resolve.
pub fn accounts(
    named: &[String],
    settings: &Settings,
    snapshot: &mut TenantSnapshot,
) -> Result<Vec<String>, Failure> {
    let mut accounts = Vec::new();
    for name in named {
        match name.strip_prefix('@') {
            Some(file) => accounts.push(person::add(Path::new(file), snapshot)?),
            None if name.trim().is_empty() => {
                return Err(
                    Failure::usage("an --account is empty").help("give a UPN or an object id")
                );
            }
            None => accounts.push(name.clone()),
        }
    }
    if accounts.is_empty() {
        accounts = settings.accounts();
    }
    Ok(accounts)
}

fn baseline(path: &Path) -> Result<CheckReport, Failure> {
    input::document(
        "check report",
        path,
        CHECK_REPORT_SCHEMA,
        "make one with `breakglass check --format json > baseline.json`",
    )
}
