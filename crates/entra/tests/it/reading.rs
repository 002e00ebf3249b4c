//! What many calls make: pages, batches and log queries.

use std::{sync::Arc, time::Duration};

use breakglass_entra::{Error, Version};
use serde_json::{Value, json};

use crate::{
    client::{refused, users},
    script::{Connected, Reply, Script, answer, ok},
};

// Pages

fn page(items: Value, next: Option<&str>) -> Reply {
    let mut body = json!({"value": items});
    if let Some(next) = next {
        body["@odata.nextLink"] = json!(next);
    }
    ok(body)
}

async fn all(replies: Vec<Reply>) -> (Result<Vec<Value>, Error>, Connected) {
    let connected = Connected::new(Script::of(replies));
    (connected.entra.all(users().advanced()).await, connected)
}

#[tokio::test(start_paused = true)]
async fn pages_are_followed_as_they_are_named_with_the_same_headers_past_empty_ones() {
    let link = "https://graph/v1.0/users?$skiptoken=RFNw%2bX~x,y";
    let (result, connected) = all(vec![
        page(json!([1]), Some(link)),
        page(json!([]), Some("https://graph/v1.0/users?$skiptoken=2")),
        page(json!([2, 3]), None),
    ])
    .await;
    assert_eq!(result.unwrap(), [json!(1), json!(2), json!(3)]);
    let sent = connected.script.seen();
    assert_eq!(sent[1].request.url.as_str(), link);
    assert!(
        sent.iter()
            .all(|one| one.header("ConsistencyLevel") == Some("eventual"))
    );
    // X4: else newer platforms and controls of policies come as `unknownFutureValue`.
    assert!(
        sent.iter()
            .all(|one| one.header("Prefer") == Some("include-unknown-enum-members"))
    );
}

#[tokio::test(start_paused = true)]
async fn a_next_link_to_another_origin_is_refused() {
    for link in [
        "https://evil.example/v1.0/users",
        "http://graph/v1.0/users",
        "https://graph:8443/v1.0/users",
        "https://graph@evil.example/",
        "/v1.0/users?relative",
    ] {
        let (result, connected) = all(vec![page(json!([1]), Some(link))]).await;
        assert!(matches!(result, Err(Error::Unusable { .. })), "{link}");
        assert_eq!(connected.script.count(), 1, "{link}");
    }
}

