//! Looks for a sign-in that one side of a change lets pass and the other does not.

use fixedbitset::FixedBitSet;

use crate::{
    SignIn, Subject, Truth,
    engine::{Circumstances, Clause, Compiled, Dimension, Engine},
    prove::{Cells, Claim, Prover, escape},
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Who},
};

/// Steps of the search for one manner of signing in; real sets take a few.
const STEPS: usize = 20_000;
/// Candidates that an evaluator may refuse before the next manner is tried.
const CANDIDATES: usize = 64;

/// Finds a sign-in at which the second side stands in the way and the first does not (`lost`; the other way
/// round otherwise), and which `confirmed` agrees to.
///
/// With [`Claim::Possibly`] only what surely stands in the way counts, on both sides; with [`Claim::Surely`]
/// whatever may.
pub(super) fn find(
    prover: &Prover<'_>,
    subject: &Subject,
    split: usize,
    lost: bool,
    claim: Claim,
    confirmed: impl Fn(&SignIn) -> bool,
) -> Option<SignIn> {
    let policies = &prover.engine.policies;
    let concerns = |compiled: &&Compiled| {
        claim.applies(compiled.enforced.and(compiled.other))
            && compiled.clauses.iter().any(|clause| {
                claim.applies(prover.identity_truth(clause.condition(Dimension::Identity), subject))
            })
    };
    let (first, second) = policies.split_at(split);
    let (kept, source) = if lost {
        (first, second)
    } else {
        (second, first)
    };
    let kept: Vec<&Compiled> = kept.iter().filter(concerns).collect();
    // A policy that stands unchanged on both sides can't turn anything round.
    let source: Vec<&Compiled> = source
        .iter()
        .filter(concerns)
        .filter(|own| !kept.iter().any(|k| k.same(own)))
        .collect();
    if source.is_empty() {
        return None;
    }
    // While security information is registered, a strength on that action takes the place of the others.
    let lenient = kept
        .iter()
        .any(|compiled| compiled.registration && compiled.has_strength());
    let classes = &prover.classes;
    for device in &classes.devices {
        for flow in &classes.flows {
            for client in &classes.clients {
                if device.device != Given::Nothing
                    && (client.legacy() || flow.0 == Flow::DeviceCode)
                {
                    continue;
                }
                for platform in &classes.platforms {
                    let manner = Manner {
                        client: *client,
                        platform: *platform,
                        flow: *flow,
                        circumstances: Circumstances {
                            client: Some(*client),
                            platform: Some(*platform),
                            flow: flow.0,
                            device: device.facts,
                        },
                        device: &device.device,
                    };
                    let sources = manner.boxes(prover, subject, &source, claim, false);
                    if sources.is_empty() {
                        continue;
                    }
                    let mut obstacles = manner.boxes(prover, subject, &kept, claim, lenient);
                    obstacles.extend(manner.gates(prover, subject, claim));
                    if let Some(found) =
                        manner.candidate(prover, subject, &sources, obstacles, &confirmed)
                    {
                        return Some(found);
                    }
                }
            }
        }
    }
    None
}

impl Compiled {
    /// Whether two policies of one engine do the same to everybody.
    fn same(&self, other: &Self) -> bool {
        self.enforced == other.enforced
            && self.other == other.other
            && self.clauses == other.clauses
            && self.policy.grant == other.policy.grant
            && self.policy.session == other.policy.session
            && self.policy.unknown == other.policy.unknown
    }
}

/// Client, platform, flow and device of a sign-in.
struct Manner<'d> {
    client: ClientApp,
    platform: Platform,
    flow: (Flow, Flow),
    circumstances: Circumstances,
    device: &'d Given<crate::device_filter::Device>,
}

