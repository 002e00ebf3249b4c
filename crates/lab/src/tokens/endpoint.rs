//! The token endpoints, of both versions.
//!
//! Microsoft identity platform, *OAuth 2.0 client credentials flow*. Grants of people (code, device code, refresh
//! token) come from the sign-in page's part of the twin.

use std::{collections::BTreeMap, net::SocketAddr, sync::Arc};

use axum::{
    Json, Router,
    body::Bytes,
    extract::{ConnectInfo, Path, State as Extract},
    http::{HeaderMap, header},
    response::{IntoResponse as _, Response},
    routing::{get, post},
};
use serde_json::{Value, json};
use url::form_urlencoded;

use super::{Api, DATA_READ, LIFETIME, Subject, client, discovery, error::TokenError, issue};
use crate::{
    App, Fault, Lab,
    records::{self, Credential},
    signin,
};

/// The fields of a form; empty ones count as absent.
#[derive(Clone, Default)]
pub(crate) struct Form(BTreeMap<String, String>);

impl Form {
    pub(crate) fn read(bytes: &[u8]) -> Self {
        Self(
            form_urlencoded::parse(bytes)
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| (name.into_owned(), value.into_owned()))
                .collect(),
        )
    }

    /// A field.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    fn default_to(&mut self, name: &str, value: String) {
        self.0.entry(name.to_owned()).or_insert(value);
    }
}

/// A request for a token, after its tenant and client were recognised.
pub(crate) struct TokenRequest<'a> {
    /// The client; for one with a secret, it has proved to be it.
    pub(crate) app: &'a App,
    /// The form.
    pub(crate) form: &'a Form,
    /// Address that it came from.
    pub(crate) ip: String,
    /// The endpoint of the first version: `resource` in place of `scope`, numbers as text.
    pub(crate) v1: bool,
}

/// What the login listener serves, without the sign-in page.
pub(crate) fn routes(lab: Arc<Lab>) -> Router {
    Router::new()
        .route("/{tenant}/oauth2/v2.0/token", post(token_v2))
        .route("/{tenant}/oauth2/token", post(token_v1))
        .route(
            "/{tenant}/v2.0/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route(
            "/{tenant}/.well-known/openid-configuration",
            get(discovery::configuration),
        )
        .route("/{tenant}/discovery/v2.0/keys", get(discovery::keys))
        .route("/{tenant}/discovery/keys", get(discovery::keys))
        .route("/{tenant}/discovery/instance", get(discovery::instance))
        .with_state(lab)
}

/// Whether the tenant in a path is this one: its id, one of its verified domains, or a word for any.
pub(crate) fn is_ours(lab: &Lab, tenant: &str) -> bool {
    let state = lab.state();
    if tenant.eq_ignore_ascii_case(&state.tenant) {
        return true;
    }
    let named = |name: Option<&Value>| {
        name.and_then(Value::as_str)
            .is_some_and(|name| name.eq_ignore_ascii_case(tenant))
    };
    state
        .table("domains")
        .all()
        .any(|domain| named(domain.get("id")))
        || state.table("organization").all().any(|organization| {
            organization
                .get("verifiedDomains")
                .and_then(Value::as_array)
                .is_some_and(|domains| domains.iter().any(|domain| named(domain.get("name"))))
        })
}

/// The refusal of a tenant that is not this one.
pub(crate) fn unknown_tenant(tenant: &str) -> TokenError {
    TokenError::new(
        "invalid_request",
        90_002,
        format!(
            "Tenant '{tenant}' not found. Check to make sure you have the correct tenant ID and are signing into the \
             correct cloud. Check with your subscription administrator, this may happen if there are no active \
             subscriptions for the tenant."
        ),
    )
}

async fn token_v2(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, &tenant, from, &headers, &body, false)
}

async fn token_v1(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
    ConnectInfo(from): ConnectInfo<SocketAddr>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    answer(&lab, &tenant, from, &headers, &body, true)
}

fn answer(
    lab: &Arc<Lab>,
    tenant: &str,
    from: SocketAddr,
    headers: &HeaderMap,
    body: &[u8],
    v1: bool,
) -> Response {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let mut form = Form::read(body);
    if let Some((id, secret)) = header(header::AUTHORIZATION.as_str()).and_then(client::basic) {
        form.default_to("client_id", id);
        form.default_to("client_secret", secret);
    }
    match token(lab, tenant, from, &form, v1) {
        Ok(answer) => (
            [
                (header::CACHE_CONTROL, "no-store, no-cache"),
                (header::PRAGMA, "no-cache"),
            ],
            Json(answer),
        )
            .into_response(),
        Err(error) => error.answer(lab, header("client-request-id")),
    }
}

