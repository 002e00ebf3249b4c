//! The modern design with one setting drifted: the plan puts it back, or says who does.

use breakglass_model::{
    Reading,
    plan::{PlanStep, Remaining, Stage},
};
use serde_json::Value;

use super::{mended::*, *};

/// The one object of a collection.
fn once<'a>(snapshot: &'a mut TenantSnapshot, collection: &str) -> &'a mut Value {
    &mut snapshot.other.get_mut(collection).unwrap()[0]
}

fn fido2(snapshot: &mut TenantSnapshot) -> &mut Value {
    let policy = once(snapshot, "authenticationMethodsPolicy");
    let all = policy["authenticationMethodConfigurations"].as_array_mut();
    let mut all = all.unwrap().iter_mut();
    all.find(|own| own["id"].as_str().unwrap().eq_ignore_ascii_case("fido2"))
        .unwrap()
}

/// A rule of every role.
fn rule(snapshot: &mut TenantSnapshot, id: &str, change: impl Fn(&mut Value)) {
    for settings in snapshot
        .other
        .get_mut("roleManagementPolicyAssignments")
        .unwrap()
    {
        let rules = settings["policy"]["rules"].as_array_mut().unwrap();
        change(rules.iter_mut().find(|own| own["id"] == id).unwrap());
    }
}

/// The plan of the modern design with a change, and the plan of where it ends.
fn drifted(change: impl FnOnce(&mut TenantSnapshot)) -> Plan {
    drifted_with(&Wishes::default(), change)
}

fn drifted_with(wishes: &Wishes, change: impl FnOnce(&mut TenantSnapshot)) -> Plan {
    let (mut snapshot, register) = modern();
    change(&mut snapshot);
    let plan = wished(&snapshot, &register, wishes);
    let end = states(&snapshot, &plan).pop().unwrap();
    assert_eq!(lines(&wished(&end, &register, &Wishes::default())), "");
    plan
}

fn only(plan: &Plan) -> &PlanStep {
    let [step] = &plan.steps[..] else {
        panic!("{}", lines(plan))
    };
    // What anybody who approves it asks.
    assert!(step.write.undo.is_some());
    assert!(!step.write.before.is_null() && !step.risk.is_empty());
    step
}

fn left<'a>(plan: &'a Plan, check: &str) -> &'a Remaining {
    assert_eq!(lines(plan), "");
    let mut rows = plan.remaining.iter();
    rows.find(|own| own.check == check && own.verdict == "fail")
        .unwrap()
}

#[test]
fn k1_keys_can_be_registered_and_only_attested_ones_again() {
    let plan = drifted(|snapshot| {
        let own = fido2(snapshot);
        own["isAttestationEnforced"] = false.into();
        own["isSelfServiceRegistrationAllowed"] = false.into();
    });
    let step = only(&plan);
    assert_eq!(step.checks, ["BG089"]);
    assert_eq!(step.stage, Stage::Keys);
    let sent = &step.write.send.body;
    assert_eq!(sent["isAttestationEnforced"], true);
    assert_eq!(sent["isSelfServiceRegistrationAllowed"], true);
    assert_eq!(
        step.write.before,
        json!({"isAttestationEnforced": false, "isSelfServiceRegistrationAllowed": false})
    );
}

#[test]
fn k1_attestation_is_left_to_people_while_a_key_of_the_accounts_is_not_known_as_attested() {
    for level in [None, Some("notAttested".to_owned())] {
        let plan = drifted(|snapshot| {
            fido2(snapshot)["isAttestationEnforced"] = false.into();
            let Reading::Read(methods) = &mut snapshot.users.items[0].methods else {
                panic!("methods")
            };
            methods.last_mut().unwrap().attestation = level;
        });
        assert!(left(&plan, "BG089").closed_by.contains("owner"));
        assert!(
            plan.warnings
                .iter()
                .any(|text| text.contains("is not known as attested")),
            "{:?}",
            plan.warnings
        );
    }
}

