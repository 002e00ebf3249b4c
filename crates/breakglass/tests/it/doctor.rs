//! `doctor` against a twin.

use serde_json::Value;

use crate::{
    lab::Twin,
    lockout::valid,
    support::{code, err, out, run},
};

fn doctor(twin: &Twin, more: &[&str]) -> (i32, Value) {
    let mut call = vec!["doctor", "--config", "lab/breakglass.toml"];
    call.extend(more);
    let (code, document) = twin.document(&call);
    valid("doctor", &document);
    (code, document)
}

/// The findings of an area as `(verdict, subject, because)`.
fn area<'d>(document: &'d Value, name: &str) -> Vec<(&'d str, &'d str, &'d str)> {
    document["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["area"] == name)
        .map(|finding| {
            let text = |key: &str| finding[key].as_str().unwrap();
            (text("verdict"), text("subject"), text("because"))
        })
        .collect()
}

fn worst(found: &[(&str, &str, &str)], verdict: &str) -> bool {
    found.iter().any(|own| own.0 == verdict)
}

/// The read-only identity of the twin holds exactly what reading needs.
#[test]
fn the_reading_identity_has_all_it_needs_and_nothing_more() {
    let twin = Twin::of("contoso");
    let (code, document) = doctor(&twin, &[]);
    let permissions = area(&document, "permissions");
    for name in ["Data.Read (posture)", "Security Reader (posture)"] {
        assert!(
            permissions.iter().any(|own| own.1 == name),
            "{permissions:#?}"
        );
    }
    for name in ["configuration", "tenant", "permissions", "clock"] {
        let found = area(&document, name);
        assert!(
            !found.is_empty() && found.iter().all(|own| own.0 == "good"),
            "{name}: {found:#?}"
        );
    }
    // The twin's configuration has no channel, and that is a fault of an installation.
    assert!(worst(&area(&document, "channels"), "bad"));
    assert_eq!(code, 1);
}

/// An identity that can write is the identity that an intruder wants.
#[test]
fn an_identity_that_can_write_is_told() {
    let twin = Twin::of("contoso");
    let config = twin
        .text("lab/breakglass.toml")
        .replace("0000000a0002", "0000000a0003")
        .replace("posture.secret", "apply.secret");
    twin.write("lab/breakglass.toml", &config);
    let (code, document) = doctor(&twin, &[]);
    assert_eq!(code, 1);
    let found = area(&document, "permissions");
    for name in ["User.ReadWrite.All", "Policy.ReadWrite.ConditionalAccess"] {
        assert!(
            found.iter().any(|own| {
                own.0 == "bad"
                    && own.1 == format!("{name} (posture)")
                    && own.2.contains("change the tenant")
            }),
            "{name}: {found:#?}"
        );
    }
}

/// What is granted elsewhere than in Microsoft Graph is looked at too.
#[test]
fn what_the_logs_and_the_directorys_settings_take_is_told() {
    let twin = Twin::of("contoso");
    let config = twin
        .text("lab/breakglass.toml")
        .replace("0000000a0002", "0000000a0001")
        .replace("posture.secret", "watch.secret");
    twin.write("lab/breakglass.toml", &config);
    let (_, document) = doctor(&twin, &[]);
    let found = area(&document, "permissions");
    for (verdict, name) in [
        ("bad", "Data.Read (posture)"),
        ("doubtful", "Security Reader (posture)"),
    ] {
        assert!(
            found.iter().any(|own| own.0 == verdict && own.1 == name),
            "{name}: {found:#?}"
        );
    }
}

#[test]
fn a_clock_that_is_ten_minutes_off_is_bad() {
    let twin = Twin::of("contoso");
    twin.fault("clock-skew", "on");
    let (code, document) = doctor(&twin, &[]);
    assert_eq!(code, 1);
    let found = area(&document, "clock");
    assert!(worst(&found, "bad"), "{found:?}");
}

/// Every way in which the tenant cannot be reached is a finding that says what to do, never a crash.
#[test]
fn what_stands_between_it_and_the_tenant_is_told() {
    let twin = Twin::of("contoso");
    for (fault, says) in [
        (
            "expired-secret",
            "the client secret has expired (AADSTS7000222)",
        ),
        (
            "wrong-cloud",
            "the tenant is in another cloud (AADSTS90038)",
        ),
    ] {
        twin.fault(fault, "on");
        let (code, document) = doctor(&twin, &[]);
        assert_eq!(code, 1, "{fault}");
        let found = area(&document, "tenant");
        assert!(
            found
                .iter()
                .any(|own| own.0 == "bad" && own.2.contains(says)),
            "{fault}: {found:#?}"
        );
        twin.fault(fault, "off");
    }
}

/// A twin whose configuration lacks nothing: two channels that do not fail together.
fn complete() -> Twin {
    let twin = Twin::of("contoso");
    let mut config = twin.text("lab/breakglass.toml");
    twin.write(
        "lab/hook.secret",
        "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=",
    );
    for (name, provider) in [("one", "x"), ("two", "y")] {
        config.push_str(&format!(
            "\n[[channel]]\nkind = \"webhook\"\nname = \"{name}\"\nurl = \"https://127.0.0.1:9/\"\n\
             secret_file = \"hook.secret\"\nallow_private = true\ndepends_on = [\"provider:{provider}\"]\n"
        ));
    }
    twin.write("lab/breakglass.toml", &config);
    twin
}

/// The ending of a run in which the tenant does not answer: nothing is wrong with this installation.
fn cannot_be_told(twin: &Twin, fault: &str, says: &str) {
    twin.fault(fault, "on");
    let (code, document) = doctor(twin, &[]);
    let found = area(&document, "tenant");
    assert!(
        found.iter().any(|own| own.0 == "cannot-tell"
            && own.2.contains(says)
            && own.2.contains("nothing can be told of this installation")),
        "{fault}: {found:#?}"
    );
    assert!(!worst(&found, "bad"), "{fault}: {found:#?}");
    assert_eq!(code, 3, "{fault}: {document:#}");
    twin.fault(fault, "off");
}

/// What passes by itself is no fault of the installation: it ends as what could not be found out.
#[test]
fn a_tenant_that_does_not_answer_just_now_is_not_a_broken_installation() {
    let twin = complete();
    let (code, document) = doctor(&twin, &[]);
    assert_eq!(code, 0, "{document:#}");
    cannot_be_told(&twin, "login-outage", "this passes by itself");
    cannot_be_told(&twin, "expired-tokens", "a new token was not taken either");
}

#[test]
#[ignore = "waits until the program gives up, about a minute and a half"]
fn graph_that_stays_away_is_not_a_broken_installation() {
    cannot_be_told(&complete(), "graph-outage", "this passes by itself");
}

/// Each identity is asked what it holds: the one that reads, the one that watches, and the one that writes.
#[test]
fn every_configured_identity_is_looked_at() {
    let twin = complete();
    let (code, document) = doctor(&twin, &["--identity", "lab/apply.toml"]);
    assert_eq!(code, 0, "{document:#}");
    let found = area(&document, "permissions");
    let signed_in = area(&document, "tenant");
    for name in ["posture", "watch", "apply"] {
        let subject = format!("what the commands need ({name})");
        assert!(
            found.iter().any(|own| own.0 == "good" && own.1 == subject),
            "{found:#?}"
        );
        let subject = format!("signing in ({name})");
        assert!(
            signed_in
                .iter()
                .any(|own| own.0 == "good" && own.1 == subject),
            "{signed_in:#?}"
        );
    }

    // The registration that watches, taken for the one that writes: what it lacks, and that they are one.
    let config = twin.text("lab/apply.toml");
    let config = config
        .replace("0000000a0003", "0000000a0001")
        .replace("apply.secret", "watch.secret");
    twin.write("lab/apply.toml", &config);
    let (code, document) = doctor(&twin, &["--identity", "lab/apply.toml"]);
    assert_eq!(code, 1, "{document:#}");
    let found = area(&document, "permissions");
    assert!(
        found.iter().any(|own| own.0 == "doubtful"
            && own.1 == "User.ReadWrite.All (apply)"
            && own.2.contains("not granted")),
        "{found:#?}"
    );
    let found = area(&document, "configuration");
    assert!(
        found
            .iter()
            .any(|own| own.0 == "bad" && own.2.contains("the same app registration")),
        "{found:#?}"
    );
}

#[test]
fn offline_asks_nobody() {
    let mut twin = Twin::of("contoso");
    twin.kill();
    let (_, document) = doctor(&twin, &["--offline"]);
    assert_eq!(area(&document, "tenant"), []);
    assert!(worst(&area(&document, "clock"), "cannot-tell"));
    assert!(!area(&document, "disk").is_empty());
}

/// A mail server that stops with the tenant is no way to tell of the tenant's stop.
#[test]
fn a_channel_in_the_cloud_that_is_watched_is_bad() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("breakglass.toml");
    std::fs::write(
        &file,
        "[[channel]]\nkind = \"smtp\"\nname = \"mail\"\nto = [\"soc@other.example\"]\nfrom = \"b@other.example\"\n\
         server = \"smtp.office365.com:587\"\ntls = \"starttls\"\n",
    )
    .unwrap();
    let file = file.to_str().unwrap();
    let output = run(&["doctor", "--offline", "--config", file]);
    let text = out(&output).replace("\n    ", " ");
    assert_eq!(code(&output), 1, "{text}{}", err(&output));
    assert!(
        text.contains("✘ mail: smtp.office365.com is in office365.com, which Microsoft runs"),
        "{text}"
    );
}

/// Without a configuration it says how to get one, and what it could not find out.
#[test]
fn without_a_configuration_it_says_how_to_write_one() {
    let output = run(&["doctor"]);
    let text = out(&output);
    assert_eq!(code(&output), 1, "{}", err(&output));
    for words in [
        "breakglass init",
        "nobody is named who may read it",
        "no channel",
    ] {
        assert!(text.contains(words), "{words}: {text}");
    }
}
