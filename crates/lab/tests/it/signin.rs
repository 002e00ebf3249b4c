//! Signing in as a person does it, by the forms of the pages, and as apps do it, by OAuth 2.0.

use breakglass_lab::{AZURE_CLI, Fault, GRAPH_COMMAND_LINE, LogKind, LogRow};
use data_encoding::BASE64URL_NOPAD;
use reqwest::{Client, Response, redirect::Policy};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::Url;

use crate::support::{Twin, example};

const PASSWORD: &str = "Twin-Password-1";

/// A person in front of a browser without script.
pub(crate) struct Person<'t> {
    twin: &'t Twin,
    http: Client,
    /// The page that is shown.
    pub(crate) page: String,
    /// Where an app was sent, once it was.
    pub(crate) sent: Option<Url>,
    cookie: Option<String>,
}

fn encoded(pairs: &[(&str, &str)]) -> String {
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(pairs)
        .finish()
}

impl<'t> Person<'t> {
    pub(crate) fn new(twin: &'t Twin) -> Self {
        let ca = reqwest::Certificate::from_pem(twin.running.ca_pem.as_bytes()).unwrap();
        let http = Client::builder()
            .tls_certs_only([ca])
            .no_proxy()
            .redirect(Policy::none())
            .user_agent("Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/141.0.0.0 Safari/537.36")
            .build()
            .unwrap();
        Self {
            twin,
            http,
            page: String::new(),
            sent: None,
            cookie: None,
        }
    }

    async fn take(&mut self, answer: Response) {
        let header = |name: &str| {
            answer
                .headers()
                .get(name)
                .map(|value| value.to_str().unwrap().to_owned())
        };
        if let Some(cookie) = header("set-cookie") {
            self.cookie = cookie.split(';').next().map(str::to_owned);
        }
        self.sent = header("location").and_then(|to| {
            Url::parse(&self.twin.running.addresses.login)
                .unwrap()
                .join(&to)
                .ok()
        });
        self.page = answer.text().await.unwrap();
    }

    pub(crate) async fn open(&mut self, path: &str, query: &[(&str, &str)]) {
        let url = format!(
            "{}{path}?{}",
            self.twin.running.addresses.login,
            encoded(query)
        );
        let mut request = self.http.get(url);
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.take(request.send().await.unwrap()).await;
    }

    pub(crate) async fn post(&mut self, path: &str, form: &[(&str, &str)]) {
        let url = format!("{}{path}", self.twin.running.addresses.login);
        let mut request = self
            .http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(encoded(form));
        if let Some(cookie) = &self.cookie {
            request = request.header("cookie", cookie);
        }
        self.take(request.send().await.unwrap()).await;
    }

    /// The value of a hidden field of the page.
    pub(crate) fn hidden(&self, name: &str) -> String {
        let mark = format!("name=\"{name}\" value=\"");
        let (_, rest) = self
            .page
            .split_once(&mark)
            .unwrap_or_else(|| panic!("no field {name} in {}", self.page));
        rest.split('"').next().unwrap().to_owned()
    }

    /// Takes a step of the sign-in page.
    pub(crate) async fn step(&mut self, step: &str, more: &[(&str, &str)]) {
        let flow = self.hidden("flow");
        let form = [&[("flow", flow.as_str()), ("step", step)], more].concat();
        self.post("/common/login", &form).await;
    }

    async fn visit(&mut self, query: &[(&str, &str)], upn: &str) {
        self.open("/lab/signin", query).await;
        self.step("name", &[("username", upn)]).await;
    }
}

fn logs(twin: &Twin) -> Vec<LogRow> {
    twin.running.lab().logs()
}

fn codes(twin: &Twin) -> Vec<(LogKind, u64)> {
    logs(twin)
        .iter()
        .filter(|row| row.kind != LogKind::ServicePrincipal)
        .map(|row| {
            (
                row.kind,
                row.record["status"]["errorCode"].as_u64().unwrap(),
            )
        })
        .collect()
}

const ADELE: &str = "adele.admin@contoso.com";
const BREAKGLASS: &str = "BreakGlass01@contoso.onmicrosoft.com";

