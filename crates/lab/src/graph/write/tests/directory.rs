//! Users, groups, units and roles.

use serde_json::{Value, json};

use crate::{
    graph::write,
    lab::ApiError,
    testing::{
        ADELE, ANNA, BREAK_GLASS, CHLOE, GROUP, KEEPER, UNIT, activities, app, json_of, lab,
        person, write,
    },
};

const GLOBAL: &str = "62e90394-69f5-4237-9190-012177145e10";
const AUTHENTICATION: &str = "7be44c8a-adaf-4e2a-84d6-ab2649e08a13";

fn denied(result: Result<crate::lab::Answer, ApiError>) -> String {
    let error = result.unwrap_err();
    assert_eq!(
        (error.status, error.code.as_str()),
        (403, "Authorization_RequestDenied")
    );
    error.message
}

fn new_user(upn: &str) -> Value {
    json!({"accountEnabled": true, "displayName": "New", "mailNickname": "new", "userPrincipalName": upn,
        "passwordProfile": {"password": "Long-enough-1", "forceChangePasswordNextSignIn": true}})
}

fn reference(id: &str) -> Value {
    json!({"@odata.id": format!("https://graph.microsoft.com/v1.0/directoryObjects/{id}")})
}

#[test]
fn a_user_is_created_changed_deleted_and_restored() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let made = json_of(write(&lab, &adele, "POST", "users", new_user("new@contoso.com")).unwrap());
    assert_eq!(made["userPrincipalName"], "new@contoso.com");
    assert!(
        made.get("accountEnabled").is_none(),
        "only the default properties come back"
    );
    let id = made["id"].as_str().unwrap().to_owned();
    let path = format!("users/{id}");
    let answer = write(
        &lab,
        &adele,
        "PATCH",
        &path,
        json!({"accountEnabled": false}),
    )
    .unwrap();
    assert_eq!(answer.status, 204);
    assert_eq!(
        lab.state().table("users").get(&id).unwrap()["accountEnabled"],
        false
    );
    assert_eq!(
        write(&lab, &adele, "DELETE", &path, Value::Null)
            .unwrap()
            .status,
        204
    );
    assert!(lab.state().table("users").get(&id).is_none());
    let restore = format!("directory/deletedItems/{id}/restore");
    let back = json_of(write(&lab, &adele, "POST", &restore, Value::Null).unwrap());
    assert_eq!(back["id"], id.as_str());
    assert_eq!(
        activities(&lab),
        [
            "Add user",
            "Disable account",
            "Update user",
            "Delete user",
            "Restore user"
        ]
    );
}

#[test]
fn a_user_lacking_a_property_or_with_a_taken_name_or_weak_password_is_refused() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let mut without = new_user("new@contoso.com");
    without.as_object_mut().unwrap().remove("mailNickname");
    let mut weak = new_user("new@contoso.com");
    weak["passwordProfile"]["password"] = json!("password");
    for (body, word) in [
        (without, "mailNickname"),
        (weak, "complexity"),
        (new_user("eve@contoso.com"), "already exists"),
        (new_user("new@fabrikam.example"), "verified domain"),
        (json!({"accountEnabld": true}), "accountEnabld"),
    ] {
        let error = write(&lab, &adele, "POST", "users", body).unwrap_err();
        assert_eq!(
            (error.status, error.code.as_str()),
            (400, "Request_BadRequest")
        );
        assert!(error.message.contains(word), "{}", error.message);
    }
    assert!(
        activities(&lab).is_empty(),
        "a refusal leaves nothing behind"
    );
}

#[test]
fn m1_a_restricted_unit_protects_from_global_administrators_apps_and_owners() {
    let lab = lab("contoso-modern");
    let path = format!("users/{BREAK_GLASS}");
    for caller in [person(ADELE), app("breakglass apply")] {
        let message = denied(write(
            &lab,
            &caller,
            "PATCH",
            &path,
            json!({"accountEnabled": false}),
        ));
        assert!(
            message.starts_with(
                "Insufficient privileges to complete the operation. Target object is a member of a restricted \
                 management administrative unit"
            ),
            "{message}"
        );
        denied(write(&lab, &caller, "DELETE", &path, Value::Null));
        denied(write(
            &lab,
            &caller,
            "POST",
            &format!("{path}/authentication/temporaryAccessPassMethods"),
            json!({}),
        ));
    }
    // The unit itself stays in the hands of Global Administrators; taking the member out opens the way, and is logged.
    let member = format!("directory/administrativeUnits/{UNIT}/members/{BREAK_GLASS}/$ref");
    write(&lab, &person(ADELE), "DELETE", &member, Value::Null).unwrap();
    assert_eq!(
        activities(&lab),
        ["Remove member from restricted management administrative unit"]
    );
    write(
        &lab,
        &person(ADELE),
        "PATCH",
        &path,
        json!({"accountEnabled": false}),
    )
    .unwrap();
}

