//! Finitely many classes stand for all sign-ins.
//!
//! In each dimension two values that no condition of the set tells apart, and that decide no control, are the
//! same value for every proof. The classes of a dimension are what is left, one representative each; what a
//! condition says of them is a pair of bit sets: where it may match, and where it surely does.

use std::{
    collections::{HashMap, HashSet},
    net::IpAddr,
};

use fixedbitset::FixedBitSet;

use crate::{
    Truth,
    device_filter::{self, Device, DeviceRule},
    engine::{Asked, Clause, DeviceFacts, Dimension, Engine},
    environment::{
        ADMIN_PORTALS, MICROSOFT_GRAPH, MY_SIGN_INS, REGISTER_DEVICE, REGISTER_SECURITY_INFO,
    },
    identity::fold,
    policy::Target,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Scopes, SignIn},
};

/// An application that no policy names. A made-up id, so that a witness can be put to an evaluator.
pub const OTHER_APPLICATION: &str = "0b0a0908-0706-4504-8302-010000000001";
/// Exchange Online.
const EXCHANGE_ONLINE: &str = "00000002-0000-0ff1-ce00-000000000000";
/// Device Registration Service.
const DEVICE_REGISTRATION: &str = "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9";

/// What is asked for: resources, an action, authentication contexts.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Asks {
    /// App id of the resource.
    pub audience: String,
    /// User action.
    pub action: Option<String>,
    /// Authentication context.
    pub context: Option<String>,
    /// Nothing but baseline scopes.
    pub baseline: bool,
}

impl Asks {
    /// A token for one resource.
    pub fn resource(id: &str) -> Self {
        Self {
            audience: id.to_owned(),
            action: None,
            context: None,
            baseline: false,
        }
    }

    /// The same with an authentication context that the resource asks for.
    #[must_use]
    pub fn with_context(mut self, context: &str) -> Self {
        self.context = Some(context.to_owned());
        self
    }

    pub(crate) fn registering(&self) -> bool {
        self.action
            .as_deref()
            .is_some_and(|action| action.eq_ignore_ascii_case(REGISTER_SECURITY_INFO))
    }

    pub(crate) fn write(&self, sign_in: &mut SignIn) {
        sign_in.audiences = [self.audience.clone()].into();
        sign_in.user_action.clone_from(&self.action);
        sign_in.auth_contexts = self.context.clone().into_iter().collect();
        sign_in.scopes = self.baseline.then_some(Scopes::Baseline);
    }

    fn asked<'s>(&'s self, engine: &Engine) -> Asked<'s> {
        Asked {
            apps: vec![engine.apps.of(&self.audience)],
            scopes: self.baseline.then_some(Scopes::Baseline),
            action: self.action.as_deref(),
            contexts: self.context.as_deref().into_iter().collect(),
        }
    }

    /// Everything that anything reads of this: what is the same here is the same for every proof.
    pub(crate) fn class(&self, engine: &Engine) -> (Vec<Truth>, bool, bool) {
        let audience = fold(&self.audience);
        let mandatory = engine.environment.mandatory_mfa.contains(&audience);
        (self.judge(engine), mandatory, self.registering())
    }

    /// What every target condition says of this, by condition.
    pub(crate) fn judge(&self, engine: &Engine) -> Vec<Truth> {
        let asked = self.asked(engine);
        engine
            .targets
            .iter()
            .map(|(_, condition)| engine.judge_target(condition, &asked).truth)
            .collect()
    }
}

