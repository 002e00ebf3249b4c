//! Facts of the tenant that several checks ask for.

use std::collections::BTreeSet;

use breakglass_model::{
    Finding, NotRead, ObjectId, Reading,
    aaguid::Tables,
    history::DrillOutcome,
    register::{Account, Key, Sealed},
    tenant::{AssignmentKind, Group, Method, MethodKind, RoleAssignment},
};
use jiff::{Timestamp, civil::Date, tz::TimeZone};

use crate::{Context, GuardedAccount, catalogue::Seen as _};

/// Global Administrator assignments that reach an account, directly or through a group.
pub(crate) struct Held<'a> {
    /// The assignments, without those that are known to have ended.
    pub(crate) assignments: Vec<&'a RoleAssignment>,
    /// Those that have ended: an input may be older than the moment that is judged.
    pub(crate) ended: Vec<&'a RoleAssignment>,
    /// What was not read, so that there may be more.
    pub(crate) unknown: Option<NotRead>,
}

impl<'a> Context<'a> {
    /// The Global Administrator assignments of one kind that reach a principal.
    pub(crate) fn held(&self, id: &ObjectId, kind: AssignmentKind) -> Held<'a> {
        let snapshot = self.snapshot;
        let collection = match kind {
            AssignmentKind::Active => &snapshot.active_assignments,
            AssignmentKind::Eligible => &snapshot.eligible_assignments,
        };
        let mut unknown = collection
            .missing
            .clone()
            .or_else(|| snapshot.roles.missing.clone());
        let groups = snapshot.groups_of(id);
        let mut assignments = Vec::new();
        let mut ended = Vec::new();
        for assignment in collection.iter().filter(|a| a.kind == kind) {
            if !snapshot.is_global_administrator(&assignment.role) {
                continue;
            }
            let list = if self.in_force(assignment) {
                &mut assignments
            } else {
                &mut ended
            };
            if assignment.principal == *id {
                list.push(assignment);
                continue;
            }
            match &groups {
                Reading::Read(groups) if groups.contains(&assignment.principal) => {
                    list.push(assignment);
                }
                Reading::NotRead(why) if snapshot.user(&assignment.principal).is_none() => {
                    if self.is_member(&assignment.principal, id) {
                        list.push(assignment);
                    } else {
                        unknown.get_or_insert_with(|| memberships(why));
                    }
                }
                _ => {}
            }
        }
        Held {
            assignments,
            ended,
            unknown,
        }
    }

    /// Whether an assignment is not known to have ended.
    pub(crate) fn in_force(&self, assignment: &RoleAssignment) -> bool {
        !matches!(assignment.end, Reading::Read(Some(end)) if end <= self.now)
    }

    fn is_member(&self, group: &ObjectId, id: &ObjectId) -> bool {
        self.snapshot.group(group).is_some_and(|group| {
            [&group.members, &group.transitive_members]
                .into_iter()
                .any(|members| members.get().is_some_and(|m| m.contains(id)))
        })
    }

    /// Role-assignable groups with assigned membership that hold an account, and what was not read.
    pub(crate) fn role_groups(&self, id: &ObjectId) -> (Vec<&'a Group>, Option<NotRead>) {
        let groups = self.snapshot.groups_of(id);
        let mut unknown = groups
            .why_not()
            .map(memberships)
            .or_else(|| self.snapshot.groups.missing.clone());
        let mut found = Vec::new();
        for group in &self.snapshot.groups {
            let Some(group_id) = &group.id else { continue };
            if !groups.get().is_some_and(|g| g.contains(group_id)) && !self.is_member(group_id, id)
            {
                continue;
            }
            match (&group.role_assignable, group.dynamic.get()) {
                (Reading::Read(true), Some(false) | None) => found.push(group),
                (Reading::NotRead(why), _) => {
                    unknown.get_or_insert_with(|| {
                        missing("groups/isAssignableToRole", why, "GroupMember.Read.All")
                    });
                }
                _ => {}
            }
        }
        (found, unknown)
    }

    /// Restricted management administrative units that hold an object, and what was not read.
    pub(crate) fn restricted_units(&self, id: &ObjectId) -> (Vec<String>, Option<NotRead>) {
        let mut unknown = self.snapshot.units.missing.clone();
        let mut found = Vec::new();
        for unit in &self.snapshot.units {
            let name = unit
                .id
                .as_ref()
                .map(ToString::to_string)
                .or_else(|| unit.display_name.clone())
                .unwrap_or_default();
            let unread = match (&unit.restricted, &unit.members) {
                (Reading::Read(false), _) => None,
                (Reading::NotRead(why), Reading::Read(members)) => {
                    members.contains(id).then_some(why)
                }
                (_, Reading::NotRead(why)) => Some(why),
                (Reading::Read(true), Reading::Read(members)) => {
                    if members.contains(id) {
                        found.push(name);
                    }
                    None
                }
            };
            if let Some(why) = unread {
                unknown.get_or_insert_with(|| {
                    missing(
                        "directory/administrativeUnits",
                        why,
                        "AdministrativeUnit.Read.All",
                    )
                });
            }
        }
        (found, unknown)
    }

    /// Days between two days, in either order.
    pub(crate) fn days_apart(&self, one: Date, other: Date) -> u64 {
        self.days_since(one).abs_diff(self.days_since(other))
    }

    /// Drills of an account up to today, recorded and declared, the oldest first.
    pub(crate) fn drills(&self, account: &GuardedAccount<'_>) -> Vec<(Date, DrillOutcome)> {
        let recorded = self
            .history
            .drills
            .iter()
            .filter(|own| Some(&own.account) == account.id.as_ref())
            .map(|own| (own.on, own.outcome));
        let declared = self
            .register
            .into_iter()
            .flat_map(|register| &register.declared_drills)
            .filter(|own| account.is(&own.account))
            .map(|own| (own.on, DrillOutcome::Declared));
        let mut drills: Vec<_> = recorded
            .chain(declared)
            .filter(|(on, _)| self.days_since(*on) >= 0)
            .collect();
        drills.sort_by_key(|(on, _)| *on);
        drills
    }

    /// The last drill of an account; one that is proven stands before one that is declared for the same day.
    pub(crate) fn last_drill(&self, account: &GuardedAccount<'_>) -> Option<(Date, DrillOutcome)> {
        let drills = self.drills(account);
        let (last, _) = *drills.last()?;
        let same = drills.iter().filter(|(on, _)| *on == last);
        same.min_by_key(|(_, outcome)| *outcome == DrillOutcome::Declared)
            .copied()
    }

    /// Whether a training is good today.
    pub(crate) fn valid(&self, on: Date, valid_days: Option<u32>) -> bool {
        let age = self.days_since(on);
        age >= 0 && valid_days.is_none_or(|days| age <= i64::from(days))
    }
}

