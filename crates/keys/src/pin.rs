//! The PIN, and the protocols by which it reaches the key without crossing the wire (CTAP 2.1, sections 6.5.4 to 6.5.7).
//!
//! Key agreement is ECDH on P-256 with a key of ours that is made for one exchange. Protocol one derives one key, by
//! SHA-256; protocol two derives one for HMAC and one for AES, by HKDF, and encrypts with a random initialisation vector.

use aws_lc_rs::{
    agreement::{
        ECDH_P256, EphemeralPrivateKey, PrivateKey, UnparsedPublicKey, agree, agree_ephemeral,
    },
    cipher::{
        AES_256, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
        PaddedBlockEncryptingKey, UnboundCipherKey,
    },
    hkdf, hmac,
    iv::FixedLength,
    rand::{SecureRandom as _, SystemRandom},
};
use sha2::{Digest as _, Sha256};
use zeroize::Zeroizing;

use crate::{KeyError, cbor::Cbor};

/// A PIN. It can't be shown, and is wiped when it is dropped.
pub struct Pin(Zeroizing<String>);

/// Longest PIN in bytes (CTAP 2.1, section 6.5.1).
const LONGEST: usize = 63;

impl Pin {
    /// Takes what somebody typed.
    ///
    /// # Errors
    /// When no key can have such a PIN.
    pub fn new(typed: Zeroizing<String>) -> Result<Self, KeyError> {
        if typed.chars().count() < 4 {
            return Err(KeyError::PinPolicy(
                "it has less than four characters".to_owned(),
            ));
        }
        if typed.len() > LONGEST {
            return Err(KeyError::PinPolicy("it is longer than 63 bytes".to_owned()));
        }
        Ok(Self(typed))
    }

    /// Checks what a new PIN needs beyond that: the key's own least length, and characters that every keyboard and
    /// computer writes alike, since it is typed on a strange one in an emergency.
    ///
    /// # Errors
    /// What is wrong, without the PIN.
    pub fn fit_for(&self, least: u64) -> Result<(), KeyError> {
        if !self.0.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(KeyError::PinPolicy(
                "it has characters that not every keyboard has; take letters, digits and signs of ASCII".to_owned(),
            ));
        }
        if (self.0.len() as u64) < least {
            return Err(KeyError::PinPolicy(format!(
                "the key asks for at least {least} characters"
            )));
        }
        Ok(())
    }

    /// Whether both are the same.
    pub fn is(&self, other: &Self) -> bool {
        *self.0 == *other.0
    }

    /// Left half of the SHA-256, which stands for the PIN on the wire.
    pub(crate) fn hash(&self) -> Zeroizing<Vec<u8>> {
        Zeroizing::new(Sha256::digest(self.0.as_bytes())[..16].to_vec())
    }

    /// The PIN with zeros after it, as it is set.
    pub(crate) fn padded(&self) -> Zeroizing<Vec<u8>> {
        let mut padded = Zeroizing::new(self.0.as_bytes().to_vec());
        padded.resize(64, 0);
        padded
    }
}

/// Tries that are left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PinRetries {
    /// How many wrong PINs it takes until the key is blocked for good.
    pub left: u8,
    /// Whether it has to be unplugged before it takes the next.
    pub power_cycle: bool,
}

/// Which protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// One, of CTAP 2.0.
    One,
    /// Two, of CTAP 2.1.
    Two,
}

impl Protocol {
    pub(crate) const fn number(self) -> i64 {
        match self {
            Self::One => 1,
            Self::Two => 2,
        }
    }

    /// The key that a message is authenticated with, cut out of the shared secret or token.
    pub(crate) fn authenticate(self, secret: &[u8], message: &[u8]) -> Vec<u8> {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.get(..32).unwrap_or(secret));
        let tag = hmac::sign(&key, message);
        let tag = tag.as_ref();
        match self {
            Self::One => tag.get(..16).unwrap_or(tag).to_vec(),
            Self::Two => tag.to_vec(),
        }
    }
}

/// A secret that both sides know.
pub(crate) struct Shared {
    pub(crate) protocol: Protocol,
    /// Protocol one: 32 bytes for both uses. Two: 32 for HMAC, then 32 for AES.
    secret: Zeroizing<Vec<u8>>,
}

