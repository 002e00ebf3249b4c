//! Signing in as an application.

use std::{
    fmt::Write as _,
    os::unix::fs::PermissionsExt,
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use aws_lc_rs::signature::{RSA_PSS_2048_8192_SHA256, UnparsedPublicKey};
use breakglass_entra::{Credential, Entra, Error, Request, Service, Token, Tokens, TransportError};
use breakglass_model::Clock;
use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::script::{Reply, Running, START, Script, answer, cloud, ok};

/// A clock that is set by hand.
#[derive(Debug, Default)]
struct ByHand(Mutex<Timestamp>);

impl Clock for ByHand {
    fn now(&self) -> Timestamp {
        *self.0.lock().unwrap()
    }
}

pub(crate) fn start() -> Timestamp {
    START.parse().unwrap()
}

fn signed_in(credential: Credential, script: &Arc<Script>) -> Result<Arc<dyn Tokens>, Error> {
    credential.tokens(
        &cloud(),
        script.clone(),
        Running::new(start()),
        Arc::new(|_| {}),
    )
}

fn secret() -> Credential {
    Credential::Secret {
        tenant: "t-1".to_owned(),
        client: "c-1".to_owned(),
        secret: "s3cret/+value".to_owned(),
    }
}

/// Gives `t-0`, `t-1`, …
fn granting() -> Arc<Script> {
    Script::new(|_, before| grant(&format!("t-{before}")))
}

pub(crate) fn grant(token: &str) -> Reply {
    ok(
        json!({"token_type": "Bearer", "expires_in": 3600, "ext_expires_in": 3600, "access_token": token,
        "refresh_token": format!("r-{token}")}),
    )
}

pub(crate) fn denied(error: &str, description: &str) -> Reply {
    answer(
        400,
        &[],
        json!({"error": error, "error_description": format!("{description}\r\nTrace ID: 0000aaaa\r\nCorrelation ID: \
            aaaa0000\r\nTimestamp: 2026-01-09 02:02:12Z"), "error_codes": []}),
    )
}

#[derive(Debug)]
struct One(Token);

#[async_trait]
impl Tokens for One {
    async fn token(&self, _: Service, _: bool) -> Result<Token, Error> {
        Ok(self.0.clone())
    }
}

/// The token itself: what the `Authorization` header of a call would hold.
pub(crate) async fn shown(
    tokens: &Arc<dyn Tokens>,
    service: Service,
    stale: bool,
) -> Result<String, Error> {
    let script = Script::of(vec![ok(json!({}))]);
    let token = tokens.token(service, stale).await?;
    let entra = Entra::new(
        cloud(),
        Arc::new(One(token)),
        script.clone(),
        Running::new(start()),
        Arc::new(|_| {}),
    );
    entra.get(Request::arm("x")).await?;
    let header = script.seen()[0].header("authorization").unwrap().to_owned();
    Ok(header.trim_start_matches("Bearer ").to_owned())
}

#[tokio::test(start_paused = true)]
async fn a_secret_is_sent_to_the_clouds_token_endpoint_and_nowhere_else() {
    let script = granting();
    let tokens = signed_in(secret(), &script).unwrap();
    assert_eq!(script.count(), 0);
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "t-0");
    let seen = &script.seen()[0];
    assert_eq!(
        seen.request.url.as_str(),
        "https://login/t-1/oauth2/v2.0/token"
    );
    for (name, value) in [
        ("grant_type", "client_credentials"),
        ("client_id", "c-1"),
        ("client_secret", "s3cret/+value"),
        ("scope", "https://graph/.default"),
    ] {
        assert_eq!(seen.form(name).as_deref(), Some(value));
    }
    assert!(seen.header("client-request-id").is_some());
}

