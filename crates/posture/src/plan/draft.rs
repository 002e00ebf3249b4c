//! A plan in the making.

use std::collections::BTreeMap;

use breakglass_model::{
    Finding, ObjectId, Register, TenantSnapshot, Verdict,
    plan::{Api, Effect, Look, PlanStep, Remaining, Send, Stage, Verb, Write},
};
use serde_json::Value;

use super::{Danger, PlanError, PlanInput, Safety, Wishes, simulate};
use crate::{CheckInput, GuardedAccount, Settings, check, monitoring::SECOND_WAY, resolve};

/// An account as the plan names it.
#[derive(Clone, Debug)]
pub(super) struct Guarded {
    /// Object id, or `new:<step>`.
    pub(super) id: ObjectId,
    /// Its name.
    pub(super) name: String,
    /// Place in the register.
    pub(super) entry: Option<usize>,
}

/// See the module.
pub(super) struct Draft<'a> {
    pub(super) input: &'a PlanInput<'a>,
    /// The tenant after the steps so far.
    pub(super) now: TenantSnapshot,
    pub(super) accounts: Vec<Guarded>,
    /// The group that policies name.
    pub(super) group: Option<String>,
    steps: Vec<PlanStep>,
    warnings: Vec<String>,
    safety: Safety,
    open: BTreeMap<(String, String), Finding>,
}

/// A step before it is judged.
pub(super) struct Proposal {
    pub(super) id: String,
    pub(super) stage: Stage,
    pub(super) title: String,
    pub(super) reason: String,
    pub(super) requirement: &'static str,
    pub(super) permission: &'static str,
    pub(super) by_person: bool,
    pub(super) after: Vec<String>,
    pub(super) risk: &'static str,
    pub(super) undo_text: String,
    pub(super) write: Write,
    pub(super) effects: Vec<Effect>,
}

impl<'a> Draft<'a> {
    pub(super) fn new(input: &'a PlanInput<'a>) -> Result<Self, PlanError> {
        let found = resolve(input.snapshot, input.register, input.accounts);
        if found.is_empty() {
            return Err(PlanError::NoAccount);
        }
        for (names, what) in [
            (&input.wishes.keepers, "keeper"),
            (&input.wishes.approvers, "approver"),
        ] {
            for id in names {
                if input.snapshot.user(id).is_none() {
                    return Err(PlanError::NoSuchPerson(id.to_string(), what));
                }
            }
        }
        let accounts = found
            .iter()
            .map(|account| guarded(account, input.register))
            .collect::<Result<Vec<_>, _>>()?;
        let ids: Vec<ObjectId> = accounts.iter().map(|account| account.id.clone()).collect();
        let mut draft = Self {
            input,
            now: input.snapshot.clone(),
            safety: Safety::of(input.snapshot, &ids),
            accounts,
            group: None,
            steps: Vec::new(),
            warnings: Vec::new(),
            open: BTreeMap::new(),
        };
        draft.open = draft.findings();
        Ok(draft)
    }

