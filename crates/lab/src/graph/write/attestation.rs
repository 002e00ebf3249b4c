//! A new credential as an authenticator attests it (W3C, *Web Authentication Level 3*, section 6).

use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use sha2::{Digest as _, Sha256};

use super::cbor::{self, Cbor};
use crate::passkey::PublicKey;

/// What an attestation object says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Attested {
    pub(crate) rp_id_hash: Vec<u8>,
    pub(crate) user_present: bool,
    pub(crate) user_verified: bool,
    /// Whether the key may be copied to other devices.
    pub(crate) syncable: bool,
    pub(crate) sign_count: u32,
    pub(crate) aaguid: String,
    pub(crate) credential_id: Vec<u8>,
    pub(crate) public_key: PublicKey,
    pub(crate) cose: Vec<u8>,
    pub(crate) format: String,
    /// Certificates of the statement, the authenticator's own first, as DER. Whose they are is not judged: that takes
    /// the FIDO Metadata Service.
    pub(crate) chain: Vec<Vec<u8>>,
}

/// Reads an attestation object and verifies its statement over the client data. `Err`: what is wrong.
pub(crate) fn read(object: &[u8], client_data: &[u8]) -> Result<Attested, &'static str> {
    let (object, _) = cbor::read(object).ok_or("the attestation object is not CBOR")?;
    let format = object
        .get("fmt")
        .and_then(Cbor::text)
        .ok_or("the attestation object has no format")?;
    let statement = object
        .get("attStmt")
        .ok_or("the attestation object has no statement")?;
    let data = object
        .get("authData")
        .and_then(Cbor::bytes)
        .ok_or("the attestation object has no authenticator data")?;
    let mut attested = authenticator_data(data)?;
    format.clone_into(&mut attested.format);
    let mut signed = data.to_vec();
    signed.extend(Sha256::digest(client_data));
    match format {
        "none" => Ok(attested),
        "packed" => {
            attested.chain = packed(
                statement,
                &attested.public_key,
                data.get(37..53).unwrap_or_default(),
                &signed,
            )?;
            Ok(attested)
        }
        _ => Err("the attestation format is not supported"),
    }
}

fn authenticator_data(data: &[u8]) -> Result<Attested, &'static str> {
    const SHORT: &str = "the authenticator data is too short";
    let take = |from: usize, count: usize| data.get(from..from + count).ok_or(SHORT);
    let flags = take(32, 1)?[0];
    if flags & 0x40 == 0 {
        return Err("the authenticator data holds no credential");
    }
    let number = |bytes: &[u8]| {
        bytes
            .iter()
            .fold(0_u32, |value, byte| value << 8 | u32::from(*byte))
    };
    let aaguid = uuid::Uuid::from_slice(take(37, 16)?).map_err(|_| SHORT)?;
    let length = usize::try_from(number(take(53, 2)?)).map_err(|_| SHORT)?;
    let credential_id = take(55, length)?.to_vec();
    let rest = data.get(55 + length..).ok_or(SHORT)?;
    let (key, used) = cbor::read(rest).ok_or("the public key is not CBOR")?;
    Ok(Attested {
        rp_id_hash: take(0, 32)?.to_vec(),
        user_present: flags & 0x01 != 0,
        user_verified: flags & 0x04 != 0,
        syncable: flags & 0x08 != 0,
        sign_count: number(take(33, 4)?),
        aaguid: aaguid.to_string(),
        credential_id,
        public_key: public_key(&key).ok_or("the public key is of no supported kind")?,
        cose: rest.get(..used).unwrap_or_default().to_vec(),
        format: String::new(),
        chain: Vec::new(),
    })
}

/// A `COSE_Key`: 1 is its type, 3 its algorithm, negative labels its numbers.
fn public_key(key: &Cbor) -> Option<PublicKey> {
    match (key.at(1)?.int()?, key.at(3)?.int()?) {
        (2, -7) => {
            let (x, y) = (key.at(-2)?.bytes()?, key.at(-3)?.bytes()?);
            if key.at(-1)?.int()? != 1 || x.len() != 32 || y.len() != 32 {
                return None;
            }
            let mut point = vec![4];
            point.extend(x);
            point.extend(y);
            Some(PublicKey::Es256(point))
        }
        (3, -257) => Some(PublicKey::Rs256 {
            n: key.at(-1)?.bytes()?.to_vec(),
            e: key.at(-2)?.bytes()?.to_vec(),
        }),
        _ => None,
    }
}

