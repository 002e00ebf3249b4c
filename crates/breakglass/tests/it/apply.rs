//! `plan` and `apply` against a twin: the old design becomes the modern one, whatever stops it on the way.

use std::{collections::BTreeSet, fs};

use breakglass_model::example;
use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    lab::Twin,
    person::applied_by_person,
    support::{code, err, out, run},
};

pub(crate) const WISHES: [&str; 12] = [
    "--keeper",
    "chloe.admin@contoso.com",
    "--approver",
    "adele.admin@contoso.com",
    "--make-eligible",
    "svc-backup@contoso.onmicrosoft.com",
    "--make-eligible",
    "chloe.admin@contoso.com",
    "--alert-mail",
    "soc@other.example",
    "--alert-sms",
    "+41 445550142",
];

/// Collects and plans; gives the plan that is to be applied.
pub(crate) fn planned(twin: &Twin, wishes: &[&str]) -> Value {
    planned_to(twin, "plan.json", wishes)
}

/// What a new plan would do, beside one that was applied.
pub(crate) fn still_open(twin: &Twin, wishes: &[&str]) -> Value {
    planned_to(twin, "again.json", wishes)["steps"].take()
}

fn planned_to(twin: &Twin, file: &str, wishes: &[&str]) -> Value {
    // What the twin's reader may not read is told and does not matter here.
    let output = twin.collect(
        "now.json.gz",
        &["--register", "lab/register.toml", "--fresh"],
    );
    assert!(matches!(code(&output), 0 | 3), "{}", err(&output));
    let mut call = vec![
        "plan",
        "--tenant",
        "now.json.gz",
        "--register",
        "lab/register.toml",
        "--out",
        file,
    ];
    call.extend(wishes);
    let output = twin.run(&call);
    assert!(matches!(code(&output), 0 | 1), "{}", err(&output));
    twin.json(file)
}

/// What is left of the old design for a person: a setting that holds for everybody.
const SETTINGS: [&str; 2] = ["registration", "self-service-reset"];

/// Steps that are left, all of them for a person, by name.
fn of_persons(steps: &Value) -> Vec<&str> {
    let steps = steps.as_array().unwrap();
    assert!(steps.iter().all(|step| step["by_person"] == true));
    steps
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect()
}

/// The call that takes a plan's steps.
pub(crate) fn call<'a>(digest: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let mut call = vec![
        "apply",
        "plan.json",
        "--identity",
        "lab/apply.toml",
        "--config",
        "lab/breakglass.toml",
        "--alone",
        "--yes",
        digest,
    ];
    call.extend(more);
    call
}

/// What fails when a plan was applied, and does not stand in its table of what remains.
pub(crate) fn failing(twin: &Twin, plan: &Value) -> Vec<String> {
    let output = twin.collect(
        "after.json.gz",
        &["--register", "lab/register.toml", "--fresh"],
    );
    assert!(matches!(code(&output), 0 | 3), "{}", err(&output));
    let (_, report) = twin.document(&[
        "check",
        "--tenant",
        "after.json.gz",
        "--register",
        "lab/register.toml",
    ]);
    let all = |list: &Value| list.as_array().cloned().unwrap_or_default();
    let told: BTreeSet<(String, String)> = all(&plan["remaining"])
        .iter()
        .map(|own| (own["check"].to_string(), own["subject"].to_string()))
        .collect();
    all(&report["findings"])
        .iter()
        .filter(|finding| {
            let (check, subject) = (finding["check"].to_string(), finding["subject"].to_string());
            finding["verdict"] == "fail" && !told.contains(&(check, subject))
        })
        .map(|finding| {
            format!(
                "{} {} {}",
                finding["check"], finding["subject"], finding["because"]
            )
        })
        .collect()
}

/// After [`failing`]: every account gets in, and only intended policies reach it.
pub(crate) fn only_intended_policies_reach(twin: &Twin) {
    let proof = twin.run(&[
        "lockout",
        "prove",
        "--tenant",
        "after.json.gz",
        "--register",
        "lab/register.toml",
    ]);
    assert_eq!(code(&proof), 0, "{}", out(&proof));
}

