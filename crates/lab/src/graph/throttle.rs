//! Failures that come over any call, and the limits of Graph.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::{Fault, Lab, lab::ApiError};

/// What was called how often.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    calls: AtomicU64,
    stormed: AtomicU64,
}

/// 429 as Graph words it.
fn too_many() -> ApiError {
    ApiError::new(429, "TooManyRequests", "Please retry again later.")
}

impl Meter {
    /// Every second call is refused while the storm lasts.
    pub(crate) fn storm(&self, lab: &Lab) -> Result<(), ApiError> {
        if !lab.faults.on(Fault::ThrottleStorm) {
            return Ok(());
        }
        let count = self.stormed.fetch_add(1, Ordering::SeqCst);
        if count % 2 == 1 {
            return Ok(());
        }
        let refusal = too_many();
        Err(match (count / 2) % 3 {
            0 => refusal.with_header("Retry-After", "1"),
            1 => refusal,
            _ => refusal.with_header("Retry-After", "0.5"),
        })
    }

    /// Outages, hiccups and storms of Graph.
    pub(crate) fn failures(&self, lab: &Lab) -> Result<(), ApiError> {
        if lab.faults.on(Fault::GraphOutage) {
            return Err(ApiError::new(
                503,
                "serviceNotAvailable",
                "The service is unavailable.",
            ));
        }
        self.storm(lab)?;
        let count = self.calls.fetch_add(1, Ordering::SeqCst);
        if lab.faults.on(Fault::GraphHiccups) && count % 10 == 9 {
            return Err(match (count / 10) % 3 {
                0 => ApiError::new(502, "UnknownError", ""),
                1 => ApiError::new(503, "serviceNotAvailable", "The service is unavailable.")
                    .with_header("Retry-After", "1"),
                _ => ApiError::new(504, "UnknownError", ""),
            });
        }
        Ok(())
    }
}
