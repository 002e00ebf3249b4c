//! The twin, driven as its clients drive it: over TLS, with its certificate authority trusted.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test may panic

mod arm;
mod browser;
mod chromium;
mod examples;
mod keys;
mod logs;
mod msal;
mod portal;
mod reads;
mod sdk;
mod security_keys;
mod signin;
mod softkey;
mod support;
mod tokens;
mod what_if;
mod writes;
