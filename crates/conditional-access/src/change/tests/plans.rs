//! Terraform plans.

use super::*;

fn azuread() -> Changes {
    read("plan.json", AZUREAD).unwrap()
}

fn of<'c>(changes: &'c Changes, address: &str) -> &'c Change {
    let source = format!("plan.json: {address}");
    let mut found = changes.changes.iter().filter(|c| c.source == source);
    let change = found.next().unwrap();
    assert!(found.next().is_none(), "{address} stands once");
    change
}

#[test]
fn c5_create_maps_every_attribute() {
    let changes = azuread();
    let created = of(
        &changes,
        "azuread_conditional_access_policy.all[\"CA001.mfa\"]",
    );
    assert_eq!((created.kind, created.action), (Kind::Policy, Action::Put));
    assert_eq!((&created.id, &created.before_name), (&None, &None));
    assert_eq!(
        created.body,
        json!({
            "displayName": "CA001: MFA for everyone",
            "state": "enabledForReportingButNotEnforced",
            "conditions": {
                "users": {
                    "includeUsers": ["All"],
                    "includeGroups": [],
                    "excludeGroups": ["11111111-0000-4000-8000-000000000001", KNOWN_AFTER_APPLY],
                    "excludeRoles": ["62e90394-69f5-4237-9190-012177145e10"],
                    "excludeGuestsOrExternalUsers": {
                        "guestOrExternalUserTypes": "internalGuest,serviceProvider",
                        "externalTenants": {
                            "membershipKind": "enumerated",
                            "members": ["99999999-0000-4000-8000-000000000001"],
                        },
                    },
                },
                "applications": {
                    "includeApplications": ["All"],
                    "excludeApplications": [],
                    "applicationFilter": {
                        "mode": "exclude",
                        "rule": "CustomSecurityAttribute.Engineering_Project -eq \"Baker\"",
                    },
                },
                "clientAppTypes": ["browser", "mobileAppsAndDesktopClients"],
                "locations": {
                    "includeLocations": ["All"],
                    "excludeLocations": ["33333333-0000-4000-8000-000000000001", "AllTrusted"],
                },
                "devices": {"deviceFilter": {"mode": "exclude", "rule": "device.operatingSystem eq \"Doors\""}},
                "signInRiskLevels": ["high"],
                "userRiskLevels": [],
                "authenticationFlows": {"transferMethods": "deviceCodeFlow,authenticationTransfer"},
            },
            "grantControls": {
                "operator": "OR",
                "builtInControls": ["compliantDevice"],
                "customAuthenticationFactors": [],
                "authenticationStrength": {"id": "00000000-0000-0000-0000-000000000004"},
            },
            "sessionControls": {
                "cloudAppSecurity": {"isEnabled": true, "cloudAppSecurityType": "blockDownloads"},
                "persistentBrowser": {"isEnabled": true, "mode": "never"},
                "signInFrequency": {
                    "isEnabled": true, "value": 4, "type": "hours",
                    "authenticationType": "primaryAndSecondaryAuthentication",
                    "frequencyInterval": "timeBased",
                },
                "applicationEnforcedRestrictions": {"isEnabled": true},
                "disableResilienceDefaults": true,
            },
        })
    );
    let unknown: Vec<_> = changes
        .warnings
        .iter()
        .filter(|w| w.contains("CA001"))
        .collect();
    assert_eq!(
        unknown,
        [
            "plan.json: azuread_conditional_access_policy.all[\"CA001.mfa\"]: known only after apply, \
          so counted as unknown: conditions.users.excludeGroups[1]"
        ]
    );
}

#[test]
fn c5_update_carries_the_new_values_and_the_old_name() {
    let changes = azuread();
    let updated = of(&changes, "azuread_conditional_access_policy.block");
    assert_eq!(updated.action, Action::Put);
    assert_eq!(updated.id, Some(id(2)));
    assert_eq!(updated.name.as_deref(), Some("CA002: Block legacy clients"));
    assert_eq!(updated.before_name.as_deref(), Some("CA002: Block legacy"));
    assert_eq!(updated.body["id"], id(2));
    assert_eq!(
        updated.body["conditions"]["insiderRiskLevels"],
        "minor,elevated"
    );
    assert_eq!(
        updated.body["conditions"]["users"]["excludeUsers"],
        json!([])
    );
    assert_eq!(updated.body["sessionControls"], Value::Null);
}

