//! What was kept: signals, uses for the checks, copies as received, check reports.

use std::collections::BTreeMap;

use breakglass_model::{History, LoneApply, ObjectId, SetAside, Signal, UseRecord};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use sha2::{Digest, Sha256};
use sqlx::Row as _;

use crate::{
    Store, StoreError,
    chain::hex,
    db::{Trouble, json as json_column, micros, severity_number, time, whole},
    types::{Announcement, CheckRun, RawCopy, SignalFilter},
};

/// How far the clocks of a tenant and of this machine may be apart.
const CLOCK_TOLERANCE: SignedDuration = SignedDuration::from_mins(10);

impl Store {
    /// Lists signals, the latest first.
    pub async fn signals(&self, filter: &SignalFilter) -> Result<Vec<Signal>, StoreError> {
        let result = self.signals_in(filter).await;
        self.finish("list signals", result)
    }

    async fn signals_in(&self, filter: &SignalFilter) -> Result<Vec<Signal>, Trouble> {
        let rows = sqlx::query(
            "SELECT body FROM signal s WHERE happened_at >= $1 AND severity >= $2 \
             AND ($3 = '' OR EXISTS (SELECT 1 FROM signal_account sa WHERE sa.signal_id = s.id \
             AND sa.version = s.version AND sa.account_key = $3)) \
             ORDER BY happened_at DESC, id, recorded_at, version LIMIT $4",
        )
        .bind(filter.since.map_or(i64::MIN, micros))
        .bind(filter.severity.map_or(0, severity_number))
        .bind(filter.account.as_deref().unwrap_or(""))
        .bind(filter.limit.map_or(i64::MAX, i64::from))
        .fetch_all(&self.inner.reader)
        .await?;
        rows.iter().map(|row| json_column(row, "body")).collect()
    }

    /// The uses of accounts up to `now`, for the checks: one per record however many versions it has.
    /// Uses of an account whose object id the record does not tell are left out.
    pub async fn history(&self, now: Timestamp) -> Result<History, StoreError> {
        let result = self.history_in(now).await;
        self.finish("read the history", result)
    }

    async fn history_in(&self, now: Timestamp) -> Result<History, Trouble> {
        let rows = sqlx::query(
            "SELECT s.id, s.happened_at, s.body, sa.incident_id FROM signal s \
             LEFT JOIN signal_account sa \
             ON sa.signal_id = s.id AND sa.version = s.version AND sa.position = 0 \
             WHERE s.kind = 'use' AND s.happened_at <= $1 ORDER BY s.recorded_at, s.version",
        )
        .bind(micros(
            now.checked_add(CLOCK_TOLERANCE).unwrap_or(Timestamp::MAX),
        ))
        .fetch_all(&self.inner.reader)
        .await?;
        let mut uses = BTreeMap::new();
        for row in &rows {
            let signal: Signal = json_column(row, "body")?;
            let account = signal.account.and_then(|account| account.id);
            let Some(account) = account.and_then(|id| ObjectId::parse(&id).ok()) else {
                continue;
            };
            let record = UseRecord {
                account,
                at: time(row, "happened_at")?,
                device_id: signal.device.and_then(|device| device.id),
                incident: row.try_get("incident_id")?,
                explained: false,
            };
            uses.insert(row.try_get::<String, _>("id")?, record);
        }
        let mut uses: Vec<UseRecord> = uses.into_values().collect();
        uses.sort_by_key(|used| used.at);
        Ok(History {
            from_store: true,
            drills: Vec::new(),
            uses,
            // The monitor leaves no trace of its runs in the store yet: the checks answer *cannot tell*.
            runs: Vec::new(),
            alone: self.alone(now).await?,
        })
    }

    /// Plans that were applied without a second person.
    async fn alone(&self, now: Timestamp) -> Result<Vec<LoneApply>, Trouble> {
        let rows = sqlx::query(
            "SELECT at, subject, body FROM evidence WHERE kind = 'plan-applied' AND at <= $1 ORDER BY seq",
        )
        .bind(micros(now))
        .fetch_all(&self.inner.reader)
        .await?;
        let mut alone = Vec::new();
        for row in &rows {
            let body: serde_json::Value = json_column(row, "body")?;
            if body["consent"]["alone"] == true {
                alone.push(LoneApply {
                    at: time(row, "at")?,
                    plan: row.try_get("subject")?,
                });
            }
        }
        Ok(alone)
    }

    /// The copies of a signal's record as received, oldest first.
    pub async fn raw_copies(&self, signal_id: &str) -> Result<Vec<RawCopy>, StoreError> {
        let result = self.raw_copies_in(signal_id).await;
        self.finish("read records as received", result)
    }

