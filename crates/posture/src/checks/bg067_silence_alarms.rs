//! W13: silence is an alarm.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{AUDIT, PROVE, Rule, SIGN_INS, TELL, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG067",
    name: "silence-alarms",
    requirement: "W13",
    title: "Somebody is told when the logs stop",
    severity: Severity::High,
    what: "Looks for an enabled rule over SigninLogs, AADNonInteractiveUserSignInLogs or AuditLogs, about no account, that fires when there are no records and calls an action group with somebody in it; or for our own monitor with somebody who watches it.",
    rationale: "A setting that was deleted, a cap that was reached, a rule that Azure switched off: each looks exactly like a tenant in which nothing happens.",
    fix: "Azure portal > Monitor > Alerts > Create > Alert rule > Custom log search, on the workspace: `AADNonInteractiveUserSignInLogs`, Table rows, Count, less than 1, over 1 hour, every 15 minutes, to the same action group (of the three it is the table that is never quiet in a tenant with users).",
    controls: &[
        "NIST SP 800-53 r5 AU-5",
        "NIST SP 800-53 r5 AU-5(2)",
        "PCI DSS 4.0.1 10.7.2",
        "NIS2 2024/2690 3.2.6",
    ],
    references: &[
        "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-log-alert-rule",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    vec![judge(context)]
}

/// Whether a rule fires when there are too few records.
fn on_absence(rule: &Rule<'_>) -> bool {
    let (operator, threshold) = if rule.sentinel {
        (
            text(rule.properties(), "triggerOperator"),
            rule.properties()["triggerThreshold"].as_f64(),
        )
    } else {
        (
            text(rule.condition(), "operator"),
            rule.condition()["threshold"].as_f64(),
        )
    };
    match operator {
        "LessThan" => threshold.is_some_and(|t| t > 0.0),
        "LessThanOrEqual" => threshold.is_some_and(|t| t >= 0.0),
        "Equals" | "Equal" => threshold == Some(0.0),
        _ => false,
    }
}

fn judge(context: &Context<'_>) -> Finding {
    let subject = "silence of the logs";
    let watch = context.watch();
    let table = |rule: &Rule<'_>| {
        SIGN_INS
            .iter()
            .chain([&AUDIT])
            .copied()
            .find(|table| rule.query.names_table(table))
    };
    let over: Vec<_> = watch
        .rules()
        .filter(|rule| !rule.guards())
        .filter_map(|rule| Some((rule, table(rule)?)))
        .collect();
    let absence: Vec<_> = over
        .iter()
        .filter(|(rule, _)| on_absence(rule))
        .map(|(rule, table)| (rule, table, context.hears(rule)))
        .collect();
    if let Some((rule, table, _)) = absence.iter().find(|(_, _, heard)| *heard == Some(true)) {
        return CHECK
            .pass(
                subject,
                format!("a rule fires when `{table}` gets too few records"),
            )
            .seen(rule.object, "criteria/operator", rule.name);
    }
    if context.monitor().is_some_and(|run| run.watched) {
        return CHECK
            .pass(
                subject,
                "our own monitor runs, and somebody is told when it stops",
            )
            .seen("store", "runs read", context.history.runs.len());
    }
    if let Some((rule, table, _)) = absence.iter().find(|(_, _, heard)| heard.is_none()) {
        return context.told(rule).unsure(&CHECK, subject).seen(
            rule.object,
            "criteria/operator",
            table,
        );
    }
    if let Some(missing) = watch.missing() {
        return CHECK.unread(subject, missing);
    }
    // `… | summarize Last = max(TimeGenerated) | where Last < ago(1h)`, greater than 0.
    let by_age = over.iter().find(|(rule, _)| {
        context.hears(rule) != Some(false)
            && rule.query.has_word("summarize")
            && (rule.query.has_word("max") || rule.query.has_word("count"))
    });
    if let Some((rule, table)) = by_age {
        return CHECK
            .cannot_tell(
                subject,
                format!("rule `{}` sums `{table}` up, perhaps to see its silence; its text does not show that for certain", rule.name),
                PROVE,
            )
            .seen(rule.object, "query", *table);
    }
    if let Some((rule, table, _)) = absence.first() {
        let finding = CHECK
            .fail(
                subject,
                format!(
                    "rule `{}` fires when `{table}` gets too few records, and tells nobody",
                    rule.name
                ),
            )
            .mended_by(TELL);
        return context.silence(finding, rule);
    }
    CHECK
        .fail(subject, "no enabled rule fires when records stop, and no monitor of ours is known to be watched")
        .seen("scheduledQueryRules", "enabled rules read", watch.rules().count())
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w13_absence_must_fire() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.properties("scheduledQueryRules", 3)["criteria"]["allOf"][0]["operator"] =
            json!("GreaterThan");
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.query(
            3,
            "SigninLogs | summarize Last = max(TimeGenerated) | where Last < ago(1h)",
        );
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.other("scheduledQueryRules").truncate(3);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.history.runs[0].watched = false;
        world.snapshot.other.remove("scheduledQueryRules");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }

    #[test]
    fn w13_rule_that_tells_nobody_is_silent_too() {
        let mut world = World::modern();
        world.properties("scheduledQueryRules", 3)["actions"] = json!({});
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        let mut world = World::modern();
        for list in ["emailReceivers", "smsReceivers"] {
            world.properties("actionGroups", 0)[list] = json!([]);
        }
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.verdict, Fail);
        assert_eq!(finding.evidence.last().unwrap().value, "has no receiver");
        world.properties("actionGroups", 0)["smsReceivers"] =
            json!([{"phoneNumber": "1", "status": "NotSpecified"}]);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.properties("actionGroups", 0)["smsReceivers"][0]["status"] = json!("Disabled");
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.properties("actionGroups", 0)["smsReceivers"][0]["status"] = json!("Enabled");
        world.properties("actionGroups", 0)["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.other("actionGroups").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.snapshot.other.remove("actionGroups");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
