//! Reading TOML that a person wrote: every value with its place, every problem collected.
//!
//! A derived deserializer stops at the first problem. Here each getter notes what is wrong and goes on, so
//! that a person mends a file once, not once per mistake.

use std::{cell::RefCell, collections::BTreeSet, ops::Range};

use jiff::civil::Date;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use crate::source_text::{Problem, did_you_mean};

/// A file being read.
#[derive(Debug)]
pub struct Document<'a> {
    file: &'a str,
    text: &'a str,
    problems: RefCell<Vec<Problem>>,
}

/// A text value with the place where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Placed {
    /// The value.
    pub value: String,
    /// Byte offset in the file.
    pub offset: usize,
}

impl<'a> Document<'a> {
    /// A file by its name and text.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self {
            file,
            text: text.strip_prefix('\u{feff}').unwrap_or(text),
            problems: RefCell::default(),
        }
    }

    /// Parses the text. `None` when it is not TOML; the problem is noted.
    pub fn parse(&self) -> Option<DeTable<'_>> {
        match DeTable::parse(self.text) {
            Ok(table) => Some(table.into_inner()),
            Err(error) => {
                let offset = error.span().map_or(0, |span| span.start);
                let message = error.message().lines().collect::<Vec<_>>().join(" ");
                // The line may hold a secret that somebody pasted; only the place is shown.
                self.note(
                    Problem::at(
                        self.file,
                        self.text,
                        offset,
                        format!("not TOML: {message}"),
                        "",
                    )
                    .without_source(),
                );
                None
            }
        }
    }

    /// Notes a problem at a place.
    pub fn problem(&self, offset: usize, message: impl Into<String>, help: impl Into<String>) {
        self.note(Problem::at(self.file, self.text, offset, message, help));
    }

    /// Notes a problem whose line must not be shown.
    pub fn secret_problem(
        &self,
        offset: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) {
        self.note(Problem::at(self.file, self.text, offset, message, help).without_source());
    }

    fn note(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Every problem, in the order of the file.
    pub fn into_problems(self) -> Vec<Problem> {
        let mut problems = self.problems.into_inner();
        problems.sort_by_key(|problem| (problem.line, problem.column));
        problems.dedup();
        problems
    }
}

/// One table of the file. [`Section::finish`] notes the fields that nobody asked for.
#[derive(Debug)]
pub struct Section<'a, 'd> {
    document: &'d Document<'a>,
    table: &'d DeTable<'d>,
    offset: usize,
    name: String,
    asked: RefCell<BTreeSet<&'static str>>,
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "text",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

impl<'a, 'd> Section<'a, 'd> {
    /// The whole file as a table.
    pub fn root(document: &'d Document<'a>, table: &'d DeTable<'d>) -> Self {
        Self::new(document, table, 0, String::new())
    }

    fn new(
        document: &'d Document<'a>,
        table: &'d DeTable<'d>,
        offset: usize,
        name: String,
    ) -> Self {
        Self {
            document,
            table,
            offset,
            name,
            asked: RefCell::default(),
        }
    }

    /// Where the table starts.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Notes a problem of the table as a whole.
    pub fn problem(&self, message: impl Into<String>, help: impl Into<String>) {
        self.document.problem(self.offset, message, help);
    }

    /// Notes a problem of the table whose line may hold a secret.
    pub fn secret_problem(&self, message: impl Into<String>, help: impl Into<String>) {
        self.document.secret_problem(self.offset, message, help);
    }

    fn get(&self, key: &'static str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.asked.borrow_mut().insert(key);
        self.table
            .iter()
            .find(|(known, _)| known.get_ref().as_ref() == key)
            .map(|(_, value)| value)
    }

    fn wrong(&self, key: &str, wanted: &str, value: &Spanned<DeValue<'_>>) {
        self.document.problem(
            value.span().start,
            format!("`{key}` is {}, but must be {wanted}", kind(value.get_ref())),
            "",
        );
    }

    /// Whether the key is there.
    pub fn has(&self, key: &'static str) -> bool {
        self.get(key).is_some()
    }

    /// A text with its place.
    pub fn placed(&self, key: &'static str) -> Option<Placed> {
        let value = self.get(key)?;
        match value.get_ref() {
            DeValue::String(text) if !text.trim().is_empty() => Some(Placed {
                value: text.to_string(),
                offset: value.span().start,
            }),
            DeValue::String(_) => {
                self.document.problem(
                    value.span().start,
                    format!("`{key}` is empty"),
                    "write a value, or leave the line out",
                );
                None
            }
            _ => {
                self.wrong(key, "text in quotes", value);
                None
            }
        }
    }

    /// A text.
    pub fn text(&self, key: &'static str) -> Option<String> {
        self.placed(key).map(|placed| placed.value)
    }

    /// A text that must be there.
    pub fn required(&self, key: &'static str) -> Option<Placed> {
        if !self.has(key) {
            self.problem(
                format!("`{}` has no `{key}`", self.name),
                format!("add `{key} = \"…\"`"),
            );
        }
        self.placed(key)
    }

    /// A text that parses into something.
    pub fn parsed<T, E: std::fmt::Display>(
        &self,
        key: &'static str,
        parse: impl Fn(&str) -> Result<T, E>,
    ) -> Option<T> {
        let placed = self.placed(key)?;
        match parse(&placed.value) {
            Ok(value) => Some(value),
            Err(error) => {
                self.document
                    .problem(placed.offset, format!("`{key}`: {error}"), "");
                None
            }
        }
    }

