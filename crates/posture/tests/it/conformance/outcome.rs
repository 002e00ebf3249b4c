//! What the program finds of a conformance tenant, in the words of its data file.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Intent, Options, Prover, Reach, Verdict as Entry, recognise},
    tenant::{People, Tenant},
};
use breakglass_model::{CheckReport, History, ObjectId, Register, TenantSnapshot, Verdict};
use breakglass_posture::{CheckInput, GuardedAccount, Settings, check, resolve};

use super::fixture::{Expect, Fixture, now};

/// A check or policy, and the account that it is about, if it is about one.
type Mark = (String, Option<String>);

/// What was found of a tenant.
#[derive(Debug)]
pub(crate) struct Outcome {
    fails: BTreeSet<Mark>,
    unknown: BTreeSet<Mark>,
    reached_by: BTreeSet<Mark>,
    verdicts: BTreeMap<String, &'static str>,
}

/// The report of a tenant without a store.
pub(crate) fn report(snapshot: &TenantSnapshot, register: &Register) -> CheckReport {
    check(&CheckInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        now: now(),
        settings: Settings::default(),
        only: &[],
        skip: &[],
        waivers: &[],
        baseline: None,
        version: "test",
    })
    .unwrap()
}

/// `02` of BreakGlass02: what tells an account from the others.
fn short(subject: &str) -> String {
    let local = subject.split('@').next().unwrap_or_default();
    let name = local.trim_start_matches(|c: char| !c.is_ascii_digit());
    if name.is_empty() { local } else { name }.to_owned()
}

impl Outcome {
    /// Runs the checks and the lockout proof.
    pub(crate) fn of(fixture: &Fixture) -> Self {
        let (snapshot, register) = fixture.make();
        let accounts = resolve(&snapshot, Some(&register), &[]);
        let report = report(&snapshot, &register);
        let marks = |verdict: Verdict| -> BTreeSet<Mark> {
            report
                .findings
                .iter()
                .filter(|finding| finding.verdict == verdict)
                .map(|finding| {
                    let account = accounts.iter().find(|own| own.subject == finding.subject);
                    (
                        finding.check.clone(),
                        account.map(|own| short(&own.subject)),
                    )
                })
                .collect()
        };
        let (verdicts, reached_by) = proofs(&snapshot, &accounts);
        let outcome = Self {
            fails: marks(Verdict::Fail),
            unknown: marks(Verdict::CannotTell),
            reached_by,
            verdicts,
        };
        outcome.agrees(&fixture.name);
        outcome
    }

    /// The check of the way in says what the proof says.
    fn agrees(&self, name: &str) {
        for (account, verdict) in &self.verdicts {
            let mark = ("BG046".to_owned(), Some(account.clone()));
            let by_check = if self.fails.contains(&mark) {
                "locked-out"
            } else if self.unknown.contains(&mark) {
                "cannot-tell"
            } else {
                "gets-in"
            };
            // An account that is not there has no verdict.
            if *verdict != "not-there" {
                assert_eq!(by_check, *verdict, "{name}: BG046 of {account}");
            }
        }
    }

    /// The outcome as an expectation says it: beside the base, if it is not one itself.
    pub(crate) fn beside(&self, base: Option<&Self>) -> Expect {
        let accounts: BTreeSet<&String> = self.verdicts.keys().collect();
        let words = |now: &BTreeSet<Mark>, before: Option<&BTreeSet<Mark>>| {
            let none = BTreeSet::new();
            let before = before.unwrap_or(&none);
            let mut words = join(now.difference(before), &accounts, "");
            words.extend(join(before.difference(now), &accounts, "-"));
            words.join(" ")
        };
        Expect {
            fails: words(&self.fails, base.map(|base| &base.fails)),
            unknown: words(&self.unknown, base.map(|base| &base.unknown)),
            verdicts: self.verdicts(),
            reached_by: words(&self.reached_by, None),
        }
    }

    /// One word if it is the same for all accounts; empty when all get in.
    fn verdicts(&self) -> String {
        let different: BTreeSet<_> = self.verdicts.values().collect();
        match different.first() {
            Some(&&"gets-in") if different.len() == 1 => String::new(),
            Some(same) if different.len() == 1 => (**same).to_owned(),
            _ => self
                .verdicts
                .iter()
                .map(|(account, verdict)| format!("{account} {verdict}"))
                .collect::<Vec<_>>()
                .join(", "),
        }
    }
}

/// `BG009(02)`, or `BG009` when it is about all accounts or about none in particular.
fn join<'a>(
    marks: impl Iterator<Item = &'a Mark>,
    accounts: &BTreeSet<&String>,
    sign: &str,
) -> Vec<String> {
    let mut about: BTreeMap<&str, BTreeSet<Option<&String>>> = BTreeMap::new();
    for (what, account) in marks {
        about.entry(what).or_default().insert(account.as_ref());
    }
    about
        .into_iter()
        .map(|(what, of)| {
            let all = accounts.iter().all(|own| of.contains(&Some(*own)));
            if of.contains(&None) || all {
                format!("{sign}{what}")
            } else {
                let of: Vec<&str> = of.into_iter().flatten().map(String::as_str).collect();
                format!("{sign}{what}({})", of.join(","))
            }
        })
        .collect()
}

/// The verdict on each account, and the policies that reach one and are not intended.
fn proofs(
    snapshot: &TenantSnapshot,
    accounts: &[GuardedAccount<'_>],
) -> (BTreeMap<String, &'static str>, BTreeSet<Mark>) {
    let tenant = Tenant::read(snapshot);
    let people = People::new(snapshot, &[&tenant]);
    let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
    let prover = Prover::new(&engine, &Options::default());
    let ids: Vec<ObjectId> = accounts.iter().filter_map(|own| own.id.clone()).collect();
    let shared = people.shared_groups(&ids);
    let (mut verdicts, mut reached_by) = (BTreeMap::new(), BTreeSet::new());
    for account in accounts {
        let name = short(&account.subject);
        let (Some(_), Some(id), Some(entry)) = (account.user, &account.id, account.entry) else {
            verdicts.insert(name, "not-there");
            continue;
        };
        let identity = people.identity(id);
        let intent = Intent {
            policies: entry
                .intended_policies
                .iter()
                .map(ToString::to_string)
                .collect(),
            groups: entry.group.iter().map(ToString::to_string).collect(),
            shared: shared.clone(),
        };
        let intended: Vec<bool> = tenant
            .policies
            .iter()
            .map(|policy| recognise(policy, &identity, &intent))
            .collect();
        let mut proof = prover.account(&engine.subject(&identity), &intended);
        if let Some(missing) = &snapshot.policies.missing {
            proof = proof.over_incomplete_set(&missing.reason);
        }
        for policy in proof.policies.iter().filter(|p| !p.intended) {
            let words = engine.policies().nth(policy.policy).unwrap();
            let policy_name = words.name.split(' ').next().unwrap_or_default();
            let sign = match policy.reach {
                Reach::Can => "",
                Reach::CannotTell => "?",
                Reach::Never => continue,
            };
            reached_by.insert((format!("{policy_name}{sign}"), Some(name.clone())));
        }
        if proof.only_intended.is_none() && snapshot.policies.missing.is_some() {
            reached_by.insert(("?".to_owned(), Some(name.clone())));
        }
        let verdict = match proof.verdict {
            Entry::GetsIn => "gets-in",
            Entry::CannotTell => "cannot-tell",
            Entry::LockedOut => "locked-out",
        };
        verdicts.insert(name, verdict);
    }
    (verdicts, reached_by)
}
