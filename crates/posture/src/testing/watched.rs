//! What watches the accounts of the little tenant: logs, rules, people who are told.

use breakglass_model::{TenantSnapshot, history::MonitorRun};
use serde_json::{Value, json};

use super::{World, now};

/// The namespace of the event hub that records go to.
const HUBS: &str =
    "/subscriptions/s/resourceGroups/out/providers/Microsoft.EventHub/namespaces/ehn";
const GROUP: &str = "/subscriptions/s/resourceGroups/rg";
const WORKSPACE: &str =
    "/subscriptions/s/resourceGroups/rg/providers/Microsoft.OperationalInsights/workspaces/law";
const TABLES: [&str; 3] = ["SigninLogs", "AADNonInteractiveUserSignInLogs", "AuditLogs"];

/// An alert rule as it should be.
fn rule(name: &str, query: &str) -> Value {
    json!({
        "id": format!("{GROUP}/providers/Microsoft.Insights/scheduledQueryRules/{name}"), "name": name, "kind": "LogAlert",
        "identity": {"type": "SystemAssigned", "principalId": format!("id-{name}")},
        "properties": {
            "displayName": name, "enabled": true, "severity": 0, "evaluationFrequency": "PT1M", "windowSize": "PT5M",
            "overrideQueryTimeRange": "PT1H", "scopes": [WORKSPACE],
            "criteria": {"allOf": [{"query": query, "timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0,
                "dimensions": [], "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}}]},
            "autoMitigate": false, "muteActionsDuration": null,
            "actions": {"actionGroups": [format!("{GROUP}/providers/microsoft.insights/actionGroups/ag")],
                "actionProperties": {"Email.Subject": "[CRITICAL] Emergency Access Activity"}},
        },
    })
}

/// A rule of Microsoft Sentinel as it should be.
pub(crate) fn sentinel(name: &str, query: &str) -> Value {
    json!({
        "id": format!("{WORKSPACE}/providers/Microsoft.SecurityInsights/alertRules/{name}"), "name": name, "kind": "Scheduled",
        "properties": {"displayName": name, "enabled": true, "severity": "High", "query": query, "queryFrequency": "PT5M",
            "queryPeriod": "PT30M", "triggerOperator": "GreaterThan", "triggerThreshold": 0, "suppressionEnabled": false,
            "eventGroupingSettings": {"aggregationKind": "AlertPerResult"},
            "incidentConfiguration": {"createIncident": true}},
    })
}

/// Fills in what watches.
pub(super) fn watch(snapshot: &mut TenantSnapshot) {
    let logs: Vec<Value> = ["SignInLogs", "NonInteractiveUserSignInLogs", "AuditLogs"]
        .map(|category| json!({"category": category, "enabled": true}))
        .to_vec();
    let at = now().to_string();
    let reader = |principal: &str, role: &str, scope: &str| {
        json!({"id": format!("{scope}/roleAssignments/{principal}"), "properties": {"principalId": format!("id-{principal}"),
            "principalType": "ServicePrincipal", "scope": scope,
            "roleDefinitionId": format!("/providers/Microsoft.Authorization/roleDefinitions/{role}")}})
    };
    let names = ["use", "quiet-use", "audit"];
    let mut roles = Vec::new();
    for name in names {
        roles.push(reader(
            name,
            "73c42c96-874c-492b-b04d-ab87d138a893",
            WORKSPACE,
        ));
        roles.push(reader(name, "acdd72a7-3385-48ef-bd42-f606fba81ae7", GROUP));
    }
    let ids = "dynamic([\"bg1\", \"bg2\"])";
    let mut heartbeat = rule(
        "heartbeat",
        "AADNonInteractiveUserSignInLogs | where TimeGenerated > ago(1h)",
    );
    heartbeat["properties"]["criteria"]["allOf"][0]["operator"] = json!("LessThan");
    heartbeat["properties"]["criteria"]["allOf"][0]["threshold"] = json!(1);
    let operations = [
        "Microsoft.Insights/scheduledQueryRules/write",
        "Microsoft.Insights/scheduledQueryRules/delete",
        "Microsoft.Insights/actionGroups/write",
        "Microsoft.Insights/actionGroups/delete",
        "Microsoft.AlertsManagement/actionRules/write",
        "microsoft.aadiam/diagnosticSettings/delete",
    ]
    .map(|name| json!({"field": "operationName", "equals": name}));
    let all: [(&str, Vec<Value>); 18] = [
        ("diagnosticSettings", vec![
            json!({"id": "/providers/microsoft.aadiam/diagnosticSettings/w", "properties": {"workspaceId": WORKSPACE, "logs": logs}}),
            json!({"id": "/providers/microsoft.aadiam/diagnosticSettings/h",
                "properties": {"eventHubAuthorizationRuleId": format!("{HUBS}/authorizationRules/send"), "eventHubName": "entra", "logs": logs}}),
        ]),
        ("subscriptions", vec![json!({"id": "/subscriptions/s"})]),
        ("workspaces", vec![json!({"id": WORKSPACE, "name": "law", "properties": {"retentionInDays": 365,
            "workspaceCapping": {"dailyQuotaGb": -1, "dataIngestionStatus": "RespectQuota"}}})]),
        ("workspaceTables", TABLES.map(|t| json!({"id": format!("{WORKSPACE}/tables/{t}"), "name": t,
            "properties": {"plan": "Analytics", "retentionInDays": 365, "totalRetentionInDays": 730}})).to_vec()),
        ("workspaceFreshness", TABLES.map(|t| json!({"id": format!("{WORKSPACE}/tables/{t}"), "workspaceId": WORKSPACE,
            "table": t, "within": "P7D", "lastTimeGenerated": at, "lastIngestionTime": at})).to_vec()),
        ("scheduledQueryRules", vec![
            rule("use", &format!("let ids = {ids}; SigninLogs | where UserId in~ (ids)")),
            rule("quiet-use", &format!("let ids = {ids}; AADNonInteractiveUserSignInLogs | where UserId in~ (ids)")),
            rule("audit", "let ids = dynamic([\"bg1\", \"bg2\", \"grp\", \"unit\"]); AuditLogs \
                | where tostring(InitiatedBy.user.id) in~ (ids) or tostring(TargetResources) has_any (ids) \
                or Category has_any (\"RoleManagement\", \"Policy\")"),
            heartbeat,
        ]),
        ("actionGroups", vec![json!({"id": format!("{GROUP}/providers/microsoft.insights/actionGroups/ag"), "name": "ag",
            "properties": {"enabled": true,
                "emailReceivers": [{"name": "soc", "emailAddress": "soc@example.org", "status": "Enabled"}],
                "smsReceivers": [{"name": "on-call", "countryCode": "41", "phoneNumber": "1", "status": "Enabled"}]}})]),
        ("actionRules", Vec::new()),
        ("activityLogAlerts", vec![json!({"id": "ala", "name": "tampering", "properties": {"enabled": true,
            "scopes": ["/subscriptions/s"],
            "condition": {"allOf": [{"field": "category", "equals": "Administrative"}, {"anyOf": operations}]},
            "actions": {"actionGroups": [{"actionGroupId": format!("{GROUP}/providers/microsoft.insights/actionGroups/ag")}]}}})]),
        ("azureRoleAssignments", roles),
        ("onboardingStates", Vec::new()),
        ("alertRules", Vec::new()),
        ("automationRules", Vec::new()),
        ("watchlists", Vec::new()),
        ("watchlistItems", Vec::new()),
        ("alerts", Vec::new()),
        ("activityLog", Vec::new()),
        ("logDestinations", vec![
            json!({"id": HUBS, "properties": {"disableLocalAuth": false}}),
            json!({"id": format!("{HUBS}/authorizationRules/send"), "properties": {"rights": ["Send"]}}),
            json!({"id": format!("{HUBS}/eventhubs/entra"), "properties": {}}),
        ]),
    ];
    for (name, items) in all {
        snapshot.other.insert(name.to_owned(), items);
    }
}

impl World {
    /// Our own monitor runs and reads everything.
    pub(crate) fn monitored(&mut self) {
        let streams = ["SignInLogs", "NonInteractiveUserSignInLogs", "AuditLogs"];
        self.history.runs.push(MonitorRun {
            streams: streams.map(str::to_owned).to_vec(),
            read_to: now(),
            told: Some(now()),
            watched: true,
        });
    }

    /// The objects of a collection that only these checks read.
    pub(crate) fn other(&mut self, name: &str) -> &mut Vec<Value> {
        self.snapshot.other.get_mut(name).unwrap()
    }

    /// The settings of one object of such a collection.
    pub(crate) fn properties(&mut self, name: &str, place: usize) -> &mut Value {
        &mut self.other(name)[place]["properties"]
    }

    /// Another query for a rule.
    pub(crate) fn query(&mut self, place: usize, query: &str) {
        self.properties("scheduledQueryRules", place)["criteria"]["allOf"][0]["query"] =
            json!(query);
    }
}
