//! What people read.

use std::fmt::Write;

use breakglass_model::{Alert, Signal, SignalKind, signal::ReadableAt};
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::{Value, json};
use url::Url;

use crate::text::{self, clean, escape_html, one_line};

/// The subject that W7 asks for. Mail rules and phone filters are built on it: never change it.
const SUBJECT: &str = "[CRITICAL] Emergency Access Activity";
const TEST_SUBJECT: &str = "[TEST] Emergency Access Activity";
/// More policies than a reader takes in say nothing more.
const MAX_POLICIES: usize = 10;

/// What the messages of an installation have in common.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The zone in which the readers live; UTC is always shown beside it.
    pub time_zone: TimeZone,
    /// Where the runbook is, for people who are woken by the message.
    pub runbook: Option<Url>,
}

/// One alert in words, ready for any channel. All of it is clean: a channel only has to encode.
#[derive(Clone, Debug, PartialEq)]
pub struct Message {
    /// One line.
    pub subject: String,
    /// For people, plain.
    pub text: String,
    /// The same as HTML.
    pub html: String,
    /// The same facts for programs.
    pub json: Value,
}

impl Message {
    /// Puts an alert into words.
    pub fn of(alert: &Alert, settings: &Settings) -> Self {
        let subject = subject(alert);
        let facts = facts(alert, settings);
        let steps = next_steps(alert, settings);
        let lead = lead(alert);
        Self {
            text: as_text(lead, &facts, &steps),
            html: as_html(&subject, lead, &facts, &steps),
            json: as_json(alert, &subject, &facts),
            subject,
        }
    }
}

/// A label and what stands beside it.
type Fact = (&'static str, String);

fn subject(alert: &Alert) -> String {
    match &alert.signal {
        _ if alert.test => format!("{TEST_SUBJECT} - test of this channel"),
        None => SUBJECT.to_owned(),
        Some(signal) => {
            let what = what(signal.kind);
            match account(signal) {
                Some(account) => format!("{SUBJECT} - {account} {what}"),
                None => format!("{SUBJECT} - {what}"),
            }
        }
    }
}

fn what(kind: SignalKind) -> &'static str {
    match kind {
        SignalKind::Use => "signed in",
        SignalKind::Attempt => "sign-in attempted",
        SignalKind::Act => "acted",
        SignalKind::Change => "was changed",
        SignalKind::Guard => "protection changed",
        SignalKind::People => "responsible people changed",
        SignalKind::Gap => "records are missing",
        SignalKind::Unreadable => "named in an unreadable record",
    }
}

fn lead(alert: &Alert) -> &'static str {
    let Some(signal) = alert.signal.as_ref().filter(|_| !alert.test) else {
        return "This is a test. Nothing happened. It shows that alerts reach you here.";
    };
    match signal.kind {
        SignalKind::Use => "An emergency access account was used.",
        SignalKind::Attempt => "Somebody tried to sign in with an emergency access account.",
        SignalKind::Act => "An emergency access account did something in the tenant.",
        SignalKind::Change => "An emergency access account was changed.",
        SignalKind::Guard => "What protects or watches the emergency access accounts was changed.",
        SignalKind::People => "The people who are authorised, or told, changed.",
        SignalKind::Gap => "Records are missing: a use may go unseen.",
        SignalKind::Unreadable => {
            "A record names an emergency access account but cannot be understood. Treat it as a use."
        }
    }
}

fn account(signal: &Signal) -> Option<String> {
    let party = signal.account.as_ref()?;
    [&party.upn, &party.name, &party.id]
        .into_iter()
        .flatten()
        .map(|text| clean(text))
        .next()
}

/// Several optional texts as one, or nothing.
fn joined<'a>(parts: impl IntoIterator<Item = Option<&'a String>>) -> Option<String> {
    let parts: Vec<String> = parts
        .into_iter()
        .flatten()
        .map(|part| clean(part))
        .filter(|part| !part.is_empty())
        .collect();
    (!parts.is_empty()).then(|| parts.join(", "))
}

