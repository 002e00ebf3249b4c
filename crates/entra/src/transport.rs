//! HTTP itself: one request, one answer, nothing retried. The seam for tests that inject faults.
//!
//! Invariants:
//! - everything goes over TLS, except to the machine itself (loopback and link-local addresses, where managed identities
//!   are asked for), and that carries no `Authorization`, goes through no proxy and leads nowhere else;
//! - redirects are not followed, bodies are bounded, time is bounded.

use std::{error::Error as _, fmt, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, Method, redirect};
use url::{Host, Url};

/// The largest answer that is read. A page of a thousand users with everything is below 4 MiB.
const MOST_BYTES: usize = 64 << 20;

/// A request, ready to be sent.
#[derive(Clone)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: Method,
    /// Whole address.
    pub url: Url,
    /// Headers.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

impl fmt::Debug for HttpRequest {
    /// Without headers and body, which hold tokens and secrets.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}{}",
            self.method,
            self.url.origin().ascii_serialization(),
            self.url.path()
        )
    }
}

/// An answer, read to its end.
#[derive(Clone)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

impl fmt::Debug for HttpResponse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {} bytes", self.status, self.body.len())
    }
}

impl HttpResponse {
    /// The first header of a name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }
}

/// Why no answer came.
#[derive(Debug, Clone, Default, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TransportError {
    /// In words: what failed, with which host, and what to do.
    pub reason: String,
    /// Whether another try is of no use, as with a certificate that is not trusted.
    pub lasting: bool,
}

impl TransportError {
    /// A failure that may pass.
    pub const fn passing(reason: String) -> Self {
        Self {
            reason,
            lasting: false,
        }
    }

    /// A failure that stays until somebody changes something.
    pub const fn lasting(reason: String) -> Self {
        Self {
            reason,
            lasting: true,
        }
    }
}

/// Sends requests.
#[async_trait]
pub trait Transport: Send + Sync + fmt::Debug {
    /// Sends one request and reads the whole answer. Redirects are not followed.
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError>;
}

/// Certificates to trust beside the system's.
#[derive(Clone, Debug, Default)]
pub struct Trust {
    /// PEM texts with one or more certificates.
    pub extra_roots: Vec<Vec<u8>>,
}

/// HTTPS by reqwest and rustls.
#[derive(Clone, Debug)]
pub struct Https {
    client: Client,
    /// For the machine itself.
    near: Client,
}

impl Https {
    /// A client that trusts the system's certificate authorities and these.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub fn new(trust: &Trust) -> Result<Self, TransportError> {
        let mut roots = Vec::new();
        for pem in &trust.extra_roots {
            let some = Certificate::from_pem_bundle(pem).map_err(|error| {
                TransportError::lasting(format!(
                    "the certificates to trust cannot be read: {error}"
                ))
            })?;
            if some.is_empty() {
                return Err(TransportError::lasting(
                    "there is no certificate in the file of certificates to trust; it must be PEM"
                        .to_owned(),
                ));
            }
            roots.extend(some);
        }
        let builder = || {
            Client::builder()
                .redirect(redirect::Policy::none())
                .connect_timeout(Duration::from_secs(15))
                .timeout(Duration::from_mins(2))
                .user_agent(concat!("breakglass/", env!("CARGO_PKG_VERSION")))
        };
        let failed = |error: reqwest::Error| {
            TransportError::lasting(format!("HTTPS could not be set up: {error}"))
        };
        Ok(Self {
            client: builder()
                .https_only(true)
                .tls_certs_merge(roots)
                .build()
                .map_err(failed)?,
            near: builder()
                .no_proxy()
                .connect_timeout(Duration::from_secs(3))
                .build()
                .map_err(failed)?,
        })
    }

    /// The client that may send a request.
    fn client(&self, request: &HttpRequest) -> Result<&Client, TransportError> {
        if request.url.scheme() == "https" {
            return Ok(&self.client);
        }
        let is_near = match request.url.host() {
            Some(Host::Ipv4(address)) => address.is_loopback() || address.is_link_local(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            Some(Host::Domain(name)) => name.eq_ignore_ascii_case("localhost"),
            None => false,
        };
        let has_token = request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if request.url.scheme() == "http" && is_near && !has_token {
            return Ok(&self.near);
        }
        Err(TransportError::lasting(format!(
            "{} is not asked without TLS: its address must begin with https",
            request.url.host_str().unwrap_or_default()
        )))
    }
}

#[async_trait]
impl Transport for Https {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let host = place(&request.url);
        let failed = |error: reqwest::Error| failure(&host, &error);
        let client = self.client(&request)?;
        let mut builder = client.request(request.method, request.url);
        for (name, value) in &request.headers {
            builder = builder.header(name, value);
        }
        let mut answer = builder.body(request.body).send().await.map_err(failed)?;
        let status = answer.status().as_u16();
        let headers = answer
            .headers()
            .iter()
            .map(|(name, value)| {
                (
                    name.as_str().to_owned(),
                    String::from_utf8_lossy(value.as_bytes()).into_owned(),
                )
            })
            .collect();
        let mut body = BytesMut::new();
        while let Some(chunk) = answer.chunk().await.map_err(failed)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(TransportError::lasting(format!(
                    "{host} answered with more than {} MiB, which no answer should have: is a proxy in between?",
                    MOST_BYTES >> 20
                )));
            }
            body.extend_from_slice(&chunk);
        }
        Ok(HttpResponse {
            status,
            headers,
            body: body.freeze(),
        })
    }
}

/// Host, and port where it is not the usual one.
fn place(url: &Url) -> String {
    let host = url.host_str().unwrap_or_default();
    url.port()
        .map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"))
}

/// What failed, in words that lead on.
fn failure(host: &str, error: &reqwest::Error) -> TransportError {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let all = causes.join(": ").to_lowercase();
    let says = |word: &str| all.contains(word);
    let (lasting, passing) = (TransportError::lasting, TransportError::passing);
    if error.is_builder() {
        return lasting(format!("the request to {host} cannot be written: {error}"));
    }
    if says("dns error") || says("name or service") || says("name resolution") {
        return passing(format!(
            "the name {host} could not be looked up: is the network up, and the cloud the right one?"
        ));
    }
    if says("not valid for name") || says("notvalidforname") {
        return lasting(format!(
            "the certificate that {host} shows is for another name: is the address the right one, or is a proxy in between?"
        ));
    }
    if says("certificate expired") || says("certificate not valid yet") || says("notvalidyet") {
        return lasting(format!(
            "the certificate of {host} is not valid at this time: is this machine's clock right?"
        ));
    }
    if says("certificate") || says("unknownissuer") {
        return lasting(format!(
            "the certificate of {host} is not trusted: behind a proxy that opens TLS, or with a cloud of its own, name its \
             authority with `ca_file`"
        ));
    }
    if says("refused") {
        return passing(format!(
            "{host} refused the connection: is it running, and is a proxy or firewall in between?"
        ));
    }
    if error.is_timeout() {
        return passing(format!(
            "{host} did not answer in time: is the network up, and is a firewall in between?"
        ));
    }
    let last = causes
        .last()
        .map_or_else(|| "the connection broke".to_owned(), Clone::clone);
    passing(format!("{host} could not be reached: {last}"))
}
