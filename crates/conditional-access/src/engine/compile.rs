//! Makes a policy set ready.

use std::collections::HashMap;

use super::{
    Apps, Clause, Compiled, CompiledControl, CompiledGrant, DeviceCondition, Dimension, Enforce,
    Engine, IdentityCondition, Mask, Network, NetworkCondition, SYNC_ACCOUNTS, Subject,
    TargetCondition,
};
use crate::{
    Environment, Policy, Truth,
    environment::{BaselineScopes, LocationKind, MICROSOFT_GRAPH, MY_SIGN_INS, WINDOWS_AZURE_AD},
    identity::{Fact, Identity, Membership, fold},
    policy::{ClientApps, Control, Levels, Locations, Operator, Platforms, State, Target},
    sign_in::{ClientApp, Platform},
    strength::{self, EXTERNAL_MFA, MFA_STRENGTH, Strength},
};

/// Platforms from which ActiveSync counts as *supported* (Microsoft: *Conditions*, Graph's `easSupported`).
const ACTIVE_SYNC_PLATFORMS: u8 = 0b0_1101;

impl Engine {
    /// Makes a policy set ready to be asked. Total: what is not understood is *unknown*.
    pub fn new(policies: &[Policy], environment: &Environment, enforce: Enforce) -> Self {
        let environment = folded(environment);
        let apps = apps(policies, &environment);
        let network = Network::new(
            &environment,
            policies
                .iter()
                .filter_map(|policy| policy.locations.as_ref()),
        );
        let mut builder = Builder {
            engine: Self {
                environment,
                policies: Vec::with_capacity(policies.len()),
                // Index 0 of every dimension together is *any*.
                conditions: 1,
                identities: Vec::new(),
                targets: Vec::new(),
                networks: Vec::new(),
                masks: Vec::new(),
                devices: Vec::new(),
                apps,
                network,
                strengths: Vec::new(),
            },
            targets: HashMap::new(),
            masks: HashMap::new(),
            networks: HashMap::new(),
            identities: HashMap::new(),
            strengths: HashMap::new(),
        };
        // Every question about methods starts from the plain second factor.
        builder.strength(MFA_STRENGTH);
        for policy in policies {
            let compiled = builder.policy(policy, enforce);
            builder.engine.policies.push(compiled);
        }
        builder.engine
    }

    /// Makes an identity ready for this policy set.
    pub fn subject(&self, identity: &Identity) -> Subject {
        let methods = &identity.methods;
        let strengths: Vec<[Truth; 2]> = self
            .strengths
            .iter()
            .map(|strength| [false, true].map(|registered| meets(strength, methods, registered)))
            .collect();
        let external = match methods {
            Fact::Known(methods) => methods
                .iter()
                .any(|m| m.certain && m.combination.uses(EXTERNAL_MFA))
                .into(),
            Fact::Unknown(_) => Truth::Unknown,
        };
        let synchronises = matches!(identity.roles.of(SYNC_ACCOUNTS), Membership::Held(_));
        Subject {
            judged: self
                .identities
                .iter()
                .map(|(_, condition)| condition.judge(identity))
                .collect(),
            mfa: strengths[0].map(|truth| truth.or(external).and((!synchronises).into())),
            strengths,
            identity: identity.clone(),
        }
    }
}

fn meets(
    strength: &Strength,
    methods: &Fact<Vec<strength::UsableMethod>>,
    registered: bool,
) -> Truth {
    match methods {
        Fact::Known(methods) => methods
            .iter()
            .map(|method| strength.satisfied_by(method, registered))
            .fold(Truth::No, Truth::or),
        Fact::Unknown(_) => Truth::Unknown,
    }
}

/// The environment with its keys in the form in which ids are compared.
fn folded(environment: &Environment) -> Environment {
    let mut own = environment.clone();
    let set = |ids: &std::collections::BTreeSet<String>| ids.iter().map(|id| fold(id)).collect();
    own.suites = own
        .suites
        .into_iter()
        .map(|(id, members)| (fold(&id), members))
        .collect();
    own.immune = set(&own.immune);
    own.traffic_resources = set(&own.traffic_resources);
    own.mandatory_mfa = set(&own.mandatory_mfa);
    own.app_attributes = own
        .app_attributes
        .into_iter()
        .map(|(id, attributes)| (fold(&id), attributes))
        .collect();
    own
}

/// Every application that anything in the set could tell from another.
fn apps(policies: &[Policy], environment: &Environment) -> Apps {
    let mut apps = Apps::default();
    let mut add = |id: &str| {
        let id = fold(id);
        if !apps.index.contains_key(&id) {
            apps.index.insert(id.clone(), apps.ids.len());
            apps.ids.push(id);
        }
    };
    for id in [MICROSOFT_GRAPH, WINDOWS_AZURE_AD, MY_SIGN_INS] {
        add(id);
    }
    for ids in [
        &environment.immune,
        &environment.traffic_resources,
        &environment.mandatory_mfa,
    ] {
        for id in ids {
            add(id);
        }
    }
    for id in environment.app_attributes.keys() {
        add(id);
    }
    if let BaselineScopes::Custom(placeholder) = &environment.baseline_scopes {
        add(placeholder);
    }
    for members in environment.suites.values() {
        for id in members {
            add(id);
        }
    }
    for policy in policies {
        if let Target::Resources(resources) = &policy.target {
            for token in resources.include.iter().chain(&resources.exclude) {
                let plain = !["all", "none", "allagentidresources"].contains(&fold(token).as_str());
                if plain && !environment.suites.contains_key(&fold(token)) {
                    add(token);
                }
            }
        }
    }
    apps
}

