//! From a record to a signal.
//!
//! One record gives at most one signal. Whoever the record names as user, initiator or target counts; a name
//! that stands elsewhere in a record about others (a sign-in's user agent, somebody's display name) does not.
//! When in doubt the stronger kind is chosen: an unneeded call costs minutes, a missed one costs the tenant.

use std::fmt::Write as _;

use breakglass_model::{
    Severity, Signal, SignalKind,
    record::{Audit, LogRecord, Named, Other, Outcome, SignIn, any_text, sha256_hex, signal_id},
    signal::{Detected, Party, ReadableAt, SIGNAL_SCHEMA},
};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    filter::spellings,
    list::{GuardKind, WatchList},
    words::{clean, clean_opt, clean_party},
};

/// Codes that come only after the password was accepted.
const PASSWORD_WAS_RIGHT: &[&str] = &[
    "50055", "50072", "50074", "50076", "50079", "50097", "50105", "50125", "50127", "50129",
    "50131", "50140", "50144", "50158", "50203", "53000", "53001", "53002", "53003", "53004",
    "53010", "53011", "65001", "500121", "530032", "530034",
];

/// Where a record was found.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// The record's bytes as received.
    pub raw: &'a [u8],
    /// `file:<path>#<line>`.
    pub source: &'a str,
    /// The tenant that is watched, for a record that names none.
    pub tenant: Option<&'a str>,
    /// When it became readable.
    pub readable_at: ReadableAt,
}

/// Judges a record. `value` is the record as parsed, for records of unknown shape.
pub fn detect(
    list: &WatchList,
    record: &LogRecord,
    value: &Value,
    found: &Found<'_>,
) -> Option<Detected> {
    let common = record.common();
    let hit = match record {
        LogRecord::SignIn(sign_in) => from_sign_in(list, sign_in),
        LogRecord::Audit(audit) => from_audit(list, audit),
        LogRecord::Other(other) => from_other(list, other, value),
    };
    let Some(mut hit) = hit else {
        return broken_inside(record, value).and_then(|why| unreadable(list, why, found));
    };
    let account = hit
        .concerns
        .first()
        .map(|key| account_party(list, key, &hit.named));
    let mut signal = blank(hit.kind, hit.severity, found);
    signal.id = record.signal_id(found.tenant).to_string();
    signal.version = record.version();
    signal.at = common.when;
    signal.tenant_id = common.tenant.as_deref().or(found.tenant).map(clean);
    signal.account = account;
    signal.actor = hit.actor.take().map(clean_party);
    signal.operation = hit.operation.as_deref().map(clean);
    if signal.at.is_none()
        && let Some(text) = &common.when_text
    {
        hit.summary = format!(
            "{} The record's time reads `{text}`, which is not a time or can be read in two ways.",
            hit.summary
        );
    }
    signal.summary = clean(&hit.summary);
    let mut location = None;
    match record {
        LogRecord::SignIn(r) => {
            signal.device = r.device.clone().map(|mut d| {
                d.id = clean_opt(d.id);
                d.name = clean_opt(d.name);
                d.os = clean_opt(d.os);
                d.browser = clean_opt(d.browser);
                d
            });
            signal.aaguid = clean_opt(r.aaguid.clone());
            signal.result = clean_opt(r.code.clone());
            signal.ip = clean_opt(r.ip.clone());
            signal.app = clean_opt(r.app.clone());
            signal.method = (!r.methods.is_empty()).then(|| clean(&r.methods.join(", ")));
            signal.policies_applied = r
                .policies
                .iter()
                .take(256)
                .cloned()
                .map(|mut p| {
                    p.id = clean(&p.id);
                    p.name = clean_opt(p.name);
                    p.result = clean(&p.result);
                    p
                })
                .collect();
            location = clean_opt(r.location.clone());
        }
        LogRecord::Audit(r) => {
            signal.result = clean_opt(r.result.clone());
            signal.ip = clean_opt(r.ip.clone());
            signal.app = clean_opt(r.app.name.clone());
        }
        LogRecord::Other(r) => {
            signal.result = clean_opt(r.result.clone());
            signal.ip = clean_opt(r.ip.clone());
            signal.app = clean_opt(r.app.clone());
        }
    }
    Some(Detected {
        signal,
        raw: found.raw.to_vec(),
        concerns: hit.concerns,
        location,
    })
}

