//! What the twin knows of each type of object: which properties there are, which of them are shown unasked, how its
//! lists page, and which filters it takes.
//!
//! Microsoft Graph, *v1.0 metadata* and the pages of each resource.

mod properties;

use serde_json::Value;

use super::log_filter;
use properties::{
    GROUP_INDEX, GROUP_PROPERTIES, SIGN_IN_PROPERTIES, UNIT_PROPERTIES, USER_DEFAULT, USER_INDEX,
    USER_PROPERTIES,
};

/// How filters of a type are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rules {
    /// Anything goes.
    Free,
    /// A directory object: some queries need the header `ConsistencyLevel: eventual` and `$count=true`, and only the
    /// properties named here have an index. Microsoft Graph, *Advanced query capabilities on directory objects*.
    Directory(&'static [&'static str]),
    /// A log, which takes filters on these properties only.
    Log(&'static [log_filter::Row]),
}

/// A type of object.
#[derive(Debug)]
pub(crate) struct Kind {
    /// `user`.
    pub(crate) name: &'static str,
    /// Where a collection of them stands (`users`), as `@odata.context` names it.
    pub(crate) set: &'static str,
    /// What is shown when nothing is selected; `None`: all but [`Kind::hidden`].
    pub(crate) default: Option<&'static [&'static str]>,
    /// What the state holds in the object but Graph shows elsewhere, or only when it is selected.
    pub(crate) hidden: &'static [&'static str],
    /// Relations among [`Kind::hidden`], which `$expand` shows and `$select` does not.
    pub(crate) relations: &'static [&'static str],
    /// All properties of v1.0, where they are known.
    pub(crate) properties: Option<&'static [&'static str]>,
    /// Properties that only beta has.
    pub(crate) beta: &'static [&'static str],
    pub(crate) rules: Rules,
    /// Objects on a page unless `$top` says otherwise; `None`: the list does not page.
    pub(crate) page: Option<usize>,
    /// The largest page.
    pub(crate) most: usize,
}

impl Kind {
    /// Whether the type is one of the directory's.
    pub(crate) const fn is_directory(&self) -> bool {
        matches!(self.rules, Rules::Directory(_))
    }

    /// Whether only beta has the property.
    pub(crate) fn is_beta(&self, property: &str) -> bool {
        self.beta
            .iter()
            .any(|own| own.eq_ignore_ascii_case(property))
    }

    /// `#microsoft.graph.user`.
    pub(crate) fn odata_type(&self) -> String {
        format!("#microsoft.graph.{}", self.name)
    }

    /// Whether v1.0 has the property; where the properties are not known, it may.
    pub(crate) fn may_have(&self, property: &str) -> bool {
        property.starts_with('@')
            || property.eq_ignore_ascii_case("id")
            || !self.is_beta(property)
                && self.properties.is_none_or(|known| {
                    known
                        .iter()
                        .chain(self.relations)
                        .any(|own| own.eq_ignore_ascii_case(property))
                })
    }
}

/// Lists that stand in a user's or group's object in the state.
const USER_RELATIONS: &[&str] = &[
    "authentication",
    "manager",
    "memberOf",
    "ownedDevices",
    "ownedObjects",
    "registeredDevices",
    "sponsors",
    "transitiveMemberOf",
];
const GROUP_RELATIONS: &[&str] = &[
    "memberOf",
    "members",
    "owners",
    "transitiveMemberOf",
    "transitiveMembers",
];

const PLAIN: Kind = Kind {
    name: "entity",
    set: "",
    default: None,
    hidden: &[],
    relations: &[],
    properties: None,
    beta: &[],
    rules: Rules::Free,
    page: Some(100),
    most: 999,
};

/// A user.
pub(crate) static USER: Kind = Kind {
    name: "user",
    set: "users",
    default: Some(USER_DEFAULT),
    hidden: USER_RELATIONS,
    relations: USER_RELATIONS,
    properties: Some(USER_PROPERTIES),
    rules: Rules::Directory(USER_INDEX),
    ..PLAIN
};

/// A group.
pub(crate) static GROUP: Kind = Kind {
    name: "group",
    set: "groups",
    hidden: GROUP_RELATIONS,
    relations: GROUP_RELATIONS,
    properties: Some(GROUP_PROPERTIES),
    rules: Rules::Directory(GROUP_INDEX),
    ..PLAIN
};

