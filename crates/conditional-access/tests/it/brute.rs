//! Every sign-in that could matter to a small tenant, value by value.
//!
//! Nothing here comes from the prover: addresses at the borders of ranges and beside them, the countries that
//! are written down and one more, the devices of the account and made-up ones, and every value of the
//! enumerations. A dimension that no policy mentions gets few values. Where the product is too large, as many
//! sign-ins as asked for are drawn from it.

use std::{collections::BTreeSet, net::IpAddr};

use breakglass_conditional_access::{
    Policy, SignIn,
    device_filter::Device,
    environment::{
        BaselineScopes, LocationKind, MICROSOFT_GRAPH, MY_SIGN_INS, REGISTER_DEVICE,
        REGISTER_SECURITY_INFO,
    },
    identity::{Fact, fold},
    policy::Target,
    sign_in::{ClientApp, Flow, Given, InsiderRisk, Platform, Risk, Scopes, Who},
};
use ipnet::IpNet;

use crate::{
    accounts::device,
    generator::{ME, Tenant},
    numbers::Numbers,
};

const REGISTRATION_SERVICE: &str = "01cb2876-7ebd-4aa4-9cc9-d28bd4d359a9";
const PLATFORMS_THAT_DIFFER: [Platform; 4] = [
    Platform::Windows,
    Platform::Ios,
    Platform::Linux,
    Platform::Unknown,
];

/// The values of each dimension.
#[derive(Clone, Debug)]
pub(crate) struct Space {
    pub(crate) targets: Vec<SignIn>,
    pub(crate) origins: Vec<SignIn>,
    pub(crate) platforms: Vec<Platform>,
    pub(crate) clients: Vec<ClientApp>,
    pub(crate) devices: Vec<Given<Device>>,
    pub(crate) flows: Vec<(Flow, Flow)>,
    pub(crate) risks: Vec<(Risk, Risk, InsiderRisk)>,
}

impl Space {
    /// All sign-ins.
    pub(crate) fn everything(tenant: &Tenant, policies: &[Policy], n: &mut Numbers) -> Self {
        let mentions = |part: fn(&Policy) -> bool| policies.iter().any(part);
        let plain = (Flow::None, Flow::None);
        let mut devices = own_devices(tenant);
        let number = if mentions(|p| p.device.is_some()) {
            8
        } else {
            2
        };
        devices.extend((0..number).map(|_| Given::Value(device(n))));
        Self {
            targets: targets(tenant, policies),
            origins: origins(tenant, policies, true),
            platforms: platforms(policies),
            clients: ClientApp::ALL.to_vec(),
            devices,
            flows: if mentions(|p| p.flows.is_some()) {
                let flows = Flow::ALL.iter().copied();
                flows
                    .flat_map(|now| Flow::ALL.iter().map(move |then| (now, *then)))
                    .collect()
            } else {
                vec![plain, (Flow::DeviceCode, Flow::None)]
            },
            risks: risks(policies),
        }
    }

    /// The sign-ins of an emergency to these resources: by a modern client, without a device or on an own one,
    /// without a flow, the tenant's network or an answer from a phone. Risks are all that policies tell apart.
    pub(crate) fn emergency(tenant: &Tenant, policies: &[Policy], resources: &[String]) -> Self {
        Self {
            targets: resources.iter().map(|id| asking_for(id)).collect(),
            origins: origins(tenant, policies, false),
            platforms: platforms(policies),
            clients: vec![ClientApp::Browser, ClientApp::Modern],
            devices: own_devices(tenant),
            flows: vec![(Flow::None, Flow::None)],
            risks: risks(policies),
        }
    }

    fn sizes(&self) -> [usize; 7] {
        [
            self.targets.len(),
            self.origins.len(),
            self.platforms.len(),
            self.clients.len(),
            self.devices.len(),
            self.flows.len(),
            self.risks.len(),
        ]
    }

    /// All sign-ins where there are at most `limit`, else so many drawn ones; and whether it is all.
    pub(crate) fn walk(&self, limit: usize, n: &mut Numbers) -> (Vec<SignIn>, bool) {
        let sizes = self.sizes();
        let all: usize = sizes.iter().product();
        if all <= limit {
            let each = (0..all).map(|mut place| {
                self.at(sizes.map(|size| {
                    let at = place % size;
                    place /= size;
                    at
                }))
            });
            return (each.collect(), true);
        }
        let drawn = (0..limit).map(|_| self.at(sizes.map(|size| n.below(size))));
        (drawn.collect(), false)
    }

