//! Every requirement, and what closes it: checks, or the reason why there is none.

use crate::{Check, catalogue, find};

/// A requirement.
#[derive(Clone, Copy, Debug)]
pub struct Requirement {
    /// Its id, `A1` … `X7`.
    pub id: &'static str,
    /// What it asks for, in short.
    pub text: &'static str,
    /// Checks of other requirements that serve it, too.
    pub also: &'static [&'static str],
    /// Why there is no check of its own, or what is left to people and other parts; empty: nothing is.
    pub reason: &'static str,
}

impl Requirement {
    /// The checks that judge it: its own, then those of others that serve it.
    pub fn checks(&self) -> Vec<&'static Check> {
        let own = catalogue()
            .iter()
            .filter(|check| check.requirement == self.id);
        own.chain(self.also.iter().filter_map(|id| find(id)))
            .collect()
    }
}

const fn of(id: &'static str, text: &'static str) -> Requirement {
    with(id, text, &[], "")
}

const fn with(
    id: &'static str,
    text: &'static str,
    also: &'static [&'static str],
    reason: &'static str,
) -> Requirement {
    Requirement {
        id,
        text,
        also,
        reason,
    }
}

/// All of them, in the order of the ids.
pub fn requirements() -> &'static [Requirement] {
    ALL
}

static ALL: &[Requirement] = &[
    of("A1", "at least two accounts"),
    with(
        "A2",
        "cloud-only, on the initial domain, neither federated nor synchronised",
        &[],
        "that the initial domain is verified is not judged: Microsoft verifies it, and it cannot be removed",
    ),
    of("A3", "tied to no person"),
    with(
        "A4",
        "Global Administrator, tenant-wide, permanent and active",
        &["BG080"],
        "",
    ),
    of("A5", "descriptive names"),
    of(
        "A6",
        "counted among the standing Global Administrators, whose number stays small",
    ),
    of("A7", "never used for daily work"),
    of("A8", "used only from a designated secure workstation"),
    of(
        "A9",
        "in scope of no automated clean-up, expiry or access review",
    ),
    of(
        "K1",
        "FIDO2 passkeys on hardware keys: device-bound, attested, accepted",
    ),
    of(
        "K2",
        "a method other than the one of the everyday administrators",
    ),
    of("K3", "different key vendors, and no known flaw"),
    with(
        "K4",
        "no personal or weak method beside the keys",
        &[],
        "a Temporary Access Pass that was left behind is a weak method of BG024",
    ),
    of(
        "K5",
        "satisfies Microsoft's mandatory multifactor authentication",
    ),
    with(
        "C1",
        "excluded from every enabled policy that would block or restrict",
        &["BG079"],
        "Conditional Access picks applications, not users, by custom security attributes: BG042 proves over them",
    ),
    of(
        "C2",
        "a dedicated policy asks for the break glass authentication strength",
    ),
    of("C3", "sessions of the accounts are short-lived"),
    of(
        "C4",
        "only the intended policies can reach the accounts, over all sign-ins",
    ),
    with(
        "C5",
        "a new or changed policy is tried and pre-flighted first",
        &[],
        "whether a change was pre-flighted cannot be read from a tenant: `lockout preflight` runs where changes are made",
    ),
    of("M1", "in a restricted management administrative unit"),
    of(
        "M2",
        "in a role-assignable group inside the unit, which policies exclude",
    ),
    of(
        "M3",
        "management delegated through a tightly scoped custom role",
    ),
    of(
        "M4",
        "that role is gated by activation: short, approved, justified",
    ),
    of(
        "M5",
        "every change of what guards the accounts is audited and alerted",
    ),
    of("S1", "keys in two or more places at two or more sites"),
    of("S2", "each place holds all that its account needs"),
    of("S3", "any one place may burn"),
    of("S4", "a printed sheet in each place"),
    of("S5", "reachable at any hour, or the hours are known"),
    of("W1", "sign-in and audit logs flow to a workspace"),
    of("W2", "accounts are matched by object id"),
    of("W3", "a rule matches use, acts and changes"),
    of("W4", "it fires on anything"),
    of("W5", "evaluated every minute"),
    of("W6", "told by mail and text message, not one person"),
    of("W7", "a clear subject"),
    of("W8", "severity critical"),
    of(
        "W9",
        "the rule runs under a managed identity with the least roles",
    ),
    of("W10", "or Microsoft Sentinel"),
    of("W11", "or our own monitor alone"),
    of(
        "W12",
        "the alert path does not ride on the plane that fails",
    ),
    of("W13", "silence is an alarm"),
    with(
        "F1",
        "scenario: over-aggressive Conditional Access",
        &["BG042", "BG046", "BG047", "BG049", "BG095"],
        SCENARIO,
    ),
    with(
        "F2",
        "scenario: identity provider or federation is down",
        &["BG003", "BG004", "BG005"],
        SCENARIO,
    ),
    with(
        "F3",
        "scenario: multifactor authentication is unreachable",
        &["BG021", "BG022", "BG024", "BG048"],
        SCENARIO,
    ),
    with(
        "F4",
        "scenario: the last Global Administrator leaves",
        &["BG001", "BG008", "BG041"],
        SCENARIO,
    ),
    with(
        "F5",
        "scenario: nobody can activate a role",
        &["BG009", "BG010", "BG082"],
        SCENARIO,
    ),
    with(
        "F6",
        "scenario: natural disaster",
        &["BG028", "BG032", "BG034", "BG035"],
        SCENARIO,
    ),
    of("P1", "every use opens a review"),
    of("P2", "evidence is preserved before it ages out"),
    with(
        "P3",
        "actions are reconstructed and held against the emergency",
        &["BG097"],
        "the reconstruction is the reviewer's work, in the incident; a check sees that it was closed",
    ),
    with(
        "P4",
        "the use is matched against authorised people and a known reason",
        &["BG014", "BG041"],
        "the match is made by the review; what matches nothing stays unexplained and fails BG014",
    ),
    with(
        "P5",
        "it ends as exactly one of drill, emergency, misuse",
        &["BG097"],
        "an incident cannot be closed without exactly one of them",
    ),
    of(
        "P6",
        "after real use and departures: rotated, changed, re-secured",
    ),
    with(
        "P7",
        "the drill is documented, the emergency learned from, misuse pursued",
        &["BG097"],
        "what becomes of a closed review is work outside of the tenant; the evidence log keeps the documents",
    ),
    of("D1", "a drill tests the full flow"),
    of("D2", "at least every 90 days"),
    of("D3", "again after any change of staff"),
    of("R1", "a register"),
    of("R2", "the register is protected as privileged information"),
    of("R3", "training is recorded"),
    of("X1", "proof over all sign-ins"),
    with(
        "X2",
        "failure map",
        &["BG032", "BG033"],
        "a product of its own over register and tenant; the checks judge places one by one",
    ),
    with(
        "X3",
        "alert-rule proof",
        &["BG055", "BG056", "BG057"],
        "the checks read the rules; running them against synthetic events is a command of its own",
    ),
    with(
        "X4",
        "digital twin",
        &[],
        "`lab` is a tool to rehearse with; nothing of a tenant is judged by it",
    ),
    with(
        "X5",
        "evidence that nobody can quietly change",
        &[],
        "a property of our own log, verified by `evidence verify`, not of a tenant",
    ),
    with(
        "X6",
        "measured path",
        &["BG090"],
        "times of each hop are measured in a drill and shown, without a limit to fail",
    ),
    with(
        "X7",
        "registration of keys on behalf of the accounts",
        &["BG089"],
        "a command; that the tenant allows it is judged",
    ),
];

