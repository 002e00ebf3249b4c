//! The proof for a person at a terminal.

use breakglass_posture::report::Style;

use super::{
    super::{
        document::proof::{Account, Policy, ProofDocument, Reach, Verdict},
        page::{BOLD, DIM, GREEN, Page, RED, YELLOW, capital, clean, unread},
    },
    answers, closes, names, ordered, summary, verdict,
};

/// Where the text of verdicts begins.
const INDENT: usize = 18;
/// Where name and reason of a policy begin.
const POLICY: usize = 27;

/// The document as text.
pub(super) fn text(document: &ProofDocument, about: &str, style: Style) -> String {
    let mut page = Page::new(style);
    page.line(
        &format!("Lockout proof of {}", document.head.tenant_name()),
        BOLD,
    );
    page.line(&format!("{}. {about}.", document.head.when()), DIM);
    for one in &document.accounts {
        account(&mut page, one);
    }
    page.heading("Summary");
    page.line(&summary(&document.accounts), "");
    let mut missing: Vec<String> = Vec::new();
    for account in &document.accounts {
        for datum in &account.missing {
            if !missing.contains(datum) {
                missing.push(datum.clone());
            }
        }
    }
    if let Some(confirmation) = &document.confirmation {
        page.list("Microsoft's own What If", " ·", "", &confirmation.lines());
    }
    page.list("Missing", " ?", YELLOW, &missing);
    page.list("Not read", " ?", YELLOW, &unread(&document.head));
    let aside: Vec<String> = document
        .set_aside
        .iter()
        .map(|piece| format!("{}, {}: {}", piece.file, piece.position, piece.reason))
        .collect();
    page.list("Set aside, not understood", " ?", YELLOW, &aside);
    page.list("Assumed", " ·", "", document.head.assumptions());
    page.finish()
}

fn account(page: &mut Page, account: &Account) {
    page.heading(account.name());
    if let (Some(_), Some(id)) = (&account.upn, &account.id) {
        page.line(&format!("object id {id}"), DIM);
    }
    let (symbol, word, sentence) = verdict(account.verdict);
    let color = match account.verdict {
        Verdict::GetsIn => GREEN,
        Verdict::LockedOut => RED,
        Verdict::CannotTell => YELLOW,
    };
    page.block(
        &format!(" {symbol} {word}"),
        &format!("1;{color}"),
        INDENT,
        &capital(sentence),
        BOLD,
    );
    for because in &account.because {
        page.block("", "", INDENT, because, "");
    }
    if let Some(sentence) = &account.way_in_sentence {
        page.block("   way in", "", INDENT, sentence, "");
    }
    if let Some(repair) = &account.repair {
        let (symbol, color) = if repair.able {
            ("✔", GREEN)
        } else {
            ("✘", RED)
        };
        page.block(
            &format!(" {symbol} repair"),
            color,
            INDENT,
            &repair.sentence,
            "",
        );
    }
    if !account.blame.is_empty() {
        let names = names(account, &account.blame).join(" + ");
        page.block(
            "   blame",
            "",
            INDENT,
            &format!("{names} {}", closes(account)),
            "",
        );
    }
    if account.blame.len() > 1 && !account.opens.is_empty() {
        page.block(
            "   opens",
            "",
            INDENT,
            &format!(
                "excluding the account from one of these alone opens a way in: {}",
                names(account, &account.opens).join(", ")
            ),
            "",
        );
    }
    for (label, good, answer) in answers(account) {
        let (symbol, color) = match good {
            Some(true) => ("✔", GREEN),
            Some(false) => ("✘", RED),
            None => ("?", YELLOW),
        };
        page.block(&format!(" {symbol} {label}"), color, INDENT, &answer, "");
    }
    for note in &account.notes {
        page.block("   note", "", INDENT, note, "");
    }
    for target in &account.targets {
        let (symbol, word, _) = verdict(target.verdict);
        page.block(
            &format!(" {symbol} target"),
            "",
            INDENT,
            &format!("{}: {}", target.name, word.to_lowercase()),
            "",
        );
    }
    if !account.policies.is_empty() {
        page.blank();
    }
    for one in ordered(account) {
        policy(page, one);
    }
}

fn policy(page: &mut Page, policy: &Policy) {
    let (symbol, color) = match (policy.reach, policy.intended) {
        (Reach::Can, false) => ("✘", RED),
        (Reach::CannotTell, false) => ("?", YELLOW),
        (Reach::Never, _) | (_, true) => ("✔", GREEN),
    };
    let label = format!(
        " {symbol} {:<12}{:<11}",
        policy.reach.words(),
        policy.effect.words()
    );
    let intended = if policy.intended { " (intended)" } else { "" };
    let body = format!("{}{intended}: {}", clean(&policy.name), policy.why);
    page.block(&label, color, POLICY, &body, "");
    if let Some(sentence) = policy.example() {
        page.under(POLICY, "└ ", sentence, DIM);
    }
}
