//! What a key attested about a new passkey, verified (W3C, *Web Authentication Level 2*, sections 7.1 and 8.2).
//!
//! What is proven is said no larger than it is. A certificate that came with the passkey proves that the statement is
//! of whoever holds that certificate's key; only the FIDO Metadata Service says that this is the vendor.

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, SignatureVerificationAlgorithm};
use sha2::{Digest as _, Sha256};
use thiserror::Error;
use webpki::EndEntityCert;

use crate::{
    ClientData,
    cbor::{self, Cbor},
    certificate::{self, Certificate, Named},
    mds::Metadata,
    pin::point,
};

/// ECDSA with P-256 and SHA-256 (COSE).
pub const ES256: i64 = -7;
/// RSASSA-PKCS1-v1_5 with SHA-256 (COSE).
pub const RS256: i64 = -257;

/// What was asked for.
#[derive(Clone, Copy, Debug)]
pub struct Expected<'a> {
    /// Id of the site.
    pub rp_id: &'a str,
    /// Origin that the client data must have.
    pub origin: &'a str,
    /// The challenge, as the site sent it.
    pub challenge: &'a str,
    /// The client data whose hash the key signed.
    pub client_data: &'a ClientData,
    /// Algorithms that the site takes.
    pub algorithms: &'a [i64],
}

/// Who stands behind the statement.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Nobody: there is none.
    NotAttested,
    /// The passkey itself: it says what the key likes to say.
    Itself,
    /// Whoever holds the certificate that came with it. Why it is not more: no metadata, or none about this key.
    Certificate {
        /// Why the vendor's root is not known.
        why: String,
    },
    /// The vendor, by the FIDO Metadata Service.
    Vendor {
        /// The metadata's description of the key.
        description: String,
    },
}

impl Trust {
    /// One word, for machines.
    pub const fn word(&self) -> &'static str {
        match self {
            Self::NotAttested => "none",
            Self::Itself => "self",
            Self::Certificate { .. } => "certificate",
            Self::Vendor { .. } => "vendor",
        }
    }

    /// What is proven, as a sentence.
    pub fn sentence(&self) -> String {
        match self {
            Self::NotAttested => {
                "The key attested nothing: which model it is, is not proven.".to_owned()
            }
            Self::Itself => {
                "The key attested with the passkey itself: which model it is, is not proven."
                    .to_owned()
            }
            Self::Certificate { why } => format!(
                "The attestation is verified against the certificate that it came with; the vendor's root is not known \
                 ({why})."
            ),
            Self::Vendor { description } => format!(
                "The attestation is verified up to the vendor's root in the FIDO Metadata Service: {description}."
            ),
        }
    }
}

/// A verified attestation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// AAGUID, lower case with dashes.
    pub aaguid: String,
    /// Credential id.
    pub credential_id: Vec<u8>,
    /// Algorithm of the passkey.
    pub algorithm: i64,
    /// Whether the passkey may be copied to other devices (flag BE, Level 3).
    pub syncable: bool,
    /// `packed` or `none`.
    pub format: String,
    /// Who stands behind it.
    pub trust: Trust,
    /// What the certificate's subject says: organisation and name.
    pub subject: Option<String>,
    /// What the metadata warns of, newest first.
    pub warnings: Vec<String>,
}

/// Why an attestation does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum AttestationError {
    /// Not what an attestation looks like.
    #[error("the attestation is malformed: {0}")]
    Malformed(&'static str),
    /// Made for something else than was asked for.
    #[error("the attestation is not of this registration: {0}")]
    Foreign(&'static str),
    /// Not what Entra takes.
    #[error("the passkey is not as it was asked for: {0}")]
    Unfit(&'static str),
    /// The signature does not hold.
    #[error("the signature of the attestation is not valid")]
    Signature,
    /// The certificate breaks the rules of section 8.2.1.
    #[error("the certificate of the attestation breaks the rules: {0}")]
    Certificate(&'static str),
    /// It leads to none of the vendor's roots.
    #[error(
        "the certificate of the attestation leads to none of the roots that the FIDO metadata has for this AAGUID: {0}"
    )]
    Root(String),
    /// The metadata says that the key is not to be trusted.
    #[error("the FIDO metadata says of this AAGUID: {0}")]
    Revoked(String),
}

use AttestationError as Wrong;

struct Data<'d> {
    rp_id_hash: &'d [u8],
    flags: u8,
    aaguid: [u8; 16],
    credential_id: &'d [u8],
    key: Cbor,
}