    pub(super) fn wishes(&self) -> &'a Wishes {
        self.input.wishes
    }

    pub(super) fn ids(&self) -> Vec<ObjectId> {
        self.accounts
            .iter()
            .map(|account| account.id.clone())
            .collect()
    }

    /// The accounts, looked up in the state after the steps so far.
    pub(super) fn resolved(&self) -> Vec<GuardedAccount<'_>> {
        self.accounts
            .iter()
            .map(|account| GuardedAccount {
                id: Some(account.id.clone()),
                upn: None,
                subject: account.name.clone(),
                user: self.now.user(&account.id),
                entry: self
                    .input
                    .register
                    .zip(account.entry)
                    .and_then(|(register, place)| register.accounts.get(place)),
            })
            .collect()
    }

    /// Whether a check fails in the state after the steps so far, for a subject that holds a text.
    pub(super) fn fails(&self, check: &str, subject: &str) -> bool {
        self.open.iter().any(|((own, about), finding)| {
            own == check && about.contains(subject) && finding.verdict == Verdict::Fail
        })
    }

    /// Names of the steps so far.
    pub(super) fn step_ids(&self) -> impl Iterator<Item = &str> {
        self.steps.iter().map(|step| step.id.as_str())
    }

    /// Whether there is a step of this name.
    pub(super) fn has(&self, id: &str) -> bool {
        self.step_ids().any(|own| own == id)
    }

    pub(super) fn warn(&mut self, text: impl Into<String>) {
        let text = text.into();
        if !self.warnings.contains(&text) {
            self.warnings.push(text);
        }
    }

    /// Adds a step when it harms nobody; else why it does.
    pub(super) fn propose(&mut self, proposal: Proposal) -> Result<(), Vec<Danger>> {
        let mut after = self.now.clone();
        simulate(&mut after, &proposal.effects);
        let safety = Safety::of(&after, &self.ids());
        let dangers = self.safety.worse(&safety);
        if !dangers.is_empty() {
            return Err(dangers);
        }
        let mut first = proposal.after;
        for id in self.before_the_unit(&proposal.effects) {
            if !first.contains(&id) {
                first.push(id);
            }
        }
        let unit = self.restricted(&proposal.write.send.path);
        let permission = match &unit {
            Some(unit) => format!(
                "{}, with a role at the restricted unit `{unit}`: activate the keeper role there first",
                proposal.permission
            ),
            None => proposal.permission.to_owned(),
        };
        self.now = after;
        self.safety = safety;
        let open = self.findings();
        let mut checks: Vec<String> = self
            .open
            .keys()
            .filter(|key| !open.contains_key(*key))
            .map(|(check, _)| check.clone())
            .collect();
        checks.dedup();
        self.open = open;
        self.steps.push(PlanStep {
            id: proposal.id,
            stage: proposal.stage,
            title: proposal.title,
            reason: proposal.reason,
            requirement: proposal.requirement.to_owned(),
            checks,
            permission,
            by_person: proposal.by_person || unit.is_some(),
            after: first,
            risk: proposal.risk.to_owned(),
            undo_text: proposal.undo_text,
            write: proposal.write,
            effects: proposal.effects,
        });
        Ok(())
    }

    /// The restricted unit that holds what a call changes, in the state that the step meets: only roles at the unit
    /// reach it there, and those are activated by people (Microsoft Entra, *Restricted management administrative units*).
    pub(super) fn restricted(&self, path: &str) -> Option<String> {
        let unit = self.now.units.items.iter().find(|unit| {
            let members = unit.members.get().into_iter().flatten();
            unit.restricted.get() == Some(&true)
                && members
                    .into_iter()
                    .any(|id| path.split('/').any(|segment| id.is(segment)))
        })?;
        let id = unit.id.as_ref().map(ToString::to_string);
        unit.display_name.clone().or(id)
    }

    /// Earlier steps that change what is about to join the restricted unit: once it is in, they can't be taken any more
    /// without a role at the unit. One that waits for a person keeps the unit waiting.
    fn before_the_unit(&self, effects: &[Effect]) -> Vec<String> {
        let joining: Vec<&str> = effects
            .iter()
            .filter_map(|effect| match effect {
                Effect::UnitMember { member, .. } => Some(member.as_str()),
                _ => None,
            })
            .collect();
        let touches = |step: &&PlanStep| {
            let mut segments = step.write.send.path.split('/');
            segments.any(|segment| joining.iter().any(|id| segment.eq_ignore_ascii_case(id)))
        };
        self.steps
            .iter()
            .filter(touches)
            .map(|step| step.id.clone())
            .collect()
    }

    /// Adds a step, or says why it is left out.
    pub(super) fn add(&mut self, proposal: Proposal) -> bool {
        let title = proposal.title.clone();
        match self.propose(proposal) {
            Ok(()) => true,
            Err(dangers) => {
                self.refuse(&title, &dangers);
                false
            }
        }
    }

    pub(super) fn refuse(&mut self, title: &str, dangers: &[Danger]) {
        let why: Vec<String> = dangers.iter().map(ToString::to_string).collect();
        self.warn(format!("not planned: {title}: {}", why.join("; ")));
    }

    /// What the checks say of the state after the steps so far, and is not good.
    fn findings(&self) -> BTreeMap<(String, String), Finding> {
        self.findings_in(&self.now, &[])
    }

    /// What checks (none named: all) say of a state, and is not good.
    pub(super) fn findings_in(
        &self,
        snapshot: &TenantSnapshot,
        only: &[String],
    ) -> BTreeMap<(String, String), Finding> {
        let input = self.input;
        let register = self.register();
        let named: Vec<String> = self
            .accounts
            .iter()
            .filter(|account| account.entry.is_none())
            .map(|account| account.id.to_string())
            .collect();
        let report = check(&CheckInput {
            snapshot,
            register: register.as_ref(),
            history: input.history,
            accounts: &named,
            now: input.now,
            keys: input.keys,
            settings: Settings::default(),
            only,
            skip: &[],
            waivers: &[],
            baseline: None,
            version: input.version,
        });
        // Without choice and waivers nothing of the call can be wrong.
        let findings = report.map(|report| report.findings).unwrap_or_default();
        findings
            .into_iter()
            .filter(|finding| matches!(finding.verdict, Verdict::Fail | Verdict::CannotTell))
            .map(|finding| ((finding.check.clone(), finding.subject.clone()), finding))
            .collect()
    }

    /// The register as it has to be once the plan is done: accounts, group and unit by their ids.
    fn register(&self) -> Option<Register> {
        let mut register = self.input.register?.clone();
        for account in &self.accounts {
            if let Some(entry) = account.entry.and_then(|at| register.accounts.get_mut(at)) {
                entry.id = Some(account.id.clone());
                let group = self.group.as_ref().and_then(|id| ObjectId::parse(id).ok());
                entry.group = group.or(entry.group.take());
            }
        }
        Some(register)
    }

    /// What the checks say of the state after the steps so far, of one check.
    pub(super) fn open(&self, check: &str) -> impl Iterator<Item = &Finding> {
        self.open
            .iter()
            .filter(move |((own, _), _)| own == check)
            .map(|(_, finding)| finding)
    }

    pub(super) fn finish(self) -> (Vec<String>, Vec<PlanStep>, Vec<String>, Vec<Remaining>) {
        let mut remaining: Vec<Remaining> = self
            .open
            .values()
            .filter(|finding| !self.said_by_enrolment(finding))
            .map(|finding| {
                let closer = self
                    .closed_when_enrolled(finding)
                    .unwrap_or_else(|| closed_by(finding));
                remaining(finding, closer)
            })
            .collect();
        remaining.extend(self.until_people());
        self.name_strangers(&mut remaining);
        remaining.extend(self.tasks());
        let accounts = self
            .accounts
            .iter()
            .map(|account| account.id.to_string())
            .collect();
        (accounts, self.steps, self.warnings, remaining)
    }
}

