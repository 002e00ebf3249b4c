//! Text for a person at a terminal, in the manner of the check report. Words and symbols carry the meaning;
//! colour only repeats it.

use breakglass_posture::report::Style;

use crate::head::Head;

pub(super) use crate::output::one_line as clean;

pub(super) const RED: &str = "31";
pub(super) const GREEN: &str = "32";
pub(super) const YELLOW: &str = "33";
pub(super) const BOLD: &str = "1";
pub(super) const DIM: &str = "2";

/// On a terminal that is narrower than this, texts stand below their labels instead of beside them.
const NARROW: usize = 60;
/// Where they begin there.
const NARROW_INDENT: usize = 4;

/// A page that grows line by line.
pub(super) struct Page {
    out: String,
    color: bool,
    width: usize,
}

impl Page {
    pub(super) fn new(style: Style) -> Self {
        Self {
            out: String::new(),
            color: style.color,
            width: style.width.clamp(40, 200),
        }
    }

    pub(super) fn finish(self) -> String {
        self.out
    }

    fn paint(&self, text: &str, code: &str) -> String {
        if self.color && !code.is_empty() && !text.is_empty() {
            format!("\u{1b}[{code}m{text}\u{1b}[0m")
        } else {
            text.to_owned()
        }
    }

    /// A label of our own, and beside it a text that is wrapped under itself. The label stands in `indent`
    /// columns.
    pub(super) fn block(
        &mut self,
        label: &str,
        label_code: &str,
        indent: usize,
        body: &str,
        code: &str,
    ) {
        let (mut label, mut indent) = (label, indent);
        if self.width < NARROW && indent > 2 * NARROW_INDENT {
            indent = NARROW_INDENT;
            if !label.is_empty() {
                let row = format!("{}\n", self.paint(label.trim_end(), label_code));
                self.out.push_str(&row);
                label = "";
            }
        }
        let lines = wrap(body, self.width.saturating_sub(indent));
        for (number, line) in lines.iter().enumerate() {
            let (lead, pad) = if number == 0 {
                let pad = indent.saturating_sub(label.chars().count());
                (self.paint(label, label_code), pad)
            } else {
                (String::new(), indent)
            };
            let row = format!("{lead}{}{}", " ".repeat(pad), self.paint(line, code));
            self.out.push_str(row.trim_end());
            self.out.push('\n');
        }
    }

    /// A paragraph from the margin.
    pub(super) fn line(&mut self, body: &str, code: &str) {
        self.block("", "", 0, body, code);
    }

    /// A text under another, behind a mark.
    pub(super) fn under(&mut self, indent: usize, mark: &str, body: &str, code: &str) {
        let indent = if self.width < NARROW {
            indent.min(NARROW_INDENT)
        } else {
            indent
        };
        let lead = format!("{}{mark}", " ".repeat(indent));
        let width = lead.chars().count();
        self.block(&lead, code, width, body, code);
    }

    pub(super) fn blank(&mut self) {
        self.out.push('\n');
    }

    pub(super) fn heading(&mut self, title: &str) {
        let title = clean(title);
        self.blank();
        let used = title.chars().count() + 1;
        let Some(rest) = self.width.checked_sub(used) else {
            self.line(&title, BOLD);
            return;
        };
        let rule = "─".repeat(rest);
        let row = format!("{} {}\n", self.paint(&title, BOLD), self.paint(&rule, DIM));
        self.out.push_str(&row);
    }

    /// A heading with one line an item; nothing at all without items.
    pub(super) fn list(&mut self, title: &str, mark: &str, code: &str, items: &[String]) {
        if items.is_empty() {
            return;
        }
        self.heading(title);
        for item in items {
            self.block(mark, code, mark.chars().count() + 1, item, "");
        }
    }
}

/// Breaks a text into lines of at most `width` characters; a longer word is broken inside. At least one line.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(8);
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in clean(text).split(' ') {
        let length = word.chars().count();
        if used > 0 && used + 1 + length > width {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        for c in word.chars() {
            if used >= width {
                lines.push(std::mem::take(&mut line));
                used = 0;
            }
            line.push(c);
            used += 1;
        }
    }
    lines.push(line);
    lines
}

/// What was not read and can matter to a sign-in, one line a collection.
pub(super) fn unread(head: &Head) -> Vec<String> {
    head.unread()
        .into_iter()
        .filter(|line| {
            !["identityGovernance/", "directory/administrativeUnits"]
                .iter()
                .any(|other| line.starts_with(other))
        })
        .collect()
}

/// A count with its noun.
pub(super) fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

/// The first names of a list, and how many more there are.
pub(super) fn some(names: &[String], shown: usize) -> String {
    let shown = if names.len() == shown + 1 {
        shown + 1
    } else {
        shown
    };
    let mut text = names
        .iter()
        .take(shown)
        .map(|name| clean(name))
        .collect::<Vec<_>>()
        .join(", ");
    if names.len() > shown {
        text.push_str(&format!(" and {} more", names.len() - shown));
    }
    text
}

/// The text with a capital at the start.
pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(clean("a\u{1b}[31mb\u{202e}c\n\nd"), "a[31mbc d");
        let mut page = Page::new(Style {
            color: false,
            width: 60,
            verbose: false,
        });
        page.block(" x", RED, 4, &"word ".repeat(20), "");
        let text = page.finish();
        assert!(text.lines().all(|line| line.chars().count() <= 60));
        assert!(
            text.lines()
                .skip(1)
                .all(|line| line.starts_with("    word"))
        );
    }

    #[test]
    fn long_lists_are_counted() {
        let names: Vec<String> = (0..9).map(|n| n.to_string()).collect();
        assert_eq!(some(&names, 3), "0, 1, 2 and 6 more");
        assert_eq!(some(&names[..4], 3), "0, 1, 2, 3");
    }
}
