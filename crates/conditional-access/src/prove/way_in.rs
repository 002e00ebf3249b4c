//! Whether an account gets in, and what closes every way when it does not.

use std::borrow::Cow;

use fixedbitset::FixedBitSet;

use super::{Asks, Prover, classes::Origins};
use crate::{
    Truth,
    device_filter::Device,
    engine::{Circumstances, Clause, DeviceFacts, Dimension, Engine, Subject},
    identity::Fact,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, SignIn, Who},
};

/// Which way a claim about getting in has to err.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Claim {
    /// *It gets in*: unknowns stand in the way.
    Surely,
    /// *It may get in*: unknowns let pass; without such a way it is locked out for certain.
    Possibly,
}

/// The circumstances that are not the person's to choose.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct World {
    /// The address and the country that it is seen in; `None`: the person chooses.
    pub origin: Option<(std::net::IpAddr, Option<String>)>,
    /// Sign-in risk and user risk; `None`: none, or any when the claim is about every risk.
    pub sign_in_risk: Option<Risk>,
    /// The claim has to hold for every risk that Microsoft may see.
    pub any_risk: bool,
    /// A person whose devices were not read may have any; otherwise none is taken to be at hand.
    pub unread_devices: bool,
    /// The client; `None`: a browser or an app of today, as the person chooses.
    pub client: Option<ClientApp>,
}

/// How many kinds of devices are tried for a person whose devices were not read. Beyond them the question is left
/// open: see [`Prover::tries_every_device`].
const UNREAD_DEVICES: usize = 64;

/// What a way in is looked for.
#[derive(Clone, Copy)]
pub(crate) struct Search<'q> {
    pub(crate) targets: &'q [Asks],
    pub(crate) world: &'q World,
    pub(crate) claim: Claim,
    /// Policies that are left out, by place.
    pub(crate) without: Option<&'q FixedBitSet>,
}

impl Claim {
    pub(crate) fn applies(self, truth: Truth) -> bool {
        match self {
            Self::Surely => truth.may(),
            Self::Possibly => truth.surely(),
        }
    }

    pub(crate) fn unmet(self, truth: Truth) -> bool {
        match self {
            Self::Surely => truth != Truth::Yes,
            Self::Possibly => truth == Truth::No,
        }
    }
}

/// A device at hand, with what each device condition says of it.
struct AtHand {
    device: Given<Device>,
    facts: DeviceFacts,
    truths: Vec<Truth>,
}