struct Builder {
    engine: Engine,
    // Keys are the debug text of conditions, which is injective on them and saves a Hash on every part.
    targets: HashMap<String, u32>,
    masks: HashMap<(Dimension, Mask), u32>,
    networks: HashMap<NetworkCondition, u32>,
    identities: HashMap<String, u32>,
    strengths: HashMap<String, Option<usize>>,
}

impl Builder {
    fn next(&mut self) -> u32 {
        let index = u32::try_from(self.engine.conditions).unwrap_or(u32::MAX);
        self.engine.conditions += 1;
        index
    }

    fn policy(&mut self, policy: &Policy, enforce: Enforce) -> Compiled {
        let enforced = match (&policy.state, enforce) {
            (State::Enabled, _) | (State::ReportOnly, Enforce::ReportOnlyToo) => Truth::Yes,
            (State::Unknown(_), _) => Truth::Unknown,
            (State::Disabled, _) | (State::ReportOnly, Enforce::Enabled) => Truth::No,
        };
        let registration = matches!(&policy.target, Target::UserActions(actions)
            if actions.iter().any(|a| a.eq_ignore_ascii_case(crate::environment::REGISTER_SECURITY_INFO)));
        let retired = self.engine.environment.approved_app_retired;
        let grant = policy.grant.as_ref().map(|grant| CompiledGrant {
            all: match grant.operator {
                Operator::And => Some(true),
                Operator::Or => Some(false),
                Operator::Unknown(_) => None,
            },
            controls: grant
                .controls
                .iter()
                .filter(|control| !(retired && **control == Control::ApprovedApplication))
                .map(|control| match control {
                    Control::Strength(strength) => {
                        CompiledControl::Strength(self.strength(&strength.id))
                    }
                    other => CompiledControl::Plain(other.clone()),
                })
                .collect(),
        });
        Compiled {
            enforced,
            other: if policy.unknown.is_empty() {
                Truth::Yes
            } else {
                Truth::Unknown
            },
            clauses: self.clauses(policy),
            blocks: policy.blocks(),
            asks: grant
                .as_ref()
                .is_some_and(|grant| !grant.controls.is_empty()),
            grant,
            registration,
            policy: policy.clone(),
        }
    }

    fn clauses(&mut self, policy: &Policy) -> Vec<Clause> {
        let mut base = Clause([0; 10]);
        base.0[Dimension::Identity as usize] = self.identity(policy, false);
        base.0[Dimension::Target as usize] = self.target(policy);
        if let Some(locations) = &policy.locations {
            base.0[Dimension::Network as usize] = self.network(locations);
        }
        if let Some(platforms) = policy.platforms {
            base.0[Dimension::Platform as usize] =
                self.mask(Dimension::Platform, platform_mask(platforms, u8::MAX));
        }
        for (dimension, levels) in [
            (Dimension::SignInRisk, policy.sign_in_risk),
            (Dimension::UserRisk, policy.user_risk),
            (Dimension::InsiderRisk, policy.insider_risk),
            (Dimension::Flow, policy.flows),
        ] {
            if let Some(levels) = levels {
                base.0[dimension as usize] = self.mask(dimension, level_mask(levels, dimension));
            }
        }
        if let Some(filter) = &policy.device {
            let condition = DeviceCondition {
                mode: filter.mode,
                rule: filter.rule.clone(),
            };
            let known = self
                .engine
                .devices
                .iter()
                .find(|(_, own)| *own == condition);
            base.0[Dimension::Device as usize] = if let Some((index, _)) = known {
                *index
            } else {
                let index = self.next();
                self.engine.devices.push((index, condition));
                index
            };
        }
        let mut clauses = Vec::with_capacity(1);
        let mut takes_active_sync = Vec::new();
        if let Some(apps) = policy.client_apps {
            let plain = self.client(apps.mask, apps.unknown);
            if apps.mask != 0 || apps.unknown || !apps.supported_active_sync {
                let mut clause = base;
                clause.0[Dimension::Client as usize] = plain;
                clauses.push(clause);
                takes_active_sync.push(apps.mask & ClientApp::ActiveSync.bit() != 0);
            }
            if apps.supported_active_sync {
                let mut clause = base;
                clause.0[Dimension::Client as usize] =
                    self.client(ClientApp::ActiveSync.bit(), false);
                let platforms = policy.platforms.unwrap_or(Platforms {
                    include: u8::MAX,
                    ..Platforms::default()
                });
                clause.0[Dimension::Platform as usize] = self.mask(
                    Dimension::Platform,
                    platform_mask(platforms, ACTIVE_SYNC_PLATFORMS),
                );
                clauses.push(clause);
                takes_active_sync.push(true);
            }
            if widens(policy, apps) {
                // Only what takes in ActiveSync is widened, with the platforms that it is limited to.
                let active_sync = clauses
                    .iter()
                    .zip(takes_active_sync)
                    .filter(|(_, takes)| *takes);
                let widened: Vec<Clause> = active_sync.map(|(clause, _)| *clause).collect();
                for mut clause in widened {
                    clause.0[Dimension::Identity as usize] = self.identity(policy, true);
                    clause.0[Dimension::Client as usize] =
                        self.client(ClientApp::ActiveSync.bit(), false);
                    clauses.push(clause);
                }
            }
        } else {
            clauses.push(base);
        }
        clauses
    }

