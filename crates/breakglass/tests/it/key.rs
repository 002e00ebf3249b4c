//! `key list` and `key identify`.

use serde_json::Value;

use crate::support::{code, err, out, run};

#[test]
fn k3_what_is_registered_stands_beside_the_register() {
    let output = run(&[
        "key",
        "list",
        "--tenant",
        "contoso",
        "--at",
        "2026-11-24T12:00:00Z",
    ]);
    assert_eq!(code(&output), 0, "{}{}", out(&output), err(&output));
    insta::assert_snapshot!("key_list", out(&output));
    let output = run(&[
        "key",
        "list",
        "--tenant",
        "contoso-modern",
        "--format",
        "json",
    ]);
    let document: Value = serde_json::from_str(&out(&output)).unwrap();
    assert_eq!(document["schema"], "breakglass/keys/v1");
    let keys = document["accounts"][1]["keys"].as_array().unwrap();
    assert_eq!(keys.len(), 2);
    assert!(
        keys.iter().any(|key| key["vendor"] == "Feitian"),
        "{keys:#?}"
    );
}

#[test]
fn k1_an_unknown_model_is_said_to_be_unknown() {
    let output = run(&["key", "identify", "CB69481E-8FF7-4039-93EC-0A2729A154A8"]);
    assert_eq!(code(&output), 0);
    assert!(out(&output).contains("Yubico"));
    let output = run(&["key", "identify", "11111111-2222-3333-4444-555555555555"]);
    assert_eq!(code(&output), 3);
    assert!(out(&output).contains("Not in the table"));
    let output = run(&["key", "identify", "00000000-0000-0000-0000-000000000000"]);
    assert_eq!(code(&output), 3);
    assert!(out(&output).contains("gives no AAGUID"));
    let output = run(&["key", "identify", "yubikey"]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("is no AAGUID"), "{}", err(&output));
}
