//! Tokens of people: a code, a device code or a refresh token is turned into an access token.
//!
//! Microsoft identity platform, *OAuth 2.0 authorization code flow*, *device authorization grant flow* and *Refresh
//! tokens*.

use data_encoding::BASE64URL_NOPAD;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::{
    Code, End,
    flow::Attempt,
    goal::Target,
    memory::{self, DeviceState, Grant},
    oauth::client_info,
    outcome,
};
use crate::{
    Lab, LogKind,
    records::{self, Protocol},
    tokens::{LIFETIME, Subject, TokenError, TokenRequest, issue, sign},
};

/// How long a code is good.
const CODE_LIFETIME: SignedDuration = SignedDuration::from_mins(10);

/// The answer to a grant of a person; `None`: it is no such grant.
pub(crate) fn grant(
    lab: &Lab,
    request: &TokenRequest<'_>,
    kind: &str,
) -> Option<Result<Value, TokenError>> {
    Some(match kind {
        "authorization_code" => by_code(lab, request),
        "refresh_token" => by_refresh_token(lab, request),
        "urn:ietf:params:oauth:grant-type:device_code" | "device_code" => by_device(lab, request),
        _ => return None,
    })
}

fn refused(number: u32, message: &str) -> TokenError {
    TokenError::new("invalid_grant", number, message)
}

fn by_code(lab: &Lab, request: &TokenRequest<'_>) -> Result<Value, TokenError> {
    let form = request.form;
    let code = form
        .get("code")
        .ok_or_else(|| TokenError::missing("code"))?;
    let grant = lab.desk.memory().codes.shift_remove(code).ok_or_else(|| {
        refused(
            54_005,
            "OAuth2 Authorization code was already redeemed, or never issued. Please retry with a new valid code.",
        )
    })?;
    if !grant
        .target
        .client
        .0
        .eq_ignore_ascii_case(&request.app.client_id)
    {
        return Err(refused(
            70_000,
            "The provided grant was issued to another client.",
        ));
    }
    if lab.now().duration_since(grant.issued) > CODE_LIFETIME {
        return Err(refused(
            70_008,
            "The provided authorization code has expired. Send a new interactive authorization request.",
        ));
    }
    if grant.redirect.as_deref() != form.get("redirect_uri") {
        return Err(refused(
            50_011,
            "The redirect URI does not match the one of the authorization request.",
        ));
    }
    let proof = form
        .get("code_verifier")
        .map(|verifier| BASE64URL_NOPAD.encode(&Sha256::digest(verifier.as_bytes())));
    if grant.challenge != proof {
        return Err(refused(
            501_481,
            "The Code_Verifier does not match the code_challenge supplied in the authorization request.",
        ));
    }
    tokens(lab, request, grant)
}

fn by_device(lab: &Lab, request: &TokenRequest<'_>) -> Result<Value, TokenError> {
    let form = request.form;
    let code = form
        .get("device_code")
        .or_else(|| form.get("code"))
        .ok_or_else(|| TokenError::missing("device_code"))?;
    let now = lab.now();
    let mut memory = lab.desk.memory();
    let own = memory.devices.get(code).filter(|device| {
        device
            .target
            .client
            .0
            .eq_ignore_ascii_case(&request.app.client_id)
    });
    let Some(device) = own else {
        return Err(TokenError::new(
            "bad_verification_code",
            70_018,
            "The device code is wrong, or was redeemed.",
        ));
    };
    if device.expires <= now {
        return Err(TokenError::new(
            "expired_token",
            70_019,
            "The code has expired. Start again.",
        ));
    }
    match device.state {
        DeviceState::Pending => Err(TokenError::new(
            "authorization_pending",
            70_016,
            "OAuth 2.0 device flow error. Authorization is pending. Continue polling.",
        )),
        DeviceState::Declined => Err(TokenError::new(
            "authorization_declined",
            70_020,
            "The end user denied the authorization request.",
        )),
        DeviceState::Granted(_) => {
            let Some(device) = memory.devices.shift_remove(code) else {
                return Err(refused(70_018, "The device code was redeemed."));
            };
            drop(memory);
            match device.state {
                DeviceState::Granted(grant) => tokens(lab, request, *grant),
                DeviceState::Pending | DeviceState::Declined => {
                    Err(refused(70_018, "The device code was redeemed."))
                }
            }
        }
    }
}

fn by_refresh_token(lab: &Lab, request: &TokenRequest<'_>) -> Result<Value, TokenError> {
    let form = request.form;
    let token = form
        .get("refresh_token")
        .ok_or_else(|| TokenError::missing("refresh_token"))?;
    // A refresh token stays good after use: clients may ask for several resources with one.
    let mut grant = lab
        .desk
        .memory()
        .refresh
        .get(token)
        .cloned()
        .ok_or_else(|| {
            refused(
                9_002_313,
                "Invalid request. The refresh token is malformed or not valid.",
            )
        })?;
    if !grant
        .target
        .client
        .0
        .eq_ignore_ascii_case(&request.app.client_id)
    {
        return Err(refused(
            70_000,
            "The provided grant was issued to another client.",
        ));
    }
    let scope = form.get("scope").map_or_else(
        || format!("{} offline_access", grant.target.scopes.join(" ")),
        str::to_owned,
    );
    grant.target = Target::of(lab, request.app, &scope)?;
    // Whoever has one may have another, whether the scope says so or not.
    grant.target.offline = true;
    let mut attempt = (*grant.attempt).clone();
    attempt.target = grant.target.clone();
    judged_again(lab, &mut attempt, grant.issued)?;
    grant.attempt = Box::new(attempt);
    grant.nonce = None;
    answer(lab, request, grant)
}

