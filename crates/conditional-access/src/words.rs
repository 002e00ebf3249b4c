//! A sign-in as a sentence.

use crate::{
    Environment, SignIn,
    device_filter::Device,
    environment::{REGISTER_DEVICE, REGISTER_SECURITY_INFO},
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Scopes},
};

/// ISO 3166-1 codes and names, from the time zone database (public domain).
const COUNTRIES: &str = include_str!("words/countries.tsv");

/// The English name of a country code; the code when it has none.
pub fn country(code: &str) -> &str {
    COUNTRIES
        .lines()
        .filter_map(|line| line.split_once('\t'))
        .find(|(own, _)| own.eq_ignore_ascii_case(code.trim()))
        .map_or(code, |(_, name)| name)
}

/// A sign-in as a clause that begins with *signing in*: to what, from where, in which client, on which device,
/// under what risk. What was not given is left out.
pub fn sentence(sign_in: &SignIn, environment: &Environment) -> String {
    let mut parts = vec![purpose(sign_in, environment)];
    parts.extend(origin(sign_in));
    parts.extend(client(sign_in));
    parts.extend(device(sign_in));
    let mut with = Vec::new();
    for (risk, what) in [
        (sign_in.sign_in_risk, "sign-in risk"),
        (sign_in.user_risk, "user risk"),
    ] {
        if let Some(risk) = risk
            && risk != Risk::None
        {
            with.push(format!("{} {what}", risk.word()));
        }
    }
    if let Some(risk) = sign_in.insider_risk
        && risk != InsiderRisk::None
    {
        with.push(format!("{} insider risk", risk.word()));
    }
    if !with.is_empty() {
        parts.push(format!("with {}", with.join(" and ")));
    }
    match (sign_in.flow(), sign_in.tracked_flow()) {
        (Flow::DeviceCode, _) => parts.push("by device code flow".to_owned()),
        (Flow::Transfer, _) => parts.push("by authentication transfer".to_owned()),
        (Flow::None, Flow::DeviceCode) => {
            parts.push("in a session that began with device code flow".to_owned());
        }
        (Flow::None, Flow::Transfer) => {
            parts.push("in a session that began with authentication transfer".to_owned());
        }
        (Flow::None, Flow::None) => {}
    }
    parts.join(" ")
}

fn purpose(sign_in: &SignIn, environment: &Environment) -> String {
    let names: Vec<String> = sign_in
        .audiences
        .iter()
        .map(|id| match environment.app_name(id) {
            _ if id == crate::prove::OTHER_APPLICATION => {
                "an application that no policy names".to_owned()
            }
            name if name == id => format!("the application {id}"),
            name => name.to_owned(),
        })
        .collect();
    let mut text = match sign_in.user_action.as_deref() {
        Some(action) if action.eq_ignore_ascii_case(REGISTER_SECURITY_INFO) => {
            "signing in to register security information".to_owned()
        }
        Some(action) if action.eq_ignore_ascii_case(REGISTER_DEVICE) => {
            "signing in to register or join a device".to_owned()
        }
        Some(action) => format!("signing in for the user action {action}"),
        None if names.is_empty() => "signing in".to_owned(),
        None => format!("signing in to {}", names.join(" and ")),
    };
    if sign_in.scopes() == Scopes::Baseline {
        text.push_str(" for nothing but baseline scopes");
    }
    if !sign_in.auth_contexts.is_empty() {
        let contexts: Vec<&str> = sign_in.auth_contexts.iter().map(String::as_str).collect();
        text.push_str(&format!(
            ", which asks for the authentication context {},",
            contexts.join(" and ")
        ));
    }
    text
}

fn origin(sign_in: &SignIn) -> Option<String> {
    let address = sign_in.ip.map(|ip| ip.to_string());
    let mut text = match (&sign_in.country, address) {
        (Given::Value(code), Some(ip)) => format!("from {} ({ip})", country(code)),
        (Given::Value(code), None) => format!("from {}", country(code)),
        (Given::Nothing, Some(ip)) => format!("from an address without a country ({ip})"),
        (Given::Nothing, None) => "from an address without a country".to_owned(),
        (Given::Missing, Some(ip)) => format!("from {ip}"),
        (Given::Missing, None) => return None,
    };
    if let Some(gps) = &sign_in.gps_country {
        text.push_str(&format!(", by GPS in {},", country(gps)));
    }
    if sign_in.compliant_network == Some(true) {
        text.push_str(" over the compliant network");
    }
    Some(text)
}

