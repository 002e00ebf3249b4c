//! The one place that reads the machine's clock.

use breakglass_model::{Clock, FixedClock};
use jiff::Timestamp;

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "this is the one module that may")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// The machine's clock, or one that stands still at `--at`.
pub fn clock(at: Option<Timestamp>) -> Box<dyn Clock> {
    match at {
        Some(at) => Box::new(FixedClock(at)),
        None => Box::new(SystemClock),
    }
}

/// The moment without its fraction of a second, for documents that people read.
pub fn to_the_second(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second()).unwrap_or(at)
}

/// A stopwatch for how long something took; never used to decide anything.
#[derive(Clone, Copy, Debug)]
pub struct Stopwatch(std::time::Instant);

impl Stopwatch {
    /// Starts it.
    #[allow(clippy::disallowed_methods, reason = "this is the one module that may")]
    pub fn start() -> Self {
        Self(std::time::Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(self) -> std::time::Duration {
        self.0.elapsed()
    }
}