impl Prover<'_> {
    /// Devices that an account can bring: none, then its registered ones. Where they were not read none is
    /// assumed, since an emergency may come without any.
    pub(crate) fn own_devices(&self, subject: &Subject) -> Vec<DeviceFacts> {
        self.at_hand(subject, false)
            .into_iter()
            .map(|hand| hand.facts)
            .collect()
    }

    /// Whether every kind of device is tried for a person whose devices were not read.
    pub(crate) fn tries_every_device(&self, subject: &Subject) -> bool {
        subject.identity().devices.known().is_some() || self.classes.devices.len() <= UNREAD_DEVICES
    }

    fn at_hand(&self, subject: &Subject, unread: bool) -> Vec<AtHand> {
        let own: Vec<Given<Device>> = match &subject.identity().devices {
            Fact::Known(own) => own.iter().cloned().map(Given::Value).collect(),
            Fact::Unknown(_) if unread => self
                .classes
                .devices
                .iter()
                .take(UNREAD_DEVICES)
                .map(|class| class.device.clone())
                .collect(),
            Fact::Unknown(_) => Vec::new(),
        };
        std::iter::once(Given::Nothing)
            .chain(own)
            .map(|device| AtHand {
                facts: DeviceFacts::of(&device),
                truths: self
                    .engine
                    .devices
                    .iter()
                    .map(|(_, condition)| condition.judge(&device).truth)
                    .collect(),
                device,
            })
            .collect()
    }

    /// A sign-in that gets in, by a modern client, on a device at hand, without a special flow (sheet 4.6, Q4
    /// and Q5); `None`: there is none.
    pub(crate) fn way_in(&self, subject: &Subject, search: Search<'_>) -> Option<SignIn> {
        let origins = self.origins(search);
        let hands = self.at_hand(subject, search.world.unread_devices);
        let clients = match &search.world.client {
            Some(client) => std::slice::from_ref(client),
            None => &[ClientApp::Browser, ClientApp::Modern],
        };
        let relevant: Vec<(usize, &Clause)> = self
            .engine
            .policies
            .iter()
            .enumerate()
            .filter(|(index, compiled)| {
                search.claim.applies(compiled.enforced.and(compiled.other))
                    && !search
                        .without
                        .is_some_and(|without| without.contains(*index))
            })
            .flat_map(|(index, compiled)| {
                compiled.clauses.iter().map(move |clause| (index, clause))
            })
            .filter(|(_, clause)| {
                let condition = clause.condition(Dimension::Identity);
                search
                    .claim
                    .applies(self.identity_truth(condition, subject))
            })
            .collect();
        for asks in search.targets {
            let truths = asks.judge(self.engine);
            let relevant: Vec<(usize, &Clause)> = relevant
                .iter()
                .copied()
                .filter(|(_, clause)| {
                    let condition = clause.condition(Dimension::Target);
                    search.claim.applies(self.target_truth(condition, &truths))
                })
                .collect();
            for hand in &hands {
                for client in clients.iter().copied() {
                    // A legacy client shows no device.
                    if client.legacy() && hand.device != Given::Nothing {
                        continue;
                    }
                    for platform in &self.classes.platforms {
                        let manner = (hand, client, *platform);
                        if let Some(sign_in) =
                            self.way(subject, search, asks, &relevant, manner, &origins)
                        {
                            return Some(sign_in);
                        }
                    }
                }
            }
        }
        None
    }

    fn way(
        &self,
        subject: &Subject,
        search: Search<'_>,
        asks: &Asks,
        relevant: &[(usize, &Clause)],
        (hand, client, platform): (&AtHand, ClientApp, Platform),
        origins: &Origins,
    ) -> Option<SignIn> {
        let claim = search.claim;
        let circumstances = Circumstances {
            client: Some(client),
            platform: Some(platform),
            flow: Flow::None,
            device: hand.facts,
        };
        let mandatory = self.engine.is_mandatory(&asks.audience);
        let gates = self.engine.gates_at(subject, mandatory, circumstances);
        if gates
            .iter()
            .flatten()
            .any(|gate| claim.applies(gate.applies) && claim.unmet(gate.met))
        {
            return None;
        }
        let mut closed = FixedBitSet::with_capacity(origins.all.len());
        for (index, clause) in relevant {
            let manner = [
                (Dimension::Client, client.bit()),
                (Dimension::Platform, platform.bit()),
                (Dimension::Flow, Flow::None.bit()),
            ];
            let here = manner
                .iter()
                .all(|(dimension, bit)| claim.applies(self.mask_truth(clause, *dimension, *bit)))
                && claim.applies(self.device_truth(clause, hand))
                && self.at_risk(clause, search);
            if !here {
                continue;
            }
            let compiled = &self.engine.policies[*index];
            if !claim.unmet(Engine::met(compiled, subject, circumstances, true)) {
                continue;
            }
            let condition = clause.condition(Dimension::Network);
            // Who can't answer where they are by GPS is refused wherever the answer would decide.
            let refused = self.asks_gps(clause) && subject.identity().answers_gps() == Truth::No;
            let hits = if refused { &origins.may } else { &origins.hit };
            match u32::try_from(condition).ok().and_then(|c| hits.get(&c)) {
                Some(hit) => closed.union_with(hit),
                // No condition on the network: closed from everywhere.
                None => return None,
            }
            if closed.is_full() {
                return None;
            }
        }
        let open = (0..origins.all.len()).find(|origin| !closed.contains(*origin))?;
        let mut sign_in = SignIn {
            user: Some(Who::Name(subject.identity().id.clone())),
            client_app: Some(client),
            platform: Some(platform),
            device: hand.device.clone(),
            sign_in_risk: Some(search.world.sign_in_risk.unwrap_or(Risk::None)),
            user_risk: Some(Risk::None),
            insider_risk: Some(InsiderRisk::None),
            flow: Some(Flow::None),
            tracked_flow: Some(Flow::None),
            ..SignIn::default()
        };
        asks.write(&mut sign_in);
        origins.all[open].write(&mut sign_in);
        Some(sign_in)
    }

    fn device_truth(&self, clause: &Clause, hand: &AtHand) -> Truth {
        match clause.condition(Dimension::Device) {
            0 => Truth::Yes,
            condition => hand.truths[self.place(condition)],
        }
    }

    /// Whether a clause asks for the place by GPS.
    pub(crate) fn asks_gps(&self, clause: &Clause) -> bool {
        let condition = clause.condition(Dimension::Network);
        condition != 0
            && self
                .engine
                .network
                .asks_gps(&self.engine.networks[self.place(condition)].1)
    }

    fn origins(&self, search: Search<'_>) -> Cow<'_, Origins> {
        let known = match search.claim {
            Claim::Surely => &self.classes.sure_origins,
            Claim::Possibly => &self.classes.possible_origins,
        };
        let Some((ip, country)) = &search.world.origin else {
            return Cow::Borrowed(known);
        };
        let cell = self.engine.network.cells.of(*ip);
        let hits =
            self.engine
                .network
                .hits_of(Some(cell), &country.as_deref().into(), None, Some(false));
        let origin = super::classes::Origin {
            ip: *ip,
            country: country.clone(),
            gps: None,
            compliant: false,
        };
        let table = |claim: Claim| {
            let hit = self.engine.networks.iter().map(|(index, condition)| {
                let mut set = FixedBitSet::with_capacity(1);
                set.set(0, claim.applies(condition.judge(&hits).truth));
                (*index, set)
            });
            hit.collect()
        };
        Cow::Owned(Origins {
            all: vec![origin],
            hit: table(search.claim),
            may: table(Claim::Surely),
        })
    }

    fn at_risk(&self, clause: &Clause, search: Search<'_>) -> bool {
        let fixed = [
            (
                Dimension::SignInRisk,
                search.world.sign_in_risk.map(Risk::bit),
            ),
            (Dimension::UserRisk, None),
            (Dimension::InsiderRisk, None),
        ];
        fixed.iter().all(|(dimension, fixed)| {
            let bits: Vec<u8> = match fixed {
                Some(bit) => vec![*bit],
                None if search.world.any_risk => vec![1, 2, 4, 8],
                None => vec![1],
            };
            bits.iter().any(|bit| {
                search
                    .claim
                    .applies(self.mask_truth(clause, *dimension, *bit))
            })
        })
    }

    /// Policies each of which, left out alone, opens a way in (the other half of Q8): what to exclude the account
    /// from.
    pub(crate) fn opens(&self, subject: &Subject, search: Search<'_>) -> Vec<usize> {
        let policies = self.engine.policies.len();
        let mut without = FixedBitSet::with_capacity(policies);
        (0..policies)
            .filter(|index| self.touches(*index, subject))
            .filter(|index| {
                without.clear();
                without.insert(*index);
                let search = Search {
                    without: Some(&without),
                    ..search
                };
                self.way_in(subject, search).is_some()
            })
            .collect()
    }

    /// Whether a policy may be enforced for an account.
    fn touches(&self, index: usize, subject: &Subject) -> bool {
        let compiled = &self.engine.policies[index];
        compiled.enforced.may()
            && compiled.clauses.iter().any(|clause| {
                self.identity_truth(clause.condition(Dimension::Identity), subject)
                    .may()
            })
    }

    /// A smallest set of policies that together close every way in: none of them can be left out (sheet 4.6,
    /// Q8). Empty when something else than policies keeps the account out.
    pub(crate) fn blame(&self, subject: &Subject, search: Search<'_>) -> Vec<usize> {
        let policies = self.engine.policies.len();
        let mut without = FixedBitSet::with_capacity(policies);
        without.insert_range(..);
        let closed = |without: &FixedBitSet| {
            let search = Search {
                without: Some(without),
                ..search
            };
            self.way_in(subject, search).is_none()
        };
        if closed(&without) {
            return Vec::new();
        }
        without.clear();
        for index in 0..policies {
            without.insert(index);
            if self.touches(index, subject) && !closed(&without) {
                without.remove(index);
            }
        }
        (0..policies)
            .filter(|index| !without.contains(*index))
            .collect()
    }
}
