//! The methods policy lets the keys of the accounts in: switched on for them, not excluded, their models allowed.
//!
//! What the policy keeps from everybody else it goes on keeping: where FIDO2 is off it is switched on for the group only,
//! and an exclusion goes only if it holds nobody but the accounts. Models are restricted for all at once, unless the tenant
//! has passkey profiles; a step that allows one says so.

use std::collections::BTreeSet;

use breakglass_model::{
    ObjectId,
    plan::{Effect, Look, Stage, Verb},
    tenant::MethodKind,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send};
use crate::directory::{names, text};

const POLICY: &str = "authenticationMethodsPolicy";
const LIST: &str = "authenticationMethodConfigurations";
/// Name of the step.
const STEP: &str = "keys";

const RISK_OFF: &str = "None for others: FIDO2 is switched on for the group only, and the targets that stood in the setting while it was off are not brought to life. Undo writes them back.";
const RISK_MODELS: &str = "Everybody whom the setting includes may use keys of these models, too: models are restricted for all at once. Find out why they were refused before you approve it; the other way is a key of a model that is allowed.";
const RISK_GROUP: &str = "None for others: only the group is named.";

/// Where the settings of FIDO2 stand in the snapshot.
pub(super) enum At {
    /// In the methods policy with this id, in this list, at this place.
    Inline(String, Vec<Value>, usize),
    /// In a collection of their own, with this id.
    Listed(String),
}

impl At {
    /// What a write changes in the snapshot: the settings as they are then, and the fields that it sets.
    pub(super) fn effect(&self, new: &Value, after: &Value) -> Effect {
        match self {
            Self::Listed(id) => Effect::Object {
                collection: LIST.to_owned(),
                id: id.clone(),
                set: after.clone(),
            },
            Self::Inline(id, list, place) => {
                let mut list = list.clone();
                list[*place] = new.clone();
                Effect::Object {
                    collection: POLICY.to_owned(),
                    id: id.clone(),
                    set: json!({LIST: list}),
                }
            }
        }
    }
}

/// An account and what it holds.
struct Holder {
    id: ObjectId,
    name: String,
    /// Models of its keys, as far as they are known.
    models: Vec<String>,
}

/// The settings as they have to be.
struct Wanted {
    config: Value,
    /// What changes.
    words: Vec<String>,
    risk: &'static str,
}

