//! What the providers refuse, and what they add.

use serde_json::{Map, Value, json};

use crate::lab::ApiError;

/// How a resource is judged: the body as it would be, and the resource as it is.
pub(super) struct Draft<'a> {
    pub(super) name: &'a str,
    pub(super) body: &'a mut Value,
    pub(super) old: Option<&'a Value>,
    pub(super) tenant: &'a str,
    /// Version of the API.
    pub(super) version: &'a str,
    /// The moment, for dates that the service sets.
    pub(super) now: String,
}

impl Draft<'_> {
    fn property(&self, name: &str) -> &Value {
        let properties = self.body.get("properties").unwrap_or(&Value::Null);
        properties.get(name).unwrap_or(&Value::Null)
    }

    fn words(&self, name: &str) -> &str {
        self.property(name).as_str().unwrap_or_default()
    }

    fn items(&self, name: &str) -> &[Value] {
        self.property(name).as_array().map_or(&[], Vec::as_slice)
    }

    fn set(&mut self, name: &str, value: Value) {
        if let Some(body) = self.body.as_object_mut() {
            let properties = body.entry("properties").or_insert_with(|| json!({}));
            if let Some(properties) = properties.as_object_mut() {
                properties.insert(name.to_owned(), value);
            }
        }
    }

    fn default(&mut self, name: &str, value: Value) {
        if self.property(name).is_null() {
            self.set(name, value);
        }
    }
}

pub(super) fn bad(message: impl Into<String>) -> ApiError {
    ApiError::new(400, "BadRequest", message)
}

/// Judges a resource and fills in what the service adds.
pub(super) fn check(table: &str, draft: &mut Draft<'_>) -> Result<(), ApiError> {
    match table {
        "diagnosticSettings" => diagnostic_setting(draft),
        "scheduledQueryRules" => query_rule(draft),
        "actionGroups" => action_group(draft),
        "actionRules" => processing_rule(draft),
        "activityLogAlerts" => activity_log_alert(draft),
        "workspaces" => workspace(draft),
        "workspaceTables" => workspace_table(draft),
        "alertRules" => alert_rule(draft),
        "locks" => match draft.words("level") {
            "CanNotDelete" | "ReadOnly" => Ok(()),
            _ => Err(bad("The level of a lock is CanNotDelete or ReadOnly.")),
        },
        _ => Ok(()),
    }
}

/// Categories that the tenant can send (Microsoft Entra, *Diagnostic settings: logs options*).
const CATEGORIES: &[&str] = &[
    "SignInLogs",
    "NonInteractiveUserSignInLogs",
    "ServicePrincipalSignInLogs",
    "ManagedIdentitySignInLogs",
    "MicrosoftServicePrincipalSignInLogs",
    "AuditLogs",
    "ProvisioningLogs",
    "ADFSSignInLogs",
    "RiskyUsers",
    "UserRiskEvents",
    "RiskyServicePrincipals",
    "ServicePrincipalRiskEvents",
    "RiskyAgents",
    "AgentRiskEvents",
    "MicrosoftGraphActivityLogs",
    "GraphNotificationsActivityLogs",
    "MicrosoftGraphPolicyLogs",
    "AzureADGraphActivityLogs",
    "PreAuthenticationDiscoveryLogs",
    "NetworkAccessTrafficLogs",
    "RemoteNetworkHealthLogs",
    "EnrichedOffice365AuditLogs",
    "B2CRequestLogs",
    "CustomSecurityAttributeAuditLogs",
];

fn diagnostic_setting(draft: &Draft<'_>) -> Result<(), ApiError> {
    let destinations = [
        "workspaceId",
        "storageAccountId",
        "eventHubAuthorizationRuleId",
        "serviceBusRuleId",
    ];
    if destinations.iter().all(|name| draft.words(name).is_empty()) {
        return Err(bad("At least one data sink needs to be specified."));
    }
    let mut enabled = false;
    for log in draft.items("logs") {
        let category = log
            .get("category")
            .and_then(Value::as_str)
            .unwrap_or_default();
        let group = log
            .get("categoryGroup")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if group.is_empty() && !CATEGORIES.contains(&category) {
            return Err(bad(format!("Category '{category}' is not supported.")));
        }
        let on = log.get("enabled").and_then(Value::as_bool);
        enabled |= on.ok_or_else(|| bad("Every log needs 'enabled'."))?;
    }
    if enabled {
        Ok(())
    } else {
        Err(bad("At least one log needs to be enabled."))
    }
}

const FREQUENCIES: &[&str] = &[
    "PT1M", "PT5M", "PT10M", "PT15M", "PT30M", "PT45M", "PT1H", "PT2H", "PT3H", "PT4H", "PT5H",
    "PT6H", "P1D",
];
/// What a rule that runs every minute must not contain.
const SLOW: &[&str] = &["search", "union", "take", "limit", "ingestion_time"];

