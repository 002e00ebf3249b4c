//! Tests through the built program: what a user types, and what comes back.
#![allow(
    clippy::disallowed_methods,
    reason = "tests measure deadlines and read their own switches"
)]
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod all_run;
mod apply;
mod apply_stopped;
mod check;
mod cli;
mod collect;
mod confirm;
mod deliver;
mod demo;
mod doctor;
#[path = "../../../posture/tests/it/conformance/fixture.rs"]
#[allow(
    dead_code,
    reason = "what must be found in the tenants is tested where the checks are"
)]
mod fixture;
mod hostile;
mod init;
mod key;
mod lab;
mod lab_faults;
mod lockout;
mod lockout_calls;
mod lockout_preflight;
mod lockout_whatif;
mod permissions;
mod person;
mod plan;
mod seal;
mod support;
mod watch;
