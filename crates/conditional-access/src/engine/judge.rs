//! Judges one condition: against an identity, a target, a network, a device.

use super::{
    DeviceCondition, Engine, IdentityCondition, Mask, NetworkCondition, TargetCondition,
    network::EVERYWHERE,
};
use crate::{
    Environment, Truth,
    device_filter::Device,
    environment::{BaselineScopes, WINDOWS_AZURE_AD},
    identity::{Fact, GuestKind, Identity, IdentityKind, Membership, fold},
    policy::{FilterMode, Guests, Resources, Target, Tenants, UserSet},
    sign_in::{Given, Scopes},
};

/// Whether a condition matches, and what decided it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether it matches.
    pub truth: Truth,
    /// What decided.
    pub because: Because,
}

/// What decided a condition: a side, a kind of object, and its place in the policy's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Because {
    /// The side of the condition that decided.
    pub side: Side,
    /// The kind of thing that decided.
    pub matter: Matter,
    /// Its place in the list of that kind on that side.
    pub index: u16,
}

/// Side of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Nothing is configured.
    Any,
    /// Something on the include side, or that nothing there matches.
    Include,
    /// Something on the exclude side.
    Exclude,
}

/// Kind of thing that decides a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Matter {
    /// Nothing matches.
    Nothing,
    /// A token that stands for everything.
    All,
    /// A user by id.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
    /// The token for all guests.
    AnyGuest,
    /// A kind of guest.
    Guest,
    /// The policy is for service principals or agents.
    Workload,
    /// The account is of a kind that has to be assigned by itself (agents).
    Agent,
    /// Everybody is included for ActiveSync.
    Widened,
    /// An application or suite.
    App,
    /// A filter or rule.
    Filter,
    /// A user action.
    Action,
    /// An authentication context.
    Context,
    /// Resources of Global Secure Access are left out.
    Traffic,
    /// A resource that is reported to be never enforced.
    Immune,
    /// Baseline scopes are left alone.
    Baseline,
    /// A location.
    Place,
    /// A value of an enumeration.
    Value,
    /// A value that was not given.
    Missing,
    /// The policy names no target that is understood.
    NoTarget,
}

impl Judged {
    pub(crate) fn new(truth: Truth, side: Side, matter: Matter, index: usize) -> Self {
        Self {
            truth,
            because: Because {
                side,
                matter,
                index: u16::try_from(index).unwrap_or(u16::MAX),
            },
        }
    }

    pub(crate) const ANY: Self = Self {
        truth: Truth::Yes,
        because: Because {
            side: Side::Any,
            matter: Matter::All,
            index: 0,
        },
    };
}

/// What a side says, with what decided.
#[derive(Clone, Copy)]
struct Found {
    truth: Truth,
    matter: Matter,
    index: usize,
}

impl Found {
    const NOTHING: Self = Self {
        truth: Truth::No,
        matter: Matter::Nothing,
        index: 0,
    };

    fn or(self, truth: Truth, matter: Matter, index: usize) -> Self {
        if truth > self.truth {
            Self {
                truth,
                matter,
                index,
            }
        } else {
            self
        }
    }
}

/// `include AND NOT exclude`, with the side that decided.
fn subtract(include: Found, exclude: Found) -> Judged {
    let truth = include.truth.and(!exclude.truth);
    if include.truth <= !exclude.truth {
        return Judged::new(truth, Side::Include, include.matter, include.index);
    }
    Judged::new(truth, Side::Exclude, exclude.matter, exclude.index)
}

impl IdentityCondition {
    pub(crate) fn judge(&self, identity: &Identity) -> Judged {
        if self.users.workloads_only {
            return Judged::new(Truth::No, Side::Include, Matter::Workload, 0);
        }
        let mut include = side(&self.users.include, identity, false);
        if self.widened && identity.kind == IdentityKind::User {
            include = include.or(Truth::Yes, Matter::Widened, 0);
        }
        if self.users.include.is_empty() && self.users.exclude.is_empty() {
            // Graph asks for somebody, or for `None`: nobody at all was not read, rather than meant.
            include = include.or(Truth::Unknown, Matter::Nothing, 0);
        }
        subtract(include, side(&self.users.exclude, identity, true))
    }
}

