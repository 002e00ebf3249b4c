//! Whole scans: every shape, hostile input, an independent oracle over real records, files that grow.

// The helpers are test code outside of test functions.
#![allow(
    clippy::unwrap_used,
    clippy::format_push_string,
    clippy::cast_possible_truncation,
    clippy::needless_pass_by_value,
    clippy::wildcard_imports
)]

mod follow;
mod hostile;
mod inside;
mod oracle;
mod property;
mod shapes;

use std::path::PathBuf;

use breakglass_model::{FixedClock, ObjectId, SetAside, Upn, signal::Detected};
use breakglass_watch::{
    Counts, Event, Guarded, Options, Scan, Source, WatchError, WatchList, WatchedAccount,
};

pub(crate) const ID: &str = "00f4c6ae-7d31-4b9a-9c55-8e0a51c7e0b1";
pub(crate) const UPN: &str = "BreakGlass01@contoso.onmicrosoft.com";

pub(crate) fn account(id: Option<&str>, upn: Option<&str>) -> WatchedAccount {
    WatchedAccount {
        id: id.map(|id| ObjectId::parse(id).unwrap()),
        upn: upn.map(|upn| Upn::parse(upn).unwrap()),
    }
}

pub(crate) fn list() -> WatchList {
    WatchList::new(vec![account(Some(ID), Some(UPN))], Vec::new())
}

pub(crate) fn guarded(guards: Vec<Guarded>) -> WatchList {
    WatchList::new(vec![account(Some(ID), Some(UPN))], guards)
}

#[derive(Debug)]
pub(crate) struct Outcome {
    pub(crate) signals: Vec<Detected>,
    pub(crate) aside: Vec<SetAside>,
    pub(crate) counts: Counts,
    pub(crate) error: Option<WatchError>,
}

pub(crate) fn scan_with(list: &WatchList, options: Options, source: Source) -> Outcome {
    let clock = FixedClock("2026-10-01T12:00:00Z".parse().unwrap());
    let mut scan = Scan::new(list, &clock, options);
    let (mut signals, mut aside) = (Vec::new(), Vec::new());
    let error = scan
        .run(source, &mut |event| {
            match event {
                Event::Signal(detected) => signals.push(*detected),
                Event::SetAside(piece) => aside.push(piece),
            }
            Ok(())
        })
        .err();
    let counts = scan.counts();
    assert_eq!(
        counts.rows,
        counts.skipped + counts.signals + counts.folded + counts.set_aside,
        "{counts:?}"
    );
    assert_eq!(counts.signals as usize, signals.len());
    assert_eq!(counts.set_aside as usize, aside.len());
    Outcome {
        signals,
        aside,
        counts,
        error,
    }
}

pub(crate) fn scan(bytes: impl Into<Vec<u8>>) -> Outcome {
    let reader = std::io::Cursor::new(bytes.into());
    scan_with(
        &list(),
        Options::default(),
        Source::Reader("test".into(), Box::new(reader)),
    )
}

pub(crate) fn shared() -> Option<PathBuf> {
    let mut at = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    while at.pop() {
        for data in [at.join("shared/data"), at.join("data")] {
            if data.join("signin-logs").is_dir() {
                return Some(data);
            }
        }
    }
    println!("skipped: no shared data");
    None
}

/// A sign-in in Event Hub shape.
pub(crate) fn sign_in(id: &str, user: &str, upn: &str) -> String {
    format!(
        r#"{{"time":"2026-10-01T10:03:11Z","resourceId":"/tenants/t-1/providers/Microsoft.aadiam","operationName":"Sign-in activity","category":"SignInLogs","tenantId":"t-1","resultType":"0","callerIpAddress":"203.0.113.7","properties":{{"id":"{id}","createdDateTime":"2026-10-01T09:58:41.8256448+00:00","userPrincipalName":"{upn}","userId":"{user}","appDisplayName":"Azure Portal","ipAddress":"::203.0.113.7","status":{{"errorCode":0}},"location":{{"city":"Bonn","countryOrRegion":"DE"}},"authenticationDetails":[{{"authenticationMethod":"Passkey (FIDO2)","succeeded":true}}],"userAgent":"x"}}}}"#
    )
}

pub(crate) fn other(n: usize) -> String {
    sign_in(
        &format!("other-{n}"),
        "11111111-2222-4333-8444-555555555555",
        "anna@contoso.onmicrosoft.com",
    )
}
