//! A certificate, and the assertions that its key signs (Microsoft identity platform, *Certificate credentials*): PS256,
//! with the SHA-256 thumbprint of the certificate.

use std::sync::Arc;

use async_trait::async_trait;
use aws_lc_rs::{rand::SystemRandom, rsa::KeyPair, signature::RSA_PSS_SHA256};
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

/// The first block of PEM (RFC 7468) with this label.
fn block(text: &str, label: &str) -> Option<Result<Vec<u8>, CertificateError>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    Some(
        BASE64_MIME_PERMISSIVE
            .decode(body.trim().as_bytes())
            .map_err(|_| CertificateError::Damaged),
    )
}

impl Certificate {
    pub(super) fn from_pem(pem: &[u8]) -> Result<Self, CertificateError> {
        let text = std::str::from_utf8(pem).map_err(|_| CertificateError::Damaged)?;
        let der = block(text, "CERTIFICATE").ok_or(CertificateError::NoCertificate)??;
        let encrypted = text.contains("-----BEGIN ENCRYPTED PRIVATE KEY-----");
        let key = match block(text, "PRIVATE KEY") {
            Some(key) => KeyPair::from_pkcs8(&key?),
            None => match block(text, "RSA PRIVATE KEY") {
                Some(key) => KeyPair::from_der(&key?),
                None if encrypted => return Err(CertificateError::Key),
                None => return Err(CertificateError::NoKey),
            },
        };
        Ok(Self {
            key: Arc::new(key.map_err(|_| CertificateError::Key)?),
            thumbprint: BASE64URL_NOPAD.encode(&Sha256::digest(&der)),
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
