//! Channels: whether they fail together, and with what they report on. Pure: the gathering is done elsewhere.

use std::{
    collections::{BTreeMap, BTreeSet},
    net::IpAddr,
};

use super::{independence, judge::Finding};

/// A channel, as far as independence is concerned.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ChannelFacts {
    pub(super) name: String,
    /// Host that it sends to; `None`: it sends nowhere (the console).
    pub(super) host: Option<String>,
    /// Addresses of the host, or why they could not be found; `None`: nobody asked.
    pub(super) addresses: Option<Result<Vec<IpAddr>, String>>,
    /// Names that the host leads to (CNAME), or why they could not be found; `None`: nobody asked.
    pub(super) aliases: Option<Result<Vec<String>, String>>,
    /// Servers that take the mail of the recipients' domains (MX), by domain; empty: nobody asked.
    pub(super) mail: BTreeMap<String, Result<Vec<String>, String>>,
    /// Mailboxes that it sends to.
    pub(super) recipients: Vec<String>,
    /// What it was declared to depend on.
    pub(super) depends_on: Vec<String>,
}

/// Channels against each other, and against the tenant that they report on.
pub(super) fn judge(channels: &[ChannelFacts], tenant_domains: Option<&[String]>) -> Vec<Finding> {
    let area = "channels";
    let sending: Vec<&ChannelFacts> = channels.iter().filter(|own| own.host.is_some()).collect();
    let mut findings = Vec::new();
    match sending.len() {
        0 => findings.push(Finding::bad(
            area,
            "all",
            "no channel reaches anybody: a use would stay unnoticed",
            "configure two `[[channel]]` that do not fail together",
        )),
        1 => findings.push(Finding::doubtful(
            area,
            sending[0].name.clone(),
            "it is the only channel that reaches anybody",
            "add a second one that does not fail together with it",
        )),
        _ => {}
    }
    for channel in &sending {
        findings.extend(one_channel(channel, tenant_domains));
    }
    if sending.len() > 1 {
        let shared = sending[0].depends_on.iter().find(|dependency| {
            sending
                .iter()
                .all(|own| own.depends_on.contains(dependency))
        });
        if let Some(shared) = shared {
            findings.push(Finding::bad(
                area,
                "all",
                format!("every channel depends on `{shared}`"),
                "add a channel that does not",
            ));
        }
        if let Some(silent) = sending.iter().find(|own| own.depends_on.is_empty()) {
            findings.push(Finding::cannot_tell(
                area,
                silent.name.clone(),
                "it does not say what it depends on, so a common failure cannot be seen",
                "write `depends_on = [\"provider:…\", \"carrier:…\"]`",
            ));
        }
    }
    findings
}