#[tokio::test(start_paused = true)]
async fn pages_in_a_circle_end_in_an_error() {
    for (first, second) in [
        ("https://graph/v1.0/users?$select=id", ""),
        (
            "https://graph/v1.0/users?p=1",
            "https://graph/v1.0/users?p=1",
        ),
        (
            "https://graph/v1.0/users?p=1",
            "https://graph/v1.0/users?$select=id",
        ),
    ] {
        let (result, connected) = all(vec![
            page(json!([1]), Some(first)),
            page(json!([2]), Some(second)),
        ])
        .await;
        assert!(result.unwrap_err().to_string().contains("circle"));
        assert!(connected.script.count() <= 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_list_without_its_list_is_an_error() {
    let (result, _) = all(vec![ok(json!({"@odata.count": 0}))]).await;
    assert!(result.unwrap_err().to_string().contains("no list `value`"));
}

#[tokio::test(start_paused = true)]
async fn a_page_that_was_not_read_is_no_end_and_can_be_asked_for_again() {
    let connected = Connected::new(Script::of(vec![
        page(json!([1]), Some("https://graph/v1.0/users?p=1")),
        refused(500, "x"),
        page(json!([2]), None),
    ]));
    let mut pages = connected.entra.pages(users());
    assert_eq!(pages.next().await.unwrap(), Some(vec![json!(1)]));
    assert!(pages.next().await.is_err());
    assert_eq!(pages.next().await.unwrap(), Some(vec![json!(2)]));
    assert_eq!(pages.next().await.unwrap(), None);
}

#[tokio::test(start_paused = true)]
async fn a_count_is_a_plain_number() {
    let connected = Connected::new(Script::of(vec![ok("\u{feff}203"), ok("many")]));
    assert_eq!(connected.entra.count("users/$count").await.unwrap(), 203);
    let seen = &connected.script.seen()[0];
    assert_eq!(seen.header("accept"), Some("text/plain"));
    assert_eq!(seen.header("consistencylevel"), Some("eventual"));
    assert!(connected.entra.count("users/$count").await.is_err());
}

// Batches

fn paths(count: usize) -> Vec<String> {
    (0..count).map(|place| format!("users/{place}")).collect()
}

/// Answers each item by its address, in reverse order.
fn batch(item: impl Fn(&str, usize) -> Option<Value> + Send + Sync + 'static) -> Arc<Script> {
    Script::new(move |request, before| {
        let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
        let Some(requests) = body["requests"].as_array() else {
            return ok(json!({"value": [request.url.as_str()]}));
        };
        assert!(requests.len() <= 20);
        let responses: Vec<Value> = requests
            .iter()
            .rev()
            .filter_map(|one| {
                let mut answer = item(one["url"].as_str().unwrap(), before)?;
                answer["id"] = one["id"].clone();
                Some(answer)
            })
            .collect();
        ok(json!({"responses": responses}))
    })
}

#[tokio::test(start_paused = true)]
async fn a_batch_answers_in_the_order_of_its_paths_twenty_at_a_time() {
    let script = batch(|url, _| Some(json!({"status": 200, "body": {"url": url}})));
    let connected = Connected::new(script);
    let answers = connected.entra.batch(Version::V1, &paths(45)).await;
    for (place, answer) in answers.into_iter().enumerate() {
        assert_eq!(answer.unwrap()["url"], format!("/users/{place}"));
    }
    assert_eq!(connected.script.count(), 3);
    let item = &connected.script.seen()[0].json()["requests"][1];
    assert_eq!(item["method"], "GET");
    assert_eq!(
        item["headers"],
        json!({"Prefer": "include-unknown-enum-members"})
    );
}

#[tokio::test(start_paused = true)]
async fn throttled_items_of_a_batch_are_asked_again_by_themselves() {
    let script = batch(|url, before| {
        Some(if url == "/users/1" && before == 0 {
            json!({"status": 429, "headers": {"Retry-After": "9"}, "body": {"error": {"code": "TooManyRequests"}}})
        } else {
            json!({"status": 200, "body": {}})
        })
    });
    let connected = Connected::new(script);
    let answers = connected.entra.batch(Version::V1, &paths(3)).await;
    assert!(answers.iter().all(Result::is_ok));
    let sent = connected.script.seen();
    assert_eq!(sent[1].json()["requests"].as_array().unwrap().len(), 1);
    assert!(sent[1].after >= Duration::from_secs(9));
    assert_eq!(connected.waits()[0].time, Duration::from_secs(9));
}

#[tokio::test(start_paused = true)]
async fn an_item_that_stays_throttled_or_asks_for_hours_is_an_error_in_the_end() {
    let script = batch(|_, _| Some(json!({"status": 503, "body": {"error": {"code": "x"}}})));
    let connected = Connected::new(script);
    let answers = connected.entra.batch(Version::V1, &paths(1)).await;
    assert_eq!(answers[0].as_ref().unwrap_err().status(), Some(503));
    assert_eq!(connected.script.count(), 7);
    let script = batch(|_, _| Some(json!({"status": 429, "headers": {"retry-after": "9000"}})));
    let answers = Connected::new(script)
        .entra
        .batch(Version::V1, &paths(1))
        .await;
    assert!(matches!(answers[0], Err(Error::Throttled { .. })));
}

#[tokio::test(start_paused = true)]
async fn each_item_of_a_batch_fails_by_itself_and_a_missing_one_is_an_error() {
    let script = batch(|url, _| match url {
        "/users/0" => Some(
            json!({"status": 404, "body": {"error": {"code": "Request_ResourceNotFound", "message": "no",
            "innerError": {"request-id": "r-7"}}}}),
        ),
        "/users/1" => None,
        "/users/2" => Some(json!({"status": 200})),
        _ => Some(json!({"status": 200, "body": {"a": 1}})),
    });
    let answers = Connected::new(script)
        .entra
        .batch(Version::V1, &paths(4))
        .await;
    let refused = answers[0].as_ref().unwrap_err();
    assert!(refused.is_not_found());
    assert_eq!(refused.request_id(), Some("r-7"));
    assert!(
        refused.to_string().starts_with("GET /v1.0/users/0 "),
        "{refused}"
    );
    let missing = answers[1].as_ref().unwrap_err().to_string();
    assert!(missing.contains("gave no answer to it"), "{missing}");
    assert!(answers[2].is_err());
    assert_eq!(answers[3].as_ref().unwrap(), &json!({"a": 1}));
}

#[tokio::test(start_paused = true)]
async fn a_list_in_a_batch_that_goes_on_is_read_to_its_end() {
    let script = batch(|_, _| {
        Some(json!({"status": 200, "body": {"value": [1], "@odata.nextLink": "https://graph/x"}}))
    });
    let answers = Connected::new(script)
        .entra
        .batch(Version::V1, &paths(1))
        .await;
    assert_eq!(
        answers[0].as_ref().unwrap()["value"],
        json!(["https://graph/v1.0/users/0"])
    );
}

#[tokio::test(start_paused = true)]
async fn a_batch_that_fails_as_a_whole_fails_each_of_its_items() {
    let connected = Connected::new(Script::of(vec![refused(
        403,
        "Authorization_RequestDenied",
    )]));
    let answers = connected.entra.batch(Version::V1, &paths(2)).await;
    assert!(
        answers
            .iter()
            .all(|one| one.as_ref().unwrap_err().is_forbidden())
    );
}

#[tokio::test(start_paused = true)]
async fn items_of_a_batch_count_against_their_own_limits() {
    let script = batch(|_, _| Some(json!({"status": 200, "body": {}})));
    let connected = Connected::new(script);
    let paths = vec!["identity/conditionalAccess/policies/1".to_owned(); 3];
    connected.entra.batch(Version::V1, &paths).await;
    assert!(connected.script.times()[0] >= 2000);
}

// Log Analytics

async fn query(reply: Reply) -> Result<breakglass_entra::Rows, Error> {
    let connected = Connected::new(Script::of(vec![reply]));
    connected.entra.query("w-1", "T | take 1", "PT1H").await
}

fn tables(columns: Value, rows: Value) -> Value {
    json!({"tables": [{"name": "PrimaryResult", "columns": columns, "rows": rows}]})
}

#[tokio::test(start_paused = true)]
async fn rows_of_a_query_are_named_by_their_columns() {
    let columns = json!([{"name": "b", "type": "long"}, {"name": "a", "type": "string"}]);
    let rows = query(ok(tables(columns, json!([[1, "x"], [null, "y"]]))))
        .await
        .unwrap()
        .rows;
    assert_eq!(
        json!(rows),
        json!([{"b": 1, "a": "x"}, {"b": null, "a": "y"}])
    );
    let none = query(ok(tables(json!([{"name": "a"}]), json!([]))))
        .await
        .unwrap();
    assert_eq!(none.rows.len(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_query_goes_to_its_workspace_with_its_time() {
    let connected = Connected::new(Script::of(vec![ok(tables(json!([]), json!([])))]));
    connected.entra.query("w-1", "T", "PT1H").await.unwrap();
    let seen = &connected.script.seen()[0];
    assert_eq!(
        seen.request.url.as_str(),
        "https://logs/v1/workspaces/w-1/query"
    );
    assert_eq!(seen.json(), json!({"query": "T", "timespan": "PT1H"}));
    assert_eq!(seen.header("content-type"), Some("application/json"));
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_not_whole_is_never_nothing() {
    let one = json!([{"name": "a"}]);
    let mut partial = tables(one.clone(), json!([["x"]]));
    partial["error"] = json!({"code": "PartialError", "message": "There were some errors when processing your query.",
        "details": [{"code": "EngineError", "message": "the result is too large"}]});
    for (reply, text) in [
        (answer(204, &[], ""), "never received any data"),
        (ok(""), "it is empty (status 200)"),
        (
            ok(partial),
            "PartialError: There were some errors when processing your query: the result is too large",
        ),
        (ok(json!({"tables": []})), "no table"),
        (ok(json!({"tables": [{"rows": []}]})), "no columns or rows"),
        (ok(tables(one.clone(), json!([["x", "y"]]))), "does not fit"),
        (ok(tables(one, json!(["x"]))), "does not fit"),
        (
            ok(tables(json!([{"type": "string"}]), json!([["x"]]))),
            "has no name",
        ),
    ] {
        let error = query(reply).await.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
}

/// Answers of the data plane as Microsoft publishes them, when this checkout stands beside a copy.
#[tokio::test(start_paused = true)]
async fn published_answers_of_log_analytics_are_read_whole() {
    let folder = "shared/data/api-specs/azure/operationalinsights/data-plane/Microsoft.OperationalInsights/stable/v1/examples";
    let Some(folder) = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
        .ancestors()
        .map(|above| above.join(folder))
        .find(|folder| folder.is_dir())
    else {
        println!("skipped: no shared data");
        return;
    };
    let mut read = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let file = file.unwrap().path();
        let example: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let body = &example["responses"]["200"]["body"];
        let result = query(ok(body)).await;
        let Some(columns) = body.pointer("/tables/0/rows").map(|rows| {
            let columns = body["tables"][0]["columns"].as_array().unwrap();
            let names = columns
                .iter()
                .map(|column| column["name"].as_str().unwrap());
            (names.collect::<Vec<_>>(), rows.as_array().unwrap())
        }) else {
            // The schema of a workspace has tables of another kind: no answer to a query, and not taken for one.
            let error = result.unwrap_err().to_string();
            assert!(
                error.contains("no columns or rows"),
                "{}: {error}",
                file.display()
            );
            continue;
        };
        let (names, published) = columns;
        let rows = result.unwrap().rows;
        assert_eq!(rows.len(), published.len(), "{}", file.display());
        for (row, cells) in rows.iter().zip(published) {
            assert_eq!(row.len(), names.len());
            for (name, cell) in names.iter().zip(cells.as_array().unwrap()) {
                assert_eq!(row[*name], *cell, "{}: {name}", file.display());
            }
        }
        read += 1;
    }
    assert_eq!(read, 4);
}
