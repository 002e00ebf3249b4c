//! Rules of Privileged Identity Management that drift: whether Global Administrator can be held for good, and how the role
//! at the restricted unit is activated. A rule that is there is read, changed and written back as a whole.

use breakglass_model::{
    Reading,
    plan::{Effect, Look, Stage, Verb, merge},
    tenant::GLOBAL_ADMINISTRATOR,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send, slug};
use crate::directory::{names, text};

const ASSIGNMENTS: &str = "roleManagementPolicyAssignments";
/// Name of the step that lets Global Administrator be held for good.
const PERMANENT: &str = "permanent-role";
/// Longest activation of the role at the unit.
const ACTIVATION: &str = "PT2H";

/// What is changed in one rule, and why.
struct Change<'a> {
    step: String,
    stage: Stage,
    rule: &'a str,
    fields: Value,
    title: String,
    reason: &'static str,
    requirement: &'static str,
    risk: &'static str,
}

impl Draft<'_> {
    /// Active assignments of Global Administrator need no end.
    pub(super) fn permanent_allowed(&mut self) {
        let rule = "Expiration_Admin_Assignment";
        let Some(own) = self.pim_rule(GLOBAL_ADMINISTRATOR, rule) else {
            return;
        };
        if own["isExpirationRequired"] != true {
            return;
        }
        self.set_pim_rule(
            GLOBAL_ADMINISTRATOR,
            Change {
                step: PERMANENT.to_owned(),
                stage: Stage::Role,
                rule,
                fields: json!({"isExpirationRequired": false}),
                title: "Allow permanent active assignments of Global Administrator".to_owned(),
                reason: "Where they must end, the accounts cannot be given the role for good, and the one that is renewed gets an end that nobody watches.",
                requirement: "A4",
                risk: "Others can be given the role without an end, too: the head-count of standing Global Administrators shows them (A6).",
            },
        );
    }

    /// What a permanent assignment has to wait for.
    pub(super) fn after_permanent(&self) -> Vec<String> {
        let step = self.step_ids().find(|id| *id == PERMANENT);
        step.map(str::to_owned).into_iter().collect()
    }

    /// Rules of the roles that people activate at the restricted unit, where a check says that one does not serve.
    pub(super) fn standing_rules(&mut self) {
        let ids = self.ids();
        let units: Vec<String> = self
            .now
            .units
            .iter()
            .filter(|unit| {
                let members = unit.members.get();
                unit.restricted == Reading::Read(true)
                    && members.is_some_and(|all| all.iter().any(|own| ids.contains(own)))
            })
            .filter_map(|unit| Some(format!("/administrativeUnits/{}", unit.id.as_ref()?)))
            .collect();
        let mut roles: Vec<(String, String)> = self
            .now
            .eligible_assignments
            .iter()
            .filter(|own| {
                let scope = own.scope.get();
                self.now.in_force(own)
                    && scope
                        .is_some_and(|own| units.iter().any(|unit| unit.eq_ignore_ascii_case(own)))
            })
            .filter_map(|own| {
                let mut roles = self.now.roles.iter();
                let role = roles.find(|role| role.id.as_ref() == Some(&own.role))?;
                // The rules of a built-in role hold for everybody who has it, wherever.
                let name = role.display_name.clone()?;
                (role.built_in == Reading::Read(false)).then(|| (own.role.to_string(), name))
            })
            .collect();
        roles.sort();
        roles.dedup();
        for (role, name) in roles {
            self.activation_rules(&role, &name);
        }
    }

    fn activation_rules(&mut self, role: &str, name: &str) {
        let reason = "A role that can reach the accounts is held for a short time, with a reason, a second factor, and somebody else's consent.";
        let risk = "Whoever holds the role is asked for more, and for a shorter time: tell them.";
        let step = |word: &str| format!("rule-{}-{word}", slug(name));
        let change = |which: &'static str, word: &str, fields: Value, title: String| Change {
            step: step(word),
            stage: Stage::Protection,
            rule: which,
            fields,
            title,
            reason,
            requirement: "M4",
            risk,
        };
        let which = "Expiration_EndUser_Assignment";
        if self.fails("BG075", name) && self.pim_rule(role, which).is_some_and(|own| !short(&own)) {
            let fields = json!({"isExpirationRequired": true, "maximumDuration": ACTIVATION});
            let title = format!("Let {name} be active for two hours at most ({ACTIVATION})");
            self.set_pim_rule(role, change(which, "expiration", fields, title));
        }
        let which = "Enablement_EndUser_Assignment";
        if let Some(own) = self.pim_rule(role, which) {
            // An authentication context stands in the place of the other: both at once Microsoft does not take.
            let context = self.pim_rule(role, "AuthenticationContext_EndUser_Assignment");
            let context = context.is_some_and(|own| own["isEnabled"] == true);
            let mut wanted = Vec::new();
            if self.fails("BG077", name) && !context {
                wanted.push(("MultiFactorAuthentication", "multifactor authentication"));
            }
            if self.fails("BG075", name) {
                wanted.push(("Justification", "a reason"));
            }
            wanted.retain(|(word, _)| !names(own.get("enabledRules"), word));
            if !wanted.is_empty() {
                let mut all: Vec<Value> =
                    own["enabledRules"].as_array().cloned().unwrap_or_default();
                all.extend(wanted.iter().map(|(word, _)| Value::from(*word)));
                let words: Vec<&str> = wanted.iter().map(|(_, word)| *word).collect();
                let title = format!("Ask for {} when {name} is activated", words.join(" and "));
                let fields = json!({"enabledRules": all});
                self.set_pim_rule(role, change(which, "enablement", fields, title));
            }
        }
        let which = "Approval_EndUser_Assignment";
        if let Some(own) = self.pim_rule(role, which)
            && self.fails("BG076", name)
            && own["setting"]["isApprovalRequired"] == false
        {
            let stages = own["setting"]["approvalStages"].as_array();
            let named = stages.into_iter().flatten().any(|stage| {
                let approvers = stage["primaryApprovers"].as_array();
                approvers.is_some_and(|all| !all.is_empty())
            });
            if !named {
                self.warn(format!(
                    "nobody is named who approves the activation of {name}: give --keeper and --approver, two people (M4)"
                ));
                return;
            }
            // The whole setting is sent: a rule is read, changed and written back.
            let mut setting = own["setting"].clone();
            setting["isApprovalRequired"] = true.into();
            if text(&setting, "approvalMode").eq_ignore_ascii_case("NoApproval") {
                setting["approvalMode"] = "SingleStage".into();
            }
            let title = format!("Ask the approvers that are set when {name} is activated");
            let fields = json!({"setting": setting});
            self.set_pim_rule(role, change(which, "approval", fields, title));
        }
    }

    /// The settings object of a role.
    fn settings_of(&self, role: &str) -> Option<&Value> {
        self.all(ASSIGNMENTS)
            .iter()
            .find(|own| text(own, "roleDefinitionId").eq_ignore_ascii_case(role))
    }

    fn pim_rule(&self, role: &str, which: &str) -> Option<Value> {
        let rules = self
            .settings_of(role)?
            .pointer("/policy/rules")?
            .as_array()?;
        rules.iter().find(|own| own["id"] == which).cloned()
    }

    /// Writes a rule back with some fields changed.
    fn set_pim_rule(&mut self, role: &str, change: Change<'_>) {
        let (Some(own), Some(settings)) = (
            self.pim_rule(role, change.rule),
            self.settings_of(role).cloned(),
        ) else {
            return;
        };
        let (Some(policy), Some(id)) = (settings["policyId"].as_str(), settings["id"].as_str())
        else {
            self.warn(format!(
                "not planned: {}: the input does not tell the id of the settings; collect again ({})",
                change.title, change.requirement
            ));
            return;
        };
        let mut body = own.clone();
        merge(&mut body, &change.fields);
        let mut before = json!({"id": change.rule});
        for field in change
            .fields
            .as_object()
            .into_iter()
            .flatten()
            .map(|(key, _)| key)
        {
            before[field] = own[field].clone();
        }
        let path = format!(
            "/policies/roleManagementPolicies/{policy}/rules/{}",
            change.rule
        );
        let effect = Effect::Object {
            collection: ASSIGNMENTS.to_owned(),
            id: id.to_owned(),
            set: self.rule_set(Some(&settings), role, &body),
        };
        self.add(Proposal {
            id: change.step,
            stage: change.stage,
            title: change.title,
            reason: change.reason.to_owned(),
            requirement: change.requirement,
            permission: "RoleManagementPolicy.ReadWrite.Directory, as a signed-in person",
            // Microsoft takes the rules of directory roles from no application.
            by_person: true,
            after: Vec::new(),
            risk: change.risk,
            undo_text: "The old rule is written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, body),
                Look::Object(path.clone()),
                before,
                change.fields,
                Some(send(Verb::Patch, &path, own)),
            ),
            effects: vec![effect],
        });
    }
}

/// Whether an activation ends after two hours or sooner.
fn short(rule: &Value) -> bool {
    let length = |text: &str| text.parse::<jiff::SignedDuration>().ok();
    let own = length(text(rule, "maximumDuration"));
    rule["isExpirationRequired"] == true
        && own
            .zip(length(ACTIVATION))
            .is_some_and(|(own, most)| own <= most)
}
