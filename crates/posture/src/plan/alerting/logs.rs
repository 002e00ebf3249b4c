//! Logs of the directory reach the workspace, all of them, and stay long enough.

use breakglass_model::plan::{Effect, Stage, Verb};
use serde_json::{Value, json};

use super::{OURS, RETENTION_DAYS, SETTINGS, TABLES, WORKSPACES, arm, enabled_only};
use crate::{
    monitoring::{CATEGORIES, list, same, senders, text},
    plan::draft::{Draft, Proposal, send, slug},
};

/// Where a diagnostic setting sends to, and the step that lets it.
struct Sink {
    id: &'static str,
    /// What a new setting is called.
    name: &'static str,
    /// What tells a setting that sends there.
    to: Value,
    place: String,
    requirement: &'static str,
    reason: &'static str,
    permission: &'static str,
    risk: &'static str,
}

/// An id without the rule that it is reached by: which rule does not matter.
fn place(id: &str) -> &str {
    let rule = id.to_ascii_lowercase().find("/authorizationrules/");
    rule.map_or(id, |end| &id[..end])
}

impl Draft<'_> {
    pub(super) fn logs(&mut self, workspace: &Value) {
        self.send_to(&Sink {
            id: "logs",
            name: "breakglass",
            to: json!({"workspaceId": workspace["id"]}),
            place: "the workspace".to_owned(),
            requirement: "W1",
            reason: "A sign-in with a key that gets a refresh token is logged as non-interactive since April 2025: without that category the very use is not seen.",
            permission: "Contributor at /providers/Microsoft.aadiam (an application), or Security Administrator in Entra (a person)",
            risk: "Non-interactive sign-ins are many: the workspace costs more. The first 48 hours may be patchy.",
        });
    }

    /// What takes the workspace away must not take every alert with it.
    pub(super) fn second_way(&mut self) {
        let Some(hub) = self.wishes().event_hub.clone() else {
            return;
        };
        self.send_to(&Sink {
            id: "event-hub",
            name: "breakglass-event-hub",
            to: json!({"eventHubAuthorizationRuleId": hub.rule, "eventHubName": hub.name}),
            place: format!("the event hub {}", hub.name),
            requirement: "W12",
            reason: "What takes the workspace away takes every alert with it, unless the logs have a second way out.",
            permission: "Contributor at /providers/Microsoft.aadiam (an application), or Security Administrator in Entra (a person); and the right to list the keys of the event hub's authorization rule",
            risk: "The event hub is paid for by what it carries. Whoever reads it should hold a key that can listen only, outside of this tenant.",
        });
    }

    /// All three logs leave by a setting to that place: by the one that is there, or a new one.
    fn send_to(&mut self, sink: &Sink) {
        let settings = list(&self.now, "diagnosticSettings");
        let goes_there = |own: &&Value| {
            let mut fields = sink.to.as_object().into_iter().flatten();
            fields.all(|(field, to)| {
                let own = text(&own["properties"], field);
                same(place(own), place(to.as_str().unwrap_or_default()))
            })
        };
        let setting = settings.items.iter().find(goes_there).cloned();
        let lacking: Vec<&str> = CATEGORIES
            .into_iter()
            .map(|(category, _)| category)
            .filter(|category| !senders(&settings, category).iter().any(goes_there))
            .collect();
        let many = settings.items.len() >= 5;
        if lacking.is_empty() {
            return;
        }
        if setting.is_none() && many {
            self.warn(format!(
                "the tenant has five diagnostic settings already, which is the limit: let one of them send to {} by hand ({})",
                sink.place, sink.requirement
            ));
            return;
        }
        let name = setting
            .as_ref()
            .and_then(|own| own["name"].as_str())
            .unwrap_or(sink.name)
            .to_owned();
        let mut properties = setting.as_ref().map_or_else(
            || {
                let mut properties = sink.to.clone();
                properties["logs"] = json!([]);
                properties
            },
            |own| own["properties"].clone(),
        );
        let was = properties.clone();
        if let Some(logs) = properties["logs"].as_array_mut() {
            for category in &lacking {
                let of = |log: &&mut Value| text(log, "category").eq_ignore_ascii_case(category);
                match logs.iter_mut().find(of) {
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
            id: sink.id.to_owned(),
            stage: Stage::Logs,
            title: format!("Send {} to {}", lacking.join(", "), sink.place),
            reason: sink.reason.to_owned(),
            requirement: sink.requirement,
            permission: sink.permission,
            by_person: false,
            after: Vec::new(),
            risk: sink.risk,
            undo_text: if setting.is_some() {
                "The old categories are written back.".to_owned()
            } else {
                "The setting is deleted.".to_owned()
            },
            write: arm(
                send(Verb::Put, &path, json!({"properties": properties})),
                &path,
                setting
                    .as_ref()
                    .map_or(Value::Null, |_| json!({"properties": {"logs": enabled_only(&was)}})),
                json!({"properties": {"logs": after}}),
                Some(match setting {
                    Some(_) => send(Verb::Put, &path, json!({"properties": was})),
                    None => send(Verb::Delete, &path, Value::Null),
                }),
            ),
            effects: vec![Effect::Object {
                collection: "diagnosticSettings".to_owned(),
                id: resource,
                set: json!({"name": name, "type": "microsoft.aadiam/diagnosticSettings", "properties": properties}),
            }],
        });
    }

    /// A daily cap stops records, and with them every alert, without a word.
    pub(super) fn cap(&mut self, workspace: &Value) {
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
    pub(super) fn retention(&mut self, workspace: &Value) {
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
                .find(|own| same(text(own, "id"), &resource))
                .cloned();
            let Some(there) = there else { continue };
            let path = format!("{resource}?api-version={TABLES}");
            let kept = |days: Value| json!({"properties": {"totalRetentionInDays": days}});
            let was = kept(there["properties"]["totalRetentionInDays"].clone());
            let wanted = kept(json!(RETENTION_DAYS));
            self.add(Proposal {
                id: format!("retention-{}", slug(table)),
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
}
