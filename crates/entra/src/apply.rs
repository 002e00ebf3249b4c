//! Taking the steps of a plan: the only writes that are ever sent.
//!
//! A write is sent when the tenant stands as the plan says that it stood, and counts as done only when it is read back.
//! Microsoft's directory answers from copies that lag behind, so reading back is patient, and an object that is not there
//! yet right after it was made is no refusal. A write whose answer was lost may have been done: the tenant is looked at
//! before anything is sent again, so that nothing is made twice.

use std::time::Duration;

use breakglass_model::plan::{
    Api, Approved, GRAPH, Known, Look, NEW, PASSWORD, Send, Verb, Write, has,
};
use reqwest::Method;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::{Entra, Error, Request, Service, Version};

/// Waits between two looks after a write, in seconds: three minutes in all. Microsoft names no bound; Terraform's
/// providers wait as long.
const PATIENCE: [u64; 9] = [1, 2, 4, 8, 15, 30, 30, 45, 45];
/// How often a write is sent before its refusal counts.
const TRIES: usize = 5;

/// How the tenant stands to a write.
#[derive(Clone, Debug, PartialEq)]
pub enum Standing {
    /// As the plan says that it stood: the write can be sent.
    Before,
    /// As it shall be: nothing has to be sent. The object, or null.
    After(Value),
    /// Neither: somebody changed it since. What is there, or null.
    Moved(Value),
}

/// Why a step was not taken.
#[derive(Debug, thiserror::Error)]
pub enum StepError {
    /// An earlier step did not give what this one names.
    #[error("it names `{0}`, which no earlier step gave")]
    Unknown(String),
    /// The tenant is not as the plan says that it was.
    #[error("the tenant has changed since the plan was made: {0}")]
    Moved(String),
    /// Microsoft refused, or did not answer.
    #[error("{0}")]
    Call(Error),
    /// The password of a new account could not be kept, so nothing was sent.
    #[error("{0}; nothing was sent")]
    NotKept(String),
    /// It was sent, and what was read afterwards is something else.
    #[error(
        "it was sent, and three minutes later the tenant still shows {0}: Microsoft may be slow; the same command goes on"
    )]
    NotSeen(String),
}

impl From<Error> for StepError {
    fn from(error: Error) -> Self {
        Self::Call(error)
    }
}

/// Keeps the password of an account before it is sent; an error stops the step.
pub type Keep<'a> = dyn Fn(&str) -> Result<(), String> + Sync + 'a;

/// What came of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct Taken {
    /// The object afterwards, or null.
    pub object: Value,
    /// Whether anything was sent.
    pub sent: bool,
}

impl Entra {
    /// How the tenant stands to a write, in which every name is resolved. What the write would overwrite has to be as the
    /// plan saw it too, not only what it is about: somebody else's change of another field would be lost with it.
    ///
    /// # Errors
    /// When it cannot be read.
    pub async fn standing(&self, write: &Write) -> Result<Standing, Error> {
        let found = self.look(write.api, &write.look).await?;
        let untouched = overwritten(write).is_none_or(|stood| has(&found, &stood));
        Ok(
            match (
                matches(&found, &write.after),
                untouched && matches(&found, &write.before),
            ) {
                (true, _) => Standing::After(found),
                (false, true) => Standing::Before,
                (false, false) => Standing::Moved(found),
            },
        )
    }

    /// Takes one step of an approved plan, forward or back, and reads it back. `begun`: an earlier run may have sent it
    /// already; else a state that is reached already is somebody else's work, and the plan is out of date. `keep` is shown
    /// a password that is about to be sent; without it nobody ever sees one.
    ///
    /// # Errors
    /// See [`StepError`]. Sending it again is safe: the tenant is looked at first.
    pub async fn take(
        &self,
        approved: Approved<'_>,
        place: usize,
        back: bool,
        begun: bool,
        known: &mut Known,
        keep: Option<&Keep<'_>>,
    ) -> Result<Taken, StepError> {
        // A place beyond the end is no step of the plan.
        let Some(step) = approved.plan().steps.get(place) else {
            return Err(StepError::Unknown(format!("step {}", place + 1)));
        };
        let write = if back {
            step.write
                .reversed()
                .ok_or_else(|| StepError::Unknown("a way back".to_owned()))?
        } else {
            step.write.clone()
        };
        for need in &write.needs {
            let look = known.all(&need.look).map_err(StepError::Unknown)?;
            let object = self.look_patiently(write.api, &look).await?;
            if object.is_null() {
                return Err(StepError::Moved(format!(
                    "what it needs to know of `{}` is not there",
                    need.name
                )));
            }
            known.keep(&need.name, &object);
        }
        let undo = write.undo.clone().and_then(|undo| known.all(&undo).ok());
        let mut write: Write = known
            .all(&without_undo(&write))
            .map_err(StepError::Unknown)?;
        // Azure writes what it was sent in its own words, so only Graph's objects can be held against what was sent.
        write.undo = undo.filter(|_| !back || write.api != Api::Arm);
        // What a plan could not look at may well be as it should be.
        let begun = begun || !write.needs.is_empty();
        let taken = self.carry_out(&write, begun, keep).await?;
        if !back {
            known.keep(&step.id, &taken.object);
        }
        Ok(taken)
    }

