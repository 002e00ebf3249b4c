//! `lockout preflight`: the tenant with a change beside the tenant without.

mod changes;
mod junit;
mod markdown;
mod sarif;
mod text;

use breakglass_conditional_access::{Enforce, Engine};
use breakglass_model::ObjectId;

use super::{
    document::{
        self,
        preflight::{Comparison, PreflightDocument, Verdict},
    },
    domain::{
        preflight::{self, Input},
        tenant::{People, Tenant},
    },
    prove::options,
    scene::{self, Scene},
};
use crate::{
    cli::{PreflightArgs, PreflightFormat},
    failure::{Failure, exit},
    output,
};

/// `lockout preflight`
pub fn run(args: &PreflightArgs) -> Result<u8, Failure> {
    if args.changes.is_empty() && args.deletions.is_empty() {
        return Err(Failure::usage("no change was given").help(
            "name what would change: --change <policy.json, directory or Terraform plan>, or --delete <policy>",
        ));
    }
    let read = changes::read(&args.changes, args.set.tenant.as_deref() == Some("-"))?;
    let mut scene = Scene::load(&args.set, args.guarded.register.as_deref())?;
    let accounts = scene.accounts(&args.guarded)?;
    let before = Tenant::read(&scene.snapshot);
    let options = options(&args.guarded, &before)?;
    let deletions = changes::deletions(&args.deletions, &before.policies)?;
    let (after, lines) = before
        .changed(&read.all(), &deletions)
        .map_err(|why| Failure::usage(format!("the change can't be applied: {why}")))?;
    let people = People::new(&scene.snapshot, &[&before, &after]);
    let (ids, unknown) = askable(&accounts);
    let compare = |enforce: Enforce| {
        let report = preflight::run(
            &Input {
                before: &before,
                after: &after,
                people: &people,
                accounts: &ids,
                options: &options,
            },
            enforce,
        );
        let engine = Engine::new(&after.policies, &after.environment, enforce);
        complete(
            Comparison::new(report, &engine),
            &accounts,
            &unknown,
            &scene,
        )
    };
    let document = PreflightDocument {
        head: scene.head("preflight", &after.assumptions),
        enforced: scene.enforce.into(),
        changes: lines,
        comparison: compare(scene.enforce),
        if_report_only_enabled: compare(Enforce::ReportOnlyToo),
        set_aside: scene.snapshot.set_aside.clone(),
    };
    let about = scene::counts(&after.policies, scene.enforce);
    let text = match args.format {
        PreflightFormat::Json => document::json(&document)?,
        PreflightFormat::Text => text::text(&document, &about, output::style(false)),
        PreflightFormat::Markdown => markdown::markdown(&document, &about),
        PreflightFormat::Sarif => sarif::sarif(&document, &read)?,
        PreflightFormat::Junit => junit::junit(&document)?,
    };
    output::print(&text)?;
    Ok(match document.comparison.verdict {
        Verdict::LocksOut => exit::FOUND,
        Verdict::CannotTell => exit::CANNOT_TELL,
        Verdict::Safe | Verdict::Narrows => exit::CLEAN,
    })
}

/// The accounts that can be asked about, and why the others can't.
fn askable(accounts: &[scene::Account]) -> (Vec<ObjectId>, Vec<String>) {
    let mut ids = Vec::new();
    let mut unknown = Vec::new();
    for account in accounts {
        match (&account.id, &account.unknown) {
            (Some(id), None) => ids.push(id.clone()),
            (_, why) => unknown.push(format!(
                "{}: {}",
                account.name,
                why.as_deref().unwrap_or("its object id is not known")
            )),
        }
    }
    (ids, unknown)
}

/// An emergency access account that nobody declared, or that can't be asked about, can't be called safe.
fn complete(
    mut comparison: Comparison,
    accounts: &[scene::Account],
    unknown: &[String],
    scene: &Scene,
) -> Comparison {
    let mut missing = unknown.to_vec();
    if accounts.is_empty() {
        missing.push(format!(
            "no emergency access account is declared; {}",
            scene.how_to_declare()
        ));
    }
    if !missing.is_empty() {
        if comparison.verdict != Verdict::LocksOut {
            comparison.verdict = Verdict::CannotTell;
            comparison.because.push(
                "nothing can be said of an emergency access account that is not found".to_owned(),
            );
        }
        comparison.missing.extend(missing);
    }
    comparison
}

/// The verdict in words for people: symbol, word, sentence.
fn verdict(verdict: Verdict) -> (&'static str, &'static str, &'static str) {
    match verdict {
        Verdict::Safe => ("✔", "SAFE", "nobody loses a sign-in"),
        Verdict::Narrows => (
            "!",
            "NARROWS",
            "the emergency access accounts keep every sign-in and an administrator keeps a way in; others lose sign-ins",
        ),
        Verdict::LocksOut => (
            "✘",
            "LOCKS OUT",
            "an emergency access account loses a sign-in, or no administrator keeps a way in",
        ),
        Verdict::CannotTell => (
            "?",
            "CANNOT TELL",
            "the data does not say whether the change locks out",
        ),
    }
}
