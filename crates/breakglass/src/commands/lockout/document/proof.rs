//! `breakglass/lockout-proof/v1`.

use breakglass_conditional_access::{SignIn, prove};
use breakglass_model::SetAside;
use schemars::JsonSchema;
use serde::Serialize;

use super::Enforced;
use crate::{commands::lockout::confirm::Confirmation, head::Head};

/// `lockout prove --format json`, schema `breakglass/lockout-proof/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ProofDocument {
    /// What every document begins with.
    #[serde(flatten)]
    pub head: Head,
    /// Which policies count as enforced.
    pub enforced: Enforced,
    /// The accounts.
    pub accounts: Vec<Account>,
    /// With `--confirm`: what Microsoft's own What If said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// Files, or parts of files, that could not be understood.
    pub set_aside: Vec<SetAside>,
}

/// What was proved of one account.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Account {
    /// Object id, where known.
    pub id: Option<String>,
    /// User principal name, where known.
    pub upn: Option<String>,
    /// Whether it gets in to a resource from which the tenant can be repaired.
    pub verdict: Verdict,
    /// Whether it gets in whatever risk Microsoft sees; `null`: cannot tell.
    pub robust: Option<bool>,
    /// Whether only intended policies can reach it; `null`: cannot tell.
    pub only_intended: Option<bool>,
    /// Why this verdict, one clause an item.
    pub because: Vec<String>,
    /// A sign-in that gets in.
    pub way_in: Option<SignIn>,
    /// The same as a sentence.
    pub way_in_sentence: Option<String>,
    /// Without a way in: ids of a smallest set of policies that together close every way.
    pub blame: Vec<String>,
    /// Without a way in: ids of the policies each of which, if the account were excluded from it alone, would open one.
    pub opens: Vec<String>,
    /// For an account that gets in: whether it can then change a policy, through activation, approval and
    /// protected actions; `null`: it does not get in, or the rules for activating were not read.
    pub repair: Option<Repair>,
    /// Each resource from which the tenant can be repaired, with the verdict for it alone.
    pub targets: Vec<Target>,
    /// Every policy.
    pub policies: Vec<Policy>,
    /// Why registered methods do not count, or not surely.
    pub notes: Vec<String>,
    /// Data whose absence keeps the verdict open.
    pub missing: Vec<String>,
}

impl Policy {
    /// The sign-in to which the policy applies, or may apply, as a sentence.
    pub(crate) fn example(&self) -> Option<&str> {
        self.witness_sentence
            .as_deref()
            .or(self.possible_sentence.as_deref())
    }
}

/// Whether an account that gets in can repair.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Repair {
    /// Whether it can, as far as is certain.
    pub able: bool,
    /// The step at which it ends: `noRole`, `activationContext`, `noApprover`, `protectedAction`, ….
    pub obstacle: Option<String>,
    /// The same in words.
    pub sentence: String,
}

/// A resource from which the tenant can be repaired.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Target {
    /// App id.
    pub id: String,
    /// Name, where known, else the id.
    pub name: String,
    /// Whether the account gets in to this one.
    pub verdict: Verdict,
}

/// One policy against one account.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Policy {
    /// Object id; where the input has none, the display name.
    pub id: String,
    /// Display name.
    pub name: String,
    /// `enabled`, `disabled`, `enabledForReportingButNotEnforced`.
    pub state: String,
    /// Whether it can apply to some sign-in of the account.
    pub reach: Reach,
    /// What it does then.
    pub effect: Effect,
    /// The excluding object, or what the policy asks for, as a clause.
    pub why: String,
    /// A sign-in to which it surely applies; `whatif --sign-in` confirms it.
    pub witness: Option<SignIn>,
    /// The same as a sentence.
    pub witness_sentence: Option<String>,
    /// For *cannot tell*: a sign-in to which it may apply, if what is not known turns out so.
    pub possible_witness: Option<SignIn>,
    /// The same as a sentence.
    pub possible_sentence: Option<String>,
    /// Whether it is meant to reach the account.
    pub intended: bool,
}

/// Verdict on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// There is a sign-in that surely gets in.
    GetsIn,
    /// No sign-in gets in.
    LockedOut,
    /// The data does not say.
    CannotTell,
}

impl From<prove::Verdict> for Verdict {
    fn from(verdict: prove::Verdict) -> Self {
        match verdict {
            prove::Verdict::GetsIn => Self::GetsIn,
            prove::Verdict::LockedOut => Self::LockedOut,
            prove::Verdict::CannotTell => Self::CannotTell,
        }
    }
}

/// Whether a policy can apply to some sign-in of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reach {
    /// To none, whatever the unknowns are.
    Never,
    /// Only if an unknown turns out so.
    CannotTell,
    /// To the witness, surely.
    Can,
}

impl From<prove::Reach> for Reach {
    fn from(reach: prove::Reach) -> Self {
        match reach {
            prove::Reach::Never => Self::Never,
            prove::Reach::CannotTell => Self::CannotTell,
            prove::Reach::Can => Self::Can,
        }
    }
}

impl Reach {
    /// The word for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::CannotTell => "cannot tell",
            Self::Can => "can",
        }
    }
}

/// What a policy does to an account that it reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// It does not reach the account.
    None,
    /// It acts on the session only.
    Session,
    /// It asks for something that the account can meet.
    Challenge,
    /// It asks for something that the account can't meet in any sign-in that it reaches.
    Deny,
    /// It blocks.
    Block,
}

impl From<prove::Effect> for Effect {
    fn from(effect: prove::Effect) -> Self {
        match effect {
            prove::Effect::None => Self::None,
            prove::Effect::Session => Self::Session,
            prove::Effect::Challenge => Self::Challenge,
            prove::Effect::Deny => Self::Deny,
            prove::Effect::Block => Self::Block,
        }
    }
}

impl Effect {
    /// The word for people.
    pub fn words(self) -> &'static str {
        match self {
            Self::None => "",
            Self::Session => "session",
            Self::Challenge => "challenges",
            Self::Deny => "denies",
            Self::Block => "blocks",
        }
    }
}

impl Account {
    /// The name for people: the UPN, else the id.
    pub fn name(&self) -> &str {
        self.upn
            .as_deref()
            .or(self.id.as_deref())
            .unwrap_or("(no name, no id)")
    }
}
