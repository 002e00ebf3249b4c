//! Keeps the transitive lists true when a direct one changes.
//!
//! Objects of a snapshot carry `transitiveMembers` and `transitiveMemberOf`; where they do, they are worked out anew for
//! those whom a change of membership concerns, and for nobody else.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{
    context::{items, merge, same, text},
    rights::has,
};
use crate::State;

const GROUP: &str = "#microsoft.graph.group";
const UNIT: &str = "#microsoft.graph.administrativeUnit";

/// The groups as a graph: members of each, and who holds each.
struct Graph {
    /// Folded group id to its member references.
    down: BTreeMap<String, Vec<Value>>,
    /// Folded member id to folded ids of the groups that hold it.
    up: BTreeMap<String, Vec<String>>,
}

impl Graph {
    fn of(state: &State) -> Self {
        let mut graph = Self {
            down: BTreeMap::new(),
            up: BTreeMap::new(),
        };
        for group in state.table("groups").all() {
            let id = text(group, "id").to_lowercase();
            let members = items(group, "members").to_vec();
            for member in &members {
                let member = text(member, "id").to_lowercase();
                graph.up.entry(member).or_default().push(id.clone());
            }
            graph.down.insert(id, members);
        }
        graph
    }

    /// The groups above an object, nearest first; itself is not among them.
    fn above(&self, id: &str) -> Vec<String> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut next = vec![id.to_lowercase()];
        while let Some(id) = next.pop() {
            for group in self.up.get(&id).into_iter().flatten() {
                if seen.insert(group.clone()) {
                    found.push(group.clone());
                    next.push(group.clone());
                }
            }
        }
        found
    }

    /// Everything below a group, each object once.
    fn below(&self, group: &str) -> Vec<Value> {
        let mut seen = BTreeSet::new();
        let mut found = Vec::new();
        let mut next = vec![group.to_lowercase()];
        while let Some(group) = next.pop() {
            for member in self.down.get(&group).into_iter().flatten() {
                let id = text(member, "id").to_lowercase();
                if seen.insert(id.clone()) {
                    found.push(member.clone());
                    next.push(id);
                }
            }
        }
        found
    }
}

/// Works the transitive lists out anew after `member` entered or left `group`.
pub(super) fn refresh(state: &mut State, group: &str, member: &str, now: Timestamp) {
    let graph = Graph::of(state);
    let mut groups = graph.above(group);
    groups.push(group.to_lowercase());
    for id in groups {
        let Some(object) = state.table("groups").get(&id) else {
            continue;
        };
        if object.get("transitiveMembers").is_some() {
            let mut object = object.clone();
            merge(&mut object, &json!({"transitiveMembers": graph.below(&id)}));
            state.put("groups", &id, object, now);
        }
    }
    let below = graph.below(member);
    let mut concerned: Vec<String> = below
        .iter()
        .map(|object| text(object, "id").to_lowercase())
        .collect();
    concerned.push(member.to_lowercase());
    for id in concerned {
        for table in ["users", "groups"] {
            let Some(object) = state.table(table).get(&id) else {
                continue;
            };
            if object.get("transitiveMemberOf").is_none() {
                continue;
            }
            // Roles and units are among what it lists, and stay.
            let mut list: Vec<Value> = items(object, "transitiveMemberOf")
                .iter()
                .filter(|own| text(own, "@odata.type") != GROUP)
                .cloned()
                .collect();
            list.extend(
                graph
                    .above(&id)
                    .iter()
                    .map(|group| json!({"@odata.type": GROUP, "id": group})),
            );
            let mut object = object.clone();
            merge(&mut object, &json!({"transitiveMemberOf": list}));
            state.put(table, &id, object, now);
        }
    }
}

/// Notes on a member that it entered or left a unit; being in a restricted one shows as a flag of its own.
pub(super) fn mark_unit(state: &mut State, unit: &str, member: &str, now: Timestamp) {
    let restricted = super::rights::units_of(state, member)
        .iter()
        .any(|(_, restricted)| *restricted);
    let inside = state
        .table("administrativeUnits")
        .get(unit)
        .is_some_and(|unit| has(unit, "members", member));
    for table in ["users", "groups", "devices"] {
        let Some(object) = state.table(table).get(member) else {
            continue;
        };
        let mut object = object.clone();
        merge(
            &mut object,
            &json!({"isManagementRestricted": restricted.then_some(true)}),
        );
        if object.get("transitiveMemberOf").is_some() {
            let mut list: Vec<Value> = items(&object, "transitiveMemberOf")
                .iter()
                .filter(|own| !same(text(own, "id"), unit))
                .cloned()
                .collect();
            if inside {
                list.push(json!({"@odata.type": UNIT, "id": unit}));
            }
            merge(&mut object, &json!({"transitiveMemberOf": list}));
        }
        // The flag follows minutes later than the membership (Microsoft Entra, *Restricted management
        // administrative units*); where reads lag, this one lags longest.
        let lag = state.lag;
        if !lag.is_zero() {
            state.lag = jiff::SignedDuration::from_mins(5);
        }
        state.put(table, member, object, now);
        state.lag = lag;
    }
}

/// Takes a deleted object out of every list that named it.
pub(super) fn forget(state: &mut State, id: &str, now: Timestamp) {
    for (table, lists) in [
        ("groups", &["members", "owners"][..]),
        ("administrativeUnits", &["members", "scopedRoleMembers"][..]),
    ] {
        let holders: Vec<Value> = state
            .table(table)
            .all()
            .filter(|object| lists.iter().any(|list| has(object, list, id)))
            .cloned()
            .collect();
        for mut object in holders {
            let owner = text(&object, "id").to_owned();
            for list in lists {
                if object.get(*list).is_some() {
                    let rest: Vec<Value> = items(&object, list)
                        .iter()
                        .filter(|member| !same(text(member, "id"), id))
                        .cloned()
                        .collect();
                    merge(&mut object, &json!({ *list: rest }));
                }
            }
            state.put(table, &owner, object, now);
            if table == "groups" {
                refresh(state, &owner, id, now);
            }
        }
    }
    for table in [
        "roleAssignmentScheduleInstances",
        "roleEligibilityScheduleInstances",
        "roleAssignments",
    ] {
        let rows: Vec<String> = state
            .table(table)
            .all()
            .filter(|row| same(text(row, "principalId"), id))
            .map(|row| text(row, "id").to_owned())
            .collect();
        for row in rows {
            state.remove(table, &row, now);
        }
    }
}
