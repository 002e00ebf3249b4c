//! The prover against brute force, over random small tenants.
//!
//! ```sh
//! cargo test -p breakglass-conditional-access --test it -- random                     # 500 tenants a test
//! BREAKGLASS_SETS=10000 cargo test -p breakglass-conditional-access --release --test it -- random
//! BREAKGLASS_SEED=4711 BREAKGLASS_SETS=1 cargo test -p … --test it -- random          # one of them again
//! ```
//!
//! Tenant number *i* of a run has the seed `BREAKGLASS_SEED + i`; a difference names it and prints the tenant.
//! The evaluator of single sign-ins is the judge: it is held against the fixtures elsewhere.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Outcome, Policy, SignIn, Subject, Truth,
    identity::Fact,
    policy::{self, State},
    prove::{AccountProof, Effect, Options, Prover, Reach, Verdict},
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Risk},
};
use serde_json::json;

use crate::{
    brute::{Space, at_every_risk, from_every_country, named, own_devices, possible},
    generator::{Tenant, tenant},
    numbers::Numbers,
};

/// Most sign-ins that are looked at per tenant.
const LIMIT: usize = 1_500;

#[expect(
    clippy::disallowed_methods,
    reason = "a test is told by its environment how long to go on"
)]
fn setting(name: &str, otherwise: u64) -> u64 {
    std::env::var(name).map_or(otherwise, |text| text.parse().unwrap())
}

/// Calls a check with each random tenant; it says what is wrong.
pub(crate) fn each_tenant(check: impl Fn(&Tenant, &mut Numbers) -> Vec<String>) {
    let first = setting("BREAKGLASS_SEED", 1);
    for seed in first..first + setting("BREAKGLASS_SETS", 500) {
        let tenant = tenant(seed);
        let wrong = check(&tenant, &mut Numbers::new(!seed));
        assert!(
            wrong.is_empty(),
            "seed {seed}:\n{}\n{}",
            wrong.join("\n"),
            tenant.describe()
        );
    }
}

pub(crate) fn options(tenant: &Tenant) -> Options {
    Options {
        device_limit: tenant.device_limit,
        ..Options::default()
    }
}

pub(crate) fn account(tenant: &Tenant, policies: &[Policy]) -> AccountProof {
    let engine = Engine::new(policies, &tenant.environment, Enforce::Enabled);
    let prover = Prover::new(&engine, &options(tenant));
    prover.account(&engine.subject(&tenant.me), &[])
}

fn outcome(engine: &Engine, subject: &Subject, sign_in: &SignIn) -> Outcome {
    engine.evaluate(subject, sign_in).outcome()
}

#[test]
fn x1_reach_agrees_with_brute_force() {
    each_tenant(|tenant, n| {
        let policies = tenant.read();
        let engine = Engine::new(&policies, &tenant.environment, Enforce::Enabled);
        let prover = Prover::new(&engine, &options(tenant));
        let subject = engine.subject(&tenant.me);
        let proofs = prover.reach(&subject, &[]);
        let coarse = !prover.coarse_rules().is_empty();
        let mut wrong = Vec::new();
        for proof in &proofs {
            let place = proof.policy;
            let blocks = policies[place].blocks();
            if proof.reach != Reach::Never && (proof.effect == Effect::Block) != blocks {
                wrong.push(format!("policy {place}: effect {:?}", proof.effect));
            }
            let Some(witness) = &proof.witness else {
                if proof.reach != Reach::Never {
                    wrong.push(format!(
                        "policy {place}: {:?} without a witness",
                        proof.reach
                    ));
                }
                continue;
            };
            let applies = engine.evaluate(&subject, witness).applies(place);
            let fits = match proof.reach {
                Reach::Never => false,
                Reach::CannotTell => applies != Truth::No || coarse,
                Reach::Can => applies == Truth::Yes,
            };
            if !fits || !possible(witness) {
                wrong.push(format!(
                    "policy {place}: {:?}, but the witness {witness:?}: {applies:?}",
                    proof.reach
                ));
            }
        }
        let own = own_devices(tenant);
        let space = Space::everything(tenant, &policies, n);
        let (sign_ins, _) = space.walk(LIMIT, n);
        for sign_in in sign_ins.iter().filter(|s| possible(s)) {
            let evaluation = engine.evaluate(&subject, sign_in);
            for proof in &proofs {
                let applies = evaluation.applies(proof.policy);
                let fits = match proof.reach {
                    Reach::Never => applies == Truth::No,
                    Reach::CannotTell => applies != Truth::Yes || coarse,
                    Reach::Can => true,
                };
                if !fits {
                    wrong.push(format!(
                        "policy {}: {:?} ({}), but {sign_in:?}: {applies:?}",
                        proof.policy, proof.reach, proof.why
                    ));
                }
                let meets = evaluation.met(proof.policy) == Truth::Yes
                    && own.contains(&sign_in.device)
                    && sign_in.user_action.is_none();
                if proof.effect == Effect::Deny && applies == Truth::Yes && meets {
                    wrong.push(format!(
                        "policy {}: can be met in {sign_in:?}",
                        proof.policy
                    ));
                }
            }
            if !wrong.is_empty() {
                break;
            }
        }
        wrong
    });
}

