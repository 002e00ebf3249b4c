//! Registration of passkeys on behalf of a user (Microsoft Graph, *fido2AuthenticationMethod*).

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::{
    attestation::{self, Attested},
    context::{Context, Done, Object, is, items, same, text},
    methods, settings,
};
use crate::{
    Passkey,
    audit::{Service, Target},
    graph::Version,
    lab::{Answer, ApiError},
    times::stamp,
};

const KEY: &str = "#microsoft.graph.fido2AuthenticationMethod";
/// Keys that a user may have.
const MOST: usize = 10;
/// Challenges of the service are encrypted tokens of about this many bytes; clients need buffers for them.
const CHALLENGE_SIZE: usize = 5_000;

pub(super) fn creation_options(ctx: &mut Context<'_>, key: &str, argument: Option<&str>) -> Done {
    let minutes = timeout(ctx, argument)?;
    let user = methods::target(ctx, key)?;
    allow_registration(ctx, &user)?;
    let id = text(&user, "id").to_owned();
    let expires = ctx
        .now
        .checked_add(SignedDuration::from_mins(minutes))
        .unwrap_or(Timestamp::MAX);
    let excluded: Vec<Value> = methods::list(&user)
        .iter()
        .filter(|method| text(method, "@odata.type") == KEY)
        .filter_map(|method| credential_id(ctx, &id, text(method, "id")))
        // These ids come in ordinary base64, unlike challenge and user handle.
        .map(|own| json!({"type": "public-key", "id": BASE64.encode(&own), "transports": ["usb", "nfc"]}))
        .collect();
    let options = json!({
        "challengeTimeoutDateTime": stamp(expires),
        "publicKey": {
            "rp": {"id": ctx.lab.rp_id, "name": "Microsoft"},
            "user": {"id": BASE64URL_NOPAD.encode(&handle(&ctx.state.tenant, &id)),
                "name": text(&user, "userPrincipalName"), "displayName": text(&user, "displayName")},
            "challenge": challenge(&ctx.state.tenant, &id, expires),
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
            "timeout": 60000, "excludeCredentials": excluded,
            "authenticatorSelection": {"authenticatorAttachment": "cross-platform", "requireResidentKey": true,
                "userVerification": "required"},
            "attestation": "direct",
            "extensions": {"hmacCreateSecret": true, "enforceCredentialProtectionPolicy": true,
                "credentialProtectionPolicy": "userVerificationOptional"},
        },
    });
    let initiator = ctx.initiator.clone();
    let target = Target::object("User", &user);
    let service = Service::AuthenticationMethods;
    let activity = "Get passkey creation options";
    ctx.log_as(
        &initiator,
        service,
        "UserManagement",
        activity,
        "",
        vec![target],
        Vec::new(),
    );
    Ok(Answer::json(
        200,
        ctx.entity(
            "microsoft.graph.webauthnCredentialCreationOptions",
            &options,
        ),
    ))
}

/// Minutes that the challenge holds: five, or in beta as many as were asked for.
fn timeout(ctx: &Context<'_>, argument: Option<&str>) -> Result<i64, ApiError> {
    const NAME: &str = "challengeTimeoutInMinutes";
    let in_path = argument.map(|argument| argument.trim_matches(['(', ')']));
    let in_query = url::form_urlencoded::parse(ctx.query.as_bytes())
        .find(|(name, _)| same(name, NAME))
        .map(|(_, value)| value.into_owned());
    if ctx.version == Version::V1 {
        return match in_path {
            None => Ok(5),
            Some(_) => Err(bad("Resource not found for the segment 'creationOptions'.")),
        };
    }
    let given = match (in_path, in_query) {
        (Some(argument), _) => match argument.split_once('=') {
            Some((name, value)) if same(name.trim(), NAME) => value.trim().to_owned(),
            _ => return Err(bad("Resource not found for the segment 'creationOptions'.")),
        },
        (None, Some(value)) => value,
        (None, None) => return Ok(5),
    };
    match given.parse() {
        Ok(minutes @ 5..=43_200) => Ok(minutes),
        _ => Err(bad(
            "The challenge timeout must be between 5 and 43200 minutes.",
        )),
    }
}

