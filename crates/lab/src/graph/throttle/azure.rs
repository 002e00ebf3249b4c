//! The limits of Azure Resource Manager and of Log Analytics.
//!
//! Azure Resource Manager, *Understand how Azure Resource Manager throttles requests*: a bucket for each subscription (or
//! the tenant), principal and kind of operation. Azure Monitor, *Service limits*: queries, the activity log, the list
//! of alerts. The larger bucket that all principals of a subscription share is not kept: its size is not published.
//!
//! Invariant: a call that a bucket refuses takes nothing from it, since nothing is there to be taken.

use std::sync::PoisonError;

use jiff::{SignedDuration, Timestamp};

use super::{Limit, Meter, seconds};
use crate::{Fault, Lab, lab::ApiError, lab::Caller};

/// What is in a bucket: parts of a thousandth, so that a refill by the millisecond loses nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    thousandths: i64,
    at: Timestamp,
}

/// What is left of a caller's bucket after a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Left {
    /// The header that says it.
    pub(crate) header: &'static str,
    pub(crate) calls: i64,
}

/// Kind of operation: its word, what its bucket holds, what flows in each second.
fn operation(method: &str) -> (&'static str, i64, i64) {
    match method {
        "GET" | "HEAD" => ("read", 250, 25),
        "DELETE" => ("delete", 200, 10),
        _ => ("write", 200, 10),
    }
}

/// The subscription of a path, in lower case; `None`: the call is the tenant's.
fn subscription(path: &str) -> Option<String> {
    let path = path.to_lowercase();
    let rest = path.strip_prefix("/subscriptions/")?;
    let id = rest.split('/').next().unwrap_or_default();
    (!id.is_empty()).then(|| id.to_owned())
}

fn who(caller: &Caller) -> &str {
    caller
        .user
        .as_ref()
        .or(caller.principal.as_ref())
        .unwrap_or(&caller.app)
}

/// The limit that a provider sets beside the buckets.
fn provider(path: &str, who: &str) -> Option<Limit> {
    let path = path.to_lowercase();
    let path = path.trim_end_matches('/');
    let (name, most, window) =
        if path.ends_with("/providers/microsoft.insights/eventtypes/management/values") {
            ("activity", 50, 30)
        } else if path.ends_with("/providers/microsoft.alertsmanagement/alerts") {
            ("alerts", 100, 60)
        } else {
            return None;
        };
    Some(Limit {
        key: format!("arm/{name}/{who}"),
        most,
        window: seconds(window),
        says: None,
    })
}

fn too_many(code: &str, message: String, wait: SignedDuration) -> ApiError {
    let wait = wait.as_secs().max(0) + i64::from(wait.subsec_nanos() > 0);
    ApiError::new(429, code, message).with_header("Retry-After", wait.max(1).to_string())
}

impl Meter {
    /// Counts a call to Azure Resource Manager: what is left, and the refusal where nothing was. Without the fault
    /// [`Fault::Throttling`] every bucket stays full.
    pub(crate) fn arm(
        &self,
        lab: &Lab,
        caller: &Caller,
        method: &str,
        path: &str,
    ) -> (Left, Result<(), ApiError>) {
        let (word, most, each_second) = operation(method);
        let subscription = subscription(path);
        let header = match (subscription.is_some(), word) {
            (true, "read") => "x-ms-ratelimit-remaining-subscription-reads",
            (true, "delete") => "x-ms-ratelimit-remaining-subscription-deletes",
            (true, _) => "x-ms-ratelimit-remaining-subscription-writes",
            (false, "read") => "x-ms-ratelimit-remaining-tenant-reads",
            (false, _) => "x-ms-ratelimit-remaining-tenant-writes",
        };
        let left = |calls| Left { header, calls };
        if !lab.faults.on(Fault::Throttling) {
            return (left(most - 1), Ok(()));
        }
        let (now, who) = (lab.clock.now(), who(caller));
        let place = subscription.as_deref().unwrap_or("tenant");
        let key = format!("{place}/{who}/{word}");
        let Some(calls) = self.draw(key, most, each_second, now) else {
            let wait = SignedDuration::from_millis(1000 / each_second);
            let error = match &subscription {
                Some(id) => too_many(
                    "SubscriptionRequestsThrottled",
                    format!(
                        "Number of '{word}' requests for subscription '{id}' actor '{who}' exceeded. Please try again \
                         after '1' seconds after additional tokens are available."
                    ),
                    wait,
                ),
                None => too_many(
                    "TooManyRequests",
                    format!(
                        "Number of '{word}' requests for the tenant by actor '{who}' exceeded. Please try again after '1' \
                         seconds after additional tokens are available."
                    ),
                    wait,
                ),
            };
            return (left(0), Err(error));
        };
        let refused = provider(path, who)
            .filter(|_| method == "GET")
            .and_then(|limit| self.take(&limit, 1, now).err());
        let verdict = refused.map_or(Ok(()), |wait| {
            let message = "Too many requests for this operation. Please try again later.";
            Err(too_many("TooManyRequests", message.to_owned(), wait))
        });
        (left(calls), verdict)
    }

