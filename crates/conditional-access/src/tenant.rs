//! What was read of a tenant, made into what the engine asks: policies with their environment, and people.
//!
//! Nothing here fails: what was not read becomes *unknown* with its reason, and what had to be taken for
//! granted is said in [`Tenant::assumptions`]. Start at [`Tenant::read`], then ask [`People`].

mod activation;
mod changed;
mod cohorts;
mod columns;
mod dangling;
mod devices;
mod environment;
mod index;
mod key;
mod members;
mod methods;
mod methods_policy;
mod people;
mod roles;
mod strengths;

use breakglass_model::{Reading, TenantSnapshot, tenant::GLOBAL_ADMINISTRATOR};

use crate::{
    Environment, Policy,
    change::KNOWN_AFTER_APPLY,
    identity::Fact,
    policy::{self, State, Target},
};

pub use activation::{ActivationRules, ProtectedAction};
pub use changed::{Changed, Overlay};
pub use cohorts::Cohort;
pub use dangling::{Dangling, DanglingKind};
pub use people::People;

/// A tenant's policies with everything that they refer to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tenant {
    /// Policies, in the order in which they were read.
    pub policies: Vec<Policy>,
    /// What they refer to.
    pub environment: Environment,
    /// What was taken for granted here, beyond the assumptions of the snapshot itself.
    pub assumptions: Vec<String>,
    /// What policies name and what certainly does not exist.
    pub dangling: Vec<Dangling>,
    /// What activating Global Administrator asks for; `Unknown`: why it is not known.
    pub activation: Fact<ActivationRules>,
    /// Operations that ask for an authentication context; `Unknown`: why they are not known.
    pub protected_actions: Fact<Vec<ProtectedAction>>,
}

impl Tenant {
    /// What policies name and what does not exist any more, one clause each: a deleted group in an exclusion protects
    /// nobody.
    pub fn gone(&self) -> Vec<String> {
        self.dangling
            .iter()
            .map(|own| {
                let what = match own.kind {
                    DanglingKind::Group => "the group",
                    DanglingKind::User => "the user",
                    DanglingKind::Location => "the named location",
                    DanglingKind::Strength => "the authentication strength",
                };
                let policy = self
                    .policies
                    .iter()
                    .find(|policy| policy.id == own.policy)
                    .map_or(own.policy.as_str(), |policy| policy.name.as_str());
                format!(
                    "{policy} names {what} {}, which does not exist any more",
                    own.id
                )
            })
            .collect()
    }

    /// Makes unknown what the input leaves out of the policies. Right for what was read of a tenant, where Graph writes
    /// every key; a policy that somebody wrote by hand means *any* by what it leaves out.
    pub fn leave_open(&mut self, snapshot: &TenantSnapshot) {
        for (policy, own) in self.policies.iter_mut().zip(&snapshot.policies) {
            policy::leave_open(&own.raw, policy);
        }
    }

    /// Reads policies and environment. Total.
    pub fn read(snapshot: &TenantSnapshot) -> Self {
        let policies: Vec<Policy> = snapshot
            .policies
            .iter()
            .map(|policy| policy::read(&policy.raw))
            .collect();
        let mut assumptions = Vec::new();
        let environment = environment::read(snapshot, &policies, &mut assumptions);
        taken_for_granted(snapshot, &policies, &mut assumptions);
        Self {
            dangling: dangling::find(snapshot, &policies, &environment),
            activation: activation::rules(snapshot, GLOBAL_ADMINISTRATOR),
            protected_actions: activation::protected(snapshot),
            policies,
            environment,
            assumptions,
        }
    }
}

fn taken_for_granted(snapshot: &TenantSnapshot, policies: &[Policy], lines: &mut Vec<String>) {
    standing(policies, lines);
    // Our own collection reads the policies from beta and v1.0 and compares them.
    if snapshot.collected_at.is_none() {
        lines.push(
            "the policies are all that there are: an export of Graph v1.0 may leave out those that use what only beta \
             knows"
                .to_owned(),
        );
    }
    let people_with_methods = snapshot
        .users
        .iter()
        .any(|user| user.methods.get().is_some_and(|m| !m.is_empty()));
    if people_with_methods && !methods_policy::MethodsPolicy::is_read(snapshot) {
        lines.push(
            "every registered method is taken to be allowed: the authentication methods policy is not in the \
             input"
                .to_owned(),
        );
    }
    if policies.iter().any(|policy| {
        policy.locations.as_ref().is_some_and(|locations| {
            locations
                .include
                .iter()
                .chain(&locations.exclude)
                .any(|id| id.eq_ignore_ascii_case("AllTrusted"))
        })
    }) {
        lines.push(
            "the multifactor authentication service is taken to have no trusted addresses of its own: no \
             export tells them"
                .to_owned(),
        );
    }
    if snapshot
        .active_assignments
        .iter()
        .any(|a| a.scope.get().is_none())
    {
        lines.push(
            "role assignments of which the scope was not read are taken to hold for the whole tenant where a \
             policy includes the role"
                .to_owned(),
        );
    }
    let member = |user: &&breakglass_model::tenant::User| {
        user.user_type.is_none() && user.described_in.is_none() && user.upn.is_some()
    };
    if snapshot.users.iter().any(|user| member(&user)) {
        lines.push(
            "users without a `userType` and without `#EXT#` in their name are taken to be members"
                .to_owned(),
        );
    }
    for user in &snapshot.users {
        let (Some(file), Some(id)) = (&user.described_in, &user.id) else {
            continue;
        };
        if let Reading::NotRead(_) = user.account_enabled {
            lines.push(format!(
                "account {id} is taken to be enabled: {file} does not tell"
            ));
        }
        if user.user_type.is_none() {
            lines.push(format!(
                "account {id} is taken to be a member: {file} does not tell"
            ));
        }
    }
}

/// Assumptions that hold for every tenant whose policies touch on them.
fn standing(policies: &[Policy], lines: &mut Vec<String>) {
    let resources = || {
        policies.iter().filter_map(|policy| match &policy.target {
            Target::Resources(resources) => Some(resources),
            _ => None,
        })
    };
    let names = |token: &str| {
        resources().any(|own| {
            own.include
                .iter()
                .chain(&own.exclude)
                .any(|id| id.eq_ignore_ascii_case(token))
        })
    };
    if names("Office365") || names("MicrosoftAdminPortals") {
        lines.push(
            "Office 365 and the Microsoft admin portals hold the applications that are publicly known, which are \
             not all"
                .to_owned(),
        );
    }
    if resources().any(|own| !own.exclude.is_empty()) {
        lines.push(
            "a policy on all resources with an excluded resource is enforced for low-privilege scopes too \
             (Microsoft's roll-out from June 2026)"
                .to_owned(),
        );
    }
    lines.push(
        "mandatory multifactor authentication covers Microsoft Graph as it does the admin portals"
            .to_owned(),
    );
}

/// Whether an id of a policy stands for an object, and not for one that a plan is still to make.
fn is_id(id: &str) -> bool {
    id != KNOWN_AFTER_APPLY
}

/// Whether a policy is certainly not enforced.
fn is_off(policy: &Policy) -> bool {
    policy.state == State::Disabled
}

#[cfg(test)]
mod tests;