#[test]
fn x1_verdicts_agree_with_brute_force() {
    each_tenant(|tenant, n| {
        let policies = tenant.read();
        let engine = Engine::new(&policies, &tenant.environment, Enforce::Enabled);
        let prover = Prover::new(&engine, &options(tenant));
        let subject = engine.subject(&tenant.me);
        let proof = prover.account(&subject, &[]);
        let mut wrong = consistent(&proof);
        let gets_in = |sign_in: &SignIn| outcome(&engine, &subject, sign_in).gets_in();
        if let Some(way_in) = &proof.way_in {
            if !ordinary(tenant, way_in) {
                wrong.push(format!("not a way in of an emergency: {way_in:?}"));
            }
            let closed = |s: &SignIn| !gets_in(s);
            if closed(way_in)
                || named(tenant, way_in) && from_every_country(tenant, way_in).any(|s| closed(&s))
            {
                wrong.push(format!("the way in is closed: {way_in:?}"));
            }
        }
        let mut space = Space::emergency(tenant, &policies, &Options::default().recovery_targets);
        let risks = std::mem::replace(
            &mut space.risks,
            vec![(Risk::None, Risk::None, InsiderRisk::None)],
        );
        let (sign_ins, all) = space.walk(LIMIT, n);
        space.risks = risks;
        let (mut open, mut fails, mut robust, mut frail) = (false, true, false, true);
        for sign_in in &sign_ins {
            let seen: Vec<SignIn> = if named(tenant, sign_in) {
                from_every_country(tenant, sign_in).collect()
            } else {
                vec![sign_in.clone()]
            };
            fails &= outcome(&engine, &subject, sign_in).fails();
            if !open {
                open = seen.iter().all(&gets_in);
            }
            if !robust || frail {
                robust |= seen
                    .iter()
                    .all(|seen| at_every_risk(&space, seen).all(|s| gets_in(&s)));
                frail &=
                    at_every_risk(&space, sign_in).any(|s| outcome(&engine, &subject, &s).fails());
            }
        }
        let mut claim = |holds: bool, text: &str| {
            if !holds {
                wrong.push(format!(
                    "{:?}, robust {:?}: {text}",
                    proof.verdict, proof.robust
                ));
            }
        };
        // Who can't say by GPS where they are is refused: the prover knows, the evaluator calls it unknown.
        let refused = tenant.me.answers_gps() == Truth::No
            && policies.iter().any(|policy| {
                policy.locations.as_ref().is_some_and(|locations| {
                    locations
                        .include
                        .iter()
                        .chain(&locations.exclude)
                        .any(|id| id == "l-gps")
                })
            });
        claim(
            proof.verdict != Verdict::LockedOut || fails || refused,
            "some sign-in does not fail",
        );
        claim(
            proof.verdict == Verdict::GetsIn || !open,
            "some sign-in gets in",
        );
        claim(
            proof.robust != Some(false) || frail || refused,
            "some sign-in fails at no risk",
        );
        claim(
            proof.robust == Some(true) || !robust,
            "some sign-in gets in at every risk",
        );
        if all {
            claim(
                proof.verdict == Verdict::LockedOut || !fails || refused,
                "every sign-in fails",
            );
            claim(
                proof.verdict != Verdict::GetsIn || open,
                "no sign-in gets in",
            );
            claim(
                proof.robust == Some(false) || !frail || refused,
                "every sign-in fails at some risk",
            );
            claim(
                proof.robust != Some(true) || robust,
                "no sign-in gets in at every risk",
            );
        }
        wrong
    });
}

/// What has to hold between the parts of a proof.
fn consistent(proof: &AccountProof) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut claim = |holds: bool, text: &str| {
        if !holds {
            wrong.push(format!("{text}: {proof:?}"));
        }
    };
    let best = proof.targets.iter().map(|(_, verdict)| *verdict).min();
    claim(
        best == Some(proof.verdict),
        "the verdict is not the best of the targets",
    );
    claim(
        proof.way_in.is_some() == (proof.verdict == Verdict::GetsIn),
        "a way in goes with the verdict",
    );
    claim(
        proof.verdict != Verdict::LockedOut || proof.robust == Some(false),
        "robust, though locked out",
    );
    claim(
        proof.verdict == Verdict::GetsIn || proof.robust != Some(true),
        "robust, though it does not surely get in",
    );
    let reach = proof.policies.iter().map(|p| p.reach).max();
    let only = match reach {
        None | Some(Reach::Never) => Some(true),
        Some(Reach::CannotTell) => None,
        Some(Reach::Can) => Some(false),
    };
    claim(proof.only_intended == only, "only intended");
    claim(
        proof.verdict == Verdict::GetsIn || !proof.because.is_empty(),
        "no reason",
    );
    wrong
}

