//! The built-in tenants, made up by us: `contoso`, where much is wrong, and `contoso-modern`, the same
//! company after everything was mended and only people's recurring tasks are left.
//!
//! Every fault that is planted in `contoso`, the finding that it must lead to, and its requirement:
//!
//! | planted in `contoso` | finding | requirement |
//! | --- | --- | --- |
//! | BreakGlass02 is only eligible for Global Administrator | not permanent and active | A4 |
//! | five standing Global Administrators: BreakGlass01, three administrators, a service account | head-count above 4 | A6 |
//! | access reviews and lifecycle workflows could not be read | cannot tell whether one reaches the accounts | A9 |
//! | both accounts have keys of one maker (Yubico) | one vendor's failure takes both | K3 |
//! | BreakGlass02 has a phone number registered | weak, personal method beside the key | K4 |
//! | CA002 blocks legacy authentication without the exclusion | reaches both accounts | C1 |
//! | CA003 asks everyone for a compliant device, which the accounts never have | locks both out | C1, X1 |
//! | CA005 excludes the accounts through a nested group | excluded, but by a group that others can fill | M2 |
//! | CA006 excludes the role, which BreakGlass02 does not hold while it is only eligible | reaches BreakGlass02 | C1 |
//! | CA007 is report-only without the exclusion | no finding: report-only needs none | C1 |
//! | CA004 includes the group on purpose, with key strength and one-hour sessions | no finding | C2, C3 |
//! | there is no restricted management administrative unit | any user administrator can reset the accounts | M1 |
//! | there is no custom role to look after the accounts | delegated too widely, or not at all | M3 |
//! | both keys lie in one safe at one site | one fire takes both | S1, S3 |
//! | `contoso.com` is federated (the accounts are not on it) | no finding for the accounts | A2 |
//! | the diagnostic setting sends no non-interactive sign-ins | a use with a key may go unseen | W1 |
//! | the workspace keeps its records for 30 days | gone before a review may be over | P2 |
//! | the workspace has a daily cap of 5 GB | a flood of records stops every alert | W1 |
//! | the alert rule reads `SigninLogs` only | no acts, no changes, no non-interactive use | W3 |
//! | the rule runs every five minutes | not every minute | W5 |
//! | one personal mailbox, no text message | one person's absence silences it | W6 |
//! | the mailbox is in the guarded tenant, and logs leave it by one way | the alert rides on what fails | W12 |
//! | no rule fires when records stop | silence looks like quiet | W13 |
//! | nobody is told when the alert rule or the action group changes | the alarm can be switched off unseen | M5 |
//! | the e-mail subject is not set | not recognised at once | W7 |
//! | the rule has severity 1 | not critical | W8 |
//! | the rule has no managed identity | runs with its author's rights | W9 |
//! | last drill 140 days ago, for BreakGlass01 only, and only declared | overdue; never for BreakGlass02 | D1, D2 |
//! | one of two custodians, Ben, left 45 days ago; combination and seals unchanged since | one person is left, credentials not rotated | P6, D3 |
//! | Anna's training is 320 days old, Ben's has run out | refresh is due | R3 |
//!
//! The cut sets that follow: {CA003} alone keeps everybody from getting in with an emergency account;
//! {`hq-safe`} and {Yubico} alone take both keys; {Anna} alone leaves nobody who may open the safe;
//! {Adele's mailbox} alone leaves nobody who is told.

use jiff::{SignedDuration, Timestamp, tz::TimeZone};

use crate::{
    TenantSnapshot,
    export::{self, InputFile},
};

/// A built-in tenant, with its dates counted from the moment that was asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Example {
    /// The tenant as read.
    pub snapshot: TenantSnapshot,
    /// The snapshot file that it was read from.
    pub snapshot_json: String,
    /// The register that belongs to it.
    pub register_toml: String,
}

/// The names of the built-in tenants.
pub const NAMES: [&str; 2] = ["contoso", "contoso-modern"];