fn side(set: &UserSet, identity: &Identity, excludes: bool) -> Found {
    let mut found = Found::NOTHING;
    if set.all {
        if identity.kind == IdentityKind::User {
            found = found.or(Truth::Yes, Matter::All, 0);
        } else {
            found.matter = Matter::Agent;
        }
    }
    for (index, id) in set.users.iter().enumerate() {
        let same = if id == crate::change::KNOWN_AFTER_APPLY {
            Truth::Unknown
        } else {
            (id.eq_ignore_ascii_case(&identity.id) || fold(id) == fold(&identity.id)).into()
        };
        found = found.or(same, Matter::User, index);
    }
    for (ids, held, matter) in [
        (&set.groups, &identity.groups, Matter::Group),
        (&set.roles, &identity.roles, Matter::Role),
    ] {
        for (index, id) in ids.iter().enumerate() {
            let truth = if id == crate::change::KNOWN_AFTER_APPLY {
                Truth::Unknown
            } else {
                match held.of(id) {
                    Membership::Held(path) if path.include_only && excludes => Truth::Unknown,
                    Membership::Held(_) => Truth::Yes,
                    Membership::NotHeld => Truth::No,
                    Membership::Unknown(_) => Truth::Unknown,
                }
            };
            found = found.or(truth, matter, index);
        }
    }
    let guest = match &identity.guest {
        Fact::Known(GuestKind::Member) => Truth::No,
        Fact::Known(GuestKind::Guest(_)) => Truth::Yes,
        Fact::Unknown(_) => Truth::Unknown,
    };
    if set.any_guest {
        found = found.or(guest, Matter::AnyGuest, 0);
    }
    if let Some(guests) = &set.guests {
        found = found.or(guest_match(guests, identity), Matter::Guest, 0);
    }
    found
}

/// Kinds of guests (Graph: `conditionalAccessGuestOrExternalUserTypes`).
const GUEST_KINDS: [&str; 7] = [
    "none",
    "internalGuest",
    "b2bCollaborationGuest",
    "b2bCollaborationMember",
    "b2bDirectConnectUser",
    "otherExternalUser",
    "serviceProvider",
];

fn guest_match(guests: &Guests, identity: &Identity) -> Truth {
    let kind = match &identity.guest {
        Fact::Known(GuestKind::Member) => return Truth::No,
        Fact::Known(GuestKind::Guest(kind)) => {
            let named = guests
                .types
                .iter()
                .any(|own| own.eq_ignore_ascii_case(kind));
            // A kind that only a newer Graph, or only the applied plan, knows may be this guest's.
            let odd = guests.types.iter().any(|own| {
                own == crate::change::KNOWN_AFTER_APPLY
                    || !GUEST_KINDS
                        .iter()
                        .any(|known| known.eq_ignore_ascii_case(own))
            });
            // A policy for B2B direct connect also meets B2B collaboration in Teams and SharePoint.
            let direct = kind.to_lowercase().starts_with("b2bcollaboration")
                && guests
                    .types
                    .iter()
                    .any(|own| own.eq_ignore_ascii_case("b2bDirectConnectUser"));
            Truth::from(named).or(if odd || direct {
                Truth::Unknown
            } else {
                Truth::No
            })
        }
        Fact::Unknown(_) => Truth::Unknown,
    };
    let tenant = match (&guests.tenants, &identity.home_tenant) {
        (Tenants::All, _) => Truth::Yes,
        (Tenants::Unknown, _) | (Tenants::Listed(_), None) => Truth::Unknown,
        (Tenants::Listed(members), Some(home)) => {
            let named = members.iter().any(|own| own.eq_ignore_ascii_case(home));
            let odd = members
                .iter()
                .any(|own| own == crate::change::KNOWN_AFTER_APPLY);
            Truth::from(named).or(if odd { Truth::Unknown } else { Truth::No })
        }
    };
    kind.and(tenant)
}

impl TargetCondition {
    /// Whether one application is a target, without regard to scopes.
    pub(crate) fn judge_app(&self, environment: &Environment, app: Option<&str>) -> Judged {
        let Target::Resources(resources) = &self.target else {
            return Judged::new(Truth::No, Side::Include, Matter::Nothing, 0);
        };
        let mut include = app_side(&resources.include, environment, app);
        let mut exclude = app_side(&resources.exclude, environment, app);
        if let Some(filter) = &resources.filter {
            let truth = filter_match(&filter.rule, environment, app);
            match filter.mode {
                FilterMode::Include => include = include.or(truth, Matter::Filter, 0),
                FilterMode::Exclude => exclude = exclude.or(truth, Matter::Filter, 0),
                FilterMode::Unknown => include = include.or(Truth::Unknown, Matter::Filter, 0),
            }
        }
        if self.spares_traffic && app.is_some_and(|app| environment.traffic_resources.contains(app))
        {
            exclude = exclude.or(Truth::Yes, Matter::Traffic, 0);
        }
        subtract(include, exclude)
    }
}

fn app_side(tokens: &[String], environment: &Environment, app: Option<&str>) -> Found {
    let mut found = Found::NOTHING;
    for (index, token) in tokens.iter().enumerate() {
        if token == crate::change::KNOWN_AFTER_APPLY {
            found = found.or(Truth::Unknown, Matter::App, index);
            continue;
        }
        let token = fold(token);
        let truth = match token.as_str() {
            "all" => {
                if app.is_some_and(|app| environment.immune.contains(app)) {
                    found.matter = Matter::Immune;
                    continue;
                }
                found = found.or(Truth::Yes, Matter::All, index);
                continue;
            }
            "none" | "allagentidresources" => Truth::No,
            token => match (environment.suites.get(token), app) {
                (Some(members), Some(app)) => {
                    (app == token || members.iter().any(|member| fold(member) == app)).into()
                }
                (None, Some(app)) => (token == app).into(),
                (_, None) => Truth::No,
            },
        };
        found = found.or(truth, Matter::App, index);
    }
    found
}