#[tokio::test(start_paused = true)]
async fn a_token_is_kept_for_each_service_until_five_minutes_before_its_end() {
    let script = granting();
    let clock = Arc::new(ByHand::default());
    let tokens = secret()
        .tokens(&cloud(), script.clone(), clock.clone(), Arc::new(|_| {}))
        .unwrap();
    let first = tokens.token(Service::Graph, false).await.unwrap();
    tokens.token(Service::Graph, false).await.unwrap();
    assert_eq!(script.count(), 1);
    tokens.token(Service::Logs, false).await.unwrap();
    assert_eq!(script.count(), 2);
    assert_eq!(
        script.seen()[1].form("scope").as_deref(),
        Some("https://logs/.default")
    );
    let before = |minutes| {
        first
            .expires
            .checked_sub(SignedDuration::from_mins(minutes))
            .unwrap()
    };
    *clock.0.lock().unwrap() = before(6);
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "t-0");
    *clock.0.lock().unwrap() = before(4);
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "t-2");
}

#[tokio::test(start_paused = true)]
async fn a_refused_token_is_replaced_by_a_really_new_one() {
    let script = granting();
    let tokens = signed_in(secret(), &script).unwrap();
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "t-0");
    assert_eq!(shown(&tokens, Service::Graph, true).await.unwrap(), "t-1");
    assert_eq!(shown(&tokens, Service::Graph, false).await.unwrap(), "t-1");
}

