//! The outbox: taking rows under a lease, and what came of sending them.

use breakglass_model::Alert;
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sqlx::{Row as _, any::AnyRow};

use crate::{
    Store, StoreError,
    chain::Writing,
    db::{
        Trouble, assembled, clean, count, json as json_column, micros, moment, numbered, time,
        whole,
    },
    types::{DeliveryState, OutboxRow, OutboxStatus},
};

/// The longest that a lease or a pause between two attempts may be.
const LONGEST_WAIT: SignedDuration = SignedDuration::from_hours(1);
/// A due time further ahead than this was written by a clock that was wrong.
const IMPOSSIBLE: SignedDuration = SignedDuration::from_hours(2);

const STATUS: &str = "SELECT o.id, o.alert_id, o.channel, o.state, o.due_at, o.lease_owner, \
     o.attempts, o.created_at, o.last_error, o.accepted_at, o.receipt, a.test \
     FROM outbox o JOIN alert a ON a.id = o.alert_id";

impl Store {
    /// Takes rows that are due for the caller alone, until `now + lease`. Uses and changes come before
    /// failed sign-ins, rows never tried before others, then the oldest.
    pub async fn claim(
        &self,
        owner: &str,
        channels: &[String],
        limit: u32,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<OutboxRow>, StoreError> {
        let result = self.claim_in(owner, channels, limit, lease, now).await;
        self.finish("claim alerts to send", result)
    }

    async fn claim_in(
        &self,
        owner: &str,
        channels: &[String],
        limit: u32,
        lease: SignedDuration,
        now: Timestamp,
    ) -> Result<Vec<OutboxRow>, Trouble> {
        if channels.is_empty() {
            return Ok(Vec::new());
        }
        // MATERIALIZED: otherwise PostgreSQL may run the subquery more than once and take more rows.
        let sql = format!(
            "WITH due AS MATERIALIZED (SELECT id FROM outbox WHERE state <> 'accepted' \
             AND (due_at <= $1 OR due_at > $2) AND channel IN ({}) \
             ORDER BY lane, CASE WHEN attempts = 0 THEN 0 ELSE 1 END, created_at, id \
             LIMIT $3 {}) \
             UPDATE outbox SET state = 'leased', lease_owner = $4, due_at = $5, \
             attempts = attempts + 1 WHERE id IN (SELECT id FROM due) \
             RETURNING id, alert_id, channel, lane, attempts, created_at, last_error",
            numbered(6, channels.len()),
            self.inner.dialect.skip_locked,
        );
        let mut tx = self.begin().await?;
        let mut query = sqlx::query(assembled(sql))
            .bind(micros(now))
            .bind(ahead(now, IMPOSSIBLE))
            .bind(i64::from(limit))
            .bind(clean(owner))
            .bind(ahead(now, lease.min(LONGEST_WAIT)));
        for channel in channels {
            query = query.bind(channel);
        }
        let taken = query.fetch_all(&mut *tx).await?;
        let mut rows = Vec::with_capacity(taken.len());
        for row in &taken {
            let alert = sqlx::query("SELECT body FROM alert WHERE id = $1")
                .bind(row.try_get::<String, _>("alert_id")?)
                .fetch_one(&mut *tx)
                .await?;
            rows.push((
                row.try_get::<i64, _>("lane")?,
                outbox_row(row, json_column(&alert, "body")?)?,
            ));
        }
        tx.commit().await?;
        // RETURNING has no order.
        rows.sort_by(|(lane_a, a), (lane_b, b)| {
            (lane_a, a.attempts > 1, a.created_at, &a.id).cmp(&(
                lane_b,
                b.attempts > 1,
                b.created_at,
                &b.id,
            ))
        });
        Ok(rows.into_iter().map(|(_, row)| row).collect())
    }

    /// The channel's provider took the alert. Only for the holder of the lease; saying it twice is
    /// harmless.
    pub async fn accepted(
        &self,
        row: &OutboxRow,
        owner: &str,
        receipt: &str,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.accepted_in(row, owner, &clean(receipt), now).await;
        self.finish("mark an alert as accepted", result)
    }

    async fn accepted_in(
        &self,
        row: &OutboxRow,
        owner: &str,
        receipt: &str,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut w = self.writing().await?;
        let changed = sqlx::query(
            "UPDATE outbox SET state = 'accepted', lease_owner = NULL, accepted_at = $1, receipt = $2 \
             WHERE id = $3 AND state = 'leased' AND lease_owner = $4 AND attempts = $5",
        )
        .bind(micros(now))
        .bind(receipt)
        .bind(&row.id)
        .bind(clean(owner))
        .bind(i64::from(row.attempts))
        .execute(&mut *w.tx)
        .await?
        .rows_affected();
        settle(w, row, owner, ("accepted", receipt), changed, now).await
    }

    /// The attempt failed. The row waits for `next_attempt`, at most an hour ahead; it never ends this
    /// way. Only for the holder of the lease; saying it twice is harmless.
    pub async fn failed(
        &self,
        row: &OutboxRow,
        owner: &str,
        error: &str,
        next_attempt: Timestamp,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let result = self
            .failed_in(row, owner, &clean(error), next_attempt, now)
            .await;
        self.finish("mark an attempt as failed", result)
    }

    async fn failed_in(
        &self,
        row: &OutboxRow,
        owner: &str,
        error: &str,
        next_attempt: Timestamp,
        now: Timestamp,
    ) -> Result<(), Trouble> {
        let mut w = self.writing().await?;
        let changed = sqlx::query(
            "UPDATE outbox SET state = 'pending', lease_owner = NULL, due_at = $1, last_error = $2 \
             WHERE id = $3 AND state = 'leased' AND lease_owner = $4 AND attempts = $5",
        )
        .bind(micros(next_attempt).min(ahead(now, LONGEST_WAIT)))
        .bind(error)
        .bind(&row.id)
        .bind(clean(owner))
        .bind(i64::from(row.attempts))
        .execute(&mut *w.tx)
        .await?
        .rows_affected();
        settle(w, row, owner, ("failed", error), changed, now).await
    }

    /// Gives back what the owner holds, so that others need not wait for its leases to end.
    pub async fn release(&self, owner: &str, now: Timestamp) -> Result<u64, StoreError> {
        let result = self.release_in(owner, now).await;
        self.finish("release alerts", result)
    }

    async fn release_in(&self, owner: &str, now: Timestamp) -> Result<u64, Trouble> {
        let mut tx = self.begin().await?;
        let done = sqlx::query(
            "UPDATE outbox SET state = 'pending', lease_owner = NULL, due_at = $1 \
             WHERE state = 'leased' AND lease_owner = $2",
        )
        .bind(micros(now))
        .bind(clean(owner))
        .execute(&mut *tx)
        .await?;
        tx.commit().await?;
        Ok(done.rows_affected())
    }

    /// When the next row of these channels is due, or its lease ends. May be in the past.
    pub async fn next_due(&self, channels: &[String]) -> Result<Option<Timestamp>, StoreError> {
        let result = self.next_due_in(channels).await;
        self.finish("read the outbox", result)
    }

    async fn next_due_in(&self, channels: &[String]) -> Result<Option<Timestamp>, Trouble> {
        if channels.is_empty() {
            return Ok(None);
        }
        let sql = format!(
            "SELECT due_at FROM outbox WHERE state <> 'accepted' AND channel IN ({}) \
             ORDER BY due_at LIMIT 1",
            numbered(1, channels.len())
        );
        let mut query = sqlx::query(assembled(sql));
        for channel in channels {
            query = query.bind(channel);
        }
        let row = query.fetch_optional(&self.inner.reader).await?;
        row.as_ref().map(|row| time(row, "due_at")).transpose()
    }

    /// The rows of the outbox, oldest first.
    pub async fn outbox(&self, open_only: bool) -> Result<Vec<OutboxStatus>, StoreError> {
        let result = self.outbox_in(open_only).await;
        self.finish("read the outbox", result)
    }

    async fn outbox_in(&self, open_only: bool) -> Result<Vec<OutboxStatus>, Trouble> {
        let filter = if open_only {
            "WHERE o.state <> 'accepted'"
        } else {
            ""
        };
        let sql = format!("{STATUS} {filter} ORDER BY o.created_at, o.id");
        let rows = sqlx::query(assembled(sql))
            .fetch_all(&self.inner.reader)
            .await?;
        rows.iter().map(outbox_status).collect()
    }

    /// The way of one alert through its channels.
    pub(crate) async fn deliveries(&self, alert_id: &str) -> Result<Vec<OutboxStatus>, Trouble> {
        let rows = sqlx::query(assembled(format!(
            "{STATUS} WHERE o.alert_id = $1 ORDER BY o.channel"
        )))
        .bind(alert_id)
        .fetch_all(&self.inner.reader)
        .await?;
        rows.iter().map(outbox_status).collect()
    }
}

/// Microseconds of a moment ahead; a sum out of range is the end of time.
fn ahead(now: Timestamp, by: SignedDuration) -> i64 {
    micros(now.checked_add(by).unwrap_or(Timestamp::MAX))
}

/// Writes the attempt and its evidence row, or finds that the caller does not hold the lease.
async fn settle(
    mut w: Writing,
    row: &OutboxRow,
    owner: &str,
    (outcome, detail): (&str, &str),
    changed: u64,
    now: Timestamp,
) -> Result<(), Trouble> {
    let now = whole(now);
    if changed == 0 {
        let same = sqlx::query(
            "SELECT number FROM attempt WHERE outbox_id = $1 AND number = $2 AND owner = $3 \
             AND outcome = $4",
        )
        .bind(&row.id)
        .bind(i64::from(row.attempts))
        .bind(clean(owner))
        .bind(outcome)
        .fetch_optional(&mut *w.tx)
        .await?;
        // The connection may have broken after an earlier commit: then this is the caller's retry.
        return match same {
            Some(_) => Ok(()),
            None => Err(Trouble::Conflict(format!(
                "{owner} does not hold the lease of {} (attempt {})",
                row.id, row.attempts
            ))),
        };
    }
    sqlx::query(
        "INSERT INTO attempt (outbox_id, number, owner, at, outcome, detail) \
         VALUES ($1, $2, $3, $4, $5, $6)",
    )
    .bind(&row.id)
    .bind(i64::from(row.attempts))
    .bind(clean(owner))
    .bind(micros(now))
    .bind(outcome)
    .bind(detail)
    .execute(&mut *w.tx)
    .await?;
    let body = json!({"alert": row.alert.id, "channel": row.channel, "attempt": row.attempts,
        "owner": owner, "detail": detail});
    w.evidence(now, &format!("alert-{outcome}"), &row.id, &body)
        .await?;
    w.commit().await
}

fn outbox_row(row: &AnyRow, alert: Alert) -> Result<OutboxRow, Trouble> {
    Ok(OutboxRow {
        id: row.try_get("id")?,
        alert,
        channel: row.try_get("channel")?,
        attempts: count(row, "attempts")?,
        created_at: time(row, "created_at")?,
        last_error: row.try_get("last_error")?,
    })
}

fn outbox_status(row: &AnyRow) -> Result<OutboxStatus, Trouble> {
    let state = row.try_get::<String, _>("state")?;
    let state = match state.as_str() {
        "pending" => DeliveryState::Pending {
            next_attempt: time(row, "due_at")?,
        },
        "leased" => DeliveryState::Leased {
            owner: row.try_get("lease_owner")?,
            until: time(row, "due_at")?,
        },
        "accepted" => DeliveryState::Accepted {
            at: moment(row.try_get("accepted_at")?)?,
            receipt: row.try_get("receipt")?,
        },
        other => return Err(Trouble::Corrupt(format!("an outbox row is `{other}`"))),
    };
    Ok(OutboxStatus {
        id: row.try_get("id")?,
        alert_id: row.try_get("alert_id")?,
        channel: row.try_get("channel")?,
        test: row.try_get::<i64, _>("test")? != 0,
        state,
        attempts: count(row, "attempts")?,
        created_at: time(row, "created_at")?,
        last_error: row.try_get("last_error")?,
    })
}
