//! JSON Web Tokens: what signs ours, and what reads those of others.

use std::fmt;

use aws_lc_rs::{
    encoding::AsDer,
    error::Unspecified,
    rand::SystemRandom,
    rsa::{KeyPair, KeySize, PublicKey},
    signature::{KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_SHA256, UnparsedPublicKey},
};
use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};
use sha2::{Digest as _, Sha256};

/// The key that signs this run's tokens.
pub(crate) struct Keys {
    pair: KeyPair,
    id: String,
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Keys")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

fn encode(bytes: impl AsRef<[u8]>) -> String {
    BASE64URL_NOPAD.encode(bytes.as_ref())
}

impl Keys {
    /// A new key.
    pub(crate) fn generate() -> Result<Self, Unspecified> {
        let pair = KeyPair::generate(KeySize::Rsa2048)?;
        let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(pair.public_key())?;
        let id = encode(&Sha256::digest(der.as_ref())[..20]);
        Ok(Self { pair, id })
    }

    fn public(&self) -> &PublicKey {
        self.pair.public_key()
    }

    /// A signed token (RS256).
    pub(crate) fn sign(&self, claims: &Value) -> String {
        let header = json!({"typ": "JWT", "alg": "RS256", "x5t": self.id, "kid": self.id});
        let message = format!(
            "{}.{}",
            encode(header.to_string()),
            encode(claims.to_string())
        );
        let mut signature = vec![0; self.pair.public_modulus_len()];
        // Signing fails only without memory; a token without a signature is then refused everywhere.
        if self
            .pair
            .sign(
                &RSA_PKCS1_SHA256,
                &SystemRandom::new(),
                message.as_bytes(),
                &mut signature,
            )
            .is_err()
        {
            signature.clear();
        }
        format!("{message}.{}", encode(signature))
    }

    /// The claims of a token that this key signed.
    pub(crate) fn verify(&self, token: &str) -> Option<Map<String, Value>> {
        let jwt = Jwt::read(token)?;
        if jwt.header.get("alg")?.as_str()? != "RS256" {
            return None;
        }
        UnparsedPublicKey::new(&RSA_PKCS1_2048_8192_SHA256, self.public())
            .verify(jwt.message.as_bytes(), &jwt.signature)
            .ok()?;
        Some(jwt.claims)
    }

    /// The public key as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        json!({
            "kty": "RSA", "use": "sig", "alg": "RS256", "kid": self.id, "x5t": self.id,
            "n": encode(self.public().modulus().big_endian_without_leading_zero()),
            "e": encode(self.public().exponent().big_endian_without_leading_zero()),
        })
    }
}

/// A token as it was sent, not verified.
#[derive(Debug)]
pub(crate) struct Jwt<'a> {
    pub(crate) header: Map<String, Value>,
    pub(crate) claims: Map<String, Value>,
    /// What the signature is over.
    pub(crate) message: &'a str,
    pub(crate) signature: Vec<u8>,
}

impl<'a> Jwt<'a> {
    /// Reads a token of three parts. The padding that RFC 7515 leaves out may be there: the assertions of Microsoft's
    /// `azure-identity` for Python have it.
    pub(crate) fn read(token: &'a str) -> Option<Self> {
        let (message, signature) = token.rsplit_once('.')?;
        let (header, claims) = message.split_once('.')?;
        let bytes = |text: &str| {
            let text = text.trim_end_matches('=');
            BASE64URL_NOPAD.decode(text.as_bytes()).ok()
        };
        let part = |text: &str| -> Option<Map<String, Value>> {
            serde_json::from_slice(&bytes(text)?).ok()
        };
        Some(Self {
            header: part(header)?,
            claims: part(claims)?,
            message,
            signature: bytes(signature)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_does_not_hinder_reading() {
        let padded = data_encoding::BASE64URL.encode(br#"{"a":1}"#);
        assert!(padded.ends_with('='));
        let token = format!(
            "{padded}.{padded}.{}",
            data_encoding::BASE64URL.encode(b"sign")
        );
        let jwt = Jwt::read(&token).unwrap();
        assert_eq!(jwt.claims["a"], 1);
        assert_eq!(jwt.signature, b"sign");
        assert!(token.starts_with(jwt.message));
    }

    #[test]
    fn a_token_is_read_back_and_a_changed_one_is_refused() {
        let keys = Keys::generate().unwrap();
        let token = keys.sign(&json!({"oid": "a"}));
        assert_eq!(keys.verify(&token).unwrap()["oid"], "a");

        let other = encode(json!({"oid": "b"}).to_string());
        let mut parts: Vec<&str> = token.split('.').collect();
        parts[1] = &other;
        assert_eq!(keys.verify(&parts.join(".")), None);
        let none = encode(json!({"alg": "none"}).to_string());
        assert_eq!(keys.verify(&format!("{none}.{other}.")), None);
        assert_eq!(keys.verify(""), None);
        assert_eq!(keys.verify("a.b.c"), None);
        assert_eq!(Keys::generate().unwrap().verify(&token), None);
    }
}
