//! The loop that sends until accepted.
//!
//! Each channel has a worker of its own, with its own claims and its own attempts under way: what one
//! channel does, however slow, is invisible to the others. A worker claims only what it can begin to
//! send at once, so that the store, which hands out the most urgent first, decides anew each time and
//! a flood that is already waiting cannot stand before a success.
//!
//! The lease outlasts the deadline of an attempt. An attempt whose worker died is therefore made
//! again by whoever comes, and the receiver may get a copy: never nothing.

use std::{future::Future, sync::Arc, time::Duration};

use breakglass_model::Clock;
use breakglass_store::{ErrorClass, OutboxRow, OutboxStatus, Store, StoreError};
use jiff::{SignedDuration, Timestamp};
use tokio::{sync::watch, task::JoinSet, time::Instant};

use crate::{
    Jitter, Message, SenderEvent, Settings,
    channel::{Channel, Receipt, Retry, SendError},
    schedule::wait_after,
    text::one_line,
};

/// The times and limits of the loop.
#[derive(Clone, Copy, Debug)]
pub struct Timing {
    /// How long one attempt may take.
    pub deadline: Duration,
    /// How often to look for new rows when nothing is due.
    pub poll: Duration,
    /// Attempts under way at the same time, on each channel.
    pub parallel: u32,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            deadline: Duration::from_secs(30),
            poll: Duration::from_millis(500),
            parallel: 4,
        }
    }
}

impl Timing {
    /// Longer than an attempt and the writing of its result.
    fn lease(self) -> SignedDuration {
        SignedDuration::try_from(self.deadline * 2 + Duration::from_secs(10))
            .unwrap_or(SignedDuration::from_mins(10))
    }
}

/// Why the loop ended before it was told to.
#[derive(Debug, thiserror::Error)]
pub enum SenderError {
    /// The store may not be used any more by this process.
    #[error("alerts wait, but the store cannot be used")]
    Store(#[from] StoreError),
    /// A worker stopped by a defect.
    #[error("the worker of a channel stopped: {0}")]
    Worker(String),
}

/// What [`Sender::drain`] left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drained {
    /// Rows of the sender's channels that are not accepted yet; empty when all is sent.
    pub open: Vec<OutboxStatus>,
}

/// Hears of every decision.
type Observer = Arc<dyn Fn(&SenderEvent) + Send + Sync>;

/// Takes alerts from the outbox to the channels.
#[derive(Clone)]
pub struct Sender {
    store: Store,
    owner: String,
    channels: Vec<Arc<dyn Channel>>,
    settings: Arc<Settings>,
    timing: Timing,
    clock: Arc<dyn Clock>,
    began: (Timestamp, Instant),
    jitter: Arc<Jitter>,
    observer: Observer,
}

/// When a worker ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Until {
    Stopped,
    Empty,
}

impl Sender {
    /// A sender under the name `owner`, which no other running sender may have. With a clock
    /// that stands still, time runs from there: retries become due all the same.
    pub fn new(
        store: Store,
        owner: impl Into<String>,
        channels: Vec<Arc<dyn Channel>>,
        settings: Settings,
        clock: Arc<dyn Clock>,
        jitter: Jitter,
    ) -> Self {
        Self {
            store,
            owner: owner.into(),
            channels,
            settings: Arc::new(settings),
            timing: Timing::default(),
            began: (clock.now(), Instant::now()),
            clock,
            jitter: Arc::new(jitter),
            observer: Arc::new(|_| {}),
        }
    }

