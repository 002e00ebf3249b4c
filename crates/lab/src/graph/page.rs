//! Lists: filter, order, count, and a page at a time.
//!
//! Microsoft Graph, *Paging data in your app*.
//!
//! Invariants:
//! - a page costs what it holds, and not what the list holds: nothing is copied that is not shown;
//! - a next link leads on until every object was shown, through empty and short pages.

use std::{borrow::Cow, sync::Arc};

use data_encoding::BASE64URL_NOPAD;
use serde_json::{Map, Value, json};

use super::{
    Version, check, derive,
    index::Ref,
    kind::{self, Kind},
    read::Reader,
};
use crate::{
    Fault,
    lab::ApiError,
    odata::{self, Compare, Expr, Literal, Operand, Search},
    state::Table,
};

/// The objects of a list, of which one can be had by its place.
pub(crate) enum Rows<'a> {
    Table(&'a Table),
    Values(Vec<Cow<'a, Value>>),
    Refs(Arc<[Ref]>),
    /// What the users of this table have registered.
    Registrations(&'a Table),
}

/// A list that was asked for.
pub(crate) struct List<'a> {
    pub(crate) rows: Rows<'a>,
    pub(crate) kind: &'static Kind,
    /// What `@odata.context` names.
    pub(crate) context: String,
    /// Whether objects of several types are in it: each then says which it is.
    pub(crate) mixed: bool,
    /// Whether the path ended with a type.
    pub(crate) cast: bool,
}

/// Where a list goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Token {
    place: usize,
    page: usize,
}

impl Token {
    fn read(text: &str) -> Option<Self> {
        let bytes = BASE64URL_NOPAD.decode(text.as_bytes()).ok()?;
        let text = String::from_utf8(bytes).ok()?;
        let (place, page) = text.strip_prefix("twin:")?.split_once(':')?;
        Some(Self {
            place: place.parse().ok()?,
            page: page.parse().ok()?,
        })
    }

    fn write(self) -> String {
        BASE64URL_NOPAD.encode(format!("twin:{}:{}", self.place, self.page).as_bytes())
    }
}

/// Reads a number that must be a whole one.
fn number(name: &str, text: Option<&str>) -> Result<Option<usize>, ApiError> {
    let Some(text) = text else { return Ok(None) };
    text.trim().parse().map(Some).map_err(|_| {
        ApiError::new(
            400,
            "BadRequest",
            format!("Invalid value '{text}' for {name} query option found. The {name} query option requires a non-negative integer value."),
        )
    })
}

/// An option that can't be read.
pub(crate) fn malformed(what: &str, text: &str, error: &odata::Invalid) -> ApiError {
    ApiError::new(
        400,
        "BadRequest",
        format!("Invalid {what} clause: {error} in '{text}'."),
    )
}

/// Ids that a filter asks for by name; `None`: any object may meet it.
fn narrow(reader: &Reader<'_>, kind: &Kind, filter: &Expr) -> Option<Vec<String>> {
    let id = |path: &[String]| matches!(path, [one] if one.eq_ignore_ascii_case("id"));
    match filter {
        Expr::And(left, right) => {
            narrow(reader, kind, left).or_else(|| narrow(reader, kind, right))
        }
        Expr::Compare(Operand::Path(path), Compare::Eq, Operand::Literal(Literal::Text(value))) => {
            if id(path) {
                return Some(vec![value.clone()]);
            }
            let by_name = kind.name == kind::USER.name
                && matches!(path.as_slice(), [one] if one.eq_ignore_ascii_case("userPrincipalName"));
            by_name.then(|| {
                reader
                    .index
                    .named(value)
                    .map(str::to_owned)
                    .into_iter()
                    .collect()
            })
        }
        Expr::In(path, values) if id(path) => values
            .iter()
            .map(|value| match value {
                Literal::Text(text) => Some(text.clone()),
                _ => None,
            })
            .collect(),
        _ => None,
    }
}

