//! Who we are to the tenant.

use async_trait::async_trait;
use jiff::Timestamp;

use crate::{Error, Service};

/// An access token.
#[derive(Clone)]
pub struct Token {
    /// The text that goes into the `Authorization` header.
    pub secret: String,
    /// When it stops working.
    pub expires: Timestamp,
}

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token")
            .field("expires", &self.expires)
            .finish_non_exhaustive()
    }
}

/// Gives tokens; caches them until shortly before they end.
#[async_trait]
pub trait Tokens: Send + Sync + std::fmt::Debug {
    /// A token for a service. `stale`: the one given before was refused, so a new one is needed.
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error>;
}

/// How we sign in.
#[derive(Clone, Debug)]
pub enum Credential {
    /// The Azure CLI's own login.
    AzureCli,
}
