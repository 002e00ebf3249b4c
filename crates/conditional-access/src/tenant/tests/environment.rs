use super::*;
use crate::{
    environment::LocationKind,
    identity::Fact,
    strength::Combination,
    tenant::{ActivationRules, DanglingKind, ProtectedAction},
};

const COMPLIANT: &str = "3d46dbda-8382-466a-856d-eb00cbc6b910";

fn location(locations: &Value) -> LocationKind {
    let snapshot = snapshot(&json!({"namedLocations": [locations]}));
    let environment = Tenant::read(&snapshot).environment;
    environment.locations[0].kind.clone()
}

#[test]
fn c1_locations_are_read_by_type_or_by_shape() {
    let LocationKind::Ip { trusted, ranges } = location(&json!({
        "@odata.type": "#microsoft.graph.ipNamedLocation", "id": "l", "isTrusted": true,
        "ipRanges": [{"cidrAddress": "192.0.2.7/24"}, {"cidrAddress": "2001:db8::/32"}, {"cidrAddress": "198.51.100.9"}],
    })) else {
        panic!()
    };
    assert!(trusted);
    let ranges: Vec<String> = ranges.iter().map(ToString::to_string).collect();
    assert_eq!(ranges, ["192.0.2.0/24", "2001:db8::/32", "198.51.100.9/32"]);
    assert_eq!(
        location(&json!({
            "id": "l", "countriesAndRegions": ["ch"], "includeUnknownCountriesAndRegions": true,
            "countryLookupMethod": "authenticatorAppGps",
        })),
        LocationKind::Country {
            codes: vec!["CH".to_owned()],
            include_unknown: true,
            by_gps: true
        }
    );
    for unknown in [
        json!({"id": "l", "ipRanges": [{"cidrAddress": "192.0.2.0/99"}]}),
        json!({"id": "l", "@odata.type": "#microsoft.graph.moonNamedLocation", "ipRanges": []}),
        json!({"id": "l", "displayName": "nothing else"}),
    ] {
        assert!(matches!(location(&unknown), LocationKind::Unknown(_)));
    }
    let built_in = Tenant::read(&snapshot(&json!({}))).environment.locations;
    assert_eq!(built_in[0].id, COMPLIANT);
    assert_eq!(built_in[0].kind, LocationKind::CompliantNetwork);
}

fn asking_for(strength: &Value) -> Value {
    let mut policy = policy(&json!({"includeUsers": ["All"]}));
    policy["grantControls"] = json!({"operator": "OR", "authenticationStrength": strength});
    policy
}

#[test]
fn c3_strengths_come_from_their_collection_or_from_the_policy() {
    let restricted = json!({
        "id": "own", "displayName": "Keys", "allowedCombinations": ["fido2", "Password,SMS"],
        "combinationConfigurations": [
            {"appliesToCombinations": ["fido2"], "allowedAAGUIDs": ["AA"]},
            {"appliesToCombinations": ["x509CertificateMultiFactor"], "allowedIssuerSkis": [], "allowedPolicyOIDs": []},
        ],
    });
    let snapshot = snapshot(&json!({
        "authenticationStrengthPolicies": [restricted],
        "conditionalAccessPolicies": [asking_for(&json!({
            "id": "inline", "displayName": "Inline", "allowedCombinations": ["fido2"],
        }))],
    }));
    let tenant = Tenant::read(&snapshot);
    let own = tenant.environment.strength("OWN").unwrap();
    assert_eq!(
        own.allowed,
        [Combination::new("fido2"), Combination::new("sms,password")]
    );
    assert_eq!(own.restrictions.len(), 1);
    assert_eq!(own.restrictions[0].aaguids, ["aa"]);
    assert!(tenant.environment.strength("inline").is_some());
    assert!(
        tenant
            .assumptions
            .iter()
            .any(|line| line.contains("Inline")),
        "{:?}",
        tenant.assumptions
    );
}

