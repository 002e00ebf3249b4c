//! Conformance tenants: the modern design with one thing changed, and what must be found.
//!
//! `tenants.json` holds, for each, what is wrong in a sentence, where that comes from, the changes, the checks that must
//! fail (all of them and no other), and what must be proved of the two accounts. `README.md` is the same as a table; it is
//! written by `BREAKGLASS_WRITE_CONFORMANCE=1 cargo test -p breakglass-posture conformance`.

use std::{collections::BTreeSet, fmt::Write as _, fs, path::Path};

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Intent, Options, Prover, Verdict as Reached, recognise},
    tenant::{People, Tenant},
};
use breakglass_model::{
    History, ObjectId, Register, TenantSnapshot, Upn, Verdict, example,
    export::{self, InputFile},
};
use breakglass_posture::{
    CheckInput, Settings, check,
    plan::{PlanInput, Safety, Wishes, plan, simulate},
};
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::Value;

#[derive(Debug, Deserialize)]
struct Case {
    name: String,
    wrong: String,
    source: String,
    changes: Vec<Value>,
    fails: BTreeSet<String>,
    verdicts: [String; 2],
    only_intended: [bool; 2],
    /// Whether a plan alone puts it right.
    mended_by_plan: bool,
}

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn cases() -> Vec<Case> {
    serde_json::from_str(include_str!("tenants.json")).unwrap()
}

/// The object of a collection that a text names: its id, its principal, or its display name.
fn find<'a>(all: &'a mut [Value], of: &Value) -> &'a mut Value {
    all.iter_mut()
        .find(|object| {
            ["id", "principalId", "displayName"]
                .iter()
                .any(|key| object[*key] == *of)
        })
        .unwrap_or_else(|| panic!("there is no {of}"))
}

fn changed(case: &Case) -> (TenantSnapshot, Register) {
    let example = example::tenant("contoso-modern", now()).unwrap();
    let mut document: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    let mut register = example.register_toml;
    let mut drop = None;
    for change in &case.changes {
        if let Some(old) = change["register"].as_str() {
            assert!(register.contains(old), "{}: {old}", case.name);
            register = register.replace(old, change["to"].as_str().unwrap());
            continue;
        }
        if let Some(name) = change["drop_account"].as_str() {
            drop = Some(name.to_owned());
            continue;
        }
        let collection = ["add", "set", "remove", "push"]
            .iter()
            .find_map(|verb| change[*verb].as_str())
            .unwrap();
        let all = document["collections"][collection].as_array_mut().unwrap();
        if change["add"].is_string() {
            all.push(change["object"].clone());
        } else if change["remove"].is_string() {
            let before = all.len();
            all.retain(|object| {
                object["id"] != change["of"] && object["principalId"] != change["of"]
            });
            assert_ne!(before, all.len(), "{}", case.name);
        } else {
            let at = change["at"].as_str().unwrap();
            let place = find(all, &change["of"]).pointer_mut(at).unwrap();
            if change["push"].is_string() {
                place.as_array_mut().unwrap().push(change["object"].clone());
            } else {
                *place = change["to"].clone();
            }
        }
    }
    let snapshot = export::read([InputFile {
        path: "snapshot.json".to_owned(),
        bytes: document.to_string().into_bytes(),
    }]);
    let mut register = Register::from_toml("register.toml", &register, None).unwrap();
    if let Some(name) = drop {
        register.accounts.retain(|account| {
            !account
                .upn
                .as_ref()
                .is_some_and(|upn| upn.as_str().starts_with(&name))
        });
    }
    (snapshot, register)
}

/// Which checks fail.
fn failing(snapshot: &TenantSnapshot, register: &Register) -> BTreeSet<String> {
    let report = check(&CheckInput {
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        now: now(),
        keys: breakglass_model::aaguid::Tables::built_in(),
        settings: Settings::default(),
        only: &[],
        skip: &[],
        waivers: &[],
        baseline: None,
        version: "test",
    })
    .unwrap();
    report
        .findings
        .iter()
        .filter(|finding| finding.verdict == Verdict::Fail)
        .map(|finding| finding.check.clone())
        .collect()
}

/// Verdict, and whether only intended policies reach it, for each account.
fn proved(snapshot: &TenantSnapshot, register: &Register) -> Vec<(&'static str, bool)> {
    let tenant = Tenant::read(snapshot);
    let people = People::new(snapshot, &[&tenant]);
    let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
    let prover = Prover::new(&engine, &Options::default());
    let ids: Vec<ObjectId> = register
        .accounts
        .iter()
        .filter_map(|account| account.id.clone())
        .collect();
    let shared = people.shared_groups(&ids);
    register
        .accounts
        .iter()
        .map(|account| {
            let identity = people.identity(account.id.as_ref().unwrap());
            let intent = Intent {
                policies: account
                    .intended_policies
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
                groups: account.group.iter().map(ToString::to_string).collect(),
                shared: shared.clone(),
            };
            let intended: Vec<bool> = tenant
                .policies
                .iter()
                .map(|policy| recognise(policy, &identity, &intent))
                .collect();
            let proof = prover.account(&engine.subject(&identity), &intended);
            let verdict = match proof.verdict {
                Reached::GetsIn => "gets-in",
                Reached::LockedOut => "locked-out",
                Reached::CannotTell => "cannot-tell",
            };
            (verdict, proof.only_intended == Some(true))
        })
        .collect()
}

