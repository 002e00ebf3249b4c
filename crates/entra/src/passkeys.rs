//! Passkeys of a user, and their registration on the user's behalf (Microsoft Graph, *fido2AuthenticationMethod*).
//!
//! [`register`] is a write. It may be repeated like a read: its body names one passkey, and a service that has it already
//! makes no second one but answers that it is there; then the list tells what was registered.
//!
//! Facts that the documentation lacks, from the field: ids in `excludeCredentials` come in ordinary base64, challenge and
//! user handle in base64url; the origin is `https://` and the id of the site; `@odata.type` in the body is refused.

use data_encoding::BASE64URL_NOPAD;
use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::{Entra, Error, Request, Version};

/// A user, as far as registration asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Object id.
    pub id: String,
    /// User principal name.
    pub upn: String,
    /// Display name.
    pub name: String,
}

/// What a key has to be asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CreationOptions {
    /// Challenge, as sent; it goes into the client data as it is.
    pub challenge: String,
    /// When the challenge ends.
    pub expires: Option<Timestamp>,
    /// Id of the site.
    pub rp_id: String,
    /// Name of the site.
    pub rp_name: String,
    /// User handle.
    pub user_id: Vec<u8>,
    /// User name.
    pub user_name: String,
    /// Name to show.
    pub user_display_name: String,
    /// Algorithms by COSE number, the best first.
    pub algorithms: Vec<i64>,
    /// Ids of the passkeys that the user has.
    pub exclude: Vec<Vec<u8>>,
    /// Whether a secret for offline sign-in is asked for.
    pub hmac_secret: bool,
    /// Level of `credProtect`, where one is asked for.
    pub cred_protect: Option<u8>,
    version: Version,
}

impl CreationOptions {
    /// The origin that the client data has to have.
    pub fn origin(&self) -> String {
        format!("https://{}", self.rp_id)
    }
}

/// A passkey to register.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewPasskey<'a> {
    /// Name that is shown, 1 to 30 characters.
    pub display_name: &'a str,
    /// Credential id.
    pub credential_id: &'a [u8],
    /// Client data.
    pub client_data: &'a [u8],
    /// Attestation object.
    pub attestation_object: &'a [u8],
}

/// A passkey of a user, as the tenant has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct Registered {
    /// Id of the method: opaque.
    pub id: String,
    /// Name that is shown.
    pub display_name: Option<String>,
    /// AAGUID.
    pub aa_guid: Option<String>,
    /// Model, by Microsoft's table.
    pub model: Option<String>,
    /// `attested`, `notAttested`.
    pub attestation_level: Option<String>,
    /// `deviceBound`, `synced`.
    pub passkey_type: Option<String>,
    /// When it was registered.
    pub created_date_time: Option<String>,
}

/// Most characters of a display name.
pub const LONGEST_NAME: usize = 30;

fn segment(text: &str) -> String {
    text.bytes()
        .map(|byte| {
            if byte.is_ascii_alphanumeric() || b"-._~@".contains(&byte) {
                char::from(byte).to_string()
            } else {
                format!("%{byte:02X}")
            }
        })
        .collect()
}

fn path(user: &str) -> String {
    format!("users/{}/authentication/fido2Methods", segment(user))
}

/// Both alphabets of base64, with and without padding.
fn binary(text: &str) -> Option<Vec<u8>> {
    let plain: String = text
        .trim_end_matches('=')
        .chars()
        .map(|c| match c {
            '+' => '-',
            '/' => '_',
            other => other,
        })
        .collect();
    BASE64URL_NOPAD.decode(plain.as_bytes()).ok()
}

/// Finds a user by object id or user principal name.
///
/// # Errors
/// When there is none, or it may not be read.
pub async fn holder(entra: &Entra, account: &str) -> Result<Holder, Error> {
    let path = format!(
        "users/{}?$select=id,userPrincipalName,displayName",
        segment(account)
    );
    let user = entra.get(Request::graph(Version::V1, path)).await?;
    let text = |key: &str| {
        user.get(key)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned()
    };
    let holder = Holder {
        id: text("id"),
        upn: text("userPrincipalName"),
        name: text("displayName"),
    };
    if holder.id.is_empty() {
        return Err(unusable("GET /v1.0/users", "it has no object id"));
    }
    Ok(holder)
}

fn unusable(call: &str, why: &str) -> Error {
    Error::Unusable {
        call: call.to_owned(),
        why: why.to_owned(),
    }
}

/// The passkeys of a user.
///
/// # Errors
/// When they may not be read.
pub async fn list(entra: &Entra, user: &str) -> Result<Vec<Registered>, Error> {
    let rows = entra.all(Request::graph(Version::V1, path(user))).await?;
    Ok(rows
        .into_iter()
        .filter_map(|row| serde_json::from_value(row).ok())
        .collect())
}

/// Asks for a registration. The challenge holds for five minutes, so ask when the key is at hand.
///
/// # Errors
/// When the policy for passkeys does not allow it, or the identity may not.
pub async fn creation_options(entra: &Entra, user: &str) -> Result<CreationOptions, Error> {
    let path = format!("{}/creationOptions", path(user));
    let ask = |version| entra.get(Request::graph(version, &path));
    // Clouds that lag behind have it in beta only, and say of v1.0 that the path is unknown.
    let (answer, version) = match ask(Version::V1).await {
        Err(error) if is_unknown_path(&error) => (ask(Version::Beta).await?, Version::Beta),
        other => (other?, Version::V1),
    };
    options(&answer, version).ok_or_else(|| {
        unusable(
            "GET /users/{id}/authentication/fido2Methods/creationOptions",
            "the options of the registration are not whole",
        )
    })
}

