//! Writing records, and giving them out as an export does.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{Draft, event_hub, seconds};
use crate::{App, Fault, Lab, LogKind, LogRow};

/// How an app proved who it is, as sign-in records of service principals tell it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Credential {
    /// A client secret.
    Secret,
    /// An assertion that a certificate signed.
    Certificate,
    /// Another issuer's token.
    Federated,
    /// A managed identity.
    ManagedIdentity,
}

impl Credential {
    const fn word(self) -> &'static str {
        match self {
            Self::Secret => "clientSecret",
            Self::Certificate => "clientAssertion",
            Self::Federated => "federatedIdentityCredential",
            Self::ManagedIdentity => "managedIdentity",
        }
    }
}

/// How late a record is under [`Fault::LogDelay`]: 28 seconds to 18 minutes, most about 4 minutes. It follows from the
/// id, so that it is spread evenly and the same at every look.
fn spread(id: &str) -> SignedDuration {
    let hash = Sha256::digest(id.as_bytes());
    let part = |index: usize| i64::from(hash[index]);
    // One record in 20 is quick, one in 8 late, one in 30 very late.
    SignedDuration::from_secs(match part(0) {
        0..=12 => 28 + part(1) / 3,
        13..=215 => 200 + part(1) / 3,
        216..=247 => 300 + part(1),
        _ => 560 + part(1) * 2 + part(2) % 8,
    })
}

/// Writes a record unless it gets lost.
fn keep(lab: &Lab, kind: LogKind, at: Timestamp, record: Value) {
    if lab.desk.loses_a_record(lab.faults.on(Fault::LogLoss)) {
        return;
    }
    let delay = if lab.faults.on(Fault::LogDelay) {
        let id = record.get("id").and_then(Value::as_str).unwrap_or_default();
        lab.log_delay.unwrap_or_else(|| spread(id))
    } else {
        SignedDuration::ZERO
    };
    lab.state().logs.push(LogRow {
        kind,
        record,
        readable_at: at.saturating_add(delay).unwrap_or(at),
    });
}

/// Writes the record of an attempt, and when the user was last seen.
pub(crate) fn write(lab: &Lab, draft: &Draft) {
    keep(lab, draft.kind, draft.at, draft.record());
    activity(lab, draft);
}

/// `signInActivity`. The service needs up to a day for it; the twin does it at once.
fn activity(lab: &Lab, draft: &Draft) {
    let mut state = lab.state();
    let Some(mut user) = state.table("users").get(&draft.person.id).cloned() else {
        return;
    };
    let mut set = |what: &str| {
        let activity = &mut user["signInActivity"];
        if !activity.is_object() {
            *activity = json!({});
        }
        activity[format!("last{what}DateTime")] = json!(seconds(draft.at));
        activity[format!("last{what}RequestId")] = json!(draft.id);
    };
    set(match draft.kind {
        LogKind::NonInteractive => "NonInteractiveSignIn",
        _ => "SignIn",
    });
    if draft.code.number() == 0 {
        set("SuccessfulSignIn");
    }
    let before = state.revision;
    state.put("users", &draft.person.id, user, draft.at);
    // Nothing that Conditional Access looks at has changed.
    lab.desk.carry_judge(before, state.revision);
}

/// Writes the record of an app that got a token for itself.
///
/// `resource` is the app id and name of what the token is for, and `ip` the address that the request came from.
pub(crate) fn service_principal(
    lab: &Lab,
    app: &App,
    resource: (&str, &str),
    ip: &str,
    credential: Credential,
) {
    let now = lab.now();
    let tenant = lab.state().tenant.clone();
    let id = Uuid::new_v4().to_string();
    let kind = if credential == Credential::ManagedIdentity {
        LogKind::ManagedIdentity
    } else {
        LogKind::ServicePrincipal
    };
    let event = match kind {
        LogKind::ManagedIdentity => "managedIdentity",
        _ => "servicePrincipal",
    };
    let mut record = json!({
        "id": id,
        "createdDateTime": seconds(now),
        "userDisplayName": null, "userPrincipalName": null, "userId": null,
        "appId": app.client_id,
        "appDisplayName": app.name,
        "ipAddress": if kind == LogKind::ManagedIdentity { "" } else { ip },
        "clientAppUsed": null,
        "userAgent": null,
        "correlationId": Uuid::new_v4().to_string(),
        "conditionalAccessStatus": "notApplied",
        "appliedConditionalAccessPolicies": [],
        "isInteractive": false,
        "tokenIssuerType": "AzureAD",
        "clientCredentialType": credential.word(),
        "processingTimeInMilliseconds": 31,
        "riskDetail": "none", "riskLevelAggregated": "none", "riskLevelDuringSignIn": "none", "riskState": "none",
        "riskEventTypes_v2": [],
    });
    let rest = json!({
        "resourceDisplayName": resource.1,
        "resourceId": resource.0,
        "resourceTenantId": tenant, "homeTenantId": tenant,
        "servicePrincipalId": app.principal,
        "servicePrincipalName": app.name,
        "servicePrincipalCredentialKeyId": null,
        "servicePrincipalCredentialThumbprint": "",
        "federatedCredentialId": null,
        "signInEventTypes": [event],
        "uniqueTokenIdentifier": Uuid::new_v4().simple().to_string(),
        "status": {"errorCode": 0, "failureReason": "Other.", "additionalDetails": null},
        "deviceDetail": {"deviceId": "", "displayName": "", "operatingSystem": "", "browser": "", "isCompliant": false, "isManaged": false, "trustType": ""},
        "location": {"city": null, "state": null, "countryOrRegion": null,
                     "geoCoordinates": {"altitude": null, "latitude": null, "longitude": null}},
        "authenticationProcessingDetails": [],
        "networkLocationDetails": [],
        "authenticationDetails": [],
    });
    super::extend(&mut record, rest);
    keep(lab, kind, now, record);
}

/// The lines of an Event Hub export that became readable after `since`, oldest first; records come twice under
/// [`Fault::LogDuplicates`].
pub fn export(lab: &Lab, since: Option<Timestamp>) -> Vec<String> {
    let now = lab.now();
    let twice = lab.faults.on(Fault::LogDuplicates);
    let state = lab.state();
    let mut rows: Vec<&LogRow> = state
        .logs
        .iter()
        .filter(|row| row.readable_at <= now && since.is_none_or(|since| row.readable_at > since))
        .collect();
    rows.sort_by_key(|row| row.readable_at);
    let copies = if twice { 2 } else { 1 };
    rows.iter()
        .flat_map(|row| (0..copies).map(|copy| event_hub(row, &state.tenant, copy).to_string()))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_lie_where_they_were_measured() {
        let delays: Vec<i64> = (0..2000)
            .map(|number| spread(&format!("record {number}")).as_secs())
            .collect();
        assert!(delays.iter().all(|delay| (28..=1080).contains(delay)));
        let about_four = delays
            .iter()
            .filter(|delay| (200..300).contains(*delay))
            .count();
        assert!(about_four > 1000, "{about_four}");
        assert!(delays.iter().any(|delay| *delay > 900) && delays.iter().any(|delay| *delay < 60));
    }
}
