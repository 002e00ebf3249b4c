//! Every test of the store runs on SQLite and, where a server is at hand, on PostgreSQL.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test may panic

mod basics;
mod crash;
mod db;
mod model;
mod opening;