/// Why a record that seems to be about nobody on the list may only seem so: the part that tells whom it
/// is about is missing or is itself broken.
fn broken_inside(record: &LogRecord, value: &Value) -> Option<&'static str> {
    const PARTS: [&str; 3] = ["properties", "targetresources", "initiatedby"];
    fn broken(value: &Value) -> bool {
        let Value::Object(fields) = value else {
            return false;
        };
        fields.iter().any(|(name, part)| {
            PARTS.contains(&name.to_ascii_lowercase().as_str())
                && match part {
                    Value::String(text) if !text.trim().is_empty() => {
                        match serde_json::from_str::<Value>(text) {
                            Ok(inner @ (Value::Object(_) | Value::Array(_))) => broken(&inner),
                            _ => true,
                        }
                    }
                    other => broken(other),
                }
        })
    }
    if broken(value) {
        return Some("a part of it is JSON inside text, and is cut off or broken");
    }
    match record {
        LogRecord::SignIn(sign_in) if sign_in.user.id.is_none() && sign_in.user.upn.is_none() => {
            Some("it is a sign-in that tells no user where one belongs")
        }
        _ => None,
    }
}

struct Hit {
    kind: SignalKind,
    severity: Severity,
    concerns: Vec<String>,
    named: Vec<Named>,
    actor: Option<Party>,
    operation: Option<String>,
    summary: String,
}

fn blank(kind: SignalKind, severity: Severity, found: &Found<'_>) -> Signal {
    Signal {
        schema: SIGNAL_SCHEMA.to_owned(),
        id: String::new(),
        version: String::new(),
        at: None,
        readable_at: found.readable_at,
        kind,
        severity,
        tenant_id: None,
        account: None,
        actor: None,
        device: None,
        aaguid: None,
        operation: None,
        result: None,
        ip: None,
        app: None,
        method: None,
        policies_applied: Vec::new(),
        source: found.source.to_owned(),
        raw_sha256: sha256_hex(found.raw),
        summary: String::new(),
    }
}

fn key_of<'l>(list: &'l WatchList, named: &Named) -> Option<&'l str> {
    [&named.id, &named.upn]
        .into_iter()
        .flatten()
        .find_map(|name| list.account(name))
        .map(|(key, _)| key)
}

/// The account as the record names it, with what the watch list knows where the record is silent.
fn account_party(list: &WatchList, key: &str, named: &[Named]) -> Party {
    let mut party = named
        .iter()
        .find(|named| key_of(list, named) == Some(key))
        .cloned()
        .map(Party::from)
        .unwrap_or_default();
    if let Some(account) = list.by_key(key) {
        party.id = party
            .id
            .or_else(|| account.id.as_ref().map(|id| id.as_str().to_owned()));
        party.upn = party
            .upn
            .or_else(|| account.upn.as_ref().map(|upn| upn.as_str().to_owned()));
    }
    clean_party(party)
}

fn label(list: &WatchList, key: &str, named: &[Named]) -> String {
    let party = account_party(list, key, named);
    party
        .upn
        .or(party.name)
        .or(party.id)
        .unwrap_or_else(|| key.to_owned())
}

fn who(named: &Named) -> String {
    let text = named
        .upn
        .as_ref()
        .or(named.name.as_ref())
        .or(named.id.as_ref());
    text.cloned().unwrap_or_else(|| "somebody".to_owned())
}

fn from_sign_in(list: &WatchList, record: &SignIn) -> Option<Hit> {
    let key = key_of(list, &record.user)?.to_owned();
    let named = vec![record.user.clone()];
    let right = record.password_was_right
        || record
            .code
            .as_deref()
            .is_some_and(|c| PASSWORD_WAS_RIGHT.contains(&c));
    let (kind, severity) = match record.outcome {
        Outcome::Success => (SignalKind::Use, Severity::Critical),
        Outcome::Unknown => (SignalKind::Attempt, Severity::Critical),
        Outcome::Failure | Outcome::Interrupted if right => {
            (SignalKind::Attempt, Severity::Critical)
        }
        Outcome::Failure | Outcome::Interrupted => (SignalKind::Attempt, Severity::High),
    };
    let mut summary = label(list, &key, &named);
    summary.push_str(match record.outcome {
        Outcome::Success => " signed in",
        Outcome::Failure => " failed to sign in",
        Outcome::Interrupted => " began to sign in",
        Outcome::Unknown => " signed in, or tried to (the record tells no result),",
    });
    if let Some(app) = record.app.as_ref().or(record.resource.as_ref()) {
        let _ = write!(summary, " to {app}");
    }
    if let Some(ip) = &record.ip {
        let _ = write!(summary, " from {ip}");
    }
    if let Some(place) = &record.location {
        let _ = write!(summary, " ({place})");
    }
    if !record.methods.is_empty() {
        let _ = write!(summary, " with {}", record.methods.join(", "));
    }
    if kind == SignalKind::Attempt
        && let Some(code) = &record.code
    {
        let reason = record
            .reason
            .as_ref()
            .map(|r| format!(": {}", r.trim_end_matches('.')))
            .unwrap_or_default();
        let _ = write!(summary, " (result {code}{reason})");
    }
    if kind == SignalKind::Attempt && right {
        // What comes after the first factor says that it was right, whichever it was.
        let is_key = record.methods.iter().any(|method| {
            let method = method.to_ascii_lowercase();
            method.contains("passkey") || method.contains("fido") || method.contains("certificate")
        });
        summary.push_str(if is_key {
            "; the key was right"
        } else {
            "; the password was right"
        });
    }
    summary.push('.');
    Some(Hit {
        kind,
        severity,
        concerns: vec![key],
        named,
        actor: None,
        operation: Some("Sign-in activity".to_owned()),
        summary,
    })
}

