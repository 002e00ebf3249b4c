//! The facts: what this machine, the configuration and the tenant say.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    net::{IpAddr, SocketAddr},
    path::Path,
};

use breakglass_entra::{Entra, Error, Request, Service, Version, permissions};
use serde_json::Value;

use super::{
    channels::ChannelFacts,
    independence,
    judge::{self, Finding, Holder, Needed},
    names::{self, Kind},
};
use crate::{
    cli::DoctorArgs,
    config::{ChannelConfig, Setting},
    connect,
    failure::Failure,
    output, runtime,
    settings::Settings,
};

/// Where PagerDuty takes events when nothing else is configured.
const PAGERDUTY: &str = "events.pagerduty.com";

/// The commands that connect to a tenant with an identity.
const fn commands(holder: Holder) -> &'static [&'static str] {
    match holder {
        Holder::Posture => READING,
        Holder::Watch => &["watch"],
        Holder::Apply => &["apply", "key enroll"],
    }
}

/// Those that read its configuration.
const READING: &[&str] = &["collect", "lockout"];

pub(super) fn findings(args: &DoctorArgs, settings: &Settings) -> Result<Vec<Finding>, Failure> {
    let mut findings = configuration(settings);
    let is_named =
        args.connect.login.is_some() || settings.config.identities.contains_key("posture");
    let runtime = runtime()?;
    let mut domains = None;
    let mut offset = None;
    if !args.offline {
        let mut identities = Vec::new();
        if is_named {
            identities.push((Holder::Posture, connect::posture(settings, &args.connect)?));
        } else {
            findings.push(Finding::cannot_tell(
                "tenant",
                "the tenant",
                "nobody is named who may read it",
                "configure `[identity.posture]`, or sign in: --login browser",
            ));
        }
        for holder in [Holder::Watch, Holder::Apply] {
            if let Some(entra) = connect::configured(settings, holder.name())? {
                identities.push((holder, entra));
            }
        }
        if let Some(file) = &args.identity {
            let writer = crate::settings::load(Some(file))?;
            findings.extend(apart(settings, &writer));
            identities.push((Holder::Apply, connect::apply(&writer)?));
        }
        for (holder, entra) in identities {
            let (told, own) = runtime.block_on(output::patiently(tenant(holder, &entra), || {
                Some("the tenant has not answered yet".to_owned())
            }));
            findings.extend(told);
            domains = domains.or(own);
            offset = offset.or(entra.clock_offset());
        }
    }
    findings.push(judge::clock(offset));
    findings.extend(disk(settings));
    let mut channels = channels(settings)?;
    let resolver = fs::read_to_string("/etc/resolv.conf").unwrap_or_default();
    let name_servers = names::servers(&resolver);
    if !args.offline {
        let server = name_servers.first().map(|own| SocketAddr::new(*own, 53));
        runtime.block_on(look_up(&mut channels, server));
    }
    findings.extend(super::channels::judge(&channels, domains.as_deref()));
    let chassis = fs::read_to_string("/sys/class/dmi/id/chassis_asset_tag").ok();
    findings.push(judge::hosting(independence::hosted_in_azure(
        chassis.as_deref(),
        &name_servers,
        |name| std::env::var_os(name).is_some(),
    )));
    // Findings of one area stand together, in the order in which the areas first appear.
    let mut areas: Vec<&str> = Vec::new();
    for finding in &findings {
        if !areas.contains(&finding.area) {
            areas.push(finding.area);
        }
    }
    findings.sort_by_key(|finding| areas.iter().position(|area| *area == finding.area));
    Ok(findings)
}

fn configuration(settings: &Settings) -> Vec<Finding> {
    let area = "configuration";
    let mut findings = vec![match &settings.file {
        Some(file) => Finding::good(area, file.display().to_string(), "it is valid"),
        None => Finding::doubtful(
            area,
            "breakglass.toml",
            "there is none here, and none was named",
            "write one: breakglass init",
        ),
    }];
    let identities = &settings.config.identities;
    if let (Some(watch), Some(posture)) = (identities.get("watch"), identities.get("posture"))
        && watch.client_id.is_some()
        && watch.client_id == posture.client_id
    {
        findings.push(Finding::doubtful(
            area,
            "identities",
            "`watch` and `posture` are the same app registration, so a long `collect` uses up the limits of the monitor",
            "give each its own (docs/permissions.md)",
        ));
    }
    findings
}

