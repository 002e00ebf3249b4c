//! The tests of `breakglass-alert` against real servers and the real store.
#![allow(missing_docs)]

mod message;
mod sender;
mod support;
