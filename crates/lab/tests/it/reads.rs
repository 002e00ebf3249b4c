//! Reading from Graph.

use std::collections::BTreeSet;

use breakglass_lab::Fault;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    support::{Twin, example},
    writes::send,
};

const BREAK_GLASS: &str = "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000";
const ACCOUNTS: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";
const EVENTUAL: &[(&str, &str)] = &[("ConsistencyLevel", "eventual")];

fn code(body: &Value) -> &str {
    body["error"]["code"].as_str().unwrap_or_default()
}

/// All pages of a list.
async fn all(twin: &Twin, path: &str) -> (Vec<Value>, usize) {
    let token = twin.token("breakglass posture").await;
    let origin = &twin.running.addresses.graph;
    let (mut path, mut found, mut pages) = (path.to_owned(), Vec::new(), 0);
    loop {
        let (status, body) = twin.get_as(&token, &path, &[]).await;
        assert_eq!(status, 200, "{path}: {body}");
        pages += 1;
        found.extend(body["value"].as_array().unwrap().iter().cloned());
        match body["@odata.nextLink"].as_str() {
            None => return (found, pages),
            Some(next) => path = next.strip_prefix(origin.as_str()).unwrap().to_owned(),
        }
    }
}

#[tokio::test]
async fn the_organisation_is_read_over_tls() {
    let twin = Twin::of(example("contoso")).await;
    let (status, body) = twin.get("/v1.0/organization").await;
    assert_eq!(status, 200);
    assert_eq!(body["value"][0]["displayName"], "Contoso");
}

/// X4: members of enumerations that came later are shown to those only who say that they take them, also in a batch.
#[tokio::test]
async fn x4_newer_members_of_enumerations_are_shown_on_request() {
    const ALL: &[(&str, &str)] = &[("Prefer", "include-unknown-enum-members")];
    let mut tenant = example("contoso");
    let policy = &mut tenant["collections"]["conditionalAccessPolicies"][0];
    policy["conditions"]["platforms"] =
        json!({"includePlatforms": ["all"], "excludePlatforms": ["linux"]});
    let path = format!(
        "identity/conditionalAccess/policies/{}",
        policy["id"].as_str().unwrap()
    );
    let twin = Twin::of(tenant).await;
    let platforms = |body: &Value| body["conditions"]["platforms"]["excludePlatforms"][0].clone();
    for (headers, shown) in [(ALL, "linux"), (&[], "unknownFutureValue")] {
        let (_, body) = twin.get_with(&format!("/v1.0/{path}"), headers).await;
        assert_eq!(platforms(&body), shown);
        let headers: serde_json::Map<String, Value> = headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), json!(value)))
            .collect();
        let batch = json!({"requests": [{"id": "1", "method": "GET", "url": format!("/{path}"), "headers": headers}]});
        let token = twin.token("breakglass posture").await;
        let url = format!("{}/v1.0/$batch", twin.running.addresses.graph);
        let (_, answer) = send(&twin, &token, reqwest::Method::POST, &url, batch).await;
        assert_eq!(platforms(&answer["responses"][0]["body"]), shown);
    }
}

#[tokio::test]
async fn what_is_not_selected_is_absent_and_what_is_empty_is_null() {
    let twin = Twin::of(example("contoso")).await;
    let (_, plain) = twin.get(&format!("/v1.0/users/{BREAK_GLASS}")).await;
    assert_eq!(plain["displayName"], "Break Glass 01");
    assert!(plain.get("accountEnabled").is_none());
    assert!(plain.get("authentication").is_none());
    assert_eq!(
        plain["@odata.context"],
        json!(format!(
            "{}/v1.0/$metadata#users/$entity",
            twin.running.addresses.graph
        ))
    );
    let upn = plain["userPrincipalName"].as_str().unwrap();
    for path in [
        format!(
            "/v1.0/users/{}?$select=id,accountEnabled,city",
            upn.to_uppercase()
        ),
        format!("/beta/users('{upn}')?$select=id,accountEnabled,city"),
    ] {
        let (status, chosen) = twin.get(&path).await;
        assert_eq!(status, 200, "{chosen}");
        assert_eq!(chosen["id"], BREAK_GLASS);
        assert_eq!(chosen["accountEnabled"], true);
        assert_eq!(chosen.get("city"), Some(&Value::Null));
        assert!(chosen.get("displayName").is_none());
    }
    let (status, body) = twin.get("/v1.0/users/nobody@contoso.com").await;
    assert_eq!((status, code(&body)), (404, "Request_ResourceNotFound"));
    let (status, body) = twin.get("/v1.0/users?$select=favouriteColour").await;
    assert_eq!((status, code(&body)), (400, "BadRequest"));
    assert_eq!(twin.get("/v1.0/users?$select=aboutMe").await.0, 501);
}

