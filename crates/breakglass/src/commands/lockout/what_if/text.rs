//! One sign-in for a person at a terminal.

use breakglass_posture::report::Style;

use super::super::{
    document::{
        Answer, End,
        what_if::{Policy, WhatIfDocument},
    },
    page::{BOLD, DIM, GREEN, Page, RED, YELLOW, capital, clean, count, unread},
};

/// Where the text of policies begins.
const INDENT: usize = 14;

/// The document as text.
pub(super) fn text(document: &WhatIfDocument, about: &str, style: Style) -> String {
    let mut page = Page::new(style);
    let (symbol, word, color) = match document.outcome {
        End::Allow | End::Challenge => ("✔", "GETS IN", GREEN),
        End::Deny => ("✘", "DENIED", RED),
        End::Block => ("✘", "BLOCKED", RED),
        End::Unknown => ("?", "CANNOT TELL", YELLOW),
    };
    page.block(
        &format!(" {symbol} {word}"),
        &format!("1;{color}"),
        16,
        &outcome(document),
        BOLD,
    );
    page.block("", "", 16, &capital(&document.sentence), "");
    page.line(
        &format!(
            "{}: {}. {about}.",
            document.head.tenant_name(),
            document.head.when()
        ),
        DIM,
    );
    group(&mut page, document, Answer::Yes, "Applies");
    group(&mut page, document, Answer::Unknown, "May apply");
    group(&mut page, document, Answer::No, "Does not apply");
    gates(&mut page, document);
    if let Some(confirmation) = &document.confirmation {
        page.list("Microsoft's own What If", " ·", "", &confirmation.lines());
    }
    page.list("Missing", " ?", YELLOW, &document.missing);
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

/// The outcome as a sentence.
fn outcome(document: &WhatIfDocument) -> String {
    let who = &document.user.name;
    let those = |wanted: &dyn Fn(&Policy) -> bool| -> Vec<String> {
        let policies = document.policies.iter().filter(|policy| {
            policy.applies == Answer::Yes && policy.met != Some(Answer::Yes) && wanted(policy)
        });
        policies.map(|policy| clean(&policy.name)).collect()
    };
    match document.outcome {
        End::Allow => format!("{who} gets in, and nothing is asked for."),
        End::Challenge => format!("{who} gets in after meeting what is asked for."),
        End::Block => format!(
            "{who} is blocked by {}.",
            those(&|policy| policy.blocks).join(" and ")
        ),
        End::Deny => {
            let mut in_the_way = those(&|policy| policy.met == Some(Answer::No));
            in_the_way.extend(
                document
                    .gates
                    .iter()
                    .filter(|gate| gate.applies == Answer::Yes && gate.met == Answer::No)
                    .map(|gate| gate.name.clone()),
            );
            format!(
                "{who} does not get in: what {} asks for can't be met.",
                in_the_way.join(" and ")
            )
        }
        End::Unknown => format!("It can't be told whether {who} gets in."),
    }
}

fn group(page: &mut Page, document: &WhatIfDocument, applies: Answer, title: &str) {
    let policies: Vec<&Policy> = document
        .policies
        .iter()
        .filter(|policy| policy.applies == applies)
        .collect();
    if policies.is_empty() {
        return;
    }
    page.heading(&format!(
        "{title}: {}",
        count(policies.len(), "policy", "policies")
    ));
    for policy in policies {
        match applies {
            Answer::Yes => applying(page, policy),
            Answer::Unknown => {
                applying(page, policy);
                for condition in &policy.conditions {
                    if condition.matches == Answer::Unknown {
                        page.under(INDENT, "└ ", &condition.because, DIM);
                    }
                }
            }
            Answer::No => {
                let decided = policy
                    .conditions
                    .iter()
                    .find(|condition| condition.matches == Answer::No);
                let why = decided.map_or_else(
                    || "a condition does not match".to_owned(),
                    |condition| format!("{}: {}", condition.name, condition.because),
                );
                page.under(1, "- ", &format!("{} — {why}", clean(&policy.name)), "");
            }
        }
    }
}

fn applying(page: &mut Page, policy: &Policy) {
    let may = policy.applies == Answer::Unknown;
    let (symbol, word, color) = match (policy.met, policy.blocks) {
        (Some(Answer::No), true) if may => ("?", "may block", YELLOW),
        (Some(Answer::No), false) if may => ("?", "not met", YELLOW),
        (Some(Answer::No), true) => ("✘", "blocks", RED),
        (Some(Answer::No), false) => ("✘", "not met", RED),
        (Some(Answer::Unknown), _) => ("?", "unclear", YELLOW),
        (Some(Answer::Yes) | None, _) => ("✔", "met", GREEN),
    };
    let why = policy
        .unmet
        .as_ref()
        .filter(|_| !policy.blocks)
        .map(|why| format!(" — {why}"))
        .unwrap_or_default();
    let does = if policy.blocks {
        "blocks access".to_owned()
    } else {
        format!("asks for {}", policy.asks)
    };
    page.block(
        &format!(" {symbol} {word}"),
        color,
        INDENT,
        &format!("{}: {does}{why}", clean(&policy.name)),
        "",
    );
}

fn gates(page: &mut Page, document: &WhatIfDocument) {
    let gates: Vec<_> = document
        .gates
        .iter()
        .filter(|gate| gate.applies != Answer::No)
        .collect();
    if gates.is_empty() {
        return;
    }
    page.heading("Outside Conditional Access");
    for gate in gates {
        let (symbol, word, color) = match gate.met {
            Answer::Yes => ("✔", "met", GREEN),
            Answer::No => ("✘", "not met", RED),
            Answer::Unknown => ("?", "unclear", YELLOW),
        };
        let may = if gate.applies == Answer::Unknown {
            " (may apply)"
        } else {
            ""
        };
        page.block(
            &format!(" {symbol} {word}"),
            color,
            INDENT,
            &format!("{}{may}", gate.name),
            "",
        );
    }
}
