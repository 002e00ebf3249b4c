//! One table of a file, read field by field.

use std::{fmt, ops::Range, ops::RangeInclusive, str::FromStr};

use jiff::civil::Date;
use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Document, Problem, closest, quoted};

/// A value with its place.
pub type Found<T> = Spanned<T>;

/// A table whose fields are known. What it cannot give it has reported.
#[derive(Clone, Debug)]
pub struct Section<'d, 't> {
    document: &'d Document<'t>,
    table: &'d DeTable<'t>,
    span: Range<usize>,
    name: &'static str,
}

impl<'d, 't> Section<'d, 't> {
    /// Takes a table and reports the fields that nobody knows.
    pub(super) fn open(
        document: &'d Document<'t>,
        table: &'d DeTable<'t>,
        span: Range<usize>,
        name: &'static str,
        known: &[&str],
    ) -> Self {
        let section = Self {
            document,
            table,
            span,
            name,
        };
        section.know(known);
        section
    }

    /// Reports the fields that are not among the known.
    pub fn know(&self, known: &[&str]) {
        for key in self.table.keys() {
            let field: &str = key.get_ref();
            if known.contains(&field) || self.document.refuses(field) {
                continue;
            }
            let problem = self.document.at(
                &key.span(),
                format!("unknown field {} in {}", quoted(field), self.name),
            );
            self.document.report(suggest(problem, field, known));
        }
    }

    /// The place of the section itself.
    pub fn span(&self) -> &Range<usize> {
        &self.span
    }

    /// How the section is called in messages.
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// The document that it stands in.
    pub fn document(&self) -> &'d Document<'t> {
        self.document
    }

    /// Whether the field is there, readable or not.
    pub fn has(&self, field: &str) -> bool {
        self.table.contains_key(field)
    }

    /// The place of a field's name.
    pub fn field_span(&self, field: &str) -> Option<Range<usize>> {
        self.table.get_key_value(field).map(|(key, _)| key.span())
    }

    /// Reports a field that is not there; one that is there but wrong has been reported.
    pub fn need<T>(&self, field: &str, value: Option<T>) -> Option<T> {
        if value.is_none() && !self.has(field) {
            self.document.report(
                self.document
                    .at(&self.span, format!("{} has no `{field}`", self.name)),
            );
        }
        value
    }

    fn get(&self, field: &str) -> Option<&'d Spanned<DeValue<'t>>> {
        self.table.get(field)
    }

    fn wrong(&self, value: &Spanned<DeValue<'_>>, field: &str, wanted: &str) {
        let given = kind(value.get_ref());
        self.document.report(self.document.at(
            &value.span(),
            format!("`{field}` must be {wanted}, this is {given}"),
        ));
    }

    /// A text that says something.
    pub fn text(&self, field: &str) -> Option<Found<String>> {
        self.text_of(self.get(field)?, field, "a text in quotes")
    }

    fn text_of(
        &self,
        value: &Spanned<DeValue<'_>>,
        field: &str,
        wanted: &str,
    ) -> Option<Found<String>> {
        let DeValue::String(text) = value.get_ref() else {
            self.wrong(value, field, wanted);
            return None;
        };
        let text = text.trim();
        if text.is_empty() {
            self.document.report(
                self.document
                    .at(&value.span(), format!("`{field}` is empty"))
                    .with_help("leave it out when there is nothing to say"),
            );
            return None;
        }
        Some(Spanned::new(value.span(), text.to_owned()))
    }

    fn parse<T: FromStr<Err: fmt::Display>>(&self, text: &Found<String>) -> Option<Found<T>> {
        match text.get_ref().parse() {
            Ok(parsed) => Some(Spanned::new(text.span(), parsed)),
            Err(error) => {
                // The error may repeat the text, which only `quoted` may do.
                let error = error.to_string();
                let reason = error.split(": `").next().unwrap_or_default();
                self.document.report(self.document.at(
                    &text.span(),
                    format!("{reason}: {}", quoted(text.get_ref())),
                ));
                None
            }
        }
    }

    /// A text in the form of an id or the like.
    pub fn parsed<T: FromStr<Err: fmt::Display>>(&self, field: &str) -> Option<Found<T>> {
        self.parse(&self.text(field)?)
    }