fn packed(
    statement: &Cbor,
    own: &PublicKey,
    own_aaguid: &[u8],
    signed: &[u8],
) -> Result<Vec<Vec<u8>>, &'static str> {
    const INVALID: &str = "the signature of the attestation is not valid";
    let signature = statement
        .get("sig")
        .and_then(Cbor::bytes)
        .ok_or("the attestation has no signature")?;
    let chain: Vec<Vec<u8>> = match statement.get("x5c") {
        Some(Cbor::List(list)) => list
            .iter()
            .filter_map(Cbor::bytes)
            .map(<[u8]>::to_vec)
            .collect(),
        _ => Vec::new(),
    };
    let valid = match chain.first() {
        None => verify(own, signed, signature),
        Some(certificate) => {
            let point =
                der::p256_point(certificate).ok_or("the attestation certificate can't be read")?;
            if der::aaguid(certificate).is_some_and(|named| named != own_aaguid) {
                return Err("the attestation certificate is for another AAGUID");
            }
            verify(&PublicKey::Es256(point), signed, signature)
        }
    };
    if valid { Ok(chain) } else { Err(INVALID) }
}

/// Whether a signature over a message is of this key.
pub(crate) fn verify(key: &PublicKey, message: &[u8], signature: &[u8]) -> bool {
    match key {
        PublicKey::Es256(point) => UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
            .verify(message, signature)
            .is_ok(),
        PublicKey::Rs256 { n, e } => RsaPublicKeyComponents { n, e }
            .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
            .is_ok(),
    }
}

mod der {
    //! As much of DER as it takes to find the public key in a certificate (RFC 5280, section 4.1).

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
            let length = rest
                .get(..count)?
                .iter()
                .fold(0_usize, |value, byte| value << 8 | usize::from(*byte));
            (length, rest.get(count..)?)
        };
        Some((*tag, rest.get(..length)?, rest.get(length..)?))
    }

    /// What of a certificate begins with its public key.
    fn from_key(certificate: &[u8]) -> Option<&[u8]> {
        let (_, certificate, _) = element(certificate)?;
        let (_, mut rest, _) = element(certificate)?;
        let (tag, _, after) = element(rest)?;
        // The version is optional; serial number, algorithm, issuer, validity and subject come before the key.
        if tag == 0xa0 {
            rest = after;
        }
        for _ in 0..5 {
            (_, _, rest) = element(rest)?;
        }
        Some(rest)
    }

    /// The point of a P-256 key in a certificate.
    pub(super) fn p256_point(certificate: &[u8]) -> Option<Vec<u8>> {
        let (_, info, _) = element(from_key(certificate)?)?;
        let (_, _, key) = element(info)?;
        let (tag, bits, _) = element(key)?;
        let point = bits.strip_prefix(&[0])?;
        (tag == 0x03 && point.len() == 65 && point.first() == Some(&4)).then(|| point.to_vec())
    }

    /// The AAGUID that a certificate is for (W3C, *Web Authentication Level 3*, section 8.2.1:
    /// 1.3.6.1.4.1.45724.1.1.4), where it names one.
    pub(super) fn aaguid(certificate: &[u8]) -> Option<&[u8]> {
        const OID: &[u8] = &[
            0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0xe5, 0x1c, 0x01, 0x01, 0x04,
        ];
        let (_, _, mut rest) = element(from_key(certificate)?)?;
        loop {
            let (tag, content, after) = element(rest)?;
            rest = after;
            if tag != 0xa3 {
                continue;
            }
            let (_, mut extensions, _) = element(content)?;
            loop {
                let (_, extension, after) = element(extensions)?;
                extensions = after;
                let (_, id, value) = element(extension)?;
                if id == OID {
                    let (tag, octets, after) = element(value)?;
                    // A flag whether it is critical may come before the value.
                    let octets = if tag == 0x01 {
                        element(after)?.1
                    } else {
                        octets
                    };
                    return element(octets).map(|(_, aaguid, _)| aaguid);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use aws_lc_rs::{
        rand::SystemRandom,
        signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, KeyPair as _},
    };
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_key_of_a_certificate_is_found() {
        let pair = rcgen::KeyPair::generate_for(&rcgen::PKCS_ECDSA_P256_SHA256).unwrap();
        let certificate = rcgen::CertificateParams::new(vec!["key".to_owned()])
            .unwrap()
            .self_signed(&pair)
            .unwrap();
        let signer =
            EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, pair.serialized_der())
                .unwrap();
        let point = der::p256_point(certificate.der()).unwrap();
        assert_eq!(point, signer.public_key().as_ref());
        let signature = signer.sign(&SystemRandom::new(), b"message").unwrap();
        let key = PublicKey::Es256(point);
        assert!(verify(&key, b"message", signature.as_ref()));
        assert!(!verify(&key, b"massage", signature.as_ref()));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            prop_assert!(read(&bytes, b"").is_err());
            let _ = der::p256_point(&bytes);
            let _ = der::aaguid(&bytes);
        }
    }
}
