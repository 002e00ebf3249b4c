//! A key as a program uses it: over reports, with the software authenticator at the other end.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

mod attests;
mod nitrokey;
mod oracle;
mod pins;
mod support;
