//! W1: nothing stops or hides the records.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{AUDIT, SIGN_INS, list, same, text, workspace_of},
};

/// The two fixes; a finding shows its own.
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

pub(super) const CHECK: Check = Check {
    id: "BG053",
    name: "nothing-stops-records",
    requirement: "W1",
    title: "Nothing stops records or hides them from alert rules",
    severity: Severity::High,
    what: "Reads the daily cap, the state of ingestion of every workspace that gets the logs, whether it has a workspace transformation, and the plan of its tables.",
    rationale: "A daily cap stops ingestion in silence, and with it every alert, on the very day on which something floods the logs. A table on the Basic or Auxiliary plan can't be read by alert rules.",
    fix: concat!(cap!(), " ", plan!()),
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

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w1_cap_state_and_plan_stop_alerts() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 4]);
        world.properties("workspaces", 0)["workspaceCapping"]["dailyQuotaGb"] = json!(5);
        world.properties("workspaceTables", 1)["plan"] = json!("Basic");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass, Fail, Pass]);
        world.properties("workspaces", 0)["workspaceCapping"] =
            json!({"dailyQuotaGb": -1, "dataIngestionStatus": "OverQuota"});
        assert_eq!(world.verdicts(CHECK.id)[0], Fail);
        world.properties("workspaces", 0)["workspaceCapping"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id)[0], CannotTell);
        let mut world = World::modern();
        world.properties("workspaces", 0)["defaultDataCollectionRuleResourceId"] = json!("/dcr");
        assert_eq!(world.verdicts(CHECK.id)[0], CannotTell);
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
