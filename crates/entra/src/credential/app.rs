//! Tokens of applications, through Microsoft's own library.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use async_trait::async_trait;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{Secret, TokenCredential},
    http::{ClientMethodOptions, ClientOptions, HttpClient, RetryOptions, Transport as Sender},
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};
use tokio::sync::Mutex;

use super::{Credential, Token, Tokens, adapter::Adapter, assertion::Certificate, fault};
use crate::{Cloud, Error, Service, Transport, error::SignInError};

/// A token is renewed this long before its end.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

type Made = Result<Arc<dyn TokenCredential>, Error>;

/// An application that signs in by itself.
///
/// The library keeps the tokens that it gave, by its own clock. So each token is asked of a new credential, and kept here.
pub(super) struct Application {
    credential: Credential,
    certificate: Option<Certificate>,
    cloud: Cloud,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    kept: Mutex<HashMap<Service, Token>>,
}

impl std::fmt::Debug for Application {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Application").finish_non_exhaustive()
    }
}

impl Application {
    pub(super) fn new(
        credential: Credential,
        cloud: Cloud,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, Error> {
        let certificate = match &credential {
            Credential::Certificate { pem, .. } => {
                Some(Certificate::from_pem(pem).map_err(|error| {
                    Error::SignIn(Box::new(SignInError {
                        message: error.to_string(),
                        help: "give one PEM file with the certificate and its private key (PKCS#8)"
                            .to_owned(),
                        ..SignInError::default()
                    }))
                })?)
            }
            _ => None,
        };
        let application = Self {
            credential,
            certificate,
            cloud,
            transport,
            clock,
            kept: Mutex::new(HashMap::new()),
        };
        // So that an id that is none is told at once.
        let adapter = Arc::new(Adapter::new(Arc::clone(&application.transport)));
        application.make(&adapter)?;
        Ok(application)
    }

    fn make(&self, adapter: &Arc<Adapter>) -> Made {
        make(
            &self.credential,
            self.certificate.as_ref(),
            &self.cloud,
            adapter,
            &self.clock,
        )
    }
}

fn make(
    credential: &Credential,
    certificate: Option<&Certificate>,
    cloud: &Cloud,
    adapter: &Arc<Adapter>,
    clock: &Arc<dyn Clock>,
) -> Made {
    let options = || ClientOptions {
        transport: Some(Sender::new(Arc::clone(adapter) as Arc<dyn HttpClient>)),
        // The adapter repeats.
        retry: RetryOptions::none(),
        cloud: Some(Arc::new(CloudConfiguration::Custom({
            let mut custom = CustomConfiguration::default();
            cloud.login.as_str().clone_into(&mut custom.authority_host);
            custom
        }))),
        ..ClientOptions::default()
    };
    let assertion_options = || {
        Some(ClientAssertionCredentialOptions {
            client_options: options(),
        })
    };
    let made: azure_core::Result<Arc<dyn TokenCredential>> = match credential {
        Credential::Secret {
            tenant,
            client,
            secret,
        } => ClientSecretCredential::new(
            tenant,
            client.clone(),
            Secret::new(secret.clone()),
            Some(ClientSecretCredentialOptions {
                client_options: options(),
            }),
        )
        .map(|made| made as Arc<dyn TokenCredential>),
        Credential::Certificate { tenant, client, .. } => {
            let Some(certificate) = certificate else {
                return Err(unusable("no certificate was read"));
            };
            let audience = format!("{}{tenant}/oauth2/v2.0/token", cloud.login);
            ClientAssertionCredential::new(
                tenant.clone(),
                client.clone(),
                certificate.signer(client.clone(), audience, Arc::clone(clock)),
                assertion_options(),
            )
            .map(|made| made as Arc<dyn TokenCredential>)
        }
        Credential::Federated {
            tenant,
            client,
            token_file,
        } => ClientAssertionCredential::new(
            tenant.clone(),
            client.clone(),
            TokenFile(token_file.clone()),
            assertion_options(),
        )
        .map(|made| made as Arc<dyn TokenCredential>),
        Credential::ManagedIdentity { client } => {
            ManagedIdentityCredential::new(Some(ManagedIdentityCredentialOptions {
                user_assigned_id: client.clone().map(UserAssignedId::ClientId),
                client_options: options(),
            }))
            .map(|made| made as Arc<dyn TokenCredential>)
        }
        Credential::AzureCli { tenant } => {
            AzureCliCredential::new(Some(AzureCliCredentialOptions {
                tenant_id: tenant.clone(),
                ..AzureCliCredentialOptions::default()
            }))
            .map(|made| made as Arc<dyn TokenCredential>)
        }
        Credential::DeviceCode { .. } | Credential::Browser { .. } => {
            return Err(unusable("a person signs in otherwise"));
        }
    };
    made.map_err(|error| fault::from_library(&error, None))
}

fn unusable(why: &str) -> Error {
    Error::SignIn(Box::new(SignInError {
        message: why.to_owned(),
        ..SignInError::default()
    }))
}

/// The token of another issuer, in a file that somebody else keeps fresh.
#[derive(Debug)]
struct TokenFile(PathBuf);

#[async_trait]
impl ClientAssertion for TokenFile {
    async fn secret(&self, _: Option<ClientMethodOptions<'_>>) -> azure_core::Result<String> {
        let text = std::fs::read_to_string(&self.0).map_err(|error| {
            azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                format!(
                    "the token file `{}` could not be read: {error}",
                    self.0.display()
                ),
            )
        })?;
        let text = text.trim();
        if text.is_empty() {
            return Err(azure_core::Error::with_message(
                azure_core::error::ErrorKind::Credential,
                format!("the token file `{}` is empty", self.0.display()),
            ));
        }
        Ok(text.to_owned())
    }
}

#[async_trait]
impl Tokens for Application {
    /// One caller at a time: nobody signs in twice.
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error> {
        let mut kept = self.kept.lock().await;
        let now = self.clock.now();
        if stale {
            kept.remove(&service);
        }
        if let Some(token) = kept.get(&service).filter(|token| is_fresh(token, now)) {
            return Ok(token.clone());
        }
        let adapter = Arc::new(Adapter::new(Arc::clone(&self.transport)));
        let scope = self.cloud.scope(service);
        let given = self
            .make(&adapter)?
            .get_token(&[&scope], None)
            .await
            .map_err(|error| match &self.credential {
                Credential::AzureCli { tenant } => fault::from_cli(&error, tenant.as_deref()),
                Credential::ManagedIdentity { .. } => fault::from_machine(&error, adapter.last()),
                _ => fault::from_library(&error, adapter.last()),
            })?;
        let expires = Timestamp::from_second(given.expires_on.unix_timestamp()).unwrap_or(now);
        let token = Token::new(given.token.secret().to_owned(), expires);
        kept.insert(service, token.clone());
        Ok(token)
    }
}

/// Whether a token can still be used for a while.
pub(super) fn is_fresh(token: &Token, now: Timestamp) -> bool {
    token.expires.duration_since(now) > EARLY
}
