//! The report for a person at a terminal: the three answers first, then what to mend, then what is
//! missing. Words and symbols carry the meaning; colour only repeats it.

use breakglass_model::{
    CheckReport, Severity, Verdict,
    finding::{Answer, Question},
};

use super::{
    arrange::{self, Group, by_cause, by_missing, count, with_verdict},
    clean::{clean, columns, wrap},
};

/// How the text form is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether ANSI colours are wanted.
    pub color: bool,
    /// The columns of the terminal; 40 to 200 are used.
    pub width: usize,
    /// Whether passes and evidence are listed.
    pub verbose: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            color: false,
            width: 80,
            verbose: false,
        }
    }
}

const RED: &str = "31";
const GREEN: &str = "32";
const YELLOW: &str = "33";
const BOLD: &str = "1";
const DIM: &str = "2";

/// Where the text of verdicts and of findings begins.
const INDENT: usize = 16;
/// On a terminal that is narrower than this, texts stand below their labels instead of beside them.
const NARROW: usize = 60;
/// Where they begin there.
const NARROW_INDENT: usize = 4;
/// More subjects than this are counted instead of named, unless `verbose`.
const SUBJECTS_SHOWN: usize = 4;

/// The report as text.
pub fn text(report: &CheckReport, style: Style) -> String {
    let style = Style {
        width: style.width.clamp(40, 200),
        ..style
    };
    let mut page = Page {
        out: String::new(),
        style,
    };
    page.head(report);
    for question in &report.questions {
        page.question(report, question);
    }
    page.accounts(report);
    page.failing(report);
    page.undecided(report);
    page.quiet(report);
    page.disagreements(report);
    page.reading(report);
    page.rule();
    page.block("", "", 0, arrange::exit_meaning(report), "");
    page.out
}

struct Page {
    out: String,
    style: Style,
}

