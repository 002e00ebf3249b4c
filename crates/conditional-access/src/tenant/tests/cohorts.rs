use std::time::Instant;

use breakglass_model::{
    Collection, Reading, Upn, example,
    tenant::{Group, User},
};

use super::*;
use crate::{
    Enforce, Engine,
    identity::{Fact, GuestKind},
};

#[test]
fn c4_people_whom_the_policies_cannot_tell_apart_are_one_cohort() {
    let mut guest = user("guest");
    guest["userType"] = json!("Guest");
    guest["userPrincipalName"] = json!("guest_fabrikam.example#EXT#@contoso.com");
    let mut off = user("off");
    off["accountEnabled"] = json!(false);
    let snapshot = snapshot(&json!({
        "users": [user("bg1"), user("eve"), user("anna"), user("named"), guest, off, user("ben"), user("carla")],
        "groups": [
            {"id": "g", "groupTypes": [], "members": [{"id": "bg1"}]},
            {"id": "unmentioned", "groupTypes": [], "members": [{"id": "anna"}]},
        ],
        "roleDefinitions": [],
        "roleAssignmentScheduleInstances": [],
        "conditionalAccessPolicies": [
            policy(&json!({"includeUsers": ["All"], "excludeGroups": ["g"], "excludeUsers": ["NAMED"]})),
        ],
    }));
    let tenant = Tenant::read(&snapshot);
    let cohorts = People::new(&snapshot, &[&tenant]).cohorts();
    let counts: Vec<_> = cohorts
        .iter()
        .map(|cohort| (cohort.identity.id.as_str(), cohort.count))
        .collect();
    assert_eq!(
        counts,
        [
            ("bg1", 1),
            ("eve", 4),
            ("named", 1),
            ("guest", 1),
            ("off", 1)
        ]
    );
    assert_eq!(
        cohorts[1].examples,
        ["eve@contoso.com", "anna@contoso.com", "ben@contoso.com"]
    );
    assert_eq!(cohorts[1].members.len(), 4);
    assert_eq!(
        cohorts[3].identity.guest,
        Fact::Known(GuestKind::Guest("b2bCollaborationGuest".to_owned()))
    );
}

/// A cohort stands for its members: the engine judges all of them alike.
#[test]
fn c4_a_cohort_stands_for_its_members() {
    for name in example::NAMES {
        let example = example::tenant(name, "2026-11-24T12:00:00Z".parse().unwrap()).unwrap();
        let tenant = Tenant::read(&example.snapshot);
        assert!(tenant.dangling.is_empty(), "{:?}", tenant.dangling);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let people = People::new(&example.snapshot, &[&tenant]);
        let cohorts = people.cohorts();
        let count: usize = cohorts.iter().map(|cohort| cohort.count).sum();
        assert_eq!(count, example.snapshot.users.items.len());
        assert!(cohorts.len() < count);
        for cohort in &cohorts {
            let expected = engine.subject(&cohort.identity);
            for id in &cohort.members {
                let subject = engine.subject(&people.identity(id));
                assert_eq!(subject.judged, expected.judged);
                assert_eq!(subject.strengths, expected.strengths);
                assert_eq!(subject.mfa, expected.mfa);
            }
        }
    }
}

fn guid(kind: u32, number: usize) -> ObjectId {
    oid(&format!("{kind:08x}-0000-4000-8000-{number:012x}"))
}

/// 200,000 users, 5,000 groups, 200 policies.
#[test]
#[ignore = "measures: run it in release with --nocapture"]
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn a_large_tenant_is_quick() {
    let (users, groups, policies) = (200_000, 5_000, 200);
    let mut snapshot = snapshot(&json!({"groups": [], "users": [], "roleAssignments": []}));
    snapshot.users = Collection::complete(
        (0..users)
            .map(|number| User {
                id: Some(guid(1, number)),
                upn: Upn::parse(&format!("user{number}@contoso.com")).ok(),
                user_type: Some("Member".to_owned()),
                account_enabled: Reading::Read(true),
                methods: Reading::Read(vec![breakglass_model::tenant::Method {
                    kind: breakglass_model::tenant::MethodKind::Fido2,
                    aaguid: Some(format!("{:08x}-0000-4000-8000-000000000000", number % 40)),
                    ..Default::default()
                }]),
                devices: Reading::Read(Vec::new()),
                ..User::default()
            })
            .collect(),
    );
    snapshot.groups = Collection::complete(
        (0..groups)
            .map(|number| Group {
                id: Some(guid(2, number)),
                members: Reading::Read(if number < 20 {
                    // A few groups that hold half of everybody, and each other.
                    (number..users)
                        .step_by(2 + number)
                        .map(|user| guid(1, user))
                        .chain([guid(2, number + 20)])
                        .collect()
                } else {
                    (0..200)
                        .map(|user| guid(1, (number * 200 + user) % users))
                        .collect()
                }),
                ..Group::default()
            })
            .collect(),
    );
    let raw: Vec<Value> = (0..policies)
        .map(|number| {
            let mut one = policy(&json!({
                "includeGroups": [guid(2, number * 7 % groups).as_str()],
                "excludeGroups": [guid(2, 0).as_str(), guid(2, number * 3 % groups).as_str()],
            }));
            one["id"] = json!(format!("p{number}"));
            one
        })
        .collect();
    let read = super::snapshot(&json!({"conditionalAccessPolicies": raw}));
    snapshot.policies = read.policies;
    let start = Instant::now();
    let tenant = Tenant::read(&snapshot);
    let read = start.elapsed();
    let people = People::new(&snapshot, &[&tenant]);
    let new = start.elapsed() - read;
    let cohorts = people.cohorts();
    let all = start.elapsed();
    eprintln!(
        "read {read:?}, new {new:?}, all {all:?}, {} cohorts",
        cohorts.len()
    );
    assert!(all.as_secs() < 5);
}
