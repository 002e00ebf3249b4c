//! Ordinary people of Contoso in the log: records in the shape that Azure Event Hubs delivers, made up by us.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;

/// Sign-ins of so many people, one NDJSON line each; the last one is a moment old.
pub(super) fn records(tenant: &str, now: Timestamp, people: usize) -> Vec<String> {
    (0..people)
        .map(|number| {
            let age = i64::try_from(people - number).unwrap_or(0) * 600;
            record(tenant, number, now - SignedDuration::from_millis(age))
        })
        .collect()
}

/// A sign-in that an earlier one had satisfied; every third is interactive.
fn record(tenant: &str, number: usize, at: Timestamp) -> String {
    let is_interactive = number.is_multiple_of(3);
    let category = if is_interactive {
        "SignInLogs"
    } else {
        "NonInteractiveUserSignInLogs"
    };
    let guid = |kind: u16| format!("d3e0{kind:04x}-0000-4000-8000-{number:012x}");
    let ip = "203.0.113.200";
    json!({
        "time": at + SignedDuration::from_secs(2), "resourceId": format!("/tenants/{tenant}/providers/Microsoft.aadiam"),
        "operationName": "Sign-in activity", "operationVersion": "1.0", "category": category, "tenantId": tenant,
        "resultType": "0", "resultSignature": "None", "durationMs": 0, "callerIpAddress": ip, "Level": 4,
        "properties": {
            "id": guid(0x51), "createdDateTime": at, "userPrincipalName": format!("user{number:03}@contoso.com"),
            "userId": guid(0xc0), "appDisplayName": "Office 365 Exchange Online", "ipAddress": ip,
            "isInteractive": is_interactive, "status": {"errorCode": 0, "failureReason": ""}, "clientAppUsed": "Browser",
            "deviceDetail": {"deviceId": "", "operatingSystem": "Windows 11", "browser": "Edge 140"},
            "location": {"city": "Bonn", "countryOrRegion": "DE"},
            "authenticationDetails": [{"authenticationMethod": "Previously satisfied", "succeeded": true}],
            "authenticationProtocol": "none", "userType": "Member", "correlationId": guid(0xc1),
            "conditionalAccessStatus": "notApplied", "appliedConditionalAccessPolicies": [],
        },
    })
    .to_string()
}