const SCENARIO: &str = "a scenario is judged by the checks of what it takes away, and by `lockout` and the failure map as a whole";

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    /// The ids of the product's page of requirements.
    const SERIES: [(&str, usize); 11] = [
        ("A", 9),
        ("K", 5),
        ("C", 5),
        ("M", 5),
        ("S", 5),
        ("W", 13),
        ("F", 6),
        ("P", 7),
        ("D", 3),
        ("R", 3),
        ("X", 7),
    ];

    #[test]
    fn every_requirement_has_a_check_or_a_written_reason() {
        for own in requirements() {
            assert!(
                !own.checks().is_empty() || own.reason.len() > 20,
                "{}",
                own.id
            );
            for id in own.also {
                assert!(find(id).is_some(), "{}: {id}", own.id);
            }
        }
    }

    #[test]
    fn every_id_is_there_once_and_every_check_serves_one() {
        let wanted: Vec<String> = SERIES
            .iter()
            .flat_map(|(letter, count)| (1..=*count).map(move |number| format!("{letter}{number}")))
            .collect();
        let ids: Vec<&str> = requirements().iter().map(|own| own.id).collect();
        assert_eq!(ids, wanted);
        let known: BTreeSet<&str> = ids.into_iter().collect();
        for check in catalogue() {
            assert!(
                known.contains(check.requirement),
                "{} serves {}",
                check.id,
                check.requirement
            );
        }
    }
}