fn facts(alert: &Alert, settings: &Settings) -> Vec<Fact> {
    let mut facts: Vec<Fact> = Vec::new();
    let mut add = |label, value: Option<String>| {
        if let Some(value) = value {
            facts.push((label, value));
        }
    };
    if let Some(incident) = &alert.incident {
        let state = if incident.is_new { "new" } else { "open" };
        let opened = moment(incident.opened_at, &settings.time_zone);
        add(
            "Incident",
            Some(format!(
                "{} ({state}), opened {opened}",
                clean(&incident.id)
            )),
        );
    }
    if let Some(signal) = &alert.signal {
        let person = |party: &breakglass_model::signal::Party| {
            joined([party.upn.as_ref(), party.name.as_ref(), party.id.as_ref()])
        };
        add("What", Some(summary(signal)));
        add("Account", signal.account.as_ref().and_then(person));
        add(
            "Who",
            Some(signal.actor.as_ref().and_then(person).unwrap_or_else(|| {
                "whoever holds this account (the record names nobody else)".to_owned()
            })),
        );
        add("Operation", joined([signal.operation.as_ref()]));
        add("Result", joined([signal.result.as_ref()]));
        add(
            "Where from",
            joined([signal.ip.as_ref(), alert.location.as_ref()]),
        );
        add("Application", joined([signal.app.as_ref()]));
        add("Method", joined([signal.method.as_ref()]));
        add(
            "Security key",
            joined([signal.aaguid.as_ref()]).map(|id| format!("AAGUID {id}")),
        );
        add("Device", device(signal));
        add("Policies applied", policies(signal));
        add(
            "When",
            Some(signal.at.map_or_else(
                || "the record has no readable time".to_owned(),
                |at| moment(at, &settings.time_zone),
            )),
        );
        add("How late", Some(readable(signal.at, signal.readable_at)));
        add("Tenant", joined([signal.tenant_id.as_ref()]));
        add(
            "Record",
            Some(format!(
                "{}, SHA-256 {}",
                one_line(&signal.source),
                clean(&signal.raw_sha256)
            )),
        );
    }
    add(
        "Alert written",
        Some(moment(alert.created_at, &settings.time_zone)),
    );
    add("Alert id", Some(clean(&alert.id)));
    facts
}

/// The names of the account and of the actor stay as people know them; all else is cleaned.
fn summary(signal: &Signal) -> String {
    let parties = [signal.account.as_ref(), signal.actor.as_ref()];
    let names: Vec<&str> = parties
        .into_iter()
        .flatten()
        .filter_map(|party| party.upn.as_deref())
        .filter(|upn| text::is_address(upn))
        .collect();
    let words: Vec<String> = text::one_line(&signal.summary)
        .split(' ')
        .map(|word| {
            if names.contains(&word.trim_end_matches([':', ',', ';'])) {
                word.to_owned()
            } else {
                clean(word)
            }
        })
        .collect();
    words.join(" ")
}

fn device(signal: &Signal) -> Option<String> {
    let device = signal.device.as_ref()?;
    let compliant = device.compliant.map(|yes| {
        if yes {
            "compliant".to_owned()
        } else {
            "not compliant".to_owned()
        }
    });
    joined([
        device.name.as_ref(),
        device.os.as_ref(),
        device.browser.as_ref(),
        device.id.as_ref(),
        compliant.as_ref(),
    ])
}

fn policies(signal: &Signal) -> Option<String> {
    if signal.policies_applied.is_empty() {
        return matches!(signal.kind, SignalKind::Use | SignalKind::Attempt)
            .then(|| "none that the record names".to_owned());
    }
    let mut shown: Vec<String> = signal
        .policies_applied
        .iter()
        .take(MAX_POLICIES)
        .map(|policy| {
            let name = policy.name.as_ref().unwrap_or(&policy.id);
            format!("{} ({})", clean(name), clean(&policy.result))
        })
        .collect();
    let more = signal.policies_applied.len().saturating_sub(MAX_POLICIES);
    if more > 0 {
        shown.push(format!("and {more} more"));
    }
    Some(shown.join("; "))
}

/// Local time and UTC: people compare it with their day, and with logs.
fn moment(at: Timestamp, zone: &TimeZone) -> String {
    let local = at.to_zoned_datetime(zone.clone());
    if local.offset() == jiff::tz::Offset::UTC {
        return at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string();
    }
    format!(
        "{} ({} UTC)",
        local.strftime("%Y-%m-%d %H:%M:%S %Z"),
        at.strftime("%Y-%m-%d %H:%M:%S")
    )
}

