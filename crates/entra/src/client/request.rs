//! What can be asked for.

use std::fmt;

use reqwest::Method;
use serde_json::Value;

use crate::{Service, budget::Workload};

/// A version of Microsoft Graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Version {
    /// `v1.0`
    V1,
    /// `beta`
    Beta,
}

impl Version {
    const fn segment(self) -> &'static str {
        match self {
            Self::V1 => "v1.0",
            Self::Beta => "beta",
        }
    }
}

/// Without it Microsoft Graph puts `unknownFutureValue` in place of the newer members of its enumerations, the platform
/// Linux among them (Microsoft Graph, *Handling future members in evolvable enumerations*).
pub(crate) const ALL_MEMBERS: (&str, &str) = ("Prefer", "include-unknown-enum-members");

/// A request: a read, which may be repeated; a write is made only from an approved step ([`crate::apply`]).
#[derive(Clone)]
pub struct Request {
    pub(crate) service: Service,
    pub(crate) method: Method,
    writes: bool,
    /// Path below the service's address, with query.
    pub(crate) path: String,
    pub(crate) headers: Vec<(&'static str, &'static str)>,
    pub(crate) body: Option<Value>,
}

impl fmt::Debug for Request {
    /// Without query, headers and body, whose values may be personal.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.service.name(), self.call())
    }
}

impl Request {
    fn new(service: Service, path: String) -> Self {
        Self {
            service,
            method: Method::GET,
            writes: false,
            path,
            headers: Vec::new(),
            body: None,
        }
    }

    /// A read of Microsoft Graph: path below the version, with query.
    pub fn graph(version: Version, path: impl AsRef<str>) -> Self {
        let path = path.as_ref().trim_start_matches('/');
        let request = Self::new(Service::Graph, format!("{}/{path}", version.segment()));
        let (name, value) = ALL_MEMBERS;
        request.header(name, value)
    }

    /// A read of Azure Resource Manager: path with `api-version`.
    pub fn arm(path: impl AsRef<str>) -> Self {
        Self::new(
            Service::Arm,
            path.as_ref().trim_start_matches('/').to_owned(),
        )
    }

    /// A query of Log Analytics.
    pub fn logs(path: impl AsRef<str>, body: Value) -> Self {
        Self::new(
            Service::Logs,
            path.as_ref().trim_start_matches('/').to_owned(),
        )
        .post(body)
    }

    /// An advanced query on directory objects; the path needs `$count=true` (Microsoft Graph, *Advanced query capabilities*).
    #[must_use]
    pub fn advanced(self) -> Self {
        self.header("ConsistencyLevel", "eventual")
    }

    /// Adds a header; it is repeated for every page.
    #[must_use]
    pub fn header(mut self, name: &'static str, value: &'static str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// A POST that only reads, such as What If.
    #[must_use]
    pub fn post(mut self, body: Value) -> Self {
        self.method = Method::POST;
        self.body = Some(body);
        self
    }

    /// Turns it into a write.
    pub(crate) fn write(mut self, method: Method, body: Option<Value>) -> Self {
        self.method = method;
        self.writes = true;
        self.body = body;
        self
    }

    /// Whether it changes something.
    pub(crate) fn writes(&self) -> bool {
        self.writes
    }

    /// Method and path without the query, whose values may be personal.
    pub(crate) fn call(&self) -> String {
        // Without its query a path holds no token, only ids, which whoever reads an error needs.
        let path: String = self
            .plain_path()
            .chars()
            .filter(|c| !c.is_control())
            .collect();
        format!("{} /{path}", self.method)
    }

    fn plain_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(crate) fn workload(&self) -> Workload {
        Workload::of(self.service, &format!("/{}/", self.plain_path()))
    }

    /// The limits that it counts against, and what it costs there.
    pub(crate) fn costs(&self) -> impl Iterator<Item = (Workload, usize)> + use<> {
        let workload = self.workload();
        let query = self.path.split_once('?').map_or("", |(_, query)| query);
        let expands = query.split('&').any(|pair| {
            let name = pair.split('=').next().unwrap_or_default();
            name.eq_ignore_ascii_case("$expand") || name.eq_ignore_ascii_case("%24expand")
        });
        let units = workload.units(&format!("/{}/", self.plain_path()), expands);
        let wider = workload.wider().map(|wider| (wider, 1));
        std::iter::once((workload, units)).chain(wider)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_read_of_the_activity_log_is_a_read_of_azure_too() {
        let path = "/subscriptions/a/providers/Microsoft.Insights/eventtypes/management/values?api-version=2015-04-01";
        let costs: Vec<_> = Request::arm(path).costs().collect();
        assert_eq!(costs, [(Workload::ActivityLog, 1), (Workload::Arm, 1)]);
        let costs: Vec<_> = Request::arm("/subscriptions?api-version=x")
            .costs()
            .collect();
        assert_eq!(costs, [(Workload::Arm, 1)]);
    }
}
