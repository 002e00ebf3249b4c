//! Messages, channels and the loop that sends until accepted.
//!
//! An alert is written to the outbox of `breakglass-store` before anything is sent. From there
//! [`Sender`] takes it to each channel until the channel's provider has accepted it.
//!
//! Invariants:
//! - a row leaves the outbox only by being accepted; no number of failures ends it;
//! - channels know nothing of each other: one that fails or hangs delays no other;
//! - a channel sends once and says how it went: no loop, no back-off, no memory;
//! - every decision of the loop has a name ([`SenderEvent`]);
//! - text from logs is hostile: it reaches a message only through [`text::clean`];
//! - a secret ([`Secret`]) is in no error, no log and no `Debug`.

pub mod channel;
pub mod channels;
mod event;
pub mod message;
mod probe;
mod schedule;
mod secret;
mod sender;
pub mod text;

pub use channel::{Channel, Receipt, Retry, SendError, Sending};
pub use event::SenderEvent;
pub use message::{Message, Settings};
pub use probe::{TestResult, test_alert, test_channels};
pub use schedule::Jitter;
pub use secret::Secret;
pub use sender::{Drained, Sender, SenderError, Timing};
