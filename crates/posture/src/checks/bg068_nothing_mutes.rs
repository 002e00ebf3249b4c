//! W4: nothing mutes an alert: no state, no pause, no processing rule, no rule that is switched off.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{LOG_ALERTS, Rule, covers, list, resource_group, same, text},
};

/// The fixes; a finding shows its own.
macro_rules! rule {
    () => {
        "`az monitor scheduled-query update --resource-group <group> --name <rule> --auto-mitigate false --mute-actions-duration \"\" --disabled false`; portal: Monitor > Alerts > Alert rules > the rule > Edit > Details > Advanced options."
    };
}
macro_rules! processing {
    () => {
        "Azure portal > Monitor > Alerts > Alert processing rules > the rule: narrow its scope, or filter `Severity does not equal Sev0`."
    };
}
macro_rules! automation {
    () => {
        "Microsoft Sentinel > Automation > the rule: add the condition that the analytics rule is not this one."
    };
}

pub(super) const CHECK: Check = Check {
    id: "BG068",
    name: "nothing-mutes",
    requirement: "W4",
    title: "Nothing mutes the alert",
    severity: Severity::High,
    what: "Looks at every rule about the accounts for what keeps a second alert back (`autoMitigate`, `muteActionsDuration`), at alert processing rules that take its action groups away, also at hours when they are not active, at automation rules of Microsoft Sentinel that close its incidents, for alerts of the last month that were kept back, and for rules that are switched off, with who or what switched them off.",
    rationale: "A stateful alert says nothing of the second use while the first is open. A processing rule made for somebody's maintenance window takes the message away, and the alert still looks well in the portal. A rule that fails for a week is switched off by Azure.",
    fix: concat!(rule!(), " ", processing!(), " ", automation!()),
    controls: &[
        "NIST SP 800-53 r5 SI-4(5)",
        "NIST SP 800-53 r5 AU-5",
        "PCI DSS 4.0.1 10.7.2",
    ],
    references: &[
        LOG_ALERTS,
        "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-processing-rules",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let mut findings = context.each_rule(&CHECK, |rule| judge(context, rule));
    if context.accounts.is_empty() {
        return findings;
    }
    let watch = context.watch();
    findings.extend(
        watch
            .sentinel
            .iter()
            .filter(|rule| rule.guards())
            .map(|rule| closed(context, rule)),
    );
    for rule in &watch.off {
        let enabled = &rule.properties()["enabled"];
        let finding = if enabled.is_boolean() {
            CHECK
                .fail(
                    rule.name,
                    "the rule is about the accounts, and switched off",
                )
                .mended_by(rule!())
        } else {
            CHECK.unknown(
                rule.name,
                "enabled",
                "the rule is in the input without it, and is taken as switched off",
                "Monitoring Reader",
            )
        };
        let mut finding = finding.seen(rule.object, "enabled", enabled);
        if let Some(event) = switched_off(context, rule) {
            finding = finding
                .seen(
                    rule.object,
                    "activityLog/operationName",
                    text(&event["operationName"], "value"),
                )
                .seen(
                    rule.object,
                    "activityLog/eventTimestamp",
                    text(event, "eventTimestamp"),
                )
                .seen(rule.object, "activityLog/caller", text(event, "caller"));
        }
        findings.push(finding);
    }
    findings
}

/// The last event of the activity log that switched a rule off, or changed it. Azure itself switches off a rule that
/// failed for a week, by the operation `disable/action`.
fn switched_off<'a>(context: &Context<'a>, rule: &Rule<'_>) -> Option<&'a Value> {
    let events = list(context.snapshot, "activityLog").items.iter();
    let of_rule = events.filter(|event| same(text(event, "resourceId"), rule.object));
    of_rule.max_by_key(|event| {
        let operation = text(&event["operationName"], "value").to_lowercase();
        (
            operation.ends_with("/disable/action"),
            text(event, "eventTimestamp"),
        )
    })
}

fn judge(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let properties = rule.properties();
    if properties["muteActionsDuration"].is_string() {
        let pause = text(properties, "muteActionsDuration");
        return CHECK
            .fail(
                rule.name,
                format!("after an alert it says nothing for {pause}"),
            )
            .mended_by(rule!())
            .seen(rule.object, "muteActionsDuration", pause);
    }
    match properties["autoMitigate"].as_bool() {
        Some(false) => {}
        _ if rule.each_record() => {}
        Some(true) => {
            return CHECK
                .fail(
                    rule.name,
                    "it keeps state: a second use says nothing while the first alert is open",
                )
                .mended_by(rule!())
                .seen(rule.object, "autoMitigate", true);
        }
        None => {
            return CHECK.unknown(
                rule.name,
                "scheduledQueryRules/autoMitigate",
                "the rule is in the input without it (Azure takes true when it is not set)",
                "Monitoring Reader",
            );
        }
    }
    let processing = list(context.snapshot, "actionRules");
    let mut perhaps = None;
    for one in processing.items {
        match mutes(one, rule) {
            Some(true) => {
                return CHECK
                    .fail(
                        rule.name,
                        format!(
                            "the alert processing rule `{}` takes its action groups away",
                            text(one, "name")
                        ),
                    )
                    .mended_by(processing!())
                    .seen(text(one, "id"), "actions", "RemoveAllActionGroups");
            }
            Some(false) => {}
            None => perhaps = Some(one),
        }
    }
    if let Some(missing) = &processing.missing {
        return CHECK.unread(rule.name, missing);
    }
    let fired = list(context.snapshot, "alerts");
    let kept_back = fired.items.iter().find(|alert| {
        let essentials = &alert["properties"]["essentials"];
        same(text(essentials, "alertRule"), rule.object)
            && essentials["actionStatus"]["isSuppressed"] == true
    });
    if let Some(alert) = kept_back {
        let essentials = &alert["properties"]["essentials"];
        return CHECK
            .fail(
                rule.name,
                format!(
                    "an alert of {} was kept back: something took its action groups away",
                    text(essentials, "startDateTime")
                ),
            )
            .mended_by(processing!())
            .seen(text(alert, "id"), "actionStatus/isSuppressed", true);
    }
    match perhaps {
        Some(one) => CHECK
            .cannot_tell(
                rule.name,
                format!("the alert processing rule `{}` takes action groups away; whether its filter takes this alert is not certain", text(one, "name")),
                processing!(),
            )
            .seen(text(one, "id"), "conditions", &one["properties"]["conditions"]),
        None => match &fired.missing {
            Some(missing) => CHECK.unread(rule.name, missing),
            None => CHECK
                .pass(
                    rule.name,
                    "every use raises an alert, no processing rule takes it away, and none of the last month was kept back",
                )
                .seen(rule.object, "autoMitigate", &properties["autoMitigate"])
                .seen("actionRules", "rules read", processing.items.len())
                .seen("alerts", "alerts read", fired.items.len()),
        },
    }
}

/// Whether a processing rule takes this rule's action groups away at some time; `None`: its filter is not understood.
fn mutes(processing: &Value, rule: &Rule<'_>) -> Option<bool> {
    let properties = &processing["properties"];
    let each = |key: &str| properties[key].as_array().into_iter().flatten();
    let removes = each("actions")
        .any(|a| text(a, "actionType").eq_ignore_ascii_case("RemoveAllActionGroups"));
    // Alerts stand on the rule's target; a scope on the rule itself counts too.
    let mut targets = rule.scopes();
    targets.push(rule.object);
    let reaches = each("scopes")
        .filter_map(Value::as_str)
        .any(|scope| targets.iter().any(|target| covers(scope, target)));
    if properties["enabled"] == false || !removes || !reaches {
        return Some(false);
    }
    let mut all = Some(true);
    for condition in each("conditions") {
        match holds(condition, rule) {
            Some(false) => return Some(false),
            Some(true) => {}
            None => all = None,
        }
    }
    all
}

/// Whether a condition of a processing rule holds for alerts of a rule.
fn holds(condition: &Value, rule: &Rule<'_>) -> Option<bool> {
    let severity = rule.properties()["severity"]
        .as_i64()
        .map(|s| format!("Sev{s}"));
    let value = match text(condition, "field") {
        "Severity" => severity?,
        "MonitorService" => "Log Alerts V2".to_owned(),
        "MonitorCondition" => "Fired".to_owned(),
        "SignalType" => "Log".to_owned(),
        "AlertRuleName" => rule.name.to_owned(),
        "AlertRuleId" => rule.object.to_owned(),
        "TargetResourceGroup" => resource_group(rule.scopes().first()?).to_owned(),
        "TargetResource" => (*rule.scopes().first()?).to_owned(),
        _ => return None,
    };
    let value = value.to_lowercase();
    let mut values = condition["values"]
        .as_array()?
        .iter()
        .filter_map(Value::as_str)
        .map(str::to_lowercase);
    Some(match text(condition, "operator") {
        "Equals" => values.any(|v| v == value),
        "NotEquals" => values.all(|v| v != value),
        "Contains" => values.any(|v| value.contains(&v)),
        "DoesNotContain" => values.all(|v| !value.contains(&v)),
        _ => return None,
    })
}

/// Whether an automation rule closes the incidents of a rule of Microsoft Sentinel.
fn closed(context: &Context<'_>, rule: &Rule<'_>) -> Finding {
    let automation = list(context.snapshot, "automationRules");
    let closing = automation.items.iter().find(|one| {
        let properties = &one["properties"];
        properties["triggeringLogic"]["isEnabled"] != false
            && properties["actions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|action| {
                    text(&action["actionConfiguration"], "status").eq_ignore_ascii_case("Closed")
                })
    });
    match (closing, &automation.missing) {
        (Some(one), _) => {
            let properties = &one["properties"];
            let conditions = &properties["triggeringLogic"]["conditions"];
            let every = conditions.as_array().is_none_or(Vec::is_empty);
            let named = conditions
                .to_string()
                .to_lowercase()
                .contains(&rule.object.to_lowercase());
            let name = text(properties, "displayName");
            let finding = if every || named {
                CHECK
                    .fail(
                        rule.name,
                        format!("the automation rule `{name}` closes its incidents"),
                    )
                    .mended_by(automation!())
            } else {
                CHECK.cannot_tell(
                    rule.name,
                    format!("the automation rule `{name}` closes incidents; whether its conditions take these is not certain"),
                    automation!(),
                )
            };
            finding.seen(text(one, "id"), "triggeringLogic/conditions", conditions)
        }
        (None, Some(missing)) => CHECK.unread(rule.name, missing),
        (None, None) => CHECK
            .pass(rule.name, "no automation rule closes its incidents")
            .seen("automationRules", "rules read", automation.items.len()),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, sentinel};

    #[test]
    fn w4_an_alert_that_was_kept_back_shows_that_something_mutes() {
        let mut world = World::modern();
        let rule = world.other("scheduledQueryRules")[0]["id"].clone();
        let alert = |suppressed: bool| {
            json!({"id": "a", "properties": {"essentials": {"alertRule": rule, "startDateTime": "2026-11-20T01:00:00Z",
                "actionStatus": {"isSuppressed": suppressed}}}})
        };
        world.other("alerts").push(alert(false));
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.other("alerts").push(alert(true));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass, Pass]);
        world.snapshot.other.remove("alerts");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
    }

    #[test]
    fn w4_who_switched_a_rule_off_is_said() {
        let mut world = World::modern();
        let rule = world.other("scheduledQueryRules")[2]["id"].clone();
        world.properties("scheduledQueryRules", 2)["enabled"] = json!(false);
        for (at, operation) in [("2026-11-01", "disable/action"), ("2026-11-02", "write")] {
            world.other("activityLog").push(json!({"id": at, "eventTimestamp": at, "resourceId": rule,
                "caller": "Microsoft.Insights/ScheduledQueryRules",
                "operationName": {"value": format!("Microsoft.Insights/ScheduledQueryRules/{operation}")}}));
        }
        let finding = world
            .run(CHECK.id)
            .into_iter()
            .find(|finding| finding.because.contains("switched off"))
            .unwrap();
        let seen = format!("{:?}", finding.evidence);
        assert!(
            seen.contains("disable/action") && seen.contains("2026-11-01"),
            "{seen}"
        );
    }

    #[test]
    fn w4_state_pause_and_switch_mute() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("scheduledQueryRules", 0)["autoMitigate"] = json!(true);
        world.properties("scheduledQueryRules", 1)["muteActionsDuration"] = json!("PT1H");
        world.properties("scheduledQueryRules", 2)["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail, Fail]);
        world.properties("scheduledQueryRules", 0)["autoMitigate"] = json!(null);
        world.properties("scheduledQueryRules", 2)["enabled"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Fail, CannotTell]);
    }

    #[test]
    fn w4_processing_rule_mutes_when_it_can_match() {
        let with = |conditions: serde_json::Value| {
            let mut world = World::modern();
            world.other("actionRules").push(json!({"id": "ar", "name": "night", "properties": {"enabled": true,
                "scopes": ["/subscriptions/S"], "conditions": conditions, "actions": [{"actionType": "RemoveAllActionGroups"}],
                "schedule": {"effectiveFrom": "2030-01-01T00:00:00"}}}));
            world.verdicts(CHECK.id)
        };
        assert_eq!(with(json!([])), [Fail; 3]);
        assert_eq!(
            with(json!([{"field": "Severity", "operator": "Equals", "values": ["Sev0"]}])),
            [Fail; 3]
        );
        assert_eq!(
            with(json!([{"field": "Severity", "operator": "NotEquals", "values": ["Sev0"]}])),
            [Pass; 3]
        );
        assert_eq!(
            with(json!([{"field": "AlertRuleName", "operator": "Contains", "values": ["quiet"]}])),
            [Pass, Fail, Pass]
        );
        assert_eq!(
            with(json!([{"field": "Description", "operator": "Contains", "values": ["x"]}])),
            [CannotTell; 3]
        );
        let mut world = World::modern();
        world.snapshot.other.remove("actionRules");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
    }

    #[test]
    fn w10_automation_rule_that_closes_mutes() {
        let mut world = World::modern();
        world.other("scheduledQueryRules").clear();
        world
            .other("alertRules")
            .push(sentinel("use", "SigninLogs | where UserId == 'bg1'"));
        let last = |world: &World| world.verdicts(CHECK.id).pop();
        assert_eq!(last(&world), Some(Pass));
        world.other("automationRules").push(json!({"id": "au", "properties": {"displayName": "tidy",
            "triggeringLogic": {"isEnabled": true, "conditions": []},
            "actions": [{"actionType": "ModifyProperties", "actionConfiguration": {"status": "Closed"}}]}}));
        assert_eq!(last(&world), Some(Fail));
        world.properties("automationRules", 0)["triggeringLogic"]["conditions"] =
            json!([{"conditionType": "Property"}]);
        assert_eq!(last(&world), Some(CannotTell));
    }
}
