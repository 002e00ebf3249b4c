//! How the service writes times.

use jiff::{SignedDuration, Timestamp};

/// A time of an object: UTC with `Z` and at most seven digits of a second, as many as it needs (Microsoft Graph,
/// *DateTimeOffset*). Our clock counts nanoseconds, the service's counts steps of a hundred.
pub(crate) fn stamp(at: Timestamp) -> String {
    let rest = i64::from(at.subsec_nanosecond() % 100);
    at.checked_sub(SignedDuration::from_nanos(rest))
        .unwrap_or(at)
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_has_at_most_seven_digits_of_a_second() {
        for (given, wanted) in [
            ("2026-04-20T10:15:30Z", "2026-04-20T10:15:30Z"),
            ("2026-04-20T10:15:30.5Z", "2026-04-20T10:15:30.5Z"),
            (
                "2022-04-11T11:50:03.901434799Z",
                "2022-04-11T11:50:03.9014347Z",
            ),
        ] {
            assert_eq!(stamp(given.parse().unwrap()), wanted);
        }
    }
}