    fn at(&self, places: [usize; 7]) -> SignIn {
        let [target, origin, platform, client, device, flow, risk] = places;
        let (origin, risk) = (&self.origins[origin], self.risks[risk]);
        SignIn {
            user: Some(Who::Name(ME.to_owned())),
            ip: origin.ip,
            country: origin.country.clone(),
            gps_country: origin.gps_country.clone(),
            compliant_network: origin.compliant_network,
            platform: Some(self.platforms[platform]),
            client_app: Some(self.clients[client]),
            device: self.devices[device].clone(),
            flow: Some(self.flows[flow].0),
            tracked_flow: Some(self.flows[flow].1),
            sign_in_risk: Some(risk.0),
            user_risk: Some(risk.1),
            insider_risk: Some(risk.2),
            ..self.targets[target].clone()
        }
    }
}

/// Whether a sign-in can happen: neither legacy clients nor device code flow show a device.
pub(crate) fn possible(sign_in: &SignIn) -> bool {
    let hides =
        sign_in.client_app.is_some_and(ClientApp::legacy) || sign_in.flow() == Flow::DeviceCode;
    sign_in.device == Given::Nothing || !hides
}

/// Whether the tenant named the address of a sign-in, so that it is not the person who chooses its country.
pub(crate) fn named(tenant: &Tenant, sign_in: &SignIn) -> bool {
    let ip = sign_in.ip.unwrap();
    let environment = &tenant.environment;
    environment
        .mfa_trusted_ips
        .iter()
        .any(|range| range.contains(&ip))
        || environment
            .locations
            .iter()
            .any(|location| match &location.kind {
                LocationKind::Ip { ranges, .. } => ranges.iter().any(|range| range.contains(&ip)),
                _ => false,
            })
}

/// A sign-in as seen from every country.
pub(crate) fn from_every_country(
    tenant: &Tenant,
    sign_in: &SignIn,
) -> impl Iterator<Item = SignIn> {
    countries(tenant, false).into_iter().map(|country| SignIn {
        country: country.into(),
        ..sign_in.clone()
    })
}

/// A sign-in at every risk that policies tell apart.
pub(crate) fn at_every_risk(space: &Space, sign_in: &SignIn) -> impl Iterator<Item = SignIn> {
    space
        .risks
        .iter()
        .map(|(of_sign_in, of_user, insider)| SignIn {
            sign_in_risk: Some(*of_sign_in),
            user_risk: Some(*of_user),
            insider_risk: Some(*insider),
            ..sign_in.clone()
        })
}

pub(crate) fn own_devices(tenant: &Tenant) -> Vec<Given<Device>> {
    let mut devices = vec![Given::Nothing];
    if let Fact::Known(own) = &tenant.me.devices {
        devices.extend(own.iter().cloned().map(Given::Value));
    }
    devices
}

fn asking_for(id: &str) -> SignIn {
    SignIn {
        audiences: [id.to_owned()].into(),
        ..SignIn::default()
    }
}

fn targets(tenant: &Tenant, policies: &[Policy]) -> Vec<SignIn> {
    let environment = &tenant.environment;
    let mut apps: BTreeSet<String> = BTreeSet::from([
        "some-other-app".to_owned(),
        MICROSOFT_GRAPH.to_owned(),
        MY_SIGN_INS.to_owned(),
    ]);
    let mut contexts = BTreeSet::new();
    let mut actions = BTreeSet::new();
    apps.extend(environment.immune.iter().cloned());
    apps.extend(environment.app_attributes.keys().cloned());
    if let BaselineScopes::Custom(app) = &environment.baseline_scopes {
        apps.insert(app.clone());
    }
    for policy in policies {
        match &policy.target {
            Target::Resources(resources) => {
                for token in resources.include.iter().chain(&resources.exclude) {
                    if let Some(members) = environment.suites.get(&fold(token)) {
                        apps.extend(members.iter().cloned());
                    }
                    apps.insert(token.clone());
                }
            }
            Target::Contexts(own) => contexts.extend(own.iter().cloned()),
            Target::UserActions(own) => actions.extend(own.iter().cloned()),
            Target::Unknown => {}
        }
    }
    apps.retain(|app| app != "All" && app != "None");
    let mut targets: Vec<SignIn> = apps.iter().map(|app| asking_for(app)).collect();
    let first = targets[0].clone();
    targets.push(SignIn {
        scopes: Some(Scopes::Baseline),
        ..asking_for(MICROSOFT_GRAPH)
    });
    // Two at once.
    targets.push(SignIn {
        audiences: [apps.first(), apps.last()]
            .into_iter()
            .flatten()
            .cloned()
            .collect(),
        ..SignIn::default()
    });
    for context in contexts {
        targets.push(SignIn {
            auth_contexts: [context].into(),
            ..first.clone()
        });
    }
    for action in actions {
        let resource = match action.as_str() {
            REGISTER_SECURITY_INFO => MY_SIGN_INS,
            REGISTER_DEVICE => REGISTRATION_SERVICE,
            _ => "some-other-app",
        };
        targets.push(SignIn {
            user_action: Some(action),
            ..asking_for(resource)
        });
    }
    targets
}

