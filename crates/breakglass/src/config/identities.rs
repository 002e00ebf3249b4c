//! `[identity.<name>]`: who the program is to the tenant. Each purpose has an app registration of its own.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use breakglass_model::source_text::{Found, Section};

use super::{
    Secret, SecretSource,
    secrets::{Loader, one_of, refer, refuse_literal},
    values,
};

/// What an identity is for. Reading logs has its own app registration, since limits are counted for each; writing has
/// one that stands in a file of its own, on a host of its own.
pub const PURPOSES: &[&str] = &["watch", "posture", "apply"];

/// Who the program is to the tenant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity<S> {
    /// Application (client) id; people who sign in may leave it out.
    pub client_id: Option<String>,
    /// How it proves who it is.
    pub proof: Proof<S>,
}

/// How an identity proves who it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Proof<S> {
    /// A certificate whose private key lies in the same PEM file or in one of its own.
    Certificate {
        /// PEM file with the certificate.
        certificate_file: PathBuf,
        /// PEM file with the private key, when it is not in the first.
        key_file: Option<PathBuf>,
    },
    /// A client secret.
    Secret(S),
    /// A token of another issuer that the app registration trusts (workload identity federation).
    FederatedToken(PathBuf),
    /// The identity that Azure gives to the machine.
    ManagedIdentity,
    /// The login of the Azure CLI.
    AzureCli,
    /// A person with a code on another device.
    DeviceCode,
    /// A person in the browser of this machine.
    Browser,
}

impl Identity<SecretSource> {
    /// Loads the secret. `None`: what went wrong is in the loader.
    pub(super) fn resolve(&self, loader: &mut Loader<'_>) -> Option<Identity<Secret>> {
        let proof = match &self.proof {
            Proof::Secret(source) => Proof::Secret(loader.one(source)?),
            Proof::Certificate {
                certificate_file,
                key_file,
            } => Proof::Certificate {
                certificate_file: certificate_file.clone(),
                key_file: key_file.clone(),
            },
            Proof::FederatedToken(file) => Proof::FederatedToken(file.clone()),
            Proof::ManagedIdentity => Proof::ManagedIdentity,
            Proof::AzureCli => Proof::AzureCli,
            Proof::DeviceCode => Proof::DeviceCode,
            Proof::Browser => Proof::Browser,
        };
        Some(Identity {
            client_id: self.client_id.clone(),
            proof,
        })
    }
}

const FIELDS: &[&str] = &[
    "client_id",
    "certificate_file",
    "key_file",
    "secret",
    "secret_file",
    "secret_env",
    "federated_token_file",
    "managed_identity",
    "sign_in",
];

pub(super) fn read(
    root: &Section<'_, '_>,
    base: &Path,
) -> BTreeMap<&'static str, Identity<SecretSource>> {
    let mut identities = BTreeMap::new();
    let Some(section) = root.section("identity", "`[identity]`", PURPOSES) else {
        return identities;
    };
    for purpose in PURPOSES {
        let name = match *purpose {
            "watch" => "`[identity.watch]`",
            "apply" => "`[identity.apply]`",
            _ => "`[identity.posture]`",
        };
        if let Some(identity) = section
            .section(purpose, name, FIELDS)
            .and_then(|section| identity(&section, base))
        {
            identities.insert(*purpose, identity);
        }
    }
    identities
}

fn identity(section: &Section<'_, '_>, base: &Path) -> Option<Identity<SecretSource>> {
    let document = section.document();
    refuse_literal(section, "secret");
    one_of(
        section,
        &[
            "certificate_file",
            "secret_file",
            "secret_env",
            "federated_token_file",
            "managed_identity",
            "sign_in",
        ],
    );
    let key_file = values::path(section, "key_file", base);
    if let (Some(span), false) = (
        section.field_span("key_file"),
        section.has("certificate_file"),
    ) {
        document.report(
            document
                .at(&span, "`key_file` is given without `certificate_file`")
                .with_help("name the certificate too: Microsoft Entra knows the key by it"),
        );
    }
    let client_id = section.text("client_id");
    let is_managed = section
        .flag("managed_identity")
        .is_some_and(|flag| *flag.get_ref());
    let sign_in = section.word(
        "sign_in",
        &[
            ("azure-cli", Proof::AzureCli),
            ("device-code", Proof::DeviceCode),
            ("browser", Proof::Browser),
        ],
    );
    let proof = if let Some(certificate_file) = values::path(section, "certificate_file", base) {
        Proof::Certificate {
            certificate_file,
            key_file,
        }
    } else if let Some(secret) = refer(section, "secret", base) {
        Proof::Secret(secret)
    } else if let Some(file) = values::path(section, "federated_token_file", base) {
        Proof::FederatedToken(file)
    } else if is_managed {
        Proof::ManagedIdentity
    } else if let Some(sign_in) = sign_in {
        sign_in.into_inner()
    } else {
        if !FIELDS[1..].iter().any(|field| section.has(field)) {
            document.report(
                document
                    .at(section.span(), format!("{} does not say how it signs in", section.name()))
                    .with_help(
                        "write one of `certificate_file`, `secret_file`, `secret_env`, `federated_token_file`, \
                         `managed_identity = true`, `sign_in = \"azure-cli\"`",
                    ),
            );
        }
        return None;
    };
    let needs_client = matches!(
        proof,
        Proof::Certificate { .. } | Proof::Secret(_) | Proof::FederatedToken(_)
    );
    if needs_client {
        section.need("client_id", client_id.as_ref())?;
    }
    Some(Identity {
        client_id: client_id.map(Found::into_inner),
        proof,
    })
}
