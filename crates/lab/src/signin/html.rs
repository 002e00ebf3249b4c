//! HTML of the twin's pages: escaping, the frame of every page, and the headers that it is sent with.
//!
//! Invariants:
//! - every text that comes from the tenant, the request or the person goes through [`esc`];
//! - no page holds script or style of its own: the content security policy allows the two files of this program alone.

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse as _, Response},
};

/// A text for element content and for quoted attributes.
pub(crate) fn esc(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Direction marks of a display name could turn the words around it.
            '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => out.push('\u{fffd}'),
            c if c.is_control() && c != '\n' => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

/// A page.
#[derive(Debug, Default)]
pub(crate) struct Page<'a> {
    pub(crate) title: &'a str,
    /// Name of the tenant.
    pub(crate) tenant: &'a str,
    /// HTML.
    pub(crate) body: String,
    /// A wider frame, for the portal.
    pub(crate) wide: bool,
    /// Another origin that a form may lead to: the app that asked for the sign-in.
    pub(crate) leads_to: Option<String>,
    pub(crate) status: u16,
}

/// The style sheet.
pub(crate) const STYLE: &str = include_str!("style.css");
/// The script: passkeys, and nothing else.
pub(crate) const SCRIPT: &str = include_str!("page.js");

impl Page<'_> {
    /// The page with its headers.
    pub(crate) fn respond(self) -> Response {
        let html = format!(
            "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"robots\" content=\"noindex\">\n<title>{title}</title>\n\
             <link rel=\"stylesheet\" href=\"/lab/style.css\">\n<script src=\"/lab/page.js\" defer></script>\n\
             </head>\n<body>\n<p class=\"banner\"><strong>This is the twin</strong>, not Microsoft. The tenant \
             <q>{tenant}</q> lives on this machine alone. Type no real password here.</p>\n\
             <main class=\"{frame}\">\n{body}\n</main>\n</body>\n</html>\n",
            title = esc(self.title),
            tenant = esc(self.tenant),
            frame = if self.wide { "wide" } else { "card" },
            body = self.body,
        );
        let leads_to = self.leads_to.as_deref().unwrap_or_default();
        let policy = format!(
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; base-uri 'none'; \
             frame-ancestors 'none'; form-action 'self' {leads_to}"
        );
        let status = StatusCode::from_u16(self.status).unwrap_or(StatusCode::OK);
        let mut response = (status, html).into_response();
        let headers = response.headers_mut();
        let mut put = |name, value: &str| {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(name, value);
            }
        };
        put(header::CONTENT_TYPE, "text/html; charset=utf-8");
        put(header::CONTENT_SECURITY_POLICY, policy.trim_end());
        put(header::CACHE_CONTROL, "no-store");
        put(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
        put(header::REFERRER_POLICY, "same-origin");
        response
    }
}

/// A file of this program.
pub(crate) fn file(kind: &'static str, text: &'static str) -> Response {
    (
        [
            (header::CONTENT_TYPE, kind),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::CACHE_CONTROL, "no-cache"),
        ],
        text,
    )
        .into_response()
}

/// A hidden field.
pub(crate) fn hidden(name: &str, value: &str) -> String {
    format!(
        "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
        esc(name),
        esc(value)
    )
}

/// A list to choose from, whose label only screen readers show: for tables with a heading.
pub(crate) fn bare_select(
    name: &str,
    label: &str,
    options: &[(&str, &str)],
    chosen: &str,
) -> String {
    select(name, label, options, chosen).replacen("<span>", "<span class=\"seen\">", 1)
}

/// A list to choose from.
pub(crate) fn select(name: &str, label: &str, options: &[(&str, &str)], chosen: &str) -> String {
    let options: String = options
        .iter()
        .map(|(value, text)| {
            let selected = if *value == chosen { " selected" } else { "" };
            format!(
                "<option value=\"{}\"{selected}>{}</option>",
                esc(value),
                esc(text)
            )
        })
        .collect();
    format!(
        "<label><span>{}</span><select name=\"{}\">{options}</select></label>",
        esc(label),
        esc(name)
    )
}

/// A paragraph about what went wrong; screen readers say it at once.
pub(crate) fn problem(text: Option<&str>) -> String {
    text.map_or_else(String::new, |text| {
        format!("<p class=\"problem\" role=\"alert\">{}</p>", esc(text))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_gets_out_of_an_attribute_or_an_element() {
        assert_eq!(
            esc("<img src=x onerror='a'>&\"\u{202e}x\u{7}"),
            "&lt;img src=x onerror=&#39;a&#39;&gt;&amp;&quot;\u{fffd}x "
        );
    }

    #[test]
    fn the_policy_allows_no_inline_script_and_names_where_forms_lead() {
        let response = Page {
            title: "T",
            leads_to: Some("http://localhost:4711".to_owned()),
            status: 200,
            ..Page::default()
        }
        .respond();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY]
            .to_str()
            .unwrap();
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"));
        assert!(policy.ends_with("form-action 'self' http://localhost:4711"));
    }
}
