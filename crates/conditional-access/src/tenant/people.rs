//! People: who they are to the policies.

use std::collections::{BTreeSet, HashSet};

use breakglass_model::{
    ObjectId, Reading, TenantSnapshot,
    tenant::{GLOBAL_ADMINISTRATOR, Method, MethodKind, RegisteredMethods, User},
};

use super::{
    Tenant, columns::Columns, devices, environment::list, index::Index, index::Object, is_id,
    key::Key, members::Members, methods, methods_policy::MethodsPolicy, roles::Roles,
};
use crate::{
    device_filter::DeviceRule,
    identity::{Fact, GuestKind, Identity, IdentityKind, Membership, Memberships, Path, fold},
    strength::UsableMethod,
};

/// Looks identities up in a snapshot. Making it reads every list of members that policies, roles and the
/// methods policy need, once; each question is cheap then.
#[derive(Debug)]
pub struct People<'a> {
    pub(super) index: Index<'a>,
    pub(super) columns: Columns,
    pub(super) members: Members,
    pub(super) roles: Roles,
    pub(super) methods: MethodsPolicy,
    pub(super) mentioned: Mentioned,
}

/// What the policies can tell people apart by.
#[derive(Debug, Default)]
pub(super) struct Mentioned {
    pub(super) groups: BTreeSet<u32>,
    pub(super) roles: HashSet<String>,
    pub(super) users: HashSet<Key>,
    pub(super) rules: Vec<DeviceRule>,
    pub(super) models: BTreeSet<String>,
}

impl Mentioned {
    fn of(tenants: &[&Tenant], columns: &mut Columns) -> Self {
        let mut mentioned = Self::default();
        let mut rules = HashSet::new();
        for tenant in tenants {
            for policy in &tenant.policies {
                for set in [&policy.users.include, &policy.users.exclude] {
                    let ids = |ids: &'_ Vec<String>| {
                        ids.iter()
                            .filter(|id| is_id(id))
                            .cloned()
                            .collect::<Vec<_>>()
                    };
                    for group in ids(&set.groups) {
                        mentioned.groups.insert(columns.add(&group));
                    }
                    mentioned
                        .roles
                        .extend(ids(&set.roles).iter().map(|id| fold(id)));
                    mentioned
                        .users
                        .extend(ids(&set.users).iter().map(|id| Key::of(id)));
                }
                if let Some(Ok(rule)) = policy.device.as_ref().map(|device| &device.rule)
                    && rules.insert(rule.clone())
                {
                    mentioned.rules.push(rule.clone());
                }
            }
            let restrictions = tenant
                .environment
                .strengths
                .iter()
                .flat_map(|strength| &strength.restrictions);
            mentioned.models.extend(
                restrictions
                    .flat_map(|r| &r.aaguids)
                    .map(|model| fold(model)),
            );
        }
        mentioned
    }
}

/// Words of the registration report for passkeys that are not tied to one computer.
const KEYS_TO_CARRY: [&str; 3] = [
    "passKeyDeviceBound",
    "passKeyDeviceBoundAuthenticator",
    "passKeySynced",
];

impl<'a> People<'a> {
    /// Reads what is needed to tell who is who for the policies of these tenants: of several, when a planned
    /// policy set is compared with the present one.
    ///
    /// The identities answer for the groups that these policies name, and for no others.
    pub fn new(snapshot: &'a TenantSnapshot, tenants: &[&Tenant]) -> Self {
        let mut index = Index::new(snapshot);
        let mut columns = Columns::new();
        let mentioned = Mentioned::of(tenants, &mut columns);
        let methods = MethodsPolicy::new(snapshot, &mut columns);
        let roles = Roles::new(&mut index, &mut columns);
        let members = Members::new(&mut index, &columns);
        Self {
            index,
            columns,
            members,
            roles,
            methods,
            mentioned,
        }
    }

    /// Who an id is. Of an id that is not among the users of the snapshot, only memberships are known.
    pub fn identity(&self, id: &ObjectId) -> Identity {
        self.at(self.person(id), id.as_str(), false)
    }

    /// Why registered methods of a person do not count, or not surely.
    pub fn notes(&self, id: &ObjectId) -> Vec<String> {
        let person = self.person(id);
        let Some(user) = person.and_then(|person| self.index.user(person)) else {
            return Vec::new();
        };
        match &user.methods {
            Reading::Read(_) => self.usable(person, user).1,
            Reading::NotRead(_) => Vec::new(),
        }
    }

