//! A policy set made ready: every distinct condition once, policies as lists of conditions.
//!
//! Policies share most of their conditions (*all users but the group*, *all resources*, *any network*), so a
//! condition is judged once for a sign-in, or once for a class of sign-ins, and policies only refer to it.
//! The evaluator of one sign-in and the prover over all of them run the same judging code; that is what makes
//! a witness of the prover mean something.

mod compile;
mod evaluation;
mod explain;
mod judge;
mod met;
mod network;

use std::collections::HashMap;

use crate::{
    Environment, Policy, Truth,
    identity::Identity,
    policy::{Control, FilterMode, Target, Users},
    strength::Strength,
};

pub use evaluation::{Evaluation, Gate, GateKind, Outcome};
pub use explain::ConditionView;
pub(crate) use explain::state_clause;
pub(crate) use judge::Asked;
pub use judge::{Because, Judged, Matter, Side};
pub(crate) use met::{Circumstances, DeviceFacts, SYNC_ACCOUNTS};
pub(crate) use network::Network;

/// The dimensions of a sign-in. Conditions of a policy are joined by AND over them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// Who.
    Identity,
    /// Resource, user action or authentication context.
    Target,
    /// Address, country, compliant network.
    Network,
    /// Device platform.
    Platform,
    /// Client app.
    Client,
    /// Sign-in risk.
    SignInRisk,
    /// User risk.
    UserRisk,
    /// Insider risk.
    InsiderRisk,
    /// Device filter.
    Device,
    /// Authentication flow.
    Flow,
}

impl Dimension {
    /// Every dimension, in the order in which clauses list them.
    pub const ALL: [Self; 10] = [
        Self::Identity,
        Self::Target,
        Self::Network,
        Self::Platform,
        Self::Client,
        Self::SignInRisk,
        Self::UserRisk,
        Self::InsiderRisk,
        Self::Device,
        Self::Flow,
    ];

    /// The name of the condition, in the words of Microsoft's What If (`analysisReasons`).
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "users",
            Self::Target => "application",
            Self::Network => "location",
            Self::Platform => "devicePlatform",
            Self::Client => "clientApps",
            Self::SignInRisk => "signInRisk",
            Self::UserRisk => "userRisk",
            Self::InsiderRisk => "insiderRisk",
            Self::Device => "devices",
            Self::Flow => "authenticationFlow",
        }
    }
}

/// Which states count as enforced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Enforce {
    /// Enabled policies, as it is now.
    #[default]
    Enabled,
    /// Report-only policies too, as if they were switched on.
    ReportOnlyToo,
}

/// A policy set with its environment, ready to be asked.
#[derive(Debug)]
pub struct Engine {
    pub(crate) environment: Environment,
    pub(crate) policies: Vec<Compiled>,
    /// Number of conditions over all dimensions; a condition has one index over all of them.
    pub(crate) conditions: usize,
    pub(crate) identities: Vec<(u32, IdentityCondition)>,
    pub(crate) targets: Vec<(u32, TargetCondition)>,
    pub(crate) networks: Vec<(u32, NetworkCondition)>,
    pub(crate) masks: Vec<(u32, Dimension, Mask)>,
    pub(crate) devices: Vec<(u32, DeviceCondition)>,
    pub(crate) apps: Apps,
    pub(crate) network: Network,
    pub(crate) strengths: Vec<Strength>,
}

/// One policy, as lists of conditions.
#[derive(Debug)]
pub(crate) struct Compiled {
    pub(crate) policy: Policy,
    /// Whether it is enforced: *unknown* for states that may be.
    pub(crate) enforced: Truth,
    /// Unknown when conditions that are not understood may narrow the policy.
    pub(crate) other: Truth,
    /// The policy applies when one clause does. All but ActiveSync policies have one.
    pub(crate) clauses: Vec<Clause>,
    /// What to meet, prepared.
    pub(crate) grant: Option<CompiledGrant>,
    pub(crate) blocks: bool,
    /// Whether access takes more than nothing: a grant control that still exists.
    pub(crate) asks: bool,
    pub(crate) registration: bool,
}

/// Index of a condition in every dimension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Clause(pub(crate) [u32; 10]);

impl Clause {
    pub(crate) fn condition(&self, dimension: Dimension) -> usize {
        self.0[dimension as usize] as usize
    }
}

#[derive(Clone, Debug)]
pub(crate) struct CompiledGrant {
    pub(crate) all: Option<bool>,
    pub(crate) controls: Vec<CompiledControl>,
}

#[derive(Clone, Debug)]
pub(crate) enum CompiledControl {
    Plain(Control),
    /// Index into the engine's strengths; `None`: the id does not resolve.
    Strength(Option<usize>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct IdentityCondition {
    pub(crate) users: Users,
    /// Everybody is included, as Microsoft does for ActiveSync policies on all users, guests or roles.
    pub(crate) widened: bool,
}

#[derive(Clone, Debug)]
pub(crate) struct TargetCondition {
    pub(crate) target: Target,
    /// The policy uses the compliant network, so resources of Global Secure Access are left out.
    pub(crate) spares_traffic: bool,
    /// Truth per known application, then for any other.
    pub(crate) by_app: Vec<Judged>,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct NetworkCondition {
    /// Indices into [`Network`]'s places.
    pub(crate) include: Vec<u32>,
    pub(crate) exclude: Vec<u32>,
}

/// Truth per value of a small enumeration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Mask {
    pub(crate) yes: u8,
    pub(crate) unknown: u8,
}

impl Mask {
    pub(crate) fn of(self, bit: u8) -> Truth {
        if self.yes & bit != 0 {
            Truth::Yes
        } else if self.unknown & bit != 0 {
            Truth::Unknown
        } else {
            Truth::No
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct DeviceCondition {
    pub(crate) mode: FilterMode,
    pub(crate) rule: Result<crate::device_filter::DeviceRule, String>,
}

/// The applications that the policy set can tell apart.
#[derive(Debug, Default)]
pub(crate) struct Apps {
    /// Folded app id to index.
    pub(crate) index: HashMap<String, usize>,
    /// Folded app ids by index; one more index stands for *any other application*.
    pub(crate) ids: Vec<String>,
}

impl Apps {
    pub(crate) fn other(&self) -> usize {
        self.ids.len()
    }

    pub(crate) fn of(&self, id: &str) -> usize {
        let found = if id
            .bytes()
            .any(|b| b.is_ascii_uppercase() || b == b' ' || !b.is_ascii())
        {
            self.index.get(&crate::identity::fold(id))
        } else {
            self.index.get(id)
        };
        found.copied().unwrap_or_else(|| self.other())
    }
}

/// An identity made ready for one [`Engine`]: whom each policy is for, what each strength says of the methods.
#[derive(Clone, Debug)]
pub struct Subject {
    pub(crate) identity: Identity,
    /// One judgement per identity condition of the engine.
    pub(crate) judged: Vec<Judged>,
    /// Per strength of the engine: truth without and with a registered device.
    pub(crate) strengths: Vec<[Truth; 2]>,
    /// The same for *any second factor*, external methods included; *no* for synchronisation accounts.
    pub(crate) mfa: [Truth; 2],
}

impl Subject {
    /// Whether a registered method is a second factor on a device that is not the person's own.
    pub fn second_factor(&self) -> Truth {
        self.mfa[0]
    }

    /// Who it is.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }
}

impl Engine {
    /// The environment.
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The policies, in the order in which they were given.
    pub fn policies(&self) -> impl ExactSizeIterator<Item = &Policy> {
        self.policies.iter().map(|compiled| &compiled.policy)
    }
}
