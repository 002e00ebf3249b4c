//! The tenant with the change.

use breakglass_conditional_access::{
    change::{self, Change, Kind},
    identity::fold,
    tenant::Tenant,
};
use breakglass_model::{ObjectId, TenantSnapshot, tenant::Policy};
use serde_json::Value;

/// The tenant after changes and deletions of policies, and one line a change that says what it did.
pub(super) fn after(
    snapshot: &TenantSnapshot,
    changes: &[Change],
    deletions: &[String],
) -> (Tenant, Vec<String>) {
    let raw: Vec<Value> = snapshot.policies.iter().map(|p| p.raw.clone()).collect();
    let (mut raw, mut lines) = change::apply(&raw, changes);
    for id in deletions {
        raw.retain(|policy| {
            policy["id"]
                .as_str()
                .is_none_or(|own| fold(own) != fold(id))
        });
        lines.push(format!("--delete: removes {id}"));
    }
    for change in changes.iter().filter(|change| change.kind != Kind::Policy) {
        lines.push(format!(
            "{}: is not a policy and is not applied",
            change.source
        ));
    }
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
    (Tenant::read(&after), lines)
}
