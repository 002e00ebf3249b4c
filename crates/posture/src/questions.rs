//! The three questions, answered from what the checks found.

use std::collections::BTreeSet;

use breakglass_model::{Finding, Question, Verdict, finding::Answer};

use crate::Context;

/// What "two accounts, built the modern way" needs.
const TWO_ACCOUNTS: &[&str] = &[
    "BG001", "BG002", "BG003", "BG004", "BG005", "BG009", "BG010", "BG011", "BG018", "BG019",
    "BG020", "BG022",
];
/// What "tested end to end recently" needs.
const TESTED: &[&str] = &["BG036"];
/// An account that fails one of these gets nobody in: it is missing, disabled, without the role, without a
/// method that Microsoft's mandatory multifactor authentication takes, or locked out by Conditional Access.
const FATAL: &[&str] = &["BG002", "BG009", "BG018", "BG046", "BG048"];

/// Answers the three questions from the findings of all checks.
pub fn questions(context: &Context<'_>, findings: &[Finding]) -> Vec<Question> {
    vec![
        question(
            "two-accounts",
            "Do you have at least two emergency access accounts, built the modern way?",
            needs(
                context,
                findings,
                TWO_ACCOUNTS,
                "at least two accounts exist and are built the modern way",
            ),
        ),
        question(
            "tested",
            "Have you tested them end to end recently?",
            needs(
                context,
                findings,
                TESTED,
                "every account passed a drill in the last 90 days",
            ),
        ),
        question(
            "would-work",
            "Would they actually get you back in if everything else failed right now, and would you be told?",
            would_work(context, findings),
        ),
    ]
}

fn question(id: &str, question: &str, (answer, because): (Answer, Vec<String>)) -> Question {
    Question {
        id: id.to_owned(),
        question: question.to_owned(),
        answer,
        because,
    }
}

/// *No* when a needed check failed (accepted or not), *yes* only when every one of them passed.
fn needs(
    context: &Context<'_>,
    findings: &[Finding],
    needed: &[&str],
    yes: &str,
) -> (Answer, Vec<String>) {
    if context.accounts.is_empty() {
        return (Answer::CannotTell, vec![context.none_declared()]);
    }
    let of = |verdicts: &[Verdict]| -> Vec<String> {
        findings
            .iter()
            .filter(|f| needed.contains(&f.check.as_str()) && verdicts.contains(&f.verdict))
            .map(sentence)
            .collect()
    };
    let failed = of(&[Verdict::Fail, Verdict::Waived]);
    if !failed.is_empty() {
        return (Answer::No, unique(failed));
    }
    let mut open = of(&[Verdict::CannotTell, Verdict::NotApplicable]);
    let silent = needed
        .iter()
        .filter(|id| findings.iter().all(|f| f.check != **id));
    open.extend(silent.map(|id| format!("{id} said nothing")));
    if open.is_empty() {
        (Answer::Yes, vec![yes.to_owned()])
    } else {
        (Answer::CannotTell, unique(open))
    }
}

fn would_work(context: &Context<'_>, findings: &[Finding]) -> (Answer, Vec<String>) {
    let unjudged = "whether anybody would be told is not judged by these checks";
    if context.accounts.is_empty() {
        return (
            Answer::CannotTell,
            vec![context.none_declared(), unjudged.to_owned()],
        );
    }
    let fatal: Vec<&Finding> = findings
        .iter()
        .filter(|f| {
            FATAL.contains(&f.check.as_str())
                && matches!(f.verdict, Verdict::Fail | Verdict::Waived)
        })
        .collect();
    let dead: BTreeSet<&str> = fatal.iter().map(|f| f.subject.as_str()).collect();
    let mut because = unique(fatal.iter().map(|f| sentence(f)).collect());
    if context
        .accounts
        .iter()
        .all(|a| dead.contains(a.subject.as_str()))
    {
        (Answer::No, because)
    } else {
        let open = findings
            .iter()
            .filter(|f| FATAL.contains(&f.check.as_str()) && f.verdict == Verdict::CannotTell);
        because.extend(unique(open.map(sentence).collect()));
        because.push(unjudged.to_owned());
        (Answer::CannotTell, because)
    }
}

fn sentence(finding: &Finding) -> String {
    format!(
        "{}: {} ({})",
        finding.subject, finding.because, finding.check
    )
}

/// Without repetitions, in the order of first appearance.
fn unique(texts: Vec<String>) -> Vec<String> {
    let mut seen = BTreeSet::new();
    texts
        .into_iter()
        .filter(|text| seen.insert(text.clone()))
        .collect()
}