fn client(sign_in: &SignIn) -> Option<String> {
    sign_in.client_app.map(|client| {
        match client {
            ClientApp::Browser => "in a browser",
            ClientApp::Modern => "in a mobile or desktop app",
            ClientApp::ActiveSync => "by Exchange ActiveSync",
            ClientApp::Other => "in a legacy client",
        }
        .to_owned()
    })
}

fn device(sign_in: &SignIn) -> Option<String> {
    let platform = match sign_in.platform {
        Some(Platform::Windows) => "Windows",
        Some(Platform::MacOs) => "macOS",
        Some(Platform::Ios) => "iOS",
        Some(Platform::Android) => "Android",
        Some(Platform::Linux) => "Linux",
        Some(Platform::WindowsPhone) => "Windows Phone",
        Some(Platform::Unknown) => "unrecognised",
        None => "",
    };
    let kind = match &sign_in.device {
        Given::Missing if platform.is_empty() => return None,
        Given::Missing => String::new(),
        Given::Nothing => "unmanaged".to_owned(),
        Given::Value(device) => registered(device),
    };
    let words: Vec<&str> = [kind.as_str(), platform]
        .into_iter()
        .filter(|word| !word.is_empty())
        .collect();
    let words = words.join(" ");
    let article = if words.starts_with(['a', 'e', 'i', 'o', 'u', 'A']) {
        "an"
    } else {
        "a"
    };
    let mut text = format!("on {article} {words} device");
    if let Given::Value(device) = &sign_in.device {
        let facts = attributes(device);
        if !facts.is_empty() {
            text.push_str(&format!(" ({})", facts.join(", ")));
        }
    }
    Some(text)
}

fn registered(device: &Device) -> String {
    let joined = match device
        .trust_type
        .as_deref()
        .map(str::to_lowercase)
        .as_deref()
    {
        Some("serverad") => "hybrid joined",
        Some("azuread") => "joined",
        _ => "registered",
    };
    if device.is_compliant == Some(true) {
        format!("compliant, {joined}")
    } else {
        joined.to_owned()
    }
}

/// Attributes that a sentence has not said yet, as `name value`.
fn attributes(device: &Device) -> Vec<String> {
    let Ok(serde_json::Value::Object(map)) = serde_json::to_value(device) else {
        return Vec::new();
    };
    map.into_iter()
        .filter(|(key, value)| {
            !value.is_null() && !["isCompliant", "trustType"].contains(&key.as_str())
        })
        .map(|(key, value)| {
            format!(
                "{key} {}",
                value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned)
            )
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_reads_as_a_sentence_x1() {
        let sign_in: SignIn = serde_json::from_str(
            r#"{"audiences": ["00000002-0000-0ff1-ce00-000000000000"], "ip": "203.0.113.10", "country": "BR",
                "clientApp": "browser", "platform": "android", "device": null, "signInRisk": "high"}"#,
        )
        .unwrap();
        assert_eq!(
            sentence(&sign_in, &Environment::default()),
            "signing in to Exchange Online from Brazil (203.0.113.10) in a browser on an unmanaged Android device \
             with high sign-in risk"
        );
    }

    #[test]
    fn actions_contexts_and_devices_are_told() {
        let sign_in: SignIn = serde_json::from_str(
            r#"{"audiences": ["x"], "authContexts": ["c1"], "flow": "deviceCodeFlow", "country": null,
                "platform": "windows", "device": {"isCompliant": true, "trustType": "ServerAD", "model": "X"}}"#,
        )
        .unwrap();
        assert_eq!(
            sentence(&sign_in, &Environment::default()),
            "signing in to the application x, which asks for the authentication context c1, from an address \
             without a country on a compliant, hybrid joined Windows device (model X) by device code flow"
        );
        let action: SignIn =
            serde_json::from_str(r#"{"userAction": "urn:user:registersecurityinfo"}"#).unwrap();
        assert_eq!(
            sentence(&action, &Environment::default()),
            "signing in to register security information"
        );
    }

    #[test]
    fn every_country_line_has_a_code_and_a_name() {
        assert!(
            COUNTRIES
                .lines()
                .all(|line| line.find('\t') == Some(2) && line.len() > 4)
        );
        assert_eq!(country("br"), "Brazil");
        assert_eq!(country("ZZ"), "ZZ");
    }
}
