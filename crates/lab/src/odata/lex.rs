//! The words of a filter.

use super::Invalid;

/// A word.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Token {
    /// A name, with dots: `displayName`, `microsoft.graph.user`, `$count`, and unquoted values (GUIDs, dates, numbers).
    Word(String),
    /// Text between quotes, without them.
    Text(String),
    Open,
    Close,
    Comma,
    Slash,
    Colon,
}

/// Words with the number of characters before each.
pub(super) fn words(text: &str) -> Result<Vec<(usize, Token)>, Invalid> {
    let chars: Vec<char> = text.chars().collect();
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(&next) = chars.get(at) {
        let start = at;
        let simple = match next {
            '(' => Some(Token::Open),
            ')' => Some(Token::Close),
            ',' => Some(Token::Comma),
            '/' => Some(Token::Slash),
            ':' => Some(Token::Colon),
            _ => None,
        };
        if let Some(token) = simple {
            found.push((start, token));
            at += 1;
        } else if next.is_whitespace() {
            at += 1;
        } else if next == '\'' {
            let (token, end) = quoted(&chars, start)?;
            found.push((start, token));
            at = end;
        } else if is_word(next) {
            while chars.get(at).is_some_and(|&c| is_word(c)) || is_time_colon(&chars, start, at) {
                at += 1;
            }
            found.push((start, Token::Word(chars[start..at].iter().collect())));
        } else {
            return Err(Invalid::new(
                start,
                format!("Syntax error: character '{next}' is not valid"),
            ));
        }
    }
    Ok(found)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '$' | '@' | '+' | '*' | '#')
}

/// Whether the colon here belongs to a time (`2026-01-01T10:00:00Z`), and not to a lambda (`x:x/id`).
fn is_time_colon(chars: &[char], start: usize, at: usize) -> bool {
    chars.get(at) == Some(&':')
        && chars[start].is_ascii_digit()
        && chars[start..at].contains(&'T')
        && chars.get(at + 1).is_some_and(char::is_ascii_digit)
}

/// Text in quotes; a quote inside is doubled.
fn quoted(chars: &[char], start: usize) -> Result<(Token, usize), Invalid> {
    let mut text = String::new();
    let mut at = start + 1;
    loop {
        match (chars.get(at), chars.get(at + 1)) {
            (Some('\''), Some('\'')) => {
                text.push('\'');
                at += 2;
            }
            (Some('\''), _) => return Ok((Token::Text(text), at + 1)),
            (Some(&c), _) => {
                text.push(c);
                at += 1;
            }
            (None, _) => {
                return Err(Invalid::new(
                    start,
                    "There is an unterminated string literal",
                ));
            }
        }
    }
}
