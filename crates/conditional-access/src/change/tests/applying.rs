//! Changes onto the policies that are there.

use super::*;

fn change(action: Action, body: Value) -> Change {
    let text = |key: &str| body[key].as_str().map(str::to_owned);
    Change {
        kind: Kind::Policy,
        action,
        id: text("id"),
        name: text("displayName"),
        body,
        source: "f".to_owned(),
        before_name: None,
    }
}

fn ids(policies: &[Value]) -> Vec<&str> {
    policies.iter().map(|p| p["id"].as_str().unwrap()).collect()
}

#[test]
fn c5_put_by_id_then_by_name_then_added() {
    let present = [policy("A-1", "First"), policy("b-2", "Second")];
    let mut body = policy("a-1", "Renamed");
    body["state"] = json!("disabled");
    body["conditions"]["users"]["excludeUsers"] = json!([]);
    let (new, lines) = apply(&present, &[change(Action::Put, body)]);
    assert_eq!(ids(&new), ["A-1", "b-2"]);
    assert_eq!(new[0]["displayName"], "Renamed");
    assert_eq!(
        lines,
        [
            "f: replaces `First` (`A-1`), renamed to `Renamed`, state `enabled` → `disabled`, \
          no longer set: conditions.users.excludeUsers"
        ]
    );
    let mut body = policy("", "SECOND ");
    body.as_object_mut().unwrap().remove("id");
    let (new, lines) = apply(&present, &[change(Action::Put, body.clone())]);
    assert_eq!(
        lines,
        ["f: replaces `Second` (`b-2`), found by its name, renamed to `SECOND `"]
    );
    assert_eq!(
        (ids(&new), &new[1]["displayName"]),
        (vec!["A-1", "b-2"], &json!("SECOND "))
    );
    body["displayName"] = json!("Third");
    let (new, lines) = apply(&present, &[change(Action::Put, body)]);
    assert_eq!(ids(&new), ["A-1", "b-2", "new:Third"]);
    assert_eq!(lines, ["f: adds `Third` (`new:Third`)"]);
}

#[test]
fn c5_a_rename_in_a_plan_replaces_the_right_policy() {
    let mut renamed = change(Action::Put, json!({"displayName": "New"}));
    renamed.before_name = Some("Old".to_owned());
    let (new, _) = apply(&[policy("1", "Old"), policy("2", "New")], &[renamed]);
    assert_eq!(new[0], json!({"displayName": "New", "id": "1"}));
    assert_eq!(new[1], policy("2", "New"));
}

#[test]
fn c5_delete_removes_or_says_that_nothing_was_there() {
    let present = [policy("1", "A"), policy("2", "B")];
    let gone = change(Action::Delete, json!({"id": "2"}));
    let absent = change(Action::Delete, json!({"displayName": "C"}));
    let (new, lines) = apply(&present, &[gone, absent]);
    assert_eq!(ids(&new), ["1"]);
    assert_eq!(
        lines,
        [
            "f: removes `B` (`2`)",
            "f: removes nothing: `C` is not in the tenant"
        ]
    );
}

#[test]
fn c5_merge_goes_deep_and_replaces_lists() {
    let body = json!({"id": "1", "conditions": {"users": {"excludeUsers": ["y"]}}, "sessionControls": {"a": 1}});
    let (new, lines) = apply(&[policy("1", "A")], &[change(Action::Merge, body)]);
    assert_eq!(
        new[0]["conditions"]["users"],
        json!({"includeUsers": ["All"], "excludeUsers": ["y"]})
    );
    assert_eq!(new[0]["sessionControls"], json!({"a": 1}));
    assert_eq!(lines, ["f: is merged onto `A` (`1`)"]);
    let (new, lines) = apply(&[], &[change(Action::Merge, json!({"displayName": "A"}))]);
    assert_eq!(ids(&new), ["new:A"]);
    assert!(lines[0].contains("its body is partial"), "{lines:?}");
}

#[test]
fn c5_two_files_about_one_policy_the_last_wins_with_a_warning() {
    let mut first = change(Action::Put, policy("1", "A"));
    first.source = "first.json".to_owned();
    let mut second = change(Action::Put, policy("", "a"));
    second.body["state"] = json!("disabled");
    second.id = None;
    let (new, lines) = apply(&[policy("1", "A")], &[first, second]);
    assert_eq!(
        (ids(&new), &new[0]["state"]),
        (vec!["1"], &json!("disabled"))
    );
    assert!(!lines[0].contains("warning"), "{lines:?}");
    assert!(
        lines[1]
            .ends_with("; warning: first.json changes the same policy, and the last one counts"),
        "{lines:?}"
    );
}

#[test]
fn c5_a_name_that_two_policies_have_is_no_address() {
    let present = [policy("1", "A"), policy("2", "a")];
    let body = json!({"displayName": "A", "state": "disabled"});
    for action in [Action::Delete, Action::Merge] {
        let (new, lines) = apply(&present, &[change(action, body.clone())]);
        assert_eq!(new, present);
        assert!(
            lines[0].contains("changes nothing: 2 policies"),
            "{lines:?}"
        );
    }
    let (new, lines) = apply(&present, &[change(Action::Put, body)]);
    assert_eq!(ids(&new), ["1", "2", "new:A"]);
    assert!(
        lines[0].contains("beside 2 policies of that name"),
        "{lines:?}"
    );
}

#[test]
fn c5_a_whole_plan_onto_a_tenant() {
    let changes = read("plan.json", AZUREAD).unwrap();
    let present = [
        policy(&id(2), "CA002: Block legacy"),
        policy(&id(3), "CA003: Old"),
        policy(&id(4), "CA004: Admins"),
    ];
    let (new, lines) = apply(&present, &changes.changes);
    let expected = [id(2), id(4), "new:CA001: MFA for everyone".to_owned()];
    assert_eq!(ids(&new), expected);
    assert_eq!(lines.len(), 4, "{lines:?}");
}
