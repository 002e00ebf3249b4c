//! A plan: the ordered steps from the tenant as it is to the modern set-up.
//!
//! A step holds all that is needed to take it and to take it back: the one write, what must stand in the tenant before
//! it, what must stand there afterwards, and what it does to the snapshot, on which the proof is repeated before the
//! write is sent.
//!
//! An object that an earlier step makes has no id yet. It is written `new:<step>`; with `#<path>` behind it
//! (`new:alert-signins#identity.principalId`) it means a field of the answer that the step got.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::{
    NotRead,
    finding::{TenantRef, Tool},
};

/// The `schema` of a plan.
pub const PLAN_SCHEMA: &str = "breakglass/plan/v1";

/// What stands in a plan where the password of a new account will be. It is made when the step is taken, and kept
/// nowhere.
pub const PASSWORD: &str = "(random, made when the step is taken, shown to nobody)";

/// What stands in a plan where the address of Microsoft Graph will be; it differs between clouds.
pub const GRAPH: &str = "{graph}";

/// What an id begins with that an earlier step makes.
pub const NEW: &str = "new:";

/// A plan, `breakglass/plan/v1`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Plan {
    /// `breakglass/plan/v1`.
    pub schema: String,
    /// Who wrote it.
    pub tool: Tool,
    /// When, or the moment given with `--at`.
    #[schemars(with = "String")]
    pub at: Timestamp,
    /// The tenant that it was made for.
    pub tenant: TenantRef,
    /// What was taken for granted.
    pub assumptions: Vec<String>,
    /// What was not read, and what would make it readable.
    pub not_read: Vec<NotRead>,
    /// SHA-256 over tenant, accounts, grounds and steps, in hexadecimal: what an approval and `--yes` name.
    pub digest: String,
    /// Object ids of the emergency access accounts, or `new:<step>`.
    pub accounts: Vec<String>,
    /// What Conditional Access did to the accounts when the plan was made: what its proofs stand on. `apply` takes no step
    /// when it has become something else.
    pub grounds: Vec<Ground>,
    /// What to do, in this order.
    pub steps: Vec<PlanStep>,
    /// What stays open when every step is done, and who or what closes it.
    pub remaining: Vec<Remaining>,
    /// What whoever approves it should know.
    pub warnings: Vec<String>,
}

/// A policy that reaches an account, or may.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Ground {
    /// Object id of the account.
    pub account: String,
    /// The account's name.
    pub account_name: String,
    /// Object id of the policy.
    pub policy: String,
    /// The policy's name.
    pub policy_name: String,
    /// What it does to the account, in one sentence.
    pub does: String,
}

/// Steps that somebody approved: the only ones that may be sent to a tenant.
#[derive(Clone, Copy, Debug)]
pub struct Approved<'a> {
    plan: &'a Plan,
}

impl<'a> Approved<'a> {
    /// The plan.
    pub fn plan(&self) -> &'a Plan {
        self.plan
    }
}

impl Plan {
    /// SHA-256 over tenant, accounts, grounds and steps, in hexadecimal. What is written for people only does not count.
    pub fn fingerprint(&self) -> String {
        // Texts, numbers, lists and objects with text keys: nothing in it can fail to serialise.
        let value =
            serde_json::to_value((&self.tenant.id, &self.accounts, &self.grounds, &self.steps))
                .unwrap_or_default();
        let mut text = String::new();
        canonical(&value, &mut text);
        data_encoding::HEXLOWER.encode(&Sha256::digest(text.as_bytes()))
    }

    /// What its steps touch, as records of changes name it: ids of objects, and names of those that are still to be made.
    pub fn objects(&self) -> Vec<String> {
        let mut objects = BTreeSet::new();
        for step in &self.steps {
            for effect in &step.effects {
                objects.extend(effect.objects().into_iter().map(str::to_owned));
            }
            let ids = step.write.send.path.split(['/', '?', '\'', '(', ')']);
            objects.extend(ids.filter(|part| is_guid(part)).map(str::to_owned));
            let names = ["displayName", "userPrincipalName"];
            let body = &step.write.send.body;
            objects.extend(
                names
                    .iter()
                    .filter_map(|name| body[*name].as_str())
                    .map(str::to_owned),
            );
        }
        objects.retain(|object| !object.is_empty() && !object.starts_with(NEW));
        objects.into_iter().collect()
    }

    /// The plan as approved, when this is the digest that was approved and the plan is still the one that it names.
    pub fn approved(&self, digest: &str) -> Option<Approved<'_>> {
        let own = self.fingerprint();
        (own == self.digest && own.eq_ignore_ascii_case(digest.trim()))
            .then_some(Approved { plan: self })
    }
}

