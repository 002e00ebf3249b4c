//! W1: nothing stops or hides the records.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{AUDIT, SIGN_INS, list, same, text, workspace_of},
};

/// The fixes; a finding shows its own.
macro_rules! cap {
    () => {
        "Azure portal > the workspace > Usage and estimated costs > Daily cap: off; or `az monitor log-analytics workspace update --resource-group <group> --workspace-name <workspace> --quota -1`."
    };
}
macro_rules! plan {
    () => {
        "Azure portal > the workspace > Tables > the table > Manage table: plan Analytics; or `az monitor log-analytics workspace table update --resource-group <group> --workspace-name <workspace> --name <table> --plan Analytics`."
    };
}

macro_rules! place {
    () => {
        "Entra admin center > Monitoring & health > Diagnostic settings > the setting: choose an event hub or storage account that is there, by a rule with the right to send."
    };
}

pub(super) const CHECK: Check = Check {
    id: "BG053",
    name: "nothing-stops-records",
    requirement: "W1",
    title: "Nothing stops records or hides them from alert rules",
    severity: Severity::High,
    what: "Reads the daily cap, the state of ingestion of every workspace that gets the logs, whether it has a workspace transformation, and the plan of its tables; and of event hubs and storage accounts that settings send to, that they are there and that the rule by which records are sent may send.",
    rationale: "A daily cap stops ingestion in silence, and with it every alert, on the very day on which something floods the logs. A table on the Basic or Auxiliary plan can't be read by alert rules.",
    fix: concat!(cap!(), " ", plan!(), " ", place!()),
    controls: &[
        "NIST SP 800-53 r5 AU-5",
        "NIST SP 800-53 r5 AU-12",
        "BSI C5:2020 OPS-17",
    ],
    references: &["https://learn.microsoft.com/azure/azure-monitor/logs/daily-cap"],
    run,
};

/// States in which nothing is taken in (Azure Monitor, *Workspaces: workspaceCapping*).
const STOPPED: [&str; 3] = ["OverQuota", "ForceOff", "SubscriptionSuspended"];

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let workspaces = context.log_workspaces();
    let tables = list(context.snapshot, "workspaceTables");
    let mut findings = Vec::new();
    for workspace in &workspaces {
        let object = text(workspace, "id");
        let name = text(workspace, "name");
        let capping = &workspace["properties"]["workspaceCapping"];
        let state = text(capping, "dataIngestionStatus");
        let cap = capping["dailyQuotaGb"].as_f64();
        let finding = if STOPPED.contains(&state) {
            CHECK
                .fail(name, "the workspace takes nothing in")
                .mended_by(cap!())
                .seen(object, "dataIngestionStatus", state)
        } else if let Some(cap) = cap.filter(|cap| *cap >= 0.0) {
            CHECK
                .fail(
                    name,
                    format!("a daily cap of {cap} GB stops ingestion, and every alert with it"),
                )
                .mended_by(cap!())
                .seen(object, "workspaceCapping/dailyQuotaGb", cap)
        } else if let Some(rule) =
            workspace["properties"]["defaultDataCollectionRuleResourceId"].as_str()
        {
            CHECK
                .cannot_tell(
                    name,
                    "a workspace transformation may drop records before they are kept; what it does is not in the input",
                    "Azure portal > Monitor > Data collection rules > the rule of kind WorkspaceTransforms: see that its flows for SigninLogs, AADNonInteractiveUserSignInLogs and AuditLogs drop no record.",
                )
                .seen(object, "defaultDataCollectionRuleResourceId", rule)
        } else if let Some(cap) = cap {
            CHECK.pass(name, "the workspace has no daily cap").seen(
                object,
                "workspaceCapping/dailyQuotaGb",
                cap,
            )
        } else {
            CHECK.unknown(
                name,
                "workspaces/workspaceCapping",
                "the workspace is in the input without it",
                "Log Analytics Reader",
            )
        };
        findings.push(finding);
        for row in tables
            .items
            .iter()
            .filter(|row| same(workspace_of(text(row, "id")), object))
        {
            let (table, plan) = (text(row, "name"), text(&row["properties"], "plan"));
            if SIGN_INS.contains(&table) || table == AUDIT {
                findings.push(
                    match plan {
                        "Analytics" => CHECK.pass(table, "alert rules can read the table"),
                        "" => CHECK.unknown(
                            table,
                            "workspaceTables/plan",
                            "the table is in the input without it",
                            "Log Analytics Reader",
                        ),
                        other => CHECK
                            .fail(
                                table,
                                format!(
                                    "the table is on the {other} plan, which alert rules can't read"
                                ),
                            )
                            .mended_by(plan!()),
                    }
                    .seen(text(row, "id"), "plan", plan),
                );
            }
        }
    }
    findings.extend(destinations(context));
    let unread = ["diagnosticSettings", "workspaces", "workspaceTables"]
        .into_iter()
        .find_map(|name| list(context.snapshot, name).missing);
    if let Some(missing) = unread {
        findings.push(CHECK.unread("workspaces", &missing));
    } else if findings.is_empty() {
        findings.push(CHECK.not_applicable(
            "workspaces",
            "no workspace that was read gets the logs: BG050 says what is missing",
        ));
    }
    findings
}

