//! Conditional Access, strengths, settings.

use serde_json::{Value, json};

use crate::{
    graph::Version,
    testing::{ADELE, ANNA, GROUP, activities, json_of, lab, person, write, write_to},
};

const POLICIES: &str = "identity/conditionalAccess/policies";
const LOCATIONS: &str = "identity/conditionalAccess/namedLocations";
const STRENGTHS: &str = "policies/authenticationStrengthPolicies";

fn policy() -> Value {
    json!({"displayName": "Block legacy", "state": "enabled",
        "conditions": {"clientAppTypes": ["exchangeActiveSync", "other"],
            "applications": {"includeApplications": ["All"]},
            "users": {"includeUsers": ["All"], "excludeGroups": [GROUP]}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]}})
}

#[test]
fn a_policy_is_created_changed_deleted_and_comes_back_as_it_was() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let made = json_of(write(&lab, &adele, "POST", POLICIES, policy()).unwrap());
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["conditions"]["users"]["excludeUsers"], json!([]));
    assert_eq!(made["sessionControls"], Value::Null);
    let path = format!("{POLICIES}/{id}");
    let change = json!({"conditions": {"users": {"excludeGroups": []}}});
    assert_eq!(
        write(&lab, &adele, "PATCH", &path, change).unwrap().status,
        204
    );
    let stored = lab
        .state()
        .table("conditionalAccessPolicies")
        .get(id)
        .unwrap()
        .clone();
    assert_eq!(stored["conditions"]["users"]["excludeGroups"], json!([]));
    assert_eq!(
        stored["conditions"]["users"]["includeUsers"],
        json!(["All"])
    );
    write(&lab, &adele, "DELETE", &path, Value::Null).unwrap();
    assert!(
        lab.state()
            .table("conditionalAccessPolicies")
            .get(id)
            .is_none()
    );
    let restore = format!("identity/conditionalAccess/deletedItems/policies/{id}/restore");
    let back = json_of(write(&lab, &adele, "POST", &restore, Value::Null).unwrap());
    assert_eq!(back["state"], "enabled");
    assert_eq!(
        activities(&lab),
        [
            "Add conditional access policy",
            "Add policy",
            "Update conditional access policy",
            "Update policy",
            "Delete conditional access policy",
            "Delete policy",
            "Add conditional access policy",
            "Add policy",
        ]
    );
}

#[test]
fn a_change_leaves_twin_records_with_the_whole_policy_as_text() {
    let lab = lab("contoso-modern");
    let made = json_of(write(&lab, &person(ADELE), "POST", POLICIES, policy()).unwrap());
    let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    write(
        &lab,
        &person(ADELE),
        "PATCH",
        &path,
        json!({"state": "disabled"}),
    )
    .unwrap();
    let state = lab.state();
    let (one, two) = (&state.logs[2].record, &state.logs[3].record);
    assert!(one["id"].as_str().unwrap().starts_with("IPCGraph_"));
    assert!(two["id"].as_str().unwrap().starts_with("Directory_"));
    assert_eq!(one["loggedByService"], "Conditional Access");
    assert_eq!(one["correlationId"], two["correlationId"]);
    assert_eq!(
        one["targetResources"][0]["id"],
        two["targetResources"][0]["id"]
    );
    let property = &one["targetResources"][0]["modifiedProperties"][0];
    assert_eq!(property["displayName"], "ConditionalAccessPolicy");
    let old: Value = serde_json::from_str(property["oldValue"].as_str().unwrap()).unwrap();
    let new: Value = serde_json::from_str(property["newValue"].as_str().unwrap()).unwrap();
    assert_eq!(
        (&old["state"], &new["state"]),
        (&json!("enabled"), &json!("disabled"))
    );
    assert!(
        new["modifiedDateTime"]
            .as_str()
            .unwrap()
            .ends_with("+00:00")
    );
    let detail = &two["targetResources"][0]["modifiedProperties"][0];
    assert_eq!(detail["displayName"], "PolicyDetail");
    let list: Vec<String> = serde_json::from_str(detail["newValue"].as_str().unwrap()).unwrap();
    let inner: Value = serde_json::from_str(&list[0]).unwrap();
    assert_eq!(inner["State"], "Disabled");
    assert_eq!(inner["Controls"][0]["Control"], json!(["Block"]));
}