fn filter_match(rule: &str, environment: &Environment, app: Option<&str>) -> Truth {
    let Some(attributes) = app.and_then(|app| environment.app_attributes.get(app)) else {
        return Truth::Unknown;
    };
    crate::app_filter::matches(rule, attributes)
}

/// What a sign-in asks for, with applications as indices.
#[derive(Clone, Debug, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) apps: Vec<usize>,
    pub(crate) scopes: Option<Scopes>,
    pub(crate) action: Option<&'a str>,
    pub(crate) contexts: Vec<&'a str>,
}

impl Engine {
    pub(crate) fn judge_target(&self, condition: &TargetCondition, asked: &Asked<'_>) -> Judged {
        match &condition.target {
            Target::Unknown => Judged::new(Truth::Unknown, Side::Include, Matter::NoTarget, 0),
            Target::UserActions(actions) => match asked.action {
                Some(action) => match actions
                    .iter()
                    .position(|own| own.eq_ignore_ascii_case(action))
                {
                    Some(index) => Judged::new(Truth::Yes, Side::Include, Matter::Action, index),
                    None => Judged::new(Truth::No, Side::Include, Matter::Action, 0),
                },
                None => Judged::new(Truth::No, Side::Include, Matter::Action, 0),
            },
            Target::Contexts(contexts) => {
                let hit = contexts
                    .iter()
                    .position(|own| asked.contexts.iter().any(|c| own.eq_ignore_ascii_case(c)));
                Judged::new(
                    hit.is_some().into(),
                    Side::Include,
                    Matter::Context,
                    hit.unwrap_or(0),
                )
            }
            Target::Resources(resources) => self.judge_resources(condition, resources, asked),
        }
    }

    fn judge_resources(
        &self,
        condition: &TargetCondition,
        resources: &Resources,
        asked: &Asked<'_>,
    ) -> Judged {
        if asked.scopes == Some(Scopes::Baseline) {
            let audience = match &self.environment.baseline_scopes {
                BaselineScopes::Legacy => {
                    let all = resources
                        .include
                        .iter()
                        .any(|token| token.eq_ignore_ascii_case("all"));
                    let excludes = !resources.exclude.is_empty()
                        || resources
                            .filter
                            .as_ref()
                            .is_some_and(|f| f.mode == FilterMode::Exclude);
                    if all && excludes {
                        return Judged::new(Truth::No, Side::Exclude, Matter::Baseline, 0);
                    }
                    None
                }
                BaselineScopes::Enforced => Some(WINDOWS_AZURE_AD),
                BaselineScopes::Custom(placeholder) => Some(placeholder.as_str()),
            };
            if let Some(audience) = audience {
                return condition.by_app[self.apps.of(audience)];
            }
        }
        let mut judged = Judged::new(Truth::No, Side::Include, Matter::Nothing, 0);
        for app in &asked.apps {
            let this = condition.by_app[*app];
            if this.truth > judged.truth || judged.because.matter == Matter::Nothing {
                judged = this;
            }
            if judged.truth == Truth::Yes {
                break;
            }
        }
        judged
    }
}

impl NetworkCondition {
    /// Judges the condition against the places that a sign-in hits.
    pub(crate) fn judge(&self, hits: &[Truth]) -> Judged {
        let side = |places: &[u32]| {
            places
                .iter()
                .enumerate()
                .fold(Found::NOTHING, |found, (index, place)| {
                    let matter = if *place == EVERYWHERE {
                        Matter::All
                    } else {
                        Matter::Place
                    };
                    found.or(hits[*place as usize], matter, index)
                })
        };
        subtract(side(&self.include), side(&self.exclude))
    }
}

impl Mask {
    pub(crate) fn judge(self, bit: Option<u8>) -> Judged {
        match bit {
            Some(bit) => Judged::new(self.of(bit), Side::Include, Matter::Value, 0),
            None => Judged::new(Truth::Unknown, Side::Include, Matter::Missing, 0),
        }
    }
}

impl DeviceCondition {
    pub(crate) fn judge(&self, device: &Given<Device>) -> Judged {
        let truth = match (&self.rule, device) {
            (Ok(rule), Given::Nothing) => Truth::from(rule.matches(None)),
            (Ok(rule), Given::Value(device)) => Truth::from(rule.matches(Some(device))),
            (Ok(_), Given::Missing) => {
                return Judged::new(Truth::Unknown, Side::Include, Matter::Missing, 0);
            }
            (Err(_), _) => Truth::Unknown,
        };
        match self.mode {
            FilterMode::Include => Judged::new(truth, Side::Include, Matter::Filter, 0),
            FilterMode::Exclude => Judged::new(!truth, Side::Exclude, Matter::Filter, 0),
            FilterMode::Unknown => Judged::new(Truth::Unknown, Side::Include, Matter::Filter, 0),
        }
    }
}