#[test]
fn c5_replace_puts_at_the_place_of_the_old_policy() {
    let changes = azuread();
    let replaced = of(&changes, "azuread_conditional_access_policy.remade");
    assert_eq!((replaced.action, &replaced.id), (Action::Put, &Some(id(4))));
    assert_eq!(replaced.before_name.as_deref(), Some("CA004: Admins"));
    assert_eq!(replaced.body["grantControls"], Value::Null);
    // Beside "every time" the provider sends no resilience defaults.
    assert_eq!(
        replaced.body["sessionControls"],
        json!({"signInFrequency": {
            "isEnabled": true, "value": null, "type": null,
            "authenticationType": "secondaryAuthentication", "frequencyInterval": "everyTime",
        }})
    );
}

#[test]
fn c5_delete_comes_first_and_no_op_not_at_all() {
    let changes = azuread();
    let deleted = of(&changes, "azuread_conditional_access_policy.gone");
    assert_eq!(
        (deleted.action, &deleted.id),
        (Action::Delete, &Some(id(3)))
    );
    assert_eq!(deleted.name.as_deref(), Some("CA003: Old"));
    let actions: Vec<_> = changes.changes.iter().map(|c| c.action).collect();
    assert!(actions.is_sorted_by_key(|action| *action != Action::Delete));
    assert!(
        !changes
            .changes
            .iter()
            .any(|c| c.source.contains("policy.same"))
    );
}

#[test]
fn x1_what_policies_refer_to() {
    let changes = azuread();
    assert_eq!(
        of(&changes, "azuread_named_location.office").body,
        json!({
            "@odata.type": "#microsoft.graph.ipNamedLocation", "displayName": "Office", "isTrusted": true,
            "ipRanges": [
                {"@odata.type": "#microsoft.graph.iPv4CidrRange", "cidrAddress": "198.51.100.0/24"},
                {"@odata.type": "#microsoft.graph.iPv6CidrRange", "cidrAddress": "2001:db8::/32"},
            ],
            "id": "33333333-0000-4000-8000-000000000001",
        })
    );
    // Replaced: the old id is gone, and the new one is not known yet.
    let region: Vec<&Change> = changes
        .changes
        .iter()
        .filter(|change| change.source.ends_with("azuread_named_location.region"))
        .collect();
    assert_eq!(region[0].action, Action::Delete);
    assert_eq!(
        region[0].id.as_deref(),
        Some("33333333-0000-4000-8000-000000000002")
    );
    assert_eq!((region[1].action, &region[1].id), (Action::Put, &None));
    assert_eq!(
        region[1].body,
        json!({
            "@odata.type": "#microsoft.graph.countryNamedLocation", "displayName": "Region",
            "countriesAndRegions": ["AT", "CH"], "includeUnknownCountriesAndRegions": false,
            "countryLookupMethod": "clientIpAddress",
        })
    );
    let strength = &of(&changes, "azuread_authentication_strength_policy.keys").body;
    assert_eq!(strength["allowedCombinations"], json!(["fido2"]));
    assert_eq!(
        strength["combinationConfigurations"],
        json!([{
            "allowedAAGUIDs": ["de1e552d-db1d-4423-a619-566b625cdc84"],
            "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
            "appliesToCombinations": ["fido2"],
        }])
    );
    let group = &of(&changes, "azuread_group.new").body;
    assert_eq!(group["isAssignableToRole"], true);
    assert_eq!(group.get("members"), None, "nobody wrote members");
    assert_eq!(
        of(&changes, "azuread_directory_role_assignment.ga").body,
        json!({
            "roleDefinitionId": "62e90394-69f5-4237-9190-012177145e10",
            "principalId": "44444444-0000-4000-8000-000000000002",
            "directoryScopeId": "/",
        })
    );
    let moved: Vec<_> = changes
        .changes
        .iter()
        .filter(|c| c.kind == Kind::GroupMember)
        .map(|c| (c.action, c.body["groupId"].as_str().unwrap()))
        .collect();
    assert_eq!(
        moved,
        [
            (Action::Delete, "11111111-0000-4000-8000-000000000001"),
            (Action::Put, KNOWN_AFTER_APPLY),
        ]
    );
    let said = changes.warnings.join("\n");
    assert!(said.contains("azuread_named_location.region: is replaced and gets a new id"));
    assert!(said.contains("does not read: `azurerm_resource_group` (1)"));
}

