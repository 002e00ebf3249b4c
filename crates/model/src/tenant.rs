//! The tenant as it was read: an immutable value that every decision is made on.
//!
//! Objects carry the facts that the checks use; what only later parts read (policies, alert rules) is
//! kept as the Graph object it was, with keys in Graph's camelCase.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::{Collection, NotRead, ObjectId, Reading, SetAside, TenantId, Upn};

mod credential;
mod password;
mod power;
mod registered;

pub use credential::{Device, Method, MethodKind};
pub use password::Password;
pub use power::{POWERS, Power};
pub use registered::RegisteredMethods;

/// Role template ID of Global Administrator, the same in every tenant (Microsoft Entra built-in roles).
pub const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

/// A user, as far as the checks need one.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct User {
    /// Object id.
    pub id: Option<ObjectId>,
    /// User principal name.
    pub upn: Option<Upn>,
    /// Domain of the user principal name, where the input tells only that.
    #[serde(default)]
    pub domain: Option<String>,
    /// Domain of the organisation that a user from outside belongs to, where the input tells it.
    #[serde(default)]
    pub home_domain: Option<String>,
    /// Display name.
    pub display_name: Option<String>,
    /// `accountEnabled`.
    pub account_enabled: Reading<bool>,
    /// Whether the user is synchronised from on-premises (`onPremisesSyncEnabled`, `onPremisesImmutableId`).
    pub synchronised: Reading<bool>,
    /// `userType`: `Member` or `Guest`.
    pub user_type: Option<String>,
    /// `creationType`: `Invitation` for a guest from outside.
    #[serde(default)]
    pub creation_type: Option<String>,
    /// Signs of a person or of daily work found on the object (field, value): mobile phone, other
    /// mails, manager, employee id, mailbox, job title.
    pub personal: Reading<Vec<(String, String)>>,
    /// SKU ids of assigned licences.
    pub licences: Reading<Vec<String>>,
    /// Last sign-in of any kind that the directory knows; `None`: never.
    pub last_sign_in: Reading<Option<Timestamp>>,
    /// Registered authentication methods.
    pub methods: Reading<Vec<Method>>,
    /// What the registration report tells of them: classes, perhaps hours old. Good for many users together, not for
    /// judging one account.
    #[serde(default)]
    pub registered: Option<RegisteredMethods>,
    /// Groups that hold the user, transitively, where the input lists them at the user.
    pub transitive_member_of: Reading<Vec<ObjectId>>,
    /// Template ids of the roles that are active for the whole tenant, where the input lists all of them at the
    /// user; else [`TenantSnapshot::active_assignments`] tells them.
    #[serde(default)]
    pub roles: Reading<Vec<ObjectId>>,
    /// Whether multifactor authentication is set for this single user (`perUserMfaState` `enabled` or
    /// `enforced`).
    #[serde(default)]
    pub per_user_mfa: Reading<bool>,
    /// Registered devices.
    #[serde(default)]
    pub devices: Reading<Vec<Device>>,
    /// What the directory tells of the password; never the password itself.
    #[serde(default)]
    pub password: Password,
    /// The file in which somebody described the account by hand, in place of what the tenant says of it.
    #[serde(default)]
    pub described_in: Option<String>,
}

impl User {
    /// Domain of the user principal name.
    pub fn domain(&self) -> Option<&str> {
        self.upn
            .as_ref()
            .map(Upn::domain)
            .or(self.domain.as_deref())
    }

    /// Whether the user comes from another organisation, as far as the input tells: invited, or with the mark that
    /// Microsoft Entra writes into the name (`#EXT#`).
    pub fn is_external(&self) -> bool {
        let marked = |upn: &Upn| upn.as_str().to_ascii_uppercase().contains("#EXT#");
        let invited = |kind: &String| kind.eq_ignore_ascii_case("Invitation");
        self.upn.as_ref().is_some_and(marked)
            || self.creation_type.as_ref().is_some_and(invited)
            || self.home_domain.is_some()
    }
}

/// A group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Object id.
    pub id: Option<ObjectId>,
    /// Display name.
    pub display_name: Option<String>,
    /// `isAssignableToRole`.
    pub role_assignable: Reading<bool>,
    /// Whether membership is computed by a rule (`groupTypes` holds `DynamicMembership`).
    pub dynamic: Reading<bool>,
    /// Direct members: object ids of users, groups and service principals.
    pub members: Reading<Vec<ObjectId>>,
    /// Members, transitively, where the input lists them so.
    pub transitive_members: Reading<Vec<ObjectId>>,
    /// Owners: they can change the members unless a restricted unit holds the group.
    #[serde(default)]
    pub owners: Reading<Vec<ObjectId>>,
    /// `expirationDateTime`: when an expiration policy deletes the group; `None`: never.
    #[serde(default)]
    pub expires: Reading<Option<Timestamp>>,
}