/// Registration has to be allowed by the policy for passkeys: method on, self-service on, the user targeted.
fn allow_registration(ctx: &Context<'_>, user: &Value) -> Result<(), ApiError> {
    if same(text(user, "userType"), "Guest") {
        return Err(forbidden("Passkeys cannot be registered for guests."));
    }
    let Some(policy) = settings::method(ctx, "Fido2") else {
        return Ok(());
    };
    if text(&policy, "state") == "disabled" {
        return Err(forbidden("The passkey (FIDO2) method is not enabled."));
    }
    if policy
        .get("isSelfServiceRegistrationAllowed")
        .and_then(Value::as_bool)
        == Some(false)
    {
        return Err(forbidden(
            "Self-service set up of passkeys is not allowed by policy.",
        ));
    }
    let targeted = |list: &str| {
        items(&policy, list).iter().any(|target| {
            let group = text(target, "id");
            group == "all_users"
                || ctx.state.table("groups").get(group).is_some_and(|group| {
                    super::rights::has(group, "members", text(user, "id"))
                        || super::rights::has(group, "transitiveMembers", text(user, "id"))
                })
        })
    };
    if targeted("excludeTargets")
        || (policy.get("includeTargets").is_some() && !targeted("includeTargets"))
    {
        return Err(forbidden(
            "The passkey (FIDO2) method is not enabled for this user.",
        ));
    }
    Ok(())
}

pub(super) fn register(ctx: &mut Context<'_>, key: &str, body: &Object) -> Done {
    let user = methods::target(ctx, key)?;
    allow_registration(ctx, &user)?;
    let given = Value::Object(body.clone());
    let name = text(&given, "displayName").to_owned();
    let credential = body.get("publicKeyCredential").unwrap_or(&Value::Null);
    if body.contains_key("@odata.type") || name.is_empty() || !credential.is_object() {
        return Err(bad(
            "The request is missing a fido2AuthenticationMethod entity with a displayName and publicKeyCredential in \
             the request body",
        ));
    }
    if name.chars().count() > 30 {
        return Err(bad(
            "The property 'displayName' must have between 1 and 30 characters.",
        ));
    }
    let response = credential.get("response").unwrap_or(&Value::Null);
    let client_data = binary(text(response, "clientDataJSON"))
        .ok_or_else(|| bad("The property 'clientDataJSON' is not base64."))?;
    let object = binary(text(response, "attestationObject"))
        .ok_or_else(|| bad("The property 'attestationObject' is not base64."))?;
    let id = text(&user, "id").to_owned();
    check_client_data(ctx, &id, &client_data)?;
    let attested = attestation::read(&object, &client_data).map_err(bad)?;
    if binary(text(credential, "id")) != Some(attested.credential_id.clone()) {
        return Err(bad(
            "The id of the credential is not that of the attestation object.",
        ));
    }
    let rp_id = relying_party(ctx, &attested)?;
    check_policy(ctx, &attested)?;
    let mut list = methods::list(&user);
    if list
        .iter()
        .filter(|own| text(own, "@odata.type") == KEY)
        .count()
        >= MOST
    {
        return Err(bad("The user already has the largest number of passkeys."));
    }
    let credential_id = BASE64URL_NOPAD.encode(&attested.credential_id);
    if ctx.state.passkeys.contains_key(&credential_id) {
        return Err(ApiError::new(
            409,
            "conflict",
            "The credential is registered already.",
        ));
    }
    let method = method(ctx, &name, &credential_id, &attested);
    list.push(method.clone());
    methods::store(ctx, &user, &list);
    let passkey = Passkey {
        user: id.clone(),
        method: credential_id.clone(),
        user_handle: handle(&ctx.state.tenant, &id),
        rp_id,
        public_key: attested.public_key,
        cose: attested.cose,
        sign_count: attested.sign_count,
        aaguid: attested.aaguid.clone(),
        created: ctx.now,
    };
    ctx.state.passkeys.insert(credential_id, passkey);
    log_key(
        ctx,
        &user,
        "Add Passkey (device-bound)",
        "Add",
        Some(&attested.aaguid),
    );
    methods::log(ctx, &user, "registered", "Add", "Passkey (device-bound)");
    let mut answer = method;
    if let Some(answer) = answer.as_object_mut() {
        answer.remove("@odata.type");
    }
    let rest = format!("users('{id}')/authentication/fido2Methods/$entity");
    Ok(Answer::json(201, ctx.entity(&rest, &answer)))
}

