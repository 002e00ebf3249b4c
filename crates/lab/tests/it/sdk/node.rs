//! `@microsoft/microsoft-graph-client` with `@azure/identity`.

use breakglass_lab::Fault;
use serde_json::{Value, json};

use super::{
    BREAK_GLASS, GLOBAL_ADMINISTRATOR, Script, column, is_refused, list, ordinary, sorted, twin,
    users, what_if,
};

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_reads_what_the_twin_was_given() {
    let twin = twin().await;
    let Some(script) = Script::node(&twin) else {
        return;
    };
    let seen = script.run("read").await;
    let given = &twin.snapshot["collections"];
    assert_eq!(seen["user"]["plain"]["id"], BREAK_GLASS);
    assert_eq!(seen["user"]["plain"].get("accountEnabled"), None);
    assert_eq!(seen["user"]["selected"]["accountEnabled"], true);
    assert_eq!(
        seen["user"]["selected"].get("onPremisesSyncEnabled"),
        Some(&Value::Null),
        "selected and empty"
    );
    assert_eq!(seen["byUpn"], BREAK_GLASS);
    assert_eq!(seen["filtered"]["ids"], json!([BREAK_GLASS]));
    assert_eq!(
        seen["advanced"]["count"],
        list(&seen["advanced"]["ids"]).len()
    );
    assert_eq!(seen["userCount"], list(&given["users"]).len().to_string());
    assert_eq!(seen["groups"]["complete"], true);
    for member in list(&seen["transitiveMembers"]) {
        assert_eq!(member[0], "#microsoft.graph.user");
    }
    for (name, collection) in [
        ("units", "administrativeUnits"),
        ("active", "roleAssignmentScheduleInstances"),
        ("eligible", "roleEligibilityScheduleInstances"),
        ("assignments", "roleAssignmentScheduleInstances"),
        ("policies", "conditionalAccessPolicies"),
        ("locations", "namedLocations"),
        ("organisation", "organization"),
        ("domains", "domains"),
    ] {
        assert_eq!(
            list(&seen[name]).len(),
            list(&given[collection]).len(),
            "{name}"
        );
    }
    for policy in list(&given["conditionalAccessPolicies"]) {
        let got = list(&seen["policies"]);
        let got = got.iter().find(|got| got["id"] == policy["id"]).unwrap();
        assert_eq!(got["conditions"]["users"], policy["conditions"]["users"]);
        let mut session = policy["sessionControls"].clone();
        if let Some(controls) = session.as_object_mut() {
            // Only beta has it.
            controls.remove("continuousAccessEvaluation");
        }
        assert_eq!(got["sessionControls"], session);
    }
    assert!(list(&seen["privileged"]["ids"]).contains(&json!(GLOBAL_ADMINISTRATOR)));
    assert_eq!(
        sorted(list(&seen["betaPolicies"]["ids"])),
        sorted(column(&list(&seen["policies"]), "id"))
    );
    for key in list(&seen["keys"]) {
        assert!(
            key["aaGuid"].is_string() && key["model"].is_string(),
            "{key}"
        );
    }
    assert_eq!(
        seen["methods"][0]["@odata.type"],
        "#microsoft.graph.passwordAuthenticationMethod"
    );

    let seen = script.run("paging").await;
    assert_eq!(sorted(list(&seen["ids"])), users(&twin));
    twin.switch(Fault::TinyPages, true);
    let seen = script.run("paging").await;
    assert_eq!(
        sorted(list(&seen["ids"])),
        users(&twin),
        "this iterator goes on after an empty page"
    );
    assert_eq!(seen["complete"], true);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_creates_changes_and_deletes() {
    let twin = twin().await;
    let Some(script) = Script::node(&twin) else {
        return;
    };
    let seen = script.run("write").await;
    let policy = &seen["policy"];
    assert_eq!(policy["made"]["state"], "disabled");
    assert_eq!(
        policy["made"]["conditions"]["users"]["excludeUsers"],
        json!([BREAK_GLASS])
    );
    assert_eq!(
        policy["changed"]["state"],
        "enabledForReportingButNotEnforced"
    );
    assert_eq!(
        policy["changed"]["conditions"], policy["made"]["conditions"],
        "what was not sent stays"
    );
    assert_eq!(policy["afterDelete"]["status"], 404);
    let group = &seen["group"];
    let ordinary = ordinary(&twin.snapshot);
    assert_eq!(group["made"]["isAssignableToRole"], true);
    assert_eq!(
        group["members"],
        json!([["#microsoft.graph.user", ordinary]])
    );
    assert_eq!(group["immutable"]["status"], 400);
    assert_eq!(group["changed"]["description"], "changed");
    assert_eq!(group["without"], json!([]));
    is_refused(&group["afterDelete"], 404, "Request_ResourceNotFound");
    assert_eq!(group["restored"], group["made"]["id"]);
    let unit = &seen["unit"];
    assert_eq!(unit["made"]["isMemberManagementRestricted"], true);
    assert_eq!(
        unit["members"],
        json!([["#microsoft.graph.user", ordinary]])
    );
    is_refused(&unit["protects"], 403, "Authorization_RequestDenied");
    let words = "Insufficient privileges to complete the operation. Target object is a member of a restricted management administrative unit";
    assert!(
        unit["protects"]["message"]
            .as_str()
            .is_some_and(|text| text.starts_with(words)),
        "{unit}"
    );
    assert_eq!(unit["changed"]["description"], "changed");
    is_refused(&unit["afterDelete"], 404, "Request_ResourceNotFound");

    let logs = script.run("logs").await;
    assert_eq!(list(&logs["signIns"]).len(), 1);
    assert!(list(&logs["audits"]).len() >= 9, "{logs}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_node_client_sends_batches_and_understands_refusals() {
    let twin = twin().await;
    let Some(script) = Script::node(&twin) else {
        return;
    };
    let seen = script.run("batch").await;
    assert_eq!(seen["1"]["body"]["displayName"], "Break Glass 01");
    assert_eq!(seen["2"]["status"], 404);
    assert_eq!(seen["3"]["status"], 424, "what it hangs on failed");
    let seen = script.run("errors").await;
    is_refused(&seen["unknownUser"], 404, "Request_ResourceNotFound");
    is_refused(&seen["notSupported"], 400, "Request_UnsupportedQuery");
    is_refused(&seen["search"], 400, "Request_UnsupportedQuery");
    what_if(&twin, &list(&script.run("evaluate").await), "policyApplies");
}