fn add(concerns: &mut Vec<String>, key: &str) {
    if !concerns.iter().any(|known| known == key) {
        concerns.push(key.to_owned());
    }
}

fn from_audit(list: &WatchList, record: &Audit) -> Option<Hit> {
    let mut named = vec![record.user.clone()];
    named.extend(record.targets.iter().map(|t| t.named.clone()));
    let initiator = key_of(list, &record.user).map(str::to_owned);
    let mut concerns: Vec<String> = initiator.iter().cloned().collect();
    let mut is_target = false;
    for target in &record.targets {
        if let Some(key) = key_of(list, &target.named) {
            add(&mut concerns, key);
            is_target = true;
        }
    }
    let operation = record.operation.clone().map(|o| o.trim().to_owned());
    let what = operation
        .clone()
        .unwrap_or_else(|| "an unnamed operation".to_owned());
    let ending = match record.result.as_deref() {
        Some(word) if !word.eq_ignore_ascii_case("success") => format!(" (result {word})"),
        _ => String::new(),
    };
    let by_app = record.user.is_empty();
    let actor = if by_app { &record.app } else { &record.user };
    let mut hit = Hit {
        kind: SignalKind::Act,
        severity: Severity::Critical,
        concerns,
        named,
        actor: (!actor.is_empty()).then(|| Party::from(actor.clone())),
        operation,
        summary: String::new(),
    };
    if let Some(key) = &initiator {
        let on: Vec<String> = record
            .targets
            .iter()
            .take(3)
            .map(|t| who(&t.named))
            .collect();
        let on = if on.is_empty() {
            String::new()
        } else {
            format!(" on {}", on.join(", "))
        };
        hit.summary = format!("{} did “{what}”{on}{ending}.", label(list, key, &hit.named));
        return Some(hit);
    }
    if is_target {
        hit.kind = SignalKind::Change;
        hit.summary = format!(
            "{} did “{what}” on {}{ending}.",
            who(actor),
            label(list, &hit.concerns[0], &hit.named)
        );
        return Some(hit);
    }
    guarded(list, record, hit, &what, actor, &ending)
}

