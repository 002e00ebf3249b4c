//! From the text of `breakglass.toml` to [`ValidConfig`].

use std::path::Path;

use breakglass_model::{
    Severity,
    source_text::{Document, Found, Problem, SecretRule, Section, has_url_password, quoted},
};
use jiff::tz::TimeZone;

use super::{
    Cloud, ConfiguredAccount, KeyFiles, RegisterFiles, SecretSource, Setting, ValidConfig, Waiver,
    channels, identities,
    secrets::{one_of, refer},
    sources, values,
};

/// Sections that the design knows and this build does not use.
const LATER: &[&str] = &["escalation", "heartbeat", "web"];

const SECTIONS: &[&str] = &[
    "tenant",
    "store",
    "register",
    "account",
    "source",
    "channel",
    "waiver",
    "check",
    "keys",
    "message",
    "identity",
    "escalation",
    "heartbeat",
    "web",
];

pub(super) fn config(file_name: &str, text: &str) -> Result<ValidConfig, Vec<Problem>> {
    let (document, table) = Document::parse(file_name, text, SecretRule::Refer)?;
    let base = Path::new(file_name).parent().unwrap_or(Path::new(""));
    let root = document.section(&table, SECTIONS);
    for later in LATER {
        if let Some(span) = root.field_span(later) {
            document.warn(document.at(
                &span,
                format!("`{later}` is known, but this build does not use it yet"),
            ));
        }
    }
    let tenant = root.section("tenant", "`[tenant]`", &["id", "cloud"]);
    let check = root.section(
        "check",
        "`[check]`",
        &["fail_on", "max_global_administrators"],
    );
    let mut config = ValidConfig {
        tenant_id: tenant
            .as_ref()
            .and_then(|tenant| tenant.parsed("id"))
            .map(Found::into_inner),
        cloud: tenant
            .as_ref()
            .and_then(|tenant| cloud(tenant, base))
            .unwrap_or_default(),
        identities: identities::read(&root, base),
        store: root
            .section("store", "`[store]`", &["url", "url_file", "url_env"])
            .and_then(|section| store(&section, base)),
        register: root
            .section(
                "register",
                "`[register]`",
                &["file", "sealed_file", "identity_file"],
            )
            .and_then(|section| register(&section, base)),
        accounts: accounts(&root),
        sources: sources::read(&root, base),
        channels: channels::read(&root, base),
        waivers: root
            .sections(
                "waiver",
                "`[[waiver]]`",
                &["check", "subject", "reason", "until", "approved_by"],
            )
            .iter()
            .filter_map(waiver)
            .collect(),
        fail_on: check.as_ref().and_then(severity),
        max_global_administrators: check
            .as_ref()
            .and_then(|check| check.number("max_global_administrators", 0..=10_000))
            .and_then(|number| usize::try_from(number.into_inner()).ok()),
        keys: root
            .section("keys", "`[keys]`", &["aaguids", "advisories"])
            .map(|keys| KeyFiles {
                aaguids: values::paths(&keys, "aaguids", base),
                advisories: values::paths(&keys, "advisories", base),
            })
            .unwrap_or_default(),
        time_zone: root
            .section("message", "`[message]`", &["time_zone"])
            .and_then(|message| time_zone(&message)),
        warnings: Vec::new(),
    };
    let (problems, warnings) = document.finish();
    config.warnings = warnings;
    if problems.is_empty() {
        Ok(config)
    } else {
        Err(problems)
    }
}

fn cloud(tenant: &Section<'_, '_>, base: &Path) -> Option<Cloud> {
    if tenant.is_table("cloud") {
        let custom = tenant.section(
            "cloud",
            "`cloud`",
            &["login", "graph", "arm", "logs", "ca_file"],
        )?;
        let address = |field| {
            let address = values::address(&custom, field, &["https://"]);
            custom.need(field, address).map(Found::into_inner)
        };
        let (login, graph) = (address("login"), address("graph"));
        let (arm, logs) = (address("arm"), address("logs"));
        return Some(Cloud::Custom {
            login: login?,
            graph: graph?,
            arm: arm?,
            logs: logs?,
            ca_file: values::path(&custom, "ca_file", base),
        });
    }
    let clouds = [
        ("public", Cloud::Public),
        ("usgov", Cloud::UsGov),
        ("usgov-dod", Cloud::UsGovDod),
        ("china", Cloud::China),
    ];
    tenant.word("cloud", &clouds).map(Found::into_inner)
}

