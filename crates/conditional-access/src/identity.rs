//! Who signs in: memberships, roles, methods and devices of one person, with what is not known of them.

use std::collections::{BTreeMap, BTreeSet};

use breakglass_model::tenant::GLOBAL_ADMINISTRATOR;

use crate::{Truth, device_filter::Device, strength::UsableMethod};

/// One person (or agent) as Conditional Access sees them. Ids are compared without regard to letter case.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Object id.
    pub id: String,
    /// User principal name or display name, for messages; the id when neither is known.
    pub name: String,
    /// What kind of account it is.
    pub kind: IdentityKind,
    /// What kind of guest; `Err`: why it is not known.
    pub guest: Fact<GuestKind>,
    /// Home tenant of a guest.
    pub home_tenant: Option<String>,
    /// Groups, transitively.
    pub groups: Memberships,
    /// Built-in roles that are active for the whole tenant, by template id.
    pub roles: Memberships,
    /// Roles that can be activated, by template id.
    pub eligible_roles: Vec<String>,
    /// Methods that can be used now; `Err`: why they are not known.
    pub methods: Fact<Vec<UsableMethod>>,
    /// Registered devices of the person; `Err`: why they are not known.
    pub devices: Fact<Vec<Device>>,
    /// Whether the account may sign in at all; `Err`: why it is not known.
    pub enabled: Fact<bool>,
    /// Whether an outside provider does the first factor; `Err`: why it is not known.
    pub federated: Fact<bool>,
    /// Per-user MFA is enabled or enforced, whatever Conditional Access says.
    pub per_user_mfa: bool,
}

impl Identity {
    /// Whether the person can answer where they are by GPS: only the Authenticator app does, and not for an
    /// account with nothing but passwordless methods (Microsoft: *Network in Conditional Access policy*).
    pub fn answers_gps(&self) -> Truth {
        match &self.methods {
            Fact::Known(methods) => {
                let app = methods
                    .iter()
                    .any(|m| m.combination.uses("microsoftAuthenticatorPush"));
                if app { Truth::Unknown } else { Truth::No }
            }
            Fact::Unknown(_) => Truth::Unknown,
        }
    }

    /// The person after activating what they are eligible for: Global Administrator where that is among it, else
    /// every role; `None` when they are eligible for nothing.
    pub fn activated(&self) -> Option<Self> {
        let ga = |role: &&String| role.eq_ignore_ascii_case(GLOBAL_ADMINISTRATOR);
        let roles: Vec<&String> = match self.eligible_roles.iter().find(ga) {
            Some(role) => vec![role],
            None => self.eligible_roles.iter().collect(),
        };
        if roles.is_empty() {
            return None;
        }
        let mut person = self.clone();
        for role in roles {
            person.roles.held.entry(fold(role)).or_default();
        }
        person.eligible_roles.clear();
        Some(person)
    }
}

/// A datum, or the reason why it is not known.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Fact<T> {
    /// Known.
    Known(T),
    /// Not known, for this reason.
    Unknown(String),
}

impl<T> Fact<T> {
    /// The value, when it is known.
    pub fn known(&self) -> Option<&T> {
        match self {
            Self::Known(value) => Some(value),
            Self::Unknown(_) => None,
        }
    }

    /// The reason why it is not known.
    pub fn why(&self) -> Option<&str> {
        match self {
            Self::Known(_) => None,
            Self::Unknown(why) => Some(why),
        }
    }
}

impl<T> Default for Fact<T> {
    fn default() -> Self {
        Self::Unknown("it was not given".to_owned())
    }
}

/// Kind of account.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IdentityKind {
    /// A user, guests included.
    #[default]
    User,
    /// The user account of an agent: needs its own assignment, `All` does not cover it.
    AgentUser,
}

/// Kind of guest (Graph: `guestOrExternalUserTypes`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub enum GuestKind {
    /// Not a guest.
    #[default]
    Member,
    /// A guest of this kind, in Graph's spelling (`b2bCollaborationGuest`).
    Guest(String),
}

/// What is known of memberships.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Memberships {
    /// What the person is in, by folded id, with the way there.
    pub held: BTreeMap<String, Path>,
    /// What may or may not hold the person, by folded id, with the reason.
    pub unknown: BTreeMap<String, String>,
    /// What certainly does not hold the person, by folded id. Needed only where `others` is unknown.
    pub not_held: BTreeSet<String>,
    /// `Some`: anything that is not listed above may hold the person, for this reason. `None`: it does not.
    pub others: Option<String>,
}

/// The way from a person to what holds them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Path {
    /// What lies between, from the person outwards: nested groups, the role-assignable group of a role. Empty:
    /// held directly.
    pub through: Vec<String>,
    /// The membership is of a kind that Microsoft does not document for exclusions (a role held through a
    /// group): it counts when it includes and is unknown when it excludes.
    pub include_only: bool,
}

/// Whether an id holds a person.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Membership<'a> {
    /// Yes, by this way.
    Held(&'a Path),
    /// No.
    NotHeld,
    /// Not known, for this reason.
    Unknown(&'a str),
}

impl Memberships {
    /// Memberships of which every one is known and direct.
    pub fn known<I: IntoIterator<Item = S>, S: AsRef<str>>(ids: I) -> Self {
        Self {
            held: ids
                .into_iter()
                .map(|id| (fold(id.as_ref()), Path::default()))
                .collect(),
            ..Self::default()
        }
    }

    /// Memberships of which none was read.
    pub fn unread(why: &str) -> Self {
        Self {
            others: Some(why.to_owned()),
            ..Self::default()
        }
    }

    /// Whether this id holds the person.
    pub fn of(&self, id: &str) -> Membership<'_> {
        let id = fold(id);
        if let Some(path) = self.held.get(&id) {
            return Membership::Held(path);
        }
        if let Some(why) = self.unknown.get(&id) {
            return Membership::Unknown(why);
        }
        match &self.others {
            Some(_) if self.not_held.contains(&id) => Membership::NotHeld,
            Some(why) => Membership::Unknown(why),
            None => Membership::NotHeld,
        }
    }
}

/// An id in the form in which ids are compared.
pub fn fold(id: &str) -> String {
    id.trim().to_lowercase()
}
