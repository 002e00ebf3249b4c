//! When a call is worth another try, and how long to wait for it.

use std::time::Duration;

use backon::BackoffBuilder;
use jiff::Timestamp;

use crate::HttpResponse;

/// Repeats of one call.
const REPEATS: usize = 6;
/// The longest wait for one repeat; a service that asks for more is busy with something else.
pub(super) const LONGEST: Duration = Duration::from_mins(5);
/// The shortest wait for one repeat, whatever the service asks.
pub(super) const SHORTEST: Duration = Duration::from_millis(50);
/// Waits for repeats where the service names none.
pub(super) fn backoff() -> backon::ExponentialBackoff {
    backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_max_delay(Duration::from_mins(1))
        .with_jitter()
        .with_max_times(REPEATS)
        .build()
}

/// Whether an answer of this status may be another one in a moment.
pub(super) const fn is_passing(status: u16) -> bool {
    matches!(status, 429 | 502..=504)
}

/// `Retry-After`: seconds, also with a fraction, or a date (RFC 9110, 10.2.3).
pub(super) fn retry_after(answer: &HttpResponse, now: Timestamp) -> Option<Duration> {
    let text = answer.header("retry-after")?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    // By the service's own clock, which may not be ours.
    let now = answer.header("date").and_then(http_date).unwrap_or(now);
    Duration::try_from(http_date(text)?.duration_since(now)).ok()
}

/// A date in the form of HTTP (RFC 9110, 5.6.7).
pub(super) fn http_date(text: &str) -> Option<Timestamp> {
    jiff::fmt::rfc2822::parse(text)
        .ok()
        .map(|zoned| zoned.timestamp())
}