    fn identity(&mut self, policy: &Policy, widened: bool) -> u32 {
        let condition = IdentityCondition {
            users: policy.users.clone(),
            widened,
        };
        let key = format!("{condition:?}");
        if let Some(index) = self.identities.get(&key) {
            return *index;
        }
        let index = self.next();
        self.identities.insert(key, index);
        self.engine.identities.push((index, condition));
        index
    }

    fn target(&mut self, policy: &Policy) -> u32 {
        let spares_traffic = policy.locations.as_ref().is_some_and(|l| {
            l.include.iter().chain(&l.exclude).any(|id| {
                self.engine.environment.locations.iter().any(|location| {
                    location.kind == LocationKind::CompliantNetwork
                        && fold(&location.id) == fold(id)
                })
            })
        });
        let key = format!("{:?} {spares_traffic}", policy.target);
        if let Some(index) = self.targets.get(&key) {
            return *index;
        }
        let mut condition = TargetCondition {
            target: policy.target.clone(),
            spares_traffic,
            by_app: Vec::new(),
        };
        condition.by_app = self
            .engine
            .apps
            .ids
            .iter()
            .map(|id| Some(id.as_str()))
            .chain([None])
            .map(|app| condition.judge_app(&self.engine.environment, app))
            .collect();
        let index = self.next();
        self.targets.insert(key, index);
        self.engine.targets.push((index, condition));
        index
    }

    fn network(&mut self, locations: &Locations) -> u32 {
        let condition = self.engine.network.condition(locations);
        if let Some(index) = self.networks.get(&condition) {
            return *index;
        }
        let index = self.next();
        self.networks.insert(condition.clone(), index);
        self.engine.networks.push((index, condition));
        index
    }

    fn client(&mut self, mask: u8, unknown: bool) -> u32 {
        let mask = Mask {
            yes: mask,
            unknown: if unknown { u8::MAX } else { 0 },
        };
        self.mask(Dimension::Client, mask)
    }

    fn mask(&mut self, dimension: Dimension, mask: Mask) -> u32 {
        if let Some(index) = self.masks.get(&(dimension, mask)) {
            return *index;
        }
        let index = self.next();
        self.masks.insert((dimension, mask), index);
        self.engine.masks.push((index, dimension, mask));
        index
    }

    fn strength(&mut self, id: &str) -> Option<usize> {
        let key = fold(id);
        if let Some(known) = self.strengths.get(&key) {
            return *known;
        }
        let found = self.engine.environment.strength(id).map(|strength| {
            self.engine.strengths.push(strength);
            self.engine.strengths.len() - 1
        });
        self.strengths.insert(key, found);
        found
    }
}

/// Whether Microsoft takes in everybody for ActiveSync: the policy has that client, and is for all users, for
/// guests or for roles (Microsoft: *Conditions*, client apps).
fn widens(policy: &Policy, apps: ClientApps) -> bool {
    let include = &policy.users.include;
    let active_sync = apps.mask & ClientApp::ActiveSync.bit() != 0 || apps.supported_active_sync;
    active_sync
        && !policy.users.workloads_only
        && (include.any_guest || include.guests.is_some() || !include.roles.is_empty())
}

fn platform_mask(platforms: Platforms, limit: u8) -> Mask {
    let mut mask = Mask { yes: 0, unknown: 0 };
    for platform in Platform::ALL {
        let bit = platform.bit();
        let side = |listed: u8, odd: bool| match (listed & bit != 0, odd) {
            (true, _) => Truth::Yes,
            (false, true) => Truth::Unknown,
            (false, false) => Truth::No,
        };
        let truth = side(platforms.include, platforms.include_unknown)
            .and(!side(platforms.exclude, platforms.exclude_unknown))
            .and((limit & bit != 0).into());
        match truth {
            Truth::Yes => mask.yes |= bit,
            Truth::Unknown => mask.unknown |= bit,
            Truth::No => {}
        }
    }
    mask
}

fn level_mask(levels: Levels, dimension: Dimension) -> Mask {
    let mut unknown = if levels.unknown { u8::MAX } else { 0 };
    if dimension == Dimension::Flow {
        // A plain sign-in uses no flow, also none that this program does not know.
        unknown &= !crate::sign_in::Flow::None.bit();
    }
    Mask {
        yes: levels.mask,
        unknown,
    }
}