/// Who writes is nobody else: else the monitor can change what it watches.
fn apart(settings: &Settings, writer: &Settings) -> Option<Finding> {
    let own = writer.config.identities.get("apply")?.client_id.as_ref()?;
    let (purpose, _) =
        settings.config.identities.iter().find(|(purpose, known)| {
            **purpose != "apply" && known.client_id.as_ref() == Some(own)
        })?;
    Some(Finding::bad(
        "configuration",
        "identities",
        format!(
            "`{purpose}` and `apply` are the same app registration: whoever takes this machine can change the tenant"
        ),
        "give each its own (docs/permissions.md)",
    ))
}

/// A call that was not answered. What passes by itself says nothing of this installation; neither does a service that
/// takes no token though one was given just now.
fn unanswered(subject: String, error: &Error, fix: &str) -> Finding {
    let refused = matches!(error, Error::Refused(refusal) if refusal.status == 401);
    if error.is_transient() || refused {
        let what = if refused {
            "a new token was not taken either"
        } else {
            "this passes by itself"
        };
        return Finding::cannot_tell(
            "tenant",
            subject,
            format!("{error}; {what}, so nothing can be told of this installation"),
            "run it again in some minutes; should it stay, look at Microsoft's status page",
        );
    }
    Finding::bad("tenant", subject, error.to_string(), fix)
}

/// What the tenant says to an identity, and its domains.
async fn tenant(holder: Holder, entra: &Entra) -> (Vec<Finding>, Option<Vec<String>>) {
    let mut findings = Vec::new();
    let signing_in = format!("signing in ({})", holder.name());
    let granted = match entra.granted(Service::Graph).await {
        Ok(granted) => granted,
        Err(error) => {
            let fix = "mend it first: nothing can be done in the tenant with this identity";
            findings.push(unanswered(signing_in, &error, fix));
            return (findings, None);
        }
    };
    let who = granted
        .person
        .clone()
        .or_else(|| granted.app.clone())
        .unwrap_or_else(|| "an identity that its token does not name".to_owned());
    findings.push(Finding::good(
        "tenant",
        signing_in,
        format!(
            "{who} gets tokens of the tenant {}",
            granted.tenant.as_deref().unwrap_or("that is configured")
        ),
    ));
    if granted.person.is_some() {
        findings.push(Finding::doubtful(
            "permissions",
            format!("the identity ({})", holder.name()),
            "a person is signed in: what they may read depends on their roles too",
            "give the program app registrations of its own (docs/permissions.md)",
        ));
    }
    findings.extend(judge::permissions(
        holder,
        &granted.permissions,
        &needed(holder),
    ));
    if holder != Holder::Posture {
        return (findings, None);
    }
    let mut away = Vec::new();
    for (service, request) in [
        (
            Service::Graph,
            Request::graph(Version::V1, "/organization?$select=id"),
        ),
        (
            Service::Arm,
            Request::arm("/subscriptions?api-version=2022-12-01"),
        ),
    ] {
        let answer = entra.get(request).await;
        // Of a service that is away nothing more is asked: each call would wait as long again.
        if matches!(&answer, Err(error) if error.is_transient()) {
            away.push(service);
        }
        findings.push(reached(service, answer));
    }
    if granted.person.is_none() {
        findings.push(logs(entra).await);
    }
    if !away.contains(&Service::Arm) {
        findings.push(settings_of_the_directory(entra).await);
    }
    if away.contains(&Service::Graph) {
        return (findings, None);
    }
    let domains = entra
        .all(Request::graph(Version::V1, "/domains"))
        .await
        .ok();
    let domains = domains.map(|domains| {
        domains
            .iter()
            .filter_map(|domain| domain.get("id")?.as_str())
            .map(str::to_lowercase)
            .collect()
    });
    (findings, domains)
}

/// Logs are another API, with a permission of its own.
async fn logs(entra: &Entra) -> Finding {
    let subject = "Data.Read (posture)";
    match entra.granted(Service::Logs).await {
        Ok(granted) if granted.permissions.contains("Data.Read") => Finding::good(
            "permissions",
            subject,
            "it is granted, so the Log Analytics API takes this identity's tokens",
        ),
        Ok(_) => Finding::bad(
            "permissions",
            subject,
            "it is not granted, so no workspace can be asked when its last records arrived",
            "grant it (docs/permissions.md has the script)",
        ),
        Err(error) => unanswered(
            Service::Logs.name().to_owned(),
            &error,
            "let the Log Analytics API into the tenant, and grant Data.Read (docs/permissions.md has the script)",
        ),
    }
}

