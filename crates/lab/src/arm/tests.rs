//! What each provider answers.

mod examples;
mod limits;
mod signs;

use serde_json::{Value, json};

use super::*;
use crate::{
    Table,
    testing::{ADELE, ANNA, EVERYTHING, app, apps, lab, person},
};

const SUBSCRIPTION: &str = "/subscriptions/2d7c5b1e-0f64-4a39-8e12-6a9b3c4d5e6f";
const SETTINGS: &str = "/providers/microsoft.aadiam/diagnosticSettings";

fn json_of(answer: &Answer) -> Value {
    match &answer.body {
        crate::lab::Body::Json(value) => value.clone(),
        _ => Value::Null,
    }
}

fn group() -> String {
    format!("{SUBSCRIPTION}/resourceGroups/rg-monitoring")
}

fn workspace() -> String {
    format!(
        "{}/providers/Microsoft.OperationalInsights/workspaces/law-security",
        group()
    )
}

fn ask(lab: &Lab, method: &str, path: &str, version: &str, body: Value) -> (u16, Value) {
    ask_as(lab, &app(EVERYTHING), method, path, version, body)
}

fn ask_as(
    lab: &Lab,
    caller: &Caller,
    method: &str,
    path: &str,
    version: &str,
    body: Value,
) -> (u16, Value) {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let query = format!("api-version={version}&{query}");
    let body = (!body.is_null()).then_some(body);
    let answer = answer(lab, caller, method, path, &query, body);
    assert!(
        answer
            .headers
            .iter()
            .any(|(name, _)| *name == "x-ms-request-id")
    );
    (answer.status, json_of(&answer))
}

/// The twin, with these Azure roles alone for the app that may do everything.
fn with_roles(lab: Lab, azure: &[&str]) -> Lab {
    let mut apps = apps();
    for app in &mut apps {
        if app.name == EVERYTHING {
            app.azure = azure.iter().map(|&role| role.to_owned()).collect();
        }
    }
    Lab { apps, ..lab }
}

fn code(answer: &(u16, Value)) -> (u16, &str) {
    (
        answer.0,
        answer.1["error"]["code"].as_str().unwrap_or_default(),
    )
}

fn setting(category: &str) -> Value {
    json!({"properties": {"workspaceId": workspace(), "logs": [{"category": category, "enabled": true,
        "retentionPolicy": {"enabled": false, "days": 0}}]}})
}

