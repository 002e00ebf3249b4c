//! When the next attempt is due.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use crate::channel::{Retry, SendError};

/// The longest wait between two attempts that we choose ourselves.
const CAP: Duration = Duration::from_mins(1);
/// The longest wait that a provider can ask for. An emergency does not wait for an hour.
const LONGEST: Duration = Duration::from_mins(5);
/// Even with bad luck in the draw a failing server is not hammered.
const FLOOR: Duration = Duration::from_millis(200);
/// The first window that a wait is drawn from.
const FIRST: Duration = Duration::from_secs(1);

/// Random numbers to spread attempts, from a seed (SplitMix64: good enough to spread, not to hide).
#[derive(Debug)]
pub struct Jitter(AtomicU64);

impl Jitter {
    /// The same seed gives the same waits.
    pub fn seeded(seed: u64) -> Self {
        Self(AtomicU64::new(seed))
    }

    /// A duration from zero to `most`.
    fn up_to(&self, most: Duration) -> Duration {
        const STEP: u64 = 0x9E37_79B9_7F4A_7C15;
        let mut z = self.0.fetch_add(STEP, Ordering::Relaxed).wrapping_add(STEP);
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^= z >> 31;
        let millis = u64::try_from(most.as_millis()).unwrap_or(u64::MAX - 1);
        Duration::from_millis(z % (millis + 1))
    }
}

/// How long to wait after the `attempts`-th attempt failed with `error`.
pub(crate) fn wait_after(error: &SendError, attempts: u32, jitter: &Jitter) -> Duration {
    let own = match error.retry_hint {
        Retry::Soon => {
            let window = FIRST
                .saturating_mul(1 << attempts.saturating_sub(1).min(6))
                .min(CAP);
            jitter.up_to(window).max(FLOOR)
        }
        Retry::Later => CAP / 2 + jitter.up_to(CAP / 2),
        Retry::Broken => CAP,
    };
    match (error.after, error.retry_hint) {
        // A provider that names a time is believed, also where it is shorter than our own.
        (Some(after), Retry::Later) => after.clamp(FLOOR, LONGEST),
        (Some(after), _) => own.max(after.min(LONGEST)),
        (None, _) => own,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{CAP, FLOOR, Jitter, LONGEST, wait_after};
    use crate::channel::{Retry, SendError};

    #[test]
    fn g3_waits_grow_and_never_exceed_a_minute() {
        let jitter = Jitter::seeded(7);
        for attempts in [1, 2, 3, 10, 1000, u32::MAX] {
            for _ in 0..200 {
                let wait = wait_after(&SendError::soon("x"), attempts, &jitter);
                let most = Duration::from_secs(1 << attempts.min(7)).min(CAP);
                assert!((FLOOR..=most).contains(&wait), "{attempts}: {wait:?}");
            }
        }
    }

    #[test]
    fn g3_a_broken_channel_is_tried_every_minute() {
        let jitter = Jitter::seeded(7);
        assert_eq!(wait_after(&SendError::broken("x"), 900, &jitter), CAP);
    }

    #[test]
    fn g3_a_provider_may_ask_for_patience_within_limits() {
        let jitter = Jitter::seeded(7);
        let asked = |seconds| {
            let error = SendError {
                retry_hint: Retry::Later,
                after: Some(Duration::from_secs(seconds)),
                reason: String::new(),
            };
            wait_after(&error, 1, &jitter)
        };
        assert_eq!(asked(7), Duration::from_secs(7));
        assert_eq!(asked(86_400), LONGEST);
    }

    #[test]
    fn the_same_seed_gives_the_same_waits() {
        let draw = || {
            let jitter = Jitter::seeded(42);
            (0..10)
                .map(|n| wait_after(&SendError::soon("x"), n, &jitter))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(), draw());
    }
}
