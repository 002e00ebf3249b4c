//! Registration of a passkey: which calls are made, and what a lost answer comes to.

use breakglass_entra::passkeys::{self, NewPasskey};
use serde_json::json;

use crate::script::{Connected, Reply, Script, answer, ok};

fn options() -> Reply {
    ok(
        json!({"publicKey": {"rp": {"id": "login.microsoft.com"}, "user": {"id": "T0Y6AAEC", "name": "ea01"},
        "challenge": "ZXlK", "pubKeyCredParams": [{"type": "public-key", "alg": -7}]}}),
    )
}

fn refused(status: u16, message: &str) -> Reply {
    answer(
        status,
        &[],
        json!({"error": {"code": "x", "message": message}}),
    )
}

async fn registered(
    replies: Vec<Reply>,
) -> (
    Result<passkeys::Registered, breakglass_entra::Error>,
    Vec<String>,
) {
    let connected = Connected::new(Script::of(replies));
    let options = passkeys::creation_options(&connected.entra, "u")
        .await
        .unwrap();
    let passkey = NewPasskey {
        display_name: "EA01 key A",
        credential_id: &[1, 2, 3],
        client_data: b"{}",
        attestation_object: &[0xa0],
    };
    let result = passkeys::register(&connected.entra, "u", &options, &passkey).await;
    let calls = connected
        .script
        .seen()
        .iter()
        .map(|seen| format!("{} {}", seen.request.method, seen.request.url.path()))
        .collect();
    (result, calls)
}

#[tokio::test(start_paused = true)]
async fn x7_a_passkey_is_registered_with_two_calls() {
    let (result, calls) =
        registered(vec![options(), ok(json!({"id": "AQID", "aaGuid": "a"}))]).await;
    assert_eq!(result.unwrap().id, "AQID");
    assert_eq!(
        calls,
        [
            "GET /v1.0/users/u/authentication/fido2Methods/creationOptions",
            "POST /v1.0/users/u/authentication/fido2Methods"
        ]
    );
}

#[tokio::test(start_paused = true)]
async fn x7_a_cloud_that_has_it_in_beta_only_is_asked_there() {
    let unknown = refused(400, "Resource not found for the segment 'creationOptions'.");
    let (result, calls) = registered(vec![unknown, options(), ok(json!({"id": "AQID"}))]).await;
    assert!(result.is_ok());
    assert_eq!(calls[2], "POST /beta/users/u/authentication/fido2Methods");
}

/// The first try was answered with an error on the way back, and had arrived.
#[tokio::test(start_paused = true)]
async fn x7_a_lost_answer_gives_no_second_passkey() {
    let list = ok(json!({"value": [{"id": "other"}, {"id": "AQID", "displayName": "EA01 key A"}]}));
    let replies = vec![
        options(),
        refused(503, "busy"),
        refused(409, "registered already"),
        list,
    ];
    let (result, calls) = registered(replies).await;
    assert_eq!(result.unwrap().display_name.as_deref(), Some("EA01 key A"));
    assert_eq!(calls.len(), 4);
    let foreign = ok(json!({"value": [{"id": "other"}]}));
    let (result, _) =
        registered(vec![options(), refused(409, "registered already"), foreign]).await;
    assert_eq!(result.unwrap_err().status(), Some(409));
}
