//! Authentication strengths, from their own collection and as policies carry them.

use std::collections::BTreeSet;

use breakglass_model::TenantSnapshot;
use serde_json::Value;

use super::environment::{label, list, text, texts};
use crate::{
    Policy,
    identity::fold,
    policy::Control,
    strength::{Combination, Restriction, Strength},
};

/// Adds what was read to the built-in strengths, which it replaces where Microsoft has changed them since.
pub(super) fn read(
    snapshot: &TenantSnapshot,
    policies: &[Policy],
    strengths: &mut Vec<Strength>,
    assumptions: &mut Vec<String>,
) {
    let collection = list(snapshot, "authenticationStrengthPolicies");
    let inline = snapshot
        .policies
        .iter()
        .filter_map(|policy| policy.raw.pointer("/grantControls/authenticationStrength"));
    let mut seen = BTreeSet::new();
    for raw in collection.iter().chain(inline) {
        let (Some(id), Some(Value::Array(_))) = (text(raw, "id"), raw.get("allowedCombinations"))
        else {
            continue;
        };
        if !seen.insert(fold(id)) {
            continue;
        }
        let strength = strength(id, raw);
        let is_named = policies.iter().any(|policy| names(policy, id));
        if raw.get("combinationConfigurations").is_none() && is_named && !is_built_in(id) {
            assumptions.push(format!(
                "the strength {} is taken to have no further restrictions: the input lists none",
                strength.name
            ));
        }
        strengths.retain(|known| fold(&known.id) != fold(id));
        strengths.push(strength);
    }
}

/// Whether a policy asks for the strength.
fn names(policy: &Policy, id: &str) -> bool {
    policy
        .grant
        .iter()
        .flat_map(|grant| &grant.controls)
        .any(|control| matches!(control, Control::Strength(own) if own.id.eq_ignore_ascii_case(id)))
}

fn is_built_in(id: &str) -> bool {
    crate::strength::built_in()
        .iter()
        .any(|strength| strength.id.eq_ignore_ascii_case(id))
}

fn strength(id: &str, raw: &Value) -> Strength {
    let combinations = |key: &str, of: &Value| -> Vec<Combination> {
        texts(of, key).map(Combination::new).collect()
    };
    Strength {
        id: id.to_owned(),
        name: label(raw, id),
        allowed: combinations("allowedCombinations", raw),
        restrictions: raw
            .get("combinationConfigurations")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter(|configuration| narrows(configuration))
            .map(|configuration| Restriction {
                applies_to: combinations("appliesToCombinations", configuration),
                aaguids: texts(configuration, "allowedAAGUIDs")
                    .map(str::to_lowercase)
                    .collect(),
            })
            .collect(),
    }
}

/// A configuration for certificates without an issuer and without a policy narrows nothing.
fn narrows(configuration: &Value) -> bool {
    let is_certificate = configuration.get("allowedIssuerSkis").is_some()
        || configuration.get("allowedPolicyOIDs").is_some();
    !is_certificate
        || ["allowedIssuerSkis", "allowedPolicyOIDs", "allowedAAGUIDs"]
            .iter()
            .any(|key| texts(configuration, key).next().is_some())
}