/// Every location that a policy names.
fn mentioned(policies: &[Policy]) -> BTreeSet<&str> {
    policies
        .iter()
        .filter_map(|policy| policy.locations.as_ref())
        .flat_map(|locations| locations.include.iter().chain(&locations.exclude))
        .map(String::as_str)
        .collect()
}

fn neighbours(ip: IpAddr) -> [IpAddr; 3] {
    match ip {
        IpAddr::V4(ip) => {
            let bits = ip.to_bits();
            [bits.saturating_sub(1), bits, bits.saturating_add(1)]
                .map(|bits| IpAddr::V4(bits.into()))
        }
        IpAddr::V6(ip) => {
            let bits = ip.to_bits();
            [bits.saturating_sub(1), bits, bits.saturating_add(1)]
                .map(|bits| IpAddr::V6(bits.into()))
        }
    }
}

fn countries(tenant: &Tenant, by_phone: bool) -> BTreeSet<Option<String>> {
    let mut countries = BTreeSet::from([None, Some("BR".to_owned())]);
    for location in &tenant.environment.locations {
        if let LocationKind::Country { codes, by_gps, .. } = &location.kind
            && *by_gps == by_phone
        {
            countries.extend(codes.iter().cloned().map(Some));
        }
    }
    countries
}

fn origins(tenant: &Tenant, policies: &[Policy], everything: bool) -> Vec<SignIn> {
    let usual: IpAddr = "203.0.113.200".parse().unwrap();
    let mentioned = mentioned(policies);
    let mut addresses = BTreeSet::from([usual]);
    if !mentioned.is_empty() {
        addresses.extend(
            [
                "0.0.0.0",
                "255.255.255.255",
                "::",
                "2001:db9::1",
                "fd00::1",
                "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            ]
            .map(|ip| ip.parse::<IpAddr>().unwrap()),
        );
        let environment = &tenant.environment;
        let mut borders: Vec<IpNet> = environment.mfa_trusted_ips.clone();
        for location in &environment.locations {
            if let LocationKind::Ip { ranges, trusted } = &location.kind
                && (*trusted || mentioned.contains(location.id.as_str()))
            {
                borders.extend(ranges);
            }
        }
        for range in borders {
            addresses.extend(neighbours(range.network()));
            addresses.extend(neighbours(range.broadcast()));
        }
    }
    let uses = |word: &str| mentioned.contains(word);
    let mut countries = countries(tenant, false);
    if !uses("l-fi") && !uses("l-nordic") {
        countries.retain(Option::is_none);
    }
    // Only who has the Authenticator app can answer where they are.
    let answers = tenant.me.answers_gps() != breakglass_conditional_access::Truth::No;
    let phones = if everything && answers && uses("l-gps") {
        self::countries(tenant, true)
    } else {
        BTreeSet::from([None])
    };
    let own_network: &[bool] = if everything && uses(crate::generator::COMPLIANT_NETWORK) {
        &[false, true]
    } else {
        &[false]
    };
    let mut origins = Vec::new();
    for ip in addresses {
        for country in &countries {
            for phone in &phones {
                for inside in own_network {
                    origins.push(SignIn {
                        ip: Some(ip),
                        country: country.clone().into(),
                        gps_country: phone.clone(),
                        compliant_network: Some(*inside),
                        ..SignIn::default()
                    });
                }
            }
        }
    }
    origins
}

fn platforms(policies: &[Policy]) -> Vec<Platform> {
    let mentioned = policies.iter().any(|p| {
        p.platforms.is_some() || p.client_apps.is_some_and(|apps| apps.supported_active_sync)
    });
    if mentioned {
        Platform::ALL.to_vec()
    } else {
        PLATFORMS_THAT_DIFFER.to_vec()
    }
}

fn risks(policies: &[Policy]) -> Vec<(Risk, Risk, InsiderRisk)> {
    let of = |mentioned: bool| if mentioned { Risk::ALL } else { &[Risk::None] };
    let of_sign_in = of(policies.iter().any(|p| p.sign_in_risk.is_some()));
    let of_user = of(policies.iter().any(|p| p.user_risk.is_some()));
    let insider = if policies.iter().any(|p| p.insider_risk.is_some()) {
        InsiderRisk::ALL
    } else {
        &[InsiderRisk::None]
    };
    let mut risks = Vec::new();
    for a in of_sign_in {
        for b in of_user {
            risks.extend(insider.iter().map(|c| (*a, *b, *c)));
        }
    }
    risks
}
