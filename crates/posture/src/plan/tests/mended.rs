//! The modern design with one thing wrong: what a plan does about it.

use super::*;

/// The design of today, which needs no plan.
pub(super) fn modern() -> (TenantSnapshot, Register) {
    let example = example::tenant("contoso-modern", now()).unwrap();
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    (example.snapshot, register)
}

/// Its plan, when nobody wishes for more.
pub(super) fn mended(snapshot: &TenantSnapshot, register: &Register) -> Plan {
    wished(snapshot, register, &Wishes::default())
}

/// Its plan, with what somebody wishes.
pub(super) fn wished(snapshot: &TenantSnapshot, register: &Register, wishes: &Wishes) -> Plan {
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        wishes,
        now: now(),
        version: "test",
    })
    .unwrap()
}

/// An object of a collection, by name.
fn object<'a>(
    snapshot: &'a mut TenantSnapshot,
    collection: &str,
    name: &str,
) -> &'a mut serde_json::Value {
    let all = snapshot.other.get_mut(collection).unwrap();
    all.iter_mut().find(|own| own["name"] == name).unwrap()
}

#[test]
fn w3_a_rule_that_names_the_accounts_in_a_comment_is_not_the_rule() {
    let (mut snapshot, register) = modern();
    let rule = object(&mut snapshot, "scheduledQueryRules", "break-glass-use");
    let query = &mut rule["properties"]["criteria"]["allOf"][0]["query"];
    let ids = register.accounts.iter().filter_map(|own| own.id.as_ref());
    let ids: Vec<String> = ids.map(|id| format!("\"{id}\"")).collect();
    *query = format!(
        "SigninLogs\n| where RiskLevelDuringSignIn == \"high\" // UserId in~ ({})",
        ids.join(", ")
    )
    .into();
    let plan = mended(&snapshot, &register);
    let alerts: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert_eq!(
        alerts,
        [
            "Create the alert rule `breakglass-sign-ins` on interactive sign-ins",
            "Give the rule `breakglass-sign-ins` Log Analytics Reader on the workspace",
            "Give the rule `breakglass-sign-ins` Reader on the resource group of the action group",
        ]
    );
}

#[test]
fn w1_a_setting_that_sends_all_logs_sends_these() {
    let (mut snapshot, register) = modern();
    let setting = object(&mut snapshot, "diagnosticSettings", "to-workspace");
    setting["properties"]["logs"] =
        serde_json::json!([{"categoryGroup": "allLogs", "enabled": true}]);
    assert_eq!(lines(&mended(&snapshot, &register)), "");
}

#[test]
fn w9_a_role_on_a_group_whose_name_only_begins_like_this_one_does_not_count() {
    let (mut snapshot, register) = modern();
    for own in snapshot.other.get_mut("azureRoleAssignments").unwrap() {
        let scope = own["properties"]["scope"].as_str().unwrap();
        let scope = match scope.split_once("/providers/") {
            Some((group, rest)) => format!("{}/providers/{rest}", &group[..group.len() - 1]),
            None => scope[..scope.len() - 1].to_owned(),
        };
        own["properties"]["scope"] = scope.into();
    }
    let plan = mended(&snapshot, &register);
    assert!(!plan.steps.is_empty());
    assert!(plan.steps.iter().all(|step| step.requirement == "W9"));
}

/// The dedicated policy of the modern design, changed.
fn dedicated(change: impl Fn(&mut serde_json::Value)) -> Plan {
    let (mut snapshot, register) = modern();
    let all = &mut snapshot.policies.items;
    let policy = all.iter_mut().find(|own| {
        own.display_name.as_deref() == Some("CA004 Break glass: keys and short sessions")
    });
    let policy = policy.unwrap();
    change(&mut policy.raw);
    policy.state = policy.raw["state"].as_str().map(str::to_owned);
    mended(&snapshot, &register)
}

