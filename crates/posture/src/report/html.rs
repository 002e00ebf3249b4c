//! One page for a browser, a phone or a printer: nothing is loaded from elsewhere and no script runs, so
//! it can be mailed, archived and opened on a machine without a network.

use std::fmt::Write as _;

use breakglass_model::{
    CheckReport, Finding, Severity, Verdict,
    finding::{Answer, Question},
};

use super::{
    RuleText,
    arrange::{self, Group, by_cause, by_missing, with_verdict},
    clean::clean,
};

const CSS: &str = include_str!("html.css");

/// The report as one HTML page.
pub fn html(report: &CheckReport, rules: &[RuleText]) -> String {
    let mut out = String::new();
    let tenant = escape(&arrange::tenant_name(report));
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n\
         <title>Emergency access of {tenant}</title>\n<style>\n{CSS}</style>\n</head>\n<body>\n\
         <a class=\"skip\" href=\"#main\">Skip to the answers</a>\n"
    );
    head(&mut out, report);
    out.push_str("<main id=\"main\">\n");
    questions(&mut out, report);
    accounts(&mut out, report);
    failing(&mut out, report, rules);
    undecided(&mut out, report);
    quiet(&mut out, report);
    disagreements(&mut out, report);
    reading(&mut out, report);
    let _ = write!(
        out,
        "</main>\n<footer>\n<p>{}</p>\n<p>Written by {} {} from input with SHA-256 <code>{}</code>.</p>\n</footer>\n</body>\n</html>\n",
        escape(arrange::exit_meaning(report)),
        escape(&report.tool.name),
        escape(&report.tool.version),
        escape(&report.tenant.digest)
    );
    out
}

fn head(out: &mut String, report: &CheckReport) {
    let s = &report.summary;
    let tenant = &report.tenant;
    let name = tenant.name.as_deref().unwrap_or("a tenant without a name");
    let id = match &tenant.id {
        Some(id) => format!("Tenant <code>{}</code>. ", escape(id)),
        None => String::new(),
    };
    let collected = match &report.tenant.collected_at {
        Some(at) => format!("data collected {}", escape(at)),
        None => "the input does not say when the data was collected".to_owned(),
    };
    let _ = write!(
        out,
        "<header>\n<h1>Emergency access of {}</h1>\n<p class=\"soft\">{id}Judged at {}; {collected}.</p>\n\
         <ul class=\"counts\"><li><strong>{}</strong> failed</li><li><strong>{}</strong> cannot tell</li><li><strong>{}</strong> passed</li>\
         <li><strong>{}</strong> waived</li><li><strong>{}</strong> not applicable</li></ul>\n</header>\n",
        escape(name),
        escape(&report.at),
        s.fail,
        s.cannot_tell,
        s.pass,
        s.waived,
        s.not_applicable
    );
}

fn questions(out: &mut String, report: &CheckReport) {
    out.push_str("<section aria-labelledby=\"q\">\n<h2 id=\"q\">The three questions</h2>\n<div class=\"cards\">\n");
    for q in &report.questions {
        question(out, report, q);
    }
    out.push_str("</div>\n</section>\n");
}

fn question(out: &mut String, report: &CheckReport, q: &Question) {
    let (tone, symbol) = match q.answer {
        Answer::Yes => ("pass", "✔"),
        Answer::No => ("fail", "✘"),
        Answer::CannotTell => ("open", "?"),
    };
    let word = arrange::answer_word(q.answer);
    let _ = write!(
        out,
        "<article class=\"card {tone}\">\n<h3>{}</h3>\n<p class=\"answer\"><span aria-hidden=\"true\">{symbol}</span> {word}</p>\n",
        escape(&q.question)
    );
    for because in &q.because {
        let _ = writeln!(out, "<p>{}</p>", escape(because));
    }
    if let Some(next) = arrange::next_step(report, q) {
        let _ = writeln!(
            out,
            "<p class=\"next\"><strong>Next:</strong> {}</p>",
            escape(&next)
        );
    }
    out.push_str("</article>\n");
}

fn accounts(out: &mut String, report: &CheckReport) {
    let rows = report.accounts.iter().map(|account| {
        let standing = if account.declared {
            "declared"
        } else {
            "proposed, not declared"
        };
        let id = account
            .id
            .as_ref()
            .map(ToString::to_string)
            .unwrap_or_default();
        vec![
            arrange::account_name(account),
            id,
            standing.to_owned(),
            account.reasons.join("; "),
        ]
    });
    table(
        out,
        "Accounts",
        &["Account", "Object id", "Standing", "Why proposed"],
        &rows.collect::<Vec<_>>(),
    );
}

