//! Words of a query.

use super::error::{Fault, Place};

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name or keyword; `in~` and `!in` count as one word each.
    Word(String),
    Text(String),
    Long(i64),
    Real(f64),
    /// What stands in `datetime(…)`: a date as it is, and no expression.
    Date(String),
    /// A span of time, in milliseconds.
    Span(i64),
    /// An operator or bracket.
    Mark(&'static str),
}

/// A word with where it stands.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lexeme {
    pub(super) token: Token,
    pub(super) place: Place,
}

/// Longest first, so that `==` is not taken for `=`.
const MARKS: &[&str] = &[
    "..", "==", "=~", "!=", "!~", "<=", ">=", "<", ">", "=", "|", "(", ")", "[", "]", "{", "}",
    ",", ";", ".", "+", "-", "*", "/", "%", ":",
];
/// Units of time spans, with their milliseconds.
const UNITS: &[(&str, i64)] = &[
    ("days", 86_400_000),
    ("day", 86_400_000),
    ("d", 86_400_000),
    ("hours", 3_600_000),
    ("hour", 3_600_000),
    ("hrs", 3_600_000),
    ("hr", 3_600_000),
    ("h", 3_600_000),
    ("minutes", 60_000),
    ("minute", 60_000),
    ("min", 60_000),
    ("m", 60_000),
    ("seconds", 1_000),
    ("second", 1_000),
    ("sec", 1_000),
    ("s", 1_000),
    ("milliseconds", 1),
    ("ms", 1),
];

/// Takes a query apart; comments and white space are left out.
pub(super) fn read(query: &str) -> Result<Vec<Lexeme>, Fault> {
    let mut lexemes = Vec::new();
    let mut at = 0;
    while let Some(rest) = query.get(at..).filter(|rest| !rest.is_empty()) {
        if let Some(first) = rest.chars().next().filter(|first| first.is_whitespace()) {
            at += first.len_utf8();
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let (token, length) = next(rest).ok_or_else(|| Fault::Syntax(place(query, at, 1)))?;
        lexemes.push(Lexeme {
            token,
            place: place(query, at, length),
        });
        at += length;
    }
    Ok(lexemes)
}

/// Where something stands, and what.
fn place(query: &str, at: usize, length: usize) -> Place {
    let before = query.get(..at).unwrap_or_default();
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let rest = query.get(at..).unwrap_or_default();
    let token = rest
        .get(..length)
        .map_or_else(|| rest.chars().take(1).collect(), str::to_owned);
    Place {
        line: before.matches('\n').count() + 1,
        column: before.get(line_start..).unwrap_or_default().chars().count(),
        token,
    }
}

fn next(rest: &str) -> Option<(Token, usize)> {
    let first = rest.chars().next()?;
    if first == '"' || first == '\'' {
        return text(rest, false).map(|(text, length)| (Token::Text(text), length));
    }
    if let Some(verbatim) = rest.strip_prefix('@') {
        return text(verbatim, true).map(|(text, length)| (Token::Text(text), length + 1));
    }
    if first.is_ascii_digit() {
        return number(rest);
    }
    let name = |text: &str| {
        text.chars()
            .take_while(|c| c.is_alphanumeric() || *c == '_')
            .map(char::len_utf8)
            .sum::<usize>()
    };
    if first.is_alphabetic() || first == '_' || first == '$' {
        let mut length = first.len_utf8() + name(rest.get(first.len_utf8()..)?);
        let word = rest.get(..length)?;
        if word == "datetime"
            && let Some(inner) = rest.get(length..)?.strip_prefix('(')
        {
            let inner = inner.split(')').next()?;
            let whole = length + inner.len() + 2;
            rest.get(..whole)?;
            let date = inner.trim().trim_matches(['"', '\'']);
            return Some((Token::Date(date.to_owned()), whole));
        }
        if matches!(word, "in" | "has_any") && rest.get(length..)?.starts_with('~') {
            length += 1;
        }
        return Some((Token::Word(rest.get(..length)?.to_owned()), length));
    }
    // `!in`, `!in~`, `!has`, `!contains`, `!startswith`.
    if first == '!' && rest.get(1..)?.starts_with(|c: char| c.is_alphabetic()) {
        let mut length = 1 + name(rest.get(1..)?);
        if rest.get(length..)?.starts_with('~') {
            length += 1;
        }
        return Some((Token::Word(rest.get(..length)?.to_owned()), length));
    }
    let mark = MARKS.iter().find(|mark| rest.starts_with(**mark))?;
    Some((Token::Mark(mark), mark.len()))
}

/// A text in quotes of either kind; without `verbatim`, a backslash escapes.
fn text(rest: &str, verbatim: bool) -> Option<(String, usize)> {
    let mut chars = rest.char_indices();
    let (_, quote) = chars.next()?;
    if quote != '"' && quote != '\'' {
        return None;
    }
    let mut text = String::new();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if !verbatim => match chars.next()?.1 {
                'n' => text.push('\n'),
                't' => text.push('\t'),
                'r' => text.push('\r'),
                other => text.push(other),
            },
            c if c == quote => return Some((text, at + c.len_utf8())),
            '\n' if !verbatim => return None,
            other => text.push(other),
        }
    }
    None
}

fn number(rest: &str) -> Option<(Token, usize)> {
    let digits = rest.bytes().take_while(u8::is_ascii_digit).count();
    let mut length = digits;
    // `1..2` is a range, and not the number `1.`.
    let fraction = rest.get(digits..)?.strip_prefix('.').map_or(0, |rest| {
        rest.bytes().take_while(u8::is_ascii_digit).count()
    });
    if fraction > 0 {
        length += 1 + fraction;
    }
    let unit: String = rest
        .get(length..)?
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect();
    let number = rest.get(..length)?;
    if unit.is_empty() {
        let token = if fraction > 0 {
            Token::Real(number.parse().ok()?)
        } else {
            Token::Long(number.parse().ok()?)
        };
        return Some((token, length));
    }
    let (_, milliseconds) = UNITS.iter().find(|(own, _)| *own == unit)?;
    let whole: i64 = rest.get(..digits)?.parse().ok()?;
    let mut span = whole.checked_mul(*milliseconds)?;
    if fraction > 0 {
        let places = fraction.min(6);
        let part: i64 = rest.get(digits + 1..digits + 1 + places)?.parse().ok()?;
        let scale = 10_i64.checked_pow(u32::try_from(places).ok()?)?;
        span = span.checked_add(part.checked_mul(*milliseconds)? / scale)?;
    }
    Some((Token::Span(span), length + unit.len()))
}
