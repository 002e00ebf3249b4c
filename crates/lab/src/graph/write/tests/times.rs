//! Times that a clock of nanoseconds gives, as the service writes them.

use std::sync::Arc;

use breakglass_model::FixedClock;
use serde_json::{Value, json};

use crate::{
    Lab,
    testing::{ADELE, ANNA, lab, person, write},
};

/// Every text of a document that is a time with more than seven digits of a second.
fn too_fine(value: &Value, found: &mut Vec<String>) {
    match value {
        Value::String(text) if text.parse::<jiff::Timestamp>().is_ok() => {
            let digits = text.split_once('.').map_or("", |(_, rest)| rest);
            if digits.chars().take_while(char::is_ascii_digit).count() > 7 {
                found.push(text.clone());
            }
        }
        Value::Object(fields) => fields.values().for_each(|own| too_fine(own, found)),
        Value::Array(items) => items.iter().for_each(|own| too_fine(own, found)),
        _ => {}
    }
}

#[test]
fn no_time_has_more_digits_than_the_service_writes() {
    let own = lab("contoso-modern");
    let now = "2026-11-24T12:00:00.123456789Z".parse().unwrap();
    let lab = Lab {
        clock: Arc::new(FixedClock(now)),
        ..own
    };
    let adele = person(ADELE);
    let policy = json!({"displayName": "p", "state": "disabled", "conditions": {"clientAppTypes": ["all"],
        "applications": {"includeApplications": ["All"]}, "users": {"includeUsers": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}});
    let location = json!({"@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "l",
        "countriesAndRegions": ["DE"]});
    let user = json!({"accountEnabled": true, "displayName": "n", "mailNickname": "n", "userPrincipalName": "n@contoso.com",
        "passwordProfile": {"password": "Long-enough-1"}});
    let group = json!({"displayName": "g", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true});
    let assignment = json!({"action": "adminAssign", "justification": "j", "directoryScopeId": "/", "principalId": ANNA,
        "roleDefinitionId": "194ae4cb-b126-40b2-bd5b-6091b380977d",
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT4H"}}});
    let strength = json!({"displayName": "s", "allowedCombinations": ["fido2"]});
    let mut found = Vec::new();
    let mut marked = 0;
    for (path, body) in [
        ("identity/conditionalAccess/policies", policy),
        ("identity/conditionalAccess/namedLocations", location),
        ("policies/authenticationStrengthPolicies", strength),
        ("users", user),
        ("groups", group),
        (
            "roleManagement/directory/roleAssignmentScheduleRequests",
            assignment,
        ),
        (
            &format!("users/{ANNA}/authentication/temporaryAccessPassMethods"),
            json!({}),
        ),
        (
            &format!("users/{ANNA}/authentication/phoneMethods"),
            json!({"phoneNumber": "+49 1", "phoneType": "mobile"}),
        ),
        (&format!("users/{ANNA}/revokeSignInSessions"), json!({})),
    ] {
        let answer = write(&lab, &adele, "POST", path, body)
            .unwrap_or_else(|error| panic!("{path}: {error:?}"));
        if let crate::lab::Body::Json(body) = &answer.body {
            too_fine(body, &mut found);
        }
    }
    write(
        &lab,
        &adele,
        "DELETE",
        &format!("users/{ANNA}"),
        Value::Null,
    )
    .unwrap();
    let snapshot = lab.state().to_snapshot(crate::testing::now());
    too_fine(&snapshot, &mut found);
    for row in lab.logs() {
        marked += usize::from(row.record.to_string().contains(".1234567Z"));
        too_fine(&row.record, &mut found);
    }
    assert!(found.is_empty(), "{found:?}");
    assert!(
        marked > 5,
        "the clock is the one with nanoseconds: {marked}"
    );
}
