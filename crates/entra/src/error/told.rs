//! Reading what an error answer says, in any of the envelopes of Microsoft's services.
//!
//! Invariant: status and code decide what the program does; a message is only ever shown.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::SignedDuration;
use serde_json::Value;

use super::{Error, Refusal, redact::redacted};
use crate::HttpResponse;

/// The most letters of a message that are shown.
const MOST: usize = 500;
/// A clock that is wrong by this much makes valid tokens look expired, or not valid yet.
pub(crate) const SKEW: SignedDuration = SignedDuration::from_mins(2);

/// What an error body says.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) code: String,
    pub(crate) message: String,
    /// Id of the request, where the body holds one.
    pub(crate) request_id: Option<String>,
}

/// The JSON of a body, also after a byte order mark.
pub(crate) fn parsed(body: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body))
}

/// Whether a body is a web page: what proxies, portals and gateways send in place of the service.
pub(crate) fn is_page(body: &[u8]) -> bool {
    body.trim_ascii_start().starts_with(b"<")
}

fn field<'a>(value: &'a Value, name: &str) -> Option<&'a Value> {
    value
        .as_object()?
        .iter()
        .find(|(key, _)| key.eq_ignore_ascii_case(name))
        .map(|(_, value)| value)
}

/// A text; older services wrap theirs as `{"value": …}` or `{"message": …}`.
fn text(value: &Value, name: &str) -> Option<String> {
    match field(value, name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        found @ Value::Object(_) => field(found, "value")
            .or_else(|| field(found, "message"))?
            .as_str()
            .map(str::to_owned),
        _ => None,
    }
}

/// Code, message and request id of an error body: `{"error": {…}}`, twice wrapped, `{"odata.error": {…}}`, capital letters,
/// `{"errorCode", "message"}` without an envelope, OAuth's `{"error": "…", "error_description": "…"}`, details in
/// `innererror`, and JSON inside the message (Microsoft Graph, *Microsoft Graph error responses*; Azure Resource Manager
/// and Azure Monitor Log Analytics API, *Errors*).
pub(crate) fn told(body: &Value) -> Told {
    let mut envelope = body;
    for _ in 0..3 {
        match field(envelope, "error").or_else(|| field(envelope, "odata.error")) {
            Some(next @ Value::Object(_)) => envelope = next,
            _ => break,
        }
    }
    let mut code = text(envelope, "code")
        .or_else(|| text(envelope, "errorCode"))
        .or_else(|| text(envelope, "error"))
        .unwrap_or_default();
    let mut message = text(envelope, "message")
        .or_else(|| text(envelope, "error_description"))
        .unwrap_or_default();
    let mut request_id = text(envelope, "correlationId");
    let mut inner = envelope;
    let mut innermost = String::new();
    for _ in 0..5 {
        let Some(next) = field(inner, "innererror") else {
            break;
        };
        inner = next;
        if code.is_empty() {
            code = text(inner, "code").unwrap_or_default();
        }
        match text(inner, "message") {
            Some(first) if message.is_empty() => message = first,
            Some(further) => innermost = further,
            None => {}
        }
        request_id = text(inner, "request-id").or(request_id);
    }
    if innermost.is_empty()
        && let Some(first) = field(envelope, "details").and_then(|details| details.get(0))
    {
        innermost = text(first, "message").unwrap_or_default();
    }
    if let Ok(nested @ Value::Object(_)) = serde_json::from_str::<Value>(&message) {
        let nested = field(&nested, "error")
            .filter(|value| value.is_object())
            .unwrap_or(&nested);
        code = text(nested, "errorCode")
            .or_else(|| text(nested, "code"))
            .unwrap_or(code);
        message = text(nested, "message").unwrap_or(message);
    }
    if message.is_empty() {
        message = innermost;
    } else if !innermost.is_empty() && !message.contains(innermost.trim_end_matches('.')) {
        message = format!("{}: {innermost}", message.trim_end_matches(['.', ' ']));
    }
    Told {
        code,
        message,
        request_id,
    }
}

