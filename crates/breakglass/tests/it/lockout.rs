//! `lockout prove`: on the built-in tenants, on real exports, and on bad input.

use std::fs;

use serde_json::{Value, json};

use crate::support::{code, err, out, run, shared};

/// A moment, so that built-in tenants and what is printed of them never change.
pub(crate) const AT: &str = "2026-11-24T20:00:00Z";

/// The document of a call with `--format json`.
pub(crate) fn document(arguments: &[&str]) -> (i32, Value) {
    let mut call = arguments.to_vec();
    call.extend(["--format", "json"]);
    let output = run(&call);
    let text = out(&output);
    let document = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{call:?}: {error}\n{text}\n{}", err(&output)));
    (code(&output), document)
}

/// Holds a document against its schema.
pub(crate) fn valid(name: &str, document: &Value) {
    let schema: Value = serde_json::from_str(&out(&run(&["schema", name]))).unwrap();
    jsonschema::meta::validate(&schema).unwrap();
    assert_eq!(schema["$id"], format!("breakglass/{name}/v1"));
    assert_eq!(document["schema"], schema["$id"]);
    let validator = jsonschema::validator_for(&schema).unwrap();
    let problems: Vec<String> = validator
        .iter_errors(document)
        .map(|error| error.to_string())
        .collect();
    assert!(problems.is_empty(), "{problems:?}");
}

fn policy<'d>(account: &'d Value, name: &str) -> &'d Value {
    account["policies"]
        .as_array()
        .unwrap()
        .iter()
        .find(|policy| policy["name"].as_str().unwrap().starts_with(name))
        .unwrap()
}

/// C4, X1: the planted lockout is found on both accounts, with the policy to blame and a witness.
#[test]
fn c4_x1_contoso_is_locked_out_by_the_compliant_device_policy() {
    let (code, document) = document(&["lockout", "prove", "--tenant", "contoso", "--at", AT]);
    assert_eq!(code, 1);
    valid("lockout-proof", &document);
    let accounts = document["accounts"].as_array().unwrap();
    assert_eq!(accounts.len(), 2);
    for account in accounts {
        assert_eq!(account["verdict"], "locked-out");
        assert_eq!(account["only_intended"], false);
        assert_eq!(account["way_in"], Value::Null);
        let guilty = policy(account, "CA003");
        assert_eq!(account["blame"], json!([guilty["id"]]));
        assert_eq!(guilty["reach"], "can");
        assert_eq!(guilty["effect"], "deny");
        assert_eq!(guilty["witness"]["user"], account["id"]);
        assert_eq!(policy(account, "CA004")["intended"], true);
        assert_eq!(policy(account, "CA001")["reach"], "never");
    }
    assert_eq!(policy(&accounts[0], "CA006")["reach"], "never");
    assert_eq!(policy(&accounts[1], "CA006")["reach"], "can");
}

/// C4: after everything is put right only the dedicated policy reaches the accounts, and they get in.
#[test]
fn c4_x1_contoso_modern_gets_in_and_only_intended_policies_reach() {
    let (code, document) = document(&["lockout", "prove", "--tenant", "contoso-modern"]);
    valid("lockout-proof", &document);
    assert_eq!(code, 0, "{document:#}");
    for account in document["accounts"].as_array().unwrap() {
        assert_eq!(account["verdict"], "gets-in");
        assert_eq!(account["robust"], true);
        assert_eq!(account["only_intended"], true);
        assert_eq!(account["way_in"]["user"], account["id"]);
        assert_eq!(account["blame"], json!([]));
    }
}

/// X1: what a witness claims is what `whatif` says of it, for every policy and both accounts.
#[test]
fn x1_every_witness_is_confirmed_by_whatif() {
    for tenant in ["contoso", "contoso-modern"] {
        let (_, proof) = document(&["lockout", "prove", "--tenant", tenant]);
        for account in proof["accounts"].as_array().unwrap() {
            let judge = |sign_in: &Value| {
                let sign_in = sign_in.to_string();
                document(&[
                    "lockout",
                    "whatif",
                    "--tenant",
                    tenant,
                    "--sign-in",
                    &sign_in,
                ])
            };
            for policy in account["policies"].as_array().unwrap() {
                if policy["reach"] == "never" {
                    continue;
                }
                let (code, answer) = judge(&policy["witness"]);
                valid("what-if", &answer);
                let judged = answer["policies"]
                    .as_array()
                    .unwrap()
                    .iter()
                    .find(|judged| judged["id"] == policy["id"])
                    .unwrap();
                assert_eq!(judged["applies"], "yes", "{policy:#}");
                assert_eq!(answer["user"]["id"], account["id"]);
                if policy["effect"] == "block" {
                    assert_eq!((code, &answer["outcome"]), (1, &json!("block")));
                }
            }
            if account["verdict"] == "gets-in" {
                assert_eq!(judge(&account["way_in"]).0, 0);
            }
        }
    }
}

