//! Running the checks: choice, waivers, baseline, order and exit code.

use std::collections::BTreeSet;

use breakglass_model::{
    CheckReport, Finding, History, Register, Severity, TenantSnapshot, Verdict,
    aaguid::Tables,
    finding::{Answer, CHECK_REPORT_SCHEMA, Summary, TenantRef, Tool},
};
use jiff::{Timestamp, civil::Date};

use crate::{Context, Lockout, Settings, candidates, catalogue, find, questions, resolve};

/// Somebody's acceptance of one failure, until a day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiver {
    /// Code or name of the check.
    pub check: String,
    /// Subject of the finding, in any case.
    pub subject: String,
    /// Why it is accepted.
    pub reason: String,
    /// Last day on which it holds.
    pub until: Date,
    /// Person ids of who accepted it.
    pub approved_by: Vec<String>,
}

/// What to check, and how.
#[derive(Clone, Copy, Debug)]
pub struct CheckInput<'a> {
    /// The tenant as it was read.
    pub snapshot: &'a TenantSnapshot,
    /// The register.
    pub register: Option<&'a Register>,
    /// Drills and uses.
    pub history: &'a History,
    /// Accounts named by argument or configuration: UPNs or object ids.
    pub accounts: &'a [String],
    /// The moment that due dates are judged against.
    pub now: Timestamp,
    /// What is known about keys.
    pub keys: &'a Tables,
    /// Limits.
    pub settings: Settings,
    /// Codes or names of the only checks to report; empty: all.
    pub only: &'a [String],
    /// Codes or names of checks to leave out.
    pub skip: &'a [String],
    /// Accepted failures.
    pub waivers: &'a [Waiver],
    /// An earlier report: only problems that it does not have are reported.
    pub baseline: Option<&'a CheckReport>,
    /// Version of the program, for the document.
    pub version: &'a str,
}

/// Why the checks were not run: the call is wrong.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CheckError {
    /// No check has this code or name.
    #[error("there is no check `{id}`; {}", near_text(.near))]
    UnknownCheck {
        /// What was asked for.
        id: String,
        /// Codes and names that come near.
        near: Vec<String>,
    },
    /// The choice leaves no check.
    #[error("no check is left: every one that was chosen is skipped too")]
    NoCheck,
    /// A waiver lacks what makes it one.
    #[error(
        "the waiver of {check} for `{subject}` has no {lacks}: write down why it is accepted and by whom"
    )]
    IncompleteWaiver {
        /// Its check.
        check: String,
        /// Its subject.
        subject: String,
        /// What is lacking.
        lacks: &'static str,
    },
}

fn near_text(near: &[String]) -> String {
    if near.is_empty() {
        "`breakglass check --list` shows all".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    }
}

/// Runs the checks.
///
/// The three questions are answered from every check that was chosen, before the baseline: a known problem is one still,
/// and where a check was left out, nothing is answered with yes.
///
/// # Errors
/// [`CheckError`] when an id is unknown, no check is chosen, or a waiver is incomplete.
pub fn check(input: &CheckInput<'_>) -> Result<CheckReport, CheckError> {
    let only = ids(input.only)?;
    let skip = ids(input.skip)?;
    let chosen = |id: &str| (only.is_empty() || only.contains(&id)) && !skip.contains(&id);
    // A run that judges nothing would end like one that found nothing.
    if !catalogue().iter().any(|check| chosen(check.id)) {
        return Err(CheckError::NoCheck);
    }
    for waiver in input.waivers {
        validate(waiver)?;
    }
    let accounts = resolve(input.snapshot, input.register, input.accounts);
    // Proposed only when nobody declared an account: a second list beside the real one would confuse.
    let proposed = if accounts.is_empty() {
        candidates(input.snapshot)
    } else {
        Vec::new()
    };
    let lockout = Lockout::new(input.snapshot, &accounts);
    let context = Context {
        lockout: &lockout,
        snapshot: input.snapshot,
        register: input.register,
        history: input.history,
        accounts: &accounts,
        candidates: &proposed,
        now: input.now,
        keys: input.keys,
        settings: input.settings,
    };
    let mut findings: Vec<Finding> = catalogue()
        .iter()
        .flat_map(|check| (check.run)(&context))
        .collect();
    for finding in &mut findings {
        waive(finding, input.waivers, context.today());
    }
    let mut left_out = BTreeSet::new();
    findings.retain(|f| {
        let is_chosen = chosen(&f.check);
        if !is_chosen {
            left_out.insert(f.check.clone());
        }
        is_chosen
    });
    let left_out: Vec<String> = left_out.into_iter().collect();
    // The answers rest on what is reported: a no without its finding could not be followed up.
    let mut questions = questions(&context, &findings, &left_out);
    if !left_out.is_empty() {
        for question in questions.iter_mut().filter(|q| q.answer == Answer::Yes) {
            question.answer = Answer::CannotTell;
            question.because = vec!["only some of the checks were run".to_owned()];
        }
    }
    if let Some(baseline) = input.baseline {
        findings.retain(|f| is_problem(f) && !known(f, baseline));
    }
    findings.sort_by(|a, b| {
        (rank(a.verdict), b.severity, &a.check, &a.subject).cmp(&(
            rank(b.verdict),
            a.severity,
            &b.check,
            &b.subject,
        ))
    });
    Ok(CheckReport {
        schema: CHECK_REPORT_SCHEMA.to_owned(),
        tool: Tool {
            name: "breakglass".to_owned(),
            version: input.version.to_owned(),
        },
        at: input.now.to_string(),
        tenant: TenantRef {
            id: input.snapshot.id.as_ref().map(ToString::to_string),
            name: input.snapshot.name.clone(),
            collected_at: input.snapshot.collected_at.map(|at| at.to_string()),
            digest: input.snapshot.digest.clone(),
        },
        left_out,
        assumptions: [input.snapshot.assumptions.clone(), input.history.remarks()].concat(),
        not_read: input.snapshot.missing(),
        set_aside: input.snapshot.set_aside.clone(),
        questions,
        accounts: if accounts.is_empty() {
            proposed
        } else {
            accounts
                .iter()
                .map(crate::GuardedAccount::reference)
                .collect()
        },
        summary: Summary::of(&findings),
        findings,
    })
}

