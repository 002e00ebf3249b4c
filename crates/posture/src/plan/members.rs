//! Who is in the accounts' group and is none of them. Taking somebody out is a decision: a step only for whom somebody named.

use breakglass_model::{
    ObjectId,
    plan::{Effect, GRAPH, Look, Remaining, Stage, Verb},
};
use serde_json::{Value, json};

use super::draft::{Draft, Proposal, graph, send, slug};

impl Draft<'_> {
    /// Members of the group that are no accounts.
    fn strangers(&self) -> Vec<ObjectId> {
        let ids = self.ids();
        let group = self.group.as_ref().and_then(|id| ObjectId::parse(id).ok());
        group
            .and_then(|id| self.now.group(&id))
            .and_then(|group| group.members.get())
            .into_iter()
            .flatten()
            .filter(|id| !ids.contains(id))
            .cloned()
            .collect()
    }

    fn name_of(&self, id: &ObjectId) -> String {
        let user = self.now.user(id).and_then(|user| user.upn.as_ref());
        user.map_or_else(|| id.to_string(), ToString::to_string)
    }

    /// Takes those out of the group whom somebody named.
    pub(super) fn leave_group(&mut self) {
        let Some(group) = self.group.clone() else {
            return;
        };
        for who in &self.wishes().leave_group {
            let name = self.name_of(who);
            if self.ids().contains(who) {
                self.warn(format!(
                    "{name} is an emergency access account and stays in the group (M2)"
                ));
                continue;
            }
            if !self.strangers().contains(who) {
                self.warn(format!(
                    "{name} is no direct member of the accounts' group: nothing to take away (M2)"
                ));
                continue;
            }
            let path = format!("/groups/{group}/members");
            self.add(Proposal {
                id: format!("leave-{}", slug(&name)),
                stage: Stage::Group,
                title: format!("Take {name} out of the group"),
                reason: "Policies exclude the group: whoever is in it is asked for nothing that they ask for.".to_owned(),
                requirement: "M2",
                permission: "RoleManagement.ReadWrite.Directory, GroupMember.ReadWrite.All",
                by_person: false,
                after: Vec::new(),
                risk: "The policies that exclude the group hold for this member from then on: look with `lockout whatif` whether that lets them work.",
                undo_text: "The member is put back.".to_owned(),
                write: graph(
                    send(Verb::Delete, format!("{path}/{who}/$ref"), Value::Null),
                    Look::Among { path: format!("{path}?$select=id"), fields: json!({"id": who.to_string()}) },
                    json!({"id": who.to_string()}),
                    Value::Null,
                    Some(send(Verb::Post, format!("{path}/$ref"), json!({"@odata.id": format!("{GRAPH}/directoryObjects/{who}")}))),
                ),
                effects: vec![Effect::MemberGone { group: group.clone(), member: who.to_string() }],
            });
        }
    }

    /// Says in the table who the others in the group are, and how they are taken out.
    pub(super) fn name_strangers(&self, remaining: &mut [Remaining]) {
        let names: Vec<String> = self.strangers().iter().map(|id| self.name_of(id)).collect();
        if names.is_empty() {
            return;
        }
        for row in remaining.iter_mut().filter(|row| row.check == "BG078") {
            row.because = format!("{}: {}", row.because, names.join(", "));
            "the tenant's owner, who knows why they are there: `plan --remove-from-group <user>`"
                .clone_into(&mut row.closed_by);
        }
    }
}