#[test]
fn c2_a_dedicated_policy_in_report_only_is_switched_on() {
    let plan = dedicated(|raw| raw["state"] = "enabledForReportingButNotEnforced".into());
    assert_eq!(
        lines(&plan),
        "Enforcement: Switch the policy CA004 Break glass: keys and short sessions on  [BG043 BG044 BG096]"
    );
    let path = "/identity/conditionalAccess/policies/7b3e2037-41c2-4d8a-b6f0-9c5d1e2a6371";
    assert_eq!(plan.steps[0].write.send.path, path);
}

#[test]
fn c3_a_dedicated_policy_without_short_sessions_is_put_right() {
    let plan = dedicated(|raw| {
        raw["sessionControls"] = serde_json::json!({"signInFrequency": {"isEnabled": true, "value": 30, "type": "days",
            "frequencyInterval": "timeBased"}, "disableResilienceDefaults": true});
    });
    assert_eq!(
        lines(&plan),
        "Enforcement: Set a sign-in frequency of one hour, no persistent browser session in the dedicated policy \
         CA004 Break glass: keys and short sessions  [BG044 BG096]"
    );
    let write = &plan.steps[0].write;
    let sent = &write.send.body["sessionControls"];
    assert_eq!(sent["signInFrequency"]["value"], 1);
    assert_eq!(sent["signInFrequency"]["type"], "hours");
    // What its owner set beside them stays.
    assert_eq!(sent["disableResilienceDefaults"], true);
    assert!(write.send.body.get("state").is_none());
    assert_eq!(
        write.before["sessionControls"]["signInFrequency"]["value"],
        30
    );
    let back = &write.undo.as_ref().unwrap().body;
    assert_eq!(back["sessionControls"]["signInFrequency"]["type"], "days");
    // None at all: they are taken away again.
    let plan = dedicated(|raw| raw["sessionControls"] = serde_json::Value::Null);
    let back = &plan.steps[0].write.undo.as_ref().unwrap().body;
    assert_eq!(*back, serde_json::json!({"sessionControls": null}));
}

#[test]
fn c2_a_dedicated_policy_for_some_applications_is_widened() {
    let plan = dedicated(|raw| {
        raw["conditions"]["applications"]["includeApplications"] =
            serde_json::json!(["00000002-0000-0ff1-ce00-000000000000"]);
        raw["state"] = "disabled".into();
    });
    assert_eq!(
        lines(&plan),
        "DedicatedPolicy: Set every resource and client in the dedicated policy CA004 Break glass: keys and short sessions\n\
         Enforcement: Switch the policy CA004 Break glass: keys and short sessions on  [BG043 BG044 BG096]"
    );
    let write = &plan.steps[0].write;
    let sent = &write.send.body["conditions"];
    assert_eq!(
        sent["applications"]["includeApplications"],
        serde_json::json!(["All"])
    );
    assert!(sent["users"]["includeGroups"].is_array());
    // Both steps find what they expect before the first is taken, and the policy goes back to where it was.
    assert_eq!(write.before["state"], "disabled");
    assert_eq!(plan.steps[1].write.before["state"], "disabled");
    assert_eq!(
        plan.steps[1].write.undo.as_ref().unwrap().body["state"],
        "disabled"
    );
    let back = &write.reversed().unwrap().send.body;
    assert_eq!(
        back["conditions"]["applications"]["includeApplications"],
        serde_json::json!(["00000002-0000-0ff1-ce00-000000000000"])
    );
    // In force it is widened in force: a trial would take the guard away.
    let plan = dedicated(|raw| {
        raw["conditions"]["applications"]["excludeApplications"] =
            serde_json::json!(["00000002-0000-0ff1-ce00-000000000000"]);
    });
    assert_eq!(plan.steps.len(), 1, "{}", lines(&plan));
    assert_eq!(
        plan.steps[0].stage,
        breakglass_model::plan::Stage::Enforcement
    );
    assert_eq!(plan.steps[0].requirement, "C2");
}

#[test]
fn c2_a_policy_for_some_places_is_not_made_the_dedicated_one() {
    let plan = dedicated(|raw| {
        raw["conditions"]["signInRiskLevels"] = serde_json::json!(["high"]);
    });
    let made: Vec<&str> = plan.steps.iter().map(|step| step.id.as_str()).collect();
    assert_eq!(made, ["strength", "policy", "enforce"]);
    assert!(
        plan.warnings.iter().any(|text| text.contains("CA004")),
        "{:?}",
        plan.warnings
    );
}

