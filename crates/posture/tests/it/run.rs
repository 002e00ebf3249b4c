//! Choice, waivers, baseline, exit code.

use breakglass_model::{Severity, Verdict, finding::Answer};
use breakglass_posture::{
    CheckError, CheckInput, Waiver, catalogue, check, exit_code,
    report::{Format, Style, render},
};
use jiff::civil::{Date, date};

use crate::{
    testing::World,
    whole::{answers, input, old_design},
};

fn waiver(until: Date) -> Waiver {
    Waiver {
        check: "BG032".to_owned(),
        subject: "Register".to_owned(),
        reason: "the second safe is on order".to_owned(),
        until,
        approved_by: vec!["anna".to_owned()],
    }
}

#[test]
fn unknown_check_names_its_neighbours() {
    let world = World::modern();
    for (asked, expected) in [
        ("BG0O1", "BG001"),
        ("drill-recnt", "drill-recent"),
        ("K3", "BG022"),
    ] {
        let only = [asked.to_owned()];
        let error = check(&CheckInput {
            only: &only,
            ..input(&world)
        })
        .unwrap_err();
        assert!(error.to_string().contains(expected), "{error}");
    }
}

#[test]
fn only_and_skip_choose_and_the_answers_rest_on_what_was_run() {
    let world = old_design();
    let only = ["bg001".to_owned(), "drill-recent".to_owned()];
    let skip = ["BG036".to_owned()];
    let some = check(&CheckInput {
        only: &only,
        skip: &skip,
        ..input(&world)
    })
    .unwrap();
    assert!(some.findings.iter().all(|f| f.check == "BG001"));
    // No answer is `no` without the finding that says so, and none is `yes` on a part of the checks.
    assert!(answers(&some).iter().all(|a| *a == Answer::CannotTell));
    assert_eq!(exit_code(&some, Severity::Low), 0);
    // What was left out by choice is not taken for what could not be read.
    assert!(some.left_out.contains(&"BG036".to_owned()));
    let because = &some.questions[1].because;
    assert_eq!(because, &["left out by choice: BG036"]);
    let text = render(&some, &[], Format::Text, Style::default()).unwrap();
    assert!(
        text.contains("Check again without leaving checks out"),
        "{text}"
    );
    let failing = ["BG009".to_owned()];
    let failing = check(&CheckInput {
        only: &failing,
        ..input(&world)
    })
    .unwrap();
    assert_eq!(answers(&failing)[0], Answer::No);
    assert_eq!(exit_code(&failing, Severity::Low), 1);
}

#[test]
fn waiver_holds_until_its_last_day() {
    let world = old_design();
    let of = |until| {
        let waivers = [waiver(until)];
        let report = check(&CheckInput {
            waivers: &waivers,
            ..input(&world)
        })
        .unwrap();
        report
            .findings
            .into_iter()
            .find(|f| f.check == "BG032")
            .unwrap()
    };
    let last_day = of(date(2026, 10, 1));
    assert_eq!(last_day.verdict, Verdict::Waived);
    assert!(last_day.because.contains("on order"));
    let expired = of(date(2026, 9, 30));
    assert_eq!(expired.verdict, Verdict::Fail);
    assert!(
        expired.because.contains("expired on 2026-09-30"),
        "{}",
        expired.because
    );
}

#[test]
fn waiver_without_reason_or_approver_is_refused() {
    let world = World::modern();
    let no_reason = Waiver {
        reason: " ".to_owned(),
        ..waiver(date(2027, 1, 1))
    };
    let nobody = Waiver {
        approved_by: Vec::new(),
        ..waiver(date(2027, 1, 1))
    };
    for bad in [no_reason, nobody] {
        let result = check(&CheckInput {
            waivers: &[bad],
            ..input(&world)
        });
        assert!(
            matches!(result, Err(CheckError::IncompleteWaiver { .. })),
            "{result:?}"
        );
    }
}

#[test]
fn baseline_leaves_only_what_is_new() {
    let mut world = old_design();
    let before = check(&input(&world)).unwrap();
    let same = check(&CheckInput {
        baseline: Some(&before),
        ..input(&world)
    })
    .unwrap();
    assert!(same.findings.is_empty());
    assert_eq!(exit_code(&same, Severity::Low), 0);
    world.sealed().places[0].hours = None;
    let after = check(&CheckInput {
        baseline: Some(&before),
        ..input(&world)
    })
    .unwrap();
    let new: Vec<_> = after.findings.iter().map(|f| f.check.as_str()).collect();
    assert_eq!(new, ["BG035"]);
}

#[test]
fn threshold_decides_what_counts() {
    let mut world = World::modern();
    world.register.drills.every_days = 180;
    let report = check(&input(&world)).unwrap();
    assert_eq!(exit_code(&report, Severity::Medium), 1);
    assert_eq!(exit_code(&report, Severity::High), 0);
}

#[test]
fn findings_come_worst_first() {
    let world = old_design();
    let report = check(&input(&world)).unwrap();
    let fails: Vec<_> = report
        .findings
        .iter()
        .take_while(|f| f.verdict == Verdict::Fail)
        .collect();
    assert_eq!(fails.len(), report.summary.fail);
    assert!(fails.is_sorted_by(|a, b| a.severity >= b.severity));
}

#[test]
fn every_requirement_in_scope_has_a_check() {
    let required = [
        "A1", "A2", "A3", "A4", "A5", "A6", "A7", "A8", "A9", "K1", "K2", "K3", "K4", "M1", "M2",
        "S1", "S2", "S3", "S4", "S5", "D2", "R1", "R3",
    ];
    for requirement in required {
        assert!(
            catalogue().iter().any(|c| c.requirement == requirement),
            "{requirement}"
        );
    }
}
