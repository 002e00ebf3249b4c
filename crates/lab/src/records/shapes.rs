//! One record in every shape in which it is read.

use crate::state::text;
use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::ticks;
use crate::{LogKind, LogRow};

/// How long after a delayed record the steps of authentication are filled in.
const DETAILS_AFTER: SignedDuration = SignedDuration::from_mins(5);

/// The properties of `signIn` in Graph v1.0.
const V1: &[&str] = &[
    "id",
    "createdDateTime",
    "userDisplayName",
    "userPrincipalName",
    "userId",
    "appId",
    "appDisplayName",
    "ipAddress",
    "clientAppUsed",
    "userAgent",
    "correlationId",
    "conditionalAccessStatus",
    "isInteractive",
    "riskDetail",
    "riskLevelAggregated",
    "riskLevelDuringSignIn",
    "riskState",
    "riskEventTypes_v2",
    "resourceDisplayName",
    "resourceId",
    "resourceTenantId",
    "homeTenantId",
    "servicePrincipalId",
    "servicePrincipalName",
    "status",
    "deviceDetail",
    "location",
    "appliedConditionalAccessPolicies",
];

/// What a policy's entry has in v1.0.
const V1_POLICY: &[&str] = &[
    "id",
    "displayName",
    "enforcedGrantControls",
    "enforcedSessionControls",
    "result",
];

/// Names and bits of `conditionalAccessConditions` (Microsoft Graph beta).
const CONDITIONS: [(&str, u64); 9] = [
    ("application", 1),
    ("users", 2),
    ("devicePlatform", 4),
    ("location", 8),
    ("clientType", 16),
    ("signInRisk", 32),
    ("userRisk", 64),
    ("deviceState", 256),
    ("authenticationFlows", 32768),
];

fn created(row: &LogRow) -> Timestamp {
    let key = if row.kind == LogKind::Audit {
        "activityDateTime"
    } else {
        "createdDateTime"
    };
    row.record
        .get(key)
        .and_then(Value::as_str)
        .and_then(|text| text.parse().ok())
        .unwrap_or(row.readable_at)
}

/// The record as Graph beta gives it at this moment: of a record that came late, the steps of authentication are filled
/// in later still (Microsoft Graph, *signIn resource type*).
pub fn graph_beta(row: &LogRow, now: Timestamp) -> Cow<'_, Value> {
    let late = row.readable_at.duration_since(created(row)) > SignedDuration::from_secs(20);
    let complete_at = row.readable_at.saturating_add(DETAILS_AFTER);
    if !late || complete_at.is_ok_and(|at| now >= at) {
        return Cow::Borrowed(&row.record);
    }
    let mut record = row.record.clone();
    if let Some(details) = record.get_mut("authenticationDetails") {
        *details = json!([]);
    }
    Cow::Owned(record)
}

/// The record as Graph v1.0 gives it. v1.0 has interactive sign-ins only; that is the reader's to see to.
pub fn graph_v1(row: &LogRow) -> Value {
    if row.kind == LogKind::Audit {
        return row.record.clone();
    }
    let mut short: Map<String, Value> = V1
        .iter()
        .filter_map(|key| Some(((*key).to_owned(), row.record.get(*key)?.clone())))
        .collect();
    short.insert("riskEventTypes".to_owned(), json!([]));
    if let Some(Value::Array(policies)) = short.get_mut("appliedConditionalAccessPolicies") {
        for policy in policies.iter_mut().filter_map(Value::as_object_mut) {
            policy.retain(|key, _| V1_POLICY.contains(&key.as_str()));
        }
    }
    Value::Object(short)
}

/// The entries of policies as exports have them: conditions are numbers there.
fn exported_policies(record: &Value) -> Value {
    let mut policies = record["appliedConditionalAccessPolicies"].clone();
    for policy in policies.as_array_mut().into_iter().flatten() {
        for key in ["conditionsSatisfied", "conditionsNotSatisfied"] {
            let bits: u64 = policy[key]
                .as_str()
                .unwrap_or_default()
                .split(',')
                .filter_map(|name| CONDITIONS.iter().find(|(own, _)| *own == name.trim()))
                .map(|(_, bit)| bit)
                .sum();
            policy[key] = json!(bits);
        }
    }
    policies
}

/// Steps with their places, as exports have them.
fn exported_steps(record: &Value) -> Value {
    let mut steps = record["authenticationDetails"].clone();
    for (index, step) in steps.as_array_mut().into_iter().flatten().enumerate() {
        step["StatusSequence"] = json!(index);
        step["RequestSequence"] = json!(u8::from(index > 0));
    }
    steps
}

