//! Who is told, and what the rules' identities may read.

use breakglass_model::plan::{Effect, Stage, Verb};
use serde_json::{Value, json};

use super::{GROUPS, GUARDS, LOG_ANALYTICS_READER, READER, ROLES, SILENCE, arm, receive};
use crate::{
    monitoring::{covers, resource_group, same, text},
    plan::draft::{Draft, Proposal, send, slug},
};

impl Draft<'_> {
    /// The action group: the one that a rule about the accounts uses, else a new one. Gives its id.
    pub(super) fn receivers(&mut self, workspace: &Value) -> Option<String> {
        let used = self
            .all("scheduledQueryRules")
            .iter()
            .filter(|rule| self.names_an_account(rule))
            .filter_map(|rule| rule["properties"]["actions"]["actionGroups"][0].as_str())
            .find_map(|id| {
                let mut all = self.all("actionGroups").iter();
                all.find(|own| same(text(own, "id"), id))
            })
            .cloned();
        let wishes = self.wishes();
        let id = match &used {
            Some(group) => group["id"].as_str()?.to_owned(),
            None => format!(
                "{}/providers/microsoft.insights/actionGroups/breakglass",
                resource_group(workspace["id"].as_str()?)
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
                was.as_ref().map_or(Value::Null, seen),
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

    /// Each rule's identity may read the workspace, and the resource group of its action group.
    pub(super) fn readers(&mut self, workspace: &Value, group: &str) {
        let Some(workspace_id) = workspace["id"].as_str() else {
            return;
        };
        let group_scope = resource_group(group);
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

    pub(super) fn reader(
        &mut self,
        principal: &str,
        name: &str,
        scope: &str,
        role: &str,
        word: &str,
    ) {
        let held = self.all("azureRoleAssignments").iter().any(|own| {
            let own = &own["properties"];
            let held = text(own, "scope");
            text(own, "principalId").eq_ignore_ascii_case(principal)
                && text(own, "roleDefinitionId").to_lowercase().ends_with(role)
                && !held.is_empty()
                && covers(held, scope)
        });
        if held {
            return;
        }
        // The name of an assignment is a GUID: the same one for the same rule, role and scope, whenever it is planned.
        let guid = uuid::Uuid::new_v5(
            &uuid::Uuid::NAMESPACE_URL,
            format!("{name}|{role}|{}", scope.to_lowercase()).as_bytes(),
        );
        let id = format!("{scope}/providers/Microsoft.Authorization/roleAssignments/{guid}");
        let path = format!("{id}?api-version={ROLES}");
        let definition = match scope.split('/').nth(2) {
            Some(subscription) => format!(
                "/subscriptions/{subscription}/providers/Microsoft.Authorization/roleDefinitions/{role}"
            ),
            None => return,
        };
        let properties = json!({"roleDefinitionId": definition, "principalId": principal, "principalType": "ServicePrincipal"});
        self.add(Proposal {
            id: format!("read-{}-{}", slug(name), if role == READER { "receivers" } else { "workspace" }),
            stage: Stage::Alerts,
            title: format!("Give the rule `{name}` {word}"),
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
