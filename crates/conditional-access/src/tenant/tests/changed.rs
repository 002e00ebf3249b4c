use super::*;
use crate::{
    Enforce,
    change::{self, Change},
    preflight::{ChangeVerdict, Input, population, run},
    prove::Options,
    tenant::{Changed, People},
};

/// Two accounts in `inner`, which is in `outer`; one administrator; a policy that blocks everybody but `outer`.
fn tenant(exclude: &Value) -> TenantSnapshot {
    let mut users = vec![user("bg1"), user("bg2"), user("adm")];
    for one in &mut users {
        one["accountEnabled"] = json!(true);
        one["authentication"] = json!({"methods": [
            {"@odata.type": "#microsoft.graph.fido2AuthenticationMethod", "id": "k"}]});
    }
    let mut block = policy(exclude);
    block["id"] = json!("p");
    block["conditions"]["users"]["includeUsers"] = json!(["All"]);
    block["grantControls"] = json!({"operator": "OR", "builtInControls": ["block"]});
    snapshot(&json!({
        "users": users,
        "groups": [
            {"id": "inner", "groupTypes": [], "members": [{"id": "bg1"}, {"id": "bg2"}]},
            {"id": "outer", "groupTypes": [], "members": [{"id": "inner"}, {"id": "adm"}]},
        ],
        "conditionalAccessPolicies": [block],
        "namedLocations": [],
        "roleAssignments": [
            {"id": "a", "principalId": "adm", "roleDefinitionId": GA, "directoryScopeId": "/"}],
    }))
}

fn judged(snapshot: &TenantSnapshot, changes: &[Change]) -> (ChangeVerdict, Vec<String>, usize) {
    let before = Tenant::read(snapshot);
    let planned = Changed::new(snapshot, &before, changes, &[]);
    let people = People::new(snapshot, &[&before, &planned.tenant]);
    let people = population(&people, &[oid("bg1"), oid("bg2")], &planned.overlay);
    let options = Options::default();
    let report = run(
        &Input {
            before: (&before.policies, &before.environment),
            after: (&planned.tenant.policies, &planned.tenant.environment),
            people: &people,
            options: &options,
        },
        [Enforce::Enabled; 2],
    );
    let lost = report
        .lost
        .iter()
        .map(|loss| loss.who.signature.clone())
        .collect();
    (report.verdict, lost, report.administrators.after.total)
}

fn link(kind: &str, actions: &Value, ends: &Value) -> Vec<Change> {
    let (before, after) = if actions == &json!(["delete"]) {
        (ends.clone(), Value::Null)
    } else {
        (Value::Null, ends.clone())
    };
    let plan = json!({"format_version": "1.2", "resource_changes": [{
        "address": format!("{kind}.x"), "type": kind,
        "change": {"actions": actions, "before": before, "after": after, "after_unknown": {}},
    }]});
    change::read("plan.json", plan.to_string().as_bytes())
        .unwrap()
        .changes
}

#[test]
fn c5_a_member_taken_out_of_a_nested_group_loses_the_outer_exclusion() {
    let snapshot = tenant(&json!({"excludeGroups": ["outer"]}));
    let ends = json!({"group_object_id": "inner", "member_object_id": "bg1"});
    let changes = link("azuread_group_member", &json!(["delete"]), &ends);
    let (verdict, lost, _) = judged(&snapshot, &changes);
    assert_eq!(verdict, ChangeVerdict::LocksOut);
    assert_eq!(lost, ["bg1@contoso.com"]);
}

#[test]
fn c5_nobody_is_moved_by_a_change_that_moves_nobody() {
    let snapshot = tenant(&json!({"excludeGroups": ["outer"]}));
    let (verdict, lost, administrators) = judged(&snapshot, &[]);
    assert_eq!(
        (verdict, lost, administrators),
        (ChangeVerdict::Safe, vec![], 1)
    );
}

#[test]
fn a4_the_last_administrator_taken_out_of_the_role_is_no_administrator_after() {
    let snapshot = tenant(&json!({"excludeGroups": ["outer"]}));
    let ends = json!({"role_id": GA, "principal_object_id": "adm", "directory_scope_id": "/"});
    let changes = link(
        "azuread_directory_role_assignment",
        &json!(["delete"]),
        &ends,
    );
    let (verdict, _, administrators) = judged(&snapshot, &changes);
    assert_eq!((verdict, administrators), (ChangeVerdict::LocksOut, 0));
}

#[test]
fn c5_a_role_that_is_given_brings_its_policies() {
    let snapshot = tenant(&json!({"excludeRoles": [GA], "excludeGroups": ["outer"]}));
    let ends = json!({"role_id": GA, "principal_object_id": "bg1", "directory_scope_id": "/"});
    let changes = link(
        "azuread_directory_role_assignment",
        &json!(["create"]),
        &ends,
    );
    let (verdict, ..) = judged(&snapshot, &changes);
    assert_eq!(verdict, ChangeVerdict::Safe);
}

#[test]
fn c5_a_replaced_exclusion_group_protects_nobody_outside_the_plan() {
    let snapshot = tenant(&json!({"excludeGroups": ["outer"]}));
    let group = json!({"id": "/groups/outer", "object_id": "outer", "display_name": "Outer", "members": ["adm"]});
    let plan = json!({"format_version": "1.2", "resource_changes": [{
        "address": "azuread_group.x", "type": "azuread_group",
        "change": {"actions": ["delete", "create"], "before": group,
                   "after": {"display_name": "Outer", "members": ["adm"]},
                   "after_unknown": {"id": true, "object_id": true}},
    }]});
    let changes = change::read("plan.json", plan.to_string().as_bytes())
        .unwrap()
        .changes;
    let (verdict, lost, _) = judged(&snapshot, &changes);
    assert_eq!(verdict, ChangeVerdict::LocksOut);
    assert!(lost.contains(&"bg2@contoso.com".to_owned()), "{lost:?}");
}
