//! As much of a certificate as attestation asks about (RFC 5280, section 4.1), and whether it leads to a root.
//!
//! Signatures, validity and chains are judged by `webpki`; what it does not show (version, subject, extensions) is read
//! here. Reading is total.

use std::time::Duration;

use jiff::Timestamp;
use rustls_pki_types::{CertificateDer, UnixTime};
use webpki::{
    EndEntityCert, Error, ExtendedKeyUsageValidator, KeyPurposeIdIter, anchor_from_trusted_cert,
};

/// 1.3.6.1.4.1.45724.1.1.4: `id-fido-gen-ce-aaguid`.
const AAGUID: &[u8] = &[
    0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04,
];
/// 2.5.29.19: basic constraints.
const BASIC_CONSTRAINTS: &[u8] = &[0x55, 0x1d, 0x13];

/// Attribute types of names: 2.5.4.6, 2.5.4.10, 2.5.4.11, 2.5.4.3.
pub const COUNTRY: &[u8] = &[0x55, 0x04, 0x06];
/// Organisation.
pub const ORGANISATION: &[u8] = &[0x55, 0x04, 0x0a];
/// Organisational unit.
pub const UNIT: &[u8] = &[0x55, 0x04, 0x0b];
/// Common name.
pub const COMMON_NAME: &[u8] = &[0x55, 0x04, 0x03];

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate<'d> {
    /// Version: 3 for one with extensions.
    pub version: u8,
    subject: Vec<(&'d [u8], &'d [u8])>,
    extensions: Vec<Extension<'d>>,
    /// The bits of the public key.
    pub key: &'d [u8],
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Extension<'d> {
    id: &'d [u8],
    critical: bool,
    value: &'d [u8],
}

/// The AAGUID that a certificate is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Named {
    /// It names none.
    Nothing,
    /// This one.
    Aaguid([u8; 16]),
    /// It is marked critical, which it must not be.
    Critical,
    /// What stands there is none.
    Malformed,
}

/// One element: tag, content, and what follows it.
fn element(bytes: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = bytes.split_first()?;
    let (first, rest) = rest.split_first()?;
    let (length, rest) = if *first < 0x80 {
        (usize::from(*first), rest)
    } else {
        let count = usize::from(*first & 0x7f);
        if count == 0 || count > 4 {
            return None;
        }
        let (length, rest) = rest.split_at_checked(count)?;
        let length = length
            .iter()
            .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
        (length, rest)
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

fn tagged(bytes: &[u8], wanted: u8) -> Option<(&[u8], &[u8])> {
    element(bytes)
        .filter(|(tag, ..)| *tag == wanted)
        .map(|(_, content, rest)| (content, rest))
}

const SEQUENCE: u8 = 0x30;
const SET: u8 = 0x31;
const OID: u8 = 0x06;
const OCTETS: u8 = 0x04;
const BOOLEAN: u8 = 0x01;

fn names(mut bytes: &[u8]) -> Option<Vec<(&[u8], &[u8])>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (mut set, rest) = tagged(bytes, SET)?;
        bytes = rest;
        while !set.is_empty() {
            let (pair, rest) = tagged(set, SEQUENCE)?;
            set = rest;
            let (kind, value) = tagged(pair, OID)?;
            all.push((kind, element(value)?.1));
        }
    }
    Some(all)
}

fn extensions(mut bytes: &[u8]) -> Option<Vec<Extension<'_>>> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let (extension, rest) = tagged(bytes, SEQUENCE)?;
        bytes = rest;
        let (id, rest) = tagged(extension, OID)?;
        let (critical, rest) = match tagged(rest, BOOLEAN) {
            Some((value, rest)) => (value.first().is_some_and(|byte| *byte != 0), rest),
            None => (false, rest),
        };
        let (value, _) = tagged(rest, OCTETS)?;
        all.push(Extension {
            id,
            critical,
            value,
        });
    }
    Some(all)
}

impl<'d> Certificate<'d> {
    /// Reads one in DER.
    pub fn read(der: &'d [u8]) -> Option<Self> {
        let (certificate, _) = tagged(der, SEQUENCE)?;
        let (mut rest, _) = tagged(certificate, SEQUENCE)?;
        let mut version = 1;
        if let Some((explicit, after)) = tagged(rest, 0xa0) {
            let (number, _) = tagged(explicit, 0x02)?;
            version = number.last()?.checked_add(1)?;
            rest = after;
        }
        // Serial number, algorithm, issuer, validity.
        for _ in 0..4 {
            (_, _, rest) = element(rest)?;
        }
        let (subject, rest) = tagged(rest, SEQUENCE)?;
        let (info, mut rest) = tagged(rest, SEQUENCE)?;
        let (_, _, bits) = element(info)?;
        let (bits, _) = tagged(bits, 0x03)?;
        let mut own = Self {
            version,
            subject: names(subject)?,
            extensions: Vec::new(),
            key: bits.strip_prefix(&[0])?,
        };
        while !rest.is_empty() {
            let (tag, content, after) = element(rest)?;
            rest = after;
            if tag == 0xa3 {
                own.extensions = extensions(tagged(content, SEQUENCE)?.0)?;
            }
        }
        Some(own)
    }