#[tokio::test]
async fn an_administrator_of_a_federated_domain_signs_in_with_her_phone() {
    let twin = Twin::of(example("contoso-modern")).await;
    let mut adele = Person::new(&twin);
    adele
        .visit(
            &[("lab_device", "compliant"), ("lab_platform", "windows")],
            ADELE,
        )
        .await;
    assert!(
        adele.page.contains("organisational account"),
        "{}",
        adele.page
    );
    adele.step("federated", &[("password", "wrong")]).await;
    assert!(adele.page.contains("Incorrect user ID or password"));
    assert!(codes(&twin).is_empty(), "the provider's own matter");
    adele.step("federated", &[("password", PASSWORD)]).await;
    assert!(
        adele.page.contains("Verify your identity"),
        "{}",
        adele.page
    );
    adele.step("choose", &[("way", "push")]).await;
    let number = adele.hidden("answer");
    adele.step("deny", &[]).await;
    assert!(adele.page.contains("AADSTS500121"));
    adele.step("choose", &[("way", "push")]).await;
    adele.step("approve", &[("answer", "no")]).await;
    adele.step("choose", &[("way", "push")]).await;
    let again = adele.hidden("answer");
    assert!(number.len() == 2 && again.len() == 2);
    adele.step("approve", &[("answer", &again)]).await;
    assert!(adele.page.contains("You are signed in"), "{}", adele.page);

    let rows = logs(&twin);
    let found: Vec<u64> = codes(&twin).into_iter().map(|(_, code)| code).collect();
    assert_eq!(found, [50076, 500_121, 0]);
    let correlation = |row: &LogRow| row.record["correlationId"].clone();
    assert!(
        rows.iter()
            .all(|row| correlation(row) == correlation(&rows[0]))
    );
    let last = &rows[2].record;
    assert_eq!(last["userPrincipalName"], "adele.admin@contoso.com");
    assert_eq!(
        last["authenticationRequirement"],
        "multiFactorAuthentication"
    );
    assert_eq!(last["conditionalAccessStatus"], "success");
    assert_eq!(last["mfaDetail"]["authMethod"], "Mobile app notification");
    assert_eq!(last["location"]["countryOrRegion"], "CH");
    assert_eq!(last["deviceDetail"]["isCompliant"], true);
    let user = twin.running.lab().snapshot()["collections"]["users"]
        .as_array()
        .unwrap()
        .iter()
        .find(|user| user["userPrincipalName"] == ADELE)
        .unwrap()
        .clone();
    assert_eq!(
        user["signInActivity"]["lastSuccessfulSignInDateTime"],
        last["createdDateTime"]
    );
    assert_eq!(
        user["signInActivity"]["lastSuccessfulSignInRequestId"],
        last["id"]
    );
}

#[tokio::test]
async fn outages_stand_in_the_way_as_they_are_switched() {
    let twin = Twin::of(example("contoso-modern")).await;
    twin.switch(Fault::FederationOutage, true);
    let mut adele = Person::new(&twin);
    adele.visit(&[], ADELE).await;
    assert!(adele.page.contains("can't be reached"), "{}", adele.page);
    assert!(codes(&twin).is_empty());
    twin.switch(Fault::FederationOutage, false);
    twin.switch(Fault::MfaOutage, true);
    adele
        .visit(
            &[("lab_device", "compliant"), ("lab_platform", "windows")],
            ADELE,
        )
        .await;
    adele.step("federated", &[("password", PASSWORD)]).await;
    adele.step("choose", &[("way", "push")]).await;
    assert!(adele.page.contains("AADSTS500121"), "{}", adele.page);
}

#[tokio::test]
async fn wrong_names_and_passwords_are_told_and_counted() {
    let twin = Twin::of(example("contoso")).await;
    let mut somebody = Person::new(&twin);
    somebody.visit(&[], "nobody@contoso.com").await;
    assert!(somebody.page.contains("AADSTS50034"));
    somebody.step("name", &[("username", BREAKGLASS)]).await;
    somebody.step("choose", &[("way", "password")]).await;
    for _ in 0..9 {
        somebody.step("password", &[("password", "guess")]).await;
        assert!(somebody.page.contains("AADSTS50126"), "{}", somebody.page);
    }
    somebody.step("password", &[("password", "guess")]).await;
    assert!(somebody.page.contains("AADSTS50053"), "{}", somebody.page);
    let found = codes(&twin);
    assert_eq!(found[0], (LogKind::Interactive, 50034));
    assert_eq!(found[9], (LogKind::Interactive, 50126));
    assert_eq!(found[10], (LogKind::Interactive, 50053));
    let rows = logs(&twin);
    assert_eq!(
        rows[0].record["userId"],
        "00000000-0000-0000-0000-000000000000"
    );
    assert_eq!(rows[1].record["conditionalAccessStatus"], "notApplied");
    assert_eq!(
        rows[1].record["userPrincipalName"],
        BREAKGLASS.to_lowercase().as_str()
    );
}