#[tokio::test]
async fn advanced_queries_need_the_header_and_the_count() {
    let twin = Twin::of(example("contoso")).await;
    for (path, status, wanted) in [
        ("/v1.0/users/$count", 400, "Request_BadRequest"),
        (
            "/v1.0/users?$search=\"displayName:Break\"",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/v1.0/users?$filter=endsWith(userPrincipalName,'.com')",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/v1.0/users?$filter=accountEnabled ne false",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/v1.0/users?$filter=not(accountEnabled eq false)",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/v1.0/users?$filter=accountEnabled eq true&$orderby=displayName",
            400,
            "Request_UnsupportedQuery",
        ),
        (
            "/v1.0/users?$filter=faxNumber eq '1'",
            400,
            "Request_UnsupportedQuery",
        ),
        ("/v1.0/users?$filter=nothing eq '1'", 400, "BadRequest"),
        ("/v1.0/users?$filter=displayName eq", 400, "BadRequest"),
        ("/v1.0/users?$top=1000", 400, "Request_UnsupportedQuery"),
        ("/v1.0/users?$skip=1", 400, "Request_BadRequest"),
        ("/v1.0/users?$filter=accountEnabled eq true", 200, ""),
        ("/v1.0/users?$count=true", 200, ""),
        ("/v1.0/users?$orderby=displayName", 200, ""),
    ] {
        let (got, body) = twin.get(path).await;
        assert_eq!((got, code(&body)), (status, wanted), "{path}: {body}");
        assert!(body.get("@odata.count").is_none(), "{path}");
    }
    for path in [
        "/v1.0/users?$filter=endsWith(userPrincipalName,'.com')&$count=true",
        "/v1.0/users?$filter=accountEnabled ne false&$orderby=displayName desc&$count=true&$top=2",
        "/v1.0/groups?$filter=not(securityEnabled eq false)&$count=true",
    ] {
        let (status, body) = twin.get_with(path, EVENTUAL).await;
        assert_eq!(status, 200, "{path}: {body}");
        assert!(body["@odata.count"].as_u64().unwrap() > 0);
    }
    let (status, body) = twin
        .get_with("/v1.0/users?$search=\"displayName:Break\"", EVENTUAL)
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(body["value"].as_array().unwrap().len(), 2);
    let (status, count) = twin.get_with("/v1.0/users/$count", EVENTUAL).await;
    assert_eq!((status, count), (200, json!(9)));
    let json_only = [EVENTUAL[0], ("Accept", "application/json")];
    assert_eq!(twin.get_with("/v1.0/users/$count", &json_only).await.0, 415);
}

#[tokio::test]
async fn every_object_comes_once_however_small_the_pages_are() {
    let twin = Twin::of(example("contoso")).await;
    for fault in [None, Some(Fault::TinyPages)] {
        if let Some(fault) = fault {
            twin.switch(fault, true);
        }
        for path in [
            "/v1.0/users?$select=id&$top=4",
            "/v1.0/users?$select=id&$orderby=displayName&$top=2",
            "/v1.0/groups",
            "/v1.0/identity/conditionalAccess/policies",
            "/v1.0/roleManagement/directory/roleAssignments",
        ] {
            let (found, pages) = all(&twin, path).await;
            let ids: BTreeSet<&str> = found
                .iter()
                .map(|one| one["id"].as_str().unwrap())
                .collect();
            assert_eq!(ids.len(), found.len(), "{path}");
            if path.contains("users") {
                assert_eq!(found.len(), 9, "{path}");
            }
            if fault.is_some() {
                assert!(pages > found.len() / 2, "{path}: {pages}");
            }
        }
    }
    twin.switch(Fault::TinyPages, false);
    twin.switch(Fault::ForeignNextLink, true);
    let (_, body) = twin.get("/v1.0/users?$top=4").await;
    let next = body["@odata.nextLink"].as_str().unwrap();
    assert!(
        next.starts_with("https://graph.microsoft.example/v1.0/users?"),
        "{next}"
    );
    let (status, body) = twin.get("/v1.0/users?$skiptoken=nonsense").await;
    assert_eq!((status, code(&body)), (400, "Directory_ExpiredPageToken"));
}

