//! The FIDO Metadata Service's list of authenticators (*FIDO Metadata Service v3*, sections 3.1 and 3.2), from a file.
//!
//! The file is a signed JWT; it is verified every time it is read, so that a copy needs no protection. Its signer has
//! to lead to GlobalSign Root CA - R3 and to be named `mds.fidoalliance.org`, or to lead to a root that was given. Whether
//! a certificate was revoked is not looked up: that takes a network.

use std::collections::BTreeMap;

use data_encoding::{BASE64, BASE64URL_NOPAD};
use jiff::{Timestamp, civil::Date};
use rustls_pki_types::{CertificateDer, ServerName, pem::PemObject as _};
use serde::Deserialize;
use thiserror::Error;
use webpki::EndEntityCert;

use crate::certificate;

/// GlobalSign Root CA - R3, under which FIDO's list is signed; public, valid until 18 March 2029.
const FIDO_ROOT: &str = include_str!("../data/globalsign-root-ca-r3.pem");
/// Who signs the list.
const SIGNER: &str = "mds.fidoalliance.org";

/// Why a file is no list of FIDO's.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum MetadataError {
    /// Not a JWT, or not the contents.
    #[error("it is no metadata file of FIDO: {0}")]
    Malformed(String),
    /// The signer is not FIDO.
    #[error("it is not signed by FIDO: {0}")]
    Signer(String),
    /// It was changed.
    #[error("its signature is not valid: it was changed or cut off")]
    Signature,
    /// The given root cannot be read.
    #[error("the root certificate cannot be read")]
    Root,
}

/// Under which root the list has to be signed.
#[derive(Clone, Debug, Default)]
pub enum Root {
    /// FIDO's.
    #[default]
    Fido,
    /// Another, in PEM: for lists of one's own.
    Pem(Vec<u8>),
}

/// A verified list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// Serial number of the list: a later list has a larger one.
    pub number: u64,
    /// When FIDO publishes the next.
    pub next_update: Option<Date>,
    entries: BTreeMap<String, Entry>,
}

/// What is said about one AAGUID.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    /// Description of the product.
    pub description: String,
    /// Roots of its attestation, DER.
    pub roots: Vec<Vec<u8>>,
    /// Status words with their dates, as listed.
    pub statuses: Vec<(String, Option<String>)>,
}

/// Status words that mean: somebody may hold its keys, or get past its PIN (section 3.1.4).
const WARNINGS: &[&str] = &[
    "USER_VERIFICATION_BYPASS",
    "ATTESTATION_KEY_COMPROMISE",
    "USER_KEY_REMOTE_COMPROMISE",
    "USER_KEY_PHYSICAL_COMPROMISE",
];

impl Entry {
    /// Why it is not to be used any more.
    pub fn revoked(&self) -> Option<&str> {
        let found = self.statuses.iter().find(|(word, _)| word == "REVOKED");
        found.map(|(word, _)| word.as_str())
    }

    /// What is known against it.
    pub fn warnings(&self) -> Vec<String> {
        self.statuses
            .iter()
            .filter(|(word, _)| WARNINGS.contains(&word.as_str()))
            .map(|(word, date)| match date {
                Some(date) => format!("{word} since {date}"),
                None => word.clone(),
            })
            .collect()
    }

