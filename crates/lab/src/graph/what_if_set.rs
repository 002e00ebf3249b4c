//! The tenant's policies made ready for the evaluator, once for every revision of the state.
//!
//! What If asks it, and so does whoever judges a real sign-in: both see the same policies, people and locations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use breakglass_conditional_access::{
    Enforce, Engine, Environment, Evaluation, Identity, Policy, SignIn,
    engine::Subject,
    policy::Target,
    tenant::{People, Tenant},
};
use breakglass_model::{
    ObjectId, TenantSnapshot,
    export::{self, InputFile},
};
use jiff::Timestamp;

use crate::{Lab, State};

/// Policies, people and locations of one revision.
#[derive(Debug)]
pub(crate) struct PolicySet {
    revision: u64,
    snapshot: TenantSnapshot,
    tenant: Tenant,
    /// As What If reads the set: with report-only policies as if they were switched on, and groups of applications
    /// without their members.
    what_if: Engine,
    /// Who was asked for already, by folded id: looking somebody up reads every list of members.
    people: Mutex<BTreeMap<String, Arc<Identity>>>,
}

/// Keeps the set of the last revision.
#[derive(Debug, Default)]
pub(crate) struct Cache(Mutex<Option<Arc<PolicySet>>>);

impl PolicySet {
    /// Reads the state; nothing of it fails, and what can't be read is unknown to the evaluator.
    pub(crate) fn read(state: &State, now: Timestamp) -> Self {
        let snapshot = export::read([InputFile {
            path: "twin.snapshot.json".to_owned(),
            bytes: state.to_snapshot(now).to_string().into_bytes(),
        }]);
        let tenant = Tenant::read(&snapshot);
        Self {
            revision: state.revision,
            what_if: as_what_if(&tenant.policies, &tenant.environment),
            people: Mutex::default(),
            tenant,
            snapshot,
        }
    }

    /// The tenant as the evaluator reads it; its policies have the order of the engine's.
    pub(crate) const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Who an object id is to the policies; `None`: it is no object id.
    pub(crate) fn identity(&self, id: &str) -> Option<Arc<Identity>> {
        let key = id.to_lowercase();
        let object = ObjectId::parse(&key).ok()?;
        let mut people = self.people.lock().unwrap_or_else(PoisonError::into_inner);
        let identity = people.entry(key).or_insert_with(|| {
            Arc::new(People::new(&self.snapshot, &[&self.tenant]).identity(&object))
        });
        Some(Arc::clone(identity))
    }

    /// Puts a question to What If and hands the evaluation over.
    pub(crate) fn evaluate<T>(
        &self,
        identity: &Identity,
        sign_in: &SignIn,
        read: impl FnOnce(&Evaluation<'_>) -> T,
    ) -> T {
        let subject: Subject = self.what_if.subject(identity);
        read(&self.what_if.evaluate(&subject, sign_in))
    }
}

/// Groups of applications by their token, and what a question about the group itself asks for: the token, and of
/// Office 365 an application that stands for it.
const GROUPS: [(&str, &[&str]); 2] = [
    (
        "office365",
        &["office365", "67ad5377-2d78-4ac2-a867-6300cda00e85"],
    ),
    ("microsoftadminportals", &["microsoftadminportals"]),
];

/// A set of policies as What If reads it (Microsoft Graph, *conditionalAccessRoot: evaluate*): a question about a member
/// does not show the policies that include its group. Nothing is said of groups that are excluded: these keep their
/// members.
pub(crate) fn as_what_if(policies: &[Policy], environment: &Environment) -> Engine {
    let mut environment = environment.clone();
    let mut policies = policies.to_vec();
    for (token, asked) in GROUPS {
        let asked: Vec<String> = asked.iter().map(|&id| id.to_owned()).collect();
        let members = environment.suites.insert(token.to_owned(), asked);
        for policy in &mut policies {
            if let Target::Resources(resources) = &mut policy.target
                && resources
                    .exclude
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case(token))
            {
                resources.exclude.extend(members.iter().flatten().cloned());
            }
        }
    }
    Engine::new(&policies, &environment, Enforce::ReportOnlyToo)
}

impl Lab {
    /// The policy set of this state, which the caller holds.
    pub(crate) fn policy_set(&self, state: &State) -> Arc<PolicySet> {
        let mut kept = self
            .policies
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(set) = kept.as_ref().filter(|set| set.revision == state.revision) {
            return Arc::clone(set);
        }
        let set = Arc::new(PolicySet::read(state, self.now()));
        *kept = Some(Arc::clone(&set));
        set
    }
}
