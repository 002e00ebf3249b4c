//! Reports of whole tenants.

use breakglass_model::{
    CheckReport, Collection, History, Reading, Severity, TenantSnapshot, Verdict,
    finding::Answer,
    history::DrillOutcome,
    register::DeclaredDrill,
    tenant::{AssignmentKind, MethodKind},
};
use breakglass_posture::{CheckInput, Settings, check, exit_code};
use jiff::civil::date;

use crate::testing::{World, YUBICO, assignment, key, method, now, oid};

pub(crate) fn input(world: &World) -> CheckInput<'_> {
    CheckInput {
        snapshot: &world.snapshot,
        register: Some(&world.register),
        history: &world.history,
        accounts: &[],
        now: now(),
        keys: breakglass_model::aaguid::Tables::built_in(),
        settings: Settings::default(),
        only: &[],
        skip: &[],
        waivers: &[],
        baseline: None,
        version: "0.0.0",
    }
}

pub(crate) fn answers(report: &CheckReport) -> Vec<Answer> {
    report.questions.iter().map(|q| q.answer).collect()
}

/// The advice of old: one vendor, one safe, an eligible account, a telephone beside the key.
pub(crate) fn old_design() -> World {
    let mut world = World::modern();
    world
        .snapshot
        .active_assignments
        .items
        .retain(|a| a.principal != oid("bg2"));
    world
        .snapshot
        .eligible_assignments
        .items
        .push(assignment("bg2", AssignmentKind::Eligible));
    world.user("bg2").methods = Reading::Read(vec![key(YUBICO), method(MethodKind::Phone)]);
    world.snapshot.units = Collection::complete(Vec::new());
    for name in ["svc", "adm2", "adm3"] {
        world
            .snapshot
            .active_assignments
            .items
            .push(assignment(name, AssignmentKind::Active));
    }
    world.register.accounts[1].keys[0].place = Some("hq-safe".to_owned());
    world.register.people[1].authorised_until = Some(date(2026, 8, 31));
    world.register.declared_drills = vec![DeclaredDrill {
        account: "bg1".to_owned(),
        on: date(2026, 5, 14),
        by: None,
        note: None,
    }];
    world.history = History::default();
    world
}

#[test]
fn a1_modern_tenant_answers_every_question_with_yes() {
    let world = World::modern();
    let report = check(&input(&world)).unwrap();
    assert_eq!(answers(&report), [Answer::Yes, Answer::Yes, Answer::Yes]);
    assert_eq!(exit_code(&report, Severity::Low), 0);
    insta::assert_json_snapshot!(report);
}

#[test]
fn a4_old_design_is_refuted_with_evidence() {
    let world = old_design();
    let report = check(&input(&world)).unwrap();
    assert_eq!(
        answers(&report),
        [Answer::No, Answer::No, Answer::CannotTell]
    );
    assert_eq!(exit_code(&report, Severity::Critical), 1);
    insta::assert_json_snapshot!(report);
}

/// Checks of settings of the whole tenant, which are what they are whichever the accounts are.
const OF_THE_TENANT: [&str; 7] = [
    "BG013", "BG070", "BG082", "BG085", "BG086", "BG089", "BG094",
];

#[test]
fn a1_nothing_is_judged_on_a_guess() {
    let world = World::modern();
    let report = check(&CheckInput {
        register: None,
        ..input(&world)
    })
    .unwrap();
    assert!(
        report
            .findings
            .iter()
            .all(|f| f.verdict != Verdict::Pass || OF_THE_TENANT.contains(&f.check.as_str()))
    );
    assert_eq!(answers(&report), [Answer::CannotTell; 3]);
    assert_eq!(report.accounts.len(), 2);
    assert!(
        report
            .accounts
            .iter()
            .all(|a| !a.declared && !a.reasons.is_empty())
    );
    assert_eq!(exit_code(&report, Severity::Low), 3);
    insta::assert_json_snapshot!(report);
}