/// Whether a sign-in is within what an emergency leaves.
fn ordinary(tenant: &Tenant, sign_in: &SignIn) -> bool {
    let own = match &tenant.me.devices {
        Fact::Known(own) => own.clone(),
        Fact::Unknown(_) => Vec::new(),
    };
    let device = match &sign_in.device {
        Given::Nothing => true,
        Given::Value(device) => own.contains(device),
        Given::Missing => false,
    };
    device
        && matches!(
            sign_in.client_app,
            Some(ClientApp::Browser | ClientApp::Modern)
        )
        && (sign_in.flow(), sign_in.tracked_flow()) == (Flow::None, Flow::None)
        && sign_in.compliant_network == Some(false)
        && sign_in.gps_country.is_none()
        && (sign_in.sign_in_risk, sign_in.user_risk) == (Some(Risk::None), Some(Risk::None))
        && sign_in.insider_risk == Some(InsiderRisk::None)
        && sign_in.user_action.is_none()
        && sign_in.auth_contexts.is_empty()
        && sign_in.audiences.len() == 1
        && sign_in
            .audiences
            .iter()
            .all(|id| Options::default().recovery_targets.contains(id))
}

#[test]
fn x1_blamed_policies_close_every_way_and_none_is_too_many() {
    each_tenant(|tenant, _| {
        let policies = tenant.read();
        let proof = account(tenant, &policies);
        // What the blamed ones are blamed for.
        let closed = |policies: &[Policy]| {
            let now = account(tenant, policies);
            match proof.verdict {
                Verdict::LockedOut => now.verdict == Verdict::LockedOut,
                Verdict::CannotTell => now.verdict != Verdict::GetsIn,
                Verdict::GetsIn => now.robust == Some(false),
            }
        };
        let mut wrong = Vec::new();
        if proof.verdict == Verdict::GetsIn && proof.robust != Some(false) {
            if !proof.blame.is_empty() {
                wrong.push("blame without a fault".to_owned());
            }
            return wrong;
        }
        // The others are switched off, not taken away: the ranges that they name stay named.
        let keeping = |kept: &[usize]| -> Vec<Policy> {
            let mut policies = policies.clone();
            for (place, policy) in policies.iter_mut().enumerate() {
                if !kept.contains(&place) {
                    policy.state = State::Disabled;
                }
            }
            policies
        };
        if !closed(&keeping(&proof.blame)) {
            wrong.push(format!("{:?} alone close nothing", proof.blame));
        }
        for place in &proof.blame {
            let mut others = proof.blame.clone();
            others.retain(|other| other != place);
            if closed(&keeping(&others)) {
                wrong.push(format!("{place} is blamed for nothing"));
            }
        }
        wrong
    });
}

/// Fourteen rules, each about an attribute of its own: what controls read of a device makes it too much.
#[test]
fn x1_too_many_device_rules_are_unknown_and_never_mean_never() {
    for limit in [Options::default().device_limit, 0] {
        let policies: Vec<Policy> = (1..=14)
            .map(|number| {
                let rule = format!("device.extensionAttribute{number} -eq \"x\"");
                policy::read(&json!({
                    "id": number.to_string(),
                    "state": "enabled",
                    "conditions": {
                        "users": {"includeUsers": ["All"]},
                        "applications": {"includeApplications": ["All"]},
                        "devices": {"deviceFilter": {"mode": "include", "rule": rule}},
                    },
                    "grantControls": {"operator": "OR", "builtInControls": ["block"]},
                }))
            })
            .collect();
        let engine = Engine::new(&policies, &Environment::default(), Enforce::Enabled);
        let options = Options {
            device_limit: limit,
            ..Options::default()
        };
        let prover = Prover::new(&engine, &options);
        assert!(!prover.coarse_rules().is_empty());
        let subject = engine.subject(&Identity::default());
        for proof in prover.reach(&subject, &[]) {
            assert!(proof.reach >= Reach::CannotTell, "{proof:?}");
        }
    }
}

/// Every answer turns up often enough to be tested.
#[test]
fn x1_the_random_tenants_are_of_every_kind() {
    let mut verdicts = BTreeMap::new();
    let mut reaches = BTreeMap::new();
    for seed in 1..=300 {
        let tenant = tenant(seed);
        let proof = account(&tenant, &tenant.read());
        *verdicts.entry((proof.verdict, proof.robust)).or_insert(0) += 1;
        for policy in &proof.policies {
            *reaches.entry((policy.reach, policy.effect)).or_insert(0) += 1;
        }
    }
    println!("{verdicts:?} {reaches:?}");
    // Three verdicts, of which *gets in* goes with three answers on risk, and *cannot tell* with two.
    assert!(verdicts.len() == 6 && verdicts.values().all(|number| *number >= 3));
    let kinds = reaches
        .keys()
        .map(|(reach, _)| reach)
        .collect::<BTreeSet<_>>();
    let effects = reaches
        .keys()
        .map(|(_, effect)| effect)
        .collect::<BTreeSet<_>>();
    assert!(kinds.len() == 3 && effects.len() == 5);
    assert!(reaches.values().all(|number| *number >= 3));
}