impl Draft<'_> {
    /// What is open for as long as the steps wait that an application can't take, with those that rest on them: after a
    /// run of `apply` under an application it is what the next check says.
    fn until_people(&self) -> Vec<Remaining> {
        let mut waiting: Vec<&PlanStep> = Vec::new();
        let mut state = self.input.snapshot.clone();
        for step in &self.steps {
            let rests_on_one = waiting.iter().any(|own| step.after.contains(&own.id));
            if step.by_person || rests_on_one {
                waiting.push(step);
            } else {
                simulate(&mut state, &step.effects);
            }
        }
        if waiting.is_empty() {
            return Vec::new();
        }
        let found = self.findings_in(&state, &[]);
        found
            .values()
            .filter(|finding| {
                !self
                    .open
                    .contains_key(&(finding.check.clone(), finding.subject.clone()))
            })
            .map(|finding| {
                let closes = |step: &&&PlanStep| step.checks.contains(&finding.check);
                let closing: Vec<&&PlanStep> = waiting.iter().filter(closes).collect();
                let named = if closing.is_empty() {
                    waiting.iter().collect()
                } else {
                    closing
                };
                let titles: Vec<&str> = named.iter().map(|step| step.title.as_str()).collect();
                let closed_by = format!(
                    "a signed-in person, by the steps that no application can take: {}",
                    titles.join("; ")
                );
                Remaining {
                    fix: "Run `breakglass apply` once more, signed in as a person: `sign_in = \"browser\"` under [identity.apply].".to_owned(),
                    ..remaining(finding, &closed_by)
                }
            })
            .collect()
    }
}

