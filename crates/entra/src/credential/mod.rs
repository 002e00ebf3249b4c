//! Who we are to the tenant, and the tokens that prove it.
//!
//! Applications get theirs through `azure_identity` over our own transport; people sign in with a code or in a browser,
//! which that library does not do. A token is kept in memory only, until five minutes before its end.

mod adapter;
mod app;
mod assertion;
mod browser;
mod device_code;
mod fault;
mod known;
mod person;
mod sending;

use std::{fmt, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use breakglass_model::Clock;
use jiff::Timestamp;
use url::Url;

use crate::{Cloud, Error, Service, Transport};

pub use assertion::CertificateError;

/// Microsoft Graph Command Line Tools, a public client that Microsoft has registered in every tenant.
pub const GRAPH_COMMAND_LINE_TOOLS: &str = "14d82eec-204b-4c2f-b7e8-296a70dab67e";

/// An access token.
#[derive(Clone)]
pub struct Token {
    secret: String,
    /// When it stops working.
    pub expires: Timestamp,
}

impl Token {
    /// A token.
    pub const fn new(secret: String, expires: Timestamp) -> Self {
        Self { secret, expires }
    }

    /// What goes into the `Authorization` header.
    pub(crate) fn secret(&self) -> &str {
        &self.secret
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Token")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Gives tokens; keeps them until shortly before they end.
#[async_trait]
pub trait Tokens: Send + Sync + fmt::Debug {
    /// A token for a service. `stale`: the one given before was refused, so a new one is needed.
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error>;
}

/// What a person is asked while signing in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ask {
    /// To open this address in a browser of this machine.
    OpenBrowser(Url),
    /// To type a code on another device; Microsoft's own sentence says where.
    EnterCode(String),
}

/// Shows a person what is asked.
pub type Prompt = Arc<dyn Fn(&Ask) + Send + Sync>;

/// How we sign in. Secrets have no `Debug`.
#[derive(Clone)]
pub enum Credential {
    /// An application with a client secret.
    Secret {
        /// Tenant id or domain.
        tenant: String,
        /// Application id.
        client: String,
        /// The secret.
        secret: String,
    },
    /// An application with a certificate.
    Certificate {
        /// Tenant id or domain.
        tenant: String,
        /// Application id.
        client: String,
        /// Certificate and private key (PKCS#8), in PEM.
        pem: Vec<u8>,
    },
    /// An application that another issuer vouches for (workload identity federation).
    Federated {
        /// Tenant id or domain.
        tenant: String,
        /// Application id.
        client: String,
        /// File with that issuer's token; it is read anew each time.
        token_file: PathBuf,
    },
    /// The identity that Azure gives to the machine.
    ManagedIdentity {
        /// Client id of a user-assigned identity; `None`: the system-assigned one.
        client: Option<String>,
    },
    /// The Azure CLI's own login.
    AzureCli {
        /// Tenant id; `None`: the CLI's current one.
        tenant: Option<String>,
    },
    /// A person with a code on another device (RFC 8628).
    DeviceCode {
        /// Tenant id or domain; `None`: the person's own.
        tenant: Option<String>,
        /// Application id; `None`: [`GRAPH_COMMAND_LINE_TOOLS`].
        client: Option<String>,
        /// Whether permissions to write are asked for too.
        writes: bool,
    },
    /// A person in the browser of this machine (RFC 8252, with PKCE).
    Browser {
        /// Tenant id or domain; `None`: the person's own.
        tenant: Option<String>,
        /// Application id; `None`: [`GRAPH_COMMAND_LINE_TOOLS`].
        client: Option<String>,
        /// Whether permissions to write are asked for too.
        writes: bool,
    },
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Secret { .. } => "Secret",
            Self::Certificate { .. } => "Certificate",
            Self::Federated { .. } => "Federated",
            Self::ManagedIdentity { .. } => "ManagedIdentity",
            Self::AzureCli { .. } => "AzureCli",
            Self::DeviceCode { .. } => "DeviceCode",
            Self::Browser { .. } => "Browser",
        })
    }
}

impl Credential {
    /// What gives the tokens. Nothing is sent yet.
    ///
    /// # Errors
    /// When the credential cannot be used: a certificate without a key, an id that is none.
    pub fn tokens(
        self,
        cloud: &Cloud,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        prompt: Prompt,
    ) -> Result<Arc<dyn Tokens>, Error> {
        match self {
            Self::DeviceCode {
                tenant,
                client,
                writes,
            } => Ok(Arc::new(person::Person::new(
                person::Who {
                    way: person::Way::DeviceCode,
                    tenant,
                    client,
                    writes,
                },
                cloud.clone(),
                transport,
                clock,
                prompt,
            ))),
            Self::Browser {
                tenant,
                client,
                writes,
            } => Ok(Arc::new(person::Person::new(
                person::Who {
                    way: person::Way::Browser,
                    tenant,
                    client,
                    writes,
                },
                cloud.clone(),
                transport,
                clock,
                prompt,
            ))),
            application => Ok(Arc::new(app::Application::new(
                application,
                cloud.clone(),
                transport,
                clock,
            )?)),
        }
    }
}