#[tokio::test]
async fn who_belongs_to_what_is_worked_out_in_both_directions() {
    let twin = Twin::of(example("contoso")).await;
    let (members, _) = all(&twin, &format!("/v1.0/groups/{ACCOUNTS}/members")).await;
    assert_eq!(members.len(), 2);
    assert_eq!(members[0]["@odata.type"], "#microsoft.graph.user");
    assert_eq!(members[0]["displayName"], "Break Glass 01");
    let (above, _) = all(
        &twin,
        &format!("/v1.0/users/{BREAK_GLASS}/transitiveMemberOf"),
    )
    .await;
    let kinds: BTreeSet<&str> = above
        .iter()
        .map(|one| one["@odata.type"].as_str().unwrap())
        .collect();
    assert_eq!(
        kinds,
        BTreeSet::from(["#microsoft.graph.directoryRole", "#microsoft.graph.group"])
    );
    let cast =
        format!("/v1.0/users/{BREAK_GLASS}/transitiveMemberOf/microsoft.graph.group?$select=id");
    let (groups, _) = all(&twin, &cast).await;
    assert!(
        groups
            .iter()
            .all(|group| group.get("@odata.type").is_none())
    );
    let ids: BTreeSet<&str> = groups
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    let stored = &example("contoso")["collections"]["users"][0]["transitiveMemberOf"];
    let wanted: BTreeSet<&str> = stored
        .as_array()
        .unwrap()
        .iter()
        .map(|one| one["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids, wanted);

    let transitive = format!("/v1.0/groups/{ACCOUNTS}/transitiveMembers/microsoft.graph.user");
    assert_eq!(twin.get(&transitive).await.0, 400);
    let (status, body) = twin
        .get_with(&format!("{transitive}?$count=true&$select=id"), EVENTUAL)
        .await;
    assert_eq!((status, &body["@odata.count"]), (200, &json!(2)));

    let (status, body) = twin
        .get(&format!("/v1.0/groups/{ACCOUNTS}/members/{BREAK_GLASS}"))
        .await;
    assert_eq!(status, 200, "{body}");
    assert_eq!(
        twin.get(&format!("/v1.0/groups/{ACCOUNTS}/members/{ACCOUNTS}"))
            .await
            .0,
        404
    );
    let (_, body) = twin
        .get(&format!(
            "/v1.0/groups/{ACCOUNTS}?$expand=members($select=id)"
        ))
        .await;
    assert_eq!(body["members"].as_array().unwrap().len(), 2);
}

#[tokio::test]
async fn groups_of_somebody_are_asked_for_with_post() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass posture").await;
    let post = async |path: &str, body: Value| -> (u16, Value) {
        let url = format!("{}{path}", twin.running.addresses.graph);
        let answer = twin
            .http
            .post(url)
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, body) = post(
        &format!("/v1.0/users/{BREAK_GLASS}/checkMemberGroups"),
        json!({"groupIds": [ACCOUNTS, "00000000-0000-4000-8000-00000000dead"]}),
    )
    .await;
    assert_eq!((status, &body["value"]), (200, &json!([ACCOUNTS])));
    let path = format!("/v1.0/users/{BREAK_GLASS}/getMemberGroups");
    let (status, body) = post(&path, json!({"securityEnabledOnly": true})).await;
    assert_eq!(status, 200, "{body}");
    assert!(body["value"].as_array().unwrap().contains(&json!(ACCOUNTS)));
    assert_eq!(post(&path, json!({})).await.0, 400);
    let (status, body) = post("/v1.0/users/x/authentication/methods", json!({})).await;
    assert_eq!(status, 405, "{body}");
}

#[tokio::test]
async fn roles_are_seen_as_assignments_instances_schedules_and_directory_roles() {
    let twin = Twin::of(example("contoso")).await;
    let base = "/v1.0/roleManagement/directory";
    let (assignments, _) = all(&twin, &format!("{base}/roleAssignments")).await;
    assert_eq!(assignments.len(), 5);
    let global = "62e90394-69f5-4237-9190-012177145e10";
    let filter = format!(
        "{base}/roleAssignments?$filter=roleDefinitionId eq '{global}' and principalId eq '{BREAK_GLASS}'&$expand=principal"
    );
    let (found, _) = all(&twin, &filter).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0]["principal"]["displayName"], "Break Glass 01");
    let two = format!("{base}/roleAssignments?$expand=principal,roleDefinition");
    assert_eq!(twin.get(&two).await.0, 400);
    let (schedules, _) = all(&twin, &format!("{base}/roleEligibilitySchedules")).await;
    assert_eq!(
        schedules[0]["scheduleInfo"]["expiration"]["type"],
        "noExpiration"
    );
    let (privileged, _) = all(
        &twin,
        "/beta/roleManagement/directory/roleDefinitions?$filter=isPrivileged eq true",
    )
    .await;
    assert!(privileged.iter().any(|role| role["id"] == global));
    let (roles, _) = all(
        &twin,
        &format!("{base}/roleDefinitions?$filter=displayName eq 'Global Administrator'"),
    )
    .await;
    assert!(roles[0].get("isPrivileged").is_none());
    // Beta's property is nowhere in v1.0.
    for query in [
        format!("roleDefinitions/{global}?$select=id,isPrivileged"),
        "roleDefinitions?$filter=isPrivileged eq true".to_owned(),
        "roleDefinitions?$orderby=isPrivileged".to_owned(),
        "roleAssignments?$filter=roleDefinition/isPrivileged eq true".to_owned(),
        "roleAssignments?$expand=roleDefinition($select=isPrivileged)".to_owned(),
    ] {
        let (status, body) = twin.get(&format!("{base}/{query}")).await;
        assert_eq!((status, code(&body)), (400, "BadRequest"), "{query}");
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("'isPrivileged'"), "{message}");
        let beta = format!("{}/{query}", base.replace("v1.0", "beta"));
        assert_eq!(twin.get(&beta).await.0, 200, "{query}");
    }
    let (_, expanded) = twin
        .get(&format!("{base}/roleAssignments?$expand=roleDefinition"))
        .await;
    assert!(expanded["value"][0]["roleDefinition"]["id"].is_string());
    assert!(!expanded.to_string().contains("isPrivileged"));
    let by_template = format!("/v1.0/directoryRoles(roleTemplateId='{global}')/members");
    let (members, _) = all(&twin, &by_template).await;
    assert!(members.iter().any(|member| member["id"] == BREAK_GLASS));
}

