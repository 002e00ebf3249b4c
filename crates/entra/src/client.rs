//! The one HTTP layer: budget, retries, paging, batches.
//!
//! Invariants:
//! - a token is sent to the origin of its service and to no other; a next link elsewhere is an error;
//! - a read is repeated a bounded number of times, as is a write that may be repeated like one (`passkeys`); another
//!   write only where the service says that it was not done (429);
//! - a refused token is replaced once in a call, and by one new token for all calls that it was refused to;
//! - a redirect is an error and is not followed;
//! - before every wait somebody is told how long and why.

mod batch;
mod logs;
mod pages;
mod repeat;
mod request;
mod token;

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use breakglass_model::Clock;
use bytes::Bytes;
use jiff::SignedDuration;
use serde_json::Value;
use tokio::sync::Semaphore;
use url::Url;

use crate::{
    Cloud, Error, HttpRequest, HttpResponse, Service, Tokens, Transport,
    budget::{Budget, Workload},
    error::{line, parsed, refusal, unreadable, without},
};

pub use logs::Rows;
use repeat::{LONGEST, SHORTEST, backoff, http_date, is_passing, retry_after};

pub use pages::Pages;
pub use request::{Request, Version};
pub use token::Granted;

/// Calls that are on their way to one service at the same time.
const AT_ONCE: usize = 4;

/// What came of one try.
struct Sent {
    result: Result<HttpResponse, crate::TransportError>,
    token: crate::Token,
    renewals: u64,
}

/// Why and how long a call waits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wait {
    /// How long.
    pub time: Duration,
    /// Why, as a clause.
    pub why: String,
    /// What was asked for.
    pub call: String,
}

/// Is told before each wait.
pub type Notice = Arc<dyn Fn(&Wait) + Send + Sync>;

/// What was spent so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spent {
    /// Requests, repeats included.
    pub requests: u64,
    /// Requests that were repeats.
    pub retries: u64,
    /// Time that was spent waiting for limits.
    pub waited: Duration,
}

#[derive(Debug, Default)]
struct Counters {
    requests: AtomicU64,
    retries: AtomicU64,
    waited: AtomicU64,
}

/// A connected tenant. Copies share everything.
#[derive(Clone)]
pub struct Entra {
    inner: Arc<Inner>,
}

struct Inner {
    cloud: Cloud,
    tokens: Arc<dyn Tokens>,
    transport: Arc<dyn Transport>,
    clock: Arc<dyn Clock>,
    notice: Notice,
    budget: Budget,
    at_once: [Semaphore; 3],
    /// How many tokens were refused and replaced, by service.
    renewed: [tokio::sync::Mutex<u64>; 3],
    counters: Counters,
    offset: Mutex<Option<SignedDuration>>,
}

impl fmt::Debug for Entra {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Entra")
            .field("cloud", &self.inner.cloud)
            .finish_non_exhaustive()
    }
}