fn data(bytes: &[u8]) -> Result<Data<'_>, Wrong> {
    const SHORT: Wrong = Wrong::Malformed("the authenticator data is too short");
    let (rp_id_hash, rest) = bytes.split_at_checked(32).ok_or(SHORT)?;
    let (flags, rest) = rest.split_first().ok_or(SHORT)?;
    let (_, rest) = rest.split_at_checked(4).ok_or(SHORT)?;
    if flags & 0x40 == 0 {
        return Err(Wrong::Malformed("it holds no passkey"));
    }
    let (aaguid, rest) = rest.split_first_chunk::<16>().ok_or(SHORT)?;
    let (length, rest) = rest.split_first_chunk::<2>().ok_or(SHORT)?;
    let (credential_id, rest) = rest
        .split_at_checked(usize::from(u16::from_be_bytes(*length)))
        .ok_or(SHORT)?;
    if credential_id.is_empty() || credential_id.len() > 1023 {
        return Err(Wrong::Malformed(
            "the id of the passkey has no allowed length",
        ));
    }
    let (key, used) = cbor::read(rest).ok_or(Wrong::Malformed("the public key is not CBOR"))?;
    let rest = rest.get(used..).unwrap_or_default();
    // Extensions follow where flag ED says so, and nothing else does.
    let whole = if flags & 0x80 == 0 {
        rest.is_empty()
    } else {
        cbor::whole(rest).is_some()
    };
    if !whole {
        return Err(Wrong::Malformed("something follows the public key"));
    }
    Ok(Data {
        rp_id_hash,
        flags: *flags,
        aaguid: *aaguid,
        credential_id,
        key,
    })
}

/// Verifies an attestation object. The order is that of section 7.1.
///
/// # Errors
/// The first rule that is broken.
pub fn verify(
    object: &[u8],
    expected: &Expected<'_>,
    metadata: Option<&Metadata>,
    at: Timestamp,
) -> Result<Verified, Wrong> {
    client_data(expected)?;
    let object = cbor::whole(object).ok_or(Wrong::Malformed("it is not CBOR"))?;
    let format = object
        .get("fmt")
        .and_then(Cbor::text)
        .ok_or(Wrong::Malformed("it has no format"))?;
    let statement = object
        .get("attStmt")
        .ok_or(Wrong::Malformed("it has no statement"))?;
    let bytes = object
        .get("authData")
        .and_then(Cbor::bytes)
        .ok_or(Wrong::Malformed("it has no authenticator data"))?;
    let data = data(bytes)?;
    if Sha256::digest(expected.rp_id)[..] != *data.rp_id_hash {
        return Err(Wrong::Foreign("it is for another site"));
    }
    if data.flags & 0x01 == 0 {
        return Err(Wrong::Unfit("nobody touched the key"));
    }
    if data.flags & 0x04 == 0 {
        return Err(Wrong::Unfit(
            "the user was not verified by PIN or fingerprint",
        ));
    }
    let algorithm = data
        .key
        .at(3)
        .and_then(Cbor::int)
        .ok_or(Wrong::Malformed("the public key has no algorithm"))?;
    if !expected.algorithms.contains(&algorithm) {
        return Err(Wrong::Unfit("its algorithm was not asked for"));
    }
    let signed = [bytes, &expected.client_data.hash()].concat();
    let (trust, subject) = match format {
        "none" if statement.entries().is_empty() => (Trust::NotAttested, None),
        "none" => return Err(Wrong::Malformed("it says `none` and has a statement")),
        "packed" => packed(statement, &data, algorithm, &signed, metadata, at)?,
        _ => {
            return Err(Wrong::Unfit(
                "security keys attest in the format `packed`; this is another",
            ));
        }
    };
    let aaguid = uuid::Uuid::from_bytes(data.aaguid).to_string();
    let mut warnings = Vec::new();
    if let Some(entry) = metadata.and_then(|metadata| metadata.entry(&aaguid)) {
        if let Some(status) = entry.revoked() {
            return Err(Wrong::Revoked(status.to_owned()));
        }
        warnings = entry.warnings();
    }
    Ok(Verified {
        aaguid,
        credential_id: data.credential_id.to_vec(),
        algorithm,
        syncable: data.flags & 0x08 != 0,
        format: format.to_owned(),
        trust,
        subject,
        warnings,
    })
}

fn client_data(expected: &Expected<'_>) -> Result<(), Wrong> {
    let data: serde_json::Value = serde_json::from_slice(expected.client_data.bytes())
        .map_err(|_| Wrong::Malformed("the client data is not JSON"))?;
    let is =
        |name: &str, value: &str| data.get(name).and_then(serde_json::Value::as_str) == Some(value);
    if !is("type", "webauthn.create") {
        return Err(Wrong::Foreign("the client data is of another ceremony"));
    }
    if !is("challenge", expected.challenge) {
        return Err(Wrong::Foreign("the challenge is another"));
    }
    if !is("origin", expected.origin) {
        return Err(Wrong::Foreign("the origin is another"));
    }
    Ok(())
}

type Stated = (Trust, Option<String>);

