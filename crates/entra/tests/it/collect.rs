//! Collecting a snapshot.

use std::{collections::BTreeSet, path::PathBuf};

use breakglass_entra::collect::{self, CollectError, Event, Options, Summary, reduce};
use breakglass_model::{FixedClock, export};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::{
    fake::{Fake, Fault, NOW, refused},
    tenant::{ADM, BG1, EVE, GLOBAL, ROLES, STAFF, WORKSPACE, policy, tenant},
};

fn fake() -> Fake {
    let fake = Fake::new(tenant());
    let empty = json!({"tables": [{"name": "PrimaryResult", "columns": [], "rows": []}]});
    fake.fault("/query", Fault::Answer(200, empty));
    fake
}

fn options(dir: &TempDir) -> Options {
    Options {
        accounts: vec!["BG1@contoso.onmicrosoft.com".to_owned()],
        out: dir.path().join("snapshot.json"),
        ..Options::default()
    }
}

fn now() -> Timestamp {
    NOW.parse().unwrap()
}

async fn at(fake: &Fake, options: &Options, time: Timestamp) -> Result<Summary, CollectError> {
    collect::collect(&fake.entra(), options, &FixedClock(time), &mut |_| {}).await
}

async fn run(fake: &Fake, options: &Options) -> Result<Summary, CollectError> {
    at(fake, options, now()).await
}

fn read(path: &PathBuf) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every collection that is read is compared, and with more than an empty list.
fn nothing_is_left_out(collected: &Value) {
    let names = |value: &Value| -> BTreeSet<String> {
        let all = value.as_object().unwrap().iter();
        all.filter(|(_, rows)| rows.as_array().is_some_and(|rows| !rows.is_empty()))
            .map(|(name, _)| name.clone())
            .collect()
    };
    let mut read: BTreeSet<String> = collect::collections()
        .into_iter()
        .map(str::to_owned)
        .collect();
    // The schedule instances take its place.
    assert!(read.remove("roleAssignments"));
    assert_eq!(names(&collected["collections"]), read);
    let reduced = reduce(collected.clone(), &Options::default());
    let left: BTreeSet<String> = reduced["collections"]
        .as_object()
        .unwrap()
        .keys()
        .cloned()
        .collect();
    assert_eq!(left, read, "what `reduce` leaves out is never compared");
}

/// Compares what was collected, already reduced, with the tenant.
fn same(collected: &mut Value, options: &Options) {
    let given = reduce(tenant(), options);
    let all = collected["collections"].as_object_mut().unwrap();
    // The age of the newest records is asked, not stored.
    all.shift_remove("workspaceFreshness");
    for (name, items) in given["collections"].as_object().unwrap() {
        let mine = all.shift_remove(name).unwrap_or_default();
        let items = items.as_array().unwrap();
        assert_eq!(mine.as_array().map(Vec::len), Some(items.len()), "{name}");
        for (mine, item) in mine.as_array().unwrap().iter().zip(items) {
            for (key, value) in item.as_object().unwrap() {
                assert_eq!(mine.get(key), Some(value), "{name}/{key}");
            }
            assert_eq!(mine, item, "{name}");
        }
    }
    assert!(all.is_empty(), "{all:?}");
    assert_eq!(collected["tenant"], given["tenant"]);
}

/// X4: what the twin is compared by.
#[tokio::test(start_paused = true)]
async fn x4_a_snapshot_is_what_the_tenant_is_after_the_reduction() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    let summary = run(&fake, &options).await.unwrap();
    assert_eq!(summary.not_read, []);
    nothing_is_left_out(&read(&options.out));
    let mut collected = reduce(read(&options.out), &options);
    same(&mut collected, &options);
}

#[tokio::test(start_paused = true)]
async fn reducing_twice_is_reducing_once() {
    let dir = TempDir::new().unwrap();
    let options = options(&dir);
    let once = reduce(tenant(), &options);
    assert_eq!(reduce(once.clone(), &options), once);
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_read_back_as_it_was_meant() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = Options {
        out: dir.path().join("snapshot.json.gz"),
        ..options(&dir)
    };
    fake.fault(
        "/accessReviews/",
        refused(403, "Authorization_RequestDenied"),
    );
    run(&fake, &options).await.unwrap();
    let snapshot = export::read([export::InputFile {
        path: "snapshot.json.gz".to_owned(),
        bytes: std::fs::read(&options.out).unwrap(),
    }]);
    assert_eq!(snapshot.set_aside, []);
    assert!(snapshot.users.is_complete() && snapshot.policies.is_complete());
    assert_eq!(snapshot.users.items.len(), 4);
    let missing = snapshot.access_reviews.missing.as_ref().unwrap();
    assert!(
        missing.reason.contains("403 Authorization_RequestDenied"),
        "{}",
        missing.reason
    );
    assert_eq!(missing.permission.as_deref(), Some("AccessReview.Read.All"));
    assert_eq!(snapshot.missing().len(), 1, "{:?}", snapshot.missing());
}

