//! The crate from outside: against a tenant that lives in memory.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test may panic

mod collect;
mod fake;
