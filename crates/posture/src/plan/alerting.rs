//! Logs to a workspace, rules over them, and people who are told.
//!
//! A rule that is evaluated every minute must not join tables (Azure Monitor, *Create a log search alert rule*), so each
//! table has its own. Rules are stateless: a second use is announced like the first one.

use breakglass_model::plan::{Api, Effect, Look, Send, Stage, Verb, Write, has, merge};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, send};

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
/// Categories without which a use, an act or a change is not seen.
const CATEGORIES: [&str; 3] = ["SignInLogs", "NonInteractiveUserSignInLogs", "AuditLogs"];
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
        table: "SigninLogs",
        title: "interactive sign-ins",
    },
    Rule {
        name: "breakglass-token-use",
        table: "AADNonInteractiveUserSignInLogs",
        title: "non-interactive sign-ins",
    },
    Rule {
        name: "breakglass-audit",
        table: "AuditLogs",
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
            return;
        };
        self.logs(&workspace);
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

    fn all(&self, collection: &str) -> &[Value] {
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
            .find_map(|id| {
                workspaces.iter().find(|own| {
                    own["id"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(id))
                })
            });
        named
            .or_else(|| (workspaces.len() == 1).then(|| &workspaces[0]))
            .cloned()
    }

    fn logs(&mut self, workspace: &Value) {
        let id = workspace["id"].clone();
        let settings = self.all("diagnosticSettings").to_vec();
        let goes_there = |own: &&Value| {
            own["properties"]["workspaceId"]
                .as_str()
                .zip(id.as_str())
                .is_some_and(|(a, b)| a.eq_ignore_ascii_case(b))
        };
        let setting = settings.iter().find(goes_there);
        let enabled = |own: &Value, category: &str| {
            own["properties"]["logs"].as_array().is_some_and(|logs| {
                logs.iter()
                    .any(|log| log["category"] == category && log["enabled"] == true)
            })
        };
        let lacking: Vec<&str> = CATEGORIES
            .into_iter()
            .filter(|category| {
                !settings
                    .iter()
                    .filter(goes_there)
                    .any(|own| enabled(own, category))
            })
            .collect();
        if lacking.is_empty() {
            return;
        }
        if setting.is_none() && settings.len() >= 5 {
            self.warn("the tenant has five diagnostic settings already, which is the limit: add the categories to one of them by hand (W1)");
            return;
        }
        let name = setting
            .and_then(|own| own["name"].as_str())
            .unwrap_or("breakglass")
            .to_owned();
        let mut properties = setting.map_or_else(
            || json!({"workspaceId": id, "logs": []}),
            |own| own["properties"].clone(),
        );
        let was = properties.clone();
        if let Some(logs) = properties["logs"].as_array_mut() {
            for category in CATEGORIES {
                match logs.iter_mut().find(|log| log["category"] == category) {
                    Some(log) => log["enabled"] = true.into(),
                    None => logs.push(json!({"category": category, "enabled": true})),
                }
            }
        }
        let resource = format!("/providers/microsoft.aadiam/diagnosticSettings/{name}");
        let path = format!("{resource}?api-version={SETTINGS}");
        let after: Vec<Value> = properties["logs"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|log| json!({"category": log["category"], "enabled": log["enabled"]}))
            .collect();
        self.add(Proposal {
            id: "logs".to_owned(),
            stage: Stage::Logs,
            title: format!("Send {} to the workspace", lacking.join(", ")),
            reason: "A sign-in with a key that gets a refresh token is logged as non-interactive since April 2025: without that category the very use is not seen.".to_owned(),
            requirement: "W1",
            permission: "Contributor at /providers/Microsoft.aadiam (an application), or Security Administrator in Entra (a person)",
            by_person: false,
            after: Vec::new(),
            risk: "Non-interactive sign-ins are many: the workspace costs more. The first 48 hours may be patchy.",
            undo_text: if setting.is_some() { "The old categories are written back.".to_owned() } else { "The setting is deleted.".to_owned() },
            write: arm(
                send(Verb::Put, &path, json!({"properties": properties})),
                &path,
                setting.map_or(Value::Null, |_| json!({"properties": {"logs": enabled_only(&was)}})),
                json!({"properties": {"logs": after}}),
                Some(match setting {
                    Some(_) => send(Verb::Put, &path, json!({"properties": was})),
                    None => send(Verb::Delete, &path, Value::Null),
                }),
            ),
            effects: vec![Effect::Object {
                collection: "diagnosticSettings".to_owned(), id: resource,
                set: json!({"name": name, "type": "microsoft.aadiam/diagnosticSettings", "properties": properties}),
            }],
        });
    }

    /// A daily cap stops records, and with them every alert, without a word.
    fn cap(&mut self, workspace: &Value) {
        let (Some(id), true) = (workspace["id"].as_str(), self.fails("BG053", "")) else {
            return;
        };
        let cap = workspace["properties"]["workspaceCapping"]["dailyQuotaGb"].clone();
        if cap.as_f64().is_none_or(|cap| cap < 0.0) {
            return;
        }
        let path = format!("{id}?api-version={WORKSPACES}");
        let quota =
            |cap: &Value| json!({"properties": {"workspaceCapping": {"dailyQuotaGb": cap}}});
        let none = json!(-1.0);
        self.add(Proposal {
            id: "daily-cap".to_owned(),
            stage: Stage::Logs,
            title: "Take the daily cap off the workspace".to_owned(),
            reason: "When the cap is reached, records are dropped until the next day and no rule fires: whoever makes noise first is not seen afterwards.".to_owned(),
            requirement: "W1",
            permission: "Log Analytics Contributor on the workspace",
            by_person: false,
            after: Vec::new(),
            risk: "Cost has no upper bound any longer: set a budget alert in its place.",
            undo_text: "The old cap is written back.".to_owned(),
            write: arm(
                send(Verb::Patch, &path, quota(&none)),
                &path,
                quota(&cap),
                quota(&none),
                Some(send(Verb::Patch, &path, quota(&cap))),
            ),
            effects: vec![Effect::Object {
                collection: "workspaces".to_owned(),
                id: id.to_owned(),
                set: quota(&none),
            }],
        });
    }

    /// Records outlast the review of a use.
    fn retention(&mut self, workspace: &Value) {
        let Some(id) = workspace["id"].as_str() else {
            return;
        };
        for table in OURS.map(|rule| rule.table) {
            if !self.fails("BG052", table) {
                continue;
            }
            let resource = format!("{id}/tables/{table}");
            let there = self
                .all("workspaceTables")
                .iter()
                .find(|own| {
                    own["id"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(&resource))
                })
                .cloned();
            let Some(there) = there else { continue };
            let path = format!("{resource}?api-version={TABLES}");
            let kept = |days: Value| json!({"properties": {"totalRetentionInDays": days}});
            let was = kept(there["properties"]["totalRetentionInDays"].clone());
            let wanted = kept(json!(RETENTION_DAYS));
            self.add(Proposal {
                id: format!("retention-{}", super::draft::slug(table)),
                stage: Stage::Logs,
                title: format!("Keep {table} for {RETENTION_DAYS} days"),
                reason: "What a review looks at must not age out before the review is closed."
                    .to_owned(),
                requirement: "P2",
                permission: "Log Analytics Contributor on the workspace",
                by_person: false,
                after: Vec::new(),
                risk: "Storage beyond the interactive retention costs more.",
                undo_text: "The old retention is written back; Azure removes older records then."
                    .to_owned(),
                write: arm(
                    send(Verb::Patch, &path, wanted.clone()),
                    &path,
                    was.clone(),
                    wanted.clone(),
                    Some(send(Verb::Patch, &path, was)),
                ),
                effects: vec![Effect::Object {
                    collection: "workspaceTables".to_owned(),
                    id: there["id"].as_str().unwrap_or(&resource).to_owned(),
                    set: wanted,
                }],
            });
        }
    }

    /// Silence is an alarm.
    fn silence(&mut self, workspace: &Value, group: &str) {
        if !self.fails("BG067", "") {
            return;
        }
        self.new_rule(
            SILENCE,
            "Create an alert rule on silence",
            "If records stop, every other rule is quiet for ever: this one fires when none came for an hour. Of the tables it is the one that is never quiet in a tenant with users.",
            "W13",
            workspace,
            &json!({
                "displayName": "Emergency access: the sign-in logs have stopped", "severity": 1, "evaluationFrequency": "PT15M", "windowSize": "PT1H",
                "criteria": {"allOf": [{"query": "AADNonInteractiveUserSignInLogs", "timeAggregation": "Count", "operator": "LessThan", "threshold": 1,
                    "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}}]},
                "actions": {"actionGroups": [group], "actionProperties": {"Email.Subject": "[CRITICAL] Sign-in logs have stopped"}},
            }),
        );
    }

    /// Changes of roles and policies, which decide whether the accounts get in.
    fn guards(&mut self, workspace: &Value, group: &str) {
        if !self.fails("BG069", "Conditional Access policies")
            && !self.fails("BG069", "role assignments")
        {
            return;
        }
        self.new_rule(
            GUARDS,
            "Create an alert rule on changes of roles and policies",
            "A policy or a role that changes can cost the accounts their way in without touching them.",
            "M5",
            workspace,
            &json!({
                "displayName": "Emergency access: roles or policies changed", "severity": 2, "evaluationFrequency": "PT5M", "windowSize": "PT5M",
                "overrideQueryTimeRange": "PT2H",
                "criteria": {"allOf": [{"query": "AuditLogs\n| where Category in~ (\"RoleManagement\", \"Policy\")", "timeAggregation": "Count",
                    "operator": "GreaterThan", "threshold": 0,
                    "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}}]},
                "actions": {"actionGroups": [group], "actionProperties": {"Email.Subject": "Directory roles or policies changed"}},
            }),
        );
    }

    fn new_rule(
        &mut self,
        name: &'static str,
        title: &str,
        reason: &str,
        requirement: &'static str,
        workspace: &Value,
        fields: &Value,
    ) {
        let (Some(workspace_id), Some(rg)) = (workspace["id"].as_str(), resource_group(workspace))
        else {
            return;
        };
        let id = format!("{rg}/providers/Microsoft.Insights/scheduledQueryRules/{name}");
        let path = format!("{id}?api-version={RULES}");
        let mut properties = json!({"enabled": true, "scopes": [workspace_id], "skipQueryValidation": true,
            "autoMitigate": false, "muteActionsDuration": null});
        merge(&mut properties, fields);
        let identity = json!({"type": "SystemAssigned"});
        let body = json!({"location": workspace["location"], "kind": "LogAlert", "identity": identity, "properties": properties});
        let mut set = body.clone();
        set["name"] = name.into();
        set["type"] = "Microsoft.Insights/scheduledQueryRules".into();
        set["identity"]["principalId"] = format!("new:alert-{name}#identity.principalId").into();
        self.add(Proposal {
            id: format!("alert-{name}"),
            stage: Stage::Alerts,
            title: format!("{title}, `{name}`"),
            reason: reason.to_owned(),
            requirement,
            permission: "Monitoring Contributor on the resource group",
            by_person: false,
            after: Vec::new(),
            risk: "None for sign-ins; a rule costs money.",
            undo_text: "The rule is deleted.".to_owned(),
            write: arm(
                send(Verb::Put, &path, body.clone()),
                &path,
                Value::Null,
                json!({"identity": identity, "properties": fields}),
                Some(send(Verb::Delete, &path, Value::Null)),
            ),
            effects: vec![Effect::Object {
                collection: "scheduledQueryRules".to_owned(),
                id,
                set,
            }],
        });
    }

    /// Changes of the alerts themselves.
    fn tampering(&mut self, workspace: &Value, group: &str) {
        if !self.fails("BG069", "alert rules and action groups")
            && !self.fails("BG069", "the diagnostic setting")
        {
            return;
        }
        let Some(rg) = resource_group(workspace) else {
            return;
        };
        let Some(subscription) = rg.split('/').nth(2) else {
            return;
        };
        let id =
            format!("{rg}/providers/Microsoft.Insights/activityLogAlerts/breakglass-tampering");
        let path = format!("{id}?api-version={ACTIVITY}");
        let operations: Vec<Value> = TAMPERING
            .iter()
            .map(|operation| json!({"field": "operationName", "equals": operation}))
            .collect();
        let properties = json!({
            "enabled": true, "description": "Alert rules, action groups or the export of logs changed",
            "scopes": [format!("/subscriptions/{subscription}")],
            "condition": {"allOf": [{"field": "category", "equals": "Administrative"}, {"anyOf": operations}]},
            "actions": {"actionGroups": [{"actionGroupId": group}]},
        });
        let body = json!({"location": "Global", "properties": properties});
        let mut set = body.clone();
        set["name"] = "breakglass-tampering".into();
        set["type"] = "Microsoft.Insights/ActivityLogAlerts".into();
        self.add(Proposal {
            id: "tampering".to_owned(),
            stage: Stage::Alerts,
            title: "Create an activity-log alert on changes of the alerts".to_owned(),
            reason: "Whoever wants to use an account unseen changes the alerts first.".to_owned(),
            requirement: "M5",
            permission: "Monitoring Contributor on the resource group",
            by_person: false,
            after: Vec::new(),
            risk: "It announces later changes of the alerts, our own too.",
            undo_text: "The alert is deleted.".to_owned(),
            write: arm(
                send(Verb::Put, &path, body),
                &path,
                Value::Null,
                json!({"properties": {"enabled": true, "scopes": properties["scopes"]}}),
                Some(send(Verb::Delete, &path, Value::Null)),
            ),
            effects: vec![Effect::Object {
                collection: "activityLogAlerts".to_owned(),
                id,
                set,
            }],
        });
    }

    /// The action group: the one that a rule about the accounts uses, else a new one. Gives its id.
    fn receivers(&mut self, workspace: &Value) -> Option<String> {
        let used = self
            .all("scheduledQueryRules")
            .iter()
            .filter(|rule| self.names_an_account(rule))
            .filter_map(|rule| rule["properties"]["actions"]["actionGroups"][0].as_str())
            .find_map(|id| {
                self.all("actionGroups").iter().find(|own| {
                    own["id"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(id))
                })
            })
            .cloned();
        let wishes = self.wishes();
        let id = match &used {
            Some(group) => group["id"].as_str()?.to_owned(),
            None => format!(
                "{}/providers/microsoft.insights/actionGroups/breakglass",
                resource_group(workspace)?
            ),
        };
        let was = used.as_ref().map(|group| group["properties"].clone());
        let mut properties = was.clone().unwrap_or_else(
            || json!({"groupShortName": "breakglass", "emailReceivers": [], "smsReceivers": []}),
        );
        properties["enabled"] = true.into();
        let mut told = Vec::new();
        for (place, address) in wishes.alert_mail.iter().enumerate() {
            let receiver = json!({"name": format!("breakglass-mail-{}", place + 1), "emailAddress": address, "useCommonAlertSchema": true});
            if receive(&mut properties, "emailReceivers", "emailAddress", receiver) {
                told.push(address.clone());
            }
        }
        for (place, (country, number)) in wishes.alert_sms.iter().enumerate() {
            let receiver = json!({"name": format!("breakglass-sms-{}", place + 1), "countryCode": country, "phoneNumber": number});
            if receive(&mut properties, "smsReceivers", "phoneNumber", receiver) {
                told.push(format!("+{country} {number}"));
            }
        }
        let nobody = ["emailReceivers", "smsReceivers"]
            .iter()
            .all(|list| properties[list].as_array().is_none_or(Vec::is_empty));
        if used.is_none() && nobody {
            self.warn("nobody is named who is told of an alert, so no alert rules are planned: give --alert-mail and --alert-sms (W6)");
            return None;
        }
        if was.as_ref() == Some(&properties) {
            return Some(id);
        }
        let path = format!("{id}?api-version={GROUPS}");
        let body = json!({"location": used.as_ref().map_or_else(|| json!("Global"), |group| group["location"].clone()), "properties": properties});
        let seen = |properties: &Value| {
            let mut seen = properties.clone();
            // What the service itself writes.
            for list in ["emailReceivers", "smsReceivers"] {
                for receiver in seen[list].as_array_mut().into_iter().flatten() {
                    if let Some(receiver) = receiver.as_object_mut() {
                        receiver.remove("status");
                    }
                }
            }
            json!({"properties": {"enabled": seen["enabled"], "emailReceivers": seen["emailReceivers"], "smsReceivers": seen["smsReceivers"]}})
        };
        let added = self.add(Proposal {
            id: "receivers".to_owned(),
            stage: Stage::Alerts,
            title: if told.is_empty() { "Switch the action group on".to_owned() } else { format!("Tell {} of alerts", told.join(", ")) },
            reason: "An alert goes to a mailbox that is always watched and to a telephone, never to one person.".to_owned(),
            requirement: "W6",
            permission: "Monitoring Contributor on the resource group",
            by_person: false,
            after: Vec::new(),
            risk: "A mailbox has to confirm a passcode within 30 minutes before it is told anything: have somebody at it. A telephone gets one text message in five minutes.",
            undo_text: if used.is_some() { "The old receivers are written back.".to_owned() } else { "The action group is deleted.".to_owned() },
            write: arm(
                send(Verb::Put, &path, body.clone()),
                &path,
                was.as_ref().map_or(Value::Null, |was| seen(was)),
                seen(&properties),
                Some(match &was {
                    Some(was) => send(Verb::Put, &path, json!({"location": body["location"], "properties": was})),
                    None => send(Verb::Delete, &path, Value::Null),
                }),
            ),
            effects: vec![Effect::Object {
                collection: "actionGroups".to_owned(), id: id.clone(),
                set: json!({"type": "Microsoft.Insights/ActionGroups", "location": body["location"], "properties": properties}),
            }],
        });
        added.then_some(id)
    }

    fn names_an_account(&self, rule: &Value) -> bool {
        let query = query(rule).to_lowercase();
        self.ids()
            .iter()
            .any(|id| query.contains(&id.as_str().to_lowercase()))
    }

    /// What a rule over a table looks for.
    fn wanted_query(&self, table: &str) -> String {
        let list = |ids: &[String]| {
            ids.iter()
                .map(|id| format!("\"{id}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let accounts: Vec<String> = self.ids().iter().map(ToString::to_string).collect();
        if table != "AuditLogs" {
            return format!("{table}\n| where UserId in~ ({})", list(&accounts));
        }
        let mut guarded = accounts.clone();
        guarded.extend(self.group.clone());
        guarded.extend(self.now.units.iter().filter_map(|unit| {
            let ids = self.ids();
            let holds = unit
                .members
                .get()
                .is_some_and(|members| members.iter().any(|member| ids.contains(member)));
            holds
                .then(|| unit.id.as_ref().map(ToString::to_string))
                .flatten()
        }));
        format!(
            "AuditLogs\n| where tostring(InitiatedBy.user.id) in~ ({}) or tostring(TargetResources) has_any ({})",
            list(&accounts),
            list(&guarded)
        )
    }

    /// One rule: the one that is there for the table, brought to what is wanted, else a new one.
    fn rule(&mut self, ours: &Rule, workspace: &Value, group: &str) {
        let of_table = |rule: &&Value| {
            let text = query(rule);
            let reads = |table: &str| {
                text.split(|c: char| !c.is_alphanumeric())
                    .any(|word| word == table)
            };
            reads(ours.table)
                && !OURS
                    .iter()
                    .any(|other| other.table != ours.table && reads(other.table))
        };
        let there = self
            .all("scheduledQueryRules")
            .iter()
            .filter(|rule| self.names_an_account(rule))
            .find(of_table)
            .cloned();
        let wanted = self.wanted_query(ours.table);
        let all_named = there.as_ref().is_some_and(|rule| {
            let text = query(rule).to_lowercase();
            self.ids()
                .iter()
                .all(|id| text.contains(&id.as_str().to_lowercase()))
        });
        let text = match &there {
            // A query that names everybody is its owner's: only how it runs is put right.
            Some(rule) if all_named => query(rule),
            _ => wanted,
        };
        let Some(workspace_id) = workspace["id"].as_str() else {
            return;
        };
        let Some(id) = there.as_ref().map_or_else(
            || {
                resource_group(workspace).map(|rg| {
                    format!(
                        "{rg}/providers/Microsoft.Insights/scheduledQueryRules/{}",
                        ours.name
                    )
                })
            },
            |rule| rule["id"].as_str().map(str::to_owned),
        ) else {
            return;
        };
        let fields = json!({
            "enabled": true, "severity": 0, "evaluationFrequency": "PT1M", "windowSize": "PT5M", "overrideQueryTimeRange": "PT30M",
            "autoMitigate": false, "muteActionsDuration": null,
            "criteria": {"allOf": [{"query": text, "timeAggregation": "Count", "operator": "GreaterThan", "threshold": 0,
                "failingPeriods": {"numberOfEvaluationPeriods": 1, "minFailingPeriodsToAlert": 1}}]},
            "actions": {"actionGroups": [group], "actionProperties": {"Email.Subject": SUBJECT}},
        });
        let identity = json!({"type": "SystemAssigned"});
        let mut looser = fields.clone();
        if let Some(rule) = &there {
            // A longer look-back than ours is as good.
            looser["overrideQueryTimeRange"] = rule["properties"]["overrideQueryTimeRange"].clone();
            let good = has(&rule["properties"], &looser) && has(&rule["identity"], &identity);
            if good && !rule["properties"]["overrideQueryTimeRange"].is_null() {
                return;
            }
        }
        let mut properties = there.as_ref().map_or_else(
            || json!({"displayName": format!("Emergency access: {}", ours.title), "scopes": [workspace_id], "skipQueryValidation": true}),
            |rule| rule["properties"].clone(),
        );
        merge(&mut properties, &fields);
        let location = there.as_ref().map_or_else(
            || workspace["location"].clone(),
            |rule| rule["location"].clone(),
        );
        let body = json!({"location": location, "kind": "LogAlert", "identity": identity, "properties": properties});
        let path = format!("{id}?api-version={RULES}");
        let name = there
            .as_ref()
            .and_then(|rule| rule["name"].as_str())
            .unwrap_or(ours.name)
            .to_owned();
        let step = format!("alert-{}", super::draft::slug(ours.table));
        let was = there.as_ref().map(|rule| {
            let mut was = json!({"location": rule["location"], "kind": rule["kind"], "properties": rule["properties"]});
            was["identity"] = if rule["identity"].is_null() { json!({"type": "None"}) } else { json!({"type": rule["identity"]["type"]}) };
            was
        });
        let before = there.as_ref().map_or(Value::Null, |rule| {
            let own = &rule["properties"];
            json!({"properties": {"enabled": own["enabled"], "severity": own["severity"], "evaluationFrequency": own["evaluationFrequency"],
                "windowSize": own["windowSize"], "autoMitigate": own["autoMitigate"], "actions": {"actionGroups": own["actions"]["actionGroups"]},
                "criteria": {"allOf": [{"query": query(rule)}]}}})
        });
        let mut set = body.clone();
        set["name"] = name.clone().into();
        set["type"] = "Microsoft.Insights/scheduledQueryRules".into();
        set["identity"]["principalId"] = there
            .as_ref()
            .and_then(|rule| rule["identity"]["principalId"].as_str())
            .map_or_else(|| format!("new:{step}#identity.principalId"), str::to_owned)
            .into();
        self.add(Proposal {
            id: step,
            stage: Stage::Alerts,
            title: format!("{} the alert rule `{name}` on {}", if there.is_some() { "Put right" } else { "Create" }, ours.title),
            reason: format!("Every row of {} that is about the accounts alerts at once: every minute, on anything, severity 0, under an identity of its own.", ours.table),
            requirement: "W3",
            permission: "Monitoring Contributor on the resource group",
            by_person: false,
            after: Vec::new(),
            risk: "A row is announced again each minute while it is in the window: receivers fold by its id. A rule every minute costs more than one every five.",
            undo_text: if there.is_some() { "The old rule is written back; its identity goes.".to_owned() } else { "The rule is deleted.".to_owned() },
            write: arm(
                send(Verb::Put, &path, body.clone()),
                &path,
                before,
                json!({"identity": identity, "properties": fields}),
                Some(match was {
                    Some(was) => send(Verb::Put, &path, was),
                    None => send(Verb::Delete, &path, Value::Null),
                }),
            ),
            effects: vec![Effect::Object { collection: "scheduledQueryRules".to_owned(), id, set }],
        });
    }

    /// Each rule's identity may read the workspace, and the resource group of its action group.
    fn readers(&mut self, workspace: &Value, group: &str) {
        let Some(workspace_id) = workspace["id"].as_str() else {
            return;
        };
        let Some((group_scope, _)) = split_providers(group) else {
            return;
        };
        let rules: Vec<Value> = self
            .all("scheduledQueryRules")
            .iter()
            .filter(|rule| {
                self.names_an_account(rule)
                    || [SILENCE, GUARDS].iter().any(|own| rule["name"] == *own)
            })
            .cloned()
            .collect();
        for rule in rules {
            let Some(principal) = rule["identity"]["principalId"].as_str() else {
                continue;
            };
            let name = rule["name"].as_str().unwrap_or_default();
            for (scope, role, word) in [
                (
                    workspace_id,
                    LOG_ANALYTICS_READER,
                    "Log Analytics Reader on the workspace",
                ),
                (
                    group_scope,
                    READER,
                    "Reader on the resource group of the action group",
                ),
            ] {
                self.reader(principal, name, scope, role, word);
            }
        }
    }

    fn reader(&mut self, principal: &str, rule: &str, scope: &str, role: &str, word: &str) {
        let held = self.all("azureRoleAssignments").iter().any(|own| {
            let own = &own["properties"];
            let text = |key: &str| own[key].as_str().unwrap_or_default().to_lowercase();
            text("principalId") == principal.to_lowercase()
                && text("roleDefinitionId").ends_with(role)
                && scope.to_lowercase().starts_with(&text("scope"))
        });
        if held {
            return;
        }
        // The name of an assignment is a GUID: the same one for the same rule, role and scope, whenever it is planned.
        let name = uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_URL,
            format!("{rule}|{role}|{}", scope.to_lowercase()).as_bytes(),
        );
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{name}");
        let path = format!("{id}?api-version={ROLES}");
        let definition = match scope.split('/').nth(2) {
            Some(subscription) => format!(
                "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
            ),
            None => return,
        };
        let properties = json!({"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"});
        self.add(Proposal {
            id: format!("read-{}-{}", super::draft::slug(rule), if role == READER { "receivers" } else { "workspace" }),
            stage: Stage::Alerts,
            title: format!("Give the rule `{rule}` {word}"),
            reason: "The rule's identity starts with no permission at all: without this it fails in silence.".to_owned(),
            requirement: "W9",
            permission: "Role Based Access Control Administrator on the scope",
            by_person: false,
            after: Vec::new(),
            risk: "None: it only reads.",
            undo_text: "The assignment is deleted.".to_owned(),
            write: arm(
                send(Verb::Put, &path, json!({"properties": properties})),
                &path,
                Value::Null,
                json!({"properties": {"principalId": principal}}),
                Some(send(Verb::Delete, &path, Value::Null)),
            ),
            effects: vec![Effect::Object {
                collection: "azureRoleAssignments".to_owned(), id: id.clone(),
                set: json!({"type": "Microsoft.Authorization/roleAssignments", "properties": {
                    "roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal", "scope": scope}}),
            }],
        });
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

fn query(rule: &Value) -> String {
    rule["properties"]["criteria"]["allOf"][0]["query"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// Scope before the last `/providers/`, and the rest.
fn split_providers(id: &str) -> Option<(&str, &str)> {
    let at = id.to_lowercase().rfind("/providers/")?;
    Some(id.split_at(at))
}

/// The resource group of a resource, as a path.
fn resource_group(resource: &Value) -> Option<String> {
    Some(split_providers(resource["id"].as_str()?)?.0.to_owned())
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
