//! Webhook and PagerDuty against a server that answers as told.

use std::time::Duration;

use breakglass_alert::{
    Channel, Message, Receipt, Retry, Secret, SendError,
    channels::{PagerDuty, PagerDutyConfig, Webhook, WebhookConfig},
};
use breakglass_model::SignalKind;
use data_encoding::BASE64;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use wiremock::{Mock, MockServer, ResponseTemplate, matchers::method};

use crate::support::{SHORT, alert, clock, settings};

const CANARY: &str = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";

fn webhook(url: &str, allow_private: bool) -> Webhook {
    let config = WebhookConfig {
        name: "hook".to_owned(),
        url: url.parse().unwrap(),
        secrets: vec![Secret::new(CANARY)],
        timeout: SHORT,
        allow_private,
    };
    Webhook::new(config, clock()).unwrap()
}

fn pagerduty(url: &str) -> PagerDuty {
    PagerDuty::new(PagerDutyConfig {
        name: "pager".to_owned(),
        routing_key: Secret::new("key-canary"),
        base: url.parse().unwrap(),
        timeout: SHORT,
        allow_private: true,
    })
    .unwrap()
}

async fn send(channel: &dyn Channel) -> Result<Receipt, SendError> {
    let alert = alert(SignalKind::Use);
    channel
        .send(&Message::of(&alert, &settings()), &alert)
        .await
}

async fn server(answer: ResponseTemplate) -> MockServer {
    let server = MockServer::start().await;
    Mock::given(method("POST"))
        .respond_with(answer)
        .mount(&server)
        .await;
    server
}

#[tokio::test]
async fn w6_a_webhook_is_signed_and_keeps_its_id() {
    let server = server(ResponseTemplate::new(204)).await;
    let channel = webhook(&server.uri(), true);
    send(&channel).await.unwrap();
    send(&channel).await.unwrap();
    let seen = server.received_requests().await.unwrap();
    let header = |n: usize, name: &str| seen[n].headers[name].to_str().unwrap().to_owned();
    assert_eq!(header(0, "webhook-id"), header(1, "webhook-id"));
    let key = BASE64
        .decode(CANARY.strip_prefix("whsec_").unwrap().as_bytes())
        .unwrap();
    let mut mac = Hmac::<Sha256>::new_from_slice(&key).unwrap();
    mac.update(
        format!(
            "{}.{}.",
            header(0, "webhook-id"),
            header(0, "webhook-timestamp")
        )
        .as_bytes(),
    );
    mac.update(&seen[0].body);
    let expected = format!("v1,{}", BASE64.encode(&mac.finalize().into_bytes()));
    assert_eq!(header(0, "webhook-signature"), expected);
    assert!(seen[0].body.len() < 20_000);
}

#[tokio::test]
async fn g3_each_answer_has_its_retry_class_and_shows_no_secret() {
    for (status, hint) in [
        (301, Retry::Broken),
        (400, Retry::Broken),
        (410, Retry::Broken),
        (429, Retry::Later),
        (500, Retry::Soon),
        (503, Retry::Soon),
    ] {
        let answer = ResponseTemplate::new(status)
            .insert_header("location", "http://127.0.0.1:1/")
            .set_body_string(format!("key-canary {CANARY}"));
        let server = server(answer).await;
        for channel in [
            &webhook(&server.uri(), true) as &dyn Channel,
            &pagerduty(&server.uri()),
        ] {
            let error = send(channel).await.unwrap_err();
            assert_eq!(error.retry_hint, hint, "{status}: {error}");
        }
        assert_eq!(server.received_requests().await.unwrap().len(), 2);
        assert!(
            !send(&webhook(&server.uri(), true))
                .await
                .unwrap_err()
                .reason
                .contains(CANARY)
        );
        let error = send(&pagerduty(&server.uri())).await.unwrap_err();
        assert!(!format!("{error:?}").contains("key-canary"));
    }
    let server = server(ResponseTemplate::new(429).insert_header("retry-after", "9")).await;
    let error = send(&pagerduty(&server.uri())).await.unwrap_err();
    assert_eq!(error.after, Some(Duration::from_secs(9)));
}

#[tokio::test]
async fn g3_a_time_out_is_unknown_and_tried_again() {
    let server = server(ResponseTemplate::new(202).set_delay(Duration::from_secs(5))).await;
    assert_eq!(
        send(&pagerduty(&server.uri()))
            .await
            .unwrap_err()
            .retry_hint,
        Retry::Soon
    );
}

#[tokio::test]
async fn w6_a_name_that_leads_inside_is_refused_when_it_is_looked_up() {
    let error = send(&webhook("https://localhost:9/x", false))
        .await
        .unwrap_err();
    assert_eq!(error.retry_hint, Retry::Broken, "{error}");
}

#[tokio::test]
async fn w12_pagerduty_takes_the_page_with_202_only() {
    let taken = server(ResponseTemplate::new(202)).await;
    send(&pagerduty(&taken.uri())).await.unwrap();
    let body: serde_json::Value = taken.received_requests().await.unwrap()[0]
        .body_json()
        .unwrap();
    assert_eq!(body["payload"]["severity"], "critical");
    assert_eq!(body["dedup_key"], "55555555-5555-5555-8555-555555555555");
    let other = server(ResponseTemplate::new(200)).await;
    send(&pagerduty(&other.uri())).await.unwrap_err();
}