fn failing(out: &mut String, report: &CheckReport, rules: &[RuleText]) {
    let groups = by_cause(with_verdict(report, Verdict::Fail));
    if groups.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"fail\">\n<h2 id=\"fail\">To mend</h2>\n");
    for group in &groups {
        let f = group.first();
        let tone = match f.severity {
            Severity::Critical | Severity::High => "fail",
            Severity::Medium => "open",
            Severity::Low => "calm",
        };
        let _ = write!(
            out,
            "<article class=\"finding {tone}\">\n<h3><span class=\"tag\">{}</span>{} {}</h3>\n<p class=\"soft\">{}</p>\n<p>{}</p>\n",
            f.severity.as_str().to_uppercase(),
            escape(&f.check),
            escape(&f.title),
            escape(&group.subjects().join(", ")),
            escape(&f.because)
        );
        if !f.fix.is_empty() {
            let _ = writeln!(out, "<p><strong>Next:</strong> {}</p>", escape(&f.fix));
        }
        let rule = rules.iter().find(|rule| rule.id == f.check);
        evidence(out, group, rule);
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

fn evidence(out: &mut String, group: &Group<'_>, rule: Option<&RuleText>) {
    let f = group.first();
    let _ = write!(
        out,
        "<details>\n<summary>Why {} matters, and the evidence</summary>\n<p class=\"soft\">Requirement {}</p>\n",
        escape(&f.check),
        escape(&f.requirement)
    );
    if let Some(rule) = rule {
        let _ = writeln!(out, "<p>{}</p>", escape(&rule.rationale));
    }
    let rows: Vec<Vec<String>> = group
        .findings
        .iter()
        .flat_map(|f| &f.evidence)
        .map(|e| vec![e.object.clone(), e.field.clone(), e.value.clone()])
        .collect();
    rows_of(out, "What was read", &["Object", "Field", "Value"], &rows);
    if !f.controls.is_empty() {
        let _ = writeln!(
            out,
            "<p class=\"soft\">Controls: {}</p>",
            escape(&f.controls.join("; "))
        );
    }
    out.push_str("</details>\n");
}

fn undecided(out: &mut String, report: &CheckReport) {
    let groups = by_missing(with_verdict(report, Verdict::CannotTell));
    if groups.is_empty() {
        return;
    }
    out.push_str("<section aria-labelledby=\"open\">\n<h2 id=\"open\">Cannot tell</h2>\n");
    for group in &groups {
        let f = group.first();
        let _ = writeln!(
            out,
            "<article class=\"finding open\">\n<h3><span class=\"tag\">? MISSING</span>{}</h3>\n<ul>",
            escape(&f.because)
        );
        for f in &group.findings {
            let _ = writeln!(out, "<li>{}</li>", escape(&line(f)));
        }
        out.push_str("</ul>\n");
        if !f.fix.is_empty() {
            let _ = writeln!(out, "<p><strong>Next:</strong> {}</p>", escape(&f.fix));
        }
        out.push_str("</article>\n");
    }
    out.push_str("</section>\n");
}

fn line(f: &Finding) -> String {
    format!("{} {} ({})", f.check, f.title, f.subject)
}

fn quiet(out: &mut String, report: &CheckReport) {
    for (verdict, title) in [
        (Verdict::Waived, "Waived"),
        (Verdict::Pass, "Passed"),
        (Verdict::NotApplicable, "Not applicable"),
    ] {
        let rows = with_verdict(report, verdict).into_iter().map(|f| {
            vec![
                f.check.clone(),
                f.title.clone(),
                f.subject.clone(),
                f.because.clone(),
            ]
        });
        table(
            out,
            title,
            &["Check", "Title", "About", "Because"],
            &rows.collect::<Vec<_>>(),
        );
    }
}

/// Both sides of what authorities ask, never one alone.
fn disagreements(out: &mut String, report: &CheckReport) {
    let rows: Vec<Vec<String>> = arrange::conflicts_of(report)
        .map(|own| {
            [own.topic, own.one, own.other, own.ours]
                .map(str::to_owned)
                .into_iter()
                .chain([own.checks.join(", ")])
                .collect()
        })
        .collect();
    table(
        out,
        "Where authorities disagree",
        &["Matter", "One side", "The other", "Here", "Checks"],
        &rows,
    );
}

fn reading(out: &mut String, report: &CheckReport) {
    let rows = report.not_read.iter().map(|n| {
        vec![
            n.collection.clone(),
            n.reason.clone(),
            n.permission.clone().unwrap_or_default(),
        ]
    });
    table(
        out,
        "Not read",
        &["Data", "Reason", "Readable with"],
        &rows.collect::<Vec<_>>(),
    );
    let rows = report
        .set_aside
        .iter()
        .map(|s| vec![s.file.clone(), s.position.clone(), s.reason.clone()]);
    table(
        out,
        "Set aside, not understood",
        &["File", "Place", "Reason"],
        &rows.collect::<Vec<_>>(),
    );
    if !report.assumptions.is_empty() {
        out.push_str("<section>\n<h2>Assumed</h2>\n<ul>\n");
        for assumption in &report.assumptions {
            let _ = writeln!(out, "<li>{}</li>", escape(assumption));
        }
        out.push_str("</ul>\n</section>\n");
    }
}

/// A section with a table; nothing when there are no rows.
fn table(out: &mut String, title: &str, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let _ = writeln!(out, "<section>\n<h2>{}</h2>", escape(title));
    rows_of(out, title, heads, rows);
    out.push_str("</section>\n");
}

/// The table alone. It can be scrolled by keyboard, so it is focusable and has a name.
fn rows_of(out: &mut String, name: &str, heads: &[&str], rows: &[Vec<String>]) {
    if rows.is_empty() {
        return;
    }
    let name = escape(name);
    let _ = write!(
        out,
        "<div class=\"scroll\" role=\"region\" aria-label=\"{name}\" tabindex=\"0\">\n<table>\n<thead><tr>"
    );
    for head in heads {
        let _ = write!(out, "<th scope=\"col\">{}</th>", escape(head));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in rows {
        out.push_str("<tr>");
        for (head, cell) in heads.iter().zip(row) {
            // On a phone the heads are hidden and each cell shows its own.
            let _ = write!(
                out,
                "<td data-head=\"{}\">{}</td>",
                escape(head),
                escape(cell)
            );
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody>\n</table>\n</div>\n");
}

/// Text as HTML text or attribute value.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            c => out.push(c),
        }
    }
    out
}