    /// Global Administrators: those with the role active for the whole tenant, then those who can activate it.
    ///
    /// Where the users were not all read, principals that are not known to be anything else count as users.
    pub fn administrators(&self) -> (Vec<ObjectId>, Vec<ObjectId>) {
        let snapshot = self.index.snapshot;
        let applications: HashSet<Key> = list(snapshot, "servicePrincipals")
            .iter()
            .filter_map(|raw| raw.get("id")?.as_str())
            .map(Key::of)
            .collect();
        let is_person = |person: &u32| {
            !self.index.is_stranger(*person)
                || (!snapshot.users.is_complete()
                    && self
                        .index
                        .id(*person)
                        .is_some_and(|id| !applications.contains(&Key::of(id.as_str()))))
        };
        let of = |active: bool| -> Vec<u32> {
            let holders =
                self.roles
                    .holders(&self.index, &self.members, GLOBAL_ADMINISTRATOR, active);
            holders.into_iter().filter(is_person).collect()
        };
        let (active, mut eligible) = (of(true), of(false));
        eligible.retain(|person| active.binary_search(person).is_err());
        let ids = |people: Vec<u32>| {
            people
                .into_iter()
                .filter_map(|person| self.index.id(person).cloned())
                .collect()
        };
        (ids(active), ids(eligible))
    }

    /// Groups that policies name and that are known to hold somebody else than these accounts, by folded id.
    pub fn shared_groups(&self, accounts: &[ObjectId]) -> BTreeSet<String> {
        let own: HashSet<u32> = accounts.iter().filter_map(|id| self.person(id)).collect();
        (0..)
            .zip(self.columns.ids())
            .filter(|(column, _)| {
                (0..super::key::number(self.index.people()))
                    .any(|person| !own.contains(&person) && self.members.is_held(person, *column))
            })
            .map(|(_, id)| id.clone())
            .collect()
    }

    fn person(&self, id: &ObjectId) -> Option<u32> {
        match self.index.get(id.as_str()) {
            Some(Object::Person(person)) => Some(person),
            _ => None,
        }
    }

    /// The identity of a person; `None`: an id that nothing in the snapshot has.
    ///
    /// `reported`: what the registration report tells of methods will do where they were not read.
    pub(super) fn at(&self, person: Option<u32>, id: &str, reported: bool) -> Identity {
        let identity = Identity {
            id: id.to_owned(),
            name: id.to_owned(),
            kind: IdentityKind::User,
            groups: self.groups(person),
            roles: self
                .roles
                .held(&self.index, &self.members, &self.columns, person),
            eligible_roles: person
                .map(|person| self.roles.eligible(&self.members, person))
                .unwrap_or_default(),
            ..Identity::default()
        };
        let Some(user) = person.and_then(|person| self.index.user(person)) else {
            let why = self.stranger();
            return Identity {
                guest: Fact::Unknown(why.clone()),
                methods: Fact::Unknown(why.clone()),
                devices: Fact::Unknown(why.clone()),
                enabled: Fact::Unknown(why.clone()),
                federated: Fact::Unknown(why),
                ..identity
            };
        };
        Identity {
            name: name(user).unwrap_or_else(|| id.to_owned()),
            guest: guest(user),
            methods: match (&user.methods, user.registered.filter(|_| reported)) {
                (Reading::Read(_), _) => Fact::Known(self.usable(person, user).0),
                (Reading::NotRead(_), Some(registered)) => {
                    Fact::Known(self.reported(person, user, registered))
                }
                (Reading::NotRead(why), None) => Fact::Unknown(why.clone()),
            },
            devices: devices::of(user),
            per_user_mfa: user.per_user_mfa.get() == Some(&true),
            enabled: enabled(user),
            federated: self.federated(user),
            ..identity
        }
    }

    fn stranger(&self) -> String {
        match &self.index.snapshot.users.missing {
            None => "the tenant has no user with this id".to_owned(),
            Some(missing) => format!("no user with this id is in the input: {}", missing.reason),
        }
    }

    fn groups(&self, person: Option<u32>) -> Memberships {
        let mut groups = Memberships::default();
        for (column, id) in (0..).zip(self.columns.ids()) {
            match (self.members.of(person, column), person) {
                (Membership::Held(_), Some(person)) => {
                    let path = Path {
                        through: self.members.through(&self.index, person, column),
                        include_only: false,
                    };
                    groups.held.insert(id.clone(), path);
                }
                (Membership::Unknown(why), _) => {
                    groups.unknown.insert(id.clone(), why.to_owned());
                }
                _ => {
                    groups.not_held.insert(id.clone());
                }
            }
        }
        let own = person
            .and_then(|person| self.index.user(person))
            .and_then(|user| user.transitive_member_of.get());
        for group in own.into_iter().flatten() {
            groups.held.entry(group.folded()).or_default();
        }
        groups
    }

