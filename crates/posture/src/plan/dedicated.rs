//! The dedicated policy: the one that is there, put right where it falls short, else a new one; and its strength.

use breakglass_conditional_access::{
    policy::{Policy, Target},
    prove::{Effect as Outcome, Reach},
};
use breakglass_model::{
    TenantSnapshot,
    plan::{Effect, Look, Stage, Verb, merge},
    tenant::MethodKind,
};
use serde_json::{Value, json};

use super::{
    draft::{Draft, Proposal, graph, send},
    simulate,
};
use crate::Lockout;

/// Display names of what is made, see `access`.
const STRENGTH: &str = "Emergency access keys";
const POLICY: &str = "Emergency access: keys and short sessions";

const ENABLED: &str = "enabled";
pub(super) const REPORT_ONLY: &str = "enabledForReportingButNotEnforced";
const POLICIES: &str = "/identity/conditionalAccess/policies";
const PERMISSION: &str =
    "Policy.Read.All, Policy.ReadWrite.ConditionalAccess, Application.Read.All";

/// How short sessions are (C3).
fn frequency() -> Value {
    json!({"value": 1, "type": "hours", "authenticationType": "primaryAndSecondaryAuthentication",
        "frequencyInterval": "timeBased", "isEnabled": true})
}

fn never() -> Value {
    json!({"mode": "never", "isEnabled": true})
}

/// What is done to the dedicated policy once nothing else keeps the accounts out.
#[derive(Debug)]
pub(super) enum Pending {
    /// It is switched on: id, name, and the state that it is in.
    On(String, String, String),
    /// It is in force, and is put right there.
    Right(Mend),
}

/// An existing policy and what it lacks.
#[derive(Clone, Debug)]
pub(super) struct Mend {
    id: String,
    name: String,
    /// Its state as it is.
    state: String,
    raw: Value,
    /// `conditions` and `sessionControls`, what is replaced in them.
    set: Value,
    /// The same in words.
    words: Vec<&'static str>,
}

