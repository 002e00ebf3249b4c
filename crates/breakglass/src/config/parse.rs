//! From the text of the file to a valid configuration.

use std::{
    collections::BTreeSet,
    path::{Path, PathBuf},
};

use breakglass_model::{
    ObjectId, Severity, TenantId, Upn,
    source_text::Problem,
    toml_reader::{Document, Section},
};
use jiff::tz::TimeZone;

use super::{
    ChannelConfig, ChannelKind, Config, SecretPlace, SourceConfig, StorePlace, Tls, WaiverConfig,
};

/// Sections that later versions read; a file that has them is fine.
const LATER: [&str; 4] = ["identity", "escalation", "heartbeat", "web"];

/// Reads a configuration. `base` is the directory that relative paths start from.
///
/// # Errors
/// Every problem, each with its place.
pub fn parse(file: &str, text: &str, base: &Path) -> Result<Config, Vec<Problem>> {
    let document = Document::new(file, text);
    let mut config = Config::default();
    if let Some(table) = document.parse() {
        let root = Section::root(&document, &table);
        sections(&root, &mut config, base);
        for later in LATER {
            root.accept(later);
            if table.iter().any(|(key, _)| key.get_ref().as_ref() == later) {
                config
                    .warnings
                    .push(format!("`{later}` in {file} is not used by this version"));
            }
        }
        root.finish();
    }
    let problems = document.into_problems();
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    }
}

fn sections(root: &Section<'_, '_>, config: &mut Config, base: &Path) {
    if let Some(tenant) = root.section("tenant") {
        config.tenant_id = tenant.parsed("id", TenantId::parse);
        tenant.accept("cloud");
        tenant.finish();
    }
    if let Some(store) = root.section("store") {
        config.store = store_place(&store, base);
        store.finish();
    }
    if let Some(register) = root.section("register") {
        config.register = register
            .required("file")
            .map(|placed| base.join(placed.value));
        config.sealed = register.text("sealed_file").map(|path| base.join(path));
        register.accept("identity_file");
        register.finish();
    }
    for section in root.sections("account") {
        let account = (
            section.parsed("id", ObjectId::parse),
            section.parsed("upn", Upn::parse),
        );
        if !section.has("id") && !section.has("upn") {
            section.problem(
                "the account has neither `id` nor `upn`",
                "give the object ID, the user principal name, or better both",
            );
        }
        config.accounts.push(account);
        section.finish();
    }
    for section in root.sections("source") {
        source(&section, config, base);
        section.finish();
    }
    let mut names = BTreeSet::new();
    for (index, section) in root.sections("channel").into_iter().enumerate() {
        if let Some(channel) = channel(&section, index, base) {
            if !names.insert(channel.name.to_lowercase()) {
                section.problem(
                    format!("the channel `{}` is there twice", channel.name),
                    "give each channel a `name` of its own",
                );
            }
            config.channels.push(channel);
        }
        section.finish();
    }
    for section in root.sections("waiver") {
        config.waivers.extend(waiver(&section));
        section.finish();
    }
    if let Some(check) = root.section("check") {
        config.fail_on = check.parsed("fail_on", |word| match word {
            "low" => Ok(Severity::Low),
            "medium" => Ok(Severity::Medium),
            "high" => Ok(Severity::High),
            "critical" => Ok(Severity::Critical),
            _ => Err("must be low, medium, high or critical"),
        });
        check.finish();
    }
    if let Some(message) = root.section("message") {
        config.time_zone = message.parsed("time_zone", |name| {
            TimeZone::get(name)
                .map(|_| name.to_owned())
                .map_err(|_| "there is no such time zone; write it like Europe/Berlin")
        });
        message.finish();
    }
}

