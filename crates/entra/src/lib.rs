//! Every call to Microsoft: tokens, clouds, throttling, paging, batches, and the snapshot of a tenant.
//!
//! Invariants:
//! - the only crate that talks to Microsoft;
//! - a token goes to the host it was asked for and to no other, and is never logged or shown;
//! - what could not be read is an [`Error`] that says what to do; nothing is read as "there is none";
//! - time, randomness and HTTP are arguments ([`Clock`](breakglass_model::Clock), [`Transport`]).

pub mod apply;
mod budget;
mod client;
mod cloud;
pub mod collect;
mod credential;
mod error;
pub mod file;
pub mod passkeys;
pub mod permissions;
mod transport;

pub use client::{Entra, Granted, Notice, Pages, Request, Rows, Spent, Version, Wait};
pub use cloud::{Cloud, Service};
pub use credential::{
    Ask, CertificateError, Credential, GRAPH_COMMAND_LINE_TOOLS, Prompt, Token, Tokens,
};
pub use error::{Error, Refusal, SignInError};
pub use transport::{HttpRequest, HttpResponse, Https, Transport, TransportError, Trust};
