//! Names in a tenant are chosen by whoever may rename an object, so they are hostile until cleaned: an
//! escape sequence could repaint the terminal, and an override of the writing direction could turn a
//! verdict around.

/// The text on one line, without control characters and invisible direction marks.
pub(crate) fn clean(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if c.is_whitespace() {
            if !line.ends_with(' ') {
                line.push(' ');
            }
        } else if !c.is_control() && !steers_display(c) {
            line.push(c);
        }
    }
    line.trim().to_owned()
}

fn steers_display(c: char) -> bool {
    matches!(
        c,
        '\u{061c}'
            | '\u{200b}'
            | '\u{200e}'
            | '\u{200f}'
            | '\u{2028}'..='\u{202e}'
            | '\u{2060}'..='\u{2069}'
            | '\u{feff}'
            | '\u{e0000}'..='\u{e007f}'
    )
}

/// The columns that a text takes on a terminal.
pub(crate) fn columns(text: &str) -> usize {
    text.chars().map(char_columns).sum()
}

fn char_columns(c: char) -> usize {
    match c {
        '\u{0300}'..='\u{036f}' | '\u{200c}' | '\u{200d}' | '\u{fe00}'..='\u{fe0f}' => 0,
        '\u{1100}'..='\u{115f}'
        | '\u{2e80}'..='\u{a4cf}'
        | '\u{ac00}'..='\u{d7a3}'
        | '\u{f900}'..='\u{faff}'
        | '\u{fe30}'..='\u{fe6f}'
        | '\u{ff00}'..='\u{ff60}'
        | '\u{ffe0}'..='\u{ffe6}'
        | '\u{1f300}'..='\u{1faff}'
        | '\u{20000}'..='\u{3fffd}' => 2,
        _ => 1,
    }
}

/// Breaks a text into lines of at most `width` columns; a word that is longer is broken inside.
pub(crate) fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in clean(text).split(' ') {
        let length = columns(word);
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            let next = char_columns(c);
            if used + next > width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += next;
        }
    }
    if !line.is_empty() {
        lines.push(line);
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_sequences_and_direction_marks_do_not_survive() {
        assert_eq!(
            clean("a\u{1b}[31mb\u{9b}2J\r\n\tc\u{202e}d\u{7}"),
            "a[31mb2J cd"
        );
    }

    #[test]
    fn a_wide_character_takes_two_columns_and_a_long_word_is_broken() {
        assert_eq!(columns("a🔑字"), 5);
        assert_eq!(wrap("aaaaaaaaaaaa bb", 8), ["aaaaaaaa", "aaaa bb"]);
        assert!(wrap("", 8).is_empty());
    }
}