    /// Takes one call from a bucket; what is left in it, or `None` where it was empty.
    fn draw(&self, key: String, most: i64, each_second: i64, now: Timestamp) -> Option<i64> {
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket {
            thousandths: most * 1000,
            at: now,
        };
        let bucket = buckets.entry(key).or_insert(full);
        let elapsed = now.duration_since(bucket.at).as_millis().max(0);
        // More than a bucket's worth of time fills it, however long it was.
        let elapsed = i64::try_from(elapsed).unwrap_or(i64::MAX);
        bucket.thousandths = elapsed
            .saturating_mul(each_second)
            .saturating_add(bucket.thousandths)
            .min(most * 1000);
        // By the whole milliseconds that were counted, not to the instant, so that fast callers are not cheated.
        bucket.at = bucket
            .at
            .saturating_add(SignedDuration::from_millis(elapsed))
            .unwrap_or(now);
        if bucket.thousandths < 1000 {
            return None;
        }
        bucket.thousandths -= 1000;
        Some(bucket.thousandths / 1000)
    }

    /// Counts a query of Log Analytics: 200 in 30 seconds for each user, or for each address of an app's. A batch is one.
    pub(crate) fn query(&self, lab: &Lab, caller: &Caller) -> Result<(), ApiError> {
        if !lab.faults.on(Fault::Throttling) {
            return Ok(());
        }
        let who = caller.user.as_ref().unwrap_or(&caller.ip);
        let limit = Limit {
            key: format!("queries/{who}"),
            most: 200,
            window: seconds(30),
            says: None,
        };
        self.take(&limit, 1, lab.clock.now())
            .map(|_| ())
            .map_err(|wait| {
                let message = "Too many queries in 30 seconds. Please try again later.";
                too_many("TooManyRequests", message.to_owned(), wait)
            })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(1_000_000 + milliseconds).unwrap()
    }

    #[test]
    fn a_bucket_runs_dry_and_fills_by_the_second() {
        let meter = Meter::default();
        let draw = |now| meter.draw("x".to_owned(), 250, 25, at(now));
        assert_eq!(draw(0), Some(249));
        for left in (0..249).rev() {
            assert_eq!(draw(0), Some(left));
        }
        assert_eq!(draw(0), None);
        assert_eq!(draw(39), None);
        assert_eq!((draw(40), draw(40)), (Some(0), None));
        assert_eq!(draw(1040), Some(24));
        assert_eq!(draw(1_000_000), Some(249));
    }

    #[test]
    fn calls_are_told_apart_by_where_who_and_what() {
        assert_eq!(
            subscription("/SUBSCRIPTIONS/A/resourceGroups"),
            Some("a".to_owned())
        );
        assert_eq!(subscription("/subscriptions"), None);
        assert_eq!(operation("PATCH").0, "write");
        let limit = |path: &str| provider(path, "x").map(|limit| limit.most);
        let log = "/subscriptions/a/providers/Microsoft.Insights/eventtypes/management/values";
        assert_eq!(limit(log), Some(50));
        let alerts = "/subscriptions/a/providers/Microsoft.AlertsManagement/alerts";
        assert_eq!(limit(alerts), Some(100));
        assert_eq!(limit("/subscriptions/a"), None);
    }
}
