//! `collect`: the tenant, read into one snapshot file.

use std::{
    cell::RefCell,
    io::{IsTerminal, Write as _},
    path::Path,
};

use breakglass_entra::{
    Entra,
    collect::{self, CollectError, Event, Options, Progress, Summary},
};
use breakglass_model::{NotRead, export, finding::TenantRef};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{CollectArgs, PlainFormat},
    clock::{self, SystemClock},
    connect,
    failure::{Failure, exit},
    file,
    head::Head,
    input, output, runtime, settings,
    settings::Settings,
};

/// `collect --format json`, schema `breakglass/collect/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct CollectDocument {
    /// What every document begins with.
    #[serde(flatten)]
    head: Head,
    /// The file that was written.
    file: String,
    /// How many objects of each collection it holds.
    collections: Vec<Count>,
    /// What could not be read, and what to grant.
    missing: Vec<NotRead>,
    /// What is worth knowing about what was read.
    notes: Vec<String>,
    /// Whether an interrupted run was continued.
    resumed: bool,
    /// Requests that were sent, repeats included.
    requests: u64,
    /// Requests that were repeats.
    retries: u64,
    /// Seconds spent waiting for limits.
    waited_seconds: u64,
}

/// Objects of one collection.
#[derive(Debug, Serialize, JsonSchema)]
struct Count {
    /// Name of the collection in the snapshot.
    collection: String,
    /// How many objects.
    objects: u64,
}

/// `collect`
pub fn run(args: &CollectArgs) -> Result<u8, Failure> {
    file::target("--out", &args.out)?;
    file::only_over(
        "--out",
        &args.out,
        &file::Kind {
            noun: "a snapshot",
            mark: "\"schema\":\"breakglass/snapshot/",
            inputs: &[
                ("--register", args.register.as_deref()),
                ("--config", args.common.config.as_deref()),
            ],
        },
    )?;
    let settings = settings::load(args.common.config.as_deref())?;
    let (accounts, declared) = accounts(args, &settings)?;
    if accounts.is_empty() {
        output::tell!(
            "warning: no emergency access account is named, so none is read in full: name them with --account, or give \
             --register"
        );
    }
    let entra = connect::posture(&settings, &args.connect)?;
    let options = Options {
        accounts,
        declared,
        with_names: args.with_names,
        out: args.out.clone(),
        fresh: args.fresh,
    };
    let summary = runtime()?.block_on(read(&entra, &options))?;
    let spent = entra.spent();
    let text = match args.format {
        PlainFormat::Text => output::fitted(&text(args, &summary, spent)),
        PlainFormat::Json => {
            let now = clock::to_the_second(clock::clock(args.common.at).now());
            let document = CollectDocument {
                head: Head::new("collect", now, &settings).tenant(written(&summary)?),
                file: summary.out.display().to_string(),
                collections: summary
                    .collections
                    .iter()
                    .map(|(collection, objects)| Count {
                        collection: collection.clone(),
                        objects: *objects,
                    })
                    .collect(),
                missing: summary.not_read.clone(),
                notes: summary.notes.clone(),
                resumed: summary.resumed,
                requests: spent.requests,
                retries: spent.retries,
                waited_seconds: spent.waited.as_secs(),
            };
            output::json(&document)?
        }
    };
    output::print_done(
        &text,
        &format!("the snapshot `{}` is written", summary.out.display()),
    )?;
    Ok(if summary.not_read.is_empty() {
        exit::CLEAN
    } else {
        exit::CANNOT_TELL
    })
}

/// Reads a tenant into a file, and shows how far it is.
///
/// # Errors
/// As [`collect::collect`].
pub(super) async fn read(entra: &Entra, options: &Options) -> Result<Summary, Failure> {
    let shown = RefCell::new(Shown::new());
    let summary = output::patiently(
        collect::collect(entra, options, &SystemClock, &mut |progress| {
            shown.borrow_mut().show(&progress);
        }),
        || shown.borrow().standing(),
    )
    .await;
    shown.borrow_mut().end();
    summary.map_err(failed)
}

/// The tenant as a reader of the snapshot will name it.
fn written(summary: &Summary) -> Result<TenantRef, Failure> {
    Ok(TenantRef {
        id: summary.tenant.clone(),
        name: summary.name.clone(),
        collected_at: Some(summary.started.to_string()),
        digest: export::digest(&[input::one_file(&summary.out)?]),
    })
}

