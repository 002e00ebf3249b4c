//! Test vectors from JSON: single sign-ins, emergencies and proof queries, through the public API.
//!
//! The same reader serves the project's own fixtures and the shared vector files; the latter are read where
//! they are at hand.

use std::{collections::BTreeMap, fs, path::PathBuf};

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy, SignIn, Truth,
    environment::{BaselineScopes, Location, LocationKind},
    identity::{Fact, GuestKind, IdentityKind, Memberships},
    policy,
    strength::{Combination, Restriction, Strength, UsableMethod},
};
use serde_json::{Map, Value};

pub(crate) fn own(name: &str) -> Value {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/vectors")
        .join(name);
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

pub(crate) fn shared(name: &str) -> Option<Value> {
    let mut at = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    loop {
        let file = at.join("shared/reference/ca-vectors").join(name);
        if file.is_file() {
            return Some(serde_json::from_slice(&fs::read(file).unwrap()).unwrap());
        }
        if !at.pop() {
            return None;
        }
    }
}

fn text(value: &Value, key: &str) -> Option<String> {
    value.get(key).and_then(Value::as_str).map(str::to_owned)
}

pub(crate) fn texts(value: Option<&Value>) -> Vec<String> {
    value
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .map(str::to_owned)
        .collect()
}

fn merged(base: &Value, over: Option<&Value>) -> Value {
    let mut all: Map<String, Value> = base.as_object().unwrap().clone();
    for (key, value) in over.and_then(Value::as_object).into_iter().flatten() {
        all.insert(key.clone(), value.clone());
    }
    Value::Object(all)
}

/// The policy of a fragment: top-level keys replace, each key of `conditions` replaces that key whole.
pub(crate) fn policy_of(default: &Value, fragment: &Value) -> Policy {
    let mut whole = merged(default, Some(fragment));
    whole["conditions"] = merged(&default["conditions"], fragment.get("conditions"));
    policy::read(&whole)
}

pub(crate) fn environment_of(env: &Value) -> Environment {
    let mut own = Environment {
        mandatory_mfa: texts(env.get("mandatoryMfaTargets")).into_iter().collect(),
        ..Environment::default()
    };
    own.locations = env["locations"]
        .as_array()
        .unwrap()
        .iter()
        .map(|location| {
            let id = text(location, "id").unwrap();
            let kind = match location["type"].as_str().unwrap() {
                "ip" => LocationKind::Ip {
                    trusted: location["trusted"].as_bool().unwrap(),
                    ranges: texts(location.get("ranges"))
                        .iter()
                        .map(|range| range.parse().unwrap())
                        .collect(),
                },
                "country" => LocationKind::Country {
                    codes: texts(location.get("countries")),
                    include_unknown: location["includeUnknown"].as_bool().unwrap(),
                    by_gps: location["lookup"] == "authenticatorAppGps",
                },
                "compliantNetwork" => LocationKind::CompliantNetwork,
                other => panic!("location type {other}"),
            };
            Location {
                name: id.clone(),
                id,
                kind,
            }
        })
        .collect();
    own.mfa_trusted_ips = texts(env.get("mfaTrustedIps"))
        .iter()
        .map(|range| range.parse().unwrap())
        .collect();
    own.suites = env["suites"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, members)| (id.clone(), texts(Some(members))))
        .collect();
    own.immune = texts(env.get("immune")).into_iter().collect();
    own.traffic_resources = texts(env.get("gsaResources")).into_iter().collect();
    own.baseline_scopes = match env["baselineScopes"].as_str().unwrap() {
        "enforced" => BaselineScopes::Enforced,
        "legacy" => BaselineScopes::Legacy,
        "custom" => BaselineScopes::Custom(text(env, "baselinePlaceholder").unwrap()),
        other => panic!("baseline scopes {other}"),
    };
    own.approved_app_retired = env["approvedAppRetired"].as_bool().unwrap();
    own.app_attributes = env["csa"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(app, attributes)| {
            let attributes: BTreeMap<String, Vec<String>> = attributes
                .as_object()
                .unwrap()
                .iter()
                .map(|(name, values)| (name.clone(), texts(Some(values))))
                .collect();
            (app.clone(), attributes)
        })
        .collect();
    own.strengths = env["strengths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(id, strength)| {
            let aaguids = texts(strength.get("aaguids"));
            Strength {
                id: id.clone(),
                name: id.clone(),
                allowed: texts(strength.get("allowed"))
                    .iter()
                    .map(|c| Combination::new(c))
                    .collect(),
                restrictions: if aaguids.is_empty() {
                    Vec::new()
                } else {
                    vec![Restriction {
                        applies_to: vec![Combination::new("fido2")],
                        aaguids,
                    }]
                },
            }
        })
        .collect();
    own
}

