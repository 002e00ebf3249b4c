//! Opening the database, beginning and ending transactions, and reading columns.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use breakglass_model::Severity;
use jiff::Timestamp;
use serde::de::DeserializeOwned;
use sqlx::{
    Any, AnyConnection, AnyPool, AssertSqlSafe, Connection as _, Row as _, Transaction,
    any::{AnyPoolOptions, AnyRow},
};

use crate::{
    dialect::Dialect,
    error::{ErrorClass, StoreError},
    place::Place,
    schema::migrate,
};

/// Everything that must survive. A clone is another handle to the same connections.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) place: String,
    pub(crate) dialect: &'static Dialect,
    pub(crate) writer: AnyPool,
    pub(crate) reader: AnyPool,
    /// A sync failed: nothing may be written any more.
    poisoned: AtomicBool,
}

/// Why an operation stops inside the store; [`Store::finish`] makes a [`StoreError`] of it.
#[derive(Debug)]
pub(crate) enum Trouble {
    Sql(sqlx::Error),
    Corrupt(String),
    Conflict(String),
    Poisoned,
}

impl From<sqlx::Error> for Trouble {
    fn from(error: sqlx::Error) -> Self {
        Self::Sql(error)
    }
}

const OPEN: &str = "open the store";

impl Store {
    /// Opens the store, creates what is missing and brings the schema up to date. `sqlite:<path>`,
    /// `sqlite::memory:` or `postgres://<user>@<host>/<database>`.
    pub async fn open(url: &str) -> Result<Self, StoreError> {
        sqlx::any::install_default_drivers();
        let place = Place::parse(url)?;
        let sql = |error| StoreError::from_sqlx(OPEN, &place.shown, error);
        if !place.memory {
            // By hand, because a pool answers a refused connection with nothing but a time-out.
            let mut first = AnyConnection::connect(&place.url).await.map_err(sql)?;
            if place.url.starts_with("sqlite:") {
                write_ahead(&mut first).await.map_err(sql)?;
            }
            session(&mut first, place.dialect.session)
                .await
                .map_err(sql)?;
            migrate(&mut first, place.dialect, &place.shown).await?;
            first.close().await.map_err(sql)?;
        }
        let sqlite = place.url.starts_with("sqlite:");
        let writers = if sqlite { 1 } else { 8 };
        let writer = pool(&place, writers, false).await.map_err(sql)?;
        if place.memory {
            let mut first = writer.acquire().await.map_err(sql)?;
            migrate(&mut first, place.dialect, &place.shown).await?;
        }
        let reader = if sqlite && !place.memory {
            pool(&place, 4, true).await.map_err(sql)?
        } else {
            writer.clone()
        };
        Ok(Self {
            inner: Arc::new(Inner {
                place: place.shown,
                dialect: place.dialect,
                writer,
                reader,
                poisoned: AtomicBool::new(false),
            }),
        })
    }

    /// Where the store is, for messages: without a password.
    pub fn place(&self) -> &str {
        &self.inner.place
    }

    /// Waits for what is running and closes all connections.
    pub async fn close(&self) {
        self.inner.reader.close().await;
        self.inner.writer.close().await;
    }

    /// Begins a transaction that will write.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Any>, Trouble> {
        if self.inner.poisoned.load(Ordering::SeqCst) {
            return Err(Trouble::Poisoned);
        }
        Ok(self
            .inner
            .writer
            .begin_with(self.inner.dialect.begin)
            .await?)
    }

    /// Turns the end of an operation into what the caller gets, and remembers a failed sync.
    pub(crate) fn finish<T>(
        &self,
        what: &'static str,
        result: Result<T, Trouble>,
    ) -> Result<T, StoreError> {
        let place = &self.inner.place;
        result.map_err(|trouble| match trouble {
            Trouble::Sql(error) => {
                let error = StoreError::from_sqlx(what, place, error);
                if error.fatal {
                    self.inner.poisoned.store(true, Ordering::SeqCst);
                }
                error
            }
            Trouble::Corrupt(why) => StoreError::new(ErrorClass::Corrupt, what, place, why),
            Trouble::Conflict(why) => StoreError::new(ErrorClass::Conflict, what, place, why),
            Trouble::Poisoned => {
                let why = "an earlier write could not be synced to the disk";
                let mut error = StoreError::new(ErrorClass::Disk, what, place, why)
                    .with_next("Stop, check the disk, and start again");
                error.fatal = true;
                error
            }
        })
    }
}