#[test]
fn k1_passkey_profiles_ask_for_attestation_unless_they_take_synced_passkeys() {
    let profiles = |types: &str| {
        let types = types.to_owned();
        drifted(move |snapshot| {
            fido2(snapshot)["passkeyProfiles"] = json!([{"id": "p", "name": "Default", "passkeyTypes": types,
                "attestationEnforcement": "disabled", "keyRestrictions": {"isEnforced": false}}]);
        })
    };
    let plan = profiles("deviceBound");
    let sent = &only(&plan).write.send.body["passkeyProfiles"][0];
    assert_eq!(sent["attestationEnforcement"], "registrationOnly");
    assert_eq!(sent["passkeyTypes"], "deviceBound");
    let plan = profiles("deviceBound,synced");
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("synced passkeys"))
    );
    left(&plan, "BG089");
}

#[test]
fn a4_global_administrator_can_be_held_for_good_again() {
    let plan = drifted(|snapshot| {
        rule(snapshot, "Expiration_Admin_Assignment", |own| {
            own["isExpirationRequired"] = true.into();
            own["maximumDuration"] = "P15D".into();
        });
    });
    let step = only(&plan);
    assert_eq!(step.checks, ["BG082"]);
    assert_eq!(step.requirement, "A4");
    let sent = &step.write.send.body;
    assert_eq!(sent["isExpirationRequired"], false);
    // A rule without its target is taken and breaks the settings.
    assert_eq!(sent["target"]["caller"], "Admin");
    assert_eq!(sent["maximumDuration"], "P15D");
    assert_eq!(step.write.before["isExpirationRequired"], true);
}

#[test]
fn a4_a_role_that_is_given_for_good_waits_for_the_rule_that_allows_it() {
    let (mut snapshot, register) = modern();
    rule(&mut snapshot, "Expiration_Admin_Assignment", |own| {
        own["isExpirationRequired"] = true.into();
    });
    let id = register.accounts[0].id.clone().unwrap();
    for own in &mut snapshot.active_assignments.items {
        if own.principal == id {
            own.end = Reading::Read(Some("2099-01-01T00:00:00Z".parse().unwrap()));
        }
    }
    let plan = mended(&snapshot, &register);
    let [allowed, given] = &plan.steps[..] else {
        panic!("{}", lines(&plan))
    };
    assert_eq!(given.after, std::slice::from_ref(&allowed.id));
}

#[test]
fn m4_rules_of_the_role_at_the_unit_are_put_back_without_naming_people_again() {
    let plan = drifted(|snapshot| {
        rule(snapshot, "Expiration_EndUser_Assignment", |own| {
            own["maximumDuration"] = "PT12H".into();
        });
        rule(snapshot, "Enablement_EndUser_Assignment", |own| {
            own["enabledRules"] = json!(["Ticketing"]);
        });
        rule(snapshot, "Approval_EndUser_Assignment", |own| {
            own["setting"]["isApprovalRequired"] = false.into();
        });
    });
    let all = lines(&plan);
    insta::assert_snapshot!(all);
    let sent = |place: usize| &plan.steps[place].write.send.body;
    assert_eq!(sent(0)["maximumDuration"], "PT2H");
    assert_eq!(
        sent(1)["enabledRules"],
        json!(["Ticketing", "MultiFactorAuthentication", "Justification"])
    );
    assert_eq!(sent(2)["setting"]["isApprovalRequired"], true);
    let stages = &sent(2)["setting"]["approvalStages"];
    assert!(!stages[0]["primaryApprovers"].as_array().unwrap().is_empty());
    assert!(
        plan.steps
            .iter()
            .all(|step| step.by_person && step.requirement == "M4")
    );
}

#[test]
fn m4_an_approval_without_approvers_is_left_to_people() {
    let plan = drifted(|snapshot| {
        rule(snapshot, "Approval_EndUser_Assignment", |own| {
            own["setting"] = json!({"isApprovalRequired": false, "approvalMode": "NoApproval", "approvalStages": []});
        });
    });
    assert!(left(&plan, "BG076").closed_by.contains("--approver"));
}

