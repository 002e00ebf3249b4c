//! The crate through its public surface.

mod robust;
mod scenarios;
mod vectors;