fn store(section: &Section<'_, '_>, base: &Path) -> Option<Setting<SecretSource>> {
    let document = section.document();
    one_of(section, &["url", "url_file", "url_env"]);
    if !["url", "url_file", "url_env"]
        .iter()
        .any(|field| section.has(field))
    {
        section.need::<()>("url", None);
    }
    if let Some(source) = refer(section, "url", base) {
        return Some(Setting::Secret(source));
    }
    let url = section.text("url")?;
    let text = url.get_ref();
    if has_url_password(text) || text.to_lowercase().contains("password=") {
        document.report(
            document
                .at(&url.span(), "the address of the store has a password in it, in clear")
                .with_help("name the file that holds the address with `url_file`, or the environment variable with `url_env`; treat the password as disclosed"),
        );
        return None;
    }
    if values::is_address(text, &["postgres://", "postgresql://"]) {
        return Some(Setting::Plain(url.into_inner()));
    }
    match text.strip_prefix("sqlite:") {
        Some(":memory:") => Some(Setting::Plain(text.clone())),
        Some(path) if !path.is_empty() => {
            let path = base.join(path.strip_prefix("//").unwrap_or(path));
            Some(Setting::Plain(format!("sqlite:{}", path.display())))
        }
        _ => {
            document.report(
                document
                    .at(
                        &url.span(),
                        format!("not the address of a store: {}", quoted(text)),
                    )
                    .with_help("write `sqlite:<path>` or `postgres://<user>@<host>/<database>`"),
            );
            None
        }
    }
}

fn register(section: &Section<'_, '_>, base: &Path) -> Option<RegisterFiles> {
    let document = section.document();
    let file = |field| {
        let file = section.text(field)?;
        let path = base.join(file.get_ref());
        if path.extension().is_some_and(|extension| extension == "age") {
            document.report(
                document
                    .at(
                        &file.span(),
                        "this build reads registers in clear; encrypted ones are not built in yet",
                    )
                    .with_help("decrypt it with `age` to a file that only the service can read"),
            );
        }
        Some(path)
    };
    if let Some(span) = section.field_span("identity_file") {
        document.warn(document.at(
            &span,
            "`identity_file` is known, but this build does not use it yet",
        ));
    }
    let sealed_file = file("sealed_file");
    Some(RegisterFiles {
        file: section.need("file", file("file"))?,
        sealed_file,
    })
}

fn accounts(root: &Section<'_, '_>) -> Vec<ConfiguredAccount> {
    let document = root.document();
    let mut accounts: Vec<(ConfiguredAccount, usize)> = Vec::new();
    for section in root.sections("account", "`[[account]]`", &["id", "upn"]) {
        let account = ConfiguredAccount {
            id: section.parsed("id").map(Found::into_inner),
            upn: section.parsed("upn").map(Found::into_inner),
        };
        if !section.has("id") && !section.has("upn") {
            document
                .report(document.at(section.span(), "`[[account]]` has neither `id` nor `upn`"));
        }
        let is_it = |other: &ConfiguredAccount| {
            (account.id.is_some() && account.id == other.id)
                || (account.upn.is_some() && account.upn == other.upn)
        };
        if let Some((_, first)) = accounts.iter().find(|(other, _)| is_it(other)) {
            document.report(document.at(
                section.span(),
                format!("this account is given twice, first in line {first}"),
            ));
        }
        accounts.push((account, document.at(section.span(), "").line));
    }
    accounts.into_iter().map(|(account, _)| account).collect()
}

fn waiver(waiver: &Section<'_, '_>) -> Option<Waiver> {
    let text = |field| {
        waiver
            .need(field, waiver.text(field))
            .map(Found::into_inner)
    };
    let (check, subject, reason) = (text("check"), text("subject"), text("reason"));
    let until = waiver.need("until", waiver.date("until"));
    let approved_by = waiver.texts("approved_by");
    if approved_by.is_empty() {
        let document = waiver.document();
        let span = waiver.field_span("approved_by");
        document.report(
            document
                .at(
                    &span.unwrap_or(waiver.span().clone()),
                    "nobody has approved this waiver",
                )
                .with_help("write `approved_by = [\"anna\"]`, with person ids of the register"),
        );
    }
    Some(Waiver {
        check: check?,
        subject: subject?,
        reason: reason?,
        until: until?.into_inner(),
        approved_by: approved_by.into_iter().map(Found::into_inner).collect(),
    })
}

fn severity(check: &Section<'_, '_>) -> Option<Severity> {
    let severities = [
        Severity::Critical,
        Severity::High,
        Severity::Medium,
        Severity::Low,
    ];
    let words = severities.map(|severity| (severity.as_str(), severity));
    check.word("fail_on", &words).map(Found::into_inner)
}

fn time_zone(message: &Section<'_, '_>) -> Option<TimeZone> {
    let name = message.text("time_zone")?;
    let zone = TimeZone::get(name.get_ref()).ok();
    if zone.is_none() {
        let document = message.document();
        document.report(
            document
                .at(
                    &name.span(),
                    format!("there is no time zone {}", quoted(name.get_ref())),
                )
                .with_help("write a name of the IANA database, such as `Europe/Berlin` or `UTC`"),
        );
    }
    zone
}
