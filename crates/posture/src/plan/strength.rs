//! The strength of the dedicated policy takes the models of the accounts' keys.
//!
//! A key of a new model opens nothing before the strength names its model. The strength that is there is given it: a
//! second strength and policy beside it would leave the first keeping the account out.

use breakglass_conditional_access::prove::{Effect as Outcome, Reach};
use breakglass_model::{
    plan::{Effect, Look, Stage, Verb},
    tenant::MethodKind,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send, slug};
use crate::directory::{names, text};

const STRENGTHS: &str = "authenticationStrengthPolicies";
const LIST: &str = "combinationConfigurations";

/// What a strength lacks.
struct Lack {
    /// The strength as it is.
    strength: Value,
    /// Place of the configuration that restricts keys.
    place: usize,
    /// Models of keys that it has to take, too.
    models: Vec<String>,
    /// Accounts whose keys they are.
    holders: Vec<String>,
}

impl Draft<'_> {
    /// Adds the models of registered keys to the strengths of policies that are meant for the accounts, where an account
    /// cannot meet its policy without.
    pub(super) fn widen_strengths(&mut self) {
        for lack in self.lacks() {
            self.widen(&lack);
        }
    }

    fn lacks(&mut self) -> Vec<Lack> {
        let lockout = self.lockout();
        let mut lacks: Vec<Lack> = Vec::new();
        let mut warned = Vec::new();
        for (place, account) in self.accounts.iter().enumerate() {
            let Some(proved) = lockout.of(place) else {
                continue;
            };
            let refused = proved.proof.policies.iter().filter(|own| {
                own.intended && own.reach != Reach::Never && own.effect == Outcome::Deny
            });
            for proof in refused {
                let policy = &self.now.policies.items[proof.policy].raw;
                let id = text(&policy["grantControls"]["authenticationStrength"], "id");
                let Some((strength, place)) = self.restricting(id) else {
                    continue;
                };
                let models = self.models_beyond(&account.id, &strength[LIST][place]);
                if models.is_empty() {
                    continue;
                }
                if self.fails("BG092", &account.name) {
                    // What is refused may be refused for a reason, and an advisory is one.
                    warned.push(format!(
                        "not planned: let the strength `{}` take the keys of {}: an advisory speaks of one; give it another key (BG092, K1)",
                        text(&strength, "displayName"),
                        account.name
                    ));
                    continue;
                }
                let known = lacks
                    .iter_mut()
                    .find(|own| own.strength["id"] == strength["id"]);
                if let Some(own) = known {
                    own.models.extend(models);
                    own.holders.push(account.name.clone());
                } else {
                    lacks.push(Lack {
                        strength,
                        place,
                        models,
                        holders: vec![account.name.clone()],
                    });
                }
            }
        }
        for text in warned {
            self.warn(text);
        }
        for own in &mut lacks {
            own.models.sort();
            own.models.dedup();
            own.holders.dedup();
        }
        lacks
    }

    /// A custom strength, and the place of the configuration in it that restricts keys.
    fn restricting(&self, id: &str) -> Option<(Value, usize)> {
        let mut all = self.all(STRENGTHS).iter();
        let strength = all.find(|own| text(own, "id").eq_ignore_ascii_case(id))?;
        if text(strength, "policyType").eq_ignore_ascii_case("builtIn") {
            return None;
        }
        let place = strength[LIST].as_array()?.iter().position(|own| {
            text(own, "@odata.type").ends_with("fido2CombinationConfiguration")
                && own["id"].is_string()
                && own["allowedAAGUIDs"].is_array()
        })?;
        Some((strength.clone(), place))
    }

    /// Models of an account's keys that a configuration does not name.
    fn models_beyond(&self, account: &breakglass_model::ObjectId, config: &Value) -> Vec<String> {
        let methods = self.now.user(account).and_then(|user| user.methods.get());
        methods
            .into_iter()
            .flatten()
            .filter(|own| own.kind == MethodKind::Fido2)
            .filter_map(|own| own.aaguid.as_ref().map(|own| own.to_lowercase()))
            .filter(|model| !names(config.get("allowedAAGUIDs"), model))
            .collect()
    }

    fn widen(&mut self, lack: &Lack) {
        let Lack {
            strength,
            place,
            models,
            holders,
        } = lack;
        let (id, name) = (text(strength, "id"), text(strength, "displayName"));
        let config = &strength[LIST][place];
        let old = config["allowedAAGUIDs"].clone();
        let mut all = old.as_array().cloned().unwrap_or_default();
        all.extend(models.iter().map(|own| Value::from(own.as_str())));
        let new = Value::Array(all);
        let body = |models: &Value| {
            json!({"@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
                "appliesToCombinations": config["appliesToCombinations"], "allowedAAGUIDs": models})
        };
        let mut list = strength[LIST].clone();
        list[place]["allowedAAGUIDs"] = new.clone();
        let mut effects = vec![Effect::Object {
            collection: STRENGTHS.to_owned(),
            id: id.to_owned(),
            set: json!({LIST: list}),
        }];
        // Policies hold the strength that they ask for, as it is.
        effects.extend(self.now.policies.iter().filter_map(|policy| {
            let own = &policy.raw["grantControls"]["authenticationStrength"];
            let holds = text(own, "id").eq_ignore_ascii_case(id) && own[LIST].is_array();
            holds.then_some(())?;
            Some(Effect::Policy {
                id: policy.id.as_ref()?.to_string(),
                set: json!({"grantControls": {"authenticationStrength": {LIST: list}}}),
            })
        }));
        let path = format!("/policies/{STRENGTHS}/{id}/{LIST}");
        let one = format!("{path}/{}", text(config, "id"));
        self.add(Proposal {
            id: format!("strength-{}", slug(name)),
            stage: Stage::Strength,
            title: format!("Let the strength `{name}` take the models {}", models.join(", ")),
            reason: format!(
                "The dedicated policy asks for a strength that refuses the keys of {}: they open nothing, however well they are kept.",
                holders.join(" and ")
            ),
            requirement: "C2",
            permission: "Policy.ReadWrite.ConditionalAccess",
            by_person: false,
            after: Vec::new(),
            risk: "Every policy that asks for this strength takes keys of these models from then on. Find out why they were not in it before you approve it.",
            undo_text: "The old list is written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &one, body(&new)),
                Look::Among { path, fields: json!({"id": config["id"]}) },
                json!({"id": config["id"], "allowedAAGUIDs": old}),
                json!({"id": config["id"], "allowedAAGUIDs": new}),
                Some(send(Verb::Patch, &one, body(&old))),
            ),
            effects,
        });
    }
}
