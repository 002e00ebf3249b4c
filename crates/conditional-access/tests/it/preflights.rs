//! Pre-flights against brute force, over the random tenants of `generator` with random changes.

use breakglass_conditional_access::{
    Enforce, Engine, Policy,
    preflight::{Preflight, Sides},
};

use crate::{
    brute::{Space, possible},
    generator::{any_policy, tenant},
    numbers::Numbers,
    random::{each_tenant, options},
};

const LIMIT: usize = 400;

/// The policies after a random change: one changed, one added, one gone, or all three.
fn changed(policies: &[Policy], n: &mut Numbers) -> Vec<Policy> {
    let mut after = policies.to_vec();
    if n.chance(50) && !after.is_empty() {
        let at = n.below(after.len());
        let id = after[at].id.clone();
        after[at] = breakglass_conditional_access::policy::read(&any_policy(n, &id));
    }
    if n.chance(50) {
        after.push(breakglass_conditional_access::policy::read(&any_policy(
            n, "p-new",
        )));
    }
    if n.chance(25) && !after.is_empty() {
        after.remove(n.below(after.len()));
    }
    after
}

#[test]
fn c5_a_lost_sign_in_is_never_missed_and_never_made_up() {
    each_tenant(|own, n| {
        let before = own.read();
        let after = changed(&before, n);
        // A change can move locations and strengths too.
        let mut later = own.environment.clone();
        if n.chance(30) {
            let other = tenant(n.next()).environment;
            later.locations = other.locations;
            later.strengths = other.strengths;
        }
        let sides = Sides::new(
            (&before, &own.environment),
            (&after, &later),
            [Enforce::Enabled; 2],
        );
        let preflight = Preflight::new(&sides, &options(own));
        let found = preflight.compare(&own.me);
        let mut wrong = Vec::new();
        let first = Engine::new(&before, &own.environment, Enforce::Enabled);
        let second = Engine::new(&after, &later, Enforce::Enabled);
        let (was, is) = (first.subject(&own.me), second.subject(&own.me));
        let ends = |sign_in| {
            (
                first.evaluate(&was, sign_in).outcome(),
                second.evaluate(&is, sign_in).outcome(),
            )
        };
        if let Some(lost) = &found.lost {
            let (was, is) = ends(&lost.witness);
            if was.fails() || !is.fails() || !possible(&lost.witness) {
                wrong.push(format!("not lost, {was:?} to {is:?}: {:?}", lost.witness));
            }
        }
        if let Some(gained) = &found.gained {
            let (was, is) = ends(&gained.witness);
            if !was.fails() || !is.gets_in() {
                wrong.push(format!(
                    "not gained, {was:?} to {is:?}: {:?}",
                    gained.witness
                ));
            }
        }
        if found.lost.is_some() || found.doubt.is_some() {
            return wrong;
        }
        let mut all = before.clone();
        all.extend(after.iter().cloned());
        let (sign_ins, _) = Space::everything(own, &all, n).walk(LIMIT, n);
        for sign_in in sign_ins.iter().filter(|sign_in| possible(sign_in)) {
            let (was, is) = ends(sign_in);
            if !was.fails() && is.fails() {
                wrong.push(format!("lost and not told, {was:?} to {is:?}: {sign_in:?}"));
                break;
            }
            if was.gets_in() && !is.gets_in() {
                wrong.push(format!(
                    "in doubt and not told, {was:?} to {is:?}: {sign_in:?}"
                ));
                break;
            }
        }
        wrong
    });
}