#[test]
fn empty_snapshot_is_all_cannot_tell() {
    let (snapshot, history) = (TenantSnapshot::empty(), History::default());
    let world = World::modern();
    let empty = CheckInput {
        snapshot: &snapshot,
        history: &history,
        register: None,
        ..input(&world)
    };
    let report = check(&empty).unwrap();
    assert!(
        report
            .findings
            .iter()
            .all(|f| f.verdict == Verdict::CannotTell)
    );
    assert!(report.findings.iter().all(|f| !f.fix.is_empty()));
    assert_eq!(exit_code(&report, Severity::Low), 3);
    let named = ["nobody@contoso.com".to_owned()];
    let report = check(&CheckInput {
        accounts: &named,
        ..empty
    })
    .unwrap();
    assert!(report.findings.iter().all(|f| f.verdict != Verdict::Pass));
}

#[test]
fn a1_unresolvable_account_never_passes() {
    let world = World::modern();
    let named = ["nobody@contoso.com".to_owned()];
    let report = check(&CheckInput {
        accounts: &named,
        ..input(&world)
    })
    .unwrap();
    let about: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.subject == named[0])
        .collect();
    assert!(about.len() > 10);
    let passed: Vec<_> = about
        .iter()
        .filter(|f| f.verdict == Verdict::Pass)
        .map(|f| f.check.as_str())
        .collect();
    assert_eq!(passed, Vec::<&str>::new());
    assert!(
        about
            .iter()
            .any(|f| f.check == "BG002" && f.verdict == Verdict::Fail)
    );
    assert_eq!(answers(&report)[0], Answer::No);
}

/// The third question asks two things; getting in is not enough.
#[test]
fn would_work_is_never_yes_when_nobody_is_told() {
    let answer = |world: &World| {
        let report = check(&input(world)).unwrap();
        (
            report.questions[2].answer,
            report.questions[2].because.join("\n"),
        )
    };
    let mut world = World::modern();
    world.properties("scheduledQueryRules", 1)["enabled"] = serde_json::json!(false);
    let (told, why) = answer(&world);
    assert_eq!(told, Answer::CannotTell);
    assert!(why.contains("AADNonInteractiveUserSignInLogs"), "{why}");
    // Our own monitor does the whole job, and where it stands still, nothing is left.
    world.monitored();
    assert_eq!(answer(&world).0, Answer::Yes);
    world.history.runs[0].read_to = "2026-09-30T00:00:00Z".parse().unwrap();
    assert_eq!(answer(&world).0, Answer::No);
    // Rules that look right prove nothing without a drill.
    let mut world = World::modern();
    world.history.drills.clear();
    let (tested, why) = answer(&world);
    assert_eq!(tested, Answer::CannotTell);
    assert!(why.contains("drill"), "{why}");
    for name in [
        "scheduledQueryRules",
        "actionGroups",
        "diagnosticSettings",
        "workspaces",
        "actionRules",
    ] {
        let mut world = World::modern();
        world.snapshot.other.remove(name);
        assert_eq!(answer(&world).0, Answer::CannotTell, "{name}");
    }
}

#[test]
fn would_work_is_no_when_no_account_can_get_in() {
    let mut world = World::modern();
    world.user("bg1").account_enabled = Reading::Read(false);
    world.user("bg2").methods = Reading::Read(vec![method(MethodKind::Password)]);
    let report = check(&input(&world)).unwrap();
    assert_eq!(answers(&report)[2], Answer::No);
    assert!(report.questions[2].because.len() >= 2);
}

#[test]
fn d2_declared_drills_never_answer_tested_with_yes() {
    let mut world = World::modern();
    for drill in &mut world.history.drills {
        drill.outcome = DrillOutcome::Declared;
    }
    let report = check(&input(&world)).unwrap();
    assert_eq!(answers(&report)[1], Answer::CannotTell);
}

#[test]
fn reports_are_the_same_every_time() {
    let world = old_design();
    assert_eq!(check(&input(&world)), check(&input(&world)));
}
