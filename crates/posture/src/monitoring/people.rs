//! Who is told: action groups and their receivers.
//!
//! Azure Monitor, *Action groups*.

use breakglass_model::{Finding, NotRead};
use serde_json::Value;

use super::{Rule, fields, list, same, text};
use crate::{Check, Context, catalogue::Seen};

/// What makes a silent alert heard.
pub(crate) const TELL: &str = "Azure portal > Monitor > Alerts > the rule > Action groups: a group that is switched on, with a mailbox and a phone that somebody watches (Action groups > the group > Notifications); then `Test action group`.";

/// How a receiver is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Channel {
    /// E-mail.
    Mail,
    /// Text message or call.
    Phone,
    /// An HTTPS call that shows no Entra token: a pager service, our own monitor.
    Web,
    /// What needs a sign-in to the tenant, or runs in its Azure: the app, a runbook, a function, a secured webhook.
    Entra,
}

/// Somebody, or something, that is told.
#[derive(Clone, Debug)]
pub(crate) struct Receiver<'a> {
    /// How.
    pub(crate) channel: Channel,
    /// Address or number.
    pub(crate) address: String,
    /// Azure says that it receives; `None`: it does not say (an address that nobody has confirmed yet, an export).
    pub(crate) works: Option<bool>,
    /// The action group.
    pub(crate) group: &'a str,
}

/// Lists of receivers, how each is reached, and the field with the address.
const LISTS: [(&str, Channel, &str); 12] = [
    ("emailReceivers", Channel::Mail, "emailAddress"),
    ("smsReceivers", Channel::Phone, "phoneNumber"),
    ("voiceReceivers", Channel::Phone, "phoneNumber"),
    ("webhookReceivers", Channel::Web, "serviceUri"),
    ("azureAppPushReceivers", Channel::Entra, "emailAddress"),
    ("armRoleReceivers", Channel::Entra, "roleId"),
    ("logicAppReceivers", Channel::Entra, "resourceId"),
    (
        "azureFunctionReceivers",
        Channel::Entra,
        "functionAppResourceId",
    ),
    ("automationRunbookReceivers", Channel::Entra, "runbookName"),
    ("eventHubReceivers", Channel::Entra, "eventHubName"),
    ("itsmReceivers", Channel::Entra, "connectionId"),
    ("incidentReceivers", Channel::Entra, "name"),
];

/// The receivers of an action group.
fn receivers(group: &Value) -> Vec<Receiver<'_>> {
    let mut all = Vec::new();
    for (list, channel, field) in LISTS {
        for receiver in group["properties"][list].as_array().into_iter().flatten() {
            let channel = if receiver["useAadAuth"] == true {
                Channel::Entra
            } else {
                channel
            };
            // Only mail and text messages have a state; `NotSpecified` is none.
            let works = match (channel, text(receiver, "status")) {
                (_, "Enabled") => Some(true),
                (_, "Disabled") => Some(false),
                (Channel::Mail | Channel::Phone, _) if list != "voiceReceivers" => None,
                _ => Some(true),
            };
            all.push(Receiver {
                channel,
                address: text(receiver, field).to_lowercase(),
                works,
                group: text(group, "id"),
            });
        }
    }
    all
}

/// Who is told by a rule.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told<'a> {
    /// Receivers of action groups that are switched on, without those that Azure says do not receive.
    pub(crate) receivers: Vec<Receiver<'a>>,
    /// Action groups that are named and not there, switched off or empty: the group, the field and why that counts.
    pub(crate) dead: Vec<(String, &'static str, &'static str)>,
    /// Receivers that Azure says do not receive.
    pub(crate) deaf: Vec<Receiver<'a>>,
    /// Why there may be more.
    pub(crate) missing: Option<NotRead>,
}

