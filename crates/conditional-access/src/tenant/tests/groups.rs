use super::*;
use crate::tenant::{Dangling, DanglingKind};

fn group(id: &str, members: &[&str]) -> Value {
    let members: Vec<Value> = members.iter().map(|id| json!({"id": id})).collect();
    json!({"id": id, "displayName": id.to_uppercase(), "groupTypes": [], "members": members})
}

fn excluding(groups: &[&str]) -> Value {
    policy(&json!({"includeUsers": ["All"], "excludeGroups": groups}))
}

#[test]
fn c1_a_nested_group_is_found_with_its_path() {
    let snapshot = snapshot(&json!({
        "users": [user("bg1"), user("bg2"), user("eve")],
        "groups": [
            group("outer", &["bg2", "MIDDLE"]), group("middle", &["inner", "outer"]), group("inner", &["BG1"]),
        ],
        "conditionalAccessPolicies": [excluding(&["Outer"])],
    }));
    assert_eq!(
        way(identity(&snapshot, "bg1").groups.of("outer")),
        ["inner", "middle"]
    );
    assert!(way(identity(&snapshot, "bg2").groups.of("OUTER")).is_empty());
    assert_eq!(
        identity(&snapshot, "eve").groups.of("outer"),
        Membership::NotHeld
    );
}

#[test]
fn c1_the_users_own_list_of_groups_is_the_whole_truth() {
    let mut eve = user("eve");
    eve["transitiveMemberOf"] = json!([]);
    let mut bg1 = user("bg1");
    bg1["transitiveMemberOf"] = json!([{"id": "OUTER"}, {"id": "inner"}]);
    let mut inner = group("inner", &[]);
    inner.as_object_mut().unwrap().remove("members");
    let snapshot = snapshot(&json!({
        "users": [bg1, eve],
        "groups": [group("outer", &["inner", "eve"]), inner],
        "conditionalAccessPolicies": [excluding(&["outer"])],
    }));
    let eve = identity(&snapshot, "eve").groups;
    assert_eq!(eve.of("outer"), Membership::NotHeld);
    assert_eq!(eve.of("any other"), Membership::NotHeld);
    // The list says that there is a way, the members say which.
    assert_eq!(
        way(identity(&snapshot, "bg1").groups.of("outer")),
        ["inner"]
    );
}

#[test]
fn c1_transitive_members_decide_where_direct_ones_were_not_read() {
    let snapshot = snapshot(&json!({
        "users": [user("bg1"), user("eve")],
        "groups": [{"id": "g", "groupTypes": [], "transitiveMembers": [{"id": "bg1"}]}],
        "conditionalAccessPolicies": [excluding(&["g"])],
    }));
    assert!(way(identity(&snapshot, "bg1").groups.of("g")).is_empty());
    assert_eq!(
        identity(&snapshot, "eve").groups.of("g"),
        Membership::NotHeld
    );
}

#[test]
fn c1_a_deleted_exclusion_group_holds_nobody() {
    let snapshot = snapshot(&json!({
        "users": [user("bg1")],
        "groups": [],
        "conditionalAccessPolicies": [excluding(&["gone"])],
    }));
    assert_eq!(
        identity(&snapshot, "bg1").groups.of("gone"),
        Membership::NotHeld
    );
    assert_eq!(
        Tenant::read(&snapshot).dangling,
        [Dangling {
            policy: "p".to_owned(),
            kind: DanglingKind::Group,
            id: "gone".to_owned()
        }]
    );
}

#[test]
fn c1_unread_members_may_hold_anybody() {
    let unread = json!({"id": "inner", "groupTypes": []});
    let whole = snapshot(&json!({
        "users": [user("bg1"), user("eve")],
        "groups": [group("outer", &["bg1", "inner"]), unread],
        "conditionalAccessPolicies": [excluding(&["outer"])],
    }));
    assert!(way(identity(&whole, "bg1").groups.of("outer")).is_empty());
    let why = doubt(identity(&whole, "eve").groups.of("outer"));
    assert!(why.contains("members of group inner"), "{why}");

    let policies_only =
        snapshot(&json!({"conditionalAccessPolicies": [excluding(&["outer", "other"])]}));
    for id in ["outer", "other"] {
        let why = doubt(identity(&policies_only, "bg1").groups.of(id));
        assert!(why.contains("members of group"), "{why}");
    }
    assert!(Tenant::read(&policies_only).dangling.is_empty());
}

#[test]
fn c1_a_member_that_was_not_read_may_be_a_group_where_groups_are_missing() {
    let read = |groups_too: bool| {
        let mut files = vec![
            (
                "groups/g/members.json",
                json!({"value": [{"id": "bg1"}, {"id": "x"}]}),
            ),
            ("policies.json", json!([excluding(&["g"])])),
            ("users.json", json!({"value": [user("bg1"), user("eve")]})),
        ];
        if groups_too {
            files.push((
                "groups.json",
                json!({"value": [{"id": "g", "groupTypes": []}]}),
            ));
        }
        export::read(files.into_iter().map(|(path, content)| InputFile {
            path: path.to_owned(),
            bytes: content.to_string().into_bytes(),
        }))
    };
    let snapshot = read(false);
    assert!(way(identity(&snapshot, "bg1").groups.of("g")).is_empty());
    let why = doubt(identity(&snapshot, "eve").groups.of("g"));
    assert!(why.contains("may be a group itself"), "{why}");
    let snapshot = read(true);
    assert_eq!(
        identity(&snapshot, "eve").groups.of("g"),
        Membership::NotHeld
    );
}