/// A directory role definition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Role {
    /// Id of the definition (equal to the template id for built-in roles) or of the activated directory role.
    pub id: Option<ObjectId>,
    /// Template id.
    pub template_id: Option<ObjectId>,
    /// Display name.
    pub display_name: Option<String>,
    /// `isBuiltIn`.
    pub built_in: Reading<bool>,
    /// Allowed resource actions.
    pub actions: Vec<String>,
}

/// Whether an assignment is in force or must be activated first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AssignmentKind {
    /// In force.
    Active,
    /// Must be activated through PIM.
    Eligible,
}

/// The assignment of a role to a principal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RoleAssignment {
    /// Id of the assignment, where it has one.
    pub id: Option<String>,
    /// The user, group or service principal.
    pub principal: ObjectId,
    /// Role definition or template id.
    pub role: ObjectId,
    /// Active or eligible.
    pub kind: AssignmentKind,
    /// Directory scope: `/` is the whole tenant, `/administrativeUnits/<id>` a unit.
    pub scope: Reading<String>,
    /// When it ends; `None`: permanent. Not read when only `roleAssignments` without schedules was read.
    pub end: Reading<Option<Timestamp>>,
    /// Whether it is the activation of an eligible assignment (`assignmentType` `Activated`).
    pub activated: Reading<bool>,
}

/// An administrative unit.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct AdministrativeUnit {
    /// Object id.
    pub id: Option<ObjectId>,
    /// Display name.
    pub display_name: Option<String>,
    /// `isMemberManagementRestricted`: a restricted management administrative unit.
    pub restricted: Reading<bool>,
    /// Members: users, groups, devices.
    pub members: Reading<Vec<ObjectId>>,
}

/// A domain of the tenant.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Domain {
    /// Name, lower case.
    pub name: String,
    /// `isInitial`.
    pub initial: Reading<bool>,
    /// `authenticationType`: `Managed` or `Federated`.
    pub federated: Reading<bool>,
    /// `passwordValidityPeriodInDays`: days after which a password expires; `None`: never.
    #[serde(default)]
    pub password_days: Reading<Option<u64>>,
}

/// A Conditional Access policy: named here, reasoned about elsewhere.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Policy {
    /// Id, where the input has one (templates have none).
    pub id: Option<ObjectId>,
    /// Display name.
    pub display_name: Option<String>,
    /// `enabled`, `disabled`, `enabledForReportingButNotEnforced`; templates may have none.
    pub state: Option<String>,
    /// The whole object, keys in Graph's camelCase.
    pub raw: Value,
}

/// A tenant as it was read at one moment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct TenantSnapshot {
    /// Tenant id.
    pub id: Option<TenantId>,
    /// Display name of the organisation.
    pub name: Option<String>,
    /// When it was collected.
    pub collected_at: Option<Timestamp>,
    /// SHA-256 over the input bytes, in hex.
    pub digest: String,
    /// Users.
    pub users: Collection<User>,
    /// Groups.
    pub groups: Collection<Group>,
    /// Role definitions and activated directory roles.
    pub roles: Collection<Role>,
    /// Active role assignments.
    pub active_assignments: Collection<RoleAssignment>,
    /// Eligible role assignments.
    pub eligible_assignments: Collection<RoleAssignment>,
    /// Administrative units.
    pub units: Collection<AdministrativeUnit>,
    /// Domains.
    pub domains: Collection<Domain>,
    /// Conditional Access policies.
    pub policies: Collection<Policy>,
    /// Access reviews (`accessReviewScheduleDefinition`), whole objects.
    pub access_reviews: Collection<Value>,
    /// Lifecycle workflows, whole objects.
    pub lifecycle_workflows: Collection<Value>,
    /// Everything else that was recognised, whole objects by collection name (`namedLocations`,
    /// `authenticationStrengthPolicies`, `diagnosticSettings`, `scheduledQueryRules`, …).
    pub other: BTreeMap<String, Vec<Value>>,
    /// What was taken for granted in reading.
    pub assumptions: Vec<String>,
    /// What could not be read beyond the collections above.
    pub not_read: Vec<NotRead>,
    /// Files, or parts of files, that could not be understood.
    pub set_aside: Vec<SetAside>,
}

