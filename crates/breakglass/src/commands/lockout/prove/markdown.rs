//! The proof for a pull request or a wiki.

use std::fmt::Write as _;

use super::{
    super::{
        document::proof::{Account, ProofDocument, Reach},
        escape::markdown as escape,
        page::{capital, unread},
    },
    answers, closes, names, ordered, summary, verdict,
};

/// The document as Markdown.
pub(super) fn markdown(document: &ProofDocument, about: &str) -> String {
    let mut out = String::new();
    let _infallible = writeln!(
        out,
        "## Lockout proof: {}\n\n{}. {}.\n\n**{}**",
        escape(&document.head.tenant_name()),
        escape(&document.head.when()),
        escape(about),
        escape(&summary(&document.accounts))
    );
    for one in &document.accounts {
        account(&mut out, one);
    }
    let aside: Vec<String> = document
        .set_aside
        .iter()
        .map(|piece| format!("{}, {}: {}", piece.file, piece.position, piece.reason))
        .collect();
    if let Some(confirmation) = &document.confirmation {
        list(&mut out, "Microsoft's own What If", &confirmation.lines());
    }
    list(&mut out, "Not read", &unread(&document.head));
    list(&mut out, "Set aside", &aside);
    list(&mut out, "Assumed", document.head.assumptions());
    out
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _infallible = writeln!(out, "\n### {title}\n");
    for item in items {
        let _infallible = writeln!(out, "- {}", escape(item));
    }
}

fn account(out: &mut String, account: &Account) {
    let (_, word, sentence) = verdict(account.verdict);
    let symbol = symbol(match account.verdict {
        super::Verdict::GetsIn => Some(true),
        super::Verdict::LockedOut => Some(false),
        super::Verdict::CannotTell => None,
    });
    let _infallible = writeln!(
        out,
        "\n### {}\n\n{symbol} **{word}**: {}\n",
        escape(account.name()),
        escape(&capital(sentence))
    );
    for because in &account.because {
        let _infallible = writeln!(out, "- {}", escape(because));
    }
    if let Some(sentence) = &account.way_in_sentence {
        let _infallible = writeln!(out, "- way in: {}", escape(sentence));
    }
    if !account.blame.is_empty() {
        let names: Vec<String> = names(account, &account.blame)
            .into_iter()
            .map(escape)
            .collect();
        let _infallible = writeln!(out, "- blame: {} {}", names.join(" + "), closes(account));
    }
    for (label, good, answer) in answers(account) {
        let _infallible = writeln!(out, "- {} {label}: {}", self::symbol(good), escape(&answer));
    }
    for note in &account.notes {
        let _infallible = writeln!(out, "- note: {}", escape(note));
    }
    for target in &account.targets {
        let (_, word, _) = verdict(target.verdict);
        let _infallible = writeln!(out, "- {}: {}", escape(&target.name), word.to_lowercase());
    }
    for datum in &account.missing {
        let _infallible = writeln!(out, "- missing: {}", escape(datum));
    }
    if account.policies.is_empty() {
        return;
    }
    let _infallible = writeln!(
        out,
        "\n| | Reach | Effect | Policy | Why | For example |\n|---|---|---|---|---|---|"
    );
    for policy in ordered(account) {
        let good = match (policy.reach, policy.intended) {
            (Reach::Can, false) => Some(false),
            (Reach::CannotTell, false) => None,
            (Reach::Never, _) | (_, true) => Some(true),
        };
        let intended = if policy.intended { " (intended)" } else { "" };
        let example = policy.example().unwrap_or_default();
        let _infallible = writeln!(
            out,
            "| {} | {} | {} | {}{intended} | {} | {} |",
            self::symbol(good),
            policy.reach.words(),
            policy.effect.words(),
            escape(&policy.name),
            escape(&policy.why),
            escape(example)
        );
    }
}

fn symbol(good: Option<bool>) -> &'static str {
    match good {
        Some(true) => "✅",
        Some(false) => "❌",
        None => "❔",
    }
}
