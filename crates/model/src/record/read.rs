//! From a JSON object to a [`LogRecord`].

use serde_json::Value;

use super::{
    Audit, Common, LogRecord, Modified, Named, Other, Outcome, SignIn, Target,
    fields::{Fields, scalar, structure},
    identity::{canonical_json, sha256_hex},
    time::{self, Slashes},
};
use crate::signal::{AppliedPolicy, Device};

const ID: &[&str] = &["id"];
const CATEGORY: &[&str] = &["category"];

/// Error codes of a sign-in that stopped for another step rather than being refused.
const INTERRUPTED: &[u32] = &[
    16000, 50058, 50072, 50074, 50076, 50079, 50097, 50125, 50127, 50129, 50140, 50158, 50199,
    50203, 65001,
];

#[derive(Clone, Copy, PartialEq)]
enum Kind {
    SignIn,
    Audit,
    GraphActivity,
    Other,
}

pub(super) fn record(value: &Value, slashes: Slashes) -> LogRecord {
    let outer = Fields::of(value);
    let properties = outer.nested(&["properties"]).filter(|inner| {
        inner.is_object() && outer.has(&["category", "operationName", "resourceId", "time"])
    });
    let inner = properties.as_deref().map_or(outer, Fields::of);
    let enveloped = properties.is_some();
    let kind = kind(outer, inner);
    let common = common(outer, inner, enveloped, kind, value, slashes);
    match kind {
        Kind::SignIn => LogRecord::SignIn(Box::new(sign_in(common, outer, inner))),
        Kind::Audit => LogRecord::Audit(Box::new(audit(common, outer, inner))),
        Kind::GraphActivity | Kind::Other => {
            LogRecord::Other(Box::new(other(common, outer, inner)))
        }
    }
}

fn kind(outer: Fields<'_>, inner: Fields<'_>) -> Kind {
    for names in [CATEGORY, &["Type"]] {
        let word = outer.text(names).unwrap_or_default().to_ascii_lowercase();
        match word.as_str() {
            "auditlogs" => return Kind::Audit,
            "microsoftgraphactivitylogs" | "graphactivitylogs" => return Kind::GraphActivity,
            _ if word.ends_with("signinlogs") => return Kind::SignIn,
            _ => {}
        }
    }
    let audit_shape = inner.has(&["targetResources", "activityDisplayName", "activityDateTime"])
        && inner.has(&[
            "initiatedBy",
            "targetResources",
            "operationType",
            "loggedByService",
        ]);
    if audit_shape {
        return Kind::Audit;
    }
    if inner.has(&["requestMethod"]) && inner.has(&["requestUri"]) {
        return Kind::GraphActivity;
    }
    let somebody = inner.has(&[
        "userPrincipalName",
        "userId",
        "servicePrincipalId",
        "servicePrincipalName",
    ]);
    let sign_in_marks = [
        "appliedConditionalAccessPolicies",
        "conditionalAccessPolicies",
        "conditionalAccessStatus",
        "clientAppUsed",
        "isInteractive",
        "authenticationRequirement",
        "authenticationDetails",
        "resourceDisplayName",
    ];
    let operation = outer.text(&["operationName"]).unwrap_or_default();
    if somebody && (inner.has(&sign_in_marks) || operation.eq_ignore_ascii_case("Sign-in activity"))
    {
        return Kind::SignIn;
    }
    Kind::Other
}

fn tenant(outer: Fields<'_>, inner: Fields<'_>, enveloped: bool) -> Option<String> {
    if let Some(id) = outer
        .text(&["AADTenantId"])
        .or_else(|| inner.text(&["AADTenantId"]))
    {
        return Some(id);
    }
    // A flat row's `TenantId` is the workspace; only an envelope's is the tenant.
    if enveloped
        && let Some(id) = outer
            .text(&["tenantId"])
            .or_else(|| inner.text(&["tenantId"]))
    {
        return Some(id);
    }
    let resource = outer.text(&["resourceId"])?;
    let mut parts = resource.split('/').filter(|part| !part.is_empty());
    parts.find(|part| part.eq_ignore_ascii_case("tenants"))?;
    parts.next().map(str::to_owned)
}

