//! Tokens of applications, through Microsoft's own library.

use std::{
    collections::HashMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
};

use async_trait::async_trait;
use azure_core::{
    cloud::{CloudConfiguration, CustomConfiguration},
    credentials::{Secret, TokenCredential},
    http::{
        ClientMethodOptions, ClientOptions, ExponentialRetryOptions, RetryOptions,
        Transport as Sender,
    },
};
use azure_identity::{
    AzureCliCredential, AzureCliCredentialOptions, ClientAssertion, ClientAssertionCredential,
    ClientAssertionCredentialOptions, ClientSecretCredential, ClientSecretCredentialOptions,
    ManagedIdentityCredential, ManagedIdentityCredentialOptions, UserAssignedId,
};
use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};

use super::{Credential, Token, Tokens, adapter::Adapter, assertion::Certificate, fault};
use crate::{Cloud, Error, Service, Transport, error::SignInError};

/// A token is renewed this long before its end.
const EARLY: SignedDuration = SignedDuration::from_mins(5);

type Made = Result<Arc<dyn TokenCredential>, Error>;

/// An application that signs in by itself.
pub(super) struct Application {
    make: Box<dyn Fn() -> Made + Send + Sync>,
    cloud: Cloud,
    clock: Arc<dyn Clock>,
    /// What is in use; another one is made when a token was refused, since the library keeps its own.
    current: Mutex<Arc<dyn TokenCredential>>,
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
        let of = cloud.clone();
        let now = Arc::clone(&clock);
        let make: Box<dyn Fn() -> Made + Send + Sync> =
            Box::new(move || make(&credential, certificate.as_ref(), &of, &transport, &now));
        Ok(Self {
            current: Mutex::new(make()?),
            make,
            cloud,
            clock,
            kept: Mutex::new(HashMap::new()),
        })
    }
}

fn make(
    credential: &Credential,
    certificate: Option<&Certificate>,
    cloud: &Cloud,
    transport: &Arc<dyn Transport>,
    clock: &Arc<dyn Clock>,
) -> Made {
    let options = || ClientOptions {
        transport: Some(Sender::new(Arc::new(Adapter(Arc::clone(transport))))),
        retry: RetryOptions::exponential(ExponentialRetryOptions {
            max_retries: 3,
            ..ExponentialRetryOptions::default()
        }),
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
    made.map_err(|error| fault::from_library(&error.to_string()))
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
        Ok(text.trim().to_owned())
    }
}

#[async_trait]
impl Tokens for Application {
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error> {
        let now = self.clock.now();
        if stale {
            *self.current.lock().unwrap_or_else(PoisonError::into_inner) = (self.make)()?;
            self.kept
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .clear();
        }
        let kept = self
            .kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&service)
            .cloned();
        if let Some(token) = kept.filter(|token| is_fresh(token, now)) {
            return Ok(token);
        }
        let credential = Arc::clone(&self.current.lock().unwrap_or_else(PoisonError::into_inner));
        let scope = self.cloud.scope(service);
        let given = credential
            .get_token(&[&scope], None)
            .await
            .map_err(|error| fault::from_library(&error.to_string()))?;
        let expires = Timestamp::from_second(given.expires_on.unix_timestamp()).unwrap_or(now);
        let token = Token::new(given.token.secret().to_owned(), expires);
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(service, token.clone());
        Ok(token)
    }
}

/// Whether a token can still be used for a while.
pub(super) fn is_fresh(token: &Token, now: Timestamp) -> bool {
    token.expires.duration_since(now) > EARLY
}
