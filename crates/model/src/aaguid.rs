//! Who made a key: authenticator attestation GUIDs (AAGUID) and the makers of what they stand for.
//!
//! The table holds facts from Microsoft's list of attestation-eligible security keys (made from the
//! FIDO Metadata Service) and a public list of display names. Neither has a column for the vendor; it
//! is derived from product lines. An AAGUID names a product line, never one model. Entries are
//! compared whole: some AAGUIDs differ from another maker's in one digit only.

mod advisory;
mod catalogue;

use std::{collections::BTreeMap, sync::LazyLock};

pub use advisory::{Advisories, Advisory, Bearing, Hit};
pub use catalogue::{Catalogue, Product, is_zero};

/// Whether an authenticator is a thing that can lie in a safe.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A security key or smart card.
    Hardware,
    /// A phone, a computer or a password manager.
    PlatformOrManager,
    /// The lists do not say.
    Unknown,
}

/// What is known about an AAGUID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known {
    /// The maker, one spelling each (`Yubico`).
    pub vendor: &'static str,
    /// The product line as the lists call it.
    pub model: &'static str,
    /// Thing or program.
    pub kind: Kind,
}

/// What is known about keys: the built-in tables, and what a user's files add.
#[derive(Clone, Debug, Default)]
pub struct Tables {
    /// Products by AAGUID.
    pub catalogue: Catalogue,
    /// What is known against them.
    pub advisories: Advisories,
}

static BUILT_IN: LazyLock<Tables> = LazyLock::new(Tables::default);

impl Tables {
    /// The built-in tables alone.
    pub fn built_in() -> &'static Self {
        &BUILT_IN
    }

    /// The maker of the keys with this AAGUID, where a table tells.
    pub fn vendor(&self, aaguid: &str) -> Option<String> {
        self.catalogue.find(aaguid)?.vendor
    }

    /// What is known against a key that is not at hand: its firmware is known to the key alone.
    pub fn against(&self, aaguid: &str) -> Vec<Hit> {
        let product = self.catalogue.find(aaguid);
        let product = product.as_ref();
        self.advisories.of(
            aaguid,
            product.and_then(|own| own.vendor.as_deref()),
            product.and_then(|own| own.model.as_deref()),
            None,
        )
    }
}

const TABLE: &str = include_str!("aaguid.tsv");

static KNOWN: LazyLock<BTreeMap<&'static str, Known>> = LazyLock::new(|| {
    TABLE
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let (aaguid, vendor, model) = (fields.next()?, fields.next()?, fields.next()?);
            let kind = match fields.next()? {
                "hardware" => Kind::Hardware,
                "platform-or-manager" => Kind::PlatformOrManager,
                _ => Kind::Unknown,
            };
            Some((
                aaguid,
                Known {
                    vendor,
                    model,
                    kind,
                },
            ))
        })
        .collect()
});

/// The maker and product line of an AAGUID, without regard to letter case. `None`: not in the table,
/// or the all-zero AAGUID, by which an authenticator says that it gives none.
pub fn vendor(aaguid: &str) -> Option<Known> {
    KNOWN
        .get(aaguid.trim().to_ascii_lowercase().as_str())
        .copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_the_table_is_understood() {
        assert_eq!(KNOWN.len(), TABLE.lines().count());
        for (aaguid, known) in KNOWN.iter() {
            assert!(uuid::Uuid::parse_str(aaguid).is_ok(), "{aaguid}");
            assert_eq!(*aaguid, aaguid.to_ascii_lowercase());
            assert!(!known.vendor.is_empty() && !known.model.is_empty());
        }
    }

    #[test]
    fn k3_known_keys_have_their_makers() {
        for (aaguid, maker) in [
            ("CB69481E-8FF7-4039-93EC-0A2729A154A8", "Yubico"),
            ("90a3ccdf-635c-4729-a248-9b709135078f", "Microsoft"),
            ("de1e552d-db1d-4423-a619-566b625cdc84", "Microsoft"),
            ("ee041bce-25e5-4cdb-8f86-897fd6418464", "Feitian"),
        ] {
            assert_eq!(vendor(aaguid).map(|k| k.vendor), Some(maker), "{aaguid}");
        }
        assert_eq!(vendor("00000000-0000-0000-0000-000000000000"), None);
        assert_eq!(vendor("cb69481e"), None);
    }
}