/// The accounts: those that were named, else the register's, else the configuration's; and whether they are declared
/// there.
fn accounts(args: &CollectArgs, settings: &Settings) -> Result<(Vec<String>, bool), Failure> {
    if args.accounts.iter().any(|name| name.trim().is_empty()) {
        return Err(Failure::usage("an --account is empty").help("give a UPN or an object id"));
    }
    if !args.accounts.is_empty() {
        return Ok((args.accounts.clone(), false));
    }
    let register = settings.register_or(args.register.as_deref(), None, None)?;
    let named: Vec<String> = register
        .iter()
        .flat_map(|register| &register.accounts)
        .filter_map(|account| {
            let id = account.id.as_ref().map(ToString::to_string);
            id.or_else(|| account.upn.as_ref().map(ToString::to_string))
        })
        .collect();
    let declared = if named.is_empty() {
        settings.accounts()
    } else {
        named
    };
    Ok((declared, true))
}

/// The failure of a collection.
fn failed(error: CollectError) -> Failure {
    let text = error.to_string();
    match error {
        CollectError::SignIn(error) => connect::failed(error),
        CollectError::Busy { .. } | CollectError::NoAccount(_) => Failure::usage(text),
        CollectError::Interrupted { .. } => Failure::broke(text),
        CollectError::Io { what, error } => {
            Failure::broke(format!("{what} failed: {}", input::plain(&error))).help(
                "free space, or name a file with --out where you may write; parts that were read are kept, and the same \
                 command goes on",
            )
        }
    }
}

/// Progress on standard error: on a terminal one line that is written over; elsewhere what is missing, and now and then
/// how far it is.
struct Shown {
    on_terminal: bool,
    open: bool,
    /// What is read at the moment.
    now: String,
}

impl Shown {
    fn new() -> Self {
        Self {
            on_terminal: std::io::stderr().is_terminal(),
            open: false,
            now: "waiting for a token".to_owned(),
        }
    }

    /// How far it is, where no line on a terminal shows it.
    fn standing(&self) -> Option<String> {
        (!self.open).then(|| self.now.clone())
    }

    fn show(&mut self, progress: &Progress) {
        if let Event::NotRead(why) = &progress.event {
            self.end();
            output::tell!("  not read: {}: {why}", progress.what);
            return;
        }
        let objects = match progress.objects {
            0 => String::new(),
            objects => format!(", {objects}"),
        };
        self.now = format!(
            "[{}/{}] {}{objects}",
            progress.step, progress.steps, progress.what
        );
        if !self.on_terminal {
            return;
        }
        // Nobody may be listening; that is no reason to stop.
        let _shown = write!(std::io::stderr(), "\r\x1b[K{}", self.now);
        self.open = true;
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.open) {
            let _cleared = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

fn text(args: &CollectArgs, summary: &Summary, spent: breakglass_entra::Spent) -> String {
    let out = summary.out.display();
    let mut text = format!(
        "{} is collected into {out}\n\n",
        summary
            .name
            .as_deref()
            .or(summary.tenant.as_deref())
            .unwrap_or("The tenant")
    );
    if let Some(why) = &summary.anew {
        text.push_str(&format!("An interrupted run was not continued: {why}\n\n"));
    } else if summary.resumed {
        text.push_str("An interrupted run was continued.\n\n");
    }
    for (collection, objects) in &summary.collections {
        text.push_str(&format!("  {objects:>8}  {collection}\n"));
    }
    text.push_str(&format!(
        "\n{} requests, {} of them repeats; {} s were spent waiting for Microsoft's limits\n",
        spent.requests,
        spent.retries,
        spent.waited.as_secs()
    ));
    for note in &summary.notes {
        text.push_str(&format!("note: {note}\n"));
    }
    if summary.not_read.is_empty() {
        text.push_str("\nEverything was read.\n");
    } else {
        text.push_str("\nNot read, so the checks that need it cannot tell:\n");
        for missing in &summary.not_read {
            text.push_str(&format!("  {}: {}\n", missing.collection, missing.reason));
            if let Some(permission) = &missing.permission {
                text.push_str(&format!("    grant {permission} (docs/permissions.md)\n"));
            }
        }
    }
    text.push_str(&format!("\nNext: {}\n", next(args)));
    text
}

/// The call that judges what was collected: of the same accounts, by the same register and configuration.
fn next(args: &CollectArgs) -> String {
    let file = |path: &Path| path.display().to_string();
    let mut call = vec!["breakglass".to_owned(), "check".to_owned()];
    let mut add =
        |option: &str, value: String| call.extend([option.to_owned(), output::shell(&value)]);
    if let Some(config) = &args.common.config {
        add("--config", file(config));
    }
    add("--tenant", file(&args.out));
    if let Some(register) = &args.register {
        add("--register", file(register));
    }
    for account in &args.accounts {
        add("--account", account.clone());
    }
    call.join(" ")
}