fn guarded(
    account: &GuardedAccount<'_>,
    register: Option<&Register>,
) -> Result<Guarded, PlanError> {
    let entry = account.entry.and_then(|entry| {
        register?
            .accounts
            .iter()
            .position(|own| std::ptr::eq(own, entry))
    });
    let id = match (&account.id, account.user) {
        (Some(id), Some(_)) => id.clone(),
        (Some(id), None) => return Err(PlanError::NotThere(id.to_string())),
        // Only a register names accounts that are still to be made: a name on the command line may be misspelt, and a
        // plan that makes a Global Administrator of a typing error is worse than none.
        (None, _) if entry.is_none() => {
            return Err(PlanError::NoSuchPerson(
                account.subject.clone(),
                "an emergency access account; only a register names accounts that are still to be made",
            ));
        }
        // By name only: it will be made. A UPN has no character that an id may not have.
        (None, _) => ObjectId::parse(&format!("new:account-{}", slug(&account.subject)))
            .map_err(|_| PlanError::NotThere(account.subject.clone()))?,
    };
    Ok(Guarded {
        id,
        name: account.subject.clone(),
        entry,
    })
}

/// The alert processing rule that a finding names, by its id.
pub(super) fn processing_rule(finding: &Finding) -> Option<&str> {
    finding
        .evidence
        .iter()
        .map(|seen| seen.object.as_str())
        .find(|object| object.to_lowercase().contains("/actionrules/"))
}

/// Who closes what the plan leaves open, by requirement.
fn closed_by(finding: &Finding) -> &'static str {
    let requirement = finding.requirement.as_str();
    let letter = requirement.chars().next().unwrap_or_default();
    match (requirement, letter, finding.verdict) {
        (_, 'K', Verdict::Fail) if finding.subject == "tenant" => "the tenant's owner",
        (_, 'S', _) => "a custodian: keys, envelopes and places",
        (_, 'D', _) => "a drill, by custodian and responder",
        (_, 'P', _) => "the review of a use, by a reviewer",
        (_, 'R', _) | ("A8" | "A3", ..) => "whoever keeps the register",
        (_, 'K', _) => "a custodian, with `breakglass key enroll`",
        ("A6", ..) => "the tenant's owner: `plan --make-eligible <user>`",
        ("A7", ..) => "the review of a use, by a reviewer",
        ("W4", ..) if processing_rule(finding).is_some() => {
            "whoever owns the alert processing rule, which may be another team"
        }
        ("M3" | "M4", ..) => "the tenant's owner: `plan --keeper <user> --approver <user>`",
        ("W12", ..) if finding.subject == SECOND_WAY => {
            "the owner of the logs: `plan --event-hub <id>`, read from outside of the tenant, or `breakglass watch` over the logs themselves"
        }
        (_, 'W', _) => {
            "the owner of the alerts: `plan --alert-mail … --alert-sms …`, and `breakglass rules prove` in a later version"
        }
        (.., Verdict::CannotTell) => "whoever collects: grant what was not read, then plan again",
        _ => "the tenant's owner",
    }
}

fn remaining(finding: &Finding, closed_by: &str) -> Remaining {
    Remaining {
        check: finding.check.clone(),
        requirement: finding.requirement.clone(),
        verdict: if finding.verdict == Verdict::Fail {
            "fail".to_owned()
        } else {
            "cannot-tell".to_owned()
        },
        title: finding.title.clone(),
        subject: finding.subject.clone(),
        because: finding.because.clone(),
        closed_by: closed_by.to_owned(),
        fix: finding.fix.clone(),
    }
}

/// A name as a step's id may have it: lower-case letters, digits, hyphens.
pub(super) fn slug(text: &str) -> String {
    let mut slug = String::new();
    for c in text.split('@').next().unwrap_or(text).chars() {
        if c.is_ascii_alphanumeric() {
            slug.push(c.to_ascii_lowercase());
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').chars().take(40).collect()
}

/// A request.
pub(super) fn send(verb: Verb, path: impl Into<String>, body: Value) -> Send {
    Send {
        verb,
        path: path.into(),
        body,
    }
}

/// A write to Microsoft Graph.
pub(super) fn graph(
    send: Send,
    look: Look,
    before: Value,
    after: Value,
    undo: Option<Send>,
) -> Write {
    Write {
        api: Api::Graph,
        send,
        needs: Vec::new(),
        look,
        before,
        after,
        undo,
    }
}

#[cfg(test)]
mod tests {
    use super::slug;

    #[test]
    fn a_name_becomes_a_step() {
        assert_eq!(
            slug("BreakGlass 01@contoso.onmicrosoft.com"),
            "breakglass-01"
        );
        assert_eq!(
            slug("CA003: Compliant device (all)"),
            "ca003-compliant-device-all"
        );
    }
}
