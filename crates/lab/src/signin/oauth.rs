//! The endpoints that a browser is sent to: `/authorize`, the steps of the page, and the page for device codes.
//!
//! Microsoft identity platform, *OAuth 2.0 authorization code flow* and *device authorization grant flow*.
//!
//! Invariant: nobody is sent to an address that is not checked. A public client may be sent to this machine or to its
//! native address only, which is what desktop tools use.

use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::{Path, State as Extract},
    http::{HeaderMap, StatusCode, Uri, header},
    response::{IntoResponse as _, Response},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::json;
use url::{Url, form_urlencoded};
use uuid::Uuid;

use super::{
    Code,
    circumstances::Circumstances,
    flow::{Attempt, Next, Screen, Walk},
    goal::{CodeRequest, Fields, Goal, Mode, Target},
    html::{Page, esc, hidden, problem},
    memory::{self, DeviceState, Grant, Session},
    pages::View,
    site::Site,
};
use crate::{
    Lab,
    tokens::{TokenError, is_ours},
};

/// Parameters of a query or form.
pub(crate) fn fields(bytes: &[u8]) -> Fields {
    let mut all = Fields::new();
    for (name, value) in form_urlencoded::parse(bytes) {
        all.entry(name.into_owned())
            .or_insert_with(|| value.into_owned());
    }
    all
}

pub(super) fn agent(headers: &HeaderMap) -> &str {
    headers
        .get(header::USER_AGENT)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
}

/// A page that says what is wrong with a request that can't be answered to its app.
pub(super) fn broken(lab: &Lab, error: &TokenError) -> Response {
    let tenant = lab.state().name.clone();
    let body = format!(
        "<h1>Sorry, but we're having trouble signing you in</h1>{}<dl><dt>Request id</dt><dd>{}</dd>\
         <dt>Timestamp</dt><dd>{}</dd></dl>",
        problem(Some(&format!("AADSTS{}: {}", error.code, error.message))),
        Uuid::new_v4(),
        crate::records::seconds(lab.now()),
    );
    Page {
        title: "Sign in",
        tenant: &tenant,
        body,
        status: 400,
        ..Page::default()
    }
    .respond()
}

/// Where a client may be sent: this machine, by any port, and the address of native clients.
fn may_be_sent_to(redirect: &str) -> bool {
    if redirect == "https://login.microsoftonline.com/common/oauth2/nativeclient" {
        return true;
    }
    let Ok(url) = Url::parse(redirect) else {
        return false;
    };
    let own = match url.host() {
        Some(url::Host::Domain(name)) => name == "localhost",
        Some(url::Host::Ipv4(ip)) => ip.is_loopback(),
        Some(url::Host::Ipv6(ip)) => ip.is_loopback(),
        None => false,
    };
    own && matches!(url.scheme(), "http" | "https")
}

fn origin(redirect: &str) -> Option<String> {
    Some(Url::parse(redirect).ok()?.origin().ascii_serialization())
}

pub(super) async fn authorize(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let query = fields(uri.query().unwrap_or_default().as_bytes());
    let get = |name: &str| {
        query
            .get(name)
            .map(String::as_str)
            .filter(|text| !text.is_empty())
    };
    let any = ["common", "organizations"].contains(&tenant.to_lowercase().as_str());
    if !any && !is_ours(&lab, &tenant) {
        let error = TokenError::new(
            "invalid_request",
            90_002,
            format!("Tenant '{tenant}' not found."),
        );
        return broken(&lab, &error);
    }
    let Some(app) = get("client_id").and_then(|id| lab.app(id)) else {
        let id = get("client_id").unwrap_or_default();
        let error = TokenError::new(
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'."
            ),
        );
        return broken(&lab, &error);
    };
    let redirect = get("redirect_uri").unwrap_or_default();
    if !may_be_sent_to(redirect) {
        let error = TokenError::new(
            "invalid_request",
            50_011,
            format!(
                "The redirect URI '{redirect}' specified in the request does not match the redirect URIs configured for the application '{}'.",
                app.client_id
            ),
        );
        return broken(&lab, &error);
    }
    let request = CodeRequest {
        redirect: redirect.to_owned(),
        state: get("state").map(str::to_owned),
        challenge: get("code_challenge").map(str::to_owned),
        nonce: get("nonce").map(str::to_owned),
        mode: Mode::Query,
        client_info: get("client_info") == Some("1"),
    };
    let refuse = |request: &CodeRequest, error: &TokenError| send_error(&lab, request, error);
    let Some(mode) = Mode::from_word(get("response_mode").unwrap_or("query")) else {
        let error = TokenError::new(
            "invalid_request",
            90_014,
            "The response_mode is not supported.",
        );
        return refuse(&request, &error);
    };
    let request = CodeRequest { mode, ..request };
    if get("response_type") != Some("code") {
        let error = TokenError::new(
            "unsupported_response_type",
            700_054,
            "The twin answers response_type 'code' alone.",
        );
        return refuse(&request, &error);
    }
    if request.challenge.is_some() && get("code_challenge_method") != Some("S256") {
        let error = TokenError::new(
            "invalid_request",
            501_481,
            "The twin takes code_challenge_method 'S256' alone.",
        );
        return refuse(&request, &error);
    }
    let target = match Target::of(&lab, app, get("scope").unwrap_or_default()) {
        Ok(target) => target,
        Err(error) => return refuse(&request, &error),
    };
    if get("prompt") == Some("none") {
        let code = Code::NoSession;
        return refuse(
            &request,
            &TokenError::new(code.oauth(), code.number(), code.reason()),
        );
    }
    let mut circumstances = Circumstances::of_agent(agent(&headers));
    if let Err(why) = circumstances.set(&query) {
        return refuse(&request, &TokenError::new("invalid_request", 90_014, why));
    }
    let mut attempt = Attempt::new(Goal::Code(request), target, circumstances);
    get("login_hint")
        .unwrap_or_default()
        .clone_into(&mut attempt.identifier);
    let site = Site::of(&uri, &headers);
    begin(&lab, &site, &attempt)
}

