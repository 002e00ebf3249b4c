//! The facts: what this machine, the configuration and the tenant say.

use std::{fs, io::Write as _, path::Path};

use breakglass_entra::{Entra, Error, Request, Service, Version, permissions};
use serde_json::Value;

use super::{
    independence,
    judge::{self, ChannelFacts, Finding, Needed},
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

/// The commands of this version that connect to a tenant.
const COMMANDS: &[&str] = &["collect", "lockout"];

pub(super) fn findings(args: &DoctorArgs, settings: &Settings) -> Result<Vec<Finding>, Failure> {
    let mut findings = configuration(settings);
    let is_named =
        args.connect.login.is_some() || settings.config.identities.contains_key("posture");
    let runtime = runtime()?;
    let mut domains = None;
    if args.offline {
        findings.push(judge::clock(None));
    } else if is_named {
        let entra = connect::posture(settings, &args.connect)?;
        let (tenant, own) = runtime.block_on(output::patiently(tenant(&entra), || {
            Some("the tenant has not answered yet".to_owned())
        }));
        findings.extend(tenant);
        findings.push(judge::clock(entra.clock_offset()));
        domains = own;
    } else {
        findings.push(Finding::cannot_tell(
            "tenant",
            "the tenant",
            "nobody is named who may read it",
            "configure `[identity.posture]`, or sign in: --login browser",
        ));
        findings.push(judge::clock(None));
    }
    findings.extend(disk(settings));
    let mut channels = channels(settings)?;
    if !args.offline {
        runtime.block_on(look_up(&mut channels));
    }
    findings.extend(judge::channels(&channels, domains.as_deref()));
    let chassis = fs::read_to_string("/sys/class/dmi/id/chassis_asset_tag").ok();
    findings.push(judge::hosting(independence::hosted_in_azure(
        chassis.as_deref(),
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

/// A call that was not answered. What passes by itself says nothing of this installation; neither does a service that
/// takes no token though one was given just now.
fn unanswered(subject: &str, error: &Error, fix: &str) -> Finding {
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

/// What the tenant says, and its domains.
async fn tenant(entra: &Entra) -> (Vec<Finding>, Option<Vec<String>>) {
    let mut findings = Vec::new();
    let granted = match entra.granted(Service::Graph).await {
        Ok(granted) => granted,
        Err(error) => {
            findings.push(unanswered(
                "signing in",
                &error,
                "mend it first: nothing of the tenant can be read",
            ));
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
        "signing in",
        format!(
            "{who} gets tokens of the tenant {}",
            granted.tenant.as_deref().unwrap_or("that is configured")
        ),
    ));
    if granted.person.is_some() {
        findings.push(Finding::doubtful(
            "permissions",
            "the identity",
            "a person is signed in: what they may read depends on their roles too",
            "give the program app registrations of its own (docs/permissions.md)",
        ));
    }
    findings.extend(judge::permissions(&granted.permissions, &needed()));
    let mut is_away = false;
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
        // Where Graph is away nothing more is asked of it: each call would wait as long again.
        is_away |=
            service == Service::Graph && matches!(&answer, Err(error) if error.is_transient());
        findings.push(reached(service, answer));
    }
    if is_away {
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
            service.name(),
            &error,
            if error.is_forbidden() {
                "grant what is missing (docs/permissions.md)"
            } else {
                "mend what Microsoft says, then run it again"
            },
        ),
    }
}

/// The permissions of Microsoft Graph that the commands of this version need, each with what covers it too.
fn needed() -> Vec<Needed> {
    let mut needed: Vec<Needed> = Vec::new();
    for command in COMMANDS {
        for need in permissions::for_command(command) {
            if need.service != Service::Graph || need.writes() {
                continue;
            }
            for permission in need.application {
                if let Some(known) = needed.iter_mut().find(|own| own.any_of[0] == *permission) {
                    if !known.what.contains(need.collection) && known.what.len() < 60 {
                        known.what.push_str(&format!(", {}", need.collection));
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
                    what: need.collection.to_owned(),
                    only_where: judge::only_where(permission),
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
                addresses: None,
                recipients,
                depends_on: channel.depends_on,
            }
        })
        .collect())
}

async fn look_up(channels: &mut [ChannelFacts]) {
    for channel in channels {
        if let Some(host) = &channel.host {
            let found = tokio::net::lookup_host((host.as_str(), 443))
                .await
                .map(|addresses| addresses.map(|address| address.ip()).collect())
                .map_err(|_| "no name server knows it, or none answers".to_owned());
            channel.addresses = Some(found);
        }
    }
}
