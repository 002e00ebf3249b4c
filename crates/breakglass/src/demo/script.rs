//! The log stream of the story: records in the shape that Azure Event Hubs delivers, made up by us.
//!
//! Ordinary people of Contoso sign in; between them somebody tries a break glass account, gets in with
//! a security key, changes a Conditional Access policy, and an administrator resets the password of
//! the other account.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// One moment of the story.
pub(super) struct Scene {
    /// What a person should know before it happens; `None` for background.
    pub(super) caption: Option<&'static str>,
    /// Envelopes, one NDJSON line each.
    pub(super) records: Vec<String>,
    /// How many signals the scene must cause.
    pub(super) signals: usize,
}

/// Who the story is about.
pub(super) struct Cast<'a> {
    pub(super) tenant: &'a str,
    pub(super) first: (&'a str, &'a str),
    pub(super) second: (&'a str, &'a str),
    pub(super) admin: (&'a str, &'a str),
    pub(super) policy: (&'a str, &'a str),
}

/// The whole stream. `now` is the moment of the last scene.
pub(super) fn scenes(cast: &Cast, now: Timestamp) -> Vec<Scene> {
    let at = |seconds: i64| now - SignedDuration::from_secs(seconds);
    let mut scenes = vec![
        Scene {
            caption: Some("An ordinary evening: 400 people of Contoso sign in."),
            records: crowd(cast, at(400), 400),
            signals: 0,
        },
        Scene {
            caption: Some("Somebody tries BreakGlass01 with a wrong password."),
            records: vec![sign_in(
                cast,
                &SignIn {
                    key: 1,
                    at: at(120),
                    account: cast.first,
                    code: "50126",
                    interactive: true,
                    reason: "Error validating credentials due to invalid username or password.",
                    ip: "198.51.100.23",
                    city: "Recife",
                    country: "BR",
                    method: "Password",
                    app: "Azure Portal",
                },
            )],
            signals: 1,
        },
        Scene {
            caption: Some(
                "A security key opens BreakGlass01. Entra logs it as NON-interactive, where most alert rules do not look.",
            ),
            records: vec![sign_in(
                cast,
                &SignIn {
                    key: 2,
                    at: at(70),
                    account: cast.first,
                    code: "0",
                    interactive: false,
                    reason: "",
                    ip: "203.0.113.7",
                    city: "Bonn",
                    country: "DE",
                    method: "Passkey (FIDO2)",
                    app: "Azure Portal",
                },
            )],
            signals: 1,
        },
        Scene {
            caption: Some("The account switches off a Conditional Access policy."),
            records: vec![audit(
                cast,
                &Audit {
                    key: 3,
                    at: at(40),
                    operation: "Update conditional access policy",
                    category: "Policy",
                    by: cast.first,
                    ip: "203.0.113.7",
                    target: json!({"id": cast.policy.0, "displayName": cast.policy.1, "type": "Policy",
                    "modifiedProperties": [{"displayName": "ConditionalAccessPolicy",
                        "oldValue": "{\"state\":\"enabled\"}", "newValue": "{\"state\":\"disabled\"}"}]}),
                },
            )],
            signals: 1,
        },
        Scene {
            caption: Some("An everyday administrator resets the password of BreakGlass02."),
            records: vec![audit(
                cast,
                &Audit {
                    key: 4,
                    at: at(20),
                    operation: "Reset password (by admin)",
                    category: "UserManagement",
                    by: cast.admin,
                    ip: "203.0.113.50",
                    target: json!({"id": cast.second.0, "displayName": null, "type": "User",
                    "userPrincipalName": cast.second.1, "modifiedProperties": []}),
                },
            )],
            signals: 1,
        },
    ];
    // At least once delivery: the stream hands the successful sign-in over a second time.
    let again = scenes[2].records.clone();
    scenes.push(Scene {
        caption: Some(
            "The stream delivers the sign-in a second time. One signal stays one signal.",
        ),
        records: again,
        signals: 0,
    });
    scenes
}