/// A policy for everybody beside those of the modern design.
fn beside(snapshot: &mut TenantSnapshot, number: u8, state: &str, platforms: &[&str]) {
    let mut raw = serde_json::json!({"id": format!("00000000-0000-0000-0000-0000000000{number:02}"), "displayName": format!("Trial {number}"),
        "state": state, "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
            "platforms": {"includePlatforms": platforms, "excludePlatforms": if platforms == ["all"] { vec!["windows"] } else { vec![] }}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]}});
    breakglass_conditional_access::policy::complete(&mut raw);
    snapshot
        .policies
        .items
        .push(breakglass_model::tenant::Policy {
            id: raw["id"].as_str().and_then(|id| ObjectId::parse(id).ok()),
            display_name: raw["displayName"].as_str().map(str::to_owned),
            state: Some(state.to_owned()),
            raw,
        });
}

#[test]
fn c5_a_block_that_waits_in_report_only_leaves_the_accounts_out_before_it_goes_live() {
    let waits = "enabledForReportingButNotEnforced";
    let (mut snapshot, register) = modern();
    beside(&mut snapshot, 1, waits, &["all"]);
    // One that leaves a way in needs no exclusion (C1).
    assert_eq!(lines(&mended(&snapshot, &register)), "");
    beside(&mut snapshot, 2, waits, &["windows"]);
    let plan = mended(&snapshot, &register);
    assert_eq!(
        lines(&plan),
        "OtherExclusions: Exclude the group from Trial 1  [BG049]\nOtherExclusions: Exclude the group from Trial 2"
    );
    let step = &plan.steps[0];
    assert_eq!(step.requirement, "C5");
    assert_eq!(
        step.write.before["conditions"]["users"]["excludeGroups"],
        serde_json::json!([])
    );
    // Nothing is switched on.
    assert!(step.write.send.body.get("state").is_none());
}

#[test]
fn w4_a_processing_rule_of_another_team_is_named_and_left_to_it() {
    let (mut snapshot, register) = modern();
    let id = "/subscriptions/2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f/resourceGroups/rg-ops/providers/Microsoft.AlertsManagement/actionRules/quiet-nights";
    snapshot.other.entry("actionRules".to_owned()).or_default().push(serde_json::json!({
        "id": id, "name": "quiet-nights", "type": "Microsoft.AlertsManagement/actionRules", "location": "Global",
        "properties": {"enabled": true, "scopes": ["/subscriptions/2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f"], "conditions": [],
            "actions": [{"actionType": "RemoveAllActionGroups"}]}}));
    let plan = mended(&snapshot, &register);
    assert_eq!(lines(&plan), "");
    let [warning] = &plan.warnings[..] else {
        panic!("{:?}", plan.warnings)
    };
    for word in [
        "`quiet-nights`",
        "`rg-ops`",
        "Severity does not equal Sev0",
        "its owner",
    ] {
        assert!(warning.contains(word), "{warning}");
    }
    let closers: Vec<&str> = plan
        .remaining
        .iter()
        .filter(|one| one.check == "BG068")
        .map(|one| one.closed_by.as_str())
        .collect();
    assert!(!closers.is_empty());
    assert!(
        closers.iter().all(|own| own.contains("another team")),
        "{closers:?}"
    );
}

/// The plan of the modern design, changed, with everybody named that people decide on.
fn with_wishes(change: impl Fn(&mut TenantSnapshot)) -> (TenantSnapshot, Plan) {
    let (mut snapshot, register) = modern();
    change(&mut snapshot);
    let plan = plan_of(&snapshot, &register, &[]);
    let end = states(&snapshot, &plan).pop().unwrap();
    (end, plan)
}

