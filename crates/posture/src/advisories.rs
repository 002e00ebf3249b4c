//! Published flaws of security keys, by model.
//!
//! The list is `advisories.tsv` beside this file: AAGUID, name of the advisory, its address, one a line; lines can be
//! added. Its lines for EUCLEAK are the models of Yubico with firmware below 5.7 (Yubico, security advisory YSA-2024-03,
//! and its table of AAGUIDs and firmware).

/// An advisory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Advisory {
    /// Its name.
    pub(crate) name: &'static str,
    /// Where it is published.
    pub(crate) address: &'static str,
}

const LIST: &str = include_str!("advisories.tsv");

/// The first advisory about a model.
pub(crate) fn of(aaguid: &str) -> Option<Advisory> {
    LIST.lines()
        .filter_map(parse)
        .find(|(model, _)| model.eq_ignore_ascii_case(aaguid.trim()))
        .map(|(_, advisory)| advisory)
}

fn parse(line: &'static str) -> Option<(&'static str, Advisory)> {
    let mut fields = line.split('\t');
    let (model, name, address) = (fields.next()?, fields.next()?, fields.next()?);
    Some((model, Advisory { name, address }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn k3_every_line_of_the_list_is_understood_and_is_about_a_known_model() {
        for line in LIST.lines() {
            let (model, advisory) = parse(line).unwrap();
            assert!(breakglass_model::aaguid::vendor(model).is_some(), "{model}");
            assert!(advisory.address.starts_with("https://"), "{line}");
        }
    }
}