/// What no role in a subscription reads; whether it can be read is told by reading it.
async fn settings_of_the_directory(entra: &Entra) -> Finding {
    let subject = "Security Reader (posture)";
    let path = "/providers/microsoft.aadiam/diagnosticSettings?api-version=2017-04-01";
    match entra.get(Request::arm(path)).await {
        Ok(_) => Finding::good(
            "permissions",
            subject,
            "the diagnostic settings of the directory can be read",
        ),
        Err(error) if error.is_forbidden() => Finding::doubtful(
            "permissions",
            subject,
            "this role of Entra is not held, so where the directory's logs go cannot be read",
            "give it (`create posture --diagnostic-settings`, docs/permissions.md), or read them as a person now and then",
        ),
        Err(error) => unanswered(
            "diagnostic settings".to_owned(),
            &error,
            "mend what Microsoft says, then run it again",
        ),
    }
}

fn reached(service: Service, answer: Result<Value, Error>) -> Finding {
    match answer {
        Ok(body) => match body.get("value").and_then(Value::as_array).map(Vec::len) {
            Some(0) if service == Service::Arm => Finding::doubtful(
                "tenant",
                service.name(),
                "it shows no subscription: workspaces, alert rules and action groups cannot be read",
                "give the identity the Azure role Reader at the subscription that holds the alert rules",
            ),
            _ => Finding::good("tenant", service.name(), "it answers"),
        },
        Err(error) => unanswered(
            service.name().to_owned(),
            &error,
            if error.is_forbidden() {
                "grant what is missing (docs/permissions.md)"
            } else {
                "mend what Microsoft says, then run it again"
            },
        ),
    }
}

/// The permissions of Microsoft Graph that an identity's commands need, each with what covers it too.
fn needed(holder: Holder) -> Vec<Needed> {
    let mut needed: Vec<Needed> = Vec::new();
    let own = commands(holder).iter().map(|command| (command, false));
    // Without an identity that reads, `apply` reads the tenant with its own.
    let reading: &[&str] = if holder == Holder::Apply {
        READING
    } else {
        &[]
    };
    for (command, is_optional) in own.chain(reading.iter().map(|command| (command, true))) {
        for need in permissions::for_command(command) {
            if need.service != Service::Graph || (need.writes() && holder != Holder::Apply) {
                continue;
            }
            let what = if need.writes() {
                need.why
            } else {
                need.collection
            };
            for permission in need.application {
                if let Some(known) = needed.iter_mut().find(|own| own.any_of[0] == *permission) {
                    if !known.what.contains(what) && known.what.len() < 60 {
                        known.what.push_str(&format!(", {what}"));
                    }
                    continue;
                }
                let mut any_of = vec![(*permission).to_owned()];
                any_of.extend(
                    judge::wider(permission)
                        .iter()
                        .map(|wider| (*wider).to_owned()),
                );
                needed.push(Needed {
                    any_of,
                    what: what.to_owned(),
                    only_where: judge::only_where(permission),
                    is_optional,
                });
            }
        }
    }
    needed
}

fn disk(settings: &Settings) -> Vec<Finding> {
    let place = match &settings.config.store {
        Some(Setting::Plain(url)) => match url.strip_prefix("sqlite:") {
            Some(file) => Path::new(file)
                .parent()
                .filter(|folder| !folder.as_os_str().is_empty())
                .unwrap_or(Path::new("."))
                .to_path_buf(),
            // A database elsewhere has its own disk.
            None => return Vec::new(),
        },
        Some(Setting::Secret(_)) => return Vec::new(),
        None => Path::new(".").to_path_buf(),
    };
    judge::disk(
        &place.display().to_string(),
        fs4::available_space(&place).ok(),
        writable(&place),
    )
}

/// Writes, syncs and removes a file.
fn writable(folder: &Path) -> Result<(), String> {
    let name = folder.join(format!(
        ".breakglass-doctor-{}",
        uuid::Uuid::new_v4().simple()
    ));
    let tried = fs::File::create_new(&name)
        .and_then(|mut file| file.write_all(b"doctor").and_then(|()| file.sync_all()));
    let removed = fs::remove_file(&name);
    tried
        .and(removed)
        .map_err(|error| crate::input::plain(&error))
}

