//! Records signals one after the other and prints the number of each that was acknowledged. The crash
//! tests kill it: `writer <url> <first> <count>`.

use std::io::Write as _;

use breakglass_model::{
    Severity, Signal, SignalKind,
    signal::{Detected, ReadableAt, SIGNAL_SCHEMA},
};
use breakglass_store::{ConcernedAccount, Observation, Store};
use jiff::Timestamp;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().collect();
    let [_, url, first, count] = arguments.as_slice() else {
        return Err("usage: writer <url> <first> <count>".into());
    };
    let (first, count): (u64, u64) = (first.parse()?, count.parse()?);
    let store = Store::open(url).await?;
    let accounts = [ConcernedAccount {
        key: "account".to_owned(),
        display: "account".to_owned(),
    }];
    let channels = ["mail".to_owned(), "webhook".to_owned()];
    let now: Timestamp = "2026-11-24T12:00:00Z".parse()?;
    for number in first..first + count {
        let detected = Detected {
            signal: signal(&format!("signal-{number}"), now),
            raw: format!("record {number}").into_bytes(),
            concerns: vec!["account".to_owned()],
            location: None,
        };
        let observation = Observation {
            detected: &detected,
            accounts: &accounts,
            stream: "signin",
            source_copy: "writer",
        };
        store.record(&observation, &channels, now).await?;
        let mut out = std::io::stdout().lock();
        writeln!(out, "{number}")?;
        out.flush()?;
    }
    store.close().await;
    Ok(())
}

fn signal(id: &str, at: Timestamp) -> Signal {
    Signal {
        schema: SIGNAL_SCHEMA.to_owned(),
        id: id.to_owned(),
        version: "1".to_owned(),
        at: Some(at),
        readable_at: ReadableAt {
            not_before: None,
            not_after: at,
        },
        kind: SignalKind::Use,
        severity: Severity::Critical,
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
        source: "writer".to_owned(),
        raw_sha256: String::new(),
        summary: id.to_owned(),
    }
}
