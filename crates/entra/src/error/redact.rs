//! Texts of services without anything that looks like a token.
//!
//! Invariant: whatever a service quotes back of what it was sent, a token in it is not shown. Three signs are looked for,
//! each for itself: the form of a JSON web token, a name such as `access_token` before a value, and mere length.

use std::borrow::Cow;

/// What stands in place of a token.
const HIDDEN: &str = "[token]";
/// Names whose value is never shown. The authorization code of OAuth 2.0 counts only in a query (`?code=`, `&code=`): a
/// plain `code` is what most errors are about.
const NAMES: &[&str] = &[
    "access_token",
    "accesstoken",
    "refresh_token",
    "refreshtoken",
    "id_token",
    "client_secret",
    "client_assertion",
    "assertion",
    "device_code",
    "code_verifier",
    "password",
    "sig",
    "?code",
    "&code",
];
/// Schemes of an `Authorization` header.
const SCHEMES: &[&str] = &["bearer", "basic"];
/// A word without a break of this length, with figures and letters of both cases, is no word.
const LONG: usize = 80;

/// The text without anything that looks like a token.
pub(crate) fn redacted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        // Only where a word begins can a name or a scheme stand.
        let is_start = !first.is_ascii_alphanumeric()
            || !shown.ends_with(|c: char| c.is_ascii_alphanumeric() || c == '_');
        if let Some((kept, hidden)) = is_start.then(|| named(rest)).flatten() {
            shown.push_str(&rest[..kept]);
            shown.push_str(HIDDEN);
            rest = &rest[kept + hidden..];
            continue;
        }
        let length = rest.find(|c| !is_token_char(c)).unwrap_or(rest.len());
        if length == 0 {
            shown.push(first);
            rest = &rest[first.len_utf8()..];
            continue;
        }
        if is_start && looks_secret(&rest[..length]) {
            shown.push_str(HIDDEN);
            rest = &rest[length..];
            continue;
        }
        if let Some(length) = json_web_token(rest) {
            shown.push_str(HIDDEN);
            rest = &rest[length..];
            continue;
        }
        shown.push(first);
        rest = &rest[first.len_utf8()..];
    }
    shown
}

/// The text without this token either, whatever it looks like.
pub(crate) fn without<'a>(text: &'a str, token: &str) -> Cow<'a, str> {
    if token.len() >= 8 && text.contains(token) {
        Cow::Owned(text.replace(token, HIDDEN))
    } else {
        Cow::Borrowed(text)
    }
}

fn is_token_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '~' | '+' | '/' | '=')
}

/// A JSON web token at the very beginning: its header is an object, whose first letters are always these.
fn json_web_token(text: &str) -> Option<usize> {
    if !["eyJ", "eyA", "ewo", "ewk", "e30."]
        .iter()
        .any(|start| text.starts_with(start))
    {
        return None;
    }
    let length = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '=')))
        .unwrap_or(text.len());
    let word = text[..length].trim_end_matches('.');
    (word.len() >= 12 && word.contains('.')).then_some(length)
}

/// Long, and of every kind of sign: refresh tokens, authorization codes and the like have no other form.
fn looks_secret(word: &str) -> bool {
    word.split('/').any(|part| {
        let has = |is: fn(&char) -> bool| part.chars().any(|c| is(&c));
        part.len() >= LONG
            && has(char::is_ascii_digit)
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_uppercase)
    })
}

/// A name or scheme with its value: how many bytes to keep, and how many to hide after them.
fn named(text: &str) -> Option<(usize, usize)> {
    let starts = |name: &&&str| {
        text.get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    };
    if let Some(name) = NAMES.iter().find(starts) {
        let kept = name.len() + separator(&text[name.len()..])?;
        let value = &text[kept..];
        let hidden = value
            .find(|c: char| {
                c.is_whitespace()
                    || matches!(
                        c,
                        '"' | '\'' | '&' | ',' | ';' | '}' | '<' | '>' | '\\' | '#' | ')'
                    )
            })
            .unwrap_or(value.len());
        return (hidden > 0).then_some((kept, hidden));
    }
    let scheme = SCHEMES.iter().find(starts)?;
    let after = &text[scheme.len()..];
    let gap = ["%20", "+", ":"]
        .iter()
        .find(|gap| after.starts_with(**gap))
        .map_or(0, |gap| gap.len());
    let gap = gap + after[gap..].len()
        - after[gap..]
            .trim_start_matches([' ', '\t', '"', '\'', '\\'])
            .len();
    if gap == 0 {
        return None;
    }
    let value = &after[gap..];
    if NAMES.iter().any(|name| {
        value
            .get(..name.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(name))
    }) {
        // The name that follows says better where the value is.
        return None;
    }
    let hidden = value.find(|c| !is_token_char(c)).unwrap_or(value.len());
    // "Bearer authentication" is a word like any other.
    let is_word = hidden < 16
        && value[..hidden]
            .chars()
            .all(|c| c.is_ascii_lowercase() || c == '.');
    (hidden > 0 && !is_word).then_some((scheme.len() + gap, hidden))
}

