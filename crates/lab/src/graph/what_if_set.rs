//! The tenant's policies made ready for the evaluator, once for every revision of the state.
//!
//! What If asks it, and so does whoever judges a real sign-in: both see the same policies, people and locations.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, PoisonError},
};

use breakglass_conditional_access::{
    Enforce, Engine, Evaluation, Identity, SignIn,
    engine::Subject,
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
    /// With report-only policies as they are.
    enabled: Engine,
    /// With report-only policies as if they were switched on.
    reporting: Engine,
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
        let engine = |enforce| Engine::new(&tenant.policies, &tenant.environment, enforce);
        Self {
            revision: state.revision,
            enabled: engine(Enforce::Enabled),
            reporting: engine(Enforce::ReportOnlyToo),
            people: Mutex::default(),
            tenant,
            snapshot,
        }
    }

    /// The tenant as the evaluator reads it; its policies have the order of both engines.
    pub(crate) const fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// The engine in which report-only policies count as the caller says.
    pub(crate) const fn engine(&self, enforce: Enforce) -> &Engine {
        match enforce {
            Enforce::Enabled => &self.enabled,
            Enforce::ReportOnlyToo => &self.reporting,
        }
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

    /// Puts a question to an engine and hands the evaluation over.
    pub(crate) fn evaluate<T>(
        &self,
        enforce: Enforce,
        identity: &Identity,
        sign_in: &SignIn,
        read: impl FnOnce(&Evaluation<'_>) -> T,
    ) -> T {
        let engine = self.engine(enforce);
        let subject: Subject = engine.subject(identity);
        read(&engine.evaluate(&subject, sign_in))
    }
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
