//! The evidence chain: an append-only table in which each row's SHA-256 covers the row before.

use jiff::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};
use sqlx::{Any, Row as _, Transaction, any::AnyRow};

use crate::{
    Store, StoreError,
    db::{Trouble, clean, count, micros, time},
    types::{EvidenceRow, EvidenceVerified},
};

/// A transaction that holds the end of the chain, and so is the only one that writes.
pub(crate) struct Writing {
    pub(crate) tx: Transaction<'static, Any>,
    seq: i64,
    hash: String,
    moved: bool,
}

impl Writing {
    /// The hash that the chain ends with now.
    pub(crate) fn end(&self) -> &str {
        &self.hash
    }

    /// Adds a row. It becomes visible with everything else of the transaction.
    pub(crate) async fn evidence(
        &mut self,
        now: Timestamp,
        kind: &str,
        subject: &str,
        body: &Value,
    ) -> Result<(), Trouble> {
        let (seq, at) = (self.seq + 1, micros(now));
        let (subject, body) = (clean(subject), body.to_string());
        let hash = row_hash(&self.hash, seq, at, [kind, &subject, &body]);
        sqlx::query(
            "INSERT INTO evidence (seq, at, kind, subject, body, prev_hash, hash) \
             VALUES ($1, $2, $3, $4, $5, $6, $7)",
        )
        .bind(seq)
        .bind(at)
        .bind(kind)
        .bind(&subject)
        .bind(&body)
        .bind(&self.hash)
        .bind(&hash)
        .execute(&mut *self.tx)
        .await?;
        (self.seq, self.hash, self.moved) = (seq, hash, true);
        Ok(())
    }

    /// Ends the transaction; when it returns, everything is on the disk.
    pub(crate) async fn commit(mut self) -> Result<(), Trouble> {
        if self.moved {
            sqlx::query("UPDATE evidence_head SET seq = $1, hash = $2 WHERE one = 1")
                .bind(self.seq)
                .bind(&self.hash)
                .execute(&mut *self.tx)
                .await?;
        }
        Ok(self.tx.commit().await?)
    }
}

/// Each part is preceded by its length, so that no two rows have the same bytes to hash.
fn row_hash(previous: &str, seq: i64, at: i64, texts: [&str; 3]) -> String {
    let mut hash = Sha256::new();
    hash.update(b"breakglass/evidence-row/v1\0");
    hash.update(previous.as_bytes());
    hash.update(seq.to_be_bytes());
    hash.update(at.to_be_bytes());
    for text in texts {
        hash.update((text.len() as u64).to_be_bytes());
        hash.update(text.as_bytes());
    }
    hex(&hash.finalize())
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    data_encoding::HEXLOWER.encode(bytes)
}

impl Store {
    pub(crate) async fn writing(&self) -> Result<Writing, Trouble> {
        let mut tx = self.begin().await?;
        let head = sqlx::query(self.inner.dialect.lock_head)
            .fetch_one(&mut *tx)
            .await?;
        Ok(Writing {
            seq: head.try_get("seq")?,
            hash: head.try_get("hash")?,
            moved: false,
            tx,
        })
    }

    /// Rows of the evidence chain from a position on.
    pub async fn evidence(
        &self,
        from_seq: u64,
        limit: u32,
    ) -> Result<Vec<EvidenceRow>, StoreError> {
        let rows = self.evidence_rows(from_seq, limit).await;
        self.finish("read evidence", rows)
    }

    async fn evidence_rows(&self, from_seq: u64, limit: u32) -> Result<Vec<EvidenceRow>, Trouble> {
        let rows = sqlx::query(
            "SELECT seq, at, kind, subject, body, prev_hash, hash FROM evidence \
             WHERE seq >= $1 ORDER BY seq LIMIT $2",
        )
        .bind(i64::try_from(from_seq).unwrap_or(i64::MAX))
        .bind(i64::from(limit))
        .fetch_all(&self.inner.reader)
        .await?;
        rows.iter().map(evidence_row).collect()
    }

    /// Recomputes the whole chain. An error of class `Corrupt` names the first row that is wrong.
    pub async fn verify_evidence(&self) -> Result<EvidenceVerified, StoreError> {
        let result = self.verify().await;
        self.finish("verify evidence", result)
    }

    async fn verify(&self) -> Result<EvidenceVerified, Trouble> {
        // One statement, so that head and last row belong to the same moment.
        let head = sqlx::query(
            "SELECT seq, hash, \
             (SELECT CAST(COALESCE(MAX(e.seq), 0) AS BIGINT) FROM evidence e) AS last_seq \
             FROM evidence_head WHERE one = 1",
        )
        .fetch_one(&self.inner.reader)
        .await?;
        let (end, last, head): (u64, u64, String) = (
            count(&head, "seq")?,
            count(&head, "last_seq")?,
            head.try_get("hash")?,
        );
        if end != last {
            return Err(Trouble::Corrupt(format!(
                "the evidence chain ends at row {end}, but the last row is {last}"
            )));
        }
        let (mut done, mut hash) = (0, "0".repeat(64));
        while done < end {
            let page = self.evidence_rows(done + 1, 1000).await?;
            if page.is_empty() {
                return Err(Trouble::Corrupt(format!(
                    "evidence row {} is missing",
                    done + 1
                )));
            }
            for row in page.into_iter().take_while(|row| row.seq <= end) {
                let right = row_hash(
                    &hash,
                    i64::try_from(row.seq).unwrap_or(i64::MAX),
                    micros(row.at),
                    [&row.kind, &row.subject, &row.body],
                );
                if row.seq != done + 1 || row.prev_hash != hash || row.hash != right {
                    return Err(Trouble::Corrupt(format!(
                        "evidence row {} is missing or was changed",
                        done + 1
                    )));
                }
                (done, hash) = (row.seq, right);
            }
        }
        if hash != head {
            return Err(Trouble::Corrupt(
                "the end of the evidence chain is not the hash of its last row".to_owned(),
            ));
        }
        Ok(EvidenceVerified { rows: end, head })
    }
}

fn evidence_row(row: &AnyRow) -> Result<EvidenceRow, Trouble> {
    Ok(EvidenceRow {
        seq: count(row, "seq")?,
        at: time(row, "at")?,
        kind: row.try_get("kind")?,
        subject: row.try_get("subject")?,
        body: row.try_get("body")?,
        hash: row.try_get("hash")?,
        prev_hash: row.try_get("prev_hash")?,
    })
}
