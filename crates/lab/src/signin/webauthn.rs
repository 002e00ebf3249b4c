//! The server's half of a passkey ceremony (WebAuthn Level 3, *verifying an authentication assertion*).
//!
//! Invariants: the challenge is random, known to the server alone before the page shows it, and good once; user
//! verification is required; a counter that goes back refuses.

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use super::goal::Fields;
use crate::{Passkey, graph::write::verify};

/// User presence and user verification (authenticator data flags).
const PRESENT: u8 = 0x01;
const VERIFIED: u8 = 0x04;

/// A fresh challenge.
pub(crate) fn challenge() -> Vec<u8> {
    [Uuid::new_v4().into_bytes(), Uuid::new_v4().into_bytes()].concat()
}

/// Binary fields come in base64url without padding; a few clients pad or use the other alphabet.
pub(crate) fn decode(text: &str) -> Option<Vec<u8>> {
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

/// `PublicKeyCredentialRequestOptions` with binary fields in base64url.
pub(crate) fn request_options(rp_id: &str, challenge: &[u8], allowed: &[String]) -> Value {
    let allowed: Vec<Value> = allowed
        .iter()
        .map(|id| json!({"type": "public-key", "id": id}))
        .collect();
    json!({
        "challenge": BASE64URL_NOPAD.encode(challenge), "rpId": rp_id, "timeout": 60000,
        "userVerification": "required", "allowCredentials": allowed,
    })
}

/// An assertion as the page sends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Assertion {
    /// Credential id in unpadded base64url.
    pub(crate) credential: String,
    client_data: Vec<u8>,
    authenticator_data: Vec<u8>,
    signature: Vec<u8>,
    user_handle: Option<Vec<u8>>,
}

/// `PublicKeyCredentialCreationOptions` with binary fields in base64url, in the words of Graph's `creationOptions`.
pub(crate) fn creation_options(
    rp_id: &str,
    challenge: &[u8],
    user: (&[u8], &str, &str),
    taken: &[String],
) -> Value {
    let taken: Vec<Value> = taken
        .iter()
        .map(|id| json!({"type": "public-key", "id": id}))
        .collect();
    json!({
        "challenge": BASE64URL_NOPAD.encode(challenge), "rp": {"id": rp_id, "name": "Microsoft"}, "timeout": 60000,
        "user": {"id": BASE64URL_NOPAD.encode(user.0), "name": user.1, "displayName": user.2},
        "pubKeyCredParams": [{"type": "public-key", "alg": -7}, {"type": "public-key", "alg": -257}],
        "excludeCredentials": taken, "attestation": "none",
        "authenticatorSelection": {"residentKey": "required", "requireResidentKey": true, "userVerification": "required"},
    })
}

/// Whether client data is of this ceremony: type, challenge, origin.
pub(crate) fn client_data_is(
    bytes: &[u8],
    kind: &str,
    origin: &str,
    challenge: &[u8],
) -> Result<(), String> {
    let data: Value =
        serde_json::from_slice(bytes).map_err(|_| "Client data is no JSON".to_owned())?;
    let text = |key: &str| data.get(key).and_then(Value::as_str).unwrap_or_default();
    if text("type") != kind {
        return Err("Client data is of another ceremony".to_owned());
    }
    if decode(text("challenge")).as_deref() != Some(challenge) {
        return Err("Challenge does not match".to_owned());
    }
    if text("origin") != origin {
        return Err(format!("Origin {} is not {origin}", text("origin")));
    }
    if data.get("crossOrigin").and_then(Value::as_bool) == Some(true) {
        return Err("Cross-origin ceremony".to_owned());
    }
    Ok(())
}

/// Flags and counter of authenticator data of this relying party.
pub(crate) fn authenticator_data_is(data: &[u8], rp_id: &str) -> Result<u32, String> {
    let (Some(hash), Some(flags), Some(count)) = (data.get(..32), data.get(32), data.get(33..37))
    else {
        return Err("Authenticator data is too short".to_owned());
    };
    if hash != Sha256::digest(rp_id.as_bytes()).as_slice() {
        return Err("Relying party does not match".to_owned());
    }
    if flags & PRESENT == 0 || flags & VERIFIED == 0 {
        return Err("User was not verified".to_owned());
    }
    Ok(count
        .iter()
        .fold(0, |sum, byte| sum << 8 | u32::from(*byte)))
}

impl Assertion {
    /// Reads the fields of the form.
    pub(crate) fn read(form: &Fields) -> Option<Self> {
        let field = |name: &str| form.get(name).and_then(|text| decode(text));
        Some(Self {
            credential: BASE64URL_NOPAD.encode(&field("credential")?),
            client_data: field("clientDataJSON")?,
            authenticator_data: field("authenticatorData")?,
            signature: field("signature")?,
            user_handle: field("userHandle").filter(|handle| !handle.is_empty()),
        })
    }

    /// Verifies it; gives the new signature counter.
    pub(crate) fn verify(
        &self,
        key: &Passkey,
        rp_id: &str,
        origin: &str,
        challenge: &[u8],
    ) -> Result<u32, String> {
        if key.rp_id != rp_id {
            return Err(format!("Passkey was made for {}", key.rp_id));
        }
        if self
            .user_handle
            .as_ref()
            .is_some_and(|handle| *handle != key.user_handle)
        {
            return Err("User handle does not match".to_owned());
        }
        client_data_is(&self.client_data, "webauthn.get", origin, challenge)?;
        let count = authenticator_data_is(&self.authenticator_data, rp_id)?;
        let mut message = self.authenticator_data.clone();
        message.extend_from_slice(&Sha256::digest(&self.client_data));
        if !verify(&key.public_key, &message, &self.signature) {
            return Err("Signature does not verify".to_owned());
        }
        // Keys that always say 0 have no counter.
        if (count != 0 || key.sign_count != 0) && count <= key.sign_count {
            return Err("Signature counter went back".to_owned());
        }
        Ok(count)
    }
}
