//! What the twin shows and nobody changes, and the log of what was done.

use super::*;

const HUB: &str =
    "/resourceGroups/rg-out-of-band/providers/Microsoft.EventHub/namespaces/ehn-out-of-band";

#[test]
fn the_activity_log_asks_for_a_beginning_and_tells_what_was_done() {
    let lab = lab("contoso-modern");
    let log = format!("{SUBSCRIPTION}/providers/Microsoft.Insights/eventtypes/management/values");
    let read = |filter: &str| {
        ask(
            &lab,
            "GET",
            &format!("{log}?$filter={filter}"),
            "2015-04-01",
            Value::Null,
        )
    };
    assert_eq!(code(&read("")), (400, "BadRequest"));
    let count = |filter: &str| {
        let (status, body) = read(filter);
        assert_eq!(status, 200, "{body}");
        body["value"].as_array().unwrap().len()
    };
    let since = "eventTimestamp ge '2000-01-01T00:00:00Z'";
    let before = count(since);
    let id = format!(
        "{}/providers/Microsoft.Insights/actionGroups/ag-other",
        group()
    );
    let body = json!({"location": "Global", "properties": {"groupShortName": "other", "enabled": true,
        "emailReceivers": [{"name": "soc", "emailAddress": "soc@other.example"}]}});
    assert_eq!(ask(&lab, "PUT", &id, "2023-01-01", body).0, 201);
    assert_eq!(ask(&lab, "DELETE", &id, "2023-01-01", Value::Null).0, 200);
    assert_eq!(count(since), before + 2);
    let of = |provider: &str| count(&format!("{since} and resourceProvider eq '{provider}'"));
    assert_eq!(of("Microsoft.Insights"), before + 2);
    assert_eq!(of("Microsoft.AlertsManagement"), 0);
    assert_eq!(
        count(
            "eventTimestamp ge '2000-01-01T00:00:00Z' and eventTimestamp le '2000-01-02T00:00:00Z'"
        ),
        0
    );
    let last = read(since).1["value"]
        .as_array()
        .unwrap()
        .last()
        .unwrap()
        .clone();
    assert_eq!(
        last["operationName"]["value"],
        "Microsoft.Insights/actionGroups/delete"
    );
}

#[test]
fn alerts_and_event_hubs_are_shown_and_changed_by_nobody() {
    let lab = lab("contoso-modern");
    let get = |path: &str, version: &str| {
        ask(
            &lab,
            "GET",
            &format!("{SUBSCRIPTION}{path}"),
            version,
            Value::Null,
        )
    };
    let alerts = get(
        "/providers/Microsoft.AlertsManagement/alerts?timeRange=30d",
        "2019-03-01",
    );
    assert_eq!(alerts.1["value"].as_array().unwrap().len(), 1, "{alerts:?}");
    let rule = get(&format!("{HUB}/authorizationRules/send"), "2024-01-01");
    assert_eq!(rule.1["properties"]["rights"], json!(["Send"]));
    assert_eq!(get(&format!("{HUB}/eventhubs/entra"), "2024-01-01").0, 200);
    assert_eq!(get(&format!("{HUB}/eventhubs/other"), "2024-01-01").0, 404);
    let listed = get(&format!("{HUB}/eventhubs"), "2024-01-01");
    assert_eq!(listed.1["value"].as_array().unwrap().len(), 1);
    let put = ask(
        &lab,
        "PUT",
        &format!("{SUBSCRIPTION}{HUB}"),
        "2024-01-01",
        json!({"location": "x"}),
    );
    assert_eq!(code(&put), (405, "HttpMethodNotAllowed"));
}
