//! Time as an argument.

use jiff::Timestamp;

/// Where "now" comes from. The program has one that reads the machine's clock; tests and `--at` use
/// [`FixedClock`].
pub trait Clock: Send + Sync {
    /// The present moment.
    fn now(&self) -> Timestamp;
}

/// A clock that stands still, for `--at <RFC 3339>` and for tests.
#[derive(Clone, Copy, Debug)]
pub struct FixedClock(pub Timestamp);

impl Clock for FixedClock {
    fn now(&self) -> Timestamp {
        self.0
    }
}
