//! A policy may be all that stands between an account's password and one application: it goes when something better stands.

use breakglass_model::plan::Effect;

use super::*;

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

/// Changes a policy of the old design without a dedicated policy.
fn with_policy(
    name: &str,
    change: impl FnOnce(&mut serde_json::Value),
) -> (TenantSnapshot, Register) {
    let (mut snapshot, register) = without_dedicated();
    let policy = snapshot.policies.items.iter_mut().find(|own| {
        own.display_name
            .as_deref()
            .is_some_and(|own| own.starts_with(name))
    });
    change(&mut policy.unwrap().raw);
    (snapshot, register)
}

/// What an exclusion of the accounts' group from a policy does to them.
fn dangers_of_excluding(snapshot: &TenantSnapshot, register: &Register, name: &str) -> Vec<Danger> {
    let policy = snapshot.policies.iter().find(|own| {
        own.display_name
            .as_deref()
            .is_some_and(|own| own.starts_with(name))
    });
    let group = register.accounts[0].group.as_ref().unwrap();
    let ids: Vec<ObjectId> = register
        .accounts
        .iter()
        .filter_map(|own| own.id.clone())
        .collect();
    let mut after = snapshot.clone();
    simulate(
        &mut after,
        &[Effect::Policy {
            id: policy.unwrap().id.as_ref().unwrap().to_string(),
            set: json!({"conditions": {"users": {"excludeGroups": [group]}}}),
        }],
    );
    Safety::of(snapshot, &ids).worse(&Safety::of(&after, &ids))
}

#[test]
fn c2_the_only_guard_of_all_but_one_application_goes_after_the_dedicated_policy_stands() {
    let (snapshot, register) = with_policy("CA003", |raw| {
        raw["conditions"]["applications"]["excludeApplications"] = json!([EXCHANGE]);
    });
    // A password alone opens Exchange Online already, and nothing else.
    let dangers = dangers_of_excluding(&snapshot, &register, "CA003");
    assert_eq!(dangers.len(), 2, "{dangers:?}");
    assert_eq!(
        dangers[0].to_string(),
        "after the step a password alone gets in as BreakGlass01@contoso.onmicrosoft.com, to an application that no policy \
         names: no policy asks for more any longer"
    );
    let plan = plan_of(&snapshot, &register, &[]);
    let place = |id: &str| plan.steps.iter().position(|step| step.id == id).unwrap();
    let guard = place("exclude-ca003-compliant-device-for-everyone");
    assert!(place("enforce") < guard, "{}", lines(&plan));
    assert_eq!(
        plan.steps[guard].stage,
        breakglass_model::plan::Stage::OtherExclusions
    );
    every_step_is_safe(&snapshot, &plan);
}

#[test]
fn c2_an_application_that_one_policy_names_is_looked_at_too() {
    // Everything is open to a password but one application, which a policy guards by name.
    let (snapshot, register) = with_policy("CA003", |raw| {
        raw["conditions"]["applications"]["includeApplications"] =
            json!(["0000000a-0000-0000-c000-000000000000"]);
    });
    let dangers = dangers_of_excluding(&snapshot, &register, "CA003");
    assert!(
        dangers[0]
            .to_string()
            .contains("to the application 0000000a-0000-0000-c000-000000000000"),
        "{dangers:?}"
    );
}

#[test]
fn c2_a_client_that_knows_only_passwords_is_a_way_in_for_who_has_one() {
    let (snapshot, register) = with_policy("CA003", |raw| {
        raw["conditions"]["clientAppTypes"] = json!(["browser", "mobileAppsAndDesktopClients"]);
    });
    let dangers = dangers_of_excluding(&snapshot, &register, "CA002");
    assert!(
        matches!(dangers[..], [Danger::Unprotected { surely: true, .. }, _]),
        "{dangers:?}"
    );
    // Also where a browser gets in with a password already.
    let (snapshot, register) = with_policy("CA003", |raw| raw["state"] = "disabled".into());
    let dangers = dangers_of_excluding(&snapshot, &register, "CA002");
    assert!(
        dangers[0]
            .to_string()
            .contains(", by a client that knows only passwords"),
        "{dangers:?}"
    );
}
