use breakglass_model::{ObjectId, example};
use jiff::Timestamp;

use super::*;

fn now() -> Timestamp {
    "2026-11-24T12:00:00Z".parse().unwrap()
}

fn planned(name: &str, wishes: &Wishes) -> Plan {
    let example = example::tenant(name, now()).unwrap();
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot: &example.snapshot,
        register: Some(&register),
        history: &History::default(),
        accounts: &[],
        wishes,
        now: now(),
        version: "test",
    })
    .unwrap()
}

fn wishes() -> Wishes {
    let id = |text: &str| ObjectId::parse(text).unwrap();
    Wishes {
        keepers: vec![id("7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c")],
        approvers: vec![
            id("7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6"),
            id("7b3e1a6f-41c2-4d8a-b6f0-9c5d1e2a4279"),
        ],
        make_eligible: vec![
            id("7b3e1ab9-41c2-4d8a-b6f0-9c5d1e2a441f"),
            id("7b3e1a94-41c2-4d8a-b6f0-9c5d1e2a434c"),
        ],
        alert_mail: vec!["soc@contoso.example".to_owned()],
        alert_sms: vec![("41".to_owned(), "445550142".to_owned())],
    }
}

#[test]
fn a_met_state_has_an_empty_plan() {
    let plan = planned("contoso-modern", &Wishes::default());
    let titles: Vec<&str> = plan.steps.iter().map(|step| step.title.as_str()).collect();
    assert!(titles.is_empty(), "{titles:#?}");
}

/// The steps as a reviewer reads them.
fn lines(plan: &Plan) -> String {
    let step = |step: &breakglass_model::plan::PlanStep| {
        let marks = if step.checks.is_empty() {
            String::new()
        } else {
            format!("  [{}]", step.checks.join(" "))
        };
        format!("{:?}: {}{marks}", step.stage, step.title)
    };
    plan.steps.iter().map(step).collect::<Vec<_>>().join("\n")
}

#[test]
fn the_old_design_is_planned_in_the_order_that_is_safe() {
    let plan = planned("contoso", &wishes());
    let stages: Vec<_> = plan.steps.iter().map(|step| step.stage).collect();
    assert!(stages.is_sorted(), "{stages:?}");
    assert_eq!(plan.warnings, Vec::<String>::new());
    insta::assert_snapshot!(lines(&plan));
}

#[test]
fn what_remains_of_the_old_design_is_for_people_or_was_not_read() {
    let plan = planned("contoso", &wishes());
    for one in &plan.remaining {
        let letter = one.requirement.chars().next().unwrap_or_default();
        // W12: a second way out for the logs is bought and run outside of the tenant. M1: what applications may do is
        // somebody's work. A9: a password policy of the domain.
        let of_people = matches!(letter, 'S' | 'D' | 'R' | 'P' | 'K')
            || matches!(
                one.requirement.as_str(),
                "A3" | "A7" | "A8" | "A9" | "M1" | "W12"
            );
        assert!(of_people || one.verdict == "cannot-tell", "{one:?}");
        assert!(!one.closed_by.is_empty());
    }
}

/// The states after no step, after the first, after the second, …
fn states(snapshot: &TenantSnapshot, plan: &Plan) -> Vec<TenantSnapshot> {
    let mut now = snapshot.clone();
    let mut all = vec![now.clone()];
    for step in &plan.steps {
        simulate(&mut now, &step.effects);
        all.push(now.clone());
    }
    all
}

fn ids(plan: &Plan) -> Vec<ObjectId> {
    plan.accounts
        .iter()
        .map(|id| ObjectId::parse(id).unwrap())
        .collect()
}