#[test]
fn x1_report_only_policies_count_when_asked() {
    let reach = |more: &[&str]| {
        let mut call = vec!["lockout", "prove", "--tenant", "contoso"];
        call.extend(more);
        let (_, document) = document(&call);
        policy(&document["accounts"][0], "CA007")["reach"].clone()
    };
    assert_eq!(reach(&[]), "never");
    assert_eq!(reach(&["--enable-report-only"]), "can");
}

#[test]
fn x1_targets_are_named_by_id_or_name() {
    let (_, document) = document(&[
        "lockout",
        "prove",
        "--tenant",
        "contoso-modern",
        "--target",
        "azure resource manager",
        "--account",
        "BREAKGLASS01@contoso.onmicrosoft.com",
    ]);
    assert_eq!(document["accounts"].as_array().unwrap().len(), 1);
    let targets = document["accounts"][0]["targets"].as_array().unwrap();
    assert_eq!(targets.len(), 1);
    assert_eq!(targets[0]["id"], "797f4846-ba00-4fd7-ba43-dac1f8f63013");
    assert_eq!(targets[0]["name"], "Azure Resource Manager");
}

/// What stands on standard output for people, whole.
#[test]
fn c4_x1_the_proof_reads_well() {
    for tenant in ["contoso", "contoso-modern"] {
        for format in ["text", "markdown"] {
            let output = run(&[
                "lockout", "prove", "--tenant", tenant, "--at", AT, "--format", format,
            ]);
            insta::assert_snapshot!(format!("prove_{tenant}_{format}"), out(&output));
        }
    }
}

/// Every export in the shared data gives a valid document, for an account that is described by hand.
#[test]
fn c4_every_shared_export_gives_a_valid_proof() {
    let Some(shared) = shared() else { return };
    let place = tempfile::tempdir().unwrap();
    let person = place.path().join("person.json");
    fs::write(
        &person,
        r#"{"id": "b1b1b1b1-0000-4000-8000-0000000000b1", "upn": "BreakGlass01@contoso.onmicrosoft.com",
            "groups": [], "roles": ["62e90394-69f5-4237-9190-012177145e10"],
            "methods": [{"combination": "fido2", "aaguid": "cb69481e-8ff7-4039-93ec-0a2729a154a8"}]}"#,
    )
    .unwrap();
    let account = format!("@{}", person.display());
    let mut judged = 0;
    for entry in fs::read_dir(shared.join("ca-policies")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() && path.extension().is_none_or(|ending| ending != "json") {
            continue;
        }
        let tenant = path.to_str().unwrap();
        let (code, document) = document(&[
            "lockout",
            "prove",
            "--tenant",
            tenant,
            "--account",
            &account,
        ]);
        valid("lockout-proof", &document);
        let account = &document["accounts"][0];
        assert!([0, 1, 3].contains(&code), "{tenant}: exit {code}");
        assert!(
            !account["policies"].as_array().unwrap().is_empty(),
            "{tenant}"
        );
        judged += 1;
    }
    assert!(judged >= 5);
}

/// An account that can't be found never passes: cannot tell, or not even that.
#[test]
fn c4_an_account_that_is_not_found_cannot_be_told() {
    let (code, document) = document(&[
        "lockout",
        "prove",
        "--tenant",
        "contoso-modern",
        "--account",
        "nobody@contoso.com",
    ]);
    valid("lockout-proof", &document);
    assert_eq!(code, 3);
    let account = &document["accounts"][0];
    assert_eq!(account["verdict"], "cannot-tell");
    assert_eq!(account["upn"], "nobody@contoso.com");
    assert!(account["missing"][0].as_str().unwrap().contains("no user"));
}

/// Policies that were not read could stand in the way: nobody is said to get in.
#[test]
fn c4_a_broken_file_among_the_policies_leaves_it_open() {
    let place = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| fs::write(place.path().join(name), text).unwrap();
    write(
        "policy.json",
        r#"{"id":"p1","displayName":"Guests","state":"enabled","conditions":{"users":{"includeUsers":["GuestsOrExternalUsers"]},
            "applications":{"includeApplications":["All"]}},"grantControls":{"operator":"OR","builtInControls":["block"]}}"#,
    );
    write(
        "person.json.txt",
        r#"{"id":"bg1","upn":"bg1@contoso.com","groups":[],"roles":[],"userType":"Member","methods":[{"combination":"fido2"}]}"#,
    );
    let account = format!("@{}", place.path().join("person.json.txt").display());
    let folder = place.path().to_str().unwrap().to_owned();
    let call = [
        "lockout",
        "prove",
        "--tenant",
        &folder,
        "--account",
        &account,
    ];
    let (code, whole) = document(&call);
    assert_eq!(
        (code, &whole["accounts"][0]["verdict"]),
        (0, &json!("gets-in"))
    );
    write("broken.json", "{\"value\": [ {\"id\": ] }");
    let (code, broken) = document(&call);
    assert_eq!(code, 3);
    assert_eq!(broken["accounts"][0]["verdict"], "cannot-tell");
    assert_eq!(broken["accounts"][0]["only_intended"], Value::Null);
    assert!(
        broken["accounts"][0]["missing"]
            .to_string()
            .contains("broken.json")
    );
}
