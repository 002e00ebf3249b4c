//! Conditional Access: the group that policies name, the exclusions, and the order of all that concerns access.

use breakglass_conditional_access::prove::{Effect as Outcome, Reach, Verdict};
use breakglass_model::{
    ObjectId, Reading,
    plan::{Effect, GRAPH, Look, Stage, Verb},
    tenant::MethodKind,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send, slug};
use crate::Lockout;

/// Display names of what is made. An object that somebody made under one of these names is not touched: a plan that
/// finds it says that it is out of date.
const GROUP: &str = "Emergency access accounts";

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
    /// The role-assignable group, with all accounts in it.
    pub(super) fn group(&mut self) {
        let declared = self
            .input
            .register
            .into_iter()
            .flat_map(|register| &register.accounts)
            .find_map(|entry| entry.group.clone());
        let usable = |id: &ObjectId| {
            self.now.group(id).is_some_and(|group| {
                group.role_assignable == Reading::Read(true)
                    && group.dynamic.get() != Some(&true)
                    && group.members.get().is_some()
            })
        };
        let ids = self.ids();
        // Another group serves only when it holds the accounts and nobody else.
        let of_their_own = self.now.groups.iter().find(|group| {
            group.role_assignable == Reading::Read(true)
                && group.members.get().is_some_and(|members| {
                    !members.is_empty() && members.iter().all(|member| ids.contains(member))
                })
        });
        let group = declared
            .filter(usable)
            .or_else(|| of_their_own.and_then(|group| group.id.clone()));
        let group = if let Some(group) = group {
            group.to_string()
        } else {
            if !self.create_group() {
                return;
            }
            "new:group".to_owned()
        };
        for account in self.accounts.clone() {
            let member = account.id.to_string();
            let inside = ObjectId::parse(&group)
                .ok()
                .and_then(|id| self.now.group(&id))
                .and_then(|group| group.members.get())
                .is_some_and(|members| members.contains(&account.id));
            if !inside {
                self.join(&group, &member, &account.name);
            }
        }
        self.group = Some(group);
    }

    fn create_group(&mut self) -> bool {
        self.add(Proposal {
            id: "group".to_owned(),
            stage: Stage::Group,
            title: format!("Create the role-assignable group `{GROUP}`"),
            reason: "Policies exclude one group that only Global and Privileged Role Administrators can fill, not accounts one by one.".to_owned(),
            requirement: "M2",
            permission: "Group.ReadWrite.All, RoleManagement.ReadWrite.Directory",
            by_person: false,
            after: Vec::new(),
            risk: "None: the group is empty and named nowhere.",
            undo_text: "The group is deleted; Microsoft keeps it for 30 days.".to_owned(),
            write: graph(
                send(Verb::Post, "/groups", json!({
                    "displayName": GROUP, "description": "Break glass accounts; excluded from Conditional Access policies on purpose",
                    "mailEnabled": false, "mailNickname": "emergency-access", "securityEnabled": true,
                    "groupTypes": [], "isAssignableToRole": true,
                })),
                Look::Among {
                    path: format!("/groups?$filter=displayName eq '{GROUP}'&$select=id,displayName,isAssignableToRole"),
                    fields: json!({"displayName": GROUP}),
                },
                Value::Null,
                json!({"displayName": GROUP, "isAssignableToRole": true}),
                Some(send(Verb::Delete, "/groups/new:group", Value::Null)),
            ),
            effects: vec![Effect::Group { id: "new:group".to_owned(), name: GROUP.to_owned() }],
        })
    }

    fn join(&mut self, group: &str, member: &str, name: &str) {
        let path = format!("/groups/{group}/members");
        self.add(Proposal {
            id: format!("join-{}", slug(name)),
            stage: Stage::Group,
            title: format!("Add {name} to the group"),
            reason: "Whatever excludes or includes the group then reaches the account.".to_owned(),
            requirement: "M2",
            permission: "GroupMember.ReadWrite.All, RoleManagement.ReadWrite.Directory",
            by_person: false,
            after: Vec::new(),
            risk: "Policies that name the group reach the account from now on.",
            undo_text: "The account is taken out of the group.".to_owned(),
            write: graph(
                send(
                    Verb::Post,
                    format!("{path}/$ref"),
                    json!({"@odata.id": format!("{GRAPH}/directoryObjects/{member}")}),
                ),
                Look::Among {
                    path: format!("{path}?$select=id"),
                    fields: json!({"id": member}),
                },
                Value::Null,
                json!({"id": member}),
                Some(send(
                    Verb::Delete,
                    format!("{path}/{member}/$ref"),
                    Value::Null,
                )),
            ),
            effects: vec![Effect::Member {
                group: group.to_owned(),
                member: member.to_owned(),
            }],
        });
    }

    /// Strength, exclusions, dedicated policy, role, enforcement, in the order that is safe.
    pub(super) fn access(&mut self) {
        let without: Vec<String> = self
            .accounts
            .iter()
            .filter(|account| {
                let methods = self
                    .now
                    .user(&account.id)
                    .and_then(|user| user.methods.get());
                !methods
                    .into_iter()
                    .flatten()
                    .any(|method| method.kind == MethodKind::Fido2)
            })
            .map(|account| account.name.clone())
            .collect();
        let keyed = without.is_empty();
        if !keyed {
            self.warn(format!(
                "no key of {} is registered, or its methods were not read: enroll one (`breakglass key enroll`), collect, and plan again; \
                 strength and dedicated policy are planned then",
                without.join(", ")
            ));
        }
        let pending = if keyed { self.dedicated() } else { None };
        self.exclusions(Why::KeepsOut, &[Outcome::Block, Outcome::Deny]);
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
                    let waits = self.now.policies.items.get(*place).is_some_and(|own| {
                        own.state.as_deref() == Some("enabledForReportingButNotEnforced")
                    });
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