#[test]
fn a_run_that_stops_after_any_step_leaves_no_account_worse_off() {
    let example = example::tenant("contoso", now()).unwrap();
    let plan = planned("contoso", &wishes());
    let states = states(&example.snapshot, &plan);
    let ids = ids(&plan);
    let proofs: Vec<Safety> = states.iter().map(|state| Safety::of(state, &ids)).collect();
    for (before, after) in proofs.iter().zip(&proofs[1..]) {
        assert_eq!(before.worse(after), []);
    }
    // Both are locked out at first; at the end both get in, and no password opens anything.
    for line in proofs[0].lines() {
        assert!(line.ends_with("is locked out"), "{line}");
    }
    for line in proofs[proofs.len() - 1].lines() {
        assert!(line.ends_with("gets in"), "{line}");
    }
}

/// The old design without a dedicated policy: the policies that keep the accounts out are all that guards them.
fn without_dedicated() -> (TenantSnapshot, Register) {
    let example = example::tenant("contoso", now()).unwrap();
    let mut snapshot = example.snapshot;
    snapshot.policies.items.retain(|policy| {
        policy.display_name.as_deref() != Some("CA004 Break glass: keys and short sessions")
    });
    snapshot.other.remove("authenticationStrengthPolicies");
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    (snapshot, register)
}

fn plan_of(snapshot: &TenantSnapshot, register: &Register, accounts: &[String]) -> Plan {
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts,
        wishes: &wishes(),
        now: now(),
        version: "test",
    })
    .unwrap()
}

#[test]
fn c2_the_only_guard_goes_after_the_dedicated_policy_stands() {
    let (snapshot, register) = without_dedicated();
    let plan = plan_of(&snapshot, &register, &[]);
    insta::assert_snapshot!(lines(&plan));
    let place = |id: &str| plan.steps.iter().position(|step| step.id == id).unwrap();
    assert!(place("strength") < place("policy"));
    assert!(place("policy") < place("enforce"));
    let ids = ids(&plan);
    let proofs: Vec<Safety> = states(&snapshot, &plan)
        .iter()
        .map(|state| Safety::of(state, &ids))
        .collect();
    for (before, after) in proofs.iter().zip(&proofs[1..]) {
        assert_eq!(before.worse(after), []);
    }
    for line in proofs[proofs.len() - 1].lines() {
        assert!(line.ends_with("gets in"), "{line}");
    }
}

#[test]
fn a1_an_account_that_is_not_there_is_made_and_waits_for_its_key() {
    let (snapshot, mut register) = without_dedicated();
    register.accounts.push(breakglass_model::register::Account {
        upn: Some(breakglass_model::Upn::parse("BreakGlass03@contoso.onmicrosoft.com").unwrap()),
        ..Default::default()
    });
    let plan = plan_of(&snapshot, &register, &[]);
    let create = &plan.steps[0];
    assert_eq!(create.write.send.path, "/users");
    assert_eq!(
        create.write.send.body["passwordProfile"]["password"],
        breakglass_model::plan::PASSWORD
    );
    assert!(
        plan.accounts
            .contains(&"new:account-breakglass03".to_owned())
    );
    // Nothing asks for a key that nobody has.
    assert!(plan.steps.iter().all(|step| step.id != "enforce"));
    assert!(
        plan.warnings
            .iter()
            .any(|text| text.contains("BreakGlass03") && text.contains("key enroll")),
        "{:?}",
        plan.warnings
    );
}

#[test]
fn a1_only_a_register_names_an_account_that_is_still_to_be_made() {
    let (snapshot, register) = without_dedicated();
    let named = |register: Option<&Register>| {
        plan(&PlanInput {
            keys: breakglass_model::aaguid::Tables::built_in(),
            snapshot: &snapshot,
            register,
            history: &History::default(),
            accounts: &["BreakGlas01@contoso.onmicrosoft.com".to_owned()],
            wishes: &Wishes::default(),
            now: now(),
            version: "test",
        })
    };
    // Neither without a register nor beside one that does not name it.
    for register in [None, Some(&register)] {
        let error = named(register).unwrap_err().to_string();
        assert_eq!(
            error,
            "the tenant has no user `BreakGlas01@contoso.onmicrosoft.com`, named as an emergency access account; \
             only a register names accounts that are still to be made"
        );
    }
    // An account that is there needs no register.
    let there = plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot: &snapshot,
        register: None,
        history: &History::default(),
        accounts: &["BreakGlass01@contoso.onmicrosoft.com".to_owned()],
        wishes: &Wishes::default(),
        now: now(),
        version: "test",
    })
    .unwrap();
    assert!(
        there
            .steps
            .iter()
            .all(|step| step.write.send.path != "/users")
    );
}

