//! Conditional Access: the exclusions, and the order of all that concerns access.

use breakglass_conditional_access::prove::{Effect as Outcome, Reach, Verdict};
use breakglass_model::plan::{Effect, Look, Stage, Verb};
use serde_json::{Value, json};

use super::{
    dedicated::REPORT_ONLY,
    draft::{Draft, Proposal, graph, send, slug},
};
use crate::Lockout;

/// Why a policy has to leave the accounts out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Why {
    /// It keeps them out.
    KeepsOut,
    /// It reaches them and is not meant to.
    NotMeant,
    /// It waits in report-only and would keep them out.
    WouldKeepOut,
}

impl Why {
    fn stage(self) -> Stage {
        match self {
            Self::KeepsOut => Stage::Exclusions,
            Self::NotMeant | Self::WouldKeepOut => Stage::OtherExclusions,
        }
    }

    fn requirement(self) -> &'static str {
        match self {
            Self::KeepsOut => "C1",
            Self::NotMeant => "C4",
            Self::WouldKeepOut => "C5",
        }
    }

    fn reason(self) -> &'static str {
        match self {
            Self::KeepsOut | Self::NotMeant => {
                "The policy can reach the accounts and is not meant to"
            }
            Self::WouldKeepOut => {
                "The policy waits in report-only and would keep the accounts out on the day when it is switched on"
            }
        }
    }

    fn risk(self) -> &'static str {
        match self {
            Self::KeepsOut | Self::NotMeant => {
                "The policy guards the accounts no longer: the dedicated policy does."
            }
            Self::WouldKeepOut => "None: a policy in report-only guards nobody.",
        }
    }
}

impl Draft<'_> {
    /// Strength, exclusions, dedicated policy, role, enforcement, in the order that is safe.
    pub(super) fn access(&mut self) {
        self.tell_who_waits();
        let pending = if self.any_waits() {
            None
        } else {
            self.widen_strengths();
            self.dedicated()
        };
        self.exclusions(Why::KeepsOut, &[Outcome::Block, Outcome::Deny]);
        self.permanent_allowed();
        self.role();
        if let Some(pending) = pending {
            self.enforce(&pending);
        }
        // What had to wait until the dedicated policy stands.
        self.exclusions(
            Why::NotMeant,
            &[
                Outcome::Block,
                Outcome::Deny,
                Outcome::Challenge,
                Outcome::Session,
            ],
        );
        self.going_live();
        self.regroup();
    }

    pub(super) fn lockout(&self) -> Lockout {
        Lockout::new(&self.now, &self.resolved())
    }

    /// Excludes the group from every policy that reaches an account without being meant to.
    fn exclusions(&mut self, why: Why, outcomes: &[Outcome]) {
        let Some(group) = self.group.clone() else {
            return;
        };
        let lockout = self.lockout();
        let mut places = Vec::new();
        for account in 0..self.accounts.len() {
            for proof in lockout
                .of(account)
                .iter()
                .flat_map(|own| &own.proof.policies)
            {
                if !proof.intended
                    && proof.reach != Reach::Never
                    && outcomes.contains(&proof.effect)
                    && !places.contains(&proof.policy)
                {
                    places.push(proof.policy);
                }
            }
        }
        places.sort_unstable();
        for place in places {
            self.exclude(place, &group, why);
        }
    }

    /// Report-only policies that keep the accounts out on the day when they are switched on. Others need no exclusion.
    fn going_live(&mut self) {
        let Some(group) = self.group.clone() else {
            return;
        };
        loop {
            let lockout = self.lockout();
            let mut places = Vec::new();
            for account in 0..self.accounts.len() {
                let Some(proved) = lockout.of(account) else {
                    continue;
                };
                if proved.proof.verdict == Verdict::LockedOut
                    || proved.live.verdict != Verdict::LockedOut
                {
                    continue;
                }
                places.extend(proved.live.blame.iter().copied().filter(|place| {
                    let waits = self
                        .now
                        .policies
                        .items
                        .get(*place)
                        .is_some_and(|own| own.state.as_deref() == Some(REPORT_ONLY));
                    let mut proofs = proved.live.policies.iter();
                    waits && proofs.any(|own| own.policy == *place && !own.intended)
                }));
            }
            places.sort_unstable();
            places.dedup();
            // What is left behind these shows only when they are out of the way.
            let mut more = false;
            for place in places {
                more |= self.exclude(place, &group, Why::WouldKeepOut);
            }
            if !more {
                return;
            }
        }
    }

    /// Excludes the group from a policy. Gives whether that was planned.
    fn exclude(&mut self, place: usize, group: &str, why: Why) -> bool {
        let Some(policy) = self.now.policies.items.get(place) else {
            return false;
        };
        let (Some(id), name) = (
            policy.id.as_ref().map(ToString::to_string),
            policy.display_name.clone().unwrap_or_default(),
        ) else {
            self.warn("a policy without id reaches the accounts: its export cannot be planned on");
            return false;
        };
        let mut conditions = policy.raw["conditions"].clone();
        let before = conditions["users"].clone();
        let mut excluded: Vec<Value> = before["excludeGroups"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        if excluded.iter().any(|own| {
            own.as_str()
                .is_some_and(|own| own.eq_ignore_ascii_case(group))
        }) {
            return false;
        }
        excluded.push(group.into());
        conditions["users"]["excludeGroups"] = Value::Array(excluded.clone());
        let microsofts =
            policy.raw["templateId"].is_string() && name.starts_with("Microsoft-managed");
        let mut back = policy.raw["conditions"].clone();
        if back["users"]["excludeGroups"].is_null() {
            back["users"]["excludeGroups"] = json!([]);
        }
        let path = format!("/identity/conditionalAccess/policies/{id}");
        let step = format!("exclude-{}", slug(&name));
        let step = if self.has(&step) {
            format!("{step}-{}", slug(&id))
        } else {
            step
        };
        let title = format!("Exclude the group from {name}");
        let result = self.propose(Proposal {
            id: step,
            stage: why.stage(),
            title: title.clone(),
            reason: format!(
                "{}{}.",
                why.reason(),
                if microsofts {
                    " (it is managed by Microsoft: only exclusions can be changed)"
                } else {
                    ""
                }
            ),
            requirement: why.requirement(),
            permission: "Policy.Read.All, Policy.ReadWrite.ConditionalAccess, Application.Read.All",
            by_person: false,
            after: Vec::new(),
            risk: why.risk(),
            undo_text: "The old exclusions are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, json!({"conditions": conditions})),
                Look::Object(path.clone()),
                json!({"displayName": name, "conditions": {"users": before}}),
                json!({"conditions": {"users": {"excludeGroups": excluded}}}),
                Some(send(Verb::Patch, &path, json!({"conditions": back}))),
            ),
            effects: vec![Effect::Policy {
                id,
                set: json!({"conditions": {"users": {"excludeGroups": excluded}}}),
            }],
        });
        match result {
            Ok(()) => return true,
            // Before the dedicated policy stands this may be the accounts' only guard; it comes up again then.
            Err(_) if why == Why::KeepsOut => {}
            Err(dangers) => self.refuse(&title, &dangers),
        }
        false
    }
}
