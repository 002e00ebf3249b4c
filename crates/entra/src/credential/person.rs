//! A person who signs in once; the refresh token then gives the tokens of all services. It stays in memory.

use std::{
    collections::{BTreeSet, HashMap},
    sync::Arc,
};

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
    sending,
};
use crate::{
    Cloud, Error, HttpRequest, HttpResponse, Service, Transport, error::parsed, permissions,
};

/// How the person signs in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    DeviceCode,
    Browser,
}

/// Who signs in, and for what.
pub(super) struct Who {
    pub(super) way: Way,
    /// Tenant id or domain; `None`: the person's own.
    pub(super) tenant: Option<String>,
    /// Application id; `None`: [`GRAPH_COMMAND_LINE_TOOLS`].
    pub(super) client: Option<String>,
    /// Whether permissions to write are asked for too.
    pub(super) writes: bool,
}

pub(super) struct Person {
    way: Way,
    /// Commands whose permissions are asked for.
    commands: &'static [&'static str],
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
        who: Who,
        cloud: Cloud,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        prompt: Prompt,
    ) -> Self {
        Self {
            way: who.way,
            commands: if who.writes {
                &["collect", "apply"]
            } else {
                &["collect"]
            },
            // Accounts of any organisation, and no personal ones.
            tenant: who.tenant.unwrap_or_else(|| "organizations".to_owned()),
            client: who
                .client
                .unwrap_or_else(|| GRAPH_COMMAND_LINE_TOOLS.to_owned()),
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
        let request = HttpRequest {
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
        };
        sending::send(self.transport.as_ref(), request)
            .await
            .map_err(|error| Error::NotReached {
                call: format!("signing in ({name})"),
                error,
            })
    }

    /// Who answers for sign-ins.
    pub(super) fn host(&self) -> &str {
        self.cloud.login.host_str().unwrap_or_default()
    }

    /// Scopes of a service, with the one that gives a refresh token.
    ///
    /// Of Microsoft's own public client each permission is asked for by name: `.default` would give only what somebody
    /// consented to before, which in a tenant that never used it is next to nothing.
    pub(super) fn scopes(&self, service: Service) -> String {
        let all = self.cloud.scope(service);
        let own = if service == Service::Graph && self.client == GRAPH_COMMAND_LINE_TOOLS {
            let audience = all.trim_end_matches(".default");
            self.commands
                .iter()
                .flat_map(|command| permissions::delegated(command))
                .collect::<BTreeSet<_>>()
                .into_iter()
                .map(|name| format!("{audience}{name}"))
                .collect::<Vec<_>>()
                .join(" ")
        } else {
            all
        };
        format!("{own} offline_access openid profile")
    }

    /// What a successful answer gives.
    pub(super) fn given(&self, answer: &HttpResponse) -> Result<Given, Error> {
        let Some(body) = Self::body(answer) else {
            return Err(fault::from_answer(self.host(), answer));
        };
        let unusable = |why: &str| Error::Unusable {
            call: "signing in".to_owned(),
            why: why.to_owned(),
        };
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

    /// The JSON of an answer that grants something.
    pub(super) fn body(answer: &HttpResponse) -> Option<Value> {
        parsed(&answer.body)
            .ok()
            .filter(|_| (200..300).contains(&answer.status))
    }

    /// A token by the refresh token; `None`: it counts no more, and the person has to sign in again.
    async fn refreshed(&self, service: Service, refresh: &str) -> Result<Option<Given>, Error> {
        let scopes = self.scopes(service);
        let form = [
            ("grant_type", "refresh_token"),
            ("client_id", self.client.as_str()),
            ("refresh_token", refresh),
            ("scope", scopes.as_str()),
        ];
        match self.given(&self.post("token", &form).await?) {
            Ok(given) => Ok(Some(given)),
            // OpenID Connect Core 1.0, 3.1.2.6, and RFC 6749, 5.2.
            Err(Error::SignIn(error))
                if matches!(
                    error.error.as_str(),
                    "invalid_grant"
                        | "interaction_required"
                        | "login_required"
                        | "consent_required"
                ) =>
            {
                Ok(None)
            }
            Err(error) => Err(error),
        }
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
        let refreshed = match session.refresh.take() {
            Some(refresh) => {
                let result = self.refreshed(service, &refresh).await;
                if !matches!(result, Ok(None)) {
                    session.refresh = Some(refresh);
                }
                result?
            }
            None => None,
        };
        let given = match refreshed {
            Some(given) => given,
            None => self.sign_in(service).await?,
        };
        if given.refresh.is_some() {
            session.refresh = given.refresh;
        }
        session.kept.insert(service, given.token.clone());
        Ok(given.token)
    }
}
