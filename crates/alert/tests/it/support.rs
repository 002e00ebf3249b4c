//! What the tests share.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use breakglass_alert::{Channel, Message, Receipt, SendError, Sending, Settings};
use breakglass_model::{
    Alert, AlertIncident, Clock, Severity, Signal, SignalKind,
    signal::{AppliedPolicy, Device, Party, ReadableAt, SIGNAL_SCHEMA},
};
use jiff::{Timestamp, tz::TimeZone};

/// The machine's clock: these tests wait for real servers.
pub(crate) struct MachineClock;

impl Clock for MachineClock {
    #[allow(clippy::disallowed_methods)]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

pub(crate) fn clock() -> Arc<dyn Clock> {
    Arc::new(MachineClock)
}

pub(crate) fn settings() -> Settings {
    Settings {
        time_zone: TimeZone::get("Europe/Berlin").unwrap(),
        runbook: Some("https://breakglass.example.com/runbook".parse().unwrap()),
    }
}

pub(crate) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(crate) fn signal(kind: SignalKind) -> Signal {
    let party = |upn: &str, name: &str| Party {
        id: Some("11111111-1111-4111-8111-111111111111".to_owned()),
        upn: Some(upn.to_owned()),
        name: Some(name.to_owned()),
    };
    let is_sign_in = matches!(kind, SignalKind::Use | SignalKind::Attempt);
    Signal {
        schema: SIGNAL_SCHEMA.to_owned(),
        id: "22222222-2222-5222-8222-222222222222".to_owned(),
        version: "v1".to_owned(),
        at: (kind != SignalKind::Unreadable).then(|| at("2026-11-24T21:15:03Z")),
        readable_at: ReadableAt {
            not_before: Some(at("2026-11-24T21:17:03Z")),
            not_after: at("2026-11-24T21:18:03Z"),
        },
        kind,
        severity: Severity::Critical,
        tenant_id: Some("33333333-3333-4333-8333-333333333333".to_owned()),
        account: (kind != SignalKind::Guard)
            .then(|| party("bg1@contoso.onmicrosoft.com", "Emergency 1")),
        actor: (!is_sign_in).then(|| party("admin@contoso.com", "Ada Admin")),
        device: is_sign_in.then(|| Device {
            name: Some("LAPTOP-7".to_owned()),
            os: Some("Windows 11".to_owned()),
            browser: Some("Edge 140".to_owned()),
            compliant: Some(false),
            ..Device::default()
        }),
        aaguid: is_sign_in.then(|| "ee882879-721c-4913-9775-3dfcce97072a".to_owned()),
        operation: Some(
            if is_sign_in {
                "Sign-in activity"
            } else {
                "Update user"
            }
            .to_owned(),
        ),
        result: Some(
            if kind == SignalKind::Attempt {
                "50126"
            } else {
                "0"
            }
            .to_owned(),
        ),
        ip: Some("203.0.113.7".to_owned()),
        app: Some("Azure Portal".to_owned()),
        method: is_sign_in.then(|| "FIDO2 security key".to_owned()),
        policies_applied: if is_sign_in {
            vec![AppliedPolicy {
                id: "44444444-4444-4444-8444-444444444444".to_owned(),
                name: Some("Require phishing-resistant MFA".to_owned()),
                result: "success".to_owned(),
            }]
        } else {
            Vec::new()
        },
        source: "stdin#17".to_owned(),
        raw_sha256: "ab".repeat(32),
        summary: "bg1@contoso.onmicrosoft.com: something happened".to_owned(),
    }
}

pub(crate) fn alert(kind: SignalKind) -> Alert {
    Alert {
        id: "55555555-5555-5555-8555-555555555555".to_owned(),
        signal: Some(signal(kind)),
        incident: (kind != SignalKind::Guard).then(|| AlertIncident {
            id: "INC-20261124-7F3A".to_owned(),
            opened_at: at("2026-11-24T21:18:04Z"),
            is_new: true,
        }),
        location: Some("Berlin, DE".to_owned()),
        created_at: at("2026-11-24T21:18:04Z"),
        test: false,
    }
}

/// A channel that answers as told, and remembers what it was given.
pub(crate) struct Scripted {
    pub(crate) name: String,
    pub(crate) answer: Box<dyn Fn(usize) -> Option<Result<Receipt, SendError>> + Send + Sync>,
    pub(crate) seen: Mutex<Vec<Alert>>,
}

impl Scripted {
    /// `answer` gets the number of the attempt, from 1; `None` hangs.
    pub(crate) fn new(
        name: &str,
        answer: impl Fn(usize) -> Option<Result<Receipt, SendError>> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            name: name.to_owned(),
            answer: Box::new(answer),
            seen: Mutex::default(),
        })
    }

    pub(crate) fn seen(&self) -> Vec<Alert> {
        self.seen.lock().unwrap().clone()
    }
}

impl Channel for Scripted {
    fn name(&self) -> &str {
        &self.name
    }

    fn send<'a>(&'a self, _message: &'a Message, alert: &'a Alert) -> Sending<'a> {
        let number = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(alert.clone());
            seen.len()
        };
        Box::pin(async move {
            match (self.answer)(number) {
                Some(answer) => answer,
                None => std::future::pending().await,
            }
        })
    }
}

#[allow(clippy::unnecessary_wraps)] // the shape of a scripted answer
pub(crate) fn taken() -> Option<Result<Receipt, SendError>> {
    Some(Ok(Receipt("taken".to_owned())))
}

pub(crate) const SHORT: Duration = Duration::from_millis(700);
