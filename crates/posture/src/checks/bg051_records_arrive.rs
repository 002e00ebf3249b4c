//! W1: records arrive in the workspace.

use breakglass_model::{Finding, Reading, Severity};
use jiff::Timestamp;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{AUDIT, DIAGNOSTIC_SETTINGS, SIGN_INS, list, same, sinks, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG051",
    name: "records-arrive",
    requirement: "W1",
    title: "Records arrive in the workspace",
    severity: Severity::Critical,
    what: "Holds the newest record of SigninLogs, AADNonInteractiveUserSignInLogs and AuditLogs against the time of the collection, and against the last sign-in that the directory knows.",
    rationale: "A setting says what should flow. Only a record says that it does: a pipe that is broken looks as quiet as a tenant in which nothing happens.",
    fix: "Azure portal > the workspace > Logs, for {subject}: `<table> | summarize max(TimeGenerated), max(ingestion_time())`; then Entra admin center > Monitoring & health > Diagnostic settings: save the setting again, and see the workspace's `Operation` table for refusals.",
    controls: &[
        "NIST SP 800-53 r5 AU-5",
        "PCI DSS 4.0.1 10.7.2",
        "NIS2 2024/2690 3.2.3",
    ],
    references: &[DIAGNOSTIC_SETTINGS],
    run,
};

/// A table without a record for longer is silent.
const QUIET_HOURS: i64 = 24;

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

/// The newest record of a table in the workspaces that get it.
fn newest(context: &Context<'_>, table: &str) -> Option<Timestamp> {
    let settings = list(context.snapshot, "diagnosticSettings");
    let sinks = sinks(&settings, table);
    list(context.snapshot, "workspaceFreshness")
        .items
        .iter()
        .filter(|row| {
            text(row, "table") == table && sinks.iter().any(|id| same(id, text(row, "workspaceId")))
        })
        .filter_map(|row| text(row, "lastTimeGenerated").parse().ok())
        .max()
}

fn judge(context: &Context<'_>, table: &str) -> Finding {
    let at = context.snapshot.collected_at.unwrap_or(context.now);
    if let Some(last) = newest(context, table)
        && at.duration_since(last).as_hours() < QUIET_HOURS
    {
        return CHECK
            .pass(table, "a record arrived in the day before the collection")
            .seen(
                format!("workspaceFreshness/{table}"),
                "lastTimeGenerated",
                last,
            );
    }
    for name in ["diagnosticSettings", "workspaceFreshness"] {
        if let Some(missing) = &list(context.snapshot, name).missing {
            return CHECK.unread(table, missing);
        }
    }
    let signed_in = context
        .snapshot
        .users
        .iter()
        .filter_map(|user| match &user.last_sign_in {
            Reading::Read(at) => *at,
            Reading::NotRead(_) => None,
        });
    let signed_in = signed_in.max();
    let record = SIGN_INS
        .iter()
        .filter_map(|table| newest(context, table))
        .max();
    // Records came, and then none of a sign-in that is known: they stopped. Where none came at all, the setting may be
    // younger than the sign-in.
    let lost = |used: Timestamp| {
        record.is_some_and(|record| used.duration_since(record).as_hours() >= QUIET_HOURS)
    };
    let finding = match signed_in.filter(|used| table != AUDIT && lost(*used)) {
        Some(used) => CHECK
            .fail(
                table,
                "records have stopped: somebody signed in a day or more after the last record of a sign-in",
            )
            .seen("users", "signInActivity", used),
        None => CHECK.cannot_tell(
            table,
            "no record came in the day before the collection: nothing may have happened, or the logs may have stopped",
            "Sign in once (interactively), change something harmless, wait 20 minutes, and look whether the records are there.",
        ),
    };
    let shown = newest(context, table)
        .map_or_else(|| "none within 7 days".to_owned(), |last| last.to_string());
    finding.seen(
        format!("workspaceFreshness/{table}"),
        "lastTimeGenerated",
        shown,
    )
}

#[cfg(test)]
mod tests {
    use breakglass_model::{
        Reading,
        Verdict::{CannotTell, Fail, Pass},
    };
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, now};

    #[test]
    fn w1_silence_is_not_quiet() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        for row in 0..3 {
            world.other("workspaceFreshness")[row]["lastTimeGenerated"] = json!(null);
        }
        world.user("adm1").last_sign_in = Reading::Read(None);
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
        // Somebody signed in; the setting may be younger than that.
        world.user("adm1").last_sign_in = Reading::Read(Some(now()));
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
        world.other("workspaceFreshness")[0]["lastTimeGenerated"] = json!("2026-09-28T00:00:00Z");
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail, CannotTell]);
    }

    #[test]
    fn w1_freshness_of_another_workspace_says_nothing() {
        let mut world = World::modern();
        world.user("adm1").last_sign_in = Reading::Read(None);
        world.other("workspaceFreshness")[0]["workspaceId"] = json!("/other");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass, Pass]);
        world.snapshot.other.remove("workspaceFreshness");
        assert!(
            world.run(CHECK.id)[0]
                .because
                .contains("workspaceFreshness")
        );
    }
}
