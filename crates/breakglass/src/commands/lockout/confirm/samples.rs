//! What What If can be asked, beside the witnesses of a proof: a sign-in for every policy that only the choice of people
//! keeps away, and a word for the groups of applications whose members it does not know.
//!
//! A proof that says *never* rests on an exclusion, mostly. Whether that holds shows only in a sign-in that meets all
//! else that the policy asks for; the witnesses of other policies need not.

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy, SignIn, Truth,
    policy::{Target, UserSet, Users},
    prove::{Options, Prover, Reach},
    sign_in::Who,
};

use super::request;

/// Words by which a policy names a group of applications: as ids are compared, in words for people, and what What If is
/// asked with (Microsoft Graph, *conditionalAccessRoot: evaluate*: a question about a member does not show the policies
/// that name the group).
pub(super) const GROUPS: [(&str, &str, &str); 2] = [
    (
        "office365",
        "Office 365",
        "67ad5377-2d78-4ac2-a867-6300cda00e85",
    ),
    (
        "microsoftadminportals",
        "Microsoft Admin Portals",
        "MicrosoftAdminPortals",
    ),
];

/// The environment in which a group of applications can be asked for by its own word.
pub(super) fn with_groups(environment: &Environment) -> Environment {
    let mut own = environment.clone();
    for (word, name, _) in GROUPS {
        let members = own.suites.entry(word.to_owned()).or_default();
        members.push(word.to_owned());
        own.app_names.insert(word.to_owned(), name.to_owned());
    }
    own
}

/// Policies and environment as What If takes them: an application is no member of the group that a policy includes.
/// That it does not leave a member out either, where a policy excludes the group, is not documented.
pub(super) fn as_what_if(policies: &[Policy], environment: &Environment) -> Engine {
    let mut own = with_groups(environment);
    let mut policies = policies.to_vec();
    for (word, ..) in GROUPS {
        let members = own.suites.insert(word.to_owned(), vec![word.to_owned()]);
        for policy in &mut policies {
            if let Target::Resources(resources) = &mut policy.target
                && resources
                    .exclude
                    .iter()
                    .any(|token| token.eq_ignore_ascii_case(word))
            {
                resources.exclude.extend(members.iter().flatten().cloned());
            }
        }
    }
    Engine::new(&policies, &own, Enforce::ReportOnlyToo)
}

/// Adds to the sign-ins of each person those that are missing so that each policy is asked about with one that meets all
/// of its conditions but the one on people. A policy that nobody could meet gets none.
pub(in super::super) fn add(
    policies: &[Policy],
    environment: &Environment,
    options: &Options,
    people: &mut [(Identity, Vec<SignIn>)],
) {
    let everybodys: Vec<Policy> = policies.iter().map(for_everybody).collect();
    let engine = as_what_if(&everybodys, environment);
    let prover = Prover::new(&engine, options);
    for (identity, sign_ins) in people {
        let subject = engine.subject(identity);
        for proof in prover.reach(&subject, &[]) {
            let Some(sample) = proof.witness.filter(|_| proof.reach == Reach::Can) else {
                continue;
            };
            let is_asked = sign_ins.iter().any(|own| {
                let asked = request::as_asked(own);
                engine.evaluate(&subject, &asked).applies(proof.policy) == Truth::Yes
                    && request::body(own, &identity.id).is_ok()
            });
            if !is_asked {
                sign_ins.push(SignIn {
                    user: Some(Who::Name(identity.id.clone())),
                    ..sample
                });
            }
        }
    }
}

/// The policy with everybody included and nobody excluded; one for workloads meets no person anyway.
fn for_everybody(policy: &Policy) -> Policy {
    if policy.users.workloads_only {
        return policy.clone();
    }
    Policy {
        users: Users {
            include: UserSet {
                all: true,
                ..UserSet::default()
            },
            ..Users::default()
        },
        ..policy.clone()
    }
}

#[cfg(test)]
mod tests {
    use breakglass_conditional_access::tenant::{People, Tenant};
    use breakglass_model::{ObjectId, example};

    use super::*;

    /// X1: *never* is put to What If with sign-ins that only the exclusion keeps away from a policy.
    #[test]
    fn x1_each_policy_is_asked_about_with_a_sign_in_that_meets_all_its_other_conditions() {
        let now = "2026-11-24T12:00:00Z".parse().unwrap();
        let example = example::tenant("contoso-modern", now).unwrap();
        let tenant = Tenant::read(&example.snapshot);
        let id = ObjectId::parse("7b3e1a00-41c2-4d8a-b6f0-9c5d1e2a4000").unwrap();
        let identity = People::new(&example.snapshot, &[&tenant]).identity(&id);
        let mut people = [(identity, Vec::new())];
        let options = Options::default();
        add(&tenant.policies, &tenant.environment, &options, &mut people);
        let [(identity, sign_ins)] = &people;
        let everybodys: Vec<Policy> = tenant.policies.iter().map(for_everybody).collect();
        let engine = as_what_if(&everybodys, &tenant.environment);
        let subject = engine.subject(identity);
        for (place, policy) in tenant.policies.iter().enumerate() {
            let met = sign_ins.iter().any(|own| {
                let asked = request::as_asked(own);
                engine.evaluate(&subject, &asked).applies(place) == Truth::Yes
            });
            assert_eq!(met, !policy.users.workloads_only, "{}", policy.name);
        }
        let asked = |word: &str| sign_ins.iter().any(|own| own.audiences.contains(word));
        assert!(asked("microsoftadminportals"), "{sign_ins:#?}");
        let before = sign_ins.len();
        assert!(before < tenant.policies.len(), "one serves for several");
        add(&tenant.policies, &tenant.environment, &options, &mut people);
        assert_eq!(people[0].1.len(), before);
    }
}