/// How late the record became readable. This is the part of the delay that is not ours.
fn readable(at: Option<Timestamp>, readable: ReadableAt) -> String {
    let upper = readable.not_after.strftime("%Y-%m-%d %H:%M:%S UTC");
    let Some(at) = at else {
        return format!("unknown; the record could be read by {upper} at the latest");
    };
    let most = span(readable.not_after.duration_since(at));
    match readable.not_before {
        Some(before) => {
            let least = span(before.duration_since(at));
            format!("between {least} and {most} after it happened (by {upper})")
        }
        None => format!("at most {most} after it happened (by {upper})"),
    }
}

fn span(duration: SignedDuration) -> String {
    let seconds = duration.as_secs().max(0);
    match (seconds / 3600, seconds / 60 % 60, seconds % 60) {
        (0, 0, s) => format!("{s} s"),
        (0, m, s) => format!("{m} min {s} s"),
        (h, m, _) => format!("{h} h {m} min"),
    }
}

fn next_steps(alert: &Alert, settings: &Settings) -> Vec<String> {
    if alert.test {
        return vec!["Nothing to do. If you did not expect this test, ask who sent it.".to_owned()];
    }
    let mut steps = Vec::new();
    if let Some(incident) = &alert.incident {
        let id = clean(&incident.id);
        steps.push(format!(
            "Say that you have it: breakglass incident ack {id} --by <your name>"
        ));
    }
    steps.push(
        "Look at the drill calendar and ask the people who hold the keys: is this theirs?"
            .to_owned(),
    );
    steps.push("If nobody announced it, treat it as a breach, at once:".to_owned());
    if alert
        .signal
        .as_ref()
        .is_some_and(|signal| signal.account.is_some())
    {
        steps.push(
            "  a) with the other emergency account, revoke the sessions of this account and block its sign-in"
                .to_owned(),
        );
        steps.push(
            "  b) remove keys and methods on the account that are not in the register, and look for what it changed"
                .to_owned(),
        );
    } else {
        steps.push("  a) undo the change, and see that alerts and records flow again".to_owned());
        steps.push(
            "  b) look at what the one who did it changed besides, and at the sign-ins of the emergency accounts since"
                .to_owned(),
        );
    }
    steps.push(
        "  c) call the incident lead; save the logs before anything is cleaned up".to_owned(),
    );
    if let Some(runbook) = &settings.runbook {
        steps.push(format!("Runbook: {runbook}"));
    }
    steps
}

fn as_text(lead: &str, facts: &[Fact], steps: &[String]) -> String {
    let mut out = format!("{lead}\n\n");
    for (label, value) in facts {
        let _ = writeln!(out, "{:<18}{value}", format!("{label}:"));
    }
    out.push_str("\nWhat next\n");
    for step in steps {
        out.push_str(step);
        out.push('\n');
    }
    out
}

fn as_html(subject: &str, lead: &str, facts: &[Fact], steps: &[String]) -> String {
    let mut out = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><title>{}</title></head><body>\n<p><strong>{}</strong></p>\n<table>\n",
        escape_html(subject),
        escape_html(lead)
    );
    for (label, value) in facts {
        let _ = writeln!(
            out,
            "<tr><th align=\"left\">{}</th><td>{}</td></tr>",
            escape_html(label),
            escape_html(value)
        );
    }
    out.push_str("</table>\n<p><strong>What next</strong></p>\n");
    for step in steps {
        let _ = writeln!(out, "<p>{}</p>", escape_html(step));
    }
    out.push_str("</body></html>\n");
    out
}

fn as_json(alert: &Alert, subject: &str, facts: &[Fact]) -> Value {
    let details: serde_json::Map<String, Value> = facts
        .iter()
        .map(|(label, value)| ((*label).to_owned(), json!(value)))
        .collect();
    let signal = alert.signal.as_ref();
    json!({
        "id": clean(&alert.id),
        "test": alert.test,
        "subject": subject,
        "incident": alert.incident.as_ref().map(|incident| clean(&incident.id)),
        "kind": signal.map(|signal| signal.kind.as_str()),
        "severity": signal.map(|signal| signal.severity.as_str()),
        "signal": signal.map(|signal| clean(&signal.id)),
        "at": signal.and_then(|signal| signal.at),
        "account": signal.and_then(account),
        "details": details,
    })
}
