//! Markdown in which nothing of a tenant is markup.

use super::page::clean;

/// One line of text: no cell ends early, no link, image, mention or HTML.
pub(super) fn markdown(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An entity, so that a name can't notify people on a code hosting site.
            '@' => out.push_str("&#64;"),
            '|' | '\\' | '`' | '*' | '_' | '[' | ']' | '!' | '#' | '~' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn nothing_is_markup() {
        assert_eq!(
            markdown("[a](b) | <x> @all"),
            "\\[a\\](b) \\| &lt;x&gt; &#64;all"
        );
    }
}
