//! Texts that come out of a record and go to a terminal, a message or a page.
//!
//! User agent, display names and more are chosen by whoever signs in. Control characters could rewrite a
//! terminal, bidirectional marks could reorder a sentence, and length alone could bury it.

use breakglass_model::signal::Party;

const LONGEST: usize = 1000;

fn harmless(c: char) -> bool {
    !c.is_control()
        && !matches!(c,
            '\u{ad}' | '\u{61c}' | '\u{180e}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e007f}')
}

/// The text without characters that could deceive, and not longer than 1,000 characters.
pub fn clean(text: &str) -> String {
    let mut out: String = text
        .chars()
        .map(|c| {
            if matches!(c, '\n' | '\r' | '\t') {
                ' '
            } else {
                c
            }
        })
        .filter(|c| harmless(*c))
        .take(LONGEST + 1)
        .collect();
    if out.chars().count() > LONGEST {
        out.pop();
        out.push('…');
    }
    out
}

pub(crate) fn clean_opt(text: Option<String>) -> Option<String> {
    text.map(|text| clean(&text))
        .filter(|text| !text.is_empty())
}

pub(crate) fn clean_party(party: Party) -> Party {
    Party {
        id: clean_opt(party.id),
        upn: clean_opt(party.upn),
        name: clean_opt(party.name),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn w11_nothing_that_deceives_comes_out() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\nd"), "a[31mbc d");
        assert_eq!(clean(&"x".repeat(5000)).chars().count(), LONGEST + 1);
    }
}
