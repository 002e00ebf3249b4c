//! Many small reads of Microsoft Graph in one request (Microsoft Graph, *Combine multiple HTTP requests using JSON
//! batching*). Each item counts against the limits by itself and is repeated by itself.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::{Entra, REPEATS, Request, Version};
use crate::{Error, HttpResponse, error::refusal};

/// The most requests in a batch.
const MOST: usize = 20;

impl Entra {
    /// Reads many paths; the answers stand in the order of the paths. A list that goes on is read to its end.
    pub async fn batch(&self, version: Version, paths: &[String]) -> Vec<Result<Value, Error>> {
        let mut answers: Vec<Option<Result<Value, Error>>> = paths.iter().map(|_| None).collect();
        let mut open: Vec<usize> = (0..paths.len()).collect();
        let mut tries = 0;
        while !open.is_empty() {
            let mut again = Vec::new();
            let mut pause = Duration::ZERO;
            for chunk in open.chunks(MOST) {
                match self.chunk(version, paths, chunk).await {
                    Err(error) => {
                        for place in chunk {
                            answers[*place] = Some(Err(error.clone()));
                        }
                    }
                    Ok(items) => {
                        for place in chunk {
                            let call = Request::graph(version, &paths[*place]).call();
                            let item = items
                                .iter()
                                .find(|(id, _)| id == place)
                                .map(|(_, item)| item);
                            let answer = match item {
                                None => Err(Error::Unusable {
                                    call,
                                    why: "the batch gave no answer to it".to_owned(),
                                }),
                                Some(item) if item.status < 400 => super::json(&call, item),
                                Some(item) => {
                                    if matches!(item.status, 429 | 502..=504) && tries < REPEATS {
                                        let asked =
                                            super::retry_after(item, self.inner.clock.now());
                                        pause = pause
                                            .max(asked.unwrap_or(Duration::from_secs(1 << tries)));
                                        again.push(*place);
                                        continue;
                                    }
                                    Err(Error::Refused(Box::new(refusal(&call, item))))
                                }
                            };
                            answers[*place] = Some(answer);
                        }
                    }
                }
            }
            open = again;
            tries += 1;
            if !open.is_empty() {
                let why = "Microsoft asks to slow down";
                self.wait(pause.min(super::LONGEST), why, "POST /$batch")
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

    async fn chunk(
        &self,
        version: Version,
        paths: &[String],
        chunk: &[usize],
    ) -> Result<Vec<(usize, HttpResponse)>, Error> {
        let requests: Vec<Value> = chunk
            .iter()
            .map(|place| {
                let url = format!("/{}", paths[*place].trim_start_matches('/'));
                json!({"id": place.to_string(), "method": "GET", "url": url})
            })
            .collect();
        let request = Request::graph(version, "$batch").post(json!({"requests": requests}));
        let body = self.get(request).await?;
        let items = body.get("responses").and_then(Value::as_array);
        Ok(items
            .into_iter()
            .flatten()
            .filter_map(|item| {
                let headers = item.get("headers").and_then(Value::as_object);
                Some((
                    item.get("id")?.as_str()?.parse().ok()?,
                    HttpResponse {
                        status: u16::try_from(item.get("status")?.as_u64()?).ok()?,
                        headers: headers
                            .into_iter()
                            .flatten()
                            .filter_map(|(name, value)| {
                                Some((name.to_lowercase(), value.as_str()?.to_owned()))
                            })
                            .collect(),
                        body: Bytes::from(
                            item.get("body").map(Value::to_string).unwrap_or_default(),
                        ),
                    },
                ))
            })
            .collect())
    }
}