fn channels(settings: &Settings) -> Result<Vec<ChannelFacts>, Failure> {
    let host_of = |address: &str| {
        url::Url::parse(address)
            .ok()
            .and_then(|url| url.host_str().map(str::to_owned))
    };
    Ok(settings
        .channels()?
        .into_iter()
        .map(|channel| {
            let (host, recipients) = match &channel.config {
                ChannelConfig::Smtp(mail) => (Some(mail.host.clone()), mail.to.clone()),
                ChannelConfig::Webhook(hook) => (host_of(hook.url.reveal()), Vec::new()),
                ChannelConfig::PagerDuty(pager) => (
                    pager
                        .url
                        .as_deref()
                        .map_or_else(|| Some(PAGERDUTY.to_owned()), host_of),
                    Vec::new(),
                ),
                ChannelConfig::Console => (None, Vec::new()),
            };
            ChannelFacts {
                name: channel.name,
                host,
                recipients,
                depends_on: channel.depends_on,
                ..ChannelFacts::default()
            }
        })
        .collect())
}

/// Asks where names lead. `server`: the name server of this machine, where it names one.
async fn look_up(channels: &mut [ChannelFacts], server: Option<SocketAddr>) {
    let ask = async |name: &str, kind: Kind| match server {
        Some(server) => names::ask(server, name, kind).await,
        None => Err("this machine names no name server".to_owned()),
    };
    let mut mail = BTreeMap::new();
    for channel in channels {
        if let Some(host) = &channel.host {
            let found = tokio::net::lookup_host((host.as_str(), 443))
                .await
                .map(|addresses| addresses.map(|address| address.ip()).collect())
                .map_err(|_| "no name server knows it, or none answers".to_owned());
            channel.addresses = Some(found);
            // An address leads nowhere, nor does this machine.
            let is_name = host.parse::<IpAddr>().is_err()
                && !host.starts_with('[')
                && !host.eq_ignore_ascii_case("localhost");
            channel.aliases = Some(if is_name {
                ask(host, Kind::Aliases).await
            } else {
                Ok(Vec::new())
            });
        }
        let domains: BTreeSet<String> = channel
            .recipients
            .iter()
            .filter_map(|recipient| independence::mail_domain(recipient))
            .collect();
        for domain in domains {
            let servers = match mail.get(&domain) {
                Some(known) => Result::clone(known),
                None => ask(&domain, Kind::Mail).await,
            };
            mail.insert(domain.clone(), servers.clone());
            channel.mail.insert(domain, servers);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The whole way from a channel to its judgement, but for the name server, which stands here.
    #[tokio::test]
    async fn names_are_asked_for_once_each() {
        let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
        let server = socket.local_addr().unwrap();
        let serving = tokio::spawn(async move {
            let mut bytes = [0; 512];
            let (length, from) = socket.recv_from(&mut bytes).await.unwrap();
            let mut answer = bytes[..length].to_vec();
            answer[2] = 0x81;
            answer[7] = 1;
            let server = b"\x00\x0a\x02mx\x07outlook\x03com\x00";
            let size = u8::try_from(server.len()).unwrap();
            answer.extend([0xc0, 12, 0, 15, 0, 1, 0, 0, 0, 9, 0, size]);
            answer.extend(server);
            socket.send_to(&answer, from).await.unwrap();
        });
        let mail = ChannelFacts {
            name: "mail".to_owned(),
            host: Some("127.0.0.1".to_owned()),
            recipients: vec!["soc@partner.example".to_owned()],
            ..ChannelFacts::default()
        };
        let mut channels = [mail.clone(), mail];
        look_up(&mut channels, Some(server)).await;
        serving.await.unwrap();
        for channel in channels {
            assert_eq!(channel.aliases, Some(Ok(Vec::new())));
            assert_eq!(
                channel.mail["partner.example"],
                Ok(vec!["mx.outlook.com".to_owned()])
            );
        }
    }

    #[test]
    fn what_apply_needs_is_what_its_registration_is_given() {
        let names = |holder| -> BTreeSet<String> {
            needed(holder)
                .into_iter()
                .filter(|need| !need.is_optional)
                .map(|need| need.any_of[0].clone())
                .collect()
        };
        let listed: BTreeSet<String> = ["apply", "key enroll"]
            .iter()
            .flat_map(|command| permissions::graph_permissions(command))
            .map(str::to_owned)
            .collect();
        assert_eq!(names(Holder::Apply), listed);
        assert!(names(Holder::Watch).contains("AuditLog.Read.All"));
    }
}