/// What a list of a policy's users holds, for every policy where it holds anything.
fn named(snapshot: &TenantSnapshot, list: &str) -> Vec<String> {
    let lists = snapshot.policies.iter().filter_map(|own| {
        let list = own.raw["conditions"]["users"][list].as_array()?;
        (!list.is_empty()).then(|| {
            list.iter()
                .map(|id| id.as_str().unwrap())
                .collect::<Vec<_>>()
                .join(" ")
        })
    });
    let mut lists: Vec<String> = lists.collect();
    lists.dedup();
    lists
}

const OLD_GROUP: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";

#[test]
fn m2_policies_name_the_group_that_the_plan_ends_with() {
    let (end, plan) = with_wishes(|snapshot| {
        snapshot.groups.items[0].role_assignable = breakglass_model::Reading::Read(false);
    });
    assert_eq!(named(&end, "excludeGroups"), ["new:group"]);
    assert_eq!(named(&end, "includeGroups"), ["new:group"]);
    assert!(
        lines(&plan).contains("Include the group in CA004"),
        "{}",
        lines(&plan)
    );
    let step = plan
        .steps
        .iter()
        .find(|own| own.id == "regroup-ca002-block-legacy-authentication")
        .unwrap();
    assert_eq!(step.requirement, "M2");
    assert_eq!(
        step.write.before["conditions"]["users"]["excludeGroups"],
        serde_json::json!([OLD_GROUP])
    );
    let back = &step.write.undo.as_ref().unwrap().body;
    assert_eq!(
        back["conditions"]["users"]["excludeGroups"],
        serde_json::json!([OLD_GROUP])
    );
    // Changes of the new group are watched by the rule that is there.
    let audit = plan
        .steps
        .iter()
        .find(|own| own.id == "alert-auditlogs")
        .unwrap();
    let query = audit.write.send.body["properties"]["criteria"]["allOf"][0]["query"]
        .as_str()
        .unwrap();
    assert!(
        query.contains(OLD_GROUP)
            && query.ends_with("or tostring(TargetResources) has_any (\"new:group\")"),
        "{query}"
    );
}