/// Writes a value so that the order of fields and the spaces of a file do not matter.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Array(items) => {
            out.push('[');
            for item in items {
                canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        Value::Object(fields) => {
            let sorted: BTreeMap<&String, &Value> = fields.iter().collect();
            out.push('{');
            for (name, value) in sorted {
                out.push_str(&Value::from(name.as_str()).to_string());
                out.push(':');
                canonical(value, out);
                out.push(',');
            }
            out.push('}');
        }
        plain => out.push_str(&plain.to_string()),
    }
}

impl Write {
    /// The write that takes this one back; `None`: nothing can.
    pub fn reversed(&self) -> Option<Self> {
        Some(Self {
            api: self.api,
            send: self.undo.clone()?,
            needs: self.needs.clone(),
            look: self.look.clone(),
            before: self.after.clone(),
            after: self.before.clone(),
            undo: Some(self.send.clone()),
        })
    }
}

/// Why a step stands where it stands: safety is order.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The accounts are there, enabled, and nobody's.
    Accounts,
    /// The group that policies name.
    Group,
    /// The methods policy lets their keys in.
    Keys,
    /// The authentication strength that names their keys.
    Strength,
    /// Exclusions from policies that would keep them out.
    Exclusions,
    /// The dedicated policy, in report-only.
    DedicatedPolicy,
    /// Global Administrator, permanent and active.
    Role,
    /// The dedicated policy is switched on.
    Enforcement,
    /// Exclusions from policies that they could meet, and that no longer are their only protection.
    OtherExclusions,
    /// Weak methods go, now that the keys do everything.
    Methods,
    /// The head-count of standing Global Administrators.
    HeadCount,
    /// Restricted unit, custom role, and how it is activated.
    Protection,
    /// Logs flow to a workspace.
    Logs,
    /// Rules, receivers, identities.
    Alerts,
}

/// One step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PlanStep {
    /// Short name, unique in the plan.
    pub id: String,
    /// Its stage.
    pub stage: Stage,
    /// What it does, as an order.
    pub title: String,
    /// Why.
    pub reason: String,
    /// The requirement that it serves (`A4`).
    pub requirement: String,
    /// Checks that fail, or cannot tell, for want of it.
    pub checks: Vec<String>,
    /// Permission or Azure role that the write needs.
    pub permission: String,
    /// Whether a signed-in person has to send the write: Microsoft takes it from no application for itself, or no
    /// application should hold the permission.
    pub by_person: bool,
    /// Steps that have to be done before, by name: without them it would leave something open.
    pub after: Vec<String>,
    /// What can go wrong.
    pub risk: String,
    /// How it is taken back, in words.
    pub undo_text: String,
    /// The write.
    pub write: Write,
    /// What it changes in the snapshot.
    pub effects: Vec<Effect>,
}

/// The service that a write goes to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Api {
    /// Microsoft Graph v1.0.
    Graph,
    /// Microsoft Graph beta.
    GraphBeta,
    /// Azure Resource Manager.
    Arm,
}

/// The method of a write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Verb {
    /// Makes an object, a reference, or a request.
    Post,
    /// Changes fields.
    Patch,
    /// Makes or replaces an object at its address.
    Put,
    /// Removes.
    Delete,
}

/// A request that changes something.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Send {
    /// Method.
    pub verb: Verb,
    /// Path below the version, with query; for Azure with `api-version`.
    pub path: String,
    /// Body; null: none.
    pub body: Value,
}

/// A write, with what is looked at before and after it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Write {
    /// The service.
    pub api: Api,
    /// What is sent.
    pub send: Send,
    /// Objects that the request names by what they are, looked up before it is sent: their name and where they are.
    pub needs: Vec<Need>,
    /// Where the object is looked at.
    pub look: Look,
    /// What must be there before: the fields that matter, as they are. Null: nothing may be there.
    pub before: Value,
    /// What must be there afterwards. Null: nothing.
    pub after: Value,
    /// What takes it back; null where nothing can.
    pub undo: Option<Send>,
}

/// An object that a request names and that nobody's step makes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Need {
    /// The name: `new:<name>#<field>` stands for a field of it.
    pub name: String,
    /// Where it is.
    pub look: Look,
}

/// Where an object is looked at.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Look {
    /// The object itself. Not found: nothing is there.
    Object(String),
    /// A list, and the fields that tell the object in it.
    Among {
        /// Path of the list.
        path: String,
        /// Fields that the object has and no other.
        fields: Value,
    },
}