/// Everything that can be asked for, as far as the policies could tell it apart: the same class may be there often.
pub(crate) fn requests(engine: &Engine, targets: &[String]) -> Vec<Asks> {
    let mut candidates: Vec<Asks> = targets.iter().map(|id| Asks::resource(id)).collect();
    let plain = [EXCHANGE_ONLINE, ADMIN_PORTALS, MICROSOFT_GRAPH];
    candidates.extend(plain.iter().map(|id| Asks::resource(id)));
    candidates.extend(engine.apps.ids.iter().map(|id| Asks::resource(id)));
    candidates.push(Asks::resource(OTHER_APPLICATION));
    candidates.push(Asks {
        baseline: true,
        ..Asks::resource(MICROSOFT_GRAPH)
    });
    let mut actions = vec![
        REGISTER_SECURITY_INFO.to_owned(),
        REGISTER_DEVICE.to_owned(),
    ];
    let mut contexts: Vec<String> = Vec::new();
    for (_, condition) in &engine.targets {
        match &condition.target {
            Target::UserActions(own) => actions.extend(own.iter().map(|a| fold(a))),
            Target::Contexts(own) => contexts.extend(own.iter().map(|c| fold(c))),
            Target::Resources(_) | Target::Unknown => {}
        }
    }
    candidates.extend(actions.into_iter().map(|action| Asks {
        action: Some(action.clone()),
        ..Asks::resource(if action == REGISTER_DEVICE {
            DEVICE_REGISTRATION
        } else {
            MY_SIGN_INS
        })
    }));
    candidates.extend(
        contexts
            .iter()
            .map(|c| Asks::resource("00000003-0000-0ff1-ce00-000000000000").with_context(c)),
    );
    // A request is for a resource as well, whatever action or context it comes with.
    let plain = candidates.len();
    for place in 0..plain {
        if candidates[place].action.is_some() || candidates[place].context.is_some() {
            let with = candidates[place].clone();
            let resources: Vec<Asks> = candidates[..plain]
                .iter()
                .filter(|own| own.action.is_none() && own.context.is_none() && !own.baseline)
                .map(|own| Asks {
                    audience: own.audience.clone(),
                    ..with.clone()
                })
                .collect();
            candidates.extend(resources);
        }
    }
    candidates
}

/// Where a sign-in comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Origin {
    pub(crate) ip: IpAddr,
    pub(crate) country: Option<String>,
    pub(crate) gps: Option<String>,
    pub(crate) compliant: bool,
}

impl Origin {
    pub(crate) fn write(&self, sign_in: &mut SignIn) {
        sign_in.ip = Some(self.ip);
        sign_in.country = self.country.clone().into();
        sign_in.gps_country.clone_from(&self.gps);
        sign_in.compliant_network = Some(self.compliant);
    }
}

/// Origins that a person can choose between, and which network conditions stand in the way of each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Origins {
    pub(crate) all: Vec<Origin>,
    /// Per network condition: the origins that it matches, by the caution of the claim.
    pub(crate) hit: HashMap<u32, FixedBitSet>,
    /// Per network condition: the origins that it may match.
    pub(crate) may: HashMap<u32, FixedBitSet>,
}

/// A device of a person, or none.
#[derive(Clone, Debug)]
pub(crate) struct DeviceClass {
    pub(crate) device: Given<Device>,
    pub(crate) facts: DeviceFacts,
}

/// The classes of every dimension but identity.
#[derive(Debug)]
pub(crate) struct Classes {
    pub(crate) targets: Vec<Asks>,
    pub(crate) networks: Vec<Origin>,
    pub(crate) devices: Vec<DeviceClass>,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) clients: Vec<ClientApp>,
    pub(crate) flows: Vec<(Flow, Flow)>,
    /// Where each condition may match, and where it surely does, by condition.
    may: Vec<FixedBitSet>,
    must: Vec<FixedBitSet>,
    /// All classes of each dimension.
    full: [FixedBitSet; 10],
    /// Ways to come in that a person surely has, for *gets in*.
    pub(crate) sure_origins: Origins,
    /// Ways to come in that a person may have, for *locked out*.
    pub(crate) possible_origins: Origins,
    /// Whether each target is one with mandatory multifactor authentication.
    pub(crate) mandatory: Vec<bool>,
    /// The class of Exchange Online, which is what legacy clients are for.
    pub(crate) mail: Option<usize>,
    /// Conditions whose device rule is among [`Self::coarse`].
    coarse_conditions: HashSet<usize>,
    /// Device rules that had to be taken as unknown, since they tell too many devices apart.
    pub(crate) coarse: Vec<String>,
}

