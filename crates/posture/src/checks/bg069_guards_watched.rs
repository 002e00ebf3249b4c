//! M5: changes of what guards the accounts are alerted.

use std::collections::BTreeSet;

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::{RESTRICTED_UNITS, Seen},
    monitoring::{AUDIT, Rule, Sought, TELL, Told, covers, list, text},
};

/// The fixes; a finding shows its own.
macro_rules! keepers {
    () => {
        "Azure portal > Monitor > Alerts > Create > Alert rule > Custom log search, on the workspace: `AuditLogs | where tostring(TargetResources) has_any (\"<group id>\", \"<unit id>\")`."
    };
}
macro_rules! directory {
    () => {
        "Azure portal > Monitor > Alerts > Create > Alert rule > Custom log search, on the workspace, a rule apart, of a lower severity: `AuditLogs | where Category in~ (\"RoleManagement\", \"Policy\")`."
    };
}
macro_rules! tampering {
    () => {
        "Azure portal > Monitor > Alerts > Create > Alert rule > Activity log, on the subscription: `Microsoft.Insights/scheduledQueryRules/write` and `/delete`, `Microsoft.Insights/actionGroups/write` and `/delete`, `Microsoft.AlertsManagement/actionRules/write`."
    };
}
macro_rules! export {
    () => {
        "Azure portal > Monitor > Alerts > Create > Alert rule > Activity log, on the subscription: `microsoft.aadiam/diagnosticSettings/delete`, and the alarm on silence (BG067) beside it."
    };
}

pub(super) const CHECK: Check = Check {
    id: "BG069",
    name: "guards-watched",
    requirement: "M5",
    title: "Changes of what guards the accounts raise an alert",
    severity: Severity::High,
    what: "Looks for enabled rules over AuditLogs that speak of the accounts' group and unit, of role assignments and of Conditional Access policies; and for activity-log alerts on changes of alert rules, action groups and processing rules, and on the deletion of the diagnostic setting. A rule counts only when an action group of it tells somebody. Changes to the accounts themselves are judged by BG056. What the queries match is judged by `rules prove`, in a later version.",
    rationale: "Whoever means to use an account unseen first takes it out of the group, writes a policy, or switches the alarm off. Each of these must itself be loud.",
    fix: concat!(
        keepers!(),
        " ",
        directory!(),
        " ",
        tampering!(),
        " ",
        export!()
    ),
    controls: &[
        "NIST SP 800-53 r5 AC-2(4)",
        "NIST SP 800-53 r5 AU-12",
        "PCI DSS 4.0.1 10.2.1.6",
        "SCuBA MS.AAD.7.7v1",
        "NIS2 2024/2690 3.2.3",
    ],
    references: &[
        RESTRICTED_UNITS,
        "https://learn.microsoft.com/azure/azure-monitor/alerts/alerts-create-activity-log-alert-rule",
    ],
    run,
};

/// Changes that silence the alerts (Azure, *Resource provider operations*).
const TAMPERING: [&str; 5] = [
    "microsoft.insights/scheduledqueryrules/write",
    "microsoft.insights/scheduledqueryrules/delete",
    "microsoft.insights/actiongroups/write",
    "microsoft.insights/actiongroups/delete",
    "microsoft.alertsmanagement/actionrules/write",
];
const EXPORT: &str = "microsoft.aadiam/diagnosticsettings/delete";

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let mut groups = BTreeSet::new();
    let mut units = BTreeSet::new();
    for account in context.accounts {
        if let Some(entry) = account.entry {
            groups.extend(entry.group.iter().map(ToString::to_string));
            units.extend(entry.unit.iter().map(ToString::to_string));
        }
        if let Some(id) = &account.id {
            groups.extend(
                context
                    .role_groups(id)
                    .0
                    .iter()
                    .filter_map(|g| g.id.as_ref())
                    .map(ToString::to_string),
            );
            units.extend(context.restricted_units(id).0);
        }
    }
    let mut findings = vec![
        held(context, "the accounts' group", &groups),
        held(context, "the accounts' administrative unit", &units),
    ];
    // Categories of the audit log (Microsoft Entra, *Audit activity reference*): `RoleManagement`, and `Policy`, in which
    // Conditional Access writes.
    for (subject, category, words) in [
        ("role assignments", "RoleManagement", &["role"][..]),
        (
            "Conditional Access policies",
            "Policy",
            &["policy", "conditional access"],
        ),
    ] {
        let sought = Sought {
            subject,
            table: AUDIT,
            columns: &["Category"],
            ids: &[category.to_owned()],
            words: Some(words),
            heard: true,
            fix: Some(directory!()),
        };
        findings.push(context.sought(&CHECK, &sought));
    }
    findings.push(alerting(context));
    findings.push(export(context));
    findings
}

