//! What a software key remembers when it is unplugged.

use serde::{Deserialize, Serialize};

/// What a software key remembers. Whoever has it has the key.
#[derive(Clone, Serialize, Deserialize)]
pub struct State {
    /// AAGUID that it says.
    pub aaguid: String,
    /// Private key that attests, PKCS#8; `None`: it attests with the passkey itself, or not at all.
    #[serde(with = "optional")]
    pub(super) attestation_key: Option<Vec<u8>>,
    /// Certificate of that key, and what signed it.
    #[serde(with = "list")]
    pub(super) chain: Vec<Vec<u8>>,
    /// Whether it signs an attestation.
    pub(super) attests: bool,
    /// PIN protocols that it takes.
    pub(super) pin_protocols: Vec<i64>,
    /// Firmware that it says.
    pub(super) firmware: Option<u64>,
    /// Left half of the SHA-256 of its PIN, as keys keep it.
    #[serde(with = "optional")]
    pub(super) pin_hash: Option<Vec<u8>>,
    pub(super) pin_retries: u8,
    pub(super) min_pin_length: u8,
    pub(super) force_pin_change: bool,
    /// One counter for all its passkeys.
    pub(super) counter: u32,
    pub(super) passkeys: Vec<Passkey>,
}

impl State {
    /// The certificate that it attests with.
    pub fn certificate(&self) -> Option<&[u8]> {
        self.chain.first().map(Vec::as_slice)
    }
}

/// A passkey.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct Passkey {
    pub(super) rp_id: String,
    #[serde(with = "bytes")]
    pub(super) id: Vec<u8>,
    #[serde(with = "bytes")]
    pub(super) user_id: Vec<u8>,
    /// Private key, PKCS#8.
    #[serde(with = "bytes")]
    pub(super) key: Vec<u8>,
}

mod bytes {
    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    #[allow(clippy::ptr_arg, reason = "the shape that serde wants")]
    pub(super) fn serialize<S: Serializer>(
        bytes: &Vec<u8>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64.encode(bytes))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64.decode(text.as_bytes()).map_err(D::Error::custom)
    }
}

mod optional {
    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    #[allow(clippy::ref_option, reason = "the shape that serde wants")]
    pub(super) fn serialize<S: Serializer>(
        bytes: &Option<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        match bytes {
            Some(bytes) => serializer.serialize_some(&BASE64.encode(bytes)),
            None => serializer.serialize_none(),
        }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Option<Vec<u8>>, D::Error> {
        Option::<String>::deserialize(deserializer)?
            .map(|text| BASE64.decode(text.as_bytes()).map_err(D::Error::custom))
            .transpose()
    }
}

mod list {
    use data_encoding::BASE64;
    use serde::{Deserialize as _, Deserializer, Serializer, de::Error};

    #[allow(clippy::ptr_arg, reason = "the shape that serde wants")]
    pub(super) fn serialize<S: Serializer>(
        list: &Vec<Vec<u8>>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(list.iter().map(|bytes| BASE64.encode(bytes)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<Vec<u8>>, D::Error> {
        Vec::<String>::deserialize(deserializer)?
            .iter()
            .map(|text| BASE64.decode(text.as_bytes()).map_err(D::Error::custom))
            .collect()
    }
}
