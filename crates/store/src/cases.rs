//! Incidents: listing, showing, acknowledging.

use breakglass_casework::{Incident, IncidentState};
use jiff::Timestamp;
use serde_json::json;
use sqlx::{Row as _, any::AnyRow};

use crate::{
    Store, StoreError,
    db::{
        Trouble, clean, count, json as json_column, micros, moment, severity, time, to_json, whole,
    },
    record::save_incident,
    types::{Acknowledged, AcknowledgementRecord, AlertStatus, IncidentDetail, IncidentFilter},
};

impl Store {
    /// Lists incidents, the one with the latest signal first.
    pub async fn incidents(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, StoreError> {
        let result = self.incidents_in(filter).await;
        self.finish("list incidents", result)
    }

    async fn incidents_in(&self, filter: &IncidentFilter) -> Result<Vec<Incident>, Trouble> {
        let rows = sqlx::query(
            "SELECT * FROM incident WHERE ($1 = '' OR state = $1) AND ($2 = '' OR account_key = $2) \
             ORDER BY last_signal_at DESC, id LIMIT $3",
        )
        .bind(filter.state.map_or("", IncidentState::as_str))
        .bind(filter.account.as_deref().unwrap_or(""))
        .bind(filter.limit.map_or(i64::MAX, i64::from))
        .fetch_all(&self.inner.reader)
        .await?;
        rows.iter().map(incident_row).collect()
    }

    /// An incident with everything that belongs to it.
    pub async fn incident(&self, id: &str) -> Result<Option<IncidentDetail>, StoreError> {
        let result = self.incident_in(id).await;
        self.finish("show an incident", result)
    }

    async fn incident_in(&self, id: &str) -> Result<Option<IncidentDetail>, Trouble> {
        let reader = &self.inner.reader;
        let Some(row) = sqlx::query("SELECT * FROM incident WHERE id = $1")
            .bind(id)
            .fetch_optional(reader)
            .await?
        else {
            return Ok(None);
        };
        let signals = sqlx::query(
            "SELECT s.body FROM signal s JOIN signal_account sa \
             ON sa.signal_id = s.id AND sa.version = s.version WHERE sa.incident_id = $1 \
             ORDER BY s.happened_at, s.id, s.recorded_at, s.version",
        )
        .bind(id)
        .fetch_all(reader)
        .await?;
        let alerts = sqlx::query(
            "SELECT a.id, a.body, ai.acknowledged_at, ai.acknowledged_by FROM alert a \
             JOIN alert_incident ai ON ai.alert_id = a.id WHERE ai.incident_id = $1 \
             ORDER BY a.created_at, a.id",
        )
        .bind(id)
        .fetch_all(reader)
        .await?;
        let acknowledgements = sqlx::query(
            "SELECT at, by_whom, alerts FROM acknowledgement WHERE incident_id = $1 ORDER BY number",
        )
        .bind(id)
        .fetch_all(reader)
        .await?;
        let mut detail = IncidentDetail {
            incident: incident_row(&row)?,
            signals: signals
                .iter()
                .map(|row| json_column(row, "body"))
                .collect::<Result<_, _>>()?,
            alerts: Vec::with_capacity(alerts.len()),
            acknowledgements: Vec::with_capacity(acknowledgements.len()),
        };
        for row in &alerts {
            detail.alerts.push(AlertStatus {
                alert: json_column(row, "body")?,
                acknowledged_at: optional_time(row, "acknowledged_at")?,
                acknowledged_by: row.try_get("acknowledged_by")?,
                deliveries: self.deliveries(&row.try_get::<String, _>("id")?).await?,
            });
        }
        for row in &acknowledgements {
            detail.acknowledgements.push(AcknowledgementRecord {
                at: time(row, "at")?,
                by: row.try_get("by_whom")?,
                alerts: json_column(row, "alerts")?,
            });
        }
        Ok(Some(detail))
    }

    /// Acknowledges the alerts of an incident that exist at this moment, each by its id. A later
    /// signal opens the incident again. Saying it again changes nothing. Sending goes on: an
    /// acknowledged alert that a channel has not accepted stays in the outbox.
    pub async fn acknowledge(
        &self,
        incident_id: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Acknowledged, StoreError> {
        let result = self
            .acknowledge_in(incident_id, &clean(by), whole(now))
            .await;
        self.finish("acknowledge an incident", result)
    }

    async fn acknowledge_in(
        &self,
        incident_id: &str,
        by: &str,
        now: Timestamp,
    ) -> Result<Acknowledged, Trouble> {
        let mut w = self.writing().await?;
        let row = sqlx::query("SELECT * FROM incident WHERE id = $1")
            .bind(incident_id)
            .fetch_optional(&mut *w.tx)
            .await?
            .ok_or_else(|| {
                Trouble::Conflict(format!("there is no incident {}", clean(incident_id)))
            })?;
        let done = incident_row(&row)?.acknowledge(by, now);
        if !done.changed {
            return Ok(Acknowledged {
                incident: done.incident,
                alerts: Vec::new(),
            });
        }
        let rows = sqlx::query(
            "UPDATE alert_incident SET acknowledged_at = $1, acknowledged_by = $2 \
             WHERE incident_id = $3 AND acknowledged_at IS NULL RETURNING alert_id",
        )
        .bind(micros(now))
        .bind(by)
        .bind(incident_id)
        .fetch_all(&mut *w.tx)
        .await?;
        let mut alerts: Vec<String> = rows
            .iter()
            .map(|row| row.try_get("alert_id"))
            .collect::<Result<_, _>>()?;
        alerts.sort();
        save_incident(&mut w, &done.incident).await?;
        sqlx::query(
            "INSERT INTO acknowledgement (incident_id, number, at, by_whom, alerts) \
             SELECT $1, CAST(count(*) + 1 AS BIGINT), $2, $3, $4 FROM acknowledgement \
             WHERE incident_id = $1",
        )
        .bind(incident_id)
        .bind(micros(now))
        .bind(by)
        .bind(to_json(&alerts)?)
        .execute(&mut *w.tx)
        .await?;
        let body = json!({"by": by, "alerts": alerts});
        w.evidence(now, "incident-acknowledged", incident_id, &body)
            .await?;
        w.commit().await?;
        Ok(Acknowledged {
            incident: done.incident,
            alerts,
        })
    }
}

fn optional_time(row: &AnyRow, column: &str) -> Result<Option<Timestamp>, Trouble> {
    row.try_get::<Option<i64>, _>(column)?
        .map(moment)
        .transpose()
}

pub(crate) fn incident_row(row: &AnyRow) -> Result<Incident, Trouble> {
    let state: String = row.try_get("state")?;
    Ok(Incident {
        id: row.try_get("id")?,
        account_key: row.try_get("account_key")?,
        account_display: row.try_get("account_display")?,
        opened_at: time(row, "opened_at")?,
        state: IncidentState::parse(&state)
            .ok_or_else(|| Trouble::Corrupt(format!("an incident is `{state}`")))?,
        acknowledged_at: optional_time(row, "acknowledged_at")?,
        acknowledged_by: row.try_get("acknowledged_by")?,
        signals: count(row, "signals")?,
        last_signal_at: time(row, "last_signal_at")?,
        severity: severity(row.try_get("severity")?)?,
    })
}