impl Draft<'_> {
    /// Brings the settings of FIDO2 to where they take the accounts' keys.
    pub(super) fn keys(&mut self) {
        let (Some((at, old)), Some(group)) = (self.fido2(), self.group.clone()) else {
            return;
        };
        let holders = self.holders();
        match self.let_in(&old, &holders, &group) {
            Ok(Some(wanted)) => self.set_fido2(&at, &old, &wanted),
            Ok(None) => {}
            Err(why) => self.warn(format!(
                "not planned: let the accounts' keys in: {why} (K1)"
            )),
        }
    }

    /// What has to be done before anything that leaves the accounts with their keys only.
    pub(super) fn after_keys(&self) -> Vec<String> {
        if self.has(STEP) {
            vec![STEP.to_owned()]
        } else {
            Vec::new()
        }
    }

    pub(super) fn fido2(&self) -> Option<(At, Value)> {
        let is = |own: &Value| text(own, "id").eq_ignore_ascii_case("fido2");
        for policy in self.all(POLICY) {
            let list = policy[LIST].as_array().cloned().unwrap_or_default();
            if let Some(place) = list.iter().position(is) {
                let config = list[place].clone();
                let id = policy["id"].as_str()?.to_owned();
                return Some((At::Inline(id, list, place), config));
            }
        }
        let config = self.all(LIST).iter().find(|own| is(own))?;
        Some((At::Listed(text(config, "id").to_owned()), config.clone()))
    }

    fn holders(&self) -> Vec<Holder> {
        let models = |id: &ObjectId| {
            let methods = self.now.user(id).and_then(|user| user.methods.get());
            methods
                .into_iter()
                .flatten()
                .filter(|own| own.kind == MethodKind::Fido2)
                .filter_map(|own| own.aaguid.clone())
                .collect()
        };
        self.accounts
            .iter()
            .map(|account| Holder {
                models: models(&account.id),
                id: account.id.clone(),
                name: account.name.clone(),
            })
            .collect()
    }

    /// Whether a target of the settings holds an account, as far as its groups were read.
    fn hits(&self, target: &Value, account: &ObjectId) -> bool {
        let id = text(target, "id");
        id.eq_ignore_ascii_case("all_users")
            || account.is(id)
            || self
                .now
                .groups_of(account)
                .get()
                .is_some_and(|groups| groups.iter().any(|own| own.is(id)))
    }

    /// The settings as they have to be; `None`: they are. `Err`: why no plan changes them.
    fn let_in(
        &self,
        old: &Value,
        holders: &[Holder],
        group: &str,
    ) -> Result<Option<Wanted>, String> {
        let mut new = old.clone();
        let mut words = Vec::new();
        let mut risk = RISK_GROUP;
        let off = !text(old, "state").eq_ignore_ascii_case("enabled");
        if off {
            new["state"] = "enabled".into();
            new["includeTargets"] = json!([]);
            words.push("switch FIDO2 on for the group".to_owned());
            risk = RISK_OFF;
        }
        let (own, _) = self.other_groups(group);
        let only_ours = |target: &Value| {
            let id = text(target, "id");
            id.eq_ignore_ascii_case(group)
                || own.contains(&id.to_lowercase())
                || holders.iter().any(|own| own.id.is(id))
        };
        let excludes = |target: &Value| holders.iter().any(|own| self.hits(target, &own.id));
        let against: Vec<&Value> = list(old, "excludeTargets")
            .filter(|own| excludes(own))
            .collect();
        if !off && let Some(target) = against.iter().find(|own| !only_ours(own)) {
            return Err(format!(
                "the methods policy excludes the group {} from FIDO2, which holds an account and others: take the account out of it",
                text(target, "id")
            ));
        }
        if !against.is_empty() {
            words.push("take their exclusion away".to_owned());
            new["excludeTargets"] = list(old, "excludeTargets")
                .filter(|own| !excludes(own))
                .cloned()
                .collect();
        }
        let included = holders
            .iter()
            .all(|own| list(&new, "includeTargets").any(|target| self.hits(target, &own.id)));
        if !included {
            include(&mut new, group);
            if !off {
                words.push("include the group".to_owned());
            }
        }
        if list(old, "passkeyProfiles").next().is_none() {
            let refused: BTreeSet<&str> = holders
                .iter()
                .flat_map(|own| &own.models)
                .map(String::as_str)
                .filter(|model| !allows(&old["keyRestrictions"], model))
                .collect();
            if !refused.is_empty() {
                self.allow(&mut new, &refused, holders)?;
                let models: Vec<&str> = refused.into_iter().collect();
                words.push(format!("allow the models {}", models.join(", ")));
                risk = if off { RISK_OFF } else { RISK_MODELS };
            }
        } else if self.choose_profiles(&mut new, holders, group)? && words.is_empty() {
            words.push("give the group the passkey profiles that allow their models".to_owned());
        }
        Ok((new != *old).then_some(Wanted {
            config: new,
            words,
            risk,
        }))
    }

    /// Allows models to all whom the settings include.
    fn allow(
        &self,
        new: &mut Value,
        refused: &BTreeSet<&str>,
        holders: &[Holder],
    ) -> Result<(), String> {
        let block = text(&new["keyRestrictions"], "enforcementType").eq_ignore_ascii_case("block");
        if block {
            // A list of what is refused is there for a reason, and an advisory is one.
            let warned = holders
                .iter()
                .filter(|own| {
                    own.models
                        .iter()
                        .any(|model| refused.contains(model.as_str()))
                })
                .find(|own| self.fails("BG092", &own.name));
            if let Some(holder) = warned {
                return Err(format!(
                    "the methods policy blocks a model of key, and an advisory speaks of a key of {}: give it another key (BG092)",
                    holder.name
                ));
            }
        }
        let models = &mut new["keyRestrictions"]["aaGuids"];
        let mut kept: Vec<Value> = models.as_array().cloned().unwrap_or_default();
        if block {
            kept.retain(|own| {
                let own = own.as_str().unwrap_or_default();
                !refused.iter().any(|model| model.eq_ignore_ascii_case(own))
            });
        } else {
            kept.extend(refused.iter().map(|model| Value::from(*model)));
        }
        *models = Value::Array(kept);
        Ok(())
    }

    /// Gives the group a profile for every model that no profile of an account's targets allows. Says whether anything
    /// changed.
    fn choose_profiles(
        &self,
        new: &mut Value,
        holders: &[Holder],
        group: &str,
    ) -> Result<bool, String> {
        let profiles: Vec<Value> = list(new, "passkeyProfiles").cloned().collect();
        let of_target = |target: &Value, profile: &Value| {
            target["allowedPasskeyProfiles"].is_null()
                || names(target.get("allowedPasskeyProfiles"), text(profile, "id"))
        };
        let before = new.clone();
        for holder in holders {
            for model in &holder.models {
                let taken = list(new, "includeTargets")
                    .filter(|target| self.hits(target, &holder.id))
                    .any(|target| {
                        profiles.iter().any(|own| {
                            of_target(target, own) && allows(&own["keyRestrictions"], model)
                        })
                    });
                if taken {
                    continue;
                }
                let profile = profiles
                    .iter()
                    .find(|own| allows(&own["keyRestrictions"], model))
                    .map(|own| text(own, "id").to_owned())
                    .ok_or_else(|| {
                        format!(
                            "no passkey profile allows the model {model} of a key of {}: add it to one, or make one for the group",
                            holder.name
                        )
                    })?;
                let target = include(new, group);
                match target["allowedPasskeyProfiles"].as_array_mut() {
                    Some(list) => list.push(profile.into()),
                    None => target["allowedPasskeyProfiles"] = json!([profile]),
                }
            }
        }
        Ok(*new != before)
    }

    fn set_fido2(&mut self, at: &At, old: &Value, wanted: &Wanted) {
        let new = &wanted.config;
        let kind =
            json!({"@odata.type": "#microsoft.graph.fido2AuthenticationMethodConfiguration"});
        let (mut body, mut back) = (kind.clone(), kind);
        let (mut before, mut after) = (json!({}), json!({}));
        for field in [
            "state",
            "includeTargets",
            "excludeTargets",
            "keyRestrictions",
        ] {
            if old[field] == new[field] {
                continue;
            }
            let was = match &old[field] {
                Value::Null => json!([]),
                was => was.clone(),
            };
            for (value, into) in [
                (&new[field], [&mut body, &mut after]),
                (&was, [&mut back, &mut before]),
            ] {
                for own in into {
                    own[field] = value.clone();
                }
            }
        }
        let effect = at.effect(new, &after);
        let path = format!("/policies/{POLICY}/{LIST}/fido2");
        self.add(Proposal {
            id: STEP.to_owned(),
            stage: Stage::Keys,
            title: format!("Let the accounts' keys in: {}", wanted.words.join(", ")),
            reason: "A key that the methods policy refuses opens nothing, however well it is kept."
                .to_owned(),
            requirement: "K1",
            permission: "Policy.ReadWrite.AuthenticationMethod, as a signed-in Authentication Policy Administrator",
            // The permission switches methods on and off for the whole tenant: no application of ours is given it.
            by_person: true,
            after: Vec::new(),
            risk: wanted.risk,
            undo_text: "The old settings are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, body),
                Look::Object(path.clone()),
                before,
                after,
                Some(send(Verb::Patch, &path, back)),
            ),
            effects: vec![effect],
        });
    }
}

