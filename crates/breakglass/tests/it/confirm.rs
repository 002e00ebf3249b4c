//! `lockout prove --confirm`: a proof put to the What If of a twin.

use serde_json::{Value, json};

use crate::{
    lab::Twin,
    lockout::valid,
    support::{code, err, run},
};

const CALL: [&str; 9] = [
    "lockout",
    "prove",
    "--tenant",
    "snapshot.json",
    "--register",
    "lab/register.toml",
    "--config",
    "lab/breakglass.toml",
    "--confirm",
];

fn collected(tenant: &str) -> Twin {
    let twin = Twin::of(tenant);
    let output = twin.collect("snapshot.json", &[]);
    // Two collections of `contoso` are not shown to anybody; no policy needs them.
    let exit = if tenant == "contoso" { 3 } else { 0 };
    assert_eq!(code(&output), exit, "{}", err(&output));
    twin
}

/// A policy of the snapshot, by the beginning of its name.
fn policy_named(twin: &Twin, name: &str) -> Value {
    let snapshot = twin.json("snapshot.json");
    let policies = snapshot["collections"]["conditionalAccessPolicies"]
        .as_array()
        .unwrap();
    let mut policies = policies.iter();
    let found = policies.find(|policy| policy["displayName"].as_str().unwrap().starts_with(name));
    found.unwrap().clone()
}

/// Changes a policy, as the app that may write.
fn write(twin: &Twin, policy: &str, body: &Value) {
    let path = format!("identity/conditionalAccess/policies/{policy}");
    twin.graph(&reqwest::Method::PATCH, &path, body);
}

/// X1: the proof and Microsoft's What If, as the twin has it, agree on every sign-in, but for what What If cannot know.
#[test]
fn x1_what_if_agrees_with_the_proof() {
    for (tenant, exit) in [("contoso", 1), ("contoso-modern", 0)] {
        let twin = collected(tenant);
        let (code, document) = twin.document(&CALL);
        valid("lockout-proof", &document);
        let confirmation = &document["confirmation"];
        for difference in confirmation["differences"].as_array().unwrap() {
            assert_eq!(difference["whose"], "theirs", "{difference:#}");
            assert!(
                difference["name"].as_str().unwrap().starts_with("CA006"),
                "{difference:#}"
            );
        }
        assert_eq!(confirmation["not_asked"], json!([]), "{confirmation:#}");
        assert!(confirmation["asked"].as_u64().unwrap() > 0);
        assert!(confirmation["agreed"].as_u64().unwrap() > 0);
        assert_eq!(code, exit, "{tenant}");
    }
}

/// A policy that was changed after the snapshot was collected: the proof is not relied on.
#[test]
fn a_policy_that_changed_meanwhile_is_told() {
    let twin = collected("contoso-modern");
    let policy = policy_named(&twin, "CA004");
    write(
        &twin,
        policy["id"].as_str().unwrap(),
        &json!({"conditions": {"users": {"includeUsers": ["None"], "includeGroups": []}}}),
    );
    let (code, document) = twin.document(&CALL);
    valid("lockout-proof", &document);
    let confirmation = &document["confirmation"];
    let differences = confirmation["differences"].as_array().unwrap();
    assert!(!differences.is_empty(), "{confirmation:#}");
    for difference in differences {
        assert_eq!(difference["policy"], policy["id"], "{difference:#}");
        assert_eq!(difference["whose"], "changed", "{difference:#}");
    }
    assert_eq!(code, 3, "a clean proof is not certain any more");
}

/// X1: *never* rests on an exclusion: the sign-in that only it keeps away from the policy is asked too.
#[test]
fn x1_an_exclusion_that_is_gone_is_noticed_though_no_witness_meets_the_policy() {
    let twin = collected("contoso-modern");
    let policy = policy_named(&twin, "CA002");
    write(
        &twin,
        policy["id"].as_str().unwrap(),
        &json!({"conditions": {"users": {"excludeGroups": []}}}),
    );
    let (code, document) = twin.document(&CALL);
    let confirmation = &document["confirmation"];
    let differences = confirmation["differences"].as_array().unwrap();
    assert!(!differences.is_empty(), "{confirmation:#}");
    for difference in differences {
        assert_eq!(difference["policy"], policy["id"], "{difference:#}");
        assert_eq!(difference["whose"], "changed", "{difference:#}");
    }
    assert_eq!(code, 3, "a clean proof is not certain any more");
}

/// X1: a token that is not taken ends the run as it ends `collect`, and is told once.
#[test]
fn x1_tokens_that_are_refused_end_the_confirmation() {
    let twin = collected("contoso-modern");
    twin.fault("expired-tokens", "on");
    let output = twin.run(&CALL);
    let text = err(&output);
    assert_eq!(code(&output), 4, "{text}");
    assert_eq!(text.matches("the token is expired").count(), 1, "{text}");
    assert!(text.contains("What If did not answer"), "{text}");
    assert!(text.contains("leave out --confirm"), "{text}");
}

#[test]
fn confirm_needs_a_tenant_to_ask() {
    let output = run(&["lockout", "prove", "--tenant", "contoso", "--confirm"]);
    assert_eq!(code(&output), 2);
    for words in ["nobody is named who may read the tenant", "breakglass init"] {
        assert!(err(&output).contains(words), "{words}: {}", err(&output));
    }
}

/// A snapshot of one tenant is not held against another.
#[test]
fn confirm_asks_no_other_tenant() {
    let twin = collected("contoso");
    let mut snapshot = twin.json("snapshot.json");
    let other = "00000000-0000-4000-8000-00000000beef";
    snapshot["tenant"]["id"] = json!(other);
    twin.write("snapshot.json", &snapshot.to_string());
    let output = twin.run(&CALL);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(err(&output).contains(other), "{}", err(&output));
    assert!(err(&output).contains("collect a snapshot of that tenant"));
}