fn rule(query: &str) -> Value {
    json!({"location": "westeurope", "identity": {"type": "SystemAssigned"}, "properties": {
        "displayName": "r", "severity": 0, "enabled": true, "scopes": [workspace()], "evaluationFrequency": "PT1M",
        "windowSize": "PT5M", "autoMitigate": false, "criteria": {"allOf": [{"query": query,
            "timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0}]},
        "actions": {"actionGroups": []}}})
}

#[test]
fn versions_are_asked_for_and_checked() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass posture");
    let none = answer(&lab, &caller, "GET", SETTINGS, "", None);
    assert_eq!(
        json_of(&none)["error"]["code"],
        "MissingApiVersionParameter"
    );
    for (version, expected) in [
        ("latest", "InvalidApiVersionParameter"),
        ("2021-05-01", "NoRegisteredProviderFound"),
    ] {
        let got = ask_as(&lab, &caller, "GET", SETTINGS, version, Value::Null);
        assert_eq!(code(&got), (400, expected));
    }
    let unknown = ask_as(
        &lab,
        &caller,
        "GET",
        &format!("{}/providers/Microsoft.X/y", group()),
        "2021-05-01",
        Value::Null,
    );
    assert_eq!(code(&unknown), (404, "InvalidResourceType"));
}

#[test]
fn who_has_no_role_is_refused_and_sees_no_subscription() {
    let lab = lab("contoso-modern");
    let rules = format!("{SUBSCRIPTION}/providers/Microsoft.Insights/scheduledQueryRules");
    let got = ask_as(
        &lab,
        &person(ANNA),
        "GET",
        &rules,
        "2023-12-01",
        Value::Null,
    );
    assert_eq!(code(&got), (403, "AuthorizationFailed"));
    let list = ask_as(
        &lab,
        &person(ANNA),
        "GET",
        "/subscriptions",
        "2022-12-01",
        Value::Null,
    );
    assert_eq!(list.1["value"], json!([]));
    let (status, list) = ask_as(
        &lab,
        &app("breakglass posture"),
        "GET",
        &rules,
        "2023-12-01",
        Value::Null,
    );
    assert_eq!((status, list["value"].as_array().unwrap().len()), (200, 5));
    // Readers do not write.
    let path = format!(
        "{}/providers/Microsoft.Insights/scheduledQueryRules/new",
        group()
    );
    let got = ask_as(
        &lab,
        &app("breakglass posture"),
        "PUT",
        &path,
        "2023-12-01",
        rule("SigninLogs"),
    );
    assert_eq!(code(&got), (403, "AuthorizationFailed"));
    // A Global Administrator reads the tenant's own settings, and the rest after elevating access.
    assert_eq!(
        ask_as(
            &lab,
            &person(ADELE),
            "GET",
            SETTINGS,
            "2017-04-01",
            Value::Null
        )
        .0,
        200
    );
    assert_eq!(
        ask_as(
            &lab,
            &person(ADELE),
            "GET",
            &rules,
            "2023-12-01",
            Value::Null
        )
        .0,
        403
    );
    let elevate = "/providers/Microsoft.Authorization/elevateAccess";
    assert_eq!(
        ask_as(
            &lab,
            &person(ANNA),
            "POST",
            elevate,
            "2016-07-01",
            Value::Null
        )
        .0,
        403
    );
    assert_eq!(
        ask_as(
            &lab,
            &person(ADELE),
            "POST",
            elevate,
            "2016-07-01",
            Value::Null
        )
        .0,
        200
    );
    assert_eq!(
        ask_as(
            &lab,
            &person(ADELE),
            "GET",
            &rules,
            "2023-12-01",
            Value::Null
        )
        .0,
        200
    );
    assert!(
        lab.state().logs[0]
            .record
            .to_string()
            .contains("elevateAccess/action")
    );
}

#[test]
fn a_snapshot_is_served_as_it_is() {
    let lab = lab("contoso-modern");
    let caller = app("breakglass posture");
    let state = lab.state().clone();
    for (table, version) in [
        ("diagnosticSettings", "2017-04-01"),
        ("scheduledQueryRules", "2023-12-01"),
        ("actionGroups", "2023-01-01"),
    ] {
        for resource in state.table(table).all() {
            let id = resource["id"].as_str().unwrap();
            let (status, got) = ask_as(
                &lab,
                &caller,
                "GET",
                &id.to_uppercase(),
                version,
                Value::Null,
            );
            assert_eq!((status, &got), (200, resource));
        }
    }
}

#[test]
fn a_collection_that_the_snapshot_lacks_is_refused_in_plain_words() {
    let lab = lab("contoso-modern");
    lab.state().tables.remove("locks");
    lab.state().tables.remove("workspaces");
    let locks = format!("{SUBSCRIPTION}/providers/Microsoft.Authorization/locks");
    let got = ask(&lab, "GET", &locks, "2020-05-01", Value::Null);
    assert_eq!(code(&got), (403, "AuthorizationFailed"));
    assert!(got.1.to_string().contains("The twin holds no 'locks'"));
    // The workspace follows from the settings that name it.
    assert_eq!(
        ask(&lab, "GET", &workspace(), "2025-07-01", Value::Null).0,
        200
    );
}

#[test]
fn settings_of_the_directory_ask_for_a_role_in_entra_or_at_their_own_scope() {
    const VERSION: &str = "2017-04-01";
    let contoso = || lab("contoso-modern");
    let path = format!("{SETTINGS}/own");
    let body = setting("AuditLogs");
    // Owner of every subscription, and nothing of that reaches the directory.
    let lab = with_roles(contoso(), &["Owner"]);
    for (method, path, deed) in [
        ("GET", SETTINGS, "read"),
        ("GET", path.as_str(), "read"),
        ("PUT", &path, "write"),
        ("DELETE", &path, "delete"),
    ] {
        let got = ask(&lab, method, path, VERSION, body.clone());
        assert_eq!(code(&got), (403, "AuthorizationFailed"), "{method} {path}");
        let message = got.1["error"]["message"].as_str().unwrap();
        let action = format!("'microsoft.aadiam/diagnosticSettings/{deed}'");
        assert!(message.contains(&action), "{message}");
    }
    // Contributor at the scope of the directory's settings, with and without a right on the workspace.
    let lab = with_roles(contoso(), &["Contributor at /providers/Microsoft.aadiam"]);
    assert_eq!(ask(&lab, "GET", SETTINGS, VERSION, Value::Null).0, 200);
    let got = ask(&lab, "PUT", &path, VERSION, body.clone());
    assert_eq!(code(&got), (403, "LinkedAuthorizationFailed"));
    let roles = [
        "Contributor at /providers/Microsoft.aadiam",
        "Log Analytics Contributor",
    ];
    let lab = with_roles(contoso(), &roles);
    assert_eq!(ask(&lab, "PUT", &path, VERSION, body.clone()).0, 200);
    // Security Reader reads, and does not write; members without a role do neither.
    let lab = contoso();
    let posture = app("breakglass posture");
    assert_eq!(
        ask_as(&lab, &posture, "GET", SETTINGS, VERSION, Value::Null).0,
        200
    );
    for (who, method) in [(posture, "PUT"), (person(ANNA), "GET")] {
        let got = ask_as(&lab, &who, method, &path, VERSION, body.clone());
        assert_eq!(code(&got), (403, "AuthorizationFailed"));
    }
    // Global Administrator may write them, and still needs a role at the workspace.
    let got = ask_as(&lab, &person(ADELE), "PUT", &path, VERSION, body);
    assert_eq!(code(&got), (403, "LinkedAuthorizationFailed"));
}

#[test]
fn settings_replace_each_other_and_there_are_five() {
    let lab = lab("contoso-modern");
    let path = |name: &str| format!("{SETTINGS}/{name}");
    // The tenant has two of its own.
    for name in ["a", "b", "c"] {
        assert_eq!(
            ask(&lab, "PUT", &path(name), "2017-04-01", setting("AuditLogs")).0,
            200
        );
    }
    let sixth = ask(&lab, "PUT", &path("e"), "2017-04-01", setting("AuditLogs"));
    assert_eq!(code(&sixth), (409, "Conflict"));
    ask(&lab, "PUT", &path("a"), "2017-04-01", setting("SignInLogs"));
    let (_, got) = ask(&lab, "GET", &path("a"), "2017-04-01", Value::Null);
    assert_eq!(got["properties"]["logs"].as_array().unwrap().len(), 1);
    assert_eq!(got["properties"]["logs"][0]["category"], "SignInLogs");
    let list = ask(&lab, "GET", SETTINGS, "2017-04-01", Value::Null).1;
    assert_eq!(list["value"].as_array().unwrap().len(), 5);
    assert!(list.get("nextLink").is_none());
    for body in [
        setting("Nonsense"),
        json!({"properties": {"workspaceId": "x", "logs": []}}),
        json!({"properties": {}}),
    ] {
        assert_eq!(ask(&lab, "PUT", &path("a"), "2017-04-01", body).0, 400);
    }
    let categories = "/providers/microsoft.aadiam/diagnosticSettingsCategories";
    assert_eq!(
        ask(&lab, "GET", categories, "2017-04-01", Value::Null).0,
        400
    );
    assert_eq!(
        ask(&lab, "DELETE", &path("a"), "2017-04-01", Value::Null).0,
        200
    );
    assert_eq!(
        ask(&lab, "DELETE", &path("a"), "2017-04-01", Value::Null).0,
        204
    );
}

#[test]
fn a_setting_shows_late_and_stays_for_a_while_under_the_fault() {
    let lab = lab("contoso-modern");
    lab.faults().switch(Fault::DiagnosticLag, true);
    let path = format!("{SETTINGS}/late");
    ask(&lab, "PUT", &path, "2017-04-01", setting("AuditLogs"));
    let look = || ask(&lab, "GET", &path, "2017-04-01", Value::Null).0;
    assert_eq!([look(), look(), look(), look()], [404, 404, 404, 200]);
    ask(&lab, "DELETE", &path, "2017-04-01", Value::Null);
    let list = ask(&lab, "GET", SETTINGS, "2017-04-01", Value::Null).1;
    assert!(list.to_string().contains("late"));
    assert_eq!([look(), look(), look()], [200, 200, 404]);
}

#[test]
fn a_rule_is_judged_and_gets_an_identity_that_stays() {
    let lab = lab("contoso-modern");
    let path = format!(
        "{}/providers/Microsoft.Insights/scheduledQueryRules/new",
        group()
    );
    let with = |pointer: &str, value: Value| {
        let mut body = rule("SigninLogs | where UserId == 'x'");
        *body.pointer_mut(pointer).unwrap() = value;
        body
    };
    for (pointer, value) in [
        ("/properties/evaluationFrequency", json!("PT2M")),
        ("/properties/windowSize", json!("PT7M")),
        ("/properties/scopes", json!([])),
        ("/properties/severity", json!(7)),
        ("/properties/criteria/allOf", json!([])),
        (
            "/properties/criteria/allOf/0/query",
            json!("union SigninLogs, AuditLogs"),
        ),
        (
            "/properties/criteria/allOf/0/query",
            json!("SigninLogs | take 5"),
        ),
        (
            "/properties/actions/actionGroups",
            json!(["1", "2", "3", "4", "5", "6"]),
        ),
        ("/location", json!("")),
    ] {
        assert_eq!(
            ask(&lab, "PUT", &path, "2023-12-01", with(pointer, value)).0,
            400,
            "{pointer}"
        );
    }
    let mut muted = rule("SigninLogs");
    muted["properties"]["autoMitigate"] = json!(true);
    muted["properties"]["muteActionsDuration"] = json!("PT30M");
    assert_eq!(ask(&lab, "PUT", &path, "2023-12-01", muted).0, 400);
    let (status, made) = ask(&lab, "PUT", &path, "2023-12-01", rule("SigninLogs"));
    assert_eq!(status, 201);
    assert_eq!(made["properties"]["createdWithApiVersion"], "2023-12-01");
    let (status, again) = ask(&lab, "PUT", &path, "2026-03-01", rule("AuditLogs"));
    assert_eq!(status, 200);
    assert_eq!(
        again["identity"]["principalId"],
        made["identity"]["principalId"]
    );
    let health = format!("{path}/providers/Microsoft.ResourceHealth/availabilityStatuses/current");
    let (_, status) = ask(&lab, "GET", &health, "2025-05-01", Value::Null);
    assert_eq!(status["properties"]["title"], "Unauthorized to run query");
    let (_, off) = ask(
        &lab,
        "PATCH",
        &path,
        "2023-12-01",
        json!({"properties": {"enabled": false}}),
    );
    assert_eq!(off["properties"]["enabled"], false);
    assert_eq!(off["properties"]["windowSize"], "PT5M");
}

#[test]
fn action_groups_have_short_names_and_receivers_that_can_be_stopped() {
    let lab = lab("contoso-modern");
    let path = format!("{}/providers/Microsoft.Insights/actionGroups/g", group());
    let body = |short: &str, second: &str| {
        json!({"location": "Global", "properties": {"groupShortName": short, "enabled": true,
            "emailReceivers": [{"name": "a", "emailAddress": "a@x.example"}],
            "smsReceivers": [{"name": second, "countryCode": "41", "phoneNumber": "445550142", "status": "Disabled"}]}})
    };
    for wrong in [body("much too long a name", "b"), body("g", "A")] {
        assert_eq!(ask(&lab, "PUT", &path, "2023-01-01", wrong).0, 400);
    }
    let (status, made) = ask(&lab, "PUT", &path, "2023-01-01", body("g", "b"));
    assert_eq!(status, 201);
    assert_eq!(
        made["properties"]["smsReceivers"][0]["status"], "Enabled",
        "the status is the service's own"
    );
    let enable = format!("{path}/subscribe");
    let receiver = json!({"receiverName": "b"});
    assert_eq!(ask(&lab, "POST", &enable, "2023-01-01", receiver).0, 409);
    let test = answer(
        &lab,
        &app(EVERYTHING),
        "POST",
        &format!("{path}/createNotifications"),
        "api-version=2023-01-01",
        Some(json!({})),
    );
    assert_eq!(test.status, 202);
    let location = &test
        .headers
        .iter()
        .find(|(name, _)| *name == "location")
        .unwrap()
        .1;
    let status = location
        .strip_prefix("https://localhost:3")
        .unwrap()
        .split('?')
        .next()
        .unwrap();
    assert_eq!(
        ask(&lab, "GET", status, "2023-01-01", Value::Null).1["state"],
        "Complete"
    );
}

#[test]
fn a_lock_keeps_owners_out_too() {
    let lab = lab("contoso-modern");
    let lock = format!("{}/providers/Microsoft.Authorization/locks/l", group());
    assert_eq!(
        ask(
            &lab,
            "PUT",
            &lock,
            "2020-05-01",
            json!({"properties": {"level": "CanNotDelete"}})
        )
        .0,
        201
    );
    let path = format!(
        "{}/providers/Microsoft.Insights/scheduledQueryRules/break-glass-use",
        group()
    );
    assert_eq!(
        code(&ask(&lab, "DELETE", &path, "2023-12-01", Value::Null)),
        (409, "ScopeLocked")
    );
    assert_eq!(ask(&lab, "DELETE", &lock, "2020-05-01", Value::Null).0, 200);
    assert_eq!(ask(&lab, "DELETE", &path, "2023-12-01", Value::Null).0, 200);
}

/// X4: a lock of a resource group or of a resource is one of its subscription's.
#[test]
fn x4_locks_are_listed_with_those_below_the_scope() {
    let lab = lab("contoso-modern");
    let rule = format!(
        "{}/providers/Microsoft.Insights/scheduledQueryRules/break-glass-use",
        group()
    );
    let put = |scope: &str, name: &str| {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks/{name}");
        let body = json!({"properties": {"level": "CanNotDelete"}});
        assert_eq!(ask(&lab, "PUT", &path, "2020-05-01", body).0, 201, "{path}");
    };
    put(&group(), "of-group");
    put(&rule, "of-rule");
    put(SUBSCRIPTION, "of-all");
    let names = |scope: &str, filter: &str| -> Vec<String> {
        let path = format!("{scope}/providers/Microsoft.Authorization/locks?{filter}");
        let (status, got) = ask(&lab, "GET", &path, "2020-05-01", Value::Null);
        assert_eq!(status, 200, "{path}: {got}");
        let rows = got["value"].as_array().unwrap().iter();
        let mut names: Vec<String> = rows
            .map(|row| row["name"].as_str().unwrap().to_owned())
            .collect();
        names.sort_unstable();
        names
    };
    let all = ["keep-shop", "of-all", "of-group", "of-rule"];
    assert_eq!(names(SUBSCRIPTION, ""), all);
    assert_eq!(names(&group(), ""), ["of-group", "of-rule"]);
    assert_eq!(names(&rule, ""), ["of-rule"]);
    assert_eq!(names(SUBSCRIPTION, "$filter=atScope()"), ["of-all"]);
}

#[test]
fn role_assignments_are_filtered_by_scope_and_principal_and_are_unique() {
    let lab = lab("contoso-modern");
    let list = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments",
        workspace()
    );
    let count = |path: &str| {
        ask(&lab, "GET", path, "2022-04-01", Value::Null).1["value"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!(count(&format!("{list}?$filter=atScope()")), 10);
    let above = format!(
        "{}/providers/Microsoft.Authorization/roleAssignments",
        group()
    );
    assert_eq!(count(&format!("{above}?$filter=atScope()")), 5);
    assert_eq!(count(&above), 10);
    let principal = "7b3e1fa3-41c2-4d8a-b6f0-9c5d1e2a6025";
    assert_eq!(
        count(&format!("{above}?$filter=principalId eq '{principal}'")),
        2
    );
    assert_eq!(
        count(&format!("{above}?$filter=principalId eq '{ANNA}'")),
        0
    );
    let body = json!({"properties": {"principalId": principal, "roleDefinitionId":
        "/providers/Microsoft.Authorization/roleDefinitions/73c42c96-874c-492b-b04d-ab87d138a893"}});
    // Contributors do not assign roles.
    let lab = with_roles(lab, &["Contributor"]);
    let path = format!("{list}/11111111-0000-4000-8000-000000000001");
    assert_eq!(
        code(&ask(&lab, "PUT", &path, "2022-04-01", body.clone())),
        (403, "AuthorizationFailed")
    );
    let lab = with_roles(lab, &["Owner"]);
    assert_eq!(
        code(&ask(&lab, "PUT", &path, "2022-04-01", body.clone())),
        (409, "RoleAssignmentExists")
    );
    let mut nobody = body.clone();
    nobody["properties"]["principalId"] = json!("11111111-0000-4000-8000-00000000000f");
    assert_eq!(
        code(&ask(&lab, "PUT", &path, "2022-04-01", nobody.clone())),
        (400, "PrincipalNotFound")
    );
    nobody["properties"]["principalType"] = json!("ServicePrincipal");
    assert_eq!(ask(&lab, "PUT", &path, "2022-04-01", nobody.clone()).0, 201);
    assert_eq!(ask(&lab, "PUT", &path, "2022-04-01", nobody).0, 200);
    let (_, roles) = ask(
        &lab,
        "GET",
        "/providers/Microsoft.Authorization/roleDefinitions?$filter=roleName eq 'Reader'",
        "2022-04-01",
        Value::Null,
    );
    assert_eq!(
        roles["value"][0]["name"],
        "acdd72a7-3385-48ef-bd42-f606fba81ae7"
    );
}

#[test]
fn sentinel_rules_need_onboarding_and_near_real_time_ones_a_preview_version() {
    let lab = lab("contoso-modern");
    for own in [
        "onboardingStates",
        "alertRules",
        "automationRules",
        "watchlists",
    ] {
        lab.state().tables.insert(own.to_owned(), Table::default());
    }
    let base = format!("{}/providers/Microsoft.SecurityInsights", workspace());
    let nrt = json!({"kind": "NRT", "properties": {"displayName": "n", "enabled": true, "severity": "High",
        "suppressionDuration": "PT5H", "suppressionEnabled": false, "query": "SigninLogs"}});
    let path = format!("{base}/alertRules/n");
    assert_eq!(
        ask(&lab, "PUT", &path, "2025-10-01-preview", nrt.clone()).0,
        400
    );
    assert_eq!(
        ask(
            &lab,
            "GET",
            &format!("{base}/onboardingStates/default"),
            "2025-09-01",
            Value::Null
        )
        .0,
        404
    );
    let on = json!({"properties": {"customerManagedKey": false}});
    assert_eq!(
        ask(
            &lab,
            "PUT",
            &format!("{base}/onboardingStates/default"),
            "2025-09-01",
            on
        )
        .0,
        201
    );
    assert_eq!(ask(&lab, "PUT", &path, "2025-09-01", nrt.clone()).0, 400);
    let (status, made) = ask(&lab, "PUT", &path, "2025-10-01-preview", nrt);
    assert_eq!(status, 201);
    let list = |version: &str| {
        ask(
            &lab,
            "GET",
            &format!("{base}/alertRules"),
            version,
            Value::Null,
        )
        .1["value"]
            .as_array()
            .unwrap()
            .len()
    };
    assert_eq!((list("2025-09-01"), list("2025-10-01-preview")), (0, 1));
    let mut stale = made.clone();
    stale["etag"] = json!("\"other\"");
    assert_eq!(
        code(&ask(&lab, "PUT", &path, "2025-10-01-preview", stale)),
        (409, "Conflict")
    );
    assert_eq!(ask(&lab, "PUT", &path, "2025-10-01-preview", made).0, 200);
}

#[test]
fn workspaces_and_tables_are_read_and_changed() {
    let lab = lab("contoso-modern");
    let (_, found) = ask(&lab, "GET", &workspace(), "2025-07-01", Value::Null);
    assert_eq!(
        found["properties"]["workspaceCapping"]["dailyQuotaGb"],
        -1.0
    );
    let table = format!("{}/tables/SigninLogs", workspace());
    assert_eq!(
        ask(&lab, "GET", &table, "2025-07-01", Value::Null).1["properties"]["plan"],
        "Analytics"
    );
    let basic = json!({"properties": {"plan": "Basic"}});
    assert_eq!(
        ask(&lab, "PATCH", &table, "2025-07-01", basic.clone()).0,
        200
    );
    assert_eq!(
        ask(&lab, "GET", &table, "2025-07-01", Value::Null).1["properties"]["plan"],
        "Basic"
    );
    let audit = format!("{}/tables/AuditLogs", workspace());
    assert_eq!(ask(&lab, "PATCH", &audit, "2025-07-01", basic).0, 400);
    let (_, list) = ask(
        &lab,
        "GET",
        &format!("{}/tables", workspace()),
        "2025-07-01",
        Value::Null,
    );
    assert_eq!(list["value"].as_array().unwrap().len(), 3);
    let capped = json!({"location": "westeurope", "properties": {"workspaceCapping": {"dailyQuotaGb": 0.1}}});
    let (_, now) = ask(&lab, "PUT", &workspace(), "2025-07-01", capped);
    assert_eq!(
        now["properties"]["customerId"],
        found["properties"]["customerId"]
    );
}

#[test]
fn lists_page_by_next_link() {
    let lab = lab("contoso-modern");
    lab.faults().switch(Fault::TinyPages, true);
    let mut path = format!("{}/tables", workspace());
    let (mut pages, mut rows) = (0, 0);
    loop {
        let (_, page) = ask(&lab, "GET", &path, "2025-07-01", Value::Null);
        pages += 1;
        rows += page["value"].as_array().unwrap().len();
        let Some(next) = page["nextLink"].as_str() else {
            break;
        };
        path = next.strip_prefix("https://localhost:3").unwrap().to_owned();
    }
    assert_eq!((pages, rows), (2, 3));
}

#[test]
fn an_outage_answers_503_to_everything() {
    let lab = lab("contoso-modern");
    lab.faults().switch(Fault::ArmOutage, true);
    assert_eq!(
        ask(&lab, "GET", "/subscriptions", "2022-12-01", Value::Null).0,
        503
    );
}
