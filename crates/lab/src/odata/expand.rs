//! `$select` and `$expand`.

use super::Invalid;

/// How deep `$expand` may nest here; the service allows less.
const DEPTH: usize = 6;

/// A related object that is to be shown too, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Expand {
    pub(crate) name: String,
    pub(crate) select: Vec<String>,
    pub(crate) nested: Vec<Expand>,
}

/// Names between commas.
pub(crate) fn read_list(text: &str) -> Vec<String> {
    text.split(',')
        .map(str::trim)
        .filter(|name| !name.is_empty())
        .map(str::to_owned)
        .collect()
}

/// Reads `$expand`: `members($select=id),policy($expand=rules)`.
pub(crate) fn read_expand(text: &str) -> Result<Vec<Expand>, Invalid> {
    read(text, 0, DEPTH)
}

fn read(text: &str, offset: usize, depth: usize) -> Result<Vec<Expand>, Invalid> {
    if depth == 0 {
        return Err(Invalid::new(offset, "$expand is nested too deeply"));
    }
    let mut found = Vec::new();
    for (start, part) in split(text, ',', offset)? {
        let part = part.trim();
        let (name, options) = match part.split_once('(') {
            None => (part, ""),
            Some((name, rest)) => (
                name,
                rest.strip_suffix(')')
                    .ok_or_else(|| Invalid::new(start, "A closing bracket is missing"))?,
            ),
        };
        if name.trim().is_empty() {
            return Err(Invalid::new(start, "The name of a relation is expected"));
        }
        let mut one = Expand {
            name: name.trim().to_owned(),
            ..Expand::default()
        };
        for (at, option) in split(options, ';', start)? {
            let Some((key, value)) = option.split_once('=') else {
                if option.trim().is_empty() {
                    continue;
                }
                return Err(Invalid::new(at, "An option is expected"));
            };
            match key
                .trim()
                .trim_start_matches('$')
                .to_ascii_lowercase()
                .as_str()
            {
                "select" => one.select = read_list(value),
                "expand" => one.nested = read(value, at, depth - 1)?,
                // The service ignores what else it does not support here.
                _ => {}
            }
        }
        found.push(one);
    }
    Ok(found)
}

/// Parts between separators that stand in no bracket, with their places.
fn split(text: &str, separator: char, offset: usize) -> Result<Vec<(usize, &str)>, Invalid> {
    let mut parts = Vec::new();
    let (mut depth, mut start, mut start_char) = (0_usize, 0, 0);
    for (count, (at, c)) in text.char_indices().enumerate() {
        match c {
            '(' => depth += 1,
            ')' => {
                depth = depth
                    .checked_sub(1)
                    .ok_or_else(|| Invalid::new(offset + count, "A closing bracket too many"))?;
            }
            _ if c == separator && depth == 0 => {
                parts.push((offset + start_char, &text[start..at]));
                (start, start_char) = (at + c.len_utf8(), count + 1);
            }
            _ => {}
        }
    }
    parts.push((offset + start_char, &text[start..]));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn nested_options_are_read() {
        let read =
            read_expand("policy($expand=rules($select=id,setting);$select=id),members").unwrap();
        assert_eq!(read.len(), 2);
        assert_eq!(read[0].name, "policy");
        assert_eq!(read[0].select, ["id"]);
        assert_eq!(read[0].nested[0].name, "rules");
        assert_eq!(read[0].nested[0].select, ["id", "setting"]);
        assert_eq!(read[1].name, "members");
        for text in ["", ",", "a(", "a)", "a($expand=", "a(b)"] {
            assert!(read_expand(text).is_err(), "{text}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_readers_panic(text in "\\PC{0,60}") {
            let _ = read_expand(&text);
            let _ = super::super::read_order(&text);
            let _ = super::super::Search::read(&text);
        }
    }
}
