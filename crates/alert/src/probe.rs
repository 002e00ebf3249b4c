//! A marked test through each channel.

use std::{sync::Arc, time::Duration};

use breakglass_model::{Alert, Clock};
use jiff::{SignedDuration, Timestamp};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::{
    Message, Settings,
    channel::{Channel, Receipt, SendError},
};

/// How a test went on one channel.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TestResult {
    /// The channel.
    pub channel: String,
    /// Whether the provider took it.
    pub outcome: Result<Receipt, SendError>,
    /// How long it took.
    pub took: SignedDuration,
}

/// A marked test. `id` is the caller's, because randomness is an argument.
pub fn test_alert(id: Uuid, now: Timestamp) -> Alert {
    Alert {
        id: id.to_string(),
        signal: None,
        incident: None,
        location: None,
        created_at: now,
        test: true,
    }
}

/// Sends `alert` once through all channels at the same time and tells how each went, in the order
/// given. Nothing is stored and nothing tried again: the asker is waiting.
pub async fn test_channels(
    channels: &[Arc<dyn Channel>],
    alert: &Alert,
    settings: &Settings,
    deadline: Duration,
    clock: &Arc<dyn Clock>,
) -> Vec<TestResult> {
    let message = Arc::new(Message::of(alert, settings));
    let mut tests = JoinSet::new();
    for (place, channel) in channels.iter().enumerate() {
        let (channel, message) = (Arc::clone(channel), Arc::clone(&message));
        let (alert, clock) = (alert.clone(), Arc::clone(clock));
        tests.spawn(async move {
            let began = clock.now();
            let outcome = tokio::time::timeout(deadline, channel.send(&message, &alert))
                .await
                .unwrap_or_else(|_| Err(SendError::soon("no answer in time")));
            let took = clock.now().duration_since(began);
            (
                place,
                TestResult {
                    channel: channel.name().to_owned(),
                    outcome,
                    took,
                },
            )
        });
    }
    let mut results: Vec<Option<TestResult>> = channels.iter().map(|_| None).collect();
    while let Some(ended) = tests.join_next().await {
        if let Ok((place, result)) = ended {
            results[place] = Some(result);
        }
    }
    let stopped = |channel: &Arc<dyn Channel>| TestResult {
        channel: channel.name().to_owned(),
        outcome: Err(SendError::broken("the channel stopped without an answer")),
        took: SignedDuration::ZERO,
    };
    channels
        .iter()
        .zip(results)
        .map(|(channel, result)| result.unwrap_or_else(|| stopped(channel)))
        .collect()
}
