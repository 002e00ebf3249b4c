//! Names that people write: which of them mean a secret, and which one was meant.

use super::printable;

/// Characters of a text that are quoted.
const QUOTED: usize = 60;

/// Words that name a secret when they stand alone in a name: `pin`, `safe_code`, `pinOfKey`.
const WORDS: &[&str] = &[
    "pin",
    "pincode",
    "puk",
    "code",
    "combination",
    "otp",
    "totp",
    "pwd",
];
/// Words that name a secret wherever they stand in a name: `mypassword2`.
const PARTS: &[&str] = &["password", "passwd", "passphrase", "passcode", "secret"];

/// Whether a field of this name would hold a PIN, a password, a code or the like. Dates about a secret
/// are none (`combination_changed`).
pub fn secret_name(name: &str) -> bool {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut lower = false;
    for c in name.chars() {
        let ends_word = !c.is_alphanumeric() || (c.is_uppercase() && lower);
        if ends_word && !word.is_empty() {
            words.push(std::mem::take(&mut word));
        }
        if c.is_alphanumeric() {
            word.extend(c.to_lowercase());
        }
        lower = c.is_lowercase();
    }
    words.push(word);
    if words.last().is_some_and(|last| last == "changed") {
        return false;
    }
    words.iter().any(|word| {
        let word = word.trim_end_matches(char::is_numeric);
        let one = word.strip_suffix('s').unwrap_or(word);
        WORDS.contains(&one) || PARTS.iter().any(|part| word.contains(part))
    })
}

/// The first name in a text that [`secret_name`] (or a narrower rule) takes for one: its start and end.
pub(super) fn find_secret_name(text: &str, is_secret: fn(&str) -> bool) -> Option<(usize, usize)> {
    let mut start = 0;
    while start < text.len() {
        let rest = &text[start..];
        let skipped = rest.find(in_name)?;
        let name = &rest[skipped..];
        let length = name.find(|c| !in_name(c)).unwrap_or(name.len());
        if is_secret(&name[..length]) {
            return Some((start + skipped, start + skipped + length));
        }
        start += skipped + length;
    }
    None
}

fn in_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '-'
}

/// Finds a PIN in free text, as `(?i)\bpin\W*\d{4,}` does: the offset of the word and of the digits.
pub(super) fn find_pin(text: &str) -> Option<(usize, usize)> {
    let in_word = |c: char| c.is_alphanumeric() || c == '_';
    let mut before = None;
    for (at, c) in text.char_indices() {
        let starts_word = !before.is_some_and(in_word);
        before = Some(c);
        let here = &text[at..];
        if !starts_word || !here.get(..3).is_some_and(|w| w.eq_ignore_ascii_case("pin")) {
            continue;
        }
        let behind = here[3..].trim_start_matches(|c| !in_word(c));
        if behind.chars().take_while(|c| c.is_numeric()).count() >= 4 {
            return Some((at, text.len() - behind.len()));
        }
    }
    None
}

/// Finds an address with a password (`postgres://user:password@host`): the offset behind its `://`. Its
/// end is guessed generously, since a password may hold what should have been escaped.
pub(super) fn find_url_password(text: &str) -> Option<usize> {
    text.match_indices("://").find_map(|(at, mark)| {
        let start = at + mark.len();
        let rest = &text[start..];
        let end = rest.find(|c: char| c.is_whitespace() || c == '"' || c == '\'');
        let (user, _) = rest[..end.unwrap_or(rest.len())].rsplit_once('@')?;
        user.contains(':').then_some(start)
    })
}

/// Finds the path of a web address: the offset behind the host. Many services put a token there.
pub(super) fn find_url_path(text: &str) -> Option<usize> {
    text.match_indices("://").find_map(|(at, mark)| {
        let start = at + mark.len();
        let ends = |c: char| c.is_whitespace() || matches!(c, '/' | '?' | '#' | '"' | '\'');
        let end = start + text[start..].find(ends)?;
        text[end..].starts_with(['/', '?', '#']).then_some(end)
    })
}

/// Whether a text is an address with a password in it.
pub fn has_url_password(text: &str) -> bool {
    find_url_password(text).is_some()
}

/// A text of the user in backticks: shortened, without control characters, and cut behind a name of a
/// secret and behind the host of a web address.
pub fn quoted(text: &str) -> String {
    let end = find_secret_name(text, secret_name).map_or(text.len(), |(start, end)| {
        if plain(&text[start..end]) { end } else { start }
    });
    let address = find_url_password(text).or(find_url_path(text));
    let end = address.map_or(end, |at| at.min(end));
    let shown: String = text[..end].chars().take(QUOTED).map(printable).collect();
    let more = if shown.chars().count() < text.chars().count() {
        "…"
    } else {
        ""
    };
    format!("`{shown}{more}`")
}

/// Whether a name is only a name: a PIN may stand in the name itself (`pin-4711`).
pub(super) fn plain(name: &str) -> bool {
    name.chars()
        .all(|c| c.is_ascii_alphabetic() || c == '_' || c == '-')
        && name.len() < 32
}

/// The one of the known names that was probably meant.
pub fn closest<'n>(name: &str, known: &[&'n str]) -> Option<&'n str> {
    let name = name.to_lowercase();
    if name.len() > 64 {
        return None;
    }
    known
        .iter()
        .map(|candidate| (distance(&name, candidate), *candidate))
        .filter(|(distance, candidate)| {
            // Of two letters, half are always right.
            let length = candidate.len().min(name.len());
            length > 2 && *distance <= 1.max(length / 3)
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Insertions, deletions, replacements and swaps of neighbours between two names.
fn distance(a: &str, b: &str) -> usize {
    let a: Vec<char> = a.chars().collect();
    let b: Vec<char> = b.chars().collect();
    let mut rows = vec![(0..=b.len()).collect::<Vec<_>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let replaced = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = replaced.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}
