//! Getting tokens, and what comes of those that are no good.

use aws_lc_rs::{
    encoding::AsDer,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize},
    signature::{RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaEncoding},
};
use breakglass_lab::Fault;
use data_encoding::BASE64URL_NOPAD;
use reqwest::Response;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::support::{Twin, example, start};

const GRAPH: &str = "https://graph.microsoft.com/.default";

async fn refusal(answer: Response) -> (u16, String, u64) {
    let status = answer.status().as_u16();
    let body: Value = answer.json().await.unwrap();
    let code = body["error_codes"][0].as_u64().unwrap();
    let text = body["error_description"].as_str().unwrap();
    assert!(text.starts_with(&format!("AADSTS{code}: ")), "{text}");
    for field in ["trace_id", "correlation_id", "timestamp"] {
        assert!(body[field].is_string(), "{field}");
    }
    (status, body["error"].as_str().unwrap().to_owned(), code)
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn without_a_token_nothing_is_read() {
    let twin = Twin::of(example("contoso")).await;
    for token in ["", "x", "a.b.c"] {
        let answer = twin.raw(token, "/v1.0/organization", &[]).await;
        assert_eq!(answer.status(), 401);
        assert!(answer.headers().contains_key("www-authenticate"));
        assert!(answer.headers().contains_key("request-id"));
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["error"]["code"], "InvalidAuthenticationToken");
    }
    let arm = twin
        .token_for(
            "breakglass posture",
            "https://management.azure.com/.default",
        )
        .await;
    assert_eq!(
        twin.raw(&arm, "/v1.0/organization", &[]).await.status(),
        401
    );
}

#[tokio::test]
async fn azure_refuses_tokens_in_envelopes_of_its_own() {
    let twin = Twin::of(example("contoso-modern")).await;
    let addresses = twin.running.addresses.clone();
    let arm = format!("{}/subscriptions?api-version=2022-12-01", addresses.arm);
    let logs = format!("{}/v1/workspaces/x/query?query=AuditLogs", addresses.logs);
    let graph = twin.token("breakglass posture").await;
    let own = |scope: &'static str| twin.token_for("breakglass posture", scope);
    let of_arm = own("https://management.azure.com/.default").await;
    let of_logs = own("https://api.loganalytics.io/.default").await;
    twin.switch(Fault::ExpiredTokens, true);
    for (url, token, status, code) in [
        (&arm, "", 401, "AuthenticationFailed"),
        (&arm, "a.b.c", 401, "InvalidAuthenticationToken"),
        (&arm, &graph, 401, "InvalidAuthenticationTokenAudience"),
        (&arm, &of_arm, 401, "ExpiredAuthenticationToken"),
        (&logs, "", 401, "AuthenticationFailed"),
        (&logs, "a.b.c", 403, "InvalidAuthenticationToken"),
        (&logs, &graph, 403, "InvalidAuthenticationTokenAudience"),
        (&logs, &of_logs, 401, "AuthenticationFailed"),
    ] {
        let answer = twin.http.get(url).bearer_auth(token).send().await.unwrap();
        assert_eq!(answer.status(), status, "{url} {code}");
        let challenge = answer.headers().get("www-authenticate");
        assert_eq!(challenge.is_some(), status == 401, "{url} {code}");
        if let Some(challenge) = challenge {
            let challenge = challenge.to_str().unwrap();
            let place = format!("authorization_uri=\"{}/", addresses.login);
            assert!(challenge.contains(&place), "{challenge}");
        }
        if *url == arm {
            assert!(answer.headers().contains_key("x-ms-request-id"));
        }
        let body: Value = answer.json().await.unwrap();
        let error = body["error"].as_object().unwrap();
        assert_eq!(error["code"], code, "{url}");
        let mut names: Vec<&str> = error.keys().map(String::as_str).collect();
        names.sort_unstable();
        let expected: &[&str] = if *url == arm {
            &["code", "message"]
        } else {
            &["code", "correlationId", "message"]
        };
        assert_eq!(names, expected, "{url}");
    }
}

