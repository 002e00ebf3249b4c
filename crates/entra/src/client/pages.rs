//! Lists that come in pages.

use std::collections::HashSet;

use serde_json::Value;
use url::Url;

use super::{Entra, Request, json};
use crate::{Error, error::redacted};

/// The pages of a list. Next links are sent as they came, to the same origin and to no other.
#[derive(Debug)]
pub struct Pages {
    entra: Entra,
    request: Request,
    next: Option<Url>,
    seen: HashSet<Url>,
    started: bool,
}

impl Pages {
    pub(super) fn new(entra: Entra, request: Request) -> Self {
        Self {
            entra,
            request,
            next: None,
            seen: HashSet::new(),
            started: false,
        }
    }

    /// The objects of the next page; an empty page is no end.
    ///
    /// # Errors
    /// What the service refused, or why it gave no answer. After an error the list is not whole.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        let url = match self.next.take() {
            Some(url) => url,
            None if self.started => return Ok(None),
            None => self.entra.address(&self.request)?,
        };
        self.started = true;
        let answer = self.entra.answer(&self.request, url).await?;
        let mut body = json(&self.request.call(), &answer)?;
        let link = ["@odata.nextLink", "nextLink"]
            .iter()
            .find_map(|name| body.get(*name)?.as_str())
            .filter(|link| !link.is_empty())
            .map(str::to_owned);
        if let Some(link) = link {
            self.next = Some(self.follow(&link)?);
        }
        match body.get_mut("value").map(Value::take) {
            Some(Value::Array(items)) => Ok(Some(items)),
            _ => Err(self.unusable("it holds no list `value`".to_owned())),
        }
    }

    /// A next link, when it leads to the same service and not in a circle.
    fn follow(&mut self, link: &str) -> Result<Url, Error> {
        let url = Url::parse(link)
            .map_err(|error| self.unusable(format!("its next link is no address: {error}")))?;
        let base = self.entra.cloud().base(self.request.service);
        if url.origin() != base.origin() {
            return Err(self.unusable(format!(
                "its next link leads to another host, {}, which gets no token of ours",
                redacted(url.host_str().unwrap_or_default())
            )));
        }
        if !self.seen.insert(url.clone()) {
            return Err(self.unusable("its next links lead in a circle".to_owned()));
        }
        Ok(url)
    }

    fn unusable(&self, why: String) -> Error {
        Error::Unusable {
            call: self.request.call(),
            why,
        }
    }
}
