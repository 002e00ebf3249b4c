//! Azure Resource Manager over HTTP.

use breakglass_lab::Fault;
use reqwest::Method;
use serde_json::{Value, json};

use crate::{
    support::{Twin, example},
    writes::send,
};

const SCOPE: &str = "https://management.azure.com/.default";

#[tokio::test]
async fn a_setting_is_read_written_and_read_again_with_a_token_for_arm_only() {
    let twin = Twin::of(example("contoso-modern")).await;
    let settings = format!(
        "{}/providers/microsoft.aadiam/diagnosticSettings",
        twin.running.addresses.arm
    );
    let url = format!("{settings}?api-version=2017-04-01");
    let graph = twin.token("breakglass posture").await;
    assert_eq!(
        send(&twin, &graph, Method::GET, &url, Value::Null).await.0,
        401
    );
    let reader = twin.token_for("breakglass posture", SCOPE).await;
    let (status, list) = send(&twin, &reader, Method::GET, &url, Value::Null).await;
    assert_eq!((status, list["value"].as_array().unwrap().len()), (200, 2));
    let mut body = json!({"properties": list["value"][0]["properties"]});
    body["properties"]["logs"] = json!([{"category": "AuditLogs", "enabled": true}]);
    let own = format!("{settings}/third?api-version=2017-04-01");
    let refused = send(&twin, &reader, Method::PUT, &own, body.clone()).await;
    assert_eq!(
        (refused.0, &refused.1["error"]["code"]),
        (403, &json!("AuthorizationFailed"))
    );
    let writer = twin.token_for("breakglass apply", SCOPE).await;
    assert_eq!(send(&twin, &writer, Method::PUT, &own, body).await.0, 200);
    let (_, list) = send(&twin, &reader, Method::GET, &url, Value::Null).await;
    assert_eq!(list["value"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn answers_name_their_request_and_an_outage_is_503() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token_for("breakglass posture", SCOPE).await;
    let url = format!(
        "{}/subscriptions?api-version=2022-12-01",
        twin.running.addresses.arm
    );
    let answer = twin
        .http
        .get(&url)
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    for header in [
        "x-ms-request-id",
        "x-ms-correlation-request-id",
        "x-ms-ratelimit-remaining-tenant-reads",
    ] {
        assert!(answer.headers().contains_key(header), "{header}");
    }
    let list: Value = answer.json().await.unwrap();
    assert_eq!(list["value"][0]["state"], "Enabled");
    twin.switch(Fault::ArmOutage, true);
    assert_eq!(
        send(&twin, &token, Method::GET, &url, Value::Null).await.0,
        503
    );
}
