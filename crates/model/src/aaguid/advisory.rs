//! What is known against keys: advisories by AAGUID, product line and firmware. A user's file can add to them.
//!
//! The built-in ones are public knowledge: CVE-2024-45678 (EUCLEAK) with the products and firmware of Yubico's advisory
//! YSA-2024-03, and Yubico's table of AAGUIDs by firmware for those AAGUIDs that only older firmware has.

use std::cmp::Ordering;

const BUILT_IN: &str = include_str!("advisories.csv");

/// One advisory for one kind of keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advisory {
    /// `CVE-2024-45678`.
    pub id: String,
    /// Maker; `None`: any.
    pub vendor: Option<String>,
    /// AAGUID, lower case; `None`: any.
    pub aaguid: Option<String>,
    /// How the name of the product line begins; `None`: any.
    pub model: Option<String>,
    /// The first firmware that is well; `None`: none is.
    pub firmware_below: Option<String>,
    /// What is wrong.
    pub reason: String,
    /// Where to read about it.
    pub reference: String,
}

/// How an advisory bears on a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bearing {
    /// On some of these keys, by their firmware, which is not known here.
    DependsOnFirmware,
    /// On this key.
    Affected,
}

/// An advisory that bears on a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The advisory.
    pub advisory: Advisory,
    /// How.
    pub bearing: Bearing,
}

/// Known advisories.
#[derive(Clone, Debug)]
pub struct Advisories(Vec<Advisory>);

impl Default for Advisories {
    fn default() -> Self {
        Self(read("the built-in advisories", BUILT_IN).unwrap_or_default())
    }
}

fn read(name: &str, text: &str) -> Result<Vec<Advisory>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(text.trim_start_matches('\u{feff}').as_bytes());
    let headers = reader
        .headers()
        .map_err(|error| format!("{name}: {error}"))?
        .clone();
    let mut all = Vec::new();
    for record in reader.records() {
        let record = record.map_err(|error| format!("{name}: {error}"))?;
        let line = record.position().map_or(0, csv::Position::line);
        let field = |column: &str| {
            headers
                .iter()
                .position(|own| own.eq_ignore_ascii_case(column))
                .and_then(|place| record.get(place))
                .filter(|text| !text.is_empty())
                .map(str::to_owned)
        };
        let need = |column: &str| {
            field(column).ok_or_else(|| format!("{name}, line {line}: `{column}` is missing"))
        };
        let advisory = Advisory {
            id: need("id")?,
            vendor: field("vendor"),
            aaguid: field("aaguid").map(|own| own.to_ascii_lowercase()),
            model: field("model"),
            firmware_below: field("firmware_below"),
            reason: need("reason")?,
            reference: field("reference").unwrap_or_default(),
        };
        if advisory.vendor.is_none() && advisory.aaguid.is_none() {
            return Err(format!(
                "{name}, line {line}: give `vendor` or `aaguid`, else it is about every key"
            ));
        }
        all.push(advisory);
    }
    Ok(all)
}

/// Compares versions number by number.
fn order(one: &str, other: &str) -> Ordering {
    let numbers = |text: &str| -> Vec<u64> {
        text.split('.')
            .map(|part| part.parse().unwrap_or(0))
            .collect()
    };
    let (one, other) = (numbers(one), numbers(other));
    let at = |list: &[u64], place: usize| list.get(place).copied().unwrap_or(0);
    (0..one.len().max(other.len()))
        .map(|place| at(&one, place).cmp(&at(&other, place)))
        .find(|order| *order != Ordering::Equal)
        .unwrap_or(Ordering::Equal)
}

impl Advisories {
    /// Adds a CSV file with the columns `id`, `vendor`, `aaguid`, `model`, `firmware_below`, `reason`, `reference`.
    ///
    /// # Errors
    /// The first line that is wrong; nothing is added then.
    pub fn add_csv(&mut self, name: &str, text: &str) -> Result<usize, String> {
        let more = read(name, text)?;
        let count = more.len();
        self.0.extend(more);
        Ok(count)
    }

