//! The twin's certificate authority and the certificate of its listeners, made anew at every start.
//!
//! Invariant: the authority's key is dropped as soon as the one certificate is signed, so that nothing else can ever
//! be made in its name.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use rustls::{
    ServerConfig,
    pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer},
};

use crate::LabError;

/// Names that the certificate is good for besides those of the configuration: this machine, and the hosts of the
/// public cloud that a test may map to it.
const NAMES: &[&str] = &[
    "localhost",
    "127.0.0.1",
    "::1",
    "login.microsoft.com",
    "login.microsoftonline.com",
    "graph.microsoft.com",
    "management.azure.com",
    "api.loganalytics.azure.com",
    "api.loganalytics.io",
];

/// What the listeners present and what clients must trust.
pub(crate) struct Certificate {
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) ca_pem: String,
}

/// Makes an authority and one certificate under it.
pub(crate) fn generate(extra: &[String]) -> Result<Certificate, LabError> {
    let wrong = |error: &dyn std::fmt::Display| LabError::Certificate(error.to_string());
    // Fixed dates: the clock of the run may stand still in the past, while clients judge by the real one.
    let from = date_time_ymd(2020, 1, 1);
    let until = date_time_ymd(2049, 1, 1);

    let mut params = CertificateParams::default();
    params
        .distinguished_name
        .push(DnType::CommonName, "breakglass twin: certificate authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    (params.not_before, params.not_after) = (from, until);
    let authority = KeyPair::generate()
        .and_then(|key| CertifiedIssuer::self_signed(params, key))
        .map_err(|error| wrong(&error))?;

    let mut names: Vec<String> = NAMES.iter().map(|&name| name.to_owned()).collect();
    names.extend(extra.iter().cloned());
    let mut params = CertificateParams::new(names).map_err(|error| wrong(&error))?;
    params
        .distinguished_name
        .push(DnType::CommonName, "breakglass twin");
    params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    (params.not_before, params.not_after) = (from, until);
    let key = KeyPair::generate().map_err(|error| wrong(&error))?;
    let leaf = params
        .signed_by(&key, &authority)
        .map_err(|error| wrong(&error))?;

    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let chain = vec![leaf.der().clone(), authority.der().clone()];
    let mut config = ServerConfig::builder_with_provider(Arc::new(
        rustls::crypto::aws_lc_rs::default_provider(),
    ))
    .with_safe_default_protocol_versions()
    .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
    .map_err(|error| wrong(&error))?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(Certificate {
        config: Arc::new(config),
        ca_pem: authority.pem(),
    })
}