    /// Other times and limits than the usual ones.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.timing = timing;
        self
    }

    /// Calls `observer` with every decision, after it is logged.
    #[must_use]
    pub fn with_observer(
        mut self,
        observer: impl Fn(&SenderEvent) + Send + Sync + 'static,
    ) -> Self {
        self.observer = Arc::new(observer);
        self
    }

    /// Sends until `shutdown` completes. Attempts under way are then finished, or reach their deadline.
    pub async fn run(&self, shutdown: impl Future<Output = ()>) -> Result<(), SenderError> {
        let (stop, workers) = self.start(Until::Stopped);
        tokio::pin!(shutdown);
        let mut ended = std::pin::pin!(join(workers));
        let early = tokio::select! {
            () = &mut shutdown => None,
            result = &mut ended => Some(result),
        };
        let result = if let Some(result) = early {
            result
        } else {
            stop.send_replace(true);
            ended.await
        };
        self.release().await;
        result
    }

    /// Sends until nothing of the sender's channels is left or `until` has come, and tells what is
    /// still open. What was under way is abandoned and stays open: it is sent again later.
    pub async fn drain(&self, until: Timestamp) -> Result<Drained, SenderError> {
        // Held until the end: a worker stops when its other end is gone.
        let (_stop, workers) = self.start(Until::Empty);
        let left = Duration::try_from(until.duration_since(self.now())).unwrap_or_default();
        let ended = tokio::time::timeout(left, join(workers)).await;
        self.release().await;
        if let Ok(result) = ended {
            result?;
        }
        let mut open = self.store.outbox(true).await?;
        open.retain(|row| {
            self.channels
                .iter()
                .any(|channel| channel.name() == row.channel)
        });
        Ok(Drained { open })
    }

    fn start(&self, until: Until) -> (watch::Sender<bool>, JoinSet<Result<(), StoreError>>) {
        let (stop, stopped) = watch::channel(false);
        let mut workers = JoinSet::new();
        for channel in &self.channels {
            let worker = Worker {
                owner: format!("{}/{}", self.owner, channel.name()),
                names: [channel.name().to_owned()],
                channel: Arc::clone(channel),
                sender: self.clone(),
            };
            workers.spawn(worker.work(until, stopped.clone()));
        }
        (stop, workers)
    }

    /// Hands back what is still leased, so that a successor need not wait for the lease to end.
    async fn release(&self) {
        for channel in &self.channels {
            let owner = format!("{}/{}", self.owner, channel.name());
            if let Err(error) = self.store.release(&owner, self.now()).await {
                self.emit(&SenderEvent::StoreFailed {
                    channel: channel.name().to_owned(),
                    reason: error.to_string(),
                });
            }
        }
    }

    fn now(&self) -> Timestamp {
        let (start, since) = self.began;
        let now = self.clock.now();
        if now != start {
            return now;
        }
        now.saturating_add(since.elapsed()).unwrap_or(now)
    }

    fn emit(&self, event: &SenderEvent) {
        event.log();
        (self.observer)(event);
    }
}

/// Waits for all workers; the first fatal failure ends the others with it.
async fn join(mut workers: JoinSet<Result<(), StoreError>>) -> Result<(), SenderError> {
    while let Some(ended) = workers.join_next().await {
        ended.map_err(|error| SenderError::Worker(error.to_string()))??;
    }
    Ok(())
}

/// The loop of one channel.
#[derive(Clone)]
struct Worker {
    owner: String,
    names: [String; 1],
    channel: Arc<dyn Channel>,
    sender: Sender,
}

impl Worker {
    async fn work(
        self,
        until: Until,
        mut stopped: watch::Receiver<bool>,
    ) -> Result<(), StoreError> {
        let parallel = usize::try_from(self.sender.timing.parallel.max(1)).unwrap_or(1);
        let mut attempts: JoinSet<Result<(), StoreError>> = JoinSet::new();
        loop {
            let stop = *stopped.borrow() || stopped.has_changed().is_err();
            let free = if stop { 0 } else { parallel - attempts.len() };
            let begun = if free > 0 {
                self.begin(free, &mut attempts).await?
            } else {
                0
            };
            if attempts.is_empty() {
                if stop {
                    return Ok(());
                }
                if begun == 0 && until == Until::Empty && self.is_done().await? {
                    return Ok(());
                }
            }
            let pause = if free > begun {
                self.pause().await?
            } else {
                self.sender.timing.deadline
            };
            tokio::select! {
                Some(ended) = attempts.join_next() => settle(ended)?,
                () = tokio::time::sleep(pause) => {}
                changed = stopped.changed(), if !stop => drop(changed),
            }
        }
    }

    /// Claims and begins up to `free` attempts.
    async fn begin(
        &self,
        free: usize,
        attempts: &mut JoinSet<Result<(), StoreError>>,
    ) -> Result<usize, StoreError> {
        let sender = &self.sender;
        let limit = u32::try_from(free).unwrap_or(u32::MAX);
        let now = sender.now();
        let claim = sender
            .store
            .claim(&self.owner, &self.names, limit, sender.timing.lease(), now);
        let rows = match claim.await {
            Ok(rows) => rows,
            Err(error) => {
                self.survive(error)?;
                Vec::new()
            }
        };
        let begun = rows.len();
        for row in rows {
            attempts.spawn(self.clone().attempt(row));
        }
        Ok(begun)
    }