#[tokio::test]
async fn settings_of_roles_need_a_filter() {
    let twin = Twin::of(example("contoso-modern")).await;
    let path = "/v1.0/policies/roleManagementPolicyAssignments";
    let (status, body) = twin.get(path).await;
    assert_eq!(
        (status, &body["errorCode"]),
        (400, &json!("MissingProvider"))
    );
    assert!(body.get("error").is_none());
    for kind in ["DirectoryRole", "Directory"] {
        let filter = format!("{path}?$filter=scopeId eq '/' and scopeType eq '{kind}'");
        let (rows, _) = all(&twin, &filter).await;
        assert_eq!(rows.len(), 2);
        assert!(rows[0].get("policy").is_none());
        let (rows, _) = all(&twin, &format!("{filter}&$expand=policy($expand=rules)")).await;
        assert!(!rows[0]["policy"]["rules"].as_array().unwrap().is_empty());
    }
    for (fault, wanted) in [
        (Fault::NoPremium, "AadPremiumLicenseRequired"),
        (Fault::PimNotOnboarded, ""),
    ] {
        twin.switch(fault, true);
        let (status, body) = twin
            .get("/v1.0/roleManagement/directory/roleEligibilityScheduleInstances")
            .await;
        assert_eq!((status, code(&body)), (400, wanted));
    }
}