#[test]
fn m1_a_role_scoped_to_the_unit_opens_it() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let body = json!({"principalId": CHLOE, "roleDefinitionId": AUTHENTICATION,
        "directoryScopeId": format!("/administrativeUnits/{UNIT}")});
    let path = format!("users/{BREAK_GLASS}/authentication/temporaryAccessPassMethods");
    denied(write(&lab, &person(CHLOE), "POST", &path, json!({})));
    let made = write(
        &lab,
        &adele,
        "POST",
        "roleManagement/directory/roleAssignments",
        body,
    )
    .unwrap();
    assert_eq!(made.status, 201);
    assert_eq!(
        activities(&lab)[0],
        "Add member to role scoped over Restricted Management Administrative Unit"
    );
    let pass = json_of(
        write(
            &lab,
            &person(CHLOE),
            "POST",
            &path,
            json!({"lifetimeInMinutes": 60}),
        )
        .unwrap(),
    );
    let text = pass["temporaryAccessPass"].as_str().unwrap();
    let state = lab.state();
    let shown = state.table("users").get(BREAK_GLASS).unwrap().to_string();
    assert!(!shown.contains(text), "the pass is told once");
    let method = pass["id"].as_str().unwrap().to_owned();
    assert!(state.secrets[&(BREAK_GLASS.to_owned(), method)].is(text));
}

#[test]
fn members_of_a_role_assignable_group_are_changed_by_administrators_of_roles_only() {
    let lab = lab("contoso-modern");
    let members = format!("groups/{GROUP}/members/$ref");
    denied(write(
        &lab,
        &person(CHLOE),
        "POST",
        &members,
        reference(ANNA),
    ));
    denied(write(
        &lab,
        &app("breakglass apply"),
        "POST",
        &members,
        reference(ANNA),
    ));
    // Tenant-wide Global Administrators keep the membership even in a restricted unit.
    write(&lab, &person(ADELE), "POST", &members, reference(ANNA)).unwrap();
    let error = write(&lab, &person(ADELE), "POST", &members, reference(ANNA)).unwrap_err();
    assert!(
        error
            .message
            .starts_with("One or more added object references already exist")
    );
    let state = lab.state();
    let group = state.table("groups").get(GROUP).unwrap();
    assert_eq!(group["transitiveMembers"].as_array().unwrap().len(), 3);
    let anna = state.table("users").get(ANNA).unwrap();
    assert!(anna["transitiveMemberOf"].to_string().contains(GROUP));
}

#[test]
fn a_role_assignable_group_is_made_with_the_permission_for_roles_and_stays_what_it_is() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let group = json!({"displayName": "G", "mailEnabled": false, "mailNickname": "g", "securityEnabled": true,
        "groupTypes": [], "isAssignableToRole": true,
        "members@odata.bind": [format!("https://graph.microsoft.com/v1.0/users/{ANNA}")]});
    let mut weak = person(ADELE);
    weak.permissions
        .remove("RoleManagement.ReadWrite.Directory");
    denied(write(&lab, &weak, "POST", "groups", group.clone()));
    let made = json_of(write(&lab, &adele, "POST", "groups", group.clone()).unwrap());
    let id = made["id"].as_str().unwrap();
    assert_eq!(made["visibility"], "Private");
    let change = json!({"isAssignableToRole": false});
    assert_eq!(
        write(&lab, &adele, "PATCH", &format!("groups/{id}"), change)
            .unwrap_err()
            .status,
        400
    );
    let mut dynamic = group;
    dynamic["groupTypes"] = json!(["DynamicMembership"]);
    assert_eq!(
        write(&lab, &adele, "POST", "groups", dynamic)
            .unwrap_err()
            .status,
        400
    );
    let nested = reference(GROUP);
    let members = format!("groups/{id}/members/$ref");
    assert_eq!(
        write(&lab, &adele, "POST", &members, nested)
            .unwrap_err()
            .status,
        400
    );
    assert_eq!(activities(&lab), ["Add group", "Add member to group"]);
}

