//! Fields that the checks of a collection rest on: an object without one of them was not read as far as it matters, so that
//! its collection counts as incomplete. A key that is null was read.

use breakglass_model::NotRead;
use serde_json::Value;

/// Paths by collection. Lists on the way are gone into; a key that is missing on the way is named by a path of its own, or
/// the service leaves it out when it holds nothing; in place of a key others may hold something, after `|`.
const FIELDS: &[(&str, &[&str])] = &[
    (
        "diagnosticSettings",
        &[
            "id",
            "properties",
            "properties.logs",
            "properties.logs.enabled",
            "properties.logs.category|categoryGroup",
            "properties.workspaceId|eventHubAuthorizationRuleId|storageAccountId|marketplacePartnerId|serviceBusRuleId",
        ],
    ),
    ("workspaces", &["id", "properties"]),
    ("workspaceTables", &["id", "name"]),
    (
        "scheduledQueryRules",
        &[
            "id",
            "properties",
            "properties.enabled",
            "properties.scopes",
            "properties.criteria",
            "properties.criteria.allOf",
            "properties.criteria.allOf.query",
        ],
    ),
    (
        "alertRules",
        &["id", "kind", "properties", "properties.enabled"],
    ),
    (
        "actionGroups",
        &[
            "id",
            "properties",
            "properties.enabled",
            "properties.emailReceivers",
            "properties.emailReceivers.emailAddress",
            "properties.smsReceivers.phoneNumber",
            "properties.voiceReceivers.phoneNumber",
            "properties.webhookReceivers.serviceUri",
        ],
    ),
    (
        "actionRules",
        &[
            "properties",
            "properties.scopes",
            "properties.actions",
            "properties.actions.actionType",
        ],
    ),
    (
        "activityLogAlerts",
        &[
            "properties",
            "properties.enabled",
            "properties.scopes",
            "properties.condition",
            "properties.condition.allOf",
        ],
    ),
    (
        "automationRules",
        &[
            "properties",
            "properties.actions",
            "properties.triggeringLogic",
        ],
    ),
    (
        "alerts",
        &[
            "properties",
            "properties.essentials",
            "properties.essentials.alertRule",
            "properties.essentials.actionStatus.isSuppressed",
        ],
    ),
    ("appRoleAssignments", &["appRoleId", "principalId"]),
    ("servicePrincipals", &["id"]),
    ("riskyUsers", &["id", "riskState"]),
    ("onboardingStates", &["id"]),
    ("logDestinations", &["id"]),
    ("resourceActions", &["authenticationContextId"]),
];

/// Rules of Microsoft Sentinel that run a query; the other kinds have none.
const WITH_QUERY: [&str; 2] = ["Scheduled", "NRT"];

/// The first field that an object of a collection lacks.
pub(super) fn lacks(collection: &str, object: &Value) -> Option<&'static str> {
    let (_, paths) = FIELDS.iter().find(|(name, _)| *name == collection)?;
    let lacking = paths.iter().find(|path| !has(object, path)).copied();
    lacking.or_else(|| {
        let kind = object["kind"].as_str().unwrap_or_default();
        let queries = collection == "alertRules"
            && WITH_QUERY.iter().any(|own| own.eq_ignore_ascii_case(kind));
        (queries && !has(object, "properties.query")).then_some("properties.query")
    })
}

fn has(value: &Value, path: &str) -> bool {
    match value {
        Value::Array(items) => items.iter().all(|item| has(item, path)),
        Value::Object(map) => {
            if let Some((key, rest)) = path.split_once('.') {
                return map.get(key).is_none_or(|inner| has(inner, rest));
            }
            let mut keys = path.split('|');
            keys.next().is_some_and(|first| map.contains_key(first))
                || keys.any(|other| map.get(other).is_some_and(|held| !held.is_null()))
        }
        _ => true,
    }
}

/// Why an object was not read as far as it matters.
pub(super) fn unread(collection: &str, object: &Value) -> Option<NotRead> {
    let path = lacks(collection, object)?;
    let name = ["name", "displayName", "id"]
        .into_iter()
        .find_map(|key| object[key].as_str())
        .unwrap_or("one without a name");
    Some(NotRead {
        collection: format!("{collection}/{path}"),
        reason: format!("`{name}` is in the input without it"),
        permission: None,
    })
}

#[cfg(test)]
mod tests {
    use super::lacks;
    use serde_json::json;

    #[test]
    fn w3_what_a_rule_rests_on_must_be_there() {
        let mut rule = json!({"id": "r", "properties": {"enabled": true, "scopes": [], "criteria": {"allOf": [{"query": "a"}, {"query": null}]}}});
        assert_eq!(lacks("scheduledQueryRules", &rule), None);
        rule["properties"]["criteria"]["allOf"][1] = json!({});
        assert_eq!(
            lacks("scheduledQueryRules", &rule),
            Some("properties.criteria.allOf.query")
        );
        rule.as_object_mut().unwrap().remove("properties");
        assert_eq!(lacks("scheduledQueryRules", &rule), Some("properties"));
        let setting = json!({"id": "s", "properties": {"logs": [], "storageAccountId": "/s"}});
        assert_eq!(lacks("diagnosticSettings", &setting), None);
        let fusion = json!({"id": "f", "kind": "Fusion", "properties": {"enabled": true}});
        assert_eq!(lacks("alertRules", &fusion), None);
        let scheduled = json!({"id": "f", "kind": "Scheduled", "properties": {"enabled": true}});
        assert_eq!(lacks("alertRules", &scheduled), Some("properties.query"));
        assert_eq!(lacks("unheardOf", &fusion), None);
    }
}