/// Switches a file to the write-ahead log. SQLite does not wait here for a second program that does the
/// same, so we do.
async fn write_ahead(connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
    let mut left = 100;
    loop {
        let result = sqlx::query("PRAGMA journal_mode = WAL")
            .fetch_all(&mut *connection)
            .await;
        match result {
            Err(sqlx::Error::Database(error)) if left > 0 && busy(error.code().as_deref()) => {
                left -= 1;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            other => return other.map(drop),
        }
    }
}

fn busy(code: Option<&str>) -> bool {
    code.and_then(|code| code.parse::<u32>().ok())
        .is_some_and(|code| matches!(code & 0xff, 5 | 6))
}

async fn session(
    connection: &mut AnyConnection,
    texts: &'static [&str],
) -> Result<(), sqlx::Error> {
    for text in texts {
        sqlx::raw_sql(*text).execute(&mut *connection).await?;
    }
    Ok(())
}

async fn pool(place: &Place, connections: u32, reader: bool) -> Result<AnyPool, sqlx::Error> {
    let dialect = place.dialect;
    AnyPoolOptions::new()
        .max_connections(connections)
        .min_connections(u32::from(place.memory))
        .idle_timeout(None)
        .max_lifetime(None)
        .acquire_timeout(Duration::from_secs(30))
        // When the disk is full SQLite ends the transaction itself; the driver's own ROLLBACK then fails
        // and leaves a connection that counts as inside a transaction for ever. Such a one is closed.
        .before_acquire(|connection, _| {
            let usable = !connection.is_in_transaction();
            Box::pin(async move { Ok(usable) })
        })
        .after_connect(move |connection, _| {
            Box::pin(async move {
                session(connection, dialect.session).await?;
                if reader {
                    session(connection, dialect.session_reader).await?;
                }
                Ok(())
            })
        })
        .connect(&place.url)
        .await
}

/// A text in SQL for a list: `$3, $4, $5`.
pub(crate) fn numbered(first: usize, count: usize) -> String {
    (first..first + count)
        .map(|number| format!("${number}"))
        .collect::<Vec<_>>()
        .join(", ")
}

/// A query whose text was put together from our own constants and numbered parameters only.
pub(crate) fn assembled(sql: String) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql)
}

/// Microseconds since 1970: what a time is in the database.
pub(crate) fn micros(time: Timestamp) -> i64 {
    time.as_microsecond()
}

/// A time as it will be read back.
pub(crate) fn whole(time: Timestamp) -> Timestamp {
    Timestamp::from_microsecond(time.as_microsecond()).unwrap_or(time)
}

/// A column that holds a time.
pub(crate) fn time(row: &AnyRow, column: &str) -> Result<Timestamp, Trouble> {
    moment(row.try_get(column)?)
}

pub(crate) fn moment(micros: i64) -> Result<Timestamp, Trouble> {
    Timestamp::from_microsecond(micros)
        .map_err(|_| Trouble::Corrupt(format!("the time {micros} is out of range")))
}

/// A column that holds JSON.
pub(crate) fn json<T: DeserializeOwned>(row: &AnyRow, column: &str) -> Result<T, Trouble> {
    let text: String = row.try_get(column)?;
    serde_json::from_str(&text).map_err(|error| {
        Trouble::Corrupt(format!(
            "the column {column} holds what it should not ({error})"
        ))
    })
}

pub(crate) fn to_json(value: &impl serde::Serialize) -> Result<String, Trouble> {
    serde_json::to_string(value)
        .map_err(|error| Trouble::Corrupt(format!("a value cannot be written as JSON ({error})")))
}

/// A count column.
pub(crate) fn count<T: TryFrom<i64>>(row: &AnyRow, column: &str) -> Result<T, Trouble> {
    let number: i64 = row.try_get(column)?;
    T::try_from(number).map_err(|_| Trouble::Corrupt(format!("{column} is {number}")))
}

/// Free text on its way into a column: PostgreSQL refuses NUL, and a provider's answer may be long.
pub(crate) fn clean(text: &str) -> String {
    const LONGEST: usize = 4096;
    let mut clean = text.replace('\0', "\u{fffd}");
    if clean.len() > LONGEST {
        clean.truncate(clean.floor_char_boundary(LONGEST));
        clean.push('…');
    }
    clean
}

pub(crate) fn severity_number(severity: Severity) -> i64 {
    match severity {
        Severity::Low => 0,
        Severity::Medium => 1,
        Severity::High => 2,
        Severity::Critical => 3,
    }
}

pub(crate) fn severity(number: i64) -> Result<Severity, Trouble> {
    match number {
        0 => Ok(Severity::Low),
        1 => Ok(Severity::Medium),
        2 => Ok(Severity::High),
        3 => Ok(Severity::Critical),
        _ => Err(Trouble::Corrupt(format!("there is no severity {number}"))),
    }
}
