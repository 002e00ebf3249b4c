//! Reading `[[channel]]`.

use std::{collections::HashMap, path::Path};

use breakglass_model::source_text::{Found, Section, quoted, suggest};

use super::{Channel, ChannelConfig, MailTls, PagerDuty, Smtp, Webhook};
use crate::config::{
    SecretSource, Setting,
    secrets::{in_file, one_of, refer, refuse_literal, twins},
    values,
};

const KINDS: &[&str] = &["smtp", "webhook", "pagerduty", "console"];
const HTTP: &[&str] = &["https://", "http://"];

pub(in crate::config) fn read(root: &Section<'_, '_>, base: &Path) -> Vec<Channel<SecretSource>> {
    let document = root.document();
    let mut of_kind: HashMap<&str, usize> = HashMap::new();
    let mut names: HashMap<String, usize> = HashMap::new();
    let mut channels = Vec::new();
    for section in root.sections_of_kinds("channel", "`[[channel]]`") {
        let Some(kind) = section.need("kind", section.text("kind")) else {
            continue;
        };
        let Some(kind_name) = KINDS.iter().find(|known| *known == kind.get_ref()) else {
            let problem = document.at(
                &kind.span(),
                format!("there is no channel of the kind {}", quoted(kind.get_ref())),
            );
            document.report(suggest(problem, kind.get_ref(), KINDS));
            continue;
        };
        let number = of_kind.entry(kind_name).or_default();
        *number += 1;
        let (span, name) = match section.text("name") {
            Some(name) => (name.span(), name.into_inner()),
            None => (section.span().clone(), format!("{kind_name}-{number}")),
        };
        let line = document.at(&span, "").line;
        if let Some(first) = names.insert(name.to_lowercase(), line) {
            document.report(document.at(
                &span,
                format!(
                    "the channel {} is given twice, first in line {first}",
                    quoted(&name)
                ),
            ));
        }
        let depends_on = section.texts("depends_on");
        let config = match *kind_name {
            "smtp" => smtp(&section, base).map(ChannelConfig::Smtp),
            "webhook" => webhook(&section, base).map(ChannelConfig::Webhook),
            "pagerduty" => pagerduty(&section, base).map(ChannelConfig::PagerDuty),
            _ => {
                section.know(&["kind", "name", "depends_on"]);
                Some(ChannelConfig::Console)
            }
        };
        channels.extend(config.map(|config| Channel {
            name,
            depends_on: depends_on.into_iter().map(Found::into_inner).collect(),
            config,
        }));
    }
    channels
}

fn smtp(section: &Section<'_, '_>, base: &Path) -> Option<Smtp<SecretSource>> {
    section.know(&[
        "kind",
        "name",
        "depends_on",
        "to",
        "from",
        "server",
        "tls",
        "user",
        "password",
        "password_file",
        "password_env",
        "ca_file",
    ]);
    let document = section.document();
    let to = section.texts("to");
    if to.is_empty() {
        let span = section.field_span("to").unwrap_or(section.span().clone());
        document.report(
            document
                .at(&span, "this channel sends to nobody")
                .with_help("write `to = [\"soc@example.org\"]`"),
        );
    }
    let from = section.text("from");
    for mail in to.iter().chain(&from) {
        if !values::is_mail(mail.get_ref()) {
            document.report(document.at(
                &mail.span(),
                format!("not a mail address: {}", quoted(mail.get_ref())),
            ));
        }
    }
    let server = section.need("server", values::host_and_port(section, "server"));
    let tls = section.word(
        "tls",
        &[
            ("starttls", MailTls::StartTls),
            ("implicit", MailTls::Implicit),
            ("none", MailTls::None),
        ],
    );
    let login = login(
        section,
        base,
        from.as_ref().map(|from| from.get_ref().as_str()),
    );
    let ca_file = values::path(section, "ca_file", base);
    let (host, port) = server?;
    let tls = match tls {
        Some(tls) => tls.into_inner(),
        None if port == Some(465) => MailTls::Implicit,
        None => MailTls::StartTls,
    };
    if tls == MailTls::None && login.is_some() {
        let span = section.field_span("tls").unwrap_or(section.span().clone());
        document.warn(
            document
                .at(&span, "the password goes over the network in clear")
                .with_help("use `tls = \"starttls\"` or `tls = \"implicit\"`"),
        );
    }
    Some(Smtp {
        to: to.into_iter().map(Found::into_inner).collect(),
        // Without one, mail comes from the server's own domain, which may send it.
        from: from.map_or_else(
            || match host.parse::<std::net::IpAddr>() {
                Ok(_) => "breakglass@localhost".to_owned(),
                Err(_) => format!("breakglass@{host}"),
            },
            Found::into_inner,
        ),
        port: port.unwrap_or(match tls {
            MailTls::StartTls => 587,
            MailTls::Implicit => 465,
            MailTls::None => 25,
        }),
        host,
        tls,
        login,
        ca_file,
    })
}

