//! `key`: what keys are, what the register and the tenant say of them, and one that is enrolled in a twin and signs in.

use std::fs;

use breakglass_keys::{ClientData, Pin, SecurityKey as _, soft::SoftKey};
use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;

use crate::{
    lab::{LIMIT, Twin},
    lockout::valid,
    person::Person,
    support::{code, err, out, run, wait_until},
};

const ACCOUNT: &str = "BreakGlass02@contoso.onmicrosoft.com";
/// The policy that is meant for the accounts.
const DEDICATED: &str = "7b3e2037-41c2-4d8a-b6f0-9c5d1e2a6371";
const FEITIAN: &str = "ee041bce-25e5-4cdb-8f86-897fd6418464";
const PIN: &str = "2468-1357";

#[test]
fn k3_an_aaguid_is_identified_or_said_to_be_unknown() {
    for (aaguid, exit, says) in [
        (FEITIAN, 0, "Feitian"),
        ("2FC0579F-8113-47EA-B116-BB5A8DB9202A", 1, "CVE-2024-45678"),
        (
            "0ea242b4-43c4-4a1b-8b17-dd6d0b6baec6",
            0,
            "platform-or-manager",
        ),
        ("b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a", 3, "in no list"),
        ("00000000-0000-0000-0000-000000000000", 3, "gives no AAGUID"),
    ] {
        let output = run(&["key", "identify", aaguid]);
        assert_eq!(code(&output), exit, "{aaguid}: {}", err(&output));
        assert!(out(&output).contains(says), "{aaguid}: {}", out(&output));
        let output = run(&["key", "identify", aaguid, "--format", "json"]);
        valid("key", &serde_json::from_str(&out(&output)).unwrap());
    }
    let output = run(&["key", "identify", "yubikey"]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("is not an AAGUID"),
        "{}",
        err(&output)
    );
}

#[test]
fn k3_a_user_adds_products_and_advisories() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let ours = "b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a";
    let table = file(
        "ours.csv",
        &format!("aaguid,vendor,model\n{ours},Ourselves,Key One\n"),
    );
    let output = run(&["key", "identify", ours, "--aaguids", &table]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        out(&output).contains("Ourselves, Key One"),
        "{}",
        out(&output)
    );
    let list = file(
        "known.csv",
        "id,vendor,aaguid,model,firmware_below,reason,reference\nOUR-1,Ourselves,,,,lost a batch,ticket 4711\n",
    );
    let output = run(&[
        "key",
        "identify",
        ours,
        "--aaguids",
        &table,
        "--advisories",
        &list,
    ]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(
        out(&output).contains("OUR-1: lost a batch"),
        "{}",
        out(&output)
    );
    // The configuration makes the checks know it.
    let known = file(
        "checked.csv",
        &format!("id,aaguid,reason\nOUR-2,{FEITIAN},lost a batch\n"),
    );
    let config = file(
        "breakglass.toml",
        &format!("[keys]\nadvisories = [{known:?}]\n"),
    );
    let output = run(&[
        "check",
        "--tenant",
        "contoso-modern",
        "--only",
        "BG092",
        "--config",
        &config,
    ]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    assert!(out(&output).contains("OUR-2"), "{}", out(&output));
    let wrong = file("wrong.csv", "aaguid\nnope\n");
    let output = run(&["key", "identify", ours, "--aaguids", &wrong]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("line 2: `nope` is not an AAGUID"),
        "{}",
        err(&output)
    );
}

#[test]
fn k1_k3_register_and_tenant_stand_side_by_side() {
    let output = run(&[
        "key",
        "list",
        "--tenant",
        "contoso-modern",
        "--format",
        "json",
    ]);
    let document: Value = serde_json::from_str(&out(&output)).unwrap();
    valid("keys", &document);
    let keys = |number: usize| document["accounts"][number]["keys"].as_array().unwrap();
    assert_eq!((keys(0).len(), keys(1).len()), (2, 2), "{document:#}");
    for key in keys(1) {
        assert_eq!(key["identity"]["vendor"], "Feitian");
        assert_eq!(key["problems"], serde_json::json!([]), "{key:#}");
        assert!(key["tenant"]["created"].is_string(), "{key:#}");
    }
    assert_eq!(code(&output), 0, "{}", err(&output));

    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("register.toml");
    fs::write(
        &path,
        format!(
            "schema = \"breakglass/register/v1\"\n[[account]]\nupn = {ACCOUNT:?}\n[[account.key]]\nlabel = \"BG02-A\"\naaguid = \"{}\"\nserial = \"S-1\"\n\
             [[account.key]]\nlabel = \"lost\"\n",
            "cb69481e-8ff7-4039-93ec-0a2729a154a8"
        ),
    )
    .unwrap();
    let output = run(&[
        "key",
        "list",
        "--tenant",
        "contoso-modern",
        "--register",
        path.to_str().unwrap(),
    ]);
    assert_eq!(code(&output), 1, "{}", err(&output));
    let text = out(&output);
    for says in [
        "another key has this label",
        "in the register, and not registered in the tenant",
        "registered in the tenant, and not in the register",
        "serial S-1",
    ] {
        assert!(
            text.split_whitespace()
                .collect::<Vec<_>>()
                .join(" ")
                .contains(says),
            "{says}: {text}"
        );
    }
}

#[test]
fn k1_metadata_that_fido_did_not_sign_are_not_imported() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("blob.jwt");
    fs::write(&path, "bm8.bm8.bm8").unwrap();
    let output = run(&["key", "mds", "import", path.to_str().unwrap()]);
    assert_eq!(code(&output), 2);
    assert!(
        err(&output).contains("it is no metadata file of FIDO"),
        "{}",
        err(&output)
    );
}

