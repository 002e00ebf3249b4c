//! Values that have a form: addresses, hosts, paths.

use std::path::{Path, PathBuf};

use breakglass_model::source_text::{Found, Section, has_url_password, quoted};

/// A path, relative to the directory of the configuration.
pub(super) fn path(section: &Section<'_, '_>, field: &str, base: &Path) -> Option<PathBuf> {
    section.text(field).map(|text| base.join(text.get_ref()))
}

pub(super) fn paths(section: &Section<'_, '_>, field: &str, base: &Path) -> Vec<PathBuf> {
    let texts = section.texts(field);
    texts.iter().map(|text| base.join(text.get_ref())).collect()
}

/// An address that begins with one of `schemes`. One with a password in it is refused.
pub(super) fn address(
    section: &Section<'_, '_>,
    field: &str,
    schemes: &[&str],
) -> Option<Found<String>> {
    let text = section.text(field)?;
    let document = section.document();
    let problem = if has_url_password(text.get_ref()) {
        document
            .at(
                &text.span(),
                format!("`{field}` has a password in it, in clear"),
            )
            .with_help(
                "take it out, treat it as disclosed, and see the example for how to refer to it",
            )
    } else if is_address(text.get_ref(), schemes) {
        return Some(text);
    } else {
        document
            .at(&text.span(), format!("`{field}` is not an address"))
            .with_help(format!(
                "write it in full: `{}host/path`",
                schemes.first().unwrap_or(&"")
            ))
    };
    document.report(problem);
    None
}

/// Whether a text is an address with a host.
pub(super) fn is_address(text: &str, schemes: &[&str]) -> bool {
    let rest = schemes.iter().find_map(|scheme| {
        let start = text.get(..scheme.len())?;
        start
            .eq_ignore_ascii_case(scheme)
            .then(|| &text[scheme.len()..])
    });
    rest.is_some_and(|rest| {
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        let host = host.rsplit('@').next().unwrap_or_default();
        !host.is_empty()
            && !host.starts_with(':')
            && !text.chars().any(|c| c.is_whitespace() || c.is_control())
    })
}

/// `host` or `host:port`; an IPv6 address with a port stands in brackets.
pub(super) fn host_and_port(
    section: &Section<'_, '_>,
    field: &str,
) -> Option<(String, Option<u16>)> {
    let text = section.text(field)?;
    let split = split_host(text.get_ref());
    if split.is_none() {
        let document = section.document();
        document.report(
            document
                .at(
                    &text.span(),
                    format!("`{field}` is not a host: {}", quoted(text.get_ref())),
                )
                .with_help("write host and port: `mail.example.org:587`"),
        );
    }
    split
}

fn split_host(text: &str) -> Option<(String, Option<u16>)> {
    let (host, port) = if let Some(rest) = text.strip_prefix('[') {
        let (host, rest) = rest.split_once(']')?;
        (
            host,
            rest.strip_prefix(':')
                .map_or((!rest.is_empty()).then_some(rest), Some),
        )
    } else {
        match text.split_once(':') {
            Some((host, port)) if !port.contains(':') => (host, Some(port)),
            _ => (text, None),
        }
    };
    let port = match port {
        Some(port) => Some(port.parse().ok().filter(|port| *port != 0)?),
        None => None,
    };
    let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    (!host.is_empty() && host.chars().all(allowed)).then(|| (host.to_owned(), port))
}

/// A mail address, with or without a name before it; the mail library judges the rest.
pub(super) fn is_mail(text: &str) -> bool {
    let address = text.rsplit_once('<').map_or(text, |(_, rest)| rest);
    let address = address.trim_end_matches('>');
    address.rsplit_once('@').is_some_and(|(name, domain)| {
        !name.is_empty() && !domain.is_empty() && !address.contains(char::is_whitespace)
    })
}
