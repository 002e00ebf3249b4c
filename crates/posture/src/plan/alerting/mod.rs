//! Logs to a workspace, rules over them, and people who are told.
//!
//! A rule that is evaluated every minute must not join tables (Azure Monitor, *Create a log search alert rule*), so each
//! table has its own. Rules are stateless: a second use is announced like the first one.

mod logs;
mod receivers;
mod rules;

use breakglass_model::{
    Verdict,
    plan::{Api, Look, Send, Write},
};
use serde_json::{Value, json};

use super::draft::{Draft, processing_rule};
use crate::monitoring::{AUDIT, Query, SIGN_INS, resource_group, same, text};

const SETTINGS: &str = "2017-04-01";
const RULES: &str = "2023-12-01";
const GROUPS: &str = "2023-01-01";
const ROLES: &str = "2022-04-01";
const WORKSPACES: &str = "2022-10-01";
const TABLES: &str = "2022-10-01";
const ACTIVITY: &str = "2020-10-01";
/// A year: PCI DSS 4.0.1 10.5.1 asks for twelve months.
const RETENTION_DAYS: u32 = 365;
const SILENCE: &str = "breakglass-silence";
const GUARDS: &str = "breakglass-guards";
/// Changes that silence alerts (Azure, *Resource provider operations*).
const TAMPERING: [&str; 6] = [
    "Microsoft.Insights/scheduledQueryRules/write",
    "Microsoft.Insights/scheduledQueryRules/delete",
    "Microsoft.Insights/actionGroups/write",
    "Microsoft.Insights/actionGroups/delete",
    "Microsoft.AlertsManagement/actionRules/write",
    "microsoft.aadiam/diagnosticSettings/delete",
];
/// Built-in Azure roles: Log Analytics Reader and Reader.
const LOG_ANALYTICS_READER: &str = "73c42c96-874c-492b-b04d-ab87d138a893";
const READER: &str = "acdd72a7-3385-48ef-bd42-f606fba81ae7";
const SUBJECT: &str = "[CRITICAL] Emergency Access Activity";

/// A rule of ours: its name, the table, and what is told of it.
struct Rule {
    name: &'static str,
    table: &'static str,
    title: &'static str,
}

const OURS: [Rule; 3] = [
    Rule {
        name: "breakglass-sign-ins",
        table: SIGN_INS[0],
        title: "interactive sign-ins",
    },
    Rule {
        name: "breakglass-token-use",
        table: SIGN_INS[1],
        title: "non-interactive sign-ins",
    },
    Rule {
        name: "breakglass-audit",
        table: AUDIT,
        title: "acts and changes",
    },
];

impl Draft<'_> {
    /// Logs, receivers, rules, and what the rules may read.
    pub(super) fn alerting(&mut self) {
        let Some(workspace) = self.workspace() else {
            self.warn(
                "no Log Analytics workspace is known, so neither logs nor alert rules are planned: name one by a diagnostic setting, collect \
                 with Azure permissions, and plan again; `breakglass watch` alerts without any of it (W11)",
            );
            self.second_way();
            return;
        };
        self.logs(&workspace);
        self.second_way();
        self.cap(&workspace);
        self.retention(&workspace);
        let Some(group) = self.receivers(&workspace) else {
            return;
        };
        for rule in &OURS {
            self.rule(rule, &workspace, &group);
        }
        self.silence(&workspace, &group);
        self.guards(&workspace, &group);
        // An alert that nobody may read the cause of fails without a word.
        self.readers(&workspace, &group);
        // Last, since it announces every step before it.
        self.tampering(&workspace, &group);
    }

    /// Alert processing rules that take the alerts away are other people's work, and theirs to change.
    pub(super) fn muted(&mut self) {
        let mut rules: Vec<(String, &str)> = self
            .open("BG068")
            .filter_map(|finding| {
                let surely = match finding.verdict {
                    Verdict::Fail => "takes",
                    _ => "may take",
                };
                Some((processing_rule(finding)?.to_owned(), surely))
            })
            .collect();
        rules.sort_unstable();
        rules.dedup_by(|later, first| same(&later.0, &first.0));
        for (id, takes) in rules {
            let name = id.rsplit('/').next().unwrap_or(&id);
            let group = resource_group(&id);
            let group = group.rsplit('/').next().unwrap_or(group);
            self.warn(format!(
                "not planned: the alert processing rule `{name}` in the resource group `{group}` {takes} the messages of alerts about the accounts \
                 away (W4, BG068). It is not ours and may serve another team: have its owner add the filter `Severity does not equal Sev0`, or \
                 narrow its scope so that it holds no alert of the accounts (Azure portal > Monitor > Alerts > Alert processing rules > `{name}`); \
                 then collect and check again"
            ));
        }
    }

    pub(super) fn all(&self, collection: &str) -> &[Value] {
        self.now
            .other
            .get(collection)
            .map(Vec::as_slice)
            .unwrap_or_default()
    }

    /// The workspace that the directory's logs go to, else the only one that was read.
    fn workspace(&self) -> Option<Value> {
        let workspaces = self.all("workspaces");
        let named = self
            .all("diagnosticSettings")
            .iter()
            .filter_map(|own| own["properties"]["workspaceId"].as_str())
            .find_map(|id| workspaces.iter().find(|own| same(text(own, "id"), id)));
        named
            .or_else(|| (workspaces.len() == 1).then(|| &workspaces[0]))
            .cloned()
    }

    /// Whether a rule's query names an account: an id in a comment names nobody.
    pub(super) fn names_an_account(&self, rule: &Value) -> bool {
        let query = Query::read(query(rule));
        self.ids().iter().any(|id| query.names(id.as_str()))
    }
}

fn arm(send: Send, path: &str, before: Value, after: Value, undo: Option<Send>) -> Write {
    Write {
        api: Api::Arm,
        send,
        needs: Vec::new(),
        look: Look::Object(path.to_owned()),
        before,
        after,
        undo,
    }
}

fn query(rule: &Value) -> &str {
    text(&rule["properties"]["criteria"]["allOf"][0], "query")
}

/// Adds a receiver unless its address is there. Says whether it was added.
fn receive(properties: &mut Value, list: &str, key: &str, receiver: Value) -> bool {
    if properties[list].is_null() {
        properties[list] = json!([]);
    }
    let Some(all) = properties[list].as_array_mut() else {
        return false;
    };
    let there = all.iter().any(|own| {
        own[key]
            .as_str()
            .zip(receiver[key].as_str())
            .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
    });
    if !there {
        all.push(receiver);
    }
    !there
}

/// Category and whether it is on, of every log of a setting.
fn enabled_only(properties: &Value) -> Vec<Value> {
    properties["logs"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|log| json!({"category": log["category"], "enabled": log["enabled"]}))
        .collect()
}
