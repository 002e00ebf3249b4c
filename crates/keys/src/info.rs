//! What a key says about itself (`authenticatorGetInfo`, CTAP 2.1, section 6.4).

use std::collections::BTreeMap;

use crate::{
    KeyError,
    cbor::{self, Cbor},
    pin::Protocol,
};

/// What a key says about itself. None of it is proven; the attestation is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Info {
    /// `FIDO_2_0`, `FIDO_2_1`, …
    pub versions: Vec<String>,
    /// `credProtect`, `hmac-secret`, …
    pub extensions: Vec<String>,
    /// AAGUID, lower case with dashes.
    pub aaguid: String,
    /// Options, by name.
    pub options: BTreeMap<String, bool>,
    /// PIN protocols that it takes, the one that it likes best first.
    pub pin_protocols: Vec<i64>,
    /// Ids of passkeys that it takes in one list.
    pub most_in_list: Option<u64>,
    /// Whether the PIN has to be changed first.
    pub force_pin_change: bool,
    /// Least length of a PIN.
    pub min_pin_length: u64,
    /// Firmware, as a number whose meaning is the maker's.
    pub firmware: Option<u64>,
    /// Passkeys that still fit, where it tells.
    pub room: Option<u64>,
}

impl Info {
    /// Reads an answer.
    pub(crate) fn read(answer: &[u8]) -> Result<Self, KeyError> {
        const MALFORMED: KeyError = KeyError::Protocol("its description of itself is malformed");
        let (map, _) = cbor::read(answer).ok_or(MALFORMED)?;
        let texts = |key: i64| -> Vec<String> {
            let items = map.at(key).map(Cbor::items).unwrap_or_default();
            items
                .iter()
                .filter_map(Cbor::text)
                .map(str::to_owned)
                .collect()
        };
        let number = |key: i64| {
            map.at(key)
                .and_then(Cbor::int)
                .and_then(|value| u64::try_from(value).ok())
        };
        let aaguid = map.at(3).and_then(Cbor::bytes).ok_or(MALFORMED)?;
        let protocols: Vec<i64> = map
            .at(6)
            .map(Cbor::items)
            .unwrap_or_default()
            .iter()
            .filter_map(Cbor::int)
            .collect();
        Ok(Self {
            versions: texts(1),
            extensions: texts(2),
            aaguid: uuid::Uuid::from_slice(aaguid)
                .map_err(|_| MALFORMED)?
                .to_string(),
            options: map
                .at(4)
                .map(Cbor::entries)
                .unwrap_or_default()
                .iter()
                .filter_map(|(name, value)| Some((name.text()?.to_owned(), value.bool()?)))
                .collect(),
            pin_protocols: if protocols.is_empty() {
                vec![1]
            } else {
                protocols
            },
            most_in_list: number(7),
            force_pin_change: map.at(12).and_then(Cbor::bool).unwrap_or(false),
            min_pin_length: number(13).unwrap_or(4),
            firmware: number(14),
            room: number(20),
        })
    }

    /// Whether an option is on; `None`: the key does not have it.
    pub fn option(&self, name: &str) -> Option<bool> {
        self.options.get(name).copied()
    }

    /// Whether a PIN is set; `None`: it takes none.
    pub fn has_pin(&self) -> Option<bool> {
        self.option("clientPin")
    }

    /// Whether it can change its rules for PINs.
    pub fn can_set_pin_rules(&self) -> bool {
        self.option("authnrCfg") == Some(true) && self.option("setMinPINLength") == Some(true)
    }

    /// The firmware as its maker writes it, where that is known: Yubico's number holds major, minor and patch.
    pub fn firmware_text(&self, vendor: Option<&str>) -> Option<String> {
        let number = self.firmware?;
        Some(match vendor {
            Some("Yubico") if number > 0xffff => {
                format!("{}.{}.{}", number >> 16, number >> 8 & 0xff, number & 0xff)
            }
            _ => number.to_string(),
        })
    }

    /// The newest PIN protocol that both speak.
    pub(crate) fn protocol(&self) -> Result<Protocol, KeyError> {
        if self.pin_protocols.contains(&2) {
            Ok(Protocol::Two)
        } else if self.pin_protocols.contains(&1) {
            Ok(Protocol::One)
        } else {
            Err(KeyError::Unsupported("it speaks no known PIN protocol"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn firmware_is_written_as_its_maker_does() {
        let info = Info {
            firmware: Some(0x0005_0403),
            ..Info::default()
        };
        assert_eq!(info.firmware_text(Some("Yubico")).as_deref(), Some("5.4.3"));
        assert_eq!(info.firmware_text(None).as_deref(), Some("328707"));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = Info::read(&bytes);
        }
    }
}
