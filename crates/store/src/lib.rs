//! Everything that must survive: what was noticed, what must be sent, who acknowledged it.
//!
//! SQL exists in this crate only. One SQL text serves SQLite and PostgreSQL; what differs stands in
//! `dialect.rs`, the tables in `schema/`.
//!
//! # Tables
//! `raw` (bytes as received, once per SHA-256) ← `raw_copy` (which source delivered them) → `signal`
//! (one row per id and version) → `signal_account` → `incident`. `alert` (content) → `outbox` (one row
//! per channel) → `attempt`. `acknowledgement` and `alert_incident` say who saw which alert.
//! `evidence` is a chain of hashes over all that happened; `evidence_head` is its end.
//!
//! # Transactions
//! Each public method that writes is one transaction and returns after its commit is on the disk. A
//! writing transaction begins by taking the end of the evidence chain (`FOR UPDATE` on PostgreSQL,
//! `BEGIN IMMEDIATE` on SQLite), so writers take turns: nobody else opens an incident, extends the
//! chain or acknowledges in between, and there is one order of locks, so no deadlock. [`Store::claim`]
//! and [`Store::release`] write no evidence; on PostgreSQL they run beside the others and skip rows
//! that somebody else is taking.
//!
//! # Crash
//! A transaction that was not committed leaves nothing. What happens when a process dies
//! - before the commit of [`Store::record`]: the record is not there; reading it again records it;
//! - after the commit, before the caller learnt of it: reading it again gives [`Recorded::Folded`];
//!   its outbox rows are there and will be claimed;
//! - between [`Store::claim`] and [`Store::accepted`]: the lease ends, and somebody sends again with the
//!   same ids. At least once, never at most once.
//!
//! SQLite runs with a write-ahead log and `synchronous=FULL`. When a sync fails, what is on the disk
//! is unknown and a second sync may claim success for data that is gone: the store refuses all writes
//! until it is opened anew ([`StoreError::fatal`]).
//!
//! # Rows never end by themselves
//! An outbox row is pending, leased or accepted. [`Store::failed`] makes it pending again, at most an
//! hour ahead, whatever the caller asks; a lease lasts at most an hour. So a due time more than two hours
//! ahead can only come from a clock that was wrong, and such a row is due at once. Triggers refuse
//! to delete outbox rows or to change accepted ones, and to change or delete evidence.

mod cases;
mod chain;
mod db;
mod dialect;
mod error;
mod kept;
mod outbox;
mod place;
mod record;
mod schema;
mod types;

pub use db::Store;
pub use error::{ErrorClass, StoreError};
pub use types::*;
