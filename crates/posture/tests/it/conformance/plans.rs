//! Plans that mend conformance tenants: every one ends where only people are asked, and no step on the way makes an account
//! worse off.

use std::collections::BTreeSet;

use breakglass_model::{
    CheckReport, History, ObjectId, Register, TenantSnapshot, Verdict, plan::Plan,
};
use breakglass_posture::{
    PLANNED,
    plan::{PlanInput, Safety, Wishes, plan, simulate},
};

use super::{
    fixture::{Fixture, fixtures, now},
    outcome::report,
};

/// What only people can decide. The modern tenant has its keepers already, with a role of another name.
fn wishes() -> Wishes {
    let id = |text: &str| ObjectId::parse(text).unwrap();
    let [adele, bruno, chloe, service] = [
        "7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6",
        "7b3e1a6f-41c2-4d8a-b6f0-9c5d1e2a4279",
        "7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c",
        "7b3e1ab9-41c2-4d8a-b6f0-9c5d1e2a441f",
    ]
    .map(id);
    Wishes {
        keepers: vec![chloe.clone()],
        approvers: vec![adele, bruno],
        make_eligible: vec![service, chloe],
        leave_group: Vec::new(),
        alert_mail: vec!["soc@contoso.example".to_owned()],
        alert_sms: vec![("41".to_owned(), "445550142".to_owned())],
        event_hub: None,
    }
}

fn planned(fixture: &Fixture, snapshot: &TenantSnapshot, register: &Register) -> Plan {
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        wishes: &wishes(),
        now: now(),
        version: "test",
    })
    .unwrap_or_else(|error| panic!("{}: {error}", fixture.name))
}

/// Findings that no plan closes: keys, places, drills, training, reviews, a second way out for the logs, which is bought.
fn of_people(requirement: &str) -> bool {
    requirement.starts_with(['S', 'D', 'R', 'P', 'K'])
        || matches!(requirement, "A3" | "A7" | "A8" | "W12")
}

fn left(report: &CheckReport) -> Vec<String> {
    report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail && !of_people(&finding.requirement))
        .map(|finding| format!("{} {}: {}", finding.check, finding.subject, finding.because))
        .collect()
}

/// What is wrong with the plan of a tenant.
fn faults(fixture: &Fixture) -> Vec<String> {
    let (snapshot, register) = fixture.make();
    let plan = planned(fixture, &snapshot, &register);
    let ids: Vec<ObjectId> = plan
        .accounts
        .iter()
        .map(|id| ObjectId::parse(id).unwrap())
        .collect();
    let mut faults = Vec::new();
    if plan.steps.is_empty() {
        faults.push("no step is planned".to_owned());
    }
    let mut state = snapshot;
    let mut before = Safety::of(&state, &ids);
    for step in &plan.steps {
        simulate(&mut state, &step.effects);
        let after = Safety::of(&state, &ids);
        for danger in before.worse(&after) {
            faults.push(format!("after `{}`: {danger}", step.title));
        }
        before = after;
    }
    faults.extend(
        left(&report(&state, &register))
            .into_iter()
            .map(|finding| format!("left: {finding}")),
    );
    faults.extend(
        planned(fixture, &state, &register)
            .steps
            .iter()
            .map(|step| format!("planned again: {}", step.title)),
    );
    faults
}

/// What is not good and does not stand in the table of what remains: when every step is done, and when only those are
/// that an application can take.
fn unannounced(fixture: &Fixture) -> Vec<String> {
    let (snapshot, register) = fixture.make();
    let plan = planned(fixture, &snapshot, &register);
    let listed: BTreeSet<(&str, &str)> = plan
        .remaining
        .iter()
        .map(|own| (own.check.as_str(), own.subject.as_str()))
        .collect();
    let mut faults = Vec::new();
    for people_too in [true, false] {
        let mut state = snapshot.clone();
        let mut waiting: Vec<&str> = Vec::new();
        for step in &plan.steps {
            let rests_on_one = step.after.iter().any(|id| waiting.contains(&id.as_str()));
            if !people_too && (step.by_person || rests_on_one) {
                waiting.push(&step.id);
            } else {
                simulate(&mut state, &step.effects);
            }
        }
        for finding in report(&state, &register).findings {
            let open = matches!(finding.verdict, Verdict::Fail | Verdict::CannotTell);
            if open && !listed.contains(&(finding.check.as_str(), finding.subject.as_str())) {
                let when = if people_too {
                    "every step"
                } else {
                    "the steps of the application"
                };
                faults.push(format!(
                    "after {when}: {} {}: {}",
                    finding.check, finding.subject, finding.because
                ));
            }
        }
    }
    faults
}

/// M3: the keeper's eligibility waits for settings that only a signed-in person may write.
#[test]
fn m3_what_is_open_after_a_plan_stands_in_its_table() {
    let faults: Vec<String> = fixtures()
        .iter()
        .filter(|own| own.planned)
        .flat_map(|own| {
            unannounced(own)
                .into_iter()
                .map(|fault| format!("{}: {fault}", own.name))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn plans_mend_what_no_person_must() {
    let tenants: Vec<Fixture> = fixtures().into_iter().filter(|own| own.planned).collect();
    assert!(tenants.len() >= 5, "{}", tenants.len());
    let faults: Vec<String> = tenants
        .iter()
        .flat_map(|own| {
            faults(own)
                .into_iter()
                .map(|fault| format!("{}: {fault}", own.name))
        })
        .collect();
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// What a check says of the step that mends it is so.
#[test]
fn checks_name_the_plan_that_mends_them() {
    let mut mended = BTreeSet::new();
    for fixture in fixtures().iter().filter(|own| own.planned) {
        let (snapshot, register) = fixture.make();
        let plan = planned(fixture, &snapshot, &register);
        mended.extend(plan.steps.into_iter().flat_map(|step| step.checks));
    }
    let said: BTreeSet<String> = PLANNED.iter().map(|id| (*id).to_owned()).collect();
    let unsaid: Vec<&String> = mended.difference(&said).collect();
    assert!(unsaid.is_empty(), "{unsaid:?}");
    assert!(mended.len() + 10 > said.len(), "{mended:?}");
}
