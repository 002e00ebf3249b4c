//! What can be asked for: reads, which may be repeated.

use std::fmt;

use serde_json::Value;

use crate::{Service, budget::Workload, error::line};

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

/// A read. It may be repeated.
#[derive(Clone)]
pub struct Request {
    pub(crate) service: Service,
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
            path,
            headers: Vec::new(),
            body: None,
        }
    }

    /// A read of Microsoft Graph: path below the version, with query.
    pub fn graph(version: Version, path: impl AsRef<str>) -> Self {
        let path = path.as_ref().trim_start_matches('/');
        Self::new(Service::Graph, format!("{}/{path}", version.segment()))
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
        self.body = Some(body);
        self
    }

    /// Method and path without the query, whose values may be personal.
    pub(crate) fn call(&self) -> String {
        let path = line(self.plain_path());
        let method = if self.body.is_some() { "POST" } else { "GET" };
        format!("{method} /{path}")
    }

    fn plain_path(&self) -> &str {
        self.path.split('?').next().unwrap_or_default()
    }

    pub(crate) fn workload(&self) -> Workload {
        Workload::of(self.service, &format!("/{}/", self.plain_path()))
    }
}
