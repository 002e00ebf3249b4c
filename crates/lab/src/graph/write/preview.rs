//! Which policies use what only beta knows: v1.0 neither lists nor changes them.

use serde_json::Value;

/// Paths that v1.0 does not have (Microsoft Graph beta, *conditionalAccessPolicy*).
pub(crate) const BETA: &[&[&str]] = &[
    &["conditions", "agentIdRiskLevels"],
    &["conditions", "deviceStates"],
    &["conditions", "times"],
    &["conditions", "applications", "globalSecureAccess"],
    &["conditions", "applications", "networkAccess"],
    &["conditions", "devices", "includeDevices"],
    &["conditions", "devices", "excludeDevices"],
    &["conditions", "devices", "includeDeviceStates"],
    &["conditions", "devices", "excludeDeviceStates"],
    &[
        "conditions",
        "clientApplications",
        "agentIdServicePrincipalFilter",
    ],
    &[
        "conditions",
        "clientApplications",
        "includeAgentIdServicePrincipals",
    ],
    &["sessionControls", "continuousAccessEvaluation"],
    &["sessionControls", "globalSecureAccessFilteringProfile"],
];

/// Whether a policy uses a preview feature.
pub(crate) fn used(policy: &Value) -> bool {
    BETA.iter().any(|path| {
        let found = path.iter().try_fold(policy, |value, name| value.get(name));
        found.is_some_and(|value| match value {
            Value::Null => false,
            Value::Array(list) => !list.is_empty(),
            Value::Object(object) => object.values().any(|value| !value.is_null()),
            _ => true,
        })
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_what_is_set_counts() {
        assert!(!used(
            &json!({"conditions": {"times": null, "devices": {"includeDevices": []}}})
        ));
        assert!(used(
            &json!({"sessionControls": {"continuousAccessEvaluation": {"mode": "disabled"}}})
        ));
    }
}
