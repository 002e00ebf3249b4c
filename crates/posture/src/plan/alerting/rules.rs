//! The rules themselves.

use breakglass_model::plan::{Effect, Stage, Verb, has, merge};
use serde_json::{Value, json};

use super::{ACTIVITY, GUARDS, OURS, RULES, Rule, SILENCE, SUBJECT, TAMPERING, arm, query};
use crate::{
    monitoring::{AUDIT, Query, resource_group},
    plan::draft::{Draft, Proposal, send, slug},
};

impl Draft<'_> {
    /// What a rule over a table looks for.
    pub(super) fn wanted_query(&self, table: &str) -> String {
        let list = |ids: &[String]| {
            ids.iter()
                .map(|id| format!("\"{id}\""))
                .collect::<Vec<_>>()
                .join(", ")
        };
        let accounts: Vec<String> = self.ids().iter().map(ToString::to_string).collect();
        if table != AUDIT {
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

    /// The query of somebody's rule, with the group that the plan ends with where no rule watches that.
    fn with_the_group(&mut self, ours: &Rule, rule: &Value) -> String {
        let text = query(rule).to_owned();
        let Some(group) = self.group.clone().filter(|_| ours.table == AUDIT) else {
            return text;
        };
        let read = Query::read(&text);
        let watched = self
            .open("BG069")
            .all(|finding| finding.subject != "the accounts' group");
        if watched || read.names(&group) {
            return text;
        }
        // In a query of nothing but alternatives one more takes nothing away.
        let last = text.rsplit('|').next().unwrap_or_default();
        if read.plain().is_some() && Query::read(last).has_word("where") {
            let text = text.trim_end().trim_end_matches(';');
            return format!("{text}\n    or tostring(TargetResources) has_any (\"{group}\")");
        }
        self.warn(format!(
            "the alert rule `{}` does not name the group of the accounts, and its query is not one that a plan changes: add `{group}` to it (M5)",
            rule["name"].as_str().unwrap_or_default()
        ));
        text
    }

    /// One rule: the one that is there for the table, brought to what is wanted, else a new one.
    pub(super) fn rule(&mut self, ours: &Rule, workspace: &Value, group: &str) {
        let of_table = |rule: &&Value| {
            let read = Query::read(query(rule));
            read.names_table(ours.table)
                && !OURS
                    .iter()
                    .any(|other| other.table != ours.table && read.names_table(other.table))
        };
        let there = self
            .all("scheduledQueryRules")
            .iter()
            .filter(|rule| self.names_an_account(rule))
            .find(of_table)
            .cloned();
        let wanted = self.wanted_query(ours.table);
        let all_named = there.as_ref().is_some_and(|rule| {
            let read = Query::read(query(rule));
            self.ids().iter().all(|id| read.names(id.as_str()))
        });
        let text = match &there {
            // A query that names everybody is its owner's: only how it runs is put right.
            Some(rule) if all_named => self.with_the_group(ours, rule),
            _ => wanted,
        };
        let Some(workspace_id) = workspace["id"].as_str() else {
            return;
        };
        let Some(id) = there.as_ref().map_or_else(
            || {
                workspace["id"].as_str().map(|id| {
                    format!(
                        "{}/providers/Microsoft.Insights/scheduledQueryRules/{}",
                        resource_group(id),
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
        let step = format!("alert-{}", slug(ours.table));
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

    /// Silence is an alarm.
    pub(super) fn silence(&mut self, workspace: &Value, group: &str) {
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
    pub(super) fn guards(&mut self, workspace: &Value, group: &str) {
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

    pub(super) fn new_rule(
        &mut self,
        name: &'static str,
        title: &str,
        reason: &str,
        requirement: &'static str,
        workspace: &Value,
        fields: &Value,
    ) {
        let Some(workspace_id) = workspace["id"].as_str() else {
            return;
        };
        let rg = resource_group(workspace_id);
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
    pub(super) fn tampering(&mut self, workspace: &Value, group: &str) {
        if !self.fails("BG069", "alert rules and action groups")
            && !self.fails("BG069", "the diagnostic setting")
        {
            return;
        }
        let Some(rg) = workspace["id"].as_str().map(resource_group) else {
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
}