/// Whether a host stops with what is guarded: by its name, by a name that it leads to, by its address.
fn host(
    name: &str,
    host: &str,
    addresses: Option<&Result<Vec<IpAddr>, String>>,
    aliases: Option<&Result<Vec<String>, String>>,
) -> Finding {
    let area = "independence";
    let fix = "send through a provider outside Microsoft's cloud, or keep this one as the second";
    if let Some(domain) = independence::microsoft_domain(host) {
        return Finding::bad(
            area,
            name,
            format!(
                "{host} is in {domain}, which Microsoft runs: it stops with what it reports on"
            ),
            fix,
        );
    }
    let mut led = aliases.into_iter().flatten().flatten();
    if let Some((alias, domain)) =
        led.find_map(|alias| Some((alias, independence::microsoft_domain(alias)?)))
    {
        return Finding::bad(
            area,
            name,
            format!(
                "{host} leads to {alias}, in {domain}, which Microsoft runs: it stops with what it reports on"
            ),
            fix,
        );
    }
    let addresses = match addresses {
        Some(Ok(addresses)) if addresses.is_empty() => {
            return Finding::bad(
                "channels",
                name,
                format!("{host} has no address"),
                "correct the host",
            );
        }
        Some(Ok(addresses)) => addresses,
        Some(Err(why)) => {
            return Finding::bad(
                "channels",
                name,
                format!("{host} could not be looked up: {why}"),
                "correct the host, or mend name resolution: alerts cannot leave without it",
            );
        }
        None => {
            return Finding::cannot_tell(
                area,
                name,
                format!("{host} was not looked up"),
                "run it without --offline",
            );
        }
    };
    if let Some(address) = addresses
        .iter()
        .find(|own| independence::microsoft_address(**own))
    {
        return Finding::bad(
            area,
            name,
            format!(
                "{host} is {address}, an address of Microsoft's cloud: it stops with what it reports on"
            ),
            fix,
        );
    }
    match aliases {
        Some(Err(why)) => Finding::cannot_tell(
            area,
            name,
            format!(
                "{host} is at no address that is known to be Microsoft's; where its name leads could not be \
                 found out: {why}"
            ),
            "look at it by hand, or let this machine reach its name server",
        ),
        _ => Finding::good(
            area,
            name,
            format!(
                "{host} is at no address that is known to be Microsoft's, and its name leads to none of \
                 Microsoft's domains"
            ),
        ),
    }
}

/// The mailbox of a recipient, by the servers that take its domain's mail.
fn mailbox(
    name: &str,
    recipient: &str,
    domain: &str,
    servers: &Result<Vec<String>, String>,
) -> Option<Finding> {
    let area = "independence";
    let servers = match servers {
        Ok(servers) => servers,
        Err(why) => {
            return Some(Finding::cannot_tell(
                area,
                name,
                format!("who takes the mail of {domain} could not be found out: {why}"),
                "look at its MX records by hand, or let this machine reach its name server",
            ));
        }
    };
    let first = servers.first()?;
    Some(
        match servers
            .iter()
            .find(|own| independence::microsoft_domain(own).is_some())
        {
            Some(server) => Finding::bad(
                area,
                name,
                format!(
                    "{recipient} is in Exchange Online ({server} takes the mail of {domain}): nobody opens it while \
                     Microsoft's sign-in is down"
                ),
                "add a mailbox elsewhere",
            ),
            None => Finding::good(
                area,
                name,
                format!(
                    "the mail of {domain} is taken by {first}, outside of Microsoft's domains; a filter in front of \
                     Exchange Online looks the same"
                ),
            ),
        },
    )
}