/// An administrative unit.
pub(crate) static UNIT: Kind = Kind {
    name: "administrativeUnit",
    set: "directory/administrativeUnits",
    hidden: &["members", "scopedRoleMembers", "extensions"],
    relations: &["members", "scopedRoleMembers", "extensions"],
    properties: Some(UNIT_PROPERTIES),
    rules: Rules::Directory(&["description", "displayName", "id", "visibility"]),
    ..PLAIN
};

/// Any directory object: lists of mixed kinds.
pub(crate) static OBJECT: Kind = Kind {
    name: "directoryObject",
    set: "directoryObjects",
    rules: Rules::Directory(&[
        "displayName",
        "id",
        "userPrincipalName",
        "accountEnabled",
        "mail",
        "securityEnabled",
        "groupTypes",
        "isAssignableToRole",
        "userType",
        "appId",
        "description",
        "onPremisesSyncEnabled",
    ]),
    ..PLAIN
};

/// A device.
pub(crate) static DEVICE: Kind = Kind {
    name: "device",
    set: "devices",
    rules: Rules::Directory(&[
        "accountEnabled",
        "approximateLastSignInDateTime",
        "deviceId",
        "displayName",
        "id",
        "isCompliant",
        "isManaged",
        "operatingSystem",
        "operatingSystemVersion",
        "onPremisesSyncEnabled",
        "trustType",
        "profileType",
    ]),
    ..PLAIN
};

/// A service principal.
pub(crate) static PRINCIPAL: Kind = Kind {
    name: "servicePrincipal",
    set: "servicePrincipals",
    hidden: &["owners", "memberOf", "appRoleAssignments"],
    relations: &["owners", "memberOf", "appRoleAssignments"],
    rules: Rules::Directory(&[
        "accountEnabled",
        "appId",
        "appOwnerOrganizationId",
        "createdDateTime",
        "displayName",
        "id",
        "servicePrincipalNames",
        "servicePrincipalType",
        "tags",
        "homepage",
        "publisherName",
    ]),
    ..PLAIN
};

/// An app registration.
pub(crate) static APPLICATION: Kind = Kind {
    name: "application",
    set: "applications",
    hidden: &["owners"],
    relations: &["owners"],
    rules: Rules::Directory(&[
        "appId",
        "createdDateTime",
        "displayName",
        "id",
        "identifierUris",
        "signInAudience",
        "publisherDomain",
        "tags",
    ]),
    ..PLAIN
};

/// A directory role that somebody holds.
pub(crate) static ROLE: Kind = Kind {
    name: "directoryRole",
    set: "directoryRoles",
    hidden: &["members", "scopedMembers"],
    relations: &["members", "scopedMembers"],
    rules: Rules::Directory(&["displayName", "id", "roleTemplateId"]),
    page: None,
    ..PLAIN
};