pub(crate) fn method_of(value: &Value) -> UsableMethod {
    match value {
        Value::String(combination) => UsableMethod::new(combination),
        other => {
            let method = UsableMethod::new(other["combo"].as_str().unwrap());
            match text(other, "aaguid") {
                Some(aaguid) => method.model(&aaguid),
                None => method,
            }
        }
    }
}

pub(crate) fn identity_of(user: &Value) -> Identity {
    let id = text(user, "id").unwrap();
    Identity {
        name: id.clone(),
        id,
        kind: match user["kind"].as_str() {
            Some("agentUser") => IdentityKind::AgentUser,
            _ => IdentityKind::User,
        },
        guest: Fact::Known(match user["externalType"].as_str() {
            None | Some("none") => GuestKind::Member,
            Some(kind) => GuestKind::Guest(kind.to_owned()),
        }),
        home_tenant: text(user, "homeTenant"),
        groups: match &user["groups"] {
            Value::Null => Memberships::unread("the groups of this user were not read"),
            groups => Memberships::known(texts(Some(groups))),
        },
        roles: Memberships::known(texts(user.get("roles"))),
        eligible_roles: texts(user.get("eligibleRoles")),
        methods: Fact::Known(
            user["methods"]
                .as_array()
                .unwrap()
                .iter()
                .map(method_of)
                .collect(),
        ),
        devices: Fact::Known(Vec::new()),
        enabled: Fact::Known(user["enabled"].as_bool().unwrap_or(true)),
        federated: Fact::Known(user["federated"].as_bool().unwrap_or(false)),
        per_user_mfa: false,
    }
}

fn letter(truth: Truth) -> &'static str {
    match truth {
        Truth::Yes => "T",
        Truth::No => "F",
        Truth::Unknown => "U",
    }
}

/// What differs between a case and what the engine says; empty when they agree.
pub(crate) fn differences(file: &Value, case: &Value) -> Vec<String> {
    let environment = environment_of(&merged(&file["env"], case.get("env")));
    let policies: Vec<Policy> = case["policies"]
        .as_array()
        .unwrap()
        .iter()
        .map(|fragment| policy_of(&file["defaultPolicy"], fragment))
        .collect();
    let sign_in = merged(&file["defaultSignIn"], case.get("signIn"));
    let identity = match &sign_in["user"] {
        Value::String(name) => identity_of(&file["users"][name]),
        described => identity_of(described),
    };
    let mut plain = sign_in.clone();
    plain["user"] = identity.id.clone().into();
    let sign_in: SignIn = serde_json::from_value(plain).unwrap();
    let engine = Engine::new(&policies, &environment, Enforce::Enabled);
    let subject = engine.subject(&identity);
    let evaluation = engine.evaluate(&subject, &sign_in);
    let mut found = Vec::new();
    for (index, policy) in engine.policies().enumerate() {
        let expected = &case["expect"]["applies"][&policy.id];
        let got = letter(evaluation.applies(index));
        if expected != got {
            found.push(format!(
                "{} applies {got}, not {expected}: {:?}",
                policy.id,
                evaluation.conditions(index)
            ));
        }
    }
    let outcome = evaluation.outcome().word();
    if case["expect"]["outcome"] != outcome {
        found.push(format!(
            "outcome {outcome}, not {}",
            case["expect"]["outcome"]
        ));
    }
    found
}

pub(crate) fn check_single(file: &Value) -> usize {
    let cases = file["cases"].as_array().unwrap();
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            differences(file, case)
                .into_iter()
                .map(move |d| format!("{}: {d}", case["id"].as_str().unwrap()))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} differences:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    cases.len()
}

#[test]
fn x1_own_single_sign_ins() {
    assert_eq!(check_single(&own("single.json")), 122);
}

#[test]
fn x1_shared_single_sign_ins() {
    let Some(file) = shared("vectors.json") else {
        println!("skipped: no shared data");
        return;
    };
    assert_eq!(check_single(&file), 122);
}