#[test]
fn nested_groups_keep_their_transitive_lists_true() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let make = |name: &str| {
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        json_of(write(&lab, &adele, "POST", "groups", body).unwrap())["id"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    let (outer, inner) = (make("outer"), make("inner"));
    write(
        &lab,
        &adele,
        "POST",
        &format!("groups/{outer}/members/$ref"),
        reference(&inner),
    )
    .unwrap();
    write(
        &lab,
        &adele,
        "POST",
        &format!("groups/{inner}/members/$ref"),
        reference(ANNA),
    )
    .unwrap();
    let holds = |group: &str| {
        lab.state().table("groups").get(group).unwrap()["transitiveMembers"]
            .to_string()
            .contains(ANNA)
    };
    assert!(holds(&outer) && holds(&inner));
    // A ring of groups ends the walk, not the program.
    write(
        &lab,
        &adele,
        "POST",
        &format!("groups/{inner}/members/$ref"),
        reference(&outer),
    )
    .unwrap();
    write(
        &lab,
        &adele,
        "DELETE",
        &format!("groups/{outer}/members/{inner}/$ref"),
        Value::Null,
    )
    .unwrap();
    assert!(!holds(&outer) && holds(&inner));
    write(
        &lab,
        &adele,
        "DELETE",
        &format!("groups/{inner}"),
        Value::Null,
    )
    .unwrap();
    let anna = lab.state().table("users").get(ANNA).unwrap()["transitiveMemberOf"].to_string();
    assert!(!anna.contains(&inner) && !anna.contains(&outer), "{anna}");
}

#[test]
fn a_unit_marks_its_members_and_its_flag_never_changes() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let body = json!({"displayName": "U", "isMemberManagementRestricted": true});
    denied(write(
        &lab,
        &person(ANNA),
        "POST",
        "directory/administrativeUnits",
        body.clone(),
    ));
    let unit = json_of(write(&lab, &adele, "POST", "directory/administrativeUnits", body).unwrap());
    let path = format!(
        "directory/administrativeUnits/{}",
        unit["id"].as_str().unwrap()
    );
    let change = json!({"isMemberManagementRestricted": false});
    assert_eq!(
        write(&lab, &adele, "PATCH", &path, change)
            .unwrap_err()
            .status,
        400
    );
    write(
        &lab,
        &adele,
        "POST",
        &format!("{path}/members/$ref"),
        reference(ANNA),
    )
    .unwrap();
    assert_eq!(
        lab.state().table("users").get(ANNA).unwrap()["isManagementRestricted"],
        true
    );
    assert_eq!(
        activities(&lab),
        [
            "Add administrative unit",
            "Add member to restricted management administrative unit"
        ]
    );
    let created = lab.state().logs[0].record.to_string();
    assert!(
        created.contains("\"IsMemberManagementRestricted\"") && created.contains("[true]"),
        "{created}"
    );
    write(&lab, &adele, "DELETE", &path, Value::Null).unwrap();
    assert_eq!(
        lab.state().table("users").get(ANNA).unwrap()["isManagementRestricted"],
        Value::Null
    );
}

#[test]
fn privileged_users_are_changed_from_above_only() {
    let lab = lab("contoso-modern");
    // Chloe becomes a User Administrator.
    let body = json!({"principalId": CHLOE, "roleDefinitionId": "fe930be7-5e62-47db-91af-98c3a49a38b1", "directoryScopeId": "/"});
    write(
        &lab,
        &person(ADELE),
        "POST",
        "roleManagement/directory/roleAssignments",
        body,
    )
    .unwrap();
    write(
        &lab,
        &person(CHLOE),
        "PATCH",
        &format!("users/{ANNA}"),
        json!({"accountEnabled": false}),
    )
    .unwrap();
    let path = format!("users/{ADELE}");
    denied(write(
        &lab,
        &person(CHLOE),
        "PATCH",
        &path,
        json!({"accountEnabled": false}),
    ));
    denied(write(&lab, &person(CHLOE), "DELETE", &path, Value::Null));
    denied(write(
        &lab,
        &app("breakglass apply"),
        "PATCH",
        &path,
        json!({"accountEnabled": false}),
    ));
    write(
        &lab,
        &person(CHLOE),
        "PATCH",
        &path,
        json!({"jobTitle": "boss"}),
    )
    .unwrap();
    denied(write(
        &lab,
        &person(ANNA),
        "PATCH",
        &format!("users/{CHLOE}"),
        json!({"jobTitle": "x"}),
    ));
}

