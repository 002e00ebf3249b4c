//! What a person reads when something fails: what failed, why, and what to do next.

use breakglass_entra::{Error, Request, TransportError, Version};
use data_encoding::BASE64;
use serde_json::{Value, json};

use crate::script::{Connected, Reply, START_HTTP, Script, answer};

async fn told(reply: Reply) -> Error {
    told_at(reply, "2026-06-01T10:00:00Z").await
}

async fn told_at(reply: Reply, now: &str) -> Error {
    let connected = Connected::at(Script::of(vec![reply]), now.parse().unwrap());
    let request = Request::graph(Version::V1, "users/u-1?$select=id");
    connected.entra.get(request).await.unwrap_err()
}

fn challenge(claims: Option<Value>) -> Reply {
    let claims = claims.map_or(String::new(), |claims| {
        format!(
            ", claims=\"{}\"",
            BASE64.encode(claims.to_string().as_bytes())
        )
    });
    let header = format!(
        "Bearer realm=\"\", authorization_uri=\"https://login/common\", error=\"insufficient_claims\"{claims}"
    );
    let body = json!({"error": {"code": "InvalidAuthenticationToken", "message": "Continuous access evaluation resulted in \
        challenge with result: InteractionRequired"}});
    answer(401, &[("www-authenticate", &header)], body)
}