#[tokio::test]
async fn methods_are_listed_whole_and_by_kind() {
    let twin = Twin::of(example("contoso")).await;
    let base = format!("/v1.0/users/{BREAK_GLASS}/authentication");
    let (methods, _) = all(&twin, &format!("{base}/methods")).await;
    assert!(
        methods
            .iter()
            .all(|method| method.get("@odata.type").is_some())
    );
    let (keys, _) = all(&twin, &format!("{base}/fido2Methods")).await;
    assert!(!keys.is_empty());
    assert!(
        keys.iter()
            .all(|key| key.get("aaGuid").is_some() && key.get("@odata.type").is_none())
    );
    let key = keys[0]["id"].as_str().unwrap();
    let (status, one) = twin.get(&format!("{base}/fido2Methods/{key}")).await;
    assert_eq!(
        (status, &one["displayName"]),
        (200, &keys[0]["displayName"])
    );
    let settings =
        "/v1.0/policies/authenticationMethodsPolicy/authenticationMethodConfigurations/fido2";
    let (status, one) = twin.get(settings).await;
    assert_eq!((status, &one["id"]), (200, &json!("Fido2")));
    let (details, _) = all(
        &twin,
        "/v1.0/reports/authenticationMethods/userRegistrationDetails",
    )
    .await;
    let own = details.iter().find(|one| one["id"] == BREAK_GLASS).unwrap();
    assert_eq!(own["methodsRegistered"], json!(["fido2SecurityKey"]));
    assert_eq!(own["isAdmin"], true);
}

#[tokio::test]
async fn what_the_snapshot_does_not_have_cant_be_read() {
    let twin = Twin::of(example("contoso")).await;
    for path in [
        "/v1.0/identityGovernance/accessReviews/definitions",
        "/v1.0/identityGovernance/lifecycleWorkflows/workflows",
        "/v1.0/subscribedSkus",
        "/v1.0/applications",
    ] {
        let (status, body) = twin.get(path).await;
        assert_eq!(
            (status, code(&body)),
            (403, "Authorization_RequestDenied"),
            "{path}"
        );
        let message = body["error"]["message"].as_str().unwrap();
        assert!(message.contains("The twin holds no '"), "{message}");
    }
    let (status, body) = twin.get("/v1.0/planets").await;
    assert_eq!((status, code(&body)), (400, "BadRequest"));
}

#[tokio::test]
async fn policies_with_preview_features_are_for_beta_only() {
    let mut snapshot = example("contoso");
    let policies = &mut snapshot["collections"]["conditionalAccessPolicies"];
    policies[0]["conditions"]["times"] = json!({"includedRanges": ["x"]});
    policies[1]["conditions"]["times"] = Value::Null;
    let id = policies[0]["id"].as_str().unwrap().to_owned();
    let twin = Twin::of(snapshot).await;
    let path = "/identity/conditionalAccess/policies";
    let (stable, _) = all(&twin, &format!("/v1.0{path}")).await;
    let (beta, _) = all(&twin, &format!("/beta{path}")).await;
    assert_eq!((stable.len(), beta.len()), (9, 10));
    assert!(stable[0]["conditions"].get("times").is_none());
    let (status, body) = twin.get(&format!("/v1.0{path}/{id}")).await;
    assert_eq!((status, code(&body)), (400, "BadRequest"));
    assert!(
        body["error"]["message"]
            .as_str()
            .unwrap()
            .starts_with("1037")
    );
    assert_eq!(twin.get(&format!("/beta{path}/{id}")).await.0, 200);
}