#[tokio::test(start_paused = true)]
async fn people_are_read_after_the_groups_that_give_them_roles() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    run(&fake, &options(&dir)).await.unwrap();
    let calls = fake.calls();
    let place = |text: &str| {
        calls
            .iter()
            .position(|call| call.contains(text))
            .unwrap_or_else(|| panic!("{text}: {calls:#?}"))
    };
    assert!(place("roleAssignmentScheduleInstances") < place(&format!("/groups/{ROLES}")));
    assert!(place(&format!("/groups/{ROLES}/members")) < place(&format!("/users/{ADM}/")));
    assert!(place(&format!("/users/{ADM}/")) < place("/v1.0/users?$select"));
    for call in [
        "/beta/identity/conditionalAccess/policies",
        "/v1.0/identity/conditionalAccess/policies?$select=id",
        "roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole'",
        "/beta/users/7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000/authentication/requirements",
    ] {
        place(call);
    }
    // Nobody reads methods, devices or groups of ordinary users one by one, and no list is read twice.
    assert!(!calls.iter().any(|call| call.contains(EVE)), "{calls:#?}");
    let mut seen = calls.clone();
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), calls.len(), "{calls:#?}");
}

/// Groups of an account that could not be read are not taken for none.
#[tokio::test(start_paused = true)]
async fn m2_what_hangs_on_unread_groups_is_not_read_either() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    fake.fault(
        "/transitiveMemberOf",
        refused(403, "Authorization_RequestDenied"),
    );
    let summary = run(&fake, &options).await.unwrap();
    for name in [
        "users/transitiveMemberOf",
        "privilegedAccessGroupAssignmentScheduleInstances",
        "privilegedAccessGroupEligibilityScheduleInstances",
    ] {
        assert!(
            summary.not_read.iter().any(|own| own.collection == name),
            "{name}: {:?}",
            summary.not_read
        );
    }
}

#[tokio::test(start_paused = true)]
async fn what_may_not_be_read_is_said_with_the_permission() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    fake.fault("/namedLocations", refused(403, "AccessDenied"));
    fake.fault(
        "/registeredDevices",
        refused(403, "Authorization_RequestDenied"),
    );
    fake.fault("/subscriptions?", refused(403, "AuthorizationFailed"));
    let summary = run(&fake, &options).await.unwrap();
    let of = |name: &str| {
        summary
            .not_read
            .iter()
            .find(|one| one.collection == name)
            .unwrap()
    };
    let locations = of("namedLocations");
    assert_eq!(locations.permission.as_deref(), Some("Policy.Read.All"));
    assert!(
        locations.reason.contains("answered with 403 AccessDenied")
            && locations.reason.contains("r-1")
    );
    assert_eq!(
        of("users/registeredDevices").permission.as_deref(),
        Some("Device.Read.All and User.Read.All")
    );
    assert_eq!(of("subscriptions").permission.as_deref(), Some("Reader"));
    assert_eq!(
        of("scheduledQueryRules").permission.as_deref(),
        Some("Monitoring Reader")
    );
    let written = read(&options.out);
    let collections = written["collections"].as_object().unwrap();
    assert!(
        !collections.contains_key("namedLocations")
            && !collections.contains_key("scheduledQueryRules")
    );
    let users = collections["users"].as_array().unwrap();
    assert!(
        users
            .iter()
            .all(|user| user.get("registeredDevices").is_none())
    );
    assert_eq!(
        written["notRead"].as_array().unwrap().len(),
        summary.not_read.len()
    );
}

/// W3: a list that was never looked for is not an empty list.
#[tokio::test(start_paused = true)]
async fn w3_lists_that_were_not_read_are_not_taken_for_none() {
    let mut tenant = tenant();
    let state =
        format!("{WORKSPACE}/providers/Microsoft.SecurityInsights/onboardingStates/default");
    tenant["collections"]["onboardingStates"] = json!([{"id": state}]);
    let (fake, dir) = (Fake::new(tenant), TempDir::new().unwrap());
    fake.fault("/watchlists?", refused(403, "AuthorizationFailed"));
    let summary = run(&fake, &options(&dir)).await.unwrap();
    let items = summary
        .not_read
        .iter()
        .find(|one| one.collection == "watchlistItems");
    assert!(
        items.is_some_and(|one| one.reason.contains("`watchlists`")),
        "{items:?}"
    );
    let written = read(&options(&dir).out);
    assert!(written["collections"].get("watchlistItems").is_none());
}

