//! The group that policies name: which one it is, who is in it, and that policies name it and nothing else.

use std::collections::BTreeSet;

use breakglass_conditional_access::prove::Reach;
use breakglass_model::{
    ObjectId, Reading,
    plan::{Effect, GRAPH, Look, Stage, Verb},
    tenant::Group,
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send, slug};
use crate::{Lockout, directory::names};

/// Display names of what is made. An object that somebody made under one of these names is not touched: a plan that
/// finds it says that it is out of date.
const GROUP: &str = "Emergency access accounts";
/// The name where a group that cannot serve has the first one.
const GROUP_BESIDE: &str = "Emergency access accounts (role-assignable)";

/// How a policy names the accounts beside the group, and what is put in its place.
struct Named {
    place: usize,
    /// `exclude` or `include`.
    side: &'static str,
    /// In words.
    words: &'static str,
}

impl Draft<'_> {
    /// The role-assignable group, with all accounts in it: one that is there and can serve, else a new one.
    pub(super) fn group(&mut self) {
        let group = if let Some(group) = self.existing_group() {
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

    /// The group that the register declares; else one of the accounts' own, the one that most policies exclude; else one
    /// that holds nobody yet and that policies exclude, or that an earlier plan made.
    fn existing_group(&self) -> Option<ObjectId> {
        let usable = |group: &&Group| {
            group.role_assignable == Reading::Read(true)
                && group.dynamic.get() != Some(&true)
                && group.members.get().is_some()
        };
        let declared = self
            .input
            .register
            .into_iter()
            .flat_map(|register| &register.accounts)
            .find_map(|entry| entry.group.as_ref());
        let declared = declared.and_then(|id| self.now.group(id)).filter(usable);
        let ids = self.ids();
        let excluded = |group: &Group| {
            let Some(id) = &group.id else { return 0 };
            let policies = self.now.policies.iter();
            let by = policies.filter(|own| {
                names(
                    own.raw.pointer("/conditions/users/excludeGroups"),
                    id.as_str(),
                )
            });
            by.count()
        };
        // Whoever is in it beside the accounts is left out of every policy, too.
        let own = self.now.groups.iter().filter(usable).filter_map(|group| {
            let members = group.members.get()?;
            let policies = excluded(group);
            let serves = if members.is_empty() {
                policies > 0 || group.display_name.as_deref() == Some(GROUP)
            } else {
                members.iter().all(|member| ids.contains(member))
            };
            serves.then_some((
                members.is_empty(),
                std::cmp::Reverse((policies, members.len())),
                group,
            ))
        });
        declared
            .or_else(|| {
                own.min_by_key(|(empty, most, _)| (*empty, *most))
                    .map(|(.., group)| group)
            })
            .and_then(|group| group.id.clone())
    }

    fn create_group(&mut self) -> bool {
        // The name is how the group is found again; another group may have it.
        let taken = |name: &str| {
            let mut groups = self.now.groups.iter();
            groups.any(|own| own.display_name.as_deref() == Some(name))
        };
        let name = [GROUP, GROUP_BESIDE]
            .into_iter()
            .find(|name| !taken(name))
            .unwrap_or(GROUP);
        self.add(Proposal {
            id: "group".to_owned(),
            stage: Stage::Group,
            title: format!("Create the role-assignable group `{name}`"),
            reason: "Policies exclude one group that only Global and Privileged Role Administrators can fill, not accounts one by one.".to_owned(),
            requirement: "M2",
            permission: "Group.ReadWrite.All, RoleManagement.ReadWrite.Directory",
            by_person: false,
            after: Vec::new(),
            risk: "None: the group is empty and named nowhere.",
            undo_text: "The group is deleted; Microsoft keeps it for 30 days.".to_owned(),
            write: graph(
                send(Verb::Post, "/groups", json!({
                    "displayName": name, "description": "Break glass accounts; excluded from Conditional Access policies on purpose",
                    "mailEnabled": false, "mailNickname": "emergency-access", "securityEnabled": true,
                    "groupTypes": [], "isAssignableToRole": true,
                })),
                Look::Among {
                    path: format!("/groups?$filter=displayName eq '{name}'&$select=id,displayName,isAssignableToRole"),
                    fields: json!({"displayName": name}),
                },
                Value::Null,
                json!({"displayName": name, "isAssignableToRole": true}),
                Some(send(Verb::Delete, "/groups/new:group", Value::Null)),
            ),
            effects: vec![Effect::Group { id: "new:group".to_owned(), name: name.to_owned() }],
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

    /// Other groups that hold the accounts: those that hold nobody else, and the rest.
    pub(super) fn other_groups(&self, group: &str) -> (BTreeSet<String>, BTreeSet<String>) {
        let ids = self.ids();
        let mut own = BTreeSet::new();
        let mut shared = BTreeSet::new();
        for account in &ids {
            for id in self.now.groups_of(account).get().into_iter().flatten() {
                if id.is(group) {
                    continue;
                }
                let found = self.now.group(id);
                // A group inside brings its members along, and these are listed, too.
                let alone = found.is_some_and(|found| {
                    let members = found.transitive_members.get();
                    let nested = members.is_some();
                    let members = members.or_else(|| found.members.get());
                    members.is_some_and(|members| {
                        members.iter().all(|member| {
                            ids.contains(member) || nested && self.now.group(member).is_some()
                        })
                    })
                });
                if alone { &mut own } else { &mut shared }.insert(id.as_str().to_lowercase());
            }
        }
        (own, shared)
    }

    /// Policies that name the accounts, or another group of theirs, in place of the group that the plan ends with.
    pub(super) fn regroup(&mut self) {
        let Some(group) = self.group.clone() else {
            return;
        };
        let (own, shared) = self.other_groups(&group);
        for Named { place, side, words } in self.named_otherwise(&group, &own, &shared) {
            self.name_group(place, side, words, &group, &own);
        }
    }

    /// Which policies do, and how.
    fn named_otherwise(
        &self,
        group: &str,
        own: &BTreeSet<String>,
        shared: &BTreeSet<String>,
    ) -> Vec<Named> {
        let ids = self.ids();
        let accounts: BTreeSet<String> = ids.iter().map(|id| id.as_str().to_lowercase()).collect();
        // What policies would do if they excluded nobody: an exclusion from a policy that is not for the accounts says
        // nothing about them.
        let mut bare = self.now.clone();
        for policy in &mut bare.policies.items {
            let users = &mut policy.raw["conditions"]["users"];
            if users.is_object() {
                keep(&mut users["excludeUsers"], |id| !accounts.contains(id));
                keep(&mut users["excludeGroups"], |id| {
                    !own.contains(id) && !shared.contains(id) && !id.eq_ignore_ascii_case(group)
                });
                users["excludeRoles"] = json!([]);
            }
        }
        let then = Lockout::new(&bare, &self.resolved());
        let reach = |place: usize, intended: bool| {
            (0..self.accounts.len())
                .filter_map(|account| then.of(account))
                .flat_map(|proved| &proved.live.policies)
                .any(|proof| {
                    proof.policy == place
                        && proof.intended == intended
                        && proof.reach != Reach::Never
                })
        };
        let holds = |list: &Value, of: &BTreeSet<String>| {
            let mut list = list.as_array().into_iter().flatten();
            list.any(|id| {
                id.as_str()
                    .is_some_and(|id| of.contains(&id.to_lowercase()))
            })
        };
        let roles: BTreeSet<String> = self
            .now
            .active_assignments
            .iter()
            .filter(|own| ids.contains(&own.principal))
            .map(|own| own.role.as_str().to_lowercase())
            .collect();
        let in_place_of = |users: &Value, side: &str| {
            if holds(&users[format!("{side}Users")], &accounts) {
                Some("in place of single accounts")
            } else if holds(&users[format!("{side}Groups")], own) {
                Some("in place of another group of the accounts")
            } else {
                None
            }
        };
        let mut found = Vec::new();
        for (place, policy) in self.now.policies.items.iter().enumerate() {
            if policy.state.as_deref() == Some("disabled") {
                continue;
            }
            let users = &policy.raw["conditions"]["users"];
            if !names(users.get("excludeGroups"), group) && reach(place, false) {
                let words = in_place_of(users, "exclude").or_else(|| {
                    if holds(&users["excludeGroups"], shared) {
                        Some("beside a group that holds others, too")
                    } else if holds(&users["excludeRoles"], &roles) {
                        Some("beside a role")
                    } else {
                        None
                    }
                });
                found.extend(words.map(|words| Named {
                    place,
                    side: "exclude",
                    words,
                }));
            }
            if !names(users.get("includeGroups"), group) && reach(place, true) {
                found.extend(in_place_of(users, "include").map(|words| Named {
                    place,
                    side: "include",
                    words,
                }));
            }
        }
        found
    }

    fn name_group(
        &mut self,
        place: usize,
        side: &'static str,
        words: &str,
        group: &str,
        own: &BTreeSet<String>,
    ) {
        let ids = self.ids();
        let Some(policy) = self.now.policies.items.get(place) else {
            return;
        };
        let Some(id) = policy.id.as_ref().map(ToString::to_string) else {
            self.warn("a policy without id names the accounts: its export cannot be planned on");
            return;
        };
        let name = policy.display_name.clone().unwrap_or_else(|| id.clone());
        let mut back = policy.raw["conditions"].clone();
        let (users, groups) = (format!("{side}Users"), format!("{side}Groups"));
        let was = &back["users"];
        let before = json!({"displayName": name, "conditions": {"users": {users.clone(): was[&users], groups.clone(): was[&groups]}}});
        for list in [&users, &groups] {
            keep(&mut back["users"][list], |_| true);
        }
        let mut conditions = back.clone();
        let lists = &mut conditions["users"];
        keep(&mut lists[&users], |own| !ids.iter().any(|id| id.is(own)));
        keep(&mut lists[&groups], |id| !own.contains(id));
        if let Some(groups) = lists[&groups].as_array_mut() {
            groups.push(group.into());
        }
        let set = json!({"conditions": {"users": {users.clone(): lists[&users], groups.clone(): lists[&groups]}}});
        let path = format!("/identity/conditionalAccess/policies/{id}");
        let step = format!("regroup-{}", slug(&name));
        let step = if self.has(&step) {
            format!("{step}-{}", slug(&id))
        } else {
            step
        };
        let verb = if side == "exclude" {
            "Exclude the group from"
        } else {
            "Include the group in"
        };
        self.add(Proposal {
            id: step,
            stage: Stage::OtherExclusions,
            title: format!("{verb} {name}, {words}"),
            reason: "Policies name one group that only Global and Privileged Role Administrators can fill: whoever fills another one, or forgets an account, decides over the way in.".to_owned(),
            requirement: "M2",
            permission: "Policy.Read.All, Policy.ReadWrite.ConditionalAccess, Application.Read.All",
            by_person: false,
            after: Vec::new(),
            risk: "None for the accounts: they are in the group, and the proof is made again. Nobody else is named otherwise than before.",
            undo_text: "The old lists are written back.".to_owned(),
            write: graph(
                send(Verb::Patch, &path, json!({"conditions": conditions})),
                Look::Object(path.clone()),
                before,
                set.clone(),
                Some(send(Verb::Patch, &path, json!({"conditions": back}))),
            ),
            effects: vec![Effect::Policy { id, set }],
        });
    }
}

/// Keeps some texts of a list, in lower case as they are judged; a list that is not there becomes an empty one.
fn keep(list: &mut Value, wanted: impl Fn(&str) -> bool) {
    match list.as_array_mut() {
        Some(items) => {
            items.retain(|own| own.as_str().is_none_or(|own| wanted(&own.to_lowercase())));
        }
        None => *list = json!([]),
    }
}
