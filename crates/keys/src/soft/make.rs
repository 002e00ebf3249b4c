//! A new software key, and the vendor that attests it: both made up.

use rcgen::{
    BasicConstraints, CertificateParams, CustomExtension, DnType, IsCa, Issuer, KeyPair,
    PKCS_ECDSA_P256_SHA256,
};

use super::State;
use crate::KeyError;

/// How a software key attests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Attestation {
    /// With a certificate of a made-up vendor.
    Certificate,
    /// With a certificate that names another AAGUID: what a forged key would do.
    ForeignCertificate,
    /// With the passkey itself.
    Itself,
    /// Not at all.
    None,
}

/// What kind of software key.
#[derive(Clone, Debug)]
pub struct Model {
    /// AAGUID that it says.
    pub aaguid: String,
    /// How it attests.
    pub attestation: Attestation,
    /// PIN protocols that it takes.
    pub pin_protocols: Vec<i64>,
    /// Firmware that it says.
    pub firmware: Option<u64>,
}

impl Model {
    /// A key of this AAGUID that attests with a certificate and takes both PIN protocols.
    pub fn of(aaguid: &str) -> Self {
        Self {
            aaguid: aaguid.to_ascii_lowercase(),
            attestation: Attestation::Certificate,
            pin_protocols: vec![2, 1],
            firmware: Some(0x0005_0704),
        }
    }

    /// Takes it out of its box: no PIN, no passkey. Gives the certificate of its made-up vendor, too.
    ///
    /// # Errors
    /// When the AAGUID is none, or no key can be made.
    pub fn make(&self) -> Result<(State, Vec<u8>), KeyError> {
        let aaguid = uuid::Uuid::parse_str(&self.aaguid)
            .map_err(|_| KeyError::Unsupported("what was given as AAGUID is none"))?;
        let (root, key, chain) = certificates(match self.attestation {
            Attestation::ForeignCertificate => [0xee; 16],
            _ => aaguid.into_bytes(),
        })
        .map_err(|_| KeyError::Unsupported("its certificates could not be made"))?;
        let with_certificate = matches!(
            self.attestation,
            Attestation::Certificate | Attestation::ForeignCertificate
        );
        let state = State {
            aaguid: aaguid.to_string(),
            attestation_key: with_certificate.then_some(key),
            chain: if with_certificate { chain } else { Vec::new() },
            attests: self.attestation != Attestation::None,
            pin_protocols: self.pin_protocols.clone(),
            firmware: self.firmware,
            pin_hash: None,
            pin_retries: super::authenticator::TRIES,
            min_pin_length: 4,
            force_pin_change: false,
            counter: 0,
            passkeys: Vec::new(),
        };
        Ok((state, root))
    }
}

type Certificates = (Vec<u8>, Vec<u8>, Vec<Vec<u8>>);

/// A root, and under it an attestation certificate by the rules of W3C, *Web Authentication Level 2*, section 8.2.1.
fn certificates(aaguid: [u8; 16]) -> Result<Certificates, rcgen::Error> {
    let name = |params: &mut CertificateParams, unit: &str, common: &str| {
        for (kind, value) in [
            (DnType::CountryName, "ZZ"),
            (DnType::OrganizationName, "Made-up Keys"),
            (DnType::OrganizationalUnitName, unit),
            (DnType::CommonName, common),
        ] {
            params.distinguished_name.push(kind, value);
        }
    };
    let root_key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut root = CertificateParams::new(Vec::new())?;
    root.distinguished_name = rcgen::DistinguishedName::new();
    name(&mut root, "Root", "Made-up Keys Root");
    root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let root_der = root.self_signed(&root_key)?.der().to_vec();
    let issuer = Issuer::new(root, root_key);

    let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
    let mut own = CertificateParams::new(Vec::new())?;
    own.distinguished_name = rcgen::DistinguishedName::new();
    name(
        &mut own,
        "Authenticator Attestation",
        "Made-up Software Key",
    );
    own.is_ca = IsCa::ExplicitNoCa;
    let octets = [&[0x04, 0x10], &aaguid[..]].concat();
    own.custom_extensions
        .push(CustomExtension::from_oid_content(
            &[1, 3, 6, 1, 4, 1, 45724, 1, 1, 4],
            octets,
        ));
    let own = own.signed_by(&key, &issuer)?;
    Ok((root_der, key.serialize_der(), vec![own.der().to_vec()]))
}
