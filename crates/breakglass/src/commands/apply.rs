//! `apply`: takes the steps of a plan, one by one, each proved before it is sent and read back afterwards.
//!
//! Order of a run: the plan is whole, somebody else approved it, nobody else works on it; the tenant is collected anew,
//! and stands to every step as the plan says; whoever runs it agrees. Then each step: proof on the state after it,
//! journal, write, read back, journal. Whatever stops the run leaves a state that was proved, and the same command goes
//! on.

mod approval;
mod before;
mod evidence;
pub(super) mod journal;
mod report;
mod seal;

use std::{collections::BTreeMap, io::Write as _, time::Duration};

use breakglass_conditional_access::prove::Verdict;
use breakglass_entra::{Entra, Service, apply::StepError, collect};
use breakglass_model::{
    Clock as _, ObjectId, TenantSnapshot, export,
    plan::{Approved, Effect, Known, NEW, Plan, PlanStep},
};
use breakglass_posture::plan::{Safety, simulate};
use breakglass_store::Store;
use serde_json::Value;

use self::{
    approval::Consent,
    journal::{Event, Journal},
    report::{ApplyDocument, Outcome, StepReport},
    seal::Seal,
};
use super::plan as plan_command;
use crate::{
    cli::ApplyArgs,
    clock::SystemClock,
    connect,
    failure::{Failure, exit},
    input, output, runtime,
    settings::{self, Settings},
};

pub use report::ApplyDocument as Document;

/// `apply`
pub fn run(args: &ApplyArgs) -> Result<u8, Failure> {
    let plan = plan_command::read(&args.plan)?;
    let settings = settings::load(args.common.config.as_deref())?;
    let writer = match &args.identity {
        Some(path) => settings::load(Some(path))?,
        None => {
            return Err(Failure::usage("no identity is named that may write").help(
                "name a file with `[identity.apply]` by --identity; the monitor's own identities only read (docs/plan.md)",
            ));
        }
    };
    if args.common.at.is_some() {
        return Err(Failure::usage(
            "--at: a plan is applied now, and approved by who is authorised today",
        )
        .help("leave it out"));
    }
    let consent = approval::consent(args, &plan, &settings)?;
    // The digest was computed from the steps when the plan was read.
    let approved = plan.approved(&plan.digest).ok_or_else(|| {
        Failure::usage("the plan was changed since it was made").help("make it again")
    })?;
    if let Some(yes) = &args.yes
        && plan.approved(yes).is_none()
    {
        return Err(Failure::usage(format!(
            "--yes names another plan: the digest of `{}` is {}",
            args.plan.display(),
            plan.digest
        ))
        .help("read the plan again before you agree to it"));
    }
    if plan.steps.is_empty() {
        output::print("Nothing to do: the plan has no step.")?;
        return Ok(exit::CLEAN);
    }
    let seal = match &args.seal {
        Some(folder) => {
            let register = settings.register_or(args.register.as_deref(), None, None)?;
            Some(Seal::open(folder, register.as_ref(), SystemClock.now())?)
        }
        None => None,
    };
    let journal = Journal::open(&args.plan, &plan.digest)?;
    if args.undo && journal.is_empty() {
        return Err(Failure::usage(
            "there is nothing to take back: no step of this plan was taken",
        )
        .help("the journal lies beside the plan; --undo needs both"));
    }
    let mut run = Run {
        args,
        settings: &settings,
        approved,
        entra: connect::apply(&writer)?,
        reader: match settings.identity("posture")? {
            Some(_) => Some(connect::posture(
                &settings,
                &crate::cli::ConnectArgs::default(),
            )?),
            None => None,
        },
        journal,
        known: Known::new(),
        state: TenantSnapshot::empty(),
        consent,
        seal,
        as_application: true,
        actors: Vec::new(),
        store: None,
        steps: Vec::new(),
    };
    runtime()?.block_on(async {
        let ended = run.go().await;
        if let Some(store) = run.store.take() {
            store.close().await;
        }
        ended
    })
}

/// Ends when somebody interrupts the run. Without a way to hear of it, the signal ends the program as ever.
async fn interrupted() {
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
}

