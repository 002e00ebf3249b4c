//! The crate through its public surface.

mod scenarios;
mod vectors;
