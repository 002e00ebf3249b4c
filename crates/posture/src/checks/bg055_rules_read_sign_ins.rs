//! W3: alert rules read interactive and non-interactive sign-ins.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::EMERGENCY_ACCESS,
    monitoring::{SIGN_INS, Sought, no_id},
};

pub(super) const CHECK: Check = Check {
    id: "BG055",
    name: "rules-read-sign-ins",
    requirement: "W3",
    title: "Alert rules watch interactive and non-interactive sign-ins of the accounts",
    severity: Severity::Critical,
    what: "Looks for enabled rules over SigninLogs and over AADNonInteractiveUserSignInLogs, in a workspace that a diagnostic setting sends them to. Passes only a plain query (the table, one `where` that compares UserId with the ids), fails only when no enabled rule over the table mentions the accounts, or nothing fills the table; all else is cannot tell, and judged by `rules prove`, in a later version. One of three ways suffices: rules of Azure Monitor (W3 to W9), rules of Microsoft Sentinel (W10), our own monitor (W11).",
    rationale: "Most recipes read SigninLogs alone. Since April 2025 a sign-in with a FIDO2 key that obtains a refresh token is in the other table.",
    fix: "Azure portal > Monitor > Alerts > Create > Alert rule > Custom log search, on the workspace, for {subject}: `<table> | where UserId in~ (\"<object id 1>\", \"<object id 2>\")`; one rule for each table, since a `union` can't run every minute.",
    controls: &[
        "CIS M365 7.0.0 2.2.1",
        "MCSB PA-5",
        "NIST SP 800-53 r5 SI-4(20)",
        "NIST SP 800-53 r5 AC-2(12)",
        "ISM 1613",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let Some(ids) = context.account_ids() else {
        return SIGN_INS.iter().map(|table| no_id(&CHECK, table)).collect();
    };
    let judge = |table: &&str| {
        context.sought(
            &CHECK,
            &Sought {
                subject: table,
                table,
                columns: &["UserId"],
                ids: &ids,
                words: None,
                heard: false,
                fix: None,
            },
        )
    };
    SIGN_INS.iter().map(judge).collect()
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, sentinel};

    #[test]
    fn w3_plain_queries_pass_and_interactive_alone_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.properties("scheduledQueryRules", 1)["enabled"] = json!(false);
        let findings = world.run(CHECK.id);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        assert_eq!(findings[1].subject, "AADNonInteractiveUserSignInLogs");
    }

    #[test]
    fn w3_impossible_query_never_passes() {
        let mut world = World::modern();
        world.query(0, "SigninLogs | where UserId in~ ('bg1', 'bg2') and 1 == 2");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
        world.query(0, "SigninLogs | where UserId == 'bg1'");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
        world.query(
            0,
            "// SigninLogs | where UserId in~ ('bg1', 'bg2')\nHeartbeat",
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.query(0, "BreakGlassUses");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }

    #[test]
    fn w3_rule_over_another_workspace_fails() {
        let mut world = World::modern();
        world.properties("scheduledQueryRules", 0)["scopes"] =
            json!(["/subscriptions/s/resourceGroups/other"]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn w10_w11_other_ways_suffice() {
        let mut world = World::modern();
        world.other("scheduledQueryRules").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
        let query =
            "union SigninLogs, AADNonInteractiveUserSignInLogs | where UserId in~ ('bg1', 'bg2')";
        world.other("alertRules").push(sentinel("use", query));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.other("alertRules").clear();
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable, NotApplicable]);
    }

    #[test]
    fn w3_unread_rules_cannot_tell() {
        let mut world = World::modern();
        world.snapshot.other.remove("scheduledQueryRules");
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.verdict, CannotTell);
        assert!(
            finding.because.contains("Monitoring Reader"),
            "{}",
            finding.because
        );
    }

    #[test]
    fn w1_w3_a_table_that_no_setting_fills_fails() {
        let mut world = World::modern();
        for setting in 0..2 {
            world.properties("diagnosticSettings", setting)["logs"][1]["enabled"] = json!(false);
        }
        let findings = world.run(CHECK.id);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        assert!(
            findings[1].because.contains("NonInteractiveUserSignInLogs"),
            "{}",
            findings[1].because
        );
        assert_eq!(findings[1].evidence[0].field, "query");
        assert!(
            findings[1].evidence[2]
                .value
                .starts_with("SignInLogs, AuditLogs to /sub")
        );
        // Sent elsewhere than to a workspace, no rule sees it either.
        world.properties("diagnosticSettings", 1)["logs"][1]["enabled"] = json!(true);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [Pass, NotApplicable]);
        world.snapshot.other.remove("diagnosticSettings");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