impl Page {
    fn paint(&self, text: &str, code: &str) -> String {
        if self.style.color && !code.is_empty() && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    fn is_narrow(&self) -> bool {
        self.style.width < NARROW
    }

    /// A label, and beside it a text that is wrapped under itself. The label stands in `indent` columns.
    fn block(&mut self, label: &str, label_code: &str, indent: usize, body: &str, body_code: &str) {
        let mut label = clean_label(label);
        let mut indent = indent;
        if indent == INDENT && self.is_narrow() {
            indent = NARROW_INDENT;
            if !label.is_empty() {
                let row = self.paint(&std::mem::take(&mut label), label_code);
                self.out.push_str(&row);
                self.blank();
            }
        }
        let room = self.style.width.saturating_sub(indent);
        let mut lines = wrap(body, room);
        if lines.is_empty() {
            lines.push(String::new());
        }
        for (i, line) in lines.iter().enumerate() {
            let (lead, pad) = if i == 0 {
                (
                    self.paint(&label, label_code),
                    indent.saturating_sub(columns(&label)),
                )
            } else {
                (String::new(), indent)
            };
            let row = format!("{lead}{}{}", " ".repeat(pad), self.paint(line, body_code));
            self.out.push_str(row.trim_end());
            self.out.push('\n');
        }
    }

    fn under(&mut self, body: &str) {
        if !clean(body).is_empty() {
            self.block("", "", INDENT, body, "");
        }
    }

    fn blank(&mut self) {
        self.out.push('\n');
    }

    fn rule(&mut self) {
        self.blank();
        let line = "─".repeat(self.style.width);
        let line = self.paint(&line, DIM);
        self.out.push_str(&line);
        self.blank();
    }

    fn heading(&mut self, title: &str) {
        self.blank();
        let line = "─".repeat(self.style.width.saturating_sub(columns(title) + 1));
        let row = format!("{} {}\n", self.paint(title, BOLD), self.paint(&line, DIM));
        self.out.push_str(&row);
    }

    fn head(&mut self, report: &CheckReport) {
        self.block(
            "",
            "",
            0,
            &format!("Emergency access of {}", arrange::tenant_name(report)),
            BOLD,
        );
        let collected = match &report.tenant.collected_at {
            Some(at) => format!("data collected {at}"),
            None => "the input does not say when the data was collected".to_owned(),
        };
        self.block(
            "",
            "",
            0,
            &format!("Judged at {}; {collected}.", report.at),
            DIM,
        );
        self.blank();
    }

    fn question(&mut self, report: &CheckReport, question: &Question) {
        let (symbol, code) = match question.answer {
            Answer::Yes => ("✔", GREEN),
            Answer::No => ("✘", RED),
            Answer::CannotTell => ("?", YELLOW),
        };
        let label = format!(" {symbol} {}", arrange::answer_word(question.answer));
        self.block(
            &label,
            &format!("1;{code}"),
            INDENT,
            &question.question,
            BOLD,
        );
        for because in &question.because {
            self.under(because);
        }
        if let Some(next) = arrange::next_step(report, question) {
            self.labelled("→ ", &next);
        }
        self.blank();
    }

    /// A text that hangs behind a short mark, under the text column.
    fn labelled(&mut self, mark: &str, body: &str) {
        if !clean(body).is_empty() {
            let indent = if self.is_narrow() {
                NARROW_INDENT
            } else {
                INDENT
            };
            let lead = format!("{}{mark}", " ".repeat(indent));
            self.block(&lead, "", columns(&lead), body, "");
        }
    }

    fn accounts(&mut self, report: &CheckReport) {
        self.out.truncate(self.out.trim_end_matches('\n').len() + 1);
        self.heading("Accounts");
        if report.accounts.is_empty() {
            self.block(
                "",
                "",
                3,
                "None was declared and none was found. Name them with --account.",
                "",
            );
        }
        for account in &report.accounts {
            let label = if account.declared {
                "   declared"
            } else {
                " ? proposed"
            };
            self.block(label, "", INDENT, &arrange::account_name(account), "");
            if let (Some(_), Some(id)) = (&account.upn, &account.id) {
                self.under(&format!("object id {id}"));
            }
            for reason in &account.reasons {
                self.under(&format!("because {reason}"));
            }
        }
    }

    fn failing(&mut self, report: &CheckReport) {
        let groups = by_cause(with_verdict(report, Verdict::Fail));
        if groups.is_empty() {
            return;
        }
        self.heading(&format!(
            "To mend: {}",
            count(report.summary.fail, "finding", "findings")
        ));
        for (i, group) in groups.iter().enumerate() {
            if i > 0 {
                self.blank();
            }
            let finding = group.first();
            let code = match finding.severity {
                Severity::Critical | Severity::High => RED,
                Severity::Medium => YELLOW,
                Severity::Low => "",
            };
            let label = format!(" ✘ {}", finding.severity.as_str().to_uppercase());
            let title = format!("{}  {}", clean(&finding.check), finding.title);
            self.block(&label, code, INDENT, &title, BOLD);
            self.under(&self.subjects(group));
            self.under(&finding.because);
            if self.style.verbose {
                for f in &group.findings {
                    for e in &f.evidence {
                        self.labelled("· ", &format!("{} {} = {}", e.object, e.field, e.value));
                    }
                }
            }
            self.labelled("→ ", &finding.fix);
        }
    }

    fn subjects(&self, group: &Group<'_>) -> String {
        let subjects = group.subjects();
        if self.style.verbose || subjects.len() <= SUBJECTS_SHOWN + 1 {
            return subjects.join(", ");
        }
        let more = subjects.len() - SUBJECTS_SHOWN;
        format!("{} and {more} more", subjects[..SUBJECTS_SHOWN].join(", "))
    }

    fn undecided(&mut self, report: &CheckReport) {
        let groups = by_missing(with_verdict(report, Verdict::CannotTell));
        if groups.is_empty() {
            return;
        }
        self.heading(&format!(
            "Cannot tell: {}",
            count(report.summary.cannot_tell, "finding", "findings")
        ));
        for (i, group) in groups.iter().enumerate() {
            if i > 0 {
                self.blank();
            }
            self.block(" ? MISSING", YELLOW, INDENT, &group.first().because, BOLD);
            for f in &group.findings {
                let line = format!("{} {} ({})", f.check, f.title, f.subject);
                self.labelled("· ", &line);
            }
            self.labelled("→ ", &group.first().fix);
        }
    }

    fn quiet(&mut self, report: &CheckReport) {
        let s = &report.summary;
        self.heading("The rest");
        let line = format!(
            "{} passed, {} waived, {} not applicable.",
            s.pass, s.waived, s.not_applicable
        );
        self.block(" ✔", GREEN, 3, &line, "");
        for f in with_verdict(report, Verdict::Waived) {
            self.block(
                " - waived",
                "",
                INDENT,
                &format!("{} {} ({})", f.check, f.title, f.subject),
                "",
            );
            self.under(&f.because);
        }
        if !self.style.verbose {
            return;
        }
        for f in with_verdict(report, Verdict::Pass) {
            self.block(
                " ✔ pass",
                GREEN,
                INDENT,
                &format!("{} {} ({})", f.check, f.title, f.subject),
                "",
            );
        }
        for f in with_verdict(report, Verdict::NotApplicable) {
            self.block(
                "   n/a",
                "",
                INDENT,
                &format!("{} {} ({})", f.check, f.title, f.subject),
                "",
            );
            self.under(&f.because);
        }
    }

    /// Both sides of what authorities ask, never one alone.
    fn disagreements(&mut self, report: &CheckReport) {
        let mut all = arrange::conflicts_of(report).peekable();
        if all.peek().is_none() {
            return;
        }
        self.heading("Where authorities disagree");
        for own in all {
            let topic = format!("{} ({})", own.topic, own.checks.join(", "));
            self.block(" ≠", "", 3, &topic, BOLD);
            self.block("   one", "", 10, own.one, "");
            self.block("   other", "", 10, own.other, "");
            self.block("   here", "", 10, own.ours, "");
        }
    }

    fn reading(&mut self, report: &CheckReport) {
        if !report.not_read.is_empty() {
            self.heading("Not read");
            for n in &report.not_read {
                self.block(
                    " ?",
                    YELLOW,
                    3,
                    &format!("{}: {}", n.collection, n.reason),
                    "",
                );
                if let Some(permission) = &n.permission {
                    self.block("   →", "", 5, &format!("readable with {permission}"), "");
                }
            }
        }
        if !report.set_aside.is_empty() {
            self.heading("Set aside, not understood");
            for s in &report.set_aside {
                self.block(
                    " ?",
                    YELLOW,
                    3,
                    &format!("{}, {}: {}", s.file, s.position, s.reason),
                    "",
                );
            }
        }
        if !report.assumptions.is_empty() {
            self.heading("Assumed");
            for assumption in &report.assumptions {
                self.block(" ·", "", 3, assumption, "");
            }
        }
    }
}

/// Labels are ours and keep their leading spaces, so they are only checked, not trimmed.
fn clean_label(label: &str) -> String {
    label.chars().filter(|c| !c.is_control()).collect()
}
