//! Enrolling a passkey on the page of the lab: a browser's key takes the place of one that stands in the snapshot and
//! that nobody holds here.
//!
//! No real tenant has this page. It changes nothing that Graph shows: the method stays as it is, model and AAGUID
//! included, and gets a holder.

use crate::state::text;
use std::sync::Arc;

use axum::{
    body::Bytes,
    extract::State as Extract,
    http::{HeaderMap, Uri},
    response::Response,
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use super::{
    flow::person_of,
    goal::Fields,
    html::{Page, esc, hidden, problem},
    memory::{self, Enrolment},
    oauth::fields,
    site::Site,
    webauthn,
};
use crate::{
    Lab, Passkey,
    graph::write::{attested, handle},
};

const KEY: &str = "#microsoft.graph.fido2AuthenticationMethod";

fn respond(lab: &Lab, body: &str) -> Response {
    let tenant = lab.state().name.clone();
    Page {
        title: "Enrol a passkey",
        tenant: &tenant,
        body: format!("<h1>Enrol a passkey</h1>{body}"),
        status: 200,
        ..Page::default()
    }
    .respond()
}

fn who(lab: &Lab, name: &str, wrong: Option<&str>) -> Response {
    respond(
        lab,
        &format!(
            "<p>Your browser's passkey, or a security key at this machine, takes the place of a key in the snapshot. The \
             tenant keeps the model that it had.</p>{}<form method=\"post\" action=\"/lab/enrol\">{}<label>User \
             name<input name=\"username\" value=\"{}\" autocapitalize=\"none\" spellcheck=\"false\" required \
             autofocus></label><div class=\"actions\"><button>Next</button></div></form>",
            problem(wrong),
            hidden("step", "who"),
            esc(name),
        ),
    )
}

pub(super) async fn page(Extract(lab): Extract<Arc<Lab>>, uri: Uri) -> Response {
    let query = fields(uri.query().unwrap_or_default().as_bytes());
    who(&lab, query.get("username").map_or("", String::as_str), None)
}

pub(super) async fn step(
    Extract(lab): Extract<Arc<Lab>>,
    uri: Uri,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let form = fields(&body);
    let site = Site::of(&uri, &headers);
    if form.get("step").map(String::as_str) == Some("create") {
        return match create(&lab, &site, &form) {
            Ok(name) => respond(
                &lab,
                &format!(
                    "<p>The passkey stands in for <strong>{}</strong>.</p><div class=\"actions\"><a class=\"button\" \
                     href=\"/lab\">Sign in</a></div>",
                    esc(&name)
                ),
            ),
            Err(why) => who(
                &lab,
                "",
                Some(&format!("The passkey was not enrolled: {why}.")),
            ),
        };
    }
    choose(
        &lab,
        &site,
        form.get("username").map_or("", |name| name.trim()),
    )
}

/// The keys of a user.
fn keys(user: &Value) -> Vec<&Value> {
    user["authentication"]["methods"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|method| text(method, "@odata.type") == KEY)
        .collect()
}

fn choose(lab: &Lab, site: &Site, name: &str) -> Response {
    let (user, tenant, taken) = {
        let state = lab.state();
        let user = state
            .table("users")
            .all()
            .find(|user| text(user, "userPrincipalName").eq_ignore_ascii_case(name))
            .cloned();
        let id = user
            .as_ref()
            .map(|user| text(user, "id").to_owned())
            .unwrap_or_default();
        let taken: Vec<String> = state
            .passkeys
            .iter()
            .filter(|(_, key)| key.user.eq_ignore_ascii_case(&id))
            .map(|(id, _)| id.clone())
            .collect();
        (user, state.tenant.clone(), taken)
    };
    let Some(user) = user else {
        return who(lab, name, Some("There is no such user in the tenant."));
    };
    let Some(rp_id) = site.rp_id(lab) else {
        return who(
            lab,
            name,
            Some(
                "A browser allows passkeys for names, not for addresses: open the twin as localhost.",
            ),
        );
    };
    let keys = keys(&user);
    if keys.is_empty() {
        return who(
            lab,
            name,
            Some("This user has no key in the tenant. Register one through Graph."),
        );
    }
    let person = person_of(&user);
    let enrolment = Enrolment {
        user: person.id.clone(),
        challenge: webauthn::challenge(),
        handle: handle(&tenant, &person.id),
        rp_id: rp_id.clone(),
    };
    let options = webauthn::creation_options(
        &rp_id,
        &enrolment.challenge,
        (&enrolment.handle, &person.upn, &person.name),
        &taken,
    );
    let rows: String = keys
        .iter()
        .enumerate()
        .map(|(index, key)| {
            format!(
                "<label class=\"pick\"><input type=\"radio\" name=\"method\" value=\"{}\"{}> <span>{} ({}, \
                 <code>{}</code>)</span></label>",
                esc(text(key, "id")),
                if index == 0 { " checked" } else { "" },
                esc(text(key, "displayName")),
                esc(text(key, "model")),
                esc(text(key, "aaGuid")),
            )
        })
        .collect();
    let foreign = if site.is_foreign(lab) {
        format!(
            "<div class=\"lab\"><p>The passkey will be bound to <code>{}</code>, the name of this site, and not to \
             <code>{}</code>.</p></div>",
            esc(&rp_id),
            esc(lab.rp_id())
        )
    } else {
        String::new()
    };
    let key = memory::remember(&mut lab.desk.memory().enrolments, enrolment);
    respond(
        lab,
        &format!(
            "<p class=\"who\">{}</p><form method=\"post\" action=\"/lab/enrol\" data-passkey=\"create\" \
             data-options=\"{}\">{}<p>In place of which key?</p>{rows}<p role=\"status\">Your browser opens a \
             window.</p><div class=\"actions\"><button autofocus>Create the passkey</button></div>\
             <noscript><p class=\"problem\">Passkeys need JavaScript.</p></noscript></form>{foreign}",
            esc(&person.upn),
            esc(&options.to_string()),
            [
                hidden("step", "create"),
                hidden("enrolment", &key),
                hidden("credential", ""),
                hidden("clientDataJSON", ""),
                hidden("attestationObject", ""),
            ]
            .concat(),
        ),
    )
}

/// Takes a new credential in; gives the name of the key that it stands in for.
fn create(lab: &Lab, site: &Site, form: &Fields) -> Result<String, String> {
    let get = |name: &str| form.get(name).map_or("", String::as_str);
    let enrolment = lab
        .desk
        .memory()
        .enrolments
        .shift_remove(get("enrolment"))
        .ok_or("the request has run out")?;
    let client_data =
        webauthn::decode(get("clientDataJSON")).ok_or("the client data can't be read")?;
    let object =
        webauthn::decode(get("attestationObject")).ok_or("the attestation can't be read")?;
    webauthn::client_data_is(
        &client_data,
        "webauthn.create",
        &site.origin,
        &enrolment.challenge,
    )?;
    let attested = attested(&object, &client_data)?;
    if attested.rp_id_hash != Sha256::digest(enrolment.rp_id.as_bytes()).as_slice() {
        return Err("it was made for another site".to_owned());
    }
    if !attested.user_present || !attested.user_verified {
        return Err("the person was not verified".to_owned());
    }
    let now = lab.now();
    let mut state = lab.state();
    let user = state
        .table("users")
        .get(&enrolment.user)
        .ok_or("the user is gone")?;
    let method = keys(user)
        .into_iter()
        .find(|key| text(key, "id") == get("method"))
        .ok_or("the key is gone")?;
    let (id, name, aaguid) = (
        text(method, "id").to_owned(),
        text(method, "displayName").to_owned(),
        text(method, "aaGuid").to_lowercase(),
    );
    let credential = BASE64URL_NOPAD.encode(&attested.credential_id);
    if state.passkeys.contains_key(&credential) {
        return Err("it is registered already".to_owned());
    }
    state
        .passkeys
        .retain(|_, key| !(key.user == enrolment.user && key.method == id));
    state.passkeys.insert(
        credential,
        Passkey {
            user: enrolment.user,
            method: id,
            user_handle: enrolment.handle,
            rp_id: enrolment.rp_id,
            public_key: attested.public_key,
            cose: attested.cose,
            sign_count: attested.sign_count,
            aaguid,
            created: now,
        },
    );
    Ok(name)
}
