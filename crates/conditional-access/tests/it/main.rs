//! The crate through its public surface.

mod vectors;
