//! Failures that come over any call, and the limits of Graph.
//!
//! Microsoft Graph, *Microsoft Graph service-specific throttling limits*: identity and access reports, Conditional Access,
//! directory objects by resource units, directory writes. Those of Azure stand in [`azure`].
//!
//! Invariant: a refused call counts too, so that repeating it at once prolongs the refusal.

use std::{
    collections::{HashMap, VecDeque},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use jiff::{SignedDuration, Timestamp};

use super::request::Request;
use crate::{Fault, Lab, lab::ApiError, lab::Caller};

mod azure;

/// What was called how often.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    calls: AtomicU64,
    stormed: AtomicU64,
    windows: Mutex<HashMap<String, VecDeque<(Timestamp, u64)>>>,
    buckets: Mutex<HashMap<String, azure::Bucket>>,
}

const fn seconds(seconds: i64) -> SignedDuration {
    SignedDuration::from_secs(seconds)
}

/// A limit that a call counts against.
struct Limit {
    /// Whose budget it is.
    key: String,
    /// Units in a window.
    most: u64,
    window: SignedDuration,
    /// What a refusal says of itself; `None`: neither when to come back nor why.
    says: Option<(&'static str, &'static str)>,
}

/// What a call that passed tells of its cost.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Resource units; `None`: the call is not counted in units.
    pub(crate) units: Option<u64>,
    /// Share of the budget that is used, from 0.8.
    pub(crate) used: Option<f64>,
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

    /// Counts a call against the limits that hold for it.
    pub(crate) fn count(
        &self,
        lab: &Lab,
        caller: &Caller,
        request: &Request,
    ) -> Result<Cost, ApiError> {
        let units = units(request);
        let mut cost = Cost { units, used: None };
        if !lab.faults.on(Fault::Throttling) {
            return Ok(cost);
        }
        let (tenant, users) = {
            let state = lab.state();
            (state.tenant.clone(), state.table("users").places())
        };
        let now = lab.clock.now();
        for (limit, amount) in limits(request, caller, &tenant, users, units) {
            let share = self.take(&limit, amount, now);
            match share {
                Ok(share) if limit.says.is_some() && share >= 0.8 => {
                    cost.used = Some(share.max(cost.used.unwrap_or_default()));
                }
                Ok(_) => {}
                Err(wait) => return Err(refusal(&limit, caller, &tenant, wait)),
            }
        }
        Ok(cost)
    }

    /// The share of a limit that is used with this call, or how long it takes until there is room again.
    fn take(&self, limit: &Limit, amount: u64, now: Timestamp) -> Result<f64, SignedDuration> {
        let mut windows = self.windows.lock().unwrap_or_else(PoisonError::into_inner);
        let window = windows.entry(limit.key.clone()).or_default();
        while window
            .front()
            .is_some_and(|(at, _)| now.duration_since(*at) >= limit.window)
        {
            window.pop_front();
        }
        window.push_back((now, amount));
        let used: u64 = window.iter().map(|(_, amount)| amount).sum();
        if used <= limit.most {
            #[expect(clippy::cast_precision_loss, reason = "budgets are small numbers")]
            return Ok(used as f64 / limit.most as f64);
        }
        // What must leave the window first, so that one more call of this size fits in.
        let mut over = used - limit.most;
        let mut until = now;
        for (at, amount) in window.iter() {
            until = *at;
            over = over.saturating_sub(*amount);
            if over == 0 {
                break;
            }
        }
        Err(limit.window - now.duration_since(until))
    }
}

fn refusal(limit: &Limit, caller: &Caller, tenant: &str, wait: SignedDuration) -> ApiError {
    let Some((scope, information)) = limit.says else {
        return too_many();
    };
    let wait = wait.as_secs().max(0) + i64::from(wait.subsec_nanos() > 0);
    too_many()
        .with_header("Retry-After", wait.max(1).to_string())
        .with_header(
            "x-ms-throttle-scope",
            format!("{scope}/{}/{tenant}", caller.app),
        )
        .with_header("x-ms-throttle-information", information)
}

fn is_read(request: &Request) -> bool {
    request.method == "GET"
        || request.folded.last().is_some_and(|last| {
            matches!(
                last.as_str(),
                "checkmembergroups"
                    | "getmembergroups"
                    | "checkmemberobjects"
                    | "getmemberobjects"
                    | "evaluate"
            )
        })
}

