//! W3: alert rules read what the accounts do, and what is done to them.

use breakglass_model::{Finding, Severity};

use crate::{Check, Context, catalogue::EMERGENCY_ACCESS, monitoring::no_id};

pub(super) const CHECK: Check = Check {
    id: "BG056",
    name: "rules-read-audit",
    requirement: "W3",
    title: "Alert rules watch acts by the accounts and changes to them",
    severity: Severity::High,
    what: "Looks for enabled rules over AuditLogs that match the accounts as initiator and as target. Passes only a plain query, fails only when no enabled rule over AuditLogs mentions the accounts, or no diagnostic setting sends AuditLogs to a workspace; all else is cannot tell, and judged by `rules prove`, in a later version. Rules of Azure Monitor or of Microsoft Sentinel (W10) suffice, or our own monitor (W11).",
    rationale: "A new key on the account, a password set, a disabled account: each comes before the misuse or the lockout, and is no sign-in.",
    fix: "Azure portal > Monitor > Alerts > Create > Alert rule > Custom log search, on the workspace: `AuditLogs | where tostring(InitiatedBy.user.id) in~ (\"<object id 1>\", \"<object id 2>\") or tostring(TargetResources) has_any (\"<object id 1>\", \"<object id 2>\", \"<group id>\")`.",
    controls: &[
        "CIS M365 7.0.0 2.2.1",
        "NIST SP 800-53 r5 AC-2(4)",
        "PCI DSS 4.0.1 10.2.1.5",
    ],
    references: &[
        EMERGENCY_ACCESS,
        "https://learn.microsoft.com/entra/identity/monitoring-health/reference-audit-activities",
    ],
    run,
};

/// What is sought, and the columns that show it (Microsoft Graph, *directoryAudit*; `initiatedBy.user.id`,
/// `targetResources[].id`).
const SIDES: [(&str, &[&str]); 2] = [
    (
        "acts by the accounts",
        &["InitiatedBy.user.id", "InitiatedBy"],
    ),
    ("changes to the accounts", &["TargetResources"]),
];

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let Some(ids) = context.account_ids() else {
        return SIDES
            .iter()
            .map(|(subject, _)| no_id(&CHECK, subject))
            .collect();
    };
    SIDES
        .iter()
        .map(|(subject, columns)| context.sought_in_audit(&CHECK, subject, columns, &ids))
        .collect()
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w3_acts_and_changes_are_judged_apart() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.query(
            2,
            "AuditLogs | where tostring(TargetResources) has_any ('bg1', 'bg2')",
        );
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
        world.query(
            2,
            "AuditLogs | mv-expand T = TargetResources | where tostring(T.id) in~ ('bg1', 'bg2')",
        );
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
        world.properties("scheduledQueryRules", 2)["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn w1_w3_changes_that_no_setting_sends_fail() {
        let mut world = World::modern();
        world.properties("diagnosticSettings", 0)["logs"][2]["enabled"] = json!(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.other("diagnosticSettings").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        world.snapshot.other.remove("diagnosticSettings");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