#[tokio::test]
async fn a_batch_answers_each_call_in_another_order() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass posture").await;
    let send = async |body: Value| -> (u16, Value) {
        let url = format!("{}/v1.0/$batch", twin.running.addresses.graph);
        let answer = twin
            .http
            .post(url)
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    };
    let (status, body) = send(json!({"requests": [
        {"id": "1", "method": "GET", "url": format!("/users/{BREAK_GLASS}?$select=id")},
        {"id": "2", "method": "GET", "url": "/users/nobody@contoso.com"},
        {"id": "3", "method": "GET", "url": "users/$count", "headers": {"ConsistencyLevel": "eventual"}},
        {"id": "4", "dependsOn": ["2"], "method": "GET", "url": "/groups"},
    ]})).await;
    assert_eq!(status, 200, "{body}");
    let answers = body["responses"].as_array().unwrap();
    assert_ne!(answers[0]["id"], "1");
    let one = |id: &str| answers.iter().find(|one| one["id"] == id).unwrap();
    assert_eq!(one("1")["body"]["id"], BREAK_GLASS);
    assert_eq!(one("2")["status"], 404);
    assert_eq!(one("3")["body"], "OQ==");
    assert_eq!(one("4")["status"], 424);
    let many: Vec<Value> = (0..21)
        .map(|id| json!({"id": id.to_string(), "method": "GET", "url": "/groups"}))
        .collect();
    assert_eq!(send(json!({"requests": many})).await.0, 400);
    let same = json!([{"id": "a", "method": "GET", "url": "/groups"}, {"id": "A", "method": "GET", "url": "/groups"}]);
    assert_eq!(send(json!({"requests": same})).await.0, 400);
    let call = |id: &str, after: &[&str]| {
        let mut call = json!({"id": id, "method": "GET", "url": "/organization"});
        if !after.is_empty() {
            call["dependsOn"] = json!(after);
        }
        call
    };
    for (requests, expected) in [
        (
            json!([
                call("1", &[]),
                call("2", &["1"]),
                call("3", &["1"]),
                call("4", &[])
            ]),
            200,
        ),
        // A chain, told from its end.
        (
            json!([call("3", &["2"]), call("2", &["1"]), call("1", &[])]),
            200,
        ),
        (json!([call("1", &[]), call("2", &["0"])]), 400),
        (json!([call("1", &["2"]), call("2", &["1"])]), 400),
        (
            json!([call("1", &[]), call("2", &[]), call("3", &["1", "2"])]),
            400,
        ),
        (
            json!([
                call("1", &[]),
                call("2", &["1"]),
                call("3", &[]),
                call("4", &["3"])
            ]),
            400,
        ),
    ] {
        let (status, body) = send(json!({"requests": requests})).await;
        assert_eq!(status, expected, "{requests}");
        for answer in body["responses"].as_array().into_iter().flatten() {
            assert_eq!(answer["status"], 200, "{requests}");
        }
    }
    // What fails first stops the rest of a chain, and not what stands beside it.
    let mut requests = json!([call("3", &["2"]), call("2", &["1"]), call("1", &[])]);
    requests[2]["url"] = json!("/users/nobody@contoso.com");
    let (_, body) = send(json!({"requests": requests})).await;
    let mut statuses: Vec<(&str, u64)> = body["responses"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| (one["id"].as_str().unwrap(), one["status"].as_u64().unwrap()))
        .collect();
    statuses.sort_unstable();
    assert_eq!(statuses, [("1", 404), ("2", 424), ("3", 424)]);
}

#[tokio::test]
async fn limits_refuse_as_documented_and_say_when_only_where_documented() {
    let twin = Twin::of(example("contoso")).await;
    twin.switch(Fault::Throttling, true);
    let token = twin.token("breakglass posture").await;
    let access = "/v1.0/identity/conditionalAccess/namedLocations";
    let first = twin.raw(&token, access, &[]).await;
    assert_eq!(first.status(), 200);
    assert!(first.headers().contains_key("x-ms-ags-diagnostic"));
    let second = twin.raw(&token, access, &[]).await;
    assert_eq!(second.status(), 429);
    assert!(!second.headers().contains_key("retry-after"));
    let reports = "/v1.0/auditLogs/directoryAudits";
    for wanted in [200, 200, 200, 200, 200, 429] {
        assert_eq!(twin.raw(&token, reports, &[]).await.status(), wanted);
    }
    let users = twin
        .raw(
            &token,
            "/v1.0/users?$select=id",
            &[("client-request-id", "mine")],
        )
        .await;
    assert_eq!(users.headers()["x-ms-resource-unit"], "1");
    assert_eq!(users.headers()["client-request-id"], "mine");
}

