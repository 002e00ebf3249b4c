//! Recording what was noticed: bytes, signal, incidents, alert and outbox rows in one transaction.

use std::collections::HashSet;

use breakglass_casework::{Incident, Newcomer, Placement, incident_ids, place};
use breakglass_model::{Alert, AlertIncident, SetAside, SignalKind};
use jiff::Timestamp;
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::Row as _;
use uuid::Uuid;

use crate::{
    Store, StoreError,
    cases::incident_row,
    chain::{Writing, hex},
    db::{Trouble, clean, micros, severity_number, to_json, whole},
    types::{Observation, Recorded},
};

/// Namespace of alert ids: copies of an alert from two watchers carry the same id.
const ALERTS: Uuid = Uuid::from_u128(0x6f1d_3a52_9c0e_5b7e_8d41_b5a2_7e90_c316);

impl Store {
    /// Records a signal: its bytes, the incident of every concerned account, one alert, and one outbox
    /// row per channel, all or nothing. A signal that is known in this version is folded: nothing is
    /// sent again, and the copy is kept when its source or its bytes are new.
    pub async fn record(
        &self,
        observation: &Observation<'_>,
        channels: &[String],
        now: Timestamp,
    ) -> Result<Recorded, StoreError> {
        let result = self.record_in(observation, channels, whole(now)).await;
        self.finish("record a signal", result)
    }

    async fn record_in(
        &self,
        observation: &Observation<'_>,
        channels: &[String],
        now: Timestamp,
    ) -> Result<Recorded, Trouble> {
        let signal = &observation.detected.signal;
        let sha256 = hex(&Sha256::digest(&observation.detected.raw));
        let mut w = self.writing().await?;
        let known = sqlx::query("SELECT version FROM signal WHERE id = $1")
            .bind(&signal.id)
            .fetch_all(&mut *w.tx)
            .await?;
        let mut folded = false;
        for row in &known {
            folded |= row.try_get::<String, _>("version")? == signal.version;
        }
        insert_raw(&mut w, &sha256, &observation.detected.raw, now).await?;
        if folded {
            if insert_copy(&mut w, observation, &sha256, now).await? {
                let body = json!({"version": signal.version, "sha256": sha256,
                    "stream": observation.stream, "source": observation.source_copy});
                w.evidence(now, "copy-kept", &signal.id, &body).await?;
            }
            w.commit().await?;
            return Ok(Recorded::Folded);
        }
        let new_version = !known.is_empty();
        insert_signal(&mut w, observation, &sha256, now).await?;
        insert_copy(&mut w, observation, &sha256, now).await?;
        let body = json!({"version": signal.version, "kind": signal.kind.as_str(),
            "severity": signal.severity.as_str(), "sha256": sha256, "new_version": new_version,
            "stream": observation.stream, "source": observation.source_copy});
        w.evidence(now, "signal-recorded", &signal.id, &body)
            .await?;
        let incidents = join_incidents(&mut w, observation, now).await?;
        let account = observation
            .accounts
            .first()
            .map_or("", |account| &account.key);
        let name = format!("{}\0{}\0{account}", signal.id, signal.version);
        let alert = Alert {
            id: Uuid::new_v5(&ALERTS, name.as_bytes()).to_string(),
            signal: Some(signal.clone()),
            incident: incidents.first().cloned(),
            location: observation.detected.location.clone(),
            created_at: now,
            test: false,
        };
        insert_alert(&mut w, &alert, &incidents, channels).await?;
        w.commit().await?;
        Ok(Recorded::New {
            alert: Box::new(alert),
            incidents,
            new_version,
        })
    }

    /// Keeps a piece of input that could not be understood, once however often it is met.
    pub async fn record_set_aside(
        &self,
        set_aside: &SetAside,
        first_bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.set_aside_in(set_aside, first_bytes, whole(now)).await;
        self.finish("record what was set aside", result)
    }

