//! Creating the schema and bringing it up to date.
//!
//! `sqlx::migrate!` is not used: it does not lock on SQLite, so two programs started at once on a new
//! file would both create the tables; it would need each step twice, once per database; and it would
//! commit step by step. Here all missing steps run in one transaction behind one lock.

use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Row as _};

use crate::{
    dialect::{Dialect, STEPS},
    error::{ErrorClass, StoreError},
};

const WHAT: &str = "open the store";

/// Brings the schema up to date.
pub(crate) async fn migrate(
    connection: &mut AnyConnection,
    dialect: &'static Dialect,
    place: &str,
) -> Result<(), StoreError> {
    let sql = |error| StoreError::from_sqlx(WHAT, place, error);
    if current(connection, dialect, place).await? == STEPS.len() {
        return Ok(());
    }
    let mut tx = connection.begin_with(dialect.begin).await.map_err(sql)?;
    sqlx::query(dialect.lock_schema)
        .fetch_all(&mut *tx)
        .await
        .map_err(sql)?;
    sqlx::raw_sql(
        "CREATE TABLE IF NOT EXISTS breakglass_schema (version BIGINT NOT NULL PRIMARY KEY)",
    )
    .execute(&mut *tx)
    .await
    .map_err(sql)?;
    // Again, now behind the lock: another program may have been faster.
    let done = current(&mut tx, dialect, place).await?;
    for (index, (shared, own)) in STEPS.iter().zip(dialect.steps).enumerate().skip(done) {
        for text in [shared, own] {
            let text = text.replace("{BYTES}", dialect.bytes);
            sqlx::raw_sql(AssertSqlSafe(text))
                .execute(&mut *tx)
                .await
                .map_err(sql)?;
        }
        sqlx::query("INSERT INTO breakglass_schema (version) VALUES ($1)")
            .bind(i64::try_from(index + 1).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await
            .map_err(sql)?;
    }
    tx.commit().await.map_err(sql)
}

/// How many steps the database has; an error when it has more than we know, or is not ours.
async fn current(
    connection: &mut AnyConnection,
    dialect: &'static Dialect,
    place: &str,
) -> Result<usize, StoreError> {
    let sql = |error| StoreError::from_sqlx(WHAT, place, error);
    let tables = sqlx::query(dialect.tables)
        .fetch_one(&mut *connection)
        .await
        .map_err(sql)?;
    let (ours, all): (i64, i64) = (
        tables.try_get(0).map_err(sql)?,
        tables.try_get(1).map_err(sql)?,
    );
    if ours == 0 && all > 0 {
        return Err(StoreError::new(
            ErrorClass::Config,
            WHAT,
            place,
            "it is a database of another program",
        )
        .with_next("Name a new file or an empty database for the store"));
    }
    if ours == 0 {
        return Ok(0);
    }
    let version: i64 =
        sqlx::query("SELECT CAST(COALESCE(MAX(version), 0) AS BIGINT) FROM breakglass_schema")
            .fetch_one(&mut *connection)
            .await
            .and_then(|row| row.try_get(0))
            .map_err(sql)?;
    match usize::try_from(version) {
        Ok(version) if version <= STEPS.len() => Ok(version),
        _ => Err(StoreError::new(
            ErrorClass::Config,
            WHAT,
            place,
            format!(
                "it was written by a newer breakglass (schema {version}; this one knows {})",
                STEPS.len()
            ),
        )
        .with_next("Use that newer version; nothing was changed")),
    }
}