    /// Usable methods and notes of a user whose methods were read.
    pub(super) fn usable(
        &self,
        person: Option<u32>,
        user: &User,
    ) -> (Vec<UsableMethod>, Vec<String>) {
        let methods = user.methods.get().map_or(&[][..], Vec::as_slice);
        self.usable_of(person, user, methods)
    }

    /// Usable methods of a user of whom only the registration report tells any. It lists no certificate: whether the
    /// user has one is not sure.
    pub(super) fn reported(
        &self,
        person: Option<u32>,
        user: &User,
        registered: RegisteredMethods,
    ) -> Vec<UsableMethod> {
        let mut methods = registered.methods();
        methods.push(Method {
            kind: MethodKind::Certificate,
            ..Method::default()
        });
        // Of a pass the report tells neither its kind nor whether its time has come or run out.
        let pass = methods
            .iter()
            .find(|method| method.kind == MethodKind::TemporaryAccessPass)
            .map(|pass| Method {
                usable_once: Some(false),
                ..pass.clone()
            });
        methods.extend(pass);
        // A passkey in Windows Hello opens sign-ins on the one computer that holds it.
        let carries_key = registered
            .words()
            .any(|word| word.starts_with("fido2") || KEYS_TO_CARRY.contains(&word));
        let mut usable = self.usable_of(person, user, &methods).0;
        for method in &mut usable {
            let is_pass = ["temporaryAccessPassOneTime", "temporaryAccessPassMultiUse"]
                .iter()
                .any(|pass| method.combination.uses(pass));
            let is_doubtful_key = method.combination.uses("fido2") && !carries_key;
            method.certain &= !is_pass && !is_doubtful_key;
        }
        usable
    }

    fn usable_of(
        &self,
        person: Option<u32>,
        user: &User,
        methods: &[Method],
    ) -> (Vec<UsableMethod>, Vec<String>) {
        methods::usable(
            methods,
            self.federated(user) == Fact::Known(true),
            &self.methods,
            &|column| self.members.of(person, column),
        )
    }

    pub(super) fn federated(&self, user: &User) -> Fact<bool> {
        if user.is_external() {
            return Fact::Unknown(
                "the organisation of a user from outside does the first factor".to_owned(),
            );
        }
        let Some(own) = user.domain() else {
            return Fact::Unknown("the input does not tell the user's name".to_owned());
        };
        let domains = &self.index.snapshot.domains;
        let domain = domains
            .iter()
            .find(|domain| domain.name.eq_ignore_ascii_case(own));
        match (domain.map(|domain| &domain.federated), &domains.missing) {
            (Some(Reading::Read(federated)), _) => Fact::Known(*federated),
            (Some(Reading::NotRead(why)), _) => {
                Fact::Unknown(format!("whether {own} is federated: {why}"))
            }
            (None, Some(missing)) => {
                Fact::Unknown(format!("domains were not all read: {}", missing.reason))
            }
            (None, None) => Fact::Unknown(format!("{own} is not among the domains of the tenant")),
        }
    }
}

/// The name by which people know a user.
pub(super) fn name(user: &User) -> Option<String> {
    user.upn
        .as_ref()
        .map(ToString::to_string)
        .or_else(|| user.display_name.clone())
}

pub(super) fn enabled(user: &User) -> Fact<bool> {
    match &user.account_enabled {
        Reading::Read(enabled) => Fact::Known(*enabled),
        // Somebody who describes an account by hand means one that can be used; the tenant says so.
        Reading::NotRead(_) if user.described_in.is_some() => Fact::Known(true),
        Reading::NotRead(why) => Fact::Unknown(why.clone()),
    }
}

pub(super) fn guest(user: &User) -> Fact<GuestKind> {
    let of = |kind: &str| Fact::Known(GuestKind::Guest(kind.to_owned()));
    let external = user.is_external();
    match user.user_type.as_deref() {
        Some(kind) if kind.eq_ignore_ascii_case("Guest") => match (external, user.domain()) {
            (true, _) => of("b2bCollaborationGuest"),
            (false, Some(_)) => of("internalGuest"),
            (false, None) => Fact::Unknown(
                "it is a guest, and the input does not tell whether one from outside".to_owned(),
            ),
        },
        Some(kind) if kind.eq_ignore_ascii_case("Member") => {
            if external {
                of("b2bCollaborationMember")
            } else {
                Fact::Known(GuestKind::Member)
            }
        }
        Some(kind) => Fact::Unknown(format!("the `userType` `{kind}` is not known")),
        None if external => Fact::Unknown(
            "it is a user from outside, and the input does not tell whether a guest".to_owned(),
        ),
        None if user.described_in.is_some() || user.domain().is_some() => {
            Fact::Known(GuestKind::Member)
        }
        None => Fact::Unknown("the input tells neither `userType` nor name".to_owned()),
    }
}
