use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;
use crate::{
    lab::Body,
    state::{LogKind, LogRow},
    testing::{ADELE, ANNA, BREAK_GLASS, EVERYTHING, app, lab, now, person, write},
};

fn json_of(answer: &Answer) -> Value {
    match &answer.body {
        Body::Json(value) => value.clone(),
        _ => Value::Null,
    }
}

fn customer(lab: &Lab) -> String {
    let state = lab.state();
    arm::workspaces(&state, now())[0]["properties"]["customerId"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn ask(lab: &Lab, kql: &str) -> Answer {
    ask_with(lab, kql, None)
}

fn ask_with(lab: &Lab, kql: &str, timespan: Option<&str>) -> Answer {
    let path = format!("/v1/workspaces/{}/query", customer(lab));
    let body = json!({"query": kql, "timespan": timespan});
    answer(
        lab,
        &app("breakglass posture"),
        "POST",
        &path,
        "",
        "",
        Some(&body),
    )
}

/// Rows of an answer, as objects by column.
fn rows(answer: &Answer) -> Vec<Value> {
    let body = json_of(answer);
    assert_eq!(answer.status, 200, "{body}");
    let table = &body["tables"][0];
    table["rows"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| {
            let cells = table["columns"]
                .as_array()
                .unwrap()
                .iter()
                .zip(row.as_array().unwrap());
            cells
                .map(|(column, cell)| (column["name"].as_str().unwrap().to_owned(), cell.clone()))
                .collect::<serde_json::Map<_, _>>()
                .into()
        })
        .collect()
}

fn sign_in(kind: LogKind, user: &str, code: u32, minutes: i64) -> LogRow {
    let at = now()
        .checked_sub(jiff::SignedDuration::from_mins(minutes))
        .unwrap();
    LogRow {
        kind,
        record: json!({
            "id": format!("{user}-{minutes}"), "createdDateTime": at.to_string(), "userId": user,
            "userPrincipalName": "breakglass01@contoso.onmicrosoft.com", "userDisplayName": "Break Glass 01",
            "appDisplayName": "Azure Portal", "appId": "c44b4083-3bb0-49c1-b47d-974e53cbdf3c",
            "ipAddress": "198.51.100.7", "isInteractive": kind == LogKind::Interactive, "correlationId": "c",
            "status": {"errorCode": code, "failureReason": "reason"}, "location": {"countryOrRegion": "CH"},
            "deviceDetail": {"operatingSystem": "Windows"}, "appliedConditionalAccessPolicies": [],
            "authenticationDetails": [],
        }),
        readable_at: at.checked_add(jiff::SignedDuration::from_mins(2)).unwrap(),
    }
}

/// Two interactive sign-ins of an emergency account, one of Anna, one with a key.
fn busy() -> Lab {
    let lab = lab("contoso-modern");
    lab.state().logs.extend([
        sign_in(LogKind::Interactive, BREAK_GLASS, 0, 30),
        sign_in(LogKind::Interactive, BREAK_GLASS, 50126, 90),
        sign_in(LogKind::Interactive, ANNA, 0, 40),
        sign_in(LogKind::NonInteractive, BREAK_GLASS, 0, 20),
    ]);
    lab
}

#[test]
fn the_queries_of_alert_rules_find_both_kinds_of_use() {
    let lab = busy();
    // One rule for each table: a `union` can't run every minute.
    let queries: Vec<String> = lab
        .state()
        .table("scheduledQueryRules")
        .all()
        .take(2)
        .map(|rule| {
            rule["properties"]["criteria"]["allOf"][0]["query"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    let found: Vec<Value> = queries
        .iter()
        .flat_map(|kql| rows(&ask(&lab, kql)))
        .collect();
    assert_eq!(found.len(), 3);
    assert!(found.iter().all(|row| row["UserId"] == BREAK_GLASS));
    let late = rows(&ask(
        &lab,
        "SigninLogs | where TimeGenerated > ago(1h) and CreatedDateTime <= now()",
    ));
    assert_eq!(late.len(), 2);
    assert!(
        late.iter()
            .all(|row| row["TimeGenerated"].as_str() > row["CreatedDateTime"].as_str())
    );
}

#[test]
fn columns_are_dynamic_in_one_table_and_text_in_the_other() {
    let lab = busy();
    let types = |kql: &str| {
        let body = json_of(&ask(&lab, kql));
        body["tables"][0]["columns"]
            .as_array()
            .unwrap()
            .iter()
            .map(|own| {
                (
                    own["name"].as_str().unwrap().to_owned(),
                    own["type"].as_str().unwrap().to_owned(),
                )
            })
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    assert_eq!(types("SigninLogs")["Status"], "dynamic");
    assert_eq!(types("AADNonInteractiveUserSignInLogs")["Status"], "string");
    let both = types("union SigninLogs, AADNonInteractiveUserSignInLogs");
    assert!(
        both.contains_key("Status_dynamic")
            && both.contains_key("Status_string")
            && !both.contains_key("Status")
    );
    let row = &rows(&ask(&lab, "SigninLogs | take 1"))[0];
    assert!(
        row["Status"].as_str().unwrap().starts_with('{'),
        "dynamic cells come as text"
    );
    assert_eq!(row["ResultType"], "0");
    let code = "AADNonInteractiveUserSignInLogs | extend Status = parse_json(tostring(Status)) | project code = toint(Status.errorCode)";
    assert_eq!(rows(&ask(&lab, code))[0]["code"], 0);
}

#[test]
fn operators_of_a_monitor_work() {
    let lab = busy();
    for (kql, expected) in [
        ("SigninLogs | count", json!([{"Count": 3}])),
        (
            "SigninLogs | where ResultType != '0' | project ResultType",
            json!([{"ResultType": "50126"}]),
        ),
        (
            "SigninLogs | where UserPrincipalName =~ 'BREAKGLASS01@contoso.onmicrosoft.com' | count",
            json!([{"Count": 3}]),
        ),
        (
            "SigninLogs | where UserId in ('nobody') or AppDisplayName has 'portal' and not(ResultType == \"0\") | count",
            json!([{"Count": 1}]),
        ),
        (
            "SigninLogs | where AppDisplayName contains 'ure P' and AppDisplayName !has 'ure' | count",
            json!([{"Count": 3}]),
        ),
        (
            "SigninLogs | where Status.errorCode == 50126 | count",
            json!([{"Count": 1}]),
        ),
        (
            "SigninLogs | where tostring(DeviceDetail[\"operatingSystem\"]) == 'Windows' | count",
            json!([{"Count": 3}]),
        ),
        (
            "SigninLogs | summarize n = count(), last = max(CreatedDateTime) by ResultType | order by n desc",
            json!([{"ResultType": "0", "n": 2, "last": "2026-11-24T11:30:00.0000000Z"},
                {"ResultType": "50126", "n": 1, "last": "2026-11-24T10:30:00.0000000Z"}]),
        ),
        (
            "SigninLogs | summarize dcount(UserId), countif(ResultType == '0')",
            json!([{"dcount_UserId": 2, "countif_": 2}]),
        ),
        (
            "SigninLogs | summarize arg_max(CreatedDateTime, ResultType)",
            json!([{"CreatedDateTime": "2026-11-24T11:30:00.0000000Z", "ResultType": "0"}]),
        ),
        (
            "SigninLogs | where CreatedDateTime between (datetime(2026-11-24T10:00) .. datetime(2026-11-24T11:00:00Z)) | count",
            json!([{"Count": 1}]),
        ),
        (
            "SigninLogs | top 1 by CreatedDateTime asc | project ResultType",
            json!([{"ResultType": "50126"}]),
        ),
        (
            "SigninLogs | distinct ResultType | sort by ResultType asc",
            json!([{"ResultType": "0"}, {"ResultType": "50126"}]),
        ),
        (
            "SigninLogs | where CreatedDateTime > ago(24h) // yes\n| take 0 | count",
            json!([{"Count": 0}]),
        ),
        (
            "let since = ago(35m); SigninLogs | where CreatedDateTime >= since | count",
            json!([{"Count": 1}]),
        ),
        (
            "let mine = SigninLogs | where UserId == 'x'; mine | count",
            json!([{"Count": 0}]),
        ),
        (
            "union (SigninLogs | project UserId), (AADNonInteractiveUserSignInLogs | project UserId) | count",
            json!([{"Count": 4}]),
        ),
        (
            "SigninLogs | extend late = TimeGenerated - CreatedDateTime | where late > 1m | count",
            json!([{"Count": 3}]),
        ),
    ] {
        assert_eq!(Value::from(rows(&ask(&lab, kql))), expected, "{kql}");
    }
}

#[test]
fn audit_records_of_a_write_are_there_to_query() {
    let lab = lab("contoso-modern");
    write(
        &lab,
        &person(ADELE),
        "PATCH",
        &format!("users/{ANNA}"),
        json!({"jobTitle": "x"}),
    )
    .unwrap();
    let kql = format!(
        "AuditLogs | where TargetResources has '{ANNA}' | project OperationName, Result, InitiatedBy.user.id"
    );
    let found = rows(&ask(&lab, &kql));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["OperationName"], "Update user");
    assert_eq!(found[0]["InitiatedBy_user_id"], ADELE);
}

#[test]
fn only_what_a_setting_sends_is_there() {
    let lab = busy();
    let missing = ask(&lab, "AADServicePrincipalSignInLogs | count");
    assert_eq!(missing.status, 400);
    let inner = json_of(&missing)["error"]["innererror"].clone();
    assert_eq!(
        (&inner["code"], &inner["innererror"]["code"]),
        (&json!("SemanticError"), &json!("SEM0100"))
    );
    // `isfuzzy` leaves out what does not exist.
    let kql = "union isfuzzy=true SigninLogs, AADServicePrincipalSignInLogs | count";
    assert_eq!(rows(&ask(&lab, kql))[0]["Count"], 3);
    assert_eq!(
        ask(&lab, "union SigninLogs, AADServicePrincipalSignInLogs").status,
        400
    );
    assert_eq!(
        ask(&lab, "signinlogs | count").status,
        400,
        "names are told by letter case"
    );
    assert_eq!(ask(&lab, "SigninLogs | where Nothing == 1").status, 400);
}

#[test]
fn a_query_that_cannot_be_parsed_says_where() {
    let lab = lab("contoso-modern");
    let error = json_of(&ask(&lab, "SigninLogs\n| where UserId === 'x'"))["error"].clone();
    assert_eq!(error["code"], "BadArgumentError");
    assert_eq!(error["innererror"]["code"], "SyntaxError");
    let place = &error["innererror"]["innererror"];
    assert_eq!(
        (&place["line"], &place["pos"], &place["token"]),
        (&json!(2), &json!(17), &json!("="))
    );
    for kql in [
        "| count",
        "SigninLogs |",
        "SigninLogs | where (",
        "SigninLogs | take -1",
        "SigninLogs | where 'x",
        "SigninLogs count",
    ] {
        assert_eq!(
            json_of(&ask(&lab, kql))["error"]["innererror"]["code"],
            "SyntaxError",
            "{kql}"
        );
    }
    let body = json_of(&ask(
        &lab,
        "SigninLogs | summarize percentile(DurationMs, 95)",
    ));
    assert_eq!(body["error"]["innererror"]["code"], "UnsupportedByTwin");
}

#[test]
fn a_time_span_is_added_to_what_the_query_says() {
    let lab = busy();
    let count = |timespan: &str| {
        rows(&ask_with(&lab, "SigninLogs | count", Some(timespan)))[0]["Count"].clone()
    };
    assert_eq!(count("PT1H"), 2);
    assert_eq!(count("P1D"), 3);
    assert_eq!(count("2026-11-24T10:00:00Z/2026-11-24T11:00:00Z"), 1);
    assert_eq!(count("2026-11-24T10:00:00Z/PT1H"), 1);
    assert_eq!(count("PT1H/2026-11-24T11:00:00Z"), 1);
    assert_eq!(ask_with(&lab, "SigninLogs", Some("yesterday")).status, 400);
}

#[test]
fn who_may_not_read_and_what_does_not_exist_is_told_apart() {
    let lab = busy();
    let body = json!({"query": "SigninLogs"});
    let path = format!("/v1/workspaces/{}/query", customer(&lab));
    let refused = answer(&lab, &person(ANNA), "POST", &path, "", "", Some(&body));
    assert_eq!(
        (refused.status, &json_of(&refused)["error"]["code"]),
        (403, &json!("InsufficientAccessError"))
    );
    // An app with a role and without the permission, and the other way round.
    for (role, permission, inner) in [
        (EVERYTHING, None, "UnauthorizedClient"),
        (
            "breakglass watch",
            Some("Data.Read"),
            "AuthorizationFailedError",
        ),
    ] {
        let mut caller = app(role);
        caller.permissions = permission.map(str::to_owned).into_iter().collect();
        let refused = answer(&lab, &caller, "POST", &path, "", "", Some(&body));
        let error = &json_of(&refused)["error"];
        assert_eq!(
            (refused.status, &error["code"], &error["innererror"]["code"]),
            (403, &json!("InsufficientAccessError"), &json!(inner))
        );
    }
    let caller = app("breakglass posture");
    let unknown = "/v1/workspaces/11111111-0000-4000-8000-000000000001/query";
    let missing = answer(&lab, &caller, "POST", unknown, "", "", Some(&body));
    assert_eq!(
        (missing.status, &json_of(&missing)["error"]["code"]),
        (404, &json!("ResourceNotFoundError"))
    );
    assert_eq!(
        answer(&lab, &caller, "GET", "/v2/x", "", "", None).status,
        404
    );
    assert_eq!(
        json_of(&answer(&lab, &caller, "POST", &path, "", "", None)),
        Value::Null
    );
    assert_eq!(
        answer(&lab, &caller, "POST", &path, "", "", Some(&json!({}))).status,
        400
    );
    let got = answer(
        &lab,
        &caller,
        "GET",
        &path,
        "query=SigninLogs%20%7C%20count&timespan=P1D",
        "",
        None,
    );
    assert_eq!(rows(&got)[0]["Count"], 3);
    let by_id = "/v1/subscriptions/2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f/resourceGroups/rg-monitoring/providers/Microsoft.OperationalInsights/workspaces/law-security/query";
    assert_eq!(
        rows(&answer(&lab, &caller, "POST", by_id, "", "", Some(&body))).len(),
        3
    );
}

#[test]
fn faults_are_partial_empty_and_twice() {
    let lab = busy();
    lab.faults().switch(Fault::LogDuplicates, true);
    assert_eq!(rows(&ask(&lab, "SigninLogs | count"))[0]["Count"], 6);
    lab.faults().switch(Fault::LogDuplicates, false);
    lab.faults().switch(Fault::LogsPartial, true);
    let partial = ask(&lab, "SigninLogs");
    assert_eq!(rows(&partial).len(), 1);
    assert_eq!(json_of(&partial)["error"]["code"], "PartialError");
    lab.faults().switch(Fault::LogsEmpty, true);
    assert_eq!(ask(&lab, "SigninLogs").status, 204);
}

struct Nothing;

impl run::Tables for Nothing {
    fn table(&self, name: &str) -> Option<value::Table> {
        let schema = schema::Schema::of(name)?;
        Some(value::Table {
            columns: schema.columns(),
            rows: vec![vec![value::Scalar::Null; schema.columns().len()]],
        })
    }
}

#[test]
fn a_batch_answers_each_query_for_itself_and_statistics_only_to_who_asks() {
    let lab = lab("contoso-modern");
    let (caller, kql) = (app("breakglass posture"), "SigninLogs | take 1");
    let query = |id: &str, workspace: &str, kql: &str| {
        json!({
            "id": id, "path": "/query", "method": "POST", "workspace": workspace, "body": {"query": kql},
            "headers": {"Prefer": "wait=60, include-statistics=true"},
        })
    };
    let own = customer(&lab);
    let body = json!({"requests": [query("a", &own, kql), query("b", "nowhere", kql), query("c", &own, "| wher")]});
    let got = json_of(&answer(
        &lab,
        &caller,
        "POST",
        "/v1/$batch",
        "",
        "",
        Some(&body),
    ));
    let statuses: Vec<_> = got["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (&one["id"], &one["status"]))
        .collect();
    assert_eq!(json!(statuses), json!([["a", 200], ["b", 404], ["c", 400]]));
    assert!(got["responses"][0]["body"]["statistics"].is_object());
    let none = answer(
        &lab,
        &caller,
        "POST",
        "/v1/$batch",
        "",
        "",
        Some(&json!({})),
    );
    assert_eq!(none.status, 400);
    assert_eq!(json_of(&ask(&lab, kql)).get("statistics"), None);
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(kql in "\\PC{0,80}") {
        let _ = syntax::parse(&kql).and_then(|query| run::run(&query, &Nothing, now()));
    }

    #[test]
    fn no_words_of_the_language_make_it_panic(words in proptest::collection::vec(prop_oneof![
        Just("SigninLogs"), Just("|"), Just("where"), Just("project"), Just("extend"), Just("summarize"), Just("by"),
        Just("count()"), Just("max("), Just(")"), Just("("), Just("UserId"), Just("Status"), Just("=="), Just("in~"),
        Just("'x'"), Just("1"), Just("-"), Just("9223372036854775807"), Just("10d"), Just("ago("), Just("and"),
        Just("let"), Just("="), Just(";"), Just("union"), Just(","), Just("["), Just("]"), Just("."), Just("*"),
        Just("/"), Just("0"), Just("TimeGenerated"), Just("order"), Just("take"), Just("datetime("), Just("dynamic("),
        Just("arg_max("), Just("bin("), Just("between"), Just(".."),
    ], 0..25)) {
        let kql = words.join(" ");
        let _ = syntax::parse(&kql).and_then(|query| run::run(&query, &Nothing, now()));
    }

    #[test]
    fn deep_or_long_expressions_are_read_or_refused(count in 0_usize..3_000) {
        let brackets = format!("SigninLogs | where {}1{} == 1", "(".repeat(count), ")".repeat(count));
        prop_assert!(syntax::parse(&brackets).is_ok() == (count < 39), "{}", count);
        let sum = format!("SigninLogs | where 1{} == 1", " + 1".repeat(count));
        prop_assert_eq!(syntax::parse(&sum).is_ok(), count < 20);
        let either = format!("SigninLogs | where true{} | count", " or UserId == 'x'".repeat(count));
        let run = syntax::parse(&either).and_then(|query| run::run(&query, &Nothing, now()));
        prop_assert!(run.is_ok());
    }
}