    /// One attempt and its consequence.
    async fn attempt(self, row: OutboxRow) -> Result<(), StoreError> {
        let message = Message::of(&row.alert, &self.sender.settings);
        let send = self.channel.send(&message, &row.alert);
        let outcome = tokio::time::timeout(self.sender.timing.deadline, send)
            .await
            .unwrap_or_else(|_| {
                Err(SendError::soon(
                    "no answer in time; it may have been accepted",
                ))
            });
        match outcome {
            Ok(receipt) => self.accepted(&row, receipt).await,
            Err(error) => self.failed(&row, &error).await,
        }
    }

    async fn accepted(&self, row: &OutboxRow, receipt: Receipt) -> Result<(), StoreError> {
        let sender = &self.sender;
        match sender
            .store
            .accepted(row, &self.owner, &receipt.0, sender.now())
            .await
        {
            Ok(()) => {
                sender.emit(&SenderEvent::Sent {
                    channel: row.channel.clone(),
                    alert: row.alert.id.clone(),
                    attempts: row.attempts,
                    receipt: receipt.0,
                });
                Ok(())
            }
            Err(error) => self.not_written(row, error),
        }
    }

    async fn failed(&self, row: &OutboxRow, error: &SendError) -> Result<(), StoreError> {
        let sender = &self.sender;
        let wait = wait_after(error, row.attempts, &sender.jitter);
        let reason = one_line(&error.reason);
        let now = sender.now();
        let due = now.saturating_add(wait).unwrap_or(now);
        if let Err(error) = sender
            .store
            .failed(row, &self.owner, &reason, due, now)
            .await
        {
            return self.not_written(row, error);
        }
        let (channel, alert, attempts) = (row.channel.clone(), row.alert.id.clone(), row.attempts);
        sender.emit(&match error.retry_hint {
            Retry::Broken => SenderEvent::ChannelBroken {
                channel,
                alert,
                attempts,
                wait,
                reason,
            },
            Retry::Soon | Retry::Later => SenderEvent::RetryScheduled {
                channel,
                alert,
                attempts,
                wait,
                reason,
            },
        });
        Ok(())
    }

    /// The result of an attempt could not be stored: the row comes again when its lease ends.
    fn not_written(&self, row: &OutboxRow, error: StoreError) -> Result<(), StoreError> {
        if error.class == ErrorClass::Conflict {
            self.sender.emit(&SenderEvent::LeaseLost {
                channel: row.channel.clone(),
                alert: row.alert.id.clone(),
                reason: error.to_string(),
            });
            return Ok(());
        }
        self.survive(error)
    }

    /// Tells of a failure of the store; a fatal one is passed on.
    fn survive(&self, error: StoreError) -> Result<(), StoreError> {
        self.sender.emit(&SenderEvent::StoreFailed {
            channel: self.names[0].clone(),
            reason: error.to_string(),
        });
        if error.fatal { Err(error) } else { Ok(()) }
    }

    /// Whether the channel has no open row. A store that cannot say so has not said that it is empty.
    async fn is_done(&self) -> Result<bool, StoreError> {
        match self.sender.store.next_due(&self.names).await {
            Ok(due) => Ok(due.is_none()),
            Err(error) => self.survive(error).map(|()| false),
        }
    }

    /// How long to sleep: until the next row is due, but never so long that a new one waits.
    async fn pause(&self) -> Result<Duration, StoreError> {
        let most = self.sender.timing.poll;
        match self.sender.store.next_due(&self.names).await {
            Ok(None) => Ok(most),
            Ok(Some(due)) => {
                let left = due.duration_since(self.sender.now());
                Ok(Duration::try_from(left)
                    .unwrap_or_default()
                    .clamp(Duration::from_millis(5), most))
            }
            Err(error) => self.survive(error).map(|()| most),
        }
    }
}

/// An attempt that panicked leaves its row leased; it comes again when the lease ends.
fn settle(ended: Result<Result<(), StoreError>, tokio::task::JoinError>) -> Result<(), StoreError> {
    ended.unwrap_or_else(|error| {
        tracing::error!(event = "attempt-panicked", %error);
        Ok(())
    })
}