fn minutes(duration: &str) -> Option<i64> {
    let span: jiff::Span = duration.parse().ok()?;
    let reference = jiff::civil::date(2000, 1, 1);
    span.total((jiff::Unit::Minute, reference))
        .ok()
        .map(|minutes| {
            #[expect(
                clippy::cast_possible_truncation,
                reason = "durations of rules are at most days"
            )]
            let whole = minutes as i64;
            whole
        })
}

fn query_rule(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    let named = !draft.name.is_empty() && draft.name.len() <= 260;
    let identity = draft
        .body
        .get("identity")
        .map(|own| own["type"].as_str().unwrap_or_default().to_owned());
    let identified = identity
        .as_ref()
        .is_some_and(|kind| !kind.eq_ignore_ascii_case("None"));
    if !named
        || draft.name.chars().any(|c| "#<>%&:\\?/{}*".contains(c))
        || (identified && draft.name.contains(';'))
    {
        return Err(bad(
            "The name of the rule has characters that are not allowed.",
        ));
    }
    if draft
        .body
        .get("location")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .is_empty()
    {
        return Err(ApiError::new(
            400,
            "LocationRequired",
            "The location property is required for this definition.",
        ));
    }
    let kind = draft
        .body
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or("LogAlert")
        .to_owned();
    if !["LogAlert", "LogToMetric", "SimpleLogAlert"].contains(&kind.as_str()) {
        return Err(bad(format!("The kind '{kind}' is not supported.")));
    }
    if draft.items("scopes").len() != 1 {
        return Err(bad("Exactly one scope is required."));
    }
    let conditions = draft
        .property("criteria")
        .get("allOf")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if conditions.is_empty() {
        return Err(bad("At least one condition is required."));
    }
    if kind == "LogAlert" {
        if !(0..=4).contains(&draft.property("severity").as_i64().unwrap_or(3)) {
            return Err(bad("Severity must be between 0 and 4."));
        }
        times(draft, &conditions)?;
    }
    let automatic = draft.property("autoMitigate").as_bool().unwrap_or(true);
    if automatic && !draft.property("muteActionsDuration").is_null() && kind == "LogAlert" {
        return Err(bad(
            "muteActionsDuration cannot be set together with autoMitigate.",
        ));
    }
    let groups = draft
        .property("actions")
        .get("actionGroups")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if groups > 5 {
        return Err(bad("A rule has at most five action groups."));
    }
    if kind == "LogAlert" {
        draft.default("autoMitigate", json!(true));
        draft.default("severity", json!(3));
    }
    draft.default("enabled", json!(true));
    draft.set(
        "createdWithApiVersion",
        draft.old.map_or(json!(draft.version), |old| {
            old["properties"]["createdWithApiVersion"].clone()
        }),
    );
    draft.set("isLegacyLogAnalyticsRule", json!(false));
    draft.default("isWorkspaceAlertsStorageConfigured", json!(false));
    give_identity(draft, identity.as_deref());
    let stamp = json!(draft.now);
    let created = draft.old.map_or_else(
        || stamp.clone(),
        |old| old["systemData"]["createdAt"].clone(),
    );
    if let Some(body) = draft.body.as_object_mut() {
        body.entry("kind").or_insert_with(|| json!("LogAlert"));
        body.insert(
            "systemData".to_owned(),
            json!({"createdAt": created, "lastModifiedAt": stamp}),
        );
    }
    Ok(())
}

/// A rule with a system-assigned identity gets a principal, which stays as long as the rule does.
fn give_identity(draft: &mut Draft<'_>, kind: Option<&str>) {
    let system = kind.is_some_and(|kind| kind.to_lowercase().contains("systemassigned"));
    if !system {
        return;
    }
    let principal = draft
        .old
        .and_then(|old| old.get("identity")?.get("principalId")?.as_str())
        .map_or_else(|| uuid::Uuid::new_v4().to_string(), str::to_owned);
    let tenant = draft.tenant.to_owned();
    if let Some(identity) = draft
        .body
        .get_mut("identity")
        .and_then(Value::as_object_mut)
    {
        identity.insert("principalId".to_owned(), json!(principal));
        identity.insert("tenantId".to_owned(), json!(tenant));
    }
}

