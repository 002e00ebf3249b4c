//! Log Analytics over HTTP: what an app changed through Graph is there to query.

use breakglass_lab::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    support::{Twin, example},
    writes::send,
};

#[tokio::test]
async fn a_change_through_graph_is_found_by_a_query() {
    let twin = Twin::of(example("contoso-modern")).await;
    let apply = twin.token("breakglass apply").await;
    let user = "7b3e241e-41c2-4d8a-b6f0-9c5d1e2a79b2";
    let url = format!("{}/v1.0/users/{user}", twin.running.addresses.graph);
    assert_eq!(
        send(&twin, &apply, Method::PATCH, &url, json!({"jobTitle": "x"}))
            .await
            .0,
        204
    );

    let arm = twin
        .token_for(
            "breakglass posture",
            "https://management.azure.com/.default",
        )
        .await;
    let url = format!(
        "{}/subscriptions/2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f/providers/Microsoft.OperationalInsights/workspaces?api-version=2025-07-01",
        twin.running.addresses.arm
    );
    let (_, list) = send(&twin, &arm, Method::GET, &url, Value::Null).await;
    let customer = list["value"][0]["properties"]["customerId"]
        .as_str()
        .unwrap();

    let url = format!(
        "{}/v1/workspaces/{customer}/query",
        twin.running.addresses.logs
    );
    let body = json!({"query": "AuditLogs | where TimeGenerated > ago(1h) | project OperationName", "timespan": "PT1H"});
    let wrong = send(&twin, &arm, Method::POST, &url, body.clone()).await;
    assert!(
        matches!(wrong.0, 401 | 403),
        "a token for another API: {wrong:?}"
    );
    let token = twin
        .token_for("breakglass posture", "https://api.loganalytics.io/.default")
        .await;
    let (status, answer) = send(&twin, &token, Method::POST, &url, body).await;
    assert_eq!(status, 200, "{answer}");
    assert_eq!(answer["tables"][0]["rows"], json!([["Update user"]]));
}

#[tokio::test]
async fn two_hundred_queries_in_thirty_seconds_are_answered_and_no_more() {
    let twin = Twin::of(example("contoso-modern")).await;
    twin.switch(Fault::Throttling, true);
    let token = twin
        .token_for("breakglass posture", "https://api.loganalytics.io/.default")
        .await;
    let url = format!("{}/v1/workspaces/x/query", twin.running.addresses.logs);
    // No workspace has this name: a call counts, whatever its answer.
    for _ in 0..200 {
        let (status, _) = send(&twin, &token, Method::POST, &url, json!({"query": "x"})).await;
        assert_eq!(status, 404);
    }
    let body = json!({"query": "x"});
    let answer = twin.http.post(&url).bearer_auth(&token).json(&body);
    let answer = answer.send().await.unwrap();
    assert_eq!(answer.status(), 429);
    let wait: u64 = answer.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=30).contains(&wait), "{wait}");
    let body: Value = answer.json().await.unwrap();
    assert!(body["error"]["correlationId"].is_string(), "{body}");
}