    /// What bears on a key, each advisory once. Without its firmware, what depends on that is said to.
    pub fn of(
        &self,
        aaguid: &str,
        vendor: Option<&str>,
        model: Option<&str>,
        firmware: Option<&str>,
    ) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        for advisory in &self.0 {
            let is = |wanted: &Option<String>, own: Option<&str>| {
                wanted
                    .as_ref()
                    .is_none_or(|wanted| own.is_some_and(|own| own.eq_ignore_ascii_case(wanted)))
            };
            let begins = advisory
                .model
                .as_ref()
                .is_none_or(|start| model.is_some_and(|own| own.starts_with(start.as_str())));
            // An AAGUID says enough; a vendor may be spelt otherwise in another list.
            let vendor_is = advisory.aaguid.is_some() || is(&advisory.vendor, vendor);
            if !is(&advisory.aaguid, Some(aaguid.trim())) || !vendor_is || !begins {
                continue;
            }
            let bearing = match (&advisory.firmware_below, firmware) {
                (None, _) => Bearing::Affected,
                (Some(_), None) => Bearing::DependsOnFirmware,
                (Some(well), Some(own)) if order(own, well) == Ordering::Less => Bearing::Affected,
                (Some(_), Some(_)) => continue,
            };
            match hits.iter_mut().find(|own| own.advisory.id == advisory.id) {
                Some(known) if known.bearing < bearing => {
                    *known = Hit {
                        advisory: advisory.clone(),
                        bearing,
                    };
                }
                Some(_) => {}
                None => hits.push(Hit {
                    advisory: advisory.clone(),
                    bearing,
                }),
            }
        }
        hits
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k1_eucleak_bears_on_keys_by_firmware() {
        assert_eq!(read("built-in", BUILT_IN).unwrap().len(), 20);
        let tables = crate::aaguid::Tables::built_in();
        let bearing = |aaguid: &str| tables.against(aaguid).first().map(|hit| hit.bearing);
        // YubiKey 5 NFC of 5.2 and 5.4; of 5.7; a Feitian.
        assert_eq!(
            bearing("2FC0579F-8113-47ea-b116-bb5a8db9202a"),
            Some(Bearing::Affected)
        );
        assert_eq!(
            bearing("a25342c0-3cdc-4414-8e46-f4807fca511c"),
            Some(Bearing::DependsOnFirmware)
        );
        assert_eq!(bearing("ee041bce-25e5-4cdb-8f86-897fd6418464"), None);
        let of = |firmware| {
            let list = Advisories::default();
            list.of(
                "x",
                Some("Yubico"),
                Some("YubiKey 5 Series with NFC"),
                Some(firmware),
            )
            .len()
        };
        assert_eq!(
            (of("5.4.3"), of("5.7"), of("5.7.0"), of("5.10.1")),
            (1, 0, 0, 0)
        );
    }

    #[test]
    fn k1_a_user_can_add_to_the_list() {
        let mut list = Advisories::default();
        let head = "id,vendor,aaguid,model,firmware_below,reason,reference\n";
        assert_eq!(
            list.add_csv(
                "ours.csv",
                &format!("{head}OUR-1,Feitian,,,,lost a batch,ticket 4711\n")
            ),
            Ok(1)
        );
        let hits = list.of(
            "ee041bce-25e5-4cdb-8f86-897fd6418464",
            Some("feitian"),
            None,
            None,
        );
        assert_eq!(hits[0].advisory.id, "OUR-1");
        let wrong = list
            .add_csv("ours.csv", &format!("{head}OUR-2,,,,,x,y\n"))
            .unwrap_err();
        assert!(
            wrong.contains("line 2") && wrong.contains("every key"),
            "{wrong}"
        );
    }
}
