//! The report for programs, and its schema.

use breakglass_model::{CheckReport, finding::CHECK_REPORT_SCHEMA};

use super::ReportError;

/// The report as indented JSON with a final line break.
pub fn json(report: &CheckReport) -> Result<String, ReportError> {
    let mut out = serde_json::to_string_pretty(report)?;
    out.push('\n');
    Ok(out)
}

/// The JSON Schema (2020-12) of [`json`]'s document.
pub fn schema() -> serde_json::Value {
    let mut schema = schemars::schema_for!(CheckReport);
    schema.insert("$id".to_owned(), CHECK_REPORT_SCHEMA.into());
    schema.to_value()
}
