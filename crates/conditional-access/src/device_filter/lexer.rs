//! A rule's text, cut into tokens.

use std::fmt;

use super::error::{RuleError, shown};

/// A token and where it starts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token<'t> {
    pub(super) at: usize,
    pub(super) kind: Kind<'t>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind<'t> {
    /// One of `( ) [ ] ,`, or a character that belongs nowhere.
    Mark(char),
    /// What stands between double quotes.
    Text(&'t str),
    /// A name, an operator, a keyword.
    Word(&'t str),
    End,
}

impl fmt::Display for Kind<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mark(mark) => write!(f, "`{}`", shown(mark.encode_utf8(&mut [0; 4]))),
            Self::Text(text) => write!(f, "`\"{}\"`", shown(text)),
            Self::Word(word) => write!(f, "`{}`", shown(word)),
            Self::End => f.write_str("the end of the rule"),
        }
    }
}

pub(super) struct Lexer<'t> {
    text: &'t str,
    at: usize,
}

impl<'t> Lexer<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        Self { text, at: 0 }
    }

    pub(super) fn next(&mut self) -> Result<Token<'t>, RuleError> {
        let left = self.text.get(self.at..).unwrap_or_default();
        let rest = left.trim_ascii_start();
        let at = self.at + left.len() - rest.len();
        let Some(first) = rest.chars().next() else {
            self.at = at;
            return Ok(Token {
                at,
                kind: Kind::End,
            });
        };
        let (kind, length) = if first == '"' {
            let text = quoted(at, rest)?;
            (Kind::Text(text), text.len() + 2)
        } else if in_word(first) {
            let length = rest.find(|c| !in_word(c)).unwrap_or(rest.len());
            (Kind::Word(rest.get(..length).unwrap_or_default()), length)
        } else {
            (Kind::Mark(first), first.len_utf8())
        };
        self.at = at + length;
        Ok(Token { at, kind })
    }
}

fn in_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | '$')
}

/// The text that `rest` begins with, without its quotes.
fn quoted(at: usize, rest: &str) -> Result<&str, RuleError> {
    let inside = rest.get(1..).unwrap_or_default();
    let Some((text, _)) = inside.split_once('"') else {
        let found = "a value without its closing quote";
        return Err(RuleError::unexpected(at, found, "`\"` at its end"));
    };
    // Dynamic membership rules escape quotes with it, device filters say nothing: the value could be either.
    if let Some(tick) = text.find('`') {
        let expected = "a value without backticks";
        return Err(RuleError::unexpected(at + 1 + tick, "a backtick", expected));
    }
    // Whether Entra takes an empty text for null is not documented, and the answer would decide the rule.
    if text.is_empty() {
        return Err(RuleError::unexpected(
            at,
            "an empty value",
            "at least one character",
        ));
    }
    Ok(text)
}