#[tokio::test]
async fn a_disabled_account_is_told_after_the_password() {
    let mut snapshot = example("contoso");
    snapshot["collections"]["users"][0]["accountEnabled"] = json!(false);
    let twin = Twin::of(snapshot).await;
    let mut somebody = Person::new(&twin);
    somebody.visit(&[], BREAKGLASS).await;
    somebody.step("choose", &[("way", "password")]).await;
    somebody.step("password", &[("password", PASSWORD)]).await;
    assert!(somebody.page.contains("AADSTS50057"), "{}", somebody.page);
    assert_eq!(codes(&twin), [(LogKind::Interactive, 50057)]);
}

#[tokio::test]
async fn a_hostile_display_name_is_text() {
    let mut snapshot = example("contoso");
    let hostile = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
    snapshot["tenant"]["name"] = json!(hostile);
    for user in snapshot["collections"]["users"].as_array_mut().unwrap() {
        user["displayName"] = json!(hostile);
    }
    for policy in snapshot["collections"]["conditionalAccessPolicies"]
        .as_array_mut()
        .unwrap()
    {
        policy["displayName"] = json!(hostile);
    }
    let twin = Twin::of(snapshot).await;
    let mut somebody = Person::new(&twin);
    let no_script = |page: &str| {
        assert!(
            !page.contains("<script>alert") && !page.contains("<img"),
            "{page}"
        );
        page.contains("&lt;script&gt;")
    };
    somebody.open("/lab", &[]).await;
    assert!(no_script(&somebody.page));
    somebody.visit(&[("login_hint", hostile)], hostile).await;
    assert!(no_script(&somebody.page));
    somebody.step("name", &[("username", BREAKGLASS)]).await;
    somebody.step("choose", &[("way", "password")]).await;
    somebody.step("password", &[("password", PASSWORD)]).await;
    no_script(&somebody.page);
}

fn authorize<'a>(challenge: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("client_id", AZURE_CLI),
        ("response_type", "code"),
        ("redirect_uri", "http://localhost:8400"),
        ("scope", scope),
        ("state", "of the app"),
        ("code_challenge", challenge),
        ("code_challenge_method", "S256"),
        ("prompt", "select_account"),
        ("nonce", "n-1"),
        ("client_info", "1"),
        ("lab_device", "compliant"),
        ("lab_platform", "windows"),
    ]
}

const SCOPE: &str = "https://management.core.windows.net//.default offline_access openid profile";

pub(crate) async fn with_phone(person: &mut Person<'_>) {
    person.step("name", &[("username", ADELE)]).await;
    person.step("federated", &[("password", PASSWORD)]).await;
    person.step("choose", &[("way", "push")]).await;
    let number = person.hidden("answer");
    person.step("approve", &[("answer", &number)]).await;
}

fn claims(token: &str) -> Value {
    let part = token.split('.').nth(1).unwrap();
    serde_json::from_slice(&BASE64URL_NOPAD.decode(part.as_bytes()).unwrap()).unwrap()
}

