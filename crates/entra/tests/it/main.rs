//! The crate from outside: against a tenant that lives in memory, and against answers by hand.

// The tenant that the tests collect is one large literal.
#![recursion_limit = "256"]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test may panic
#![allow(
    clippy::needless_pass_by_value,
    reason = "values by `json!` are made where they are handed over"
)]

mod client;
mod collect;
mod credential;
mod fake;
mod messages;
mod passkeys;
mod people;
mod reading;
mod script;
mod tenant;
mod tls;