/// What a step changes in the snapshot.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// Fields of a user are set; a user that is not there is made.
    User {
        /// Object id.
        id: String,
        /// Fields, in Graph's names.
        set: Value,
    },
    /// A method of a user is gone.
    MethodGone {
        /// Object id of the user.
        user: String,
        /// Id of the method.
        method: String,
    },
    /// A role-assignable group is made.
    Group {
        /// Object id.
        id: String,
        /// Display name.
        name: String,
    },
    /// A group gets a member.
    Member {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// A group loses a member.
    MemberGone {
        /// The group.
        group: String,
        /// The member.
        member: String,
    },
    /// A restricted management administrative unit is made.
    Unit {
        /// Object id.
        id: String,
        /// Display name.
        name: String,
    },
    /// A unit gets a member.
    UnitMember {
        /// The unit.
        unit: String,
        /// The member.
        member: String,
    },
    /// A custom role is made.
    Role {
        /// Id of the definition.
        id: String,
        /// Display name.
        name: String,
        /// Allowed resource actions.
        actions: Vec<String>,
    },
    /// A role is given, or taken.
    Assignment {
        /// Who.
        principal: String,
        /// Id of the role definition.
        role: String,
        /// Directory scope.
        scope: String,
        /// Active, else eligible.
        active: bool,
        /// Given, else taken.
        given: bool,
    },
    /// A Conditional Access policy is made, or fields of it are replaced (objects are merged, lists replaced).
    Policy {
        /// Its id.
        id: String,
        /// The fields.
        set: Value,
    },
    /// An object of a collection that the snapshot keeps as it is: made, or fields of it replaced.
    Object {
        /// Name of the collection in the snapshot.
        collection: String,
        /// Its id.
        id: String,
        /// The fields.
        set: Value,
    },
}

impl Effect {
    /// Ids of what it changes and of whom it changes it for. A role that is given is none: it is given to others, too.
    fn objects(&self) -> Vec<&str> {
        match self {
            Self::User { id, .. }
            | Self::Group { id, .. }
            | Self::Unit { id, .. }
            | Self::Role { id, .. }
            | Self::Policy { id, .. }
            | Self::Object { id, .. } => vec![id],
            Self::MethodGone { user, method } => vec![user, method],
            Self::Member { group, member } | Self::MemberGone { group, member } => {
                vec![group, member]
            }
            Self::UnitMember { unit, member } => vec![unit, member],
            Self::Assignment { principal, .. } => vec![principal],
        }
    }
}

fn is_guid(text: &str) -> bool {
    uuid::Uuid::try_parse(text).is_ok() && text.len() == 36
}

/// What stays open when every step is done.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Remaining {
    /// The check.
    pub check: String,
    /// Its requirement.
    pub requirement: String,
    /// `fail` or `cannot-tell`.
    pub verdict: String,
    /// Its title.
    pub title: String,
    /// What it is about.
    pub subject: String,
    /// Why it is open.
    pub because: String,
    /// Who or what closes it.
    pub closed_by: String,
    /// What they do.
    pub fix: String,
}

/// Values that earlier steps gave, by `new:<step>` and `new:<step>#<path>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Known(BTreeMap<String, String>);

impl Known {
    /// Nothing yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Keeps what a step gave: the object's `id`, and every text in it by its path.
    pub fn keep(&mut self, step: &str, object: &Value) {
        fn walk(known: &mut BTreeMap<String, String>, key: &str, at: &str, value: &Value) {
            match value {
                Value::String(text) => {
                    known.insert(format!("{key}#{at}"), text.clone());
                }
                Value::Object(fields) => {
                    for (name, value) in fields {
                        let at = if at.is_empty() {
                            name.clone()
                        } else {
                            format!("{at}.{name}")
                        };
                        walk(known, key, &at, value);
                    }
                }
                _ => {}
            }
        }
        let key = format!("{NEW}{step}");
        if let Some(id) = object.get("id").and_then(Value::as_str) {
            self.0.insert(key.clone(), id.to_owned());
        }
        walk(&mut self.0, &key, "", object);
    }

    /// The text with everything that is known in it; `Err`: the first name that is not.
    ///
    /// # Errors
    /// The name that no step gave.
    pub fn text(&self, text: &str) -> Result<String, String> {
        self.replaced(text, &mut |name| Err(name.to_owned()))
    }

