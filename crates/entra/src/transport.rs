//! HTTP itself: one request, one answer, nothing retried. The seam for tests that inject faults.

use async_trait::async_trait;
use bytes::Bytes;

/// A request, ready to be sent.
#[derive(Clone, Debug)]
pub struct HttpRequest {
    /// `GET`, `POST`, …
    pub method: &'static str,
    /// Whole address.
    pub url: url::Url,
    /// Headers; `authorization` is added by the client and redacted in [`std::fmt::Debug`] output.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

/// An answer, read to its end.
#[derive(Clone, Debug)]
pub struct HttpResponse {
    /// HTTP status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// Body.
    pub body: Bytes,
}

/// Why no answer came.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub struct TransportError {
    /// In words: what failed, with which host.
    pub reason: String,
    /// Whether the request surely did not reach the service, so that repeating it is safe.
    pub never_sent: bool,
}

/// Sends requests.
#[async_trait]
pub trait Transport: Send + Sync + std::fmt::Debug {
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
#[derive(Debug)]
pub struct Https {}
