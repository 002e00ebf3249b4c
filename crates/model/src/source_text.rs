//! Files that a person writes, and what is wrong with them.
//!
//! A file is read once ([`Document`]); every [`Problem`] in it is reported at the same time, with its
//! place and what to do. Lower case, no type names of the program, what the user wrote in backticks.
//!
//! Invariant: what stands behind a name like `pin` or `password` is in no message and in no excerpt.
//! People paste error messages into tickets, and a register with a PIN in it is just the one that
//! gets an error message. Three guards, each enough for the usual case:
//! - [`SourceText`] cuts every line that it shows at the first such name, and leaves out lines that
//!   lie inside such a value;
//! - in a file that is not TOML, where a value cannot be told from what follows it, nothing after the
//!   first such name is shown;
//! - [`quoted`] cuts a text that it quotes in the same way.

mod document;
mod name;
mod section;

use std::{fmt, ops::Range};

pub use document::{Document, SecretRule};
pub use name::{closest, has_url_password, quoted, secret_name};
pub use section::{Found, Section, suggest};

/// Characters of a source line that are shown.
const SHOWN: usize = 120;

/// Something wrong, or doubtful, at one place of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file, as the user named it.
    pub file: String,
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    excerpt: Option<Excerpt>,
}

/// The line that a problem is about, as far as it may be shown.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Excerpt {
    text: String,
    /// Characters before the caret.
    indent: usize,
    /// Carets.
    width: usize,
}

impl Problem {
    /// Adds what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The place as `file:line:column`.
    pub fn place(&self) -> String {
        format!("{}:{}:{}", self.file, self.line, self.column)
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        if let Some(Excerpt {
            text,
            indent,
            width,
        }) = &self.excerpt
        {
            write!(f, "\n{:>5} | {text}", self.line)?;
            write!(f, "\n      | {:indent$}{:^<width$}", "", "")?;
        }
        if let Some(help) = &self.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

/// All problems as plain text, a blank line between two.
pub fn render(problems: &[Problem]) -> String {
    let mut text = String::new();
    for (index, problem) in problems.iter().enumerate() {
        if index > 0 {
            text.push('\n');
        }
        text.push_str(&problem.to_string());
        text.push('\n');
    }
    text
}

/// The text of a file, with the parts of it that are never shown.
#[derive(Debug)]
pub struct SourceText<'t> {
    file: &'t str,
    text: &'t str,
    /// Offsets at which lines start.
    lines: Vec<usize>,
    /// Parts that are never shown, in order, without overlap.
    hidden: Vec<Range<usize>>,
}

impl<'t> SourceText<'t> {
    /// Takes a text; a byte order mark is dropped.
    pub fn new(file: &'t str, text: &'t str) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let starts = text.match_indices('\n').map(|(at, _)| at + 1);
        Self {
            file,
            text,
            lines: std::iter::once(0).chain(starts).collect(),
            hidden: Vec::new(),
        }
    }

    /// The text without byte order mark; spans count in it.
    pub fn text(&self) -> &'t str {
        self.text
    }

    /// Never shows these parts.
    fn hide(&mut self, mut parts: Vec<Range<usize>>) {
        parts.append(&mut self.hidden);
        parts.sort_by_key(|part| part.start);
        for part in parts {
            match self.hidden.last_mut() {
                Some(last) if part.start <= last.end => last.end = last.end.max(part.end),
                _ => self.hidden.push(part),
            }
        }
    }

    /// A problem at a place of this text.
    pub fn problem(&self, span: &Range<usize>, message: impl Into<String>) -> Problem {
        let start = self.boundary(span.start);
        // INVARIANT: the first line starts at 0, so at least one starts at or before any offset.
        let index = self.lines.partition_point(|line| *line <= start) - 1;
        let line = self.line(index);
        let column = self.text[line.start..start].chars().count() + 1;
        Problem {
            file: self.file.to_owned(),
            line: index + 1,
            column,
            message: message.into(),
            help: None,
            excerpt: self.excerpt(&line, start..self.boundary(span.end)),
        }
    }

    /// The start of the character at or before an offset.
    fn boundary(&self, offset: usize) -> usize {
        let mut offset = offset.min(self.text.len());
        while !self.text.is_char_boundary(offset) {
            offset -= 1;
        }
        offset
    }

    /// A line without its line end.
    fn line(&self, index: usize) -> Range<usize> {
        let start = self.lines[index];
        let end = self
            .lines
            .get(index + 1)
            .map_or(self.text.len(), |next| next - 1);
        let line = &self.text[start..end];
        start..start + line.strip_suffix('\r').unwrap_or(line).len()
    }

    fn excerpt(&self, line: &Range<usize>, span: Range<usize>) -> Option<Excerpt> {
        let first = self.hidden.partition_point(|part| part.end <= line.start);
        let end = self
            .hidden
            .get(first)
            .map_or(line.end, |part| part.start.clamp(line.start, line.end));
        let blank = self.text[line.start..end].trim().is_empty();
        if blank || span.start > end {
            return None;
        }
        let before = self.text[line.start..span.start].chars().count();
        let marked = self.text[span.start..span.end.clamp(span.start, end)]
            .chars()
            .count();
        // A long line is shown from a little before the caret on.
        let skipped = if before > SHOWN / 2 {
            before - SHOWN / 4
        } else {
            0
        };
        let mut rest = self.text[line.start..end].chars().skip(skipped);
        let mut text: String = rest.by_ref().take(SHOWN).map(printable).collect();
        if skipped > 0 {
            text.insert(0, '…');
        }
        if rest.next().is_some() || end < line.end {
            text.push('…');
        }
        let indent = before - skipped + usize::from(skipped > 0);
        Some(Excerpt {
            width: marked.clamp(1, SHOWN.saturating_sub(indent).max(1)),
            indent,
            text,
        })
    }
}

/// A terminal obeys control characters, and carets must stay below what they mark.
fn printable(c: char) -> char {
    match c {
        '\t' => ' ',
        c if c.is_control() => '\u{fffd}',
        c => c,
    }
}

#[cfg(test)]
mod tests;
