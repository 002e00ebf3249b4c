//! `breakglass/preflight/v1`.

use breakglass_conditional_access::{
    Engine, SignIn,
    preflight::{self, Access, BeforeAfter, ChangeVerdict, Loss, Report},
    prove::Reach,
    words,
};
use breakglass_model::SetAside;
use schemars::JsonSchema;
use serde::Serialize;

use super::{Enforced, PolicyRef, policy_refs};
use crate::{commands::lockout::confirm::Confirmation, head::Head};

/// `lockout preflight --format json`, schema `breakglass/preflight/v1`.
#[derive(Debug, Serialize, JsonSchema)]
pub struct PreflightDocument {
    /// What every document begins with.
    #[serde(flatten)]
    pub head: Head,
    /// Which policies count as enforced.
    pub enforced: Enforced,
    /// What the change does to the policies, one line a change.
    pub changes: Vec<String>,
    /// What the reader of the changes wants to be known: merged bodies, values known only after the change is
    /// applied, resources that are not read.
    pub warnings: Vec<String>,
    /// What came of comparing.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// The same, if every report-only policy were enabled.
    pub if_report_only_enabled: Comparison,
    /// With `--confirm`: what Microsoft's own What If said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub confirmation: Option<Confirmation>,
    /// Files, or parts of files, that could not be understood.
    pub set_aside: Vec<SetAside>,
}

/// The tenant with the change beside the tenant without.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Comparison {
    /// The verdict.
    pub verdict: Verdict,
    /// Why, one clause an item.
    pub because: Vec<String>,
    /// Who loses sign-ins.
    pub lost: Vec<Difference>,
    /// Who gains sign-ins.
    pub gained: Vec<Difference>,
    /// Administrators who can get in to repair the tenant.
    pub administrators: Sides,
    /// Emergency access accounts that get in.
    pub accounts: Sides,
    /// Policies that may apply to an emergency access account and could not before.
    pub newly_applies: Vec<NewlyApplies>,
    /// Data whose absence keeps the verdict open.
    pub missing: Vec<String>,
}

/// Policies that may apply to an account and could not before.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct NewlyApplies {
    /// The account.
    pub account: String,
    /// The policies that surely can.
    pub policies: Vec<PolicyRef>,
    /// The policies of which an unknown decides whether they can.
    pub perhaps: Vec<PolicyRef>,
}

/// Verdict on a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// Nobody loses a sign-in.
    Safe,
    /// Others than emergency access accounts lose some sign-ins.
    Narrows,
    /// An emergency access account loses a sign-in, or no administrator keeps a way in.
    LocksOut,
    /// The data does not say.
    CannotTell,
}

impl From<ChangeVerdict> for Verdict {
    fn from(verdict: ChangeVerdict) -> Self {
        match verdict {
            ChangeVerdict::Safe => Self::Safe,
            ChangeVerdict::Narrows => Self::Narrows,
            ChangeVerdict::LocksOut => Self::LocksOut,
            ChangeVerdict::CannotTell => Self::CannotTell,
        }
    }
}

/// People who lose or gain sign-ins.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Difference {
    /// Who.
    pub who: People,
    /// Every sign-in, or some.
    pub scope: Scope,
    /// A sign-in that shows it.
    pub witness: SignIn,
    /// The same as a sentence.
    pub witness_sentence: String,
    /// The policies that make the difference: of the tenant with the change for what is lost, without it for what
    /// is gained.
    pub by: Vec<PolicyRef>,
}

/// People whom no policy tells apart.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct People {
    /// What they have in common.
    pub signature: String,
    /// How many they are.
    pub count: usize,
    /// Some of them.
    pub examples: Vec<String>,
    /// What they are.
    pub kind: Kind,
}

/// What people are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An emergency access account.
    Account,
    /// An administrator who can repair the tenant.
    Administrator,
    /// Anybody else.
    User,
}

/// How much is lost or gained.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Scope {
    /// Every sign-in.
    All,
    /// Some sign-ins.
    Some,
}

/// Without the change and with it.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Sides {
    /// Without the change.
    pub before: Side,
    /// With it.
    pub after: Side,
}

/// Who has a way in.
#[derive(Debug, PartialEq, Serialize, JsonSchema)]
pub struct Side {
    /// How many there are.
    pub total: usize,
    /// How many have a way in.
    pub way_in: usize,
    /// Those with a way in.
    pub names: Vec<String>,
    /// Those without.
    pub without: Vec<String>,
    /// Those of whom it can't be told.
    pub unclear: Vec<String>,
}

impl From<Access> for Side {
    fn from(access: Access) -> Self {
        Self {
            total: access.total,
            way_in: access.way_in,
            names: access.names,
            without: access.without,
            unclear: access.unclear,
        }
    }
}

impl From<BeforeAfter> for Sides {
    fn from(sides: BeforeAfter) -> Self {
        Self {
            before: sides.before.into(),
            after: sides.after.into(),
        }
    }
}

impl Comparison {
    /// The report for documents, with the policy sets that its places refer to.
    pub fn new(report: Report, before: &Engine, after: &Engine) -> Self {
        let all = |losses: Vec<Loss>, set: &Engine| -> Vec<Difference> {
            losses
                .into_iter()
                .map(|loss| Difference::new(loss, set))
                .collect()
        };
        let of = |places: &[(usize, Reach)], surely: bool| -> Vec<usize> {
            places
                .iter()
                .filter(|(_, reach)| (*reach == Reach::Can) == surely)
                .map(|(place, _)| *place)
                .collect()
        };
        Self {
            verdict: report.verdict.into(),
            because: report.because,
            lost: all(report.lost, after),
            gained: all(report.gained, before),
            administrators: report.administrators.into(),
            accounts: report.accounts.into(),
            newly_applies: report
                .newly_applies
                .iter()
                .map(|(account, places)| NewlyApplies {
                    account: account.clone(),
                    policies: policy_refs(after, &of(places, true)),
                    perhaps: policy_refs(after, &of(places, false)),
                })
                .collect(),
            missing: report.missing,
        }
    }
}

impl Difference {
    fn new(loss: Loss, set: &Engine) -> Self {
        Self {
            who: People {
                signature: loss.who.signature,
                count: loss.who.count,
                examples: loss.who.examples,
                kind: match loss.who.kind {
                    preflight::Kind::Account => Kind::Account,
                    preflight::Kind::Administrator => Kind::Administrator,
                    preflight::Kind::User => Kind::User,
                },
            },
            scope: match loss.scope {
                preflight::Scope::All => Scope::All,
                preflight::Scope::Some => Scope::Some,
            },
            witness_sentence: words::sentence(&loss.witness, set.environment()),
            witness: loss.witness,
            by: policy_refs(set, &loss.by),
        }
    }
}
