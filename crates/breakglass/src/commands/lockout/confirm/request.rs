//! A sign-in as Microsoft's What If takes it (`POST /identity/conditionalAccess/evaluate`).

use breakglass_conditional_access::{
    SignIn,
    device_filter::Device,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Scopes},
};
use serde_json::{Map, Value, json};

use super::samples::GROUPS;

/// The body of the request, or why What If has no words for this sign-in.
pub(super) fn body(sign_in: &SignIn, user: &str) -> Result<Value, &'static str> {
    Ok(json!({
        "signInIdentity": {"@odata.type": "#microsoft.graph.userSignIn", "userId": user},
        "signInContext": context(sign_in)?,
        "signInConditions": conditions(sign_in)?,
        "appliedPoliciesOnly": false,
    }))
}

/// The sign-in as What If is asked about it: with a user action it takes no resource, so it shows no policies on resources.
pub(super) fn as_asked(sign_in: &SignIn) -> SignIn {
    let mut asked = sign_in.clone();
    if asked.user_action.is_some() {
        asked.audiences.clear();
        asked.auth_contexts.clear();
    }
    asked
}

fn context(sign_in: &SignIn) -> Result<Value, &'static str> {
    if let Some(action) = &sign_in.user_action {
        let action = match action.to_ascii_lowercase().as_str() {
            "urn:user:registersecurityinfo" => "registerSecurityInformation",
            "urn:user:registerdevice" => "registerOrJoinDevices",
            _ => return Err("What If knows no such user action"),
        };
        return Ok(
            json!({"@odata.type": "#microsoft.graph.userActionContext", "userAction": action}),
        );
    }
    let mut contexts = sign_in.auth_contexts.iter();
    match (
        contexts.next(),
        contexts.next(),
        sign_in.audiences.is_empty(),
    ) {
        (None, _, false) => Ok(json!({
            "@odata.type": "#microsoft.graph.applicationContext",
            "includeApplications": applications(sign_in),
        })),
        (Some(context), None, true) => Ok(json!({
            "@odata.type": "#microsoft.graph.authContext",
            "authenticationContextValue": context,
        })),
        (None, _, true) => Err("it asks for no resource"),
        _ => Err("What If takes either resources or one authentication context"),
    }
}

/// The applications, groups of them by the word that What If takes.
fn applications(sign_in: &SignIn) -> Vec<&str> {
    let word = |id: &str| {
        let group = GROUPS.iter().find(|(own, ..)| own.eq_ignore_ascii_case(id));
        group.map(|(.., word)| *word)
    };
    let audiences = sign_in.audiences.iter();
    audiences.map(|id| word(id).unwrap_or(id)).collect()
}

fn conditions(sign_in: &SignIn) -> Result<Value, &'static str> {
    if sign_in.gps_country.is_some() {
        return Err("What If does not know a country by GPS");
    }
    if sign_in.compliant_network == Some(true) {
        return Err("What If does not know the compliant network");
    }
    if sign_in.scopes == Some(Scopes::Baseline) {
        return Err("What If does not know which scopes are asked for");
    }
    if sign_in.tracked_flow.is_some_and(|flow| flow != Flow::None) {
        return Err("What If does not know how the session began");
    }
    let mut map = Map::new();
    match sign_in.platform {
        Some(Platform::Unknown) => return Err("What If has no word for an unknown platform"),
        Some(platform) => {
            map.insert("devicePlatform".to_owned(), platform.word().into());
        }
        None => {}
    }
    let mut put = |key: &str, value: Option<&str>| {
        if let Some(value) = value {
            map.insert(key.to_owned(), value.into());
        }
    };
    put("clientAppType", sign_in.client_app.map(ClientApp::word));
    put("signInRiskLevel", sign_in.sign_in_risk.map(Risk::word));
    put("userRiskLevel", sign_in.user_risk.map(Risk::word));
    put(
        "insiderRiskLevel",
        sign_in.insider_risk.map(InsiderRisk::word),
    );
    let ip = sign_in.ip.map(|ip| ip.to_string());
    put("ipAddress", ip.as_deref());
    if let Given::Value(country) = &sign_in.country {
        put("country", Some(country));
    }
    if let Some(flow) = sign_in.flow {
        map.insert(
            "authenticationFlow".to_owned(),
            json!({"transferMethod": flow.word()}),
        );
    }
    if let Given::Value(device) = &sign_in.device {
        map.insert("deviceInfo".to_owned(), device_info(device));
    }
    Ok(Value::Object(map))
}

/// The device under the names of `deviceInfo`, which calls one property otherwise than device objects do.
fn device_info(device: &Device) -> Value {
    let mut value = serde_json::to_value(device).unwrap_or_default();
    if let Some(map) = value.as_object_mut() {
        if let Some(ownership) = map.remove("deviceOwnership") {
            map.insert("ownership".to_owned(), ownership);
        }
        // What If has no word for it; it decides only whether extension attributes are seen.
        map.remove("managed");
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sign_in(value: Value) -> SignIn {
        serde_json::from_value(value).unwrap()
    }

    #[test]
    fn a_sign_in_is_put_in_the_words_of_what_if() {
        let given = sign_in(json!({
            "audiences": ["797f4846-ba00-4fd7-ba43-dac1f8f63013"], "platform": "windows", "clientApp": "browser",
            "ip": "198.51.100.7", "country": "DE", "signInRisk": "low", "flow": "deviceCodeFlow",
            "device": {"isCompliant": true, "deviceOwnership": "Company", "extensionAttribute1": "x"},
        }));
        insta::assert_json_snapshot!(body(&given, "u1").unwrap());
    }

    #[test]
    fn x1_groups_of_applications_are_asked_for_by_their_words() {
        for (word, asked) in [
            ("office365", "67ad5377-2d78-4ac2-a867-6300cda00e85"),
            ("microsoftadminportals", "MicrosoftAdminPortals"),
            ("a", "a"),
        ] {
            let body = body(&sign_in(json!({"audiences": [word]})), "u1").unwrap();
            let context = &body["signInContext"];
            assert_eq!(context["includeApplications"], json!([asked]));
        }
    }

    #[test]
    fn what_what_if_has_no_words_for_is_not_asked() {
        for (given, why) in [
            (json!({}), "no resource"),
            (
                json!({"audiences": ["a"], "authContexts": ["c1"]}),
                "either",
            ),
            (json!({"audiences": ["a"], "gpsCountry": "DE"}), "GPS"),
            (
                json!({"audiences": ["a"], "compliantNetwork": true}),
                "network",
            ),
            (
                json!({"audiences": ["a"], "platform": "unknown"}),
                "platform",
            ),
            (json!({"audiences": ["a"], "scopes": "baseline"}), "scopes"),
        ] {
            assert!(
                body(&sign_in(given), "u1").unwrap_err().contains(why),
                "{why}"
            );
        }
    }
}