#[test]
fn k1_metadata_are_imported_and_used() {
    let place = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = place.path().join(name);
        fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let blob = file("blob.jwt", include_str!("metadata/blob.jwt"));
    let root = file("root.pem", include_str!("metadata/root.pem"));
    let kept = place.path().join("kept.jwt").display().to_string();
    let at = ["--at", "2026-11-24T20:00:00Z"];
    let output = run(&[
        &[
            "key", "mds", "import", &blob, "--root", &root, "--out", &kept,
        ],
        &at[..],
    ]
    .concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        out(&output).contains("number 7 is verified: 1 kinds of keys"),
        "{}",
        out(&output)
    );
    let ours = "b0a4d6e0-5c1f-4f2e-9a3b-7d6e5f4c3b2a";
    let identify = ["key", "identify", ours, "--mds", &kept, "--mds-root", &root];
    let output = run(&[&identify[..], &at[..]].concat());
    assert_eq!(code(&output), 0, "{}", err(&output));
    assert!(
        out(&output).contains("Made-up Key (no list tells its vendor)"),
        "{}",
        out(&output)
    );
    let late = run(&[&identify[..], &["--at", "2027-06-01T00:00:00Z"]].concat());
    assert!(err(&late).contains("is overdue"), "{}", err(&late));
    let without = run(&["key", "mds", "import", &blob, "--out", &kept]);
    assert_eq!(code(&without), 2);
    assert!(
        err(&without).contains("is not signed by FIDO"),
        "{}",
        err(&without)
    );
}

/// The modern tenant before its unit is restricted: keys come first.
fn tenant() -> String {
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap();
    let example = breakglass_model::example::tenant("contoso-modern", now).unwrap();
    let mut snapshot: Value = serde_json::from_str(&example.snapshot_json).unwrap();
    for unit in snapshot["collections"]["administrativeUnits"]
        .as_array_mut()
        .unwrap()
    {
        unit["isMemberManagementRestricted"] = false.into();
    }
    snapshot.to_string()
}

fn twin() -> Twin {
    let twin = Twin::of_snapshot_with(&tenant(), &["--export", "export.ndjson"]);
    let now = jiff::Timestamp::now().round(jiff::Unit::Second).unwrap();
    let example = breakglass_model::example::tenant("contoso-modern", now).unwrap();
    twin.write(
        "register.toml",
        &format!("# ours\n{}", example.register_toml),
    );
    twin.write("pin.txt", &format!("{PIN}\n"));
    twin
}