#[tokio::test(start_paused = true)]
async fn a_run_goes_on_where_a_failure_stopped_it() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    fake.fault(
        &format!("/groups/{STAFF}/transitiveMembers"),
        Fault::Unreachable,
    );
    let error = run(&fake, &options).await.unwrap_err();
    let CollectError::Interrupted { done, .. } = &error else {
        panic!("{error}");
    };
    assert!(*done > 10, "{error}");
    assert!(!options.out.exists());
    assert!(
        error.to_string().contains("run the same command again"),
        "{error}"
    );
    fake.mended();
    fake.fault("/query", refused(403, "InsufficientAccessError"));
    fake.forget();
    let mut events = Vec::new();
    let clock = FixedClock(now() + SignedDuration::from_hours(1));
    let summary = collect::collect(&fake.entra(), &options, &clock, &mut |one| events.push(one))
        .await
        .unwrap();
    assert!(summary.resumed);
    assert_eq!(summary.started, now());
    assert!(
        events
            .iter()
            .any(|one| one.what == "roleDefinitions" && one.event == Event::Kept)
    );
    assert!(
        !fake
            .calls()
            .iter()
            .any(|call| call.contains("conditionalAccess")),
        "{:?}",
        fake.calls()
    );
    assert!(!dir.path().join("snapshot.json.part").exists());
    let mut collected = reduce(read(&options.out), &options);
    same(&mut collected, &options);
}

#[tokio::test(start_paused = true)]
async fn an_old_or_different_beginning_is_not_continued() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let first = options(&dir);
    fake.fault("/v1.0/users?", Fault::Unreachable);
    for (other, time, why) in [
        (first.clone(), SignedDuration::from_hours(7), "six hours"),
        (
            Options {
                with_names: true,
                ..first.clone()
            },
            SignedDuration::ZERO,
            "something else",
        ),
        (
            Options {
                fresh: true,
                ..first.clone()
            },
            SignedDuration::ZERO,
            "asked for",
        ),
    ] {
        fake.fault("/v1.0/users?", Fault::Unreachable);
        run(
            &fake,
            &Options {
                fresh: true,
                ..first.clone()
            },
        )
        .await
        .unwrap_err();
        fake.mended();
        let summary = at(&fake, &other, now() + time).await.unwrap();
        assert!(!summary.resumed);
        assert!(
            summary.anew.as_ref().unwrap().contains(why),
            "{:?}",
            summary.anew
        );
    }
}

#[tokio::test(start_paused = true)]
async fn two_runs_cannot_write_the_same_snapshot() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    let part = dir.path().join("snapshot.json.part");
    std::fs::create_dir(&part).unwrap();
    let lock = std::fs::File::create(part.join("lock")).unwrap();
    lock.try_lock().unwrap();
    let error = run(&fake, &options).await.unwrap_err();
    assert!(matches!(error, CollectError::Busy { .. }), "{error}");
    assert!(error.to_string().contains("another `collect`"), "{error}");
    lock.unlock().unwrap();
    run(&fake, &options).await.unwrap();
}

/// W5: ages are told from the time of the snapshot, which our clock gave.
#[tokio::test(start_paused = true)]
async fn w5_a_clock_that_is_off_is_noted() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    fake.date("Mon, 01 Jun 2026 10:10:00 GMT");
    let summary = run(&fake, &options).await.unwrap();
    let [note] = summary.notes.as_slice() else {
        panic!("{:?}", summary.notes);
    };
    assert!(note.contains("clock was 600 s behind"), "{note}");
    fake.date("Mon, 01 Jun 2026 10:00:30 GMT");
    let summary = run(&fake, &options).await.unwrap();
    assert_eq!(summary.notes, [""; 0]);
}

#[tokio::test(start_paused = true)]
async fn policies_that_version_one_leaves_out_are_noted() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    fake.edit(|all| all["conditionalAccessPolicies"][1]["preview"] = json!(true));
    let options = options(&dir);
    let summary = run(&fake, &options).await.unwrap();
    let [note] = summary.notes.as_slice() else {
        panic!("{:?}", summary.notes);
    };
    assert!(
        note.contains("leaves out 1 of 3") && note.ends_with("c2"),
        "{note}"
    );
    assert_eq!(summary.collections["conditionalAccessPolicies"], 3);
    let snapshot = export::read([export::InputFile {
        path: "snapshot.json".to_owned(),
        bytes: std::fs::read(&options.out).unwrap(),
    }]);
    assert!(
        snapshot.assumptions.contains(note),
        "{:?}",
        snapshot.assumptions
    );
    assert!(snapshot.policies.is_complete());
}

