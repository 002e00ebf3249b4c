//! What is known about keys: built-in tables, files of the user, FIDO's metadata.

use breakglass_keys::mds::{Metadata, Root};
use breakglass_model::aaguid::{self, Bearing, Hit, Kind, Product, is_zero};
use jiff::Timestamp;
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::KeyTables,
    failure::Failure,
    input, output,
    settings::{self, Settings},
};

/// Everything that is known.
pub(super) struct Tables {
    keys: aaguid::Tables,
    pub(super) metadata: Option<Metadata>,
}

/// Something that is known against a key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Known {
    /// `CVE-2024-45678`, or the metadata's word.
    pub id: String,
    /// `affected`, or `depends-on-firmware`.
    pub bearing: &'static str,
    /// What is wrong.
    pub reason: String,
    /// Where to read about it.
    pub reference: String,
}

/// What an AAGUID stands for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub(super) struct Identity {
    /// AAGUID, lower case.
    pub aaguid: String,
    /// Whether any list has it.
    pub known: bool,
    /// Maker; `null`: no list tells.
    pub vendor: Option<String>,
    /// Product line; `null`: no list tells.
    pub model: Option<String>,
    /// `hardware`, `platform-or-manager`, `unknown`.
    pub kind: &'static str,
    /// Whether Microsoft lists it as eligible for registration with attestation enforced.
    pub eligible: Option<bool>,
    /// `bio`, `usb`, `nfc`, `ble`, as far as they are known.
    pub means: Vec<String>,
    /// Highest certification by FIDO, where metadata were given.
    pub certification: Option<String>,
    /// What is known against it.
    pub advisories: Vec<Known>,
    /// Where it is known from.
    pub sources: Vec<String>,
}

/// Reads and verifies FIDO's metadata.
pub(super) fn metadata(
    file: &std::path::Path,
    root: Option<&std::path::Path>,
    now: Timestamp,
) -> Result<(Metadata, Vec<u8>), Failure> {
    let bytes = input::bytes("the FIDO metadata", file).map_err(Failure::usage_code)?;
    let root = match root {
        Some(path) => {
            Root::Pem(input::bytes("the root certificate", path).map_err(Failure::usage_code)?)
        }
        None => Root::Fido,
    };
    let metadata = Metadata::read(&bytes, &root, now).map_err(|error| {
        Failure::usage(format!("`{}` is not used: {error}", file.display())).help(
            "fetch it again from https://mds3.fidoalliance.org/; a list of your own needs its root certificate",
        )
    })?;
    if metadata.is_overdue(now)
        && let Some(next) = metadata.next_update
    {
        output::tell!(
            "warning: the FIDO metadata in `{}` (number {}) is overdue: FIDO has published another since {next}",
            file.display(),
            metadata.number
        );
    }
    Ok((metadata, bytes))
}

impl Tables {
    pub(super) fn load(
        args: &KeyTables,
        settings: &Settings,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        let mut keys = settings.keys()?;
        let metadata = match &args.mds {
            Some(file) => Some(metadata(file, args.mds_root.as_deref(), now)?.0),
            None => None,
        };
        for (aaguid, entry) in metadata.iter().flat_map(Metadata::entries) {
            keys.catalogue.add(Product {
                aaguid: aaguid.to_owned(),
                vendor: None,
                model: Some(entry.description.clone()).filter(|text| !text.is_empty()),
                kind: Kind::Unknown,
                eligible: None,
                means: Vec::new(),
                sources: vec!["FIDO metadata".to_owned()],
            });
        }
        settings::add_to(&mut keys, &args.aaguids, &args.advisories)?;
        Ok(Self { keys, metadata })
    }

    /// What an AAGUID stands for. `firmware`: as the maker writes it, where the key was asked.
    pub(super) fn identity(&self, aaguid: &str, firmware: Option<&str>) -> Identity {
        let found = self.keys.catalogue.find(aaguid);
        let product = found.as_ref();
        let vendor = product.and_then(|own| own.vendor.clone());
        let model = product.and_then(|own| own.model.clone());
        let entry = self
            .metadata
            .as_ref()
            .and_then(|metadata| metadata.entry(aaguid));
        let mut advisories: Vec<Known> = self
            .keys
            .advisories
            .of(aaguid, vendor.as_deref(), model.as_deref(), firmware)
            .into_iter()
            .map(|Hit { advisory, bearing }| Known {
                id: advisory.id,
                bearing: match bearing {
                    Bearing::Affected => "affected",
                    Bearing::DependsOnFirmware => "depends-on-firmware",
                },
                reason: advisory.reason,
                reference: advisory.reference,
            })
            .collect();
        if let Some(entry) = entry {
            let words = entry
                .revoked()
                .map(str::to_owned)
                .into_iter()
                .chain(entry.warnings());
            advisories.extend(words.map(|word| Known {
                id: word,
                bearing: "affected",
                reason: "the FIDO Metadata Service says so".to_owned(),
                reference: "FIDO Metadata Service".to_owned(),
            }));
        }
        Identity {
            aaguid: aaguid.trim().to_ascii_lowercase(),
            known: found.is_some(),
            kind: match product.map_or(Kind::Unknown, |own| own.kind) {
                Kind::Hardware => "hardware",
                Kind::PlatformOrManager => "platform-or-manager",
                Kind::Unknown => "unknown",
            },
            eligible: product.and_then(|own| own.eligible),
            means: product.map(|own| own.means.clone()).unwrap_or_default(),
            certification: entry.and_then(|own| own.certification()).map(str::to_owned),
            advisories,
            sources: product.map(|own| own.sources.clone()).unwrap_or_default(),
            vendor,
            model,
        }
    }

    /// The maker of an AAGUID.
    pub(super) fn vendor(&self, aaguid: &str) -> Option<String> {
        self.keys.vendor(aaguid)
    }
}

impl Identity {
    /// One line.
    pub(super) fn line(&self) -> String {
        if is_zero(&self.aaguid) {
            return "the key gives no AAGUID, so its model is unknown".to_owned();
        }
        match (&self.vendor, &self.model) {
            (Some(vendor), Some(model)) if model.starts_with(vendor.as_str()) => {
                output::one_line(model)
            }
            (Some(vendor), Some(model)) => output::one_line(&format!("{vendor}, {model}")),
            (None, Some(model)) => output::one_line(&format!("{model} (no list tells its vendor)")),
            _ => format!("unknown: {} is in no list", self.aaguid),
        }
    }

    /// Whether something is known against it for certain.
    pub(super) fn is_affected(&self) -> bool {
        self.advisories.iter().any(|own| own.bearing == "affected")
    }
}

impl Known {
    /// One line.
    pub(super) fn line(&self) -> String {
        let bearing = if self.bearing == "affected" {
            ""
        } else {
            " (depends on the firmware, which only the key tells)"
        };
        let reference = if self.reference.is_empty() {
            String::new()
        } else {
            format!(" [{}]", self.reference)
        };
        format!("{}: {}{bearing}{reference}", self.id, self.reason)
    }
}
