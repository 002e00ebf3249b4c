//! HTTP itself: one request, one answer, nothing retried. The seam for tests that inject faults.

use std::{error::Error as _, fmt, time::Duration};

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use reqwest::{Certificate, Client, Method, redirect};
use url::Url;

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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TransportError {
    /// In words: what failed, with which host, and what to do.
    pub reason: String,
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
}

impl Https {
    /// A client that trusts the system's certificate authorities and these.
    ///
    /// # Errors
    /// When a certificate cannot be read.
    pub fn new(trust: &Trust) -> Result<Self, TransportError> {
        let mut roots = Vec::new();
        for pem in &trust.extra_roots {
            let some = Certificate::from_pem_bundle(pem).map_err(|error| TransportError {
                reason: format!("the certificates to trust cannot be read: {error}"),
            })?;
            roots.extend(some);
        }
        let client = Client::builder()
            .redirect(redirect::Policy::none())
            .https_only(true)
            .connect_timeout(Duration::from_secs(15))
            .timeout(Duration::from_mins(2))
            .user_agent(concat!("breakglass/", env!("CARGO_PKG_VERSION")))
            .tls_certs_merge(roots)
            .build()
            .map_err(|error| TransportError {
                reason: format!("HTTPS could not be set up: {error}"),
            })?;
        Ok(Self { client })
    }
}

#[async_trait]
impl Transport for Https {
    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, TransportError> {
        let host = request.url.host_str().unwrap_or_default().to_owned();
        let failed = |error: reqwest::Error| TransportError {
            reason: reason(&host, &error),
        };
        let mut builder = self.client.request(request.method, request.url);
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
                return Err(TransportError {
                    reason: format!("{host} answered with more than {} MiB", MOST_BYTES >> 20),
                });
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

/// What failed, in words that lead on.
fn reason(host: &str, error: &reqwest::Error) -> String {
    let mut causes = Vec::new();
    let mut next = error.source();
    while let Some(cause) = next {
        causes.push(cause.to_string());
        next = cause.source();
    }
    let all = causes.join(": ").to_lowercase();
    if all.contains("dns error")
        || all.contains("name or service")
        || all.contains("name resolution")
    {
        return format!(
            "the name {host} could not be looked up: is the network up, and the cloud the right one?"
        );
    }
    if all.contains("certificate") || all.contains("unknownissuer") {
        return format!(
            "the certificate of {host} is not trusted: behind a proxy that opens TLS, or with a cloud of its own, name its \
             authority with `ca_file`"
        );
    }
    if all.contains("refused") {
        return format!(
            "{host} refused the connection: is it running, and is a proxy or firewall in between?"
        );
    }
    if error.is_timeout() {
        return format!("{host} did not answer in time");
    }
    let last = causes
        .last()
        .map_or_else(|| "the connection broke".to_owned(), Clone::clone);
    format!("{host} could not be reached: {last}")
}