/// The directory's update by a service, and the record of the device registration service: its target has the name only.
pub(super) fn log_key(
    ctx: &mut Context<'_>,
    user: &Value,
    activity: &str,
    operation: &str,
    aaguid: Option<&str>,
) {
    ctx.log_credentials(
        "Azure Credential Configuration Endpoint Service",
        user,
        "SearchableDeviceKey",
    );
    let initiator = ctx.initiator.clone();
    let target = Target {
        kind: "User",
        upn: Some(text(user, "userPrincipalName").to_owned()),
        ..Target::default()
    };
    let mut details = vec![("WebAuthnInfo", String::new())];
    if let Some(aaguid) = aaguid {
        details.push(("AAGuid", aaguid.to_owned()));
    }
    let service = Service::DeviceRegistration;
    ctx.log_as(
        &initiator,
        service,
        "UserManagement",
        activity,
        operation,
        vec![target],
        details,
    );
}

fn method(ctx: &Context<'_>, name: &str, id: &str, attested: &Attested) -> Value {
    let thumbprints: Vec<String> = attested
        .chain
        .iter()
        .map(|certificate| {
            let digest = digest::digest(&digest::SHA1_FOR_LEGACY_USE_ONLY, certificate);
            data_encoding::HEXLOWER.encode(digest.as_ref())
        })
        .collect();
    let model = breakglass_model::aaguid::vendor(&attested.aaguid).map(|known| known.model);
    json!({
        "@odata.type": KEY, "id": id, "displayName": name, "createdDateTime": stamp(ctx.now),
        "aaGuid": attested.aaguid, "model": model, "attestationCertificates": thumbprints,
        "attestationLevel": if attested.chain.is_empty() { "notAttested" } else { "attested" },
        "passkeyType": if attested.syncable { "synced" } else { "deviceBound" },
    })
}

fn check_client_data(ctx: &Context<'_>, user: &str, client_data: &[u8]) -> Result<(), ApiError> {
    let data: Value = serde_json::from_slice(client_data)
        .map_err(|_| bad("The property 'clientDataJSON' is not JSON."))?;
    if text(&data, "type") != "webauthn.create" {
        return Err(bad("The client data is not of a registration."));
    }
    if is(&data, "crossOrigin") {
        return Err(bad("The client data is of another origin."));
    }
    let origin = text(&data, "origin");
    if origin != format!("https://{}", ctx.lab.rp_id) && origin != ctx.lab.addresses.login {
        return Err(bad(
            "The origin of the client data is not that of the sign-in page.",
        ));
    }
    match opened(&ctx.state.tenant, user, text(&data, "challenge")) {
        Some(expires) if ctx.now < expires => Ok(()),
        Some(_) => Err(bad("The challenge has expired.")),
        None => Err(bad("The challenge was not made for this user.")),
    }
}

/// Microsoft's page, or the twin's own where it can't have that name.
fn relying_party(ctx: &Context<'_>, attested: &Attested) -> Result<String, ApiError> {
    let own = url::Url::parse(&ctx.lab.addresses.login)
        .ok()
        .and_then(|url| url.host_str().map(str::to_owned));
    [Some(ctx.lab.rp_id.clone()), own]
        .into_iter()
        .flatten()
        .find(|id| Sha256::digest(id)[..] == attested.rp_id_hash[..])
        .ok_or_else(|| bad("The relying party of the credential is not that of the sign-in page."))
}

/// Attestation and AAGUID lists are checked here, at registration, and by the profiles where there are any: one that is
/// met suffices.
fn check_policy(ctx: &Context<'_>, attested: &Attested) -> Result<(), ApiError> {
    if !attested.user_present || !attested.user_verified {
        return Err(bad("The user was not verified."));
    }
    let Some(policy) = settings::method(ctx, "Fido2") else {
        return Ok(());
    };
    let unattested = attested.chain.is_empty();
    let listed = |restrictions: &Value| {
        if !is(restrictions, "isEnforced") {
            return true;
        }
        let named = items(restrictions, "aaGuids")
            .iter()
            .any(|own| same(own.as_str().unwrap_or_default(), &attested.aaguid));
        named == (text(restrictions, "enforcementType") == "allow")
    };
    let none = Value::Null;
    let profiles = items(&policy, "passkeyProfiles");
    if profiles.is_empty() {
        if is(&policy, "isAttestationEnforced") && unattested {
            return Err(bad(
                "The policy requires attestation, and the credential has none.",
            ));
        }
        if !listed(policy.get("keyRestrictions").unwrap_or(&none)) {
            return Err(bad("The AAGUID of the key is not allowed by policy."));
        }
        return Ok(());
    }
    let kind = if attested.syncable {
        "synced"
    } else {
        "deviceBound"
    };
    let met = profiles.iter().any(|profile| {
        let types = text(profile, "passkeyTypes");
        let asked = text(profile, "attestationEnforcement") == "registrationOnly";
        (types.is_empty() || types.split(',').any(|own| same(own.trim(), kind)))
            && !(asked && unattested)
            && listed(profile.get("keyRestrictions").unwrap_or(&none))
    });
    if met {
        Ok(())
    } else {
        Err(bad("No passkey profile of the policy allows this key."))
    }
}