#[tokio::test]
async fn a_secret_gives_a_token_with_the_apps_permissions() {
    let twin = Twin::of(example("contoso")).await;
    let app = &twin.running.apps[0];
    for tenant in [
        twin.tenant(),
        "contoso.com".to_owned(),
        "CONTOSO.onmicrosoft.com".to_owned(),
    ] {
        let answer = twin
            .ask_token(
                &tenant,
                &[
                    ("grant_type", "client_credentials"),
                    ("client_id", &app.client_id),
                    ("client_secret", app.secret.as_deref().unwrap()),
                    ("scope", GRAPH),
                ],
            )
            .await;
        assert_eq!(answer.status(), 200);
        let body: Value = answer.json().await.unwrap();
        assert_eq!(body["expires_in"], 3599);
        assert!(body.get("refresh_token").is_none());
        let claims = claims(body["access_token"].as_str().unwrap());
        assert_eq!(claims["aud"], "https://graph.microsoft.com");
        assert_eq!(claims["tid"], twin.tenant());
        assert_eq!(claims["oid"], app.principal);
        assert_eq!(
            claims["roles"].as_array().unwrap().len(),
            app.permissions.len()
        );
        assert_eq!(
            claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap(),
            3599
        );
    }
    // By HTTP Basic, and at the endpoint of the first version.
    let url = format!(
        "{}/{}/oauth2/token",
        twin.running.addresses.login,
        twin.tenant()
    );
    let answer = twin
        .http
        .post(url)
        .basic_auth(&app.client_id, app.secret.as_deref())
        .header("content-type", "application/x-www-form-urlencoded")
        .body("grant_type=client_credentials&resource=https://management.core.windows.net/")
        .send()
        .await
        .unwrap();
    let body: Value = answer.json().await.unwrap();
    assert_eq!(body["expires_in"], "3599");
    assert_eq!(
        claims(body["access_token"].as_str().unwrap())["aud"],
        "https://management.core.windows.net/"
    );
}

#[tokio::test]
async fn refusals_carry_microsofts_numbers() {
    let twin = Twin::of(example("contoso")).await;
    let app = &twin.running.apps[0];
    let (id, secret) = (app.client_id.as_str(), app.secret.as_deref().unwrap());
    let tenant = twin.tenant();
    let good = [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
        ("scope", GRAPH),
    ];
    let with = |name: &'static str, value: Option<&'static str>| -> Vec<(&str, &str)> {
        good.iter()
            .filter(|(own, _)| *own != name)
            .copied()
            .chain(value.map(|value| (name, value)))
            .collect()
    };
    for (tenant, form, wanted) in [
        ("fabrikam.com", good.to_vec(), ("invalid_request", 90_002)),
        ("common", good.to_vec(), ("invalid_request", 90_002)),
        (
            &tenant,
            with("client_secret", Some("wrong")),
            ("invalid_client", 7_000_215),
        ),
        (
            &tenant,
            with("client_secret", None),
            ("invalid_client", 7_000_218),
        ),
        (
            &tenant,
            with("client_id", Some("00000000-0000-4000-8000-00000000dead")),
            ("unauthorized_client", 700_016),
        ),
        (
            &tenant,
            with("client_id", None),
            ("invalid_request", 900_144),
        ),
        (
            &tenant,
            with("scope", Some("https://example.com/.default")),
            ("invalid_resource", 500_011),
        ),
        (
            &tenant,
            with("scope", Some("https://graph.microsoft.com/User.Read")),
            ("invalid_scope", 1_002_012),
        ),
        (
            &tenant,
            with(
                "scope",
                Some("https://graph.microsoft.com/.default https://management.azure.com/.default"),
            ),
            ("invalid_scope", 70_011),
        ),
        (
            &tenant,
            with("grant_type", Some("magic")),
            ("unsupported_grant_type", 70_003),
        ),
    ] {
        let (_, error, code) = refusal(twin.ask_token(tenant, &form).await).await;
        assert_eq!((error.as_str(), code), wanted);
    }
    for (fault, wanted) in [
        (Fault::LoginOutage, ("temporarily_unavailable", 90_033)),
        (Fault::WrongCloud, ("invalid_request", 90_038)),
        (Fault::ExpiredSecret, ("invalid_client", 7_000_222)),
    ] {
        twin.switch(fault, true);
        let (_, error, code) = refusal(twin.ask_token(&tenant, &good).await).await;
        assert_eq!((error.as_str(), code), wanted);
        twin.switch(fault, false);
    }
}

#[tokio::test]
async fn tokens_end_and_clocks_may_differ() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass posture").await;
    twin.switch(Fault::ExpiredTokens, true);
    assert_eq!(
        twin.raw(&token, "/v1.0/organization", &[]).await.status(),
        401
    );
    twin.switch(Fault::ExpiredTokens, false);
    twin.switch(Fault::ClockSkew, true);
    let early = twin.token("breakglass posture").await;
    let ahead = claims(&early)["nbf"].as_i64().unwrap() - start().as_second();
    assert!((600..900).contains(&ahead), "{ahead}");
    let answer = twin.raw(&early, "/v1.0/organization", &[]).await;
    assert_eq!(answer.status(), 200);
    assert!(
        answer.headers()["date"].to_str().unwrap().contains("09:10"),
        "{answer:?}"
    );
    twin.switch(Fault::ClockSkew, false);
    // To the clock that is right again this token is not valid yet.
    assert_eq!(
        twin.raw(&early, "/v1.0/organization", &[]).await.status(),
        401
    );
}

