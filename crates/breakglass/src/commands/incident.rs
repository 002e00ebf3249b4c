//! `incident list|show|ack`: for the person on call.

use std::fmt::Write as _;

use breakglass_casework::{Incident, IncidentState};
use breakglass_model::Signal;
use breakglass_store::{DeliveryState, IncidentDetail, IncidentFilter};
use jiff::{Timestamp, tz::TimeZone};
use schemars::JsonSchema;
use serde::Serialize;

use crate::{
    cli::{IncidentAckArgs, IncidentListArgs, IncidentShowArgs, PlainFormat},
    clock,
    failure::{Failure, exit},
    head::Head,
    output, runtime, settings,
};

/// `incident list --format json`, schema `breakglass/incident-list/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ListDocument {
    #[serde(flatten)]
    head: Head,
    incidents: Vec<Incident>,
}

/// `incident show --format json`, schema `breakglass/incident/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Document {
    #[serde(flatten)]
    head: Head,
    incident: Incident,
    signals: Vec<Signal>,
    alerts: Vec<AlertLine>,
    acknowledgements: Vec<AckLine>,
}

/// One alert of an incident.
#[derive(Debug, Serialize, JsonSchema)]
struct AlertLine {
    id: String,
    signal_id: Option<String>,
    #[schemars(with = "Option<String>")]
    acknowledged_at: Option<Timestamp>,
    acknowledged_by: Option<String>,
    deliveries: Vec<DeliveryLine>,
}

/// The way of an alert through one channel.
#[derive(Debug, Serialize, JsonSchema)]
struct DeliveryLine {
    channel: String,
    /// `pending`, `sending` or `accepted`.
    state: &'static str,
    #[schemars(with = "Option<String>")]
    accepted_at: Option<Timestamp>,
    receipt: Option<String>,
    attempts: u32,
    last_error: Option<String>,
}

/// Somebody acknowledged.
#[derive(Debug, Serialize, JsonSchema)]
struct AckLine {
    #[schemars(with = "String")]
    at: Timestamp,
    by: String,
    alerts: Vec<String>,
}

/// `incident list`
pub fn list(args: &IncidentListArgs) -> Result<u8, Failure> {
    let now = clock::clock(args.common.at).now();
    let settings = settings::load(args.common.config.as_deref())?;
    let filter = IncidentFilter {
        state: args.open.then_some(IncidentState::Open),
        ..IncidentFilter::default()
    };
    let mut incidents = runtime()?.block_on(async {
        let store = settings.open_store(&args.store, false).await?;
        let incidents = store
            .incidents(&filter)
            .await
            .map_err(settings::store_failed);
        store.close().await;
        incidents
    })?;
    incidents.sort_by_key(|incident| (incident.state, std::cmp::Reverse(incident.last_signal_at)));
    let text = match args.format {
        PlainFormat::Json => output::json(&ListDocument {
            head: Head::new("incident-list", now, &settings),
            incidents,
        })?,
        PlainFormat::Text => output::fitted(&table(&incidents, args.open)),
    };
    output::print(&text)?;
    Ok(exit::CLEAN)
}

fn table(incidents: &[Incident], open_only: bool) -> String {
    if incidents.is_empty() {
        return if open_only {
            "no open incident\n".to_owned()
        } else {
            "no incident\n".to_owned()
        };
    }
    let mut text = String::new();
    let ids = incidents.iter().map(|i| i.id.len()).max().unwrap_or(0);
    let names = incidents
        .iter()
        .map(|i| i.account_display.chars().count())
        .max()
        .unwrap_or(0);
    for incident in incidents {
        let state = match (incident.state, &incident.acknowledged_by) {
            (IncidentState::Open, _) => "OPEN".to_owned(),
            (IncidentState::Acknowledged, Some(by)) => format!("acknowledged by {by}"),
            (IncidentState::Acknowledged, None) => "acknowledged".to_owned(),
        };
        let _infallible = writeln!(
            text,
            "{:ids$}  {:8}  {:names$}  {} {}, last {}  {state}",
            incident.id,
            incident.severity.as_str(),
            incident.account_display,
            incident.signals,
            if incident.signals == 1 {
                "signal"
            } else {
                "signals"
            },
            local(incident.last_signal_at),
        );
    }
    text
}

/// `incident show`
pub fn show(args: &IncidentShowArgs) -> Result<u8, Failure> {
    let now = clock::clock(args.common.at).now();
    let settings = settings::load(args.common.config.as_deref())?;
    let detail = runtime()?.block_on(async {
        let store = settings.open_store(&args.store, false).await?;
        let detail = store
            .incident(&args.id)
            .await
            .map_err(settings::store_failed);
        store.close().await;
        detail
    })?;
    let detail = detail.ok_or_else(|| unknown(&args.id))?;
    let text = match args.format {
        PlainFormat::Json => output::json(&json(detail, Head::new("incident", now, &settings)))?,
        PlainFormat::Text => output::fitted(&page(&detail)),
    };
    output::print(&text)?;
    Ok(exit::CLEAN)
}

fn unknown(id: &str) -> Failure {
    Failure::usage(format!("there is no incident `{id}`"))
        .help("`breakglass incident list` lists them")
}