/// The built-in tenant of this name; `None`: there is none (see [`NAMES`]).
pub fn tenant(name: &str, now: Timestamp) -> Option<Example> {
    let (snapshot, register) = match name {
        "contoso" => (
            include_str!("example/contoso.snapshot.json"),
            include_str!("example/contoso.register.toml"),
        ),
        "contoso-modern" => (
            include_str!("example/contoso-modern.snapshot.json"),
            include_str!("example/contoso-modern.register.toml"),
        ),
        _ => return None,
    };
    let snapshot_json = dated(snapshot, now);
    Some(Example {
        snapshot: export::read([InputFile {
            path: format!("{name}.snapshot.json"),
            bytes: snapshot_json.clone().into_bytes(),
        }]),
        snapshot_json,
        register_toml: dated(register, now),
    })
}

/// Replaces the markers of a template: `{{-140d}}` by the date 140 days before `now`, `{{-140d:time}}`
/// by that moment in RFC 3339. Anything else between double braces stays as it is.
fn dated(template: &str, now: Timestamp) -> String {
    let mut text = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once("{{") {
        text.push_str(before);
        let replaced = after
            .split_once("}}")
            .and_then(|(marker, after)| Some((moment(marker, now)?, after)));
        if let Some((date, after)) = replaced {
            text.push_str(&date);
            rest = after;
        } else {
            text.push_str("{{");
            rest = after;
        }
    }
    text.push_str(rest);
    text
}

