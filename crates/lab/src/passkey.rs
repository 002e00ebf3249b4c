//! What a sign-in is verified with and no read of Graph shows: registered passkeys, passwords, passes.

use jiff::Timestamp;

/// A public key with its algorithm, out of a `COSE_Key` (RFC 9052, RFC 9053).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum PublicKey {
    /// ECDSA with P-256 and SHA-256 (COSE algorithm -7): the point, uncompressed (`04 || x || y`, 65 bytes).
    Es256(Vec<u8>),
    /// RSASSA-PKCS1-v1_5 with SHA-256 (COSE algorithm -257): modulus and exponent, big-endian without leading zeros.
    Rs256 {
        /// Modulus.
        n: Vec<u8>,
        /// Exponent.
        e: Vec<u8>,
    },
}

/// A registered passkey. It lies in `State.passkeys` under its credential id in unpadded base64url, and is dropped when
/// the method or its user is deleted for good.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Passkey {
    /// Object id of the user.
    pub user: String,
    /// Id of the `fido2AuthenticationMethod` among the user's `authentication.methods`.
    pub method: String,
    /// User handle (`user.id` of the creation options), as the key gives it back in an assertion.
    pub user_handle: Vec<u8>,
    /// Relying party id that it was made for; an assertion's `rpIdHash` is the SHA-256 of it.
    pub rp_id: String,
    /// Public key.
    pub public_key: PublicKey,
    /// The `COSE_Key` as it was sent.
    pub cose: Vec<u8>,
    /// Signature counter; whoever verifies an assertion moves it on. Keys that always say 0 have none.
    pub sign_count: u32,
    /// AAGUID, lower case with dashes.
    pub aaguid: String,
    /// When it was registered.
    pub created: Timestamp,
}

/// A password or Temporary Access Pass; no output shows it.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Wraps a secret.
    pub const fn new(secret: String) -> Self {
        Self(secret)
    }

    /// Whether somebody typed it right.
    pub fn is(&self, typed: &str) -> bool {
        self.0 == typed
    }
}

impl std::fmt::Debug for Secret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Secret")
    }
}
