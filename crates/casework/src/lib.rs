//! What happens after something was noticed: incidents, and what may follow what.
//!
//! Invariants:
//! - no I/O, no clock, no randomness: the same signals in the same order give the same incidents;
//! - every signal about an account is part of exactly one incident of that account;
//! - nothing ends by itself: no signal, no age and no repetition closes an incident.

pub mod incident;

pub use incident::{
    Acknowledgement, Incident, IncidentState, Newcomer, Placement, incident_ids, place,
};
