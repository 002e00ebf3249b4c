//! The six emergencies and the proof queries, from JSON through the public API.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy,
    identity::Fact,
    preflight::{Preflight, Sides},
    prove::{
        Options, Prover, Reach, Verdict, World,
        recovery::{Activation, Crisis, recover},
    },
    sign_in::Risk,
};
use serde_json::{Value, json};

use crate::vectors::{environment_of, identity_of, method_of, own, policy_of, shared, texts};

/// A scenario file beside the file of single sign-ins that it builds on.
pub(crate) struct Files {
    pub(crate) singles: Value,
    pub(crate) scenarios: Value,
}

pub(crate) fn own_files() -> Files {
    Files {
        singles: own("single.json"),
        scenarios: own("scenarios.json"),
    }
}

pub(crate) fn shared_files() -> Option<Files> {
    Some(Files {
        singles: shared("vectors.json")?,
        scenarios: shared("scenarios.json")?,
    })
}

impl Files {
    fn policies(&self, fragments: &Value) -> Vec<Policy> {
        fragments
            .as_array()
            .unwrap()
            .iter()
            .map(|fragment| policy_of(&self.singles["defaultPolicy"], fragment))
            .collect()
    }

    fn environment(&self, over: Option<&Value>) -> Environment {
        let mut env = self.singles["env"].clone();
        for (key, value) in over.and_then(Value::as_object).into_iter().flatten() {
            env[key] = value.clone();
        }
        env["mandatoryMfaTargets"] = self.scenarios["mandatoryMfaTargets"].clone();
        environment_of(&env)
    }

    fn user(&self, name: &str) -> Identity {
        identity_of(&self.scenarios["users"][name])
    }

    fn options(&self, query: &Value) -> Options {
        let targets = query
            .get("targets")
            .unwrap_or(&self.scenarios["recoveryTargets"]);
        Options {
            recovery_targets: texts(Some(targets)),
            ..Options::default()
        }
    }
}

/// What differs between a scenario and what is proved; empty when they agree.
pub(crate) fn scenario_differences(files: &Files, scenario: &Value) -> Vec<String> {
    let engine = Engine::new(
        &files.policies(&scenario["policies"]),
        &files.environment(scenario.get("env")),
        Enforce::Enabled,
    );
    let prover = Prover::new(&engine, &files.options(&Value::Null));
    let failures = &scenario["failures"];
    let world = &scenario["world"];
    let disabled: BTreeSet<String> = texts(failures.get("disabled")).into_iter().collect();
    let federated: BTreeSet<String> = texts(failures.get("federatedUsers")).into_iter().collect();
    let mut names: BTreeSet<String> = texts(scenario.get("users")).into_iter().collect();
    let pim = &scenario["pim"];
    names.extend(texts(pim.get("approvers")));
    let people = names
        .iter()
        .map(|name| {
            let mut person = files.user(name);
            if disabled.contains(name) {
                person.enabled = Fact::Known(false);
            }
            if federated.contains(name) {
                person.federated = Fact::Known(true);
            }
            if let Some(methods) = failures["methods"].get(name) {
                person.methods =
                    Fact::Known(methods.as_array().unwrap().iter().map(method_of).collect());
            }
            person
        })
        .collect();
    let crisis = Crisis {
        people,
        activation: pim.is_object().then(|| Activation {
            role: pim["role"].as_str().unwrap().to_owned(),
            approval_required: pim["approvalRequired"].as_bool().unwrap(),
            approvers: texts(pim.get("approvers")),
            context: pim["authContext"].as_str().map(str::to_owned),
        }),
        protected_context: scenario["protectedActionContext"]
            .as_str()
            .map(str::to_owned),
        world: World {
            origin: world["ip"].as_str().map(|ip| {
                (
                    ip.parse().unwrap(),
                    world["country"].as_str().map(str::to_owned),
                )
            }),
            sign_in_risk: world["signInRisk"].as_str().and_then(Risk::from_word),
            ..World::default()
        },
        lost_methods: texts(failures.get("lostMethods")).into_iter().collect(),
        federation_down: failures["federationDown"].as_bool().unwrap_or(false),
    };
    let asked: BTreeSet<String> = texts(scenario.get("users")).into_iter().collect();
    let mut inside = Vec::new();
    let mut reasons = BTreeMap::new();
    for recovery in recover(&prover, &crisis)
        .into_iter()
        .filter(|r| asked.contains(&r.id))
    {
        match recovery.path {
            Ok(_) => inside.push(recovery.id),
            Err(obstacle) => {
                reasons.insert(recovery.id, obstacle.word());
            }
        }
    }
    let got = json!({"in": inside, "reasons": reasons, "lockedOut": inside.is_empty()});
    let mut expected = scenario["expect"].clone();
    let mut sorted = texts(expected.get("in"));
    sorted.sort();
    expected["in"] = json!(sorted);
    if got == expected {
        Vec::new()
    } else {
        vec![format!("got {got}, expected {expected}")]
    }
}

