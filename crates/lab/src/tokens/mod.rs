//! Access tokens: issued, signed and verified.
//!
//! Microsoft Graph, Azure Resource Manager and Log Analytics take tokens of the first format (`ver` 1.0, issuer
//! `https://sts.windows.net/…`), whichever endpoint issued them: Microsoft identity platform, *Access token claims
//! reference*.
//!
//! Invariants:
//! - a token is good for one API only: its `aud` decides which;
//! - whoever holds no token that this run signed is nobody: there is no other way in.

mod client;
mod discovery;
mod endpoint;
mod error;
mod jwt;
mod refusal;

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::{App, Fault, Lab, lab::ApiError, lab::Caller};

pub(crate) use endpoint::{Form, TokenRequest, is_ours, resource, routes, unknown_tenant};
pub(crate) use error::TokenError;
pub(crate) use jwt::Keys;
use refusal::Refusal;

/// How long access tokens are good.
pub(crate) const LIFETIME: SignedDuration = SignedDuration::from_secs(3599);

/// The application permission of Log Analytics: without it, an app's roles at a workspace do not count.
pub(crate) const DATA_READ: &str = "Data.Read";

/// What a token is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Api {
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    Arm,
    /// Log Analytics queries.
    Logs,
}

impl Api {
    /// Names that the API has in `scope` and `aud`, without a slash at the end.
    fn names(self) -> &'static [&'static str] {
        match self {
            Self::Graph => &[
                "https://graph.microsoft.com",
                "00000003-0000-0000-c000-000000000000",
            ],
            Self::Arm => &[
                "https://management.azure.com",
                "https://management.core.windows.net",
                "797f4846-ba00-4fd7-ba43-dac1f8f63013",
            ],
            Self::Logs => &[
                "https://api.loganalytics.io",
                "https://api.loganalytics.azure.com",
                "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5",
            ],
        }
    }

    /// The API that a resource names: by its name in the public cloud, or by where this twin serves it, which is how
    /// clients of a cloud of one's own name it.
    pub(crate) fn of(lab: &Lab, resource: &str) -> Option<Self> {
        let resource = resource.trim_end_matches('/');
        let here = |api| match api {
            Self::Graph => &lab.addresses.graph,
            Self::Arm => &lab.addresses.arm,
            Self::Logs => &lab.addresses.logs,
        };
        [Self::Graph, Self::Arm, Self::Logs]
            .into_iter()
            .find(|&api| {
                api.names()
                    .iter()
                    .copied()
                    .chain([here(api).as_str()])
                    .any(|name| name.eq_ignore_ascii_case(resource))
            })
    }
}

/// Whom a token is about.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject<'a> {
    /// The app that asked.
    pub(crate) app: &'a App,
    /// Object id of the user who signed in; `None`: the app itself.
    pub(crate) user: Option<&'a str>,
    /// How the user proved to be one (`amr`): `pwd`, `mfa`, `fido`.
    pub(crate) methods: &'a [&'a str],
    /// Address that was signed in from.
    pub(crate) ip: &'a str,
}

/// An access token for `audience`, a resource that [`Api::of`] knows, with these permissions.
pub(crate) fn issue<S: AsRef<str>>(
    lab: &Lab,
    subject: &Subject<'_>,
    audience: &str,
    permissions: &[S],
    lifetime: SignedDuration,
) -> String {
    let now = lab.now().as_second();
    let object = subject.user.unwrap_or(&subject.app.principal);
    let mut claims = Map::new();
    let mut put = |name: &str, value: Value| claims.insert(name.to_owned(), value);
    let tenant = lab.state().tenant.clone();
    put("aud", json!(audience));
    put("iss", json!(format!("https://sts.windows.net/{tenant}/")));
    put("iat", json!(now));
    put("nbf", json!(now));
    put("exp", json!(now.saturating_add(lifetime.as_secs())));
    put("aio", json!(Uuid::new_v4().simple().to_string()));
    put("appid", json!(subject.app.client_id));
    put("app_displayname", json!(subject.app.name));
    put(
        "appidacr",
        json!(if subject.app.public { "0" } else { "1" }),
    );
    put("idp", json!(format!("https://sts.windows.net/{tenant}/")));
    put("ipaddr", json!(subject.ip));
    put("oid", json!(object));
    put("sub", json!(object));
    put("tid", json!(tenant));
    put("uti", json!(Uuid::new_v4().simple().to_string()));
    put("ver", json!("1.0"));
    let names: Vec<&str> = permissions.iter().map(AsRef::as_ref).collect();
    if subject.user.is_some() {
        put("idtyp", json!("user"));
        put("amr", json!(subject.methods));
        put("scp", json!(names.join(" ")));
        let state = lab.state();
        if let Some(user) = state.table("users").get(object) {
            for (claim, property) in [
                ("name", "displayName"),
                ("upn", "userPrincipalName"),
                ("unique_name", "userPrincipalName"),
            ] {
                put(claim, user.get(property).cloned().unwrap_or_default());
            }
        }
    } else {
        put("idtyp", json!("app"));
        put("roles", json!(names));
    }
    sign(lab, &Value::Object(claims))
}