const ENROLL: &[&str] = &[
    "key",
    "enroll",
    "--config",
    "lab/breakglass.toml",
    "--identity",
    "lab/apply.toml",
    "--account",
    ACCOUNT,
    "--label",
    "BG02-C",
    "--serial",
    "FT-4711",
    "--envelope",
    "E-0018",
    "--place",
    "branch-safe",
    "--register",
    "register.toml",
    "--software-key",
    "key.json",
    "--software-aaguid",
    FEITIAN,
    "--pin-file",
    "pin.txt",
];

#[test]
fn k1_x7_a_key_is_enrolled_and_satisfies_the_dedicated_policy() {
    let twin = twin();
    let (exit, document) = twin.document(ENROLL);
    assert_eq!(exit, 0, "{document:#}");
    valid("key-enrolment", &document);
    assert_eq!(
        (&document["new"], &document["attestation"]),
        (&true.into(), &"certificate".into())
    );
    assert!(
        document["proven"]
            .as_str()
            .unwrap()
            .contains("the vendor's root is not known")
    );
    let register = twin.text("register.toml");
    for says in [
        "# ours",
        "label = \"BG02-C\"",
        "serial = \"FT-4711\"",
        FEITIAN,
    ] {
        assert!(register.contains(says), "{says}: {register}");
    }
    assert!(!register.contains(PIN) && !document.to_string().contains(PIN));

    // Where the result cannot be written, what was done is said.
    let full = std::fs::File::options().write(true).open("/dev/full");
    if let Ok(full) = full {
        let output = twin.command(ENROLL).stdout(full).output().unwrap();
        assert_eq!(code(&output), 4, "{}", err(&output));
        let told = err(&output);
        assert!(
            told.contains("is registered in the tenant as BG02-C and stands in the register")
                && !told.contains("nothing else was changed"),
            "{told}"
        );
    }

    // A re-run changes nothing, here or there.
    let (exit, again) = twin.document(ENROLL);
    assert_eq!(
        (exit, &again["new"], &again["method"]),
        (0, &false.into(), &document["method"]),
        "{again:#}"
    );
    assert_eq!(twin.text("register.toml"), register);

    assert_eq!(
        code(&twin.collect("snapshot.json", &["--account", ACCOUNT])),
        0
    );
    let (_, list) = twin.document(&[
        "key",
        "list",
        "--tenant",
        "snapshot.json",
        "--register",
        "register.toml",
    ]);
    let keys = list["accounts"][1]["keys"].as_array().unwrap();
    let own = keys
        .iter()
        .find(|key| key["register"]["label"] == "BG02-C")
        .unwrap();
    assert_eq!(own["problems"], serde_json::json!([]), "{own:#}");
    assert_eq!(own["tenant"]["attestation"], "attested");

    let page = breakglass::runtime().unwrap().block_on(sign_in(&twin));
    assert!(page.contains("You are signed in"), "{page}");
    let judged = || -> Option<Value> {
        let text = twin.text("export.ndjson");
        let policies = text
            .lines()
            .filter_map(|line| serde_json::from_str::<Value>(line).ok())
            .filter_map(|record| {
                record["properties"]["appliedConditionalAccessPolicies"]
                    .as_array()
                    .cloned()
            });
        policies.flatten().find(|policy| policy["id"] == DEDICATED)
    };
    wait_until("the record of the sign-in", LIMIT, || judged().is_some());
    assert_eq!(judged().unwrap()["result"], "success");
}

/// Signs in on the twin's page under Microsoft's name, as a browser that maps the name to it does.
async fn sign_in(twin: &Twin) -> String {
    let mut person = Person::at(twin, Some("login.microsoft.com"));
    person.open("/lab/signin", &[]).await;
    person.step("name", &[("username", ACCOUNT)]).await;
    person.step("choose", &[("way", "passkey")]).await;
    let used = used(twin, &person.page);
    let used: Vec<(&str, &str)> = used
        .iter()
        .map(|(name, value)| (*name, value.as_str()))
        .collect();
    person.step("passkey", &used).await;
    person.page
}

