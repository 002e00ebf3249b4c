//! The tests of `breakglass-alert` against real servers and the real store.
#![allow(missing_docs)]

mod http;
mod message;
mod sender;
mod support;