fn common(
    outer: Fields<'_>,
    inner: Fields<'_>,
    enveloped: bool,
    kind: Kind,
    whole: &Value,
    slashes: Slashes,
) -> Common {
    let own = match kind {
        Kind::Audit => inner.text(&["activityDateTime"]),
        Kind::SignIn => inner.text(&["createdDateTime"]),
        Kind::GraphActivity => inner.text(&["timeGenerated", "createdDateTime"]),
        Kind::Other => inner.text(&[
            "activityDateTime",
            "createdDateTime",
            "detectedDateTime",
            "timeGenerated",
        ]),
    };
    // Without a time of its own the envelope's is the nearest that is known.
    let when_text = own
        .clone()
        .or_else(|| outer.text(&["time", "timeGenerated"]));
    let id = match kind {
        Kind::GraphActivity => inner.text(&["requestId", "id"]),
        _ => inner.text(ID),
    }
    .or_else(|| outer.text(ID));
    let stream = match kind {
        Kind::SignIn => "sign-in".to_owned(),
        Kind::Audit => "audit".to_owned(),
        Kind::GraphActivity => "graph-activity".to_owned(),
        Kind::Other => outer
            .text(CATEGORY)
            .or_else(|| outer.text(&["Type"]))
            .map_or_else(|| "unknown".to_owned(), |c| c.to_lowercase()),
    };
    Common {
        id,
        tenant: tenant(outer, inner, enveloped),
        stream,
        when: when_text
            .as_deref()
            .and_then(|text| time::parse(text, slashes)),
        when_text,
        correlation: inner
            .text(&["correlationId"])
            .or_else(|| outer.text(&["correlationId"])),
        content: content(outer, inner, enveloped, own.is_none(), whole),
    }
}

/// The hash of what the record says, for a record without an id: the record (of an envelope, its
/// `properties`), and from the envelope only what tells two events apart.
fn content(
    outer: Fields<'_>,
    inner: Fields<'_>,
    enveloped: bool,
    timeless: bool,
    whole: &Value,
) -> String {
    let mut text = String::from("[");
    if enveloped {
        if let Some(map) = inner.0 {
            canonical_json(&Value::Object(map.clone()), &mut text);
        }
        let more = [
            outer.text(&["correlationId"]),
            outer.text(&["resultType"]),
            outer.text(&["time"]).filter(|_| timeless),
        ];
        for part in more {
            text.push(',');
            text.push_str(&part.map_or(Value::Null, Value::String).to_string());
        }
    } else {
        canonical_json(whole, &mut text);
        text.push_str(",null,null,null");
    }
    text.push(']');
    sha256_hex(text.as_bytes())
}

fn address(outer: Fields<'_>, inner: Fields<'_>) -> Option<String> {
    let text = inner
        .text(&["ipAddress", "callerIpAddress"])
        .or_else(|| outer.text(&["callerIpAddress"]))?;
    // Some senders put `::` before a whole address; before an IPv4 address the result even parses.
    let address = |text: &str| text.parse::<std::net::IpAddr>().is_ok();
    let stripped = text
        .strip_prefix("::")
        .filter(|rest| address(rest) && (rest.contains('.') || !address(&text)));
    Some(stripped.map_or_else(|| text.clone(), str::to_owned))
}

fn user(inner: Fields<'_>) -> Named {
    Named {
        id: inner.text(&["userId", "UserPrincipalObjectID"]),
        upn: inner.text(&["userPrincipalName"]),
        name: inner.text(&["userDisplayName"]),
    }
}

fn sign_in(common: Common, outer: Fields<'_>, inner: Fields<'_>) -> SignIn {
    let status = inner.nested(&["status"]);
    let status_fields = status.as_deref().map_or(Fields(None), Fields::of);
    let code = status_fields
        .text(&["errorCode"])
        .or_else(|| inner.text(&["resultType", "errorCode"]))
        .or_else(|| outer.text(&["resultType"]))
        .or_else(|| inner.text(&["status", "result"]))
        .or_else(|| {
            outer
                .text(&["resultSignature"])
                .filter(|word| word != "None")
        });
    let (code, outcome) = outcome(code);
    let reason = status_fields
        .text(&["failureReason"])
        .or_else(|| inner.text(&["failureReason", "resultDescription"]))
        .or_else(|| outer.text(&["resultDescription"]))
        .filter(|_| outcome != Outcome::Success);
    let details = inner.list(&["authenticationDetails"]);
    let mut methods: Vec<String> = Vec::new();
    let mut password_was_right = false;
    for step in details.iter().map(Fields::of) {
        let detail = step
            .text(&["authenticationStepResultDetail"])
            .unwrap_or_default();
        password_was_right |= detail.to_ascii_lowercase().contains("correct password")
            && !detail.to_ascii_lowercase().contains("incorrect");
        if let Some(method) = step.text(&["authenticationMethod"])
            && !methods.contains(&method)
        {
            methods.push(method);
        }
    }
    if methods.is_empty() {
        methods.extend(inner.text(&["authenticationMethodsUsed"]));
    }
    let mfa = inner.nested(&["mfaDetail"]);
    if methods.is_empty() {
        methods.extend(
            mfa.as_deref()
                .map(Fields::of)
                .and_then(|m| m.text(&["authMethod"])),
        );
    }
    let aaguid = inner.text(&["aaguid"]).or_else(|| {
        details
            .iter()
            .chain(&inner.list(&["authenticationProcessingDetails"]))
            .find_map(named_aaguid)
    });
    SignIn {
        user: user(inner),
        code,
        outcome,
        password_was_right,
        reason,
        ip: address(outer, inner),
        app: inner.text(&["appDisplayName", "appId"]),
        resource: inner.text(&["resourceDisplayName"]),
        methods,
        aaguid,
        device: device(inner),
        location: location(outer, inner),
        policies: policies(inner),
        common,
    }
}