#[test]
fn x1_graph_bodies_in_msgraph_and_azapi_resources() {
    let changes = read("plan.json", BODIES).unwrap();
    let created = of(&changes, "module.ca.msgraph_resource.policy[\"a.b\"]");
    assert_eq!(created.action, Action::Put);
    assert_eq!(
        created.body["conditions"]["users"],
        json!({"includeUsers": ["All"], "excludeGroups": [KNOWN_AFTER_APPLY]})
    );
    assert_eq!(
        created.body["sessionControls"]["secureSignInSession"]["isEnabled"],
        true
    );
    let renamed = of(&changes, "msgraph_resource.renamed");
    assert_eq!((renamed.action, &renamed.id), (Action::Merge, &Some(id(2))));
    assert_eq!(renamed.before_name.as_deref(), Some("Before"));
    let part = of(&changes, "msgraph_update_resource.enable");
    assert_eq!((part.action, &part.id), (Action::Merge, &Some(id(3))));
    assert_eq!(
        of(&changes, "msgraph_resource.member").body,
        json!({
            "groupId": "11111111-0000-4000-8000-000000000001",
            "memberId": "44444444-0000-4000-8000-000000000001",
        })
    );
    let location = of(&changes, "azapi_resource.location");
    assert_eq!(
        (location.kind, location.name.as_deref()),
        (Kind::NamedLocation, Some("Home"))
    );
    let block = of(&changes, "azapi_resource.policy");
    assert_eq!(
        block.body["grantControls"]["builtInControls"],
        json!(["block"])
    );
    let said = changes.warnings.join("\n");
    assert!(
        said.contains("msgraph_resource.renamed: is sent as a PATCH"),
        "{said}"
    );
    assert!(said.contains("msgraph_update_resource.enable: a partial policy, without displayName"));
    assert!(said.contains("azapi_resource.late: was not read: its whole body is only known"));
}

#[test]
fn x1_unknown_blocks_stay_unknown() {
    // Without a configuration nothing tells whether somebody wrote the insider risk.
    let change = json!({
        "actions": ["create"], "before": null,
        "after": {"display_name": "New", "state": "enabled", "conditions": [{"applications": [], "client_app_types": ["all"]}]},
        "after_unknown": {
            "grant_controls": true, "session_controls": true,
            "conditions": [{"users": true, "insider_risk_levels": true, "locations": [{"included_locations": true}]}],
        },
    });
    let changes = read("p", &plan("azuread_conditional_access_policy", &change)).unwrap();
    let body = &changes.changes[0].body;
    assert_eq!(body["grantControls"], KNOWN_AFTER_APPLY);
    assert_eq!(body["sessionControls"], KNOWN_AFTER_APPLY);
    assert_eq!(
        body["conditions"],
        json!({
            "users": KNOWN_AFTER_APPLY, "clientAppTypes": ["all"],
            "locations": {"includeLocations": [KNOWN_AFTER_APPLY]},
            "insiderRiskLevels": KNOWN_AFTER_APPLY,
        })
    );
    assert!(
        changes.warnings[0].contains("conditions.users, conditions.locations.includeLocations[0]")
    );
    let change = json!({"actions": ["create"], "after": {"display_name": "L"}, "after_unknown": {"ip": true}});
    let changes = read("p", &plan("azuread_named_location", &change)).unwrap();
    assert_eq!(changes.changes[0].body["isTrusted"], KNOWN_AFTER_APPLY);
    assert_eq!(
        changes.changes[0].body["ipRanges"][0]["cidrAddress"],
        KNOWN_AFTER_APPLY
    );
}

