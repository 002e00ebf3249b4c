//! W12: the alert does not ride on the plane that fails.

use std::collections::BTreeSet;

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{
        ACTION_GROUPS, CATEGORIES, Channel, DIAGNOSTIC_SETTINGS, Rule, SECOND_WAY, list, senders,
        text,
    },
};

/// The two fixes; a finding shows its own.
macro_rules! notify {
    () => {
        "Azure portal > Monitor > Alerts > Action groups > the group: add an SMS message, or an e-mail address outside of the tenant."
    };
}
macro_rules! export {
    () => {
        "Entra admin center > Monitoring & health > Diagnostic settings > Add: the three categories, `Stream to an event hub`, read from outside of the tenant by a listen-only key (`breakglass plan --event-hub <id>` plans it); or a workspace apart."
    };
}

pub(super) const CHECK: Check = Check {
    id: "BG066",
    name: "out-of-band",
    requirement: "W12",
    title: "The alert path needs no sign-in to the guarded tenant",
    severity: Severity::High,
    what: "Looks for one notification that needs no Microsoft Entra sign-in (a text message, a call, a pager service, a mailbox outside of the tenant's domains), and for a second way out for the logs: an Event Hub, a storage account, or a second workspace.",
    rationale: "When Conditional Access or Entra fails, the mailbox in the same tenant can't be opened by those who should read the alert. What takes the workspace away takes every alert with it.",
    fix: concat!(notify!(), " ", export!()),
    controls: &[
        "NIST SP 800-53 r5 CP-2",
        "NIST SP 800-53 r5 AU-9(2)",
        "NIS2 2024/2690 3.2.6",
        "DORA 2022/2554 10(1)",
    ],
    references: &[DIAGNOSTIC_SETTINGS, ACTION_GROUPS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = context.each_rule(&CHECK, |rule| notification(context, rule));
    if !context.accounts.is_empty() {
        findings.push(stream(context));
    }
    findings
}

fn notification(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let told = context.told(rule);
    let domains = &context.snapshot.domains;
    let outside = |address: &str| {
        let domain = address.rsplit('@').next().unwrap_or_default();
        !domains
            .iter()
            .any(|own| own.name.eq_ignore_ascii_case(domain))
    };
    let direct = told.by(&[Channel::Phone, Channel::Web]);
    let mail = told
        .receivers
        .iter()
        .filter(|r| r.channel == Channel::Mail && outside(&r.address));
    let states: Vec<Option<bool>> = mail.map(|receiver| receiver.works).collect();
    if direct == Some(true) || (states.contains(&Some(true)) && domains.is_complete()) {
        return CHECK
            .pass(
                rule.name,
                "somebody is told without a sign-in to this tenant",
            )
            .seen(
                rule.object,
                "actions/actionGroups",
                rule.action_groups().len(),
            );
    }
    if let Some(missing) = told.missing.as_ref().or(domains.missing.as_ref()) {
        return CHECK.unread(rule.name, missing);
    }
    if direct.is_none() || !states.is_empty() {
        return CHECK.cannot_tell(
            rule.name,
            "whether a receiver outside of this tenant is confirmed is not known",
            "Azure portal > Monitor > Alerts > Action groups > the group > Test action group: see that every receiver gets it.",
        );
    }
    told.receivers.iter().fold(
        CHECK
            .fail(
                rule.name,
                "whoever is told must sign in to this tenant to know it",
            )
            .mended_by(notify!())
            .seen(
                rule.object,
                "actions/actionGroups",
                rule.action_groups().len(),
            ),
        |finding, receiver| finding.seen(receiver.group, "receiver", &receiver.address),
    )
}

/// A second way out, for each category.
fn stream(context: &Context<'_>) -> Finding {
    let subject = SECOND_WAY;
    let settings = list(context.snapshot, "diagnosticSettings");
    let mut single = Vec::new();
    let mut finding = CHECK.pass(subject, "each log leaves the tenant by two ways");
    for (category, _) in CATEGORIES {
        let mut ways: BTreeSet<String> = BTreeSet::new();
        for setting in senders(&settings, category) {
            for field in [
                "workspaceId",
                "eventHubAuthorizationRuleId",
                "storageAccountId",
                "marketplacePartnerId",
            ] {
                let to = text(&setting["properties"], field);
                if !to.is_empty() && ways.insert(to.to_lowercase()) {
                    finding = finding.seen(text(setting, "id"), field, to);
                }
            }
        }
        if ways.len() < 2 {
            single.push(category);
        }
    }
    if single.is_empty() {
        return finding;
    }
    if let Some(missing) = &settings.missing {
        return CHECK.unread(subject, missing);
    }
    if context.monitor().is_some() {
        return CHECK.not_applicable(
            subject,
            "our own monitor reads the logs itself, beside the workspace (W11, BG065)",
        );
    }
    CHECK
        .fail(
            subject,
            format!("one way out or none, for {}", single.join(", ")),
        )
        .mended_by(export!())
        .seen("diagnosticSettings", "settings read", settings.items.len())
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    fn mail(address: &str) -> World {
        let mut world = World::modern();
        world.properties("actionGroups", 0)["smsReceivers"] = json!([]);
        world.properties("actionGroups", 0)["emailReceivers"][0]["emailAddress"] = json!(address);
        world
    }

    #[test]
    fn w12_mail_to_the_guarded_tenant_alone_fails() {
        assert_eq!(World::modern().verdicts(CHECK.id), [Pass; 4]);
        assert_eq!(
            mail("soc@contoso.com").verdicts(CHECK.id),
            [Fail, Fail, Fail, Pass]
        );
        let mut world = mail("soc@example.org");
        assert_eq!(world.verdicts(CHECK.id), [Pass; 4]);
        world.properties("actionGroups", 0)["emailReceivers"][0]["status"] = json!(null);
        assert_eq!(
            world.verdicts(CHECK.id),
            [CannotTell, CannotTell, CannotTell, Pass]
        );
    }

    #[test]
    fn w12_one_way_out_fails() {
        let mut world = World::modern();
        world.other("diagnosticSettings").truncate(1);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass, Pass, Fail]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id)[3], NotApplicable);
        world.snapshot.other.remove("diagnosticSettings");
        assert_eq!(world.verdicts(CHECK.id)[3], CannotTell);
    }
}
