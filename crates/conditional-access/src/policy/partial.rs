//! What an input leaves out of a policy. Graph writes every key of these, empty or not, so that in a tenant that was read
//! a key that is absent was not read: a body that somebody writes may leave it out, and then it means *any*.

use serde_json::{Map, Value, json};

use super::{Control, Grant, Operator, Policy, State};

/// Conditions without which a policy can be wider or narrower than it looks. Those that only beta writes
/// (`insiderRiskLevels`, `agents`) are not among them.
const CONDITIONS: [&str; 10] = [
    "users",
    "applications",
    "clientAppTypes",
    "platforms",
    "locations",
    "signInRiskLevels",
    "userRiskLevels",
    "devices",
    "clientApplications",
    "authenticationFlows",
];
const INCLUDED: [&str; 3] = ["includeUsers", "includeGroups", "includeRoles"];
const EXCLUDED: [&str; 3] = ["excludeUsers", "excludeGroups", "excludeRoles"];
const APPLICATIONS: [&str; 4] = [
    "includeApplications",
    "excludeApplications",
    "includeUserActions",
    "applicationFilter",
];
const GRANT: [&str; 4] = [
    "builtInControls",
    "customAuthenticationFactors",
    "termsOfUse",
    "authenticationStrength",
];

/// The keys of an object that are not there at all; none of what is no object.
fn absent<'a>(value: Option<&Value>, keys: &[&'a str]) -> Vec<&'a str> {
    let Some(map) = value.and_then(Value::as_object) else {
        return Vec::new();
    };
    keys.iter()
        .copied()
        .filter(|key| find(map, key).is_none())
        .collect()
}

fn find<'a>(map: &'a Map<String, Value>, key: &str) -> Option<&'a Value> {
    map.iter()
        .find(|(own, _)| own.eq_ignore_ascii_case(key))
        .map(|(_, value)| value)
}

/// Makes unknown in a policy what the object of a tenant that it was read from leaves out.
pub fn leave_open(raw: &Value, policy: &mut Policy) {
    let Some(top) = raw.as_object() else {
        return;
    };
    let mut lacks: Vec<String> = Vec::new();
    let conditions = find(top, "conditions");
    let users = conditions
        .and_then(Value::as_object)
        .and_then(|own| find(own, "users"));
    let applications = conditions
        .and_then(Value::as_object)
        .and_then(|own| find(own, "applications"));
    if conditions.is_none_or(Value::is_null) {
        lacks.push("conditions".to_owned());
    }
    let below = |path: &str, keys: Vec<&str>| -> Vec<String> {
        keys.iter().map(|key| format!("{path}.{key}")).collect()
    };
    lacks.extend(below("conditions", absent(conditions, &CONDITIONS)));
    let included = absent(users, &INCLUDED);
    // Whoever is left out of what was read may be in what was not.
    if lacks
        .iter()
        .any(|path| path == "conditions" || path == "conditions.users")
        || !included.is_empty()
    {
        policy.users.include.all = true;
    }
    lacks.extend(below("conditions.users", included));
    lacks.extend(below("conditions.users", absent(users, &EXCLUDED)));
    lacks.extend(below(
        "conditions.applications",
        absent(applications, &APPLICATIONS),
    ));
    policy.unknown.extend(
        lacks
            .iter()
            .map(|path| format!("{path} (not in the input)")),
    );
    if find(top, "state").is_none() {
        policy.state = State::Unknown("(no state)".to_owned());
        lacks.push("state".to_owned());
    }
    let grant = find(top, "grantControls");
    let mut controls = below("grantControls", absent(grant, &GRANT));
    if grant.is_none() {
        controls.push("grantControls".to_owned());
    }
    if !controls.is_empty() {
        // What is not seen may be a block, which nothing else outweighs.
        let mut known = policy.grant.take().map_or(Vec::new(), |own| own.controls);
        known.extend(
            controls
                .iter()
                .map(|path| Control::Unknown(format!("{path} (not in the input)"))),
        );
        policy.grant = Some(Grant {
            operator: Operator::And,
            controls: known,
        });
    } else if let Some(own) = policy.grant.as_mut().filter(|own| own.controls.len() > 1)
        && !absent(grant, &["operator"]).is_empty()
    {
        own.operator = Operator::Unknown("(not in the input)".to_owned());
        lacks.push("grantControls.operator".to_owned());
    }
    lacks.extend(controls);
    let session = find(top, "sessionControls");
    let mut controls = Vec::new();
    if session.is_none() {
        controls.push("sessionControls".to_owned());
    }
    // Whether one that holds something is switched on.
    for control in ["signInFrequency", "persistentBrowser"] {
        let own = session
            .and_then(Value::as_object)
            .and_then(|own| find(own, control));
        let path = format!("sessionControls.{control}");
        controls.extend(below(&path, absent(own, &["isEnabled"])));
    }
    policy.session.unknown.extend(
        controls
            .iter()
            .map(|path| format!("{path} (not in the input)")),
    );
    lacks.extend(controls);
    policy.left_out = lacks;
}

