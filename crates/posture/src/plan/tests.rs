use breakglass_model::{ObjectId, example};
use jiff::Timestamp;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn planned(name: &str, wishes: &Wishes) -> Plan {
    let example = example::tenant(name, now()).unwrap();
    let register = Register::parse("register.toml", &example.register_toml, None)
        .unwrap()
        .register;
    plan(&PlanInput {
        snapshot: &example.snapshot,
        register: Some(&register),
        history: &History::default(),
        accounts: &[],
        wishes,
        now: now(),
        version: "test",
    })
    .unwrap()
}

fn wishes() -> Wishes {
    let id = |text: &str| ObjectId::parse(text).unwrap();
    Wishes {
        keepers: vec![id("7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c")],
        approvers: vec![
            id("7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6"),
            id("7b3e1a6f-41c2-4d8a-b6f0-9c5d1e2a4279"),
        ],
        make_eligible: vec![id("7b3e1ab9-41c2-4d8a-b6f0-9c5d1e2a441f")],
        alert_mail: vec!["soc@contoso.example".to_owned()],
        alert_sms: vec![("41".to_owned(), "445550142".to_owned())],
    }
}

#[test]
fn a_met_state_has_an_empty_plan() {
    let plan = planned("contoso-modern", &Wishes::default());
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert!(titles.is_empty(), "{titles:#?}");
}

#[test]
fn the_old_design_is_planned_in_the_order_that_is_safe() {
    let plan = planned("contoso", &wishes());
    let lines: Vec<String> = plan
        .steps
        .iter()
        .map(|step| {
            format!(
                "{:?} {} {} {:?}",
                step.stage, step.id, step.title, step.checks
            )
        })
        .collect();
    println!("{}", lines.join("\n"));
    println!("{:#?}", plan.warnings);
    for line in &plan.remaining {
        println!(
            "{} {} {} {} | {}",
            line.check, line.verdict, line.subject, line.because, line.closed_by
        );
    }
    panic!();
}
