//! The portal: what is done there is a write of Graph, by the roles of whoever is signed in.

use breakglass_lab::LogKind;
use serde_json::Value;

use crate::{
    keys::{BREAKGLASS, enrol, use_key},
    signin::Person,
    support::{Twin, example},
};

const CLARA: &str = "7b3e1a4a-41c2-4d8a-b6f0-9c5d1e2a41a6";

async fn signed_in(twin: &Twin) -> Person<'_> {
    let mut person = Person::new(twin);
    let mut key = enrol(&mut person, twin, BREAKGLASS, "m-BG01-A").await;
    use_key(&mut person, twin, &mut key).await;
    person.open("/portal", &[]).await;
    assert!(person.page.contains("Portal of"), "{}", person.page);
    person
}

async fn act(person: &mut Person<'_>, act: &str, id: &str, value: &str) {
    let csrf = person.hidden("csrf");
    let form = [
        ("csrf", csrf.as_str()),
        ("act", act),
        ("id", id),
        ("value", value),
    ];
    person.post("/portal/act", &form).await;
}

fn policy(twin: &Twin, name: &str) -> Value {
    twin.running.lab().snapshot()["collections"]["conditionalAccessPolicies"]
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["displayName"].as_str().unwrap().starts_with(name))
        .unwrap_or(&Value::Null)
        .clone()
}

fn audits(twin: &Twin) -> Vec<String> {
    twin.running
        .lab()
        .logs()
        .iter()
        .filter(|row| row.kind == LogKind::Audit)
        .map(|row| {
            row.record["activityDisplayName"]
                .as_str()
                .unwrap()
                .to_owned()
        })
        .collect()
}

#[tokio::test]
async fn every_action_is_a_write_with_its_audit_record() {
    let twin = Twin::of(example("contoso-modern")).await;
    let mut person = signed_in(&twin).await;
    let id = policy(&twin, "CA001")["id"].as_str().unwrap().to_owned();

    act(
        &mut person,
        "state",
        &id,
        "enabledForReportingButNotEnforced",
    )
    .await;
    assert_eq!(
        policy(&twin, "CA001")["state"],
        "enabledForReportingButNotEnforced"
    );
    act(&mut person, "exclude", &id, BREAKGLASS).await;
    let users = policy(&twin, "CA001")["conditions"]["users"].clone();
    assert_eq!(
        users["excludeUsers"].as_array().unwrap().len(),
        1,
        "{}",
        person.page
    );
    assert_eq!(users["excludeGroups"].as_array().unwrap().len(), 1);
    act(&mut person, "include", &id, "Break glass accounts").await;
    let users = policy(&twin, "CA001")["conditions"]["users"].clone();
    assert_eq!(
        users["excludeGroups"].as_array().unwrap().len(),
        0,
        "{}",
        person.page
    );
    act(&mut person, "compliant", "", "").await;
    let made = policy(&twin, "Compliant device");
    assert_eq!(made["state"], "enabled");
    act(&mut person, "drop", made["id"].as_str().unwrap(), "").await;
    assert!(policy(&twin, "Compliant device").is_null());
    act(&mut person, "password", CLARA, "A-New-Password-2").await;
    assert!(
        person.page.contains("The password was reset"),
        "{}",
        person.page
    );
    let found = audits(&twin);
    for activity in [
        "Add conditional access policy",
        "Delete conditional access policy",
        "Update conditional access policy",
        "Reset password",
    ] {
        assert!(
            found.iter().any(|own| own.eq_ignore_ascii_case(activity)),
            "{activity}: {found:?}"
        );
    }
    // Keys and roles.
    let keys = || {
        let snapshot = twin.running.lab().snapshot();
        snapshot["collections"]["users"][0]["authentication"]["methods"]
            .as_array()
            .unwrap()
            .len()
    };
    let before = keys();
    act(
        &mut person,
        "key",
        "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000",
        "m-BG01-B",
    )
    .await;
    assert_eq!(keys(), before - 1, "{}", person.page);
}

#[tokio::test]
async fn a_form_of_another_session_does_nothing() {
    let twin = Twin::of(example("contoso-modern")).await;
    let mut person = signed_in(&twin).await;
    let before = twin.running.lab().logs().len();
    let id = policy(&twin, "CA001")["id"].as_str().unwrap().to_owned();
    let form = [
        ("csrf", "guessed"),
        ("act", "state"),
        ("id", id.as_str()),
        ("value", "disabled"),
    ];
    person.post("/portal/act", &form).await;
    assert!(person.page.contains("Nothing was done"), "{}", person.page);
    assert_eq!(policy(&twin, "CA001")["state"], "enabled");
    assert_eq!(twin.running.lab().logs().len(), before);
    // Without a session there is only the way to the sign-in page.
    let mut stranger = Person::new(&twin);
    stranger.post("/portal/act", &form).await;
    assert!(stranger.sent.unwrap().path().ends_with("/lab/signin"));
    let csrf = person.hidden("csrf");
    person.post("/portal/signout", &[("csrf", &csrf)]).await;
    person.open("/portal", &[]).await;
    assert!(person.sent.is_some());
}

#[tokio::test]
async fn somebody_without_a_role_is_refused() {
    let mut snapshot = example("contoso-modern");
    for table in [
        "roleAssignmentScheduleInstances",
        "roleEligibilityScheduleInstances",
    ] {
        snapshot["collections"][table]
            .as_array_mut()
            .unwrap()
            .retain(|row| row["principalId"] != "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000");
    }
    let twin = Twin::of(snapshot).await;
    let mut person = signed_in(&twin).await;
    let id = policy(&twin, "CA001")["id"].as_str().unwrap().to_owned();
    act(&mut person, "state", &id, "disabled").await;
    assert!(
        person.page.contains("AccessDenied") || person.page.contains("Authorization_RequestDenied"),
        "{}",
        person.page
    );
    assert_eq!(policy(&twin, "CA001")["state"], "enabled");
}