fn moment(marker: &str, now: Timestamp) -> Option<String> {
    let (days, time) = match marker.strip_suffix(":time") {
        Some(days) => (days, true),
        None => (marker, false),
    };
    let days: i64 = days.strip_suffix('d')?.parse().ok()?;
    let at = now
        .checked_add(SignedDuration::from_hours(days.checked_mul(24)?))
        .ok()?;
    Some(if time {
        at.to_string()
    } else {
        TimeZone::UTC.to_datetime(at).date().to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        ObjectId, Reading, Upn, aaguid,
        tenant::{GLOBAL_ADMINISTRATOR, MethodKind, User},
    };

    fn now() -> Timestamp {
        "2026-11-24T12:00:00Z".parse().unwrap()
    }

    fn account<'a>(tenant: &'a TenantSnapshot, name: &str) -> &'a User {
        let upn = Upn::parse(&format!("{name}@contoso.onmicrosoft.com")).unwrap();
        tenant.user_by_upn(&upn).unwrap()
    }

    fn standing(tenant: &TenantSnapshot) -> Vec<&ObjectId> {
        tenant
            .active_assignments
            .iter()
            .filter(|a| a.role.is(GLOBAL_ADMINISTRATOR) && a.end == Reading::Read(None))
            .map(|a| &a.principal)
            .collect()
    }

    fn makers(user: &User) -> Vec<&'static str> {
        user.methods
            .get()
            .unwrap()
            .iter()
            .filter(|m| m.kind == MethodKind::Fido2)
            .map(|m| aaguid::vendor(m.aaguid.as_deref().unwrap()).unwrap().vendor)
            .collect()
    }

    #[test]
    fn every_example_reads_without_a_remainder() {
        for name in NAMES {
            let example = tenant(name, now()).unwrap();
            let snapshot = &example.snapshot;
            assert!(snapshot.set_aside.is_empty(), "{:?}", snapshot.set_aside);
            assert!(
                snapshot.assumptions.is_empty(),
                "{:?}",
                snapshot.assumptions
            );
            assert_eq!(snapshot.collected_at, Some(now()));
            assert_eq!(snapshot.policies.items.len(), 10);
            for text in [&example.snapshot_json, &example.register_toml] {
                assert!(!text.contains("{{"), "{name}");
            }
            let register: toml::Table = example.register_toml.parse().unwrap();
            assert_eq!(register["schema"].as_str(), Some("breakglass/register/v1"));
            for key in ["tenant", "account", "person", "drills", "drill", "sealed"] {
                assert!(register.contains_key(key), "{name}: {key}");
            }
            for user in &snapshot.users {
                let id = user.id.as_ref().unwrap();
                assert!(snapshot.groups_of(id).get().is_some());
            }
        }
        assert_eq!(tenant("fabrikam", now()), None);
    }

    #[test]
    fn every_collection_holds_something() {
        // Somebody who could become a member of the group of the accounts would be a fault, and none is planted; where
        // everything is mended the group is not managed by activation, and no application has power over the accounts.
        const ELIGIBLE: &str = "privilegedAccessGroupEligibilityScheduleInstances";
        const ASSIGNED: &str = "privilegedAccessGroupAssignmentScheduleInstances";
        // The old design sends its logs to a workspace and nowhere else.
        let empty = [
            &[ELIGIBLE, "logDestinations"][..],
            &[ELIGIBLE, ASSIGNED, "appRoleAssignments"],
        ];
        for (name, allowed) in NAMES.into_iter().zip(empty) {
            let example = tenant(name, now()).unwrap();
            let snapshot: serde_json::Value = serde_json::from_str(&example.snapshot_json).unwrap();
            for (collection, items) in snapshot["collections"].as_object().unwrap() {
                let empty = items.as_array().unwrap().is_empty();
                assert_eq!(
                    empty,
                    allowed.contains(&collection.as_str()),
                    "{name}: {collection}"
                );
            }
        }
    }

    #[test]
    fn a4_a6_k3_k4_m1_d2_contoso_has_its_planted_faults() {
        let example = tenant("contoso", now()).unwrap();
        let tenant = &example.snapshot;
        let (one, two) = (
            account(tenant, "BreakGlass01"),
            account(tenant, "BreakGlass02"),
        );
        let standing = standing(tenant);
        assert_eq!(standing.len(), 5, "A6");
        assert!(standing.contains(&one.id.as_ref().unwrap()));
        assert!(!standing.contains(&two.id.as_ref().unwrap()), "A4");
        assert_eq!(makers(one), makers(two), "K3");
        assert!(
            two.methods
                .get()
                .unwrap()
                .iter()
                .any(|m| m.kind == MethodKind::Phone),
            "K4"
        );
        assert!(
            tenant.units.is_complete()
                && tenant
                    .units
                    .iter()
                    .all(|unit| unit.restricted == Reading::Read(false)),
            "M1"
        );
        assert!(!tenant.access_reviews.is_complete(), "A9");
        assert!(
            example.register_toml.contains("on = 2026-07-07"),
            "D2: 140 days ago"
        );
    }

    #[test]
    fn a4_a6_k1_k3_m1_contoso_modern_is_mended() {
        let example = tenant("contoso-modern", now()).unwrap();
        let tenant = &example.snapshot;
        assert!(tenant.missing().is_empty(), "{:?}", tenant.missing());
        let (one, two) = (
            account(tenant, "BreakGlass01"),
            account(tenant, "BreakGlass02"),
        );
        let standing = standing(tenant);
        assert!(standing.len() <= 4, "A6");
        for user in [one, two] {
            let id = user.id.as_ref().unwrap();
            assert!(standing.contains(&id), "A4");
            assert_eq!(makers(user).len(), 2, "K1");
            let unit = &tenant.units.items[0];
            assert_eq!(unit.restricted, Reading::Read(true), "M1");
            assert!(unit.members.get().unwrap().contains(id), "M1");
        }
        assert_ne!(makers(one), makers(two), "K3");
    }

    #[test]
    fn one_everyday_administrator_of_contoso_modern_has_a_compliant_device_x1() {
        for (name, expected) in [("contoso", 0), ("contoso-modern", 2)] {
            let example = tenant(name, now()).unwrap();
            let tenant = &example.snapshot;
            let devices: Vec<_> = tenant
                .users
                .iter()
                .filter_map(|user| Some((user.upn.as_ref()?.as_str(), user.devices.get()?)))
                .flat_map(|(upn, devices)| devices.iter().map(move |device| (upn, device)))
                .collect();
            assert_eq!(devices.len(), expected);
            for (upn, device) in devices {
                assert_eq!(upn, "adele.admin@contoso.com");
                assert_eq!(device.is_compliant, Some(true));
                assert_eq!(device.operating_system.as_deref(), Some("Windows"));
            }
            for name in ["BreakGlass01", "BreakGlass02"] {
                assert_eq!(account(tenant, name).devices, Reading::Read(Vec::new()));
            }
        }
    }

    #[test]
    fn markers_become_dates() {
        assert_eq!(
            dated("a {{-1d}} {{2d:time}} {{x}} {{", now()),
            "a 2026-11-23 2026-11-26T12:00:00Z {{x}} {{"
        );
    }
}
