//! One sign-in against every policy, with the whole trace.

use super::{Asked, Circumstances, Clause, Dimension, Engine, Judged, Subject, met::mfa_met};
use crate::{
    Truth,
    environment::REGISTER_SECURITY_INFO,
    identity::Fact,
    sign_in::{ClientApp, Flow, InsiderRisk, Platform, Risk, SignIn},
};

/// How a sign-in ends. Blocked and denied feel the same; the repair differs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Outcome {
    /// Nothing is required.
    Allow,
    /// Something is required and can be met.
    Challenge,
    /// The data does not say.
    Unknown,
    /// Something is required that this person can't meet in this sign-in.
    Deny,
    /// A policy blocks.
    Block,
}

impl Outcome {
    /// The word, as documents spell it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Allow => "allow",
            Self::Challenge => "challenge",
            Self::Unknown => "unknown",
            Self::Deny => "deny",
            Self::Block => "block",
        }
    }

    /// Whether the person surely gets in.
    pub fn gets_in(self) -> bool {
        matches!(self, Self::Allow | Self::Challenge)
    }

    /// Whether the person surely does not get in.
    pub fn fails(self) -> bool {
        matches!(self, Self::Deny | Self::Block)
    }
}

/// A gate outside Conditional Access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gate {
    /// Which one.
    pub kind: GateKind,
    /// Whether it stands in the way of this sign-in.
    pub applies: Truth,
    /// Whether the person can pass it.
    pub met: Truth,
}

/// Kinds of gates outside Conditional Access.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateKind {
    /// Whether the account may sign in at all.
    AccountEnabled,
    /// Microsoft's mandatory multifactor authentication for admin portals and tools; no exclusion helps.
    MandatoryMfa,
    /// Multifactor authentication set for the single user.
    PerUserMfa,
    /// Security defaults.
    SecurityDefaults,
}

impl GateKind {
    /// A name for people.
    pub fn name(self) -> &'static str {
        match self {
            Self::AccountEnabled => "account enabled",
            Self::MandatoryMfa => "mandatory MFA",
            Self::PerUserMfa => "per-user MFA",
            Self::SecurityDefaults => "security defaults",
        }
    }
}

/// What came of one sign-in, with everything that led there.
#[derive(Clone, Debug)]
pub struct Evaluation<'a> {
    pub(crate) engine: &'a Engine,
    pub(crate) subject: &'a Subject,
    pub(crate) sign_in: &'a SignIn,
    /// One judgement per condition of the engine.
    pub(crate) judged: Vec<Judged>,
    /// Whether each policy applies, and whether what it asks for can be met.
    pub(crate) policies: Vec<(Truth, Truth)>,
    gates: Vec<Gate>,
    outcome: Outcome,
}

impl Evaluation<'_> {
    /// How the sign-in ends.
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Whether a policy applies, by its place in the set.
    pub fn applies(&self, policy: usize) -> Truth {
        self.policies[policy].0
    }

    /// Whether what a policy asks for can be met; *yes* for a policy that does not apply.
    pub fn met(&self, policy: usize) -> Truth {
        self.policies[policy].1
    }

    /// The gates outside Conditional Access.
    pub fn gates(&self) -> &[Gate] {
        &self.gates
    }

    /// The clause that decides whether a policy applies: the one nearest to applying.
    pub(crate) fn clause(&self, policy: usize) -> Clause {
        let clauses = &self.engine.policies[policy].clauses;
        let truth = |clause: &Clause| joined(&self.judged, clause);
        let mut best = clauses[0];
        for clause in &clauses[1..] {
            if truth(clause) > truth(&best) {
                best = *clause;
            }
        }
        best
    }
}

/// AND over the conditions of a clause. Index 0 is *any* and can't lower it.
fn joined(judged: &[Judged], clause: &Clause) -> Truth {
    let mut truth = Truth::Yes;
    for index in clause.0 {
        if index != 0 {
            truth = truth.and(judged[index as usize].truth);
            if truth == Truth::No {
                break;
            }
        }
    }
    truth
}

