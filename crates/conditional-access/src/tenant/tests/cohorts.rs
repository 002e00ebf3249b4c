use breakglass_model::example;

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

/// The registration report is good for many people together and never for judging one.
#[test]
fn reported_methods_make_cohorts_and_judge_nobody() {
    let ordinary = |id: &str| json!({"id": id, "userType": "Member", "accountEnabled": true, "creationType": null, "domain": "contoso.com"});
    let snapshot = snapshot(&json!({
        "domains": [{"id": "contoso.com", "authenticationType": "Federated", "isInitial": false}],
        "users": [ordinary("u1"), ordinary("u2"), ordinary("u3")],
        "userRegistrationDetails": [
            {"id": "u1", "methodsRegistered": ["softwareOneTimePasscode"]},
            {"id": "u2", "methodsRegistered": ["softwareOneTimePasscode"]},
        ],
        "conditionalAccessPolicies": [policy(&json!({"includeUsers": ["All"]}))],
    }));
    let tenant = Tenant::read(&snapshot);
    let people = People::new(&snapshot, &[&tenant]);
    let cohorts = people.cohorts();
    let counts: Vec<usize> = cohorts.iter().map(|cohort| cohort.count).collect();
    assert_eq!(counts, [2, 1]);
    let usable = cohorts[0].identity.methods.known().unwrap();
    let names: Vec<String> = usable
        .iter()
        .map(|method| method.combination.to_string())
        .collect();
    // The domain is known without a name: the first factor is the provider's.
    assert!(
        names.contains(&"federatedSingleFactor,softwareOath".to_owned()),
        "{names:?}"
    );
    assert!(cohorts[1].identity.methods.why().is_some());
    assert!(people.identity(&oid("u1")).methods.why().is_some());
}

/// What the report leaves open about a method is not certain.
#[test]
fn a_reported_pass_and_a_key_in_windows_hello_are_not_certain() {
    let words = |reported: &[&str]| -> Vec<String> {
        let snapshot = snapshot(&json!({
            "domains": [{"id": "contoso.com", "authenticationType": "Managed", "isInitial": false}],
            "users": [{"id": "u1", "userType": "Member", "creationType": null, "domain": "contoso.com"}],
            "userRegistrationDetails": [{"id": "u1", "methodsRegistered": reported}],
        }));
        let tenant = Tenant::read(&snapshot);
        let people = People::new(&snapshot, &[&tenant]);
        let cohorts = people.cohorts();
        let usable = cohorts[0].identity.methods.known().unwrap();
        usable
            .iter()
            .map(|method| {
                let doubt = if method.certain { "" } else { "?" };
                format!("{}{doubt}", method.combination)
            })
            .filter(|word| !word.starts_with("x509"))
            .collect()
    };
    assert_eq!(
        words(&["temporaryAccessPass", "passKeyDeviceBoundWindowsHello"]),
        [
            "fido2?",
            "password",
            "temporaryAccessPassMultiUse?",
            "temporaryAccessPassOneTime?"
        ]
    );
    let carried = words(&["passKeyDeviceBoundWindowsHello", "fido2SecurityKey"]);
    assert!(carried.contains(&"fido2".to_owned()), "{carried:?}");
}