impl Told<'_> {
    /// Whether a channel reaches somebody; `None`: perhaps.
    pub(crate) fn by(&self, channels: &[Channel]) -> Option<bool> {
        let mut states = self
            .receivers
            .iter()
            .filter(|r| channels.contains(&r.channel))
            .map(|r| r.works);
        if states.clone().any(|works| works == Some(true)) {
            Some(true)
        } else if states.any(|works| works.is_none()) {
            None
        } else {
            Some(false)
        }
    }

    /// Whether anybody at all is told; `None`: perhaps.
    pub(crate) fn anybody(&self) -> Option<bool> {
        let every: Vec<Channel> = LISTS.iter().map(|(_, channel, _)| *channel).collect();
        match self.by(&every) {
            Some(false) if self.missing.is_some() => None,
            told => told,
        }
    }

    /// *Cannot tell*, since it is not known whether anybody is told.
    pub(crate) fn unsure(&self, check: &Check, subject: &str) -> Finding {
        match &self.missing {
            Some(missing) => check.unread(subject, missing),
            None => check.cannot_tell(
                subject,
                "Azure does not say whether a receiver is confirmed and receives",
                "Azure portal > Monitor > Alerts > Action groups > the group > Test action group: see that every receiver gets it.",
            ),
        }
    }

    /// A finding with what keeps people from being told.
    pub(crate) fn silence(&self, mut finding: Finding) -> Finding {
        for (group, field, why) in &self.dead {
            finding = finding.seen(group.as_str(), field, why);
        }
        for receiver in &self.deaf {
            finding = finding.seen(
                receiver.group,
                "receiver status",
                format!("{}: Disabled", receiver.address),
            );
        }
        finding
    }
}

impl<'a> Context<'a> {
    /// Who is told by a rule.
    pub(crate) fn told(&self, rule: &Rule<'_>) -> Told<'a> {
        self.told_by(&rule.action_groups())
    }

    /// Whether anybody is told by a rule; `None`: perhaps. Whom an incident of Microsoft Sentinel reaches is not
    /// for action groups to say (BG064).
    pub(crate) fn hears(&self, rule: &Rule<'_>) -> Option<bool> {
        if rule.sentinel {
            Some(true)
        } else {
            self.told(rule).anybody()
        }
    }

    /// A finding with how many action groups a rule calls, and what keeps people from being told by them.
    pub(crate) fn silence(&self, finding: Finding, rule: &Rule<'_>) -> Finding {
        let groups = rule.action_groups();
        let finding = finding.seen(rule.object, "actions/actionGroups", groups.len());
        self.told_by(&groups).silence(finding)
    }

    /// Who is told by action groups, which their ids name.
    pub(crate) fn told_by(&self, ids: &[&str]) -> Told<'a> {
        let groups = list(self.snapshot, "actionGroups");
        let mut told = Told::default();
        for id in ids {
            let Some(group) = groups
                .items
                .iter()
                .find(|group| same(text(group, "id"), id))
            else {
                match &groups.missing {
                    Some(missing) => told.missing = Some(missing.clone()),
                    None => told
                        .dead
                        .push(((*id).to_owned(), "enabled", "does not exist")),
                }
                continue;
            };
            if let Some(unread) = fields::unread("actionGroups", group) {
                told.missing = Some(unread);
            }
            if group["properties"]["enabled"] == false {
                told.dead
                    .push(((*id).to_owned(), "enabled", "is switched off"));
                continue;
            }
            // A receiver whose address was not read may be anybody: what it lacks is in `missing`.
            let on = group["properties"]["enabled"].is_boolean();
            let (deaf, hearing): (Vec<_>, Vec<_>) = receivers(group)
                .into_iter()
                .map(|receiver| Receiver {
                    works: receiver.works.filter(|works| on || !works),
                    ..receiver
                })
                .filter(|r| !r.address.is_empty())
                .partition(|r| r.works == Some(false));
            if deaf.is_empty() && hearing.is_empty() && told.missing.is_none() {
                told.dead
                    .push(((*id).to_owned(), "receivers", "has no receiver"));
            }
            told.deaf.extend(deaf);
            told.receivers.extend(hearing);
        }
        told
    }
}
