//! A certificate, and the assertions that its key signs (Microsoft identity platform, *Certificate credentials*): PS256,
//! with the SHA-256 thumbprint of the certificate.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::{
    rand::SystemRandom,
    rsa::KeyPair,
    signature::{KeyPair as _, RSA_PSS_SHA256},
};
use azure_core::http::ClientMethodOptions;
use azure_identity::ClientAssertion;
use breakglass_model::Clock;
use data_encoding::{BASE64_MIME_PERMISSIVE, BASE64URL_NOPAD};
use serde_json::json;
use sha2::{Digest, Sha256};

/// How long an assertion is good for, in seconds; Microsoft recommends five to ten minutes.
const LIFETIME: i64 = 5 * 60;

/// Why a certificate cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CertificateError {
    /// There is no certificate in the file.
    #[error("there is no certificate in the PEM file")]
    NoCertificate,
    /// There is no private key in the file.
    #[error("there is no private key in the PEM file")]
    NoKey,
    /// The private key is encrypted or of another kind.
    #[error("the private key is not an unencrypted RSA key in PKCS#8")]
    Key,
    /// The private key is that of no certificate in the file.
    #[error("the private key does not belong to the certificate")]
    Mismatch,
    /// The text is damaged.
    #[error("the PEM file is damaged")]
    Damaged,
}

/// A certificate with its private key.
#[derive(Clone)]
pub(super) struct Certificate {
    key: Arc<KeyPair>,
    thumbprint: String,
}

/// The blocks of PEM (RFC 7468) with this label.
fn blocks(text: &str, label: &str) -> Result<Vec<Vec<u8>>, CertificateError> {
    let (begin, end) = (
        format!("-----BEGIN {label}-----"),
        format!("-----END {label}-----"),
    );
    text.split(&begin)
        .skip(1)
        .map(|rest| {
            let (body, _) = rest.split_once(&end).ok_or(CertificateError::Damaged)?;
            BASE64_MIME_PERMISSIVE
                .decode(body.trim().as_bytes())
                .map_err(|_| CertificateError::Damaged)
        })
        .collect()
}

impl Certificate {
    /// The private key, and the certificate that belongs to it: a file may hold the whole chain, in any order.
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let text = std::str::from_utf8(pem).map_err(|_| CertificateError::Damaged)?;
        let certificates = blocks(text, "CERTIFICATE")?;
        if certificates.is_empty() {
            return Err(CertificateError::NoCertificate);
        }
        let other_kind = text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----")
            || text.contains("-----BEGIN EC PRIVATE KEY-----");
        let key = match blocks(text, "PRIVATE KEY")?.first() {
            Some(key) => KeyPair::from_pkcs8(key),
            None => match blocks(text, "RSA PRIVATE KEY")?.first() {
                Some(key) => KeyPair::from_der(key),
                None if other_kind => return Err(CertificateError::Key),
                None => return Err(CertificateError::NoKey),
            },
        }
        .map_err(|_| CertificateError::Key)?;
        // The public key stands in its certificate as it is (RFC 3279, 2.3.1).
        let public = key.public_key().as_ref();
        let own = certificates
            .iter()
            .find(|der| der.windows(public.len()).any(|part| part == public))
            .ok_or(CertificateError::Mismatch)?;
        let thumbprint = BASE64URL_NOPAD.encode(&Sha256::digest(own));
        Ok(Self {
            key: Arc::new(key),
            thumbprint,
        })
    }

    /// What signs assertions of an application for a token endpoint.
    pub(super) fn signer(&self, client: String, audience: String, clock: Arc<dyn Clock>) -> Signer {
        Signer {
            certificate: self.clone(),
            client,
            audience,
            clock,
        }
    }
}

pub(super) struct Signer {
    certificate: Certificate,
    client: String,
    audience: String,
    clock: Arc<dyn Clock>,
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Signer")
            .field("client", &self.client)
            .finish_non_exhaustive()
    }
}

impl Signer {
    fn assertion(&self) -> Option<String> {
        let now = self.clock.now().as_second();
        let part = |value: serde_json::Value| BASE64URL_NOPAD.encode(value.to_string().as_bytes());
        let header =
            part(json!({"alg": "PS256", "typ": "JWT", "x5t#S256": self.certificate.thumbprint}));
        let claims = part(json!({
            "aud": self.audience, "iss": self.client, "sub": self.client, "jti": uuid::Uuid::new_v4(),
            "nbf": now, "iat": now, "exp": now + LIFETIME,
        }));
        let signed = format!("{header}.{claims}");
        let key = &self.certificate.key;
        let mut signature = vec![0; key.public_modulus_len()];
        key.sign(
            &RSA_PSS_SHA256,
            &SystemRandom::new(),
            signed.as_bytes(),
            &mut signature,
        )
        .ok()?;
        Some(format!("{signed}.{}", BASE64URL_NOPAD.encode(&signature)))
    }
}

#[async_trait]
impl ClientAssertion for Signer {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        self.assertion().ok_or_else(|| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                "the certificate's key could not sign",
            )
        })
    }
}
