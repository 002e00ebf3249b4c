//! Records that are valid JSON outside and broken inside.

use breakglass_model::SignalKind;
use serde_json::json;

use super::{ID, scan};

fn kinds(line: &str) -> Vec<SignalKind> {
    let outcome = scan(format!("{line}\n"));
    outcome
        .signals
        .iter()
        .map(|detected| detected.signal.kind)
        .collect()
}

/// W3: a record whose inner JSON is cut off, or that tells no user, is not taken for one about others.
#[test]
fn w3_a_record_that_is_broken_inside_is_unreadable_when_it_names_the_account() {
    let inner = json!({"id": "r1", "userId": ID, "status": {"errorCode": 0}}).to_string();
    let cut = &inner[..inner.len() - 4];
    let user = format!("{{\"user\":{{\"id\":\"{ID}\",\"userPri");
    for record in [
        json!({"category": "SignInLogs", "properties": cut}),
        json!({"category": "SignInLogs", "properties": serde_json::to_string(&inner).unwrap()}),
        json!({"category": "SignInLogs", "properties": {"id": "r1", "user": {"id": ID}}}),
        json!({"category": "AuditLogs", "properties": {"id": "r1", "targetResources": format!("[{{\"id\":\"{ID}\"")}}),
        json!({"Category": "AuditLogs", "OperationName": "Update user", "Id": "r1", "InitiatedBy": user, "TargetResources": "[]"}),
    ] {
        assert_eq!(
            kinds(&record.to_string()),
            [SignalKind::Unreadable],
            "{record}"
        );
    }
}
