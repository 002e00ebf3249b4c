//! What is looked at and asked before the first step is taken.

use std::io::{BufRead as _, IsTerminal as _};

use breakglass_entra::apply::{Standing, depends_on_earlier};
use breakglass_model::TenantSnapshot;
use breakglass_posture::plan::{Safety, grounds, moved, undone};
use serde_json::Value;

use super::{Run, journal::Event, plan_command};
use crate::{connect, failure::Failure, output};

impl Run<'_> {
    /// The tenant as it would be without the steps that earlier runs took.
    pub(super) fn without(&self, taken: impl Fn(Event) -> bool) -> TenantSnapshot {
        let mut state = self.state.clone();
        for step in self.plan().steps.iter().rev() {
            if self.journal.of(&step.id).is_some_and(&taken) {
                let (write, effects) = (
                    self.known.partly(&step.write),
                    self.known.partly(&step.effects),
                );
                undone(&mut state, &write, &effects);
            }
        }
        state
    }

    /// Says what taking the plan back will do to the accounts: nobody should learn it from the report.
    pub(super) fn foretell(&self) {
        let after = self.without(|event| event == Event::Done);
        let accounts = self.accounts();
        let before = Safety::of(&self.state, &accounts);
        let after = Safety::of(&after, &accounts);
        if before.worse(&after).is_empty() {
            return;
        }
        output::tell!("warning: the accounts will be worse off when this plan is taken back:");
        for line in after.lines() {
            output::tell!("  {line}");
        }
    }

    /// That the tenant stands to every step as the plan says: what is done is still so, the rest is as it was, and so is
    /// what Conditional Access does to the accounts, on which every proof stands.
    pub(super) async fn stale(&self) -> Result<(), Failure> {
        // A step that was begun may have been sent or not: taken back in thought, it is as before either way.
        let before = self.without(|event| event != Event::Undone);
        let mut moved: Vec<String> =
            moved(&self.plan().grounds, &grounds(&before, &self.accounts()))
                .iter()
                .map(|line| format!("  {}", output::one_line(line)))
                .collect();
        for step in &self.plan().steps {
            let event = self.journal.of(&step.id);
            let write = self.known.partly(&step.write);
            if depends_on_earlier(&write) {
                continue;
            }
            let standing = match self.entra.standing(&write).await {
                Ok(standing) => standing,
                // A person who takes what is left for people need not see what the application did.
                Err(error) if error.is_forbidden() && event == Some(Event::Done) => {
                    output::tell!(
                        "  not looked at again: {}: this identity may not read it",
                        output::one_line(&step.title)
                    );
                    continue;
                }
                Err(error) => return Err(connect::failed(error)),
            };
            let fits = match (&standing, event) {
                (Standing::After(_), Some(Event::Done | Event::Begun | Event::UndoBegun))
                | (
                    Standing::Before,
                    None | Some(Event::Begun | Event::UndoBegun | Event::Undone),
                ) => true,
                // An update that somebody else has made is no harm, but it is not the plan's work either.
                _ => false,
            };
            if !fits {
                let now = match &standing {
                    Standing::After(_) => "is so already",
                    Standing::Before => "was taken back by somebody",
                    Standing::Moved(Value::Null) => "its object is gone",
                    Standing::Moved(_) => "its object is another one now",
                };
                moved.push(format!("  {}: {now}", step.title));
            }
        }
        if moved.is_empty() {
            return Ok(());
        }
        Err(Failure::usage(format!(
            "the tenant has changed since the plan was made:\n{}\nnothing was done",
            moved.join("\n")
        ))
        .help("collect again, plan again, and have the new plan approved"))
    }

    /// Asks whoever runs it.
    pub(super) fn agree(&self, how: &str) -> Result<(), Failure> {
        if self.args.yes.is_some() {
            return Ok(());
        }
        let plan = self.plan();
        let prefix: String = plan.digest.chars().take(8).collect();
        if !std::io::stdin().is_terminal() {
            return Err(
                Failure::usage("nobody is at the terminal to agree").help(format!(
                    "read the plan, then name it: --yes {}",
                    plan.digest
                )),
            );
        }
        output::tell!(
            "{} on {}, {how}:",
            plan_command::text::count(plan.steps.len(), "step"),
            plan.tenant.name.as_deref().unwrap_or("the tenant")
        );
        for (place, step) in plan.steps.iter().enumerate() {
            output::tell!("{:>4}  {}", place + 1, output::one_line(&step.title));
        }
        output::tell!("\nType the first eight characters of the plan's digest to go on:");
        let mut answer = String::new();
        std::io::stdin()
            .lock()
            .read_line(&mut answer)
            .map_err(|error| Failure::broke(format!("the answer could not be read: {error}")))?;
        if answer.trim().eq_ignore_ascii_case(&prefix) {
            Ok(())
        } else {
            Err(
                Failure::usage("that is not the digest of this plan; nothing was done")
                    .help("the digest stands at the top of the plan"),
            )
        }
    }
}
