//! What somebody signs in for: an app's code, a device's code, or a look at the portal.

use std::collections::BTreeMap;

use breakglass_conditional_access::{
    environment::{ADMIN_PORTALS, AZURE_MANAGEMENT, MICROSOFT_GRAPH, MY_SIGN_INS},
    sign_in::Flow,
};

use crate::{
    App, Lab,
    records::Protocol,
    tokens::{Api, TokenError, resource},
};

/// App id of the Log Analytics API.
const LOG_ANALYTICS: &str = "ca7f3f0b-7d91-482c-8e09-c5d840d0eac5";

/// The app and what it wants to call.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Target {
    /// Client id and name of the app.
    pub(crate) client: (String, String),
    /// App id and name of the resource.
    pub(crate) resource: (String, String),
    /// The resource as the request named it, which the token is for; empty: no token is asked for.
    pub(crate) audience: String,
    /// Delegated permissions that the token carries.
    pub(crate) permissions: Vec<String>,
    /// The scopes as the answer tells them.
    pub(crate) scopes: Vec<String>,
    /// A refresh token is asked for.
    pub(crate) offline: bool,
    /// An id token is asked for.
    pub(crate) openid: bool,
}

/// App id and display name of an API's own app.
pub(crate) const fn resource_of(api: Api) -> (&'static str, &'static str) {
    match api {
        Api::Graph => (MICROSOFT_GRAPH, "Microsoft Graph"),
        Api::Arm => (AZURE_MANAGEMENT, "Azure Resource Manager"),
        Api::Logs => (LOG_ANALYTICS, "Log Analytics API"),
    }
}

const OPENID: [&str; 4] = ["openid", "profile", "email", "offline_access"];

impl Target {
    /// What an app asks for by `scope`. Only what was consented to is given: Microsoft identity platform, *Scopes and
    /// permissions*.
    ///
    /// # Errors
    /// A resource that is unknown, several resources, a permission that nobody consented to.
    pub(crate) fn of(lab: &Lab, app: &App, scope: &str) -> Result<Self, TokenError> {
        let asked: Vec<&str> = scope.split_whitespace().collect();
        let named: Vec<&str> = asked
            .iter()
            .copied()
            .filter(|part| !OPENID.contains(part))
            .collect();
        let (api, audience) = if named.is_empty() {
            (Api::Graph, "https://graph.microsoft.com".to_owned())
        } else {
            resource(lab, scope)?
        };
        let consented: Vec<String> = match api {
            Api::Graph => app.permissions.clone(),
            Api::Arm => vec!["user_impersonation".to_owned()],
            Api::Logs => vec!["Data.Read".to_owned(), "user_impersonation".to_owned()],
        };
        let mut permissions = Vec::new();
        let mut scopes: Vec<String> = Vec::new();
        for part in &named {
            let name = part
                .strip_prefix(&audience)
                .map_or(*part, |rest| rest.trim_start_matches('/'));
            if name == ".default" {
                permissions.extend(consented.iter().cloned());
            } else if let Some(own) = consented.iter().find(|own| own.eq_ignore_ascii_case(name)) {
                permissions.push(own.clone());
            } else {
                return Err(TokenError::new(
                    "invalid_grant",
                    super::Code::NoConsent.number(),
                    format!(
                        "The user or administrator has not consented to use the application with ID '{}' named '{}', which asks for '{name}'. Send an interactive authorization request for this user and resource.",
                        app.client_id, app.name
                    ),
                ));
            }
            scopes.push((*part).to_owned());
        }
        permissions.sort();
        permissions.dedup();
        for own in &permissions {
            let whole = format!("{audience}/{own}");
            if !scopes.contains(&whole) && !scopes.contains(own) {
                scopes.push(whole);
            }
        }
        for part in &asked {
            if OPENID.contains(part) && *part != "offline_access" {
                scopes.push((*part).to_owned());
            }
        }
        if named.is_empty() {
            permissions.push("User.Read".to_owned());
        }
        let (id, name) = resource_of(api);
        Ok(Self {
            client: (app.client_id.clone(), app.name.clone()),
            resource: (id.to_owned(), name.to_owned()),
            audience,
            permissions,
            scopes,
            offline: asked.contains(&"offline_access"),
            openid: asked.contains(&"openid"),
        })
    }

