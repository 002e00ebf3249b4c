//! Privileged Identity Management.

use serde_json::{Value, json};

use crate::{
    Fault,
    testing::{ADELE, ANNA, CHLOE, KEEPER, UNIT, activities, app, json_of, lab, person, write},
};

const ACTIVE: &str = "roleManagement/directory/roleAssignmentScheduleRequests";
const ELIGIBLE: &str = "roleManagement/directory/roleEligibilityScheduleRequests";
const SECURITY: &str = "194ae4cb-b126-40b2-bd5b-6091b380977d";

fn assign(principal: &str, role: &str) -> Value {
    json!({"action": "AdminAssign", "justification": "j", "roleDefinitionId": role, "directoryScopeId": "/",
        "principalId": principal,
        "scheduleInfo": {"startDateTime": "2026-02-01T00:00:00Z", "expiration": {"type": "NoExpiration"}}})
}

/// The id of the settings of a role.
fn settings(lab: &crate::Lab, role: &str) -> String {
    let state = lab.state();
    let row = state
        .table("roleManagementPolicyAssignments")
        .all()
        .find(|row| row["roleDefinitionId"] == role)
        .unwrap();
    row["policyId"].as_str().unwrap().to_owned()
}

fn instances(lab: &crate::Lab, table: &str, role: &str) -> Vec<Value> {
    let state = lab.state();
    state
        .table(table)
        .all()
        .filter(|row| row["roleDefinitionId"] == role)
        .cloned()
        .collect()
}

#[test]
fn an_assignment_shows_as_an_instance_and_can_be_removed() {
    let lab = lab("contoso-modern");
    let adele = person(ADELE);
    let answer = write(&lab, &adele, "POST", ACTIVE, assign(ANNA, SECURITY)).unwrap();
    assert_eq!(answer.status, 201);
    let body = json_of(answer);
    assert_eq!(body["status"], "Provisioned");
    assert_eq!(body["action"], "adminAssign");
    assert_eq!(body["scheduleInfo"]["expiration"]["type"], "noExpiration");
    let rows = instances(&lab, "roleAssignmentScheduleInstances", SECURITY);
    assert_eq!(rows[0]["assignmentType"], "Assigned");
    assert_eq!(rows[0]["endDateTime"], Value::Null);
    let error = write(&lab, &adele, "POST", ACTIVE, assign(ANNA, SECURITY)).unwrap_err();
    assert_eq!(error.code, "RoleAssignmentExists");
    let mut remove = assign(ANNA, SECURITY);
    remove["action"] = json!("adminRemove");
    let body = json_of(write(&lab, &adele, "POST", ACTIVE, remove.clone()).unwrap());
    assert_eq!(body["status"], "Revoked");
    assert!(instances(&lab, "roleAssignmentScheduleInstances", SECURITY).is_empty());
    let error = write(&lab, &adele, "POST", ACTIVE, remove).unwrap_err();
    assert_eq!(error.code, "RoleAssignmentDoesNotExist");
    assert_eq!(
        activities(&lab),
        [
            "Add member to role",
            "Add member to role in PIM completed (permanent)",
            "Remove member from role",
            "Remove member from role in PIM completed (permanent)"
        ]
    );
}

#[test]
fn a_validation_creates_nothing() {
    let lab = lab("contoso-modern");
    let mut body = assign(ANNA, SECURITY);
    body["isValidationOnly"] = json!(true);
    let answer = json_of(write(&lab, &person(ADELE), "POST", ELIGIBLE, body).unwrap());
    assert_eq!(answer["isValidationOnly"], true);
    assert!(instances(&lab, "roleEligibilityScheduleInstances", SECURITY).is_empty());
    assert!(activities(&lab).is_empty());
}

