//! The addresses of Microsoft's clouds.

use url::Url;

/// A service that a token is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Microsoft Graph.
    Graph,
    /// Azure Resource Manager.
    Arm,
    /// The Log Analytics query API.
    Logs,
}

/// The hosts of one cloud (Microsoft identity platform, *National clouds*). Tokens of one are refused by another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cloud {
    /// Token endpoints.
    pub login: Url,
    /// Microsoft Graph.
    pub graph: Url,
    /// Azure Resource Manager.
    pub arm: Url,
    /// The Log Analytics query API.
    pub logs: Url,
    /// Audience of tokens for [`Service::Logs`], which keeps an older host name in the public cloud.
    pub logs_audience: String,
    /// Audience of tokens for [`Service::Arm`].
    pub arm_audience: String,
}

impl Cloud {
    /// Where a service is.
    pub const fn base(&self, service: Service) -> &Url {
        match service {
            Service::Graph => &self.graph,
            Service::Arm => &self.arm,
            Service::Logs => &self.logs,
        }
    }
}