fn store_place(store: &Section<'_, '_>, base: &Path) -> Option<StorePlace> {
    if let Some(url) = store.placed("url") {
        let literal_password = url
            .value
            .split_once("://")
            .and_then(|(_, rest)| rest.split('/').next()?.rsplit_once('@'))
            .is_some_and(|(login, _)| login.contains(':'));
        if literal_password {
            store.secret_problem(
                "the database URL holds a password",
                "put the URL in a file or variable: `url_file` or `url_env`",
            );
            return None;
        }
        store.accept("url_file");
        store.accept("url_env");
        let value = match url.value.strip_prefix("sqlite:") {
            Some(path) if !path.starts_with(':') => format!(
                "sqlite:{}",
                base.join(path.trim_start_matches("//")).display()
            ),
            _ => url.value,
        };
        return Some(StorePlace::Url(value));
    }
    if store.has("url") {
        return None;
    }
    let place = secret(store, ["url", "url_file", "url_env"], base);
    if place.is_none() && !store.has("url_file") && !store.has("url_env") {
        store.problem(
            "`store` has no `url`",
            "add `url = \"sqlite:breakglass.db\"`",
        );
    }
    place.map(StorePlace::Secret)
}

/// A secret by its three names: literal (refused), file, environment.
fn secret(
    section: &Section<'_, '_>,
    [literal, file, environment]: [&'static str; 3],
    base: &Path,
) -> Option<SecretPlace> {
    if section.has(literal) {
        section.secret_problem(
            format!("`{literal}` stands in the file in clear"),
            format!("use `{file}` or `{environment}`, and change the secret if it was real"),
        );
        return None;
    }
    match (section.text(file), section.text(environment)) {
        (Some(_), Some(_)) => {
            section.problem(
                format!("both `{file}` and `{environment}` are given"),
                "keep one of them",
            );
            None
        }
        (Some(path), None) => Some(SecretPlace::File(base.join(path))),
        (None, Some(name)) => Some(SecretPlace::Environment(name)),
        (None, None) => None,
    }
}

fn required_secret(
    section: &Section<'_, '_>,
    names: [&'static str; 3],
    base: &Path,
) -> Option<SecretPlace> {
    let place = secret(section, names, base);
    let [literal, file, environment] = names;
    if place.is_none() && !names.into_iter().any(|name| section.has(name)) {
        section.problem(
            format!("the channel has no {literal}"),
            format!("add `{file}` or `{environment}`"),
        );
    }
    place
}

fn source(section: &Section<'_, '_>, config: &mut Config, base: &Path) {
    let Some(kind) = section.required("kind") else {
        return;
    };
    match kind.value.as_str() {
        "files" => {
            let follow = section.boolean("follow").unwrap_or(false);
            let mut paths: Vec<PathBuf> = section.text("path").into_iter().map(|path| base.join(path)).collect();
            paths.extend(section.texts("paths").into_iter().map(|placed| base.join(placed.value)));
            if paths.is_empty() {
                section.problem("the source names no file", "add `paths = [\"…\"]`");
            }
            config.sources.extend(paths.into_iter().map(|path| SourceConfig::File { path, follow }));
        }
        "stdin" => config.sources.push(SourceConfig::Stdin),
        later @ ("graph" | "log-analytics" | "kafka" | "push" | "o365-management") => section.problem(
            format!("this version does not read `{later}`"),
            "export the logs to files and use `kind = \"files\"`, or pipe them in with `kind = \"stdin\"`",
        ),
        other => section.problem(format!("there is no kind of source `{other}`"), "the kinds are `files` and `stdin`"),
    }
}

fn channel(section: &Section<'_, '_>, index: usize, base: &Path) -> Option<ChannelConfig> {
    let kind = section.required("kind")?.value;
    let name = section
        .text("name")
        .unwrap_or_else(|| format!("{kind}-{}", index + 1));
    // What the channel itself rests on; the failure map reads it.
    section.accept("depends_on");
    let kind = match kind.as_str() {
        "smtp" => smtp(section, base)?,
        "webhook" => {
            let url = section.required("url");
            let mut secrets: Vec<SecretPlace> = Vec::new();
            if section.has("secret_files") {
                secrets.extend(
                    section
                        .texts("secret_files")
                        .into_iter()
                        .map(|placed| SecretPlace::File(base.join(placed.value))),
                );
                section.accept("secret");
                section.accept("secret_file");
                section.accept("secret_env");
            } else {
                secrets.extend(required_secret(
                    section,
                    ["secret", "secret_file", "secret_env"],
                    base,
                ));
            }
            ChannelKind::Webhook {
                url: url?.value,
                secrets,
                allow_private: section.boolean("allow_private").unwrap_or(false),
            }
        }
        "pagerduty" => {
            let routing_key = required_secret(
                section,
                ["routing_key", "routing_key_file", "routing_key_env"],
                base,
            );
            let url = section.text("url");
            ChannelKind::PagerDuty {
                routing_key: routing_key?,
                url,
            }
        }
        "console" => ChannelKind::Console,
        other => {
            section.problem(
                format!("there is no kind of channel `{other}`"),
                "the kinds are `smtp`, `webhook`, `pagerduty` and `console`",
            );
            return None;
        }
    };
    Some(ChannelConfig { name, kind })
}

fn smtp(section: &Section<'_, '_>, base: &Path) -> Option<ChannelKind> {
    let to: Vec<String> = section
        .texts("to")
        .into_iter()
        .map(|placed| placed.value)
        .collect();
    if to.is_empty() {
        section.problem(
            "the channel names no recipient",
            "add `to = [\"soc@other.example\"]`",
        );
    }
    let from = section.required("from");
    let tls = section
        .parsed("tls", |word| match word {
            "starttls" => Ok(Tls::StartTls),
            "implicit" => Ok(Tls::Implicit),
            "none" => Ok(Tls::None),
            _ => Err("must be starttls, implicit or none"),
        })
        .unwrap_or(Tls::StartTls);
    let server = section.required("server");
    let server = server.and_then(|placed| {
        let default = if tls == Tls::Implicit { 465 } else { 587 };
        let (host, port) = match placed.value.rsplit_once(':') {
            Some((host, port)) if !host.ends_with(':') => (
                host.to_owned(),
                port.parse::<u16>().ok().filter(|port| *port > 0),
            ),
            _ => (placed.value.clone(), Some(default)),
        };
        if port.is_none() {
            section.problem(
                "`server` has no usable port",
                "write it like mail.other.example:587",
            );
        }
        Some((host.trim_matches(['[', ']']).to_owned(), port?))
    });
    let password = secret(section, ["password", "password_file", "password_env"], base);
    let login = match (section.text("user"), password) {
        (Some(user), Some(password)) => Some((user, password)),
        (Some(_), None) => {
            section.problem(
                "`user` is given without a password",
                "add `password_file` or `password_env`",
            );
            None
        }
        (None, Some(_)) => {
            section.problem("a password is given without `user`", "add `user`");
            None
        }
        (None, None) => None,
    };
    let ca_file = section.text("ca_file").map(|path| base.join(path));
    let (host, port) = server?;
    Some(ChannelKind::Smtp {
        to,
        from: from?.value,
        host,
        port,
        tls,
        login,
        ca_file,
    })
}

fn waiver(section: &Section<'_, '_>) -> Option<WaiverConfig> {
    let check = section.required("check");
    let subject = section.required("subject");
    let reason = section.required("reason");
    let approved_by: Vec<String> = section
        .texts("approved_by")
        .into_iter()
        .map(|placed| placed.value)
        .collect();
    if approved_by.is_empty() {
        section.problem("nobody approved the waiver", "add `approved_by = [\"…\"]`");
    }
    if !section.has("until") {
        section.problem("the waiver has no end", "add `until = 2027-01-31`");
    }
    let until = section.date("until");
    Some(WaiverConfig {
        check: check?.value,
        subject: subject?.value,
        reason: reason?.value,
        until: until?,
        approved_by,
    })
}