impl Engine {
    /// Judges one sign-in of one person.
    pub fn evaluate<'a>(&'a self, subject: &'a Subject, sign_in: &'a SignIn) -> Evaluation<'a> {
        let judged = self.judge_all(subject, sign_in);
        let circumstances = Circumstances::of(sign_in);
        let applies = |policy: &super::Compiled| {
            let clauses = policy
                .clauses
                .iter()
                .map(|clause| joined(&judged, clause))
                .fold(Truth::No, Truth::or);
            clauses.and(policy.other).and(policy.enforced)
        };
        let registering = sign_in
            .user_action
            .as_deref()
            .is_some_and(|action| action.eq_ignore_ascii_case(REGISTER_SECURITY_INFO));
        let registration_strength = registering
            && self.policies.iter().any(|policy| {
                policy.registration
                    && policy.policy.asks_for_strength()
                    && applies(policy) == Truth::Yes
            });
        let mut outcome = Outcome::Allow;
        let mut policies = Vec::with_capacity(self.policies.len());
        for policy in &self.policies {
            let applies = applies(policy);
            if applies == Truth::No {
                policies.push((applies, Truth::Yes));
                continue;
            }
            let strengths = policy.registration || !registration_strength;
            let met = Self::met(policy, subject, circumstances, strengths);
            policies.push((applies, met));
            outcome = outcome.max(match (applies, met) {
                (Truth::Yes, Truth::No) if policy.blocks => Outcome::Block,
                (Truth::Yes, Truth::No) => Outcome::Deny,
                (Truth::Yes, Truth::Unknown) | (Truth::Unknown, Truth::No | Truth::Unknown) => {
                    Outcome::Unknown
                }
                _ if policy.asks => Outcome::Challenge,
                _ => Outcome::Allow,
            });
        }
        let gates = self.gates(subject, sign_in, circumstances);
        for gate in &gates {
            outcome = outcome.max(match (gate.applies, gate.met) {
                (Truth::No, _) => Outcome::Allow,
                (Truth::Yes, Truth::No) => Outcome::Deny,
                (_, Truth::Yes) if gate.kind == GateKind::AccountEnabled => Outcome::Allow,
                (_, Truth::Yes) => Outcome::Challenge,
                _ => Outcome::Unknown,
            });
        }
        Evaluation {
            engine: self,
            subject,
            sign_in,
            judged,
            policies,
            gates,
            outcome,
        }
    }

    fn judge_all(&self, subject: &Subject, sign_in: &SignIn) -> Vec<Judged> {
        let mut judged = vec![Judged::ANY; self.conditions];
        for ((index, _), own) in self.identities.iter().zip(&subject.judged) {
            judged[*index as usize] = *own;
        }
        let asked = self.asked(sign_in);
        for (index, condition) in &self.targets {
            judged[*index as usize] = self.judge_target(condition, &asked);
        }
        if !self.networks.is_empty() {
            let hits = self.network.hits(sign_in);
            for (index, condition) in &self.networks {
                judged[*index as usize] = condition.judge(&hits);
            }
        }
        for (index, dimension, mask) in &self.masks {
            let bit = match dimension {
                Dimension::Platform => sign_in.platform.map(Platform::bit),
                Dimension::Client => sign_in.client_app.map(ClientApp::bit),
                Dimension::SignInRisk => sign_in.sign_in_risk.map(Risk::bit),
                Dimension::UserRisk => sign_in.user_risk.map(Risk::bit),
                Dimension::InsiderRisk => sign_in.insider_risk.map(InsiderRisk::bit),
                _ => Some(flow_bit(sign_in.flow(), sign_in.tracked_flow(), *mask)),
            };
            judged[*index as usize] = mask.judge(bit);
        }
        for (index, condition) in &self.devices {
            judged[*index as usize] = condition.judge(&sign_in.device);
        }
        judged
    }

    pub(crate) fn asked<'s>(&self, sign_in: &'s SignIn) -> Asked<'s> {
        Asked {
            apps: sign_in
                .audiences
                .iter()
                .map(|id| self.apps.of(id))
                .collect(),
            scopes: sign_in.scopes,
            action: sign_in.user_action.as_deref(),
            contexts: sign_in.auth_contexts.iter().map(String::as_str).collect(),
        }
    }

    pub(crate) fn gates(
        &self,
        subject: &Subject,
        sign_in: &SignIn,
        circumstances: Circumstances,
    ) -> Vec<Gate> {
        let mandatory = sign_in.audiences.iter().any(|id| self.is_mandatory(id));
        self.gates_at(subject, mandatory, circumstances)
            .into_iter()
            .flatten()
            .collect()
    }

    /// Whether Microsoft demands multifactor authentication for a resource whatever Conditional Access says.
    pub(crate) fn is_mandatory(&self, app: &str) -> bool {
        let mandatory = &self.environment.mandatory_mfa;
        !mandatory.is_empty()
            && (mandatory.contains(app) || mandatory.contains(&crate::identity::fold(app)))
    }

    /// The gates that stand in the way, given whether the resource is one with mandatory multifactor
    /// authentication.
    pub(crate) fn gates_at(
        &self,
        subject: &Subject,
        mandatory: bool,
        circumstances: Circumstances,
    ) -> [Option<Gate>; 4] {
        let identity = &subject.identity;
        let modern = !circumstances
            .client
            .map_or(Truth::Unknown, |c| c.legacy().into());
        let mfa = mfa_met(subject, circumstances).and(modern);
        let asks = |kind: GateKind| Gate {
            kind,
            applies: Truth::Yes,
            met: mfa,
        };
        [
            (identity.enabled != Fact::Known(true)).then_some(Gate {
                kind: GateKind::AccountEnabled,
                applies: Truth::Yes,
                met: match identity.enabled {
                    Fact::Unknown(_) => Truth::Unknown,
                    Fact::Known(_) => Truth::No,
                },
            }),
            mandatory.then(|| asks(GateKind::MandatoryMfa)),
            identity.per_user_mfa.then(|| asks(GateKind::PerUserMfa)),
            // Administrators are always asked, others when Microsoft thinks it needed; legacy clients never get in
            // (Microsoft: *Security defaults*).
            self.environment.security_defaults.then(|| Gate {
                kind: GateKind::SecurityDefaults,
                applies: Truth::from(!identity.roles.held.is_empty())
                    .or(!modern)
                    .or(Truth::Unknown),
                met: mfa,
            }),
        ]
    }
}

/// A session that began by a flow stays marked, so either one can match.
pub(crate) fn flow_bit(flow: Flow, tracked: Flow, mask: super::Mask) -> u8 {
    if mask.of(tracked.bit()) > mask.of(flow.bit()) {
        tracked.bit()
    } else {
        flow.bit()
    }
}
