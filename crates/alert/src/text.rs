//! Text from logs, made harmless.
//!
//! Whoever can sign in, or try to, chooses parts of what a record says: a device name, an
//! application name, a display name. [`clean`] takes from such text everything that a mail program,
//! a chat or a terminal would act upon. What remains is one short line that is only ever read.

/// The longest text that is taken over from a record, in characters.
pub const MAX_CHARS: usize = 200;

/// One harmless line: no control, bidirectional or invisible characters, no angle brackets (markup
/// and chat mentions), no `@` that starts a mention, nothing that programs turn into a link, at most
/// [`MAX_CHARS`] characters.
pub fn clean(raw: &str) -> String {
    let visible = one_line(raw);
    let unlinked = visible.replace("://", "[:]//");
    let chars: Vec<char> = unlinked.chars().collect();
    let is_address = looks_like_address(&unlinked);
    let mut out = String::with_capacity(unlinked.len());
    for (i, &c) in chars.iter().enumerate() {
        let before = i.checked_sub(1).map(|j| chars[j]);
        let after = chars.get(i + 1).copied();
        match c {
            '<' => out.push('‹'),
            '>' => out.push('›'),
            '@' if !before.is_some_and(char::is_alphanumeric) => out.push_str("(at)"),
            '.' if !is_address
                && before.is_some_and(char::is_alphanumeric)
                && after.is_some_and(char::is_alphabetic) =>
            {
                out.push_str("[.]");
            }
            _ => out.push(c),
        }
    }
    out
}

/// For HTML text and attribute values.
pub fn escape_html(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            _ => out.push(c),
        }
    }
    out
}

/// Whitespace folded to single spaces, dangerous characters dropped, cut to length. For text that
/// is ours or a server's answer, where links cannot harm.
pub(crate) fn one_line(raw: &str) -> String {
    // A hostile field may be megabytes long: only so much of it is looked at.
    let mut out = String::new();
    let mut count = 0;
    for c in raw.chars().take(MAX_CHARS * 8) {
        let c = if c.is_whitespace() { ' ' } else { c };
        if c.is_control() || is_invisible(c) || (c == ' ' && (out.is_empty() || out.ends_with(' ')))
        {
            continue;
        }
        if count == MAX_CHARS {
            out.push('…');
            break;
        }
        out.push(c);
        count += 1;
    }
    out.truncate(out.trim_end().len());
    out
}

/// A user principal name keeps its dots, so that it can be compared and searched for: exactly one
/// `@` and nothing but the characters of an address.
fn looks_like_address(text: &str) -> bool {
    text.split_once('@').is_some_and(|(local, domain)| {
        let ok = |part: &str| {
            !part.is_empty()
                && part
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || "._-+#'".contains(c))
        };
        ok(local) && ok(domain)
    })
}

/// Whether `text` is one address of usual length that [`clean`] leaves as it is.
pub(crate) fn is_address(text: &str) -> bool {
    text.len() <= MAX_CHARS && looks_like_address(text)
}

/// Bidirectional controls, zero-width characters, line separators, tags and variation selectors.
fn is_invisible(c: char) -> bool {
    matches!(c,
        '\u{00AD}' | '\u{034F}' | '\u{061C}' | '\u{115F}' | '\u{1160}' | '\u{17B4}' | '\u{17B5}'
        | '\u{180B}'..='\u{180F}' | '\u{200B}'..='\u{200F}' | '\u{2028}'..='\u{202E}'
        | '\u{2060}'..='\u{206F}' | '\u{3164}' | '\u{FE00}'..='\u{FE0F}' | '\u{FEFF}'
        | '\u{FFA0}' | '\u{FFF0}'..='\u{FFFB}' | '\u{E0000}'..='\u{E0FFF}')
}

#[cfg(test)]
mod tests {
    use super::{MAX_CHARS, clean, escape_html};

    #[test]
    fn g4_log_text_cannot_break_out_of_its_line() {
        assert_eq!(
            clean("a\r\nBcc: x\u{202E}y\u{0}\u{1b}[31m"),
            "a Bcc: xy[31m"
        );
        assert_eq!(clean("<b>&</b>"), "‹b›&‹/b›");
        assert_eq!(escape_html("\"'&<>"), "&quot;&#39;&amp;&lt;&gt;");
    }

    #[test]
    fn g4_log_text_makes_no_link_and_no_mention() {
        assert_eq!(
            clean("see https://evil.example/x"),
            "see https[:]//evil[.]example/x"
        );
        assert_eq!(clean("www.evil.example"), "www[.]evil[.]example");
        assert_eq!(clean("@channel <!here>"), "(at)channel ‹!here›");
        assert_eq!(
            clean("bg1@contoso.onmicrosoft.com"),
            "bg1@contoso.onmicrosoft.com"
        );
        assert_eq!(clean("203.0.113.7"), "203.0.113.7");
    }

    #[test]
    fn g4_log_text_is_cut() {
        assert_eq!(clean(&"x".repeat(1_000_000)).chars().count(), MAX_CHARS + 1);
    }
}
