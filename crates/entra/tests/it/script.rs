//! Answers by hand behind the seam for HTTP, tokens that can be counted, and a clock that goes with the runtime's.

use std::{
    fmt,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use breakglass_entra::{
    Cloud, Entra, Error, HttpRequest, HttpResponse, Service, Token, Tokens, Transport,
    TransportError, Wait,
};
use breakglass_model::Clock;
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

pub(crate) const START: &str = "2026-06-01T10:00:00Z";
/// [`START`] in the form of HTTP.
pub(crate) const START_HTTP: &str = "Mon, 01 Jun 2026 10:00:00 GMT";

pub(crate) type Reply = Result<HttpResponse, TransportError>;

/// A request as it was sent, and how long after the start.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) request: HttpRequest,
    pub(crate) after: Duration,
}

impl Seen {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let headers = self.request.headers.iter();
        let mut found = headers.filter(|(known, _)| known.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.request.body).unwrap()
    }

    /// A field of a form.
    pub(crate) fn form(&self, name: &str) -> Option<String> {
        url::form_urlencoded::parse(&self.request.body)
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.into_owned())
    }
}

type Handler = Box<dyn Fn(&HttpRequest, usize) -> Reply + Send + Sync>;

pub(crate) struct Script {
    handler: Handler,
    seen: Mutex<Vec<Seen>>,
    start: tokio::time::Instant,
    /// How long each answer takes.
    pub(crate) takes: Duration,
    now: AtomicUsize,
    pub(crate) most_at_once: AtomicUsize,
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Script")
    }
}

impl Script {
    /// Answers by this: the request, and how many came before it.
    pub(crate) fn new(
        handler: impl Fn(&HttpRequest, usize) -> Reply + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self::slow(Duration::ZERO, handler))
    }

    pub(crate) fn slow(
        takes: Duration,
        handler: impl Fn(&HttpRequest, usize) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self {
            handler: Box::new(handler),
            seen: Mutex::new(Vec::new()),
            start: tokio::time::Instant::now(),
            takes,
            now: AtomicUsize::new(0),
            most_at_once: AtomicUsize::new(0),
        }
    }

    /// These answers, one after the other; the last one again and again.
    pub(crate) fn of(replies: Vec<Reply>) -> Arc<Self> {
        Self::new(move |_, before| replies[before.min(replies.len() - 1)].clone())
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap().clone()
    }

    pub(crate) fn count(&self) -> usize {
        self.seen.lock().unwrap().len()
    }

    /// When requests were sent, in milliseconds after the start.
    pub(crate) fn times(&self) -> Vec<u128> {
        self.seen()
            .iter()
            .map(|seen| seen.after.as_millis())
            .collect()
    }
}

#[async_trait]
impl Transport for Script {
    async fn send(&self, request: HttpRequest) -> Reply {
        let before = {
            let mut seen = self.seen.lock().unwrap();
            seen.push(Seen {
                request: request.clone(),
                after: self.start.elapsed(),
            });
            seen.len() - 1
        };
        let now = self.now.fetch_add(1, Ordering::SeqCst) + 1;
        self.most_at_once.fetch_max(now, Ordering::SeqCst);
        tokio::time::sleep(self.takes).await;
        let reply = (self.handler)(&request, before);
        self.now.fetch_sub(1, Ordering::SeqCst);
        reply
    }
}

/// An answer.
#[allow(clippy::unnecessary_wraps, reason = "a reply may also be a failure")]
pub(crate) fn answer(status: u16, headers: &[(&str, &str)], body: impl ToString) -> Reply {
    Ok(HttpResponse {
        status,
        headers: headers
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        body: body.to_string().into(),
    })
}

pub(crate) fn ok(body: impl ToString) -> Reply {
    answer(200, &[], body)
}

pub(crate) fn unreachable() -> Reply {
    Err(TransportError::passing(
        "graph could not be reached".to_owned(),
    ))
}

/// Goes with the runtime's time.
#[derive(Debug)]
pub(crate) struct Running {
    base: Timestamp,
    start: tokio::time::Instant,
}

impl Running {
    pub(crate) fn new(base: Timestamp) -> Arc<Self> {
        Arc::new(Self {
            base,
            start: tokio::time::Instant::now(),
        })
    }
}

impl Clock for Running {
    fn now(&self) -> Timestamp {
        let gone = SignedDuration::try_from(self.start.elapsed()).unwrap();
        self.base.checked_add(gone).unwrap()
    }
}

/// Gives `secret-token-0`, and another one for each that was refused.
#[derive(Debug, Default)]
pub(crate) struct Counted {
    pub(crate) asked: Mutex<Vec<(Service, bool)>>,
}

impl Counted {
    pub(crate) fn renewed(&self) -> usize {
        let asked = self.asked.lock().unwrap();
        asked.iter().filter(|(_, stale)| *stale).count()
    }
}

#[async_trait]
impl Tokens for Counted {
    async fn token(&self, service: Service, stale: bool) -> Result<Token, Error> {
        self.asked.lock().unwrap().push((service, stale));
        let text = format!("secret-token-{}", self.renewed());
        Ok(Token::new(text, Timestamp::MAX))
    }
}

pub(crate) fn cloud() -> Cloud {
    let url = |host: &str| format!("https://{host}/").parse().unwrap();
    Cloud::custom(url("login"), url("graph"), url("arm"), url("logs"))
}

/// A connected tenant, and what it was told and gave.
pub(crate) struct Connected {
    pub(crate) entra: Entra,
    pub(crate) script: Arc<Script>,
    pub(crate) tokens: Arc<Counted>,
    waits: Arc<Mutex<Vec<Wait>>>,
}

impl Connected {
    pub(crate) fn new(script: Arc<Script>) -> Self {
        Self::at(script, START.parse().unwrap())
    }

    pub(crate) fn at(script: Arc<Script>, now: Timestamp) -> Self {
        let tokens = Arc::new(Counted::default());
        let waits = Arc::new(Mutex::new(Vec::new()));
        let told = Arc::clone(&waits);
        let entra = Entra::new(
            cloud(),
            tokens.clone(),
            script.clone(),
            Running::new(now),
            Arc::new(move |wait: &Wait| told.lock().unwrap().push(wait.clone())),
        );
        Self {
            entra,
            script,
            tokens,
            waits,
        }
    }

    pub(crate) fn waits(&self) -> Vec<Wait> {
        self.waits.lock().unwrap().clone()
    }
}
