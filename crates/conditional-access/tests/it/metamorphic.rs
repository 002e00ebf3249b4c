//! Changes of a tenant of which it is known beforehand what they do to every answer.
//!
//! Over the random tenants of `generator`; how many is told as in `random`.

use breakglass_conditional_access::{
    Enforce, Engine, Outcome, Policy, SignIn, Truth,
    policy::Target,
    prove::{AccountProof, Effect, Prover, Reach, Verdict},
};
use serde_json::{Value, json};

use crate::{
    brute::Space,
    generator::{COMPLIANT_NETWORK, ME, Tenant, any_policy},
    numbers::Numbers,
    random::{account, each_tenant, options},
};

const LIMIT: usize = 150;

fn proof_of(tenant: &Tenant) -> AccountProof {
    account(tenant, &tenant.read())
}

/// What a proof says, without what may be chosen in different ways: witnesses and the blamed.
type Answers = (Verdict, Option<bool>, Option<bool>, Vec<(String, Verdict)>);

fn answers(proof: &AccountProof) -> Answers {
    (
        proof.verdict,
        proof.robust,
        proof.only_intended,
        proof.targets.clone(),
    )
}

/// Whether two proofs say the same. Where device rules are too many, it depends on all of them, and on their
/// order, which are given up; then only what does not hang on classes of devices has to be the same.
fn same_answers(tenant: &Tenant, before: &AccountProof, after: &AccountProof) -> bool {
    if few_devices(tenant) {
        before.verdict == after.verdict && before.robust == after.robust
    } else {
        answers(before) == answers(after)
    }
}

fn few_devices(tenant: &Tenant) -> bool {
    tenant.device_limit < 1_000
}

fn reaches(proof: &AccountProof) -> Vec<(Reach, Effect)> {
    proof.policies.iter().map(|p| (p.reach, p.effect)).collect()
}

/// From *it does* to *it does not*.
fn rank(claim: Option<bool>) -> u8 {
    match claim {
        Some(true) => 0,
        None => 1,
        Some(false) => 2,
    }
}

/// Whether access is not better than before, in anything.
fn no_better(before: &AccountProof, after: &AccountProof) -> bool {
    let targets = before.targets.iter().zip(&after.targets);
    after.verdict >= before.verdict
        && rank(after.robust) >= rank(before.robust)
        && targets
            .into_iter()
            .all(|((_, before), (_, after))| after >= before)
}

fn sign_ins(tenant: &Tenant, n: &mut Numbers) -> Vec<SignIn> {
    let space = Space::everything(tenant, &tenant.read(), n);
    space.walk(LIMIT, n).0
}

/// The outcome of each sign-in and which policies apply.
fn outcomes(tenant: &Tenant, sign_ins: &[SignIn]) -> Vec<(Outcome, Vec<Truth>)> {
    let policies = tenant.read();
    let engine = Engine::new(&policies, &tenant.environment, Enforce::Enabled);
    let subject = engine.subject(&tenant.me);
    let judged = sign_ins.iter().map(|sign_in| {
        let evaluation = engine.evaluate(&subject, sign_in);
        let applies = (0..policies.len()).map(|p| evaluation.applies(p));
        (evaluation.outcome(), applies.collect())
    });
    judged.collect()
}

fn check(holds: bool, text: &str, proofs: (&AccountProof, &AccountProof)) -> Vec<String> {
    if holds {
        Vec::new()
    } else {
        vec![format!(
            "{text}\nbefore {:?}\nafter {:?}",
            proofs.0, proofs.1
        )]
    }
}

#[test]
fn x1_another_policy_never_creates_a_way_in() {
    each_tenant(|tenant, n| {
        let mut more = tenant.clone();
        more.policies
            .insert(n.below(tenant.policies.len() + 1), any_policy(n, "more"));
        let (before, after) = (proof_of(tenant), proof_of(&more));
        check(
            no_better(&before, &after),
            &format!("{}", more.policies.last().unwrap()),
            (&before, &after),
        )
    });
}

