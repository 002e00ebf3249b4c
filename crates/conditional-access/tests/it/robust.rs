//! Whatever JSON stands where a policy should, nothing panics.

#![allow(clippy::unwrap_used, reason = "a test helper may panic")]

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy, SignIn, policy,
};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// Keys of a policy, so that nonsense gets past the first level.
const KEYS: [&str; 48] = [
    "id",
    "displayName",
    "state",
    "conditions",
    "users",
    "includeUsers",
    "excludeUsers",
    "includeGroups",
    "excludeGroups",
    "includeRoles",
    "excludeRoles",
    "includeGuestsOrExternalUsers",
    "excludeGuestsOrExternalUsers",
    "guestOrExternalUserTypes",
    "externalTenants",
    "membershipKind",
    "members",
    "clientApplications",
    "includeServicePrincipals",
    "applications",
    "includeApplications",
    "excludeApplications",
    "includeUserActions",
    "includeAuthenticationContextClassReferences",
    "applicationFilter",
    "mode",
    "rule",
    "clientAppTypes",
    "platforms",
    "includePlatforms",
    "locations",
    "includeLocations",
    "excludeLocations",
    "signInRiskLevels",
    "insiderRiskLevels",
    "devices",
    "deviceFilter",
    "authenticationFlows",
    "transferMethods",
    "grantControls",
    "operator",
    "builtInControls",
    "authenticationStrength",
    "termsOfUse",
    "sessionControls",
    "signInFrequency",
    "isEnabled",
    "includeUsers@odata.type",
];

const TEXTS: [&str; 32] = [
    "",
    " ",
    "All",
    "None",
    "AllTrusted",
    "GuestsOrExternalUsers",
    "Office365",
    "MicrosoftAdminPortals",
    "enabled",
    "enabledForReportingButNotEnforced",
    "unknownFutureValue",
    "include",
    "exclude",
    "all",
    "windows",
    "browser",
    "exchangeActiveSync",
    "other",
    "high",
    "high,low",
    "minor",
    "mfa",
    "block",
    "AND",
    "OR",
    "deviceCodeFlow",
    "urn:user:registersecurityinfo",
    "00000000-0000-0000-0000-000000000002",
    "00000000-0000-0000-0000-000000000000",
    "device.isCompliant -eq True",
    "CustomSecurityAttribute.A_B -contains \"x\"",
    "device.((",
];

fn values() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        select(TEXTS.as_slice()).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    leaf.prop_recursive(5, 40, 6, |inner| {
        let key = prop_oneof![
            8 => select(KEYS.as_slice()).prop_map(str::to_owned),
            1 => ".{0,8}",
        ];
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::vec((key, inner), 0..6)
                .prop_map(|entries| Value::Object(entries.into_iter().collect())),
        ]
    })
}

/// A policy with something in every condition.
fn full() -> Value {
    json!({
        "id": "p",
        "displayName": "Everything",
        "state": "enabled",
        "conditions": {
            "users": {
                "includeUsers": ["All"],
                "excludeGroups": ["g"],
                "includeRoles": ["62e90394-69f5-4237-9190-012177145e10"],
                "includeGuestsOrExternalUsers": {
                    "guestOrExternalUserTypes": "internalGuest,serviceProvider",
                    "externalTenants": {"membershipKind": "enumerated", "members": ["t"]}
                }
            },
            "applications": {
                "includeApplications": ["Office365"],
                "excludeApplications": ["11111111-aaaa-4aaa-8aaa-000000000001"],
                "applicationFilter": {"mode": "include", "rule": "CustomSecurityAttribute.A_B -eq \"x\""}
            },
            "clientAppTypes": ["browser", "other"],
            "platforms": {"includePlatforms": ["all"], "excludePlatforms": ["iOS"]},
            "locations": {"includeLocations": ["All"], "excludeLocations": ["AllTrusted"]},
            "signInRiskLevels": ["high"],
            "userRiskLevels": ["low"],
            "insiderRiskLevels": "minor",
            "devices": {"deviceFilter": {"mode": "exclude", "rule": "device.isCompliant -eq True"}},
            "authenticationFlows": {"transferMethods": "deviceCodeFlow"}
        },
        "grantControls": {
            "operator": "AND",
            "builtInControls": ["mfa", "compliantDevice"],
            "termsOfUse": ["t"],
            "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"}
        },
        "sessionControls": {
            "signInFrequency": {"value": 4, "type": "hours", "isEnabled": true},
            "persistentBrowser": {"mode": "never", "isEnabled": true}
        }
    })
}

/// All places in a value, from the outside inwards.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    found.push(at.to_owned());
    match value {
        Value::Object(entries) => {
            for (key, value) in entries {
                places(value, &format!("{at}/{key}"), found);
            }
        }
        Value::Array(items) => {
            for (index, value) in items.iter().enumerate() {
                places(value, &format!("{at}/{index}"), found);
            }
        }
        _ => {}
    }
}

fn sign_in() -> SignIn {
    let given = json!({
        "audiences": ["11111111-aaaa-4aaa-8aaa-000000000001"],
        "ip": "2001:db8::1",
        "country": "DE",
        "platform": "windows",
        "clientApp": "browser",
        "device": {"isCompliant": true},
        "signInRisk": "low",
        "userRisk": "none",
        "insiderRisk": "none"
    });
    serde_json::from_value(given).unwrap()
}

/// Asks everything that can be asked about the policies.
fn ask(raw: &[Value]) {
    let policies: Vec<Policy> = raw.iter().map(policy::read).collect();
    for enforce in [Enforce::Enabled, Enforce::ReportOnlyToo] {
        let engine = Engine::new(&policies, &Environment::default(), enforce);
        let subject = engine.subject(&Identity::default());
        for sign_in in [sign_in(), SignIn::default()] {
            let evaluation = engine.evaluate(&subject, &sign_in);
            evaluation.outcome();
            evaluation.missing();
            for policy in 0..policies.len() {
                evaluation.applies(policy);
                evaluation.met(policy);
                evaluation.conditions(policy);
                evaluation.unmet(policy);
            }
        }
    }
}

#[test]
fn c4_the_policy_that_the_tests_break_is_a_good_one() {
    assert_eq!(policy::read(&full()).unknown, Vec::<String>::new());
    ask(&[full()]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn c4_any_json_is_a_policy(raw in prop::collection::vec(values(), 0..4)) {
        ask(&raw);
    }

    #[test]
    fn c4_a_policy_with_anything_in_its_midst_is_judged(
        breaks in prop::collection::vec((any::<Index>(), values()), 1..4),
    ) {
        let mut raw = full();
        for (place, value) in breaks {
            let mut all = Vec::new();
            places(&raw, "", &mut all);
            if let Some(slot) = raw.pointer_mut(place.get::<String>(&all)) {
                *slot = value;
            }
        }
        ask(&[raw, full()]);
    }
}
