//! The parts of the small language: sources, comparisons, lists of literals.

use super::{Atom, Token};

pub(super) fn source(tokens: &[Token]) -> Option<Vec<String>> {
    let tables = match tokens {
        [
            Token::Word(union),
            Token::Word(fuzzy),
            Token::Sign('='),
            Token::Word(_),
            rest @ ..,
        ] if union == "union" && fuzzy == "isfuzzy" => rest,
        [Token::Word(union), rest @ ..] if union == "union" => rest,
        [Token::Word(_)] => tokens,
        _ => return None,
    };
    tables
        .split(|token| *token == Token::Sign(','))
        .map(|part| match part {
            [Token::Word(table)] => Some(table.clone()),
            _ => None,
        })
        .collect()
}

pub(super) fn atom(tokens: &[Token], lists: &[(&str, Vec<String>)]) -> Option<Atom> {
    // `tostring(path)` and `path` are the same text.
    let (path, rest) = match tokens {
        [Token::Word(call), Token::Sign('('), rest @ ..] if call == "tostring" => {
            let end = rest.iter().position(|token| *token == Token::Sign(')'))?;
            (&rest[..end], &rest[end + 1..])
        }
        _ => {
            let end = tokens.iter().enumerate().position(|(at, token)| {
                (at % 2 == 0) != matches!(token, Token::Word(_))
                    || (at % 2 == 1 && *token != Token::Sign('.'))
            })?;
            (&tokens[..end], &tokens[end..])
        }
    };
    let mut column = String::new();
    for token in path {
        match token {
            Token::Word(word) => column.push_str(word),
            Token::Sign('.') => column.push('.'),
            _ => return None,
        }
    }
    let (exact, values) = match rest {
        [Token::Sign('='), Token::Sign('='), values @ ..] => (true, values),
        [Token::Sign('='), Token::Sign('~'), values @ ..] => (false, values),
        [Token::Word(word), Token::Sign('~'), values @ ..] if word == "in" => (false, values),
        [Token::Word(word), values @ ..] if word == "in" => (true, values),
        [Token::Word(word), values @ ..]
            if ["has", "has_any", "contains"].contains(&word.as_str()) =>
        {
            (false, values)
        }
        _ => return None,
    };
    let values = list(values, lists)?;
    (!column.is_empty()).then_some(Atom {
        column,
        exact,
        values,
    })
}

/// Literals: `"a"`, `("a", "b")`, `dynamic(["a"])`, or the name of such a list, in brackets or not.
pub(super) fn list(tokens: &[Token], lists: &[(&str, Vec<String>)]) -> Option<Vec<String>> {
    match tokens {
        [Token::Text(text)] => Some(vec![text.clone()]),
        [Token::Word(name)] => lists
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, values)| values.clone()),
        [Token::Word(call), rest @ ..] if call == "dynamic" => list(rest, lists),
        [Token::Sign('('), inner @ .., Token::Sign(')')]
        | [Token::Sign('['), inner @ .., Token::Sign(']')] => {
            if inner.iter().any(|token| matches!(token, Token::Text(_)))
                && matches!(inner.first(), Some(Token::Text(_)))
            {
                inner
                    .split(|token| *token == Token::Sign(','))
                    .map(|part| match part {
                        [Token::Text(text)] => Some(text.clone()),
                        _ => None,
                    })
                    .collect()
            } else {
                list(inner, lists)
            }
        }
        _ => None,
    }
}