/// What a browser would send of the key that is kept in the file.
fn used(twin: &Twin, page: &str) -> Vec<(&'static str, String)> {
    let options = page
        .split_once("data-options=\"")
        .unwrap()
        .1
        .split('"')
        .next()
        .unwrap();
    let options = options
        .replace("&quot;", "\"")
        .replace("&#39;", "'")
        .replace("&amp;", "&");
    let options: Value = serde_json::from_str(&options).unwrap();
    let mut key = SoftKey::open(serde_json::from_str(&twin.text("key.json")).unwrap()).unwrap();
    let pin = Pin::new(zeroize::Zeroizing::new(PIN.to_owned())).unwrap();
    let client = ClientData::get(
        options["challenge"].as_str().unwrap(),
        "https://login.microsoft.com",
    );
    let used = key
        .assert(&pin, options["rpId"].as_str().unwrap(), &client.hash(), &[])
        .unwrap();
    vec![
        ("credential", BASE64URL_NOPAD.encode(&used.credential_id)),
        ("clientDataJSON", client.base64url()),
        (
            "authenticatorData",
            BASE64URL_NOPAD.encode(&used.authenticator_data),
        ),
        ("signature", BASE64URL_NOPAD.encode(&used.signature)),
        ("userHandle", BASE64URL_NOPAD.encode(&used.user_id.unwrap())),
    ]
}

#[test]
fn x7_what_cannot_be_done_is_said_before_anything_is() {
    let twin = twin();
    let register = twin.text("register.toml");
    let with = |name: &str, value: &str| -> Vec<String> {
        let mut call: Vec<String> = ENROLL.iter().map(|own| (*own).to_owned()).collect();
        let place = call.iter().position(|own| own == name).unwrap();
        value.clone_into(&mut call[place + 1]);
        call
    };
    for (call, exit, says) in [
        (
            with("--account", "nobody@contoso.onmicrosoft.com"),
            2,
            "no account `nobody@contoso.onmicrosoft.com`",
        ),
        (with("--envelope", "E-9999"), 2, "E-9999"),
        (
            with("--label", "BG02-A"),
            2,
            "BG02-A is taken by another key",
        ),
        (
            with("--label", "a label that is far too long for Entra"),
            2,
            "longer than 30 characters",
        ),
        (
            with("--account", "adele.admin@contoso.com"),
            2,
            "does not have the account",
        ),
        (
            with("--pin-file", "none.txt"),
            2,
            "the PIN `none.txt` could not be read",
        ),
    ] {
        let call: Vec<&str> = call.iter().map(String::as_str).collect();
        let output = twin.run(&call);
        assert_eq!(code(&output), exit, "{call:?}: {}", err(&output));
        assert!(err(&output).contains(says), "{says}: {}", err(&output));
    }
    assert_eq!(twin.text("register.toml"), register);
    let output = run(&[
        "key",
        "enroll",
        "--account",
        "a",
        "--label",
        "b",
        "--serial",
        "c",
        "--envelope",
        "d",
        "--software-key",
        "k",
    ]);
    assert_eq!(code(&output), 2);
    assert!(err(&output).contains("for a twin only"), "{}", err(&output));
}

#[test]
fn x7_a_wrong_pin_is_told_with_what_is_left_and_nothing_is_registered() {
    let twin = twin();
    assert_eq!(twin.document(ENROLL).0, 0);
    twin.write("pin.txt", "0000-wrong\n");
    let output = twin.run(ENROLL);
    assert_eq!(code(&output), 2);
    let told = err(&output);
    assert!(
        told.contains("8 tries are left") && told.contains("the PIN is wrong; 7 tries are left"),
        "{told}"
    );
    assert!(!told.contains("0000-wrong"), "{told}");
}

/// In the finished tenant the unit keeps the identity out, and that is said.
#[test]
fn m1_x7_a_restricted_unit_keeps_the_identity_out() {
    let twin = Twin::of("contoso-modern");
    twin.write("pin.txt", PIN);
    let call: Vec<&str> = ENROLL
        .iter()
        .map(|own| {
            if *own == "register.toml" {
                "lab/register.toml"
            } else {
                own
            }
        })
        .collect();
    let output = twin.run(&call);
    assert_eq!(code(&output), 2, "{}", err(&output));
    assert!(
        err(&output).contains("a role in that unit"),
        "{}",
        err(&output)
    );
}
