//! `breakglass/what-if/v1`.

use breakglass_conditional_access::SignIn;
use breakglass_model::SetAside;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Answer, End, Enforced};
use crate::{commands::lockout::confirm::Confirmation, head::Head};

/// `lockout whatif --format json`, schema `breakglass/what-if/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WhatIfDocument {
    /// What every document begins with.
    #[serde(flatten)]
    pub head: Head,
    /// Which policies count as enforced.
    pub enforced: Enforced,
    /// Who signs in.
    pub user: User,
    /// The sign-in that was judged.
    pub sign_in: SignIn,
    /// The same as a sentence.
    pub sentence: String,
    /// How it ends.
    pub outcome: End,
    /// Every policy.
    pub policies: Vec<Policy>,
    /// Gates outside Conditional Access.
    pub gates: Vec<Gate>,
    /// Data whose absence keeps the outcome open.
    pub missing: Vec<String>,
    /// With `--confirm`: what Microsoft's own What If said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// Files, or parts of files, that could not be understood.
    pub set_aside: Vec<SetAside>,
}

/// Who signs in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct User {
    /// Object id.
    pub id: String,
    /// User principal name or display name, else the id.
    pub name: String,
}

/// One policy against the sign-in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Policy {
    /// Object id; where the input has none, the display name.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `enabled`, `disabled`, `enabledForReportingButNotEnforced`.
    pub state: String,
    /// Whether it applies.
    pub applies: Answer,
    /// Every condition that is configured.
    pub conditions: Vec<Condition>,
    /// Whether it blocks access where it applies.
    pub blocks: bool,
    /// What it asks for, as words.
    pub asks: String,
    /// Whether that can be met; `null` for a policy that does not apply.
    pub met: Option<Answer>,
    /// What stands in the way of meeting it, as a clause.
    pub unmet: Option<String>,
}

/// One condition of a policy.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Condition {
    /// The condition, in the words of Microsoft's What If.
    pub name: String,
    /// Whether it matches.
    pub matches: Answer,
    /// The object or value that decided, as a clause.
    pub because: String,
}

/// A gate outside Conditional Access.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Gate {
    /// Which one.
    pub name: String,
    /// Whether it stands in the way of this sign-in.
    pub applies: Answer,
    /// Whether the person can pass it.
    pub met: Answer,
}