/// Changes of an object that keeps the accounts.
fn held(context: &Context<'_>, subject: &str, ids: &BTreeSet<String>) -> Finding {
    if ids.is_empty() {
        return CHECK.not_applicable(
            subject,
            "none is known to hold the accounts: BG025 to BG027 say what is missing",
        );
    }
    let ids: Vec<String> = ids.iter().cloned().collect();
    let sought = Sought {
        subject,
        table: AUDIT,
        columns: &["TargetResources"],
        ids: &ids,
        words: Some(&[]),
        heard: true,
        fix: Some(keepers!()),
    };
    context.sought(&CHECK, &sought)
}

/// What enabled activity-log alerts call somebody for.
#[derive(Default)]
struct Announced<'a> {
    /// The first alert that surely tells somebody.
    first: Option<&'a Value>,
    /// Operations of alerts that surely tell somebody. An alert on the whole category `Administrative` holds all: `*`.
    heard: BTreeSet<String>,
    /// The same with alerts that perhaps tell somebody, and who is told by one of those.
    perhaps: BTreeSet<String>,
    unsure: Option<(&'a Value, Told<'a>)>,
    /// Alerts that tell nobody.
    deaf: Vec<(&'a Value, Told<'a>, BTreeSet<String>)>,
}

impl Announced<'_> {
    /// *Cannot tell*, when what is asked for is announced by alerts that perhaps tell somebody.
    fn unsure(&self, subject: &str, all: bool) -> Option<Finding> {
        let (alert, told) = self.unsure.as_ref().filter(|_| all)?;
        let finding = told.unsure(&CHECK, subject);
        Some(finding.seen(text(alert, "id"), "condition", "operationName"))
    }

    /// A failure with the alerts that announce some of it and tell nobody.
    fn silence(&self, finding: Finding, some: impl Fn(&BTreeSet<String>) -> bool) -> Finding {
        let deaf = self
            .deaf
            .iter()
            .filter(|(_, _, operations)| some(operations));
        deaf.fold(finding, |finding, (alert, told, _)| {
            let fix = format!("{} {TELL}", finding.fix);
            let groups = action_groups(alert).len();
            let finding = finding.seen(text(alert, "id"), "actions/actionGroups", groups);
            told.silence(finding.mended_by(&fix))
        })
    }
}

/// Those of [`TAMPERING`] that are not announced.
fn lacks(operations: &BTreeSet<String>) -> Vec<&'static str> {
    let all = operations.contains("*");
    TAMPERING
        .into_iter()
        .filter(|one| !all && !operations.contains(*one))
        .collect()
}

/// Ids of the action groups of an activity-log alert.
fn action_groups(alert: &Value) -> Vec<&str> {
    let groups = alert["properties"]["actions"]["actionGroups"].as_array();
    let ids = groups
        .into_iter()
        .flatten()
        .map(|group| text(group, "actionGroupId"));
    ids.collect()
}

/// What enabled activity-log alerts announce, by the test whether they look there.
fn announced<'a>(context: &Context<'a>, looks: impl Fn(&str) -> bool) -> Announced<'a> {
    let mut announced = Announced::default();
    for alert in list(context.snapshot, "activityLogAlerts").items {
        let properties = &alert["properties"];
        let here = properties["scopes"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .any(&looks);
        if properties["enabled"] != true || !here {
            continue;
        }
        let Some(found) = operations_of(&properties["condition"]) else {
            continue;
        };
        let told = context.told_by(&action_groups(alert));
        match told.anybody() {
            Some(true) => {
                announced.first = announced.first.or(Some(alert));
                announced.perhaps.extend(found.iter().cloned());
                announced.heard.extend(found);
            }
            None => {
                announced.perhaps.extend(found);
                announced.unsure.get_or_insert((alert, told));
            }
            Some(false) => announced.deaf.push((alert, told, found)),
        }
    }
    announced
}

