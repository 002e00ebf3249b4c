//! The strength that is there is given the models of the accounts' keys.

use breakglass_model::plan::Stage;
use serde_json::Value;

use super::{mended::*, *};

const BREAKGLASS_02: &str = "ee041bce-25e5-4cdb-8f86-897fd6418464";

/// The modern design, whose strength names the key model of the first account only.
fn narrowed() -> (TenantSnapshot, Register) {
    let (mut snapshot, register) = modern();
    let narrow = |strength: &mut Value| {
        let Some(list) = strength["combinationConfigurations"].as_array_mut() else {
            return;
        };
        for models in list
            .iter_mut()
            .filter_map(|own| own["allowedAAGUIDs"].as_array_mut())
        {
            models.retain(|own| own != BREAKGLASS_02);
        }
    };
    snapshot
        .other
        .get_mut("authenticationStrengthPolicies")
        .unwrap()
        .iter_mut()
        .for_each(narrow);
    for policy in &mut snapshot.policies.items {
        if policy.raw["grantControls"]["authenticationStrength"].is_object() {
            narrow(&mut policy.raw["grantControls"]["authenticationStrength"]);
        }
    }
    (snapshot, register)
}

#[test]
fn c2_a_strength_that_refuses_a_registered_key_is_given_its_model_and_no_second_one_is_made() {
    let (snapshot, register) = narrowed();
    let plan = mended(&snapshot, &register);
    let [step] = &plan.steps[..] else {
        panic!("{}", lines(&plan))
    };
    assert_eq!(step.stage, Stage::Strength);
    assert_eq!(step.requirement, "C2");
    assert!(
        step.checks.contains(&"BG046".to_owned()),
        "{:?}",
        step.checks
    );
    assert_eq!(
        step.write.send.path,
        "/policies/authenticationStrengthPolicies/7b3e1eea-41c2-4d8a-b6f0-9c5d1e2a5c06/combinationConfigurations/\
         7b3e1f7e-41c2-4d8a-b6f0-9c5d1e2a5f52"
    );
    let models = |body: &Value| body["allowedAAGUIDs"].as_array().unwrap().len();
    assert_eq!(models(&step.write.send.body), 2);
    assert_eq!(models(&step.write.undo.as_ref().unwrap().body), 1);
    // Both get in, the modern design is met again.
    let end = states(&snapshot, &plan).pop().unwrap();
    for line in Safety::of(&end, &ids(&plan)).lines() {
        assert!(line.ends_with("gets in"), "{line}");
    }
    assert_eq!(lines(&mended(&end, &register)), "");
    assert!(plan.remaining.iter().all(|row| row.check != "BG046"));
}