/// The first page of an attempt.
pub(super) fn begin(lab: &Lab, site: &Site, attempt: &Attempt) -> Response {
    let key = memory::remember(&mut lab.desk.memory().attempts, attempt.clone());
    show(lab, site, &key, attempt, &Screen::Name { problem: None })
}

fn show(lab: &Lab, site: &Site, key: &str, attempt: &Attempt, screen: &Screen) -> Response {
    let leads_to = match &attempt.goal {
        Goal::Code(request) => origin(&request.redirect),
        Goal::Device { .. } | Goal::Visit { .. } => None,
    };
    View {
        lab,
        site,
        key,
        attempt,
        leads_to,
    }
    .page(screen)
}

/// A step of the page.
pub(super) async fn step(
    Extract(lab): Extract<Arc<Lab>>,
    Path(_): Path<String>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = fields(&body);
    let site = Site::of(&uri, &headers);
    let key = form.get("flow").cloned().unwrap_or_default();
    // Taken out while it is worked on: two clicks at once can't pass the same step twice.
    let Some(mut attempt) = lab.desk.memory().attempts.shift_remove(&key) else {
        let error = TokenError::new(
            "invalid_request",
            90_014,
            "This sign-in is over or was never begun. Go back to the application and start again.",
        );
        return broken(&lab, &error);
    };
    let name = form.get("step").map_or("", String::as_str);
    let next = match name {
        "restart" => {
            attempt.person = None;
            attempt.used.clear();
            attempt.ways.clear();
            attempt.steps.clear();
            attempt.identifier.clear();
            Next::Show(Screen::Name { problem: None })
        }
        "cancel" => return declined(&lab, &attempt),
        _ => Walk {
            lab: &lab,
            site: &site,
            attempt: &mut attempt,
        }
        .take(name, &form),
    };
    match next {
        Next::Show(screen) => {
            memory::keep(
                &mut lab.desk.memory().attempts,
                key.clone(),
                attempt.clone(),
            );
            show(&lab, &site, &key, &attempt, &screen)
        }
        Next::In => finish(&lab, &attempt),
    }
}

fn declined(lab: &Lab, attempt: &Attempt) -> Response {
    match &attempt.goal {
        Goal::Device { device, .. } => {
            if let Some(own) = lab.desk.memory().devices.get_mut(device) {
                own.state = DeviceState::Declined;
            }
            said(
                lab,
                "Cancelled",
                "The app on the other device was told that you declined. You may close this page.",
            )
        }
        Goal::Code(request) => send_error(
            lab,
            request,
            &TokenError::new("access_denied", 65_004, "The user declined to go on."),
        ),
        Goal::Visit { .. } => said(lab, "Cancelled", "Nothing was signed in to."),
    }
}

fn said(lab: &Lab, title: &str, text: &str) -> Response {
    let tenant = lab.state().name.clone();
    Page {
        title,
        tenant: &tenant,
        body: format!("<h1>{}</h1><p>{}</p>", esc(title), esc(text)),
        status: 200,
        ..Page::default()
    }
    .respond()
}

fn grant_of(lab: &Lab, attempt: &Attempt) -> Option<Grant> {
    let request = match &attempt.goal {
        Goal::Code(request) => Some(request.clone()),
        Goal::Device { .. } | Goal::Visit { .. } => None,
    };
    Some(Grant {
        user: attempt.person.as_ref()?.id.clone(),
        target: attempt.target.clone(),
        amr: attempt.amr(),
        attempt: Box::new(attempt.clone()),
        issued: lab.now(),
        redirect: request.as_ref().map(|request| request.redirect.clone()),
        challenge: request
            .as_ref()
            .and_then(|request| request.challenge.clone()),
        nonce: request.and_then(|request| request.nonce),
    })
}