#[test]
fn an_eligible_custodian_activates_within_the_rules_of_the_role() {
    let lab = lab("contoso-modern");
    let mut body = json!({"action": "selfActivate", "justification": "key lost", "roleDefinitionId": KEEPER,
        "directoryScopeId": format!("/administrativeUnits/{UNIT}"), "principalId": CHLOE,
        "scheduleInfo": {"expiration": {"type": "afterDuration", "duration": "PT8H"}}});
    let error = write(&lab, &person(CHLOE), "POST", ACTIVE, body.clone()).unwrap_err();
    assert_eq!(error.code, "RoleAssignmentRequestPolicyValidationFailed");
    assert_eq!(
        error.message,
        r#"The following policy rules failed: ["ExpirationRule"]"#
    );
    body["scheduleInfo"]["expiration"]["duration"] = json!("PT1H");
    // The role asks for approval: the request waits, and nothing is active yet.
    let answer = json_of(write(&lab, &person(CHLOE), "POST", ACTIVE, body.clone()).unwrap());
    assert_eq!(answer["status"], "PendingApproval");
    assert!(instances(&lab, "roleAssignmentScheduleInstances", KEEPER).is_empty());
    let rule = format!(
        "policies/roleManagementPolicies/{}/rules/Approval_EndUser_Assignment",
        settings(&lab, KEEPER)
    );
    let change = json!({"@odata.type": "#microsoft.graph.unifiedRoleManagementPolicyApprovalRule",
        "id": "Approval_EndUser_Assignment",
        "target": {"caller": "EndUser", "operations": ["All"], "level": "Assignment", "inheritableSettings": [],
            "enforcedSettings": []},
        "setting": {"isApprovalRequired": false}});
    assert_eq!(
        write(&lab, &person(ADELE), "PATCH", &rule, change)
            .unwrap()
            .status,
        204
    );
    let answer = json_of(write(&lab, &person(CHLOE), "POST", ACTIVE, body.clone()).unwrap());
    assert_eq!(answer["status"], "Provisioned");
    let rows = instances(&lab, "roleAssignmentScheduleInstances", KEEPER);
    assert_eq!(rows[0]["assignmentType"], "Activated");
    assert_eq!(rows[0]["endDateTime"], "2026-11-24T13:00:00Z");
    assert_eq!(rows[0]["activatedUsing"]["principalId"], CHLOE);
    // Somebody else's activation, and one of what nobody is eligible for.
    body["principalId"] = json!(ANNA);
    assert_eq!(
        write(&lab, &person(CHLOE), "POST", ACTIVE, body.clone())
            .unwrap_err()
            .status,
        403
    );
    let error = write(&lab, &person(ANNA), "POST", ACTIVE, body).unwrap_err();
    assert!(
        error.message.contains("EligibilityRule"),
        "{}",
        error.message
    );
    // Five minutes have not passed.
    let end = json!({"action": "selfDeactivate", "roleDefinitionId": KEEPER, "principalId": CHLOE,
        "directoryScopeId": format!("/administrativeUnits/{UNIT}")});
    let error = write(&lab, &person(CHLOE), "POST", ACTIVE, end).unwrap_err();
    assert_eq!(error.code, "ActiveDurationTooShort");
    assert!(activities(&lab).contains(&"Add member to role completed (PIM activation)".to_owned()));
}

#[test]
fn faults_of_licence_and_onboarding_answer_as_documented() {
    let lab = lab("contoso-modern");
    lab.faults().switch(Fault::NoPremium, true);
    let error = write(&lab, &person(ADELE), "POST", ACTIVE, assign(ANNA, SECURITY)).unwrap_err();
    assert_eq!(error.code, "AadPremiumLicenseRequired");
    lab.faults().switch(Fault::PimNotOnboarded, true);
    let answer = write(&lab, &person(ADELE), "POST", ACTIVE, assign(ANNA, SECURITY)).unwrap();
    assert_eq!(answer.status, 400);
    assert_eq!(json_of(answer)["errorCode"], "MissingProvider");
}

#[test]
fn a_rule_is_changed_by_people_only_and_an_empty_target_breaks_the_policy() {
    let lab = lab("contoso-modern");
    let path = format!(
        "policies/roleManagementPolicies/{}/rules",
        settings(&lab, KEEPER)
    );
    let kind = "#microsoft.graph.unifiedRoleManagementPolicyExpirationRule";
    let body = json!({"@odata.type": kind, "maximumDuration": "PT2H", "target": {}});
    let rule = format!("{path}/Expiration_EndUser_Assignment");
    let error = write(&lab, &app("breakglass apply"), "PATCH", &rule, body.clone()).unwrap_err();
    assert_eq!(error.status, 403);
    assert!(error.message.contains("PermissionScopeNotGranted"));
    let without = json!({"maximumDuration": "PT2H"});
    assert_eq!(
        write(&lab, &person(ADELE), "PATCH", &rule, without)
            .unwrap_err()
            .status,
        400
    );
    write(&lab, &person(ADELE), "PATCH", &rule, body.clone()).unwrap();
    let error = write(&lab, &person(ADELE), "PATCH", &rule, body).unwrap_err();
    assert!(error.message.ends_with("is invalid."), "{}", error.message);
    let unknown = format!("{path}/Nothing");
    assert_eq!(
        write(&lab, &person(ADELE), "PATCH", &unknown, json!({}))
            .unwrap_err()
            .status,
        404
    );
}
