//! The fixtures can fail: every expectation matters, and so does what they put in.
//!
//! Expectations are flipped one at a time, and each flip has to show. Policies are mutated one at a time too
//! (an exclusion dropped, an include list widened, a filter turned round, a state changed); there a mutant may
//! well be equivalent, so a share has to show, and the silent ones are written down with the reason.

use serde_json::{Map, Value, json};

use crate::{
    scenarios::{own_files, query_differences, scenario_differences},
    vectors::{differences, own},
};

#[test]
fn x1_every_flipped_expectation_of_a_single_sign_in_shows() {
    let file = own("single.json");
    let mut flips = 0;
    for case in file["cases"].as_array().unwrap() {
        let id = &case["id"];
        for (policy, truth) in case["expect"]["applies"].as_object().unwrap() {
            for other in ["T", "F", "U"].iter().filter(|other| truth != **other) {
                let mut flipped = case.clone();
                flipped["expect"]["applies"][policy] = json!(other);
                assert_eq!(
                    differences(&file, &flipped).len(),
                    1,
                    "{id} {policy} {other}"
                );
                flips += 1;
            }
        }
        for other in ["allow", "challenge", "unknown", "deny", "block"] {
            if case["expect"]["outcome"] == other {
                continue;
            }
            let mut flipped = case.clone();
            flipped["expect"]["outcome"] = json!(other);
            assert_eq!(differences(&file, &flipped).len(), 1, "{id} {other}");
            flips += 1;
        }
    }
    assert_eq!(flips, 122 * 4 + 129 * 2);
}

#[test]
fn x1_every_flipped_expectation_of_a_scenario_or_query_shows() {
    let files = own_files();
    for scenario in files.scenarios["scenarios"].as_array().unwrap() {
        let id = &scenario["id"];
        for person in scenario["users"].as_array().unwrap() {
            let name = person.as_str().unwrap();
            let mut flipped = scenario.clone();
            let inside = flipped["expect"]["in"].as_array_mut().unwrap();
            if let Some(place) = inside.iter().position(|own| own == person) {
                inside.remove(place);
            } else {
                inside.push(person.clone());
            }
            assert!(
                !scenario_differences(&files, &flipped).is_empty(),
                "{id} {name}"
            );
            if scenario["expect"]["reasons"].get(name).is_some() {
                let mut flipped = scenario.clone();
                flipped["expect"]["reasons"][name] = json!("noRole");
                assert!(
                    !scenario_differences(&files, &flipped).is_empty(),
                    "{id} {name}"
                );
            }
        }
        let mut flipped = scenario.clone();
        let locked_out = scenario["expect"]["lockedOut"].as_bool().unwrap();
        flipped["expect"]["lockedOut"] = json!(!locked_out);
        assert!(!scenario_differences(&files, &flipped).is_empty(), "{id}");
    }
    for query in files.scenarios["queries"].as_array().unwrap() {
        for (key, expected) in query["expect"].as_object().unwrap() {
            let mut flipped = query.clone();
            flipped["expect"][key] = match expected {
                Value::Bool(expected) => json!(!expected),
                Value::Array(expected) if expected.is_empty() => json!(["a"]),
                _ => json!([]),
            };
            assert!(
                !query_differences(&files, &flipped).is_empty(),
                "{} {key}",
                query["id"]
            );
        }
    }
}

/// One way to change a policy; `None` where there is nothing to change.
type Mutation = fn(&Value) -> Option<Value>;

/// A part of the conditions, where there is one: indexing would add it.
fn part_of<'p>(policy: &'p mut Value, part: &str) -> Option<&'p mut Map<String, Value>> {
    policy.get_mut("conditions")?.get_mut(part)?.as_object_mut()
}

fn without_exclusions(policy: &Value) -> Option<Value> {
    let mut mutant = policy.clone();
    let mut changed = false;
    for part in ["users", "applications", "locations", "platforms"] {
        if let Some(part) = part_of(&mut mutant, part) {
            let before = part.len();
            part.retain(|key, _| !key.starts_with("exclude"));
            changed |= part.len() != before;
        }
    }
    changed.then_some(mutant)
}

