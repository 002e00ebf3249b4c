//! What is asked of a key, and what it gives back.

use data_encoding::BASE64URL_NOPAD;
use sha2::{Digest as _, Sha256};

/// Client data (W3C, *Web Authentication Level 2*, section 5.8.1): the bytes that are sent to the site and whose hash
/// the key signs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientData(String);

impl ClientData {
    /// Of a registration: the challenge is the text that the site sent.
    pub fn create(challenge: &str, origin: &str) -> Self {
        Self::of("webauthn.create", challenge, origin)
    }

    /// Of a sign-in.
    pub fn get(challenge: &str, origin: &str) -> Self {
        Self::of("webauthn.get", challenge, origin)
    }

    fn of(kind: &str, challenge: &str, origin: &str) -> Self {
        Self(
            serde_json::json!({
                "type": kind, "challenge": challenge, "origin": origin, "crossOrigin": false,
            })
            .to_string(),
        )
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }

    /// SHA-256 of the bytes.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(&self.0).into()
    }

    /// As the site wants it.
    pub fn base64url(&self) -> String {
        BASE64URL_NOPAD.encode(self.bytes())
    }
}

/// A passkey to be made: always discoverable, always with user verification.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NewCredential {
    /// SHA-256 of the client data.
    pub client_data_hash: [u8; 32],
    /// Id of the site (`login.microsoft.com`).
    pub rp_id: String,
    /// Its name.
    pub rp_name: String,
    /// User handle.
    pub user_id: Vec<u8>,
    /// User name.
    pub user_name: String,
    /// Name to show.
    pub user_display_name: String,
    /// Algorithms that the site takes, by COSE number, the best first.
    pub algorithms: Vec<i64>,
    /// Passkeys of the account: a key that holds one of them makes no other.
    pub exclude: Vec<Vec<u8>>,
    /// Whether the site asked for a secret that it can derive keys from, offline sign-in to Windows needs it.
    pub hmac_secret: bool,
    /// Level of `credProtect` (1 to 3), where the site asked for it.
    pub cred_protect: Option<u8>,
}

/// A passkey that was made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Made {
    /// The attestation object, with the parts as the key sent them.
    pub attestation_object: Vec<u8>,
}

/// A passkey that was used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Assertion {
    /// Credential id.
    pub credential_id: Vec<u8>,
    /// Authenticator data.
    pub authenticator_data: Vec<u8>,
    /// Signature over authenticator data and hash of client data.
    pub signature: Vec<u8>,
    /// User handle.
    pub user_id: Option<Vec<u8>>,
}