    fn replaced(
        &self,
        text: &str,
        unknown: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<String, String> {
        let mut out = String::with_capacity(text.len());
        let mut rest = text;
        while let Some(at) = rest.find(NEW) {
            let (before, from) = rest.split_at(at);
            out.push_str(before);
            let end = from
                .char_indices()
                .skip(NEW.len())
                .find(|(_, c)| !(c.is_ascii_alphanumeric() || matches!(c, '-' | '#' | '.' | '_')))
                .map_or(from.len(), |(end, _)| end);
            let (name, after) = from.split_at(end);
            match self.0.get(name) {
                Some(value) => out.push_str(value),
                None => out.push_str(&unknown(name)?),
            }
            rest = after;
        }
        out.push_str(rest);
        Ok(out)
    }

    /// Everything that serialises, with what is known in its texts; what is not stays as it is written.
    pub fn partly<T: Serialize + serde::de::DeserializeOwned + Clone>(&self, item: &T) -> T {
        let replaced = serde_json::to_value(item)
            .ok()
            .and_then(|value| self.walk(&value, &mut |name| Ok(name.to_owned())).ok())
            .and_then(|value| serde_json::from_value(value).ok());
        replaced.unwrap_or_else(|| item.clone())
    }

    /// The value with everything that is known in its texts.
    ///
    /// # Errors
    /// The name that no step gave.
    pub fn value(&self, value: &Value) -> Result<Value, String> {
        self.walk(value, &mut |name| Err(name.to_owned()))
    }

    fn walk(
        &self,
        value: &Value,
        unknown: &mut dyn FnMut(&str) -> Result<String, String>,
    ) -> Result<Value, String> {
        Ok(match value {
            Value::String(text) => Value::String(self.replaced(text, unknown)?),
            Value::Array(items) => Value::Array(
                items
                    .iter()
                    .map(|item| self.walk(item, unknown))
                    .collect::<Result<_, _>>()?,
            ),
            Value::Object(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, value)| Ok((name.clone(), self.walk(value, unknown)?)))
                    .collect::<Result<_, String>>()?,
            ),
            other => other.clone(),
        })
    }

    /// Everything that serialises, with what is known in its texts.
    ///
    /// # Errors
    /// The name that no step gave.
    pub fn all<T: Serialize + serde::de::DeserializeOwned>(&self, item: &T) -> Result<T, String> {
        let value = serde_json::to_value(item).map_err(|error| error.to_string())?;
        serde_json::from_value(self.value(&value)?).map_err(|error| error.to_string())
    }
}

/// Whether an object has these fields with these values. Texts that are ids differ in letter case only by accident, so
/// case does not matter; lists must hold the same items in any order; objects may have more fields; null also means
/// that a field is not there or empty.
pub fn has(object: &Value, fields: &Value) -> bool {
    match (object, fields) {
        (Value::String(a), Value::String(b)) => a.eq_ignore_ascii_case(b),
        (Value::Object(object), Value::Object(fields)) => fields
            .iter()
            .all(|(name, wanted)| has(object.get(name).unwrap_or(&Value::Null), wanted)),
        (Value::Array(a), Value::Array(b)) => {
            a.len() == b.len()
                && b.iter()
                    .all(|wanted| a.iter().any(|item| has(item, wanted)))
        }
        (Value::Array(a), Value::Null) => a.is_empty(),
        (Value::Null, Value::Array(b)) => b.is_empty(),
        (Value::Number(a), Value::Number(b)) => a.as_f64() == b.as_f64(),
        (a, b) => a == b,
    }
}

/// Puts fields into an object: objects are merged, everything else is replaced.
pub fn merge(object: &mut Value, fields: &Value) {
    match (object, fields) {
        (Value::Object(object), Value::Object(fields)) => {
            for (name, value) in fields {
                merge(object.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (object, fields) => *object = fields.clone(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_a_step_gave_stands_where_later_steps_name_it() {
        let mut known = Known::new();
        known.keep(
            "rule",
            &json!({"id": "/subscriptions/1/rule", "identity": {"principalId": "p"}}),
        );
        let step = json!({"a": "new:rule#identity.principalId", "b": ["x/new:rule/y"], "c": 1});
        assert_eq!(
            known.value(&step).unwrap(),
            json!({"a": "p", "b": ["x//subscriptions/1/rule/y"], "c": 1})
        );
        assert_eq!(known.text("'new:group'").unwrap_err(), "new:group");
    }

    #[test]
    fn fields_are_compared_as_the_services_write_them() {
        let object =
            json!({"id": "AB", "list": [{"x": 1, "y": 2}], "n": 1.0, "none": [], "more": true});
        assert!(has(
            &object,
            &json!({"id": "ab", "list": [{"x": 1}], "n": 1, "none": null, "gone": null})
        ));
        assert!(!has(&object, &json!({"list": []})));
        assert!(!has(&object, &json!({"more": false})));
    }

    #[test]
    fn fields_are_merged_and_lists_replaced() {
        let mut object = json!({"a": {"b": 1, "c": [1, 2]}, "d": 1});
        merge(&mut object, &json!({"a": {"c": [3]}, "e": null}));
        assert_eq!(object, json!({"a": {"b": 1, "c": [3]}, "d": 1, "e": null}));
    }
}