    /// A whole number in a range.
    pub fn integer(&self, key: &'static str, range: Range<i64>) -> Option<i64> {
        let value = self.get(key)?;
        let DeValue::Integer(number) = value.get_ref() else {
            self.wrong(key, "a whole number", value);
            return None;
        };
        let number = i64::from_str_radix(number.as_str(), number.radix()).ok();
        let number = number.filter(|number| range.contains(number));
        if number.is_none() {
            self.document.problem(
                value.span().start,
                format!("`{key}` must be from {} to {}", range.start, range.end - 1),
                "",
            );
        }
        number
    }

    /// `true` or `false`.
    pub fn boolean(&self, key: &'static str) -> Option<bool> {
        let value = self.get(key)?;
        if let DeValue::Boolean(truth) = value.get_ref() {
            return Some(*truth);
        }
        self.wrong(key, "true or false", value);
        None
    }

    /// A calendar day: `2026-03-01`, with or without quotes.
    pub fn date(&self, key: &'static str) -> Option<Date> {
        let value = self.get(key)?;
        let text = match value.get_ref() {
            DeValue::Datetime(date) => date.to_string(),
            DeValue::String(text) => text.to_string(),
            _ => {
                self.wrong(key, "a day such as 2026-03-01", value);
                return None;
            }
        };
        let day: Option<Date> = text
            .get(..10)
            .filter(|_| text.len() >= 10)
            .and_then(|day| day.parse().ok());
        if day.is_none() {
            self.document.problem(
                value.span().start,
                format!("`{key}` is not a day of the calendar"),
                "write it like 2026-03-01",
            );
        }
        day
    }

    /// A list of texts with their places.
    pub fn texts(&self, key: &'static str) -> Vec<Placed> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong(key, "a list such as [\"one\", \"two\"]", value);
            return Vec::new();
        };
        list.iter()
            .filter_map(|item| {
                if let DeValue::String(text) = item.get_ref() {
                    return Some(Placed {
                        value: text.to_string(),
                        offset: item.span().start,
                    });
                }
                self.wrong(key, "a list of texts", item);
                None
            })
            .collect()
    }

    /// A list of whole numbers.
    pub fn integers(&self, key: &'static str) -> Option<Vec<u32>> {
        let value = self.get(key)?;
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong(key, "a list of whole numbers", value);
            return None;
        };
        let numbers = list.iter().filter_map(|item| {
            let number = match item.get_ref() {
                DeValue::Integer(number) => {
                    u32::from_str_radix(number.as_str(), number.radix()).ok()
                }
                _ => None,
            };
            if number.is_none() {
                self.wrong(key, "a list of whole numbers", item);
            }
            number
        });
        Some(numbers.collect())
    }

    /// A table inside.
    pub fn section(&self, key: &'static str) -> Option<Section<'a, 'd>> {
        let value = self.get(key)?;
        if let DeValue::Table(table) = value.get_ref() {
            return Some(Section::new(
                self.document,
                table,
                value.span().start,
                self.inner(key),
            ));
        }
        self.wrong(
            key,
            &format!("a table, written `[{}]`", self.inner(key)),
            value,
        );
        None
    }

    /// An array of tables inside.
    pub fn sections(&self, key: &'static str) -> Vec<Section<'a, 'd>> {
        let Some(value) = self.get(key) else {
            return Vec::new();
        };
        let name = self.inner(key);
        let DeValue::Array(list) = value.get_ref() else {
            self.wrong(key, &format!("written `[[{name}]]`"), value);
            return Vec::new();
        };
        list.iter()
            .filter_map(|item| {
                if let DeValue::Table(table) = item.get_ref() {
                    return Some(Section::new(
                        self.document,
                        table,
                        item.span().start,
                        name.clone(),
                    ));
                }
                self.wrong(key, "a list of tables", item);
                None
            })
            .collect()
    }

    fn inner(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// Marks a key as known without reading it.
    pub fn accept(&self, key: &'static str) {
        self.asked.borrow_mut().insert(key);
    }

    /// Notes every field that was not asked for.
    pub fn finish(self) {
        let asked = self.asked.into_inner();
        let known: Vec<&str> = asked.iter().copied().collect();
        for (key, _) in self.table {
            let name = key.get_ref().as_ref();
            if !asked.contains(name) {
                let help = did_you_mean(name, &known).map_or_else(
                    || format!("known here: {}", known.join(", ")),
                    |near| format!("did you mean `{near}`?"),
                );
                let place = if self.name.is_empty() {
                    "this file".to_owned()
                } else {
                    format!("`{}`", self.name)
                };
                let shown: String = name.chars().filter(|c| !c.is_control()).take(60).collect();
                self.document.secret_problem(
                    key.span().start,
                    format!("{place} has no field `{shown}`"),
                    help,
                );
            }
        }
    }
}

/// Every text and key of a table with its place, at any depth; for rules that hold everywhere.
pub fn walk(table: &DeTable<'_>, see: &mut dyn FnMut(Seen<'_>)) {
    for (key, value) in table {
        see(Seen::Key(key.get_ref(), key.span().start));
        walk_value(value, see);
    }
}

/// What [`walk`] meets.
#[derive(Debug)]
pub enum Seen<'a> {
    /// A field's name.
    Key(&'a str, usize),
    /// A text value.
    Text(&'a str, usize),
}

fn walk_value(value: &Spanned<DeValue<'_>>, see: &mut dyn FnMut(Seen<'_>)) {
    match value.get_ref() {
        DeValue::String(text) => see(Seen::Text(text, value.span().start)),
        DeValue::Array(list) => list.iter().for_each(|item| walk_value(item, see)),
        DeValue::Table(table) => walk(table, see),
        _ => {}
    }
}
