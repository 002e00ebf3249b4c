//! Rows of CSV files.
//!
//! A Log Analytics export keeps the column names, so its rows read like its JSON. The Entra portal has headers
//! for people (`Request ID`, `Username`, `Application ID ` with a blank at its end, `Incoming token type`
//! twice); its rows are brought into Graph's shape first. Its audit export numbers the targets
//! (`Target1ObjectId`). Dates with slashes have the month first in Log Analytics; the Entra portal's follow the
//! language of the browser, so there an ambiguous date stays unread.

use serde_json::{Map, Value, json};

use super::{LogRecord, fields::Fields, read, time::Slashes};

/// Portal header, Graph field.
const SIGN_IN: &[(&str, &str)] = &[
    ("Request ID", "id"),
    ("Date (UTC)", "createdDateTime"),
    ("User ID", "userId"),
    ("Username", "userPrincipalName"),
    ("User", "userDisplayName"),
    ("Application", "appDisplayName"),
    ("Application ID", "appId"),
    ("Resource", "resourceDisplayName"),
    ("IP address", "ipAddress"),
    ("Correlation ID", "correlationId"),
    ("Authentication requirement", "authenticationRequirement"),
    ("Failure reason", "failureReason"),
    ("Home tenant ID", "homeTenantId"),
];

pub(super) fn record<'a>(cells: impl IntoIterator<Item = (&'a str, &'a str)>) -> LogRecord {
    let mut map = Map::new();
    for (header, cell) in cells {
        let header = header.trim_start_matches('\u{feff}').trim();
        if !cell.trim().is_empty() && !map.contains_key(header) {
            map.insert(header.to_owned(), Value::String(cell.to_owned()));
        }
    }
    let row = Value::Object(map);
    let fields = Fields::of(&row);
    if fields.has(&[
        "ActorObjectId",
        "ActorUserPrincipalName",
        "ActorDisplayName",
        "Target1ObjectId",
    ]) {
        return read::record(&audit(fields), Slashes::Unknown);
    }
    if fields.has(&["Request ID"]) && fields.has(&["Date (UTC)", "Username", "User ID"]) {
        return read::record(&sign_in(fields), Slashes::Unknown);
    }
    read::record(&row, Slashes::MonthFirst)
}

fn put(map: &mut Map<String, Value>, key: &str, value: Option<String>) {
    if let Some(value) = value {
        map.insert(key.to_owned(), Value::String(value));
    }
}

fn sign_in(row: Fields<'_>) -> Value {
    let mut map = Map::new();
    for (header, field) in SIGN_IN {
        put(&mut map, field, row.text(&[header]));
    }
    map.insert("category".to_owned(), json!("SignInLogs"));
    // The code stands for nothing when the sign-in succeeded: the cell is then empty or `None`.
    let code = row.text(&["Sign-in error code"]).filter(|c| c != "None");
    put(
        &mut map,
        "resultType",
        code.or_else(|| row.text(&["Status"])),
    );
    let place = row.text(&["Location"]);
    put(&mut map, "location", place);
    let device = json!({
        "deviceId": row.text(&["Device ID"]),
        "operatingSystem": row.text(&["Operating System"]),
        "browser": row.text(&["Browser"]),
        "isCompliant": row.text(&["Compliant"]).map(|c| c.eq_ignore_ascii_case("yes") || c.eq_ignore_ascii_case("true")),
    });
    map.insert("deviceDetail".to_owned(), device);
    let method = row.text(&["Multifactor authentication auth method"]);
    if let Some(method) = method {
        map.insert(
            "authenticationDetails".to_owned(),
            json!([{ "authenticationMethod": method }]),
        );
    }
    Value::Object(map)
}

fn audit(row: Fields<'_>) -> Value {
    let mut map = Map::new();
    map.insert("category".to_owned(), json!("AuditLogs"));
    put(
        &mut map,
        "activityDateTime",
        row.text(&["Date (UTC)", "Date"]),
    );
    put(&mut map, "activityDisplayName", row.text(&["Activity"]));
    put(&mut map, "result", row.text(&["Result"]));
    put(
        &mut map,
        "correlationId",
        row.text(&["CorrelationId", "Correlation ID"]),
    );
    put(&mut map, "id", row.text(&["Id", "Record ID"]));
    let who = json!({
        "id": row.text(&["ActorObjectId"]),
        "displayName": row.text(&["ActorDisplayName"]),
        "userPrincipalName": row.text(&["ActorUserPrincipalName"]),
        "ipAddress": row.text(&["IPAddress", "IP address"]),
    });
    let is_user = row.has(&["ActorUserPrincipalName"])
        || row
            .text(&["ActorType"])
            .is_some_and(|t| t.eq_ignore_ascii_case("user"));
    map.insert(
        "initiatedBy".to_owned(),
        if is_user {
            json!({ "user": who })
        } else {
            json!({ "app": { "servicePrincipalId": who["id"], "displayName": who["displayName"] } })
        },
    );
    let mut targets = Vec::new();
    for n in 1..=20 {
        let cell = |what: &str| row.text(&[format!("Target{n}{what}").as_str()]);
        let mut modified = Vec::new();
        for m in 1..=20 {
            let property = |what: &str| cell(&format!("ModifiedProperty{m}{what}"));
            if let Some(name) = property("Name") {
                modified.push(json!({
                    "displayName": name,
                    "oldValue": property("OldValue"),
                    "newValue": property("NewValue"),
                }));
            }
        }
        let target = json!({
            "type": cell("Type"),
            "id": cell("ObjectId"),
            "displayName": cell("DisplayName"),
            "userPrincipalName": cell("UserPrincipalName"),
            "modifiedProperties": modified,
        });
        if target["id"].is_string()
            || target["displayName"].is_string()
            || target["userPrincipalName"].is_string()
        {
            targets.push(target);
        }
    }
    map.insert("targetResources".to_owned(), Value::Array(targets));
    Value::Object(map)
}