/// What differs between a query and what is proved; empty when they agree.
pub(crate) fn query_differences(files: &Files, query: &Value) -> Vec<String> {
    let environment = files.environment(query.get("env"));
    let user = files.user(query["user"].as_str().unwrap());
    let expect = &query["expect"];
    let got = match query["query"].as_str().unwrap() {
        "canApply" => {
            let engine = Engine::new(
                &files.policies(&query["policies"]),
                &environment,
                Enforce::Enabled,
            );
            let prover = Prover::new(&engine, &files.options(query));
            let subject = engine.subject(&user);
            let mut got = json!({});
            for proof in prover.reach(&subject, &[]) {
                let policy = engine.policies().nth(proof.policy).unwrap();
                got[&policy.id] = (proof.reach != Reach::Never).into();
                assert_eq!(proof.witness.is_some(), proof.reach != Reach::Never);
            }
            got
        }
        "wayIn" => {
            let engine = Engine::new(
                &files.policies(&query["policies"]),
                &environment,
                Enforce::Enabled,
            );
            let prover = Prover::new(&engine, &files.options(query));
            let subject = engine.subject(&user);
            let proof = prover.account(&subject, &[]);
            let exists = if query["robust"] == true {
                proof.robust == Some(true)
            } else {
                proof.verdict == Verdict::GetsIn
            };
            if let Some(way_in) = &proof.way_in {
                assert!(engine.evaluate(&subject, way_in).outcome().gets_in());
            }
            // Each of a smallest set opens a way alone, unless others close the same ones.
            assert!(
                proof.opens.iter().all(|index| proof.blame.contains(index)),
                "{:?} {:?}",
                proof.opens,
                proof.blame
            );
            let blame: Vec<&str> = proof
                .blame
                .iter()
                .map(|index| engine.policies().nth(*index).unwrap().id.as_str())
                .collect();
            let mut got = json!({"exists": exists});
            if expect.get("blame").is_some() {
                got["blame"] = json!(blame);
            }
            got
        }
        "preflight" => {
            let (before, after) = (
                files.policies(&query["before"]),
                files.policies(&query["after"]),
            );
            let later = files.environment(query.get("envAfter"));
            let sides = Sides::new(
                (&before, &environment),
                (&after, &later),
                [Enforce::Enabled; 2],
            );
            let preflight = Preflight::new(&sides, &files.options(query));
            let comparison = preflight.compare(&user);
            let applies: Vec<&str> = comparison
                .newly_applies
                .iter()
                .map(|(index, _)| after[*index].id.as_str())
                .collect();
            let mut got = json!({
                "newlyApplies": applies,
                "newlyDenied": comparison.lost.is_some() || comparison.doubt.is_some(),
            });
            if expect.get("lostCells").is_some() {
                got["lostCells"] = json!([comparison.lost.as_ref().unwrap().witness.ip.unwrap()]);
            }
            if let Some(lost) = &comparison.lost {
                let outcome = |engine: &Engine| {
                    engine
                        .evaluate(&engine.subject(&user), &lost.witness)
                        .outcome()
                };
                assert!(outcome(sides.before()).gets_in() && outcome(sides.after()).fails());
            }
            got
        }
        other => panic!("query {other}"),
    };
    if got == *expect {
        Vec::new()
    } else {
        vec![format!("got {got}, expected {expect}")]
    }
}

pub(crate) fn check_all(files: &Files) -> (usize, usize) {
    let scenarios = files.scenarios["scenarios"].as_array().unwrap();
    let queries = files.scenarios["queries"].as_array().unwrap();
    let named = |case: &Value, differences: Vec<String>| -> Vec<String> {
        let id = case["id"].as_str().unwrap();
        differences
            .into_iter()
            .map(|d| format!("{id}: {d}"))
            .collect()
    };
    let mut wrong: Vec<String> = scenarios
        .iter()
        .flat_map(|scenario| named(scenario, scenario_differences(files, scenario)))
        .collect();
    wrong.extend(
        queries
            .iter()
            .flat_map(|query| named(query, query_differences(files, query))),
    );
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    (scenarios.len(), queries.len())
}

#[test]
fn x1_f1_to_f6_own_scenarios_and_queries() {
    assert_eq!(check_all(&own_files()), (22, 19));
}

#[test]
fn x1_f1_to_f6_shared_scenarios_and_queries() {
    let Some(files) = shared_files() else {
        println!("skipped: no shared data");
        return;
    };
    assert_eq!(check_all(&files), (22, 19));
}