/// Adds what a body leaves out, as Graph answers when the policy is made.
pub fn complete(raw: &mut Value) {
    let Some(top) = raw.as_object_mut() else {
        return;
    };
    fill(
        top,
        &json!({"state": "disabled", "conditions": {}, "grantControls": null, "sessionControls": null}),
    );
    if let Some(conditions) = top.get_mut("conditions").and_then(Value::as_object_mut) {
        fill(
            conditions,
            &json!({"users": {}, "applications": {}, "clientAppTypes": ["all"], "platforms": null, "locations": null,
                "signInRiskLevels": [], "userRiskLevels": [], "devices": null, "clientApplications": null,
                "authenticationFlows": null}),
        );
        for (part, keys) in [
            ("users", [INCLUDED, EXCLUDED].concat()),
            ("applications", APPLICATIONS[..3].to_vec()),
        ] {
            if let Some(part) = conditions.get_mut(part).and_then(Value::as_object_mut) {
                let lists = keys.iter().map(|key| ((*key).to_owned(), json!([])));
                fill(part, &Value::Object(lists.collect()));
            }
        }
        if let Some(own) = conditions
            .get_mut("applications")
            .and_then(Value::as_object_mut)
        {
            fill(own, &json!({"applicationFilter": null}));
        }
    }
    for control in ["signInFrequency", "persistentBrowser"] {
        let own = top
            .get_mut("sessionControls")
            .and_then(|session| session.get_mut(control)?.as_object_mut());
        if let Some(own) = own {
            fill(own, &json!({"isEnabled": true}));
        }
    }
    if let Some(grant) = top.get_mut("grantControls").and_then(Value::as_object_mut) {
        fill(
            grant,
            &json!({"operator": "OR", "builtInControls": [], "customAuthenticationFactors": [], "termsOfUse": [],
                "authenticationStrength": null}),
        );
    }
}

fn fill(map: &mut Map<String, Value>, with: &Value) {
    for (key, value) in with.as_object().into_iter().flatten() {
        if find(map, key).is_none() {
            map.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::policy::read;

    fn opened(raw: &Value) -> Policy {
        let mut policy = read(raw);
        leave_open(raw, &mut policy);
        policy
    }

    #[test]
    fn c1_what_is_left_out_of_a_policy_that_was_read_is_unknown() {
        let mut whole = json!({"id": "p", "state": "enabled", "conditions": {"users": {"includeGroups": ["g"]},
            "applications": {"includeApplications": ["All"]}}, "grantControls": {"builtInControls": ["mfa"]}});
        complete(&mut whole);
        let policy = opened(&whole);
        assert_eq!(policy, read(&whole));
        assert!(policy.unknown.is_empty() && policy.left_out.is_empty());
        let without = |pointer: &str, key: &str| {
            let mut less = whole.clone();
            let parent = less.pointer_mut(pointer).unwrap().as_object_mut().unwrap();
            parent.remove(key).unwrap();
            opened(&less)
        };
        for (pointer, keys) in [
            ("/conditions", CONDITIONS.as_slice()),
            ("/conditions/users", &EXCLUDED),
            ("/conditions/applications", &APPLICATIONS),
        ] {
            for key in keys {
                let policy = without(pointer, key);
                assert_eq!(policy.unknown.len(), 1, "{key}");
                assert!(policy.left_out[0].ends_with(key), "{key}");
            }
        }
        for key in INCLUDED {
            assert!(without("/conditions/users", key).users.include.all, "{key}");
        }
        for key in GRANT {
            let grant = without("/grantControls", key).grant.unwrap();
            assert_eq!(grant.operator, Operator::And, "{key}");
            assert!(matches!(grant.controls.last(), Some(Control::Unknown(_))));
        }
        assert!(without("", "grantControls").grant.is_some());
        assert!(!without("", "sessionControls").session.unknown.is_empty());
        let mut unsaid = whole.clone();
        unsaid["sessionControls"] = json!({"signInFrequency": {"value": 1, "type": "hours"}});
        assert_eq!(
            opened(&unsaid).left_out,
            ["sessionControls.signInFrequency.isEnabled"]
        );
        assert!(matches!(without("", "state").state, State::Unknown(_)));
        assert!(without("", "conditions").users.include.all);
    }

    #[test]
    fn what_is_null_was_read() {
        let raw = json!({"state": "enabled", "conditions": {"users": null, "applications": null, "clientAppTypes": null,
            "platforms": null, "locations": null, "signInRiskLevels": null, "userRiskLevels": null, "devices": null, "clientApplications": null,
            "authenticationFlows": null}, "grantControls": null, "sessionControls": null});
        let policy = opened(&raw);
        assert!(policy.unknown.is_empty() && policy.grant.is_none());
    }
}
