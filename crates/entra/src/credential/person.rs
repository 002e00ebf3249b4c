//! A person who signs in once; the refresh token then gives the tokens of all services. It stays in memory.

use std::{collections::HashMap, sync::Arc};

use async_trait::async_trait;
use breakglass_model::Clock;
use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::Value;
use tokio::sync::Mutex;
use url::{Url, form_urlencoded};

use super::{
    GRAPH_COMMAND_LINE_TOOLS, Prompt, Token, Tokens, app::is_fresh, browser, device_code, fault,
};
use crate::{Cloud, Error, HttpRequest, HttpResponse, Service, Transport};

/// How the person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    DeviceCode,
    Browser,
}

pub(super) struct Person {
    way: Way,
    pub(super) tenant: String,
    pub(super) client: String,
    pub(super) cloud: Cloud,
    transport: Arc<dyn Transport>,
    pub(super) clock: Arc<dyn Clock>,
    pub(super) prompt: Prompt,
    session: Mutex<Session>,
}

#[derive(Default)]
struct Session {
    refresh: Option<String>,
    kept: HashMap<Service, Token>,
}

impl std::fmt::Debug for Person {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Person")
            .field("way", &self.way)
            .finish_non_exhaustive()
    }
}

/// What a token endpoint gives (RFC 6749, 5.1).
pub(super) struct Given {
    token: Token,
    refresh: Option<String>,
}

impl Person {
    pub(super) fn new(
        way: Way,
        tenant: Option<String>,
        client: Option<String>,
        cloud: Cloud,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        prompt: Prompt,
    ) -> Self {
        Self {
            way,
            // Accounts of any organisation, and no personal ones.
            tenant: tenant.unwrap_or_else(|| "organizations".to_owned()),
            client: client.unwrap_or_else(|| GRAPH_COMMAND_LINE_TOOLS.to_owned()),
            cloud,
            transport,
            clock,
            prompt,
            session: Mutex::new(Session::default()),
        }
    }

    /// An endpoint of the tenant.
    pub(super) fn endpoint(&self, name: &str) -> Result<Url, Error> {
        self.cloud
            .login
            .join(&format!("{}/oauth2/v2.0/{name}", self.tenant))
            .map_err(|error| Error::Unusable {
                call: format!("the {name} endpoint"),
                why: format!("its address cannot be written: {error}"),
            })
    }

    /// Posts a form.
    pub(super) async fn post(
        &self,
        name: &str,
        form: &[(&str, &str)],
    ) -> Result<HttpResponse, Error> {
        let body = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(form)
            .finish();
        self.transport
            .send(HttpRequest {
                method: Method::POST,
                url: self.endpoint(name)?,
                headers: vec![
                    (
                        "content-type".to_owned(),
                        "application/x-www-form-urlencoded".to_owned(),
                    ),
                    ("accept".to_owned(), "application/json".to_owned()),
                ],
                body: Bytes::from(body),
            })
            .await
            .map_err(|error| Error::NotReached {
                call: format!("signing in ({name})"),
                error,
            })
    }

    /// Scopes of a service, with the one that gives a refresh token.
    pub(super) fn scopes(&self, service: Service) -> String {
        format!(
            "{} offline_access openid profile",
            self.cloud.scope(service)
        )
    }

    /// What a successful answer gives.
    pub(super) fn given(&self, answer: &HttpResponse) -> Result<Given, Error> {
        if answer.status >= 400 {
            return Err(fault::from_answer(answer));
        }
        let unusable = |why: &str| Error::Unusable {
            call: "signing in".to_owned(),
            why: why.to_owned(),
        };
        let body: Value =
            serde_json::from_slice(&answer.body).map_err(|_| unusable("it is not JSON"))?;
        let text = |name: &str| body.get(name).and_then(Value::as_str).map(str::to_owned);
        let secret = text("access_token").ok_or_else(|| unusable("it holds no access token"))?;
        // Numbers come as text from some endpoints.
        let seconds = body
            .get("expires_in")
            .and_then(|value| value.as_i64().or_else(|| value.as_str()?.parse().ok()))
            .unwrap_or(3599);
        let now = self.clock.now();
        let expires = now
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap_or(now);
        Ok(Given {
            token: Token::new(secret, expires),
            refresh: text("refresh_token"),
        })
    }

    async fn sign_in(&self, service: Service) -> Result<Given, Error> {
        match self.way {
            Way::DeviceCode => device_code::sign_in(self, service).await,
            Way::Browser => browser::sign_in(self, service).await,
        }
    }
}

#[async_trait]
impl Tokens for Person {
    /// One caller at a time: nobody is asked to sign in twice.
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error> {
        let mut session = self.session.lock().await;
        let now: Timestamp = self.clock.now();
        if stale {
            session.kept.remove(&service);
        }
        if let Some(token) = session
            .kept
            .get(&service)
            .filter(|token| is_fresh(token, now))
        {
            return Ok(token.clone());
        }
        let given = match session.refresh.clone() {
            Some(refresh) => {
                let scopes = self.scopes(service);
                let form = [
                    ("grant_type", "refresh_token"),
                    ("client_id", self.client.as_str()),
                    ("refresh_token", refresh.as_str()),
                    ("scope", scopes.as_str()),
                ];
                self.given(&self.post("token", &form).await?)?
            }
            None => self.sign_in(service).await?,
        };
        if given.refresh.is_some() {
            session.refresh = given.refresh;
        }
        session.kept.insert(service, given.token.clone());
        Ok(given.token)
    }
}
