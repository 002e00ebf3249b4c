//! The running twin, as its parts see it, and what passes between them.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use crate::{
    Fault, Faults, LogRow, State,
    graph::{Meter, Newest},
    signin::Desk,
    tokens::{Api, Keys},
};

/// Where the twin listens: origins such as `https://localhost:40123`, without a slash at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Addresses {
    /// Tokens, sign-in page, portal.
    pub login: String,
    /// Microsoft Graph.
    pub graph: String,
    /// Azure Resource Manager.
    pub arm: String,
    /// Log Analytics queries.
    pub logs: String,
    /// Faults, snapshot, and what else no real cloud has. Plain HTTP.
    pub admin: String,
}

/// An app registration with its consent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct App {
    /// Application (client) id.
    pub client_id: String,
    /// Object id of its service principal.
    pub principal: String,
    /// Display name.
    pub name: String,
    /// Client secret; `None`: it has none.
    pub secret: Option<String>,
    /// DER certificates whose keys may sign its assertions.
    pub certificates: Vec<Vec<u8>>,
    /// Subjects of federated identity credentials: (issuer, subject).
    pub federated: Vec<(String, String)>,
    /// Application permissions that were consented to (`Policy.Read.All`).
    pub permissions: Vec<String>,
    /// Names of the Azure roles that its service principal has: `Reader` holds on every subscription and nowhere above
    /// them, `Contributor at /providers/Microsoft.aadiam` at the scope that it names.
    pub azure: Vec<String>,
    /// Template ids of the Entra roles that its service principal has for the whole tenant.
    pub entra: Vec<String>,
    /// Whether people sign in with it without a secret (device code, browser).
    pub public: bool,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App")
            .field("client_id", &self.client_id)
            .field("name", &self.name)
            .finish_non_exhaustive()
    }
}

/// The running twin.
pub struct Lab {
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) state: Mutex<State>,
    pub(crate) faults: Faults,
    pub(crate) addresses: Addresses,
    pub(crate) apps: Vec<App>,
    pub(crate) keys: Keys,
    pub(crate) meter: Meter,
    pub(crate) index: Newest,
    pub(crate) rp_id: String,
    pub(crate) log_delay: Option<SignedDuration>,
    pub(crate) desk: Desk,
    pub(crate) policies: crate::graph::what_if_set::Cache,
}

impl std::fmt::Debug for Lab {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Lab")
            .field("addresses", &self.addresses)
            .finish_non_exhaustive()
    }
}

impl Lab {
    /// A twin that nobody has called yet.
    pub(crate) fn new(
        clock: Arc<dyn Clock>,
        state: State,
        addresses: Addresses,
        apps: Vec<App>,
        keys: Keys,
    ) -> Self {
        Self {
            clock,
            state: Mutex::new(state),
            faults: Faults::default(),
            addresses,
            apps,
            keys,
            meter: Meter::default(),
            index: Newest::default(),
            rp_id: crate::server::RP_ID.to_owned(),
            log_delay: None,
            desk: Desk::default(),
            policies: crate::graph::what_if_set::Cache::default(),
        }
    }

    /// The state; a panic of another thread while it held the lock leaves a state that is still whole, since every
    /// change is one call.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        state.lag = if self.faults.on(Fault::StaleReads) {
            SignedDuration::from_secs(5)
        } else {
            SignedDuration::ZERO
        };
        state
    }

    /// The tenant's id.
    pub fn tenant(&self) -> String {
        self.state().tenant.clone()
    }

    /// The tenant as it is at this moment, as a snapshot.
    pub fn snapshot(&self) -> Value {
        self.state().to_snapshot(self.clock.now())
    }

    /// The log records as they are, those that nobody can read yet included.
    pub fn logs(&self) -> Vec<LogRow> {
        self.state().logs.clone()
    }

    /// Where the twin listens.
    pub const fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Adds a record to a log, such as one of another tenant that is to be read here.
    pub fn log(&self, row: LogRow) {
        self.state().logs.push(row);
    }

    /// The app registrations that it knows.
    pub fn apps(&self) -> &[App] {
        &self.apps
    }

    /// The id that passkeys of this tenant are bound to.
    pub fn rp_id(&self) -> &str {
        &self.rp_id
    }

    /// The app registration with this client id.
    pub(crate) fn app(&self, client_id: &str) -> Option<&App> {
        self.apps
            .iter()
            .find(|app| app.client_id.eq_ignore_ascii_case(client_id))
    }

    /// The time of the service: real time, ten minutes ahead under [`Fault::ClockSkew`].
    pub(crate) fn now(&self) -> Timestamp {
        let now = self.clock.now();
        if self.faults.on(Fault::ClockSkew) {
            now.saturating_add(SignedDuration::from_mins(10))
                .unwrap_or(now)
        } else {
            now
        }
    }

    /// The switches.
    pub const fn faults(&self) -> &Faults {
        &self.faults
    }
}

