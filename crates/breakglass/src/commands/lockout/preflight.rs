//! `lockout preflight`: the tenant with a change beside the tenant without.

mod changes;
mod junit;
mod markdown;
mod sarif;
mod text;

use breakglass_conditional_access::{
    Enforce, Engine, SignIn,
    preflight::{self, Input},
    tenant::{Changed, People, Tenant},
};
use breakglass_model::ObjectId;

use super::{
    confirm,
    document::{
        self,
        preflight::{Comparison, PreflightDocument, Verdict},
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
    for gone in &deletions {
        if let Some(change) = read.touching(gone) {
            return Err(Failure::usage(format!(
                "the policy `{}` is to be deleted, and {change} changes it",
                gone.name
            ))
            .help("leave out --delete, or the change"));
        }
    }
    let change = Changed::new(&scene.snapshot, &before, &read.all(), &deletions);
    let after = &change.tenant;
    let people = People::new(&scene.snapshot, &[&before, after]);
    let (ids, mut open) = askable(&accounts);
    open.extend(change.open.iter().chain(read.incomplete()).cloned());
    let groups = preflight::population(&people, &ids, &change.overlay);
    let compare = |live: Enforce| {
        let enforce = [scene.enforce, live];
        let report = preflight::run(
            &Input {
                before: (&before.policies, &before.environment),
                after: (&after.policies, &after.environment),
                people: &groups,
                options: &options,
            },
            enforce,
        );
        let engine = |tenant: &Tenant, enforce: Enforce| {
            Engine::new(&tenant.policies, &tenant.environment, enforce)
        };
        complete(
            Comparison::new(
                report,
                &engine(&before, scene.enforce),
                &engine(after, live),
            ),
            &accounts,
            &open,
            &scene,
        )
    };
    let comparison = compare(scene.enforce);
    let confirmation = args
        .set
        .confirm
        .then(|| {
            // What If knows the tenant as it is; what the change does to it is ours alone.
            let witnesses: Vec<SignIn> = comparison
                .lost
                .iter()
                .map(|loss| loss.witness.clone())
                .collect();
            let asked: Vec<_> = ids
                .iter()
                .map(|id| (people.identity(id), witnesses.clone()))
                .collect();
            confirm::confirm(&scene, &before, &asked)
        })
        .transpose()?;
    let document = PreflightDocument {
        head: scene.head(
            "preflight",
            &[after.assumptions.clone(), after.gone()].concat(),
        ),
        enforced: scene.enforce.into(),
        changes: change.lines,
        warnings: read.warnings(),
        comparison,
        confirmation,
        if_report_only_enabled: compare(Enforce::ReportOnlyToo),
        set_aside: scene.snapshot.set_aside.clone(),
    };
    let about = scene::counts(&after.policies, scene.enforce);
    let text = match args.format {
        PreflightFormat::Json => output::json(&document)?,
        PreflightFormat::Text => text::text(&document, &about, output::style(false)),
        PreflightFormat::Markdown => markdown::markdown(&document, &about),
        PreflightFormat::Sarif => sarif::sarif(&document, &read)?,
        PreflightFormat::Junit => junit::junit(&document)?,
    };
    output::print(&text)?;
    let code = match document.comparison.verdict {
        Verdict::LocksOut => exit::FOUND,
        Verdict::CannotTell => exit::CANNOT_TELL,
        Verdict::Safe | Verdict::Narrows => exit::CLEAN,
    };
    Ok(confirm::code(code, document.confirmation.as_ref()))
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
    open: &[String],
    scene: &Scene,
) -> Comparison {
    let mut missing = open.to_vec();
    if accounts.is_empty() {
        missing.push(format!(
            "no emergency access account is declared; {}",
            scene.how_to_declare()
        ));
    }
    let mut because = Vec::new();
    if !missing.is_empty() {
        because.push("an emergency access account is not found, or a change is not understood");
    }
    if let Some(why) = scene.incomplete() {
        missing.push(format!("policies were not read completely: {why}"));
        because.push("a policy that was not read may stand in the way, before as after");
    }
    for (unread, what) in [
        (&scene.snapshot.users.missing, "users"),
        (
            &scene.snapshot.active_assignments.missing,
            "role assignments",
        ),
    ] {
        if let Some(unread) = unread {
            missing.push(format!(
                "{what} were not read completely: {}",
                unread.reason
            ));
            because.push("not everybody is known who may lose sign-ins");
        }
    }
    because.dedup();
    if !missing.is_empty() && comparison.verdict != Verdict::LocksOut {
        comparison.verdict = Verdict::CannotTell;
        comparison
            .because
            .extend(because.into_iter().map(str::to_owned));
    }
    comparison.missing.extend(missing);
    comparison
}

/// The verdict in words for people: symbol, word, sentence.
fn verdict(comparison: &Comparison) -> (&'static str, &'static str, &'static str) {
    let account = comparison
        .lost
        .iter()
        .any(|loss| loss.who.kind == document::preflight::Kind::Account);
    match comparison.verdict {
        Verdict::Safe => ("✔", "SAFE", "nobody loses a sign-in"),
        Verdict::Narrows => (
            "!",
            "NARROWS",
            "the emergency access accounts keep every sign-in; others lose some",
        ),
        Verdict::LocksOut if account => (
            "✘",
            "LOCKS OUT",
            "an emergency access account loses sign-ins",
        ),
        Verdict::LocksOut => ("✘", "LOCKS OUT", "no administrator keeps a way in"),
        Verdict::CannotTell => (
            "?",
            "CANNOT TELL",
            "the data does not say whether the change locks out",
        ),
    }
}