fn for_everybody(policy: &Value) -> Option<Value> {
    let include = |policy: &Value| policy["conditions"]["users"]["includeUsers"].clone();
    let mut mutant = policy.clone();
    let users = part_of(&mut mutant, "users")?;
    users.insert("includeUsers".to_owned(), json!(["All"]));
    (include(policy) != include(&mutant)).then_some(mutant)
}

fn about_everything(policy: &Value) -> Option<Value> {
    let mut mutant = policy.clone();
    let mut changed = false;
    for (part, list, all) in [
        ("applications", "includeApplications", "All"),
        ("locations", "includeLocations", "All"),
        ("platforms", "includePlatforms", "all"),
    ] {
        if let Some(part) = part_of(&mut mutant, part) {
            let all = json!([all]);
            changed |= part.insert(list.to_owned(), all.clone()) != Some(all);
            part.remove("includeUserActions");
            part.remove("includeAuthenticationContextClassReferences");
        }
    }
    changed.then_some(mutant)
}

fn filter_turned_round(policy: &Value) -> Option<Value> {
    let mut mutant = policy.clone();
    for path in [
        "/conditions/devices/deviceFilter/mode",
        "/conditions/applications/applicationFilter/mode",
    ] {
        if let Some(mode) = mutant.pointer_mut(path) {
            *mode = json!(if mode == "include" {
                "exclude"
            } else {
                "include"
            });
            return Some(mutant);
        }
    }
    None
}

#[expect(clippy::unnecessary_wraps, reason = "a mutation among others")]
fn other_state(policy: &Value) -> Option<Value> {
    let mut mutant = policy.clone();
    mutant["state"] = json!(match policy["state"].as_str() {
        None | Some("enabled") => "disabled",
        Some(_) => "enabled",
    });
    Some(mutant)
}

const MUTATIONS: [(&str, Mutation); 5] = [
    ("without exclusions", without_exclusions),
    ("for everybody", for_everybody),
    ("about everything", about_everything),
    ("filter turned round", filter_turned_round),
    ("other state", other_state),
];

/// Every mutant of every policy under `key` of a case, with a name.
fn mutants(case: &Value, key: &str) -> Vec<(String, Value)> {
    let mut mutants = Vec::new();
    for (place, policy) in case[key].as_array().into_iter().flatten().enumerate() {
        for (name, mutation) in MUTATIONS {
            if let Some(mutated) = mutation(policy) {
                let mut mutant = case.clone();
                mutant[key][place] = mutated;
                let id = case["id"].as_str().unwrap();
                let policy = policy["id"].as_str().unwrap();
                mutants.push((format!("{id} {policy} {name}"), mutant));
            }
        }
    }
    mutants
}

/// The mutants that do not show, after their number.
fn silent(mutants: Vec<(String, Value)>, shows: impl Fn(&Value) -> bool) -> (usize, Vec<String>) {
    let all = mutants.len();
    let silent = mutants
        .into_iter()
        .filter(|(_, mutant)| !shows(mutant))
        .map(|(name, _)| name)
        .collect();
    (all, silent)
}

fn all_mutants(cases: &Value) -> Vec<(String, Value)> {
    cases
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|case| mutants(case, "policies"))
        .collect()
}

fn listed(table: &[(&str, &str)]) -> Vec<String> {
    table.iter().map(|(name, _)| (*name).to_owned()).collect()
}

/// Mutants of single sign-ins that logic alone would let show, and that do not.
const SILENT_SINGLES: [(&str, &str); 10] = [
    (
        "USR-03 P for everybody",
        "the exclusion by name still beats it",
    ),
    (
        "USR-06 P for everybody",
        "the exclusion by group still beats it",
    ),
    (
        "USR-17 P for everybody",
        "a policy about service principals stays one",
    ),
    ("USR-21 P for everybody", "the exclusion still beats it"),
    (
        "APP-06 P about everything",
        "the exclusion of the member still beats it",
    ),
    (
        "APP-14 P filter turned round",
        "whether it is a target is not known either way",
    ),
    ("PLT-03 P without exclusions", "its exclude list is empty"),
    ("NET-05 P about everything", "the exclusion still beats it"),
    (
        "CLI-06 P without exclusions",
        "the person is on neither side",
    ),
    (
        "DEV-10 P filter turned round",
        "a rule without sense has none when turned",
    ),
];