/// An assertion signed with this key.
fn assertion(
    key: &KeyPair,
    header: &Value,
    claims: &Value,
    padding: &'static dyn RsaEncoding,
) -> String {
    let part = |value: &Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
    let message = format!("{}.{}", part(header), part(claims));
    let mut signature = vec![0; key.public_modulus_len()];
    key.sign(
        padding,
        &SystemRandom::new(),
        message.as_bytes(),
        &mut signature,
    )
    .unwrap();
    format!("{message}.{}", BASE64URL_NOPAD.encode(&signature))
}

#[tokio::test]
async fn a_certificate_proves_the_app_in_the_new_way_and_the_old_one() {
    let key = KeyPair::generate(KeySize::Rsa2048).unwrap();
    let pkcs8 = AsDer::<aws_lc_rs::encoding::Pkcs8V1Der<'_>>::as_der(&key).unwrap();
    let pair = rcgen::KeyPair::try_from(pkcs8.as_ref()).unwrap();
    let certificate = rcgen::CertificateParams::new(vec!["app".to_owned()])
        .unwrap()
        .self_signed(&pair)
        .unwrap();
    let der = certificate.der().to_vec();
    let twin = Twin::with(example("contoso"), |config| {
        config.apps[0].certificates.push(der.clone());
        config.apps[0]
            .federated
            .push(("https://issuer.example".to_owned(), "repo:main".to_owned()));
    })
    .await;
    let id = twin.running.apps[0].client_id.clone();
    let now = start().as_second();
    let url = format!(
        "{}/{}/oauth2/v2.0/token",
        twin.running.addresses.login,
        twin.tenant()
    );
    let good = json!({"aud": url, "iss": id, "sub": id, "jti": "x", "nbf": now, "iat": now, "exp": now + 600});
    let by = |name: &str, value: Value| {
        let mut claims = good.clone();
        claims[name] = value;
        claims
    };
    let sha256 = BASE64URL_NOPAD.encode(&Sha256::digest(&der));
    let sha1 = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, &der);
    let sha1 = BASE64URL_NOPAD.encode(sha1.as_ref());
    let new = json!({"alg": "PS256", "typ": "JWT", "x5t#S256": sha256});
    let old = json!({"alg": "RS256", "typ": "JWT", "x5t": sha1});
    let ask = async |assertion: String| {
        twin.ask_token(
            &twin.tenant(),
            &[
                ("grant_type", "client_credentials"),
                ("client_id", &id),
                (
                    "client_assertion_type",
                    "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
                ),
                ("client_assertion", &assertion),
                ("scope", GRAPH),
            ],
        )
        .await
    };
    assert_eq!(
        ask(assertion(&key, &new, &good, &RSA_PSS_SHA256))
            .await
            .status(),
        200
    );
    assert_eq!(
        ask(assertion(&key, &old, &good, &RSA_PKCS1_SHA256))
            .await
            .status(),
        200
    );
    let other = KeyPair::generate(KeySize::Rsa2048).unwrap();
    for (assertion, wanted) in [
        (assertion(&other, &new, &good, &RSA_PSS_SHA256), 700_027),
        (
            assertion(
                &key,
                &json!({"alg": "PS256", "x5t#S256": "x"}),
                &good,
                &RSA_PSS_SHA256,
            ),
            700_027,
        ),
        (
            assertion(
                &key,
                &new,
                &by("aud", json!("https://example.com")),
                &RSA_PSS_SHA256,
            ),
            700_023,
        ),
        (
            assertion(&key, &new, &by("exp", json!(now - 900)), &RSA_PSS_SHA256),
            700_024,
        ),
        (
            assertion(&key, &new, &by("nbf", json!(now + 3600)), &RSA_PSS_SHA256),
            700_024,
        ),
        (
            assertion(&key, &new, &by("sub", json!("else")), &RSA_PSS_SHA256),
            700_213,
        ),
        ("nonsense".to_owned(), 50_027),
    ] {
        assert_eq!(refusal(ask(assertion).await).await.2, wanted);
    }
    let federated = json!({"iss": "https://issuer.example", "sub": "repo:main", "aud": "api://AzureADTokenExchange", "exp": now + 600});
    assert_eq!(
        ask(assertion(&other, &new, &federated, &RSA_PSS_SHA256))
            .await
            .status(),
        200
    );
}