/// A record about a guarded object: as target, or as what was added to or taken from somebody else; or a
/// policy's record whose content names an account or its group.
fn guarded(
    list: &WatchList,
    record: &Audit,
    mut hit: Hit,
    what: &str,
    actor: &Named,
    ending: &str,
) -> Option<Hit> {
    let policy_record = record.targets.iter().any(|t| {
        t.kind
            .as_deref()
            .is_some_and(|k| k.to_ascii_lowercase().contains("policy"))
    }) || record
        .category
        .as_deref()
        .is_some_and(|c| c.eq_ignore_ascii_case("policy"))
        || what.to_ascii_lowercase().contains("policy");
    let mut guard = record
        .targets
        .iter()
        .find_map(|t| list.guard(t.named.id.as_deref()?));
    let mut inside = false;
    for modified in record.targets.iter().flat_map(|t| &t.modified) {
        for value in [&modified.old, &modified.new].into_iter().flatten() {
            any_text(value, &mut |text| {
                for word in text.split(|c: char| !(c.is_alphanumeric() || "-_.@'+#".contains(c))) {
                    if guard.is_none() {
                        guard = list.guard(word);
                    }
                    if policy_record && let Some((key, _)) = list.account(word) {
                        add(&mut hit.concerns, key);
                        inside = true;
                    }
                }
                false
            });
        }
    }
    let (kind, object) = match guard {
        Some(guard) => {
            for key in &guard.accounts {
                add(&mut hit.concerns, key);
            }
            let own = matches!(
                guard.what,
                GuardKind::Group | GuardKind::Unit | GuardKind::Role
            ) && !policy_record;
            let kind = if own {
                SignalKind::Change
            } else {
                SignalKind::Guard
            };
            (kind, format!("the {} {}", guard.what.as_str(), guard.label))
        }
        None if inside => {
            let name = record
                .targets
                .first()
                .map_or_else(|| "a policy".to_owned(), |t| who(&t.named));
            (
                SignalKind::Guard,
                format!(
                    "{name}, which names {}",
                    label(list, &hit.concerns[0], &hit.named)
                ),
            )
        }
        None => return None,
    };
    hit.kind = kind;
    hit.severity = if kind == SignalKind::Change {
        Severity::Critical
    } else {
        Severity::High
    };
    hit.summary = format!("{} did “{what}” on {object}{ending}.", who(actor));
    Some(hit)
}

fn from_other(list: &WatchList, record: &Other, value: &Value) -> Option<Hit> {
    let named = vec![record.user.clone()];
    let what = record
        .operation
        .clone()
        .unwrap_or_else(|| record.common.stream.clone());
    if let Some(key) = key_of(list, &record.user) {
        let from = record
            .ip
            .as_ref()
            .map(|ip| format!(" from {ip}"))
            .unwrap_or_default();
        return Some(Hit {
            kind: SignalKind::Act,
            severity: Severity::Critical,
            summary: format!(
                "{} is the user of “{what}”{from}, in the log {}.",
                label(list, key, &named),
                record.common.stream
            ),
            concerns: vec![key.to_owned()],
            actor: Some(Party::from(record.user.clone())),
            named,
            operation: record.operation.clone(),
        });
    }
    let mut concerns = Vec::new();
    any_text(value, &mut |text| {
        let lower = text.to_lowercase();
        for key in named_in(list, lower.as_bytes()) {
            add(&mut concerns, &key);
        }
        false
    });
    let first = concerns.first()?;
    Some(Hit {
        kind: SignalKind::Unreadable,
        severity: Severity::High,
        summary: format!(
            "A record of an unknown kind ({what}) names {}.",
            label(list, first, &named)
        ),
        actor: None,
        named,
        operation: record.operation.clone(),
        concerns,
    })
}

/// Keys of the accounts whose id or name stands in a text that is in lower case.
fn named_in(list: &WatchList, lower: &[u8]) -> Vec<String> {
    let mut keys: Vec<String> = list
        .names()
        .filter(|(name, account)| {
            *account && memchr::memmem::find(lower, name.as_bytes()).is_some()
        })
        .filter_map(|(name, _)| list.account(name))
        .map(|(key, _)| key.to_owned())
        .collect();
    keys.sort_unstable();
    keys.dedup();
    keys
}

/// The signal for bytes that cannot be parsed and yet name an account, however it is spelled.
pub fn unreadable(list: &WatchList, why: &str, found: &Found<'_>) -> Option<Detected> {
    let mut concerns: Vec<String> = Vec::new();
    spellings(found.raw, &mut |text| {
        let lower = String::from_utf8_lossy(text).to_lowercase();
        for key in named_in(list, lower.as_bytes()) {
            add(&mut concerns, &key);
        }
        false
    });
    let first = concerns.first()?;
    let digest = sha256_hex(found.raw);
    let mut signal = blank(SignalKind::Unreadable, Severity::Critical, found);
    signal.id = signal_id(
        found.tenant.unwrap_or_default(),
        "unreadable",
        &format!("content:{digest}"),
    )
    .to_string();
    digest[..32].clone_into(&mut signal.version);
    signal.tenant_id = found.tenant.map(clean);
    signal.account = Some(account_party(list, first, &[]));
    signal.summary = clean(&format!(
        "A record that names {} cannot be read: {why}.",
        label(list, first, &[])
    ));
    Some(Detected {
        signal,
        raw: found.raw.to_vec(),
        concerns,
        location: None,
    })
}

/// A bracket for records whose source was never read before.
pub(crate) fn first_read(now: Timestamp) -> ReadableAt {
    ReadableAt {
        not_before: None,
        not_after: now,
    }
}