/// User and password. Mail servers commonly take the sender's address as user.
fn login(
    section: &Section<'_, '_>,
    base: &Path,
    from: Option<&str>,
) -> Option<(String, SecretSource)> {
    let document = section.document();
    let user = section.text("user").map(Found::into_inner);
    let user = user.or_else(|| from.map(str::to_owned));
    let password = twins(section, "password", base);
    let given = ["password", "password_file", "password_env"]
        .iter()
        .find_map(|field| section.field_span(field));
    match (section.field_span("user"), given) {
        (Some(span), None) => document.report(
            document
                .at(&span, "`user` is given without a password")
                .with_help("add `password_file` or `password_env`"),
        ),
        (None, Some(span)) if user.is_none() => document.report(
            document
                .at(&span, "a password is given without `user` or `from`")
                .with_help("add `user`"),
        ),
        _ => {}
    }
    Some((user?, password?))
}

fn webhook(section: &Section<'_, '_>, base: &Path) -> Option<Webhook<SecretSource>> {
    section.know(&[
        "kind",
        "name",
        "depends_on",
        "url",
        "url_file",
        "url_env",
        "secret",
        "secret_file",
        "secret_env",
        "secrets_file",
        "allow_private",
        "ca_file",
    ]);
    let document = section.document();
    let allow_private = section
        .flag("allow_private")
        .is_some_and(|flag| *flag.get_ref());
    let plain = values::address(section, "url", HTTP);
    if let Some(url) = &plain {
        encrypted(section, url, allow_private);
    }
    one_of(section, &["url", "url_file", "url_env"]);
    let url = plain
        .map(|url| Setting::Plain(url.into_inner()))
        .or_else(|| refer(section, "url", base).map(Setting::Secret));
    if !["url", "url_file", "url_env"]
        .iter()
        .any(|field| section.has(field))
    {
        section.need::<()>("url", None);
    }

    refuse_literal(section, "secret");
    one_of(section, &["secret_file", "secret_env", "secrets_file"]);
    let secret =
        refer(section, "secret", base).or_else(|| in_file(section, "secrets_file", true, base));
    let fields = ["secret", "secret_file", "secret_env", "secrets_file"];
    if !fields.iter().any(|field| section.has(field)) {
        document.report(
            document
                .at(section.span(), "this webhook has no signing secret")
                .with_help("name the file that holds it with `secret_file`, or the environment variable with `secret_env`"),
        );
    }
    let ca_file = values::path(section, "ca_file", base);
    Some(Webhook {
        url: url?,
        secrets: vec![secret?],
        allow_private,
        ca_file,
    })
}

fn pagerduty(section: &Section<'_, '_>, base: &Path) -> Option<PagerDuty<SecretSource>> {
    section.know(&[
        "kind",
        "name",
        "depends_on",
        "routing_key",
        "routing_key_file",
        "routing_key_env",
        "url",
        "allow_private",
    ]);
    let document = section.document();
    let allow_private = section
        .flag("allow_private")
        .is_some_and(|flag| *flag.get_ref());
    let url = values::address(section, "url", HTTP);
    if let Some(url) = &url {
        encrypted(section, url, allow_private);
    }
    let routing_key = twins(section, "routing_key", base);
    let fields = ["routing_key", "routing_key_file", "routing_key_env"];
    if !fields.iter().any(|field| section.has(field)) {
        document.report(
            document
                .at(section.span(), "this channel has no routing key")
                .with_help("name the file that holds it with `routing_key_file`, or the environment variable with `routing_key_env`"),
        );
    }
    Some(PagerDuty {
        routing_key: routing_key?,
        url: url.map(Found::into_inner),
        allow_private,
    })
}

/// Alerts go unencrypted only where that was asked for.
fn encrypted(section: &Section<'_, '_>, url: &Found<String>, allow_private: bool) {
    let is_http = url
        .get_ref()
        .get(..7)
        .is_some_and(|s| s.eq_ignore_ascii_case("http://"));
    if is_http && !allow_private {
        let document = section.document();
        document.report(
            document
                .at(&url.span(), "alerts would go over the network in clear")
                .with_help(
                    "use `https://`, or `allow_private = true` for a target in your own network",
                ),
        );
    }
}
