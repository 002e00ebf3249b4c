//! Controls of frameworks: what each asks of these accounts, and which of our checks is evidence for it.
//!
//! Ids and our own short words only: the texts of ISO, PCI, CIS and AICPA are theirs.

mod table;

use std::borrow::Cow;

pub use table::controls;

/// What a control has to do with these accounts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ControlKind {
    /// It names accounts of last resort, or this very duty.
    Names,
    /// What we show supports it.
    Supports,
    /// It asks for the opposite of something else: an exception has to be recorded.
    Conflicts,
}

impl ControlKind {
    /// The word in documents.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Names => "names it",
            Self::Supports => "supported",
            Self::Conflicts => "conflict",
        }
    }
}

/// A row of the mapping.
#[derive(Clone, Copy, Debug)]
pub struct Control {
    /// The framework.
    pub framework: &'static str,
    /// Its version; empty where the id holds it, or there is none.
    pub version: &'static str,
    /// Ids of controls.
    pub ids: &'static str,
    /// What they have to do with these accounts.
    pub kind: ControlKind,
    /// What they ask, in short.
    pub asks: &'static str,
    /// Our checks that are evidence for them.
    pub checks: &'static [&'static str],
    /// Why there is no check, or what else is evidence; empty: nothing.
    pub reason: &'static str,
}

/// Frameworks as the checks abbreviate them, and the name with the version.
const VERSIONS: &[(&str, &str)] = &[
    ("NIST CSF 2.0 ", "NIST CSF 2.0 "),
    ("CSF ", "NIST CSF 2.0 "),
    ("NIST SP 800-53 r5 ", "NIST SP 800-53 r5 "),
    ("NIST ", "NIST SP 800-53 r5 "),
    ("CIS M365 7.0.0 ", "CIS M365 7.0.0 "),
    ("CIS M365 ", "CIS M365 7.0.0 "),
    ("CIS Controls 8.1 ", "CIS Controls 8.1 "),
    ("CIS Controls ", "CIS Controls 8.1 "),
    ("PCI DSS 4.0.1 ", "PCI DSS 4.0.1 "),
    ("PCI DSS ", "PCI DSS 4.0.1 "),
    ("ISM ", "ISM 2025.12 "),
    ("ISO 27001 ", "ISO/IEC 27001:2022 "),
    ("SOC 2 ", "SOC 2 (2017, points of 2022) "),
    ("NIS2 2024/2690 ", "NIS2 2024/2690 "),
    ("NIS2 ", "NIS2 2024/2690 "),
];

/// A control as a check names it, with the version of its framework. Those of SCuBA carry theirs in the id; Zero Trust
/// Assessment, Maester and MCSB number none.
pub fn with_version(control: &str) -> Cow<'_, str> {
    VERSIONS
        .iter()
        .find_map(|(short, long)| Some(format!("{long}{}", control.strip_prefix(short)?)))
        .map_or(Cow::Borrowed(control), Cow::Owned)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{catalogue, conflicts, find};

    #[test]
    fn every_row_of_the_mapping_has_a_check_or_a_written_reason() {
        for row in controls() {
            let name = format!("{} {}", row.framework, row.ids);
            assert!(!row.checks.is_empty() || row.reason.len() > 15, "{name}");
            for id in row.checks {
                assert!(find(id).is_some(), "{name}: {id}");
            }
        }
    }

    #[test]
    fn every_conflict_is_printed_beside_the_other_side() {
        // Each row that conflicts concerns a check that shows both sides, or says itself why not.
        for row in controls()
            .iter()
            .filter(|row| row.kind == ControlKind::Conflicts)
        {
            let shown = conflicts()
                .iter()
                .any(|own| own.checks.iter().any(|id| row.checks.contains(id)));
            assert!(
                shown || row.reason.len() > 15,
                "{} {}",
                row.framework,
                row.ids
            );
        }
        for topic in [
            "dormancy",
            "permanence",
            "how many",
            "Conditional Access",
            "shared key",
        ] {
            assert!(conflicts().iter().any(|own| own.topic == topic), "{topic}");
        }
    }

    #[test]
    fn controls_of_checks_carry_a_version() {
        assert_eq!(with_version("CIS M365 1.1.2"), "CIS M365 7.0.0 1.1.2");
        assert_eq!(
            with_version("NIST SP 800-53 r5 AU-5"),
            "NIST SP 800-53 r5 AU-5"
        );
        assert_eq!(with_version("CSF DE.CM-03"), "NIST CSF 2.0 DE.CM-03");
        let unnumbered = [
            "SCuBA MS.AAD.",
            "Zero Trust ",
            "Maester ",
            "MCSB ",
            "DORA 2022/2554 ",
            "BSI C5:2020 ",
        ];
        for control in catalogue().iter().flat_map(|check| check.controls) {
            let named = unnumbered.iter().any(|prefix| control.starts_with(prefix));
            let numbered = VERSIONS.iter().any(|(short, _)| control.starts_with(short));
            assert!(named || numbered, "{control}");
        }
    }
}
