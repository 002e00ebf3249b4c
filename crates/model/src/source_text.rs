//! Problems in a file that a person wrote, shown at their place, all at once.

use std::fmt;

/// One problem, with its place.
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
    /// What to do; may be empty.
    pub help: String,
    /// The line of the file; empty when showing it could reveal a secret.
    pub source: String,
}

impl Problem {
    /// A problem at a byte offset of a text.
    pub fn at(
        file: &str,
        text: &str,
        offset: usize,
        message: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        let offset = (0..=offset.min(text.len()))
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        let before = &text[..offset];
        let start = before.rfind('\n').map_or(0, |at| at + 1);
        let source = text[start..].lines().next().unwrap_or_default();
        Self {
            file: file.to_owned(),
            line: before.matches('\n').count() + 1,
            column: before[start..].chars().count() + 1,
            message: message.into(),
            help: help.into(),
            source: source
                .chars()
                .take(160)
                .filter(|c| !c.is_control())
                .collect(),
        }
    }

    /// The same problem without the line of the file, for values that must not be repeated.
    #[must_use]
    pub fn without_source(mut self) -> Self {
        self.source.clear();
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}:{}:{}: {}",
            self.file, self.line, self.column, self.message
        )?;
        if !self.source.is_empty() {
            let number = self.line.to_string();
            let blank = " ".repeat(number.len());
            let caret = " ".repeat(self.column.saturating_sub(1));
            write!(
                f,
                "\n {blank} |\n {number} | {}\n {blank} | {caret}^",
                self.source
            )?;
        }
        if !self.help.is_empty() {
            write!(f, "\n  help: {}", self.help)?;
        }
        Ok(())
    }
}

/// The known word that an unknown one was probably meant to be.
pub fn did_you_mean<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    known
        .iter()
        .map(|candidate| (distance(word, candidate), *candidate))
        .filter(|(distance, candidate)| {
            *distance <= (candidate.len() / 3).max(2) && *distance < word.chars().count()
        })
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edit distance (Levenshtein), case ignored.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.to_lowercase().chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.to_lowercase().chars().enumerate() {
        let mut diagonal = i;
        let mut left = i + 1;
        for (j, y) in b.iter().enumerate() {
            let next = (row[j + 1] + 1)
                .min(left + 1)
                .min(diagonal + usize::from(x != *y));
            diagonal = row[j + 1];
            row[j] = left;
            left = next;
        }
        if let Some(last) = row.last_mut() {
            *last = left;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_is_shown_with_a_caret() {
        let problem = Problem::at(
            "a.toml",
            "x = 1\r\nünit = 2\n",
            8 + 1,
            "unknown field `ünit`",
            "did you mean `unit`?",
        );
        assert_eq!((problem.line, problem.column), (2, 2));
        assert_eq!(
            problem.to_string(),
            "a.toml:2:2: unknown field `ünit`\n   |\n 2 | ünit = 2\n   |  ^\n  help: did you mean `unit`?"
        );
        assert!(!problem.without_source().to_string().contains('|'));
    }

    #[test]
    fn near_words_are_suggested() {
        assert_eq!(
            did_you_mean("envelop", &["place", "envelope"]),
            Some("envelope")
        );
        assert_eq!(did_you_mean("xyz", &["place", "envelope"]), None);
        assert_eq!(distance("kitten", "sitting"), 3);
    }
}