/// The user handle: prefix, tenant and user. It stays the same for all keys of a user.
pub(crate) fn handle(tenant: &str, user: &str) -> Vec<u8> {
    let mut handle = b"OF:".to_vec();
    for id in [tenant, user] {
        handle.extend(uuid::Uuid::parse_str(id).unwrap_or_default().as_bytes());
    }
    handle
}

/// The credential id behind a method: of the registered key, else the method id where it is one.
fn credential_id(ctx: &Context<'_>, user: &str, method: &str) -> Option<Vec<u8>> {
    ctx.state
        .passkeys
        .iter()
        .find(|(_, key)| same(&key.user, user) && key.method == method)
        .and_then(|(id, _)| binary(id))
        .or_else(|| BASE64URL_NOPAD.decode(method.as_bytes()).ok())
        .filter(|id| id.len() >= 16)
}

/// A challenge holds its user and its end under a seal, so that nothing has to be kept for it.
fn challenge(tenant: &str, user: &str, expires: Timestamp) -> String {
    let plain = format!("{user}|{expires}");
    let tag = hmac::sign(&seal(tenant), plain.as_bytes());
    let mut token = format!("{plain}|{}|", BASE64URL_NOPAD.encode(tag.as_ref()));
    while token.len() < CHALLENGE_SIZE {
        let digest = Sha256::digest(&token);
        token.push_str(&BASE64URL_NOPAD.encode(&digest));
    }
    BASE64URL_NOPAD.encode(token.as_bytes())
}

/// When a challenge ends, if it is ours and for this user.
fn opened(tenant: &str, user: &str, challenge: &str) -> Option<Timestamp> {
    let token = String::from_utf8(BASE64URL_NOPAD.decode(challenge.as_bytes()).ok()?).ok()?;
    let mut parts = token.split('|');
    let (own, expires, tag) = (parts.next()?, parts.next()?, parts.next()?);
    let tag = BASE64URL_NOPAD.decode(tag.as_bytes()).ok()?;
    hmac::verify(&seal(tenant), format!("{own}|{expires}").as_bytes(), &tag).ok()?;
    same(own, user).then(|| expires.parse().ok()).flatten()
}

fn seal(tenant: &str) -> hmac::Key {
    hmac::Key::new(
        hmac::HMAC_SHA256,
        &Sha256::digest(format!("challenges of {tenant}")),
    )
}

/// Both alphabets of base64, with and without padding.
fn binary(text: &str) -> Option<Vec<u8>> {
    let url: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    BASE64URL_NOPAD
        .decode(url.as_bytes())
        .ok()
        .filter(|bytes| !bytes.is_empty())
}

fn bad(message: &str) -> ApiError {
    ApiError::new(400, "badRequest", message)
}

fn forbidden(message: &str) -> ApiError {
    ApiError::new(403, "accessDenied", message)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_challenge_opens_for_its_user_and_tenant_only() {
        let end: Timestamp = "2026-06-13T11:26:35Z".parse().unwrap();
        let text = challenge("t", "u", end);
        assert!(text.len() > 6_000, "{}", text.len());
        assert_eq!(opened("t", "u", &text), Some(end));
        assert_eq!(opened("t", "v", &text), None);
        assert_eq!(opened("s", "u", &text), None);
        assert_eq!(opened("t", "u", "bm9wZQ"), None);
    }

    #[test]
    fn binary_fields_come_in_both_alphabets() {
        let bytes = [0xfb, 0xff, 0xfe, 0x01];
        for text in [
            BASE64.encode(&bytes),
            data_encoding::BASE64URL.encode(&bytes),
            BASE64URL_NOPAD.encode(&bytes),
        ] {
            assert_eq!(binary(&text).as_deref(), Some(&bytes[..]));
        }
        assert_eq!(binary(""), None);
        assert_eq!(binary("*"), None);
    }
}
