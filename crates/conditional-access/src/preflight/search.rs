//! Looks for a sign-in that one side of a change lets pass and the other does not.

use fixedbitset::FixedBitSet;

use crate::{
    SignIn, Subject, Truth,
    engine::{Circumstances, Clause, Compiled, Dimension, Engine},
    prove::{Cells, Claim, Prover, escape},
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Who},
};

/// Steps of one search over all manners of signing in; real sets take a few for each.
const STEPS: usize = 100_000;
/// Manners of signing in (client, platform, flow, device) that are looked at; real sets have a few hundred.
const MANNERS: usize = 20_000;
/// Candidates that an evaluator may refuse before the next manner is tried.
const CANDIDATES: usize = 512;

/// What is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quest {
    /// Policies after the change are searched for what stands in the way, and policies before it let pass; the
    /// other way round when false.
    pub(super) lost: bool,
    /// What counts as standing in the way on the searched side: [`Claim::Possibly`] what surely does,
    /// [`Claim::Surely`] what may.
    pub(super) source: Claim,
    /// The same for the side that lets pass.
    pub(super) kept: Claim,
    /// A policy of the side that lets pass, which surely applies and asks for the same, hides what is not known
    /// of meeting it: that doubt was there before.
    pub(super) shared: bool,
}

/// What came of a search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// A sign-in that an evaluator agrees to.
    At(Box<SignIn>),
    /// None exists.
    Nowhere,
    /// None was found before the search was given up.
    GaveUp,
}

/// Finds a sign-in at which the searched side stands in the way and the other does not, and which `confirmed`
/// agrees to.
pub(super) fn find(
    prover: &Prover<'_>,
    subject: &Subject,
    split: usize,
    quest: Quest,
    confirmed: impl Fn(&SignIn) -> bool,
) -> Found {
    let (first, second) = prover.engine.policies.split_at(split);
    let (kept, source) = if quest.lost {
        (first, second)
    } else {
        (second, first)
    };
    let of = |policies: &'_ [Compiled], claim: Claim| -> Vec<usize> {
        (0..policies.len())
            .filter(|index| concerns(prover, subject, &policies[*index], claim))
            .collect()
    };
    let all_kept: Vec<&Compiled> = of(kept, Claim::Surely)
        .into_iter()
        .map(|index| &kept[index])
        .collect();
    // A policy that stands unchanged on both sides can't turn anything round.
    let source: Vec<&Compiled> = of(source, quest.source)
        .into_iter()
        .map(|index| &source[index])
        .filter(|own| !all_kept.iter().any(|kept| kept.same(own)))
        .collect();
    if source.is_empty() {
        return Found::Nowhere;
    }
    let kept: Vec<&Compiled> = all_kept
        .iter()
        .copied()
        .filter(|own| concerns(prover, subject, own, quest.kept))
        .collect();
    // While security information is registered, a strength on that action takes the place of the others.
    let lenient = all_kept
        .iter()
        .any(|compiled| compiled.registration && compiled.policy.asks_for_strength());
    let mut outcome = Found::Nowhere;
    let mut manners = MANNERS;
    let mut steps = STEPS;
    let classes = &prover.classes;
    for (class, device) in classes.devices.iter().enumerate() {
        for flow in &classes.flows {
            for client in &classes.clients {
                if device.device != Given::Nothing
                    && (client.legacy() || flow.0 == Flow::DeviceCode)
                {
                    continue;
                }
                for platform in &classes.platforms {
                    if manners == 0 || steps == 0 {
                        return Found::GaveUp;
                    }
                    manners -= 1;
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
                        class,
                    };
                    match manner.search(
                        prover, subject, quest, &source, &kept, lenient, &mut steps, &confirmed,
                    ) {
                        Found::Nowhere => {}
                        Found::GaveUp => outcome = Found::GaveUp,
                        found @ Found::At(_) => return found,
                    }
                }
            }
        }
    }
    outcome
}

/// Whether a policy is enforced and for this person, by the caution of a claim.
fn concerns(prover: &Prover<'_>, subject: &Subject, compiled: &Compiled, claim: Claim) -> bool {
    claim.applies(compiled.enforced.and(compiled.other))
        && compiled.clauses.iter().any(|clause| {
            claim.applies(prover.identity_truth(clause.condition(Dimension::Identity), subject))
        })
}