#[tokio::test(start_paused = true)]
async fn without_a_licence_plain_assignments_are_read_and_it_is_said() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let provider = json!({"errorCode": "MissingProvider", "message": "The provider is missing."});
    fake.fault("ScheduleInstances", Fault::Answer(400, provider));
    fake.fault(
        "signInActivity",
        refused(403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant"),
    );
    fake.edit(|all| {
        all["roleAssignments"] = json!([
            {"id": "x", "principalId": BG1, "roleDefinitionId": GLOBAL, "directoryScopeId": "/"},
            {"id": "y", "principalId": ROLES, "roleDefinitionId": GLOBAL, "directoryScopeId": "/"},
        ]);
    });
    let options = options(&dir);
    let summary = run(&fake, &options).await.unwrap();
    let names: Vec<&str> = summary
        .not_read
        .iter()
        .map(|one| one.collection.as_str())
        .collect();
    assert!(
        names.contains(&"roleAssignmentScheduleInstances")
            && names.contains(&"users/signInActivity")
    );
    assert!(
        summary
            .not_read
            .iter()
            .all(|one| one.reason.contains("no licence")),
        "{:?}",
        summary.not_read
    );
    assert!(
        summary.notes[0].contains("without Privileged Identity Management"),
        "{:?}",
        summary.notes
    );
    let snapshot = export::read([export::InputFile {
        path: "snapshot.json".to_owned(),
        bytes: std::fs::read(&options.out).unwrap(),
    }]);
    assert!(snapshot.active_assignments.is_complete());
    assert!(!snapshot.eligible_assignments.is_complete());
    let administrator = snapshot
        .users
        .iter()
        .find(|user| user.id.as_ref().is_some_and(|id| id.is(ADM)))
        .unwrap();
    assert!(administrator.methods.get().is_some() && administrator.last_sign_in.get().is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deleted_group_stays_absent_and_one_that_is_refused_does_not() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let gone = "7b3e1d53-41c2-4d8a-b6f0-000000000000";
    fake.edit(|all| all["conditionalAccessPolicies"][1] = policy("c2", &[gone], &[]));
    let first = options(&dir);
    let summary = run(&fake, &first).await.unwrap();
    assert_eq!(summary.not_read, []);
    assert_eq!(summary.collections["groups"], 4 - 1);
    fake.fault(
        &format!("/groups/{STAFF}/members"),
        refused(403, "Authorization_RequestDenied"),
    );
    let summary = run(&fake, &first).await.unwrap();
    assert_eq!(summary.not_read[0].collection, "groups/members");
    let written = read(&first.out);
    let groups = written["collections"]["groups"].as_array().unwrap();
    let staff = groups.iter().find(|group| group["id"] == STAFF).unwrap();
    assert_eq!(staff.get("members"), None);
}

#[tokio::test(start_paused = true)]
async fn nothing_that_names_an_ordinary_user_is_written() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    run(&fake, &options).await.unwrap();
    let text = std::fs::read_to_string(&options.out).unwrap();
    for name in [
        "Eve Sales",
        "eve@contoso.com",
        "Bob Smith",
        "bob_",
        "Somebody",
    ] {
        assert!(!text.contains(name), "{name} in {text}");
    }
    // The phone number that everybody has stands with the two who are read in full.
    assert_eq!(text.matches("+41 44 555 01 42").count(), 2);
    assert!(text.contains("fabrikam.com") && text.contains(EVE));
    let named = Options {
        with_names: true,
        ..options
    };
    run(&fake, &named).await.unwrap();
    let text = std::fs::read_to_string(&named.out).unwrap();
    assert!(text.contains("Eve Sales") && text.contains("eve@contoso.com"));
    assert_eq!(text.matches("+41 44 555 01 42").count(), 2);
}

#[cfg(unix)]
#[tokio::test(start_paused = true)]
async fn only_the_owner_may_read_the_snapshot() {
    use std::os::unix::fs::PermissionsExt as _;
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = options(&dir);
    run(&fake, &options).await.unwrap();
    let mode = std::fs::metadata(&options.out)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_not_there_is_said_by_name() {
    let (fake, dir) = (fake(), TempDir::new().unwrap());
    let options = Options {
        accounts: vec!["typo@contoso.com".to_owned()],
        ..options(&dir)
    };
    let error = run(&fake, &options).await.unwrap_err();
    assert!(
        error.to_string().contains("no user `typo@contoso.com`"),
        "{error}"
    );
}