macro_rules! kinds {
    ($($(#[$about:meta])* $name:ident $word:literal $set:literal $({ $($field:ident: $value:expr),* })?;)*) => {
        $($(#[$about])* pub(crate) static $name: Kind = Kind {
            name: $word, set: $set, $($($field: $value,)*)? ..PLAIN
        };)*
    };
}

kinds! {
    /// The organisation.
    ORGANIZATION "organization" "organization";
    /// A domain.
    DOMAIN "domain" "domains" { page: None, hidden: &["federationConfiguration"], relations: &["federationConfiguration"] };
    /// How a domain is federated.
    FEDERATION "internalDomainFederation" "domains/federationConfiguration" { page: None };
    /// An application permission that an app was given.
    APP_ROLE_ASSIGNMENT "appRoleAssignment" "appRoleAssignments";
    /// A licence that was bought.
    SKU "subscribedSku" "subscribedSkus" { page: None };
    /// A role that can be assigned.
    ROLE_DEFINITION "unifiedRoleDefinition" "roleManagement/directory/roleDefinitions"
        { beta: &["isPrivileged"], page: Some(1000), most: 1000 };
    /// Who has a role.
    ASSIGNMENT "unifiedRoleAssignment" "roleManagement/directory/roleAssignments"
        { relations: &["principal", "roleDefinition", "directoryScope"], hidden: &["principal", "roleDefinition", "directoryScope"] };
    /// Who has a role now.
    ACTIVE "unifiedRoleAssignmentScheduleInstance" "roleManagement/directory/roleAssignmentScheduleInstances"
        { relations: &["principal", "roleDefinition", "directoryScope", "activatedUsing"],
          hidden: &["principal", "roleDefinition", "directoryScope", "activatedUsing"] };
    /// Who may activate a role now.
    ELIGIBLE "unifiedRoleEligibilityScheduleInstance" "roleManagement/directory/roleEligibilityScheduleInstances"
        { relations: &["principal", "roleDefinition", "directoryScope"], hidden: &["principal", "roleDefinition", "directoryScope"] };
    /// An action that roles allow.
    ACTION "unifiedRbacResourceAction" "roleManagement/directory/resourceNamespaces/microsoft.directory/resourceActions"
        { beta: &["isPrivileged"] };
    /// Which settings of Privileged Identity Management hold for a role.
    RULES_OF "unifiedRoleManagementPolicyAssignment" "policies/roleManagementPolicyAssignments"
        { hidden: &["policy"], relations: &["policy"], page: Some(1000), most: 1000 };
    /// Settings of Privileged Identity Management.
    RULES "unifiedRoleManagementPolicy" "policies/roleManagementPolicies"
        { hidden: &["rules", "effectiveRules"], relations: &["rules", "effectiveRules"], page: Some(1000), most: 1000 };
    /// One setting of Privileged Identity Management.
    RULE "unifiedRoleManagementPolicyRule" "policies/roleManagementPolicies/rules" { page: None };
    /// A role that somebody has on a unit.
    SCOPED "scopedRoleMembership" "scopedRoleMemberships" { page: None };
    /// A Conditional Access policy.
    POLICY "conditionalAccessPolicy" "identity/conditionalAccess/policies" { page: Some(500), most: 999 };
    /// A named location.
    LOCATION "namedLocation" "identity/conditionalAccess/namedLocations" { page: Some(500), most: 999 };
    /// An authentication strength.
    STRENGTH "authenticationStrengthPolicy" "policies/authenticationStrengthPolicies" { page: None };
    /// An authentication context.
    CONTEXT "authenticationContextClassReference" "identity/conditionalAccess/authenticationContextClassReferences"
        { page: None };
    /// A template of a policy.
    TEMPLATE "conditionalAccessTemplate" "identity/conditionalAccess/templates" { page: None };
    /// How users may prove who they are.
    METHODS_POLICY "authenticationMethodsPolicy" "authenticationMethodsPolicy";
    /// The settings of one method.
    METHOD_SETTING "authenticationMethodConfiguration" "authenticationMethodConfigurations" { page: None };
    /// Security defaults.
    DEFAULTS "identitySecurityDefaultsEnforcementPolicy" "policies/identitySecurityDefaultsEnforcementPolicy";
    /// What ordinary users may do.
    AUTHORIZATION "authorizationPolicy" "policies/authorizationPolicy";
    /// A way in that a user has registered.
    METHOD "authenticationMethod" "authentication/methods" { page: None };
    /// An access review.
    REVIEW "accessReviewScheduleDefinition" "identityGovernance/accessReviews/definitions" { most: 100 };
    /// A lifecycle workflow.
    WORKFLOW "identityGovernance.workflow" "identityGovernance/lifecycleWorkflows/workflows";
    /// What Identity Protection says of a user.
    RISKY "riskyUser" "identityProtection/riskyUsers" { page: Some(500), most: 500 };
    /// What a user has registered.
    REGISTRATION "userRegistrationDetails" "reports/authenticationMethods/userRegistrationDetails"
        { page: Some(1000), most: 1000 };
    /// A sign-in.
    SIGN_IN "signIn" "auditLogs/signIns"
        { properties: Some(SIGN_IN_PROPERTIES), rules: Rules::Log(log_filter::SIGN_INS), page: Some(1000), most: 1000 };
    /// A change.
    AUDIT "directoryAudit" "auditLogs/directoryAudits"
        { rules: Rules::Log(log_filter::AUDITS), page: Some(1000), most: 1000 };
    /// An object that the twin serves as it is.
    ENTITY "entity" "";
}

/// Types of the objects that directory lists mix.
static MIXED: [&Kind; 7] = [
    &USER,
    &GROUP,
    &UNIT,
    &DEVICE,
    &PRINCIPAL,
    &ROLE,
    &APPLICATION,
];

/// The type of an object in a mixed list, by its `@odata.type`.
pub(crate) fn of_type(object: &Value) -> &'static Kind {
    let name = object
        .get("@odata.type")
        .and_then(Value::as_str)
        .unwrap_or_default();
    MIXED
        .iter()
        .find(|kind| name.rsplit('.').next() == Some(kind.name))
        .copied()
        .unwrap_or(&OBJECT)
}