#[test]
fn an_assignment_has_the_computed_id_and_the_last_administrator_stays() {
    let lab = lab("contoso");
    let adele = person(ADELE);
    let list = "roleManagement/directory/roleAssignments";
    let body = json!({"principalId": CHLOE, "roleDefinitionId": GLOBAL, "directoryScopeId": "/"});
    let error = write(&lab, &adele, "POST", list, body).unwrap_err();
    assert_eq!(
        error.status, 400,
        "Chloe is Global Administrator of contoso already"
    );
    let own = format!("{list}/{}", write::assignment_id(GLOBAL, ADELE, "/"));
    let error = write(&lab, &adele, "DELETE", &own, Value::Null).unwrap_err();
    assert!(error.message.contains("your own"), "{}", error.message);
    let others: Vec<String> = lab
        .state()
        .table("roleAssignmentScheduleInstances")
        .all()
        .filter(|row| row["principalId"] != ADELE && row["roleDefinitionId"] == GLOBAL)
        .map(|row| row["principalId"].as_str().unwrap().to_owned())
        .collect();
    for other in &others {
        let path = format!("{list}/{}", write::assignment_id(GLOBAL, other, "/"));
        assert_eq!(
            write(&lab, &adele, "DELETE", &path, Value::Null)
                .unwrap()
                .status,
            204
        );
    }
    let error = write(&lab, &app("breakglass apply"), "DELETE", &own, Value::Null).unwrap_err();
    assert!(
        error.message.contains("last Global Administrator"),
        "{}",
        error.message
    );
}

#[test]
fn a_custom_role_is_made_assigned_at_a_unit_and_not_deleted_while_used() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let definitions = "roleManagement/directory/roleDefinitions";
    let body = json!({"displayName": "Custodian", "isEnabled": true, "rolePermissions": [
        {"allowedResourceActions": ["microsoft.directory/users/enable"]}]});
    let role = json_of(write(&lab, &adele, "POST", definitions, body.clone()).unwrap());
    let id = role["id"].as_str().unwrap();
    assert_eq!(
        write(&lab, &adele, "POST", definitions, body)
            .unwrap_err()
            .status,
        400
    );
    let scope = format!("/administrativeUnits/{UNIT}");
    let assignment =
        json!({"principalId": ANNA, "roleDefinitionId": id, "directoryScopeId": scope});
    write(
        &lab,
        &adele,
        "POST",
        "roleManagement/directory/roleAssignments",
        assignment,
    )
    .unwrap();
    assert_eq!(
        write(
            &lab,
            &adele,
            "DELETE",
            &format!("{definitions}/{id}"),
            Value::Null
        )
        .unwrap_err()
        .status,
        400
    );
    for path in [
        format!("{definitions}/{GLOBAL}"),
        format!("{definitions}/{KEEPER}"),
    ] {
        assert_eq!(
            write(&lab, &adele, "DELETE", &path, Value::Null)
                .unwrap_err()
                .status,
            400,
            "{path}"
        );
    }
    let global =
        json!({"principalId": ANNA, "roleDefinitionId": GLOBAL, "directoryScopeId": scope});
    let error = write(
        &lab,
        &adele,
        "POST",
        "roleManagement/directory/roleAssignments",
        global,
    )
    .unwrap_err();
    assert!(
        error.message.contains("not supported to be assigned"),
        "{}",
        error.message
    );
}

#[test]
fn every_write_has_permissions_and_reads_have_none() {
    assert_eq!(
        write::needs("PATCH", &["identity", "conditionalAccess", "policies", "x"]).len(),
        3
    );
    assert!(write::needs("POST", &["users"])[0].contains(&"User.ReadWrite.All"));
    assert!(write::needs("GET", &["users"]).is_empty());
}