/// Conditional Access is asked again at every refresh (Microsoft: *Conditional Access authentication flows*), by what was
/// used when the session began.
fn judged_again(lab: &Lab, attempt: &mut Attempt, issued: Timestamp) -> Result<(), TokenError> {
    attempt.correlation = Uuid::new_v4().to_string();
    attempt.steps.clear();
    let id = attempt
        .person
        .as_ref()
        .map(|person| person.id.clone())
        .unwrap_or_default();
    let user = lab.state().table("users").get(&id).cloned();
    let identity = lab.judge().identity(&id);
    let (Some(user), Some(identity)) = (user, identity) else {
        return refresh_refused(lab, attempt, Code::NoSuchUser, None);
    };
    if user.get("accountEnabled") == Some(&Value::Bool(false)) {
        return refresh_refused(lab, attempt, Code::Disabled, None);
    }
    let valid_from = user
        .get("signInSessionsValidFromDateTime")
        .and_then(Value::as_str)
        .and_then(|text| text.parse::<Timestamp>().ok());
    if valid_from.is_some_and(|from| issued < from) {
        return refresh_refused(lab, attempt, Code::Revoked, None);
    }
    let verdict = outcome::verdict(lab, attempt, &identity);
    match verdict.end {
        End::In => {
            write(lab, attempt, Code::Success, Some(&verdict));
            Ok(())
        }
        End::More(code) | End::Refused(code) => refresh_refused(lab, attempt, code, Some(&verdict)),
    }
}

fn refresh_refused(
    lab: &Lab,
    attempt: &Attempt,
    code: Code,
    verdict: Option<&super::Verdict>,
) -> Result<(), TokenError> {
    write(lab, attempt, code, verdict);
    Err(TokenError::new(code.oauth(), code.number(), code.reason()))
}

fn write(lab: &Lab, attempt: &Attempt, code: Code, verdict: Option<&super::Verdict>) {
    let mut draft = outcome::draft(lab, attempt, code, verdict, true);
    draft.kind = LogKind::NonInteractive;
    draft.protocol = Protocol::Refresh;
    if code == Code::Success && draft.mfa_required {
        "MFA requirement satisfied by claim in the token".clone_into(&mut draft.additional);
    }
    records::write(lab, &draft);
}

/// A fresh grant: the scope of the request may name another resource than the page was asked for.
fn tokens(lab: &Lab, request: &TokenRequest<'_>, mut grant: Grant) -> Result<Value, TokenError> {
    if let Some(scope) = request.form.get("scope") {
        let offline = grant.target.offline;
        let openid = grant.target.openid;
        let target = Target::of(lab, request.app, scope)?;
        if target.resource == grant.target.resource {
            grant.target = target;
            grant.target.offline |= offline;
            grant.target.openid |= openid;
        }
    }
    answer(lab, request, grant)
}

fn answer(lab: &Lab, request: &TokenRequest<'_>, grant: Grant) -> Result<Value, TokenError> {
    let user = lab
        .state()
        .table("users")
        .get(&grant.user)
        .cloned()
        .ok_or_else(|| refused(Code::NoSuchUser.number(), Code::NoSuchUser.reason()))?;
    let ip = grant.attempt.circumstances.ip.to_string();
    let subject = Subject {
        app: request.app,
        user: Some(&grant.user),
        methods: &grant.amr,
        ip: &ip,
    };
    let token = issue(
        lab,
        &subject,
        &grant.target.audience,
        &grant.target.permissions,
        LIFETIME,
    );
    let tenant = lab.state().tenant.clone();
    let mut body = json!({
        "token_type": "Bearer",
        "scope": grant.target.scopes.join(" "),
        "expires_in": LIFETIME.as_secs(),
        "ext_expires_in": LIFETIME.as_secs(),
        "access_token": token,
        "client_info": client_info(&grant.user, &tenant),
    });
    if request.v1 {
        body["expires_in"] = json!(LIFETIME.as_secs().to_string());
        body["ext_expires_in"] = json!(LIFETIME.as_secs().to_string());
        body["expires_on"] = json!((lab.now().as_second() + LIFETIME.as_secs()).to_string());
        body["resource"] = json!(grant.target.audience);
    }
    if grant.target.openid {
        body["id_token"] = json!(id_token(lab, request, &grant, &user, &tenant));
    }
    if grant.target.offline {
        let mut next = grant;
        // The age counts from the sign-in, by which a revocation is judged; a new token is as old as its first.
        next.redirect = None;
        next.challenge = None;
        body["refresh_token"] = json!(memory::remember(&mut lab.desk.memory().refresh, next));
    }
    Ok(body)
}

/// Microsoft identity platform, *ID token claims reference* (v2.0).
fn id_token(
    lab: &Lab,
    request: &TokenRequest<'_>,
    grant: &Grant,
    user: &Value,
    tenant: &str,
) -> String {
    let now = lab.now().as_second();
    let mut claims = json!({
        "aud": request.app.client_id,
        "iss": format!("{}/{tenant}/v2.0", lab.addresses.login),
        "iat": now, "nbf": now, "exp": now + LIFETIME.as_secs(),
        "name": user["displayName"], "preferred_username": user["userPrincipalName"],
        "oid": grant.user, "sub": grant.user, "tid": tenant,
        "uti": Uuid::new_v4().simple().to_string(), "ver": "2.0",
        "amr": grant.amr,
    });
    if let Some(nonce) = &grant.nonce {
        claims["nonce"] = json!(nonce);
    }
    sign(lab, &claims)
}