/// The person is in.
fn finish(lab: &Lab, attempt: &Attempt) -> Response {
    let Some(grant) = grant_of(lab, attempt) else {
        return said(lab, "Sign in", "Nobody signed in.");
    };
    match &attempt.goal {
        Goal::Code(request) => {
            let user = grant.user.clone();
            let code = memory::remember(&mut lab.desk.memory().codes, grant);
            let mut answer = vec![("code", code)];
            if let Some(state) = &request.state {
                answer.push(("state", state.clone()));
            }
            answer.push(("session_state", attempt.session.clone()));
            if request.client_info {
                answer.push(("client_info", client_info(&user, &lab.state().tenant)));
            }
            send(lab, request, &answer)
        }
        Goal::Device { device, .. } => {
            let app = attempt.target.client.1.clone();
            if let Some(own) = lab.desk.memory().devices.get_mut(device) {
                own.state = DeviceState::Granted(Box::new(grant));
            }
            said(
                lab,
                &format!("You have signed in to {app}"),
                "You have signed in to the app on your device. You may now close this window.",
            )
        }
        Goal::Visit { back } => visited(lab, attempt, &grant, back.as_deref()),
    }
}

/// Who signed in, as MSAL wants to know it.
pub(super) fn client_info(user: &str, tenant: &str) -> String {
    BASE64URL_NOPAD.encode(json!({"uid": user, "utid": tenant}).to_string().as_bytes())
}

/// The cookie of the portal.
pub(crate) const COOKIE: &str = "breakglass-twin";

fn visited(lab: &Lab, attempt: &Attempt, grant: &Grant, back: Option<&str>) -> Response {
    let session = Session {
        user: grant.user.clone(),
        ip: attempt.circumstances.ip.to_string(),
        csrf: memory::secret(),
        since: lab.now(),
    };
    let cookie = memory::remember(&mut lab.desk.memory().sessions, session);
    let cookie = format!("{COOKIE}={cookie}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Some(back) = back.filter(|back| back.starts_with("/portal")) {
        let headers = [
            (header::SET_COOKIE, cookie),
            (header::LOCATION, back.to_owned()),
        ];
        return (StatusCode::SEE_OTHER, headers, "").into_response();
    }
    let tenant = lab.state().name.clone();
    let person = attempt.person.as_ref();
    let body = format!(
        "<h1>You are signed in</h1><p class=\"who\">{}</p><p>{} lets {} in.</p>\
         <div class=\"actions\"><a href=\"/lab\">Sign in again</a> <a class=\"button\" href=\"/portal\">Open the portal of the twin</a></div>",
        esc(person.map_or("", |person| person.upn.as_str())),
        esc(&attempt.target.client.1),
        esc(person.map_or("", |person| person.name.as_str())),
    );
    let mut response = Page {
        title: "You are signed in",
        tenant: &tenant,
        body,
        status: 200,
        ..Page::default()
    }
    .respond();
    if let Ok(value) = cookie.parse() {
        response.headers_mut().insert(header::SET_COOKIE, value);
    }
    response
}

fn send_error(lab: &Lab, request: &CodeRequest, error: &TokenError) -> Response {
    let mut answer = vec![
        ("error", error.error.to_owned()),
        (
            "error_description",
            format!(
                "AADSTS{}: {} Trace ID: {} Correlation ID: {} Timestamp: {}",
                error.code,
                error.message,
                Uuid::new_v4(),
                Uuid::new_v4(),
                lab.now().strftime("%Y-%m-%d %H:%M:%SZ")
            ),
        ),
        (
            "error_uri",
            format!(
                "https://login.microsoftonline.com/error?code={}",
                error.code
            ),
        ),
    ];
    if let Some(state) = &request.state {
        answer.push(("state", state.clone()));
    }
    send(lab, request, &answer)
}

/// Sends the browser back to the app.
fn send(lab: &Lab, request: &CodeRequest, answer: &[(&str, String)]) -> Response {
    if request.mode == Mode::FormPost {
        let inputs: String = answer
            .iter()
            .map(|(name, value)| hidden(name, value))
            .collect();
        let tenant = lab.state().name.clone();
        return Page {
            title: "Back to the application",
            tenant: &tenant,
            body: format!(
                "<h1>Back to the application</h1><form method=\"post\" action=\"{}\" data-auto>{inputs}\
                 <div class=\"actions\"><button>Continue</button></div></form>",
                esc(&request.redirect)
            ),
            leads_to: origin(&request.redirect),
            status: 200,
            ..Page::default()
        }
        .respond();
    }
    let Ok(mut url) = Url::parse(&request.redirect) else {
        return said(lab, "Sign in", "The application's address can't be read.");
    };
    if request.mode == Mode::Fragment {
        let text = form_urlencoded::Serializer::new(String::new())
            .extend_pairs(answer)
            .finish();
        url.set_fragment(Some(&text));
    } else {
        url.query_pairs_mut().extend_pairs(answer);
    }
    (
        StatusCode::FOUND,
        [
            (header::LOCATION, url.to_string()),
            (header::CACHE_CONTROL, "no-store".to_owned()),
        ],
        "",
    )
        .into_response()
}