#[test]
fn x1_mutated_policies_of_single_sign_ins_show() {
    let file = own("single.json");
    let (all, silent) = silent(all_mutants(&file["cases"]), |mutant| {
        !differences(&file, mutant).is_empty()
    });
    assert_eq!((all, all - silent.len()), (216, 133));
    // Switching off what does not apply, and widening what applies, changes nothing: no fault of the fixture.
    let unexpected: Vec<String> = silent
        .into_iter()
        .filter(|name| {
            let (case, rest) = name.split_once(' ').unwrap();
            let (policy, mutation) = rest.split_once(' ').unwrap();
            let cases = file["cases"].as_array().unwrap();
            let case = cases.iter().find(|own| own["id"] == case).unwrap();
            let truth = case["expect"]["applies"][policy].as_str().unwrap();
            match mutation {
                "other state" => truth != "F",
                "filter turned round" => true,
                _ => truth != "T",
            }
        })
        .collect();
    assert_eq!(unexpected, listed(&SILENT_SINGLES));
}

/// Policies that every emergency has in the background. Nobody fails at them: every account has a second factor
/// where it counts, and no way in is by a legacy client.
const BACKGROUND: [&str; 3] = [" mfa-all ", " legacy ", " bg-strength "];

const SILENT_SCENARIOS: [(&str, &str); 9] = [
    (
        "EM1-a new without exclusions",
        "nobody asks about the service account",
    ),
    ("EM1-c new without exclusions", "it is report-only"),
    (
        "EM1-e B other state",
        "the other strength shuts both out too",
    ),
    (
        "EM5-e pa about everything",
        "the emergency group is still spared",
    ),
    ("EM5-e pa other state", "the emergency group was spared"),
    (
        "EM6-a geo other state",
        "the other administrator lacks a second factor anyway",
    ),
    (
        "EM6-b geo without exclusions",
        "the person is outside of what it spared",
    ),
    (
        "EM6-b geo for everybody",
        "both accounts were reached by their role",
    ),
    ("EM6-d risk other state", "the emergency group was spared"),
];

#[test]
fn x1_mutated_policies_of_scenarios_show() {
    let files = own_files();
    let mutants = all_mutants(&files.scenarios["scenarios"]);
    let mutants = mutants
        .into_iter()
        .filter(|(name, _)| !BACKGROUND.iter().any(|policy| name.contains(policy)))
        .collect();
    let (all, silent) = silent(mutants, |mutant| {
        !scenario_differences(&files, mutant).is_empty()
    });
    assert_eq!((all, all - silent.len()), (25, 16));
    assert_eq!(silent, listed(&SILENT_SCENARIOS));
}

const SILENT_QUERIES: [(&str, &str); 17] = [
    (
        "Q01 mfa-all other state",
        "it could not apply before either",
    ),
    ("Q01 legacy other state", "it could not apply before either"),
    (
        "Q01 bg-strength for everybody",
        "the account was reached by its group",
    ),
    ("Q02 p other state", "it could not apply before either"),
    ("Q03 p other state", "it could not apply before either"),
    ("Q04 p without exclusions", "more addresses are left"),
    ("Q04 p about everything", "more addresses are left"),
    ("Q05 p without exclusions", "more addresses are left"),
    ("Q05 p about everything", "more addresses are left"),
    ("Q06 p other state", "it could not apply before either"),
    ("Q07 p filter turned round", "some device meets either rule"),
    ("Q08 p other state", "it could not apply before either"),
    ("Q10 p other state", "it could not apply before either"),
    ("Q12 a other state", "there is a way in with more holes"),
    ("Q12 b other state", "there is a way in with more holes"),
    ("Q14 a other state", "there is a way in with more holes"),
    (
        "Q15 a about everything",
        "the portal stays closed by the same policy",
    ),
];

#[test]
fn x1_mutated_policies_of_queries_show() {
    let files = own_files();
    let (all, silent) = silent(all_mutants(&files.scenarios["queries"]), |mutant| {
        !query_differences(&files, mutant).is_empty()
    });
    assert_eq!((all, all - silent.len()), (47, 30));
    assert_eq!(silent, listed(&SILENT_QUERIES));
}
