//! Keeping within Microsoft's limits before being told to.
//!
//! The numbers are those of Microsoft Graph, *Microsoft Graph service-specific throttling limits*, of the Log Analytics
//! query API, of Azure Monitor, *Service limits*, and of Azure Resource Manager, *Understand how Azure Resource Manager
//! throttles requests*. Conditional Access and the reports give no `Retry-After`, so the only way to be a good guest there is to count.

use std::{collections::HashMap, sync::Mutex, time::Duration};

use jiff::{SignedDuration, Timestamp};

use crate::Service;

/// Calls that share a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Workload {
    /// Policies, locations and strengths of Conditional Access, and identity protection: one a second for the tenant.
    ConditionalAccess,
    /// Sign-ins, audits and registration: five in ten seconds for each app.
    Reports,
    /// Everything else of Microsoft Graph: 3,500 units in ten seconds for each app in the smallest tenants.
    Directory,
    /// Azure Resource Manager: 25 reads a second.
    Arm,
    /// The activity log of Azure: 50 reads in 30 seconds, which count as reads of Azure too.
    ActivityLog,
    /// The list of Azure's alerts: 100 reads in a minute, which count as reads of Azure too.
    Alerts,
    /// Log Analytics: 200 queries in 30 seconds.
    Logs,
}

impl Workload {
    /// The workload of a call; the path ends in a slash.
    pub(crate) fn of(service: Service, path: &str) -> Self {
        match service {
            Service::Arm => {
                let path = path.to_ascii_lowercase();
                if path.ends_with("/microsoft.insights/eventtypes/management/values/") {
                    Self::ActivityLog
                } else if path.ends_with("/microsoft.alertsmanagement/alerts/") {
                    Self::Alerts
                } else {
                    Self::Arm
                }
            }
            Service::Logs => Self::Logs,
            Service::Graph => {
                let path = path.to_ascii_lowercase();
                let within = |start: &str| path.contains(start);
                if within("/identity/conditionalaccess/") || within("/identityprotection/") {
                    Self::ConditionalAccess
                } else if within("/auditlogs/") || within("/reports/") {
                    Self::Reports
                } else {
                    Self::Directory
                }
            }
        }
    }

    /// The limit that its calls count against beside their own.
    pub(crate) const fn wider(self) -> Option<Self> {
        match self {
            Self::ActivityLog | Self::Alerts => Some(Self::Arm),
            _ => None,
        }
    }

    /// How many units may be spent in how long: a little longer than documented, since calls that set out apart may
    /// arrive together.
    const fn limit(self) -> (usize, SignedDuration) {
        match self {
            Self::ConditionalAccess => (1, SignedDuration::from_millis(1050)),
            Self::Reports => (5, SignedDuration::from_millis(10_500)),
            Self::Arm => (25, SignedDuration::from_secs(1)),
            Self::ActivityLog => (50, SignedDuration::from_millis(30_500)),
            Self::Alerts => (100, SignedDuration::from_millis(60_500)),
            Self::Logs => (200, SignedDuration::from_millis(30_500)),
            Self::Directory => (3_500, SignedDuration::from_secs(10)),
        }
    }

    /// What a call costs: of the directory its resource units, else one. The path ends in a slash; `expands`: it asks for
    /// related objects too. What a small page or a selection saves is left out, so the count is never too low.
    pub(crate) fn units(self, path: &str, expands: bool) -> usize {
        if self != Self::Directory {
            return 1;
        }
        let path = path.to_ascii_lowercase();
        let of = |end: &str| path.ends_with(end);
        let base = if of("/transitivemembers/") || of("/transitivememberof/") {
            5
        } else if of("/members/") {
            3
        } else if of("/users/") || of("/memberof/") {
            2
        } else {
            1
        };
        base + usize::from(expands)
    }

    /// In words, for what is shown while waiting.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::ConditionalAccess => "Conditional Access answers one request a second",
            Self::Reports => "reports answer five requests in ten seconds",
            Self::Directory => "Microsoft Graph answers so much in ten seconds",
            Self::Arm => "Azure Resource Manager answers 25 reads a second",
            Self::ActivityLog => "the activity log of Azure answers 50 requests in 30 seconds",
            Self::Alerts => "the list of Azure's alerts answers 100 requests in a minute",
            Self::Logs => "Log Analytics answers 200 queries in 30 seconds",
        }
    }
}

/// When calls were made, by workload.
#[derive(Debug, Default)]
pub(crate) struct Budget {
    spent: Mutex<HashMap<Workload, Vec<Timestamp>>>,
}

