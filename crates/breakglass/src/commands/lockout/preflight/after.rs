//! The tenant with the change.

use breakglass_conditional_access::{
    change::{self, Change, Kind},
    identity::fold,
    policy,
    tenant::Tenant,
};
use breakglass_model::{ObjectId, TenantSnapshot, tenant::Policy};
use serde_json::Value;

/// The tenant after a change.
pub(super) struct After {
    pub(super) tenant: Tenant,
    /// What each change did, one line a change.
    pub(super) lines: Vec<String>,
    /// Changes whose effect is not known, one clause a change.
    pub(super) open: Vec<String>,
}

/// The tenant after changes and deletions of policies.
pub(super) fn after(
    snapshot: &TenantSnapshot,
    changes: &[Change],
    deletions: &[&policy::Policy],
) -> After {
    let raw: Vec<Value> = snapshot.policies.iter().map(|p| p.raw.clone()).collect();
    let (mut raw, mut lines) = change::apply(&raw, changes);
    for gone in deletions {
        raw.retain(|raw| fold(&policy::read(raw).id) != fold(&gone.id));
        lines.push(format!("--delete: removes `{}` (`{}`)", gone.name, gone.id));
    }
    let mut open: Vec<String> = changes
        .iter()
        .filter(|change| change.kind != Kind::Policy)
        .map(|change| format!("{}: what is not a policy is not applied", change.source))
        .collect();
    // A name that several policies have: the change is meant, and could not be made.
    open.extend(
        lines
            .iter()
            .filter(|line| line.contains(": changes nothing: "))
            .cloned(),
    );
    let mut after = snapshot.clone();
    after.policies.items = raw
        .into_iter()
        .map(|raw| Policy {
            id: raw["id"].as_str().and_then(|id| ObjectId::parse(id).ok()),
            display_name: raw["displayName"].as_str().map(str::to_owned),
            state: raw["state"].as_str().map(str::to_owned),
            raw,
        })
        .collect();
    After {
        tenant: Tenant::read(&after),
        lines,
        open,
    }
}
