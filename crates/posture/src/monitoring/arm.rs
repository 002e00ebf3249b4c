//! Objects of Azure Resource Manager in a snapshot.

use breakglass_model::{NotRead, TenantSnapshot};
use serde_json::Value;

use super::fields;

/// Collections that these checks read, and the least role that allows it (`docs/permissions.md`).
const ROLES: &[(&str, &str)] = &[
    (
        "diagnosticSettings",
        "Security Reader (Microsoft Entra role)",
    ),
    ("subscriptions", "Reader on the subscriptions"),
    ("workspaces", "Log Analytics Reader"),
    ("workspaceTables", "Log Analytics Reader"),
    ("workspaceFreshness", "Log Analytics Reader"),
    ("scheduledQueryRules", "Monitoring Reader"),
    ("actionGroups", "Monitoring Reader"),
    ("actionRules", "Monitoring Reader"),
    ("activityLogAlerts", "Monitoring Reader"),
    ("azureRoleAssignments", "Reader"),
    ("onboardingStates", "Microsoft Sentinel Reader"),
    ("alertRules", "Microsoft Sentinel Reader"),
    ("automationRules", "Microsoft Sentinel Reader"),
    ("watchlists", "Microsoft Sentinel Reader"),
    ("watchlistItems", "Microsoft Sentinel Reader"),
    ("alerts", "Monitoring Reader"),
    ("activityLog", "Monitoring Reader"),
    ("logDestinations", "Reader"),
];

/// A collection and why it may not be whole.
#[derive(Clone, Debug)]
pub(crate) struct Listed<'a> {
    /// What was read.
    pub(crate) items: &'a [Value],
    /// `None`: all of it was.
    pub(crate) missing: Option<NotRead>,
}

/// A collection of the snapshot.
pub(crate) fn list<'a>(snapshot: &'a TenantSnapshot, name: &str) -> Listed<'a> {
    let role = || {
        let role = ROLES.iter().find(|(known, _)| *known == name);
        role.map(|(_, role)| (*role).to_owned())
    };
    let items = snapshot.other.get(name);
    let told = snapshot
        .not_read
        .iter()
        .find(|missing| missing.collection.eq_ignore_ascii_case(name));
    let missing = match (items, told) {
        (_, Some(told)) => Some(NotRead {
            permission: told
                .permission
                .clone()
                .filter(|p| !p.is_empty())
                .or_else(role),
            ..told.clone()
        }),
        (None, None) => Some(NotRead {
            collection: name.to_owned(),
            reason: "it is not in the input".to_owned(),
            permission: role(),
        }),
        // An object that lacks what is asked of it is as good as missing.
        (Some(items), None) => items
            .iter()
            .find_map(|object| fields::unread(name, object))
            .map(|unread| NotRead {
                permission: role(),
                ..unread
            }),
    };
    Listed {
        items: items.map_or(&[], Vec::as_slice),
        missing,
    }
}

/// A text of an object; empty when it has none.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    object[key].as_str().unwrap_or_default()
}

/// Whether two ids are the same: Azure writes the same id in different letter case.
pub(crate) fn same(one: &str, other: &str) -> bool {
    one.trim_end_matches('/')
        .eq_ignore_ascii_case(other.trim_end_matches('/'))
}

/// Whether a scope holds a resource: it is the same or stands above it.
pub(crate) fn covers(scope: &str, resource: &str) -> bool {
    // The root is `/`; a scope that was not read is none.
    if scope.is_empty() {
        return false;
    }
    let scope = scope.trim_end_matches('/').to_lowercase();
    let resource = resource.to_lowercase();
    resource
        .strip_prefix(&scope)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The resource group (or what stands in its place) of a resource id.
pub(crate) fn resource_group(id: &str) -> &str {
    let at = id.to_lowercase().find("/providers/").unwrap_or(id.len());
    id.get(..at).unwrap_or(id)
}

/// The workspace of an extension resource (a rule of Microsoft Sentinel) or of a table.
pub(crate) fn workspace_of(id: &str) -> &str {
    let lower = id.to_lowercase();
    let at = ["/providers/microsoft.securityinsights", "/tables/"]
        .iter()
        .find_map(|part| lower.find(part))
        .unwrap_or(id.len());
    id.get(..at).unwrap_or(id)
}

/// Minutes of an ISO 8601 duration as Azure writes one (`PT5M`, `PT1H`, `P2D`).
pub(crate) fn minutes(duration: &Value) -> Option<i64> {
    let span: jiff::Span = duration.as_str()?.parse().ok()?;
    let total = span
        .total((
            jiff::Unit::Minute,
            jiff::SpanRelativeTo::days_are_24_hours(),
        ))
        .ok()?;
    #[allow(
        clippy::cast_possible_truncation,
        reason = "Azure's durations are whole minutes, at most days"
    )]
    Some(total as i64)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn w9_scopes_hold_what_is_below_them() {
        assert!(covers("/", "/subscriptions/S/resourceGroups/g"));
        assert!(covers(
            "/subscriptions/s",
            "/subscriptions/S/resourceGroups/g"
        ));
        assert!(!covers(
            "/subscriptions/s/resourceGroups/g",
            "/subscriptions/s/resourceGroups/gg"
        ));
        assert_eq!(
            resource_group("/subscriptions/s/resourceGroups/g/Providers/x/y"),
            "/subscriptions/s/resourceGroups/g"
        );
    }

    #[test]
    fn w5_durations_are_read() {
        assert_eq!(minutes(&json!("PT1M")), Some(1));
        assert_eq!(minutes(&json!("P2D")), Some(2880));
        assert_eq!(minutes(&json!(null)), None);
    }
}
