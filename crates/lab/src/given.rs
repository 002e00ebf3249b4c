//! What every tenant has, whether a snapshot says so or not.

use breakglass_conditional_access::strength::{self, Combination};
use serde_json::{Value, json};

use crate::{graph::write::PASSWORD_METHOD, state::text};

/// Gives a user's password the id that it has everywhere, and lists it where it was left out: everybody has one but
/// guests, who sign in elsewhere (Microsoft Graph, *passwordAuthenticationMethod resource type*).
pub(crate) fn password(user: &mut Value) {
    const KIND: &str = "#microsoft.graph.passwordAuthenticationMethod";
    let guest = text(user, "userType").eq_ignore_ascii_case("guest")
        || text(user, "userPrincipalName").contains("#EXT#");
    let Some(Value::Array(methods)) = user.pointer_mut("/authentication/methods") else {
        return;
    };
    let mut passwords = methods
        .iter_mut()
        .filter(|method| text(method, "@odata.type").eq_ignore_ascii_case(KIND));
    match passwords.next() {
        Some(password) => password["id"] = json!(PASSWORD_METHOD),
        None if guest => {}
        None => methods.insert(
            0,
            json!({"@odata.type": KIND, "id": PASSWORD_METHOD, "password": null, "createdDateTime": null}),
        ),
    }
}

/// A combination as the service spells it: the password comes first, and what an identity provider elsewhere did last.
fn spelled(combination: &Combination) -> String {
    let text = combination.to_string();
    let mut methods: Vec<&str> = text.split(',').collect();
    methods.sort_by_key(|method| (*method != "password", *method == "federatedSingleFactor"));
    methods.join(",")
}

/// The built-in authentication strengths (Microsoft Entra, *Conditional Access authentication strength*).
pub(crate) fn strengths() -> Vec<Value> {
    const ABOUT: [&str; 3] = [
        "Combinations of methods that satisfy strong authentication, such as a password + SMS",
        "Passwordless methods that satisfy strong authentication, such as Passwordless sign-in with the Microsoft Authenticator",
        "Phishing-resistant, Passwordless methods for the strongest authentication, such as a FIDO2 security key",
    ];
    strength::built_in()
        .iter()
        .zip(ABOUT)
        .map(|(strength, about)| {
            let allowed: Vec<String> = strength.allowed.iter().map(spelled).collect();
            json!({
                "id": strength.id, "createdDateTime": "2021-12-01T08:00:00Z", "modifiedDateTime": "2021-12-01T08:00:00Z",
                "displayName": strength.name, "description": about, "policyType": "builtIn",
                "requirementsSatisfied": "mfa", "allowedCombinations": allowed, "combinationConfigurations": [],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::State;

    #[test]
    fn a_password_has_the_same_id_for_everybody_who_has_one() {
        let password = |id: &str| json!({"@odata.type": "#microsoft.graph.passwordAuthenticationMethod", "id": id});
        let user = |id: &str, methods: Value| json!({"id": id, "userPrincipalName": id, "authentication": {"methods": methods}});
        let key = json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k"});
        let state = State::from_snapshot(json!({
            "schema": "breakglass/snapshot/v1", "tenant": {"id": "t", "name": "T"}, "collections": {"users": [
                user("other", json!([key, password("x")])), user("none", json!([key])),
                user("guest_x#EXT#@t", json!([])), {"id": "unknown"},
            ]},
        }))
        .unwrap();
        let ids = |user: &str| -> Option<Vec<String>> {
            let user = state.table("users").get(user)?;
            let methods = user.pointer("/authentication/methods")?.as_array()?;
            Some(
                methods
                    .iter()
                    .map(|own| text(own, "id").to_owned())
                    .collect(),
            )
        };
        assert_eq!(ids("other").unwrap(), ["k", PASSWORD_METHOD]);
        assert_eq!(ids("none").unwrap(), [PASSWORD_METHOD, "k"]);
        assert!(ids("guest_x#EXT#@t").unwrap().is_empty());
        assert_eq!(ids("unknown"), None);
    }

    #[test]
    fn every_tenant_has_the_three_built_in_strengths() {
        let snapshot = |collections: Value| json!({"schema": "breakglass/snapshot/v1", "tenant": {"id": "t", "name": "T"}, "collections": collections});
        let state = |collections: Value| State::from_snapshot(snapshot(collections)).unwrap();
        let id = |end: u8| format!("00000000-0000-0000-0000-00000000000{end}");
        let own = json!({"id": id(4), "displayName": "As it was read"});
        let full = state(json!({"authenticationStrengthPolicies": [own, {"id": "custom"}]}));
        let table = full.table("authenticationStrengthPolicies");
        assert_eq!(table.len(), 4);
        assert_eq!(table.get(&id(4)), Some(&own));
        let combinations = |id: &str| {
            let strength = table.get(id).unwrap();
            assert_eq!(strength["policyType"], "builtIn");
            strength["allowedCombinations"].as_array().unwrap().clone()
        };
        assert_eq!(combinations(&id(2)).len(), 17);
        assert!(combinations(&id(2)).contains(&json!("password,sms")));
        assert_eq!(
            combinations(&id(3)),
            [
                "windowsHelloForBusiness",
                "fido2",
                "x509CertificateMultiFactor",
                "deviceBasedPush"
            ]
        );
        // Of what was not read nothing is said.
        assert!(!state(json!({})).knows("authenticationStrengthPolicies"));
        let empty = state(json!({"authenticationStrengthPolicies": []}));
        assert_eq!(
            empty
                .table("authenticationStrengthPolicies")
                .get(&id(4))
                .unwrap()["allowedCombinations"],
            json!([
                "windowsHelloForBusiness",
                "fido2",
                "x509CertificateMultiFactor"
            ])
        );
    }

    #[test]
    fn built_in_tenants_hold_all_three_strengths() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        for name in breakglass_model::example::NAMES {
            let example = breakglass_model::example::tenant(name, now).unwrap();
            let snapshot: Value = serde_json::from_str(&example.snapshot_json).unwrap();
            let list = snapshot["collections"]["authenticationStrengthPolicies"]
                .as_array()
                .unwrap();
            for given in strengths() {
                let own = list.iter().find(|own| own["id"] == given["id"]).unwrap();
                assert_eq!(
                    own["allowedCombinations"], given["allowedCombinations"],
                    "{name}"
                );
            }
        }
    }
}
