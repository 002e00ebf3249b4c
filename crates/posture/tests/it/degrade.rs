//! Reading less never makes a tenant look better.

use std::collections::BTreeSet;

use breakglass_model::{
    Collection, NotRead, Reading, TenantSnapshot, Verdict, finding::Answer, tenant::Password,
};
use breakglass_posture::check;
use proptest::prelude::*;
use serde_json::json;

use crate::{
    testing::{World, sentinel},
    whole::{input, old_design},
};

/// Collections that are kept as they were read: of Azure for watching, of Graph for what guards the accounts.
const OTHER: [&str; 22] = [
    "diagnosticSettings",
    "subscriptions",
    "workspaces",
    "workspaceTables",
    "workspaceFreshness",
    "scheduledQueryRules",
    "actionGroups",
    "actionRules",
    "activityLogAlerts",
    "azureRoleAssignments",
    "onboardingStates",
    "alertRules",
    "automationRules",
    "appRoleAssignments",
    "authenticationMethodsPolicy",
    "authorizationPolicy",
    "identitySecurityDefaultsEnforcementPolicy",
    "privilegedAccessGroupAssignmentScheduleInstances",
    "resourceActions",
    "riskyUsers",
    "roleManagementPolicyAssignments",
    "servicePrincipals",
];
/// Single data, then the collections, each taken away whole or in part.
const LOSSES: u32 = 34 + 2 * 22;

fn lose<T>(collection: &mut Collection<T>) {
    *collection = Collection::not_read("lost", "taken away by the test", None);
}

fn partly<T>(collection: &mut Collection<T>) {
    collection.items.pop();
    collection.missing = Some(NotRead {
        collection: "lost".to_owned(),
        reason: "taken away by the test".to_owned(),
        permission: None,
    });
}

/// Takes one datum away.
fn take(s: &mut TenantSnapshot, what: u32) {
    match what {
        0 => lose(&mut s.users),
        1 => lose(&mut s.groups),
        2 => lose(&mut s.roles),
        3 => lose(&mut s.active_assignments),
        4 => lose(&mut s.eligible_assignments),
        5 => lose(&mut s.units),
        6 => lose(&mut s.domains),
        7 => lose(&mut s.policies),
        8 => lose(&mut s.access_reviews),
        9 => lose(&mut s.lifecycle_workflows),
        10 => partly(&mut s.users),
        11 => partly(&mut s.groups),
        12 => partly(&mut s.active_assignments),
        13 => partly(&mut s.eligible_assignments),
        14 => partly(&mut s.units),
        15 => partly(&mut s.domains),
        16 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.account_enabled = Reading::default()),
        17 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.methods = Reading::default()),
        18 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.synchronised = Reading::default()),
        19 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.personal = Reading::default()),
        20 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.licences = Reading::default()),
        21 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.last_sign_in = Reading::default()),
        22 => s
            .groups
            .items
            .iter_mut()
            .for_each(|g| g.members = Reading::default()),
        23 => s
            .groups
            .items
            .iter_mut()
            .for_each(|g| g.role_assignable = Reading::default()),
        24 => s
            .units
            .items
            .iter_mut()
            .for_each(|u| u.members = Reading::default()),
        25 => s
            .units
            .items
            .iter_mut()
            .for_each(|u| u.restricted = Reading::default()),
        26 => s
            .active_assignments
            .items
            .iter_mut()
            .for_each(|a| a.activated = Reading::default()),
        27 => s.active_assignments.items.iter_mut().for_each(|a| {
            a.end = Reading::default();
            a.scope = Reading::default();
        }),
        29 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.password = Password::default()),
        30 => s
            .users
            .items
            .iter_mut()
            .for_each(|u| u.devices = Reading::default()),
        31 => s
            .groups
            .items
            .iter_mut()
            .for_each(|g| g.owners = Reading::default()),
        32 => s
            .groups
            .items
            .iter_mut()
            .for_each(|g| g.expires = Reading::default()),
        33 => s
            .domains
            .items
            .iter_mut()
            .for_each(|d| d.password_days = Reading::default()),
        34.. => {
            // The whole collection, or what is told first of it.
            let lost = (what - 34) as usize;
            let name = OTHER[lost % 22];
            if lost < 22 {
                s.other.remove(name);
                return;
            }
            if let Some(items) = s.other.get_mut(name) {
                items.drain(..items.len().min(1));
            }
            s.not_read.push(NotRead {
                collection: name.to_owned(),
                reason: "taken away by the test".to_owned(),
                permission: None,
            });
        }
        _ => s.domains.items.iter_mut().for_each(|d| {
            d.initial = Reading::default();
            d.federated = Reading::default();
        }),
    }
}