#[test]
fn every_conformance_tenant_is_judged_as_the_table_says() {
    let mut wrong = String::new();
    let cases = cases();
    assert!(cases.len() >= 40, "{}", cases.len());
    for case in &cases {
        let (snapshot, register) = changed(case);
        assert!(
            snapshot.set_aside.is_empty(),
            "{}: {:?}",
            case.name,
            snapshot.set_aside
        );
        let fails = failing(&snapshot, &register);
        if fails != case.fails {
            let _ = writeln!(
                wrong,
                "{}: fails {fails:?}, the table says {:?}",
                case.name, case.fails
            );
        }
        for (number, (verdict, intended)) in proved(&snapshot, &register).into_iter().enumerate() {
            let (wanted, meant) = (&case.verdicts[number], case.only_intended[number]);
            if verdict != wanted || intended != meant {
                let _ = writeln!(
                    wrong,
                    "{}: account {}: {verdict}, only intended {intended}; the table says {wanted}, {meant}",
                    case.name,
                    number + 1
                );
            }
        }
    }
    assert!(wrong.is_empty(), "\n{wrong}");
}

fn user(snapshot: &TenantSnapshot, name: &str) -> ObjectId {
    let user = snapshot.user_by_upn(&Upn::parse(name).unwrap());
    user.unwrap().id.clone().unwrap()
}

/// What a plan can put right, it does, in steps of which none leaves an account worse; and then there is nothing to do.
#[test]
fn what_a_plan_can_mend_is_mended_step_by_step() {
    let mut mended = 0;
    for case in cases().iter().filter(|case| case.mended_by_plan) {
        let (mut now_is, register) = changed(case);
        // Who looks after the accounts is not for a plan to choose.
        let wishes = if case.fails.contains("BG073") {
            Wishes {
                keepers: vec![user(&now_is, "chloe.admin@contoso.com")],
                approvers: ["adele.admin@contoso.com", "bruno.admin@contoso.com"]
                    .map(|name| user(&now_is, name))
                    .to_vec(),
                ..Wishes::default()
            }
        } else {
            Wishes::default()
        };
        let planned = |snapshot: &TenantSnapshot| {
            plan(&PlanInput {
                keys: breakglass_model::aaguid::Tables::built_in(),
                snapshot,
                register: Some(&register),
                history: &History::default(),
                accounts: &[],
                wishes: &wishes,
                now: now(),
                version: "test",
            })
            .unwrap()
        };
        let steps = planned(&now_is).steps;
        assert!(!steps.is_empty(), "{}", case.name);
        let ids: Vec<ObjectId> = register
            .accounts
            .iter()
            .filter_map(|account| account.id.clone())
            .collect();
        let mut safety = Safety::of(&now_is, &ids);
        for step in &steps {
            simulate(&mut now_is, &step.effects);
            let after = Safety::of(&now_is, &ids);
            assert_eq!(safety.worse(&after), [], "{}: {}", case.name, step.title);
            safety = after;
        }
        assert_eq!(
            failing(&now_is, &register),
            BTreeSet::new(),
            "{}",
            case.name
        );
        for (verdict, intended) in proved(&now_is, &register) {
            assert_eq!((verdict, intended), ("gets-in", true), "{}", case.name);
        }
        let again = planned(&now_is).steps;
        assert!(again.is_empty(), "{}: {again:#?}", case.name);
        mended += 1;
    }
    assert!(mended >= 15, "{mended}");
}

#[test]
fn the_table_for_people_is_up_to_date() {
    let mut table = String::from(
        "# Conformance tenants\n\nWritten from `tenants.json`. Each is the built-in tenant `contoso-modern` with one thing changed.\n\n\
         | tenant | what is wrong | from | checks that fail | accounts | only intended policies | a plan mends it |\n|---|---|---|---|---|---|---|\n",
    );
    for case in cases() {
        let fails: Vec<&str> = case.fails.iter().map(String::as_str).collect();
        let yes = |is: bool| if is { "yes" } else { "no" };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {} | {}, {} | {}, {} | {} |",
            case.name,
            case.wrong,
            case.source,
            if fails.is_empty() {
                "none".to_owned()
            } else {
                fails.join(" ")
            },
            case.verdicts[0],
            case.verdicts[1],
            yes(case.only_intended[0]),
            yes(case.only_intended[1]),
            yes(case.mended_by_plan)
        );
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/conformance/README.md");
    if std::env::var_os("BREAKGLASS_WRITE_CONFORMANCE").is_some() {
        fs::write(&path, &table).unwrap();
    }
    assert_eq!(fs::read_to_string(&path).unwrap_or_default(), table);
}
