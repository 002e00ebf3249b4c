//! One call: its token, its repeats, the limits, and what else can come back.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use breakglass_entra::{Error, Request, Service, TransportError, Version};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::script::{Connected, Reply, START_HTTP, Script, answer, ok, unreachable};

pub(crate) fn users() -> Request {
    Request::graph(Version::V1, "users?$select=id")
}

async fn get(replies: Vec<Reply>) -> (Result<Value, Error>, Connected) {
    let connected = Connected::new(Script::of(replies));
    (connected.entra.get(users()).await, connected)
}

pub(crate) fn refused(status: u16, code: &str) -> Reply {
    answer(
        status,
        &[],
        json!({"error": {"code": code, "message": "no"}}),
    )
}

#[tokio::test(start_paused = true)]
async fn a_call_carries_its_token_an_id_and_what_it_accepts() {
    let (result, connected) = get(vec![ok(json!({"a": 1}))]).await;
    assert_eq!(result.unwrap(), json!({"a": 1}));
    let seen = &connected.script.seen()[0];
    assert_eq!(
        seen.request.url.as_str(),
        "https://graph/v1.0/users?$select=id"
    );
    assert_eq!(seen.header("authorization"), Some("Bearer secret-token-0"));
    assert_eq!(seen.header("accept"), Some("application/json"));
    let id = seen.header("client-request-id").unwrap();
    assert!(id.parse::<uuid::Uuid>().is_ok(), "{id}");
    assert_eq!(connected.entra.spent().requests, 1);
}

#[tokio::test(start_paused = true)]
async fn each_service_gets_its_own_token_at_its_own_host() {
    let connected = Connected::new(Script::of(vec![ok(json!({}))]));
    connected.entra.get(users()).await.unwrap();
    connected
        .entra
        .get(Request::arm("/subscriptions?api-version=1"))
        .await
        .unwrap();
    let sent = connected.script.seen();
    assert_eq!(sent[1].request.url.host_str(), Some("arm"));
    let asked = connected.tokens.asked.lock().unwrap().clone();
    assert_eq!(asked, [(Service::Graph, false), (Service::Arm, false)]);
}

