//! The crate through its public surface.

mod mutation;
mod scenarios;
mod vectors;