/// What passes, and which questions are answered with yes.
fn good(world: &World) -> BTreeSet<(String, String)> {
    let report = check(&input(world)).unwrap();
    let passes = report
        .findings
        .into_iter()
        .filter(|f| f.verdict == Verdict::Pass)
        .map(|f| (f.check, f.subject));
    let yes = report
        .questions
        .into_iter()
        .filter(|q| q.answer == Answer::Yes)
        .map(|q| (q.id, String::new()));
    passes.chain(yes).collect()
}

/// Tenants with one thing wrong each.
fn tenants() -> Vec<World> {
    let mut all = vec![World::modern(), old_design()];
    let breaks: [fn(&mut World); 20] = [
        |w| w.user("bg1").account_enabled = Reading::Read(false),
        |w| w.snapshot.domains.items[0].federated = Reading::Read(true),
        |w| w.snapshot.domains.items[0].initial = Reading::Read(false),
        |w| w.snapshot.active_assignments.items[0].activated = Reading::Read(true),
        |w| {
            w.user("bg1").last_sign_in =
                Reading::Read(Some("2026-09-20T00:00:00Z".parse().unwrap()));
        },
        |w| {
            let methods = w.user("bg1").methods.clone();
            w.user("adm1").methods = methods.clone();
            w.user("bg2").methods = methods;
        },
        |w| w.snapshot.groups.items[0].role_assignable = Reading::Read(false),
        |w| {
            let review = json!({"scope": {"query": "/groups/grp/transitiveMembers"}});
            w.snapshot.access_reviews.items.push(review);
        },
        |w| w.properties("scheduledQueryRules", 0)["severity"] = json!(3),
        |w| {
            w.query(
                1,
                "AADNonInteractiveUserSignInLogs | where UserPrincipalName has 'breakglass'",
            );
        },
        |w| {
            w.other("scheduledQueryRules").clear();
            let query = "union SigninLogs, AuditLogs | where UserId in ('bg1', 'bg2')";
            w.other("alertRules").push(sentinel("s", query));
        },
        |w| {
            let mute = json!({"id": "ar", "name": "mute", "properties": {"enabled": true, "scopes": ["/subscriptions/s"],
                "actions": [{"actionType": "RemoveAllActionGroups"}]}});
            w.other("actionRules").push(mute);
        },
        |w| {
            let held = json!({"principalId": "sp", "principalType": "ServicePrincipal",
                "appRoleId": "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8"});
            w.other("appRoleAssignments").push(held);
        },
        |w| {
            w.other("riskyUsers")
                .push(json!({"id": "bg1", "riskState": "atRisk"}));
        },
        |w| {
            let ends = json!({"groupId": "grp", "principalId": "bg1", "endDateTime": "2027-01-01T00:00:00Z"});
            w.other("privilegedAccessGroupAssignmentScheduleInstances")
                .push(ends);
        },
        |w| w.other("roleManagementPolicyAssignments").clear(),
        |w| w.user("bg1").password.must_change = Reading::Read(true),
        |w| w.snapshot.units.items.clear(),
        |w| w.properties("actionGroups", 0)["smsReceivers"] = json!([]),
        |w| w.properties("diagnosticSettings", 0)["workspaceId"] = json!("/subscriptions/s/gone"),
    ];
    for broken in breaks {
        let mut world = World::modern();
        broken(&mut world);
        all.push(world);
    }
    all
}

#[test]
fn taking_one_datum_away_never_turns_anything_into_a_pass() {
    for world in tenants() {
        let before = good(&world);
        for what in 0..LOSSES {
            let mut less = world.clone();
            take(&mut less.snapshot, what);
            let new: Vec<_> = good(&less).difference(&before).cloned().collect();
            assert!(new.is_empty(), "loss {what}: {new:?}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]
    #[test]
    fn taking_more_away_never_turns_anything_into_a_pass(
        tenant in 0..22_usize,
        losses in proptest::collection::vec(0..LOSSES, 1..6),
    ) {
        let mut world = tenants().swap_remove(tenant);
        for what in losses {
            let before = good(&world);
            take(&mut world.snapshot, what);
            let new: Vec<_> = good(&world).difference(&before).cloned().collect();
            prop_assert!(new.is_empty(), "loss {}: {:?}", what, new);
        }
    }
}