/// The error that an answer tells. `ahead`: how far our clock is ahead of the service's.
pub(crate) fn refusal(call: &str, answer: &HttpResponse, ahead: Option<SignedDuration>) -> Refusal {
    let body = parsed(&answer.body);
    let mut told = match &body {
        Ok(body) => told(body),
        Err(_) => Told {
            message: plain(&answer.body),
            ..Told::default()
        },
    };
    let challenge = challenge(answer);
    if told.code.is_empty() && told.message.is_empty() {
        (told.code, told.message) = header_error(answer);
    }
    let moved = (300..400).contains(&answer.status);
    if moved {
        told.message = format!("a redirect to {}", target(answer));
    }
    let request_id = [
        "request-id",
        "x-ms-request-id",
        "x-ms-correlation-request-id",
    ]
    .iter()
    .find_map(|name| answer.header(name))
    .map(|id| id.chars().take(100).collect())
    .or(told.request_id);
    let code = line(&told.code);
    let message = line(&told.message);
    let help = match challenge {
        Some(asked) => asked,
        None if moved => "it is not followed: is a proxy or a sign-in page of the network in between, or is the cloud's \
            address wrong?"
            .to_owned(),
        None if body.is_err() && is_page(&answer.body) => {
            "it came from a proxy or gateway in between: let it through to Microsoft, or run it again later".to_owned()
        }
        None => help(answer.status, &code, &message, ahead),
    };
    Refusal {
        status: answer.status,
        code,
        message,
        call: call.to_owned(),
        request_id,
        help,
    }
}

/// One line without tokens, of a bearable length.
pub(crate) fn line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = redacted(&words.join(" "));
    if text.chars().count() <= MOST {
        return text;
    }
    text.chars().take(MOST).chain(['…']).collect()
}

/// What a body says that is no JSON.
fn plain(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(&body[..body.len().min(64 * 1024)]);
    if !is_page(body) {
        return text.chars().take(200).collect();
    }
    let lower = text.to_ascii_lowercase();
    let title = lower
        .find("<title>")
        .map(|at| at + "<title>".len())
        .and_then(|start| Some(&text[start..start + lower[start..].find("</title>")?]))
        .map(str::trim)
        .filter(|title| !title.is_empty());
    title.map_or_else(
        || "a web page".to_owned(),
        |title| {
            format!(
                "a web page, `{}`",
                title.chars().take(100).collect::<String>()
            )
        },
    )
}

/// Where a redirect leads: the host only, since the rest may hold more than is good to show.
fn target(answer: &HttpResponse) -> String {
    let place = answer.header("location").unwrap_or_default();
    url::Url::parse(place)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned))
        .unwrap_or_else(|| "another address".to_owned())
}

/// A parameter of `WWW-Authenticate` (RFC 9110, 11.6.1).
fn parameter(answer: &HttpResponse, name: &str) -> Option<String> {
    let headers = answer.headers.iter();
    let mut all = headers.filter(|(known, _)| known.eq_ignore_ascii_case("www-authenticate"));
    all.find_map(|(_, header)| {
        let lower = header.to_ascii_lowercase();
        let mut from = 0;
        loop {
            let at = from + lower[from..].find(name)?;
            from = at + name.len();
            let starts = !lower[..at].ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
            let Some(value) = header[from..]
                .trim_start()
                .strip_prefix('=')
                .filter(|_| starts)
            else {
                continue;
            };
            let value = value.trim_start();
            return Some(match value.strip_prefix('"') {
                Some(quoted) => quoted.split('"').next().unwrap_or_default().to_owned(),
                None => value
                    .split([',', ' '])
                    .next()
                    .unwrap_or_default()
                    .to_owned(),
            });
        }
    })
}

fn header_error(answer: &HttpResponse) -> (String, String) {
    let get = |name| parameter(answer, name).unwrap_or_default();
    (get("error"), get("error_description"))
}