/// What stands between a name and its value in a query, in JSON (also inside a JSON text), in a header, or encoded.
fn separator(text: &str) -> Option<usize> {
    let quotes = |text: &str| text.len() - text.trim_start_matches(['"', '\'', '\\', ' ']).len();
    let before = quotes(text);
    let mark = ["=", ":", "%3D", "%3d"]
        .iter()
        .find(|mark| text[before..].starts_with(**mark))?;
    let at = before + mark.len();
    Some(at + quotes(&text[at..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const JWT: &str = "eyJ0eXAiOiJKV1QifQ.eyJhdWQiOiJodHRwcyJ9.c2lnbmF0dXJl-_x";

    #[test]
    fn tokens_are_hidden_wherever_they_stand() {
        let secret = "aB3xyz.Q~secretvalue";
        for (text, expected) in [
            (format!("Bearer {JWT}"), "Bearer [token]"),
            (
                format!("authorization: bearer \"{secret}\"."),
                "authorization: bearer \"[token]\".",
            ),
            (format!("token='{JWT}', sent"), "token='[token]', sent"),
            (
                format!("{{\"access_token\":\"{secret}\",\"a\":1}}"),
                "{\"access_token\":\"[token]\",\"a\":1}",
            ),
            (
                format!("{{\\\"refresh_token\\\": \\\"{secret}\\\"}}"),
                "{\\\"refresh_token\\\": \\\"[token]\\\"}",
            ),
            (
                format!("https://x/cb?access_token={secret}&state=1"),
                "https://x/cb?access_token=[token]&state=1",
            ),
            (
                format!("https://x/?code={secret}&state=1"),
                "https://x/?code=[token]&state=1",
            ),
            (
                format!("client_secret%3D{secret}"),
                "client_secret%3D[token]",
            ),
            (format!("xx{JWT}xx yy"), "xx[token] yy"),
            (format!("<b>{JWT}</b>"), "<b>[token]</b>"),
        ] {
            assert_eq!(redacted(&text), expected);
        }
    }

    #[test]
    fn ordinary_sentences_stay_as_they_are() {
        for text in [
            "Insufficient privileges to complete the operation.",
            "Resource '00000000-0000-0000-0000-0000000000b1' does not exist",
            "code: InvalidAuthenticationToken, the Bearer token is missing.",
            "Unsupported: $filter=signInActivity/lastSignInDateTime ge 2026-01-01T00:00:00Z",
            "1040: Policy contains invalid authentication strength",
            "/subscriptions/00000000-0000-0000-0000-0000000000b1/resourceGroups/rg-security-monitoring-westeurope/providers/Microsoft.OperationalInsights/workspaces/law1",
            "The key 'é' – ünïcode – is unknown",
        ] {
            assert_eq!(redacted(text), text);
        }
    }

    proptest! {
        #[test]
        fn no_token_is_ever_shown(
            parts in ("eyJ[A-Za-z0-9_-]{8,60}", "[A-Za-z0-9_-]{8,200}", "[A-Za-z0-9_-]{16,80}"),
            before in "[ -~é]{0,40}[ \"'=:(,<>/]?",
            after in "([ \"'&,;)}<>][ -~]{0,40})?",
        ) {
            let token = format!("{}.{}.{}", parts.0, parts.1, parts.2);
            let shown = redacted(&format!("{before}{token}{after}"));
            for part in [&token, &parts.0, &parts.1, &parts.2] {
                prop_assert!(!shown.contains(part.as_str()), "{shown}");
            }
        }

        #[test]
        fn no_value_with_the_name_of_a_secret_is_ever_shown(
            name in prop::sample::select(NAMES),
            separator in prop::sample::select(vec!["=", ": ", "\": \"", "\":\"", "\\\":\\\"", " = ", "%3D", "='"]),
            secret in "[A-Za-z0-9~_.-]{8,120}",
            before in "([ -~]{0,30}[ \"'{?&,;(])?",
        ) {
            let shown = redacted(&format!("{before}{name}{separator}{secret}\"}} and more"));
            prop_assert!(!shown.contains(&secret), "{shown}");
        }

        #[test]
        fn nothing_after_bearer_is_shown(secret in "[A-Z0-9][A-Za-z0-9+/_.-]{7,80}={0,2}", gap in prop::sample::select(vec![" ", "%20", "+", ": ", " \""])) {
            let shown = redacted(&format!("Authorization: Bearer{gap}{secret} was sent"));
            prop_assert!(!shown.contains(&secret), "{shown}");
        }

        #[test]
        fn any_text_can_be_redacted_and_twice_is_as_once(text in "\\PC{0,200}") {
            let once = redacted(&text);
            prop_assert_eq!(redacted(&once), once);
        }
    }
}
