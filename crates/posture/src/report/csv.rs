//! One line a finding, for a spreadsheet (RFC 4180).

use std::fmt::Write as _;

use breakglass_model::CheckReport;

use super::clean::clean;

const HEADER: &str =
    "check,requirement,title,verdict,severity,subject,because,fix,evidence,controls\r\n";

/// The findings as CSV, in the order of the report.
pub fn csv(report: &CheckReport) -> String {
    let mut out = HEADER.to_owned();
    for f in &report.findings {
        let evidence: Vec<String> = f
            .evidence
            .iter()
            .map(|e| format!("{} {} = {}", e.object, e.field, e.value))
            .collect();
        let cells = [
            &f.check,
            &f.requirement,
            &f.title,
            f.verdict.as_str(),
            f.severity.as_str(),
            &f.subject,
            &f.because,
            &f.fix,
            &evidence.join("; "),
            &f.controls.join("; "),
        ]
        .map(cell);
        let _ = write!(out, "{}\r\n", cells.join(","));
    }
    out
}

/// One cell. A spreadsheet runs a cell that begins like a formula, so such a cell gets an apostrophe;
/// the test is on the raw text too, because cleaning removes a leading tab.
fn cell(text: &str) -> String {
    let risky = |t: &str| t.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']);
    let mut value = clean(text);
    if risky(text) || risky(&value) {
        value.insert(0, '\'');
    }
    if value.contains([',', '"']) || value.starts_with('\'') {
        value = format!("\"{}\"", value.replace('"', "\"\""));
    }
    value
}

#[cfg(test)]
mod tests {
    use super::cell;

    #[test]
    fn formulas_are_defused_and_quotes_doubled() {
        assert_eq!(cell("=1+1"), "\"'=1+1\"");
        assert_eq!(cell("\t@SUM(A1)"), "\"'@SUM(A1)\"");
        assert_eq!(cell("\u{1b}-2"), "\"'-2\"");
        assert_eq!(cell("say \"yes\", now"), "\"say \"\"yes\"\", now\"");
        assert_eq!(cell("plain"), "plain");
    }
}
