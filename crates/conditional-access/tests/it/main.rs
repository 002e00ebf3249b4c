//! The crate through its public surface.

mod brute;
mod gates;
mod generator;
mod mutation;
mod numbers;
mod random;
mod robust;
mod scenarios;
mod vectors;
