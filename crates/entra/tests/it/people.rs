//! Signing in as a person: with a code on another device, and in the browser of this machine.

use std::{
    fmt::Write as _,
    sync::{Arc, Mutex},
};

use breakglass_entra::{Ask, Cloud, Credential, Error, GRAPH_COMMAND_LINE_TOOLS, Service, Tokens};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use sha2::{Digest, Sha256};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    sync::mpsc,
};
use url::Url;

use crate::{
    credential::{denied, grant, shown, start},
    script::{Reply, Running, Script, answer, cloud, ok},
};

type Asked = Arc<Mutex<Vec<Ask>>>;

fn device(replies: Vec<Reply>) -> (Arc<dyn Tokens>, Arc<Script>, Asked) {
    let mut all = vec![ok(
        json!({"device_code": "d-1", "user_code": "ABC", "interval": 5, "expires_in": 900,
        "verification_uri": "https://login/device", "message": "Open the page and enter ABC."}),
    )];
    all.extend(replies);
    let script = Script::of(all);
    let asked = Arc::new(Mutex::new(Vec::new()));
    let told = Arc::clone(&asked);
    let credential = Credential::DeviceCode {
        tenant: None,
        client: None,
        writes: false,
    };
    let tokens = credential
        .tokens(
            &cloud(),
            script.clone(),
            Running::new(start()),
            Arc::new(move |ask: &Ask| told.lock().unwrap().push(ask.clone())),
        )
        .unwrap();
    (tokens, script, asked)
}