/// The day of a moment, in UTC.
pub(crate) fn day_of(at: Timestamp) -> Date {
    TimeZone::UTC.to_datetime(at).date()
}

/// A datum that was not read.
pub(crate) fn missing(collection: &str, why: &str, permission: &str) -> NotRead {
    NotRead {
        collection: collection.to_owned(),
        reason: why.to_owned(),
        permission: Some(permission.to_owned()),
    }
}

fn memberships(why: &str) -> NotRead {
    missing("group memberships", why, "GroupMember.Read.All")
}

/// What a finding on the passkeys of an account rests on: one of their fields, of each.
pub(crate) fn seen_of_keys(
    finding: Finding,
    account: &GuardedAccount<'_>,
    keys: &[&Method],
    field: &str,
    of: impl Fn(&Method) -> Option<&str>,
) -> Finding {
    keys.iter().fold(finding, |finding, key| {
        let name = key.name.as_deref().or(key.id.as_deref());
        finding.seen(
            format!("{}/authentication/methods", account.object()),
            field,
            format!(
                "{}: {}",
                name.unwrap_or("a passkey"),
                of(key).unwrap_or_default()
            ),
        )
    })
}

/// The FIDO2 passkeys among methods.
pub(crate) fn fido2(methods: &[Method]) -> Vec<&Method> {
    methods
        .iter()
        .filter(|m| m.kind == MethodKind::Fido2)
        .collect()
}

/// A word for a method.
pub(crate) fn kind_name(kind: &MethodKind) -> &str {
    match kind {
        MethodKind::Fido2 => "FIDO2 passkey",
        MethodKind::WindowsHello => "Windows Hello for Business",
        MethodKind::MicrosoftAuthenticator => "Microsoft Authenticator",
        MethodKind::Phone => "phone",
        MethodKind::Email => "e-mail",
        MethodKind::SoftwareOath => "software one-time password",
        MethodKind::HardwareOath => "hardware one-time password",
        MethodKind::TemporaryAccessPass => "Temporary Access Pass",
        MethodKind::Certificate => "certificate",
        MethodKind::PlatformCredential => "platform credential",
        MethodKind::External => "external method",
        MethodKind::Password => "password",
        MethodKind::Other(other) => other,
    }
}

/// What can fail at once: the kind of a method and, for passkeys, whose they are. `None`: a password,
/// which alone opens no admin portal.
pub(crate) fn mechanism(keys: &Tables, method: &Method) -> Option<String> {
    match &method.kind {
        MethodKind::Password => None,
        MethodKind::Fido2 => {
            let aaguid = method.aaguid.as_deref().unwrap_or("unknown model");
            let maker = keys.vendor(aaguid).unwrap_or_else(|| aaguid.to_lowercase());
            Some(format!("FIDO2 passkey ({maker})"))
        }
        kind => Some(kind_name(kind).to_owned()),
    }
}

/// The place of a key: its own, or its envelope's.
pub(crate) fn place_of<'a>(key: &'a Key, sealed: &'a Sealed) -> Option<&'a str> {
    key.place.as_deref().or_else(|| {
        let envelope = key.envelope.as_deref()?;
        sealed
            .envelopes
            .iter()
            .find(|e| e.id == envelope)?
            .place
            .as_deref()
    })
}

/// The envelopes of a place hold an item.
pub(crate) fn place_holds(sealed: &Sealed, place: &str, item: impl Fn(&str) -> bool) -> bool {
    sealed
        .envelopes
        .iter()
        .any(|e| e.place.as_deref() == Some(place) && e.holds.iter().any(|h| item(h)))
}

/// Places where keys of the accounts lie.
pub(crate) fn key_places<'a>(accounts: &'a [Account], sealed: &'a Sealed) -> BTreeSet<&'a str> {
    accounts
        .iter()
        .flat_map(|a| &a.keys)
        .filter_map(|key| place_of(key, sealed))
        .collect()
}
