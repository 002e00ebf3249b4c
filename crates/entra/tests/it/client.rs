//! The HTTP layer: tokens, repeats, limits, pages, batches and log queries.

use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use breakglass_entra::{Error, Request, Service, TransportError, Version};
use jiff::SignedDuration;
use serde_json::{Value, json};

use crate::script::{Connected, Reply, START_HTTP, Script, answer, ok, unreachable};

fn users() -> Request {
    Request::graph(Version::V1, "users?$select=id")
}

async fn get(replies: Vec<Reply>) -> (Result<Value, Error>, Connected) {
    let connected = Connected::new(Script::of(replies));
    (connected.entra.get(users()).await, connected)
}

fn refused(status: u16, code: &str) -> Reply {
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
    assert_eq!(
        connected.script.seen()[0].json()["requests"][1]["method"],
        "GET"
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