/// What a call costs of the directory's budget; `None`: it is not the directory's.
fn units(request: &Request) -> Option<u64> {
    let path = request.path();
    let base: u64 = match path.as_slice() {
        ["users", _, "authentication", ..] => return None,
        [
            "users" | "groups",
            _,
            "transitivemembers" | "transitivememberof",
            ..,
        ] => 5,
        ["groups", _, "members", ..] => 3,
        ["users"] | ["users" | "groups", _, "memberof", ..] => 2,
        [
            "users" | "groups" | "me" | "directoryobjects" | "directory" | "directoryroles"
            | "devices" | "serviceprincipals" | "applications" | "organization" | "domains"
            | "subscribedskus",
            ..,
        ] => 1,
        _ => return None,
    };
    let has = |name: &str| request.query.get(name).is_some();
    let small = request
        .query
        .get("$top")
        .and_then(|top| top.parse::<u64>().ok())
        .is_some_and(|top| top < 20);
    let units = base + u64::from(has("$expand"));
    Some(
        units
            .saturating_sub(u64::from(has("$select")) + u64::from(small))
            .max(1),
    )
}

fn limits(
    request: &Request,
    caller: &Caller,
    tenant: &str,
    users: usize,
    units: Option<u64>,
) -> Vec<(Limit, u64)> {
    let app = &caller.app;
    let silent = |key: String, most, window| Limit {
        key,
        most,
        window,
        says: None,
    };
    let path = request.path();
    let mut all = Vec::new();
    match path.as_slice() {
        ["auditlogs" | "reports", ..] => {
            all.push((silent(format!("reports/{app}/{tenant}"), 5, seconds(10)), 1));
        }
        [
            "identity",
            "conditionalaccess",
            "policies" | "namedlocations" | "evaluate" | "deleteditems",
            ..,
        ]
        | ["identityprotection", ..] => {
            all.push((silent(format!("access/{tenant}"), 1, seconds(1)), 1));
        }
        _ => {}
    }
    if let Some(units) = units {
        let most = match users {
            0..50 => 3500,
            50..=500 => 5000,
            _ => 8000,
        };
        let says = Some(("Tenant_Application/ReadWrite", "ResourceUnitLimitExceeded"));
        let limit = Limit {
            key: format!("units/{app}/{tenant}"),
            most,
            window: seconds(10),
            says,
        };
        all.push((limit, units));
        if !is_read(request) {
            for (key, most, window, scope) in [
                (
                    format!("writes/{app}/{tenant}"),
                    3000,
                    seconds(150),
                    "Tenant_Application/Write",
                ),
                (
                    format!("writes/{tenant}"),
                    18_000,
                    seconds(300),
                    "Tenant/Write",
                ),
            ] {
                let says = Some((scope, "WriteLimitExceeded"));
                let limit = Limit {
                    key,
                    most,
                    window,
                    says,
                };
                all.push((limit, 1));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_fills_again_and_refused_calls_count() {
        let meter = Meter::default();
        let limit = Limit {
            key: "x".to_owned(),
            most: 2,
            window: SignedDuration::from_secs(10),
            says: None,
        };
        let at = |second: i64| Timestamp::from_second(1_000_000 + second).unwrap();
        assert!(meter.take(&limit, 1, at(0)).is_ok());
        assert!(meter.take(&limit, 1, at(1)).is_ok());
        assert_eq!(
            meter.take(&limit, 1, at(2)),
            Err(SignedDuration::from_secs(8))
        );
        assert!(meter.take(&limit, 1, at(10)).is_err());
        assert!(meter.take(&limit, 1, at(22)).is_ok());
    }

    /// X4: identity protection and Conditional Access share one call a second of the whole tenant.
    #[test]
    fn x4_risky_users_count_with_conditional_access() {
        let key = |path: &str| {
            let request = Request::read("GET", path, "", |_| None, None).unwrap();
            let limits = limits(&request, &Caller::default(), "t", 10, None);
            let [(limit, 1)] = &limits[..] else {
                panic!("{path}")
            };
            (limit.key.clone(), limit.most)
        };
        let policies = key("/v1.0/identity/conditionalAccess/policies");
        assert_eq!(policies, ("access/t".to_owned(), 1));
        assert_eq!(key("/v1.0/identityProtection/riskyUsers/x"), policies);
        assert_eq!(key("/beta/identityProtection/riskDetections"), policies);
    }

    #[test]
    fn calls_cost_what_the_documentation_says() {
        let cost = |path: &str, query: &str| {
            units(&Request::read("GET", path, query, |_| None, None).unwrap())
        };
        assert_eq!(cost("/v1.0/users", ""), Some(2));
        assert_eq!(cost("/v1.0/users", "$select=id&$top=5"), Some(1));
        assert_eq!(cost("/v1.0/groups/x/members", ""), Some(3));
        assert_eq!(
            cost("/v1.0/groups/x/transitiveMembers", "$select=id"),
            Some(4)
        );
        assert_eq!(cost("/v1.0/groups/x", "$expand=members"), Some(2));
        assert_eq!(cost("/v1.0/auditLogs/signIns", ""), None);
    }
}
