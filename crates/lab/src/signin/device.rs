//! Device codes: a device asks for one, shows it, and somebody types it on another.
//!
//! Microsoft identity platform, *OAuth 2.0 device authorization grant flow*.

use std::sync::Arc;

use axum::{
    Json,
    body::Bytes,
    extract::{Path, State as Extract},
    http::{HeaderMap, Uri},
    response::{IntoResponse as _, Response},
};
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::{
    circumstances::Circumstances,
    flow::Attempt,
    goal::{Goal, Target},
    html::{Page, problem},
    memory::{self, Device, DeviceState},
    oauth::{agent, begin, fields},
    pages,
    site::Site,
};
use crate::{
    Lab,
    tokens::{Form, TokenError, is_ours, unknown_tenant},
};

/// How long a device code is good (Microsoft: 15 minutes).
const DEVICE_LIFETIME: SignedDuration = SignedDuration::from_mins(15);

/// `POST /devicecode`: a device asks for a code to show.
pub(super) async fn ask(
    Extract(lab): Extract<Arc<Lab>>,
    Path(tenant): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = Form::read(&body);
    let correlation = headers
        .get("client-request-id")
        .and_then(|value| value.to_str().ok());
    match new_device(&lab, &tenant, &form) {
        Ok((code, device)) => {
            let verification = format!("{}/devicelogin", lab.addresses.login);
            Json(json!({
                "user_code": device.user_code, "device_code": code, "verification_uri": verification,
                "expires_in": DEVICE_LIFETIME.as_secs(), "interval": 5,
                "message": format!(
                    "To sign in, use a web browser to open the page {verification} and enter the code {} to authenticate.",
                    device.user_code
                ),
            }))
            .into_response()
        }
        Err(error) => error.answer(&lab, correlation),
    }
}

fn new_device(lab: &Lab, tenant: &str, form: &Form) -> Result<(String, Device), TokenError> {
    let any = ["common", "organizations"].contains(&tenant.to_lowercase().as_str());
    if !any && !is_ours(lab, tenant) {
        return Err(unknown_tenant(tenant));
    }
    let id = form
        .get("client_id")
        .ok_or_else(|| TokenError::missing("client_id"))?;
    let app = lab.app(id).ok_or_else(|| {
        TokenError::new(
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'."
            ),
        )
    })?;
    let target = Target::of(lab, app, form.get("scope").unwrap_or_default())?;
    let device = Device {
        user_code: user_code(),
        target,
        expires: lab
            .now()
            .saturating_add(DEVICE_LIFETIME)
            .unwrap_or(jiff::Timestamp::MAX),
        state: DeviceState::Pending,
    };
    let code = memory::remember(&mut lab.desk.memory().devices, device.clone());
    Ok((code, device))
}

/// Nine letters and digits that can't be taken for one another.
fn user_code() -> String {
    const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    Uuid::new_v4()
        .into_bytes()
        .iter()
        .take(9)
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]))
        .collect()
}

fn form(lab: &Lab, circumstances: &Circumstances, wrong: Option<&str>) -> Response {
    let tenant = lab.state().name.clone();
    Page {
        title: "Enter code",
        tenant: &tenant,
        body: format!(
            "<h1>Enter code to allow access</h1><p>Once you enter the code displayed on your app or device, it will \
             have access to your account.</p><p>Do not enter codes from sources that you do not trust.</p>{}<form \
             method=\"post\" action=\"/devicelogin\"><label>Code<input name=\"otc\" autocomplete=\"off\" \
             autocapitalize=\"characters\" spellcheck=\"false\" required autofocus></label><div \
             class=\"actions\"><button>Next</button></div>{}</form>",
            problem(wrong),
            pages::circumstances_panel(circumstances),
        ),
        status: 200,
        ..Page::default()
    }
    .respond()
}

pub(super) async fn page(
    Extract(lab): Extract<Arc<Lab>>,
    uri: Uri,
    headers: HeaderMap,
) -> Response {
    let mut circumstances = Circumstances::of_agent(agent(&headers));
    let query = fields(uri.query().unwrap_or_default().as_bytes());
    let wrong = circumstances.set(&query).err();
    form(&lab, &circumstances, wrong.as_deref())
}

pub(super) async fn entered(
    Extract(lab): Extract<Arc<Lab>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let typed = fields(&body);
    let mut circumstances = Circumstances::of_agent(agent(&headers));
    if let Err(why) = circumstances.set(&typed) {
        return form(&lab, &circumstances, Some(&why));
    }
    let code = typed
        .get("otc")
        .map_or("", String::as_str)
        .trim()
        .to_uppercase();
    let now = lab.now();
    let found = lab
        .desk
        .memory()
        .devices
        .iter()
        .find(|(_, device)| {
            device.user_code == code
                && device.expires > now
                && matches!(device.state, DeviceState::Pending)
        })
        .map(|(code, device)| (code.clone(), device.target.clone()));
    let Some((device, target)) = found else {
        let wrong = "That code didn't work. Check the code and try again.";
        return form(&lab, &circumstances, Some(wrong));
    };
    let goal = Goal::Device {
        device,
        confirmed: false,
    };
    let site = Site::of(&uri, &headers);
    begin(&lab, &site, &Attempt::new(goal, target, circumstances))
}
