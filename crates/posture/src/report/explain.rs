//! The catalogue of checks at a terminal: one check in full, or all in a table.

use super::{
    RuleText,
    clean::{clean, columns, wrap},
};

/// One check: what it is about, why, what to do, and where the controls stand.
pub fn explain(rule: &RuleText, width: usize) -> String {
    let width = width.clamp(40, 200);
    let mut out = format!("{}  {}\n", clean(&rule.id), clean(&rule.name));
    let mut section = |heading: &str, body: &str| {
        let lines = wrap(body, width - 2);
        if lines.is_empty() {
            return;
        }
        if !heading.is_empty() {
            out.push('\n');
            out.push_str(heading);
            out.push('\n');
        }
        for line in lines {
            out.push_str("  ");
            out.push_str(&line);
            out.push('\n');
        }
    };
    section("", &rule.title);
    section(
        "Severity and requirement",
        &format!(
            "{} when it fails; requirement {}",
            rule.severity.as_str(),
            rule.requirement
        ),
    );
    section("Why it matters", &rule.rationale);
    section("What to do", &rule.fix);
    section("Evidence for", &rule.controls.join("; "));
    for own in &rule.conflicts {
        section(
            &format!("Where authorities disagree: {}", own.topic),
            &format!("One side: {}.", own.one),
        );
        section("", &format!("The other: {}.", own.other));
        section("", &format!("Here: {}.", own.ours));
    }
    out
}

/// All checks, one a line where the width allows it.
pub fn list(rules: &[RuleText], width: usize) -> String {
    let width = width.clamp(40, 200);
    let id_width = rules
        .iter()
        .map(|r| columns(&clean(&r.id)))
        .max()
        .unwrap_or(5);
    let indent = id_width + 2 + 8 + 2 + 3 + 2;
    let mut out = String::new();
    for rule in rules {
        let id = clean(&rule.id);
        let pad = " ".repeat(id_width - columns(&id));
        let severity = rule.severity.as_str();
        let requirement = clean(&rule.requirement);
        let head = format!("{id}{pad}  {severity:<8}  {requirement:<3}  ");
        for (i, line) in wrap(&rule.title, width.saturating_sub(indent))
            .iter()
            .enumerate()
        {
            if i == 0 {
                out.push_str(&head);
            } else {
                out.push_str(&" ".repeat(indent));
            }
            out.push_str(line);
            out.push('\n');
        }
    }
    out
}
