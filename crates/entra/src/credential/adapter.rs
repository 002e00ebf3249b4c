//! Our transport as the HTTP client of Microsoft's own library: one connection pool, one place for trust, faults and
//! repeats. It keeps the last answer, since the library tells of a refusal only its description.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, PoisonError},
};

use azure_core::{
    error::{Error, ErrorKind},
    http::{
        AsyncRawResponse, Body, HttpClient, Method, Request,
        headers::{HeaderName, HeaderValue, Headers},
    },
};

use super::sending;
use crate::{HttpRequest, HttpResponse, Transport};

#[derive(Debug)]
pub(super) struct Adapter {
    transport: Arc<dyn Transport>,
    last: Mutex<Option<(String, HttpResponse)>>,
}

impl Adapter {
    pub(super) fn new(transport: Arc<dyn Transport>) -> Self {
        Self {
            transport,
            last: Mutex::new(None),
        }
    }

    /// The last answer, and the host that gave it.
    pub(super) fn last(&self) -> Option<(String, HttpResponse)> {
        self.last
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}

#[async_trait::async_trait]
impl HttpClient for Adapter {
    async fn execute_request(&self, request: &Request) -> azure_core::Result<AsyncRawResponse> {
        let method = match request.method() {
            Method::Post => reqwest::Method::POST,
            Method::Get => reqwest::Method::GET,
            other => {
                return Err(Error::with_message(
                    ErrorKind::Other,
                    format!("signing in needs no {other}"),
                ));
            }
        };
        let headers = request
            .headers()
            .iter()
            .map(|(name, value)| (name.as_str().to_owned(), value.as_str().to_owned()))
            .collect();
        let Body::Bytes(body) = request.body().clone() else {
            return Err(Error::with_message(
                ErrorKind::Other,
                "signing in streams nothing",
            ));
        };
        let sent = HttpRequest {
            method,
            url: request.url().clone(),
            headers,
            body,
        };
        let answer = sending::send(self.transport.as_ref(), sent)
            .await
            .map_err(|error| Error::with_error(ErrorKind::Io, error.clone(), error.reason))?;
        let host = request.url().host_str().unwrap_or_default().to_owned();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some((host, answer.clone()));
        let headers: HashMap<HeaderName, HeaderValue> = answer
            .headers
            .into_iter()
            .map(|(name, value)| (HeaderName::from(name), HeaderValue::from(value)))
            .collect();
        Ok(AsyncRawResponse::from_bytes(
            answer.status.into(),
            Headers::from(headers),
            answer.body,
        ))
    }
}