fn is_unknown_path(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => {
            matches!(refusal.status, 400 | 404)
                && refusal.message.to_ascii_lowercase().contains("segment")
        }
        _ => false,
    }
}

fn options(answer: &Value, version: Version) -> Option<CreationOptions> {
    let key = answer.get("publicKey")?;
    let text = |pointer: &str| key.pointer(pointer).and_then(Value::as_str);
    let items = |name: &str| {
        key.get(name)
            .and_then(Value::as_array)
            .map(Vec::as_slice)
            .unwrap_or_default()
    };
    let exclude: Option<Vec<Vec<u8>>> = items("excludeCredentials")
        .iter()
        .map(|own| binary(own.get("id")?.as_str()?))
        .collect();
    let extensions = key.get("extensions");
    let extension = |name: &str| extensions.and_then(|own| own.get(name));
    let algorithms: Vec<i64> = items("pubKeyCredParams")
        .iter()
        .filter_map(|own| own.get("alg")?.as_i64())
        .collect();
    Some(CreationOptions {
        challenge: text("/challenge")
            .filter(|text| !text.is_empty())?
            .to_owned(),
        expires: answer
            .get("challengeTimeoutDateTime")
            .and_then(Value::as_str)
            .and_then(|time| time.parse().ok()),
        rp_id: text("/rp/id").filter(|text| !text.is_empty())?.to_owned(),
        rp_name: text("/rp/name").unwrap_or("Microsoft").to_owned(),
        user_id: text("/user/id")
            .and_then(binary)
            .filter(|id| (1..=64).contains(&id.len()))?,
        user_name: text("/user/name").unwrap_or_default().to_owned(),
        user_display_name: text("/user/displayName").unwrap_or_default().to_owned(),
        algorithms: Some(algorithms).filter(|list| !list.is_empty())?,
        exclude: exclude?,
        hmac_secret: extension("hmacCreateSecret")
            .and_then(Value::as_bool)
            .unwrap_or(false),
        cred_protect: match extension("credentialProtectionPolicy").and_then(Value::as_str) {
            Some("userVerificationOptional") => Some(1),
            Some("userVerificationOptionalWithCredentialIDList") => Some(2),
            Some("userVerificationRequired") => Some(3),
            _ => None,
        },
        version,
    })
}

/// Registers a passkey for a user.
///
/// # Errors
/// When the service refuses it.
pub async fn register(
    entra: &Entra,
    user: &str,
    options: &CreationOptions,
    passkey: &NewPasskey<'_>,
) -> Result<Registered, Error> {
    let id = BASE64URL_NOPAD.encode(passkey.credential_id);
    let body = json!({
        "displayName": passkey.display_name,
        "publicKeyCredential": {
            "id": id,
            "response": {
                "clientDataJSON": BASE64URL_NOPAD.encode(passkey.client_data),
                "attestationObject": BASE64URL_NOPAD.encode(passkey.attestation_object),
            },
            "clientExtensionResults": {},
        },
    });
    let request = Request::graph(options.version, path(user)).post(body);
    let call = request.call();
    match entra.get(request).await {
        Ok(answer) => {
            serde_json::from_value(answer).map_err(|error| unusable(&call, &error.to_string()))
        }
        // An earlier try may have arrived whose answer got lost.
        Err(error) if error.status() == Some(409) => {
            let known = list(entra, user).await?;
            known.into_iter().find(|own| own.id == id).ok_or(error)
        }
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent() -> Value {
        json!({"challengeTimeoutDateTime": "2026-06-13T11:26:35Z", "publicKey": {
            "rp": {"id": "login.microsoft.com", "name": "Microsoft"},
            "user": {"id": "T0Y6AAEC", "name": "ea01@contoso.onmicrosoft.com", "displayName": "EA 01"},
            "challenge": "ZXlKaGJHY2lPaUpT", "timeout": 0, "attestation": "direct",
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
            "excludeCredentials": [{"type": "public-key", "id": "AAEC/wQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="}],
            "extensions": {"hmacCreateSecret": true, "credentialProtectionPolicy": "userVerificationOptional"}}})
    }

    #[test]
    fn x7_ids_come_in_both_alphabets() {
        let read = options(&sent(), Version::V1).unwrap();
        assert_eq!(read.exclude[0].len(), 32);
        assert_eq!(read.user_id, b"OF:\0\x01\x02");
        assert_eq!((read.hmac_secret, read.cred_protect), (true, Some(1)));
        assert_eq!(read.origin(), "https://login.microsoft.com");
        assert!(read.expires.is_some());
    }

    #[test]
    fn x7_options_that_are_not_whole_are_no_options() {
        for pointer in [
            "/publicKey/challenge",
            "/publicKey/rp/id",
            "/publicKey/user/id",
            "/publicKey/excludeCredentials/0/id",
        ] {
            let mut broken = sent();
            *broken.pointer_mut(pointer).unwrap() = Value::Null;
            assert_eq!(options(&broken, Version::V1), None, "{pointer}");
        }
    }

    #[test]
    fn names_become_segments_of_a_path() {
        assert_eq!(
            path("a#b/c@contoso.com"),
            "users/a%23b%2Fc@contoso.com/authentication/fido2Methods"
        );
    }
}