/// What the tenant holds, without what differs between two runs: ids of what was made, and times.
pub(crate) fn state(twin: &Twin) -> Value {
    let output = twin.run(&["lab", "--help"]);
    assert_eq!(code(&output), 0);
    let output = twin.collect(
        "state.json",
        &["--register", "lab/register.toml", "--fresh"],
    );
    assert!(matches!(code(&output), 0 | 3), "{}", err(&output));
    let snapshot = twin.json("state.json");
    let names = |collection: &str, fields: &[&str]| {
        let mut all: Vec<String> = snapshot["collections"][collection]
            .as_array()
            .into_iter()
            .flatten()
            .map(|object| {
                fields
                    .iter()
                    .map(|field| object.pointer(field).unwrap_or(&Value::Null).to_string())
                    .collect::<Vec<_>>()
                    .join(" ")
            })
            .collect();
        all.sort();
        json!(all)
    };
    json!({
        "policies": names("conditionalAccessPolicies", &["/displayName", "/state", "/conditions/users/excludeGroups"]),
        "groups": names("groups", &["/displayName"]),
        "units": names("administrativeUnits", &["/displayName", "/isMemberManagementRestricted"]),
        "roles": names("roleDefinitions", &["/displayName"]),
        "active": names("roleAssignmentScheduleInstances", &["/principalId", "/roleDefinitionId", "/directoryScopeId", "/endDateTime"]),
        "strengths": names("authenticationStrengthPolicies", &["/displayName"]),
        "logs": names("diagnosticSettings", &["/name", "/properties/logs"]),
        "rules": names("scheduledQueryRules", &["/name", "/properties/severity", "/properties/evaluationFrequency"]),
        "receivers": names("actionGroups", &["/name", "/properties/emailReceivers", "/properties/smsReceivers"]),
        "readers": names("azureRoleAssignments", &["/properties/roleDefinitionId", "/properties/scope"]),
        "tampering": names("activityLogAlerts", &["/name"]),
    })
}

#[test]
fn the_old_design_becomes_the_modern_one_and_goes_back() {
    let twin = Twin::of("contoso");
    let old = state(&twin);
    let plan = planned(&twin, &WISHES);
    let digest = plan["digest"].as_str().unwrap();
    let output = twin.run(&call(digest, &[]));
    // Settings of a role are left for a signed-in person, as Microsoft documents.
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(
        out(&output).contains("6 left for a person"),
        "{}",
        out(&output)
    );
    assert!(out(&output).contains("BreakGlass01@contoso.onmicrosoft.com gets in"));
    assert!(
        out(&output).contains("--alone"),
        "every report says that nobody else approved"
    );
    assert_eq!(failing(&twin, &plan), Vec::<String>::new());

    only_intended_policies_reach(&twin);

    // A met state has nothing to do, and the same plan again does nothing.
    assert_eq!(of_persons(&still_open(&twin, &[])), SETTINGS);
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    let done = plan["steps"].as_array().unwrap().len() - 6;
    assert!(
        out(&output).contains(&format!("{done} done by an earlier run")),
        "{}",
        out(&output)
    );

    // The plan that was applied is needed to take it back: no other takes its place.
    let output = twin.run(&[
        "plan",
        "--tenant",
        "after.json.gz",
        "--register",
        "lab/register.toml",
        "--out",
        "plan.json",
    ]);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("apply --undo"), "{}", err(&output));
    assert_eq!(twin.json("plan.json"), plan);

    let output = twin.run(&call(digest, &["--undo"]));
    assert_eq!(code(&output), 1, "{}", err(&output));
    let told = err(&output);
    let warned = told.find("worse off when this plan is taken back");
    assert!(warned.is_some() && warned < told.find("undone"), "{told}");
    assert!(
        out(&output).contains("1 cannot be taken back"),
        "{}",
        out(&output)
    );
    assert!(out(&output).contains("is locked out"), "{}", out(&output));
    assert_eq!(state(&twin), old);
}

#[test]
fn a_plan_is_not_applied_to_a_tenant_that_has_changed() {
    let twin = Twin::of("contoso");
    let plan = planned(&twin, &[]);
    // Somebody else's plan is applied first.
    let digest = plan["digest"].as_str().unwrap();
    assert_eq!(code(&twin.run(&call(digest, &[]))), 1);
    fs::rename(twin.path("plan.json.journal"), twin.path("gone")).unwrap();
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains("the tenant has changed since the plan was made"));
    assert!(err(&output).contains("nothing was done"));
}

