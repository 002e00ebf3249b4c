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

impl Service {
    /// Name for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Graph => "Microsoft Graph",
            Self::Arm => "Azure Resource Manager",
            Self::Logs => "Log Analytics",
        }
    }
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
    /// Audience of tokens for [`Service::Arm`].
    arm_audience: String,
    /// Audience of tokens for [`Service::Logs`], which keeps an older host name in the public cloud.
    logs_audience: String,
}

impl Cloud {
    /// A cloud whose services are at these addresses, and whose tokens are asked for under the same names.
    pub fn custom(login: Url, graph: Url, arm: Url, logs: Url) -> Self {
        let [login, graph, arm, logs] = [login, graph, arm, logs].map(folder);
        Self {
            arm_audience: plain(&arm),
            logs_audience: plain(&logs),
            login,
            graph,
            arm,
            logs,
        }
    }

    fn known(hosts: [&str; 4], logs_audience: &str) -> Option<Self> {
        let [login, graph, arm, logs] = hosts.map(|host| Url::parse(&format!("https://{host}/")));
        Some(Self {
            logs_audience: logs_audience.to_owned(),
            ..Self::custom(login.ok()?, graph.ok()?, arm.ok()?, logs.ok()?)
        })
    }

    /// The cloud of a name: `public`, `usgov`, `usgov-dod` or `china`.
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "public" => Self::known(
                [
                    "login.microsoftonline.com",
                    "graph.microsoft.com",
                    "management.azure.com",
                    "api.loganalytics.azure.com",
                ],
                "https://api.loganalytics.io",
            ),
            "usgov" => Self::known(
                [
                    "login.microsoftonline.us",
                    "graph.microsoft.us",
                    "management.usgovcloudapi.net",
                    "api.loganalytics.us",
                ],
                "https://api.loganalytics.us",
            ),
            "usgov-dod" => Self::known(
                [
                    "login.microsoftonline.us",
                    "dod-graph.microsoft.us",
                    "management.usgovcloudapi.net",
                    "api.loganalytics.us",
                ],
                "https://api.loganalytics.us",
            ),
            "china" => Self::known(
                [
                    "login.partner.microsoftonline.cn",
                    "microsoftgraph.chinacloudapi.cn",
                    "management.chinacloudapi.cn",
                    "api.loganalytics.azure.cn",
                ],
                "https://api.loganalytics.azure.cn",
            ),
            _ => None,
        }
    }

    /// Where a service is.
    pub const fn base(&self, service: Service) -> &Url {
        match service {
            Service::Graph => &self.graph,
            Service::Arm => &self.arm,
            Service::Logs => &self.logs,
        }
    }

    /// The scope that asks for everything that was consented to for a service.
    pub fn scope(&self, service: Service) -> String {
        let audience = match service {
            Service::Graph => plain(&self.graph),
            Service::Arm => self.arm_audience.clone(),
            Service::Logs => self.logs_audience.clone(),
        };
        format!("{audience}/.default")
    }
}

/// The address with a slash at its end, so that paths are written below it.
fn folder(mut url: Url) -> Url {
    if !url.path().ends_with('/') {
        let path = format!("{}/", url.path());
        url.set_path(&path);
    }
    url
}

/// The address without a slash at its end.
fn plain(url: &Url) -> String {
    url.as_str().trim_end_matches('/').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_named_cloud_has_its_own_hosts_and_scopes() {
        for name in ["public", "usgov", "usgov-dod", "china"] {
            let cloud = Cloud::named(name).unwrap();
            assert!(cloud.scope(Service::Graph).ends_with("/.default"));
            assert!(!cloud.scope(Service::Arm).contains("//.default"));
        }
        assert_eq!(Cloud::named("moon"), None);
        let public = Cloud::named("public").unwrap();
        assert_eq!(
            public.scope(Service::Logs),
            "https://api.loganalytics.io/.default"
        );
        assert_eq!(
            public.base(Service::Graph).as_str(),
            "https://graph.microsoft.com/"
        );
    }
}