impl Classes {
    pub(crate) fn new(engine: &Engine, targets: &[String], device_limit: usize) -> Self {
        let mut classes = Self {
            targets: Vec::new(),
            networks: Vec::new(),
            devices: Vec::new(),
            platforms: Vec::new(),
            clients: ClientApp::ALL.to_vec(),
            flows: Vec::new(),
            may: vec![FixedBitSet::new(); engine.conditions],
            must: vec![FixedBitSet::new(); engine.conditions],
            full: std::array::from_fn(|_| FixedBitSet::new()),
            sure_origins: Origins::default(),
            possible_origins: Origins::default(),
            mandatory: Vec::new(),
            mail: None,
            coarse_conditions: HashSet::new(),
            coarse: Vec::new(),
        };
        classes.build_targets(engine, targets);
        classes.build_networks(engine);
        classes.build_devices(engine, device_limit);
        classes.build_platforms(engine);
        classes.build_flows(engine);
        classes.build_masks(engine);
        classes.fill();
        classes
    }

    /// Whether a clause has a device rule that was taken as unknown.
    pub(crate) fn is_coarse(&self, clause: &Clause) -> bool {
        self.coarse_conditions
            .contains(&clause.condition(Dimension::Device))
    }

    /// Whether the device condition of a clause matches a class of devices.
    pub(crate) fn device_truth(&self, clause: &Clause, class: usize) -> Truth {
        let condition = clause.condition(Dimension::Device);
        if self.must(Dimension::Device, condition).contains(class) {
            Truth::Yes
        } else if self.may(Dimension::Device, condition).contains(class) {
            Truth::Unknown
        } else {
            Truth::No
        }
    }

    /// Where a condition may match.
    pub(crate) fn may(&self, dimension: Dimension, condition: usize) -> &FixedBitSet {
        if condition == 0 {
            &self.full[dimension as usize]
        } else {
            &self.may[condition]
        }
    }

    /// Where a condition surely matches.
    pub(crate) fn must(&self, dimension: Dimension, condition: usize) -> &FixedBitSet {
        if condition == 0 {
            &self.full[dimension as usize]
        } else {
            &self.must[condition]
        }
    }

    /// Sizes of the dimensions target, network, device, platform, client, flow, for reports.
    pub(crate) fn sizes(&self) -> [usize; 6] {
        [
            self.targets.len(),
            self.networks.len(),
            self.devices.len(),
            self.platforms.len(),
            self.clients.len(),
            self.flows.len(),
        ]
    }

    fn fill(&mut self) {
        let sizes = [
            (Dimension::Target, self.targets.len()),
            (Dimension::Network, self.networks.len()),
            (Dimension::Platform, self.platforms.len()),
            (Dimension::Client, self.clients.len()),
            (Dimension::SignInRisk, Risk::ALL.len()),
            (Dimension::UserRisk, Risk::ALL.len()),
            (Dimension::InsiderRisk, InsiderRisk::ALL.len()),
            (Dimension::Device, self.devices.len()),
            (Dimension::Flow, self.flows.len()),
        ];
        for (dimension, size) in sizes {
            let mut all = FixedBitSet::with_capacity(size);
            all.insert_range(..);
            self.full[dimension as usize] = all;
        }
    }

    fn set(&mut self, condition: u32, truths: impl ExactSizeIterator<Item = Truth>) {
        let mut may = FixedBitSet::with_capacity(truths.len());
        let mut must = FixedBitSet::with_capacity(truths.len());
        for (class, truth) in truths.enumerate() {
            may.set(class, truth.may());
            must.set(class, truth.surely());
        }
        self.may[condition as usize] = may;
        self.must[condition as usize] = must;
    }

    fn build_targets(&mut self, engine: &Engine, targets: &[String]) {
        let mut known = HashSet::new();
        let mut vectors = Vec::new();
        for asks in requests(engine, targets) {
            let class = asks.class(engine);
            if known.insert(class.clone()) {
                let (truths, mandatory, _) = class;
                self.targets.push(asks);
                self.mandatory.push(mandatory);
                vectors.push(truths);
            }
        }
        self.mail = self
            .targets
            .iter()
            .position(|asks| asks.audience == EXCHANGE_ONLINE);
        for (place, (condition, _)) in engine.targets.iter().enumerate() {
            self.set(*condition, vectors.iter().map(|truths| truths[place]));
        }
    }