#[test]
fn what_the_service_refuses_is_refused_with_its_number() {
    let lab = lab("contoso-modern");
    let with = |change: Value| {
        let mut body = policy();
        super::super::context::merge(&mut body, &change);
        body
    };
    for (body, start) in [
        (
            with(json!({"conditions": {"users": {"excludeGroups": [ANNA]}}})),
            "1054: Invalid group value: ",
        ),
        (
            with(
                json!({"conditions": {"applications": {"includeUserActions": ["urn:user:registersecurityinfo"]}}}),
            ),
            "1012: ",
        ),
        (with(json!({"state": "on"})), "1007: "),
        (with(json!({"colour": "red"})), "1007: "),
        (
            with(json!({"conditions": {"clientAppTypes": ["unknownFutureValue"]}})),
            "1007: ",
        ),
        (with(json!({"grantControls": null})), "1007: "),
        (
            with(json!({"sessionControls": {"continuousAccessEvaluation": {"mode": "disabled"}}})),
            "1038: ",
        ),
        (
            with(json!({"conditions": {"locations": {"includeLocations": [ANNA]}}})),
            "Invalid location",
        ),
        (
            with(json!({"grantControls": {"builtInControls": ["block", "mfa"]}})),
            "The control block",
        ),
    ] {
        let error = write(&lab, &person(ADELE), "POST", POLICIES, body).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_str()),
            (400, "BadRequest"),
            "{start}"
        );
        assert!(
            error.message.starts_with(start),
            "{start}: {}",
            error.message
        );
    }
    let error = write(&lab, &person(ANNA), "POST", POLICIES, policy()).unwrap_err();
    assert_eq!(error.status, 403);
}

#[test]
fn a_policy_with_preview_features_is_changed_through_beta_only() {
    let lab = lab("contoso-modern");
    let mut body = policy();
    body["sessionControls"] = json!({"continuousAccessEvaluation": {"mode": "disabled"}});
    let adele = person(ADELE);
    let made = json_of(write_to(&lab, &adele, Version::Beta, "POST", POLICIES, body).unwrap());
    let path = format!("{POLICIES}/{}", made["id"].as_str().unwrap());
    let change = json!({"state": "disabled"});
    let error = write(&lab, &adele, "PATCH", &path, change.clone()).unwrap_err();
    assert!(error.message.starts_with("1037: "), "{}", error.message);
    write_to(&lab, &adele, Version::Beta, "PATCH", &path, change).unwrap();
}

#[test]
fn security_defaults_and_enabled_policies_exclude_each_other() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let defaults = "policies/identitySecurityDefaultsEnforcementPolicy";
    let on = json!({"isEnabled": true});
    assert_eq!(
        write(&lab, &adele, "PATCH", defaults, on.clone())
            .unwrap_err()
            .status,
        400
    );
    let ids: Vec<String> = lab
        .state()
        .table("conditionalAccessPolicies")
        .all()
        .map(|policy| policy["id"].as_str().unwrap().to_owned())
        .collect();
    for id in ids {
        write(
            &lab,
            &adele,
            "PATCH",
            &format!("{POLICIES}/{id}"),
            json!({"state": "disabled"}),
        )
        .unwrap();
    }
    write(&lab, &adele, "PATCH", defaults, on).unwrap();
    let error = write(&lab, &adele, "POST", POLICIES, policy()).unwrap_err();
    assert!(
        error.message.contains("Security defaults"),
        "{}",
        error.message
    );
    assert_eq!(activities(&lab).last().unwrap(), "Update security defaults");
}

#[test]
fn a_named_location_names_its_type_and_stays_while_it_is_used_or_trusted() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let body = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "HQ", "isTrusted": true,
        "ipRanges": [{"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24"}]});
    let made = json_of(write(&lab, &adele, "POST", LOCATIONS, body.clone()).unwrap());
    let path = format!("{LOCATIONS}/{}", made["id"].as_str().unwrap());
    assert_eq!(
        write(&lab, &adele, "DELETE", &path, Value::Null)
            .unwrap_err()
            .status,
        400
    );
    assert_eq!(
        write(&lab, &adele, "PATCH", &path, json!({"isTrusted": false}))
            .unwrap_err()
            .status,
        400
    );
    let change = json!({"@odata.type": "#microsoft.graph.ipNamedLocation", "isTrusted": false});
    write(&lab, &adele, "PATCH", &path, change).unwrap();
    let mut restricted = policy();
    restricted["conditions"]["locations"] = json!({"includeLocations": [made["id"]]});
    let policy = json_of(write(&lab, &adele, "POST", POLICIES, restricted).unwrap());
    assert_eq!(
        write(&lab, &adele, "DELETE", &path, Value::Null)
            .unwrap_err()
            .status,
        400
    );
    let own = format!("{POLICIES}/{}", policy["id"].as_str().unwrap());
    write(&lab, &adele, "DELETE", &own, Value::Null).unwrap();
    write(&lab, &adele, "DELETE", &path, Value::Null).unwrap();
    let mut broken = body;
    broken["ipRanges"][0]["cidrAddress"] = json!("everywhere");
    assert_eq!(
        write(&lab, &adele, "POST", LOCATIONS, broken)
            .unwrap_err()
            .status,
        400
    );
}

