//! W1: sign-in logs and audit logs flow to a Log Analytics workspace.

use breakglass_model::{Finding, Severity};
use jiff::Timestamp;
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{CATEGORIES, DIAGNOSTIC_SETTINGS, list, same, senders, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG050",
    name: "logs-exported",
    requirement: "W1",
    title: "Sign-in logs and audit logs flow to a Log Analytics workspace",
    severity: Severity::Critical,
    what: "Reads the diagnostic settings of Microsoft Entra: SignInLogs, NonInteractiveUserSignInLogs and AuditLogs are each sent, by a setting that is switched on, to a workspace that exists. In the first 48 hours of a setting nothing is certain.",
    rationale: "No rule fires on a record that never arrives. Since April 2025 a sign-in with a FIDO2 key that obtains a refresh token is logged as non-interactive: without that category the very use that the alarm is for can be missed.",
    fix: "Entra admin center > Monitoring & health > Diagnostic settings: tick {subject} and `Send to Log Analytics workspace` in one setting; or `az rest --method put --url \"https://management.azure.com/providers/microsoft.aadiam/diagnosticSettings/<name>?api-version=2017-04-01\" --body @setting.json` (PUT replaces all categories of the setting).",
    controls: &[
        "SCuBA MS.AAD.4.1v1",
        "NIST SP 800-53 r5 AU-12",
        "CIS Controls 8.1 8.9",
        "ISM 1613",
    ],
    references: &[DIAGNOSTIC_SETTINGS],
    run,
};

/// Records may come late, or not at all, for so long after a setting was made (Microsoft Entra, *Configure diagnostic
/// settings*: up to three days by the documents, 48 hours by experience).
const PATCHY_HOURS: i64 = 48;

/// When a setting was made; Azure tells it of few.
fn made(setting: &Value) -> Option<Timestamp> {
    ["/systemData/createdAt", "/properties/createdTime"]
        .iter()
        .find_map(|path| setting.pointer(path)?.as_str()?.parse().ok())
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    CATEGORIES
        .iter()
        .map(|(category, _)| judge(context, category))
        .collect()
}

fn judge(context: &Context<'_>, category: &str) -> Finding {
    let settings = list(context.snapshot, "diagnosticSettings");
    let workspaces = list(context.snapshot, "workspaces");
    let sending = senders(&settings, category);
    let to: Vec<(&str, &Value)> = sending
        .iter()
        .map(|setting| (text(&setting["properties"], "workspaceId"), *setting))
        .filter(|(workspace, _)| !workspace.is_empty())
        .collect();
    let there = |id: &str| workspaces.items.iter().any(|w| same(text(w, "id"), id));
    if let Some((workspace, setting)) = to.iter().find(|(id, _)| there(id)) {
        let object = text(setting, "id");
        let finding = match made(setting) {
            Some(at) if context.now.duration_since(at).as_hours() < PATCHY_HOURS => CHECK.cannot_tell(
                category,
                "the diagnostic setting is younger than 48 hours: what flows so far may have gaps",
                "Wait until the setting is 48 hours old, and check again.",
            ),
            Some(_) => CHECK.pass(category, "it is sent to a workspace that exists"),
            None => CHECK.pass(
                category,
                "it is sent to a workspace that exists; when the setting was made is not readable, and in its first 48 hours it may have gaps",
            ),
        };
        return finding
            .seen(object, &format!("logs/{category}/enabled"), true)
            .seen(object, "workspaceId", workspace);
    }
    if let Some(missing) = &settings.missing {
        return CHECK.unread(category, missing);
    }
    if let Some((workspace, setting)) = to.first() {
        if let Some(missing) = &workspaces.missing {
            return CHECK.unread(category, missing);
        }
        let seen = list(context.snapshot, "subscriptions")
            .items
            .iter()
            .any(|subscription| crate::monitoring::covers(text(subscription, "id"), workspace));
        let finding = if seen {
            CHECK.fail(
                category,
                "it is sent to a workspace that does not exist any more",
            )
        } else {
            CHECK.cannot_tell(
                category,
                "it is sent to a workspace in a subscription that the reading identity can't see",
                "Grant Reader on the subscription of the workspace to the reading identity, and collect again.",
            )
        };
        return finding.seen(text(setting, "id"), "workspaceId", workspace);
    }
    if context
        .monitor()
        .is_some_and(|run| run.streams.iter().any(|s| s.eq_ignore_ascii_case(category)))
    {
        return CHECK.not_applicable(
            category,
            "our own monitor reads this log itself and needs no workspace (W11, BG065)",
        );
    }
    match sending.first() {
        Some(setting) => CHECK
            .fail(
                category,
                "it is sent away, but to no Log Analytics workspace",
            )
            .seen(text(setting, "id"), "workspaceId", "none"),
        None => CHECK.fail(category, "no diagnostic setting sends it").seen(
            "diagnosticSettings",
            &format!("logs/{category}/enabled"),
            false,
        ),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, now};

    #[test]
    fn w1_every_category_is_judged() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("diagnosticSettings", 0)["logs"][1]["enabled"] = json!(false);
        let findings = world.run(CHECK.id);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail, Pass]);
        assert_eq!(findings[1].subject, "NonInteractiveUserSignInLogs");
        // The event hub still gets it.
        assert!(findings[1].because.contains("no Log Analytics workspace"));
    }

    #[test]
    fn w1_workspace_must_exist() {
        let mut world = World::modern();
        world.other("workspaces").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
        world.other("subscriptions").clear();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
    }

    #[test]
    fn w1_first_48_hours_cannot_tell() {
        let mut world = World::modern();
        world.other("diagnosticSettings")[0]["systemData"] =
            json!({"createdAt": now().to_string()});
        assert_eq!(world.verdicts(CHECK.id), [CannotTell; 3]);
        world.other("diagnosticSettings")[0]["systemData"] =
            json!({"createdAt": "2026-01-01T00:00:00Z"});
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
    }

    #[test]
    fn w1_unread_names_collection_and_permission_and_w11_stands_in() {
        let mut world = World::modern();
        world.snapshot.other.remove("diagnosticSettings");
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.verdict, CannotTell);
        assert!(
            finding.because.contains("diagnosticSettings")
                && finding.fix.contains("Security Reader")
        );
        let mut world = World::modern();
        world.other("diagnosticSettings").clear();
        assert_eq!(world.verdicts(CHECK.id), [Fail; 3]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable; 3]);
    }
}