    fn build_networks(&mut self, engine: &Engine) {
        let network = &engine.network;
        let countries = network.country_classes(false);
        let mut gps: Vec<Option<String>> = vec![None];
        gps.extend(
            network
                .country_classes(true)
                .into_iter()
                .flatten()
                .map(Some),
        );
        if !network.uses_gps() {
            gps.truncate(1);
        }
        let compliant: &[bool] = if network.uses_compliant() {
            &[false, true]
        } else {
            &[false]
        };
        let mut known: HashMap<Vec<Truth>, usize> = HashMap::new();
        let mut vectors: Vec<Vec<Truth>> = Vec::new();
        let mut sure: Vec<(Origin, Vec<usize>)> = Vec::new();
        let mut possible: Vec<(Origin, usize)> = Vec::new();
        let mut class = |origin: &Origin, cell: usize| {
            let hits = network.hits_of(
                Some(cell),
                &origin.country.as_deref().into(),
                origin.gps.as_deref(),
                Some(origin.compliant),
            );
            let truths: Vec<Truth> = engine
                .networks
                .iter()
                .map(|(_, condition)| condition.judge(&hits).truth)
                .collect();
            *known.entry(truths.clone()).or_insert_with(|| {
                self.networks.push(origin.clone());
                vectors.push(truths);
                self.networks.len() - 1
            })
        };
        // An emergency has neither the tenant's own network client nor, for certain, an Authenticator that answers
        // with its place; these come first, so that they stand for a class where they can.
        for (cell, ip) in network.cells.first.iter().enumerate() {
            let named = network.is_named(cell);
            let mut together: Option<(Origin, Vec<usize>)> = None;
            for country in &countries {
                let origin = Origin {
                    ip: *ip,
                    country: country.clone(),
                    gps: None,
                    compliant: false,
                };
                let class = class(&origin, cell);
                possible.push((origin.clone(), class));
                if named {
                    // Microsoft's database decides the country of an address that the tenant named, not the person:
                    // the way has to be open for every country.
                    together
                        .get_or_insert_with(|| (origin, Vec::new()))
                        .1
                        .push(class);
                } else {
                    sure.push((origin, vec![class]));
                }
            }
            sure.extend(together);
        }
        for (cell, ip) in network.cells.first.iter().enumerate() {
            for gps in &gps {
                for compliant in compliant {
                    if gps.is_none() && !compliant {
                        continue;
                    }
                    for country in &countries {
                        let origin = Origin {
                            ip: *ip,
                            country: country.clone(),
                            gps: gps.clone(),
                            compliant: *compliant,
                        };
                        class(&origin, cell);
                    }
                }
            }
        }
        for (place, (condition, _)) in engine.networks.iter().enumerate() {
            self.set(*condition, vectors.iter().map(|truths| truths[place]));
        }
        let mut seen = HashSet::new();
        possible.retain(|(_, class)| seen.insert(*class));
        for (condition, _) in &engine.networks {
            let may = &self.may[*condition as usize];
            let mut hit = FixedBitSet::with_capacity(sure.len());
            for (index, (_, classes)) in sure.iter().enumerate() {
                hit.set(index, classes.iter().any(|class| may.contains(*class)));
            }
            self.sure_origins.may.insert(*condition, hit.clone());
            self.sure_origins.hit.insert(*condition, hit);
            let must = &self.must[*condition as usize];
            let mut hit = FixedBitSet::with_capacity(possible.len());
            for (index, (_, class)) in possible.iter().enumerate() {
                hit.set(index, must.contains(*class));
            }
            self.possible_origins.hit.insert(*condition, hit);
            let mut perhaps = FixedBitSet::with_capacity(possible.len());
            for (index, (_, class)) in possible.iter().enumerate() {
                perhaps.set(index, may.contains(*class));
            }
            self.possible_origins.may.insert(*condition, perhaps);
        }
        self.sure_origins.all = sure.into_iter().map(|(origin, _)| origin).collect();
        self.possible_origins.all = possible.into_iter().map(|(origin, _)| origin).collect();
    }