#[tokio::test]
async fn an_app_gets_tokens_by_code_with_pkce_and_refreshes_them() {
    let twin = Twin::of(example("contoso-modern")).await;
    let verifier = "a-verifier-of-at-least-forty-three-characters-0123456789";
    let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(verifier));
    let mut adele = Person::new(&twin);
    adele
        .open(
            "/organizations/oauth2/v2.0/authorize",
            &authorize(&challenge, SCOPE),
        )
        .await;
    with_phone(&mut adele).await;
    let sent = adele.sent.clone().unwrap();
    assert_eq!(sent.host_str(), Some("localhost"));
    let answer: std::collections::BTreeMap<_, _> = sent.query_pairs().into_owned().collect();
    assert_eq!(answer["state"], "of the app");
    let redeem = |verifier: &'static str| {
        let form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("client_id", AZURE_CLI.to_owned()),
            ("code", answer["code"].clone()),
            ("redirect_uri", "http://localhost:8400".to_owned()),
            ("code_verifier", verifier.to_owned()),
            ("scope", SCOPE.to_owned()),
        ];
        form
    };
    let ask = async |form: Vec<(&str, String)>| -> (u16, Value) {
        let pairs: Vec<(&str, &str)> = form.iter().map(|(a, b)| (*a, b.as_str())).collect();
        let answer = twin.ask_token("organizations", &pairs).await;
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, tokens) = ask(redeem(
        "a-verifier-of-at-least-forty-three-characters-0123456789",
    ))
    .await;
    assert_eq!(status, 200, "{tokens}");
    let access = claims(tokens["access_token"].as_str().unwrap());
    assert_eq!(access["aud"], "https://management.core.windows.net/");
    assert_eq!(access["scp"], "user_impersonation");
    assert_eq!(access["amr"], json!(["fed", "mfa"]));
    assert_eq!(access["upn"], ADELE);
    let id = claims(tokens["id_token"].as_str().unwrap());
    assert_eq!(
        (&id["aud"], &id["nonce"]),
        (&json!(AZURE_CLI), &json!("n-1"))
    );
    let asked = "https://management.core.windows.net//.default";
    assert!(
        tokens["scope"]
            .as_str()
            .unwrap()
            .split(' ')
            .any(|own| own == asked)
    );
    let (status, again) = ask(redeem("another-verifier")).await;
    assert_eq!((status, &again["error_codes"]), (400, &json!([54005])));

    // One refresh token serves for several resources, and leaves a record that is not interactive.
    let refresh = |scope: &str| {
        vec![
            ("grant_type", "refresh_token".to_owned()),
            ("client_id", AZURE_CLI.to_owned()),
            (
                "refresh_token",
                tokens["refresh_token"].as_str().unwrap().to_owned(),
            ),
            ("scope", scope.to_owned()),
        ]
    };
    let (status, graph) = ask(refresh("https://graph.microsoft.com/.default")).await;
    assert_eq!(status, 200, "{graph}");
    let access = claims(graph["access_token"].as_str().unwrap());
    assert!(access["scp"].as_str().unwrap().contains("Policy.Read.All"));
    let last = logs(&twin).pop().unwrap();
    assert_eq!(last.kind, LogKind::NonInteractive);
    assert_eq!(last.record["incomingTokenType"], "refreshToken");
    assert_eq!(last.record["resourceDisplayName"], "Microsoft Graph");
    let (status, refused) = ask(refresh("https://graph.microsoft.com/Mail.Read")).await;
    assert_eq!((status, &refused["error_codes"]), (400, &json!([65001])));
}

#[tokio::test]
async fn requests_that_can_not_be_trusted_are_not_sent_anywhere() {
    let twin = Twin::of(example("contoso-modern")).await;
    let mut somebody = Person::new(&twin);
    let path = format!("/{}/oauth2/v2.0/authorize", twin.tenant());
    let with = |name: &'static str, value: &'static str| {
        let mut query = authorize("x", SCOPE);
        query.retain(|(own, _)| *own != name);
        query.push((name, value));
        query
    };
    for (name, value, code) in [
        ("redirect_uri", "https://evil.example/", "AADSTS50011"),
        (
            "client_id",
            "00000000-0000-0000-0000-00000000000f",
            "AADSTS700016",
        ),
    ] {
        somebody.open(&path, &with(name, value)).await;
        assert!(
            somebody.sent.is_none() && somebody.page.contains(code),
            "{}",
            somebody.page
        );
    }
    for (name, value, error) in [
        ("prompt", "none", "login_required"),
        ("response_type", "token", "unsupported_response_type"),
        (
            "scope",
            "https://graph.microsoft.com/Mail.Read",
            "invalid_grant",
        ),
        ("code_challenge_method", "plain", "invalid_request"),
    ] {
        somebody.open(&path, &with(name, value)).await;
        let sent = somebody
            .sent
            .clone()
            .unwrap_or_else(|| panic!("{}", somebody.page));
        let found = sent
            .query_pairs()
            .find(|(own, _)| own == "error")
            .unwrap()
            .1;
        assert_eq!(found, error);
    }
    somebody
        .open(
            "/elsewhere.example/oauth2/v2.0/authorize",
            &authorize("x", SCOPE),
        )
        .await;
    assert!(somebody.page.contains("AADSTS90002"));
}

#[tokio::test]
async fn a_form_post_answer_goes_to_the_app_by_a_form() {
    let twin = Twin::of(example("contoso-modern")).await;
    let mut adele = Person::new(&twin);
    let mut query = authorize("x", SCOPE);
    query.push(("response_mode", "form_post"));
    adele.open("/common/oauth2/v2.0/authorize", &query).await;
    with_phone(&mut adele).await;
    assert!(
        adele
            .page
            .contains("action=\"http://localhost:8400\" data-auto"),
        "{}",
        adele.page
    );
    assert!(!adele.hidden("code").is_empty());
}

