//! A TOML file on its way to a valid value.

use std::{cell::RefCell, ops::Range};

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{
    Problem, Section, SourceText,
    name::{find_pin, find_secret_name, find_url_password, find_url_path, plain, secret_name},
};

/// Tables in tables that are followed. The parser stops earlier; this keeps our own recursion short.
const DEPTH: usize = 100;

/// What a file does with names of secrets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretRule {
    /// No secret has any business in the file: the field is refused, and so is a PIN in free text.
    Refuse,
    /// Fields may say where a secret lies (`password_file`, `password_env`). Keys, tokens and the paths
    /// of web addresses count as secrets too. What stands behind the
    /// name of a secret is not shown, except paths: people write the secret where the name of the
    /// variable should stand.
    Refer,
}

impl SecretRule {
    fn is_secret(self) -> fn(&str) -> bool {
        match self {
            Self::Refuse => secret_name,
            Self::Refer => |name| {
                let is_key = name.ends_with("_key") || name.ends_with("_key_env");
                (secret_name(name) || is_key || name.contains("token")) && !name.ends_with("_file")
            },
        }
    }
}

/// A file that is TOML, and the problems found in it so far.
#[derive(Debug)]
pub struct Document<'t> {
    source: SourceText<'t>,
    rule: SecretRule,
    problems: RefCell<Vec<Problem>>,
    warnings: RefCell<Vec<Problem>>,
}

impl<'t> Document<'t> {
    /// Reads a file as TOML.
    ///
    /// # Errors
    /// Every place at which it is not TOML.
    pub fn parse(
        file: &'t str,
        text: &'t str,
        rule: SecretRule,
    ) -> Result<(Self, Spanned<DeTable<'t>>), Vec<Problem>> {
        let mut source = SourceText::new(file, text);
        let (table, errors) = DeTable::parse_recoverable(source.text());
        let mut found = Secrets {
            is_secret: rule.is_secret(),
            hidden: Vec::new(),
            names: Vec::new(),
            pins: Vec::new(),
        };
        if !errors.is_empty() {
            let name = find_secret_name(source.text(), rule.is_secret()).map(|(_, end)| end);
            let address = find_url_password(source.text());
            let first = name.into_iter().chain(address).min();
            found.lines(source.text(), rule);
            found.hidden.extend(first.map(|from| from..text.len()));
            source.hide(found.hidden);
            return Err(not_toml(&source, &errors));
        }
        found.table(table.get_ref(), DEPTH);
        found.lines(source.text(), rule);
        source.hide(found.hidden);
        let document = Self {
            source,
            rule,
            problems: RefCell::default(),
            warnings: RefCell::default(),
        };
        if rule == SecretRule::Refuse {
            document.refuse(&found.names, &found.pins);
        }
        Ok((document, table))
    }

    fn refuse(&self, names: &[Range<usize>], pins: &[Range<usize>]) {
        for span in names {
            self.report(
                self.at(span, "a field of this name holds a secret, and no secret is kept here")
                    .with_help(
                        "take the value out, treat it as disclosed, and keep it in the sealed envelope only",
                    ),
            );
        }
        for span in pins {
            self.report(
                self.at(span, "this text holds what looks like a PIN, and no PIN is kept here")
                    .with_help(
                        "take the number out, treat it as disclosed, and keep it in the sealed envelope only",
                    ),
            );
        }
    }

    /// The whole file as a section.
    pub fn section<'d>(
        &'d self,
        table: &'d Spanned<DeTable<'t>>,
        known: &[&str],
    ) -> Section<'d, 't> {
        Section::open(self, table.get_ref(), 0..0, "the file", known)
    }

    /// Whether a field is refused for its name, and reported as such.
    pub(super) fn refuses(&self, name: &str) -> bool {
        self.rule == SecretRule::Refuse && secret_name(name)
    }

    /// A problem at a place; not reported yet.
    pub fn at(&self, span: &Range<usize>, message: impl Into<String>) -> Problem {
        self.source.problem(span, message)
    }

    /// Reports what makes the file invalid.
    pub fn report(&self, problem: Problem) {
        self.problems.borrow_mut().push(problem);
    }

    /// Reports what is doubtful.
    pub fn warn(&self, problem: Problem) {
        self.warnings.borrow_mut().push(problem);
    }

    /// The text between two offsets; a place that is not in the text gives nothing.
    pub fn text(&self, span: &Range<usize>) -> &'t str {
        self.source.text().get(span.clone()).unwrap_or("")
    }

    /// Problems and warnings, in the order of the file.
    pub fn finish(self) -> (Vec<Problem>, Vec<Problem>) {
        let sorted = |problems: RefCell<Vec<Problem>>| {
            let mut problems = problems.into_inner();
            problems.sort_by_key(|problem| (problem.line, problem.column));
            problems.dedup();
            problems
        };
        (sorted(self.problems), sorted(self.warnings))
    }
}