/// The operations of a condition; `None`: something else narrows it, and nothing is certain.
fn operations_of(condition: &Value) -> Option<BTreeSet<String>> {
    let mut narrowed: Option<BTreeSet<String>> = None;
    for part in condition["allOf"].as_array()? {
        let one = std::slice::from_ref(part);
        let any = part["anyOf"].as_array().map_or(one, Vec::as_slice);
        let fields: BTreeSet<&str> = any.iter().map(|leaf| text(leaf, "field")).collect();
        if fields
            .iter()
            .all(|field| field.eq_ignore_ascii_case("category"))
        {
            if any
                .iter()
                .all(|leaf| !text(leaf, "equals").eq_ignore_ascii_case("Administrative"))
            {
                return None;
            }
        } else if fields
            .iter()
            .all(|field| field.eq_ignore_ascii_case("operationName"))
            && narrowed.is_none()
        {
            narrowed = Some(
                any.iter()
                    .map(|leaf| text(leaf, "equals").to_lowercase())
                    .collect(),
            );
        } else {
            return None;
        }
    }
    Some(narrowed.unwrap_or_else(|| BTreeSet::from(["*".to_owned()])))
}

fn alerting(context: &Context<'_>) -> Finding {
    let subject = "alert rules and action groups";
    let watch = context.watch();
    let guards: Vec<&Rule<'_>> = watch.azure.iter().filter(|rule| rule.guards()).collect();
    let alerts = list(context.snapshot, "activityLogAlerts");
    if guards.is_empty() {
        return match &watch.azure_missing {
            Some(missing) => CHECK.unread(subject, missing),
            None => CHECK.not_applicable(subject, "no alert rule of Azure Monitor is about the accounts, so none can be tampered with"),
        };
    }
    // An alert looks at a whole subscription, or at a part that holds every rule.
    let announced = announced(context, |scope| {
        guards.iter().all(|rule| covers(scope, rule.object))
    });
    let missing = lacks(&announced.heard);
    if let (Some(alert), []) = (announced.first, missing.as_slice()) {
        return CHECK
            .pass(subject, "an activity-log alert announces their changes")
            .seen(text(alert, "id"), "condition", "operationName");
    }
    if let Some(finding) = announced.unsure(subject, lacks(&announced.perhaps).is_empty()) {
        return finding;
    }
    if let Some(unread) = alerts.missing {
        return CHECK.unread(subject, &unread);
    }
    let because = if missing.len() == TAMPERING.len() {
        "no activity-log alert announces their changes to anybody".to_owned()
    } else {
        format!("no activity-log alert announces {}", missing.join(", "))
    };
    let finding = CHECK.fail(subject, because).mended_by(tampering!()).seen(
        "activityLogAlerts",
        "alerts read",
        alerts.items.len(),
    );
    announced.silence(finding, |found| lacks(found).len() < TAMPERING.len())
}