    async fn carry_out(
        &self,
        write: &Write,
        begun: bool,
        keep: Option<&Keep<'_>>,
    ) -> Result<Taken, StepError> {
        let mut left = TRIES;
        let mut sent = begun;
        // However often it is sent, it is one password.
        let secret = Zeroizing::new(password());
        let mut kept = false;
        loop {
            match self.standing(write).await? {
                Standing::After(object) if sent => return Ok(Taken { object, sent }),
                Standing::After(_) => {
                    return Err(StepError::Moved(
                        "it is so already, and not by this plan".to_owned(),
                    ));
                }
                // What was made a moment ago may be shown half or not at all.
                Standing::Moved(_) if sent => return self.read_back(write).await,
                Standing::Moved(found) => {
                    let stood = overwritten(write)
                        .filter(|_| matches(&found, &write.before))
                        .unwrap_or_else(|| write.before.clone());
                    return Err(StepError::Moved(difference(&found, &stood)));
                }
                Standing::Before => {}
            }
            left -= 1;
            if let Some(keep) = keep
                && !kept
                && names_password(&write.send.body)
            {
                keep(&secret).map_err(StepError::NotKept)?;
                kept = true;
            }
            match self.deliver(write.api, &write.send, &secret).await {
                Ok(()) => {
                    return self.read_back(write).await;
                }
                // Copies of the directory lag: what an earlier step made is not there yet.
                Err(error) if left > 0 && (error.is_transient() || lags(&error)) => {
                    sent = true;
                    tokio::time::sleep(Duration::from_secs(PATIENCE[TRIES - 1 - left])).await;
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn read_back(&self, write: &Write) -> Result<Taken, StepError> {
        let mut waits = PATIENCE.iter();
        loop {
            match self.standing(write).await {
                Ok(Standing::After(object)) => return Ok(Taken { object, sent: true }),
                Ok(Standing::Before) => match waits.next() {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                    None => return Err(StepError::NotSeen("the old state".to_owned())),
                },
                Ok(Standing::Moved(found)) => match waits.next() {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                    None => return Err(StepError::NotSeen(difference(&found, &write.after))),
                },
                Err(error) if error.is_transient() => match waits.next() {
                    Some(seconds) => tokio::time::sleep(Duration::from_secs(*seconds)).await,
                    None => return Err(error.into()),
                },
                Err(error) => return Err(error.into()),
            }
        }
    }

    async fn look_patiently(&self, api: Api, look: &Look) -> Result<Value, Error> {
        for seconds in PATIENCE {
            let found = self.look(api, look).await?;
            if !found.is_null() {
                return Ok(found);
            }
            tokio::time::sleep(Duration::from_secs(seconds)).await;
        }
        self.look(api, look).await
    }

    /// The object, or null where there is none.
    async fn look(&self, api: Api, look: &Look) -> Result<Value, Error> {
        match look {
            Look::Object(path) => match self.get(request(api, path)).await {
                Ok(object) => Ok(object),
                Err(error) if error.is_not_found() => Ok(Value::Null),
                Err(error) => Err(error),
            },
            Look::Among { path, fields } => {
                let all = match self.all(request(api, path)).await {
                    Ok(all) => all,
                    Err(error) if error.is_not_found() => return Ok(Value::Null),
                    Err(error) => return Err(error),
                };
                Ok(all
                    .into_iter()
                    .find(|object| has(object, fields))
                    .unwrap_or(Value::Null))
            }
        }
    }

    async fn deliver(&self, api: Api, send: &Send, secret: &str) -> Result<(), Error> {
        let method = match send.verb {
            Verb::Post => Method::POST,
            Verb::Patch => Method::PATCH,
            Verb::Put => Method::PUT,
            Verb::Delete => Method::DELETE,
        };
        let body = (!send.body.is_null()).then(|| self.filled(&send.body, secret));
        let request = request(api, &send.path).write(method, body);
        let url = self.address(&request)?;
        self.answer(&request, url).await?;
        Ok(())
    }

    /// The body with what a plan leaves open: a password, the address of Graph.
    fn filled(&self, body: &Value, secret: &str) -> Value {
        match body {
            Value::String(text) if text == PASSWORD => Value::String(secret.to_owned()),
            Value::String(text) if text.starts_with(GRAPH) => {
                let base = self
                    .cloud()
                    .base(Service::Graph)
                    .as_str()
                    .trim_end_matches('/');
                Value::String(text.replacen(GRAPH, &format!("{base}/v1.0"), 1))
            }
            Value::Array(items) => {
                Value::Array(items.iter().map(|item| self.filled(item, secret)).collect())
            }
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| (name.clone(), self.filled(value, secret)))
                    .collect(),
            ),
            other => other.clone(),
        }
    }
}

/// What stands where a write writes, in every field that it sends: what takes it back holds that. Of Azure's objects only
/// the properties: what stands beside them may be left out of an answer.
fn overwritten(write: &Write) -> Option<Value> {
    let changes = |verb: Verb| matches!(verb, Verb::Patch | Verb::Put);
    let undo = write.undo.as_ref()?;
    if !changes(write.send.verb) || !changes(undo.verb) || undo.path != write.send.path {
        return None;
    }
    Some(match write.api {
        Api::Arm => json!({"properties": undo.body["properties"]}),
        Api::Graph | Api::GraphBeta => undo.body.clone(),
    })
}

/// Whether a body leaves a password open.
fn names_password(body: &Value) -> bool {
    match body {
        Value::String(text) => text == PASSWORD,
        Value::Array(items) => items.iter().any(names_password),
        Value::Object(fields) => fields.values().any(names_password),
        _ => false,
    }
}

/// A password of 244 random bits with a letter of every kind, as Microsoft asks (Microsoft Entra, *Password policies*).
fn password() -> String {
    let half = || uuid::Uuid::new_v4().simple().to_string();
    format!("{}-{}Zz9", half(), half())
}

/// The write without what takes it back, which may name what is only known later.
fn without_undo(write: &Write) -> Write {
    Write {
        undo: None,
        ..write.clone()
    }
}

fn request(api: Api, path: &str) -> Request {
    match api {
        Api::Graph => Request::graph(Version::V1, path),
        Api::GraphBeta => Request::graph(Version::Beta, path),
        Api::Arm => Request::arm(path),
    }
}

/// Whether what is there is what is wanted; null: nothing.
fn matches(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Null, Value::Null) => true,
        (Value::Null, _) | (_, Value::Null) => false,
        (found, wanted) => has(found, wanted),
    }
}