fn times(draft: &Draft<'_>, conditions: &[Value]) -> Result<(), ApiError> {
    let (frequency, window) = (
        draft.words("evaluationFrequency"),
        draft.words("windowSize"),
    );
    if !FREQUENCIES.contains(&frequency) {
        return Err(bad(format!(
            "The evaluation frequency '{frequency}' is not supported."
        )));
    }
    let known = FREQUENCIES.contains(&window) || window == "P2D";
    if !known || (window == "PT1M" && frequency != "PT1M") {
        return Err(bad(format!("The window size '{window}' is not supported.")));
    }
    for condition in conditions {
        let periods = condition
            .get("failingPeriods")
            .and_then(|periods| periods.get("numberOfEvaluationPeriods"))
            .and_then(Value::as_i64)
            .unwrap_or(1);
        let least = condition
            .get("failingPeriods")
            .and_then(|periods| periods.get("minFailingPeriodsToAlert"))
            .and_then(Value::as_i64)
            .unwrap_or(1);
        if !(1..=6).contains(&periods) || !(1..=periods).contains(&least) {
            return Err(bad("The failing periods of a condition are out of range."));
        }
        let range = minutes(window).unwrap_or_default().saturating_mul(periods);
        if minutes(frequency).unwrap_or_default() > range || range > 48 * 60 {
            return Err(bad(
                "The window size and the evaluation frequency do not fit together.",
            ));
        }
        let query = condition
            .get("query")
            .and_then(Value::as_str)
            .unwrap_or_default();
        if query.trim().is_empty() {
            return Err(bad("A condition needs a query."));
        }
        let slow = query
            .split(|c: char| !c.is_alphanumeric() && c != '_')
            .find(|word| SLOW.contains(&word.to_lowercase().as_str()));
        if frequency == "PT1M"
            && let Some(word) = slow
        {
            return Err(bad(format!(
                "One-minute frequency is not supported for a query with '{word}'."
            )));
        }
        if condition
            .get("dimensions")
            .and_then(Value::as_array)
            .is_some_and(|own| own.len() > 6)
        {
            return Err(bad("A condition has at most six dimensions."));
        }
    }
    for name in ["overrideQueryTimeRange", "muteActionsDuration"] {
        let given = draft.words(name);
        let fits = minutes(given).is_some_and(|minutes| (5..=2 * 24 * 60).contains(&minutes));
        if !given.is_empty() && !fits {
            return Err(bad(format!(
                "The value '{given}' of {name} is not supported."
            )));
        }
    }
    Ok(())
}

/// Kinds of receivers of an action group.
const RECEIVERS: &[&str] = &[
    "emailReceivers",
    "smsReceivers",
    "webhookReceivers",
    "itsmReceivers",
    "azureAppPushReceivers",
    "automationRunbookReceivers",
    "voiceReceivers",
    "logicAppReceivers",
    "azureFunctionReceivers",
    "armRoleReceivers",
    "eventHubReceivers",
    "incidentReceivers",
];

fn action_group(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    let short = draft.words("groupShortName").chars().count();
    if !(1..=12).contains(&short) {
        return Err(bad(
            "The group short name must have between 1 and 12 characters.",
        ));
    }
    if draft.property("enabled").as_bool().is_none() {
        return Err(bad("The property 'enabled' is required."));
    }
    let mut names = Vec::new();
    for receiver in RECEIVERS.iter().flat_map(|kind| draft.items(kind)) {
        let name = receiver
            .get("name")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase();
        if name.is_empty() || names.contains(&name) {
            return Err(bad(
                "The names of receivers must be unique within the action group.",
            ));
        }
        names.push(name);
    }
    for kind in ["emailReceivers", "smsReceivers"] {
        let mut list = draft.items(kind).to_vec();
        for receiver in &mut list {
            let name = receiver["name"].clone();
            let before = draft
                .old
                .and_then(|old| {
                    old["properties"][kind]
                        .as_array()?
                        .iter()
                        .find(|own| own["name"] == name)
                })
                .map_or(json!("Enabled"), |own| own["status"].clone());
            if let Some(receiver) = receiver.as_object_mut() {
                receiver.insert("status".to_owned(), before);
            }
        }
        if !list.is_empty() {
            draft.set(kind, Value::Array(list));
        }
    }
    Ok(())
}

fn processing_rule(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    if draft.items("scopes").is_empty() || draft.items("actions").is_empty() {
        return Err(bad("The properties 'scopes' and 'actions' are required."));
    }
    for action in draft.items("actions") {
        match action
            .get("actionType")
            .and_then(Value::as_str)
            .unwrap_or_default()
        {
            "RemoveAllActionGroups" | "AddActionGroups" | "CorrelateAlerts" => {}
            other => return Err(bad(format!("The action type '{other}' is not supported."))),
        }
    }
    draft.default("enabled", json!(true));
    Ok(())
}

fn activity_log_alert(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    let conditions = draft
        .property("condition")
        .get("allOf")
        .and_then(Value::as_array)
        .map_or(0, Vec::len);
    if draft.items("scopes").is_empty() && draft.words("tenantScope").is_empty() || conditions == 0
    {
        return Err(bad("The properties 'scopes' and 'condition' are required."));
    }
    draft.default("enabled", json!(true));
    Ok(())
}