#[test]
fn m2_others_who_are_left_out_by_a_shared_group_stay_left_out() {
    let (end, plan) = with_wishes(|snapshot| {
        let group = &mut snapshot.groups.items[0];
        group.role_assignable = breakglass_model::Reading::Read(false);
        for members in [&mut group.members, &mut group.transitive_members] {
            if let breakglass_model::Reading::Read(members) = members {
                members.push(ObjectId::parse("7b3e1ade-41c2-4d8a-b6f0-9c5d1e2a44f2").unwrap());
            }
        }
    });
    assert_eq!(
        named(&end, "excludeGroups"),
        [format!("{OLD_GROUP} new:group")]
    );
    assert!(
        lines(&plan).contains("beside a group that holds others, too"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn m2_a_group_that_can_serve_is_used_and_no_second_one_is_made() {
    // Two groups of their own, and the register declares none: the one that policies exclude.
    let (mut snapshot, mut register) = modern();
    let mut second = snapshot.groups.items[0].clone();
    second.id = Some(ObjectId::parse("00000000-0000-0000-0000-000000000001").unwrap());
    snapshot.groups.items.insert(0, second);
    for entry in &mut register.accounts {
        entry.group = None;
    }
    let plan = plan_of(&snapshot, &register, &[]);
    assert!(
        plan.steps
            .iter()
            .all(|own| own.requirement != "M2" || own.id == "protect-the-group"),
        "{}",
        lines(&plan)
    );
    // One that is empty, and that policies exclude already.
    let (end, plan) = with_wishes(|snapshot| {
        let group = &mut snapshot.groups.items[0];
        group.members = breakglass_model::Reading::Read(Vec::new());
        group.transitive_members = breakglass_model::Reading::Read(Vec::new());
        for user in &mut snapshot.users.items {
            user.transitive_member_of = breakglass_model::Reading::Read(Vec::new());
        }
    });
    assert_eq!(named(&end, "excludeGroups"), [OLD_GROUP]);
    assert!(
        plan.steps.iter().all(|own| own.id != "group"),
        "{}",
        lines(&plan)
    );
    assert!(
        plan.steps.iter().any(|own| own.id == "join-breakglass01"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn m3_the_keeper_role_that_is_there_is_used() {
    let (_, plan) = with_wishes(|_| {});
    assert!(
        plan.steps.iter().all(|own| own.id != "keeper-role"),
        "{}",
        lines(&plan)
    );
    // Also when the unit, where somebody is eligible for it, is gone.
    let (_, plan) = with_wishes(|snapshot| snapshot.units.items.clear());
    assert!(
        plan.steps.iter().all(|own| own.id != "keeper-role"),
        "{}",
        lines(&plan)
    );
    let eligible = plan
        .steps
        .iter()
        .find(|own| own.title.contains("eligible for keeper"))
        .unwrap();
    assert_eq!(
        eligible.write.send.body["roleDefinitionId"],
        "7b3e1ec5-41c2-4d8a-b6f0-9c5d1e2a5b33"
    );
    // One that allows more is nobody's to hand out: a role of our own is made beside it.
    let (_, plan) = with_wishes(|snapshot| {
        for role in &mut snapshot.roles.items {
            if role.built_in == breakglass_model::Reading::Read(false) {
                role.actions
                    .push("microsoft.directory/users/delete".to_owned());
            }
        }
    });
    assert!(
        plan.steps.iter().any(|own| own.id == "keeper-role"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn w6_d1_a_plan_ends_with_a_test_alert_and_the_first_drill() {
    let tasks = |plan: &Plan| -> Vec<breakglass_model::plan::Remaining> {
        let last = plan
            .remaining
            .iter()
            .filter(|one| one.closed_by.starts_with("whoever applies"));
        last.cloned().collect()
    };
    let plan = planned("contoso", &wishes());
    let all = tasks(&plan);
    let titles: Vec<&str> = all.iter().map(|one| one.title.as_str()).collect();
    assert_eq!(titles, ["Test alert", "First drill"]);
    assert_eq!(all, plan.remaining[plan.remaining.len() - 2..]);
    // The receivers that the plan adds are tried, too.
    assert!(
        all[0]
            .fix
            .starts_with("az monitor action-group test-notifications create "),
        "{}",
        all[0].fix
    );
    assert!(
        all[0].fix.contains("soc@contoso.example") && all[0].fix.contains("41 445550142"),
        "{}",
        all[0].fix
    );
    assert!(all[1].subject.contains("BreakGlass01") && all[1].subject.contains("BreakGlass02"));
    assert!(all[1].because.contains("48 hours"));
    // They do not count as steps: the digest is of what is applied.
    assert_eq!(plan.digest, plan.fingerprint());
    // Nobody is told by Azure: our own monitor is tried.
    let plan = with_wishes(|snapshot| {
        snapshot.other.remove("workspaces");
        snapshot.other.remove("scheduledQueryRules");
        snapshot.units.items.clear();
    });
    let all = tasks(&plan.1);
    assert_eq!(all[0].fix, "breakglass alert test");
    // A met state asks for nothing.
    assert_eq!(tasks(&planned("contoso-modern", &Wishes::default())), []);
}

/// The plan of the modern design with other settings of FIDO2, and the settings at its end.
fn with_fido2(change: impl Fn(&mut serde_json::Value)) -> (Plan, serde_json::Value) {
    let (mut snapshot, register) = modern();
    change(
        &mut snapshot
            .other
            .get_mut("authenticationMethodsPolicy")
            .unwrap()[0]["authenticationMethodConfigurations"][0],
    );
    let plan = mended(&snapshot, &register);
    let end = states(&snapshot, &plan).pop().unwrap();
    let config = end.other["authenticationMethodsPolicy"][0]["authenticationMethodConfigurations"]
        [0]
    .clone();
    (plan, config)
}

#[test]
fn k1_fido2_is_switched_on_for_the_group_only() {
    let (plan, config) = with_fido2(|config| config["state"] = "disabled".into());
    assert_eq!(
        lines(&plan),
        "Keys: Let the accounts' keys in: switch FIDO2 on for the group  [BG043 BG046 BG048 BG088]"
    );
    let step = &plan.steps[0];
    // The permission is for the whole tenant: it stays with a person.
    assert!(step.by_person);
    assert_eq!(
        step.write.send.body["@odata.type"],
        "#microsoft.graph.fido2AuthenticationMethodConfiguration"
    );
    assert_eq!(config["state"], "enabled");
    let targets: Vec<&str> = config["includeTargets"]
        .as_array()
        .unwrap()
        .iter()
        .map(|own| own["id"].as_str().unwrap())
        .collect();
    assert_eq!(targets, [OLD_GROUP]);
    let back = &step.write.reversed().unwrap().send.body;
    assert_eq!(back["state"], "disabled");
    assert_eq!(back["includeTargets"][0]["id"], "all_users");
}

#[test]
fn k1_models_that_are_refused_are_allowed_and_the_risk_is_told() {
    let feitian = "ee041bce-25e5-4cdb-8f86-897fd6418464";
    let (plan, config) = with_fido2(|config| {
        config["keyRestrictions"] = serde_json::json!({"isEnforced": true, "enforcementType": "block",
            "aaGuids": [feitian.to_uppercase(), "00000000-0000-0000-0000-000000000009"]});
    });
    assert_eq!(plan.steps.len(), 1, "{}", lines(&plan));
    assert_eq!(
        config["keyRestrictions"]["aaGuids"],
        serde_json::json!(["00000000-0000-0000-0000-000000000009"])
    );
    assert_eq!(config["keyRestrictions"]["isEnforced"], true);
    assert!(
        plan.steps[0].risk.contains("Everybody"),
        "{}",
        plan.steps[0].risk
    );
    let (plan, config) = with_fido2(|config| {
        config["keyRestrictions"] =
            serde_json::json!({"isEnforced": true, "enforcementType": "allow", "aaGuids": []});
    });
    assert_eq!(plan.steps.len(), 1, "{}", lines(&plan));
    assert!(
        config["keyRestrictions"]["aaGuids"]
            .as_array()
            .unwrap()
            .iter()
            .any(|own| own == feitian)
    );
}

#[test]
fn k1_an_exclusion_of_the_accounts_goes_and_one_of_others_stays() {
    let target = |id: &str| serde_json::json!([{"targetType": "group", "id": id}]);
    let (plan, config) = with_fido2(|config| config["excludeTargets"] = target(OLD_GROUP));
    assert_eq!(
        plan.steps[0].title,
        "Let the accounts' keys in: take their exclusion away"
    );
    assert_eq!(config["excludeTargets"], serde_json::json!([]));
    // Only some are included: the group is added.
    let (plan, config) = with_fido2(|config| {
        config["includeTargets"] = target("00000000-0000-0000-0000-000000000007");
    });
    assert_eq!(
        plan.steps[0].title,
        "Let the accounts' keys in: include the group"
    );
    assert_eq!(config["includeTargets"].as_array().unwrap().len(), 2);
    // A group that holds others, too, would let them in.
    let (mut snapshot, register) = modern();
    let shared = snapshot.groups.items[2].id.clone().unwrap();
    snapshot.users.items[0].transitive_member_of =
        breakglass_model::Reading::Read(vec![ObjectId::parse(OLD_GROUP).unwrap(), shared.clone()]);
    snapshot
        .other
        .get_mut("authenticationMethodsPolicy")
        .unwrap()[0]["authenticationMethodConfigurations"][0]["excludeTargets"] =
        target(shared.as_str());
    let plan = mended(&snapshot, &register);
    assert!(
        plan.steps.iter().all(|own| own.id != "keys"),
        "{}",
        lines(&plan)
    );
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains(shared.as_str()) && text.starts_with("not planned")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn k1_with_passkey_profiles_the_group_gets_the_one_that_allows_its_keys() {
    let profile = |id: &str, models: &[&str]| {
        serde_json::json!({"id": id, "name": id, "passkeyTypes": "deviceBound", "attestationEnforcement": "registrationOnly",
        "keyRestrictions": {"isEnforced": true, "enforcementType": "allow", "aaGuids": models}})
    };
    let all: Vec<String> = modern()
        .0
        .users
        .items
        .iter()
        .flat_map(|user| user.methods.get().cloned().unwrap_or_default())
        .filter_map(|own| own.aaguid)
        .collect();
    let all: Vec<&str> = all.iter().map(String::as_str).collect();
    let targets = serde_json::json!([{"targetType": "group", "id": "all_users", "allowedPasskeyProfiles": ["p-0"]}]);
    let (plan, config) = with_fido2(|config| {
        config["passkeyProfiles"] = serde_json::json!([profile("p-0", &[]), profile("p-1", &all)]);
        config["includeTargets"] = targets.clone();
    });
    assert_eq!(plan.steps.len(), 1, "{}", lines(&plan));
    assert_eq!(
        config["includeTargets"][1]["allowedPasskeyProfiles"],
        serde_json::json!(["p-1"])
    );
    assert_eq!(config["includeTargets"][0], targets[0]);
    // None allows them: profiles are people's work.
    let (plan, _) = with_fido2(|config| {
        config["passkeyProfiles"] = serde_json::json!([profile("p-0", &[])]);
        config["includeTargets"] = targets.clone();
    });
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("no passkey profile allows")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn k1_nothing_asks_for_the_keys_before_they_are_let_in() {
    let (mut snapshot, register) = without_dedicated();
    snapshot
        .other
        .get_mut("authenticationMethodsPolicy")
        .unwrap()[0]["authenticationMethodConfigurations"][0]["state"] = "disabled".into();
    let plan = plan_of(&snapshot, &register, &[]);
    let step = |id: &str| plan.steps.iter().find(|own| own.id == id).unwrap();
    assert_eq!(step("enforce").after, ["keys"]);
    assert_eq!(step("keys").stage, breakglass_model::plan::Stage::Keys);
    for own in plan
        .steps
        .iter()
        .filter(|own| own.id.starts_with("method-"))
    {
        assert_eq!(own.after, ["keys"], "{}", own.title);
    }
}

#[test]
fn w12_the_logs_get_a_second_way_out_once() {
    let (mut snapshot, register) = modern();
    let hubs = "/subscriptions/s/resourceGroups/out/providers/Microsoft.EventHub/namespaces/ehn";
    let wishes = Wishes {
        event_hub: Some(EventHub {
            rule: format!("{hubs}/authorizationRules/RootManageSharedAccessKey"),
            name: "entra".to_owned(),
        }),
        ..Wishes::default()
    };
    let steps = |snapshot: &TenantSnapshot| -> Vec<String> {
        let plan = wished(snapshot, &register, &wishes);
        plan.steps.into_iter().map(|step| step.title).collect()
    };
    let step = "Send SignInLogs, NonInteractiveUserSignInLogs, AuditLogs to the event hub entra";
    assert_eq!(steps(&snapshot), [step]);
    // A setting that sends to the hub by another rule is the second way already; what it lacks, it gets.
    let settings = snapshot.other.get_mut("diagnosticSettings").unwrap();
    let log = |category| json!({"category": category, "enabled": true});
    settings.push(json!({
        "id": "/providers/microsoft.aadiam/diagnosticSettings/out", "name": "out", "properties": {
            "eventHubAuthorizationRuleId": format!("{hubs}/authorizationrules/send"), "eventHubName": "entra",
            "logs": [log("SignInLogs"), log("AuditLogs")]}}));
    let plan = wished(&snapshot, &register, &wishes);
    assert_eq!(
        plan.steps[0].title,
        "Send NonInteractiveUserSignInLogs to the event hub entra"
    );
    assert_eq!(
        plan.steps[0].write.send.path,
        "/providers/microsoft.aadiam/diagnosticSettings/out?api-version=2017-04-01"
    );
    let last = snapshot
        .other
        .get_mut("diagnosticSettings")
        .unwrap()
        .last_mut()
        .unwrap();
    last["properties"]["logs"]
        .as_array_mut()
        .unwrap()
        .push(log("NonInteractiveUserSignInLogs"));
    assert!(steps(&snapshot).is_empty());
}
