//! The JSON documents. Their field names are the contract; text and the other forms are written from them,
//! so that no form says what another does not.

pub mod preflight;
pub mod proof;
pub mod what_if;

use breakglass_conditional_access::{Enforce, Engine, Outcome, Truth};
use schemars::JsonSchema;
use serde::Serialize;

/// Which states of policies count as enforced.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Enforced {
    /// Enabled policies.
    Enabled,
    /// Report-only policies too, as if they were enabled.
    ReportOnlyToo,
}

impl From<Enforce> for Enforced {
    fn from(enforce: Enforce) -> Self {
        match enforce {
            Enforce::Enabled => Self::Enabled,
            Enforce::ReportOnlyToo => Self::ReportOnlyToo,
        }
    }
}

/// *Yes*, *no*, or the data does not say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It holds.
    Yes,
    /// It does not hold.
    No,
    /// The data does not say.
    Unknown,
}

impl From<Truth> for Answer {
    fn from(truth: Truth) -> Self {
        match truth {
            Truth::Yes => Self::Yes,
            Truth::No => Self::No,
            Truth::Unknown => Self::Unknown,
        }
    }
}

/// How a sign-in ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum End {
    /// Nothing is required.
    Allow,
    /// Something is required and can be met.
    Challenge,
    /// The data does not say.
    Unknown,
    /// Something is required that can't be met.
    Deny,
    /// A policy blocks.
    Block,
}

impl From<Outcome> for End {
    fn from(outcome: Outcome) -> Self {
        match outcome {
            Outcome::Allow => Self::Allow,
            Outcome::Challenge => Self::Challenge,
            Outcome::Unknown => Self::Unknown,
            Outcome::Deny => Self::Deny,
            Outcome::Block => Self::Block,
        }
    }
}

/// A policy by id and name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, JsonSchema)]
pub struct PolicyRef {
    /// Object id; where the input has none, the display name.
    pub id: String,
    /// Display name.
    pub name: String,
}

/// The policies at these places of an engine's set.
pub fn policy_refs(engine: &Engine, places: &[usize]) -> Vec<PolicyRef> {
    let policies: Vec<_> = engine.policies().collect();
    places
        .iter()
        .filter_map(|place| policies.get(*place))
        .map(|policy| PolicyRef {
            id: policy.id.clone(),
            name: policy.name.clone(),
        })
        .collect()
}
