//! What a snapshot does not hold but other objects name: subscriptions, resource groups, the workspace of a setting.

use crate::state::text;
use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{kind::Kind, path};
use crate::State;

/// The tables that records of Entra arrive in.
const TABLES: &[&str] = &[
    "SigninLogs",
    "AADNonInteractiveUserSignInLogs",
    "AADServicePrincipalSignInLogs",
    "AADManagedIdentitySignInLogs",
    "AuditLogs",
];

/// Every ARM id that the state holds or names.
fn ids(state: &State, now: Timestamp) -> Vec<String> {
    let mut found = Vec::new();
    for kind in Kind::all() {
        for resource in state.table(kind.table).all_seen(now) {
            found.push(text(resource, "id").to_owned());
            let properties = resource.get("properties").unwrap_or(&Value::Null);
            for name in [
                "workspaceId",
                "storageAccountId",
                "eventHubAuthorizationRuleId",
                "scope",
            ] {
                found.push(text(properties, name).to_owned());
            }
            let scopes = properties.get("scopes").and_then(Value::as_array);
            found.extend(
                scopes
                    .into_iter()
                    .flatten()
                    .filter_map(Value::as_str)
                    .map(str::to_owned),
            );
        }
    }
    found
}

/// The subscriptions of the tenant.
pub(super) fn subscriptions(state: &State, now: Timestamp) -> Vec<Value> {
    if state.tables.contains_key("subscriptions") {
        return state
            .table("subscriptions")
            .all_seen(now)
            .cloned()
            .collect();
    }
    let found: BTreeSet<String> = ids(state, now)
        .iter()
        .filter_map(|id| path::subscription(id))
        .collect();
    found
        .into_iter()
        .map(|id| {
            json!({
                "id": format!("/subscriptions/{id}"), "subscriptionId": id, "tenantId": state.tenant,
                "displayName": format!("{} subscription", state.name), "state": "Enabled",
                "authorizationSource": "RoleBased", "managedByTenants": [],
                "subscriptionPolicies": {"locationPlacementId": "Public_2014-09-01", "quotaId": "PayAsYouGo_2014-09-01",
                    "spendingLimit": "Off"},
            })
        })
        .collect()
}

/// The resource groups of a subscription.
pub(super) fn groups(state: &State, subscription: &str, now: Timestamp) -> Vec<Value> {
    let mut found = BTreeMap::new();
    for id in ids(state, now) {
        if path::subscription(&id).is_some_and(|own| own.eq_ignore_ascii_case(subscription))
            && let Some(group) = path::group(&id)
        {
            found.entry(group.to_lowercase()).or_insert(group);
        }
    }
    found
        .into_values()
        .map(|name| {
            json!({
                "id": format!("/subscriptions/{subscription}/resourceGroups/{name}"), "name": name,
                "type": "Microsoft.Resources/resourceGroups", "location": "westeurope",
                "properties": {"provisioningState": "Succeeded"},
            })
        })
        .collect()
}

/// The workspaces; where the snapshot has no such collection, those that settings and rules name.
pub(crate) fn workspaces(state: &State, now: Timestamp) -> Vec<Value> {
    if state.tables.contains_key("workspaces") {
        return state.table("workspaces").all_seen(now).cloned().collect();
    }
    let mut found = BTreeMap::new();
    for id in ids(state, now) {
        if let Some(id) = workspace_in(&id) {
            found.entry(id.to_lowercase()).or_insert(id);
        }
    }
    found.into_values().map(|id| workspace(&id)).collect()
}

/// The id of the workspace that an id is, or lies below.
fn workspace_in(id: &str) -> Option<String> {
    const KIND: &str = "/providers/microsoft.operationalinsights/workspaces/";
    let start = id.to_lowercase().find(KIND)? + KIND.len();
    let rest = id.get(start..)?;
    let end = rest.find('/').map_or(id.len(), |end| start + end);
    id.get(..end).map(str::to_owned)
}

