//! Whole reports, and what must hold for every tenant.

#[cfg(test)]
#[path = "../../src/testing.rs"]
#[allow(
    dead_code,
    reason = "the unit tests use the rest of the same little tenant"
)]
mod testing;

#[cfg(test)]
mod conformance;
#[cfg(test)]
mod degrade;
#[cfg(test)]
mod evidence;
#[cfg(test)]
mod fields;
#[cfg(test)]
mod reports;
#[cfg(test)]
mod run;
#[cfg(test)]
mod whole;

#[cfg(test)]
use breakglass_posture::{Context, Lockout, Settings, find, resolve};
