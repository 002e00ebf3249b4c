//! Which app asks for a token, and whether it is that app: by a secret, a certificate or a federated identity.
//!
//! Microsoft identity platform, *OAuth 2.0 client credentials flow* and *Certificate credentials*.

use data_encoding::{BASE64, BASE64URL_NOPAD};
use percent_encoding::percent_decode_str;
use rustls::pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use serde_json::{Map, Value};
use sha2::{Digest as _, Sha256};

use super::{endpoint::Form, error::TokenError, jwt::Jwt};
use crate::{App, Fault, Lab};

const ASSERTION_TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";
/// Audience of the assertions of federated identities: Microsoft Entra Workload ID, *Workload identity federation*.
const EXCHANGE: &str = "api://AzureADTokenExchange";

/// Credentials of an `Authorization: Basic` header.
pub(super) fn basic(header: &str) -> Option<(String, String)> {
    let (scheme, encoded) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(BASE64.decode(encoded.trim().as_bytes()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some((plain(id), plain(secret)))
}

/// The app that the form names, and whether it proved to be it.
pub(super) fn authenticate<'a>(
    lab: &'a Lab,
    tenant: &str,
    form: &Form,
) -> Result<(&'a App, bool), TokenError> {
    let id = form
        .get("client_id")
        .ok_or_else(|| TokenError::missing("client_id"))?;
    let app = lab.app(id).ok_or_else(|| {
        TokenError::new(
            "unauthorized_client",
            700_016,
            format!(
                "Application with identifier '{id}' was not found in the directory '{tenant}'. This can happen if the \
                 application has not been installed by the administrator of the tenant or consented to by any user in \
                 the tenant."
            ),
        )
    })?;
    if let Some(secret) = form.get("client_secret") {
        if app.secret.as_deref() != Some(secret) {
            return Err(TokenError::new(
                "invalid_client",
                7_000_215,
                format!(
                    "Invalid client secret provided. Ensure the secret being sent in the request is the client secret \
                     value, not the client secret ID, for a secret added to app '{id}'."
                ),
            ));
        }
        if lab.faults.on(Fault::ExpiredSecret) {
            return Err(TokenError::new(
                "invalid_client",
                7_000_222,
                format!("The provided client secret keys for app '{id}' are expired."),
            ));
        }
        return Ok((app, true));
    }
    let Some(assertion) = form.get("client_assertion") else {
        return Ok((app, false));
    };
    if form.get("client_assertion_type") != Some(ASSERTION_TYPE) {
        return Err(TokenError::missing("client_assertion_type"));
    }
    let jwt = Jwt::read(assertion).ok_or_else(|| {
        TokenError::new(
            "invalid_request",
            50_027,
            "JWT token is invalid or malformed.",
        )
    })?;
    let text = |name: &str| {
        jwt.claims
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
    };
    if text("iss").eq_ignore_ascii_case(id) && text("sub").eq_ignore_ascii_case(id) {
        signed_by_certificate(app, &jwt)?;
        lifetime(lab, &jwt.claims)?;
        if !audience(lab, tenant, &jwt.claims) {
            return Err(TokenError::new(
                "invalid_client",
                700_023,
                "Client assertion audience claim does not match Realm issuer.",
            ));
        }
        return Ok((app, true));
    }
    // The twin can't fetch another issuer's keys: who the token says it is from has to do.
    let known = app
        .federated
        .iter()
        .any(|(issuer, subject)| issuer == text("iss") && subject == text("sub"));
    if !known || text("aud") != EXCHANGE {
        return Err(TokenError::new(
            "invalid_client",
            700_213,
            format!(
                "No matching federated identity record found for presented assertion subject '{}'.",
                text("sub")
            ),
        ));
    }
    lifetime(lab, &jwt.claims)?;
    Ok((app, true))
}

/// `aud` is the token endpoint of this authority, or its issuer.
fn audience(lab: &Lab, tenant: &str, claims: &Map<String, Value>) -> bool {
    let given = claims
        .get("aud")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let id = lab.state().tenant.clone();
    [
        lab.addresses.login.as_str(),
        "https://login.microsoftonline.com",
        "https://login.microsoft.com",
    ]
    .iter()
    .any(|host| {
        [id.as_str(), tenant].iter().any(|tenant| {
            ["oauth2/v2.0/token", "oauth2/token", "v2.0"]
                .iter()
                .any(|path| given.eq_ignore_ascii_case(&format!("{host}/{tenant}/{path}")))
        })
    })
}

fn lifetime(lab: &Lab, claims: &Map<String, Value>) -> Result<(), TokenError> {
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    let now = lab.now().as_second();
    let good = time("exp").is_some_and(|exp| exp > now.saturating_sub(300))
        && time("nbf").is_none_or(|nbf| nbf <= now.saturating_add(300));
    if good {
        return Ok(());
    }
    Err(TokenError::new(
        "invalid_client",
        700_024,
        "Client assertion is not within its valid time range.",
    ))
}

/// Whether one of the app's certificates signed the assertion, and the header names that certificate.
fn signed_by_certificate(app: &App, jwt: &Jwt<'_>) -> Result<(), TokenError> {
    let refused = |why: &str| {
        Err(TokenError::new(
            "invalid_client",
            700_027,
            format!("Client assertion failed signature validation. {why}"),
        ))
    };
    let header = |name: &str| jwt.header.get(name).and_then(Value::as_str);
    let algorithm: &dyn SignatureVerificationAlgorithm = match header("alg") {
        Some("PS256") => webpki::aws_lc_rs::RSA_PSS_2048_8192_SHA256_LEGACY_KEY,
        Some("RS256") => webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
        _ => return refused("The algorithm is not supported."),
    };
    let named = |der: &[u8]| {
        // Newer libraries name the certificate by SHA-256, older ones by SHA-1.
        let is = |name: &str, hash: &[u8]| {
            header(name)
                .is_some_and(|text| text.trim_end_matches('=') == BASE64URL_NOPAD.encode(hash))
        };
        is("x5t#S256", &Sha256::digest(der)) || is("x5t", &sha1(der))
    };
    let Some(certificate) = app.certificates.iter().find(|der| named(der)) else {
        return refused("The key was not found.");
    };
    let der = CertificateDer::from(certificate.as_slice());
    let verified = webpki::EndEntityCert::try_from(&der).is_ok_and(|certificate| {
        certificate
            .verify_signature(algorithm, jwt.message.as_bytes(), &jwt.signature)
            .is_ok()
    });
    if verified {
        Ok(())
    } else {
        refused("The key was found, but the signature does not match.")
    }
}

/// SHA-1, only to recognise a certificate by the name that older clients give it.
fn sha1(bytes: &[u8]) -> Vec<u8> {
    aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA1_FOR_LEGACY_USE_ONLY, bytes)
        .as_ref()
        .to_vec()
}
