//! Our transport as the HTTP client of Microsoft's own library: one connection pool, one place for trust and faults.

use std::{collections::HashMap, sync::Arc};

use azure_core::{
    error::{Error, ErrorKind},
    http::{
        AsyncRawResponse, Body, HttpClient, Method, Request,
        headers::{HeaderName, HeaderValue, Headers},
    },
};

use crate::{HttpRequest, Transport};

#[derive(Debug)]
pub(super) struct Adapter(pub(super) Arc<dyn Transport>);

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
        let answer = self
            .0
            .send(HttpRequest {
                method,
                url: request.url().clone(),
                headers,
                body,
            })
            .await
            .map_err(|error| Error::with_error(ErrorKind::Io, error.clone(), error.reason))?;
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
