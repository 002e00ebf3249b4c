//! The order and the grouping that all forms for people share.

use breakglass_model::{
    AccountRef, CheckReport, Finding, NotRead, Verdict,
    finding::{Answer, Question},
};

use super::clean::clean;
use crate::{Conflict, conflicts};

/// Findings of one check with the same cause; only the subjects differ.
pub(crate) struct Group<'a> {
    pub(crate) findings: Vec<&'a Finding>,
}

impl<'a> Group<'a> {
    pub(crate) fn first(&self) -> &'a Finding {
        // INVARIANT: a group is made with one finding and only grows.
        self.findings[0]
    }

    pub(crate) fn subjects(&self) -> Vec<String> {
        let mut subjects: Vec<String> = self.findings.iter().map(|f| clean(&f.subject)).collect();
        subjects.dedup();
        subjects
    }
}

/// The findings with a verdict, worst first, then by code and subject.
pub(crate) fn with_verdict(report: &CheckReport, verdict: Verdict) -> Vec<&Finding> {
    let mut findings: Vec<&Finding> = report
        .findings
        .iter()
        .filter(|finding| finding.verdict == verdict)
        .collect();
    findings.sort_by(|a, b| {
        (b.severity, &a.check, &a.subject).cmp(&(a.severity, &b.check, &b.subject))
    });
    findings
}

/// Groups findings of the same check, cause and fix.
pub(crate) fn by_cause(findings: Vec<&Finding>) -> Vec<Group<'_>> {
    group(findings, |a, b| {
        a.check == b.check && a.severity == b.severity && a.because == b.because && a.fix == b.fix
    })
}

/// Groups undecided findings by the datum that is missing, across checks.
pub(crate) fn by_missing(findings: Vec<&Finding>) -> Vec<Group<'_>> {
    group(findings, |a, b| a.because == b.because)
}

fn group<'a>(
    findings: Vec<&'a Finding>,
    same: impl Fn(&Finding, &Finding) -> bool,
) -> Vec<Group<'a>> {
    let mut groups: Vec<Group<'a>> = Vec::new();
    for finding in findings {
        match groups.iter_mut().find(|g| same(g.first(), finding)) {
            Some(group) => group.findings.push(finding),
            None => groups.push(Group {
                findings: vec![finding],
            }),
        }
    }
    groups
}

/// What to do first about a question, from the worst finding that bears on it.
pub(crate) fn next_step(report: &CheckReport, question: &Question) -> Option<String> {
    let verdict = match question.answer {
        Answer::Yes => return None,
        Answer::No => Verdict::Fail,
        Answer::CannotTell => Verdict::CannotTell,
    };
    let bearing = with_verdict(report, verdict)
        .into_iter()
        .find(|f| bears_on(f, &question.id) && !clean(&f.fix).is_empty());
    if let Some(finding) = bearing {
        return Some(format!(
            "{}: {}",
            clean(&finding.check),
            clean(&finding.fix)
        ));
    }
    match question.answer {
        Answer::CannotTell if !report.left_out.is_empty() => Some(
            "Check again without leaving checks out: each answer rests on many of them.".to_owned(),
        ),
        Answer::CannotTell => Some(missing_step(&report.not_read)),
        _ => Some("Mend the failing findings below, worst first, and check again.".to_owned()),
    }
}

fn missing_step(not_read: &[NotRead]) -> String {
    let mut permissions: Vec<String> = not_read
        .iter()
        .filter_map(|n| n.permission.as_deref().map(clean))
        .collect();
    permissions.sort();
    permissions.dedup();
    if permissions.is_empty() {
        "Supply the data that is listed as missing below, and check again.".to_owned()
    } else {
        format!(
            "Grant {} to the reader, and check again.",
            permissions.join(", ")
        )
    }
}

/// Which question a finding helps to answer, told by the letter of its requirement: accounts and keys;
/// drills; everything else decides whether the accounts would work.
fn bears_on(finding: &Finding, question: &str) -> bool {
    let of = match finding.requirement.chars().next() {
        Some('A' | 'K') => "two-accounts",
        Some('D') => "tested",
        _ => "would-work",
    };
    of == question
}

/// The name of an account: its UPN, else its object id.
pub(crate) fn account_name(account: &AccountRef) -> String {
    match (&account.upn, &account.id) {
        (Some(upn), _) => clean(&upn.to_string()),
        (None, Some(id)) => clean(&id.to_string()),
        (None, None) => "(no name, no id)".to_owned(),
    }
}

/// Names the tenant as well as the input allows.
pub(crate) fn tenant_name(report: &CheckReport) -> String {
    let name = report.tenant.name.as_deref().map(clean);
    let id = report.tenant.id.as_deref().map(clean);
    match (name, id) {
        (Some(name), Some(id)) => format!("{name} ({id})"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => "tenant not named in the input".to_owned(),
    }
}

/// The word of an answer.
pub(crate) fn answer_word(answer: Answer) -> &'static str {
    match answer {
        Answer::Yes => "YES",
        Answer::No => "NO",
        Answer::CannotTell => "CANNOT TELL",
    }
}

/// What the exit code will be when nothing but the default threshold applies, in words.
pub(crate) fn exit_meaning(report: &CheckReport) -> &'static str {
    if report.summary.fail > 0 {
        "Exit 1 with the default --fail-on low: something was found that needs mending."
    } else if report.summary.cannot_tell > 0 {
        "Exit 3 with the default --fail-on low: cannot tell, because needed data is missing."
    } else {
        "Exit 0: nothing was found."
    }
}

/// A count with its noun.
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// What authorities disagree on, as far as the report has checks that are concerned.
pub(super) fn conflicts_of(report: &CheckReport) -> impl Iterator<Item = &'static Conflict> {
    conflicts().iter().filter(|own| {
        let mut findings = report.findings.iter();
        findings.any(|finding| own.checks.contains(&finding.check.as_str()))
    })
}