const fn category(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Interactive => "SignInLogs",
        LogKind::NonInteractive => "NonInteractiveUserSignInLogs",
        LogKind::ServicePrincipal => "ServicePrincipalSignInLogs",
        LogKind::ManagedIdentity => "ManagedIdentitySignInLogs",
        LogKind::Audit => "AuditLogs",
    }
}

/// The table of Log Analytics that a kind of record is written to.
pub const fn table(kind: LogKind) -> &'static str {
    match kind {
        LogKind::Interactive => "SigninLogs",
        LogKind::NonInteractive => "AADNonInteractiveUserSignInLogs",
        LogKind::ServicePrincipal => "AADServicePrincipalSignInLogs",
        LogKind::ManagedIdentity => "AADManagedIdentitySignInLogs",
        LogKind::Audit => "AuditLogs",
    }
}

fn initiator<'v>(record: &'v Value, key: &str) -> &'v str {
    ["user", "app"]
        .iter()
        .find_map(|who| record["initiatedBy"][who][key].as_str())
        .unwrap_or_default()
}

fn result_code(record: &Value) -> String {
    record["status"]["errorCode"]
        .as_u64()
        .unwrap_or_default()
        .to_string()
}

/// The line of an Event Hub (or storage) export. `copy` counts repeats: they differ in the envelope's time alone.
pub fn event_hub(row: &LogRow, tenant: &str, copy: u8) -> Value {
    let record = &row.record;
    let audit = row.kind == LogKind::Audit;
    // Sign-ins: when it was exported. Audits: when it happened.
    let time = if audit {
        created(row)
    } else {
        row.readable_at
            .saturating_add(SignedDuration::from_secs(5 + 41 * i64::from(copy)))
            .unwrap_or(row.readable_at)
    };
    let mut line = Map::new();
    let mut put = |key: &str, value: Value| {
        line.insert(key.to_owned(), value);
    };
    put("time", json!(ticks(time)));
    put(
        "resourceId",
        json!(format!("/tenants/{tenant}/providers/Microsoft.aadiam")),
    );
    let operation = if audit {
        text(record, "activityDisplayName")
    } else {
        "Sign-in activity"
    };
    put("operationName", json!(operation));
    put("operationVersion", json!("1.0"));
    put("category", json!(category(row.kind)));
    put("tenantId", json!(tenant));
    let mut properties = record.clone();
    if audit {
        put("resultSignature", json!("None"));
        let address = initiator(record, "ipAddress");
        if !address.is_empty() {
            put("callerIpAddress", json!(address));
        }
        properties["activityDateTime"] = json!(offset(created(row)));
        properties["tenantId"] = json!(tenant);
    } else {
        let code = result_code(record);
        let failed = code != "0";
        put("resultType", json!(code));
        put(
            "resultSignature",
            json!(if failed { "FAILURE" } else { "SUCCESS" }),
        );
        if failed {
            put(
                "resultDescription",
                record["status"]["failureReason"].clone(),
            );
        }
        put("callerIpAddress", record["ipAddress"].clone());
        if let Some(country) = record["location"]["countryOrRegion"].as_str() {
            put("location", json!(country));
        }
        properties["createdDateTime"] = json!(offset(created(row)));
        properties["appliedConditionalAccessPolicies"] = exported_policies(record);
        properties["authenticationDetails"] = exported_steps(record);
        if !failed {
            properties["status"] = json!({"errorCode": 0});
        }
        properties["tenantId"] = json!(tenant);
    }
    put("durationMs", json!(0));
    put("correlationId", record["correlationId"].clone());
    let identity = if audit {
        initiator(record, "displayName")
    } else {
        text(record, "userDisplayName")
    };
    if !identity.is_empty() {
        put("identity", json!(identity));
    }
    put("Level", json!(4));
    put("properties", properties);
    Value::Object(line)
}

fn offset(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%7f+00:00").to_string()
}

/// Columns that are text in every sign-in table although they hold JSON.
const TEXT: &[&str] = &[
    "AuthenticationDetails",
    "AuthenticationProcessingDetails",
    "AuthenticationRequirementPolicies",
    "AuthenticationContextClassReferences",
    "AuthenticationAppDeviceDetails",
    "AuthenticationAppPolicyEvaluationDetails",
    "AuthenticationMethodsUsed",
    "ConditionalAccessAudiences",
    "NetworkLocationDetails",
    "RiskEventTypes",
    "RiskEventTypes_V2",
    "SessionLifetimePolicies",
    "SignInEventTypes",
    "ProcessingTimeInMilliseconds",
    "ProcessingTimeInMs",
    "AutonomousSystemNumber",
];

