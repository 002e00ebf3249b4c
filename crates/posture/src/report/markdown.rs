//! The report for a pull request comment or a wiki.

use std::fmt::Write as _;

use breakglass_model::{CheckReport, Verdict, finding::Answer};

use super::{
    arrange::{self, by_cause, by_missing, with_verdict},
    clean::clean,
};

/// The report as Markdown.
pub fn markdown(report: &CheckReport) -> String {
    let mut out = String::new();
    let s = &report.summary;
    let _ = writeln!(
        out,
        "## Emergency access: {}\n",
        escape(&arrange::tenant_name(report))
    );
    let _ = writeln!(
        out,
        "Judged at {}. {} failed, {} cannot tell, {} passed, {} waived, {} not applicable.\n",
        escape(&report.at),
        s.fail,
        s.cannot_tell,
        s.pass,
        s.waived,
        s.not_applicable
    );
    let _ = writeln!(out, "| | Question | Why | Next |\n|---|---|---|---|");
    for q in &report.questions {
        let because: Vec<String> = q.because.iter().map(|b| escape(b)).collect();
        let next = arrange::next_step(report, q).unwrap_or_default();
        let symbol = match q.answer {
            Answer::Yes => "✅",
            Answer::No => "❌",
            Answer::CannotTell => "❔",
        };
        let _ = writeln!(
            out,
            "| {symbol} **{}** | {} | {} | {} |",
            arrange::answer_word(q.answer),
            escape(&q.question),
            because.join("<br>"),
            escape(&next)
        );
    }
    failing(&mut out, report);
    undecided(&mut out, report);
    accepted(&mut out, report);
    disagreements(&mut out, report);
    rest(&mut out, report);
    out
}

fn failing(out: &mut String, report: &CheckReport) {
    let groups = by_cause(with_verdict(report, Verdict::Fail));
    if groups.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n### To mend\n\n| Severity | Check | About | Because | Fix |\n|---|---|---|---|---|"
    );
    for group in groups {
        let f = group.first();
        let subjects: Vec<String> = group.subjects().iter().map(|s| escape(s)).collect();
        let _ = writeln!(
            out,
            "| **{}** | {} {} | {} | {} | {} |",
            f.severity.as_str(),
            escape(&f.check),
            escape(&f.title),
            subjects.join("<br>"),
            escape(&f.because),
            escape(&f.fix)
        );
    }
}

fn undecided(out: &mut String, report: &CheckReport) {
    let groups = by_missing(with_verdict(report, Verdict::CannotTell));
    if groups.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n### Cannot tell\n\n| Missing | Checks that need it |\n|---|---|"
    );
    for group in groups {
        let checks: Vec<String> = group
            .findings
            .iter()
            .map(|f| {
                format!(
                    "{} {} ({})",
                    escape(&f.check),
                    escape(&f.title),
                    escape(&f.subject)
                )
            })
            .collect();
        let _ = writeln!(
            out,
            "| {} | {} |",
            escape(&group.first().because),
            checks.join("<br>")
        );
    }
}

fn accepted(out: &mut String, report: &CheckReport) {
    let waived = with_verdict(report, Verdict::Waived);
    if waived.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n### Waived\n\n| Check | About | Reason |\n|---|---|---|"
    );
    for f in waived {
        let _ = writeln!(
            out,
            "| {} {} | {} | {} |",
            escape(&f.check),
            escape(&f.title),
            escape(&f.subject),
            escape(&f.because)
        );
    }
}

/// Both sides of what authorities ask, never one alone.
fn disagreements(out: &mut String, report: &CheckReport) {
    let mut all = arrange::conflicts_of(report).peekable();
    if all.peek().is_none() {
        return;
    }
    let _ = writeln!(
        out,
        "\n### Where authorities disagree\n\n| Matter | One side | The other | Here | Checks |\n|---|---|---|---|---|"
    );
    for own in all {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} |",
            escape(own.topic),
            escape(own.one),
            escape(own.other),
            escape(own.ours),
            own.checks.join(", ")
        );
    }
}

fn rest(out: &mut String, report: &CheckReport) {
    if !report.not_read.is_empty() {
        let _ = writeln!(
            out,
            "\n### Not read\n\n| Data | Reason | Permission |\n|---|---|---|"
        );
        for n in &report.not_read {
            let permission = n.permission.as_deref().map(escape).unwrap_or_default();
            let _ = writeln!(
                out,
                "| {} | {} | {permission} |",
                escape(&n.collection),
                escape(&n.reason)
            );
        }
    }
    if !report.set_aside.is_empty() {
        let _ = writeln!(
            out,
            "\n### Set aside\n\n| File | Place | Reason |\n|---|---|---|"
        );
        for s in &report.set_aside {
            let _ = writeln!(
                out,
                "| {} | {} | {} |",
                escape(&s.file),
                escape(&s.position),
                escape(&s.reason)
            );
        }
    }
    if !report.assumptions.is_empty() {
        let _ = writeln!(out, "\n### Assumed\n");
        for a in &report.assumptions {
            let _ = writeln!(out, "- {}", escape(a));
        }
    }
}

/// One line of text in which nothing is markup: no cell ends early, no link, image, mention or HTML.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An entity, so that a name can't notify people on a code hosting site.
            '@' => out.push_str("&#64;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
