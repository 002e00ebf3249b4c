//! Newer members of enumerations: shown only to a caller who can take them.
//!
//! Microsoft Graph, *Handling future members in evolvable enumerations*: without `Prefer: include-unknown-enum-members` a
//! member that came after `unknownFutureValue` is answered as that word.

use serde_json::Value;

/// What stands in place of a member that the caller may not know.
const SENTINEL: &str = "unknownFutureValue";

/// Properties with the members that came later (metadata of Microsoft Graph).
const LATER: &[(&[&str], &[&str])] = &[
    (
        &["result"],
        &[
            "reportOnlySuccess",
            "reportOnlyFailure",
            "reportOnlyNotApplied",
            "reportOnlyInterrupted",
        ],
    ),
    (&["includePlatforms", "excludePlatforms"], &["linux"]),
    (&["builtInControls"], &["riskRemediation"]),
    (
        &[
            "allowedCombinations",
            "appliesToCombinations",
            "combinations",
        ],
        &["qrCodePin"],
    ),
    (
        &["riskDetail"],
        &[
            "m365DAdminDismissedDetection",
            "adminConfirmedServicePrincipalCompromised",
            "adminDismissedAllRiskForServicePrincipal",
            "userChangedPasswordOnPremises",
            "adminDismissedRiskForSignIn",
            "adminConfirmedAccountSafe",
            "microsoftRevokedSessions",
        ],
    ),
    (&["x509CertificateRuleType"], &["issuerSubjectAndPolicyOID"]),
];

/// Hides the later members in an answer.
pub(super) fn hide(answer: &mut Value) {
    match answer {
        Value::Object(fields) => {
            for (name, value) in fields {
                match LATER
                    .iter()
                    .find(|(names, _)| names.contains(&name.as_str()))
                {
                    Some((_, later)) => replace(value, later),
                    None => hide(value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(hide),
        _ => {}
    }
}

/// Flags travel as one string, with commas.
fn replace(value: &mut Value, later: &[&str]) {
    match value {
        Value::String(text) if text.split(',').any(|own| later.contains(&own.trim())) => {
            let shown = text.split(',').map(str::trim);
            let shown = shown.map(|own| if later.contains(&own) { SENTINEL } else { own });
            *text = shown.collect::<Vec<_>>().join(",");
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, later)),
        Value::Object(_) => hide(value),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn x4_members_that_came_later_are_hidden_wherever_they_stand() {
        let mut answer = json!({"value": [{
            "conditions": {"platforms": {"includePlatforms": ["linux", "windows"], "excludePlatforms": []}},
            "grantControls": {"builtInControls": ["mfa", "riskRemediation"],
                "authenticationStrength": {"allowedCombinations": ["fido2", "password,qrCodePin"]}},
            "appliedConditionalAccessPolicies": [{"displayName": "linux", "result": "reportOnlyFailure"}],
        }], "result": "success"});
        hide(&mut answer);
        let shown = json!({"value": [{
            "conditions": {"platforms": {"includePlatforms": [SENTINEL, "windows"], "excludePlatforms": []}},
            "grantControls": {"builtInControls": ["mfa", SENTINEL],
                "authenticationStrength": {"allowedCombinations": ["fido2", format!("password,{SENTINEL}")]}},
            "appliedConditionalAccessPolicies": [{"displayName": "linux", "result": SENTINEL}],
        }], "result": "success"});
        assert_eq!(answer, shown);
    }
}