#[tokio::test]
async fn faults_of_graph_are_those_that_are_documented() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass posture").await;
    let get = async || twin.raw(&token, "/v1.0/organization", &[]).await;
    twin.switch(Fault::GraphOutage, true);
    assert_eq!(get().await.status(), 503);
    twin.switch(Fault::GraphOutage, false);
    twin.switch(Fault::ThrottleStorm, true);
    let (mut refused, mut waits) = (0, BTreeSet::new());
    for _ in 0..6 {
        let answer = get().await;
        if answer.status() == 429 {
            refused += 1;
            waits.insert(
                answer
                    .headers()
                    .get("retry-after")
                    .map(|value| value.to_str().unwrap().to_owned()),
            );
        }
    }
    assert_eq!((refused, waits.len()), (3, 3));
    twin.switch(Fault::ThrottleStorm, false);
    twin.switch(Fault::GraphHiccups, true);
    let mut failed = 0;
    for _ in 0..20 {
        failed += usize::from(get().await.status().is_server_error());
    }
    assert_eq!(failed, 2);
    twin.switch(Fault::GraphHiccups, false);
    twin.switch(Fault::NoPremium, true);
    let path = "/v1.0/auditLogs/signIns";
    let filter = "$filter=isInteractive eq false";
    let (status, body) = twin.get(&format!("/beta/auditLogs/signIns?{filter}")).await;
    assert_eq!(
        (status, code(&body)),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    );
    twin.switch(Fault::NoPremium, false);
    let (status, body) = twin.get(&format!("/beta/auditLogs/signIns?{filter}")).await;
    assert_eq!((status, code(&body)), (400, "BadRequest"));
    twin.switch(Fault::NoPremium, true);
    let (status, body) = twin.get(path).await;
    assert_eq!(
        (status, code(&body)),
        (403, "Authentication_RequestFromNonPremiumTenantOrB2CTenant")
    );
    assert_eq!(
        twin.get("/v1.0/users?$select=id,signInActivity").await.0,
        403
    );
}

#[tokio::test]
async fn each_permission_opens_what_it_is_for() {
    let twin = Twin::of(example("contoso")).await;
    let watch = twin.token("breakglass watch").await;
    assert_eq!(
        twin.get_as(&watch, "/v1.0/auditLogs/signIns", &[]).await.0,
        200
    );
    assert_eq!(twin.get_as(&watch, "/v1.0/users", &[]).await.0, 200);
    let methods = format!("/v1.0/users/{BREAK_GLASS}/authentication/methods");
    let pim = "/v1.0/roleManagement/directory/roleAssignmentScheduleInstances";
    for (path, refusal) in [
        ("/v1.0/domains", "Authorization_RequestDenied"),
        (&methods, "accessDenied"),
        (pim, "UnknownError"),
    ] {
        let (status, body) = twin.get_as(&watch, path, &[]).await;
        assert_eq!((status, code(&body)), (403, refusal), "{path}");
        if path == pim {
            // JSON inside the message.
            let message = body["error"]["message"].as_str().unwrap();
            let message: Value = serde_json::from_str(message).unwrap();
            assert_eq!(message["errorCode"], "PermissionScopeNotGranted");
        }
        let error = &body["error"]["innerError"];
        assert!(error["request-id"].is_string() && !error["date"].as_str().unwrap().ends_with('Z'));
    }
}

#[tokio::test]
async fn refusals_name_their_request_and_their_time() {
    const CLIENT: &str = "e70c5c1b-0000-4000-8000-3d22f5e0bd54";
    let twin = Twin::of(example("contoso")).await;
    let watch = twin.token("breakglass watch").await;
    let url = format!("{}/v1.0/groups", twin.running.addresses.graph);
    let send = async |size: usize, client: Option<&str>| {
        let mut request = twin.http.post(&url).bearer_auth(&watch);
        if size > 0 {
            request = request.body(vec![b' '; size]);
        }
        if let Some(client) = client {
            request = request.header("client-request-id", client);
        }
        let answer = request.send().await.unwrap();
        let status = answer.status().as_u16();
        let header = |name: &str| answer.headers()[name].to_str().unwrap().to_owned();
        let (request, client) = (header("request-id"), header("client-request-id"));
        let date: Timestamp = jiff::fmt::rfc2822::parse(&header("date"))
            .unwrap()
            .timestamp();
        let body: Value = answer.json().await.unwrap();
        let inner = &body["error"]["innerError"];
        assert_eq!(inner["request-id"], request);
        assert_eq!(inner["client-request-id"], client);
        // Without a zone: it is always UTC.
        let stamp = format!("{}Z", inner["date"].as_str().unwrap());
        let stamp: Timestamp = stamp.parse().unwrap();
        assert!(stamp.duration_since(date).as_secs().abs() <= 1);
        assert!(!body["error"]["message"].as_str().unwrap().is_empty());
        (status, code(&body).to_owned(), request, client)
    };
    let (status, code, request, client) = send(0, None).await;
    assert_eq!(
        (status, code.as_str()),
        (403, "Authorization_RequestDenied")
    );
    assert_eq!(client, request);
    let (_, _, other, client) = send(0, Some(CLIENT)).await;
    assert_ne!(request, other);
    assert_eq!(client, CLIENT);
    // What is refused before it was read has its ids too.
    let (status, _, request, client) = send((4 << 20) + 1, Some(CLIENT)).await;
    assert_eq!((status, client.as_str()), (413, CLIENT));
    assert!(!request.is_empty());
}