fn not_toml(source: &SourceText<'_>, errors: &[toml::de::Error]) -> Vec<Problem> {
    let mut problems: Vec<Problem> = errors
        .iter()
        .map(|error| {
            let end = source.text().len();
            source.problem(
                &error.span().unwrap_or(end..end),
                format!("this is not TOML: {}", error.message()),
            )
        })
        .collect();
    problems.sort_by_key(|problem| (problem.line, problem.column));
    // After one mistake in a line the parser often stumbles over the rest of it.
    problems.dedup_by_key(|problem| problem.line);
    problems
}

/// Where secrets stand in a file.
struct Secrets {
    is_secret: fn(&str) -> bool,
    hidden: Vec<Range<usize>>,
    names: Vec<Range<usize>>,
    pins: Vec<Range<usize>>,
}

impl Secrets {
    fn table(&mut self, table: &DeTable<'_>, depth: usize) {
        for (key, value) in table {
            let span = key.span();
            if (self.is_secret)(key.get_ref()) {
                let start = if plain(key.get_ref()) {
                    span.end
                } else {
                    span.start
                };
                self.hidden.push(start..value.span().end.max(start));
                self.everything(value, depth);
                self.names.push(span);
            } else {
                self.value(value, depth);
            }
        }
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) {
        let Some(depth) = depth.checked_sub(1) else {
            self.hidden.push(value.span());
            return;
        };
        match value.get_ref() {
            DeValue::String(text) if find_pin(text).is_some() => {
                self.hidden.push(value.span());
                self.pins.push(value.span());
            }
            DeValue::String(text) if find_url_password(text).is_some() => {
                self.hidden.push(value.span());
            }
            DeValue::Array(items) => items.iter().for_each(|item| self.value(item, depth)),
            DeValue::Table(table) => self.table(table, depth),
            _ => {}
        }
    }

    /// Hides a value with all that stands in it, names included.
    fn everything(&mut self, value: &Spanned<DeValue<'_>>, depth: usize) {
        self.hidden.push(value.span());
        let Some(depth) = depth.checked_sub(1) else {
            return;
        };
        match value.get_ref() {
            DeValue::Array(items) => items.iter().for_each(|item| self.everything(item, depth)),
            DeValue::Table(table) => {
                for (key, value) in table {
                    self.hidden.push(key.span());
                    self.everything(value, depth);
                }
            }
            _ => {}
        }
    }

    /// Hides the rest of each line behind the name of a secret, and finds PINs in comments. PINs in
    /// values have been found by then, in whatever way they are written.
    fn lines(&mut self, text: &str, rule: SecretRule) {
        let in_values = self.hidden.clone();
        let mut start = 0;
        for line in text.split_inclusive('\n') {
            if let Some((name, end)) = find_secret_name(line, self.is_secret) {
                let from = if plain(&line[name..end]) { end } else { name };
                self.hidden.push(start + from..start + line.len());
            }
            if rule == SecretRule::Refer
                && let Some(from) = find_url_path(line)
            {
                self.hidden.push(start + from..start + line.len());
            }
            if let Some(from) = find_url_password(line) {
                self.hidden.push(start + from..start + line.len());
            }
            if let Some((word, digits)) = find_pin(line) {
                let (word, digits) = (start + word, start + digits);
                if !in_values.iter().any(|value| value.contains(&digits)) {
                    self.pins.push(word..word + 3);
                }
                self.hidden.push(word + 3..start + line.len());
            }
            start += line.len();
        }
    }
}