#[tokio::test(start_paused = true)]
async fn every_failure_says_what_failed_why_and_what_next() {
    let id = [("request-id", "93b6f17e-0000-4000-8000-6665c708d8a0")];
    let graph = |code: &str, message: &str| json!({"error": {"code": code, "message": message}});
    let cases: Vec<(&str, Reply)> = vec![
        (
            "permission",
            answer(
                403,
                &id,
                graph(
                    "Authorization_RequestDenied",
                    "Insufficient privileges to complete the operation.",
                ),
            ),
        ),
        (
            "no licence",
            answer(
                403,
                &id,
                graph(
                    "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
                    "Neither tenant is B2C or tenant doesn't have premium license",
                ),
            ),
        ),
        (
            "no licence, PIM",
            answer(
                400,
                &[],
                graph(
                    "AadPremiumLicenseRequired",
                    "The tenant needs to have Microsoft Entra ID P2.",
                ),
            ),
        ),
        (
            "PIM never used",
            answer(
                400,
                &[],
                json!({"errorCode": "MissingProvider", "message": "The provider is missing."}),
            ),
        ),
        (
            "not found",
            answer(
                404,
                &id,
                graph("Request_ResourceNotFound", "Resource 'u-1' does not exist."),
            ),
        ),
        (
            "id in the body",
            answer(
                400,
                &[],
                json!({"error": {"code": "Request_BadRequest", "message": "Invalid filter clause",
            "innerError": {"date": "2026-02-13T10:17:06", "request-id": "r-1"}}}),
            ),
        ),
        (
            "code in innererror",
            answer(
                400,
                &[],
                json!({"error": {"code": "", "message": "", "innererror": {"code": "BadFilter", "message": "The filter is bad.",
            "innererror": {"message": "It is very bad."}}}}),
            ),
        ),
        (
            "odata",
            answer(
                400,
                &[],
                json!({"odata.error": {"code": "Request_BadRequest", "message": {"lang": "en", "value": "Unsupported."}}}),
            ),
        ),
        (
            "twice wrapped",
            answer(
                403,
                &[("x-ms-request-id", "arm-1")],
                json!({"error": {"error": {"code": "AuthorizationFailed", "message": "The client may not do this."}}}),
            ),
        ),
        (
            "capitals",
            answer(
                404,
                &[("x-ms-correlation-request-id", "arm-2")],
                json!({"Code": "NotFound", "Message": "It is not there."}),
            ),
        ),
        (
            "JSON in the message",
            answer(
                400,
                &[],
                graph(
                    "UnknownError",
                    "{\"errorCode\":\"RoleNotFound\",\"message\":\"The role is not found.\",\"target\":null}",
                ),
            ),
        ),
        (
            "OAuth",
            answer(
                400,
                &[],
                json!({"error": "invalid_request", "error_description": "Required query parameter is missing"}),
            ),
        ),
        (
            "details",
            answer(
                400,
                &[],
                json!({"error": {"code": "BadArgumentError", "message": "The request had some invalid properties",
            "innererror": {"code": "SyntaxError", "message": "A recognition error occurred in the query."}}}),
            ),
        ),
        (
            "workspace role",
            answer(
                403,
                &[],
                json!({"error": {"code": "InsufficientAccessError", "message": "The provided credentials have insufficient access"}}),
            ),
        ),
        (
            "wrong audience",
            answer(
                403,
                &[],
                graph(
                    "InvalidAuthenticationTokenAudience",
                    "The audience is wrong",
                ),
            ),
        ),
        (
            "provider",
            answer(
                409,
                &[],
                graph(
                    "MissingSubscriptionRegistration",
                    "The subscription is not registered to use namespace 'microsoft.insights'",
                ),
            ),
        ),
        (
            "token expired",
            answer(
                401,
                &id,
                graph(
                    "InvalidAuthenticationToken",
                    "Lifetime validation failed, the token is expired.",
                ),
            ),
        ),
        (
            "token of another tenant",
            answer(
                401,
                &[],
                graph(
                    "InvalidAuthenticationTokenTenant",
                    "The access token is from the wrong issuer",
                ),
            ),
        ),
        (
            "token refused without a body",
            answer(
                401,
                &[(
                    "www-authenticate",
                    "Bearer error=\"invalid_token\", error_description=\"The signature is invalid\"",
                )],
                "",
            ),
        ),
        (
            "authentication context",
            challenge(Some(
                json!({"access_token": {"acrs": {"essential": true, "value": "c1"}}}),
            )),
        ),
        (
            "session revoked",
            challenge(Some(
                json!({"access_token": {"nbf": {"essential": true, "value": "1767"}}}),
            )),
        ),
        ("other challenge", challenge(None)),
        (
            "pages ran out",
            answer(
                410,
                &[],
                graph("Directory_ExpiredPageToken", "The page token has expired"),
            ),
        ),
        (
            "throttled for good",
            answer(
                429,
                &id,
                graph("TooManyRequests", "Please retry again later."),
            ),
        ),
        (
            "throttled for hours",
            answer(429, &[("retry-after", "4000")], ""),
        ),
        (
            "unavailable",
            answer(503, &id, graph("serviceNotAvailable", "")),
        ),
        (
            "failed",
            answer(
                500,
                &id,
                graph("InternalServerError", "Object reference not set"),
            ),
        ),
        (
            "web page of a gateway",
            answer(
                502,
                &[],
                "<!DOCTYPE html><html><head><title>Bad Gateway - ACME proxy</title></head><body>x</body></html>",
            ),
        ),
        (
            "web page of a proxy",
            answer(403, &[], "<html><body>Blocked</body></html>"),
        ),
        ("proxy wants a name", answer(407, &[], "")),
        (
            "plain text",
            answer(400, &[], "Bad Request\r\nno such host"),
        ),
        (
            "redirect",
            answer(302, &[("location", "https://captive.example/login")], ""),
        ),
        (
            "no answer",
            Err(TransportError::passing(
                "graph did not answer in time: is the network up, and is a firewall in between?"
                    .to_owned(),
            )),
        ),
        ("empty", answer(200, &[], "")),
        (
            "web page",
            answer(
                200,
                &[],
                "<html><title>Sign in to the guest network</title></html>",
            ),
        ),
        ("not JSON", answer(200, &[], "OK")),
    ];
    let mut table = String::new();
    for (name, reply) in cases {
        table.push_str(&format!("{name}\n    {}\n", told(reply).await));
    }
    let expired = || {
        answer(
            401,
            &[("date", START_HTTP)],
            json!({"error": {"code": "InvalidAuthenticationToken", "message": "Lifetime validation failed, the token is expired."}}),
        )
    };
    for now in ["2026-06-01T12:00:00Z", "2026-06-01T09:50:00Z"] {
        table.push_str(&format!(
            "clock at {now}\n    {}\n",
            told_at(expired(), now).await
        ));
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(start_paused = true)]
async fn errors_are_told_apart_by_status_and_code() {
    let of = |status, code: &str| answer(status, &[], json!({"error": {"code": code}}));
    let denied = told(of(403, "Authorization_RequestDenied")).await;
    assert!(denied.is_forbidden() && !denied.is_unlicensed() && !denied.is_transient());
    let unlicensed = told(of(
        403,
        "Authentication_RequestFromNonPremiumTenantOrB2CTenant",
    ))
    .await;
    assert!(unlicensed.is_unlicensed() && !unlicensed.is_forbidden());
    assert!(
        told(answer(400, &[], json!({"errorCode": "MissingProvider"})))
            .await
            .is_unlicensed()
    );
    assert!(
        told(of(404, "Request_ResourceNotFound"))
            .await
            .is_not_found()
    );
    for status in [429, 500, 502, 503, 504] {
        assert!(told(of(status, "x")).await.is_transient());
    }
}

#[tokio::test(start_paused = true)]
async fn a_message_is_one_line_and_not_endless() {
    let message = format!("first\r\n\tsecond {}", "x y ".repeat(2000));
    let error = told(answer(
        400,
        &[],
        json!({"error": {"code": "c", "message": message}}),
    ))
    .await;
    let text = error.to_string();
    assert!(text.contains("first second") && !text.contains('\n') && text.chars().count() < 700);
}