#[tokio::test]
async fn a_large_tenant_is_paged_without_copying_it() {
    let users: Vec<Value> = (0..20_000)
        .map(|at| json!({"id": format!("00000000-0000-4000-8000-{at:012x}"), "userPrincipalName": format!("u{at}@contoso.com"), "accountEnabled": true}))
        .collect();
    let members: Vec<Value> = users
        .iter()
        .map(|user| json!({"@odata.type": "#microsoft.graph.user", "id": user["id"]}))
        .collect();
    let snapshot = json!({
        "schema": "breakglass/snapshot/v1", "tenant": {"id": "6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61", "name": "Large"},
        "collections": {"users": users, "groups": [{"id": "00000000-0000-4000-8000-aaaaaaaaaaaa", "members": members}]},
    });
    let twin = Twin::of(snapshot).await;
    let (found, pages) = all(&twin, "/v1.0/users?$select=id&$top=999").await;
    assert_eq!((found.len(), pages), (20_000, 21));
    let (found, _) = all(
        &twin,
        "/v1.0/groups/00000000-0000-4000-8000-aaaaaaaaaaaa/transitiveMembers?$select=id&$top=999",
    )
    .await;
    assert_eq!(found.len(), 20_000);
    let (_, one) = twin
        .get("/v1.0/users?$filter=userPrincipalName eq 'U19999@contoso.com'")
        .await;
    assert_eq!(one["value"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn what_was_written_is_read_at_once_or_late_when_reads_are_stale() {
    let twin = Twin::of(example("contoso")).await;
    let token = twin.token("breakglass apply").await;
    let post = async |name: &str| -> String {
        let url = format!("{}/v1.0/groups", twin.running.addresses.graph);
        let body = json!({"displayName": name, "mailEnabled": false, "mailNickname": name, "securityEnabled": true});
        let answer = twin
            .http
            .post(url)
            .bearer_auth(&token)
            .json(&body)
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 201);
        let made: Value = answer.json().await.unwrap();
        made["id"].as_str().unwrap().to_owned()
    };
    let id = post("prompt").await;
    assert_eq!(twin.get(&format!("/v1.0/groups/{id}")).await.0, 200);
    let (status, members) = twin.get(&format!("/v1.0/groups/{id}/members")).await;
    assert_eq!((status, &members["value"]), (200, &json!([])));
    twin.switch(Fault::StaleReads, true);
    let id = post("stale").await;
    assert_eq!(twin.get(&format!("/v1.0/groups/{id}")).await.0, 404);
    let (status, body) = twin
        .get(&format!("/v1.0/groups?$filter=id eq '{id}'"))
        .await;
    assert_eq!((status, &body["value"]), (200, &json!([])));

    let (audits, _) = all(&twin, "/v1.0/auditLogs/directoryAudits").await;
    assert_eq!(audits[0]["activityDisplayName"], "Add group");
    let watch = twin.token("breakglass watch").await;
    let url = format!("{}/v1.0/groups", twin.running.addresses.graph);
    let refused = twin
        .http
        .post(url)
        .bearer_auth(&watch)
        .json(&json!({}))
        .send()
        .await
        .unwrap();
    assert_eq!(refused.status(), 403);
}
