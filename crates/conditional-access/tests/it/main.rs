//! The crate through its public surface.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failed test may panic

mod accounts;
mod brute;
mod gates;
mod generator;
mod metamorphic;
mod mutation;
mod numbers;
mod preflights;
mod random;
mod robust;
mod scenarios;
mod vectors;