    /// One of a few words.
    pub fn word<T: Clone>(&self, field: &str, words: &[(&'static str, T)]) -> Option<Found<T>> {
        self.word_of(&self.text(field)?, field, words)
    }

    fn word_of<T: Clone>(
        &self,
        text: &Found<String>,
        field: &str,
        words: &[(&'static str, T)],
    ) -> Option<Found<T>> {
        if let Some((_, value)) = words.iter().find(|(word, _)| word == text.get_ref()) {
            return Some(Spanned::new(text.span(), value.clone()));
        }
        let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let problem = self.document.at(
            &text.span(),
            format!(
                "{} is none of the words for `{field}`",
                quoted(text.get_ref())
            ),
        );
        self.document
            .report(suggest(problem, text.get_ref(), &known));
        None
    }

    /// A list of texts; nothing there is an empty list.
    pub fn texts(&self, field: &str) -> Vec<Found<String>> {
        let wanted = "a list of texts in quotes";
        self.items(field, wanted)
            .iter()
            .filter_map(|item| self.text_of(item, field, wanted))
            .collect()
    }

    /// A list of texts in the form of an id or the like.
    pub fn parsed_list<T: FromStr<Err: fmt::Display>>(&self, field: &str) -> Vec<Found<T>> {
        self.texts(field)
            .iter()
            .filter_map(|text| self.parse(text))
            .collect()
    }

    /// A list of words out of a few.
    pub fn words(&self, field: &str, words: &[&'static str]) -> Vec<Found<String>> {
        let pairs: Vec<(&str, ())> = words.iter().map(|word| (*word, ())).collect();
        self.texts(field)
            .into_iter()
            .filter(|text| self.word_of(text, field, &pairs).is_some())
            .collect()
    }

    fn items(&self, field: &str, wanted: &str) -> &'d [Spanned<DeValue<'t>>] {
        let Some(value) = self.get(field) else {
            return &[];
        };
        if let DeValue::Array(items) = value.get_ref() {
            return items;
        }
        self.wrong(value, field, wanted);
        &[]
    }

    /// A day, as a TOML date or as a text.
    pub fn date(&self, field: &str) -> Option<Found<Date>> {
        let value = self.get(field)?;
        let none = |text: &str| {
            self.document.report(
                self.document
                    .at(
                        &value.span(),
                        format!("`{field}` is not a day that exists: {}", quoted(text)),
                    )
                    .with_help("write year, month and day: `2026-01-31`"),
            );
        };
        let date = match value.get_ref() {
            DeValue::Datetime(at) => match at.date {
                Some(date) if at.time.is_none() => date.to_string(),
                _ => {
                    self.wrong(value, field, "a day without a time, `2026-01-31`");
                    return None;
                }
            },
            DeValue::String(text) => text.trim().to_owned(),
            _ => {
                self.wrong(value, field, "a day, `2026-01-31`");
                return None;
            }
        };
        match date.parse::<Date>() {
            // Longer forms that a date parser accepts would drop what stands behind the day.
            Ok(day) if date.len() == 10 => Some(Spanned::new(value.span(), day)),
            _ => {
                none(&date);
                None
            }
        }
    }

    /// A whole number within limits.
    pub fn number(&self, field: &str, limits: RangeInclusive<u32>) -> Option<Found<u32>> {
        self.number_of(self.get(field)?, field, "a whole number", limits)
    }

    /// A list of whole numbers within limits; `None` when the field is not there.
    pub fn numbers(&self, field: &str, limits: &RangeInclusive<u32>) -> Option<Vec<Found<u32>>> {
        let wanted = "a list of whole numbers";
        self.has(field).then(|| {
            self.items(field, wanted)
                .iter()
                .filter_map(|item| self.number_of(item, field, wanted, limits.clone()))
                .collect()
        })
    }

    fn number_of(
        &self,
        value: &Spanned<DeValue<'_>>,
        field: &str,
        wanted: &str,
        limits: RangeInclusive<u32>,
    ) -> Option<Found<u32>> {
        let DeValue::Integer(integer) = value.get_ref() else {
            self.wrong(value, field, wanted);
            return None;
        };
        let number = u32::from_str_radix(integer.as_str(), integer.radix()).ok();
        let Some(number) = number.filter(|number| limits.contains(number)) else {
            self.document.report(self.document.at(
                &value.span(),
                format!(
                    "`{field}` must be between {} and {}",
                    limits.start(),
                    limits.end()
                ),
            ));
            return None;
        };
        Some(Spanned::new(value.span(), number))
    }

    /// True or false.
    pub fn flag(&self, field: &str) -> Option<Found<bool>> {
        let value = self.get(field)?;
        if let DeValue::Boolean(flag) = value.get_ref() {
            return Some(Spanned::new(value.span(), *flag));
        }
        self.wrong(value, field, "`true` or `false`");
        None
    }

    /// Whether the field holds a table.
    pub fn is_table(&self, field: &str) -> bool {
        self.get(field)
            .is_some_and(|value| value.get_ref().is_table())
    }

    /// A table in this one.
    pub fn section(
        &self,
        field: &str,
        name: &'static str,
        known: &[&str],
    ) -> Option<Section<'d, 't>> {
        let section = self.section_of(self.get(field)?, field, name)?;
        section.know(known);
        Some(section)
    }

    fn section_of(
        &self,
        value: &'d Spanned<DeValue<'t>>,
        field: &str,
        name: &'static str,
    ) -> Option<Section<'d, 't>> {
        let DeValue::Table(table) = value.get_ref() else {
            self.wrong(value, field, &format!("a table, {name}"));
            return None;
        };
        Some(Section {
            document: self.document,
            table,
            span: value.span(),
            name,
        })
    }

    /// A list of tables in this one; nothing there is an empty list.
    pub fn sections(
        &self,
        field: &str,
        name: &'static str,
        known: &[&str],
    ) -> Vec<Section<'d, 't>> {
        let sections = self.sections_of_kinds(field, name);
        for section in &sections {
            section.know(known);
        }
        sections
    }

    /// Like [`Self::sections`] where the fields depend on the kind of each: the caller says with
    /// [`Self::know`] what it knows.
    pub fn sections_of_kinds(&self, field: &str, name: &'static str) -> Vec<Section<'d, 't>> {
        self.items(field, &format!("a list of tables, {name}"))
            .iter()
            .filter_map(|item| self.section_of(item, field, name))
            .collect()
    }
}

/// Helps with a word that is none of the known ones.
pub fn suggest(problem: Problem, word: &str, known: &[&str]) -> Problem {
    problem.with_help(match closest(word, known) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None => format!("known here: {}", list(known)),
    })
}

fn list(names: &[&str]) -> String {
    let names: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    names.join(", ")
}

fn kind(value: &DeValue<'_>) -> &'static str {
    match value {
        DeValue::String(_) => "a text",
        DeValue::Integer(_) => "a whole number",
        DeValue::Float(_) => "a number with a fraction",
        DeValue::Boolean(_) => "`true` or `false`",
        DeValue::Datetime(_) => "a date or time",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}