impl TenantSnapshot {
    /// A tenant of which nothing has been read yet.
    pub fn empty() -> Self {
        fn none<T>(collection: &str, permission: &str) -> Collection<T> {
            Collection::not_read(collection, "it is not in the input", Some(permission))
        }
        Self {
            id: None,
            name: None,
            collected_at: None,
            digest: String::new(),
            users: none("users", "User.Read.All"),
            groups: none("groups", "GroupMember.Read.All"),
            roles: none(
                "roleManagement/directory/roleDefinitions",
                "RoleManagement.Read.Directory",
            ),
            active_assignments: none(
                "roleManagement/directory/roleAssignmentScheduleInstances",
                "RoleAssignmentSchedule.Read.Directory",
            ),
            eligible_assignments: none(
                "roleManagement/directory/roleEligibilityScheduleInstances",
                "RoleEligibilitySchedule.Read.Directory",
            ),
            units: none(
                "directory/administrativeUnits",
                "AdministrativeUnit.Read.All",
            ),
            domains: none("domains", "Domain.Read.All"),
            policies: none("identity/conditionalAccess/policies", "Policy.Read.All"),
            access_reviews: none(
                "identityGovernance/accessReviews/definitions",
                "AccessReview.Read.All",
            ),
            lifecycle_workflows: none(
                "identityGovernance/lifecycleWorkflows/workflows",
                "LifecycleWorkflows.Read.All",
            ),
            other: BTreeMap::new(),
            assumptions: Vec::new(),
            not_read: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    /// The user with this object id.
    pub fn user(&self, id: &ObjectId) -> Option<&User> {
        self.users.iter().find(|user| user.id.as_ref() == Some(id))
    }

    /// The user with this name.
    pub fn user_by_upn(&self, upn: &Upn) -> Option<&User> {
        self.users
            .iter()
            .find(|user| user.upn.as_ref() == Some(upn))
    }

    /// The group with this id.
    pub fn group(&self, id: &ObjectId) -> Option<&Group> {
        self.groups
            .iter()
            .find(|group| group.id.as_ref() == Some(id))
    }

    /// The groups that hold a principal, through any depth of nesting.
    ///
    /// Not read when the input lists neither the user's transitive groups nor the members of every
    /// group: a group whose members are unknown might hold the principal.
    pub fn groups_of(&self, principal: &ObjectId) -> Reading<BTreeSet<ObjectId>> {
        if let Some(user) = self.user(principal)
            && let Reading::Read(groups) = &user.transitive_member_of
        {
            return Reading::Read(groups.iter().cloned().collect());
        }
        if let Some(missing) = &self.groups.missing {
            return Reading::NotRead(format!(
                "groups were not read completely: {}",
                missing.reason
            ));
        }
        let mut found = BTreeSet::new();
        let mut unknown = None;
        for group in &self.groups {
            let Some(id) = &group.id else { continue };
            if let Reading::Read(members) = &group.transitive_members {
                if members.contains(principal) {
                    found.insert(id.clone());
                }
            } else if let Reading::NotRead(why) = &group.members {
                unknown.get_or_insert_with(|| {
                    format!("the members of group {id} were not read: {why}")
                });
            }
        }
        let mut inner: Vec<ObjectId> = vec![principal.clone()];
        inner.extend(found.iter().cloned());
        while let Some(member) = inner.pop() {
            for group in &self.groups {
                let (Some(id), Some(members)) = (&group.id, group.members.get()) else {
                    continue;
                };
                if members.contains(&member) && found.insert(id.clone()) {
                    inner.push(id.clone());
                }
            }
        }
        match unknown {
            Some(why) => Reading::NotRead(why),
            None => Reading::Read(found),
        }
    }

    /// Whether a role id is Global Administrator, by template id or through the role definitions.
    pub fn is_global_administrator(&self, role: &ObjectId) -> bool {
        role.is(GLOBAL_ADMINISTRATOR)
            || self.roles.iter().any(|r| {
                r.id.as_ref() == Some(role)
                    && r.template_id
                        .as_ref()
                        .is_some_and(|t| t.is(GLOBAL_ADMINISTRATOR))
            })
    }

    /// Whether a role assignment had not ended when the data was collected. Graph's instances are those that run;
    /// exports and schedules hold others, too.
    pub fn in_force(&self, assignment: &RoleAssignment) -> bool {
        match (&assignment.end, self.collected_at) {
            (Reading::Read(Some(end)), Some(collected)) => *end > collected,
            _ => true,
        }
    }

    /// The first collection that was not read, of those without which nothing can be proved of who gets in.
    pub fn unproven(&self) -> Option<&NotRead> {
        [
            &self.users.missing,
            &self.groups.missing,
            &self.policies.missing,
            &self.active_assignments.missing,
        ]
        .into_iter()
        .flatten()
        .next()
    }

    /// Every collection that was not read, or only in part.
    pub fn missing(&self) -> Vec<NotRead> {
        let mut all: Vec<NotRead> = [
            &self.users.missing,
            &self.groups.missing,
            &self.roles.missing,
            &self.active_assignments.missing,
            &self.eligible_assignments.missing,
            &self.units.missing,
            &self.domains.missing,
            &self.policies.missing,
            &self.access_reviews.missing,
            &self.lifecycle_workflows.missing,
        ]
        .into_iter()
        .flatten()
        // What the input says of itself is more than that it is not there.
        .filter(|missing| {
            !self
                .not_read
                .iter()
                .any(|said| said.collection == missing.collection)
        })
        .cloned()
        .collect();
        all.extend(self.not_read.iter().cloned());
        all.sort();
        all.dedup();
        all
    }
}
