//! MSAL, with which the Azure CLI and azure-identity sign people in, against the sign-in page.
//!
//! It comes with the Azure CLI that `./test` installs, by whose Python it is run; without that the test is skipped.

use std::{
    io::{BufRead as _, BufReader, Write as _},
    path::PathBuf,
    process::{Command, Stdio},
    sync::Arc,
};

use breakglass_lab::{GRAPH_COMMAND_LINE, LogKind};
use breakglass_model::Clock;
use jiff::Timestamp;
use serde_json::{Value, json};
use url::Url;

use crate::{
    signin::{Person, with_phone},
    support::{Twin, example},
};

/// MSAL has no other clock than the machine's.
struct MachineClock;

impl Clock for MachineClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "a test against a client that reads the real time"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn msal_signs_a_person_in_by_device_code_and_by_browser() {
    let Some(az) = std::env::var_os("BREAKGLASS_TEST_AZ") else {
        println!("skipped: BREAKGLASS_TEST_AZ is not set; ./test installs what it names");
        return;
    };
    let python = PathBuf::from(az).with_file_name("python");
    let twin = Twin::with(example("contoso-modern"), |config| {
        config.clock = Arc::new(MachineClock);
    })
    .await;
    let place = tempfile::tempdir().unwrap();
    let ca = place.path().join("ca.pem");
    std::fs::write(&ca, &twin.running.ca_pem).unwrap();
    let authority = format!("{}/{}", twin.running.addresses.login, twin.tenant());
    let mut child = Command::new(python)
        .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/sdk/people.py"))
        .args([authority.as_str(), GRAPH_COMMAND_LINE])
        .env("NO_PROXY", "*")
        .env("REQUESTS_CA_BUNDLE", &ca)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next = |what: &str| -> Value {
        let line = tokio::task::block_in_place(|| lines.next())
            .unwrap()
            .unwrap();
        let said: Value = serde_json::from_str(&line).unwrap();
        assert!(said.get(what).is_some(), "{said}");
        said[what].clone()
    };

    let code = next("code");
    let mut adele = Person::new(&twin);
    adele.open("/devicelogin", &[]).await;
    adele
        .post("/devicelogin", &[("otc", code.as_str().unwrap())])
        .await;
    with_phone(&mut adele).await;
    adele.step("confirm", &[]).await;
    let got = next("device");
    assert_eq!(got["name"], "adele.admin@contoso.com", "{got}");
    assert!(got["token"].is_string());
    assert_eq!(next("account"), "adele.admin@contoso.com");
    let silent = next("silent");
    assert!(silent["token"].is_string(), "{silent}");

    let url = Url::parse(next("open").as_str().unwrap()).unwrap();
    let query: Vec<(String, String)> = url.query_pairs().into_owned().collect();
    let query: Vec<(&str, &str)> = query
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    adele.open(url.path(), &query).await;
    with_phone(&mut adele).await;
    let sent = adele.sent.clone().unwrap();
    let answer: serde_json::Map<String, Value> = sent
        .query_pairs()
        .map(|(name, value)| (name.into_owned(), json!(value)))
        .collect();
    writeln!(child.stdin.take().unwrap(), "{}", Value::Object(answer)).unwrap();
    let got = next("browser");
    assert_eq!(got["name"], "adele.admin@contoso.com", "{got}");
    let token = got["token"].as_str().unwrap();
    let (status, _) = twin.get_as(token, "/v1.0/organization", &[]).await;
    assert_eq!(status, 200);
    assert!(
        tokio::task::block_in_place(|| child.wait())
            .unwrap()
            .success()
    );
    let kinds: Vec<LogKind> = twin
        .running
        .lab()
        .logs()
        .iter()
        .filter(|row| row.record["status"]["errorCode"] == 0)
        .map(|row| row.kind)
        .collect();
    assert_eq!(
        kinds,
        [
            LogKind::Interactive,
            LogKind::NonInteractive,
            LogKind::Interactive
        ]
    );
}