/// Columns that are `dynamic` in `SigninLogs` and text in its sister tables.
const DYNAMIC: &[&str] = &[
    "ConditionalAccessPolicies",
    "DeviceDetail",
    "LocationDetails",
    "MfaDetail",
    "Status",
    "TokenProtectionStatusDetails",
];

/// The column for a property of the record; `None`: the table has none.
fn column(kind: LogKind, key: &str) -> Option<String> {
    Some(match key {
        "location" => "LocationDetails".to_owned(),
        "appliedConditionalAccessPolicies" => "ConditionalAccessPolicies".to_owned(),
        "ipAddress" => "IPAddress".to_owned(),
        "ipAddressFromResourceProvider" => "IPAddressFromResourceProvider".to_owned(),
        "riskEventTypes_v2" => "RiskEventTypes_V2".to_owned(),
        "resourceId" => "ResourceIdentity".to_owned(),
        "processingTimeInMilliseconds" if kind == LogKind::NonInteractive => {
            "ProcessingTimeInMs".to_owned()
        }
        "signInTokenProtectionStatus" | "privateLinkDetails" | "authenticationMethodsUsed" => {
            return None;
        }
        other => {
            let mut letters = other.chars();
            let first = letters.next()?;
            first.to_uppercase().chain(letters).collect()
        }
    })
}

/// The row of Log Analytics, by column. `workspace` is what `TenantId` holds there.
pub fn log_analytics_row(row: &LogRow, tenant: &str, workspace: &str, copy: u8) -> Value {
    let record = &row.record;
    let envelope = event_hub(row, tenant, copy);
    let mut columns = Map::new();
    let mut put = |key: &str, value: Value| {
        columns.insert(key.to_owned(), value);
    };
    put("TenantId", json!(workspace));
    put("SourceSystem", json!("Azure AD"));
    put("TimeGenerated", envelope["time"].clone());
    put("ResourceId", envelope["resourceId"].clone());
    put("OperationName", envelope["operationName"].clone());
    put("OperationVersion", json!("1.0"));
    put("Category", json!(category(row.kind)));
    put("ResultSignature", envelope["resultSignature"].clone());
    put("DurationMs", json!(0));
    put("CorrelationId", record["correlationId"].clone());
    put("Resource", json!("Microsoft.aadiam"));
    put("ResourceGroup", json!("Microsoft.aadiam"));
    put("ResourceProvider", json!(""));
    put(
        "Identity",
        envelope.get("identity").cloned().unwrap_or(json!("")),
    );
    put("Level", json!("4"));
    put("AADTenantId", json!(tenant));
    if row.kind == LogKind::Audit {
        put("ResultType", json!(""));
        put("ResultDescription", json!(""));
        put("Location", json!(""));
        put("AADOperationType", record["operationType"].clone());
        put("ActivityDateTime", json!(ticks(created(row))));
        for (column, key) in [
            ("ActivityDisplayName", "activityDisplayName"),
            ("AdditionalDetails", "additionalDetails"),
            ("Id", "id"),
            ("InitiatedBy", "initiatedBy"),
            ("LoggedByService", "loggedByService"),
            ("Result", "result"),
            ("ResultReason", "resultReason"),
            ("TargetResources", "targetResources"),
        ] {
            put(column, record[key].clone());
        }
        // The envelope's category is the log, the column's is Graph's word.
        put("Category", record["category"].clone());
    } else {
        put("ResultType", json!(result_code(record)));
        put(
            "ResultDescription",
            envelope
                .get("resultDescription")
                .cloned()
                .unwrap_or(json!("")),
        );
        put(
            "Location",
            envelope.get("location").cloned().unwrap_or(json!("")),
        );
        let properties = &envelope["properties"];
        for (key, value) in properties.as_object().into_iter().flatten() {
            let Some(name) = column(row.kind, key) else {
                continue;
            };
            if ["TenantId", "CorrelationId"].contains(&name.as_str()) {
                continue;
            }
            let value = if name == "CreatedDateTime" {
                json!(ticks(created(row)))
            } else {
                value.clone()
            };
            let as_text = TEXT.contains(&name.as_str())
                || (row.kind != LogKind::Interactive && DYNAMIC.contains(&name.as_str()));
            put(
                &name,
                match value {
                    Value::Null => json!(""),
                    Value::String(text) => json!(text),
                    other if as_text => json!(other.to_string()),
                    other => other,
                },
            );
        }
        put("Status", {
            let status = record["status"].clone();
            if row.kind == LogKind::Interactive {
                status
            } else {
                json!(status.to_string())
            }
        });
    }
    put("Type", json!(table(row.kind)));
    Value::Object(columns)
}