const NO_CRYPTO: KeyError = KeyError::Protocol("the exchange of keys failed");

struct Len(usize);

impl hkdf::KeyType for Len {
    fn len(&self) -> usize {
        self.0
    }
}

fn derive(protocol: Protocol, agreed: &[u8]) -> Result<Shared, KeyError> {
    let secret = match protocol {
        Protocol::One => Zeroizing::new(Sha256::digest(agreed).to_vec()),
        Protocol::Two => {
            let root = hkdf::Salt::new(hkdf::HKDF_SHA256, &[0; 32]).extract(agreed);
            let mut both = Zeroizing::new(vec![0; 64]);
            for (info, out) in [&b"CTAP2 HMAC key"[..], b"CTAP2 AES key"]
                .iter()
                .zip(both.chunks_mut(32))
            {
                root.expand(&[info], Len(32))
                    .and_then(|okm| okm.fill(out))
                    .map_err(|_| NO_CRYPTO)?;
            }
            both
        }
    };
    Ok(Shared { protocol, secret })
}

/// The point of a `COSE_Key` on P-256, uncompressed.
pub(crate) fn point(key: &Cbor) -> Option<Vec<u8>> {
    let (x, y) = (key.at(-2)?.bytes()?, key.at(-3)?.bytes()?);
    if key.at(1)?.int()? != 2 || key.at(-1)?.int()? != 1 || x.len() != 32 || y.len() != 32 {
        return None;
    }
    Some([&[4], x, y].concat())
}

/// The `COSE_Key` of a point.
pub(crate) fn cose(algorithm: i64, point: &[u8]) -> Cbor {
    let half = |from: usize| Cbor::from(point.get(from..from + 32).unwrap_or_default());
    Cbor::numbered([
        (1, Cbor::Int(2)),
        (3, Cbor::Int(algorithm)),
        (-1, Cbor::Int(1)),
        (-2, half(1)),
        (-3, half(33)),
    ])
}

/// COSE's name for the key agreement of CTAP2.
pub(crate) const ECDH: i64 = -25;

impl Shared {
    /// Agrees with a key on a secret; gives our half, too.
    pub(crate) fn agree(protocol: Protocol, theirs: &Cbor) -> Result<(Self, Cbor), KeyError> {
        let theirs = point(theirs).ok_or(KeyError::Protocol(
            "its half of the exchange of keys is malformed",
        ))?;
        let own = EphemeralPrivateKey::generate(&ECDH_P256, &SystemRandom::new())
            .map_err(|_| NO_CRYPTO)?;
        let public = own.compute_public_key().map_err(|_| NO_CRYPTO)?;
        let shared = agree_ephemeral(
            own,
            UnparsedPublicKey::new(&ECDH_P256, theirs),
            NO_CRYPTO,
            |agreed| derive(protocol, agreed),
        )?;
        Ok((shared, cose(ECDH, public.as_ref())))
    }

    /// The same from the side of the authenticator, whose half stays for a while.
    pub(crate) fn agree_with(
        protocol: Protocol,
        own: &PrivateKey,
        theirs: &Cbor,
    ) -> Result<Self, KeyError> {
        let theirs = point(theirs).ok_or(NO_CRYPTO)?;
        agree(
            own,
            UnparsedPublicKey::new(&ECDH_P256, theirs),
            NO_CRYPTO,
            |agreed| derive(protocol, agreed),
        )
    }

    fn key(&self) -> Result<UnboundCipherKey, KeyError> {
        let bytes = match self.protocol {
            Protocol::One => self.secret.get(..32),
            Protocol::Two => self.secret.get(32..),
        };
        UnboundCipherKey::new(&AES_256, bytes.unwrap_or_default()).map_err(|_| NO_CRYPTO)
    }

    /// AES-256-CBC with PKCS#7 padding.
    fn padded(&self, plain: &[u8], iv: [u8; 16]) -> Result<Vec<u8>, KeyError> {
        let mut buffer = plain.to_vec();
        PaddedBlockEncryptingKey::cbc_pkcs7(self.key()?)
            .and_then(|key| {
                key.less_safe_encrypt(&mut buffer, EncryptionContext::Iv128(FixedLength::from(iv)))
            })
            .map_err(|_| NO_CRYPTO)?;
        Ok(buffer)
    }