#[test]
fn x1_an_exclusion_never_lets_a_policy_reach() {
    each_tenant(|tenant, n| {
        let mut spared = tenant.clone();
        let place = n.below(tenant.policies.len());
        let users = &mut spared.policies[place]["conditions"]["users"];
        let mut excluded = users["excludeUsers"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        excluded.push(json!(ME.to_uppercase()));
        users["excludeUsers"] = json!(excluded);
        let (before, after) = (proof_of(tenant), proof_of(&spared));
        let others_stay = reaches(&before)
            .iter()
            .zip(&reaches(&after))
            .enumerate()
            .all(|(other, (before, after))| {
                if other == place {
                    after.0 == Reach::Never
                } else {
                    before == after
                }
            });
        let holds = others_stay && no_better(&after, &before);
        check(holds, &format!("policy {place}"), (&before, &after))
    });
}

#[test]
fn x1_order_and_names_change_nothing() {
    each_tenant(|tenant, n| {
        let mut order: Vec<usize> = (0..tenant.policies.len()).collect();
        n.shuffle(&mut order);
        let mut moved = tenant.clone();
        moved.policies = order
            .iter()
            .map(|place| {
                let mut policy = tenant.policies[*place].clone();
                policy["id"] = json!(format!("id {place}"));
                policy["displayName"] = json!(format!("Another name {place}"));
                policy
            })
            .collect();
        let (before, after) = (proof_of(tenant), proof_of(&moved));
        let (old, new) = (reaches(&before), reaches(&after));
        let coarse = few_devices(tenant);
        let same = coarse
            || order
                .iter()
                .enumerate()
                .all(|(now, was)| old[*was] == new[now]);
        let all = sign_ins(tenant, n);
        let same_outcomes = outcomes(tenant, &all)
            .iter()
            .zip(&outcomes(&moved, &all))
            .all(|((before, was_applied), (after, applied))| {
                before == after
                    && order
                        .iter()
                        .enumerate()
                        .all(|(now, was)| was_applied[*was] == applied[now])
            });
        let same_answers = same_answers(tenant, &before, &after);
        check(
            same && same_outcomes && same_answers,
            "moved",
            (&before, &after),
        )
    });
}

/// The policy as two, each with a part of one include list; `None`: there is no list to split.
fn split(policy: &Value, read: &Policy, n: &mut Numbers) -> Option<[Value; 2]> {
    let (part, list) = n.pick(&[
        ("users", "includeUsers"),
        ("users", "includeGroups"),
        ("users", "includeRoles"),
        ("applications", "includeApplications"),
        ("applications", "includeUserActions"),
        (
            "applications",
            "includeAuthenticationContextClassReferences",
        ),
        ("locations", "includeLocations"),
        ("platforms", "includePlatforms"),
    ]);
    let items = policy["conditions"][part][list].as_array()?.clone();
    // What is written beside the list would be in both halves, which is one more policy but no other meaning;
    // what the halves of these two mean depends on the whole list.
    let all_but =
        matches!(&read.target, Target::Resources(r) if !r.exclude.is_empty() || r.filter.is_some());
    if items.len() < 2
        || list == "includeApplications" && all_but && items.contains(&json!("All"))
        || list == "includeLocations" && items.contains(&json!(COMPLIANT_NETWORK))
    {
        return None;
    }
    let (left, right) = items.split_at(1 + n.below(items.len() - 1));
    Some([left, right].map(|half| {
        let mut own = policy.clone();
        own["conditions"][part][list] = json!(half);
        own
    }))
}

#[test]
fn x1_one_list_over_two_policies_changes_nothing() {
    each_tenant(|tenant, n| {
        let place = n.below(tenant.policies.len());
        let read = &tenant.read()[place];
        // Some list of the policy can be split, mostly.
        let Some(halves) = (0..16).find_map(|_| split(&tenant.policies[place], read, n)) else {
            return Vec::new();
        };
        let mut parted = tenant.clone();
        parted.policies.splice(place..=place, halves);
        let (before, after) = (proof_of(tenant), proof_of(&parted));
        let all = sign_ins(tenant, n);
        let different = outcomes(tenant, &all)
            .iter()
            .zip(&outcomes(&parted, &all))
            .position(|(before, after)| before.0 != after.0);
        let text = format!("policy {place} {:?}", different.map(|place| &all[place]));
        let holds = different.is_none() && answers(&before) == answers(&after);
        check(holds, &text, (&before, &after))
    });
}

#[test]
fn x1_policies_that_are_not_enforced_change_nothing() {
    each_tenant(|tenant, n| {
        let mut more = tenant.clone();
        let mut added = any_policy(n, "more");
        added["state"] = json!(n.pick(&["disabled", "enabledForReportingButNotEnforced"]));
        let place = n.below(tenant.policies.len() + 1);
        more.policies.insert(place, added.clone());
        let (before, after) = (proof_of(tenant), proof_of(&more));
        let all = sign_ins(&more, n);
        let same_outcomes = outcomes(tenant, &all)
            .iter()
            .zip(&outcomes(&more, &all))
            .all(|(before, after)| before.0 == after.0);
        let mut rest = reaches(&after);
        let own = rest.remove(place);
        let coarse = few_devices(tenant);
        let same = own == (Reach::Never, Effect::None) && (coarse || rest == reaches(&before));
        let same_answers = same_answers(tenant, &before, &after);
        let holds = same && same_outcomes && same_answers;
        check(holds, &added.to_string(), (&before, &after))
    });
}

#[test]
fn x1_a_switched_off_policy_is_as_good_as_none() {
    each_tenant(|tenant, n| {
        let place = n.below(tenant.policies.len());
        let (mut off, mut without) = (tenant.clone(), tenant.clone());
        off.policies[place]["state"] = json!("disabled");
        without.policies.remove(place);
        let (off, without) = (proof_of(&off), proof_of(&without));
        check(
            same_answers(tenant, &off, &without),
            &format!("policy {place}"),
            (&off, &without),
        )
    });
}

/// Kept out of the others: what a prover makes for one set is not used for another.
#[test]
fn x1_report_only_counts_where_it_is_asked_for() {
    each_tenant(|tenant, _| {
        let mut on = tenant.clone();
        for policy in &mut on.policies {
            if policy["state"] == "enabledForReportingButNotEnforced" {
                policy["state"] = json!("enabled");
            }
        }
        let policies = tenant.read();
        let engine = Engine::new(&policies, &tenant.environment, Enforce::ReportOnlyToo);
        let prover = Prover::new(&engine, &options(tenant));
        let (asked, enabled) = (
            prover.account(&engine.subject(&tenant.me), &[]),
            proof_of(&on),
        );
        let same = reaches(&asked) == reaches(&enabled) && answers(&asked) == answers(&enabled);
        check(same, "report-only", (&asked, &enabled))
    });
}
