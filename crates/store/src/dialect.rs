//! The few texts in which SQLite and PostgreSQL differ. All other SQL is one text for both.

/// What differs between the databases.
#[derive(Debug)]
pub(crate) struct Dialect {
    /// Starts a transaction that will write.
    pub(crate) begin: &'static str,
    /// The column type of bytes.
    pub(crate) bytes: &'static str,
    /// Makes two programs that create the schema at the same moment take turns.
    pub(crate) lock_schema: &'static str,
    /// Counts the tables named `breakglass_schema`, and all tables.
    pub(crate) tables: &'static str,
    /// Reads the end of the evidence chain so that no other writer can until we are done.
    pub(crate) lock_head: &'static str,
    /// At the end of a subquery: takes rows that nobody else is taking.
    pub(crate) skip_locked: &'static str,
    /// What every connection runs first.
    pub(crate) session: &'static [&'static str],
    /// What a connection that only reads runs besides.
    pub(crate) session_reader: &'static [&'static str],
    /// The part of each schema step that differs.
    pub(crate) steps: &'static [&'static str],
}

/// The part of each schema step that is the same, oldest first. A released step never changes.
pub(crate) const STEPS: [&str; 1] = [include_str!("../schema/0001.sql")];

pub(crate) static SQLITE: Dialect = Dialect {
    begin: "BEGIN IMMEDIATE",
    bytes: "BLOB",
    lock_schema: "SELECT 1",
    tables: "SELECT CAST(count(*) FILTER (WHERE name = 'breakglass_schema') AS BIGINT), \
             CAST(count(*) AS BIGINT) FROM sqlite_master WHERE type = 'table'",
    lock_head: "SELECT seq, hash FROM evidence_head WHERE one = 1",
    skip_locked: "",
    session: &[
        "PRAGMA busy_timeout = 10000",
        "PRAGMA foreign_keys = ON",
        // FULL: a commit that was acknowledged survives the loss of power; NORMAL may lose it.
        "PRAGMA synchronous = FULL",
    ],
    session_reader: &["PRAGMA query_only = ON"],
    steps: &[include_str!("../schema/0001.sqlite.sql")],
};

pub(crate) static POSTGRES: Dialect = Dialect {
    begin: "BEGIN ISOLATION LEVEL READ COMMITTED",
    bytes: "BYTEA",
    lock_schema: "SELECT CAST(pg_advisory_xact_lock(4784617921) AS TEXT)",
    tables: "SELECT CAST(count(*) FILTER (WHERE table_name = 'breakglass_schema') AS BIGINT), \
             CAST(count(*) AS BIGINT) FROM information_schema.tables \
             WHERE table_schema = current_schema()",
    lock_head: "SELECT seq, hash FROM evidence_head WHERE one = 1 FOR UPDATE",
    skip_locked: "FOR UPDATE SKIP LOCKED",
    session: &[
        // Stricter settings of the server (a standby that must confirm) stay.
        "SELECT set_config('synchronous_commit', CASE current_setting('synchronous_commit') \
         WHEN 'off' THEN 'on' ELSE current_setting('synchronous_commit') END, false)",
        "SET lock_timeout = '10s'",
        "SET statement_timeout = '60s'",
        "SET idle_in_transaction_session_timeout = '60s'",
    ],
    session_reader: &[],
    steps: &[include_str!("../schema/0001.postgres.sql")],
};
