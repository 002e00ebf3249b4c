//! The forms in which a check report leaves the program. Everything here is pure: a report in, a string
//! out. Where something is printed, and with which exit code, is decided by the caller.

mod arrange;
mod clean;
pub mod csv;
pub mod explain;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod sarif;
pub mod text;

use breakglass_model::{CheckReport, Severity};

use crate::Conflict;

pub use explain::{explain, list};
pub use text::Style;

/// What a report needs to know about a check beside its findings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleText {
    /// The code, `BG001`.
    pub id: String,
    /// The name in kebab case, `fewer-than-two-accounts`.
    pub name: String,
    /// The requirement in `A1` … `X7` form.
    pub requirement: String,
    /// The title, as in findings.
    pub title: String,
    /// The severity when it fails.
    pub severity: Severity,
    /// Why it matters, in plain sentences.
    pub rationale: String,
    /// What to do when it fails.
    pub fix: String,
    /// The whole page of the check, in Markdown.
    pub help_markdown: String,
    /// Controls of frameworks, with the version (`CIS M365 7.0.0 1.1.2`).
    pub controls: Vec<String>,
    /// Authorities that ask for opposite things in this matter.
    pub conflicts: Vec<Conflict>,
}

/// The forms of a report.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// For a person at a terminal.
    Text,
    /// For programs: `breakglass/check-report/v1`.
    Json,
    /// One page for a browser or a printer.
    Html,
    /// For a pull request comment or a wiki.
    Markdown,
    /// For a spreadsheet.
    Csv,
    /// For a test dashboard.
    Junit,
    /// For a code scanning service.
    Sarif,
}

/// A report that could not be written.
#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    /// The JSON writer refused.
    #[error("the report can't be written as JSON: {0}")]
    Json(#[from] serde_json::Error),
    /// The XML writer refused.
    #[error("the report can't be written as JUnit XML: {0}")]
    Junit(#[from] quick_junit::SerializeError),
}

/// Writes a report in one of the forms. `style` concerns [`Format::Text`] only.
pub fn render(
    report: &CheckReport,
    rules: &[RuleText],
    format: Format,
    style: Style,
) -> Result<String, ReportError> {
    match format {
        Format::Text => Ok(text::text(report, style)),
        Format::Json => json::json(report),
        Format::Html => Ok(html::html(report, rules)),
        Format::Markdown => Ok(markdown::markdown(report)),
        Format::Csv => Ok(csv::csv(report)),
        Format::Junit => junit::junit(report),
        Format::Sarif => sarif::sarif(report, rules),
    }
}