    /// The highest certification by FIDO.
    pub fn certification(&self) -> Option<&str> {
        let certified = self
            .statuses
            .iter()
            .filter(|(word, _)| word.starts_with("FIDO_CERTIFIED"));
        certified.map(|(word, _)| word.as_str()).max()
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    #[serde(default)]
    x5c: Vec<String>,
}

#[derive(Deserialize)]
struct Payload {
    no: u64,
    #[serde(rename = "nextUpdate")]
    next_update: Option<String>,
    entries: Vec<PayloadEntry>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct PayloadEntry {
    aaguid: Option<String>,
    metadata_statement: Option<Statement>,
    #[serde(default)]
    status_reports: Vec<Report>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Statement {
    #[serde(default)]
    description: String,
    #[serde(default)]
    attestation_root_certificates: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Report {
    status: String,
    effective_date: Option<String>,
}

impl Metadata {
    /// Reads and verifies a list.
    ///
    /// # Errors
    /// When it is none, or not signed as it has to be.
    pub fn read(file: &[u8], root: &Root, at: Timestamp) -> Result<Self, MetadataError> {
        let malformed = |what: &str| MetadataError::Malformed(what.to_owned());
        let text = std::str::from_utf8(file)
            .map_err(|_| malformed("it is not text"))?
            .trim();
        let mut parts = text.split('.');
        let (Some(head), Some(body), Some(signature), None) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            return Err(malformed("it does not have the three parts of a JWT"));
        };
        let decode = |part: &str| {
            BASE64URL_NOPAD
                .decode(part.as_bytes())
                .map_err(|_| malformed("a part is not base64url"))
        };
        let header: Header = serde_json::from_slice(&decode(head)?)
            .map_err(|error| MetadataError::Malformed(format!("its header: {error}")))?;
        let signed = format!("{head}.{body}");
        signer(&header, signed.as_bytes(), &decode(signature)?, root, at)?;
        let payload: Payload = serde_json::from_slice(&decode(body)?)
            .map_err(|error| MetadataError::Malformed(format!("its contents: {error}")))?;
        Ok(Self {
            number: payload.no,
            next_update: payload.next_update.and_then(|date| date.parse().ok()),
            entries: payload.entries.into_iter().filter_map(entry).collect(),
        })
    }

    /// What is said about an AAGUID.
    pub fn entry(&self, aaguid: &str) -> Option<&Entry> {
        self.entries.get(&aaguid.trim().to_ascii_lowercase())
    }

    /// AAGUIDs with what is said about them.
    pub fn entries(&self) -> impl Iterator<Item = (&str, &Entry)> {
        self.entries
            .iter()
            .map(|(aaguid, entry)| (aaguid.as_str(), entry))
    }

    /// Whether FIDO has published a later list by now.
    pub fn is_overdue(&self, at: Timestamp) -> bool {
        let today = jiff::tz::TimeZone::UTC.to_datetime(at).date();
        self.next_update.is_some_and(|next| next < today)
    }
}

/// U2F keys and others without an AAGUID are left out.
fn entry(own: PayloadEntry) -> Option<(String, Entry)> {
    let aaguid = own.aaguid?.to_ascii_lowercase();
    let statement = own.metadata_statement;
    let (description, roots) = match statement {
        Some(statement) => (
            statement.description.trim().to_owned(),
            statement
                .attestation_root_certificates
                .iter()
                .filter_map(|text| base64(text))
                .collect(),
        ),
        None => (String::new(), Vec::new()),
    };
    let statuses = own
        .status_reports
        .into_iter()
        .map(|report| (report.status, report.effective_date))
        .collect();
    Some((
        aaguid,
        Entry {
            description,
            roots,
            statuses,
        },
    ))
}

/// Certificates come in base64, some with line breaks.
fn base64(text: &str) -> Option<Vec<u8>> {
    let plain: String = text.split_whitespace().collect();
    BASE64.decode(plain.as_bytes()).ok()
}

fn signer(
    header: &Header,
    signed: &[u8],
    signature: &[u8],
    root: &Root,
    at: Timestamp,
) -> Result<(), MetadataError> {
    let refused = |why: &str| MetadataError::Signer(why.to_owned());
    let chain: Vec<Vec<u8>> = header
        .x5c
        .iter()
        .map(|text| base64(text))
        .collect::<Option<_>>()
        .ok_or_else(|| refused("its certificates cannot be read"))?;
    let (own, others) = chain
        .split_first()
        .ok_or_else(|| refused("it names no certificate"))?;
    let pem = match root {
        Root::Fido => FIDO_ROOT.as_bytes(),
        Root::Pem(pem) => pem,
    };
    let roots: Vec<Vec<u8>> = CertificateDer::pem_slice_iter(pem)
        .map(|one| one.map(|one| one.to_vec()))
        .collect::<Result<_, _>>()
        .map_err(|_| MetadataError::Root)?;
    if roots.is_empty() {
        return Err(MetadataError::Root);
    }
    certificate::leads_to(own, others, &roots, at).map_err(|why| {
        MetadataError::Signer(format!("its certificate does not lead to the root: {why}"))
    })?;
    let der = CertificateDer::from(&own[..]);
    let own =
        EndEntityCert::try_from(&der).map_err(|_| refused("its certificate cannot be read"))?;
    if matches!(root, Root::Fido) {
        let name = ServerName::try_from(SIGNER).map_err(|_| refused("its signer has no name"))?;
        own.verify_is_valid_for_subject_name(&name)
            .map_err(|_| refused("its certificate is not that of mds.fidoalliance.org"))?;
    }
    match header.alg.as_str() {
        "RS256" => own
            .verify_signature(
                webpki::aws_lc_rs::RSA_PKCS1_2048_8192_SHA256,
                signed,
                signature,
            )
            .map_err(|_| MetadataError::Signature),
        "ES256" => {
            let key = certificate::Certificate::read(&der)
                .ok_or_else(|| refused("its certificate cannot be read"))?
                .key;
            aws_lc_rs::signature::UnparsedPublicKey::new(
                &aws_lc_rs::signature::ECDSA_P256_SHA256_FIXED,
                key,
            )
            .verify(signed, signature)
            .map_err(|_| MetadataError::Signature)
        }
        _ => Err(refused("it is signed with an algorithm that is not known")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use sha2::{Digest as _, Sha256};

    use super::*;

    /// As GlobalSign publishes it (support.globalsign.com, *GlobalSign Root Certificates*).
    #[test]
    fn the_root_is_globalsigns() {
        let der = CertificateDer::from_pem_slice(FIDO_ROOT.as_bytes()).unwrap();
        assert_eq!(
            data_encoding::HEXLOWER.encode(&Sha256::digest(&der)),
            "cbb522d7b7f127ad6a0113865bdf1cd4102e7d0759af635a7cf4720dc963c53b"
        );
    }

    proptest! {
        #[test]
        fn no_file_makes_it_panic(file in proptest::collection::vec(any::<u8>(), 0..200), text in "[A-Za-z0-9_.-]{0,80}") {
            prop_assert!(Metadata::read(&file, &Root::Fido, Timestamp::UNIX_EPOCH).is_err());
            prop_assert!(Metadata::read(text.as_bytes(), &Root::Fido, Timestamp::UNIX_EPOCH).is_err());
        }
    }
}
