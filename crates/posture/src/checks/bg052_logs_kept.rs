//! P2: records outlive the review of a use.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{AUDIT, SIGN_INS, list, same, text, workspace_of},
};

pub(super) const CHECK: Check = Check {
    id: "BG052",
    name: "logs-kept",
    requirement: "P2",
    title: "Records are kept until a use is reviewed",
    severity: Severity::Medium,
    what: "Reads how long each table of the workspace keeps its records (`totalRetentionInDays`, else the workspace's own), and holds it against 90 days.",
    rationale: "Microsoft Entra keeps sign-ins and audits for 7 days (Free) or 30 days (P1, P2). A review, or an incident report that is due after a month, needs them when they are gone there; 90 days is also the longest time between two drills.",
    fix: "Azure portal > the workspace > Tables > the table > Manage table: total retention of 90 days or more (PCI DSS 4.0.1 10.5.1 asks for 12 months); or `az monitor log-analytics workspace table update --resource-group <group> --workspace-name <workspace> --name <table> --total-retention-time 365`.",
    controls: &[
        "NIST SP 800-53 r5 AU-11",
        "CIS Controls 8.1 8.10",
        "PCI DSS 4.0.1 10.5.1",
    ],
    references: &["https://learn.microsoft.com/azure/azure-monitor/logs/data-retention-configure"],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    SIGN_INS
        .iter()
        .chain([&AUDIT])
        .map(|table| judge(context, table))
        .collect()
}

fn judge(context: &Context<'_>, table: &str) -> Finding {
    let needed = context.settings.log_days;
    let workspaces = context.log_workspaces();
    let tables = list(context.snapshot, "workspaceTables");
    let mut best: Option<(&str, i64)> = None;
    for row in tables.items.iter().filter(|row| text(row, "name") == table) {
        let object = text(row, "id");
        let Some(workspace) = workspaces
            .iter()
            .find(|w| same(text(w, "id"), workspace_of(object)))
        else {
            continue;
        };
        // -1, or no number: the workspace's own.
        let days = ["totalRetentionInDays", "retentionInDays"]
            .iter()
            .filter_map(|key| row["properties"][key].as_i64())
            .find(|days| *days > 0)
            .or_else(|| workspace["properties"]["retentionInDays"].as_i64());
        if let Some(days) = days
            && best.is_none_or(|(_, other)| days > other)
        {
            best = Some((object, days));
        }
    }
    if let Some((object, days)) = best.filter(|(_, days)| *days >= needed) {
        return CHECK
            .pass(
                table,
                format!("records are kept for {needed} days or longer"),
            )
            .seen(object, "totalRetentionInDays", days);
    }
    for name in ["diagnosticSettings", "workspaces", "workspaceTables"] {
        if let Some(missing) = &list(context.snapshot, name).missing {
            return CHECK.unread(table, missing);
        }
    }
    match best {
        Some((object, days)) => CHECK
            .fail(table, format!("records are kept for {days} days, fewer than {needed}"))
            .seen(object, "totalRetentionInDays", days),
        None => CHECK.cannot_tell(
            table,
            "no workspace that gets the logs has this table yet",
            "Send the log to a workspace (BG050), and collect again when the first record has arrived.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn p2_retention_is_held_against_the_review() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        *world.properties("workspaceTables", 0) =
            json!({"retentionInDays": 30, "totalRetentionInDays": 30});
        *world.properties("workspaceTables", 1) = json!({"retentionInDays": -1});
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass, Pass]);
        world.properties("workspaces", 0)["retentionInDays"] = json!(30);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail, Pass]);
        world.snapshot.other.remove("workspaceTables");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
    }
}
