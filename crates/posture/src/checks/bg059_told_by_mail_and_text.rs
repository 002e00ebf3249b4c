//! W6: an alert comes by e-mail and by text message.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{ACTION_GROUPS, Channel, Rule},
};

pub(super) const CHECK: Check = Check {
    id: "BG059",
    name: "told-by-mail-and-text",
    requirement: "W6",
    title: "The alert comes by e-mail and by text message",
    severity: Severity::High,
    what: "Follows every enabled alert rule about the accounts to its action groups: they exist, are switched on, and have an e-mail receiver and a text message, a call or a webhook (a pager service) that receive.",
    rationale: "An alert without a receiver is a row in a table. An e-mail alone is read in the morning; a phone that answered STOP, or an address that nobody confirmed, is not told at all.",
    fix: "Azure portal > Monitor > Alerts > Action groups > the group > Notifications: Email to the shared mailbox (confirm the code that it gets within 30 minutes) and SMS message; or `az monitor action-group update --resource-group <group> --name <action group> --add-action sms on-call <country code> <number>`; then `Test action group`.",
    controls: &[
        "NIST SP 800-53 r5 SI-4(5)",
        "NIS2 2024/2690 3.2.3",
        "CIS M365 7.0.0 2.2.1",
    ],
    references: &[ACTION_GROUPS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, |rule| judge(context, rule))
}

fn judge(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let told = context.told(rule);
    let mail = told.by(&[Channel::Mail]);
    let other = told.by(&[Channel::Phone, Channel::Web]);
    let finding = match (mail, other, &told.missing) {
        (Some(true), Some(true), _) => CHECK.pass(
            rule.name,
            "it tells by e-mail and by a second channel that receive",
        ),
        (_, _, Some(missing)) => CHECK.unread(rule.name, missing),
        (Some(false), _, _) | (_, Some(false), _) => CHECK.fail(rule.name, lacks(mail, other)),
        _ => told.unsure(&CHECK, rule.name),
    };
    let mut finding = context.silence(finding, rule);
    for receiver in &told.receivers {
        finding = finding.seen(
            receiver.group,
            "receiver",
            format!("{:?} {}", receiver.channel, receiver.address),
        );
    }
    finding
}

fn lacks(mail: Option<bool>, other: Option<bool>) -> &'static str {
    match (mail, other) {
        (Some(false), Some(false)) => "nobody is told by e-mail, by text message or by a pager",
        (Some(false), _) => "nobody is told by e-mail",
        _ => "nobody is told by text message, call or pager: only by e-mail",
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w6_mail_and_a_second_channel_that_receive() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("actionGroups", 0)["smsReceivers"][0]["status"] = json!("Disabled");
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
        world.properties("actionGroups", 0)["webhookReceivers"] =
            json!([{"name": "pager", "serviceUri": "https://pager.example"}]);
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("actionGroups", 0)["webhookReceivers"][0]["useAadAuth"] = json!(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
    }

    #[test]
    fn w6_unconfirmed_receiver_cannot_tell() {
        let mut world = World::modern();
        world.properties("actionGroups", 0)["emailReceivers"][0]["status"] = json!("NotSpecified");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
        world.snapshot.other.remove("actionGroups");
        assert!(world.run(CHECK.id)[0].because.contains("actionGroups"));
    }

    #[test]
    fn w6_group_that_is_off_or_gone_tells_nobody() {
        let mut world = World::modern();
        world.properties("actionGroups", 0)["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
        world.other("actionGroups").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
    }
}