#[test]
fn c3_a_strength_that_does_not_exist_is_dangling() {
    let snapshot = snapshot(&json!({
        "authenticationStrengthPolicies": [{"id": "own", "allowedCombinations": ["fido2"]}],
        "conditionalAccessPolicies": [asking_for(&json!({"id": "gone"}))],
    }));
    let tenant = Tenant::read(&snapshot);
    assert_eq!(tenant.environment.strength("gone"), None);
    assert_eq!(tenant.dangling.len(), 1);
    assert_eq!(tenant.dangling[0].kind, DanglingKind::Strength);
}

#[test]
fn c1_names_attributes_and_security_defaults() {
    let mut filtered = policy(&json!({"includeUsers": ["U1"]}));
    filtered["conditions"]["applications"] = json!({
        "applicationFilter": {"mode": "include", "rule": "CustomSecurityAttribute.Set_Name -eq \"x\""},
    });
    let snapshot = snapshot(&json!({
        "users": [user("u1"), user("u2")],
        "groups": [{"id": "G", "displayName": "Group", "groupTypes": []}],
        "servicePrincipals": [
            {"id": "s", "appId": "APP", "displayName": "App", "servicePrincipalType": "Application",
             "customSecurityAttributes": {"Set": {"Name@odata.type": "#Collection(String)", "Name": ["x", "y"], "On": true}}},
            {"id": "s2", "appId": "bare", "customSecurityAttributes": null},
            {"id": "s3", "appId": "unread"},
        ],
        "identitySecurityDefaultsEnforcementPolicy": [{"isEnabled": true}],
        "conditionalAccessPolicies": [filtered],
    }));
    let environment = Tenant::read(&snapshot).environment;
    assert!(environment.security_defaults);
    assert_eq!(environment.object_name("g"), "Group");
    assert_eq!(environment.object_name("U1"), "u1@contoso.com");
    assert_eq!(environment.object_name("u2"), "u2");
    assert_eq!(environment.object_name(GA), "Global Administrator");
    assert_eq!(environment.app_name("app"), "App");
    let attributes = &environment.app_attributes;
    assert_eq!(attributes["app"]["Set_Name"], ["x", "y"]);
    assert_eq!(attributes["app"]["Set_On"], ["true"]);
    assert!(attributes["bare"].is_empty());
    assert!(!attributes.contains_key("unread"));
}

#[test]
fn c4_activation_and_protected_actions() {
    let policy = json!({"id": "x", "rules": [
        {"id": "Enablement_EndUser_Assignment", "enabledRules": ["MultiFactorAuthentication"]},
        {"id": "AuthenticationContext_EndUser_Assignment", "isEnabled": true, "claimValue": "c1"},
        {"id": "Approval_EndUser_Assignment", "setting": {"isApprovalRequired": true,
            "approvalStages": [{"primaryApprovers": [{"userId": "U1"}, {"groupId": "g"}]}]}},
    ]});
    let snapshot = snapshot(&json!({
        "roleManagementPolicyAssignments": [
            {"id": "a", "policyId": "x", "scopeId": "/", "roleDefinitionId": GA.to_uppercase()},
        ],
        "roleManagementPolicies": [policy],
        "resourceActions": [
            {"id": "1", "name": "microsoft.directory/conditionalAccessPolicies/delete", "authenticationContextId": "c2"},
            {"id": "2", "name": "other", "authenticationContextId": null},
        ],
    }));
    let tenant = Tenant::read(&snapshot);
    assert_eq!(
        tenant.activation,
        Fact::Known(ActivationRules {
            mfa: true,
            context: Some("c1".to_owned()),
            approval: true,
            approvers: vec!["u1".to_owned(), "g".to_owned()],
        })
    );
    assert_eq!(
        tenant.protected_actions,
        Fact::Known(vec![ProtectedAction {
            action: "microsoft.directory/conditionalAccessPolicies/delete".to_owned(),
            context: "c2".to_owned(),
        }])
    );
}