fn list<'a>(config: &'a Value, key: &str) -> impl Iterator<Item = &'a Value> {
    config[key].as_array().into_iter().flatten()
}

/// Whether restrictions allow a model.
fn allows(restrictions: &Value, model: &str) -> bool {
    if restrictions["isEnforced"] != true {
        return true;
    }
    let block = text(restrictions, "enforcementType").eq_ignore_ascii_case("block");
    names(restrictions.get("aaGuids"), model) != block
}

/// The target of the group, which is added where it is not there.
fn include<'a>(config: &'a mut Value, group: &str) -> &'a mut Value {
    if !config["includeTargets"].is_array() {
        config["includeTargets"] = json!([]);
    }
    let place =
        list(config, "includeTargets").position(|own| text(own, "id").eq_ignore_ascii_case(group));
    let place = place.unwrap_or_else(|| {
        let mut target =
            json!({"targetType": "group", "id": group, "isRegistrationRequired": false});
        if let Some(default) = config["defaultPasskeyProfile"].as_str() {
            target["allowedPasskeyProfiles"] = json!([default]);
        }
        let targets = config["includeTargets"].as_array_mut();
        targets.map_or(0, |targets| {
            targets.push(target);
            targets.len() - 1
        })
    });
    &mut config["includeTargets"][place]
}