/// Whose token a call carries.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Caller {
    /// Client id of the app.
    pub(crate) app: String,
    /// Object id of the app's service principal, where it has one here.
    pub(crate) principal: Option<String>,
    /// Object id of the signed-in user; `None`: the app acts for itself.
    pub(crate) user: Option<String>,
    /// Delegated (`scp`) or application permissions (`roles`).
    pub(crate) permissions: BTreeSet<String>,
    /// Address that the call came from.
    pub(crate) ip: String,
}

/// An answer of Graph, ARM or Log Analytics.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: Body,
}

/// What an answer holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Body {
    /// Nothing.
    Empty,
    /// JSON.
    Json(Value),
    /// `text/plain`, as `/$count` answers.
    Text(String),
}

impl Answer {
    /// An answer with a JSON body.
    pub(crate) const fn json(status: u16, body: Value) -> Self {
        Self {
            status,
            headers: Vec::new(),
            body: Body::Json(body),
        }
    }

    /// 204 without a body.
    pub(crate) const fn no_content() -> Self {
        Self {
            status: 204,
            headers: Vec::new(),
            body: Body::Empty,
        }
    }
}

/// What an error says beside the service's own words where the snapshot is what is at fault.
pub(crate) fn not_held(what: &str) -> String {
    format!(
        " (The twin holds no '{what}': the snapshot that it serves does not tell whether there are any.)"
    )
}

/// An error, which each API puts into an envelope of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    pub(crate) status: u16,
    pub(crate) code: String,
    pub(crate) message: String,
    /// Headers that go with it (`Retry-After`).
    pub(crate) headers: Vec<(&'static str, String)>,
}

impl ApiError {
    /// An error.
    pub(crate) fn new(status: u16, code: &str, message: impl Into<String>) -> Self {
        Self {
            status,
            code: code.to_owned(),
            message: message.into(),
            headers: Vec::new(),
        }
    }

    /// The same with a header.
    pub(crate) fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    /// 403 of the directory.
    pub(crate) fn denied() -> Self {
        Self::new(
            403,
            "Authorization_RequestDenied",
            "Insufficient privileges to complete the operation.",
        )
    }

    /// 403 for what the twin was never told: the service would not refuse here, and nothing stands for "there are none".
    pub(crate) fn not_held(what: &str) -> Self {
        let mut error = Self::denied();
        error.message.push_str(&not_held(what));
        error
    }

    /// 404 of the directory.
    pub(crate) fn not_found(id: &str) -> Self {
        Self::new(
            404,
            "Request_ResourceNotFound",
            format!(
                "Resource '{id}' does not exist or one of its queried reference-property objects are not present."
            ),
        )
    }

    /// The answer of an API, with the header that a refused token comes with.
    pub(crate) fn answer(
        &self,
        lab: &Lab,
        api: Api,
        request_id: &str,
        client_request_id: &str,
    ) -> Answer {
        let mut headers = self.headers.clone();
        let login = &lab.addresses.login;
        if self.status == 401 {
            let challenge = match api {
                Api::Graph => format!(
                    "Bearer realm=\"\", authorization_uri=\"{login}/common/oauth2/authorize\", \
                     client_id=\"00000003-0000-0000-c000-000000000000\""
                ),
                Api::Arm | Api::Logs => format!(
                    "Bearer authorization_uri=\"{login}/{}\", error=\"invalid_token\", error_description=\"{}\"",
                    lab.tenant(),
                    self.message.replace('"', "'")
                ),
            };
            headers.push(("WWW-Authenticate", challenge));
        }
        let mut error = json!({"code": self.code, "message": self.message});
        match api {
            Api::Graph => {
                error["innerError"] = json!({
                    "date": lab.now().strftime("%Y-%m-%dT%H:%M:%S").to_string(), "request-id": request_id,
                    "client-request-id": client_request_id,
                });
            }
            Api::Arm => {}
            Api::Logs => error["correlationId"] = json!(request_id),
        }
        Answer {
            status: self.status,
            headers,
            body: Body::Json(json!({"error": error})),
        }
    }
}