#[tokio::test]
async fn the_authority_describes_itself() {
    let twin = Twin::of(example("contoso")).await;
    let login = &twin.running.addresses.login;
    let get = async |path: &str| -> Value {
        let answer = twin
            .http
            .get(format!("{login}{path}"))
            .send()
            .await
            .unwrap();
        answer.json().await.unwrap()
    };
    let tenant = twin.tenant();
    let own = get(&format!("/{tenant}/v2.0/.well-known/openid-configuration")).await;
    assert_eq!(
        own["token_endpoint"],
        json!(format!("{login}/{tenant}/oauth2/v2.0/token"))
    );
    assert_eq!(own["issuer"], json!(format!("{login}/{tenant}/v2.0")));
    let any = get("/organizations/v2.0/.well-known/openid-configuration").await;
    assert_eq!(any["issuer"], json!(format!("{login}/{{tenantid}}/v2.0")));
    let keys = get("/common/discovery/v2.0/keys").await;
    assert_eq!(keys["keys"][0]["kty"], "RSA");
    let instance = get("/common/discovery/instance?api-version=1.1").await;
    assert!(instance["metadata"].is_array());
    let unknown = get("/fabrikam.com/v2.0/.well-known/openid-configuration").await;
    assert_eq!(unknown["error_codes"][0], 90_002);
}

#[tokio::test]
async fn a_managed_identity_gets_its_token_where_virtual_machines_do() {
    let twin = Twin::of(example("contoso")).await;
    let id = &twin.running.apps[1].client_id;
    let url = format!(
        "{}/metadata/identity/oauth2/token?api-version=2018-02-01&client_id={id}&resource=https://graph.microsoft.com",
        twin.running.addresses.admin
    );
    let without = twin.http.get(&url).send().await.unwrap();
    assert_eq!(without.status(), 400);
    let body: Value = without.json().await.unwrap();
    assert_eq!(body["error"], "bad_request_102");
    let with = twin
        .http
        .get(&url)
        .header("Metadata", "true")
        .send()
        .await
        .unwrap();
    let body: Value = with.json().await.unwrap();
    assert_eq!(body["expires_in"], "3599");
    let token = body["access_token"].as_str().unwrap();
    assert_eq!(twin.raw(token, "/v1.0/users", &[]).await.status(), 200);
}

#[tokio::test]
async fn switches_are_for_this_machine_and_no_other_site() {
    let twin = Twin::of(example("contoso")).await;
    let admin = &twin.running.addresses.admin;
    let put = |name: &str| {
        twin.http
            .put(format!("{admin}/faults/{name}"))
            .json(&json!({"on": true}))
    };
    assert_eq!(put("graph-outage").send().await.unwrap().status(), 200);
    assert!(twin.running.lab().faults().on(Fault::GraphOutage));
    assert_eq!(put("no-such").send().await.unwrap().status(), 404);
    for (name, value, status) in [
        ("Origin", "https://evil.example", 403),
        ("Host", "evil.example", 403),
        ("Host", "localhost:1", 200),
        ("Origin", admin.as_str(), 200),
    ] {
        let answer = put("arm-outage").header(name, value).send().await.unwrap();
        assert_eq!(answer.status(), status, "{name}: {value}");
    }
    let get = async |path: &str| {
        twin.http
            .get(format!("{admin}{path}"))
            .send()
            .await
            .unwrap()
    };
    let faults: Value = get("/faults").await.json().await.unwrap();
    assert_eq!(faults["faults"].as_array().unwrap().len(), Fault::ALL.len());
    let snapshot: Value = get("/snapshot").await.json().await.unwrap();
    assert_eq!(
        snapshot["collections"]["users"],
        example("contoso")["collections"]["users"]
    );
    assert!(
        get("/ca.pem")
            .await
            .text()
            .await
            .unwrap()
            .starts_with("-----BEGIN CERTIFICATE")
    );
    let addresses: Value = get("/addresses").await.json().await.unwrap();
    assert_eq!(addresses["graph"], json!(twin.running.addresses.graph));
    let arm = twin
        .http
        .get(format!("{}/subscriptions", twin.running.addresses.arm))
        .send()
        .await
        .unwrap();
    assert_eq!(arm.status(), 503);
}

#[tokio::test]
async fn nothing_but_loopback_is_listened_on() {
    let clock: std::sync::Arc<dyn breakglass_model::Clock> =
        std::sync::Arc::new(breakglass_model::FixedClock(start()));
    assert_eq!(clock.now(), start());
    let mut config = breakglass_lab::Config::new(example("contoso"), clock);
    config.host = "0.0.0.0".parse().unwrap();
    let error = breakglass_lab::Lab::start(config).await.unwrap_err();
    assert!(matches!(error, breakglass_lab::LabError::NotLoopback(_)));
    let twin = Twin::of(example("contoso")).await;
    let address = twin.running.addresses.graph.clone();
    twin.running.stop().await.unwrap();
    assert!(twin.http.get(address).send().await.is_err());
}