/// Whether a refusal may come from a copy of the directory that does not have an object yet.
fn lags(error: &Error) -> bool {
    match error {
        Error::Refused(refusal) => {
            refusal.status == 404 || refusal.code.eq_ignore_ascii_case("PrincipalNotFound")
        }
        _ => false,
    }
}

/// The first field in which what is there differs from what is wanted, in a clause.
fn difference(found: &Value, wanted: &Value) -> String {
    fn walk(at: &str, found: &Value, wanted: &Value) -> Option<String> {
        if has(found, wanted) {
            return None;
        }
        if let (Value::Object(_), Value::Object(fields)) = (found, wanted) {
            return fields.iter().find_map(|(name, wanted)| {
                let at = if at.is_empty() {
                    name.clone()
                } else {
                    format!("{at}.{name}")
                };
                walk(&at, found.get(name).unwrap_or(&Value::Null), wanted)
            });
        }
        let brief = |value: &Value| {
            let text = value.to_string();
            match text.char_indices().nth(120) {
                Some((end, _)) => format!("{}…", &text[..end]),
                None => text,
            }
        };
        Some(format!(
            "{at} is {} and not {}",
            brief(found),
            brief(wanted)
        ))
    }
    match (found, wanted) {
        (Value::Null, _) => "the object is not there".to_owned(),
        (_, Value::Null) => "an object of that name is there already".to_owned(),
        (found, wanted) => walk("", found, wanted).unwrap_or_else(|| "another state".to_owned()),
    }
}

/// Whether a write names something that an earlier step of the plan makes, so that it cannot be looked at yet.
pub fn depends_on_earlier(write: &Write) -> bool {
    serde_json::to_string(&(&write.look, &write.before)).is_ok_and(|text| text.contains(NEW))
}