fn workspace(id: &str) -> Value {
    let customer = uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_URL, id.to_lowercase().as_bytes());
    json!({
        "id": id, "name": id.rsplit('/').next(), "type": "Microsoft.OperationalInsights/workspaces",
        "location": "westeurope", "tags": {},
        "properties": {
            "customerId": customer.to_string(), "provisioningState": "Succeeded", "retentionInDays": 90,
            "sku": {"name": "PerGB2018"}, "features": {"enableLogAccessUsingOnlyResourcePermissions": true},
            "workspaceCapping": {"dailyQuotaGb": -1.0, "dataIngestionStatus": "RespectQuota"},
            "publicNetworkAccessForIngestion": "Enabled", "publicNetworkAccessForQuery": "Enabled",
        },
    })
}

/// The tables of a workspace, as far as Entra fills them.
pub(super) fn tables(state: &State, now: Timestamp) -> Vec<Value> {
    if state.tables.contains_key("workspaceTables") {
        return state
            .table("workspaceTables")
            .all_seen(now)
            .cloned()
            .collect();
    }
    workspaces(state, now)
        .iter()
        .flat_map(|workspace| {
            let id = text(workspace, "id").to_owned();
            TABLES.iter().map(move |name| {
                json!({
                    "id": format!("{id}/tables/{name}"), "name": name,
                    "type": "Microsoft.OperationalInsights/workspaces/tables",
                    "properties": {"plan": "Analytics", "retentionInDays": 90, "totalRetentionInDays": 90,
                        "provisioningState": "Succeeded", "schema": {"name": name, "tableType": "Microsoft"}},
                })
            })
        })
        .collect()
}

/// Whether Microsoft Sentinel is set up in a workspace: said outright, or shown by the rules that it has there.
pub(super) fn onboarding(state: &State, now: Timestamp) -> Vec<Value> {
    if state.tables.contains_key("onboardingStates") {
        return state
            .table("onboardingStates")
            .all_seen(now)
            .cloned()
            .collect();
    }
    let with: BTreeSet<String> = ["alertRules", "automationRules", "watchlists"]
        .iter()
        .flat_map(|table| state.table(table).all_seen(now))
        .filter_map(|rule| workspace_in(text(rule, "id")))
        .collect();
    with.into_iter()
        .map(|id| {
            json!({
                "id": format!("{id}/providers/Microsoft.SecurityInsights/onboardingStates/default"),
                "name": "default", "type": "Microsoft.SecurityInsights/onboardingStates",
                "properties": {"customerManagedKey": false},
            })
        })
        .collect()
}

/// Makes what was derived part of the state, before a write adds to it.
pub(super) fn settle(state: &mut State, table: &str, now: Timestamp) {
    if state.tables.contains_key(table) {
        return;
    }
    let rows = match table {
        "workspaces" => workspaces(state, now),
        "workspaceTables" => tables(state, now),
        "onboardingStates" => onboarding(state, now),
        _ => return,
    };
    for row in rows {
        let id = text(&row, "id").to_owned();
        state.put(table, &id, row, Timestamp::MIN);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{lab, now};

    #[test]
    fn a_workspace_that_a_setting_names_exists_with_a_stable_id() {
        let lab = lab("contoso-modern");
        let mut state = lab.state();
        for table in ["workspaces", "workspaceTables", "subscriptions"] {
            state.tables.remove(table);
        }
        let one = workspaces(&state, now());
        assert_eq!(one.len(), 1);
        assert_eq!(tables(&state, now()).len(), TABLES.len());
        assert_eq!(one, workspaces(&state, now()));
        assert_eq!(one[0]["name"], "law-security");
        assert_eq!(subscriptions(&state, now()).len(), 1);
        assert_eq!(
            groups(&state, "2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f", now())[0]["name"],
            "rg-monitoring"
        );
    }
}