/// Any signed token: an id token, for example.
pub(crate) fn sign(lab: &Lab, claims: &Value) -> String {
    lab.keys.sign(claims)
}

/// Who calls, by the `Authorization` header.
pub(crate) fn caller(
    lab: &Lab,
    api: Api,
    authorization: Option<&str>,
    ip: &str,
) -> Result<Caller, ApiError> {
    let refused = |refusal: Refusal<'_>| Err(refusal.of(api, lab.now()));
    let Some(token) = authorization.and_then(bearer).filter(|t| !t.is_empty()) else {
        return refused(Refusal::Missing);
    };
    let Some(claims) = lab.keys.verify(token) else {
        return refused(Refusal::Malformed);
    };
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default();
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    if Api::of(lab, text("aud")) != Some(api) {
        return refused(Refusal::Audience(text("aud")));
    }
    let now = lab.now().as_second();
    if lab.faults.on(Fault::ExpiredTokens) || time("exp").is_none_or(|exp| exp <= now) {
        let end = time("exp").and_then(|exp| Timestamp::from_second(exp).ok());
        return refused(Refusal::Expired(end.unwrap_or(Timestamp::UNIX_EPOCH)));
    }
    // The service tolerates five minutes between clocks, as libraries of Microsoft do.
    if time("nbf").is_none_or(|nbf| nbf > now.saturating_add(300)) {
        return refused(Refusal::Early);
    }
    let app_only = text("idtyp") == "app";
    if !app_only && session_revoked(lab, text("oid"), time("iat")) {
        return refused(Refusal::Revoked);
    }
    let permissions: BTreeSet<String> = if app_only {
        let roles = claims.get("roles").and_then(Value::as_array);
        roles
            .into_iter()
            .flatten()
            .filter_map(|role| role.as_str().map(str::to_owned))
            .collect()
    } else {
        text("scp").split(' ').map(str::to_owned).collect()
    };
    let app = text("appid").to_owned();
    let principal = lab.app(&app).map(|app| app.principal.clone());
    Ok(Caller {
        principal: principal.filter(|id| !id.is_empty()),
        app,
        user: (!app_only).then(|| text("oid").to_owned()),
        permissions,
        ip: ip.to_owned(),
    })
}

/// Whether the user of a token is gone or disabled, or signed in before sessions were revoked. Continuous access
/// evaluation: Microsoft Entra, *Continuous access evaluation*, critical events.
fn session_revoked(lab: &Lab, user: &str, issued: Option<i64>) -> bool {
    let state = lab.state();
    let Some(user) = state.table("users").get(user) else {
        return true;
    };
    if user.get("accountEnabled") == Some(&Value::Bool(false)) {
        return true;
    }
    let valid_from = user
        .get("signInSessionsValidFromDateTime")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Timestamp>().ok());
    match (valid_from, issued) {
        (Some(from), Some(issued)) => issued < from.as_second(),
        _ => false,
    }
}

/// The token of a `Bearer` header; the scheme's case does not matter.
fn bearer(header: &str) -> Option<&str> {
    let (scheme, token) = header.split_once(' ')?;
    scheme
        .eq_ignore_ascii_case("bearer")
        .then_some(token.trim())
}