fn token(
    lab: &Arc<Lab>,
    tenant: &str,
    from: SocketAddr,
    form: &Form,
    v1: bool,
) -> Result<Value, TokenError> {
    if lab.faults.on(Fault::LoginOutage) {
        return Err(TokenError::new(
            "temporarily_unavailable",
            90_033,
            "A transient error has occurred. Please try again.",
        ));
    }
    if lab.faults.on(Fault::WrongCloud) {
        return Err(TokenError::new(
            "invalid_request",
            90_038,
            format!(
                "The tenant '{tenant}' was found in another national cloud instance. Use the sign-in address of that \
                 cloud."
            ),
        ));
    }
    let grant = form
        .get("grant_type")
        .ok_or_else(|| TokenError::missing("grant_type"))?;
    let any = matches!(
        tenant.to_lowercase().as_str(),
        "common" | "organizations" | "consumers"
    );
    if any && grant == "client_credentials" {
        return Err(TokenError::new(
            "invalid_request",
            90_002,
            format!(
                "The tenant '{tenant}' can't be used with client credentials: name the tenant."
            ),
        ));
    }
    if !any && !is_ours(lab, tenant) {
        return Err(unknown_tenant(tenant));
    }
    let (app, proved) = client::authenticate(lab, tenant, form)?;
    if !proved && !app.public {
        return Err(TokenError::new(
            "invalid_client",
            7_000_218,
            "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.",
        ));
    }
    let request = TokenRequest {
        app,
        form,
        ip: from.ip().to_string(),
        v1,
    };
    match grant {
        "client_credentials" if proved => client_credentials(lab, &request),
        "client_credentials" => Err(TokenError::new(
            "unauthorized_client",
            700_025,
            format!(
                "Client is public so neither 'client_assertion' nor 'client_secret' should be presented by app '{}'.",
                app.client_id
            ),
        )),
        _ => signin::grant(lab, &request, grant).unwrap_or_else(|| {
            Err(TokenError::new(
                "unsupported_grant_type",
                70_003,
                format!("The app requested an unsupported grant type '{grant}'."),
            ))
        }),
    }
}

/// The one resource that scopes name, as written, without `/.default` and the names of permissions.
pub(crate) fn resource(lab: &Lab, scope: &str) -> Result<(Api, String), TokenError> {
    let mut found: Option<(Api, String)> = None;
    for part in scope.split_whitespace() {
        if ["openid", "profile", "offline_access", "email"].contains(&part) {
            continue;
        }
        let (name, _) = part
            .rsplit_once('/')
            .filter(|(name, _)| name.contains("://") && !name.ends_with(":/"))
            .unwrap_or(("https://graph.microsoft.com", part));
        let Some(api) = Api::of(lab, name) else {
            return Err(unknown_resource(name));
        };
        match &found {
            Some((other, _)) if *other != api => {
                return Err(TokenError::new(
                    "invalid_scope",
                    70_011,
                    format!(
                        "The provided request must include a 'scope' input parameter. The provided value for the input \
                         parameter 'scope' is not valid. The scope {scope} is not valid: only one resource a request."
                    ),
                ));
            }
            Some(_) => {}
            None => found = Some((api, name.to_owned())),
        }
    }
    found.ok_or_else(|| TokenError::missing("scope"))
}

fn unknown_resource(name: &str) -> TokenError {
    TokenError::new(
        "invalid_resource",
        500_011,
        format!(
            "The resource principal named {name} was not found in the tenant. This can happen if the application has not been installed by the administrator of the tenant or consented to by any user in the tenant."
        ),
    )
}

/// The application permissions of an API among those of an app: all but one are Graph's. Azure Resource Manager has
/// none and judges by roles alone.
fn of_api(permissions: &[String], api: Api) -> Vec<&str> {
    permissions
        .iter()
        .map(String::as_str)
        .filter(|name| match api {
            Api::Graph => *name != DATA_READ,
            Api::Logs => *name == DATA_READ,
            Api::Arm => false,
        })
        .collect()
}

fn client_credentials(lab: &Lab, request: &TokenRequest<'_>) -> Result<Value, TokenError> {
    let (api, audience) = if request.v1 {
        let name = request
            .form
            .get("resource")
            .ok_or_else(|| TokenError::missing("resource"))?;
        let api = Api::of(lab, name).ok_or_else(|| unknown_resource(name))?;
        (api, name.to_owned())
    } else {
        let scope = request
            .form
            .get("scope")
            .ok_or_else(|| TokenError::missing("scope"))?;
        let (api, name) = resource(lab, scope)?;
        if !scope.ends_with("/.default") {
            return Err(TokenError::new(
                "invalid_scope",
                1_002_012,
                format!(
                    "The provided value for scope {scope} is not valid. Client credential flows must have a scope value \
                     with /.default suffixed to the resource identifier (application ID URI)."
                ),
            ));
        }
        (api, name)
    };
    let subject = Subject {
        app: request.app,
        user: None,
        methods: &[],
        ip: &request.ip,
    };
    let permissions = of_api(&request.app.permissions, api);
    let token = issue(lab, &subject, &audience, &permissions, LIFETIME);
    let credential = match request.form.get("client_assertion") {
        None => Credential::Secret,
        Some(_) if request.app.certificates.is_empty() => Credential::Federated,
        Some(_) => Credential::Certificate,
    };
    records::service_principal(
        lab,
        request.app,
        signin::goal::resource_of(api),
        &request.ip,
        credential,
    );
    Ok(success(lab, request.v1, &audience, &token))
}

/// The body of a success, without what only people get (scope, refresh token).
pub(crate) fn success(lab: &Lab, v1: bool, audience: &str, token: &str) -> Value {
    let lifetime = LIFETIME.as_secs();
    if v1 {
        let now = lab.now().as_second();
        // Numbers are text in the first version.
        return json!({
            "token_type": "Bearer", "expires_in": lifetime.to_string(), "ext_expires_in": lifetime.to_string(),
            "expires_on": now.saturating_add(lifetime).to_string(), "not_before": now.to_string(),
            "resource": audience, "access_token": token,
        });
    }
    json!({"token_type": "Bearer", "expires_in": lifetime, "ext_expires_in": lifetime, "access_token": token})
}