#[tokio::test(start_paused = true)]
async fn a_code_is_asked_for_as_often_as_allowed_until_it_was_entered() {
    let (tokens, script, asked) = device(vec![
        denied("authorization_pending", "AADSTS70016: pending"),
        denied("slow_down", ""),
        denied("authorization_pending", "AADSTS70016: pending"),
        grant("p"),
    ]);
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "p");
    assert_eq!(
        *asked.lock().unwrap(),
        [Ask::EnterCode("Open the page and enter ABC.".to_owned())]
    );
    let sent = script.seen();
    assert_eq!(
        sent[0].request.url.as_str(),
        "https://login/organizations/oauth2/v2.0/devicecode"
    );
    assert_eq!(
        sent[0].form("client_id").as_deref(),
        Some(GRAPH_COMMAND_LINE_TOOLS)
    );
    // Microsoft's own public client is asked for each permission by name.
    let scope = sent[0].form("scope").unwrap();
    let asked: Vec<&str> = scope.split(' ').collect();
    assert!(asked.contains(&"https://graph/Policy.Read.All") && asked.contains(&"offline_access"));
    assert!(!scope.contains("/.default"), "{scope}");
    assert_eq!(sent[1].form("device_code").as_deref(), Some("d-1"));
    assert_eq!(
        sent[1].form("grant_type").as_deref(),
        Some("urn:ietf:params:oauth:grant-type:device_code")
    );
    assert!(
        sent.iter()
            .all(|one| one.header("client-request-id").is_some())
    );
    let seconds: Vec<_> = script
        .times()
        .iter()
        .map(|time| (time + 500) / 1000)
        .collect();
    assert_eq!(seconds, [0, 5, 10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_code_that_was_declined_or_ran_out_is_told() {
    let mut table = String::new();
    for reply in [
        denied("authorization_declined", "AADSTS70015"),
        denied("expired_token", "AADSTS70019: expired"),
        denied("authorization_pending", "AADSTS70016: pending"),
        denied("bad_verification_code", "AADSTS70018: wrong"),
        denied("invalid_grant", "AADSTS53003: blocked"),
    ] {
        let (tokens, script, _) = device(vec![reply]);
        let error = tokens.token(Service::Graph, false).await.unwrap_err();
        writeln!(table, "{} polls: {error}", script.count() - 1).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(start_paused = true)]
async fn a_person_is_asked_once_for_all_services() {
    let (tokens, script, asked) = device(vec![grant("p"), grant("q"), grant("s")]);
    tokens.token(Service::Graph, false).await.unwrap();
    assert_eq!(shown(&tokens, Service::Arm, false).await.unwrap(), "q");
    assert_eq!(shown(&tokens, Service::Graph, true).await.unwrap(), "s");
    assert_eq!(asked.lock().unwrap().len(), 1);
    let sent = script.seen();
    assert_eq!(sent[2].form("grant_type").as_deref(), Some("refresh_token"));
    assert_eq!(sent[2].form("refresh_token").as_deref(), Some("r-p"));
    assert!(
        sent[2]
            .form("scope")
            .unwrap()
            .starts_with("https://arm/.default ")
    );
    // The newest one counts.
    assert_eq!(sent[3].form("refresh_token").as_deref(), Some("r-q"));
}

#[tokio::test(start_paused = true)]
async fn a_session_that_has_ended_asks_the_person_again_but_an_outage_does_not() {
    let (tokens, script, asked) = device(vec![
        grant("p"),
        answer(503, &[], ""),
        answer(503, &[], ""),
        answer(503, &[], ""),
        answer(503, &[], ""),
        denied("invalid_grant", "AADSTS50173: revoked"),
        ok(json!({"device_code": "d-2", "message": "again"})),
        grant("q"),
    ]);
    tokens.token(Service::Graph, false).await.unwrap();
    let error = tokens.token(Service::Arm, false).await.unwrap_err();
    assert!(error.is_transient());
    assert_eq!(asked.lock().unwrap().len(), 1);
    assert_eq!(shown(&tokens, Service::Arm, false).await.unwrap(), "q");
    assert_eq!(asked.lock().unwrap()[1], Ask::EnterCode("again".to_owned()));
    assert_eq!(
        script.seen()[6].form("refresh_token").as_deref(),
        Some("r-p")
    );
}

// In the browser: over real connections, so in real time.

struct Visit {
    address: Url,
    task: tokio::task::JoinHandle<Result<String, Error>>,
    script: Arc<Script>,
}

impl Visit {
    async fn begin() -> Self {
        let script = Script::of(vec![grant("b")]);
        let (sender, mut receiver) = mpsc::unbounded_channel();
        let credential = Credential::Browser {
            tenant: Some("t-1".to_owned()),
            client: Some("c-1".to_owned()),
            writes: false,
        };
        let cloud = Cloud::custom(
            "https://login.example/".parse().unwrap(),
            "https://graph/".parse().unwrap(),
            "https://arm/".parse().unwrap(),
            "https://logs/".parse().unwrap(),
        );
        let tokens = credential
            .tokens(
                &cloud,
                script.clone(),
                Running::new(start()),
                Arc::new(move |ask: &Ask| {
                    if let Ask::OpenBrowser(address) = ask {
                        sender.send(address.clone()).unwrap();
                    }
                }),
            )
            .unwrap();
        let task = tokio::spawn(async move { shown(&tokens, Service::Graph, false).await });
        Self {
            address: receiver.recv().await.unwrap(),
            task,
            script,
        }
    }

    fn query(&self, name: &str) -> String {
        let mut pairs = self.address.query_pairs();
        pairs.find(|(key, _)| key == name).unwrap().1.into_owned()
    }

    async fn connect(&self) -> TcpStream {
        let port = self
            .query("redirect_uri")
            .parse::<Url>()
            .unwrap()
            .port()
            .unwrap();
        TcpStream::connect(("127.0.0.1", port)).await.unwrap()
    }

    async fn get(&self, target: &str) -> String {
        let mut stream = self.connect().await;
        let request = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut text = String::new();
        stream.read_to_string(&mut text).await.unwrap();
        text
    }
}

#[tokio::test]
async fn a_browser_brings_back_a_code_whose_verifier_matches_the_challenge() {
    let visit = Visit::begin().await;
    assert_eq!(
        visit.address.origin().ascii_serialization(),
        "https://login.example"
    );
    assert_eq!(visit.address.path(), "/t-1/oauth2/v2.0/authorize");
    assert_eq!(
        (visit.query("client_id"), visit.query("response_type")),
        ("c-1".to_owned(), "code".to_owned())
    );
    assert_eq!(visit.query("code_challenge_method"), "S256");
    assert_eq!(
        visit.query("scope"),
        "https://graph/.default offline_access openid profile"
    );
    // Browsers open connections that they never use, and ask for an icon.
    let idle = visit.connect().await;
    assert!(visit.get("/favicon.ico").await.starts_with("HTTP/1.1 404"));
    let state = visit.query("state");
    let page = visit.get(&format!("/?code=the%20code&state={state}")).await;
    assert!(
        page.starts_with("HTTP/1.1 200") && page.contains("Signed in"),
        "{page}"
    );
    let (challenge, redirect) = (visit.query("code_challenge"), visit.query("redirect_uri"));
    assert_eq!(visit.task.await.unwrap().unwrap(), "b");
    drop(idle);
    let sent = &visit.script.seen()[0];
    assert_eq!(
        sent.form("grant_type").as_deref(),
        Some("authorization_code")
    );
    assert_eq!(sent.form("code").as_deref(), Some("the code"));
    assert_eq!(sent.form("redirect_uri"), Some(redirect));
    let verifier = sent.form("code_verifier").unwrap();
    assert!(verifier.len() >= 43);
    assert_eq!(
        BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes())),
        challenge
    );
}

#[tokio::test]
async fn a_code_with_another_state_is_not_taken() {
    let visit = Visit::begin().await;
    for target in [
        "/?code=evil&state=guess",
        "/?code=evil",
        "/?error=access_denied&state=guess",
    ] {
        assert!(visit.get(target).await.starts_with("HTTP/1.1 404"));
    }
    let state = visit.query("state");
    visit.get(&format!("/?code=good&state={state}")).await;
    visit.task.await.unwrap().unwrap();
    assert_eq!(visit.script.seen()[0].form("code").as_deref(), Some("good"));
}

#[tokio::test]
async fn an_error_in_the_browser_is_told_in_the_terminal() {
    let mut table = String::new();
    for query in [
        "error=access_denied&error_description=the+user+canceled+the+authentication",
        "error=access_denied&error_description=AADSTS65004%3A+User+declined+to+consent.%0D%0ATrace+ID%3A+x",
        "error=invalid_client&error_description=AADSTS700016%3A+Application+not+found.",
        "error=server_error",
    ] {
        let visit = Visit::begin().await;
        let state = visit.query("state");
        let page = visit.get(&format!("/?{query}&state={state}")).await;
        assert!(page.contains("Not signed in"), "{page}");
        let error = visit.task.await.unwrap().unwrap_err();
        writeln!(table, "{error}").unwrap();
        assert_eq!(visit.script.count(), 0);
    }
    insta::assert_snapshot!(table);
}
