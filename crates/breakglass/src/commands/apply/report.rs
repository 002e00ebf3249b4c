//! What a run of `apply` did.

use std::{collections::BTreeMap, fmt::Write as _};

use breakglass_conditional_access::prove::Verdict;
use breakglass_model::{Clock as _, TenantSnapshot, plan::Plan};
use breakglass_posture::plan::Safety;
use schemars::JsonSchema;
use serde::Serialize;

use super::approval::Consent;
use crate::{
    cli::PlainFormat,
    clock::{self, SystemClock},
    failure::Failure,
    head::Head,
    output,
};

/// `apply --format json`, schema `breakglass/apply/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApplyDocument {
    /// What every document begins with.
    #[serde(flatten)]
    head: Head,
    /// Digest of the plan.
    plan: String,
    /// Whether it took steps back.
    undo: bool,
    /// Who agreed.
    consent: Consent,
    /// What came of each step that was looked at.
    steps: Vec<StepReport>,
    /// What has to be written into the register: place, and the id.
    register: BTreeMap<String, String>,
    /// What Conditional Access does to the accounts now, by the proof.
    accounts: Vec<String>,
    /// What whoever reads this should know.
    warnings: Vec<String>,
}

/// What came of a step.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub(super) struct StepReport {
    /// Short name of the step.
    pub id: String,
    /// What it does.
    pub title: String,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, where it was not done.
    pub because: String,
    /// Id of the object.
    pub object: Option<String>,
}

/// What came of a step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Outcome {
    /// Sent and read back.
    Done,
    /// An earlier run did it.
    Earlier,
    /// Left for a signed-in person: Microsoft does not take it from an application.
    Person,
    /// It would harm an account, and was not sent.
    Refused,
    /// It did not work.
    Failed,
    /// Taken back.
    Undone,
    /// Cannot be taken back.
    Stays,
}

impl Outcome {
    /// In a list.
    pub(super) fn mark(self) -> &'static str {
        match self {
            Self::Done => "done   ",
            Self::Earlier => "earlier",
            Self::Person => "LEFT   ",
            Self::Refused => "REFUSED",
            Self::Failed => "FAILED ",
            Self::Undone => "undone ",
            Self::Stays => "stays  ",
        }
    }
}

impl ApplyDocument {
    pub(super) fn new(
        plan: &Plan,
        state: &TenantSnapshot,
        consent: &Consent,
        steps: Vec<StepReport>,
        register: BTreeMap<String, String>,
        safety: &Safety,
        undo: bool,
    ) -> Self {
        let mut warnings = Vec::new();
        if consent.alone {
            warnings.push(
                "nobody but the person who ran it approved this plan (--alone): two people should"
                    .to_owned(),
            );
        }
        match safety.worst() {
            None | Some(Verdict::GetsIn) => {}
            Some(Verdict::LockedOut) => warnings.push(format!(
                "an account is locked out now: what keeps it out stands in `breakglass lockout prove`{}",
                if undo || plan.warnings.is_empty() {
                    ""
                } else {
                    ", and what the plan left out stands below"
                }
            )),
            Some(Verdict::CannotTell) => warnings.push(
                "of an account it cannot be told whether it gets in: `breakglass lockout prove` says what is missing"
                    .to_owned(),
            ),
        }
        warnings.extend(plan.warnings.iter().cloned());
        Self {
            head: Head::about(
                "apply",
                clock::to_the_second(SystemClock.now()),
                state,
                state.assumptions.clone(),
            ),
            plan: plan.digest.clone(),
            undo,
            consent: consent.clone(),
            steps,
            register,
            accounts: safety.lines(),
            warnings,
        }
    }

    pub(super) fn shown(&self, format: PlainFormat) -> Result<String, Failure> {
        match format {
            PlainFormat::Json => output::json(self),
            PlainFormat::Text => Ok(self.text()),
        }
    }

    fn text(&self) -> String {
        let number = |outcome: Outcome| {
            self.steps
                .iter()
                .filter(|step| step.outcome == outcome)
                .count()
        };
        let mut out = String::new();
        let words = [
            (Outcome::Done, "done"),
            (Outcome::Earlier, "done by an earlier run"),
            (Outcome::Undone, "taken back"),
            (Outcome::Stays, "cannot be taken back"),
            (Outcome::Person, "left for a person"),
            (Outcome::Refused, "refused"),
            (Outcome::Failed, "failed"),
        ];
        let counts: Vec<String> = words
            .into_iter()
            .filter(|(outcome, _)| number(*outcome) > 0)
            .map(|(outcome, word)| format!("{} {word}", number(outcome)))
            .collect();
        let _ = writeln!(out, "Steps: {}", counts.join(", "));
        let _ = writeln!(out, "Approved by: {}", self.consent.sentence());
        for warning in &self.warnings {
            let _ = writeln!(out, "warning: {}", output::wrapped(warning, 9));
        }
        for line in &self.accounts {
            let _ = writeln!(out, "  {line}");
        }
        if !self.register.is_empty() && !self.undo {
            out.push_str("\nWrite into the register:\n");
            for (place, id) in &self.register {
                let _ = writeln!(out, "  {place} = \"{id}\"");
            }
        }
        if number(Outcome::Person) > 0 {
            out.push_str(
                "\nLeft: these steps are taken from signed-in people only. Run the same command again with an identity file \
                 whose [identity.apply] says `sign_in = \"browser\"` (or `\"device-code\"`, which a policy for managed \
                 devices refuses), and sign in as a Privileged Role Administrator, for the methods policy as an \
                 Authentication Policy Administrator.\n",
            );
        }
        out.push_str("\nNext: breakglass collect, then breakglass check\n");
        out
    }
}
