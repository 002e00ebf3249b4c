//! The report for test dashboards. A dashboard knows green, red and grey only, so *cannot tell* is an
//! error: it must never look green, and grey is for what somebody has accepted or what does not arise.

use breakglass_model::{CheckReport, Finding, Verdict};
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::{ReportError, clean::clean};

/// The report as JUnit XML: one suite, one case a finding.
pub fn junit(report: &CheckReport) -> Result<String, ReportError> {
    let mut suite = TestSuite::new("breakglass check");
    for finding in &report.findings {
        let name = format!("{} [{}]", clean(&finding.title), clean(&finding.subject));
        let mut case = TestCase::new(name, status(finding));
        case.set_classname(clean(&finding.check));
        suite.add_test_case(case);
    }
    let mut document = Report::new("breakglass");
    document.add_test_suite(suite);
    Ok(document.to_string()?)
}

fn status(finding: &Finding) -> TestCaseStatus {
    let mut status = match finding.verdict {
        Verdict::Pass => return TestCaseStatus::success(),
        Verdict::Fail => TestCaseStatus::non_success(NonSuccessKind::Failure),
        Verdict::CannotTell => TestCaseStatus::non_success(NonSuccessKind::Error),
        Verdict::NotApplicable | Verdict::Waived => TestCaseStatus::skipped(),
    };
    status.set_message(format!(
        "{}: {}",
        finding.verdict.as_str(),
        clean(&finding.because)
    ));
    if matches!(finding.verdict, Verdict::Fail | Verdict::CannotTell) {
        status.set_type(finding.severity.as_str());
        status.set_description(description(finding));
    }
    status
}

fn description(finding: &Finding) -> String {
    let mut lines = vec![clean(&finding.because)];
    if !finding.fix.is_empty() {
        lines.push(format!("Fix: {}", clean(&finding.fix)));
    }
    for e in &finding.evidence {
        let (object, field, value) = (clean(&e.object), clean(&e.field), clean(&e.value));
        lines.push(format!("{object} {field} = {value}"));
    }
    lines.join("\n")
}