impl Budget {
    /// Takes a place for a call of so many units; how long to wait until it may be made.
    pub(crate) fn take(&self, workload: Workload, units: usize, now: Timestamp) -> Duration {
        let mut spent = self
            .spent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let times = spent.entry(workload).or_default();
        let (most, window) = workload.limit();
        let units = units.clamp(1, most);
        times.retain(|at| after(*at, window) > now);
        let at = match (times.len() + units).checked_sub(most + 1) {
            None => now,
            Some(over) => after(times[over], window).max(now),
        };
        times.extend(std::iter::repeat_n(at, units));
        wait(now, at)
    }

    /// The service asked for a pause: no call of this workload before its end.
    pub(crate) fn pause(&self, workload: Workload, until: Timestamp) {
        let mut spent = self
            .spent
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        let times = spent.entry(workload).or_default();
        let (most, window) = workload.limit();
        let start = until.checked_sub(window).unwrap_or(until);
        times.extend(std::iter::repeat_n(start, most));
        times.sort_unstable();
    }
}

fn after(at: Timestamp, window: SignedDuration) -> Timestamp {
    at.checked_add(window).unwrap_or(at)
}

fn wait(now: Timestamp, until: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> Timestamp {
        Timestamp::from_millisecond(milliseconds).unwrap()
    }

    #[test]
    fn calls_are_told_apart_by_what_they_read() {
        let of = |path| Workload::of(Service::Graph, path);
        assert_eq!(
            of("/beta/identity/conditionalAccess/policies/"),
            Workload::ConditionalAccess
        );
        assert_eq!(of("/v1.0/auditLogs/signIns/"), Workload::Reports);
        assert_eq!(of("/v1.0/users/"), Workload::Directory);
        let of = |path| Workload::of(Service::Arm, path);
        let log = "/subscriptions/a/providers/Microsoft.Insights/eventtypes/management/values/";
        assert_eq!(of(log), Workload::ActivityLog);
        let alerts = "/subscriptions/a/providers/Microsoft.AlertsManagement/alerts/";
        assert_eq!(of(alerts), Workload::Alerts);
        let rules = "/subscriptions/a/providers/Microsoft.AlertsManagement/actionRules/";
        assert_eq!(of(rules), Workload::Arm);
    }

    #[test]
    fn azure_monitor_is_asked_as_often_as_it_answers() {
        for (workload, most, window) in [
            (Workload::ActivityLog, 50, 30),
            (Workload::Alerts, 100, 60),
            (Workload::Logs, 200, 30),
        ] {
            let budget = Budget::default();
            let mut waits = (0..=most).map(|_| budget.take(workload, 1, at(0)).as_millis());
            assert!(waits.by_ref().take(most).all(|wait| wait == 0));
            assert_eq!(waits.next(), Some(window * 1000 + 500), "{workload:?}");
        }
    }

    #[test]
    fn conditional_access_is_asked_once_a_second() {
        let budget = Budget::default();
        let take = |now| {
            budget
                .take(Workload::ConditionalAccess, 1, at(now))
                .as_millis()
        };
        assert_eq!((take(0), take(0), take(100)), (0, 1050, 2000));
    }

    #[test]
    fn five_reports_go_at_once_and_the_sixth_waits() {
        let budget = Budget::default();
        let waits: Vec<_> = (0..6)
            .map(|_| budget.take(Workload::Reports, 1, at(0)).as_millis())
            .collect();
        assert_eq!(waits, [0, 0, 0, 0, 0, 10_500]);
    }

    #[test]
    fn the_directory_counts_units() {
        let units = |path| Workload::Directory.units(path, false);
        assert_eq!(
            [
                units("/v1.0/users/"),
                units("/v1.0/users/a/"),
                units("/v1.0/groups/a/members/"),
                units("/v1.0/groups/a/transitiveMembers/"),
                units("/v1.0/users/a/memberOf/"),
            ],
            [2, 1, 3, 5, 2]
        );
        // Related objects cost one more, however the option is written.
        for path in ["groups?$expand=owners", "groups?$top=9&%24expand=owners"] {
            let request = crate::Request::graph(crate::Version::V1, path);
            let costs: Vec<_> = request.costs().collect();
            assert_eq!(costs, [(Workload::Directory, 2)], "{path}");
        }
        let request = crate::Request::graph(crate::Version::V1, "groups?$filter=x eq '$expand'");
        assert_eq!(request.costs().next().unwrap().1, 1);
        let budget = Budget::default();
        let waits: Vec<_> = (0..702)
            .map(|_| budget.take(Workload::Directory, 5, at(0)).as_millis())
            .collect();
        assert_eq!(waits[..700], [0; 700]);
        assert_eq!(waits[700..], [10_000, 10_000]);
    }

    #[test]
    fn a_pause_that_the_service_asked_for_holds_for_the_next_call() {
        for workload in [Workload::Directory, Workload::Arm] {
            let budget = Budget::default();
            budget.pause(workload, at(4000));
            assert_eq!(budget.take(workload, 1, at(1000)).as_millis(), 3000);
        }
    }
}
