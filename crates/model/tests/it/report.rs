//! The registration report and schedules in files of their own, and what stands beside the collections of a snapshot.

use breakglass_model::{
    TenantSnapshot,
    export::{self, InputFile, SNAPSHOT_SCHEMA},
};
use serde_json::{Value, json};

fn read(files: &[(&str, Value)]) -> TenantSnapshot {
    export::read(files.iter().map(|(path, document)| InputFile {
        path: (*path).to_owned(),
        bytes: document.to_string().into_bytes(),
    }))
}

#[test]
fn a_row_of_the_report_is_no_user() {
    let tenant = read(&[
        (
            "userRegistrationDetails.json",
            json!({"value": [{"id": "a", "userPrincipalName": "a@contoso.com", "methodsRegistered": ["fido2"]}]}),
        ),
        (
            "users.json",
            json!({"value": [{"id": "a", "userPrincipalName": "a@contoso.com", "accountEnabled": true}]}),
        ),
    ]);
    assert_eq!(tenant.users.items.len(), 1);
    let user = &tenant.users.items[0];
    assert_eq!(user.account_enabled.get(), Some(&true));
    let words: Vec<_> = user.registered.unwrap().words().collect();
    assert_eq!(words, ["fido2"]);
    assert!(user.methods.why_not().is_some());
}

#[test]
fn a_schedule_is_not_the_assignment_that_it_makes() {
    let schedule = json!({
        "id": "s", "principalId": "a", "roleDefinitionId": "r", "directoryScopeId": "/", "scheduleInfo": {},
        "assignmentType": "Assigned", "memberType": "Direct", "status": "Provisioned",
    });
    let tenant = read(&[("roleAssignmentSchedules.json", json!([schedule]))]);
    assert!(tenant.set_aside.is_empty(), "{:?}", tenant.set_aside);
    assert_eq!(tenant.other["roleAssignmentSchedules"].len(), 1);
    assert!(tenant.active_assignments.items.is_empty());
}

#[test]
fn a_note_that_is_no_text_is_set_aside() {
    let tenant = read(&[(
        "t.json",
        json!({
            "schema": SNAPSHOT_SCHEMA, "collections": {"users": []},
            "notes": ["guests were not collected", 7],
        }),
    )]);
    assert_eq!(tenant.assumptions, ["guests were not collected"]);
    assert_eq!(tenant.set_aside.len(), 1);
    assert_eq!(tenant.set_aside[0].position, "notes[1]");
}