/// What a claims challenge asks for, in words (Microsoft identity platform, *Claims challenges, claims requests, and client
/// capabilities*).
fn challenge(answer: &HttpResponse) -> Option<String> {
    let claims = parameter(answer, "claims");
    let is_challenge = claims.is_some()
        || parameter(answer, "error").is_some_and(|error| error == "insufficient_claims");
    if !is_challenge {
        return None;
    }
    let decoded = claims.as_deref().and_then(|claims| {
        let claims = claims.trim_end_matches('=');
        let bytes = BASE64URL_NOPAD
            .decode(claims.as_bytes())
            .or_else(|_| data_encoding::BASE64_NOPAD.decode(claims.as_bytes()))
            .or_else(|_| BASE64.decode(claims.as_bytes()))
            .ok()?;
        serde_json::from_slice::<Value>(&bytes).ok()
    });
    let token = decoded
        .as_ref()
        .and_then(|claims| claims.get("access_token"));
    let context = token.and_then(|token| {
        let acrs = token.get("acrs")?;
        let value = acrs.get("value").or_else(|| acrs.get("values")?.get(0))?;
        value.as_str().map(|name| {
            name.chars()
                .filter(char::is_ascii_alphanumeric)
                .take(20)
                .collect::<String>()
        })
    });
    Some(match context {
        Some(context) => format!(
            "a Conditional Access policy asks for authentication context {context} here, which this sign-in did not prove: \
             sign in as a person who can (--login browser), or with an application that the policy leaves out"
        ),
        None if token.is_some_and(|token| token.get("nbf").is_some()) => {
            "the session was revoked, or something about the account has changed since: sign in again".to_owned()
        }
        None => "a Conditional Access policy asks for more than this sign-in proved: sign in again as a person who can \
            (--login browser), or with an application that the policy leaves out"
            .to_owned(),
    })
}

/// What to do next.
fn help(status: u16, code: &str, message: &str, ahead: Option<SignedDuration>) -> String {
    let about = format!("{code} {message}").to_ascii_lowercase();
    let says = |word: &str| about.contains(word);
    if status == 401 || (status == 403 && code.starts_with("InvalidAuthenticationToken")) {
        if let Some(ahead) = ahead.filter(|ahead| ahead.abs() >= SKEW) {
            let side = if ahead.is_negative() {
                "behind"
            } else {
                "ahead of"
            };
            return format!(
                "this machine's clock is {} {side} Microsoft's, so valid tokens look wrong: set the clock",
                super::words(ahead.unsigned_abs())
            );
        }
        return if says("audience") {
            "the token is for another service: is the cloud the right one?"
        } else if says("tenant") || says("issuer") {
            "the token is of another tenant: check the tenant id and the cloud"
        } else if says("expired") || says("lifetime") {
            "a new token was refused too: sign in again"
        } else {
            "a new token was refused too: sign in again, and check that cloud and tenant are the right ones"
        }
        .to_owned();
    }
    if code.eq_ignore_ascii_case("MissingProvider") {
        return "privileged identity management was never set up in this tenant".to_owned();
    }
    if super::is_unlicensed(code) {
        return "it needs Microsoft Entra ID P1 or P2, which the tenant lacks".to_owned();
    }
    match status {
        403 if code.eq_ignore_ascii_case("InsufficientAccessError") => {
            "give this identity the role Log Analytics Reader on the workspace; a new one can take an hour to count"
        }
        403 => "give this identity the permission or role that it needs",
        400 | 410 if says("pagetoken") || says("skiptoken") || says("resyncrequired") || says("syncstatenotfound") => {
            "the list's pages have run out while it was read: run it again"
        }
        407 => "the proxy asks who you are: let this machine through to Microsoft without that",
        409 if says("missingsubscriptionregistration") => {
            "register the resource provider in the subscription, or leave the subscription out"
        }
        429 => "Microsoft limits requests: run it again in a few minutes",
        500.. => "Microsoft's service has failed: run it again later",
        _ => "",
    }
    .to_owned()
}

/// Why an answer that should be JSON cannot be read.
pub(crate) fn unreadable(call: &str, answer: &HttpResponse, error: &serde_json::Error) -> Error {
    let why = if answer.body.is_empty() {
        format!(
            "it is empty (status {}): is a proxy in between? Else run it again later",
            answer.status
        )
    } else if is_page(&answer.body) {
        format!(
            "it is {}: is a proxy or a sign-in page of the network in between?",
            line(&plain(&answer.body))
        )
    } else {
        format!("it is not JSON ({error}): is a proxy in between? Else run it again later")
    };
    Error::Unusable {
        call: call.to_owned(),
        why,
    }
}
