//! A running twin and a client that trusts it.

use std::sync::Arc;

use breakglass_lab::{Config, Fault, Lab, Running};
use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};
use reqwest::{Client, Response};
use serde_json::{Value, json};

/// When the tests happen.
pub(crate) fn start() -> Timestamp {
    "2026-03-01T09:00:00Z".parse().unwrap()
}

/// A clock that starts on a fixed day and goes on in real time.
#[derive(Clone, Copy)]
pub(crate) struct Running2026(tokio::time::Instant);

impl Clock for Running2026 {
    fn now(&self) -> Timestamp {
        let passed = SignedDuration::try_from(self.0.elapsed()).unwrap();
        start().checked_add(passed).unwrap()
    }
}

/// A built-in tenant as a snapshot.
pub(crate) fn example(name: &str) -> Value {
    let example = breakglass_model::example::tenant(name, start()).unwrap();
    serde_json::from_str(&example.snapshot_json).unwrap()
}

/// The twin of a test.
pub(crate) struct Twin {
    pub(crate) running: Running,
    pub(crate) http: Client,
}

/// A client that trusts the twin.
fn trusting(running: &Running) -> Client {
    let ca = reqwest::Certificate::from_pem(running.ca_pem.as_bytes()).unwrap();
    Client::builder()
        .tls_certs_only([ca])
        .no_proxy()
        .build()
        .unwrap()
}

impl Twin {
    pub(crate) async fn of(snapshot: Value) -> Self {
        Self::with(snapshot, |_| {}).await
    }

    pub(crate) async fn with(snapshot: Value, change: impl FnOnce(&mut Config)) -> Self {
        let clock = Arc::new(Running2026(tokio::time::Instant::now()));
        let mut config = Config::new(snapshot, clock);
        change(&mut config);
        let running = Lab::start(config).await.unwrap();
        running.lab().faults().switch(Fault::Throttling, false);
        let http = trusting(&running);
        Self { running, http }
    }

    pub(crate) fn switch(&self, fault: Fault, on: bool) {
        self.running.lab().faults().switch(fault, on);
    }

    pub(crate) fn tenant(&self) -> String {
        self.running.lab().tenant()
    }

    /// Asks the token endpoint.
    pub(crate) async fn ask_token(&self, tenant: &str, form: &[(&str, &str)]) -> Response {
        let url = format!(
            "{}/{tenant}/oauth2/v2.0/token",
            self.running.addresses.login
        );
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.http
            .post(url)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send()
            .await
            .unwrap()
    }

    /// A Graph token of the app with this name.
    pub(crate) async fn token(&self, app: &str) -> String {
        self.token_for(app, "https://graph.microsoft.com/.default")
            .await
    }

    pub(crate) async fn token_for(&self, app: &str, scope: &str) -> String {
        let app = self
            .running
            .apps
            .iter()
            .find(|one| one.name == app)
            .unwrap();
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", &app.client_id),
            ("client_secret", app.secret.as_deref().unwrap()),
            ("scope", scope),
        ];
        let answer: Value = self
            .ask_token(&self.tenant(), &form)
            .await
            .json()
            .await
            .unwrap();
        answer["access_token"].as_str().unwrap().to_owned()
    }

    /// A call to Graph by the app that reads everything.
    pub(crate) async fn get(&self, path: &str) -> (u16, Value) {
        self.get_with(path, &[]).await
    }

    pub(crate) async fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> (u16, Value) {
        let token = self.token("breakglass posture").await;
        self.get_as(&token, path, headers).await
    }

    pub(crate) async fn get_as(
        &self,
        token: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> (u16, Value) {
        let answer = self.raw(token, path, headers).await;
        let status = answer.status().as_u16();
        let text = answer.text().await.unwrap();
        (status, serde_json::from_str(&text).unwrap_or(json!(text)))
    }

    pub(crate) async fn raw(&self, token: &str, path: &str, headers: &[(&str, &str)]) -> Response {
        let url = format!("{}{path}", self.running.addresses.graph);
        let mut request = self.http.get(url).bearer_auth(token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send().await.unwrap()
    }
}
