//! The site that a page is served from, which decides what passkeys it may use.
//!
//! WebAuthn Level 3, *relying party identifier*: it has to be the site's own domain or a parent of it. The twin's keys
//! carry the id of its configuration (`login.microsoft.com`), so they work where a browser reaches the twin by that name;
//! by plain `localhost` it offers keys of `localhost`, and by an address none at all.

use axum::http::{HeaderMap, Uri, header};

use crate::Lab;

/// Origin and host of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Site {
    /// `https://login.microsoft.com`, as browsers write it.
    pub(crate) origin: String,
    host: String,
}

impl Site {
    /// By the `Host` header, or the authority of HTTP/2.
    pub(crate) fn of(uri: &Uri, headers: &HeaderMap) -> Self {
        let authority = headers
            .get(header::HOST)
            .and_then(|value| value.to_str().ok())
            .or_else(|| uri.authority().map(axum::http::uri::Authority::as_str))
            .unwrap_or_default()
            .to_ascii_lowercase();
        let authority = authority.strip_suffix(":443").unwrap_or(&authority);
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
            _ => authority,
        };
        Self {
            origin: format!("https://{authority}"),
            host: host.to_owned(),
        }
    }

    /// The relying party id that passkeys have on this site; `None`: the site can't have any.
    pub(crate) fn rp_id(&self, lab: &Lab) -> Option<String> {
        rp_id(&self.host, lab.rp_id())
    }

    /// Whether it is another one than that of keys which were registered through Graph.
    pub(crate) fn is_foreign(&self, lab: &Lab) -> bool {
        self.rp_id(lab).is_none_or(|own| own != lab.rp_id())
    }
}

fn rp_id(host: &str, configured: &str) -> Option<String> {
    let below = host
        .strip_suffix(configured)
        .is_some_and(|front| front.is_empty() || front.ends_with('.'));
    if below {
        Some(configured.to_owned())
    } else if host == "localhost" {
        Some(host.to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_decides_which_keys_there_are() {
        let of = |host| rp_id(host, "login.microsoft.com");
        assert_eq!(
            of("login.microsoft.com").as_deref(),
            Some("login.microsoft.com")
        );
        assert_eq!(
            of("eu.login.microsoft.com").as_deref(),
            Some("login.microsoft.com")
        );
        assert_eq!(of("localhost").as_deref(), Some("localhost"));
        assert_eq!(of("evillogin.microsoft.com"), None);
        assert_eq!(of("127.0.0.1"), None);
    }

    #[test]
    fn the_origin_is_as_browsers_write_it() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "Login.Microsoft.com:443".parse().unwrap());
        let site = Site::of(&Uri::from_static("/x"), &headers);
        assert_eq!(site.origin, "https://login.microsoft.com");
        headers.insert(header::HOST, "localhost:4711".parse().unwrap());
        let site = Site::of(&Uri::from_static("/x"), &headers);
        assert_eq!(site.origin, "https://localhost:4711");
        assert_eq!(site.host, "localhost");
    }
}