#[test]
fn a_strength_is_embedded_in_its_policies_and_keeps_satisfying_mfa() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let body = json!({"displayName": "Keys", "allowedCombinations": ["fido2"]});
    let strength = json_of(write(&lab, &adele, "POST", STRENGTHS, body).unwrap());
    assert_eq!(strength["requirementsSatisfied"], "mfa");
    let id = strength["id"].as_str().unwrap();
    let mut own = policy();
    own["grantControls"] = json!({"operator": "OR", "authenticationStrength": {"id": id}});
    let made = json_of(write(&lab, &adele, "POST", POLICIES, own).unwrap());
    assert_eq!(
        made["grantControls"]["authenticationStrength"]["displayName"],
        "Keys"
    );
    let path = format!("{STRENGTHS}/{id}");
    let update = format!("{path}/updateAllowedCombinations");
    let weak = json!({"allowedCombinations": ["password"]});
    assert_eq!(
        write(&lab, &adele, "POST", &update, weak)
            .unwrap_err()
            .status,
        400
    );
    let more = json!({"allowedCombinations": ["fido2", "windowsHelloForBusiness"]});
    let answer = json_of(write(&lab, &adele, "POST", &update, more).unwrap());
    assert_eq!(answer["previousCombinations"], json!(["fido2"]));
    let configuration = json!({"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
        "allowedAAGUIDs": ["2fc0579f-8113-47ea-b116-bb5a8db9202a"], "appliesToCombinations": ["fido2"]});
    let list = format!("{path}/combinationConfigurations");
    assert_eq!(
        write(&lab, &adele, "POST", &list, configuration)
            .unwrap()
            .status,
        201
    );
    let state = lab.state();
    let embedded = &state
        .table("conditionalAccessPolicies")
        .get(made["id"].as_str().unwrap())
        .unwrap()["grantControls"]["authenticationStrength"];
    assert_eq!(embedded["allowedCombinations"].as_array().unwrap().len(), 2);
    assert_eq!(
        embedded["combinationConfigurations"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    drop(state);
    assert_eq!(
        write(&lab, &adele, "DELETE", &path, Value::Null)
            .unwrap_err()
            .status,
        400
    );
    let built_in = format!("{STRENGTHS}/00000000-0000-0000-0000-000000000004");
    assert_eq!(
        write(&lab, &adele, "DELETE", &built_in, Value::Null)
            .unwrap_err()
            .status,
        400
    );
}

#[test]
fn the_methods_policy_is_changed_as_a_whole_or_by_configuration() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let path = "policies/authenticationMethodsPolicy/authenticationMethodConfigurations/Fido2";
    let body = json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration", "state": "enabled",
        "isAttestationEnforced": true});
    assert_eq!(
        write(&lab, &adele, "PATCH", path, json!({"state": "enabled"}))
            .unwrap_err()
            .status,
        400
    );
    assert_eq!(
        write(&lab, &adele, "PATCH", path, body).unwrap().status,
        204
    );
    let policy = lab
        .state()
        .table("authenticationMethodsPolicy")
        .all()
        .next()
        .unwrap()
        .clone();
    assert_eq!(
        policy["authenticationMethodConfigurations"][0]["isAttestationEnforced"],
        true
    );
    assert_eq!(activities(&lab), ["Authentication Methods Policy Update"]);
}

#[test]
fn a_policy_names_templates_of_roles_and_guests_in_one_way() {
    const GUESTS: &str = "includeGuestsOrExternalUsers";
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let attempt = |change: &dyn Fn(&mut serde_json::Value)| {
        let mut body = policy();
        change(&mut body["conditions"]);
        match write_to(&lab, &adele, Version::Beta, "POST", POLICIES, body) {
            Ok(answer) => answer.status.to_string(),
            Err(error) => format!("{} {}", error.status, error.message),
        }
    };
    let with_role = |id: &str| {
        let id = id.to_owned();
        attempt(&move |own| own["users"]["includeRoles"] = json!([id]))
    };
    assert_eq!(with_role("62e90394-69f5-4237-9190-012177145e10"), "201");
    assert_eq!(with_role("92B086B3-e367-4ef2-b869-1de128fb986e"), "201");
    for id in ["11111111-1111-4111-8111-111111111111", "All"] {
        assert_eq!(
            with_role(id),
            format!("400 1103: Invalid role value: {id}.")
        );
    }
    let object = json!({"guestOrExternalUserTypes": "internalGuest", "externalTenants": {
        "@odata.type": "#microsoft.graph.conditionalAccessAllExternalTenants", "membershipKind": "all"}});
    let both = attempt(&|own| {
        own["users"]["includeUsers"] = json!(["GuestsOrExternalUsers"]);
        own["users"][GUESTS] = object.clone();
    });
    assert!(
        both.starts_with("400 ") && both.contains("cannot be combined"),
        "{both}"
    );
    let one = attempt(&|own| {
        own["users"]["includeUsers"] = json!([]);
        own["users"][GUESTS] = object.clone();
    });
    assert_eq!(one, "201");
    let states = json!({"includeStates": ["All"]});
    let withdrawn = attempt(&|own| own["deviceStates"] = states.clone());
    assert!(withdrawn.starts_with("400 1088: "), "{withdrawn}");
    let devices =
        json!({"deviceFilter": {"mode": "include", "rule": "device.isCompliant -eq True"}});
    let both = attempt(&|own| {
        own["deviceStates"] = states.clone();
        own["devices"] = devices.clone();
    });
    assert!(both.starts_with("400 1060: "), "{both}");
}