    async fn raw_copies_in(&self, signal_id: &str) -> Result<Vec<RawCopy>, Trouble> {
        let rows = sqlx::query(
            "SELECT c.version, c.sha256, c.stream, c.source, c.at, r.bytes FROM raw_copy c \
             JOIN raw r ON r.sha256 = c.sha256 WHERE c.signal_id = $1 \
             ORDER BY c.at, c.version, c.sha256, c.stream, c.source",
        )
        .bind(signal_id)
        .fetch_all(&self.inner.reader)
        .await?;
        rows.iter()
            .map(|row| {
                Ok(RawCopy {
                    version: row.try_get("version")?,
                    sha256: row.try_get("sha256")?,
                    stream: row.try_get("stream")?,
                    source: row.try_get("source")?,
                    at: time(row, "at")?,
                    bytes: row.try_get("bytes")?,
                })
            })
            .collect()
    }

    /// What could not be understood, oldest first.
    pub async fn set_aside(&self) -> Result<Vec<SetAside>, StoreError> {
        let result = self.set_aside_list().await;
        self.finish("list what was set aside", result)
    }

    async fn set_aside_list(&self) -> Result<Vec<SetAside>, Trouble> {
        let rows = sqlx::query("SELECT file, position, reason FROM set_aside ORDER BY at, id")
            .fetch_all(&self.inner.reader)
            .await?;
        rows.iter()
            .map(|row| {
                Ok(SetAside {
                    file: row.try_get("file")?,
                    position: row.try_get("position")?,
                    reason: row.try_get("reason")?,
                })
            })
            .collect()
    }

    /// Keeps a check report.
    pub async fn save_check_run(&self, report_json: &str, at: Timestamp) -> Result<(), StoreError> {
        let result = self.save_check_run_in(report_json, whole(at)).await;
        self.finish("keep a check report", result)
    }

    async fn save_check_run_in(&self, report_json: &str, at: Timestamp) -> Result<(), Trouble> {
        let mut w = self.writing().await?;
        sqlx::query(
            "INSERT INTO check_run (number, at, report) \
             SELECT CAST(count(*) + 1 AS BIGINT), $1, $2 FROM check_run",
        )
        .bind(micros(at))
        .bind(report_json)
        .execute(&mut *w.tx)
        .await?;
        let body = json!({"sha256": hex(&Sha256::digest(report_json.as_bytes()))});
        w.evidence(at, "check-run", "tenant", &body).await?;
        w.commit().await
    }

    /// Announces that a plan is being applied, as a row of the evidence chain.
    pub async fn announce(&self, announcement: &Announcement) -> Result<(), StoreError> {
        let result = async {
            let mut w = self.writing().await?;
            w.evidence(
                whole(announcement.from),
                "plan-announced",
                &announcement.plan,
                &json!(announcement),
            )
            .await?;
            w.commit().await
        };
        let result = result.await;
        self.finish("announce a plan", result)
    }

    /// Announcements of plans that began since a moment, each until it ended.
    pub async fn announcements(&self, since: Timestamp) -> Result<Vec<Announcement>, StoreError> {
        let result = async {
            let rows = sqlx::query(
                "SELECT at, kind, subject, body FROM evidence \
                 WHERE kind IN ('plan-announced', 'plan-applied') AND at >= $1 ORDER BY seq",
            )
            .bind(micros(since))
            .fetch_all(&self.inner.reader)
            .await?;
            let mut found: Vec<Announcement> = Vec::new();
            for row in &rows {
                let kind: String = row.try_get("kind")?;
                let plan: String = row.try_get("subject")?;
                if kind == "plan-announced" {
                    found.push(json_column(row, "body")?);
                } else {
                    // Runs of the same plan that were killed ended before it, too.
                    let at = time(row, "at")?;
                    for own in found.iter_mut().filter(|own| own.plan == plan) {
                        own.until = own.until.min(at);
                    }
                }
            }
            Ok(found)
        };
        let result = result.await;
        self.finish("read announcements", result)
    }

    /// Keeps what a run of `apply` did, as a row of the evidence chain.
    pub async fn record_apply(
        &self,
        at: Timestamp,
        digest: &str,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.record_of_plan(at, "plan-applied", digest, body).await
    }

    /// Keeps one step that was taken, or taken back, as a row of the evidence chain: a run that is killed leaves it.
    pub async fn record_step(
        &self,
        at: Timestamp,
        digest: &str,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        self.record_of_plan(at, "plan-step", digest, body).await
    }

    async fn record_of_plan(
        &self,
        at: Timestamp,
        kind: &str,
        digest: &str,
        body: &serde_json::Value,
    ) -> Result<(), StoreError> {
        let result = async {
            let mut w = self.writing().await?;
            w.evidence(whole(at), kind, digest, body).await?;
            w.commit().await
        };
        let result = result.await;
        self.finish("record what was applied", result)
    }

    /// The check report that was kept last.
    pub async fn last_check_run(&self) -> Result<Option<CheckRun>, StoreError> {
        let result = self.last_check_run_in().await;
        self.finish("read the last check report", result)
    }

    async fn last_check_run_in(&self) -> Result<Option<CheckRun>, Trouble> {
        let row = sqlx::query("SELECT at, report FROM check_run ORDER BY number DESC LIMIT 1")
            .fetch_optional(&self.inner.reader)
            .await?;
        row.map(|row| {
            Ok(CheckRun {
                at: time(&row, "at")?,
                report: row.try_get("report")?,
            })
        })
        .transpose()
    }
}
