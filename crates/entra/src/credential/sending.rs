//! Requests to token endpoints, repeated a few times: what Microsoft's library sends and what we send for people.

use std::time::Duration;

use backon::BackoffBuilder;

use crate::{HttpRequest, HttpResponse, Transport, TransportError};

/// Repeats of one request: about seven seconds, since nobody is told about these waits.
const REPEATS: usize = 3;
/// The longest wait for a repeat that is granted to a token endpoint.
const LONGEST: Duration = Duration::from_secs(30);

/// Sends a request until it is answered.
pub(super) async fn send(
    transport: &dyn Transport,
    mut request: HttpRequest,
) -> Result<HttpResponse, TransportError> {
    let mut backoff = backon::ExponentialBuilder::default()
        .with_min_delay(Duration::from_secs(1))
        .with_jitter()
        .with_max_times(REPEATS)
        .build();
    let id = "client-request-id";
    if !request.headers.iter().any(|(name, _)| name == id) {
        let new = uuid::Uuid::new_v4().to_string();
        request.headers.push((id.to_owned(), new));
    }
    loop {
        let result = transport.send(request.clone()).await;
        let asked = match &result {
            Ok(answer) if matches!(answer.status, 429 | 500 | 502..=504) => answer
                .header("retry-after")
                .and_then(|text| text.trim().parse().ok())
                .and_then(|seconds| Duration::try_from_secs_f64(seconds).ok()),
            Err(error) if !error.lasting => None,
            _ => return result,
        };
        let Some(pause) = backoff.next() else {
            return result;
        };
        if asked.is_some_and(|asked| asked > LONGEST) {
            return result;
        }
        tokio::time::sleep(asked.unwrap_or(pause)).await;
    }
}
