//! `lockout whatif`: one sign-in.

use std::fs;

use serde_json::{Value, json};

use crate::{
    lockout::{AT, document, valid},
    support::{code, err, out, run, run_with_input},
};

const EXCHANGE: &str = "00000002-0000-0ff1-ce00-000000000000";

fn adele<'a>(more: &[&'a str]) -> Vec<&'a str> {
    let mut call = vec![
        "lockout",
        "whatif",
        "--tenant",
        "contoso",
        "--at",
        AT,
        "--user",
        "adele.admin@contoso.com",
    ];
    call.extend(more);
    call
}

/// X1: every option ends up in the sign-in under the name of the contract.
#[test]
fn x1_every_option_is_part_of_the_sign_in() {
    let (_, answer) = document(&adele(&[
        "--app",
        "exchange online",
        "--app",
        "CC15FD57-2C6C-4117-A88C-83B1D56B4BBE",
        "--platform",
        "ANDROID",
        "--client",
        "browser",
        "--ip",
        "203.0.113.7",
        "--country",
        "br",
        "--gps-country",
        "AT",
        "--compliant-network",
        "--risk",
        "low",
        "--user-risk",
        "none",
        "--insider-risk",
        "minor",
        "--flow",
        "devicecodeflow",
        "--context",
        "C1",
        "--device",
        r#"{"isCompliant": true, "extensionAttribute1": "saw"}"#,
    ]));
    valid("what-if", &answer);
    let sign_in = &answer["sign_in"];
    assert_eq!(
        sign_in["audiences"],
        json!([EXCHANGE, "cc15fd57-2c6c-4117-a88c-83b1d56b4bbe"])
    );
    for (field, value) in [
        ("platform", json!("android")),
        ("clientApp", json!("browser")),
        ("ip", json!("203.0.113.7")),
        ("country", json!("BR")),
        ("gpsCountry", json!("AT")),
        ("compliantNetwork", json!(true)),
        ("signInRisk", json!("low")),
        ("userRisk", json!("none")),
        ("insiderRisk", json!("minor")),
        ("flow", json!("deviceCodeFlow")),
        ("authContexts", json!(["c1"])),
        (
            "device",
            json!({"isCompliant": true, "extensionAttribute1": "saw"}),
        ),
    ] {
        assert_eq!(sign_in[field], value, "{field}");
    }
}

#[test]
fn x1_exit_codes_follow_the_outcome() {
    let at_hand = r#"{"isCompliant": true, "operatingSystem": "Windows", "trustType": "AzureAD"}"#;
    let complete = [
        "--app",
        "Exchange Online",
        "--platform",
        "windows",
        "--client",
        "browser",
        "--ip",
        "203.0.113.7",
        "--country",
        "AT",
        "--device",
        at_hand,
        "--method",
        "password,microsoftAuthenticatorPush",
    ];
    let (exit, answer) = document(&adele(&complete));
    assert_eq!(
        (exit, &answer["outcome"]),
        (0, &json!("challenge")),
        "{answer:#}"
    );
    let mut blocked = complete.to_vec();
    blocked.extend(["--country", "KP"]);
    blocked.remove(8);
    blocked.remove(8);
    let (exit, answer) = document(&adele(&blocked));
    assert_eq!(
        (exit, &answer["outcome"]),
        (1, &json!("block")),
        "{answer:#}"
    );
    let mut denied = complete.to_vec();
    denied[13] = "password";
    let (exit, answer) = document(&adele(&denied));
    assert_eq!(
        (exit, &answer["outcome"]),
        (1, &json!("deny")),
        "{answer:#}"
    );
    let (exit, answer) = document(&adele(&[
        "--app",
        "Exchange Online",
        "--method",
        "password,microsoftAuthenticatorPush",
    ]));
    assert_eq!(
        (exit, &answer["outcome"]),
        (3, &json!("unknown")),
        "{answer:#}"
    );
    assert!(!answer["missing"].as_array().unwrap().is_empty());
}

