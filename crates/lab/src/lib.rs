//! The twin: Microsoft Graph, Azure Resource Manager, Log Analytics, tokens and a sign-in page on loopback.
//!
//! It stands in for Microsoft's cloud where that can't be reached, and answers as Microsoft documents it, its
//! failures included. It knows nothing of our own clients: permissions, limits, errors and shapes are written
//! here anew from the documentation, so that a mistake of the client is not repeated by the twin.
//!
//! Invariants:
//! - it listens on loopback only;
//! - a change through the API, the portal or a sign-in is one change of [`State`], and yields its log records;
//! - every documented failure is a fault with a name ([`Fault`]) that can be switched while it runs.

mod admin;
mod apps;
mod arm;
mod audit;
mod certificate;
mod faults;
mod gateway;
mod given;
mod graph;
mod lab;
mod logs;
mod odata;
pub mod passkey;
mod permissions;
mod portal;
pub mod records;
mod server;
mod signin;
mod state;
#[cfg(test)]
mod testing;
mod times;
mod tokens;

pub use apps::{AZURE_CLI, GRAPH_COMMAND_LINE, default_apps};
pub use faults::{Fault, Faults};
pub use lab::{Addresses, App, Lab};
pub use passkey::Passkey;
pub use server::{Config, LabError, Ports, Running};
pub use signin::{Act, Ended, With};
pub use state::{LogKind, LogRow, NotASnapshot, Row, State, Table};