fn outcome(code: Option<String>) -> (Option<String>, Outcome) {
    let Some(code) = code else {
        return (None, Outcome::Unknown);
    };
    // A spreadsheet may have made `50126.0` of it.
    let number = code.trim_end_matches(".0");
    let number = if code == "0" || code == "0.0" {
        "0"
    } else {
        number
    };
    match number.parse::<u32>() {
        Ok(0) => (Some("0".to_owned()), Outcome::Success),
        Ok(n) if INTERRUPTED.contains(&n) => (Some(n.to_string()), Outcome::Interrupted),
        Ok(n) => (Some(n.to_string()), Outcome::Failure),
        Err(_) => match code.to_ascii_lowercase().as_str() {
            "success" | "succeeded" => (Some("0".to_owned()), Outcome::Success),
            "failure" | "failed" => (Some("failure".to_owned()), Outcome::Failure),
            "interrupted" => (Some("interrupted".to_owned()), Outcome::Interrupted),
            _ => (Some(code), Outcome::Unknown),
        },
    }
}

fn named_aaguid(step: &Value) -> Option<String> {
    let fields = Fields::of(step);
    if let Some(id) = fields.text(&["aaguid"]) {
        return Some(id);
    }
    fields
        .text(&["key"])
        .filter(|key| key.to_ascii_lowercase().contains("aaguid"))
        .and_then(|_| fields.text(&["value"]))
}

fn device(inner: Fields<'_>) -> Option<Device> {
    let detail = inner.nested(&["deviceDetail"])?;
    let fields = Fields::of(&detail);
    let device = Device {
        id: fields.text(&["deviceId"]),
        name: fields.text(&["displayName"]),
        os: fields.text(&["operatingSystem"]),
        browser: fields.text(&["browser"]),
        compliant: fields
            .text(&["isCompliant"])
            .map(|text| text.eq_ignore_ascii_case("true")),
    };
    (device != Device::default()).then_some(device)
}

fn location(outer: Fields<'_>, inner: Fields<'_>) -> Option<String> {
    if let Some(place) = inner.nested(&["locationDetails", "location"]) {
        let fields = Fields::of(&place);
        let parts: Vec<String> = [&["city"][..], &["countryOrRegion"]]
            .iter()
            .filter_map(|names| fields.text(names))
            .collect();
        if !parts.is_empty() {
            return Some(parts.join(", "));
        }
    }
    inner
        .text(&["location"])
        .or_else(|| outer.text(&["location"]))
}

fn policies(inner: Fields<'_>) -> Vec<AppliedPolicy> {
    // `conditionalAccessPolicies` first: the newer twin column is empty in all rows met.
    [
        "conditionalAccessPolicies",
        "appliedConditionalAccessPolicies",
        "conditionalAccessPoliciesV2",
    ]
    .iter()
    .map(|name| inner.list(&[name]))
    .find(|list| !list.is_empty())
    .unwrap_or_default()
    .iter()
    .map(Fields::of)
    .filter_map(|policy| {
        let result = policy
            .text(&["result"])
            .map_or_else(|| "unknown".to_owned(), graph_word);
        let idle = ["notApplied", "notEnabled", "reportOnlyNotApplied"].contains(&result.as_str());
        (!idle).then(|| AppliedPolicy {
            id: policy.text(ID).unwrap_or_default(),
            name: policy.text(&["displayName"]),
            result,
        })
    })
    .collect()
}