/// The name of a changed policy after the change that may be for this person and whose device filter tells more
/// devices apart than are looked at.
pub(super) fn too_fine(prover: &Prover<'_>, subject: &Subject, split: usize) -> Option<String> {
    let (before, after) = prover.engine.policies.split_at(split);
    after
        .iter()
        .filter(|own| !before.iter().any(|kept| kept.same(own)))
        .filter(|own| concerns(prover, subject, own, Claim::Surely))
        .find(|own| {
            own.clauses
                .iter()
                .any(|clause| prover.classes.is_coarse(clause))
        })
        .map(|own| own.policy.name.clone())
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
    /// Its place among the classes of devices.
    class: usize,
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
            .and(prover.classes.device_truth(clause, self.class))
    }

    /// Where gates outside Conditional Access stand in the way; they do so on both sides.
    fn gates(&self, prover: &Prover<'_>, subject: &Subject, claim: Claim) -> Vec<Cells> {
        let mut boxes = Vec::new();
        let stands = [false, true].map(|mandatory| {
            let gates = prover
                .engine
                .gates_at(subject, mandatory, self.circumstances);
            gates
                .iter()
                .flatten()
                .any(|gate| claim.applies(gate.applies) && claim.unmet(gate.met))
        });
        for index in 0..prover.classes.targets.len() {
            if stands[usize::from(prover.classes.mandatory[index])] {
                let mut cells =
                    Cells(FREE.map(|dimension| prover.classes.may(dimension, 0).clone()));
                cells.0[0].clear();
                cells.0[0].insert(index);
                boxes.push(cells);
            }
        }
        boxes
    }

    #[expect(clippy::too_many_arguments, reason = "one search, told once")]
    fn search(
        &self,
        prover: &Prover<'_>,
        subject: &Subject,
        quest: Quest,
        source: &[&Compiled],
        kept: &[&Compiled],
        lenient: bool,
        steps: &mut usize,
        confirmed: &impl Fn(&SignIn) -> bool,
    ) -> Found {
        let mut obstacles: Option<Vec<Cells>> = None;
        let mut outcome = Found::Nowhere;
        for own in source {
            let boxes = self.boxes(prover, subject, &[own], quest.source, false);
            if boxes.is_empty() {
                continue;
            }
            let common = obstacles.get_or_insert_with(|| {
                let mut boxes = self.boxes(prover, subject, kept, quest.kept, lenient);
                boxes.extend(self.gates(prover, subject, quest.kept));
                boxes
            });
            let mut obstacles = common.clone();
            if quest.shared {
                let alike: Vec<&Compiled> = kept
                    .iter()
                    .copied()
                    .filter(|kept| {
                        kept.policy.grant == own.policy.grant
                            && kept.policy.session == own.policy.session
                    })
                    .collect();
                obstacles.extend(self.all_boxes(prover, subject, &alike));
            }
            match self.candidate(prover, subject, &boxes, obstacles, steps, confirmed) {
                Found::Nowhere => {}
                Found::GaveUp => outcome = Found::GaveUp,
                found @ Found::At(_) => return found,
            }
        }
        outcome
    }

    /// Where policies surely apply in this manner, met or not.
    fn all_boxes(
        &self,
        prover: &Prover<'_>,
        subject: &Subject,
        policies: &[&Compiled],
    ) -> Vec<Cells> {
        policies
            .iter()
            .flat_map(|compiled| &compiled.clauses)
            .filter(|clause| self.matches(prover, subject, clause) == Truth::Yes)
            .map(|clause| {
                Cells(FREE.map(|dimension| {
                    prover
                        .classes
                        .must(dimension, clause.condition(dimension))
                        .clone()
                }))
            })
            .collect()
    }

    fn candidate(
        &self,
        prover: &Prover<'_>,
        subject: &Subject,
        sources: &[Cells],
        mut obstacles: Vec<Cells>,
        steps: &mut usize,
        confirmed: &impl Fn(&SignIn) -> bool,
    ) -> Found {
        let mut tries = CANDIDATES;
        for source in sources {
            loop {
                let refs: Vec<&Cells> = obstacles.iter().collect();
                let cell = match escape(source, &refs, steps) {
                    Ok(Some(cell)) => cell,
                    Ok(None) => break,
                    Err(_) => return Found::GaveUp,
                };
                let sign_in = self.at(prover, subject, cell);
                if confirmed(&sign_in) {
                    return Found::At(Box::new(sign_in));
                }
                if tries == 0 {
                    return Found::GaveUp;
                }
                tries -= 1;
                obstacles.push(Cells(std::array::from_fn(|place| {
                    let mut only = FixedBitSet::with_capacity(source.0[place].len());
                    only.insert(cell[place]);
                    only
                })));
            }
        }
        Found::Nowhere
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