/// Event hubs and storage accounts that settings send to.
fn destinations(context: &Context<'_>) -> Vec<Finding> {
    let there = list(context.snapshot, "logDestinations");
    let find = |id: &str| there.items.iter().find(|own| same(text(own, "id"), id));
    let mut findings = Vec::new();
    for setting in list(context.snapshot, "diagnosticSettings").items {
        let (object, properties) = (text(setting, "id"), &setting["properties"]);
        let storage = text(properties, "storageAccountId");
        let rule = text(properties, "eventHubAuthorizationRuleId");
        let hub = text(properties, "eventHubName");
        let namespace = rule
            .to_lowercase()
            .find("/authorizationrules/")
            .map_or("", |end| &rule[..end]);
        let hub_id = format!("{namespace}/eventhubs/{hub}");
        for (subject, field, needed) in [
            (text(setting, "name"), "storageAccountId", vec![storage]),
            (
                if hub.is_empty() {
                    text(setting, "name")
                } else {
                    hub
                },
                "eventHubAuthorizationRuleId",
                if hub.is_empty() {
                    vec![namespace, rule]
                } else {
                    vec![namespace, rule, &hub_id]
                },
            ),
        ] {
            let needed: Vec<&str> = needed.into_iter().filter(|id| !id.is_empty()).collect();
            let Some(last) = needed.last() else { continue };
            let gone = needed.iter().find(|id| find(id).is_none());
            let finding = match (gone, &there.missing) {
                (Some(_), Some(missing)) => CHECK.unread(subject, missing),
                (Some(gone), None) => CHECK
                    .fail(
                        subject,
                        "the place that records are sent to is not there any more",
                    )
                    .mended_by(place!())
                    .seen(*gone, "id", "not found"),
                (None, _) if field == "storageAccountId" => {
                    sends(subject, None, None).seen(*last, "id", "found")
                }
                (None, _) => sends(subject, find(rule), find(namespace)).seen(*last, "id", "found"),
            };
            findings.push(finding.seen(object, field, text(properties, field)));
        }
    }
    findings
}

/// Whether a diagnostic setting may still send by the rule of an event hub that it names. What local authentication
/// that is switched off does to it is not documented.
fn sends(subject: &str, rule: Option<&Value>, namespace: Option<&Value>) -> Finding {
    let Some(rule) = rule else {
        return CHECK.pass(subject, "the place that records are sent to is there");
    };
    let rights = &rule["properties"]["rights"];
    let may = rights
        .as_array()
        .into_iter()
        .flatten()
        .any(|own| own == "Send" || own == "Manage");
    if !may {
        return CHECK
            .fail(
                subject,
                "the rule by which records are sent to the event hub has no right to send",
            )
            .mended_by(place!())
            .seen(text(rule, "id"), "rights", rights);
    }
    match namespace.map(|own| &own["properties"]["disableLocalAuth"]) {
        Some(Value::Bool(true)) => CHECK.cannot_tell(
            subject,
            "local authentication of the event hub is switched off; whether diagnostic settings still send there is not documented",
            "See that records arrive in the event hub, or switch local authentication on.",
        ),
        _ => CHECK.pass(subject, "the event hub is there, and its rule may send"),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w1_cap_state_and_plan_stop_alerts() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 5]);
        world.properties("workspaces", 0)["workspaceCapping"]["dailyQuotaGb"] = json!(5);
        world.properties("workspaceTables", 1)["plan"] = json!("Basic");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass, Fail, Pass, Pass]);
        world.properties("workspaces", 0)["workspaceCapping"] =
            json!({"dailyQuotaGb": -1, "dataIngestionStatus": "OverQuota"});
        assert_eq!(world.verdicts(CHECK.id)[0], Fail);
        world.properties("workspaces", 0)["workspaceCapping"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id)[0], CannotTell);
        let mut world = World::modern();
        world.properties("workspaces", 0)["defaultDataCollectionRuleResourceId"] = json!("/dcr");
        assert_eq!(world.verdicts(CHECK.id)[0], CannotTell);
    }

    /// W12: what our own monitor reads has to arrive somewhere too.
    #[test]
    fn w12_the_event_hub_is_there_and_may_be_sent_to() {
        let last = |world: &World| *world.verdicts(CHECK.id).last().unwrap();
        let mut world = World::modern();
        world.properties("logDestinations", 1)["rights"] = json!(["Listen"]);
        assert_eq!(last(&world), Fail);
        let mut world = World::modern();
        world.properties("logDestinations", 0)["disableLocalAuth"] = json!(true);
        assert_eq!(last(&world), CannotTell);
        let mut world = World::modern();
        world.other("logDestinations").pop();
        assert_eq!(last(&world), Fail);
        let finding = world.run(CHECK.id).pop().unwrap();
        assert_eq!(finding.subject, "entra");
        assert!(finding.because.contains("not there any more"));
        world.snapshot.other.remove("logDestinations");
        assert_eq!(last(&world), CannotTell);
        let mut world = World::modern();
        world.properties("diagnosticSettings", 1)["storageAccountId"] =
            json!("/subscriptions/s/storage");
        assert_eq!(world.verdicts(CHECK.id)[4..], [Fail, Pass]);
    }

    #[test]
    fn w1_without_a_workspace_there_is_nothing_to_stop() {
        let mut world = World::modern();
        world.other("diagnosticSettings").clear();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable]);
        world.snapshot.other.remove("workspaces");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
