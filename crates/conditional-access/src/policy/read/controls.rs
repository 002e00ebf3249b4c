//! Grant and session controls.

use serde_json::Value;

use super::{Object, word};
use crate::policy::{Control, Frequency, Grant, Operator, Session, StrengthRef};

pub(super) fn grant(value: &Value) -> Option<Grant> {
    if !value.is_object() {
        return Some(Grant {
            operator: Operator::And,
            controls: vec![Control::Unknown(word(value))],
        });
    }
    let grant = Object::new(value);
    let mut controls: Vec<Control> = grant
        .words("builtInControls")
        .into_iter()
        .map(|name| match name.to_lowercase().as_str() {
            "block" => Control::Block,
            "mfa" => Control::Mfa,
            "compliantdevice" => Control::CompliantDevice,
            "domainjoineddevice" => Control::DomainJoinedDevice,
            "approvedapplication" => Control::ApprovedApplication,
            "compliantapplication" => Control::CompliantApplication,
            "passwordchange" => Control::PasswordChange,
            "riskremediation" => Control::RiskRemediation,
            _ => Control::Unknown(name),
        })
        .collect();
    if let Some(strength) = grant.get("authenticationStrength") {
        let strength = Object::new(strength);
        let id = strength.text("id");
        let name = strength.text("displayName").or_else(|| id.clone());
        controls.push(match id {
            Some(id) => Control::Strength(StrengthRef {
                name: name.unwrap_or_else(|| id.clone()),
                id,
            }),
            None => Control::Unknown("authenticationStrength without id".to_owned()),
        });
    }
    controls.extend(grant.ids("termsOfUse").into_iter().map(Control::TermsOfUse));
    controls.extend(
        grant
            .ids("customAuthenticationFactors")
            .into_iter()
            .map(Control::Custom),
    );
    let mut unknown = Vec::new();
    grant.others(
        &[
            "operator",
            "builtInControls",
            "authenticationStrength",
            "termsOfUse",
            "customAuthenticationFactors",
        ],
        "",
        &mut unknown,
    );
    controls.extend(unknown.into_iter().map(Control::Unknown));
    if controls.is_empty() {
        return None;
    }
    let operator = grant.text("operator");
    Some(Grant {
        operator: match operator.map(|operator| operator.to_uppercase()).as_deref() {
            Some("AND") => Operator::And,
            Some("OR") | None => Operator::Or,
            Some(other) => Operator::Unknown(other.to_owned()),
        },
        controls,
    })
}

pub(super) fn session(value: &Value) -> Session {
    if !value.is_object() {
        return Session {
            unknown: vec![word(value)],
            ..Session::default()
        };
    }
    let session = Object::new(value);
    let part = |key: &str| Object::of(session.get(key));
    let mut unknown = Vec::new();
    session.others(
        &[
            "applicationEnforcedRestrictions",
            "cloudAppSecurity",
            "persistentBrowser",
            "signInFrequency",
            "secureSignInSession",
            "disableResilienceDefaults",
            "continuousAccessEvaluation",
            "globalSecureAccessFilteringProfile",
            "networkAccessSecurity",
        ],
        "",
        &mut unknown,
    );
    let app_control = part("cloudAppSecurity").text("cloudAppSecurityType");
    let mode = part("continuousAccessEvaluation").text("mode");
    if let Some(mode) = &mode
        && !["disabled", "strictenforcement", "strictlocation"]
            .contains(&mode.to_lowercase().as_str())
    {
        unknown.push(format!("continuousAccessEvaluation {mode}"));
    }
    Session {
        frequency: session
            .switched_on("signInFrequency")
            .then(|| frequency(&part("signInFrequency"))),
        persistent_browser: session.switched_on("persistentBrowser").then(|| {
            part("persistentBrowser")
                .text("mode")
                .unwrap_or_else(|| "configured".to_owned())
        }),
        app_enforced: session.switched_on("applicationEnforcedRestrictions"),
        // Monitoring and blocked downloads let the sign-in pass; anything else may not.
        app_control: session.switched_on("cloudAppSecurity")
            && !app_control.is_some_and(|kind| {
                ["monitoronly", "blockdownloads"].contains(&kind.to_lowercase().as_str())
            }),
        token_protection: session.switched_on("secureSignInSession"),
        strict_location: mode.is_some_and(|mode| {
            ["strictenforcement", "strictlocation"].contains(&mode.to_lowercase().as_str())
        }),
        no_resilience: session.switched_on("disableResilienceDefaults"),
        traffic_profile: session.switched_on("globalSecureAccessFilteringProfile")
            || session.switched_on("networkAccessSecurity"),
        unknown,
    }
}

fn frequency(frequency: &Object<'_>) -> Frequency {
    if frequency
        .text("frequencyInterval")
        .is_some_and(|interval| interval.eq_ignore_ascii_case("everyTime"))
    {
        return Frequency::EveryTime;
    }
    let value = frequency.get("value").and_then(Value::as_u64);
    match (
        value,
        frequency
            .text("type")
            .map(|unit| unit.to_lowercase())
            .as_deref(),
    ) {
        (Some(value), Some("hours")) => Frequency::Hours(value),
        (Some(value), Some("days")) => Frequency::Hours(value.saturating_mul(24)),
        _ => Frequency::Unclear,
    }
}
