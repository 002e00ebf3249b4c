//! What taking a step back changes, on the snapshot: so that whoever takes a plan back knows before how the accounts
//! will stand.

use breakglass_model::{
    ObjectId, TenantSnapshot,
    plan::{Effect, Write},
};
use serde_json::Value;

use super::simulate::{leave, simulate};

/// Takes a step back, as far as Conditional Access and roles can notice. What else it changed (units, alert rules)
/// decides over nobody's sign-in.
pub fn undone(snapshot: &mut TenantSnapshot, write: &Write, effects: &[Effect]) {
    if write.undo.is_none() {
        return;
    }
    for effect in effects.iter().rev() {
        if let Effect::Member { group, member } = effect {
            leave(snapshot, group, member);
        } else if let Effect::MemberGone { group, member } = effect {
            let (group, member) = (group.clone(), member.clone());
            simulate(snapshot, &[Effect::Member { group, member }]);
        } else if let Some(back) = inverse(effect, &write.before) {
            simulate(snapshot, &[back]);
        } else if write.before.is_null() {
            unmake(snapshot, effect);
        }
    }
}

/// The effect that puts back what stood there; `None`: nothing stood there, or nobody's sign-in hangs on it.
fn inverse(effect: &Effect, before: &Value) -> Option<Effect> {
    let stood = !before.is_null();
    let mut back = effect.clone();
    match &mut back {
        Effect::Assignment { given, .. } => *given = !*given,
        Effect::Policy { set, .. } | Effect::User { set, .. } | Effect::Object { set, .. }
            if stood =>
        {
            before.clone_into(set);
        }
        _ => return None,
    }
    Some(back)
}

/// Takes away what a step made.
fn unmake(snapshot: &mut TenantSnapshot, effect: &Effect) {
    let other = |own: Option<&ObjectId>, id: &str| own.is_none_or(|own| !own.is(id));
    match effect {
        Effect::Policy { id, .. } => {
            let policies = &mut snapshot.policies.items;
            policies.retain(|own| other(own.id.as_ref(), id));
        }
        Effect::User { id, .. } => {
            let users = &mut snapshot.users.items;
            users.retain(|own| other(own.id.as_ref(), id));
        }
        Effect::Object { collection, id, .. } => {
            if let Some(objects) = snapshot.other.get_mut(collection) {
                objects.retain(|own| {
                    own["id"]
                        .as_str()
                        .is_none_or(|own| !own.eq_ignore_ascii_case(id))
                });
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::example;

    use super::*;
    use crate::plan::{PlanInput, Safety, Wishes, plan};

    /// S5: what is told before a plan is taken back is what was proved before it was taken.
    #[test]
    fn every_step_taken_and_taken_back_leaves_the_accounts_as_they_were() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let example = example::tenant("contoso", now).unwrap();
        let keys = breakglass_model::aaguid::Tables::built_in();
        let made = plan(&PlanInput {
            keys,
            snapshot: &example.snapshot,
            register: None,
            history: &breakglass_model::History::default(),
            accounts: &example
                .snapshot
                .users
                .items
                .iter()
                .filter(|user| {
                    user.upn
                        .as_ref()
                        .is_some_and(|upn| upn.to_string().starts_with("BreakGlass"))
                })
                .filter_map(|user| user.id.as_ref().map(ToString::to_string))
                .collect::<Vec<_>>(),
            wishes: &Wishes::default(),
            now,
            version: "test",
        })
        .unwrap();
        assert!(made.steps.len() > 10);
        let accounts: Vec<ObjectId> = made
            .accounts
            .iter()
            .filter_map(|id| ObjectId::parse(id).ok())
            .collect();
        let before = Safety::of(&example.snapshot, &accounts);
        let mut state = example.snapshot.clone();
        for step in &made.steps {
            simulate(&mut state, &step.effects);
        }
        assert_ne!(Safety::of(&state, &accounts), before);
        for step in made.steps.iter().rev() {
            undone(&mut state, &step.write, &step.effects);
        }
        assert_eq!(Safety::of(&state, &accounts), before);
    }
}
