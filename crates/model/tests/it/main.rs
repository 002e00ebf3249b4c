//! The crate as its users see it.
#![allow(clippy::unwrap_used)] // helpers of tests are tests

mod exports;
mod report;