impl Draft<'_> {
    /// The dedicated policy: one that is there, else a new one in report-only. Gives what has still to be done to it when
    /// the accounts have their way in.
    pub(super) fn dedicated(&mut self) -> Option<Pending> {
        let group = self.group.clone()?;
        let lockout = self.lockout();
        let places: Vec<usize> = (0..self.now.policies.items.len())
            .filter(|place| lockout.asks_for_strength(*place))
            .collect();
        let everywhere = |account: usize| {
            places.iter().any(|place| {
                lockout.policy(*place).is_some_and(Policy::unconditional)
                    && meets(&lockout, account, *place)
            })
        };
        let short = |check: &str| {
            self.accounts
                .iter()
                .all(|account| !self.fails(check, &account.name))
        };
        if (0..self.accounts.len()).all(everywhere) && short("BG044") && short("BG096") {
            return None;
        }
        let mends = places
            .iter()
            .filter_map(|place| self.mendable(&lockout, *place));
        let mend = mends.min_by_key(|mend| {
            let rank = [ENABLED, REPORT_ONLY]
                .iter()
                .position(|state| *state == mend.state);
            (rank.unwrap_or(2), mend.words.len())
        });
        if let Some(mend) = mend {
            return self.put_right(mend);
        }
        let there = places.iter().find(|place| {
            (0..self.accounts.len()).any(|account| {
                intended(&lockout, account, **place)
                    && self.now.policies.items[**place].state.as_deref() != Some("disabled")
            })
        });
        if let Some(place) = there {
            let name = lockout.policy_name(*place).to_owned();
            self.warn(format!(
                "the policy {name} is meant for the accounts, and cannot be made the dedicated one: not every account is meant or can meet \
                 it, or it holds under conditions only; a policy of our own is planned beside it, and {name} is left to people"
            ));
        }
        self.create_strength();
        self.create_policy(&group)
    }

    /// What makes an existing policy the dedicated one; `None`: nothing that a plan does.
    fn mendable(&self, lockout: &Lockout, place: usize) -> Option<Mend> {
        let read = lockout.policy(place)?;
        let policy = self.now.policies.items.get(place)?;
        let id = policy.id.as_ref()?.to_string();
        let state = policy.state.clone()?;
        let all = (0..self.accounts.len()).all(|account| intended(lockout, account, place));
        let declared = || {
            let entries = self
                .input
                .register
                .into_iter()
                .flat_map(|own| &own.accounts);
            entries
                .flat_map(|entry| &entry.intended_policies)
                .any(|own| own.to_string().eq_ignore_ascii_case(&id))
        };
        // One that somebody switched off counts only when the register still says that it is meant.
        let live = state == ENABLED || state == REPORT_ONLY || declared();
        let Target::Resources(_) = &read.target else {
            return None;
        };
        // A policy for some places, platforms or risks is there for something else.
        let narrow = read.platforms.is_some()
            || read.locations.is_some()
            || read.sign_in_risk.is_some()
            || read.user_risk.is_some()
            || read.insider_risk.is_some()
            || read.device.is_some()
            || read.flows.is_some()
            || !read.unknown.is_empty();
        if !all || !live || narrow {
            return None;
        }
        let mut set = json!({});
        let mut words = Vec::new();
        if !read.unconditional() {
            set["conditions"] = json!({"clientAppTypes": ["all"], "applications": {
                "includeApplications": ["All"], "excludeApplications": [], "applicationFilter": null}});
            words.push("every resource and client");
        }
        // What it is worth is seen when it is in force.
        let mut after = self.now.clone();
        let mut on = set.clone();
        on["state"] = ENABLED.into();
        simulate(
            &mut after,
            &[Effect::Policy {
                id: id.clone(),
                set: on,
            }],
        );
        let then = Lockout::new(&after, &self.resolved());
        if !(0..self.accounts.len()).all(|account| meets(&then, account, place)) {
            return None;
        }
        if self.long(&after, "BG044") {
            set["sessionControls"]["signInFrequency"] = frequency();
            words.push("a sign-in frequency of one hour");
        }
        if self.long(&after, "BG096") {
            set["sessionControls"]["persistentBrowser"] = never();
            words.push("no persistent browser session");
        }
        Some(Mend {
            name: policy.display_name.clone().unwrap_or_else(|| id.clone()),
            id,
            state,
            raw: policy.raw.clone(),
            set,
            words,
        })
    }

    /// Whether a check of sessions fails for an account.
    fn long(&self, snapshot: &TenantSnapshot, check: &str) -> bool {
        let found = self.findings_in(snapshot, &[check.to_owned()]);
        found
            .values()
            .any(|finding| finding.verdict == breakglass_model::Verdict::Fail)
    }

    /// Puts an existing policy right. One in force stays in force: a trial in report-only would take the guard away. One that
    /// is not keeps its state until it is switched on.
    fn put_right(&mut self, mend: Mend) -> Option<Pending> {
        let lacks = !mend.words.is_empty();
        if mend.state == ENABLED {
            return lacks.then_some(Pending::Right(mend));
        }
        let planned = !lacks || self.patch(&mend, Stage::DedicatedPolicy);
        planned.then_some(Pending::On(mend.id, mend.name, mend.state))
    }

    /// The patch of an existing policy. Gives whether it was planned.
    fn patch(&mut self, mend: &Mend, stage: Stage) -> bool {
        let Mend { id, name, raw, .. } = mend;
        let live = mend.state == ENABLED;
        let mut body = json!({});
        let mut back = json!({});
        let mut before = json!({"displayName": name, "state": mend.state});
        let set = mend.set.clone();
        // Whole objects are sent: what Graph does with parts of them it does not say.
        for key in ["conditions", "sessionControls"] {
            if mend.set[key].is_null() {
                continue;
            }
            let mut whole = match &raw[key] {
                Value::Null => json!({}),
                own => own.clone(),
            };
            merge(&mut whole, &mend.set[key]);
            body[key] = whole;
            back[key] = raw[key].clone();
            before[key] = match key {
                "conditions" => {
                    json!({"clientAppTypes": raw[key]["clientAppTypes"], "applications": raw[key]["applications"],
                    "users": raw[key]["users"]})
                }
                _ => raw[key].clone(),
            };
        }
        let path = format!("{POLICIES}/{id}");
        self.add(Proposal {
            id: "dedicated".to_owned(),
            stage,
            title: format!("Set {} in the dedicated policy {name}", mend.words.join(", ")),
            reason: if live {
                "The policy is the accounts' guard, and leaves some sign-ins or long sessions out. It is changed in force: set back to report-only for a trial it would guard nothing; what it does is proved instead."
            } else {
                "The policy is meant for the accounts and is not in force; it is put right before it is switched on."
            }
            .to_owned(),
            requirement: if mend.set["conditions"].is_null() { "C3" } else { "C2" },
            permission: PERMISSION,
            by_person: false,
            after: if live { self.after_keys() } else { Vec::new() },
            risk: if live {
                "The accounts are asked for their keys more often and in more places. The proof is made again before this step."
            } else {
                "None: a policy that is not in force keeps nobody out."
            },
            undo_text: "The old settings are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, body),
                Look::Object(path.clone()),
                before,
                set.clone(),
                Some(send(Verb::Patch, &path, back)),
            ),
            effects: vec![Effect::Policy { id: id.clone(), set }],
        })
    }

    fn create_policy(&mut self, group: &str) -> Option<Pending> {
        let body = json!({
            "displayName": POLICY,
            "state": REPORT_ONLY,
            "conditions": {
                "clientAppTypes": ["all"],
                "users": {"includeGroups": [group], "includeUsers": [], "excludeUsers": [], "excludeGroups": [], "includeRoles": [], "excludeRoles": []},
                "applications": {"includeApplications": ["All"], "excludeApplications": [], "includeUserActions": [], "includeAuthenticationContextClassReferences": []},
            },
            "grantControls": {"operator": "OR", "builtInControls": [], "customAuthenticationFactors": [], "termsOfUse": [],
                "authenticationStrength": {"id": "new:strength"}},
            "sessionControls": {"signInFrequency": frequency(), "persistentBrowser": never()},
        });
        let added = self.add(Proposal {
            id: "policy".to_owned(),
            stage: Stage::DedicatedPolicy,
            title: format!("Create the policy `{POLICY}`, in report-only"),
            reason: "Accounts that are excluded from everything are guarded by nothing: one policy of their own asks for their keys and keeps sessions short. It is tried in report-only first (C5).".to_owned(),
            requirement: "C2",
            permission: PERMISSION,
            by_person: false,
            after: Vec::new(),
            risk: "None: a policy in report-only keeps nobody out.",
            undo_text: "The policy is deleted.".to_owned(),
            write: graph(
                send(Verb::Post, POLICIES, body.clone()),
                Look::Among { path: POLICIES.to_owned(), fields: json!({"displayName": POLICY}) },
                Value::Null,
                json!({"displayName": POLICY, "state": REPORT_ONLY, "conditions": {"users": {"includeGroups": [group]}}}),
                Some(send(Verb::Delete, format!("{POLICIES}/new:policy"), Value::Null)),
            ),
            effects: vec![Effect::Policy { id: "new:policy".to_owned(), set: body }],
        });
        added.then(|| {
            Pending::On(
                "new:policy".to_owned(),
                format!("`{POLICY}`"),
                REPORT_ONLY.to_owned(),
            )
        })
    }

    fn create_strength(&mut self) {
        let mut models: Vec<String> = self
            .ids()
            .iter()
            .filter_map(|id| self.now.user(id))
            .flat_map(|user| user.methods.get().into_iter().flatten())
            .filter(|method| method.kind == MethodKind::Fido2)
            .filter_map(|method| method.aaguid.as_ref().map(|own| own.to_lowercase()))
            .collect();
        models.sort();
        models.dedup();
        let mut body = json!({
            "displayName": STRENGTH,
            "description": "Security keys of the emergency access accounts",
            "allowedCombinations": ["fido2"],
        });
        if !models.is_empty() {
            body["combinationConfigurations"] = json!([{
                "@odata.type": "#microsoft.graph.fido2CombinationConfiguration",
                "appliesToCombinations": ["fido2"],
                "allowedAAGUIDs": models,
            }]);
        }
        let path = "/policies/authenticationStrengthPolicies";
        let mut set = body.clone();
        set["policyType"] = "custom".into();
        set["requirementsSatisfied"] = "mfa".into();
        self.add(Proposal {
            id: "strength".to_owned(),
            stage: Stage::Strength,
            title: format!("Create the authentication strength `{STRENGTH}`"),
            reason: "The dedicated policy asks for the models of keys that are registered, and for nothing else.".to_owned(),
            requirement: "C2",
            permission: "Policy.ReadWrite.ConditionalAccess",
            by_person: false,
            after: Vec::new(),
            risk: "None: no policy asks for it yet. A key of another model has to be added here before it works.",
            undo_text: "The strength is deleted.".to_owned(),
            write: graph(
                send(Verb::Post, path, body),
                Look::Among { path: path.to_owned(), fields: json!({"displayName": STRENGTH}) },
                Value::Null,
                json!({"displayName": STRENGTH, "allowedCombinations": ["fido2"]}),
                Some(send(Verb::Delete, format!("{path}/new:strength"), Value::Null)),
            ),
            effects: vec![Effect::Object {
                collection: "authenticationStrengthPolicies".to_owned(), id: "new:strength".to_owned(), set,
            }],
        });
    }

    /// The dedicated policy is switched on, or put right where it is on already.
    pub(super) fn enforce(&mut self, pending: &Pending) {
        let (policy, name, was) = match pending {
            Pending::On(policy, name, was) => (policy, name, was),
            Pending::Right(mend) => {
                self.patch(mend, Stage::Enforcement);
                return;
            }
        };
        let path = format!("{POLICIES}/{policy}");
        let on = json!({"state": ENABLED});
        let off = json!({"state": was});
        self.add(Proposal {
            id: "enforce".to_owned(),
            stage: Stage::Enforcement,
            title: format!("Switch the policy {name} on"),
            reason: "Until now nothing asked the accounts for their keys.".to_owned(),
            requirement: "C2",
            permission: PERMISSION,
            by_person: false,
            after: self.after_keys(),
            risk: "From now on the accounts get in with their keys only. The proof is made again before this step.",
            undo_text: if was == REPORT_ONLY { "The policy is set back to report-only." } else { "The policy is switched off again." }.to_owned(),
            write: graph(
                send(Verb::Patch, &path, on.clone()),
                Look::Object(path.clone()),
                off.clone(),
                on.clone(),
                Some(send(Verb::Patch, &path, off)),
            ),
            effects: vec![Effect::Policy { id: policy.clone(), set: on }],
        });
    }
}

/// Whether a policy is meant for an account.
fn intended(lockout: &Lockout, account: usize, place: usize) -> bool {
    lockout
        .of(account)
        .and_then(|proved| proved.proof.policies.iter().find(|own| own.policy == place))
        .is_some_and(|proof| proof.intended)
}

/// Whether it is meant for it, reaches it, and can be met.
fn meets(lockout: &Lockout, account: usize, place: usize) -> bool {
    lockout
        .of(account)
        .and_then(|proved| proved.proof.policies.iter().find(|own| own.policy == place))
        .is_some_and(|proof| {
            proof.intended && proof.reach == Reach::Can && proof.effect == Outcome::Challenge
        })
}
