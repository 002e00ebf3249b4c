//! Log records: what every attempt to sign in leaves behind, and the shape that it has in each place where it is read.
//!
//! Invariants:
//! - [`LogRow::record`](crate::LogRow::record) is what Graph beta has; every other shape is made from it, so that they never disagree;
//! - the id of a record is the request id that the person saw on the page;
//! - a record that [`Fault::LogLoss`](crate::Fault::LogLoss) takes was never written anywhere;
//! - the names of people in sign-in records are in lower case, as the service writes them.
//!
//! Sources: Microsoft Graph, *signIn resource type* (v1.0 and beta); Azure Monitor, *SigninLogs* and its sister tables;
//! *Microsoft Entra activity log schema* for the envelope. The texts of methods and steps are ours where none is published.

mod draft;
mod shapes;
mod write;

pub(crate) use draft::{Applied, Draft, Person, Protocol, Step};
pub use shapes::{event_hub, graph_beta, graph_v1, log_analytics_row, table};
pub use write::export;
pub(crate) use write::{Credential, service_principal, write};

use jiff::Timestamp;
use serde_json::Value;

/// The form of times in Graph's sign-in records.
pub(crate) fn seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// The form of times in exports, with seven digits.
pub(crate) fn ticks(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%7fZ").to_string()
}

/// Puts the properties of one object into another.
fn extend(record: &mut Value, more: Value) {
    if let (Value::Object(record), Value::Object(more)) = (record, more) {
        record.extend(more);
    }
}