#[tokio::test(start_paused = true)]
async fn many_callers_sign_in_once() {
    let script = Arc::new(Script::slow(Duration::from_secs(1), |_, _| grant("t")));
    let tokens = signed_in(secret(), &script).unwrap();
    let ask = || tokens.token(Service::Graph, false);
    let all = tokio::join!(ask(), ask(), ask());
    assert!(all.0.is_ok() && all.1.is_ok() && all.2.is_ok());
    assert_eq!(script.count(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_token_endpoint_that_is_busy_or_away_is_asked_again_a_few_times() {
    let away = || {
        Err(TransportError::passing(
            "login did not answer in time".to_owned(),
        ))
    };
    let busy = || answer(503, &[("retry-after", "2")], "");
    let script = Script::new(move |_, before| match before {
        0 => away(),
        1 => busy(),
        _ => grant("t"),
    });
    signed_in(secret(), &script)
        .unwrap()
        .token(Service::Graph, false)
        .await
        .unwrap();
    assert_eq!(script.count(), 3);
    let times = script.times();
    assert!(times[2] - times[1] >= 2000, "{times:?}");

    let script = Script::new(move |_, _| away());
    let error = signed_in(secret(), &script)
        .unwrap()
        .token(Service::Graph, false)
        .await
        .unwrap_err();
    assert_eq!(script.count(), 4);
    assert!(error.is_transient());
    assert_eq!(
        error.to_string(),
        "signing in: login did not answer in time"
    );
}

#[tokio::test(start_paused = true)]
async fn refusals_of_the_token_endpoint_are_explained() {
    let told = async |reply: Reply| {
        let script = Script::of(vec![reply]);
        signed_in(secret(), &script)
            .unwrap()
            .token(Service::Graph, false)
            .await
            .unwrap_err()
    };
    let mut table = String::new();
    for (error, description) in [
        (
            "invalid_client",
            "AADSTS7000215: Invalid client secret provided.",
        ),
        (
            "invalid_client",
            "AADSTS7000222: The provided client secret keys for app 'c-1' are expired.",
        ),
        (
            "unauthorized_client",
            "AADSTS700016: Application with identifier 'c-1' was not found in the directory 'x'.",
        ),
        ("invalid_request", "AADSTS90002: Tenant 't-1' not found."),
        (
            "invalid_request",
            "AADSTS90038: Tenant 't-1' request is being redirected to the National Cloud.",
        ),
        (
            "invalid_grant",
            "AADSTS53003: Access has been blocked by Conditional Access policies.",
        ),
        (
            "invalid_client",
            "AADSTS700027: Client assertion contains an invalid signature.",
        ),
        (
            "invalid_client",
            "AADSTS700024: Client assertion is not within its valid time range.",
        ),
        (
            "invalid_scope",
            "AADSTS70011: The provided request must include a 'scope' input parameter.",
        ),
        (
            "temporarily_unavailable",
            "AADSTS90033: A transient error has occurred.",
        ),
        (
            "invalid_request",
            "AADSTS1234567: Something new happened: really.\r\nIt has two lines.",
        ),
    ] {
        let reply = denied(error, description);
        writeln!(table, "{}", told(reply).await).unwrap();
    }
    for reply in [
        answer(400, &[], json!({"error": "invalid_request"})),
        answer(400, &[], json!({"error": "temporarily_unavailable"})),
        answer(403, &[], "<html><title>Blocked by ACME</title></html>"),
        answer(503, &[], "<html></html>"),
        answer(302, &[("location", "https://captive.example/")], ""),
        answer(200, &[], "<html><title>Guest network</title></html>"),
        answer(500, &[], ""),
        Err(TransportError::lasting(
            "the certificate of login is not trusted".to_owned(),
        )),
    ] {
        writeln!(table, "{}", told(reply).await).unwrap();
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(start_paused = true)]
async fn what_the_token_endpoint_quotes_of_a_token_is_not_shown() {
    let jwt = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl";
    let script = Script::of(vec![denied(
        "invalid_client",
        &format!("AADSTS1: the assertion '{jwt}' is bad"),
    )]);
    let error = signed_in(secret(), &script)
        .unwrap()
        .token(Service::Graph, false)
        .await
        .unwrap_err();
    assert!(!format!("{error} {error:?}").contains("eyJ"), "{error:?}");
}

fn certificate() -> (rcgen::Certificate, rcgen::KeyPair) {
    let key = rcgen::KeyPair::generate_for(&rcgen::PKCS_RSA_SHA256).unwrap();
    let params = rcgen::CertificateParams::new(vec!["breakglass".to_owned()]).unwrap();
    (params.self_signed(&key).unwrap(), key)
}

fn with_certificate(pem: String) -> Credential {
    Credential::Certificate {
        tenant: "t-1".to_owned(),
        client: "c-1".to_owned(),
        pem: pem.into_bytes(),
    }
}

#[tokio::test(start_paused = true)]
async fn a_certificate_signs_an_assertion_that_its_public_key_verifies() {
    let (certificate, key) = certificate();
    let (other, _) = self::certificate();
    // The whole chain in one file, the own certificate not first.
    let pem = format!(
        "{}{}{}",
        key.serialize_pem(),
        other.pem(),
        certificate.pem()
    );
    let script = granting();
    let tokens = signed_in(with_certificate(pem), &script).unwrap();
    tokens.token(Service::Graph, false).await.unwrap();
    tokens.token(Service::Arm, false).await.unwrap();
    let seen = script.seen();
    assert_eq!(
        seen[0].form("client_assertion_type").as_deref(),
        Some("urn:ietf:params:oauth:client-assertion-type:jwt-bearer")
    );
    assert_eq!(seen[0].form("client_secret"), None);
    let assertion = seen[0].form("client_assertion").unwrap();
    let decoded = |part: &str| BASE64URL_NOPAD.decode(part.as_bytes()).unwrap();
    let parts: Vec<&str> = assertion.split('.').collect();
    let part = |place: usize| -> Value { serde_json::from_slice(&decoded(parts[place])).unwrap() };

    let thumbprint = BASE64URL_NOPAD.encode(&Sha256::digest(certificate.der()));
    assert_eq!(
        part(0),
        json!({"alg": "PS256", "typ": "JWT", "x5t#S256": thumbprint})
    );
    let claims = part(1);
    let now = start().as_second();
    assert_eq!(claims["aud"], "https://login/t-1/oauth2/v2.0/token");
    assert_eq!(
        (&claims["iss"], &claims["sub"]),
        (&json!("c-1"), &json!("c-1"))
    );
    assert_eq!((&claims["nbf"], &claims["iat"]), (&json!(now), &json!(now)));
    assert_eq!(claims["exp"], now + 300);
    UnparsedPublicKey::new(&RSA_PSS_2048_8192_SHA256, key.public_key_raw())
        .verify(
            format!("{}.{}", parts[0], parts[1]).as_bytes(),
            &decoded(parts[2]),
        )
        .unwrap();
    // Each one is used once.
    assert_ne!(seen[1].form("client_assertion").unwrap(), assertion);
}

#[test]
fn a_certificate_that_cannot_be_used_is_told_before_anything_is_sent() {
    let (certificate, key) = certificate();
    let (_, other) = self::certificate();
    let curve = rcgen::KeyPair::generate().unwrap();
    let mut table = String::new();
    for pem in [
        String::new(),
        key.serialize_pem(),
        certificate.pem(),
        format!("{}{}", certificate.pem(), other.serialize_pem()),
        format!("{}{}", certificate.pem(), curve.serialize_pem()),
        format!(
            "{}-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
            certificate.pem()
        ),
        certificate.pem().replace("-----END", "-----ENDE"),
    ] {
        let script = granting();
        let error = signed_in(with_certificate(pem), &script).unwrap_err();
        writeln!(table, "{error}").unwrap();
        assert_eq!(script.count(), 0);
    }
    insta::assert_snapshot!(table);
}

#[tokio::test(start_paused = true)]
async fn the_federated_token_is_read_anew_each_time() {
    let dir = tempfile::tempdir().unwrap();
    let token_file = dir.path().join("token");
    std::fs::write(&token_file, "first\n").unwrap();
    let script = granting();
    let federated = Credential::Federated {
        tenant: "t-1".to_owned(),
        client: "c-1".to_owned(),
        token_file: token_file.clone(),
    };
    let tokens = signed_in(federated, &script).unwrap();
    tokens.token(Service::Graph, false).await.unwrap();
    std::fs::write(&token_file, "second").unwrap();
    tokens.token(Service::Graph, true).await.unwrap();
    let sent: Vec<_> = script
        .seen()
        .iter()
        .map(|seen| seen.form("client_assertion").unwrap())
        .collect();
    assert_eq!(sent, ["first", "second"]);

    std::fs::write(&token_file, "").unwrap();
    let error = tokens
        .token(Service::Arm, false)
        .await
        .unwrap_err()
        .to_string();
    assert!(error.contains("token` is empty"), "{error}");
    std::fs::remove_file(&token_file).unwrap();
    let error = tokens
        .token(Service::Arm, false)
        .await
        .unwrap_err()
        .to_string();
    assert!(
        error.starts_with("signing in failed: the token file `"),
        "{error}"
    );
    assert_eq!(script.count(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_managed_identity_asks_the_machine_itself() {
    let script = Script::of(vec![ok(
        json!({"access_token": "m", "refresh_token": "", "expires_in": "3599",
        "expires_on": "1780311599", "not_before": "1780307700", "resource": "https://graph", "token_type": "Bearer"}),
    )]);
    let credential = Credential::ManagedIdentity {
        client: Some("c-9".to_owned()),
    };
    let tokens = signed_in(credential, &script).unwrap();
    let token = tokens.token(Service::Graph, false).await.unwrap();
    assert_eq!(token.expires.as_second(), 1_780_311_599);
    let seen = &script.seen()[0];
    let url = &seen.request.url;
    assert_eq!(
        (url.scheme(), url.host_str(), url.path()),
        (
            "http",
            Some("169.254.169.254"),
            "/metadata/identity/oauth2/token"
        )
    );
    let query: Vec<_> = url
        .query_pairs()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert!(
        query.contains(&"resource=https://graph".to_owned())
            && query.contains(&"client_id=c-9".to_owned()),
        "{query:?}"
    );
    assert_eq!(seen.header("metadata"), Some("true"));
    assert_eq!(seen.header("authorization"), None);
}

#[tokio::test(start_paused = true)]
async fn a_machine_without_an_identity_says_so() {
    let mut table = String::new();
    for reply in [
        answer(
            400,
            &[],
            json!({"error": "invalid_request", "error_description": "Identity not found"}),
        ),
        Err(TransportError::passing(
            "169.254.169.254 did not answer in time".to_owned(),
        )),
    ] {
        let script = Script::of(vec![reply]);
        let credential = Credential::ManagedIdentity { client: None };
        let error = signed_in(credential, &script)
            .unwrap()
            .token(Service::Graph, false)
            .await
            .unwrap_err();
        writeln!(table, "{error}").unwrap();
    }
    insta::assert_snapshot!(table);
}

#[test]
fn an_id_that_is_none_is_told_before_anything_is_sent() {
    let script = Script::of(vec![ok("")]);
    let credential = Credential::Secret {
        tenant: "not a tenant".to_owned(),
        client: "c-1".to_owned(),
        secret: "s".to_owned(),
    };
    let error = signed_in(credential, &script).unwrap_err().to_string();
    assert!(
        error.starts_with("signing in failed: invalid tenant ID not a tenant"),
        "{error}"
    );
}

#[test]
fn credentials_and_tokens_show_no_secret() {
    let (certificate, key) = certificate();
    let script = granting();
    let all = [
        secret(),
        with_certificate(certificate.pem() + &key.serialize_pem()),
    ];
    for credential in all {
        let tokens = signed_in(credential.clone(), &script).unwrap();
        let token = Token::new("t0ken".to_owned(), start());
        let text = format!("{credential:?} {tokens:?} {token:?}");
        assert!(
            !text.contains("s3cret") && !text.contains("t0ken") && !text.contains("PRIVATE"),
            "{text}"
        );
    }
}

// The Azure CLI

/// Is set in the runs of this test that it starts itself, with another `PATH`: the environment of a running program
/// cannot be changed safely.
const CHILD: &str = "BREAKGLASS_TEST_AZURE_CLI";

fn fake_az(dir: &Path, script: &str) {
    let file = dir.join("az");
    std::fs::write(&file, format!("#!/bin/sh\n{script}\n")).unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
}

#[tokio::test]
async fn the_azure_cli_is_asked_and_its_failures_are_explained() {
    if std::env::var_os(CHILD).is_some() {
        let credential = Credential::AzureCli {
            tenant: Some("t-1".to_owned()),
        };
        let tokens = signed_in(credential, &granting()).unwrap();
        match shown(&tokens, Service::Graph, false).await {
            Ok(token) => println!("<{token}>"),
            Err(error) => println!("<{error}>"),
        }
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let run = |script: Option<&str>| {
        if let Some(script) = script {
            fake_az(dir.path(), script);
        }
        let name = "credential::the_azure_cli_is_asked_and_its_failures_are_explained";
        let output = std::process::Command::new(std::env::current_exe().unwrap())
            .args([name, "--exact", "--nocapture"])
            .env(CHILD, "1")
            .env("PATH", dir.path())
            .output()
            .unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        let (_, rest) = text.split_once('<').unwrap();
        rest.split_once(">\n").unwrap().0.to_owned()
    };
    let mut table = String::new();
    for script in [
        None,
        Some(
            r#"[ "$*" = "account get-access-token -o json --scope https://graph/.default --tenant t-1" ] || exit 9
            echo '{"accessToken": "from-az", "expires_on": 1780311599, "tokenType": "Bearer"}'"#,
        ),
        Some("echo \"ERROR: Please run 'az login' to setup account.\" >&2; exit 1"),
        Some(
            "echo \"ERROR: AADSTS700082: The refresh token has expired due to inactivity.\nTrace ID: x\nInteractive authentication is needed. Please run:\naz login\" >&2; exit 1",
        ),
        Some(r#"echo '{"accessToken": "x", "tokenType": "Bearer"}'"#),
        Some("echo 'ERROR: the disk is full' >&2; exit 1"),
    ] {
        writeln!(table, "{}", run(script)).unwrap();
    }
    insta::assert_snapshot!(table);
}
