//! `msgraph-sdk` with `azure-identity`.

use breakglass_entra::Request;
use breakglass_lab::Fault;
use serde_json::{Value, json};

use super::{
    ABLE, BREAK_GLASS, BREAK_GLASS_GROUP, GLOBAL_ADMINISTRATOR, Outside, SCRIPTS, Script, UNABLE,
    column, command, is_refused, list, ordinary, output, sorted, twin, users, what_if,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_reads_every_page_and_gets_over_empty_ones() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let seen = script.run("paging").await;
    assert_eq!(sorted(list(&seen["byHand"])), users(&twin));
    assert_eq!(sorted(list(&seen["iterated"])), users(&twin));
    assert!(seen["shape"]["pages"].as_u64().unwrap() > 2, "{seen}");

    twin.switch(Fault::TinyPages, true);
    let seen = script.run("paging").await;
    assert_eq!(sorted(list(&seen["byHand"])), users(&twin));
    // The iterator of this client ends at an empty page: why nobody may take its word for a whole list.
    assert!(seen["shape"]["emptyPages"].as_u64().unwrap() > 0, "{seen}");
    assert!(list(&seen["iterated"]).len() < users(&twin).len(), "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_reads_what_the_twin_was_given() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let seen = script.run("read").await;
    let given = &twin.snapshot["collections"];

    let plain = &seen["user"]["plain"];
    assert_eq!(plain["id"], BREAK_GLASS);
    assert_eq!(
        plain["enabled"],
        Value::Null,
        "only what is in the default set comes unasked"
    );
    let chosen = &seen["user"]["selected"];
    assert_eq!(chosen["enabled"], true);
    assert_eq!(chosen["name"], Value::Null, "not selected");
    assert_eq!(chosen["type"], "Member");
    assert_ne!(seen["lastSuccess"], "None");
    assert_eq!(seen["filtered"], json!([BREAK_GLASS]));
    let initial: Vec<Value> = column(&list(&given["users"]), "userPrincipalName")
        .into_iter()
        .filter(|name| name.as_str().unwrap().ends_with(".onmicrosoft.com"))
        .collect();
    assert_eq!(seen["advanced"]["count"], initial.len());
    assert_eq!(list(&seen["advanced"]["found"]), sorted(initial));
    assert_eq!(seen["search"].as_array().unwrap().len(), 2);
    assert_eq!(seen["userCount"], list(&given["users"]).len());

    let groups = list(&given["groups"]);
    assert_eq!(seen["groups"].as_object().unwrap().len(), groups.len());
    assert_eq!(
        seen["groups"][BREAK_GLASS_GROUP][1], true,
        "role-assignable"
    );
    let members = sorted(list(&seen["transitiveMembers"]));
    assert_eq!(members.len(), 2);
    assert!(
        members.iter().all(|member| member[0] == "User"),
        "{members:?}"
    );
    assert_eq!(sorted(list(&seen["members"])), members);
    let holders: Vec<Value> = list(&seen["memberOf"])
        .iter()
        .map(|row| row[0].clone())
        .collect();
    for kind in ["Group", "AdministrativeUnit"] {
        assert!(holders.contains(&json!(kind)), "{holders:?}");
    }
    assert_eq!(seen["units"][0][2], true, "restricted");
    let inside: Vec<Value> = sorted(
        list(&seen["unitMembers"])
            .iter()
            .map(|row| row[0].clone())
            .collect(),
    );
    assert_eq!(inside, [json!("Group"), json!("User"), json!("User")]);

    assert_eq!(
        seen["roles"][GLOBAL_ADMINISTRATOR],
        json!(["Global Administrator", true])
    );
    let active = list(&given["roleAssignmentScheduleInstances"]);
    assert_eq!(list(&seen["active"]).len(), active.len());
    let mine = json!([
        BREAK_GLASS,
        GLOBAL_ADMINISTRATOR,
        "Assigned",
        "Direct",
        null
    ]);
    assert!(list(&seen["active"]).contains(&mine), "{}", seen["active"]);
    assert_eq!(list(&seen["assignments"]).len(), active.len());
    assert_eq!(
        list(&seen["eligible"]).len(),
        list(&given["roleEligibilityScheduleInstances"]).len()
    );
    let settings = seen["settings"].as_object().unwrap();
    assert!(!settings.is_empty());
    for kinds in settings.values() {
        assert!(
            list(kinds).contains(&json!("UnifiedRoleManagementPolicyApprovalRule")),
            "{kinds}"
        );
    }

    let policies = list(&given["conditionalAccessPolicies"]);
    assert_eq!(seen["policies"].as_object().unwrap().len(), policies.len());
    for policy in &policies {
        let got = &seen["policies"][policy["id"].as_str().unwrap()];
        assert_eq!(got["name"], policy["displayName"]);
        assert_eq!(got["state"], policy["state"]);
        assert_eq!(
            got["includeUsers"],
            policy["conditions"]["users"]["includeUsers"]
        );
        assert_eq!(
            got["excludeGroups"],
            policy["conditions"]["users"]["excludeGroups"]
        );
        assert_eq!(got["clientApps"], policy["conditions"]["clientAppTypes"]);
        if policy["grantControls"].is_object() {
            assert_eq!(got["controls"], policy["grantControls"]["builtInControls"]);
            assert_eq!(
                got["strength"],
                policy["grantControls"]["authenticationStrength"]["id"]
            );
        }
    }
    let places: Vec<Value> = sorted(
        list(&seen["locations"])
            .iter()
            .map(|row| row[0].clone())
            .collect(),
    );
    assert_eq!(
        places,
        [json!("CountryNamedLocation"), json!("IpNamedLocation")]
    );
    let strengths = list(&seen["strengths"]);
    let resistant = "00000000-0000-0000-0000-000000000004";
    assert!(
        strengths
            .iter()
            .any(|row| row[0] == resistant && row[1] == "builtIn"),
        "{strengths:?}"
    );
    let methods: Vec<Value> = list(&seen["methods"])
        .iter()
        .map(|row| row[0].clone())
        .collect();
    assert!(
        methods.contains(&json!("PasswordAuthenticationMethod")),
        "{methods:?}"
    );
    assert_eq!(
        methods
            .iter()
            .filter(|kind| *kind == "Fido2AuthenticationMethod")
            .count(),
        list(&seen["keys"]).len()
    );
    for key in list(&seen["keys"]) {
        assert!(
            key[1].as_str().is_some_and(|aaguid| aaguid.len() == 36),
            "{key}"
        );
        assert_eq!(key[2], "attested");
        assert_eq!(key[3], "deviceBound");
    }
    assert_eq!(seen["organisation"][0], twin.tenant());
    assert_eq!(list(&seen["domains"]).len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_reads_logs_in_which_its_own_changes_are() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let made = script.run("write").await;
    let seen = script.run("logs").await;
    let sign_ins = list(&seen["signIns"]);
    assert_eq!(sign_ins.len(), 1, "{sign_ins:?}");
    assert_eq!(sign_ins[0]["user"], BREAK_GLASS);
    assert_eq!(sign_ins[0]["error"], 0);
    assert_eq!(sign_ins[0]["access"], "success");
    assert_eq!(sign_ins[0]["interactive"], true);
    assert_eq!(sign_ins[0]["applied"][0][1], "success");
    let audits = list(&seen["audits"]);
    for (activity, id) in [
        ("Add group", &made["group"]["id"]),
        ("Add administrative unit", &made["unit"]["id"]),
        ("Add conditional access policy", &made["policy"]["id"]),
    ] {
        let found = audits.iter().any(|row| {
            row["activity"]
                .as_str()
                .is_some_and(|name| name.eq_ignore_ascii_case(activity))
                && row["result"] == "success"
                && list(&row["targets"]).iter().any(|target| target[1] == *id)
        });
        assert!(found, "{activity} {id}: {audits:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_creates_changes_and_deletes() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let seen = script.run("write").await;
    let policy = &seen["policy"];
    assert_eq!(policy["state"], "enabledForReportingButNotEnforced");
    assert_eq!(policy["afterPatch"], "disabled");
    assert_eq!(policy["name"], "Made by the Python client");
    assert_eq!(policy["excluded"], json!([BREAK_GLASS]));
    assert_eq!(policy["afterDelete"]["status"], 404);
    assert_eq!(policy["refused"]["status"], 400);
    assert_eq!(policy["refused"]["code"], "BadRequest");
    let group = &seen["group"];
    assert_eq!(group["withMember"], json!([BREAK_GLASS]));
    is_refused(&group["twice"], 400, "Request_BadRequest");
    assert_eq!(group["description"], "changed");
    assert_eq!(group["without"], json!([]));
    is_refused(&group["notAMember"], 404, "Request_ResourceNotFound");
    is_refused(&group["afterDelete"], 404, "Request_ResourceNotFound");
    let unit = &seen["unit"];
    assert_eq!(unit["inside"], json!([ordinary(&twin.snapshot)]));
    assert_eq!(unit["description"], "changed");
    is_refused(&unit["afterDelete"], 404, "Request_ResourceNotFound");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_governs_people_places_and_strengths() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let seen = script.run("govern").await;
    let user = &seen["user"][0];
    assert_eq!(seen["user"][1], "python@contoso.onmicrosoft.com");
    assert!(
        seen["assignment"][0]
            .as_str()
            .is_some_and(|id| id.ends_with("-1"))
    );
    assert_eq!(seen["assignment"][1], *user);
    assert_eq!(seen["assignment"][2], json!([["Assigned", null]]));
    assert_eq!(
        seen["principal"],
        json!([["User", "Made by the Python client"]])
    );
    assert_eq!(seen["unassigned"], 0);
    assert_eq!(
        seen["eligible"],
        json!(["Provisioned", "adminAssign", user])
    );
    assert_eq!(seen["pass"], json!([true, 60, null, true]), "shown once");
    assert_eq!(seen["enabled"], false);
    assert_eq!(seen["revoked"], true);
    is_refused(&seen["afterDelete"], 404, "Request_ResourceNotFound");
    assert_eq!(seen["restored"], json!(["User", user]));
    assert_eq!(
        seen["location"],
        json!(["IpNamedLocation", "changed", false, ["IPv4CidrRange"]])
    );
    let narrowed = json!([[
        "Fido2CombinationConfiguration",
        ["2fc0579f-8113-47ea-b116-bb5a8db9202a"]
    ]]);
    assert_eq!(seen["strength"], json!(["custom", ["mfa"], narrowed]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_sends_batches_and_understands_refusals() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let seen = script.run("batch").await;
    assert_eq!(
        seen["statuses"],
        json!({"user": 200, "nobody": 404, "users": 200})
    );
    assert_eq!(
        seen["absolute"],
        json!({"user": 400}),
        "addresses are relative to the version"
    );

    let seen = script.run("errors").await;
    is_refused(&seen["unknownUser"], 404, "Request_ResourceNotFound");
    is_refused(&seen["nobodysOwn"], 400, "BadRequest");
    is_refused(&seen["notSupported"], 400, "Request_UnsupportedQuery");
    is_refused(&seen["countWithoutHeader"], 400, "Request_BadRequest");
    is_refused(&seen["unknownGroup"], 404, "Request_ResourceNotFound");
    assert_eq!(seen["unknownPolicy"]["status"], 404);
    for answer in seen.as_object().unwrap().values() {
        assert!(answer["date"].is_string(), "{answer}");
        for header in [
            "request-id",
            "client-request-id",
            "x-ms-ags-diagnostic",
            "date",
        ] {
            assert!(
                list(&answer["headers"]).contains(&json!(header)),
                "{header}: {answer}"
            );
        }
    }
    let seen = script.run_as(UNABLE, "denied").await;
    for answer in seen.as_object().unwrap().values() {
        assert_eq!(answer["status"], 403, "{answer}");
        assert!(answer["code"].is_string(), "{answer}");
    }
    let seen = script.run("wrong_secret").await;
    assert!(
        seen["message"]
            .as_str()
            .is_some_and(|text| text.contains("AADSTS7000215")),
        "{seen}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_asks_what_if() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    what_if(&twin, &list(&script.run("evaluate").await), "applies");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_python_client_proves_itself_by_a_certificate() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    assert_eq!(script.run("certificate").await, json!(["Contoso"]));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_log_analytics_client_queries_and_understands_refusals() {
    let twin = twin().await;
    let Some(script) = Script::python(&twin) else {
        return;
    };
    let workspace = workspace(&twin).await;
    let ask = || {
        let mut command = command(script.program.clone(), &twin, ABLE);
        command
            .arg(format!("{SCRIPTS}/logs.py"))
            .env("LAB_WORKSPACE", &workspace);
        output(command)
    };
    let seen = ask().await;
    let query = &seen["query"];
    assert_eq!(query["status"], "Success", "{seen}");
    assert_eq!(query["columns"]["TimeGenerated"], "datetime");
    assert_eq!(query["columns"]["Status"], "dynamic");
    assert_eq!(query["statistics"], true);
    assert_eq!(query["rows"][0]["UserId"], BREAK_GLASS, "{query}");
    assert_eq!(query["rows"][0]["ResultType"], "0");
    assert_eq!(seen["unknownWorkspace"]["status"], 404, "{seen}");
    assert_eq!(seen["badQuery"]["status"], 400, "{seen}");
    assert_eq!(seen["badQuery"]["code"], "BadArgumentError");
    assert_eq!(seen["batch"][0]["rows"][0]["UserId"], BREAK_GLASS);
    assert_eq!(seen["batch"][1]["kind"], "LogsQueryError");

    twin.switch(Fault::LogsPartial, true);
    let seen = ask().await;
    assert_eq!(seen["query"]["status"], "PartialError", "{seen}");
}

/// The id by which the tenant's workspace is queried.
async fn workspace(twin: &Outside) -> String {
    let ours = twin.ours();
    let first = async |path: String| ours.all(Request::arm(path)).await.unwrap()[0].take();
    let subscription = first("/subscriptions?api-version=2022-12-01".to_owned()).await;
    let id = subscription["id"].as_str().unwrap();
    let workspace = first(format!(
        "{id}/providers/Microsoft.OperationalInsights/workspaces?api-version=2025-02-01"
    ))
    .await;
    workspace["properties"]["customerId"]
        .as_str()
        .unwrap()
        .to_owned()
}
