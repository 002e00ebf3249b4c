//! Two policy sets in one engine.

use ipnet::IpNet;

use crate::{
    Enforce, Engine, Environment, Policy,
    environment::{Location, LocationKind},
    identity::fold,
    policy::{Control, State},
};

/// The policy set before a change, after it, and both together.
#[derive(Debug)]
pub struct Sides {
    pub(super) before: Engine,
    pub(super) after: Engine,
    /// The policies before, then those after.
    pub(super) joint: Engine,
    /// Number of policies before.
    pub(super) split: usize,
}

impl Sides {
    /// Makes engines of both sides, each with what counts as enforced there.
    pub fn new(
        before: (&[Policy], &Environment),
        after: (&[Policy], &Environment),
        enforce: [Enforce; 2],
    ) -> Self {
        let mut environment = before.1.clone();
        let renamed = Renamed::new(before.1, after.1, &mut environment);
        let mut policies: Vec<Policy> = before
            .0
            .iter()
            .map(|policy| judged_as(policy.clone(), enforce[0]))
            .collect();
        policies.extend(
            after
                .0
                .iter()
                .map(|policy| judged_as(renamed.policy(policy), enforce[1])),
        );
        Self {
            before: Engine::new(before.0, before.1, enforce[0]),
            after: Engine::new(after.0, after.1, enforce[1]),
            joint: Engine::new(&policies, &environment, Enforce::Enabled),
            split: before.0.len(),
        }
    }

    /// The set before the change.
    pub fn before(&self) -> &Engine {
        &self.before
    }

    /// The set after the change.
    pub fn after(&self) -> &Engine {
        &self.after
    }
}

/// A policy whose state says whether it is enforced, so that each side can be judged in its own way.
fn judged_as(mut policy: Policy, enforce: Enforce) -> Policy {
    if enforce == Enforce::ReportOnlyToo && policy.state == State::ReportOnly {
        policy.state = State::Enabled;
    }
    policy
}

/// What is called the same on both sides and is not: the later one goes under another id.
struct Renamed {
    locations: Vec<String>,
    trusted: bool,
    /// On the later side any address may be trusted.
    trusted_open: bool,
    strengths: Vec<String>,
}

/// Ids of the side after the change. No directory object begins so.
const AFTER: &str = "after\u{0}";

impl Renamed {
    fn new(before: &Environment, after: &Environment, joint: &mut Environment) -> Self {
        let mut locations = Vec::new();
        for location in &after.locations {
            let same = before
                .locations
                .iter()
                .find(|own| fold(&own.id) == fold(&location.id));
            if same.is_none_or(|own| own.kind != location.kind) {
                locations.push(fold(&location.id));
                // What is not understood stays away, so that its id resolves to nothing: unknown as well.
                if !matches!(location.kind, LocationKind::Unknown(_)) {
                    joint.locations.push(Location {
                        id: format!("{AFTER}{}", location.id),
                        ..location.clone()
                    });
                }
            }
        }
        // A location that is gone resolves to nothing on the later side.
        for location in &before.locations {
            if !after
                .locations
                .iter()
                .any(|own| fold(&own.id) == fold(&location.id))
            {
                locations.push(fold(&location.id));
            }
        }
        let trusted = trusted(before) != trusted(after)
            || before.any_may_be_trusted() != after.any_may_be_trusted();
        if trusted {
            joint.locations.push(Location {
                id: format!("{AFTER}alltrusted"),
                name: "all trusted locations".to_owned(),
                kind: LocationKind::Ip {
                    trusted: false,
                    ranges: self::trusted(after),
                },
            });
        }
        // A trusted location of the later side must not count as trusted on the earlier one.
        for location in joint
            .locations
            .iter_mut()
            .filter(|own| own.id.starts_with(AFTER))
        {
            if let LocationKind::Ip { trusted, .. } = &mut location.kind {
                *trusted = false;
            }
        }
        let mut strengths = Vec::new();
        for strength in &after.strengths {
            if before.strength(&strength.id).as_ref() != Some(strength) {
                strengths.push(fold(&strength.id));
                let mut own = strength.clone();
                own.id = format!("{AFTER}{}", strength.id);
                joint.strengths.push(own);
            }
        }
        for strength in &before.strengths {
            if after.strength(&strength.id).is_none() {
                strengths.push(fold(&strength.id));
            }
        }
        Self {
            locations,
            trusted,
            trusted_open: after.any_may_be_trusted(),
            strengths,
        }
    }

    fn policy(&self, policy: &Policy) -> Policy {
        let mut policy = policy.clone();
        if let Some(locations) = &mut policy.locations {
            for side in [&mut locations.include, &mut locations.exclude] {
                // What lies in no trusted range may be trusted all the same: an id that resolves to nothing says so.
                if self.trusted
                    && self.trusted_open
                    && side.iter().any(|id| fold(id) == "alltrusted")
                {
                    side.push(format!("{AFTER}perhaps trusted"));
                }
            }
            for id in locations.include.iter_mut().chain(&mut locations.exclude) {
                let folded = fold(id);
                if self.locations.contains(&folded) || self.trusted && folded == "alltrusted" {
                    *id = format!("{AFTER}{folded}");
                }
            }
        }
        for control in policy
            .grant
            .iter_mut()
            .flat_map(|grant| &mut grant.controls)
        {
            if let Control::Strength(strength) = control
                && self.strengths.contains(&fold(&strength.id))
            {
                strength.id = format!("{AFTER}{}", strength.id);
            }
        }
        policy
    }
}

fn trusted(environment: &Environment) -> Vec<IpNet> {
    let mut ranges: Vec<IpNet> = environment
        .locations
        .iter()
        .filter_map(|location| match &location.kind {
            LocationKind::Ip {
                trusted: true,
                ranges,
            } => Some(ranges.clone()),
            _ => None,
        })
        .flatten()
        .chain(environment.mfa_trusted_ips.iter().copied())
        .collect();
    ranges.sort_unstable();
    ranges.dedup();
    ranges
}