    /// AES-256-CBC of whole blocks. The library always pads; a whole block of padding comes last and is left out.
    pub(crate) fn encrypt(&self, plain: &[u8]) -> Result<Vec<u8>, KeyError> {
        let mut iv = [0; 16];
        if self.protocol == Protocol::Two {
            SystemRandom::new().fill(&mut iv).map_err(|_| NO_CRYPTO)?;
        }
        let mut blocks = self.padded(plain, iv)?;
        blocks.truncate(plain.len());
        Ok(match self.protocol {
            Protocol::One => blocks,
            Protocol::Two => [&iv[..], &blocks].concat(),
        })
    }

    /// The way back. What the library wants as padding is made first: the block that an empty text is encrypted to
    /// after the last one.
    pub(crate) fn decrypt(&self, secret: &[u8]) -> Result<Zeroizing<Vec<u8>>, KeyError> {
        let (iv, blocks) = match self.protocol {
            Protocol::One => ([0; 16], secret),
            Protocol::Two => {
                let (iv, blocks) = secret.split_at_checked(16).ok_or(NO_CRYPTO)?;
                (<[u8; 16]>::try_from(iv).map_err(|_| NO_CRYPTO)?, blocks)
            }
        };
        let last = blocks.last_chunk::<16>().ok_or(NO_CRYPTO)?;
        let mut buffer = Zeroizing::new([blocks, &self.padded(&[], *last)?].concat());
        let plain = PaddedBlockDecryptingKey::cbc_pkcs7(self.key()?)
            .map_err(|_| NO_CRYPTO)?
            .decrypt(&mut buffer, DecryptionContext::Iv128(FixedLength::from(iv)))
            .map_err(|_| NO_CRYPTO)?
            .to_vec();
        Ok(Zeroizing::new(plain))
    }

    pub(crate) fn authenticate(&self, message: &[u8]) -> Vec<u8> {
        self.protocol.authenticate(&self.secret, message)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair(protocol: Protocol) -> (Shared, Shared) {
        let own = PrivateKey::generate(&ECDH_P256).unwrap();
        let public = own.compute_public_key().unwrap();
        let (one, half) = Shared::agree(protocol, &cose(ECDH, public.as_ref())).unwrap();
        (one, Shared::agree_with(protocol, &own, &half).unwrap())
    }

    #[test]
    fn x7_both_sides_agree_and_read_each_other() {
        for protocol in [Protocol::One, Protocol::Two] {
            let (one, other) = pair(protocol);
            let text = [7; 64];
            let secret = one.encrypt(&text).unwrap();
            assert_eq!(
                secret.len(),
                if protocol == Protocol::One { 64 } else { 80 }
            );
            assert_eq!(other.decrypt(&secret).unwrap()[..], text);
            assert_eq!(one.authenticate(&secret), other.authenticate(&secret));
            assert!(one.decrypt(&[]).is_err());
        }
    }

    /// HKDF and HMAC as RFC 5869 and RFC 4231 have them are the library's; the split of the keys is ours.
    #[test]
    fn protocol_two_uses_different_keys() {
        let shared = derive(Protocol::Two, &[1; 32]).unwrap();
        assert_ne!(shared.secret[..32], shared.secret[32..]);
        assert_eq!(shared.authenticate(b"x").len(), 32);
        assert_eq!(
            derive(Protocol::One, &[1; 32])
                .unwrap()
                .authenticate(b"x")
                .len(),
            16
        );
    }

    #[test]
    fn x7_a_new_pin_can_be_typed_anywhere() {
        let pin = |text: &str| Pin::new(Zeroizing::new(text.to_owned()));
        assert!(pin("123").is_err());
        assert!(pin(&"1".repeat(64)).is_err());
        assert!(pin("pässword").unwrap().fit_for(4).is_err());
        assert!(pin("123456").unwrap().fit_for(8).is_err());
        assert!(pin("12345678").unwrap().fit_for(8).is_ok());
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
            for protocol in [Protocol::One, Protocol::Two] {
                let shared = derive(protocol, &[1; 32]).unwrap();
                let _ = shared.decrypt(&bytes);
            }
            if let Some(value) = crate::cbor::whole(&bytes) {
                let _ = Shared::agree(Protocol::Two, &value);
            }
        }
    }
}
