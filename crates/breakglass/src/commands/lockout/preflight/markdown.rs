//! The pre-flight as a pull-request comment. GitHub refuses comments above 65,536 characters, so long lists
//! are cut, and so is the whole in the last resort.

use std::fmt::Write as _;

use super::{
    super::{
        document::preflight::{Comparison, Difference, Kind, PreflightDocument, Sides, Verdict},
        escape::markdown as escape,
        page::{capital, some, unread},
    },
    verdict,
};

/// The most characters of a comment.
const LIMIT: usize = 64_000;
/// How many rows of a table are shown.
const ROWS: usize = 20;
/// How many lines of a list are shown.
const LINES: usize = 15;
/// How many names of people are shown.
const NAMES: usize = 5;

/// The document as Markdown.
pub(super) fn markdown(document: &PreflightDocument, about: &str) -> String {
    let mut out = String::new();
    let (_, word, sentence) = verdict(&document.comparison);
    let _infallible = writeln!(
        out,
        "## {} Conditional Access pre-flight: {word}\n\n**{}.**",
        symbol(document.comparison.verdict),
        capital(sentence)
    );
    comparison(&mut out, &document.comparison);
    if document.if_report_only_enabled == document.comparison {
        out.push_str("\nWhen the report-only policies go live: the same.\n");
    } else {
        let live = &document.if_report_only_enabled;
        let (_, word, sentence) = verdict(live);
        let _infallible = writeln!(
            out,
            "\n<details><summary>When the report-only policies go live: {} <b>{word}</b>: {sentence}</summary>\n",
            symbol(live.verdict)
        );
        comparison(&mut out, live);
        out.push_str("\n</details>\n");
    }
    list(&mut out, "What changes", &document.changes);
    list(&mut out, "Warnings", &document.warnings);
    if let Some(confirmation) = &document.confirmation {
        list(&mut out, "Microsoft's own What If", &confirmation.lines());
    }
    list(&mut out, "Not read", &unread(&document.head));
    let aside: Vec<String> = document
        .set_aside
        .iter()
        .map(|piece| format!("{}, {}: {}", piece.file, piece.position, piece.reason))
        .collect();
    list(&mut out, "Set aside, not understood", &aside);
    list(&mut out, "Assumed", document.head.assumptions());
    let _infallible = writeln!(
        out,
        "\n<sub>{}: {}. After the change: {}.</sub>",
        escape(&document.head.tenant_name()),
        escape(&document.head.when()),
        escape(about)
    );
    cut(out)
}

/// The whole text, or as many of its lines as fit.
fn cut(text: String) -> String {
    if text.chars().count() <= LIMIT {
        return text;
    }
    let mut kept = String::new();
    let mut used = 0;
    let mut left = 0;
    for line in text.lines() {
        used += line.chars().count() + 1;
        if used > LIMIT - 200 {
            left += 1;
        } else {
            kept.push_str(line);
            kept.push('\n');
        }
    }
    if kept.matches("<details>").count() > kept.matches("</details>").count() {
        kept.push_str("\n</details>\n");
    }
    let _infallible = writeln!(
        kept,
        "\n… and {left} more lines; `--format json` has everything."
    );
    kept
}

fn comparison(out: &mut String, comparison: &Comparison) {
    let (_, _, sentence) = verdict(comparison);
    let because: Vec<&String> = comparison
        .because
        .iter()
        .filter(|because| *because != sentence)
        .collect();
    if !because.is_empty() {
        out.push('\n');
    }
    for because in because.into_iter().take(LINES) {
        let _infallible = writeln!(out, "- {}", escape(because));
    }
    let _infallible = writeln!(
        out,
        "\n| | With a way in before | After | No way in any more |\n|---|---|---|---|"
    );
    row(out, "Emergency access accounts", &comparison.accounts);
    row(out, "Administrators", &comparison.administrators);
    list(
        out,
        "New policies on emergency access accounts",
        &comparison.newly_reached(),
    );
    differences(out, "Who loses", &comparison.lost);
    differences(out, "Who gains", &comparison.gained);
    list(out, "Missing", &comparison.missing);
}

fn row(out: &mut String, title: &str, sides: &Sides) {
    let _infallible = writeln!(
        out,
        "| {title} | {} of {} | {} of {} | {} |",
        sides.before.way_in,
        sides.before.total,
        sides.after.way_in,
        sides.after.total,
        escape(&some(&sides.lost(), NAMES))
    );
}

fn differences(out: &mut String, title: &str, all: &[Difference]) {
    if all.is_empty() {
        return;
    }
    let _infallible = writeln!(
        out,
        "\n#### {title}\n\n| Who | For example | By |\n|---|---|---|"
    );
    let mut ordered: Vec<&Difference> = all.iter().collect();
    ordered.sort_by_key(|difference| match difference.who.kind {
        Kind::Account => 0,
        Kind::Administrator => 1,
        Kind::User => 2,
    });
    for difference in ordered.iter().take(ROWS) {
        let by: Vec<String> = difference.by.iter().map(|p| escape(&p.name)).collect();
        let (one, many) = if title == "Who gains" {
            ("gains", "gain")
        } else {
            ("loses", "lose")
        };
        let _infallible = writeln!(
            out,
            "| {} | {} | {} |",
            escape(&difference.headline(one, many, NAMES)),
            escape(&difference.witness_sentence),
            by.join("<br>")
        );
    }
    if all.len() > ROWS {
        let _infallible = writeln!(out, "\n… and {} more.", all.len() - ROWS);
    }
}

fn list(out: &mut String, title: &str, items: &[String]) {
    if items.is_empty() {
        return;
    }
    let _infallible = writeln!(out, "\n#### {title}\n");
    for item in items.iter().take(LINES) {
        let _infallible = writeln!(out, "- {}", escape(item));
    }
    if items.len() > LINES {
        let _infallible = writeln!(out, "- … and {} more", items.len() - LINES);
    }
}

fn symbol(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Safe => "✅",
        Verdict::Narrows => "⚠️",
        Verdict::LocksOut => "❌",
        Verdict::CannotTell => "❔",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn x1_a_comment_is_never_too_long() {
        let long = "line of text\n".repeat(10_000);
        let text = cut(long);
        assert!(text.chars().count() < 65_000);
        assert!(text.contains("more lines"));
        assert_eq!(cut("short".to_owned()), "short");
    }
}