fn guid(kind: u16, number: usize) -> String {
    format!("d3e0{kind:04x}-0000-4000-8000-{number:012x}")
}

fn crowd(cast: &Cast, from: Timestamp, count: usize) -> Vec<String> {
    (0..count)
        .map(|number| {
            let id = guid(0xc0, number);
            let upn = format!("user{number:03}@contoso.com");
            sign_in(
                cast,
                &SignIn {
                    key: 0x1_0000 + number,
                    at: from
                        + SignedDuration::from_millis(i64::try_from(number).unwrap_or(0) * 600),
                    account: (&id, &upn),
                    code: "0",
                    interactive: number % 3 == 0,
                    reason: "",
                    ip: "203.0.113.200",
                    city: "Bonn",
                    country: "DE",
                    method: "Previously satisfied",
                    app: "Office 365 Exchange Online",
                },
            )
        })
        .collect()
}

struct SignIn<'a> {
    key: usize,
    at: Timestamp,
    account: (&'a str, &'a str),
    code: &'a str,
    interactive: bool,
    reason: &'a str,
    ip: &'a str,
    city: &'a str,
    country: &'a str,
    method: &'a str,
    app: &'a str,
}

fn sign_in(cast: &Cast, s: &SignIn) -> String {
    let id = guid(0x51, s.key);
    let code: u32 = s.code.parse().unwrap_or(0);
    // Entra writes user principal names in lower case into sign-in records.
    let upn = s.account.1.to_lowercase();
    envelope(
        cast,
        if s.interactive {
            "SignInLogs"
        } else {
            "NonInteractiveUserSignInLogs"
        },
        s.at,
        s.ip,
        "Sign-in activity",
        &json!({
            "id": id, "createdDateTime": s.at, "userPrincipalName": upn, "userId": s.account.0,
            "appDisplayName": s.app, "ipAddress": s.ip, "isInteractive": s.interactive,
            "status": {"errorCode": code, "failureReason": s.reason},
            "clientAppUsed": "Browser", "deviceDetail": {"deviceId": "", "operatingSystem": "Windows 11", "browser": "Edge 140"},
            "location": {"city": s.city, "countryOrRegion": s.country},
            "authenticationDetails": [{"authenticationMethod": s.method, "succeeded": code == 0}],
            "authenticationProtocol": "none", "userType": "Member", "correlationId": guid(0xc1, s.key),
            "conditionalAccessStatus": "notApplied", "appliedConditionalAccessPolicies": [],
        }),
        Some(s.code),
    )
}

struct Audit<'a> {
    key: usize,
    at: Timestamp,
    operation: &'a str,
    category: &'a str,
    by: (&'a str, &'a str),
    ip: &'a str,
    target: Value,
}

fn audit(cast: &Cast, a: &Audit) -> String {
    envelope(
        cast,
        "AuditLogs",
        a.at,
        a.ip,
        a.operation,
        &json!({
            "id": format!("Directory_{}", guid(0xa0, a.key)), "category": a.category, "result": "success", "resultReason": "",
            "activityDisplayName": a.operation, "activityDateTime": a.at, "loggedByService": "Core Directory",
            "correlationId": guid(0xa1, a.key),
            "initiatedBy": {"user": {"id": a.by.0, "displayName": null, "userPrincipalName": a.by.1, "ipAddress": a.ip}},
            "targetResources": [a.target], "additionalDetails": [],
        }),
        None,
    )
}

fn envelope(
    cast: &Cast,
    category: &str,
    at: Timestamp,
    ip: &str,
    operation: &str,
    properties: &Value,
    code: Option<&str>,
) -> String {
    let mut record = json!({
        "time": at + SignedDuration::from_secs(2),
        "resourceId": format!("/tenants/{}/providers/Microsoft.aadiam", cast.tenant),
        "operationName": operation, "operationVersion": "1.0", "category": category, "tenantId": cast.tenant,
        "resultSignature": "None", "durationMs": 0, "callerIpAddress": ip, "Level": 4, "properties": properties,
    });
    if let Some(code) = code {
        record["resultType"] = json!(code);
    }
    record.to_string()
}
