//! JUnit: one case for each claim. A dashboard knows green, red and grey only, so *cannot tell* is an error:
//! it must never look green.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::super::{
    document::preflight::{Comparison, Difference, Kind, PreflightDocument, Verdict},
    page::clean,
};
use crate::failure::Failure;

/// The document as JUnit XML.
pub(super) fn junit(document: &PreflightDocument) -> Result<String, Failure> {
    let comparison = &document.comparison;
    let mut suite = TestSuite::new("breakglass lockout preflight");
    let sides = &comparison.accounts.before;
    for account in sides.names.iter().chain(&sides.without) {
        let losses = losses(comparison, &|loss| {
            loss.who.kind == Kind::Account && loss.who.examples.contains(account)
        });
        suite.add_test_case(case(
            &format!("{} keeps every sign-in", clean(account)),
            status(comparison, &losses),
        ));
    }
    suite.add_test_case(case(
        "an administrator keeps a way in",
        administrators(comparison),
    ));
    let others = losses(comparison, &|loss| loss.who.kind != Kind::Account);
    suite.add_test_case(case(
        "administrators and users keep every sign-in",
        status(comparison, &others),
    ));
    let mut report = Report::new("breakglass");
    report.add_test_suite(suite);
    report
        .to_string()
        .map_err(|error| Failure::broke(format!("the report could not be written: {error}")))
}

fn case(name: &str, status: TestCaseStatus) -> TestCase {
    let mut case = TestCase::new(name, status);
    case.set_classname("lockout-preflight");
    case
}

fn losses<'a>(comparison: &'a Comparison, of: &dyn Fn(&Difference) -> bool) -> Vec<&'a Difference> {
    comparison.lost.iter().filter(|loss| of(loss)).collect()
}

fn status(comparison: &Comparison, losses: &[&Difference]) -> TestCaseStatus {
    let Some(first) = losses.first() else {
        return if comparison.verdict == Verdict::CannotTell {
            cannot_tell(comparison)
        } else {
            TestCaseStatus::success()
        };
    };
    let lines: Vec<String> = losses
        .iter()
        .map(|loss| {
            format!(
                "{}: {}",
                clean(&loss.headline("loses", "lose", 5)),
                clean(&loss.example())
            )
        })
        .collect();
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(clean(&first.example()));
    status.set_type("lost");
    status.set_description(lines.join("\n"));
    status
}

fn administrators(comparison: &Comparison) -> TestCaseStatus {
    let after = &comparison.administrators.after;
    if after.way_in > 0 {
        return TestCaseStatus::success();
    }
    if after.total == 0 || comparison.verdict == Verdict::CannotTell {
        return cannot_tell(comparison);
    }
    let loss = comparison
        .lost
        .iter()
        .find(|loss| loss.who.kind == Kind::Administrator);
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
    status.set_message(loss.map_or_else(
        || "no administrator has a way in".to_owned(),
        |loss| clean(&loss.example()),
    ));
    status.set_type("lost");
    status.set_description(format!(
        "without a way in: {}",
        super::super::page::some(&after.without, 20)
    ));
    status
}

fn cannot_tell(comparison: &Comparison) -> TestCaseStatus {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    let mut why: Vec<String> = comparison.because.iter().map(|why| clean(why)).collect();
    why.extend(comparison.missing.iter().map(|why| clean(why)));
    status.set_message(format!(
        "cannot tell: {}",
        why.first().map_or("needed data is missing", String::as_str)
    ));
    status.set_type("cannot-tell");
    status.set_description(why.join("\n"));
    status
}
