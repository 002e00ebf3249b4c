//! The restricted management administrative unit, the keeper role, and how it is activated.
//!
//! The objects go into the unit last: from then on only those who have a role at the unit can change them (Microsoft
//! Entra, *Restricted management administrative units*).

use breakglass_model::{
    ObjectId, Reading, Verdict,
    plan::{Effect, GRAPH, Look, Need, Stage, Verb, has, merge},
    tenant::Role,
};
use serde_json::{Value, json};

use super::{
    draft::{Draft, Proposal, graph, send, slug},
    people::eligible_for,
    simulate,
};

const UNIT: &str = "Emergency access (restricted)";
const ROLE: &str = "Emergency access keeper";
/// What a keeper does: re-enables the accounts and keeps the group whole. Keys are registered by `key enroll` with its
/// own permission. From Microsoft's list of actions that custom roles may hold.
const ACTIONS: [&str; 3] = [
    "microsoft.directory/users/basic/update",
    ENABLE,
    "microsoft.directory/groups/members/update",
];
const ENABLE: &str = "microsoft.directory/users/enable";
/// Longest activation of the keeper role: two hours. Microsoft's default is eight.
const ACTIVATION: &str = "PT2H";

impl Draft<'_> {
    /// Unit, role, settings, keepers, and then the accounts and their group into the unit.
    pub(super) fn protection(&mut self) {
        if let Some(missing) = &self.now.units.missing {
            let why = missing.reason.clone();
            self.warn(format!(
                "the restricted unit is not planned: administrative units were not read ({why})"
            ));
            return;
        }
        // The unit is there for the accounts; without a key none of them goes in.
        let ready: Vec<(String, String)> = self
            .accounts
            .iter()
            .filter(|account| !self.waits(account))
            .map(|account| (account.id.to_string(), account.name.clone()))
            .collect();
        if ready.is_empty() {
            return;
        }
        let unit = if let Some(unit) = self.unit() {
            unit
        } else {
            if !self.create_unit() {
                return;
            }
            "new:unit".to_owned()
        };
        self.keepers(&unit);
        let mut members: Vec<(String, String)> = self
            .group
            .iter()
            .map(|id| (id.clone(), "the group".to_owned()))
            .collect();
        members.extend(ready);
        for (id, name) in members {
            self.protect(&unit, &id, &name);
        }
    }

    /// The restricted unit that the register names, or that holds an account.
    fn unit(&self) -> Option<String> {
        let declared: Vec<&ObjectId> = self
            .input
            .register
            .into_iter()
            .flat_map(|register| &register.accounts)
            .filter_map(|entry| entry.unit.as_ref())
            .collect();
        let ids = self.ids();
        self.now
            .units
            .iter()
            .find(|unit| {
                let named = unit.id.as_ref().is_some_and(|id| declared.contains(&id));
                let holds = unit
                    .members
                    .get()
                    .is_some_and(|members| members.iter().any(|member| ids.contains(member)));
                unit.restricted == Reading::Read(true)
                    && unit.members.get().is_some()
                    && (named || holds)
            })
            .and_then(|unit| unit.id.as_ref())
            .map(ToString::to_string)
    }

    fn create_unit(&mut self) -> bool {
        let body = json!({
            "displayName": UNIT,
            "description": "Only administrators of this unit can change the emergency access accounts",
            "isMemberManagementRestricted": true,
        });
        let path = "/directory/administrativeUnits";
        self.add(Proposal {
            id: "unit".to_owned(),
            stage: Stage::Protection,
            title: format!("Create the restricted management administrative unit `{UNIT}`"),
            reason: "Whatever is in it can be changed only by those who have a role at the unit: not by helpdesk or user administrators.".to_owned(),
            requirement: "M1",
            permission: "AdministrativeUnit.ReadWrite.All",
            by_person: false,
            after: Vec::new(),
            risk: "None: the unit is empty.",
            undo_text: "The unit is deleted.".to_owned(),
            write: graph(
                send(Verb::Post, path, body),
                Look::Among { path: format!("{path}?$filter=displayName eq '{UNIT}'&$select=id,displayName,isMemberManagementRestricted"), fields: json!({"displayName": UNIT}) },
                Value::Null,
                json!({"displayName": UNIT, "isMemberManagementRestricted": true}),
                Some(send(Verb::Delete, format!("{path}/new:unit"), Value::Null)),
            ),
            effects: vec![Effect::Unit { id: "new:unit".to_owned(), name: UNIT.to_owned() }],
        })
    }

    fn protect(&mut self, unit: &str, member: &str, name: &str) {
        let Ok(id) = ObjectId::parse(member) else {
            return;
        };
        let inside = self.now.units.iter().any(|own| {
            own.id.as_ref().is_some_and(|own| own.is(unit))
                && own
                    .members
                    .get()
                    .is_some_and(|members| members.contains(&id))
        });
        if inside {
            return;
        }
        let path = format!("/directory/administrativeUnits/{unit}/members");
        self.add(Proposal {
            id: format!("protect-{}", slug(name)),
            stage: Stage::Protection,
            title: format!("Put {name} into the restricted unit"),
            reason: "No tenant-wide administrator below Privileged Role Administrator can then change it.".to_owned(),
            requirement: "M1",
            permission: "AdministrativeUnit.ReadWrite.All",
            by_person: false,
            after: Vec::new(),
            risk: "Later changes of it need a role at the unit, ours too: plan what else must change first.",
            undo_text: "It is taken out of the unit; the protection may linger for half an hour.".to_owned(),
            write: graph(
                send(Verb::Post, format!("{path}/$ref"), json!({"@odata.id": format!("{GRAPH}/directoryObjects/{member}")})),
                Look::Among { path: format!("{path}?$select=id"), fields: json!({"id": member}) },
                Value::Null,
                json!({"id": member}),
                Some(send(Verb::Delete, format!("{path}/{member}/$ref"), Value::Null)),
            ),
            effects: vec![Effect::UnitMember { unit: unit.to_owned(), member: member.to_owned() }],
        });
    }

    /// The custom role, its activation, and who may activate it.
    fn keepers(&mut self, unit: &str) {
        if self.wishes().keepers.is_empty() {
            return;
        }
        let scope = format!("/administrativeUnits/{unit}");
        let role = match self.keeper_role(unit) {
            Ok(Some(id)) => id,
            Ok(None) => {
                if !self.create_role() {
                    return;
                }
                "new:keeper-role".to_owned()
            }
            Err(why) => {
                self.warn(why);
                return;
            }
        };
        if self.wishes().approvers.is_empty() {
            self.warn("nobody is named who approves the activation of the keeper role: give --approver, two people (M4)");
        } else {
            self.activation(&role);
        }
        for keeper in &self.wishes().keepers {
            let name = self
                .now
                .user(keeper)
                .and_then(|user| user.upn.as_ref())
                .map_or_else(|| keeper.to_string(), ToString::to_string);
            let eligible = self.now.eligible_assignments.iter().any(|own| {
                own.principal == *keeper
                    && own.role.is(&role)
                    && self.now.in_force(own)
                    && own
                        .scope
                        .get()
                        .is_some_and(|own| own.eq_ignore_ascii_case(&scope))
            });
            if !eligible {
                let mut proposal = eligible_for(
                    keeper,
                    &name,
                    &role,
                    &scope,
                    "M3",
                    Stage::Protection,
                    "keeper of the accounts",
                );
                // Nobody may activate the role before its activation is guarded.
                proposal.after = self
                    .step_ids()
                    .filter(|id| id.starts_with("keeper-") && *id != "keeper-role")
                    .map(str::to_owned)
                    .collect();
                self.add(proposal);
            }
        }
    }

    /// The keeper role that is there, whatever its name: a custom role that somebody is eligible for at the unit, else at
    /// another unit, else one that is named or made like ours; and that allows no more than looking after the accounts.
    /// `Err`: one has our name and cannot serve, so that none can be made.
    fn keeper_role(&self, unit: &str) -> Result<Option<String>, String> {
        let scope = format!("/administrativeunits/{unit}").to_lowercase();
        let rank = |role: &Role| {
            let at = |wanted: &dyn Fn(&str) -> bool| {
                self.now.eligible_assignments.iter().any(|own| {
                    role.id.as_ref() == Some(&own.role)
                        && own
                            .scope
                            .get()
                            .is_some_and(|own| wanted(&own.to_lowercase()))
                })
            };
            let like_ours = ACTIONS.iter().all(|action| {
                let mut own = role.actions.iter();
                own.any(|own| own.eq_ignore_ascii_case(action))
            });
            let ranks = [
                at(&|own| own == scope),
                at(&|own| own.starts_with("/administrativeunits/")),
                role.display_name.as_deref() == Some(ROLE),
                like_ours,
            ];
            ranks.iter().position(|holds| *holds)
        };
        let there = self
            .now
            .roles
            .iter()
            .filter(|role| role.built_in == Reading::Read(false))
            .filter_map(|role| Some((rank(role)?, role)))
            .filter(|(_, role)| self.looks_after(role, unit))
            .min_by_key(|(rank, _)| *rank);
        if let Some(id) = there.and_then(|(_, role)| role.id.as_ref()) {
            return Ok(Some(id.to_string()));
        }
        let mut roles = self.now.roles.iter();
        if roles.any(|role| role.display_name.as_deref() == Some(ROLE)) {
            return Err(format!(
                "the custom role `{ROLE}` allows more than looking after the accounts, or is given for the whole tenant: put it right or \
                 rename it, then plan again; keepers are not planned (M3)"
            ));
        }
        Ok(None)
    }

    /// Whether a role, given at the unit, is a keeper role as the checks want one, and re-enables accounts.
    fn looks_after(&self, role: &Role, unit: &str) -> bool {
        let (Some(id), Some(keeper)) = (&role.id, self.wishes().keepers.first()) else {
            return false;
        };
        let enables = role
            .actions
            .iter()
            .any(|own| own.eq_ignore_ascii_case(ENABLE));
        if !enables {
            return false;
        }
        let mut after = self.now.clone();
        let mut effects: Vec<Effect> = self
            .accounts
            .iter()
            .map(|account| Effect::UnitMember {
                unit: unit.to_owned(),
                member: account.id.to_string(),
            })
            .collect();
        effects.push(Effect::Assignment {
            principal: keeper.to_string(),
            role: id.to_string(),
            scope: format!("/administrativeUnits/{unit}"),
            active: false,
            given: true,
        });
        simulate(&mut after, &effects);
        let name = role.display_name.as_deref().unwrap_or(id.as_str());
        let found = self.findings_in(&after, &["BG073".to_owned()]);
        !found
            .values()
            .any(|finding| finding.verdict == Verdict::Fail && finding.subject == name)
    }

    fn create_role(&mut self) -> bool {
        let path = "/roleManagement/directory/roleDefinitions";
        let actions: Vec<String> = ACTIONS.iter().map(ToString::to_string).collect();
        let permissions = json!([{"allowedResourceActions": actions}]);
        self.add(Proposal {
            id: "keeper-role".to_owned(),
            stage: Stage::Protection,
            title: format!("Create the custom role `{ROLE}`"),
            reason: "Looking after the accounts needs three actions at their unit, not User Administrator in the whole tenant.".to_owned(),
            requirement: "M3",
            permission: "RoleManagement.ReadWrite.Directory",
            by_person: false,
            after: Vec::new(),
            risk: "None: nobody holds it.",
            undo_text: "The role is deleted.".to_owned(),
            write: graph(
                send(Verb::Post, path, json!({
                    "displayName": ROLE, "description": "Looks after the emergency access accounts, in their unit only",
                    "isEnabled": true, "rolePermissions": permissions,
                })),
                Look::Among { path: format!("{path}?$filter=displayName eq '{ROLE}'"), fields: json!({"displayName": ROLE}) },
                Value::Null,
                json!({"displayName": ROLE, "isEnabled": true, "rolePermissions": permissions}),
                Some(send(Verb::Delete, format!("{path}/new:keeper-role"), Value::Null)),
            ),
            effects: vec![Effect::Role { id: "new:keeper-role".to_owned(), name: ROLE.to_owned(), actions }],
        })
    }

    /// Short activation, a reason, multifactor authentication, and an approval.
    fn activation(&mut self, role: &str) {
        let approvers: Vec<Value> = self
            .wishes()
            .approvers
            .iter()
            .map(|id| json!({"@odata.type": "#microsoft.graph.singleUser", "userId": id.to_string()}))
            .collect();
        let target = json!({"caller": "EndUser", "operations": ["All"], "level": "Assignment", "inheritableSettings": [], "enforcedSettings": []});
        let rules = [
            (
                "Expiration_EndUser_Assignment",
                "Expiration",
                json!({"isExpirationRequired": true, "maximumDuration": ACTIVATION}),
                format!("Let the keeper role be active for two hours at most ({ACTIVATION})"),
            ),
            (
                "Enablement_EndUser_Assignment",
                "Enablement",
                json!({"enabledRules": ["MultiFactorAuthentication", "Justification"]}),
                "Ask for a reason and multifactor authentication when the keeper role is activated"
                    .to_owned(),
            ),
            (
                "Approval_EndUser_Assignment",
                "Approval",
                json!({"setting": {"isApprovalRequired": true, "isApprovalRequiredForExtension": false, "isRequestorJustificationRequired": true,
                    "approvalMode": "SingleStage", "approvalStages": [{"approvalStageTimeOutInDays": 1, "isApproverJustificationRequired": true,
                        "escalationTimeInMinutes": 0, "isEscalationEnabled": false, "escalationApprovers": [], "primaryApprovers": approvers}]}}),
                "Ask for an approval when the keeper role is activated".to_owned(),
            ),
        ];
        let filter = format!(
            "/policies/roleManagementPolicyAssignments?$filter=scopeId eq '/' and scopeType eq 'DirectoryRole' and roleDefinitionId eq '{role}'"
        );
        let assignment = self
            .now
            .other
            .get("roleManagementPolicyAssignments")
            .and_then(|all| {
                all.iter().find(|own| {
                    own["roleDefinitionId"]
                        .as_str()
                        .is_some_and(|own| own.eq_ignore_ascii_case(role))
                })
            });
        // For a role that is still to be made nothing is known of its settings; they are Microsoft's defaults then.
        let standing = assignment.cloned();
        let policy = standing
            .as_ref()
            .and_then(|own| own["policyId"].as_str())
            .unwrap_or("new:keeper-settings#policyId")
            .to_owned();
        for (id, kind, fields, title) in rules {
            let setting = standing
                .as_ref()
                .and_then(|own| own["policy"]["rules"].as_array())
                .and_then(|rules| rules.iter().find(|own| own["id"] == id))
                .cloned();
            if setting
                .as_ref()
                .is_some_and(|setting| serves(setting, &fields))
            {
                continue;
            }
            let mut body = json!({"@odata.type": format!("#microsoft.graph.unifiedRoleManagementPolicy{kind}Rule"), "id": id, "target": target});
            merge(&mut body, &fields);
            let path = format!("/policies/roleManagementPolicies/{policy}/rules/{id}");
            let undo = setting
                .clone()
                .map(|setting| send(Verb::Patch, &path, setting));
            let mut write = graph(
                send(Verb::Patch, &path, body.clone()),
                Look::Object(path.clone()),
                json!({"id": id}),
                fields,
                undo,
            );
            if policy.starts_with("new:") {
                write.needs = vec![Need {
                    name: "keeper-settings".to_owned(),
                    look: Look::Among {
                        path: filter.clone(),
                        fields: json!({"roleDefinitionId": role}),
                    },
                }];
            } else if let Some(setting) = &setting {
                write.before = setting.clone();
            }
            self.add(Proposal {
                id: format!("keeper-{}", slug(id.split('_').next().unwrap_or(id))),
                stage: Stage::Protection,
                title,
                reason: "A role that can reach the accounts is held for a short time, with a reason, and with somebody else's consent.".to_owned(),
                requirement: "M4",
                permission: "RoleManagementPolicy.ReadWrite.Directory, as a signed-in person",
                by_person: true,
                after: Vec::new(),
                risk: "Nobody can activate the role while no approver is at hand: name two, and never only the emergency access accounts.",
                undo_text: if setting.is_some() { "The old rule is written back.".to_owned() } else { "Goes with the role when that is deleted.".to_owned() },
                write,
                effects: vec![Effect::Object {
                    collection: "roleManagementPolicyAssignments".to_owned(),
                    id: standing.as_ref().and_then(|own| own["id"].as_str()).unwrap_or("new:keeper-settings").to_owned(),
                    set: self.rule_set(standing.as_ref(), role, &body),
                }],
            });
        }
    }

    /// The settings object with one rule replaced.
    pub(super) fn rule_set(&self, standing: Option<&Value>, role: &str, setting: &Value) -> Value {
        let id = standing
            .and_then(|own| own["id"].as_str())
            .unwrap_or("new:keeper-settings");
        let current = self
            .now
            .other
            .get("roleManagementPolicyAssignments")
            .and_then(|all| all.iter().find(|own| own["id"] == id));
        let mut rules: Vec<Value> = current
            .and_then(|own| own["policy"]["rules"].as_array())
            .cloned()
            .unwrap_or_default();
        rules.retain(|own| own["id"] != setting["id"]);
        rules.push(setting.clone());
        json!({"scopeId": "/", "scopeType": "DirectoryRole", "roleDefinitionId": role, "policy": {"rules": rules}})
    }
}

