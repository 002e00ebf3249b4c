//! `$search` on directory objects: `"displayName:Break" OR "mail:a"`.
//!
//! Microsoft Graph, *Use the $search query parameter*: each clause is in double quotes and names a property; words are
//! compared from their beginnings.

use serde_json::Value;

use super::{Invalid, eval::lookup};

/// A search: alternatives of clauses that must all hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Search(Vec<Vec<(String, String)>>);

/// Properties that a clause without a name searches.
const ANY: &[&str] = &["displayName", "description", "mail", "userPrincipalName"];

impl Search {
    /// Reads `$search`.
    pub(crate) fn read(text: &str) -> Result<Self, Invalid> {
        let mut alternatives = vec![Vec::new()];
        let mut position = 0;
        for (index, piece) in text.split('"').enumerate() {
            let inside = index % 2 == 1;
            if inside {
                let (name, words) = piece.split_once(':').unwrap_or(("", piece));
                if let Some(last) = alternatives.last_mut() {
                    last.push((name.trim().to_owned(), words.trim().to_lowercase()));
                }
            } else {
                match piece.trim().to_ascii_uppercase().as_str() {
                    "" | "AND" | "(" | ")" => {}
                    "OR" => alternatives.push(Vec::new()),
                    _ => {
                        return Err(Invalid::new(
                            position,
                            "Syntax error: character is not valid: a clause is expected in double quotes",
                        ));
                    }
                }
            }
            position += piece.chars().count() + 1;
        }
        if text.matches('"').count() % 2 == 1 || alternatives.iter().any(Vec::is_empty) {
            return Err(Invalid::new(
                position.saturating_sub(1),
                "Syntax error: a clause is expected",
            ));
        }
        Ok(Self(alternatives))
    }

    /// Whether an object is found.
    pub(crate) fn finds(&self, object: &Value) -> bool {
        self.0.iter().any(|clauses| {
            clauses.iter().all(|(name, words)| {
                let named = [name.as_str()];
                let searched = if name.is_empty() { ANY } else { &named };
                searched.iter().any(|property| {
                    lookup(object, property)
                        .and_then(Value::as_str)
                        .is_some_and(|text| starts_a_word(&text.to_lowercase(), words))
                })
            })
        })
    }
}

fn starts_a_word(text: &str, words: &str) -> bool {
    text.match_indices(words).any(|(at, _)| {
        text[..at]
            .chars()
            .next_back()
            .is_none_or(|before| !before.is_alphanumeric())
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn clauses_find_words_by_their_beginnings() {
        let user = json!({"displayName": "Break Glass 01", "mail": "bg@contoso.com"});
        let finds = |text: &str| Search::read(text).unwrap().finds(&user);
        assert!(finds("\"displayName:gla\""));
        assert!(!finds("\"displayName:lass\""));
        assert!(finds("\"displayName:x\" OR \"mail:bg\""));
        assert!(!finds("\"displayName:x\" AND \"mail:bg\""));
        assert!(finds("\"break\""));
        for text in ["", "displayName:x", "\"a", "\"a\" XOR \"b\"", "\"a\" OR"] {
            assert!(Search::read(text).is_err(), "{text}");
        }
    }
}