/// The exit code of a report: 1 for a failure at or above the threshold, else 3 for a *cannot tell*
/// there, else 0.
pub fn exit_code(report: &CheckReport, fail_on: Severity) -> u8 {
    let has = |verdict| {
        report
            .findings
            .iter()
            .any(|f| f.verdict == verdict && f.severity >= fail_on)
    };
    if has(Verdict::Fail) {
        1
    } else if has(Verdict::CannotTell) {
        3
    } else {
        0
    }
}

/// Worst first.
fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Fail => 0,
        Verdict::CannotTell => 1,
        Verdict::Waived => 2,
        Verdict::Pass => 3,
        Verdict::NotApplicable => 4,
    }
}

fn is_problem(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Fail | Verdict::CannotTell)
}

fn known(finding: &Finding, baseline: &CheckReport) -> bool {
    baseline.findings.iter().any(|old| {
        is_problem(old)
            && old.check == finding.check
            && old.subject.eq_ignore_ascii_case(&finding.subject)
    })
}

fn ids(asked: &[String]) -> Result<Vec<&'static str>, CheckError> {
    asked.iter().map(|id| known_id(id)).collect()
}

fn known_id(id: &str) -> Result<&'static str, CheckError> {
    find(id)
        .map(|check| check.id)
        .ok_or_else(|| CheckError::UnknownCheck {
            id: id.to_owned(),
            near: near(id),
        })
}

fn near(id: &str) -> Vec<String> {
    let id = id.trim().to_lowercase();
    if id.is_empty() {
        return Vec::new();
    }
    let mut found: Vec<(usize, String)> = catalogue()
        .iter()
        .filter_map(|check| {
            let code = distance(&id, &check.id.to_lowercase());
            let name = if check.name.contains(&id) {
                0
            } else {
                distance(&id, check.name)
            };
            let by_requirement = check.requirement.eq_ignore_ascii_case(&id);
            (code <= 1 || name <= 3 || by_requirement)
                .then(|| (code.min(name), format!("{} ({})", check.id, check.name)))
        })
        .collect();
    found.sort();
    found.into_iter().take(5).map(|(_, text)| text).collect()
}

/// Levenshtein distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn validate(waiver: &Waiver) -> Result<(), CheckError> {
    known_id(&waiver.check)?;
    let lacks = if waiver.reason.trim().is_empty() {
        "reason"
    } else if waiver.approved_by.iter().all(|by| by.trim().is_empty()) {
        "approver"
    } else {
        return Ok(());
    };
    Err(CheckError::IncompleteWaiver {
        check: waiver.check.clone(),
        subject: waiver.subject.clone(),
        lacks,
    })
}

/// Only a failure can be accepted: nobody can accept what is not known.
fn waive(finding: &mut Finding, waivers: &[Waiver], today: Date) {
    if finding.verdict != Verdict::Fail {
        return;
    }
    let of_this = |w: &&Waiver| {
        find(&w.check).is_some_and(|check| check.id == finding.check)
            && w.subject.trim().eq_ignore_ascii_case(&finding.subject)
    };
    let Some(waiver) = waivers.iter().filter(of_this).max_by_key(|w| w.until) else {
        return;
    };
    let by = waiver.approved_by.join(", ");
    if waiver.until >= today {
        finding.verdict = Verdict::Waived;
        finding.because = format!(
            "{}; accepted until {} by {by}: {}",
            finding.because,
            waiver.until,
            waiver.reason.trim()
        );
    } else {
        finding.because = format!(
            "{}; the waiver by {by} expired on {}",
            finding.because, waiver.until
        );
    }
}
