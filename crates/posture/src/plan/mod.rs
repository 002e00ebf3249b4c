//! The plan: from the tenant as it is to the modern set-up, in an order in which nothing is ever left worse than it was.
//!
//! The plan is built on a copy of the snapshot. Each step is made there as soon as it is planned, so that the next one is
//! planned on the state that it will meet; what the checks still say at the end is the table of what remains. A step
//! that would cost an account its way in, or leave a password as its only guard, is not planned.
//!
//! Invariants:
//! - the plan of a met state has no step;
//! - an account gets its role, and goes into the restricted unit, only when a key of it is registered;
//! - a step holds what stood there before it, so that a plan that is out of date is noticed;
//! - what was not read is not planned on: the plan says what it could not plan and why.

mod access;
mod alerting;
mod dedicated;
mod draft;
mod grounds;
mod group;
mod keys;
mod members;
mod people;
mod pim;
mod protection;
mod registration;
mod safety;
mod settings;
mod simulate;
mod strength;
mod tasks;
#[cfg(test)]
mod tests;
mod undone;
mod waiting;

use breakglass_model::{
    History, NotRead, ObjectId, Register, TenantSnapshot,
    aaguid::Tables,
    finding::{TenantRef, Tool},
    plan::{PLAN_SCHEMA, Plan},
};
use jiff::Timestamp;

pub use grounds::{grounds, moved};
pub use safety::{Danger, Safety};
pub use simulate::simulate;
pub use undone::undone;

use draft::Draft;

/// What only people can decide.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Wishes {
    /// Users who may look after the accounts once they have activated the keeper role: object ids.
    pub keepers: Vec<ObjectId>,
    /// Users who approve that activation: object ids.
    pub approvers: Vec<ObjectId>,
    /// Standing Global Administrators who shall be eligible instead: object ids.
    pub make_eligible: Vec<ObjectId>,
    /// Members of the accounts' group who shall leave it: object ids.
    pub leave_group: Vec<ObjectId>,
    /// Mailboxes that alerts go to.
    pub alert_mail: Vec<String>,
    /// Telephone numbers that alerts go to, `+41 44 555 01 42`: country code and number.
    pub alert_sms: Vec<(String, String)>,
    /// An event hub that the logs go to, beside the workspace.
    pub event_hub: Option<EventHub>,
}

/// An event hub, as a diagnostic setting names it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventHub {
    /// Resource id of an authorization rule of the namespace, with the rights to manage, send and listen.
    pub rule: String,
    /// The hub's name.
    pub name: String,
}

/// What a plan is made from.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    /// The tenant as it was read.
    pub snapshot: &'a TenantSnapshot,
    /// The register.
    pub register: Option<&'a Register>,
    /// Drills and uses, for what remains.
    pub history: &'a History,
    /// Accounts named by argument or configuration: UPNs or object ids.
    pub accounts: &'a [String],
    /// What only people can decide.
    pub wishes: &'a Wishes,
    /// What is known about keys.
    pub keys: &'a Tables,
    /// The moment that due dates are judged against.
    pub now: Timestamp,
    /// Version of the program.
    pub version: &'a str,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// Nobody says which accounts.
    #[error("no emergency access account is declared")]
    NoAccount,
    /// An account that is named by object id is not in the tenant: it cannot be made.
    #[error("the tenant has no user `{0}`")]
    NotThere(String),
    /// Without it nothing can be proved.
    #[error("{} {}: {}", .0.collection, if .0.permission.is_some() { "was not read" } else { "cannot be used" }, .0.reason)]
    NotRead(NotRead),
    /// Somebody that was named is not in the tenant: a person, or an account that no register names.
    #[error("the tenant has no user `{0}`, named as {1}")]
    NoSuchPerson(String, &'static str),
}

/// Plans.
///
/// # Errors
/// When the accounts are not known, or what every step rests on was not read.
pub fn plan(input: &PlanInput<'_>) -> Result<Plan, PlanError> {
    let snapshot = input.snapshot;
    if let Some(missing) = snapshot.unproven() {
        return Err(PlanError::NotRead(missing.clone()));
    }
    let mut draft = Draft::new(input)?;
    draft.accounts();
    draft.group();
    draft.leave_group();
    draft.keys();
    draft.registration();
    draft.security_defaults();
    draft.access();
    draft.weak_methods();
    draft.self_service_reset();
    draft.head_count();
    draft.protection();
    draft.standing_rules();
    draft.consent();
    draft.alerting();
    draft.muted();
    let (accounts, steps, warnings, remaining) = draft.finish();
    let known: Vec<ObjectId> = accounts
        .iter()
        .filter_map(|id| ObjectId::parse(id).ok())
        .collect();
    let mut plan = Plan {
        schema: PLAN_SCHEMA.to_owned(),
        tool: Tool {
            name: "breakglass".to_owned(),
            version: input.version.to_owned(),
        },
        at: input.now,
        tenant: TenantRef {
            id: snapshot.id.as_ref().map(ToString::to_string),
            name: snapshot.name.clone(),
            collected_at: snapshot.collected_at.map(|at| at.to_string()),
            digest: snapshot.digest.clone(),
        },
        assumptions: snapshot.assumptions.clone(),
        not_read: snapshot.missing(),
        digest: String::new(),
        grounds: grounds(snapshot, &known),
        accounts,
        steps,
        remaining,
        warnings: [warnings, input.history.remarks()].concat(),
    };
    plan.digest = plan.fingerprint();
    Ok(plan)
}