struct Run<'a> {
    args: &'a ApplyArgs,
    settings: &'a Settings,
    approved: Approved<'a>,
    /// Writes.
    entra: Entra,
    /// Reads, when the configuration names who; else the writer does.
    reader: Option<Entra>,
    journal: Journal,
    known: Known,
    /// The tenant, as collected and as changed since.
    state: TenantSnapshot,
    consent: Consent,
    /// Where passwords of new accounts are kept.
    seal: Option<Seal>,
    /// Whether the writer is an application, and not a person who signed in.
    as_application: bool,
    /// Ids by which logs name the writer.
    actors: Vec<String>,
    /// Where evidence is kept, and the monitor looks.
    store: Option<Store>,
    steps: Vec<StepReport>,
}

impl Run<'_> {
    fn plan(&self) -> &Plan {
        self.approved.plan()
    }

    async fn go(&mut self) -> Result<u8, Failure> {
        let tenant = self
            .plan()
            .tenant
            .id
            .as_deref()
            .and_then(|id| breakglass_model::TenantId::parse(id).ok());
        connect::same_tenant(&self.entra, tenant.as_ref()).await?;
        let granted = self
            .entra
            .granted(Service::Graph)
            .await
            .map_err(connect::failed)?;
        self.consent.shown(&granted, self.plan(), self.args.undo)?;
        self.as_application = granted.person.is_none();
        self.actors = [&granted.object, &granted.app]
            .into_iter()
            .flatten()
            .cloned()
            .collect();
        self.recall();
        self.collect().await?;
        if self.args.undo {
            self.foretell();
            self.agree("taken back, last first")?;
        } else {
            self.stale().await?;
            self.agree("taken in this order")?;
        }
        self.announce().await?;
        let ended = tokio::select! {
            ended = self.work() => Some(ended),
            () = interrupted() => None,
        };
        ended.unwrap_or_else(|| Err(self.broken_off()))
    }

    async fn work(&mut self) -> Result<u8, Failure> {
        if self.args.undo {
            self.back().await
        } else {
            self.forward().await
        }
    }

    /// What somebody who stops a run has to know.
    fn broken_off(&self) -> Failure {
        let mut steps = self.plan().steps.iter().enumerate();
        let begun = steps.find(|(_, step)| {
            matches!(
                self.journal.of(&step.id),
                Some(Event::Begun | Event::UndoBegun)
            )
        });
        let what = match begun {
            Some((place, step)) => format!(
                "interrupted: step {} ({}) was begun; whether it was sent, the next run finds out",
                place + 1,
                output::one_line(&step.title)
            ),
            None => "interrupted between two steps".to_owned(),
        };
        Failure::broke(what)
            .help("run the same command again: it goes on where it stopped; or `apply --undo`")
    }

    /// What earlier runs made.
    fn recall(&mut self) {
        for step in &self.approved.plan().steps {
            let object = self.journal.object(&step.id);
            if !object.is_null() {
                self.known.keep(&step.id, object);
            }
        }
    }

    /// Reads the tenant as it is now.
    async fn collect(&mut self) -> Result<(), Failure> {
        output::tell!("Reading the tenant as it is now …");
        let folder = tempfile::tempdir().map_err(|error| {
            Failure::broke(format!("no place to read the tenant to: {error}"))
                .help("free space in the temporary directory, or name another with TMPDIR")
        })?;
        let options = collect::Options {
            accounts: self
                .known
                .partly(&self.plan().accounts)
                .into_iter()
                .filter(|id| !id.starts_with(NEW) && !self.is_taken_back(id))
                .collect(),
            declared: false,
            with_names: false,
            out: folder.path().join("now.json.gz"),
            fresh: true,
        };
        let reader = self.reader.as_ref().unwrap_or(&self.entra);
        let summary = super::collect::read(reader, &options).await?;
        self.state = export::read([input::one_file(&summary.out)?]);
        if let Some(missing) = self.state.unproven() {
            let permission = missing.permission.clone().unwrap_or_default();
            return Err(Failure::cannot_tell(format!(
                "nothing can be proved: {} was not read: {}",
                missing.collection, missing.reason
            ))
            .help(format!(
                "grant {permission} to the identity that reads (docs/permissions.md); nothing was changed"
            )));
        }
        Ok(())
    }

    /// Whether an object was made by a step that was taken back.
    fn is_taken_back(&self, id: &str) -> bool {
        let mut steps = self.plan().steps.iter();
        steps.any(|step| {
            let object = self.known.partly(&format!("{NEW}{}", step.id));
            object == id && self.journal.of(&step.id) == Some(Event::Undone)
        })
    }

    fn accounts(&self) -> Vec<ObjectId> {
        self.known
            .partly(&self.plan().accounts)
            .iter()
            .filter_map(|id| ObjectId::parse(id).ok())
            .collect()
    }

    /// Why a step has to be left: it is not taken from an application, or what it rests on was left.
    fn left(&self, step: &PlanStep) -> Option<String> {
        if step.by_person && self.as_application {
            return Some(format!(
                "it is taken from signed-in people only ({})",
                step.permission
            ));
        }
        let open = step
            .after
            .iter()
            .find(|id| self.journal.of(id) != Some(Event::Done))?;
        Some(format!("`{open}` has to be done before"))
    }

    async fn forward(&mut self) -> Result<u8, Failure> {
        let plan = self.approved.plan();
        let mut left = false;
        for (place, step) in plan.steps.iter().enumerate() {
            let event = self.journal.of(&step.id);
            if event == Some(Event::Done) {
                self.told(place, step, Outcome::Earlier, "");
                continue;
            }
            if let Some(why) = self.left(step) {
                left = true;
                self.told(place, step, Outcome::Person, &why);
                continue;
            }
            let mut after = self.state.clone();
            simulate(&mut after, &self.known.partly(&step.effects));
            let accounts = self.accounts();
            let dangers = Safety::of(&self.state, &accounts).worse(&Safety::of(&after, &accounts));
            if !dangers.is_empty() {
                let why: Vec<String> = dangers.iter().map(ToString::to_string).collect();
                self.told(place, step, Outcome::Refused, &why.join("; "));
                self.finish(exit::FOUND).await?;
                return Err(Failure {
                    code: exit::FOUND,
                    ..Failure::broke(format!(
                        "step {} was not taken: {}",
                        place + 1,
                        why.join("; ")
                    ))
                    .help("the steps before it are done and safe; collect and plan again, or `apply --undo`")
                });
            }
            let begun = matches!(event, Some(Event::Begun | Event::UndoBegun));
            self.journal
                .write(SystemClock.now(), &step.id, Event::Begun, &Value::Null)?;
            let keep = |password: &str| {
                let Some(seal) = &self.seal else {
                    return Ok(());
                };
                let path = seal.keep(&step.id, password, SystemClock.now())?;
                output::tell!(
                    "        its password is sealed into {} for {}",
                    path.display(),
                    seal.people()
                );
                Ok(())
            };
            match self
                .entra
                .take(
                    self.approved,
                    place,
                    false,
                    begun,
                    &mut self.known,
                    Some(&keep),
                )
                .await
            {
                Ok(taken) => {
                    self.keep(step, Event::Done, &taken.object).await?;
                    simulate(&mut self.state, &self.known.partly(&step.effects));
                    self.told(place, step, Outcome::Done, "");
                }
                Err(error) => return self.stopped(place, step, &error).await,
            }
        }
        self.look_again().await?;
        self.finish(if left { exit::FOUND } else { exit::CLEAN })
            .await
    }

    /// Proves the end on the tenant as it is now: somebody else may have changed it meanwhile. Directories answer from copies
    /// that lag, so what looks worse than it should is looked at again.
    async fn look_again(&mut self) -> Result<(), Failure> {
        let accounts = self.accounts();
        let planned = Safety::of(&self.state, &accounts);
        for wait in [0, 15, 30] {
            tokio::time::sleep(Duration::from_secs(wait)).await;
            self.collect().await?;
            if planned
                .worse(&Safety::of(&self.state, &accounts))
                .is_empty()
            {
                break;
            }
        }
        Ok(())
    }

    async fn back(&mut self) -> Result<u8, Failure> {
        let plan = self.approved.plan();
        let mut left = 0;
        for (place, step) in plan.steps.iter().enumerate().rev() {
            match self.journal.of(&step.id) {
                Some(Event::Done | Event::Begun | Event::UndoBegun) => {}
                None | Some(Event::Undone) => continue,
            }
            if step.write.undo.is_none() {
                left += 1;
                self.told(place, step, Outcome::Stays, &step.undo_text);
                continue;
            }
            // What was begun and never sent is as it was before.
            let begun = self.journal.of(&step.id) != Some(Event::Done);
            self.journal
                .write(SystemClock.now(), &step.id, Event::UndoBegun, &Value::Null)?;
            match self
                .entra
                .take(self.approved, place, true, begun, &mut self.known, None)
                .await
            {
                Ok(_) => {
                    self.keep(step, Event::Undone, &Value::Null).await?;
                    self.told(place, step, Outcome::Undone, "");
                }
                Err(error) => return self.stopped(place, step, &error).await,
            }
        }
        // What the accounts can do now is proved on the tenant as it is now.
        self.collect().await?;
        self.finish(if left == 0 { exit::CLEAN } else { exit::FOUND })
            .await
    }

    async fn stopped(
        &mut self,
        place: usize,
        step: &PlanStep,
        error: &StepError,
    ) -> Result<u8, Failure> {
        let text = error.to_string();
        self.told(place, step, Outcome::Failed, &text);
        let (code, help) = match error {
            StepError::Moved(_) => (
                exit::USAGE,
                "somebody else changes the same objects: find out who; then collect, plan and approve again",
            ),
            StepError::Call(error) if !error.is_transient() => (
                exit::BROKE,
                "mend what Microsoft says, then run the same command again: it goes on with this step; or `apply --undo`",
            ),
            _ => (
                exit::BROKE,
                "run the same command again: it goes on with this step",
            ),
        };
        self.finish(code).await?;
        Err(Failure {
            code,
            ..Failure::broke(format!("step {} ({}): {text}", place + 1, step.title)).help(help)
        })
    }

    fn told(&mut self, place: usize, step: &PlanStep, outcome: Outcome, why: &str) {
        let total = self.plan().steps.len();
        output::tell!(
            "{:>4}/{total}  {}  {}{}",
            place + 1,
            outcome.mark(),
            output::one_line(&step.title),
            if why.is_empty() {
                String::new()
            } else {
                format!(": {}", output::one_line(why))
            }
        );
        let object = match outcome {
            Outcome::Done | Outcome::Earlier => self.journal.object(&step.id)["id"]
                .as_str()
                .map(str::to_owned),
            _ => None,
        };
        self.steps.push(StepReport {
            id: step.id.clone(),
            title: step.title.clone(),
            outcome,
            because: why.to_owned(),
            object,
        });
    }

    /// Report and evidence. The code is the one to end with when nothing failed.
    async fn finish(&mut self, code: u8) -> Result<u8, Failure> {
        let steps = std::mem::take(&mut self.steps);
        let safety = Safety::of(&self.state, &self.accounts());
        let document = ApplyDocument::new(
            self.plan(),
            &self.state,
            &self.consent,
            steps,
            self.register_hints(),
            &safety,
            self.args.undo,
        );
        self.conclude(&document).await?;
        output::print_done(
            &document.shown(self.args.format)?,
            "the steps stand in the journal beside the plan, as they were taken",
        )?;
        // Progress went to standard error; both are read by one person.
        std::io::stdout().flush().ok();
        Ok(match (code, safety.worst()) {
            (exit::CLEAN, Some(Verdict::LockedOut)) => exit::FOUND,
            (exit::CLEAN, Some(Verdict::CannotTell)) => exit::CANNOT_TELL,
            (code, _) => code,
        })
    }

    /// What has to be written into the register, now that new objects have ids.
    fn register_hints(&self) -> BTreeMap<String, String> {
        let mut hints = BTreeMap::new();
        for step in &self.plan().steps {
            if self.journal.of(&step.id) != Some(Event::Done) {
                continue;
            }
            let Some(id) = self.journal.object(&step.id)["id"].as_str() else {
                continue;
            };
            for effect in &step.effects {
                let key = match effect {
                    Effect::User { id, .. } if id.starts_with(NEW) => {
                        format!("account `{}`: id", step.title.trim_start_matches("Create "))
                    }
                    Effect::Group { .. } => "every account: group".to_owned(),
                    Effect::Unit { .. } => "every account: unit".to_owned(),
                    Effect::Policy { id, .. } if id.starts_with(NEW) => {
                        "every account: intended_policies".to_owned()
                    }
                    _ => continue,
                };
                hints.entry(key).or_insert_with(|| id.to_owned());
            }
        }
        hints
    }
}