#[tokio::test]
async fn a_device_gets_tokens_after_somebody_typed_its_code() {
    let twin = Twin::of(example("contoso-modern")).await;
    let scope = "https://graph.microsoft.com/User.Read offline_access openid";
    let login = &twin.running.addresses.login;
    let device: Value = twin
        .http
        .post(format!("{login}/organizations/oauth2/v2.0/devicecode"))
        .header("content-type", "application/x-www-form-urlencoded")
        .body(encoded(&[
            ("client_id", GRAPH_COMMAND_LINE),
            ("scope", scope),
        ]))
        .send()
        .await
        .unwrap()
        .json()
        .await
        .unwrap();
    let poll = async || -> Value {
        let form = [
            ("grant_type", "urn:ietf:params:oauth:grant-type:device_code"),
            ("client_id", GRAPH_COMMAND_LINE),
            ("device_code", device["device_code"].as_str().unwrap()),
        ];
        twin.ask_token("organizations", &form)
            .await
            .json()
            .await
            .unwrap()
    };
    assert_eq!(poll().await["error"], "authorization_pending");
    let mut ben = Person::new(&twin);
    ben.open("/devicelogin", &[]).await;
    ben.post("/devicelogin", &[("otc", "NONSENSE1")]).await;
    assert!(ben.page.contains("didn&#39;t work"), "{}", ben.page);
    let code = device["user_code"].as_str().unwrap().to_lowercase();
    ben.post("/devicelogin", &[("otc", &code)]).await;
    with_phone(&mut ben).await;
    assert!(
        ben.page.contains("Are you trying to sign in"),
        "{}",
        ben.page
    );
    assert_eq!(poll().await["error"], "authorization_pending");
    ben.step("confirm", &[]).await;
    assert!(ben.page.contains("You have signed in"), "{}", ben.page);
    assert!(poll().await["access_token"].is_string());
    assert_eq!(poll().await["error"], "bad_verification_code");
    let found: Vec<u64> = codes(&twin).into_iter().map(|(_, code)| code).collect();
    assert_eq!(found, [50076, 50199, 0]);
    let row = logs(&twin).pop().unwrap();
    assert_eq!(row.record["authenticationProtocol"], "deviceCode");
    assert_eq!(row.record["originalTransferMethod"], "deviceCodeFlow");
}

#[tokio::test]
async fn records_are_delayed_lost_and_doubled_by_switch() {
    let twin = Twin::with(example("contoso"), |config| {
        config.log_delay = Some(jiff::SignedDuration::from_mins(4));
    })
    .await;
    let export = || breakglass_lab::records::export(twin.running.lab(), None);
    let mut somebody = Person::new(&twin);
    somebody.visit(&[], "a@contoso.com").await;
    assert_eq!(export().len(), 1);
    twin.switch(Fault::LogDuplicates, true);
    let lines = export();
    let read = |line: &String| serde_json::from_str::<Value>(line).unwrap();
    assert_eq!(lines.len(), 2);
    assert_eq!(read(&lines[0])["properties"], read(&lines[1])["properties"]);
    assert_ne!(read(&lines[0])["time"], read(&lines[1])["time"]);
    twin.switch(Fault::LogDuplicates, false);
    twin.switch(Fault::LogDelay, true);
    somebody.visit(&[], "b@contoso.com").await;
    assert_eq!(export().len(), 1, "the second is not readable yet");
    let late = logs(&twin).pop().unwrap();
    let wait = late.readable_at.duration_since(
        late.record["createdDateTime"]
            .as_str()
            .unwrap()
            .parse()
            .unwrap(),
    );
    assert_eq!(wait.as_mins(), 4);
    twin.switch(Fault::LogDelay, false);
    twin.switch(Fault::LogLoss, true);
    for _ in 0..3 {
        somebody.visit(&[], "c@contoso.com").await;
    }
    assert_eq!(logs(&twin).len(), 4, "one of three is gone");
    let admin = format!("{}/export", twin.running.addresses.admin);
    let text = twin
        .http
        .get(admin)
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert_eq!(text.lines().count(), 3);
}

#[tokio::test]
async fn an_app_that_gets_a_token_leaves_a_record_too() {
    let twin = Twin::of(example("contoso")).await;
    twin.token("breakglass watch").await;
    let row = logs(&twin).pop().unwrap();
    assert_eq!(row.kind, LogKind::ServicePrincipal);
    assert_eq!(row.record["servicePrincipalName"], "breakglass watch");
    assert_eq!(row.record["clientCredentialType"], "clientSecret");
}