impl Manner<'_> {
    /// Where policies stand in the way of this manner.
    fn boxes(
        &self,
        prover: &Prover<'_>,
        subject: &Subject,
        policies: &[&Compiled],
        claim: Claim,
        lenient: bool,
    ) -> Vec<Cells> {
        let mut boxes = Vec::new();
        let met = |compiled: &Compiled, strengths: bool| {
            Engine::met(compiled, subject, self.circumstances, strengths)
        };
        for compiled in policies {
            let mut unmet = None;
            for clause in &compiled.clauses {
                if !claim.applies(self.matches(prover, subject, clause)) {
                    continue;
                }
                let unmet = *unmet.get_or_insert_with(|| claim.unmet(met(compiled, true)));
                if !unmet {
                    break;
                }
                let mut cells = Cells(FREE.map(|dimension| {
                    let condition = clause.condition(dimension);
                    match claim {
                        Claim::Surely => prover.classes.may(dimension, condition).clone(),
                        Claim::Possibly => prover.classes.must(dimension, condition).clone(),
                    }
                }));
                if lenient && !compiled.registration && !claim.unmet(met(compiled, false)) {
                    for (index, asks) in prover.classes.targets.iter().enumerate() {
                        if asks.registering() {
                            cells.0[0].remove(index);
                        }
                    }
                }
                boxes.push(cells);
            }
        }
        boxes
    }

    fn matches(&self, prover: &Prover<'_>, subject: &Subject, clause: &Clause) -> Truth {
        let flow = prover
            .mask_truth(clause, Dimension::Flow, self.flow.0.bit())
            .or(prover.mask_truth(clause, Dimension::Flow, self.flow.1.bit()));
        prover
            .identity_truth(clause.condition(Dimension::Identity), subject)
            .and(prover.mask_truth(clause, Dimension::Client, self.client.bit()))
            .and(prover.mask_truth(clause, Dimension::Platform, self.platform.bit()))
            .and(flow)
            .and(prover.device_truth(clause, self.device))
    }

    /// Where gates outside Conditional Access stand in the way; they do so on both sides.
    fn gates(&self, prover: &Prover<'_>, subject: &Subject, claim: Claim) -> Vec<Cells> {
        let mut boxes = Vec::new();
        for (index, asks) in prover.classes.targets.iter().enumerate() {
            let mut sign_in = self.sign_in(subject);
            asks.write(&mut sign_in);
            let gates = prover.engine.gates(subject, &sign_in, self.circumstances);
            if gates
                .iter()
                .any(|gate| claim.applies(gate.applies) && claim.unmet(gate.met))
            {
                let mut cells =
                    Cells(FREE.map(|dimension| prover.classes.may(dimension, 0).clone()));
                cells.0[0].clear();
                cells.0[0].insert(index);
                boxes.push(cells);
            }
        }
        boxes
    }

    fn candidate(
        &self,
        prover: &Prover<'_>,
        subject: &Subject,
        sources: &[Cells],
        mut obstacles: Vec<Cells>,
        confirmed: &impl Fn(&SignIn) -> bool,
    ) -> Option<SignIn> {
        for source in sources {
            for _ in 0..CANDIDATES {
                let refs: Vec<&Cells> = obstacles.iter().collect();
                let mut steps = STEPS;
                // A search that is given up finds nothing here; other manners are still tried.
                let Ok(Some(cell)) = escape(source, &refs, &mut steps) else {
                    break;
                };
                let sign_in = self.at(prover, subject, cell);
                if confirmed(&sign_in) {
                    return Some(sign_in);
                }
                obstacles.push(Cells(std::array::from_fn(|place| {
                    let mut only = FixedBitSet::with_capacity(source.0[place].len());
                    only.insert(cell[place]);
                    only
                })));
            }
        }
        None
    }

    fn sign_in(&self, subject: &Subject) -> SignIn {
        SignIn {
            user: Some(Who::Name(subject.identity().id.clone())),
            platform: Some(self.platform),
            client_app: Some(self.client),
            device: self.device.clone(),
            flow: Some(self.flow.0),
            tracked_flow: Some(self.flow.1),
            ..SignIn::default()
        }
    }

    fn at(&self, prover: &Prover<'_>, subject: &Subject, cell: [usize; 5]) -> SignIn {
        let mut sign_in = self.sign_in(subject);
        prover.classes.targets[cell[0]].write(&mut sign_in);
        prover.classes.networks[cell[1]].write(&mut sign_in);
        sign_in.sign_in_risk = Some(Risk::ALL[cell[2]]);
        sign_in.user_risk = Some(Risk::ALL[cell[3]]);
        sign_in.insider_risk = Some(InsiderRisk::ALL[cell[4]]);
        sign_in
    }
}

/// The dimensions of a box, in its order.
const FREE: [Dimension; 5] = [
    Dimension::Target,
    Dimension::Network,
    Dimension::SignInRisk,
    Dimension::UserRisk,
    Dimension::InsiderRisk,
];

impl Prover<'_> {
    fn device_truth(&self, clause: &Clause, device: &Given<crate::device_filter::Device>) -> Truth {
        match clause.condition(Dimension::Device) {
            0 => Truth::Yes,
            condition => self
                .engine
                .devices
                .iter()
                .find(|(index, _)| *index as usize == condition)
                .map_or(Truth::Yes, |(_, own)| own.judge(device).truth),
        }
    }
}