/// X1: the objects of the plan are as they were, but what its proofs stand on is not.
#[test]
fn x1_a_plan_is_not_applied_when_the_policies_do_something_else_now() {
    let twin = Twin::of("contoso");
    let plan = planned(&twin, &[]);
    let digest = plan["digest"].as_str().unwrap();
    twin.graph(
        &reqwest::Method::POST,
        "identity/conditionalAccess/policies",
        &json!({"displayName": "Nobody gets in", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["All"]}, "applications": {"includeApplications": ["All"]},
                "clientAppTypes": ["all"]},
            "grantControls": {"operator": "OR", "builtInControls": ["block"]}}),
    );
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    let says = "the policy `Nobody gets in` reaches BreakGlass01@contoso.onmicrosoft.com";
    assert!(err(&output).contains(says), "{}", err(&output));
    assert!(
        err(&output).contains("nothing was done"),
        "{}",
        err(&output)
    );
    let journal = fs::read_to_string(twin.path("plan.json.journal")).unwrap_or_default();
    assert!(journal.is_empty(), "{journal}");
}

/// X1: a write that would take along what somebody else changed in the same object is not sent.
#[test]
fn x1_a_change_of_somebody_else_is_not_written_over() {
    let twin = Twin::of("contoso");
    let plan = planned(&twin, &[]);
    let digest = plan["digest"].as_str().unwrap();
    let steps = plan["steps"].as_array().unwrap();
    let step = steps
        .iter()
        .find(|step| step["id"] == "exclude-ca003-compliant-device-for-everyone")
        .unwrap();
    let path = step["write"]["send"]["path"].as_str().unwrap();
    let mut conditions = step["write"]["undo"]["body"]["conditions"].clone();
    conditions["platforms"] = json!({"includePlatforms": ["windows", "macOS", "iOS", "android"]});
    let body = json!({"conditions": conditions});
    twin.graph(&reqwest::Method::PATCH, path.trim_start_matches('/'), &body);
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(
        err(&output).contains("nothing was done"),
        "{}",
        err(&output)
    );
}

