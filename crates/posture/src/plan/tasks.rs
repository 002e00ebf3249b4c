//! What people do when every step of a plan is done: keys that the next plan waits for, a test alert, then the first drill.
//!
//! They are no steps: a test message changes nothing that could be looked at before and afterwards, and a drill needs hands
//! and keys. So they stand at the end of what remains, and a plan without a step has neither test alert nor drill.

use breakglass_model::plan::Remaining;
use serde_json::Value;

use super::draft::Draft;
use crate::monitoring::{resource_group, same, text};

/// Who does them.
const DOER: &str = "whoever applies this plan, with a custodian, when every step is done";

impl Draft<'_> {
    /// The tasks, in their order.
    pub(super) fn tasks(&self) -> Vec<Remaining> {
        // What the next plan waits for has to be done whether or not this one has a step.
        let mut tasks = self.enrolments();
        if self.step_ids().next().is_none() {
            return tasks;
        }
        tasks.extend(self.test_alerts());
        tasks.push(self.first_drill());
        tasks
    }

    /// One message to everybody whom the rules about the accounts tell.
    fn test_alerts(&self) -> Vec<Remaining> {
        let mut groups: Vec<&Value> = Vec::new();
        for id in self.told() {
            let mut all = self.all("actionGroups").iter();
            let group = all.find(|own| same(text(own, "id"), &id));
            groups.extend(group.filter(|own| !groups.contains(own)));
        }
        let commands: Vec<(String, String)> = groups
            .into_iter()
            .filter_map(|group| Some((text(group, "id").to_owned(), command(group)?)))
            .collect();
        if commands.is_empty() {
            return vec![task(
                "BG065",
                "W11",
                "Test alert",
                "the channels of our own monitor",
                "no rule about the accounts tells anybody by Azure, as far as was read; whether our own monitor reaches somebody shows when it sends: `breakglass alert test`",
                "breakglass alert test",
            )];
        }
        commands
            .into_iter()
            .map(|(id, command)| {
                let name = id.rsplit('/').next().unwrap_or(&id);
                task(
                    "BG059",
                    "W6",
                    "Test alert",
                    name,
                    &format!(
                        "whether a message reaches anybody shows when one is sent; everybody named says that it came. It tries the receivers only, \
                         not logs and rules: that is the drill's part. `{command}`"
                    ),
                    &command,
                )
            })
            .collect()
    }

    /// Ids of the action groups of rules about the accounts.
    fn told(&self) -> Vec<String> {
        self.all("scheduledQueryRules")
            .iter()
            .filter(|rule| self.names_an_account(rule))
            .flat_map(|rule| {
                let groups = rule["properties"]["actions"]["actionGroups"].as_array();
                groups.into_iter().flatten().filter_map(Value::as_str)
            })
            .map(str::to_owned)
            .collect()
    }

    /// Every account, with every key, once.
    fn first_drill(&self) -> Remaining {
        let names: Vec<&str> = self
            .accounts
            .iter()
            .map(|account| account.name.as_str())
            .collect();
        let wait = if self.has("logs") {
            " Not in the first 48 hours after the logs were switched on: records may be missing then."
        } else {
            ""
        };
        let fix = "Announce the drill to the SOC; take each key from its place; sign in to the Microsoft Entra admin center at the designated \
                   workstation; see under Roles that the account is Global Administrator, actively; wait for the alert, and have it \
                   acknowledged; sign out, seal the key again; write the drill into the register ([[drill]]), collect and check again.";
        task(
            "BG090",
            "D1",
            "First drill",
            &names.join(", "),
            &format!(
                "nothing of this was tried by a sign-in yet. {fix} Until each account got in, still had its role, was seen and was told of, it is \
                 not known whether it would help.{wait}"
            ),
            fix,
        )
    }
}

pub(super) fn task(
    check: &str,
    requirement: &str,
    title: &str,
    subject: &str,
    because: &str,
    fix: &str,
) -> Remaining {
    Remaining {
        check: check.to_owned(),
        requirement: requirement.to_owned(),
        verdict: "cannot-tell".to_owned(),
        title: title.to_owned(),
        subject: subject.to_owned(),
        because: because.to_owned(),
        closed_by: DOER.to_owned(),
        fix: fix.to_owned(),
    }
}

/// The command that sends a test message to mailboxes and telephones of an action group (Azure CLI, *az monitor
/// action-group test-notifications create*). Addresses of webhooks may hold secrets and are left out.
fn command(group: &Value) -> Option<String> {
    let id = text(group, "id");
    let subscription = id.split('/').nth(2)?;
    let within = resource_group(id).rsplit('/').next()?;
    let mut actions = String::new();
    let each = |list: &str| {
        let list = group["properties"][list].as_array();
        list.cloned().unwrap_or_default()
    };
    for own in each("emailReceivers") {
        let (name, address) = (text(&own, "name"), text(&own, "emailAddress"));
        actions += &format!(
            " --add-action email {} {} usecommonalertschema",
            quoted(name),
            quoted(address)
        );
    }
    for own in each("smsReceivers") {
        let name = text(&own, "name");
        let (country, number) = (text(&own, "countryCode"), text(&own, "phoneNumber"));
        actions += &format!(
            " --add-action sms {} {} {}",
            quoted(name),
            quoted(country),
            quoted(number)
        );
    }
    if actions.is_empty() {
        return None;
    }
    Some(format!(
        "az monitor action-group test-notifications create --subscription {} --resource-group {} --action-group {} --alert-type logalertv2{actions}",
        quoted(subscription),
        quoted(within),
        quoted(id.rsplit('/').next()?)
    ))
}

/// A word for a shell: names come from the tenant.
pub(super) fn quoted(word: &str) -> String {
    let plain = !word.is_empty()
        && word
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "-_.@+".contains(c));
    if plain {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::command;

    #[test]
    fn w6_the_test_message_goes_to_every_mailbox_and_telephone() {
        let mut group = json!({
        "id": "/subscriptions/s-1/resourceGroups/rg/providers/microsoft.insights/actionGroups/break glass",
        "properties": {
            "emailReceivers": [{"name": "soc", "emailAddress": "soc@other.example"}, {"name": "it's", "emailAddress": "a b@x.example"}],
            "smsReceivers": [{"name": "duty", "countryCode": "41", "phoneNumber": "445550142"}],
            "webhookReceivers": [{"name": "hook", "serviceUri": "https://x.example/?code=secret"}],
        }});
        assert_eq!(
            command(&group).unwrap(),
            "az monitor action-group test-notifications create --subscription s-1 --resource-group rg --action-group 'break glass' \
             --alert-type logalertv2 --add-action email soc soc@other.example usecommonalertschema \
             --add-action email 'it'\\''s' 'a b@x.example' usecommonalertschema --add-action sms duty 41 445550142"
        );
        group["properties"] = json!({"emailReceivers": [], "smsReceivers": []});
        assert_eq!(command(&group), None);
    }
}