fn export(context: &Context<'_>) -> Finding {
    let subject = "the diagnostic setting";
    let announced = announced(context, |_| true);
    if let (Some(alert), true) = (announced.first, announced.heard.contains(EXPORT)) {
        return CHECK
            .pass(subject, "an activity-log alert announces its deletion; since the setting belongs to no subscription, let the alarm on silence (BG067) stand beside it")
            .seen(text(alert, "id"), "condition", EXPORT);
    }
    let alerts = list(context.snapshot, "activityLogAlerts");
    if let Some(unread) = alerts.missing {
        return CHECK.unread(subject, &unread);
    }
    if context.monitor().is_some() {
        return CHECK.not_applicable(
            subject,
            "our own monitor reads the logs itself: the setting can go without silencing it (W11, BG065)",
        );
    }
    if let Some(finding) = announced.unsure(subject, announced.perhaps.contains(EXPORT)) {
        return finding;
    }
    let finding = CHECK
        .fail(
            subject,
            "no activity-log alert announces its deletion to anybody",
        )
        .mended_by(export!())
        .seen(
            "activityLogAlerts",
            "operations announced",
            announced.heard.len(),
        );
    announced.silence(finding, |found| found.contains(EXPORT))
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn m5_what_guards_the_accounts_is_watched() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 6]);
        world.query(2, "AuditLogs | where Category == 'RoleManagement' and Result == 'x' or OperationName has 'policy'");
        assert_eq!(
            world.verdicts(CHECK.id)[..4],
            [Fail, Fail, CannotTell, CannotTell]
        );
        world.query(
            2,
            "AuditLogs | where tostring(TargetResources) has_any ('bg1', 'bg2')",
        );
        assert_eq!(world.verdicts(CHECK.id)[..4], [Fail; 4]);
        world.query(
            2,
            "AuditLogs | where tostring(TargetResources) has 'grp' and Result == 'x'",
        );
        assert_eq!(world.verdicts(CHECK.id)[..2], [CannotTell, Fail]);
    }

    #[test]
    fn m5_tampering_with_alerts_is_announced() {
        let mut world = World::modern();
        world.properties("activityLogAlerts", 0)["condition"]["allOf"][1]["anyOf"]
            .as_array_mut()
            .unwrap()
            .remove(1);
        assert_eq!(world.verdicts(CHECK.id)[4..], [Fail, Pass]);
        world.properties("activityLogAlerts", 0)["condition"]["allOf"][1] =
            json!({"field": "status", "equals": "Failed"});
        assert_eq!(world.verdicts(CHECK.id)[4..], [Fail, Fail]);
        world.properties("activityLogAlerts", 0)["condition"]["allOf"] =
            json!([{"field": "category", "equals": "Administrative"}]);
        assert_eq!(world.verdicts(CHECK.id)[4..], [Pass, Fail]);
        world.properties("activityLogAlerts", 0)["scopes"] = json!(["/subscriptions/other"]);
        assert_eq!(world.verdicts(CHECK.id)[4..], [Fail, Fail]);
        world.snapshot.other.remove("activityLogAlerts");
        assert_eq!(world.verdicts(CHECK.id)[4..], [CannotTell, CannotTell]);
    }

    #[test]
    fn m5_without_a_group_there_is_none_to_watch() {
        let mut world = World::modern();
        world.snapshot.groups.items.clear();
        world
            .register
            .accounts
            .iter_mut()
            .for_each(|account| account.group = None);
        assert_eq!(world.verdicts(CHECK.id)[0], NotApplicable);
    }

    #[test]
    fn m5_an_alert_that_tells_nobody_does_not_count() {
        let mut world = World::modern();
        for list in ["emailReceivers", "smsReceivers"] {
            world.properties("actionGroups", 0)[list] = json!([]);
        }
        assert_eq!(world.verdicts(CHECK.id), [Fail; 6]);
        for finding in world.run(CHECK.id) {
            let evidence: Vec<&str> = finding.evidence.iter().map(|e| e.value.as_str()).collect();
            assert!(evidence.contains(&"has no receiver"), "{finding:?}");
        }
        world.properties("actionGroups", 0)["emailReceivers"] =
            json!([{"emailAddress": "soc@example.org", "status": "NotSpecified"}]);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 6]);
        world.properties("actionGroups", 0)["emailReceivers"][0]["status"] = json!("Enabled");
        assert_eq!(world.verdicts(CHECK.id), [Pass; 6]);
        world.properties("actionGroups", 0)["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail; 6]);
        world.snapshot.other.remove("actionGroups");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 6]);
        world.properties("scheduledQueryRules", 2)["actions"] = json!({});
        world.properties("activityLogAlerts", 0)["actions"] = json!({});
        assert_eq!(world.verdicts(CHECK.id), [Fail; 6]);
        // Another way of being told is not asked for action groups.
        world.monitored();
        assert_eq!(
            world.verdicts(CHECK.id),
            [
                NotApplicable,
                NotApplicable,
                NotApplicable,
                NotApplicable,
                Fail,
                NotApplicable
            ]
        );
    }
}