fn one_channel(channel: &ChannelFacts, tenant_domains: Option<&[String]>) -> Vec<Finding> {
    let area = "independence";
    let mut findings = vec![host(
        &channel.name,
        channel.host.as_deref().unwrap_or_default(),
        channel.addresses.as_ref(),
        channel.aliases.as_ref(),
    )];
    let mut told = BTreeSet::new();
    for recipient in &channel.recipients {
        let Some(domain) = independence::mail_domain(recipient) else {
            continue;
        };
        match tenant_domains {
            Some(domains) if domains.contains(&domain) => {
                findings.push(Finding::bad(
                    area,
                    channel.name.clone(),
                    format!("{recipient} is a mailbox of the tenant that is guarded: nobody opens it while everybody is locked out"),
                    "add a mailbox elsewhere",
                ));
                continue;
            }
            Some(_) => {}
            None => findings.push(Finding::cannot_tell(
                area,
                channel.name.clone(),
                format!("whether {domain} belongs to the tenant was not read"),
                "connect to the tenant (`[identity.posture]`)",
            )),
        }
        // Once for a domain, however many mailboxes are in it.
        if let Some(servers) = channel.mail.get(&domain)
            && told.insert(domain.clone())
        {
            findings.extend(mailbox(&channel.name, recipient, &domain, servers));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::{super::judge::Verdict, *};

    fn verdicts(findings: &[Finding]) -> Vec<(Verdict, &str)> {
        findings
            .iter()
            .map(|own| (own.verdict, own.because.as_str()))
            .collect()
    }

    #[test]
    fn channels_that_fail_with_the_tenant_are_told() {
        let outside = ChannelFacts {
            name: "hook".to_owned(),
            host: Some("hooks.other.example".to_owned()),
            addresses: Some(Ok(vec!["203.0.113.1".parse().unwrap()])),
            depends_on: vec!["provider:x".to_owned()],
            ..ChannelFacts::default()
        };
        let teams = ChannelFacts {
            name: "mail".to_owned(),
            host: Some("smtp.office365.com".to_owned()),
            recipients: vec!["soc@contoso.com".to_owned()],
            depends_on: vec!["provider:x".to_owned()],
            ..ChannelFacts::default()
        };
        let domains = ["contoso.com".to_owned()];
        let findings = judge(&[outside.clone(), teams], Some(&domains));
        let bad: Vec<_> = verdicts(&findings)
            .into_iter()
            .filter(|(verdict, _)| *verdict == Verdict::Bad)
            .map(|(_, because)| because)
            .collect();
        assert_eq!(bad.len(), 3, "{bad:#?}");
        let alone = judge(&[outside], Some(&domains));
        assert_eq!(alone[0].verdict, Verdict::Doubtful);
        assert_eq!(judge(&[], None)[0].verdict, Verdict::Bad);
    }

    #[test]
    fn a_name_of_ones_own_that_leads_to_microsoft_is_told() {
        let judged = |aliases: Result<Vec<&str>, &str>| {
            let hook = ChannelFacts {
                name: "hook".to_owned(),
                host: Some("alerts.other.example".to_owned()),
                addresses: Some(Ok(vec!["203.0.113.1".parse().unwrap()])),
                aliases: Some(
                    aliases
                        .map(|own| own.into_iter().map(str::to_owned).collect())
                        .map_err(str::to_owned),
                ),
                ..ChannelFacts::default()
            };
            one_channel(&hook, None).remove(0)
        };
        let led = judged(Ok(vec!["x.other.example", "ours.azurewebsites.net"]));
        assert_eq!(led.verdict, Verdict::Bad);
        assert!(
            led.because.contains("leads to ours.azurewebsites.net"),
            "{}",
            led.because
        );
        assert_eq!(judged(Ok(vec!["x.other.example"])).verdict, Verdict::Good);
        assert_eq!(judged(Err("silence")).verdict, Verdict::CannotTell);
    }

    #[test]
    fn a_mailbox_in_exchange_online_is_told_by_who_takes_its_mail() {
        let judged = |servers: Result<Vec<&str>, &str>| {
            let servers = servers
                .map(|own| own.into_iter().map(str::to_owned).collect())
                .map_err(str::to_owned);
            let mail = ChannelFacts {
                name: "mail".to_owned(),
                host: Some("smtp.other.example".to_owned()),
                addresses: Some(Ok(vec!["203.0.113.1".parse().unwrap()])),
                recipients: vec![
                    "soc@partner.example".to_owned(),
                    "ciso@partner.example".to_owned(),
                ],
                mail: [("partner.example".to_owned(), servers)].into(),
                ..ChannelFacts::default()
            };
            one_channel(&mail, Some(&["contoso.com".to_owned()])).split_off(1)
        };
        let online = judged(Ok(vec!["partner-example.mail.protection.outlook.com"]));
        assert_eq!(online.len(), 1, "once for a domain: {online:?}");
        assert_eq!(online[0].verdict, Verdict::Bad);
        assert!(online[0].because.contains("Exchange Online"));
        assert_eq!(
            judged(Ok(vec!["mx.other.example"]))[0].verdict,
            Verdict::Good
        );
        assert_eq!(judged(Err("silence"))[0].verdict, Verdict::CannotTell);
        assert_eq!(judged(Ok(Vec::new())), []);
    }
}