#[test]
fn without_policies_nothing_is_planned() {
    let (mut snapshot, register) = without_dedicated();
    snapshot.policies =
        breakglass_model::Collection::not_read("policies", "403", Some("Policy.Read.All"));
    let error = plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot: &snapshot,
        register: Some(&register),
        history: &History::default(),
        accounts: &[],
        wishes: &Wishes::default(),
        now: now(),
        version: "test",
    })
    .unwrap_err();
    assert!(matches!(error, PlanError::NotRead(_)));
}

#[test]
fn a_plan_that_was_changed_is_not_approved() {
    let mut plan = planned("contoso", &wishes());
    assert!(plan.approved(&plan.digest).is_some());
    assert!(plan.approved("0").is_none());
    plan.steps.remove(0);
    assert!(plan.approved(&plan.digest.clone()).is_none());
}

#[test]
fn a3_a4_an_account_of_no_use_is_mended_by_a_person() {
    let example = example::tenant("contoso", now()).unwrap();
    let mut snapshot = example.snapshot;
    let account = &mut snapshot.users.items[0];
    assert!(
        account
            .upn
            .as_ref()
            .unwrap()
            .as_str()
            .starts_with("BreakGlass01")
    );
    account.account_enabled = breakglass_model::Reading::Read(false);
    account.personal =
        breakglass_model::Reading::Read(vec![("jobTitle".to_owned(), "Operator".to_owned())]);
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    let plan = plan_of(&snapshot, &register, &[]);
    let mend = &plan.steps[0];
    assert_eq!(mend.id, "mend-breakglass01");
    // An application may not change sensitive properties of somebody who holds a role.
    assert!(mend.by_person);
    assert_eq!(
        mend.write.send.body,
        serde_json::json!({"accountEnabled": true, "jobTitle": null})
    );
    assert_eq!(
        mend.write.reversed().unwrap().send.body,
        serde_json::json!({"accountEnabled": false, "jobTitle": "Operator"})
    );
}

/// The design of today, which needs no plan.
fn modern() -> (TenantSnapshot, Register) {
    let example = example::tenant("contoso-modern", now()).unwrap();
    let register = Register::from_toml("register.toml", &example.register_toml, None).unwrap();
    (example.snapshot, register)
}

/// Its plan, with the receivers of alerts that are named.
fn mended(snapshot: &TenantSnapshot, register: &Register) -> Plan {
    plan(&PlanInput {
        keys: breakglass_model::aaguid::Tables::built_in(),
        snapshot,
        register: Some(register),
        history: &History::default(),
        accounts: &[],
        wishes: &Wishes::default(),
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
        "DedicatedPolicy: Set report-only, every resource and client in the dedicated policy CA004 Break glass: keys and short sessions\n\
         Enforcement: Switch the policy CA004 Break glass: keys and short sessions on  [BG043 BG044 BG096]"
    );
    let write = &plan.steps[0].write;
    let sent = &write.send.body["conditions"];
    assert_eq!(
        sent["applications"]["includeApplications"],
        serde_json::json!(["All"])
    );
    assert!(sent["users"]["includeGroups"].is_array());
    let back = &write.reversed().unwrap().send.body;
    assert_eq!(back["state"], "disabled");
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
    let raw = serde_json::json!({"id": format!("00000000-0000-0000-0000-0000000000{number:02}"), "displayName": format!("Trial {number}"),
        "state": state, "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
            "platforms": {"includePlatforms": platforms, "excludePlatforms": if platforms == ["all"] { vec!["windows"] } else { vec![] }}},
        "grantControls": {"operator": "OR", "builtInControls": ["block"]}});
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
        serde_json::Value::Null
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
