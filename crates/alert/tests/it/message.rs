//! What people read.

use breakglass_alert::{Message, test_alert};
use breakglass_model::{Alert, SignalKind};

use crate::support::{alert, at, settings};

fn show(alert: &Alert) -> String {
    let message = Message::of(alert, &settings());
    format!("Subject: {}\n\n{}", message.subject, message.text)
}

#[test]
fn w7_messages_tell_who_what_where_when_and_what_next() {
    for (name, kind) in [
        ("use", SignalKind::Use),
        ("attempt", SignalKind::Attempt),
        ("change", SignalKind::Change),
        ("guard", SignalKind::Guard),
        ("unreadable", SignalKind::Unreadable),
    ] {
        insta::assert_snapshot!(name, show(&alert(kind)));
    }
    let test = test_alert(uuid::Uuid::nil(), at("2026-11-24T21:18:04Z"));
    insta::assert_snapshot!("test", show(&test));
}

#[test]
fn w7_the_html_and_the_json_say_the_same() {
    let message = Message::of(&alert(SignalKind::Use), &settings());
    insta::assert_snapshot!("use_html", message.html);
    insta::assert_json_snapshot!("use_json", message.json);
}

#[test]
fn w7_the_prefix_of_the_subject_is_exact() {
    for kind in [
        SignalKind::Use,
        SignalKind::Attempt,
        SignalKind::Gap,
        SignalKind::Guard,
    ] {
        let subject = Message::of(&alert(kind), &settings()).subject;
        assert!(
            subject.starts_with("[CRITICAL] Emergency Access Activity - "),
            "{subject}"
        );
    }
}

#[test]
fn g4_hostile_log_text_stays_text_in_every_form() {
    let mut alert = alert(SignalKind::Use);
    let evil = "x\r\nBcc: all@corp <script>alert(1)</script> \u{202E}@channel https://evil.example <!here>";
    let signal = alert.signal.as_mut().unwrap();
    signal.app = Some(evil.to_owned());
    signal.summary = evil.repeat(10_000);
    signal.ip = Some(evil.to_owned());
    let account = signal.account.as_mut().unwrap();
    account.upn = Some(evil.to_owned());
    let message = Message::of(&alert, &settings());
    assert!(!message.subject.contains(['\r', '\n']));
    for form in [
        &message.subject,
        &message.text,
        &message.html,
        &message.json.to_string(),
    ] {
        for bad in [
            "<script",
            "\u{202E}",
            "\nBcc",
            "https://evil",
            "evil.example",
            "<!here",
            " @channel",
        ] {
            assert!(!form.contains(bad), "{bad:?} in {form}");
        }
        assert!(form.len() < 12_000);
    }
}