/// An incident as a person reads it.
pub fn page(detail: &IncidentDetail) -> String {
    let incident = &detail.incident;
    let mut text = String::new();
    let state = match (&incident.acknowledged_by, incident.acknowledged_at) {
        (Some(by), Some(at)) => format!("acknowledged by {by} at {}", local(at)),
        _ => "OPEN, nobody has acknowledged it".to_owned(),
    };
    let _infallible = write!(
        text,
        "{}  {}  {}\nopened {} · {state}\n\nsignals\n",
        incident.id,
        incident.severity.as_str(),
        incident.account_display,
        local(incident.opened_at),
    );
    for signal in &detail.signals {
        let when = signal.at.map_or_else(|| "time unknown".to_owned(), local);
        let _infallible = writeln!(
            text,
            "  {when}  {:10} {}",
            signal.kind.as_str(),
            signal.summary
        );
    }
    let _infallible = writeln!(text, "\nalerts");
    for alert in &detail.alerts {
        let acknowledged = match (&alert.acknowledged_by, alert.acknowledged_at) {
            (Some(by), Some(at)) => format!("acknowledged by {by} at {}", local(at)),
            _ => "not acknowledged".to_owned(),
        };
        let short: String = alert.alert.id.chars().take(8).collect();
        let _infallible = writeln!(text, "  {short}  {acknowledged}");
        for delivery in &alert.deliveries {
            let how = match &delivery.state {
                DeliveryState::Accepted { at, .. } => format!("accepted {}", local(*at)),
                DeliveryState::Leased { .. } => "being sent".to_owned(),
                DeliveryState::Pending { next_attempt } => {
                    format!("NOT DELIVERED, next try {}", local(*next_attempt))
                }
            };
            let error = delivery
                .last_error
                .as_deref()
                .filter(|_| delivery.state.is_open());
            let error = error.map(|e| format!(": {e}")).unwrap_or_default();
            let _infallible = writeln!(text, "            {}: {how}{error}", delivery.channel);
        }
        if alert.deliveries.is_empty() {
            let _infallible = writeln!(
                text,
                "            no channel was configured when it was written"
            );
        }
    }
    if incident.state == IncidentState::Open {
        let _infallible = write!(
            text,
            "\nnext: breakglass incident ack {} --by <who you are>\n",
            incident.id
        );
    }
    text
}

fn json(detail: IncidentDetail, head: Head) -> Document {
    Document {
        head,
        incident: detail.incident,
        signals: detail.signals,
        alerts: detail
            .alerts
            .into_iter()
            .map(|status| AlertLine {
                id: status.alert.id,
                signal_id: status.alert.signal.map(|signal| signal.id),
                acknowledged_at: status.acknowledged_at,
                acknowledged_by: status.acknowledged_by,
                deliveries: status
                    .deliveries
                    .into_iter()
                    .map(|delivery| {
                        let (state, accepted_at, receipt) = match delivery.state {
                            DeliveryState::Pending { .. } => ("pending", None, None),
                            DeliveryState::Leased { .. } => ("sending", None, None),
                            DeliveryState::Accepted { at, receipt } => {
                                ("accepted", Some(at), Some(receipt))
                            }
                        };
                        DeliveryLine {
                            channel: delivery.channel,
                            state,
                            accepted_at,
                            receipt,
                            attempts: delivery.attempts,
                            last_error: delivery.last_error,
                        }
                    })
                    .collect(),
            })
            .collect(),
        acknowledgements: detail
            .acknowledgements
            .into_iter()
            .map(|ack| AckLine {
                at: ack.at,
                by: ack.by,
                alerts: ack.alerts,
            })
            .collect(),
    }
}

/// `incident ack`
pub fn ack(args: &IncidentAckArgs) -> Result<u8, Failure> {
    if args.by.trim().is_empty() {
        return Err(Failure::usage("nobody is named").help("say who acknowledges: --by anna"));
    }
    let now = clock::clock(args.common.at).now();
    let settings = settings::load(args.common.config.as_deref())?;
    let done = runtime()?.block_on(async {
        let store = settings.open_store(&args.store, false).await?;
        let known = store
            .incident(&args.id)
            .await
            .map_err(settings::store_failed)?;
        if known.is_none() {
            return Err(unknown(&args.id));
        }
        if known.is_some_and(|detail| now < detail.incident.last_signal_at) {
            return Err(Failure::usage(
                "that moment is before the last signal, which nobody can have seen then",
            )
            .help("leave out --at"));
        }
        let done = store
            .acknowledge(&args.id, args.by.trim(), now)
            .await
            .map_err(settings::store_failed);
        store.close().await;
        done
    })?;
    let text = match done.alerts.len() {
        0 => format!(
            "{}: every alert was acknowledged before; nothing changed\n",
            args.id
        ),
        1 => format!(
            "{}: 1 alert acknowledged by {}; a later signal pages again\n",
            args.id,
            args.by.trim()
        ),
        many => format!(
            "{}: {many} alerts acknowledged by {}; a later signal pages again\n",
            args.id,
            args.by.trim()
        ),
    };
    output::print_done(
        &text,
        &format!("the alerts of {} are acknowledged", args.id),
    )?;
    Ok(exit::CLEAN)
}

/// A moment in the zone of this machine.
pub fn local(at: Timestamp) -> String {
    at.to_zoned_datetime(TimeZone::system())
        .strftime("%Y-%m-%d %H:%M:%S %Z")
        .to_string()
}
