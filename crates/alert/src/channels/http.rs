//! What the channels over HTTP share: a client that goes nowhere else than it was told, and what a
//! status means.

use std::{
    net::{IpAddr, Ipv6Addr, SocketAddr},
    time::Duration,
};

use reqwest::{
    Client, Response, StatusCode,
    dns::{Addrs, Name, Resolve, Resolving},
    header::RETRY_AFTER,
    redirect,
};
use url::{Host, Url};

use crate::{
    channel::{Retry, SendError},
    text::one_line,
};

/// What the refusing resolver says. Errors of the client are searched for it, because they wrap it.
const REFUSED: &str = "resolves to a private, loopback or link-local address";
/// More of an answer than this is not read.
const MAX_ANSWER: usize = 4096;

/// Looks a name up and hands over only public addresses. The client connects to what it is handed,
/// so there is no moment between check and use in which the name could be pointed elsewhere.
struct PublicOnly;

impl Resolve for PublicOnly {
    fn resolve(&self, name: Name) -> Resolving {
        Box::pin(async move {
            let found: Vec<SocketAddr> =
                tokio::net::lookup_host((name.as_str(), 0)).await?.collect();
            let public: Vec<SocketAddr> = found
                .iter()
                .copied()
                .filter(|address| is_public(address.ip()))
                .collect();
            if public.is_empty() && !found.is_empty() {
                return Err(format!("{} {REFUSED}", name.as_str()).into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

/// A client that follows no redirect, uses no proxy from the environment and, unless `allow_private`,
/// connects to public addresses only.
pub(crate) fn client(timeout: Duration, allow_private: bool) -> Result<Client, String> {
    let builder = Client::builder()
        .timeout(timeout)
        .connect_timeout(timeout)
        .redirect(redirect::Policy::none())
        .no_proxy()
        .user_agent(concat!("breakglass/", env!("CARGO_PKG_VERSION")));
    let builder = if allow_private {
        builder
    } else {
        builder.dns_resolver(PublicOnly)
    };
    builder.build().map_err(|error| chain(&error))
}

/// Checks a target. An address in the URL needs no lookup and so never reaches the resolver.
pub(crate) fn check_target(url: &Url, allow_private: bool) -> Result<(), String> {
    match url.scheme() {
        "https" => {}
        "http" if allow_private => {}
        other => return Err(format!("the URL must begin with https, not {other}")),
    }
    let ip = match url.host() {
        None => return Err("the URL names no host".to_owned()),
        Some(Host::Domain(_)) => return Ok(()),
        Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
        Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
    };
    if allow_private || is_public(ip) {
        Ok(())
    } else {
        Err(format!("{ip} {REFUSED}"))
    }
}

/// Whether an address lies on the public internet.
fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            !(ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_broadcast()
                || ip.is_documentation()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (18..20).contains(&b))
                || a >= 224)
        }
        IpAddr::V6(ip) => {
            // An IPv4 address in any of its IPv6 dresses is judged as what it leads to.
            if let Some(inner) = embedded_v4(ip) {
                return is_public(IpAddr::V4(inner));
            }
            let [first, second, ..] = ip.segments();
            (first & 0xE000) == 0x2000 && !(first == 0x2001 && second == 0x0DB8)
        }
    }
}

/// The IPv4 address inside a mapped, NAT64 or 6to4 address.
fn embedded_v4(ip: Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let join =
        |high: u16, low: u16| std::net::Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match ip.segments() {
        [0, 0, 0, 0, 0, 0xFFFF, high, low]
        | [0x64, 0xFF9B, 0, 0, 0, 0, high, low]
        | [0x2002, high, low, ..] => Some(join(high, low)),
        _ => None,
    }
}

/// What a failure before any answer means. The URL is left out: it may carry a secret.
pub(crate) fn transport_failure(error: reqwest::Error) -> SendError {
    let error = error.without_url();
    let reason = chain(&error);
    if reason.contains(REFUSED) {
        return SendError::broken(format!("target refused: {reason}"));
    }
    if error.is_timeout() {
        return SendError::soon("no answer in time; it may have been accepted");
    }
    if error.is_builder() {
        return SendError::broken(reason);
    }
    SendError::soon(reason)
}

/// What a status means, apart from the one that says "accepted".
pub(crate) fn status_failure(status: StatusCode, after: Option<Duration>, body: &str) -> SendError {
    let body = one_line(body);
    let reason = if body.is_empty() {
        format!("answer {status}")
    } else {
        format!("answer {status}: {body}")
    };
    let retry_hint = match status {
        StatusCode::TOO_MANY_REQUESTS => Retry::Later,
        StatusCode::REQUEST_TIMEOUT | StatusCode::TOO_EARLY => Retry::Soon,
        _ if status.is_server_error() && after.is_some() => Retry::Later,
        _ if status.is_server_error() => Retry::Soon,
        _ => Retry::Broken,
    };
    let reason = if status.is_redirection() {
        format!("redirect not followed, {reason}")
    } else {
        reason
    };
    SendError {
        retry_hint,
        after,
        reason,
    }
}

/// Status, wait and the beginning of the body.
pub(crate) async fn read(mut response: Response) -> (StatusCode, Option<Duration>, String) {
    let status = response.status();
    let after = response
        .headers()
        .get(RETRY_AFTER)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.trim().parse().ok())
        .map(Duration::from_secs);
    let mut body = Vec::new();
    // The status decides; a body that breaks off is only worth less.
    while let Ok(Some(chunk)) = response.chunk().await {
        body.extend_from_slice(&chunk);
        if body.len() >= MAX_ANSWER {
            body.truncate(MAX_ANSWER);
            break;
        }
    }
    (status, after, String::from_utf8_lossy(&body).into_owned())
}

/// An error with the errors beneath it, on one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(source) = next {
        text.push_str(": ");
        text.push_str(&source.to_string());
        next = source.source();
    }
    one_line(&text)
}

#[cfg(test)]
mod tests {
    use super::{check_target, is_public};

    #[test]
    fn w6_private_addresses_are_recognised_in_every_dress() {
        for private in [
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",
            "224.0.0.1",
            "255.255.255.255",
            "::1",
            "::",
            "fe80::1",
            "fc00::1",
            "::ffff:127.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "ff02::1",
            "2001:db8::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in ["8.8.8.8", "2606:4700::1111", "172.32.0.1"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
    }

    #[test]
    fn w6_targets_in_clear_or_inside_are_refused() {
        let check = |url: &str, private| check_target(&url.parse().unwrap(), private).is_ok();
        assert!(check("https://hooks.example.com/x", false));
        assert!(!check("http://hooks.example.com/x", false));
        assert!(!check("https://[::1]/x", false));
        assert!(!check("https://0x7f.1/x", false));
        assert!(check("http://127.0.0.1/x", true));
        assert!(!check("file:///etc/passwd", true));
    }
}
