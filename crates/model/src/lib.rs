//! The words of breakglass.
//!
//! Everything that two parts of the product talk about is named here once: ids, the emergency access
//! account, the tenant as it was read, the register, a signal, a finding, a verdict. The readers that
//! turn other people's exports and log records into these words live here too.
//!
//! Invariants:
//! - no I/O, no async, no clock: bytes and the time come in as arguments;
//! - a value that exists is well-formed (an [`ObjectId`] is never empty, a [`Upn`] holds an `@`);
//! - what could not be read is recorded as such ([`Reading::NotRead`], [`Collection`]) and is never
//!   the same as "empty".

pub mod aaguid;
pub mod alert;
pub mod clock;
pub mod example;
pub mod export;
pub mod finding;
pub mod history;
pub mod id;
pub mod plan;
pub mod reading;
pub mod record;
pub mod register;
pub mod signal;
pub mod source_text;
pub mod tenant;
pub mod text;

pub use alert::{Alert, AlertIncident};
pub use clock::{Clock, FixedClock};
pub use finding::{AccountRef, CheckReport, Evidence, Finding, Question, Severity, Verdict};
pub use history::{DrillOutcome, DrillRecord, History, LoneApply, UseRecord};
pub use id::{InvalidId, ObjectId, TenantId, Upn};
pub use reading::{Collection, NotRead, Reading, SetAside};
pub use register::Register;
pub use signal::{Signal, SignalKind};
pub use tenant::TenantSnapshot;
