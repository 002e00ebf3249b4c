//! What the faults of logs, federation and MFA do to whoever signs in at the twin, watches its log, or reads it. Those of
//! Graph, Azure and the token endpoint stand with `collect`.

use serde_json::Value;

use crate::{
    lab::{LIMIT, Twin},
    person::{PASSWORD, Person},
    support::{UPN, code, err, lines, wait_until},
};

const ADMINISTRATOR: &str = "adele.admin@contoso.com";
const LOG: &str = "export.ndjson";

/// A twin that exports its log.
fn twin(tenant: &str) -> Twin {
    let off = "throttling=off";
    Twin::with(&["--tenant", tenant, "--fault", off, "--export", LOG])
}

fn done<T>(what: impl Future<Output = T>) -> T {
    breakglass::runtime().unwrap().block_on(what)
}

/// Mistypes the password of an emergency account.
fn mistype(twin: &Twin) {
    let page = done(async {
        let mut person = Person::at(twin, None);
        person.open("/lab/signin", &[]).await;
        person.step("name", &[("username", UPN)]).await;
        person.step("choose", &[("way", "password")]).await;
        person.step("password", &[("password", "guess")]).await;
        person.page
    });
    assert!(page.contains("AADSTS50126"), "{page}");
}

/// Waits until the export has so many lines.
fn exported(twin: &Twin, count: usize) {
    wait_until("the export", LIMIT, || {
        let text = std::fs::read_to_string(twin.path(LOG)).unwrap_or_default();
        text.lines().count() == count && text.ends_with('\n')
    });
}

/// What `watch` says of somebody in the export: signals, and its summary. It ends with 0.
fn watched(twin: &Twin, account: &str) -> (Vec<Value>, Value) {
    let source = format!("file:{LOG}");
    let output = twin.run(&[
        "watch",
        "--no-alert",
        "--account",
        account,
        "--source",
        &source,
        "--summary",
        "summary.json",
    ]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    (lines(&output), twin.json("summary.json"))
}

/// A record that was lost is in no log: `watch` tells of the others, and cannot know that one is missing.
#[test]
fn log_loss_takes_every_third_record_and_no_log_tells() {
    let twin = twin("contoso");
    twin.fault("log-loss", "on");
    for _ in 0..3 {
        mistype(&twin);
    }
    twin.fault("log-loss", "off");
    mistype(&twin);
    exported(&twin, 3);
    let (signals, counts) = watched(&twin, UPN);
    assert_eq!(signals.len(), 3, "of four attempts: {signals:#?}");
    assert!(signals.iter().all(|signal| signal["kind"] == "attempt"));
    assert_eq!(
        (&counts["rows"], &counts["set_aside"]),
        (&3.into(), &0.into())
    );
}

/// A record that is late is not there yet; what came after it is.
#[test]
fn log_delay_keeps_a_record_back_and_later_ones_overtake_it() {
    let twin = twin("contoso");
    mistype(&twin);
    exported(&twin, 1);
    let (before, _) = watched(&twin, UPN);
    twin.fault("log-delay", "on");
    mistype(&twin);
    twin.fault("log-delay", "off");
    mistype(&twin);
    exported(&twin, 2);
    let (signals, _) = watched(&twin, UPN);
    assert_eq!((before.len(), signals.len()), (1, 2), "of three attempts");
    assert_eq!(before[0]["id"], signals[0]["id"]);
}

/// A record that comes twice is one signal.
#[test]
fn log_duplicates_are_one_signal() {
    let twin = twin("contoso");
    twin.fault("log-duplicates", "on");
    mistype(&twin);
    exported(&twin, 2);
    let (signals, counts) = watched(&twin, UPN);
    assert_eq!(signals.len(), 1, "{signals:#?}");
    assert_eq!(
        (&counts["rows"], &counts["signals"], &counts["folded"]),
        (&2.into(), &1.into(), &1.into()),
        "{counts}"
    );
}

/// What the page says to somebody who got as far as the name, on a device that the organisation manages.
async fn named(twin: &Twin, upn: &str) -> Person {
    let device = [("lab_device", "compliant"), ("lab_platform", "windows")];
    let mut person = Person::at(twin, None);
    person.open("/lab/signin", &device).await;
    person.step("name", &[("username", upn)]).await;
    person
}

/// Nobody of a federated domain comes in, and leaves no record; the emergency account, whose domain is Microsoft's
/// own, is asked for its password as ever.
#[test]
fn federation_outage_keeps_out_whoever_is_federated_and_nobody_else() {
    let twin = twin("contoso");
    twin.fault("federation-outage", "on");
    let page = done(async {
        let mut person = named(&twin, ADMINISTRATOR).await;
        if person.page.contains("value=\"federated\"") {
            person.step("choose", &[("way", "federated")]).await;
        }
        person.page
    });
    assert!(page.contains("can't be reached"), "{page}");
    mistype(&twin);
    exported(&twin, 1);
    assert_eq!(watched(&twin, ADMINISTRATOR).0.len(), 0);
    assert_eq!(watched(&twin, UPN).0.len(), 1);
}

/// Whoever needs a notification is refused after the first factor, which stands in the log; a passkey is asked for as
/// ever.
#[test]
fn mfa_outage_refuses_notifications_and_offers_passkeys() {
    let twin = twin("contoso-modern");
    twin.fault("mfa-outage", "on");
    let (page, emergency) = done(async {
        let mut person = named(&twin, ADMINISTRATOR).await;
        person.step("federated", &[("password", PASSWORD)]).await;
        person.step("choose", &[("way", "push")]).await;
        let mut emergency = named(&twin, UPN).await;
        emergency.step("choose", &[("way", "passkey")]).await;
        (person.page, emergency.page)
    });
    assert!(page.contains("AADSTS500121"), "{page}");
    assert!(emergency.contains("or security key</h1>"), "{emergency}");
    assert!(!emergency.contains("AADSTS"), "{emergency}");
    // The first factor was right (50076, MFA is wanted), and the second failed (500121).
    exported(&twin, 2);
    let (signals, _) = watched(&twin, ADMINISTRATOR);
    assert!(!signals.is_empty());
    assert!(
        signals.iter().all(|signal| signal["kind"] == "attempt"),
        "{signals:#?}"
    );
}

/// None of them stands between the tenant and who reads it.
#[test]
fn faults_of_logs_and_of_signing_in_leave_reading_alone() {
    let twin = twin("contoso-modern");
    for fault in [
        "log-loss",
        "log-delay",
        "log-duplicates",
        "federation-outage",
        "mfa-outage",
    ] {
        twin.fault(fault, "on");
    }
    let output = twin.collect("read.json", &[]);
    assert_eq!(code(&output), 0, "{}", err(&output));
    let output = twin.run(&[
        "lockout",
        "prove",
        "--tenant",
        "read.json",
        "--register",
        "lab/register.toml",
        "--config",
        "lab/breakglass.toml",
        "--confirm",
    ]);
    assert_eq!(code(&output), 0, "{}", err(&output));
}
