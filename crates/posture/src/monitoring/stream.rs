//! Where the directory's logs go: the diagnostic settings, and the workspaces behind them.
//!
//! Microsoft Entra, *Configure Microsoft Entra diagnostic settings*; Azure Monitor, *Diagnostic settings*.

use serde_json::Value;

use super::{Listed, list, same, text};
use crate::Context;

/// What a finding about the ways that logs leave by is of.
pub(crate) const SECOND_WAY: &str = "a second way out for the logs";

/// Categories of logs that show uses and changes, and the tables that they arrive in.
pub(crate) const CATEGORIES: [(&str, &str); 3] = [
    ("SignInLogs", "SigninLogs"),
    (
        "NonInteractiveUserSignInLogs",
        "AADNonInteractiveUserSignInLogs",
    ),
    ("AuditLogs", "AuditLogs"),
];

/// The diagnostic settings that send a category.
pub(crate) fn senders<'a>(settings: &Listed<'a>, category: &str) -> Vec<&'a Value> {
    let sends = |log: &Value| {
        log["enabled"] == true
            && (text(log, "category").eq_ignore_ascii_case(category)
                || text(log, "categoryGroup").eq_ignore_ascii_case("allLogs"))
    };
    settings
        .items
        .iter()
        .filter(|setting| {
            setting["properties"]["logs"]
                .as_array()
                .is_some_and(|logs| logs.iter().any(sends))
        })
        .collect()
}

/// The category that arrives in a table.
pub(crate) fn category_of(table: &str) -> &str {
    CATEGORIES
        .iter()
        .find(|(_, own)| *own == table)
        .map_or(table, |(category, _)| category)
}

/// Ids of the workspaces that get a table, as the settings name them.
pub(crate) fn sinks<'a>(settings: &Listed<'a>, table: &str) -> Vec<&'a str> {
    senders(settings, category_of(table))
        .into_iter()
        .map(|setting| text(&setting["properties"], "workspaceId"))
        .filter(|id| !id.is_empty())
        .collect()
}

impl<'a> Context<'a> {
    /// The workspaces that get any of the three tables and were read, each once.
    pub(crate) fn log_workspaces(&self) -> Vec<&'a Value> {
        let settings = list(self.snapshot, "diagnosticSettings");
        let workspaces = list(self.snapshot, "workspaces");
        let ids: Vec<&str> = CATEGORIES
            .iter()
            .flat_map(|(_, table)| sinks(&settings, table))
            .collect();
        workspaces
            .items
            .iter()
            .filter(|workspace| ids.iter().any(|id| same(id, text(workspace, "id"))))
            .collect()
    }
}