/// Whether a rule asks for at least what is wanted: a shorter activation and more approvers are as good.
fn serves(rule: &Value, wanted: &Value) -> bool {
    if let Some(most) = wanted["maximumDuration"].as_str() {
        let length = |text: &str| text.parse::<jiff::SignedDuration>().ok();
        let own = rule["maximumDuration"].as_str().and_then(length);
        return rule["isExpirationRequired"] == true
            && own.zip(length(most)).is_some_and(|(own, most)| own <= most);
    }
    if wanted["setting"].is_object() {
        let approvers = |rule: &Value| -> Vec<Value> {
            rule["setting"]["approvalStages"][0]["primaryApprovers"]
                .as_array()
                .cloned()
                .unwrap_or_default()
        };
        let own = approvers(rule);
        return rule["setting"]["isApprovalRequired"] == true
            && approvers(wanted)
                .iter()
                .all(|wanted| own.iter().any(|own| has(own, wanted)));
    }
    if let Some(wanted) = wanted["enabledRules"].as_array() {
        return rule["enabledRules"]
            .as_array()
            .is_some_and(|own| wanted.iter().all(|wanted| own.contains(wanted)));
    }
    has(rule, wanted)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::serves;

    #[test]
    fn m4_a_stricter_rule_is_left_alone() {
        let wanted = json!({"isExpirationRequired": true, "maximumDuration": "PT2H"});
        let own = |length: &str| json!({"isExpirationRequired": true, "maximumDuration": length});
        assert!(serves(&own("PT1H"), &wanted) && serves(&own("PT2H"), &wanted));
        assert!(!serves(&own("PT8H"), &wanted) && !serves(&own("?"), &wanted));
        let approvers = |ids: &[&str]| {
            let all: Vec<_> = ids.iter().map(|id| json!({"userId": id})).collect();
            json!({"setting": {"isApprovalRequired": true, "approvalStages": [{"primaryApprovers": all}]}})
        };
        assert!(serves(&approvers(&["a", "b"]), &approvers(&["b"])));
        assert!(!serves(&approvers(&["a"]), &approvers(&["b"])));
        let rules = |own: &[&str]| json!({"enabledRules": own});
        assert!(serves(
            &rules(&["Ticketing", "Justification"]),
            &rules(&["Justification"])
        ));
    }
}
