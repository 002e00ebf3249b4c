//! Writes as clients make them: permission in the token, role behind it, record in the log, all over HTTP.

use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{Twin, example};

const BREAK_GLASS: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
const ANNA: &str = "7b3e241e-41c2-4d8a-b6f0-9c5d1e2a79b2";

/// A call with a body, to any of the twin's origins.
pub(crate) async fn send(
    twin: &Twin,
    token: &str,
    method: Method,
    url: &str,
    body: Value,
) -> (u16, Value) {
    let mut request = twin.http.request(method, url).bearer_auth(token);
    if !body.is_null() {
        request = request
            .header("content-type", "application/json")
            .body(body.to_string());
    }
    let answer = request.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(json!(text)))
}

fn graph(twin: &Twin, path: &str) -> String {
    format!("{}/v1.0/{path}", twin.running.addresses.graph)
}

#[tokio::test]
async fn of_a_user_just_made_methods_and_requirements_can_be_read() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass apply").await;
    let user = json!({"accountEnabled": true, "displayName": "New", "mailNickname": "new",
        "userPrincipalName": "new@contoso.onmicrosoft.com",
        "passwordProfile": {"password": "correct-Horse-7-battery", "forceChangePasswordNextSignIn": false}});
    let (status, made) = send(&twin, &token, Method::POST, &graph(&twin, "users"), user).await;
    assert_eq!(status, 201, "{made}");
    let id = made["id"].as_str().unwrap();
    let path = format!("/beta/users/{id}/authentication/requirements");
    let (status, read) = twin.get(&path).await;
    assert_eq!(
        (status, &read["perUserMfaState"]),
        (200, &json!("disabled"))
    );
    let path = format!("/v1.0/users/{id}/authentication/methods");
    let (status, read) = twin.get(&path).await;
    assert_eq!(status, 200, "{read}");
    assert_eq!(
        read["value"][0]["id"],
        "28c10230-6103-485e-b985-444c60001490"
    );
    assert_eq!(
        twin.get(&format!("/v1.0/users/{id}/transitiveMemberOf"))
            .await
            .0,
        200
    );
}

#[tokio::test]
async fn a_policy_that_was_written_is_read_and_both_its_records_too() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token("breakglass apply").await;
    let policy = json!({"displayName": "Written", "state": "disabled",
        "conditions": {"clientAppTypes": ["all"], "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"]}},
        "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}});
    let list = graph(&twin, "identity/conditionalAccess/policies");
    let (status, made) = send(&twin, &token, Method::POST, &list, policy).await;
    assert_eq!(status, 201, "{made}");
    let path = format!(
        "/v1.0/identity/conditionalAccess/policies/{}",
        made["id"].as_str().unwrap()
    );
    let (status, read) = twin.get(&path).await;
    assert_eq!((status, &read["displayName"]), (200, &json!("Written")));
    let filter = format!(
        "targetResources/any(t: t/id eq '{}')",
        made["id"].as_str().unwrap()
    );
    let (status, audits) = twin
        .get(&format!("/v1.0/auditLogs/directoryAudits?$filter={filter}"))
        .await;
    assert_eq!(status, 200, "{audits}");
    let mut names: Vec<&str> = audits["value"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| row["activityDisplayName"].as_str().unwrap())
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["Add conditional access policy", "Add policy"]);
    assert_eq!(
        audits["value"][0]["initiatedBy"]["app"]["displayName"],
        "breakglass apply"
    );
}

#[tokio::test]
async fn a_permission_that_is_missing_refuses_before_anything_else() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token("breakglass posture").await;
    let url = graph(&twin, &format!("users/{ANNA}"));
    for (method, body) in [
        (Method::PATCH, json!({"jobTitle": "x"})),
        (Method::DELETE, Value::Null),
    ] {
        let (status, answer) = send(&twin, &token, method, &url, body).await;
        assert_eq!(
            (status, &answer["error"]["code"]),
            (403, &json!("Authorization_RequestDenied"))
        );
    }
    let (_, audits) = twin.get("/v1.0/auditLogs/directoryAudits").await;
    assert_eq!(audits["value"], json!([]));
}

#[tokio::test]
async fn m1_an_app_with_every_permission_is_kept_out_of_a_restricted_unit() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token("breakglass apply").await;
    let url = graph(&twin, &format!("users/{BREAK_GLASS}"));
    let (status, answer) = send(
        &twin,
        &token,
        Method::PATCH,
        &url,
        json!({"displayName": "x"}),
    )
    .await;
    assert_eq!(status, 403);
    let message = answer["error"]["message"].as_str().unwrap();
    assert!(
        message.contains("restricted management administrative unit"),
        "{message}"
    );
    let url = graph(&twin, &format!("users/{ANNA}"));
    let (status, _) = send(
        &twin,
        &token,
        Method::PATCH,
        &url,
        json!({"displayName": "Anna B."}),
    )
    .await;
    assert_eq!(status, 204);
}

#[tokio::test]
async fn a_group_is_filled_and_deleted_and_restored() {
    let twin = Twin::of(example("contoso-modern")).await;
    let token = twin.token("breakglass apply").await;
    let body = json!({"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true});
    let (status, group) = send(&twin, &token, Method::POST, &graph(&twin, "groups"), body).await;
    assert_eq!(status, 201, "{group}");
    let id = group["id"].as_str().unwrap();
    let member = json!({"@odata.id": graph(&twin, &format!("directoryObjects/{ANNA}"))});
    let members = graph(&twin, &format!("groups/{id}/members/$ref"));
    assert_eq!(
        send(&twin, &token, Method::POST, &members, member).await.0,
        204
    );
    let (_, list) = twin
        .get(&format!("/v1.0/groups/{id}/members?$select=id"))
        .await;
    assert_eq!(list["value"][0]["id"], ANNA);
    let own = graph(&twin, &format!("groups/{id}"));
    assert_eq!(
        send(&twin, &token, Method::DELETE, &own, Value::Null)
            .await
            .0,
        204
    );
    assert_eq!(twin.get(&format!("/v1.0/groups/{id}")).await.0, 404);
    let restore = graph(&twin, &format!("directory/deletedItems/{id}/restore"));
    assert_eq!(
        send(&twin, &token, Method::POST, &restore, Value::Null)
            .await
            .0,
        200
    );
    assert_eq!(twin.get(&format!("/v1.0/groups/{id}")).await.0, 200);
}
