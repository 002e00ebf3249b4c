//! The tests of `breakglass-alert` against real servers and the real store.
#![allow(missing_docs, clippy::expect_used, clippy::panic, clippy::unwrap_used)]

mod http;
mod message;
mod sender;
mod smtp;
mod support;