    /// A portal or service of Microsoft's that somebody opens in a browser: its word, its app id or any other app id.
    pub(crate) fn visit(lab: &Lab, word: &str) -> Option<Self> {
        let known = VISITS.iter().find(|(own, ..)| *own == word);
        let own = |text: &str| text.to_owned();
        let (client, resource) = if let Some((_, name, client, resource, label)) = known {
            ((own(client), own(name)), (own(resource), own(label)))
        } else {
            let id = uuid::Uuid::parse_str(word).ok()?.to_string();
            let name = lab.judge().app_name(&id);
            ((id.clone(), name.clone()), (id, name))
        };
        Some(Self {
            client,
            resource,
            audience: String::new(),
            permissions: Vec::new(),
            scopes: Vec::new(),
            // Portals are single-page apps: they hold refresh tokens.
            offline: true,
            openid: true,
        })
    }
}

/// What the lab's page offers to open: word, name and id of the app, id and name of the resource that is judged.
pub(crate) const VISITS: [(&str, &str, &str, &str, &str); 6] = [
    (
        "entra",
        "Microsoft Entra admin center",
        ADMIN_PORTALS,
        ADMIN_PORTALS,
        "Microsoft Entra admin center",
    ),
    (
        "azure",
        "Azure Portal",
        ADMIN_PORTALS,
        AZURE_MANAGEMENT,
        "Azure Resource Manager",
    ),
    (
        "graph",
        "Microsoft Graph Command Line Tools",
        crate::GRAPH_COMMAND_LINE,
        MICROSOFT_GRAPH,
        "Microsoft Graph",
    ),
    (
        "m365",
        "Microsoft 365 admin center",
        "00000006-0000-0ff1-ce00-000000000000",
        "00000006-0000-0ff1-ce00-000000000000",
        "Microsoft 365 admin center",
    ),
    (
        "exchange",
        "One Outlook Web",
        "9199bf20-a13f-4107-85dc-02114787ef48",
        "00000002-0000-0ff1-ce00-000000000000",
        "Exchange Online",
    ),
    (
        "mysignins",
        "My Signins",
        MY_SIGN_INS,
        MY_SIGN_INS,
        "My Sign-Ins",
    ),
];

/// A request of OAuth's authorization code flow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CodeRequest {
    pub(crate) redirect: String,
    pub(crate) state: Option<String>,
    /// PKCE with S256.
    pub(crate) challenge: Option<String>,
    pub(crate) nonce: Option<String>,
    pub(crate) mode: Mode,
    /// MSAL asks for `client_info`.
    pub(crate) client_info: bool,
}

/// `response_mode`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mode {
    Query,
    Fragment,
    FormPost,
}

impl Mode {
    pub(crate) fn from_word(word: &str) -> Option<Self> {
        match word {
            "query" => Some(Self::Query),
            "fragment" => Some(Self::Fragment),
            "form_post" => Some(Self::FormPost),
            _ => None,
        }
    }
}

/// What happens when somebody got in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Goal {
    /// The app gets a code.
    Code(CodeRequest),
    /// The device that showed a code gets tokens; it is known by its device code.
    Device { device: String, confirmed: bool },
    /// A page says so, and the portal is open.
    Visit { back: Option<String> },
}

impl Goal {
    pub(crate) const fn protocol(&self) -> Protocol {
        match self {
            Self::Device { .. } => Protocol::DeviceCode,
            Self::Code(_) | Self::Visit { .. } => Protocol::Code,
        }
    }

    pub(crate) const fn flow(&self) -> Flow {
        match self {
            Self::Device { .. } => Flow::DeviceCode,
            Self::Code(_) | Self::Visit { .. } => Flow::None,
        }
    }
}

/// Parameters of a query, the first of each name.
pub(crate) type Fields = BTreeMap<String, String>;