    async fn set_aside_in(
        &self,
        set_aside: &SetAside,
        first_bytes: &[u8],
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut hash = Sha256::new();
        for part in [&set_aside.file, &set_aside.position, &set_aside.reason] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part.as_bytes());
        }
        hash.update(first_bytes);
        let id = hex(&hash.finalize());
        let mut w = self.writing().await?;
        let inserted = sqlx::query(
            "INSERT INTO set_aside (id, file, position, reason, first_bytes, at) \
             VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (id) DO NOTHING",
        )
        .bind(&id)
        .bind(clean(&set_aside.file))
        .bind(clean(&set_aside.position))
        .bind(clean(&set_aside.reason))
        .bind(first_bytes)
        .bind(micros(now))
        .execute(&mut *w.tx)
        .await?
        .rows_affected();
        if inserted > 0 {
            let body = json!({"file": set_aside.file, "position": set_aside.position,
                "reason": set_aside.reason});
            w.evidence(now, "set-aside", &id, &body).await?;
        }
        w.commit().await
    }

    /// Writes a marked test alert for one channel.
    pub async fn enqueue_test(&self, channel: &str, now: Timestamp) -> Result<Alert, StoreError> {
        let result = self.enqueue_test_in(channel, whole(now)).await;
        self.finish("write a test alert", result)
    }

    async fn enqueue_test_in(&self, channel: &str, now: Timestamp) -> Result<Alert, Trouble> {
        let mut w = self.writing().await?;
        // The position in the chain makes two tests at the same moment different; it and the hash
        // before it make tests of two stores different.
        let name = format!("test\0{channel}\0{}\0{}", micros(now), w.end());
        let alert = Alert {
            id: Uuid::new_v5(&ALERTS, name.as_bytes()).to_string(),
            signal: None,
            incident: None,
            location: None,
            created_at: now,
            test: true,
        };
        insert_alert(&mut w, &alert, &[], &[channel.to_owned()]).await?;
        w.commit().await?;
        Ok(alert)
    }
}

async fn insert_raw(
    w: &mut Writing,
    sha256: &str,
    raw: &[u8],
    now: Timestamp,
) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO raw (sha256, bytes, first_at) VALUES ($1, $2, $3) ON CONFLICT (sha256) DO NOTHING",
    )
    .bind(sha256)
    .bind(raw)
    .bind(micros(now))
    .execute(&mut *w.tx)
    .await?;
    Ok(())
}

async fn insert_copy(
    w: &mut Writing,
    observation: &Observation<'_>,
    sha256: &str,
    now: Timestamp,
) -> Result<bool, Trouble> {
    let signal = &observation.detected.signal;
    let done = sqlx::query(
        "INSERT INTO raw_copy (signal_id, version, sha256, stream, source, at) \
         VALUES ($1, $2, $3, $4, $5, $6) \
         ON CONFLICT (signal_id, version, sha256, stream, source) DO NOTHING",
    )
    .bind(&signal.id)
    .bind(&signal.version)
    .bind(sha256)
    .bind(clean(observation.stream))
    .bind(clean(observation.source_copy))
    .bind(micros(now))
    .execute(&mut *w.tx)
    .await?;
    Ok(done.rows_affected() > 0)
}