#[tokio::test(start_paused = true)]
async fn a_path_that_leads_to_another_host_is_not_sent() {
    let connected = Connected::new(Script::of(vec![ok(json!({}))]));
    for path in [
        "https://evil.example/x",
        "\\\\evil.example/x",
        "http://arm/x",
    ] {
        let error = connected.entra.get(Request::arm(path)).await.unwrap_err();
        assert!(error.to_string().contains("another host"), "{error}");
    }
    assert_eq!(connected.script.count(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_once_and_then_told() {
    let (result, connected) = get(vec![refused(401, "InvalidAuthenticationToken")]).await;
    let error = result.unwrap_err();
    assert_eq!((error.status(), connected.script.count()), (Some(401), 2));
    assert_eq!(connected.tokens.renewed(), 1);
    assert!(error.to_string().contains("sign in again"), "{error}");
    let sent = connected.script.seen();
    assert_eq!(
        sent[1].header("authorization"),
        Some("Bearer secret-token-1")
    );
    // That repeat is no wait.
    assert_eq!(connected.waits(), []);
}

#[tokio::test(start_paused = true)]
async fn calls_that_the_same_token_was_refused_to_share_one_new_token() {
    let script = Script::slow(Duration::from_millis(100), |request, _| {
        let old = request
            .headers
            .iter()
            .any(|(_, value)| value == "Bearer secret-token-0");
        if old {
            refused(401, "InvalidAuthenticationToken")
        } else {
            ok(json!({}))
        }
    });
    let connected = Connected::new(Arc::new(script));
    let entra = &connected.entra;
    let all = tokio::join!(
        entra.get(users()),
        entra.get(users()),
        entra.get(users()),
        entra.get(users())
    );
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok() && all.3.is_ok());
    assert_eq!(connected.tokens.renewed(), 1);
}

#[tokio::test(start_paused = true)]
async fn no_more_than_four_calls_are_on_their_way_to_one_service() {
    let script = Arc::new(Script::slow(Duration::from_secs(1), |_, _| ok(json!({}))));
    let connected = Connected::new(script.clone());
    let tasks: Vec<_> = (0..20)
        .map(|_| {
            let entra = connected.entra.clone();
            tokio::spawn(async move { entra.get(users()).await })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    assert_eq!(script.most_at_once.load(Ordering::SeqCst), 4);
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_is_asked_again_when_it_says_so() {
    for (header, expected) in [
        ("7", 7000),
        ("2.128", 2128),
        ("0", 50),
        ("Mon, 01 Jun 2026 10:00:09 GMT", 9000),
    ] {
        for status in [429, 502, 503, 504] {
            let busy = answer(status, &[("retry-after", header), ("date", START_HTTP)], "");
            let (result, connected) = get(vec![busy, ok(json!({}))]).await;
            result.unwrap();
            // Timers of the runtime count whole milliseconds.
            let wait = connected.waits()[0].time.as_millis();
            assert_eq!(wait, expected, "{status} {header}");
            assert!(connected.script.times()[1] >= expected);
            assert_eq!(connected.entra.spent().retries, 1);
            assert_eq!(connected.waits()[0].call, "GET /v1.0/users");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_date_to_come_back_at_is_read_by_the_services_clock() {
    let busy = answer(
        503,
        &[
            ("retry-after", "Mon, 01 Jun 2026 12:00:05 GMT"),
            ("date", "Mon, 01 Jun 2026 12:00:00 GMT"),
        ],
        "",
    );
    let (result, connected) = get(vec![busy, ok(json!({}))]).await;
    result.unwrap();
    assert_eq!(connected.waits()[0].time, Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_busy_service_that_names_no_time_is_asked_ever_more_seldom_and_then_no_more() {
    for header in ["soon", "-3", "NaN", "inf", ""] {
        let busy = answer(
            429,
            &[("retry-after", header)],
            r#"{"error":{"code":"TooManyRequests"}}"#,
        );
        let (result, connected) = get(vec![busy]).await;
        let error = result.unwrap_err();
        assert!(error.is_transient());
        assert_eq!(error.code(), Some("TooManyRequests"));
        assert_eq!(connected.script.count(), 7);
        for (place, wait) in connected.waits().iter().enumerate() {
            let least = Duration::from_secs(1 << place);
            assert!(
                wait.time >= least && wait.time <= least * 2,
                "{place} {:?}",
                wait.time
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_asks_for_hours_is_not_waited_for() {
    let (result, connected) = get(vec![answer(429, &[("retry-after", "7200")], "")]).await;
    assert!(matches!(result, Err(Error::Throttled { .. })), "{result:?}");
    assert_eq!(connected.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_pause_that_one_call_was_asked_for_holds_for_the_others() {
    let script = Script::new(|_, before| match before {
        0 => answer(429, &[("retry-after", "30")], ""),
        _ => ok(json!({})),
    });
    let connected = Connected::new(script);
    let other = connected.entra.clone();
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        other.get(users()).await
    };
    let (first, second) = tokio::join!(connected.entra.get(users()), later);
    assert!(first.is_ok() && second.is_ok());
    let times = connected.script.times();
    assert_eq!(times.len(), 3);
    assert!(times[1] >= 29_999 && times[2] >= 29_999, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn what_did_not_arrive_is_sent_again_but_not_for_ever() {
    let (result, connected) = get(vec![unreachable(), unreachable(), ok(json!({}))]).await;
    result.unwrap();
    assert_eq!(connected.entra.spent().retries, 2);
    let (result, connected) = get(vec![unreachable()]).await;
    let error = result.unwrap_err();
    assert!(matches!(error, Error::NotReached { .. }) && error.is_transient());
    assert_eq!(connected.script.count(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_certificate_that_is_not_trusted_is_told_at_once() {
    let wrong = Err(TransportError::lasting(
        "the certificate is not trusted".to_owned(),
    ));
    let (result, connected) = get(vec![wrong]).await;
    assert!(result.is_err());
    assert_eq!(connected.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_will_not_pass_is_not_asked_again() {
    for status in [400, 403, 404, 409, 500, 501] {
        let (result, connected) = get(vec![refused(status, "No")]).await;
        assert_eq!(
            (result.unwrap_err().status(), connected.script.count()),
            (Some(status), 1)
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_redirect_is_an_error_that_names_the_host_and_is_not_followed() {
    let moved = answer(
        302,
        &[("location", "https://portal.hotel.example/login?x=1")],
        "<html>",
    );
    let (result, connected) = get(vec![moved]).await;
    let text = result.unwrap_err().to_string();
    assert!(
        text.contains("a redirect to portal.hotel.example") && text.contains("not followed"),
        "{text}"
    );
    assert_eq!(connected.script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_json_is_an_error() {
    for (body, text) in [
        ("", "it is empty (status 200)"),
        ("<html><title>Welcome</title>", "a web page, `Welcome`"),
        ("{\"value\": [", "it is not JSON"),
    ] {
        let (result, _) = get(vec![ok(body)]).await;
        let error = result.unwrap_err().to_string();
        assert!(error.contains(text), "{error}");
    }
    let (result, _) = get(vec![ok("\u{feff}{}")]).await;
    assert_eq!(result.unwrap(), json!({}));
}

#[tokio::test(start_paused = true)]
async fn conditional_access_is_asked_once_a_second_by_all_copies_together() {
    let connected = Connected::new(Script::of(vec![ok(json!({"value": []}))]));
    let tasks: Vec<_> = (0..4)
        .map(|_| {
            let entra = connected.entra.clone();
            tokio::spawn(async move {
                entra
                    .get(Request::graph(
                        Version::Beta,
                        "identity/conditionalAccess/policies",
                    ))
                    .await
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap().unwrap();
    }
    let times = connected.script.times();
    assert!(
        times.windows(2).all(|pair| pair[1] - pair[0] >= 1000),
        "{times:?}"
    );
    assert_eq!(connected.waits().len(), 3);
    assert!(connected.waits()[0].why.contains("one request a second"));
}

#[tokio::test(start_paused = true)]
async fn five_reports_go_at_once_and_the_sixth_after_ten_seconds() {
    let connected = Connected::new(Script::of(vec![ok(json!({}))]));
    for _ in 0..6 {
        connected
            .entra
            .get(Request::graph(Version::V1, "auditLogs/signIns?$top=1"))
            .await
            .unwrap();
    }
    let times = connected.script.times();
    assert!(times[4] < 1000 && times[5] >= 10_000, "{times:?}");
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_nearly_used_up_gets_a_second() {
    let full = answer(200, &[("x-ms-throttle-limit-percentage", "1.2")], "{}");
    let connected = Connected::new(Script::of(vec![full, ok(json!({}))]));
    connected.entra.get(users()).await.unwrap();
    connected.entra.get(users()).await.unwrap();
    assert!(connected.script.times()[1] >= 1000);
}

#[tokio::test(start_paused = true)]
async fn the_offset_is_how_far_our_clock_is_ahead() {
    for (now, expected) in [("2026-06-01T10:05:00Z", 300), ("2026-06-01T09:59:30Z", -30)] {
        let dated = answer(200, &[("date", START_HTTP)], "{}");
        let connected = Connected::at(Script::of(vec![dated]), now.parse().unwrap());
        assert_eq!(connected.entra.clock_offset(), None);
        connected.entra.get(users()).await.unwrap();
        assert_eq!(
            connected.entra.clock_offset(),
            Some(SignedDuration::from_secs(expected))
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_a_service_quotes_of_the_token_is_not_shown() {
    let body = json!({"error": {"code": "x", "message": "the token secret-token-1 is wrong, as is secret-token-1x"}});
    let (result, _) = get(vec![answer(401, &[], body)]).await;
    let error = result.unwrap_err();
    assert!(!error.to_string().contains("secret-token-1"), "{error}");
    assert!(
        !format!("{error:?}").contains("secret-token-1"),
        "{error:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn nothing_that_is_printed_for_debugging_holds_a_secret() {
    let connected = Connected::new(Script::of(vec![ok(json!({}))]));
    let request = users()
        .post(json!({"a": "hidden"}))
        .header("Prefer", "hidden");
    connected.entra.get(request.clone()).await.unwrap();
    let sent = connected.script.seen()[0].request.clone();
    let pages = connected.entra.pages(request.clone());
    let all = format!("{request:?} {sent:?} {:?} {pages:?}", connected.entra);
    for secret in ["secret-token", "hidden", "$select"] {
        assert!(!all.contains(secret), "{all}");
    }
}