/// A sign-in comes from a file, from standard input or inline; options override it.
#[test]
fn x1_a_sign_in_is_read_and_overridden() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("witness.json");
    let sign_in = json!({
        "user": "adele.admin@contoso.com", "audiences": [EXCHANGE], "platform": "windows",
        "clientApp": "browser", "country": null, "device": null,
    });
    fs::write(&file, sign_in.to_string()).unwrap();
    let base = [
        "lockout",
        "whatif",
        "--tenant",
        "contoso",
        "--format",
        "json",
        "--sign-in",
    ];
    let inline = sign_in.to_string();
    let mut answers: Vec<Value> = Vec::new();
    for given in [file.to_str().unwrap(), "-", &inline] {
        let mut call = base.to_vec();
        call.extend([given, "--client", "other", "--at", AT]);
        let output = run_with_input(&call, inline.as_bytes());
        answers.push(serde_json::from_str(&out(&output)).unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
    let answer = &answers[0];
    assert_eq!(answer["sign_in"]["clientApp"], "other");
    assert_eq!(answer["sign_in"]["country"], Value::Null);
    assert!(answer["sign_in"].get("country").is_some());
    assert_eq!(answer["user"]["name"], "adele.admin@contoso.com");
    assert_eq!(answer["outcome"], "block", "{answer:#}");
}

/// A person whom the export does not hold is described in a file.
#[test]
fn x1_a_described_person_signs_in() {
    let place = tempfile::tempdir().unwrap();
    let policies = place.path().join("policies.json");
    fs::write(
        &policies,
        r#"[{"id":"p1","displayName":"Keys for the group","state":"enabled","conditions":{"users":{"includeGroups":["g1"]},
            "applications":{"includeApplications":["All"]}},"grantControls":{"operator":"OR","builtInControls":[],
            "authenticationStrength":{"id":"00000000-0000-0000-0000-000000000004"}}}]"#,
    )
    .unwrap();
    let person = place.path().join("person.json");
    fs::write(
        &person,
        r#"{"id":"someone","upn":"someone@contoso.com","groups":["g1"],"roles":[],"methods":[{"combination":"fido2"}]}"#,
    )
    .unwrap();
    let (tenant, person) = (policies.to_str().unwrap(), format!("@{}", person.display()));
    let rest = [
        "--app",
        "Azure CLI",
        "--client",
        "browser",
        "--platform",
        "linux",
        "--device",
        "none",
    ];
    let mut call = vec!["lockout", "whatif", "--tenant", tenant, "--user", &person];
    call.extend(rest);
    let (exit, answer) = document(&call);
    assert_eq!(
        (exit, &answer["policies"][0]["met"]),
        (0, &json!("yes")),
        "{answer:#}"
    );
    call.extend(["--method", "password,sms"]);
    let (exit, answer) = document(&call);
    assert_eq!(
        (exit, &answer["policies"][0]["met"]),
        (1, &json!("no")),
        "{answer:#}"
    );
    let mut named = vec![
        "lockout",
        "whatif",
        "--tenant",
        tenant,
        "--account",
        &person,
        "--sign-in",
        r#"{"user": "someone"}"#,
    ];
    named.extend(rest);
    assert_eq!(document(&named).0, 0);
    // Without the description the name can't be looked up, which is no wrong call.
    let mut unread = vec![
        "lockout",
        "whatif",
        "--tenant",
        tenant,
        "--user",
        "someone@contoso.com",
    ];
    unread.extend(rest);
    let output = run(&unread);
    assert_eq!(code(&output), 3, "{}", err(&output));
}

#[test]
fn x1_unknown_words_list_the_possible_ones() {
    for (more, expected) in [
        (
            ["--app", "Azure CLI", "--platform", "amiga"],
            "windowsPhone",
        ),
        (
            ["--app", "Azure CLI", "--method", "phone"],
            "microsoftAuthenticatorPush",
        ),
        (
            ["--app", "Azure CLI", "--action", "dance"],
            "registersecurityinfo",
        ),
        (
            [
                "--app",
                "Azure CLI",
                "--device",
                r#"{"isCompliance": true}"#,
            ],
            "isCompliant",
        ),
        (
            ["--app", "Azure", "--platform", "linux"],
            "Azure Resource Manager",
        ),
    ] {
        let output = run(&adele(&more));
        assert_eq!(code(&output), 2);
        assert!(err(&output).contains(expected), "{}", err(&output));
    }
}

#[test]
fn x1_the_answer_reads_well() {
    let output = run(&adele(&[
        "--app",
        "Exchange Online",
        "--platform",
        "android",
        "--client",
        "browser",
        "--ip",
        "203.0.113.7",
        "--country",
        "BR",
        "--device",
        "none",
    ]));
    insta::assert_snapshot!("whatif_contoso_text", out(&output));
}
