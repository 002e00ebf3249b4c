//! What a plan stands on, so that a tenant that has moved is known before anything is sent.
//!
//! Policies are not compared as they are written: what matters is what they do to the accounts, and that is the same
//! whether a policy, a location, a group or a role was changed, and whichever export the plan was made from.

use breakglass_conditional_access::{
    Enforce, Engine,
    prove::{Options, Prover, Reach},
    tenant::{People, Tenant},
};
use breakglass_model::{ObjectId, TenantSnapshot, plan::Ground};

/// What the policies that are switched on do to the accounts, in a fixed order. Accounts that are not in the tenant are
/// left out.
pub fn grounds(snapshot: &TenantSnapshot, accounts: &[ObjectId]) -> Vec<Ground> {
    let tenant = Tenant::read(snapshot);
    let people = People::new(snapshot, &[&tenant]);
    let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
    let prover = Prover::new(&engine, &Options::default());
    let mut found = Vec::new();
    for id in accounts.iter().filter(|id| snapshot.user(id).is_some()) {
        let identity = people.identity(id);
        let proofs = prover.reach(&engine.subject(&identity), &[]);
        for (policy, proof) in tenant.policies.iter().zip(proofs) {
            let doubt = match proof.reach {
                Reach::Never => continue,
                Reach::CannotTell => "perhaps: ",
                Reach::Can => "",
            };
            found.push(Ground {
                account: id.to_string(),
                account_name: identity.name.clone(),
                policy: policy.id.clone(),
                policy_name: policy.name.clone(),
                does: format!("{doubt}{}", proof.why),
            });
        }
    }
    found.sort();
    found
}

/// What has become of the grounds, one sentence for each difference; empty: nothing.
pub fn moved(before: &[Ground], now: &[Ground]) -> Vec<String> {
    let same = |one: &Ground, other: &Ground| {
        one.account.eq_ignore_ascii_case(&other.account)
            && one.policy.eq_ignore_ascii_case(&other.policy)
    };
    let mut lines: Vec<String> = now
        .iter()
        .filter_map(|ground| {
            let then = before.iter().find(|own| same(own, ground));
            let was = match then {
                None => "it did not then".to_owned(),
                Some(then) if then.does == ground.does => return None,
                Some(then) => format!("then: {}", then.does),
            };
            Some(format!(
                "the policy `{}` reaches {}: {}; {was}",
                ground.policy_name, ground.account_name, ground.does
            ))
        })
        .collect();
    let gone = before
        .iter()
        .filter(|ground| now.iter().all(|own| !same(own, ground)));
    lines.extend(gone.map(|ground| {
        format!(
            "the policy `{}` no longer reaches {}",
            ground.policy_name, ground.account_name
        )
    }));
    lines
}