impl Entra {
    /// Connects: nothing is sent yet.
    pub fn new(
        cloud: Cloud,
        tokens: Arc<dyn Tokens>,
        transport: Arc<dyn Transport>,
        clock: Arc<dyn Clock>,
        notice: Notice,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                cloud,
                tokens,
                transport,
                clock,
                notice,
                budget: Budget::default(),
                at_once: [(); 3].map(|()| Semaphore::new(AT_ONCE)),
                renewed: [(); 3].map(|()| tokio::sync::Mutex::new(0)),
                counters: Counters::default(),
                offset: Mutex::new(None),
            }),
        }
    }

    /// The cloud.
    pub fn cloud(&self) -> &Cloud {
        &self.inner.cloud
    }

    /// What was spent so far.
    pub fn spent(&self) -> Spent {
        let counters = &self.inner.counters;
        Spent {
            requests: counters.requests.load(Ordering::Relaxed),
            retries: counters.retries.load(Ordering::Relaxed),
            waited: Duration::from_millis(counters.waited.load(Ordering::Relaxed)),
        }
    }

    /// How far our clock is ahead of the service's (negative: behind), by the `Date` of its last answer, to the second.
    pub fn clock_offset(&self) -> Option<SignedDuration> {
        *self
            .inner
            .offset
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads one answer.
    ///
    /// # Errors
    /// What the service refused, or why it gave no answer.
    pub async fn get(&self, request: Request) -> Result<Value, Error> {
        let url = self.address(&request)?;
        let answer = self.answer(&request, url).await?;
        json(&request.call(), &answer)
    }

    /// Reads the pages of a list, one at a time.
    pub fn pages(&self, request: Request) -> Pages {
        Pages::new(self.clone(), request)
    }

    /// Reads a list to its end.
    ///
    /// # Errors
    /// What the service refused, or why it gave no answer.
    pub async fn all(&self, request: Request) -> Result<Vec<Value>, Error> {
        let mut pages = self.pages(request);
        let mut all = Vec::new();
        while let Some(page) = pages.next().await? {
            all.extend(page);
        }
        Ok(all)
    }

    /// The number that a path ending in `/$count` gives (Microsoft Graph, *Advanced query capabilities*).
    ///
    /// # Errors
    /// What the service refused, or why it gave no answer.
    pub async fn count(&self, path: &str) -> Result<u64, Error> {
        let request = Request::graph(Version::V1, path)
            .advanced()
            .header("Accept", "text/plain");
        let url = self.address(&request)?;
        let answer = self.answer(&request, url).await?;
        let text = String::from_utf8_lossy(&answer.body);
        text.trim_start_matches('\u{feff}')
            .trim()
            .parse()
            .map_err(|_| Error::Unusable {
                call: request.call(),
                why: "it is not a number".to_owned(),
            })
    }

    /// The address of a request.
    pub(crate) fn address(&self, request: &Request) -> Result<Url, Error> {
        let base = self.inner.cloud.base(request.service);
        let why = match base.join(&request.path) {
            Ok(url) if url.origin() == base.origin() => return Ok(url),
            Ok(url) => format!(
                "its path leads to another host, {}, which gets no token of ours",
                line(url.host_str().unwrap_or_default())
            ),
            Err(error) => format!("its address cannot be written: {error}"),
        };
        Err(Error::Unusable {
            call: request.call(),
            why,
        })
    }

    fn refusal(&self, call: &str, answer: &HttpResponse) -> crate::Refusal {
        refusal(call, answer, self.clock_offset())
    }

    /// Sends a request until it is answered, refused, or not worth another try.
    pub(crate) async fn answer(&self, request: &Request, url: Url) -> Result<HttpResponse, Error> {
        let call = request.call();
        let mut backoff = backoff();
        let mut refused = None;
        loop {
            self.pace(request.costs(), &call).await;
            let Sent {
                result,
                token,
                renewals,
            } = self.send(request, url.clone(), refused).await?;
            let (asked, why, error) = match result {
                Ok(answer) if (200..300).contains(&answer.status) => return Ok(answer),
                Ok(answer) if answer.status == 401 && refused.is_none() => {
                    // The token may have run out on the way, or been revoked; one new one is worth a try.
                    refused = Some(renewals);
                    continue;
                }
                Ok(answer) => {
                    let mut refusal = self.refusal(&call, &answer);
                    refusal.message = without(&refusal.message, token.secret()).into_owned();
                    if !is_passing(answer.status) {
                        return Err(Error::Refused(Box::new(refusal)));
                    }
                    let asked = self.asked(&call, &answer)?;
                    if let Some(asked) = asked {
                        self.pause(request.workload(), asked);
                    }
                    let why = match answer.status {
                        429 => "Microsoft asks to slow down".to_owned(),
                        status => format!("Microsoft answered {status}"),
                    };
                    let error = Error::Refused(Box::new(refusal));
                    if request.writes() && answer.status != 429 {
                        // It may have been done all the same: whoever sent it looks before it is sent again.
                        return Err(error);
                    }
                    (asked, why, error)
                }
                Err(error) => {
                    let why = error.reason.clone();
                    let lasting = error.lasting;
                    let call = call.clone();
                    let error = Error::NotReached { call, error };
                    if lasting || request.writes() {
                        return Err(error);
                    }
                    (None, why, error)
                }
            };
            let Some(pause) = backoff.next() else {
                return Err(error);
            };
            self.inner.counters.retries.fetch_add(1, Ordering::Relaxed);
            self.wait(asked.unwrap_or(pause), &why, &call).await;
        }
    }

    /// Waits until the limits allow calls of these workloads.
    pub(crate) async fn pace(
        &self,
        costs: impl IntoIterator<Item = (Workload, usize)>,
        call: &str,
    ) {
        let now = self.inner.clock.now();
        let waits = costs
            .into_iter()
            .map(|(workload, units)| (self.inner.budget.take(workload, units, now), workload));
        if let Some((wait, workload)) = waits.max_by_key(|(wait, _)| *wait)
            && !wait.is_zero()
        {
            self.wait(wait, workload.name(), call).await;
        }
    }

    /// What a service that is busy asks to wait; an error when that is too long for a command.
    fn asked(&self, call: &str, answer: &HttpResponse) -> Result<Option<Duration>, Error> {
        match retry_after(answer, self.inner.clock.now()) {
            Some(after) if after > LONGEST => Err(Error::Throttled {
                call: call.to_owned(),
                after,
            }),
            Some(asked) => Ok(Some(asked.max(SHORTEST))),
            None => Ok(None),
        }
    }

    /// What the service asked of one holds for all: repeating at once only makes it longer.
    fn pause(&self, workload: Workload, time: Duration) {
        let now = self.inner.clock.now();
        if let Ok(until) = now.checked_add(time) {
            self.inner.budget.pause(workload, until);
        }
    }

    async fn wait(&self, time: Duration, why: &str, call: &str) {
        (self.inner.notice)(&Wait {
            time,
            why: why.to_owned(),
            call: call.to_owned(),
        });
        let milliseconds = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        self.inner
            .counters
            .waited
            .fetch_add(milliseconds, Ordering::Relaxed);
        tokio::time::sleep(time).await;
    }

    /// A token for a service, and how many were replaced before it. `refused`: how many were before the one that was
    /// refused, so that of the calls that it was refused to, only the first asks for another.
    async fn token(
        &self,
        service: Service,
        refused: Option<u64>,
    ) -> Result<(crate::Token, u64), Error> {
        let tokens = &self.inner.tokens;
        let mut renewals = self.inner.renewed[service as usize].lock().await;
        if refused == Some(*renewals) {
            let token = tokens.token(service, true).await?;
            *renewals += 1;
            return Ok((token, *renewals));
        }
        Ok((tokens.token(service, false).await?, *renewals))
    }

    /// One try.
    async fn send(&self, request: &Request, url: Url, refused: Option<u64>) -> Result<Sent, Error> {
        let inner = &self.inner;
        // The semaphores are never closed, so a permit is always given.
        let _permit = inner.at_once[request.service as usize].acquire().await;
        let (token, renewals) = self.token(request.service, refused).await?;
        let mut headers = vec![
            (
                "authorization".to_owned(),
                format!("Bearer {}", token.secret()),
            ),
            (
                "client-request-id".to_owned(),
                uuid::Uuid::new_v4().to_string(),
            ),
        ];
        if !request
            .headers
            .iter()
            .any(|(name, _)| name.eq_ignore_ascii_case("accept"))
        {
            headers.push(("accept".to_owned(), "application/json".to_owned()));
        }
        headers.extend(
            request
                .headers
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned())),
        );
        let body = match &request.body {
            Some(body) => {
                headers.push(("content-type".to_owned(), "application/json".to_owned()));
                Bytes::from(body.to_string())
            }
            None => Bytes::new(),
        };
        inner.counters.requests.fetch_add(1, Ordering::Relaxed);
        let result = inner
            .transport
            .send(HttpRequest {
                method: request.method.clone(),
                url,
                headers,
                body,
            })
            .await;
        if let Ok(answer) = &result {
            self.note(request, answer);
        }
        Ok(Sent {
            result,
            token,
            renewals,
        })
    }

    /// What an answer tells beside its body.
    fn note(&self, request: &Request, answer: &HttpResponse) {
        let now = self.inner.clock.now();
        if let Some(date) = answer.header("date").and_then(http_date) {
            *self
                .inner
                .offset
                .lock()
                .unwrap_or_else(PoisonError::into_inner) = Some(now.duration_since(date));
        }
        // Above 0.8 the units of the moment run out: a second's pause is cheaper than a refusal.
        let used = answer
            .header("x-ms-throttle-limit-percentage")
            .and_then(|text| text.parse::<f64>().ok());
        if used.is_some_and(|used| used >= 0.9) {
            self.pause(request.workload(), Duration::from_secs(1));
        }
    }
}

/// The JSON of an answer.
fn json(call: &str, answer: &HttpResponse) -> Result<Value, Error> {
    parsed(&answer.body).map_err(|error| unreadable(call, answer, &error))
}