fn packed(
    statement: &Cbor,
    data: &Data<'_>,
    own: i64,
    signed: &[u8],
    metadata: Option<&Metadata>,
    at: Timestamp,
) -> Result<Stated, Wrong> {
    let algorithm = statement
        .get("alg")
        .and_then(Cbor::int)
        .ok_or(Wrong::Malformed("its statement has no algorithm"))?;
    let signature = statement
        .get("sig")
        .and_then(Cbor::bytes)
        .ok_or(Wrong::Malformed("its statement has no signature"))?;
    let Some(chain) = statement.get("x5c") else {
        if algorithm != own {
            return Err(Wrong::Malformed(
                "it attests itself with another algorithm than its own",
            ));
        }
        let valid = verified(&data.key, signed, signature)
            .ok_or(Wrong::Unfit("its public key is of no known kind"))?;
        return if valid {
            Ok((Trust::Itself, None))
        } else {
            Err(Wrong::Signature)
        };
    };
    let chain: Vec<Vec<u8>> = chain
        .items()
        .iter()
        .filter_map(Cbor::bytes)
        .map(<[u8]>::to_vec)
        .collect();
    let (first, others) = chain
        .split_first()
        .ok_or(Wrong::Malformed("its list of certificates is empty"))?;
    let method = method(algorithm).ok_or(Wrong::Unfit(
        "it is signed with an algorithm that is not known",
    ))?;
    let der = CertificateDer::from(&first[..]);
    EndEntityCert::try_from(&der)
        .map_err(|_| Wrong::Certificate("it cannot be read, or may itself sign certificates"))?
        .verify_signature(method, signed, signature)
        .map_err(|_| Wrong::Signature)?;
    let certificate = Certificate::read(first).ok_or(Wrong::Certificate("it cannot be read"))?;
    rules(&certificate, &data.aaguid)?;
    if let (Some(last), false) = (others.last(), others.is_empty()) {
        certificate::leads_to(first, others, std::slice::from_ref(last), at).map_err(|_| {
            Wrong::Certificate("the certificates that came with it do not sign one another")
        })?;
    }
    let trust = trust(first, others, &data.aaguid, metadata, at)?;
    let subject = [certificate::ORGANISATION, certificate::COMMON_NAME]
        .iter()
        .filter_map(|kind| certificate.subject(kind))
        .collect::<Vec<_>>()
        .join(", ");
    Ok((trust, Some(subject)))
}

/// Section 8.2.1, and the AAGUID of section 8.2.
fn rules(certificate: &Certificate<'_>, aaguid: &[u8; 16]) -> Result<(), Wrong> {
    if certificate.version != 3 {
        return Err(Wrong::Certificate("it is not of version 3"));
    }
    if certificate.subject(certificate::UNIT).as_deref() != Some("Authenticator Attestation") {
        return Err(Wrong::Certificate(
            "its subject is no authenticator attestation",
        ));
    }
    let named = [
        certificate::COUNTRY,
        certificate::ORGANISATION,
        certificate::COMMON_NAME,
    ];
    if named.iter().any(|kind| certificate.subject(kind).is_none()) {
        return Err(Wrong::Certificate(
            "its subject lacks country, organisation or name",
        ));
    }
    if certificate.is_ca() != Some(false) {
        return Err(Wrong::Certificate(
            "it does not say that it signs no other certificates",
        ));
    }
    match certificate.aaguid() {
        Named::Nothing => Ok(()),
        Named::Aaguid(own) if own == *aaguid => Ok(()),
        Named::Aaguid(_) => Err(Wrong::Certificate(
            "it is for another AAGUID than the key says",
        )),
        Named::Critical => Err(Wrong::Certificate("its AAGUID is marked as critical")),
        Named::Malformed => Err(Wrong::Certificate("its AAGUID is malformed")),
    }
}

fn trust(
    own: &[u8],
    others: &[Vec<u8>],
    aaguid: &[u8; 16],
    metadata: Option<&Metadata>,
    at: Timestamp,
) -> Result<Trust, Wrong> {
    let unknown = |why: &str| {
        Ok(Trust::Certificate {
            why: why.to_owned(),
        })
    };
    let Some(metadata) = metadata else {
        return unknown("no FIDO metadata were given");
    };
    let Some(entry) = metadata.entry(&uuid::Uuid::from_bytes(*aaguid).to_string()) else {
        return unknown("the FIDO metadata do not have this AAGUID");
    };
    if entry.roots.is_empty() {
        return unknown("the FIDO metadata have no root for this AAGUID");
    }
    certificate::leads_to(own, others, &entry.roots, at).map_err(Wrong::Root)?;
    Ok(Trust::Vendor {
        description: entry.description.clone(),
    })
}

/// How `webpki` calls an algorithm of COSE.
fn method(algorithm: i64) -> Option<&'static dyn SignatureVerificationAlgorithm> {
    use webpki::aws_lc_rs as known;
    Some(match algorithm {
        ES256 => known::ECDSA_P256_SHA256,
        -8 => known::ED25519,
        -35 => known::ECDSA_P384_SHA384,
        RS256 => known::RSA_PKCS1_2048_8192_SHA256,
        _ => return None,
    })
}

/// Whether a signature is of a `COSE_Key`; `None`: the key is of no known kind.
pub fn verified(key: &Cbor, message: &[u8], signature: &[u8]) -> Option<bool> {
    match key.at(3)?.int()? {
        ES256 => Some(
            UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point(key)?)
                .verify(message, signature)
                .is_ok(),
        ),
        RS256 => Some(
            RsaPublicKeyComponents {
                n: key.at(-1)?.bytes()?,
                e: key.at(-2)?.bytes()?,
            }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
        ),
        _ => None,
    }
}