    fn build_devices(&mut self, engine: &Engine, limit: usize) {
        let mut rules: Vec<&DeviceRule> = Vec::new();
        for (_, condition) in &engine.devices {
            if let Ok(rule) = &condition.rule
                && !rules.contains(&rule)
            {
                rules.push(rule);
            }
        }
        // What controls read of a device tells classes apart as rules do.
        let facts: Vec<DeviceRule> = [
            "device.isCompliant -eq True",
            "device.trustType -eq \"ServerAD\"",
        ]
        .iter()
        .filter_map(|rule| DeviceRule::parse(rule).ok())
        .collect();
        let classes = loop {
            let all: Vec<&DeviceRule> = rules.iter().copied().chain(&facts).collect();
            match device_filter::classes(&all, limit) {
                Ok(classes) => break classes,
                Err(too_many) if too_many.rule < rules.len() => {
                    self.coarse.push(rules.remove(too_many.rule).to_string());
                }
                // It became too much at what controls read, which has to stay told apart.
                Err(_) => match rules.pop() {
                    Some(rule) => self.coarse.push(rule.to_string()),
                    None => break device_filter::classes(&all, usize::MAX).unwrap_or_default(),
                },
            }
        };
        self.devices = classes
            .into_iter()
            .map(|class| {
                let device = Given::from(class.device);
                DeviceClass {
                    facts: DeviceFacts::of(&device),
                    device,
                }
            })
            .collect();
        for (index, condition) in &engine.devices {
            let coarse = condition
                .rule
                .as_ref()
                .is_ok_and(|rule| !rules.contains(&rule));
            if coarse {
                self.coarse_conditions.insert(*index as usize);
            }
            let truths: Vec<Truth> = self
                .devices
                .iter()
                .map(|class| {
                    if coarse {
                        Truth::Unknown
                    } else {
                        condition.judge(&class.device).truth
                    }
                })
                .collect();
            self.set(*index, truths.into_iter());
        }
    }

    fn build_platforms(&mut self, engine: &Engine) {
        let mut known = HashSet::new();
        for platform in Platform::ALL {
            let truths: Vec<Truth> = engine
                .masks
                .iter()
                .filter(|(_, dimension, _)| *dimension == Dimension::Platform)
                .map(|(_, _, mask)| mask.of(platform.bit()))
                .collect();
            // What controls read of a platform.
            let kind = match platform {
                Platform::Windows => 0,
                Platform::Ios | Platform::Android => 1,
                Platform::MacOs | Platform::Linux => 2,
                Platform::WindowsPhone | Platform::Unknown => 3,
            };
            if known.insert((truths, kind)) {
                self.platforms.push(*platform);
            }
        }
    }

    fn build_flows(&mut self, engine: &Engine) {
        let mut known = HashSet::new();
        let plain = Flow::None;
        for flows in [
            (plain, plain),
            (Flow::DeviceCode, plain),
            (Flow::Transfer, plain),
            (plain, Flow::DeviceCode),
            (plain, Flow::Transfer),
        ] {
            let truths: Vec<Truth> = engine
                .masks
                .iter()
                .filter(|(_, dimension, _)| *dimension == Dimension::Flow)
                .map(|(_, _, mask)| mask.of(flows.0.bit()).or(mask.of(flows.1.bit())))
                .collect();
            if known.insert((truths, flows.0 == Flow::DeviceCode)) {
                self.flows.push(flows);
            }
        }
    }

    fn build_masks(&mut self, engine: &Engine) {
        for (index, dimension, mask) in &engine.masks {
            let truths: Vec<Truth> = match dimension {
                Dimension::Platform => self.platforms.iter().map(|p| mask.of(p.bit())).collect(),
                Dimension::Client => self.clients.iter().map(|c| mask.of(c.bit())).collect(),
                Dimension::InsiderRisk => {
                    InsiderRisk::ALL.iter().map(|r| mask.of(r.bit())).collect()
                }
                Dimension::Flow => self
                    .flows
                    .iter()
                    .map(|(flow, tracked)| mask.of(flow.bit()).or(mask.of(tracked.bit())))
                    .collect(),
                _ => Risk::ALL.iter().map(|r| mask.of(r.bit())).collect(),
            };
            self.set(*index, truths.into_iter());
        }
    }
}