/// Somebody else in the accounts' group.
fn joined(snapshot: &mut TenantSnapshot) -> ObjectId {
    let stranger = ObjectId::parse("7b3e1ade-41c2-4d8a-b6f0-9c5d1e2a44f2").unwrap();
    let group = &mut snapshot.groups.items[0];
    for members in [&mut group.members, &mut group.transitive_members] {
        if let Reading::Read(members) = members {
            members.push(stranger.clone());
        }
    }
    stranger
}

#[test]
fn m2_who_else_is_in_the_group_is_named_and_leaves_when_somebody_decides() {
    let plan = drifted(|snapshot| {
        joined(snapshot);
    });
    let row = left(&plan, "BG078");
    assert!(row.because.contains("@contoso.com"), "{}", row.because);
    assert!(
        row.closed_by.contains("--remove-from-group"),
        "{}",
        row.closed_by
    );
    let (mut snapshot, register) = modern();
    let stranger = joined(&mut snapshot);
    let wishes = Wishes {
        leave_group: vec![stranger, register.accounts[0].id.clone().unwrap()],
        ..Wishes::default()
    };
    let plan = wished(&snapshot, &register, &wishes);
    let step = only(&plan);
    assert_eq!(step.checks, ["BG078"]);
    assert_eq!(step.requirement, "M2");
    // The group lies in the restricted unit.
    assert!(step.by_person);
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("stays in the group")),
        "{:?}",
        plan.warnings
    );
    // Taken back, it is as it was.
    let mut state = snapshot.clone();
    simulate(&mut state, &step.effects);
    assert_ne!(
        state.groups.items[0].members,
        snapshot.groups.items[0].members
    );
    undone(&mut state, &step.write, &step.effects);
    assert_eq!(
        state.groups.items[0].members,
        snapshot.groups.items[0].members
    );
}

#[test]
fn k4_administrators_are_kept_from_resetting_their_passwords_again() {
    let plan =
        drifted(|snapshot| once(snapshot, "authorizationPolicy")["allowedToUseSSPR"] = true.into());
    let step = only(&plan);
    assert_eq!(step.checks, ["BG085"]);
    assert_eq!(step.requirement, "K4");
    assert!(step.by_person);
    assert_eq!(step.write.send.path, "/policies/authorizationPolicy");
    assert_eq!(step.write.send.body, json!({"allowedToUseSSPR": false}));
    assert_eq!(
        step.write.reversed().unwrap().send.body,
        json!({"allowedToUseSSPR": true})
    );
}

#[test]
fn m1_consent_to_just_any_application_ends_and_other_policies_stay() {
    let plan = drifted(|snapshot| {
        once(snapshot, "authorizationPolicy")["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] =
            json!([
                "ManagePermissionGrantsForSelf.microsoft-user-default-legacy",
                "ManagePermissionGrantsForOwnedResource.DeveloperConsent"
            ]);
    });
    let step = only(&plan);
    assert_eq!(step.checks, ["BG086"]);
    assert_eq!(step.requirement, "M1");
    assert_eq!(
        step.write.send.body,
        json!({"defaultUserRolePermissions": {"permissionGrantPoliciesAssigned": [
            "ManagePermissionGrantsForSelf.microsoft-user-default-low",
            "ManagePermissionGrantsForOwnedResource.DeveloperConsent"
        ]}})
    );
}

#[test]
fn c1_security_defaults_go_when_a_policy_asks_everybody_for_a_second_factor() {
    const NAME: &str = "identitySecurityDefaultsEnforcementPolicy";
    let plan = drifted(|snapshot| once(snapshot, NAME)["isEnabled"] = true.into());
    let step = only(&plan);
    assert!(
        step.checks.contains(&"BG094".to_owned()),
        "{:?}",
        step.checks
    );
    assert_eq!(step.requirement, "C1");
    assert_eq!(step.write.send.body, json!({"isEnabled": false}));
    // Nobody else would be protected: it is left to a person.
    let plan = drifted(|snapshot| {
        once(snapshot, NAME)["isEnabled"] = true.into();
        snapshot.policies.items.retain(|own| {
            let name = own.display_name.as_deref().unwrap_or_default();
            !name.starts_with("CA001")
        });
    });
    assert!(left(&plan, "BG094").closed_by.contains("owner"));
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("left with their passwords")),
        "{:?}",
        plan.warnings
    );
}
