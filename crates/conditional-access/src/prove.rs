//! Proofs over all sign-ins: which policies can ever reach an account, and whether it gets in.

use crate::SignIn;

/// Whether a policy can apply to some sign-in of an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// To none, whatever the unknowns are.
    Never,
    /// Only if an unknown turns out so.
    CannotTell,
    /// To the witness, surely.
    Can,
}

/// What a policy does to an account at the witness.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// One policy against one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PolicyProof {
    /// Place of the policy in the engine's set.
    pub policy: usize,
    /// Whether it can reach the account.
    pub reach: Reach,
    /// What it does then.
    pub effect: Effect,
    /// For *never*: the empty dimension or the excluding object with its path. Else what the policy asks for.
    pub why: String,
    /// A sign-in to which it applies (for *cannot tell*: may apply). The evaluator confirms it.
    pub witness: Option<SignIn>,
    /// Whether the policy is meant to reach the account.
    pub intended: bool,
}

/// Verdict on an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// There is a sign-in that surely gets in.
    GetsIn,
    /// The data does not say.
    CannotTell,
    /// No sign-in gets in.
    LockedOut,
}

/// What was proved of one account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountProof {
    /// Whether it gets in to a resource from which the tenant can be repaired.
    pub verdict: Verdict,
    /// Whether it gets in whatever risk Microsoft sees in the sign-in; `None`: cannot tell.
    pub robust: Option<bool>,
    /// Whether only intended policies can reach it (C4); `None`: cannot tell.
    pub only_intended: Option<bool>,
    /// A sign-in that gets in.
    pub way_in: Option<SignIn>,
    /// Without a way in: a smallest set of policies (places in the engine's set) that together close every way.
    pub blame: Vec<usize>,
    /// The verdict's reasons, as clauses.
    pub because: Vec<String>,
    /// Every recovery target (app id) with the verdict for it alone.
    pub targets: Vec<(String, Verdict)>,
    /// Every policy.
    pub policies: Vec<PolicyProof>,
    /// Data whose absence keeps the verdict open.
    pub missing: Vec<String>,
}