async fn insert_signal(
    w: &mut Writing,
    observation: &Observation<'_>,
    sha256: &str,
    now: Timestamp,
) -> Result<(), Trouble> {
    let signal = &observation.detected.signal;
    sqlx::query(
        "INSERT INTO signal (id, version, kind, severity, happened_at, recorded_at, stream, \
         raw_sha256, body) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .bind(&signal.id)
    .bind(&signal.version)
    .bind(signal.kind.as_str())
    .bind(severity_number(signal.severity))
    .bind(micros(signal.at.unwrap_or(signal.readable_at.not_after)))
    .bind(micros(now))
    .bind(clean(observation.stream))
    .bind(sha256)
    .bind(to_json(signal)?)
    .execute(&mut *w.tx)
    .await?;
    Ok(())
}

/// Finds or opens the incident of every concerned account.
async fn join_incidents(
    w: &mut Writing,
    observation: &Observation<'_>,
    now: Timestamp,
) -> Result<Vec<AlertIncident>, Trouble> {
    let signal = &observation.detected.signal;
    let mut seen = HashSet::new();
    let mut incidents = Vec::new();
    for (position, account) in (0_i64..).zip(observation.accounts) {
        let (key, display) = (clean(&account.key), clean(&account.display));
        if !seen.insert(key.clone()) {
            continue;
        }
        let newcomer = Newcomer {
            signal_id: &signal.id,
            account_key: &key,
            account_display: &display,
            severity: signal.severity,
            at: now,
        };
        let unfinished = sqlx::query(
            "SELECT * FROM incident WHERE account_key = $1 AND state IN ('open', 'acknowledged')",
        )
        .bind(&key)
        .fetch_optional(&mut *w.tx)
        .await?;
        let unfinished = unfinished.as_ref().map(incident_row).transpose()?;
        let taken = taken_ids(w, &newcomer).await?;
        let placement = place(unfinished.as_ref(), newcomer, |id| taken.contains(id));
        let (event, is_new) = match &placement {
            Placement::Open(_) => ("incident-opened", true),
            Placement::Join { reopened: true, .. } => ("incident-reopened", false),
            Placement::Join { .. } => ("incident-joined", false),
        };
        let incident = placement.incident();
        save_incident(w, incident).await?;
        sqlx::query(
            "INSERT INTO signal_account (signal_id, version, account_key, position, incident_id) \
             VALUES ($1, $2, $3, $4, $5)",
        )
        .bind(&signal.id)
        .bind(&signal.version)
        .bind(&key)
        .bind(position)
        .bind(&incident.id)
        .execute(&mut *w.tx)
        .await?;
        let body = json!({"account": key, "signal": signal.id, "version": signal.version});
        w.evidence(now, event, &incident.id, &body).await?;
        incidents.push(AlertIncident {
            id: incident.id.clone(),
            opened_at: incident.opened_at,
            is_new,
        });
    }
    Ok(incidents)
}

/// The incident ids in use that begin like the one that would be chosen.
async fn taken_ids(w: &mut Writing, newcomer: &Newcomer<'_>) -> Result<HashSet<String>, Trouble> {
    let (mut ids, full) = incident_ids(newcomer.at, newcomer.signal_id, newcomer.account_key);
    let shortest = ids.next().unwrap_or(full);
    let rows = sqlx::query("SELECT id FROM incident WHERE id LIKE $1")
        .bind(format!("{shortest}%"))
        .fetch_all(&mut *w.tx)
        .await?;
    rows.iter().map(|row| Ok(row.try_get("id")?)).collect()
}

pub(crate) async fn save_incident(w: &mut Writing, incident: &Incident) -> Result<(), Trouble> {
    sqlx::query(
        "INSERT INTO incident (id, account_key, account_display, opened_at, state, acknowledged_at, \
         acknowledged_by, signals, last_signal_at, severity) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) \
         ON CONFLICT (id) DO UPDATE SET state = excluded.state, \
         acknowledged_at = excluded.acknowledged_at, acknowledged_by = excluded.acknowledged_by, \
         signals = excluded.signals, last_signal_at = excluded.last_signal_at, \
         severity = excluded.severity",
    )
    .bind(&incident.id)
    .bind(&incident.account_key)
    .bind(&incident.account_display)
    .bind(micros(incident.opened_at))
    .bind(incident.state.as_str())
    .bind(incident.acknowledged_at.map(micros))
    .bind(incident.acknowledged_by.as_deref())
    .bind(i64::try_from(incident.signals).unwrap_or(i64::MAX))
    .bind(micros(incident.last_signal_at))
    .bind(severity_number(incident.severity))
    .execute(&mut *w.tx)
    .await?;
    Ok(())
}

/// Where an alert waits: failed sign-ins behind all else, so that a flood of them holds up nothing.
fn lane(alert: &Alert) -> i64 {
    match alert.signal.as_ref().map(|signal| signal.kind) {
        Some(SignalKind::Attempt) => 2,
        None => 1,
        Some(_) => 0,
    }
}

async fn insert_alert(
    w: &mut Writing,
    alert: &Alert,
    incidents: &[AlertIncident],
    channels: &[String],
) -> Result<(), Trouble> {
    let at = micros(alert.created_at);
    let text = to_json(alert)?;
    sqlx::query(
        "INSERT INTO alert (id, signal_id, version, test, created_at, body) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&alert.id)
    .bind(alert.signal.as_ref().map(|signal| signal.id.as_str()))
    .bind(alert.signal.as_ref().map(|signal| signal.version.as_str()))
    .bind(i64::from(alert.test))
    .bind(at)
    .bind(&text)
    .execute(&mut *w.tx)
    .await?;
    for incident in incidents {
        sqlx::query(
            "INSERT INTO alert_incident (alert_id, incident_id) VALUES ($1, $2) \
             ON CONFLICT (alert_id, incident_id) DO NOTHING",
        )
        .bind(&alert.id)
        .bind(&incident.id)
        .execute(&mut *w.tx)
        .await?;
    }
    for channel in channels {
        sqlx::query(
            "INSERT INTO outbox (id, alert_id, channel, lane, state, due_at, attempts, created_at) \
             VALUES ($1, $2, $3, $4, 'pending', $5, 0, $5) ON CONFLICT (alert_id, channel) DO NOTHING",
        )
        .bind(format!("{}:{channel}", alert.id))
        .bind(&alert.id)
        .bind(channel)
        .bind(lane(alert))
        .bind(at)
        .execute(&mut *w.tx)
        .await?;
    }
    let incidents: Vec<&str> = incidents
        .iter()
        .map(|incident| incident.id.as_str())
        .collect();
    let body = json!({"signal": alert.signal.as_ref().map(|signal| &signal.id), "test": alert.test,
        "version": alert.signal.as_ref().map(|signal| &signal.version), "incidents": incidents,
        "channels": channels, "sha256": hex(&Sha256::digest(text.as_bytes()))});
    w.evidence(alert.created_at, "alert-written", &alert.id, &body)
        .await
}
