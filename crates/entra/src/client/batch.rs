//! Many small reads of Microsoft Graph in one request (Microsoft Graph, *Combine multiple HTTP requests using JSON
//! batching*). Each item counts against the limits by itself and is repeated by itself.

use std::{collections::HashMap, sync::atomic::Ordering, time::Duration};

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Entra, Request, Version, backoff, is_passing, request::ALL_MEMBERS};
use crate::{Error, HttpResponse};

/// The most requests in a batch.
const MOST: usize = 20;

impl Entra {
    /// Reads many paths; the answers stand in the order of the paths. A list that goes on is read to its end.
    pub async fn batch(&self, version: Version, paths: &[String]) -> Vec<Result<Value, Error>> {
        let mut answers: Vec<Option<Result<Value, Error>>> = paths.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..paths.len()).collect();
        let mut backoff = backoff();
        while !open.is_empty() {
            let pause = backoff.next();
            let mut asked = Duration::ZERO;
            let mut again = Vec::new();
            for chunk in open.chunks(MOST) {
                let items = self.chunk(version, paths, chunk).await;
                for place in chunk {
                    let call = Request::graph(version, &paths[*place]).call();
                    let judged = match &items {
                        Ok(items) => self.judge(call, items.get(place), pause.is_some()),
                        Err(error) => Judged::Is(Err(error.clone())),
                    };
                    match judged {
                        Judged::Is(answer) => answers[*place] = Some(answer),
                        Judged::Later(time) => {
                            asked = asked.max(time.or(pause).unwrap_or_default());
                            again.push(*place);
                        }
                    }
                }
            }
            open = again;
            if !open.is_empty() {
                let repeats = u64::try_from(open.len()).unwrap_or(u64::MAX);
                self.inner
                    .counters
                    .retries
                    .fetch_add(repeats, Ordering::Relaxed);
                self.wait(asked, "Microsoft asks to slow down", "POST /$batch")
                    .await;
            }
        }
        let mut whole = Vec::with_capacity(answers.len());
        for (path, answer) in paths.iter().zip(answers) {
            let answer = answer.unwrap_or_else(|| {
                Err(Error::Unusable {
                    call: Request::graph(version, path).call(),
                    why: "it was not asked".to_owned(),
                })
            });
            whole.push(match answer {
                // Rare, and simpler to read anew than to go on from the middle of a batch.
                Ok(value) if value.get("@odata.nextLink").is_some() => self
                    .all(Request::graph(version, path))
                    .await
                    .map(|items| json!({"value": items})),
                other => other,
            });
        }
        whole
    }

    /// What the answer to one item means.
    fn judge(&self, call: String, item: Option<&HttpResponse>, may_repeat: bool) -> Judged {
        let Some(item) = item else {
            return Judged::Is(Err(Error::Unusable {
                call,
                why: "the batch gave no answer to it".to_owned(),
            }));
        };
        if (200..300).contains(&item.status) {
            return Judged::Is(super::json(&call, item));
        }
        if may_repeat && is_passing(item.status) {
            return match self.asked(&call, item) {
                Ok(time) => Judged::Later(time),
                Err(error) => Judged::Is(Err(error)),
            };
        }
        Judged::Is(Err(Error::Refused(Box::new(self.refusal(&call, item)))))
    }

    async fn chunk(
        &self,
        version: Version,
        paths: &[String],
        chunk: &[usize],
    ) -> Result<HashMap<usize, HttpResponse>, Error> {
        let requests: Vec<Value> = chunk
            .iter()
            .map(|place| {
                let url = format!("/{}", paths[*place].trim_start_matches('/'));
                let (name, value) = ALL_MEMBERS;
                json!({"id": place.to_string(), "method": "GET", "url": url, "headers": {name: value}})
            })
            .collect();
        let request = Request::graph(version, "$batch").post(json!({"requests": requests}));
        // Each item counts by itself.
        let costs: Vec<_> = chunk
            .iter()
            .flat_map(|place| Request::graph(version, &paths[*place]).costs())
            .collect();
        self.pace(costs, &request.call()).await;
        let body = self.get(request).await?;
        let items = body.get("responses").and_then(Value::as_array);
        Ok(items.into_iter().flatten().filter_map(item).collect())
    }
}

enum Judged {
    Is(Result<Value, Error>),
    /// To be asked again, after this time if the service named one.
    Later(Option<Duration>),
}

/// Id and answer of one item.
fn item(item: &Value) -> Option<(usize, HttpResponse)> {
    let headers = item.get("headers").and_then(Value::as_object);
    Some((
        item.get("id")?.as_str()?.parse().ok()?,
        HttpResponse {
            status: u16::try_from(item.get("status")?.as_u64()?).ok()?,
            headers: headers
                .into_iter()
                .flatten()
                .filter_map(|(name, value)| Some((name.to_lowercase(), value.as_str()?.to_owned())))
                .collect(),
            body: Bytes::from(item.get("body").map(Value::to_string).unwrap_or_default()),
        },
    ))
}
