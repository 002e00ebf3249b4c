//! What a token carries. It is read for people, never trusted: the service judges it.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Entra;
use crate::{Error, Service};

/// The claims of an access token that tell who we are (Microsoft identity platform, *Access token claims reference*).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Granted {
    /// Application (client) id.
    pub app: Option<String>,
    /// Tenant id.
    pub tenant: Option<String>,
    /// Object id of the person or service principal.
    pub object: Option<String>,
    /// Name of the person who signed in; `None`: the application acts for itself.
    pub person: Option<String>,
    /// Permissions: `roles` of an application, `scp` of a person.
    pub permissions: BTreeSet<String>,
}

impl Entra {
    /// What our token for a service carries.
    ///
    /// # Errors
    /// Why there is no token, or that it cannot be read.
    pub async fn granted(&self, service: Service) -> Result<Granted, Error> {
        let token = self.inner.tokens.token(service, false).await?;
        read(token.secret()).ok_or_else(|| Error::Unusable {
            call: format!("the token for {}", service.name()),
            why: "its claims cannot be read".to_owned(),
        })
    }
}

fn read(token: &str) -> Option<Granted> {
    let payload = token.split('.').nth(1)?;
    let bytes = data_encoding::BASE64URL_NOPAD
        .decode(payload.trim_end_matches('=').as_bytes())
        .ok()?;
    let claims: Value = serde_json::from_slice(&bytes).ok()?;
    let text = |name: &str| claims.get(name).and_then(Value::as_str).map(str::to_owned);
    let scopes = text("scp").unwrap_or_default();
    let roles = claims.get("roles").and_then(Value::as_array);
    let is_person = !scopes.is_empty();
    Some(Granted {
        app: text("appid").or_else(|| text("azp")),
        tenant: text("tid"),
        object: text("oid"),
        person: text("upn")
            .or_else(|| text("preferred_username"))
            .or_else(|| text("unique_name"))
            .filter(|_| is_person),
        permissions: if is_person {
            scopes.split(' ').map(str::to_owned).collect()
        } else {
            roles
                .into_iter()
                .flatten()
                .filter_map(|role| role.as_str().map(str::to_owned))
                .collect()
        },
    })
}