fn workspace(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    let name = draft.name;
    let fits = (4..=63).contains(&name.len())
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !name.starts_with('-')
        && !name.ends_with('-');
    if !fits {
        return Err(bad(format!("The workspace name '{name}' is not valid.")));
    }
    let customer = draft.old.map_or_else(
        || json!(uuid::Uuid::new_v4().to_string()),
        |old| old["properties"]["customerId"].clone(),
    );
    draft.set("customerId", customer);
    draft.set("provisioningState", json!("Succeeded"));
    draft.default("sku", json!({"name": "PerGB2018"}));
    draft.default("retentionInDays", json!(30));
    draft.default("publicNetworkAccessForIngestion", json!("Enabled"));
    draft.default("publicNetworkAccessForQuery", json!("Enabled"));
    let mut capping = draft.property("workspaceCapping").clone();
    if !capping.is_object() {
        capping = json!({"dailyQuotaGb": -1.0, "quotaNextResetTime": draft.now});
    }
    if let Some(capping) = capping.as_object_mut() {
        capping.insert("dataIngestionStatus".to_owned(), json!("RespectQuota"));
    }
    draft.set("workspaceCapping", capping);
    Ok(())
}

fn workspace_table(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    draft.default("plan", json!("Analytics"));
    match draft.words("plan") {
        "Basic" if draft.name.eq_ignore_ascii_case("AuditLogs") => {
            Err(bad("The table AuditLogs does not support the plan Basic."))
        }
        "Analytics" | "Basic" | "Auxiliary" => Ok(()),
        other => Err(bad(format!("The plan '{other}' is not supported."))),
    }
}

fn alert_rule(draft: &mut Draft<'_>) -> Result<(), ApiError> {
    let kind = draft
        .body
        .get("kind")
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let common = &[
        "displayName",
        "enabled",
        "severity",
        "suppressionDuration",
        "suppressionEnabled",
        "query",
    ][..];
    let timed = &[
        "queryFrequency",
        "queryPeriod",
        "triggerOperator",
        "triggerThreshold",
    ][..];
    let required: Vec<&str> = match kind.as_str() {
        "Scheduled" => [common, timed].concat(),
        "NRT" if draft.version.ends_with("-preview") => common.to_vec(),
        "Fusion" => vec!["enabled", "alertRuleTemplateName"],
        "MicrosoftSecurityIncidentCreation" => vec!["displayName", "enabled", "productFilter"],
        _ => {
            return Err(bad(format!(
                "The rule kind '{kind}' is not supported in this API version."
            )));
        }
    };
    if let Some(name) = required.iter().find(|name| draft.property(name).is_null()) {
        return Err(bad(format!(
            "The property '{name}' is required for a rule of the kind {kind}."
        )));
    }
    let severity = draft.words("severity");
    if !severity.is_empty() && !["High", "Medium", "Low", "Informational"].contains(&severity) {
        return Err(bad(format!("The severity '{severity}' is not supported.")));
    }
    if kind == "Scheduled" {
        let (frequency, period) = (
            minutes(draft.words("queryFrequency")),
            minutes(draft.words("queryPeriod")),
        );
        let fits = frequency.zip(period).is_some_and(|(frequency, period)| {
            (5..=14 * 24 * 60).contains(&frequency) && (frequency..=14 * 24 * 60).contains(&period)
        });
        if !fits {
            return Err(bad(
                "The query period must be at least the query frequency, which is at least five minutes.",
            ));
        }
    }
    let given = draft.body.get("etag").cloned().unwrap_or(Value::Null);
    if let Some(old) = draft.old
        && !given.is_null()
        && old.get("etag").is_some_and(|etag| *etag != given)
    {
        return Err(ApiError::new(
            409,
            "Conflict",
            "The etag of the rule is not the present one.",
        ));
    }
    let etag = format!("\"{}\"", uuid::Uuid::new_v4());
    if let Some(body) = draft.body.as_object_mut() {
        body.insert("etag".to_owned(), json!(etag));
    }
    draft.set("lastModifiedUtc", json!(draft.now));
    Ok(())
}

/// Lays a PATCH over a resource: objects of `properties` merge, lists are replaced.
pub(super) fn patched(old: &Value, change: &Map<String, Value>) -> Value {
    fn lay(into: &mut Value, change: &Value) {
        match (into, change) {
            (Value::Object(into), Value::Object(change)) => {
                for (name, value) in change {
                    lay(into.entry(name.clone()).or_insert(Value::Null), value);
                }
            }
            (into, change) => *into = change.clone(),
        }
    }
    let mut new = old.clone();
    for name in ["tags", "identity", "properties"] {
        if let (Some(value), Some(new)) = (change.get(name), new.as_object_mut()) {
            lay(new.entry(name).or_insert(Value::Null), value);
        }
    }
    new
}