#[test]
fn a_plan_needs_a_second_person_and_is_refused_when_it_was_changed() {
    let place = tempfile::tempdir().unwrap();
    let plan = place.path().join("plan.json");
    let plan = plan.to_str().unwrap();
    let output = run(&["plan", "--tenant", "contoso", "--out", plan]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let identity = place.path().join("apply.toml");
    fs::write(
        &identity,
        "[tenant]\nid = \"6f1d2c3a-58b4-4e0f-9a7d-2b1c0e4f5a61\"\n",
    )
    .unwrap();
    let identity = identity.to_str().unwrap();

    let output = run(&["apply", plan, "--identity", identity]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("a second person has to approve this plan"),
        "{}",
        err(&output)
    );

    let output = run(&[
        "apply",
        plan,
        "--identity",
        identity,
        "--alone",
        "--yes",
        "00",
    ]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("--yes names another plan"));

    // Who is authorised is asked of today, whatever the day is said to be.
    let output = run(&[
        "apply",
        plan,
        "--identity",
        identity,
        "--by",
        "ben",
        "--at",
        "2026-09-01T00:00:00Z",
    ]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("a plan is applied now"),
        "{}",
        err(&output)
    );

    let output = run(&["apply", plan, "--alone"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("no identity is named that may write"));

    let text = fs::read_to_string(plan).unwrap();
    fs::write(
        plan,
        text.replacen("Break glass", "Broken glass", 1)
            .replacen("\"enabled\"", "\"disabled\"", 1),
    )
    .unwrap();
    let output = run(&["apply", plan, "--identity", identity, "--alone"]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("was changed since it was made"),
        "{}",
        err(&output)
    );

    fs::write(plan, "{}").unwrap();
    let output = run(&["apply", plan, "--identity", identity, "--alone"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("is no plan"), "{}", err(&output));
}

/// A signature that `ssh-keygen` made counts when its key is in the register, its digest is the plan's, and its owner is
/// not the one who applies.
#[test]
fn the_second_person_signs_with_ssh() {
    let twin = Twin::of("contoso");
    let plan = planned(&twin, &[]);
    let digest = plan["digest"].as_str().unwrap();
    let ssh = |arguments: &[&str], input: &str| {
        use std::io::Write as _;
        let mut child = std::process::Command::new("ssh-keygen")
            .args(arguments)
            .current_dir(twin.path("."))
            .stdin(std::process::Stdio::piped())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::null())
            .spawn()
            .unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        out(&output)
    };
    for name in ["anna", "zoe", "stranger"] {
        ssh(&["-q", "-t", "ed25519", "-N", "", "-f", name], "");
    }
    let key = |name: &str| twin.text(&format!("{name}.pub")).trim().to_owned();
    let register = example::tenant("contoso", Timestamp::now())
        .unwrap()
        .register_toml;
    let register = register
        .replace("id = \"anna\"", &format!("id = \"anna\"\nsigning_key = \"{}\"", key("anna")))
        .replace("[drills]", &format!("[[person]]\nid = \"zoe\"\nname = \"Zoe\"\nroles = [\"responder\"]\nsigning_key = \"{}\"\n\n[drills]", key("zoe")));
    twin.write("people.toml", &register);
    let sign = |name: &str, text: &str, namespace: &str| {
        let signature = ssh(&["-q", "-Y", "sign", "-n", namespace, "-f", name], text);
        twin.write(&format!("{name}.sig"), &signature);
    };
    let apply = |by: &str, signers: &[&str]| {
        let mut call = vec![
            "apply",
            "plan.json",
            "--identity",
            "lab/apply.toml",
            "--config",
            "lab/breakglass.toml",
            "--register",
            "people.toml",
            "--by",
            by,
            "--yes",
            digest,
        ];
        let files: Vec<String> = signers.iter().map(|name| format!("{name}.sig")).collect();
        for file in &files {
            call.extend(["--approval", file.as_str()]);
        }
        twin.run(&call)
    };
    for (name, text, namespace, by, says) in [
        (
            "stranger",
            digest,
            "breakglass-plan",
            "anna",
            "a key that the register does not know",
        ),
        (
            "zoe",
            "another digest",
            "breakglass-plan",
            "anna",
            "over something else",
        ),
        ("zoe", digest, "file", "anna", "over something else"),
        (
            "zoe",
            digest,
            "breakglass-plan",
            "zoe",
            "two people are needed",
        ),
        (
            "zoe",
            digest,
            "breakglass-plan",
            "ben",
            "is not authorised today",
        ),
        ("zoe", digest, "breakglass-plan", "nobody", "has no person"),
    ] {
        sign(name, text, namespace);
        let output = apply(by, &[name]);
        assert_eq!(code(&output), 2, "{says}: {}", err(&output));
        assert!(err(&output).contains(says), "{says}: {}", err(&output));
    }
    sign("zoe", digest, "breakglass-plan");
    // Zoe alone cannot approve and give another's name: where an application writes, both have signed.
    let output = apply("anna", &["zoe"]);
    assert_eq!(code(&output), 2, "{}", err(&output));
    let says = "nothing shows that it is anna who applies this plan";
    assert!(err(&output).contains(says), "{}", err(&output));
    sign("anna", digest, "breakglass-plan");
    let output = apply("anna", &["zoe", "anna"]);
    // What is left is a person's.
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(
        out(&output).contains("Approved by: zoe; applied by anna"),
        "{}",
        out(&output)
    );
    // Who agreed that it is applied did not agree that it is taken back.
    let mut back = vec!["apply", "plan.json", "--identity", "lab/apply.toml"];
    back.extend([
        "--config",
        "lab/breakglass.toml",
        "--register",
        "people.toml",
    ]);
    back.extend(["--by", "anna", "--yes", digest, "--undo"]);
    back.extend(["--approval", "zoe.sig", "--approval", "anna.sig"]);
    let output = twin.run(&back);
    assert_eq!(code(&output), 2, "{}", err(&output));
    let says = format!("sign `{digest} undo`");
    assert!(err(&output).contains(&says), "{}", err(&output));
}

#[test]
fn a_plan_is_shown_as_text_page_and_code() {
    let plan = |format: &str| {
        let output = run(&[
            "plan",
            "--tenant",
            "contoso",
            "--alert-mail",
            "soc@other.example",
            "--alert-sms",
            "+41 445550142",
            "--keeper",
            "chloe.admin@contoso.com",
            "--approver",
            "adele.admin@contoso.com",
            "--at",
            "2026-11-24T12:00:00Z",
            "--format",
            format,
        ]);
        assert_eq!(code(&output), 1, "{}", err(&output));
        out(&output)
    };
    insta::assert_snapshot!("plan_text", plan("text"));
    let html = plan("html");
    assert!(html.contains("<h2>Exclusions from policies that keep the accounts out</h2>"));
    assert!(!html.contains("<script"));
    insta::assert_snapshot!("plan_bicep", plan("bicep"));
    insta::assert_snapshot!("plan_terraform", plan("terraform"));
    let script = plan("graph-script");
    insta::assert_snapshot!("plan_graph_script", script);
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("plan.sh");
    fs::write(&file, script).unwrap();
    let checked = std::process::Command::new("bash")
        .arg("-n")
        .arg(&file)
        .output()
        .unwrap();
    assert!(checked.status.success(), "{}", err(&checked));
}

/// Applies a plan to a tenant of another beginning, and says what still fails afterwards. The register is brought up to
/// date as `apply` says.
fn mended(change: impl FnOnce(&mut Value)) -> (Value, Vec<String>) {
    let example = example::tenant("contoso", Timestamp::now()).unwrap();
    let mut given: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    change(&mut given["collections"]);
    let twin = Twin::of_snapshot(&given.to_string());
    twin.write("lab/register.toml", &example.register_toml);
    let wishes: Vec<&str> = WISHES.iter().copied().skip(4).collect();
    let plan = planned(&twin, &wishes);
    let digest = plan["digest"].as_str().unwrap();
    let (exit, report) = twin.document(&call(digest, &[]));
    assert_eq!(exit, 1, "{report:#}");
    let mut register = example.register_toml;
    for (key, id) in report["register"].as_object().unwrap() {
        let id = id.as_str().unwrap();
        let old = match key.rsplit(": ").next().unwrap() {
            "group" => "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c",
            "intended_policies" => "7b3e2037-41c2-4d8a-b6f0-9c5d1e2a6371",
            _ => continue,
        };
        register = register.replace(old, id);
    }
    twin.write("lab/register.toml", &register);
    let failing = failing(&twin, &plan);
    only_intended_policies_reach(&twin);
    assert_eq!(of_persons(&still_open(&twin, &wishes)), SETTINGS);
    (plan, failing)
}

fn ids(plan: &Value) -> Vec<&str> {
    plan["steps"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["id"].as_str().unwrap())
        .collect()
}

#[test]
fn c2_a_tenant_without_a_dedicated_policy_is_mended() {
    let (plan, failing) = mended(|all| {
        let policies = all["conditionalAccessPolicies"].as_array_mut().unwrap();
        policies.retain(|policy| !policy["displayName"].as_str().unwrap().contains("CA004"));
        let strengths = all["authenticationStrengthPolicies"]
            .as_array_mut()
            .unwrap();
        strengths.retain(|strength| strength["policyType"] == "builtIn");
    });
    assert!(ids(&plan).contains(&"enforce"), "{:?}", ids(&plan));
    assert_eq!(failing, Vec::<String>::new());
}

#[test]
fn m2_a_tenant_without_a_group_is_mended() {
    const GROUP: &str = "7b3e1ce4-41c2-4d8a-b6f0-9c5d1e2a507c";
    let (plan, failing) = mended(|all| {
        let text = all.to_string();
        *all = serde_json::from_str(&text).unwrap();
        let groups = all["groups"].as_array_mut().unwrap();
        groups.retain(|group| {
            group["id"] != GROUP && group["displayName"] != "Conditional Access exclusions"
        });
        for policy in all["conditionalAccessPolicies"].as_array_mut().unwrap() {
            let users = &mut policy["conditions"]["users"];
            users["excludeGroups"] = json!([]);
            if users["includeGroups"].to_string().contains(GROUP) {
                users["includeGroups"] = json!([]);
                users["includeUsers"] = json!([
                    "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000",
                    "7b3e1a25-41c2-4d8a-b6f0-9c5d1e2a40d3"
                ]);
            }
        }
        for user in all["users"].as_array_mut().unwrap() {
            for field in ["memberOf", "transitiveMemberOf"] {
                if user[field].is_array() {
                    user[field] = json!([]);
                }
            }
        }
    });
    assert_eq!(
        ids(&plan)[..3],
        ["group", "join-breakglass01", "join-breakglass02"]
    );
    assert_eq!(failing, Vec::<String>::new());
}

#[test]
fn w1_w3_w6_a_tenant_without_logs_and_alerts_is_mended() {
    let (plan, failing) = mended(|all| {
        for collection in ["diagnosticSettings", "scheduledQueryRules", "actionGroups"] {
            all[collection] = json!([]);
        }
    });
    assert!(ids(&plan).contains(&"receivers"), "{:?}", ids(&plan));
    assert_eq!(failing, Vec::<String>::new());
}

#[test]
fn a4_a_role_that_ends_becomes_permanent() {
    let (plan, failing) = mended(|all| {
        for row in all["roleAssignmentScheduleInstances"]
            .as_array_mut()
            .unwrap()
        {
            if row["principalId"] == "7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000" {
                row["endDateTime"] = json!("2099-01-01T00:00:00Z");
            }
        }
    });
    assert!(
        ids(&plan).contains(&"role-breakglass01"),
        "{:?}",
        ids(&plan)
    );
    assert_eq!(failing, Vec::<String>::new());
}

/// C2, C3, M2: what is there already and is not right is put right, and goes back to what it was.
#[test]
fn what_is_there_already_is_put_right_and_goes_back() {
    let example = example::tenant("contoso-modern", Timestamp::now()).unwrap();
    let mut given: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    let all = &mut given["collections"];
    for policy in all["conditionalAccessPolicies"].as_array_mut().unwrap() {
        if policy["displayName"].as_str().unwrap().starts_with("CA004") {
            policy["sessionControls"] = Value::Null;
            policy["state"] = "disabled".into();
            policy["conditions"]["applications"]["includeApplications"] =
                json!(["00000002-0000-0ff1-ce00-000000000000"]);
        }
    }
    let twin = Twin::of_snapshot(&given.to_string());
    twin.write("lab/register.toml", &example.register_toml);
    let old = state(&twin);
    let plan = planned(&twin, &[]);
    let digest = plan["digest"].as_str().unwrap();
    let output = twin.run(&call(digest, &[]));
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert_eq!(still_open(&twin, &[]), json!([]));
    let output = twin.run(&call(digest, &["--undo"]));
    assert!(matches!(code(&output), 0 | 1), "{}", err(&output));
    assert_eq!(state(&twin), old);
}

/// K4, K1, M1, A4, M4, C1: settings that somebody changed are put back by a person, and nothing else is done.
#[test]
fn drift_of_settings_is_put_back() {
    let example = example::tenant("contoso-modern", Timestamp::now()).unwrap();
    let mut given: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    let all = &mut given["collections"];
    let authorization = &mut all["authorizationPolicy"][0];
    authorization["allowedToUseSSPR"] = true.into();
    authorization["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] =
        json!(["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"]);
    all["identitySecurityDefaultsEnforcementPolicy"][0]["isEnabled"] = true.into();
    let methods = &mut all["authenticationMethodsPolicy"][0]["authenticationMethodConfigurations"];
    for method in methods.as_array_mut().unwrap() {
        if method["id"].as_str().unwrap().eq_ignore_ascii_case("fido2") {
            method["isAttestationEnforced"] = false.into();
            method["isSelfServiceRegistrationAllowed"] = false.into();
        }
    }
    for role in all["roleManagementPolicyAssignments"]
        .as_array_mut()
        .unwrap()
    {
        for rule in role["policy"]["rules"].as_array_mut().unwrap() {
            match rule["id"].as_str().unwrap() {
                "Expiration_Admin_Assignment" => rule["isExpirationRequired"] = true.into(),
                "Expiration_EndUser_Assignment" => rule["maximumDuration"] = "PT12H".into(),
                "Enablement_EndUser_Assignment" => rule["enabledRules"] = json!([]),
                "Approval_EndUser_Assignment" => {
                    rule["setting"]["isApprovalRequired"] = false.into();
                }
                _ => {}
            }
        }
    }
    let twin = Twin::of_snapshot(&given.to_string());
    twin.write("lab/register.toml", &example.register_toml);
    let plan = planned(&twin, &[]);
    let steps = ids(&plan);
    assert_eq!(steps.len(), 8, "{steps:?}");
    assert_eq!(of_persons(&plan["steps"]), steps);
    let digest = plan["digest"].as_str().unwrap();
    let (exit, shown, told) = applied_by_person(&twin, digest);
    assert_eq!(exit, 0, "{told}{shown}");
    assert!(shown.contains("8 done"), "{shown}");
    assert_eq!(still_open(&twin, &[]), json!([]));
}
