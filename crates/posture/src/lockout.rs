//! What Conditional Access does to the declared accounts, proved once for all checks.

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Identity, Policy, Subject,
    prove::{AccountProof, Effect, Intent, Options, PolicyProof, Prover, Reach, recognise},
    tenant::{People, Tenant},
    words,
};
use breakglass_model::{NotRead, ObjectId, TenantSnapshot};

use crate::GuardedAccount;

/// The proofs.
#[derive(Debug)]
pub struct Lockout {
    engine: Engine,
    /// One per declared account, in their order; `None` for one that is not in the tenant.
    accounts: Vec<Option<Proved>>,
    /// Why the policies were not read completely.
    pub(crate) missing: Option<NotRead>,
}

/// What was proved of one account.
#[derive(Debug)]
pub(crate) struct Proved {
    pub(crate) identity: Identity,
    pub(crate) subject: Subject,
    pub(crate) proof: AccountProof,
    /// The same if every report-only policy were switched on.
    pub(crate) live: AccountProof,
}

impl Lockout {
    /// Proves everything that the checks ask about.
    pub fn new(snapshot: &TenantSnapshot, accounts: &[GuardedAccount<'_>]) -> Self {
        let mut tenant = Tenant::read(snapshot);
        tenant.leave_open(snapshot);
        let people = People::new(snapshot, &[&tenant]);
        let engine = Engine::new(&tenant.policies, &tenant.environment, Enforce::Enabled);
        let live = Engine::new(
            &tenant.policies,
            &tenant.environment,
            Enforce::ReportOnlyToo,
        );
        let options = Options::default();
        let missing = snapshot.policies.missing.clone();
        let ids: Vec<ObjectId> = accounts
            .iter()
            .filter_map(|account| account.id.clone())
            .collect();
        let shared = people.shared_groups(&ids);
        let proofs = {
            let prover = Prover::new(&engine, &options);
            let live_prover = Prover::new(&live, &options);
            accounts
                .iter()
                .map(|account| {
                    account.user?;
                    let identity = people.identity(account.id.as_ref()?);
                    let intent = Intent {
                        policies: account
                            .entry
                            .iter()
                            .flat_map(|entry| &entry.intended_policies)
                            .map(ToString::to_string)
                            .collect(),
                        groups: account
                            .entry
                            .iter()
                            .filter_map(|entry| entry.group.as_ref())
                            .map(ToString::to_string)
                            .collect(),
                        shared: shared.clone(),
                    };
                    let intended: Vec<bool> = tenant
                        .policies
                        .iter()
                        .map(|policy| recognise(policy, &identity, &intent))
                        .collect();
                    let prove = |prover: &Prover<'_>, subject: &Subject| {
                        let proof = prover.account(subject, &intended);
                        match &missing {
                            Some(missing) => proof.over_incomplete_set(&missing.reason),
                            None => proof,
                        }
                    };
                    let subject = engine.subject(&identity);
                    Some(Proved {
                        proof: prove(&prover, &subject),
                        live: prove(&live_prover, &live.subject(&identity)),
                        subject,
                        identity,
                    })
                })
                .collect()
        };
        Self {
            engine,
            accounts: proofs,
            missing,
        }
    }

    pub(crate) fn of(&self, place: usize) -> Option<&Proved> {
        self.accounts.get(place)?.as_ref()
    }

    pub(crate) fn policy_name(&self, place: usize) -> &str {
        self.engine
            .policies()
            .nth(place)
            .map_or("", |policy| &policy.name)
    }

    /// What policies refer to.
    pub(crate) fn environment(&self) -> &Environment {
        self.engine.environment()
    }

    pub(crate) fn policy(&self, place: usize) -> Option<&Policy> {
        self.engine.policies().nth(place)
    }

    /// Whether a policy asks for an authentication strength.
    pub(crate) fn asks_for_strength(&self, place: usize) -> bool {
        self.policy(place).is_some_and(Policy::asks_for_strength)
    }

    /// A policy that reaches an account, as a clause with its witness.
    pub(crate) fn reaches(&self, proof: &PolicyProof) -> String {
        let name = self.policy_name(proof.policy);
        match &proof.witness {
            Some(witness) => format!(
                "{name} {}, for one when {}",
                proof.why,
                words::sentence(witness, self.engine.environment())
            ),
            None => format!("{name} {}", proof.why),
        }
    }

    /// The way in, as a sentence.
    pub(crate) fn way_in(&self, proof: &AccountProof) -> String {
        proof.way_in.as_ref().map_or_else(String::new, |sign_in| {
            words::sentence(sign_in, self.engine.environment())
        })
    }
}

impl Proved {
    /// Policies that are not intended and do this, by how surely they reach the account.
    pub(crate) fn unintended(
        &self,
        reach: Reach,
        effects: &'static [Effect],
    ) -> impl Iterator<Item = &PolicyProof> {
        self.proof
            .policies
            .iter()
            .filter(move |p| !p.intended && p.reach == reach && effects.contains(&p.effect))
    }
}
