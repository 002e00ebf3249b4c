use super::*;

fn assignment(principal: &str, role: &str, scope: Option<&str>) -> Value {
    let mut raw = json!({
        "id": format!("{principal}-{role}"), "principalId": principal, "roleDefinitionId": role,
        "assignmentType": "Assigned", "endDateTime": null,
    });
    if let Some(scope) = scope {
        raw["directoryScopeId"] = json!(scope);
    }
    raw
}

fn tenant_of(active: &[Value], eligible: &[Value]) -> TenantSnapshot {
    snapshot(&json!({
        "users": [user("bg1"), user("bg2"), user("eve")],
        "groups": [{"id": "admins", "groupTypes": [], "members": [{"id": "bg2"}]}],
        "roleDefinitions": [
            {"id": GA, "templateId": GA, "displayName": "Global Administrator", "isBuiltIn": true},
            {"id": "activated", "templateId": SECURITY, "isBuiltIn": true},
            {"id": "custom", "templateId": "custom", "isBuiltIn": false},
        ],
        "roleAssignmentScheduleInstances": active,
        "roleEligibilityScheduleInstances": eligible,
        "conditionalAccessPolicies": [policy(&json!({"includeUsers": ["All"], "excludeRoles": [GA]}))],
    }))
}

#[test]
fn a4_a_role_is_held_actively_and_for_the_whole_tenant() {
    let snapshot = tenant_of(
        &[
            assignment("bg1", &GA.to_uppercase(), Some("/")),
            assignment("bg1", "activated", Some("/")),
            assignment("bg1", "custom", Some("/")),
            assignment("eve", GA, Some("/administrativeUnits/u")),
        ],
        &[assignment("eve", GA, Some("/"))],
    );
    let bg1 = identity(&snapshot, "bg1");
    assert!(way(bg1.roles.of(GA)).is_empty());
    assert!(way(bg1.roles.of(SECURITY)).is_empty());
    assert_eq!(bg1.roles.of("custom"), Membership::NotHeld);
    let eve = identity(&snapshot, "eve");
    assert_eq!(eve.roles.of(GA), Membership::NotHeld);
    assert_eq!(eve.eligible_roles, [GA]);
}

#[test]
fn a4_a_role_that_ended_excludes_nobody() {
    let mut over = assignment("bg1", GA, Some("/"));
    over["endDateTime"] = json!("2026-01-01T00:00:00Z");
    let mut held = tenant_of(std::slice::from_ref(&over), std::slice::from_ref(&over));
    for (collected, holds) in [
        ("2026-01-01T00:00:00Z", false),
        ("2025-12-31T23:59:59Z", true),
    ] {
        held.collected_at = Some(collected.parse().unwrap());
        let bg1 = identity(&held, "bg1");
        assert_eq!(
            bg1.roles.of(GA) != Membership::NotHeld,
            holds,
            "{collected}"
        );
        assert_eq!(!bg1.eligible_roles.is_empty(), holds, "{collected}");
    }
}

#[test]
fn a4_a_role_through_a_group_counts_only_where_it_includes() {
    let snapshot = tenant_of(&[assignment("admins", GA, Some("/"))], &[]);
    let roles = identity(&snapshot, "bg2").roles;
    match roles.of(GA) {
        Membership::Held(path) => {
            assert_eq!(path.through, ["admins"]);
            assert!(path.include_only);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(identity(&snapshot, "eve").roles.of(GA), Membership::NotHeld);
}

#[test]
fn a4_an_unread_scope_counts_only_where_it_includes() {
    let snapshot = tenant_of(&[assignment("bg1", GA, None)], &[]);
    let roles = identity(&snapshot, "bg1").roles;
    assert!(matches!(roles.of(GA), Membership::Held(path) if path.include_only));
    let assumptions = Tenant::read(&snapshot).assumptions;
    assert!(
        assumptions.iter().any(|line| line.contains("scope")),
        "{assumptions:?}"
    );
}

#[test]
fn a4_roles_that_were_not_read_may_hold_anybody() {
    let snapshot = snapshot(&json!({
        "users": [user("bg1")],
        "conditionalAccessPolicies": [policy(&json!({"includeRoles": [GA]}))],
    }));
    doubt(identity(&snapshot, "bg1").roles.of(GA));
}

#[test]
fn a6_administrators_are_the_active_ones_and_those_who_can_activate() {
    let snapshot = tenant_of(
        &[
            assignment("admins", GA, Some("/")),
            assignment("bg1", GA, Some("/")),
            assignment("service-principal", GA, Some("/")),
        ],
        &[
            assignment("eve", GA, Some("/")),
            assignment("bg1", GA, Some("/")),
        ],
    );
    let tenant = Tenant::read(&snapshot);
    let (active, eligible) = People::new(&snapshot, &[&tenant]).administrators();
    assert_eq!(active, [oid("bg1"), oid("bg2")]);
    assert_eq!(eligible, [oid("eve")]);
}
