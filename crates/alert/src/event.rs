//! What the loop decided, by name.

use std::time::Duration;

use tracing::{info, warn};

/// One decision of the sending loop.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SenderEvent {
    /// The provider took the message.
    Sent {
        /// The channel.
        channel: String,
        /// The alert.
        alert: String,
        /// Attempts begun, this one included.
        attempts: u32,
        /// What the provider gave as proof.
        receipt: String,
    },
    /// It failed in a way that may pass: the row is due again after `wait`.
    RetryScheduled {
        /// The channel.
        channel: String,
        /// The alert.
        alert: String,
        /// Attempts begun, this one included.
        attempts: u32,
        /// How long until the next attempt.
        wait: Duration,
        /// Why it failed.
        reason: String,
    },
    /// The channel refuses: somebody must mend it. The row stays open and is tried again; people
    /// should hear of it through the other channels.
    ChannelBroken {
        /// The channel.
        channel: String,
        /// The alert.
        alert: String,
        /// Attempts begun, this one included.
        attempts: u32,
        /// How long until the next attempt.
        wait: Duration,
        /// Why it failed.
        reason: String,
    },
    /// The attempt ended after its lease: another sender may have sent the alert as well.
    LeaseLost {
        /// The channel.
        channel: String,
        /// The alert.
        alert: String,
        /// What the store said.
        reason: String,
    },
    /// The store could not be asked or told. The row is sent again when its lease ends.
    StoreFailed {
        /// The channel.
        channel: String,
        /// What the store said.
        reason: String,
    },
}

impl SenderEvent {
    /// Writes the event to the log.
    pub(crate) fn log(&self) {
        match self {
            Self::Sent {
                channel,
                alert,
                attempts,
                receipt,
            } => {
                info!(event = "sent", channel, alert, attempts, receipt);
            }
            Self::RetryScheduled {
                channel,
                alert,
                attempts,
                wait,
                reason,
            } => {
                warn!(
                    event = "retry-scheduled",
                    channel,
                    alert,
                    attempts,
                    ?wait,
                    reason
                );
            }
            Self::ChannelBroken {
                channel,
                alert,
                attempts,
                wait,
                reason,
            } => {
                warn!(
                    event = "channel-broken",
                    channel,
                    alert,
                    attempts,
                    ?wait,
                    reason
                );
            }
            Self::LeaseLost {
                channel,
                alert,
                reason,
            } => {
                warn!(event = "lease-lost", channel, alert, reason);
            }
            Self::StoreFailed { channel, reason } => {
                warn!(event = "store-failed", channel, reason);
            }
        }
    }
}
