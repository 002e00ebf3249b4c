//! Accounts without a key: what waits for it, and how the next plan goes on.

use breakglass_model::{
    Reading,
    plan::{Effect, PlanStep},
    tenant::{Method, MethodKind, User},
};

use super::*;

const THIRD: &str = "BreakGlass03@contoso.onmicrosoft.com";

/// The old design, and a register that names a third account.
fn with_a_third() -> (TenantSnapshot, Register) {
    let example = example::tenant("contoso", now()).unwrap();
    let text = format!(
        "{}\n[[account]]\nupn = \"{THIRD}\"\n",
        example.register_toml
    );
    let register = Register::from_toml("register.toml", &text, None).unwrap();
    (example.snapshot, register)
}

fn the_third(snapshot: &mut TenantSnapshot) -> &mut User {
    let mut users = snapshot.users.items.iter_mut();
    let named = |user: &&mut User| user.upn.as_ref().is_some_and(|upn| upn.as_str() == THIRD);
    users.find(named).unwrap()
}

/// Steps that give an account a role, or put it into a unit.
fn bound<'a>(plan: &'a Plan, account: &str) -> Vec<&'a str> {
    let binds = |step: &&PlanStep| {
        step.effects.iter().any(|effect| match effect {
            Effect::Assignment { principal, .. } => principal == account,
            Effect::UnitMember { member, .. } => member == account,
            _ => false,
        })
    };
    let steps = plan.steps.iter().filter(binds);
    steps.map(|step| step.id.as_str()).collect()
}

fn done(snapshot: &TenantSnapshot, plan: &Plan) -> TenantSnapshot {
    states(snapshot, plan).pop().unwrap()
}

#[test]
fn a4_m1_role_and_unit_of_an_account_wait_for_its_key() {
    let (snapshot, register) = with_a_third();
    let plan = plan_of(&snapshot, &register, &[]);
    let id = plan.accounts.last().unwrap().clone();
    assert_eq!(bound(&plan, &id), Vec::<&str>::new(), "{}", lines(&plan));
    // The others, who have their keys, do not wait for it.
    assert!(plan.steps.iter().any(|step| step.id == "role-breakglass02"));
    assert!(
        plan.steps
            .iter()
            .any(|step| step.id == "protect-breakglass01")
    );

    // It is said what to do, in full.
    let command = format!(
        "breakglass key enroll --login browser --register register.toml --account {THIRD} --label LABEL --serial SERIAL --envelope ENVELOPE"
    );
    let waits: Vec<&String> = plan
        .warnings
        .iter()
        .filter(|text| text.contains(&command))
        .collect();
    assert_eq!(waits.len(), 1, "{:?}", plan.warnings);
    let tasks: Vec<_> = plan
        .remaining
        .iter()
        .filter(|one| one.fix == command)
        .collect();
    let [task] = tasks.as_slice() else {
        panic!("{tasks:#?}");
    };
    assert_eq!(
        (task.check.as_str(), task.subject.as_str()),
        ("BG018", THIRD)
    );
    let of_check = |check: &str| {
        let mut all = plan.remaining.iter();
        all.find(|one| one.check == check && one.subject == THIRD)
            .unwrap()
    };
    assert!(of_check("BG009").closed_by.starts_with("the next plan"));
    assert!(of_check("BG025").closed_by.starts_with("the next plan"));

    // Nothing more is planned before the key is there: the task stands alone.
    let mut later = done(&snapshot, &plan);
    let still = plan_of(&later, &register, &[]);
    assert_eq!(lines(&still), "");
    assert!(still.remaining.iter().any(|one| one.fix == command));

    // With the key the plan goes on, in the order of the requirement: the role, then the unit.
    let methods = &mut the_third(&mut later).methods;
    let Reading::Read(methods) = methods else {
        panic!("{methods:?}");
    };
    methods.push(Method {
        kind: MethodKind::Fido2,
        id: Some("k".to_owned()),
        aaguid: Some("cb69481e-8ff7-4039-93ec-0a2729a154a8".to_owned()),
        ..Method::default()
    });
    let next = plan_of(&later, &register, &[]);
    assert_eq!(
        bound(&next, &id),
        ["role-breakglass03", "protect-breakglass03"],
        "{}",
        lines(&next)
    );
    assert_eq!(next.warnings, Vec::<String>::new());
    let end = done(&later, &next);
    let ids = ids(&next);
    assert_eq!(Safety::of(&later, &ids).worse(&Safety::of(&end, &ids)), []);
    assert_eq!(lines(&plan_of(&end, &register, &[])), "");
}

#[test]
fn a6_m1_while_no_account_has_a_key_no_administrator_goes_and_no_unit_is_made() {
    let example = example::tenant("contoso", now()).unwrap();
    let mut snapshot = example.snapshot;
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    for user in &mut snapshot.users.items {
        if let Reading::Read(methods) = &mut user.methods {
            methods.retain(|own| own.kind != MethodKind::Fido2);
        }
    }
    let plan = plan_of(&snapshot, &register, &[]);
    let stages: Vec<_> = plan.steps.iter().map(|step| step.stage).collect();
    for stage in [
        breakglass_model::plan::Stage::Role,
        breakglass_model::plan::Stage::Enforcement,
        breakglass_model::plan::Stage::HeadCount,
        breakglass_model::plan::Stage::Protection,
    ] {
        assert!(!stages.contains(&stage), "{}", lines(&plan));
    }
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("stays a standing Global Administrator")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn k1_methods_that_were_not_read_are_no_missing_key() {
    let (mut snapshot, register) = without_dedicated();
    snapshot.users.items[0].methods = Reading::NotRead("403".to_owned());
    let plan = plan_of(&snapshot, &register, &[]);
    assert_eq!(
        bound(&plan, snapshot.users.items[0].id.as_ref().unwrap().as_str()),
        Vec::<&str>::new()
    );
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("were not read") && text.contains("Grant")),
        "{:?}",
        plan.warnings
    );
    assert!(
        !plan
            .remaining
            .iter()
            .any(|one| one.fix.starts_with("breakglass key enroll"))
    );
}