#[test]
fn x1_nested_lists_that_are_empty_or_null_are_not_configured() {
    for empty in [json!([]), json!([null]), Value::Null] {
        let after = json!({
            "display_name": "P", "state": "enabled",
            "conditions": [{"users": empty, "applications": empty, "platforms": empty}],
            "grant_controls": empty, "session_controls": empty,
        });
        let change =
            json!({"actions": ["create"], "before": null, "after": after, "after_unknown": {}});
        let changes = read("p", &plan("azuread_conditional_access_policy", &change)).unwrap();
        let body = &changes.changes[0].body;
        assert_eq!(body["conditions"], json!({}));
        assert_eq!(
            (&body["grantControls"], &body["sessionControls"]),
            (&Value::Null, &Value::Null)
        );
    }
    // A block without effect is no session control either.
    let session = json!([{
        "sign_in_frequency": 0, "sign_in_frequency_interval": "timeBased",
        "sign_in_frequency_authentication_type": "primaryAndSecondaryAuthentication",
        "cloud_app_security_policy": "", "application_enforced_restrictions_enabled": false,
    }]);
    let change = json!({"actions": ["create"], "after": {"session_controls": session}});
    let changes = read("p", &plan("azuread_conditional_access_policy", &change)).unwrap();
    assert_eq!(changes.changes[0].body["sessionControls"], Value::Null);
}

#[test]
fn x1_a_plan_that_changes_nothing_says_so() {
    let same = json!({"display_name": "P"});
    for change in [
        json!({"actions": ["no-op"], "before": same, "after": same}),
        json!({"actions": ["read"], "before": null, "after": {}}),
        json!({"actions": ["forget"], "before": same, "after": null}),
        json!({"actions": ["update"], "before": same, "after": same, "after_unknown": {}}),
    ] {
        let changes = read("p", &plan("azuread_conditional_access_policy", &change)).unwrap();
        assert_eq!(changes.changes, []);
        assert_eq!(
            changes.warnings,
            ["p: none of the 1 resources in the plan changes what Conditional Access does"]
        );
    }
    let empty = br#"{"format_version": "1.2", "planned_values": {}, "complete": false}"#;
    assert_eq!(read("p", empty).unwrap().warnings.len(), 2);
    let errored = br#"{"format_version": "1.2", "planned_values": {}, "errored": true}"#;
    assert!(
        read("p", errored)
            .unwrap_err()
            .reason
            .contains("ended with an error")
    );
}

#[test]
fn x1_addresses_lose_the_keys_of_instances() {
    // The configuration of a module tells that nobody wrote the scope.
    let plan = json!({
        "format_version": "1.2",
        "resource_changes": [{
            "address": "module.a[\"x.\\\"y]\"].module.b[0].azuread_directory_role_assignment.r[\"k\"]",
            "type": "azuread_directory_role_assignment",
            "change": {
                "actions": ["create"], "after": {"role_id": "r", "principal_object_id": "p"},
                "after_unknown": {"directory_scope_id": true},
            },
        }],
        "configuration": {"root_module": {"module_calls": {"a": {"module": {"module_calls": {"b": {"module": {
            "resources": [{"address": "azuread_directory_role_assignment.r", "expressions": {"role_id": {}}}],
        }}}}}}}},
    });
    let changes = read("p", plan.to_string().as_bytes()).unwrap();
    assert_eq!(changes.changes[0].body["directoryScopeId"], "/");
}

#[test]
fn x1_a_configuration_outside_of_its_strength_is_named() {
    let kind = "azuread_authentication_strength_policy_fido2_combination_configuration";
    let change = json!({"actions": ["create"], "after": {"allowed_aaguids": ["x"]}});
    let changes = read("p", &plan(kind, &change)).unwrap();
    assert!(changes.warnings[0].contains("narrows an authentication strength and was not read"));
}
