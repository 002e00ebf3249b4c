//! The crate through its public surface.

mod brute;
mod generator;
mod metamorphic;
mod mutation;
mod numbers;
mod random;
mod scenarios;
mod vectors;