impl<'a> Reader<'a> {
    fn places(rows: &Rows<'_>) -> usize {
        match rows {
            Rows::Table(table) | Rows::Registrations(table) => table.places(),
            Rows::Values(values) => values.len(),
            Rows::Refs(refs) => refs.len(),
        }
    }

    fn row<'r>(&'r self, rows: &'r Rows<'a>, place: usize) -> Option<Cow<'r, Value>> {
        match rows {
            Rows::Table(table) => table.at(place, self.now).map(Cow::Borrowed),
            Rows::Values(values) => values.get(place).map(|value| Cow::Borrowed(&**value)),
            Rows::Refs(refs) => self.resolve(refs.get(place)?),
            Rows::Registrations(users) => {
                let user = users.at(place, self.now)?;
                self.registration(user).map(Cow::Owned)
            }
        }
    }

    /// What a user has registered.
    pub(crate) fn registration(&self, user: &Value) -> Option<Value> {
        let id = user.get("id").and_then(Value::as_str).unwrap_or_default();
        derive::registration(user, self.index.is_admin(id), self.now)
    }

    /// The number of objects that meet the filter and the search.
    pub(crate) fn count(&self, list: &List<'a>) -> Result<usize, ApiError> {
        let filter = self.filter(list)?;
        let search = self.search()?;
        Ok((0..Self::places(&list.rows))
            .filter(|&place| {
                self.meets(&list.rows, place, filter.as_ref(), search.as_ref())
                    .is_some()
            })
            .count())
    }

    fn filter(&self, list: &List<'_>) -> Result<Option<Expr>, ApiError> {
        let filter = match self.request.query.get("$filter") {
            None => None,
            Some(text) => {
                Some(odata::parse(text).map_err(|error| malformed("filter", text, &error))?)
            }
        };
        check::options(self.request, list.kind, filter.as_ref(), list.cast)?;
        Ok(filter)
    }

    fn search(&self) -> Result<Option<Search>, ApiError> {
        let text = self.request.query.get("$search");
        text.map(|text| Search::read(text).map_err(|error| malformed("search", text, &error)))
            .transpose()
    }

    fn meets<'r>(
        &'r self,
        rows: &'r Rows<'a>,
        place: usize,
        filter: Option<&Expr>,
        search: Option<&Search>,
    ) -> Option<Cow<'r, Value>> {
        self.row(rows, place).filter(|object| {
            filter.is_none_or(|filter| odata::matches(filter, object))
                && search.is_none_or(|search| search.finds(object))
        })
    }

    /// A page of a list.
    pub(crate) fn page(&self, mut list: List<'a>) -> Result<Value, ApiError> {
        let query = &self.request.query;
        let shape = self.shape(list.kind, true)?;
        let filter = self.filter(&list)?;
        let search = self.search()?;
        let token = match query.get("$skiptoken") {
            None => Token::default(),
            Some(text) => Token::read(text).ok_or_else(|| {
                ApiError::new(
                    400,
                    "Directory_ExpiredPageToken",
                    "The specified page token value is invalid or has expired.",
                )
            })?,
        };
        let top = number("$top", query.get("$top"))?;
        let skip = number("$skip", query.get("$skip"))?.unwrap_or_default();
        if top == Some(0) || top.is_some_and(|top| list.kind.is_directory() && top > list.kind.most)
        {
            return Err(ApiError::new(
                400,
                "Request_UnsupportedQuery",
                format!(
                    "Invalid page size specified: '{}'. Must be between 1 and {} inclusive.",
                    top.unwrap_or_default(),
                    list.kind.most
                ),
            ));
        }

        if let Rows::Table(table) = &list.rows
            && let Some(ids) = filter
                .as_ref()
                .and_then(|filter| narrow(self, list.kind, filter))
        {
            let found = ids.iter().filter_map(|id| table.seen(id, self.now));
            list.rows = Rows::Values(found.map(Cow::Borrowed).collect());
        }
        if let Some(text) = query.get("$orderby") {
            let orders =
                odata::read_order(text).map_err(|error| malformed("orderby", text, &error))?;
            let unknown = orders
                .iter()
                .filter_map(|order| order.path.first())
                .find(|name| !list.kind.may_have(name));
            if self.request.version == Version::V1
                && let Some(name) = unknown
            {
                return Err(check::no_property(name, list.kind));
            }
            let mut ordered: Vec<Cow<'a, Value>> = (0..Self::places(&list.rows))
                .filter_map(|place| self.meets(&list.rows, place, filter.as_ref(), search.as_ref()))
                .map(|object| Self::keep(object))
                .collect();
            ordered.sort_by(|left, right| odata::compare_rows(&orders, left, right));
            list.rows = Rows::Values(ordered);
        }

        // A link to another host shows only where a list goes on.
        let foreign = self.lab.faults.on(Fault::ForeignNextLink) && list.kind.page.is_some();
        let tiny = self.lab.faults.on(Fault::TinyPages) && list.kind.page.is_some();
        let most = list.kind.most;
        let size = if foreign {
            1
        } else if tiny {
            // Every third page, beginning with the second, holds nothing.
            if token.page % 3 == 1 { 0 } else { 2 }
        } else {
            match (top, list.kind.page) {
                (Some(top), _) => top.min(most),
                (None, Some(page)) => page,
                (None, None) => usize::MAX,
            }
        };
        let places = Self::places(&list.rows);
        let mut place = token.place;
        let mut to_skip = if token.page == 0 { skip } else { 0 };
        let mut shown = Vec::new();
        let mut next = None;
        while place < places {
            if let Some(object) = self.meets(&list.rows, place, filter.as_ref(), search.as_ref()) {
                if to_skip > 0 {
                    to_skip -= 1;
                } else if shown.len() < size {
                    shown.push(self.show(list.kind, &object, &shape, list.mixed)?);
                } else {
                    next = Some(Token {
                        place,
                        page: token.page + 1,
                    });
                    break;
                }
            }
            place += 1;
        }

        let mut body = Map::new();
        body.insert(
            "@odata.context".to_owned(),
            json!(self.context(&list.context, &shape.select, false)),
        );
        let wants_count = query
            .get("$count")
            .is_some_and(|value| value.eq_ignore_ascii_case("true"));
        let counts = if list.kind.is_directory() {
            self.request.eventual
        } else {
            !list.kind.set.starts_with("auditLogs")
        };
        // The count is on the first page only, and silently dropped where it is not supported.
        if wants_count && counts && token.page == 0 {
            body.insert("@odata.count".to_owned(), json!(self.count(&list)?));
        }
        if let Some(next) = next {
            body.insert("@odata.nextLink".to_owned(), json!(self.next_link(next)));
        }
        body.insert("value".to_owned(), Value::Array(shown));
        Ok(Value::Object(body))
    }

    /// The same request with another token.
    fn next_link(&self, token: Token) -> String {
        let origin = if self.lab.faults.on(Fault::ForeignNextLink) {
            "https://graph.microsoft.example"
        } else {
            &self.lab.addresses.graph
        };
        let kept: Vec<&str> = self
            .request
            .raw_query
            .split('&')
            .filter(|pair| {
                let name = pair
                    .split('=')
                    .next()
                    .unwrap_or_default()
                    .to_ascii_lowercase();
                !pair.is_empty()
                    && !name.ends_with("skiptoken")
                    && !name.ends_with("$skip")
                    && name != "%24skip"
            })
            .collect();
        let own = format!("$skiptoken={}", token.write());
        let query = kept
            .into_iter()
            .chain([own.as_str()])
            .collect::<Vec<_>>()
            .join("&");
        format!(
            "{origin}/{}/{}?{query}",
            self.request.version.segment(),
            self.request.path
        )
    }
}