    /// An attribute of the subject, such as [`UNIT`].
    pub fn subject(&self, kind: &[u8]) -> Option<String> {
        self.subject
            .iter()
            .find(|(own, _)| *own == kind)
            .map(|(_, value)| String::from_utf8_lossy(value).into_owned())
    }

    fn extension(&self, id: &[u8]) -> Option<&Extension<'d>> {
        self.extensions.iter().find(|own| own.id == id)
    }

    /// The AAGUID that the vendor wrote into it.
    pub fn aaguid(&self) -> Named {
        let Some(extension) = self.extension(AAGUID) else {
            return Named::Nothing;
        };
        match tagged(extension.value, OCTETS)
            .map(|(octets, rest)| (<[u8; 16]>::try_from(octets), rest))
        {
            Some((Ok(_), [])) if extension.critical => Named::Critical,
            Some((Ok(aaguid), [])) => Named::Aaguid(aaguid),
            _ => Named::Malformed,
        }
    }

    /// Whether it may sign other certificates; `None`: it has no basic constraints.
    pub fn is_ca(&self) -> Option<bool> {
        let (constraints, _) = tagged(self.extension(BASIC_CONSTRAINTS)?.value, SEQUENCE)?;
        Some(
            tagged(constraints, BOOLEAN)
                .is_some_and(|(value, _)| value.first().is_some_and(|byte| *byte != 0)),
        )
    }
}

/// Attestation certificates have no purpose that `webpki` knows; whatever they name is as well.
struct AnyPurpose;

impl ExtendedKeyUsageValidator for AnyPurpose {
    fn validate(&self, purposes: KeyPurposeIdIter<'_, '_>) -> Result<(), Error> {
        for purpose in purposes {
            purpose?;
        }
        Ok(())
    }
}

/// Whether a certificate, by way of others, leads to one of these roots at that time. Revocation is not looked up.
///
/// # Errors
/// Why not, as a clause.
pub fn leads_to(
    own: &[u8],
    others: &[Vec<u8>],
    roots: &[Vec<u8>],
    at: Timestamp,
) -> Result<(), String> {
    // A vendor may name the certificate itself.
    if roots.iter().any(|root| root == own) {
        return Ok(());
    }
    let der = CertificateDer::from(own);
    let own = EndEntityCert::try_from(&der)
        .map_err(|error| format!("the certificate cannot be read: {error}"))?;
    let roots: Vec<CertificateDer<'_>> = roots
        .iter()
        .map(|root| CertificateDer::from(&root[..]))
        .collect();
    let anchors: Vec<_> = roots
        .iter()
        .filter_map(|root| anchor_from_trusted_cert(root).ok())
        .collect();
    let others: Vec<CertificateDer<'_>> = others
        .iter()
        .map(|one| CertificateDer::from(&one[..]))
        .collect();
    let seconds = u64::try_from(at.as_second()).unwrap_or_default();
    own.verify_for_usage(
        webpki::ALL_VERIFICATION_ALGS,
        &anchors,
        &others,
        UnixTime::since_unix_epoch(Duration::from_secs(seconds)),
        AnyPurpose,
        None,
        None,
    )
    .map(drop)
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            if let Some(read) = Certificate::read(&bytes) {
                let _ = (read.aaguid(), read.is_ca(), read.subject(UNIT));
            }
        }

        /// Damage to a real one goes deeper than random bytes.
        #[test]
        fn no_damage_makes_it_panic(at in 0_usize..600, byte in any::<u8>()) {
            let (state, root) = crate::soft::Model::of("b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a").make().unwrap();
            let mut der = state.certificate().unwrap().to_vec();
            let place = at % der.len();
            der[place] = byte;
            if let Some(read) = Certificate::read(&der) {
                let _ = (read.aaguid(), read.is_ca(), read.subject(UNIT));
            }
            let _ = leads_to(&der, &[], &[root], Timestamp::UNIX_EPOCH);
        }
    }
}
