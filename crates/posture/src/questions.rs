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

/// What must hold so that a rule of Azure Monitor or Microsoft Sentinel tells somebody of a use.
const TOLD: &[&str] = &[
    "BG050", "BG051", "BG053", "BG055", "BG059", "BG066", "BG068",
];
/// How a rule that is there must be set. Only one kind of rules is: the other's check does not apply.
const TOLD_HOW: &[&str] = &["BG057", "BG063", "BG064"];
/// The third way.
const OWN_MONITOR: &str = "BG065";

/// Answers the three questions from the findings of all checks but those that were left out.
pub fn questions(
    context: &Context<'_>,
    findings: &[Finding],
    left_out: &[String],
) -> Vec<Question> {
    vec![
        question(
            "two-accounts",
            "Do you have at least two emergency access accounts, built the modern way?",
            needs(
                context,
                findings,
                left_out,
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
                left_out,
                TESTED,
                "every account passed a drill in the last 90 days",
            ),
        ),
        question(
            "would-work",
            "Would they actually get you back in if everything else failed right now, and would you be told?",
            would_work(context, findings, left_out),
        ),
    ]
}

fn question(id: &str, question: &str, (answer, because): (Answer, Vec<String>)) -> Question {
    Question {
        id: id.to_owned(),
        question: question.to_owned(),
        answer,
        because: gathered(because),
    }
}

/// *No* when a needed check failed (accepted or not), *yes* only when every one of them passed.
fn needs(
    context: &Context<'_>,
    findings: &[Finding],
    left_out: &[String],
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
    open.extend(silent.map(|id| silence(id, left_out)));
    if open.is_empty() {
        (Answer::Yes, vec![yes.to_owned()])
    } else {
        (Answer::CannotTell, unique(open))
    }
}

/// What a check is that was not chosen.
const LEFT_OUT: &str = " was left out";

/// Checks that were left out are said in one sentence.
fn gathered(because: Vec<String>) -> Vec<String> {
    let out: Vec<&str> = because
        .iter()
        .filter_map(|text| text.strip_suffix(LEFT_OUT))
        .collect();
    if out.is_empty() {
        return because;
    }
    let said = format!("left out by choice: {}", out.join(", "));
    let rest = because.iter().filter(|text| !text.ends_with(LEFT_OUT));
    rest.cloned().chain([said]).collect()
}

/// Why a check is not heard.
fn silence(id: &str, left_out: &[String]) -> String {
    if left_out.iter().any(|own| own == id) {
        format!("{id}{LEFT_OUT}")
    } else {
        format!("{id} said nothing")
    }
}

fn would_work(
    context: &Context<'_>,
    findings: &[Finding],
    left_out: &[String],
) -> (Answer, Vec<String>) {
    if context.accounts.is_empty() {
        return (Answer::CannotTell, vec![context.none_declared()]);
    }
    let fatal: Vec<&Finding> = findings
        .iter()
        .filter(|f| FATAL.contains(&f.check.as_str()) && failed(f))
        .collect();
    let dead: BTreeSet<&str> = fatal.iter().map(|f| f.subject.as_str()).collect();
    let mut because = unique(fatal.iter().map(|f| sentence(f)).collect());
    if context
        .accounts
        .iter()
        .all(|a| dead.contains(a.subject.as_str()))
    {
        return (Answer::No, because);
    }
    because.extend(open(findings, left_out, FATAL));
    let (told, why) = told(findings, left_out);
    if told == Answer::No {
        return (Answer::No, why);
    }
    because.extend(why);
    if needs(context, findings, left_out, TESTED, "").0 != Answer::Yes {
        because.push(
            "that an alert reaches a person, only a drill proven by records shows (BG036)"
                .to_owned(),
        );
    }
    if because.is_empty() {
        let yes = "every account gets in by what was read, a use raises an alert, and a drill has shown it";
        (Answer::Yes, vec![yes.to_owned()])
    } else {
        (Answer::CannotTell, unique(because))
    }
}

/// Whether somebody would be told of a use, and why that is not certain.
///
/// One of three ways suffices: rules of Azure Monitor, rules of Microsoft Sentinel, our own monitor. *No* only when the
/// first two are seen to fail and our monitor is seen to stand still: where its runs are not known, it may watch.
fn told(findings: &[Finding], left_out: &[String]) -> (Answer, Vec<String>) {
    let own = findings.iter().filter(|f| f.check == OWN_MONITOR);
    if own.clone().any(|f| f.verdict == Verdict::Pass) {
        return (Answer::Yes, Vec::new());
    }
    let told = |f: &&Finding| {
        [TOLD, TOLD_HOW]
            .iter()
            .any(|of| of.contains(&f.check.as_str()))
    };
    let wrong = together(findings.iter().filter(told).filter(|f| failed(f)));
    if !wrong.is_empty() {
        let still = own.clone().any(failed);
        let answer = if still {
            Answer::No
        } else {
            Answer::CannotTell
        };
        return (answer, wrong);
    }
    let mut why = open(findings, left_out, TOLD);
    let how = || {
        findings
            .iter()
            .filter(|f| TOLD_HOW.contains(&f.check.as_str()))
    };
    why.extend(together(how().filter(|f| f.verdict == Verdict::CannotTell)));
    if how().all(|f| f.verdict != Verdict::Pass) {
        why.push("no rule is judged to tell anybody (BG057, BG064)".to_owned());
    }
    if why.is_empty() {
        (Answer::Yes, why)
    } else {
        (Answer::CannotTell, why)
    }
}

fn failed(finding: &Finding) -> bool {
    matches!(finding.verdict, Verdict::Fail | Verdict::Waived)
}

/// What keeps these checks from being passed, besides failures.
fn open(findings: &[Finding], left_out: &[String], needed: &[&str]) -> Vec<String> {
    let unknown =
        |f: &&Finding| needed.contains(&f.check.as_str()) && f.verdict == Verdict::CannotTell;
    let mut open = together(findings.iter().filter(unknown));
    for id in needed {
        let mut of = findings.iter().filter(|f| f.check == *id).peekable();
        if of.peek().is_none() {
            open.push(silence(id, left_out));
        } else if of.clone().all(|f| f.verdict == Verdict::NotApplicable) {
            open.extend(together(of));
        }
    }
    unique(open)
}

/// One sentence for all subjects of a check with the same cause.
fn together<'a>(findings: impl Iterator<Item = &'a Finding>) -> Vec<String> {
    let mut causes: Vec<(Vec<&str>, &Finding)> = Vec::new();
    for finding in findings {
        let same = |(_, own): &&mut (Vec<&str>, &Finding)| {
            own.check == finding.check && own.because == finding.because
        };
        match causes.iter_mut().find(same) {
            Some((subjects, _)) => subjects.push(&finding.subject),
            None => causes.push((vec![&finding.subject], finding)),
        }
    }
    causes
        .into_iter()
        .map(|(subjects, one)| format!("{}: {} ({})", subjects.join(", "), one.because, one.check))
        .collect()
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
