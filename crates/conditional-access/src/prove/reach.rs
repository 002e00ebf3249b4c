//! Whether a policy can ever apply to an account, and what it does then.

use fixedbitset::FixedBitSet;

use super::{Effect, PolicyProof, Prover, Reach, classes::DeviceClass};
use crate::{
    Truth,
    engine::{Circumstances, Clause, Compiled, Dimension, Engine, Matter, Subject},
    sign_in::{Flow, Given, InsiderRisk, Platform, Risk, SignIn, Who},
};

/// One class of each dimension that `met` reads.
#[derive(Clone, Copy)]
struct Manner<'c> {
    client: crate::sign_in::ClientApp,
    platform: Platform,
    flow: (Flow, Flow),
    device: &'c DeviceClass,
}

impl Prover<'_> {
    /// What can be proved of every policy against one account (sheet 4.6, Q1 to Q3).
    pub fn reach(&self, subject: &Subject, intended: &[bool]) -> Vec<PolicyProof> {
        (0..self.engine.policies.len())
            .map(|index| {
                let intended = intended.get(index).copied().unwrap_or(false);
                self.reach_of(index, subject, intended)
            })
            .collect()
    }

    /// Whether a policy may apply to some sign-in of the account: not, whatever the unknowns are, when this is
    /// false. The cheap part of [`Self::reach`].
    pub(crate) fn may_reach(&self, index: usize, subject: &Subject) -> bool {
        let compiled = &self.engine.policies[index];
        compiled.enforced.may()
            && compiled.clauses.iter().any(|clause| {
                self.identity(clause, subject).may()
                    && self.empty(clause).is_none()
                    && self
                        .manner(compiled, clause, subject, Caution::May)
                        .is_some()
            })
    }

    fn reach_of(&self, index: usize, subject: &Subject, intended: bool) -> PolicyProof {
        let compiled = &self.engine.policies[index];
        let never = |why: String| PolicyProof {
            policy: index,
            reach: Reach::Never,
            effect: Effect::None,
            why,
            witness: None,
            intended,
        };
        if compiled.enforced == Truth::No {
            return never(crate::engine::state_clause(
                &compiled.policy.state,
                compiled.enforced,
            ));
        }
        // Without clauses nothing could apply; a policy always has one.
        let mut why = String::new();
        for caution in [Caution::Must, Caution::May] {
            let sure = compiled.enforced == Truth::Yes && compiled.other == Truth::Yes;
            if caution == Caution::Must && !sure {
                continue;
            }
            for clause in &compiled.clauses {
                let identity = self.identity(clause, subject);
                if !caution.accepts(identity) {
                    if why.is_empty() && identity == Truth::No {
                        why = self.identity_clause(compiled, clause, subject);
                    }
                    continue;
                }
                if let Some(dimension) = self.empty(clause) {
                    if why.is_empty() || clause == &compiled.clauses[0] {
                        why = empty_clause(dimension);
                    }
                    continue;
                }
                let Some((manner, met)) = self.manner(compiled, clause, subject, caution) else {
                    if why.is_empty() {
                        "it would take a legacy client or device code flow together with a registered device, \
                         which do not go together"
                            .clone_into(&mut why);
                    }
                    continue;
                };
                let Some(witness) = self.witness(clause, subject, caution, manner) else {
                    continue;
                };
                let evaluation = self.engine.evaluate(subject, &witness);
                let mut why = self.asks_clause(compiled, subject, &witness, met);
                let sure = caution == Caution::Must && evaluation.applies(index) == Truth::Yes;
                let reach = if sure {
                    Reach::Can
                } else {
                    let open: Vec<String> = evaluation
                        .conditions(index)
                        .into_iter()
                        .filter(|view| view.matches == Truth::Unknown)
                        .map(|view| view.because)
                        .collect();
                    why = format!("{why} (not known whether it applies: {})", open.join("; "));
                    Reach::CannotTell
                };
                return PolicyProof {
                    policy: index,
                    reach,
                    effect: effect(compiled, met),
                    why,
                    witness: Some(witness),
                    intended,
                };
            }
        }
        never(why)
    }

    fn identity(&self, clause: &Clause, subject: &Subject) -> Truth {
        let condition = clause.condition(Dimension::Identity);
        self.identity_truth(condition, subject)
    }

    fn identity_clause(&self, compiled: &Compiled, clause: &Clause, subject: &Subject) -> String {
        let condition = clause.condition(Dimension::Identity);
        let judged = self.identity_judged(condition, subject);
        let mut text = self
            .engine
            .because_identity(&compiled.policy, judged, subject);
        if judged.because.matter == Matter::Nothing && compiled.policy.users.include.none {
            "the policy is for nobody".clone_into(&mut text);
        }
        text
    }

    /// The first dimension in which a clause has nothing left.
    fn empty(&self, clause: &Clause) -> Option<Dimension> {
        Dimension::ALL[1..].iter().copied().find(|dimension| {
            self.classes
                .may(*dimension, clause.condition(*dimension))
                .is_clear()
        })
    }

    /// A choice of client, device, platform and flow inside the box that can happen, the kindest to the
    /// account: one in which what the policy asks for is met, else may be met, else not.
    fn manner(
        &self,
        compiled: &Compiled,
        clause: &Clause,
        subject: &Subject,
        caution: Caution,
    ) -> Option<(Manner<'_>, Truth)> {
        let set = |dimension: Dimension| self.set(clause, dimension, caution);
        let (clients, platforms, flows) = (
            set(Dimension::Client),
            set(Dimension::Platform),
            set(Dimension::Flow),
        );
        let devices = set(Dimension::Device);
        let mut best: Option<(Manner<'_>, Truth)> = None;
        // Devices of the account come first: what a policy does to it is what it does on them.
        let own: Vec<&DeviceClass> = self
            .own_devices(subject)
            .iter()
            .filter_map(|facts| {
                devices
                    .ones()
                    .map(|d| &self.classes.devices[d])
                    .find(|class| class.facts == *facts)
            })
            .collect();
        let devices: Vec<&DeviceClass> = if own.is_empty() {
            devices.ones().map(|d| &self.classes.devices[d]).collect()
        } else {
            own
        };
        for device in devices {
            for flow in flows.ones().map(|f| self.classes.flows[f]) {
                for client in clients.ones().map(|c| self.classes.clients[c]) {
                    let carries = !client.legacy() && flow.0 != Flow::DeviceCode;
                    if device.device != Given::Nothing && !carries {
                        continue;
                    }
                    for platform in platforms.ones().map(|p| self.classes.platforms[p]) {
                        let circumstances = Circumstances {
                            client: Some(client),
                            platform: Some(platform),
                            flow: flow.0,
                            device: device.facts,
                        };
                        let met = Engine::met(compiled, subject, circumstances, true);
                        if best.as_ref().is_none_or(|(_, known)| met > *known) {
                            best = Some((
                                Manner {
                                    client,
                                    platform,
                                    flow,
                                    device,
                                },
                                met,
                            ));
                        }
                        if met == Truth::Yes || compiled.blocks {
                            return best;
                        }
                    }
                }
            }
        }
        best
    }

    fn set(&self, clause: &Clause, dimension: Dimension, caution: Caution) -> &FixedBitSet {
        let condition = clause.condition(dimension);
        match caution {
            Caution::May => self.classes.may(dimension, condition),
            Caution::Must => self.classes.must(dimension, condition),
        }
    }

    fn witness(
        &self,
        clause: &Clause,
        subject: &Subject,
        caution: Caution,
        manner: Manner<'_>,
    ) -> Option<SignIn> {
        let first = |dimension: Dimension| self.set(clause, dimension, caution).minimum();
        let mut sign_in = SignIn {
            user: Some(Who::Name(subject.identity().id.clone())),
            platform: Some(manner.platform),
            client_app: Some(manner.client),
            device: manner.device.device.clone(),
            sign_in_risk: Risk::ALL.get(first(Dimension::SignInRisk)?).copied(),
            user_risk: Risk::ALL.get(first(Dimension::UserRisk)?).copied(),
            insider_risk: InsiderRisk::ALL
                .get(first(Dimension::InsiderRisk)?)
                .copied(),
            flow: Some(manner.flow.0),
            tracked_flow: Some(manner.flow.1),
            ..SignIn::default()
        };
        let targets = self.set(clause, Dimension::Target, caution);
        let mail = self
            .classes
            .mail
            .filter(|mail| manner.client.legacy() && targets.contains(*mail));
        self.classes
            .targets
            .get(mail.or_else(|| targets.minimum())?)?
            .write(&mut sign_in);
        self.classes
            .networks
            .get(first(Dimension::Network)?)?
            .write(&mut sign_in);
        Some(sign_in)
    }

    /// What a policy that reaches the account asks for, and whether it can be met.
    fn asks_clause(
        &self,
        compiled: &Compiled,
        subject: &Subject,
        witness: &SignIn,
        met: Truth,
    ) -> String {
        let policy = &compiled.policy;
        if compiled.blocks {
            return "blocks".to_owned();
        }
        let mut asks: Vec<String> = Vec::new();
        if let Some(grant) = &policy.grant {
            let joint = match grant.operator {
                crate::policy::Operator::Or => " or ",
                _ => " and ",
            };
            let names: Vec<String> = grant.controls.iter().map(ToString::to_string).collect();
            asks.push(format!("asks for {}", names.join(joint)));
        }
        let session = policy.session.names();
        if !session.is_empty() {
            asks.push(format!("sets {}", session.join(", ")));
        }
        if asks.is_empty() {
            asks.push("asks for nothing".to_owned());
        }
        let text = asks.join(" and ");
        if met == Truth::Yes {
            return text;
        }
        let why = self
            .engine
            .unmet(compiled, subject, Circumstances::of(witness));
        format!("{text}: {why}")
    }
}

/// Which side a claim has to err on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Caution {
    /// An unknown counts in.
    May,
    /// An unknown counts out.
    Must,
}

impl Caution {
    fn accepts(self, truth: Truth) -> bool {
        match self {
            Self::May => truth.may(),
            Self::Must => truth.surely(),
        }
    }
}

fn effect(compiled: &Compiled, met: Truth) -> Effect {
    match met {
        _ if compiled.blocks => Effect::Block,
        Truth::No => Effect::Deny,
        _ if compiled.asks => Effect::Challenge,
        _ if compiled.policy.session.is_empty() => Effect::None,
        _ => Effect::Session,
    }
}

fn empty_clause(dimension: Dimension) -> String {
    let what = match dimension {
        Dimension::Identity => "user",
        Dimension::Target => "resource",
        Dimension::Network => "location",
        Dimension::Platform => "platform",
        Dimension::Client => "client app",
        Dimension::SignInRisk => "sign-in risk",
        Dimension::UserRisk => "user risk",
        Dimension::InsiderRisk => "insider risk",
        Dimension::Device => "device",
        Dimension::Flow => "authentication flow",
    };
    format!("no {what} is left: what the policy includes, it also excludes or nothing meets")
}