fn graph_word(word: String) -> String {
    const WORDS: &[&str] = &[
        "success",
        "failure",
        "notApplied",
        "notEnabled",
        "unknown",
        "reportOnlySuccess",
        "reportOnlyFailure",
        "reportOnlyNotApplied",
        "reportOnlyInterrupted",
    ];
    WORDS
        .iter()
        .find(|known| known.eq_ignore_ascii_case(&word))
        .map_or(word, |known| (*known).to_owned())
}

fn audit(common: Common, outer: Fields<'_>, inner: Fields<'_>) -> Audit {
    let initiated = inner.nested(&["initiatedBy"]);
    let initiated = initiated.as_deref().map_or(Fields(None), Fields::of);
    let by_user = initiated.nested(&["user"]);
    let by_user = by_user.as_deref().map_or(Fields(None), Fields::of);
    let by_app = initiated.nested(&["app"]);
    let by_app = by_app.as_deref().map_or(Fields(None), Fields::of);
    Audit {
        operation: inner
            .text(&["activityDisplayName"])
            .or_else(|| outer.text(&["operationName"])),
        category: inner.text(CATEGORY),
        result: inner
            .text(&["result"])
            .or_else(|| outer.text(&["result", "resultType"])),
        user: Named {
            id: by_user.text(ID),
            upn: by_user.text(&["userPrincipalName"]),
            name: by_user.text(&["displayName"]),
        },
        app: Named {
            id: by_app.text(&["servicePrincipalId", "appId"]),
            upn: None,
            name: by_app.text(&["displayName", "servicePrincipalName"]),
        },
        ip: by_user
            .text(&["ipAddress"])
            .or_else(|| address(outer, inner)),
        targets: inner
            .list(&["targetResources"])
            .iter()
            .map(target)
            .collect(),
        common,
    }
}

fn target(value: &Value) -> Target {
    let fields = Fields::of(value);
    Target {
        named: Named {
            id: fields.text(ID),
            upn: fields.text(&["userPrincipalName"]),
            name: fields.text(&["displayName"]),
        },
        kind: fields.text(&["type"]),
        modified: fields
            .list(&["modifiedProperties"])
            .iter()
            .map(|property| {
                let property = Fields::of(property);
                Modified {
                    name: property.text(&["displayName"]),
                    old: property.get(&["oldValue"]).map(unwrapped),
                    new: property.get(&["newValue"]).map(unwrapped),
                }
            })
            .collect(),
    }
}

/// The value that a text spells in JSON, else the text.
fn unwrapped(value: &Value) -> Value {
    if let Some(inner) = structure(value) {
        return inner.into_owned();
    }
    match value {
        Value::String(text) => serde_json::from_str(text).unwrap_or_else(|_| value.clone()),
        other => other.clone(),
    }
}

fn other(common: Common, outer: Fields<'_>, inner: Fields<'_>) -> Other {
    let request = inner
        .text(&["requestMethod"])
        .zip(inner.text(&["requestUri"]));
    let user_fields = user(inner);
    let named = if user_fields.is_empty() {
        Named {
            id: inner
                .get(&["user"])
                .map(Fields::of)
                .and_then(|u| u.text(ID)),
            upn: inner
                .text(&["caller", "actor", "user"])
                .filter(|text| text.contains('@')),
            name: None,
        }
    } else {
        user_fields
    };
    Other {
        operation: request
            .map(|(method, uri)| format!("{method} {uri}"))
            .or_else(|| outer.text(&["operationName"]))
            .or_else(|| inner.text(&["activityDisplayName", "activity", "riskEventType"])),
        result: inner
            .text(&["responseStatusCode", "result"])
            .or_else(|| outer.text(&["resultSignature", "resultType"]))
            .filter(|word| word != "None"),
        user: named,
        ip: address(outer, inner),
        app: inner.text(&["appDisplayName", "appId"]),
        common,
    }
}

/// Whether any text inside a value, at any depth and inside texts that are JSON, is matched.
pub(super) fn any_text(value: &Value, matches: &mut dyn FnMut(&str) -> bool) -> bool {
    match value {
        Value::Array(items) => items.iter().any(|item| any_text(item, matches)),
        Value::Object(map) => map
            .iter()
            .any(|(key, item)| matches(key) || any_text(item, matches)),
        Value::String(text) => {
            matches(text)
                || match serde_json::from_str::<Value>(text) {
                    Ok(Value::Number(_) | Value::Bool(_) | Value::Null) | Err(_) => false,
                    Ok(inner) => any_text(&inner, matches),
                }
        }
        other => scalar(other).is_some_and(|text| matches(&text)),
    }
}
