//! Lists that come in pages.

use std::{collections::HashSet, fmt};

use serde_json::Value;
use url::Url;

use super::{Entra, Request, json};
use crate::{Error, error::line};

/// The pages of a list. Next links are sent as they came, to the same origin and to no other.
pub struct Pages {
    entra: Entra,
    request: Request,
    next: Option<Url>,
    seen: HashSet<Url>,
    started: bool,
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages")
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
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
    /// What the service refused, or why it gave no answer. The list is not whole then; asking again reads the same page.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, Error> {
        let url = match self.next.take() {
            Some(url) => url,
            None if self.started => return Ok(None),
            None => self.entra.address(&self.request)?,
        };
        self.started = true;
        let read = self.page(&url).await;
        match read {
            Ok((items, next)) => {
                self.seen.insert(url);
                self.next = next;
                Ok(Some(items))
            }
            Err(error) => {
                // What was not read must not look like the end.
                self.next = Some(url);
                Err(error)
            }
        }
    }

    /// One page, and where the next one is.
    async fn page(&self, url: &Url) -> Result<(Vec<Value>, Option<Url>), Error> {
        let answer = self.entra.answer(&self.request, url.clone()).await?;
        let mut body = json(&self.request.call(), &answer)?;
        let link = ["@odata.nextLink", "nextLink"]
            .iter()
            .find_map(|name| body.get(*name)?.as_str())
            .filter(|link| !link.is_empty());
        let next = link.map(|link| self.follow(link, url)).transpose()?;
        match body.get_mut("value").map(Value::take) {
            Some(Value::Array(items)) => Ok((items, next)),
            _ => Err(self.unusable("it holds no list `value`".to_owned())),
        }
    }

    /// A next link, when it leads to the same service and not in a circle.
    fn follow(&self, link: &str, from: &Url) -> Result<Url, Error> {
        let url = Url::parse(link)
            .map_err(|error| self.unusable(format!("its next link is no address: {error}")))?;
        let base = self.entra.cloud().base(self.request.service);
        if url.origin() != base.origin() {
            return Err(self.unusable(format!(
                "its next link leads to another host, {}, which gets no token of ours",
                line(url.host_str().unwrap_or_default())
            )));
        }
        if url == *from || self.seen.contains(&url) {
            return Err(self.unusable("its next links lead in a circle; run it again".to_owned()));
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
