//! What an object is: told by its OData annotations, else by its shape, else by where it lies.

use serde_json::{Map, Value};

pub(super) const USERS: &str = "users";
pub(super) const GROUPS: &str = "groups";
pub(super) const ROLES: &str = "roleDefinitions";
pub(super) const DIRECTORY_ROLES: &str = "directoryRoles";
pub(super) const ACTIVE: &str = "roleAssignmentScheduleInstances";
pub(super) const ELIGIBLE: &str = "roleEligibilityScheduleInstances";
pub(super) const PLAIN: &str = "roleAssignments";
pub(super) const UNITS: &str = "administrativeUnits";
pub(super) const DOMAINS: &str = "domains";
pub(super) const ORGANIZATION: &str = "organization";
pub(super) const POLICIES: &str = "conditionalAccessPolicies";
pub(super) const REVIEWS: &str = "accessReviews";
pub(super) const WORKFLOWS: &str = "lifecycleWorkflows";
pub(super) const PRINCIPALS: &str = "servicePrincipals";
pub(super) const STRENGTHS: &str = "authenticationStrengthPolicies";
pub(super) const LOCATIONS: &str = "namedLocations";
pub(super) const REGISTRATION: &str = "userRegistrationDetails";

/// Names of files, folders and URL segments (lower case) and the collection that they stand for.
/// `accesspolicies` and `conditionalaccess` are the folders of EntraExporter and IntuneManagement.
const NAMES: &[(&str, &str)] = &[
    ("users", USERS),
    ("groups", GROUPS),
    ("roledefinitions", ROLES),
    ("directoryroles", DIRECTORY_ROLES),
    ("roleassignmentscheduleinstances", ACTIVE),
    ("roleeligibilityscheduleinstances", ELIGIBLE),
    ("roleassignments", PLAIN),
    ("administrativeunits", UNITS),
    ("domains", DOMAINS),
    ("organization", ORGANIZATION),
    ("conditionalaccesspolicies", POLICIES),
    ("conditionalaccess", POLICIES),
    ("accesspolicies", POLICIES),
    ("namedlocations", LOCATIONS),
    ("accessreviews", REVIEWS),
    ("lifecycleworkflows", WORKFLOWS),
    ("serviceprincipals", PRINCIPALS),
    ("applications", "applications"),
    ("authenticationstrengthpolicies", STRENGTHS),
    ("authenticationstrength", STRENGTHS),
    ("authenticationstrengths", STRENGTHS),
    ("authenticationmethodspolicy", "authenticationMethodsPolicy"),
    ("authorizationpolicy", "authorizationPolicy"),
    (
        "identitysecuritydefaultsenforcementpolicy",
        "identitySecurityDefaultsEnforcementPolicy",
    ),
    ("subscribedskus", "subscribedSkus"),
    ("diagnosticsettings", "diagnosticSettings"),
    ("scheduledqueryrules", "scheduledQueryRules"),
    ("actiongroups", "actionGroups"),
    ("alertrules", "alertRules"),
    ("automationrules", "automationRules"),
    ("rolemanagementpolicies", "roleManagementPolicies"),
    (
        "rolemanagementpolicyassignments",
        "roleManagementPolicyAssignments",
    ),
    ("azureroleassignments", "azureRoleAssignments"),
    (
        "authenticationcontextclassreferences",
        "authenticationContextClassReferences",
    ),
    ("resourceactions", "resourceActions"),
    ("roleassignmentschedules", "roleAssignmentSchedules"),
    ("roleeligibilityschedules", "roleEligibilitySchedules"),
    (
        "privilegedaccessgroupassignmentscheduleinstances",
        "privilegedAccessGroupAssignmentScheduleInstances",
    ),
    (
        "privilegedaccessgroupeligibilityscheduleinstances",
        "privilegedAccessGroupEligibilityScheduleInstances",
    ),
    ("approleassignments", "appRoleAssignments"),
    ("riskyusers", "riskyUsers"),
    ("userregistrationdetails", REGISTRATION),
    ("subscriptions", "subscriptions"),
    ("workspaces", "workspaces"),
    ("workspacetables", "workspaceTables"),
    ("workspacefreshness", "workspaceFreshness"),
    ("actionrules", "actionRules"),
    ("alerts", "alerts"),
    ("activitylog", "activityLog"),
    ("logdestinations", "logDestinations"),
    ("watchlistitems", "watchlistItems"),
    ("activitylogalerts", "activityLogAlerts"),
    ("onboardingstates", "onboardingStates"),
    ("watchlists", "watchlists"),
];

/// OData types (behind `microsoft.graph.`, lower case) and their collections.
const TYPES: &[(&str, &str)] = &[
    ("user", USERS),
    ("group", GROUPS),
    ("unifiedroledefinition", ROLES),
    ("directoryrole", DIRECTORY_ROLES),
    ("unifiedroleassignmentscheduleinstance", ACTIVE),
    ("unifiedroleeligibilityscheduleinstance", ELIGIBLE),
    ("unifiedroleassignment", PLAIN),
    ("administrativeunit", UNITS),
    ("domain", DOMAINS),
    ("organization", ORGANIZATION),
    ("conditionalaccesspolicy", POLICIES),
    ("namedlocation", LOCATIONS),
    ("ipnamedlocation", LOCATIONS),
    ("countrynamedlocation", LOCATIONS),
    ("compliantnetworknamedlocation", LOCATIONS),
    ("accessreviewscheduledefinition", REVIEWS),
    ("identitygovernance.workflow", WORKFLOWS),
    ("serviceprincipal", PRINCIPALS),
    ("application", "applications"),
    ("authenticationstrengthpolicy", STRENGTHS),
    ("authenticationmethodspolicy", "authenticationMethodsPolicy"),
    ("authorizationpolicy", "authorizationPolicy"),
    (
        "identitysecuritydefaultsenforcementpolicy",
        "identitySecurityDefaultsEnforcementPolicy",
    ),
    ("subscribedsku", "subscribedSkus"),
    ("riskyuser", "riskyUsers"),
    ("unifiedrolemanagementpolicy", "roleManagementPolicies"),
    (
        "unifiedrolemanagementpolicyassignment",
        "roleManagementPolicyAssignments",
    ),
];

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    let name = name.to_lowercase();
    table
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, kind)| *kind)
}

/// The collection that a file, folder or snapshot key stands for.
pub(super) fn by_name(name: &str) -> Option<&'static str> {
    find(NAMES, name)
}

/// The list that belongs to an owner: whose, and which.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Relation {
    pub(super) owner: &'static str,
    pub(super) id: String,
    pub(super) name: &'static str,
}

pub(super) const MEMBERS: &str = "members";
pub(super) const TRANSITIVE_MEMBERS: &str = "transitiveMembers";
pub(super) const OWNERS: &str = "owners";
pub(super) const MEMBER_OF: &str = "memberOf";
pub(super) const TRANSITIVE_MEMBER_OF: &str = "transitiveMemberOf";
pub(super) const METHODS: &str = "methods";
pub(super) const REGISTERED_DEVICES: &str = "registeredDevices";
pub(super) const OWNED_DEVICES: &str = "ownedDevices";

fn relation_of(owner: &'static str, id: &str, rest: &[&str]) -> Option<Relation> {
    let first = rest.first()?.to_lowercase();
    let name = match (owner, first.as_str()) {
        (GROUPS | UNITS | DIRECTORY_ROLES, "members") => MEMBERS,
        (GROUPS, "transitivemembers") => TRANSITIVE_MEMBERS,
        (GROUPS, "owners") => OWNERS,
        (USERS | GROUPS, "memberof") => MEMBER_OF,
        (USERS | GROUPS, "transitivememberof") => TRANSITIVE_MEMBER_OF,
        (USERS, "registereddevices") => REGISTERED_DEVICES,
        (USERS, "owneddevices") => OWNED_DEVICES,
        // `fido2Methods` and its like hold one kind only: not the list of all methods.
        (USERS, "authentication") if rest.get(1)?.eq_ignore_ascii_case("methods") => METHODS,
        _ => return None,
    };
    Some(Relation {
        owner,
        id: id.to_owned(),
        name,
    })
}

/// What a path says about the content of its file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) relation: Option<Relation>,
    pub(super) kind: Option<&'static str>,
    /// A list that belongs to an owner whom nothing names.
    pub(super) nameless: bool,
}

/// Reads a path such as `export/groups/<id>/members.json` or `groups-<id>-members.json`.
pub(super) fn place(path: &str) -> Place {
    let mut stem = path;
    for ending in [".gz", ".json"] {
        let cut = stem.len().saturating_sub(ending.len());
        if stem.is_char_boundary(cut) && stem[cut..].eq_ignore_ascii_case(ending) {
            stem = &stem[..cut];
        }
    }
    let mut segments: Vec<&str> = stem.split('/').filter(|s| !s.is_empty()).collect();
    if let Some(flat) = segments.last().and_then(|last| flattened(last)) {
        segments.pop();
        segments.extend(flat);
    }
    let relation = segments.iter().enumerate().rev().find_map(|(at, segment)| {
        let id = segments.get(at + 1)?;
        relation_of(by_name(segment)?, id, &segments[at + 2..])
    });
    // `users.json`, `users/<id>.json`, and `Users/<id>/<id>.json` as EntraExporter writes it. What lies
    // deeper belongs to a user and is none.
    let depth = match segments.as_slice() {
        [.., folder, file] if folder == file => 3,
        _ => 2,
    };
    let kind = segments
        .iter()
        .rev()
        .take(depth)
        .find_map(|segment| by_name(segment));
    let nameless = relation.is_none()
        && segments.last().is_some_and(|last| {
            [
                MEMBERS,
                TRANSITIVE_MEMBERS,
                OWNERS,
                MEMBER_OF,
                TRANSITIVE_MEMBER_OF,
                REGISTERED_DEVICES,
                OWNED_DEVICES,
            ]
            .iter()
            .any(|name| last.eq_ignore_ascii_case(name))
        });
    Place {
        relation,
        kind,
        nameless,
    }
}

/// `groups-<id>-members`: the id itself may hold `-`.
fn flattened(name: &str) -> Option<Vec<&str>> {
    let (owner, rest) = name.split_once('-')?;
    by_name(owner)?;
    let (id, last) = rest.rsplit_once('-')?;
    match id.rsplit_once('-') {
        Some((inner, middle)) if middle.eq_ignore_ascii_case("authentication") => {
            Some(vec![owner, inner, middle, last])
        }
        _ => Some(vec![owner, id, last]),
    }
}

/// What the `@odata.context` of a response says: the text behind `$metadata#`.
pub(super) fn context(text: &str) -> Place {
    let Some((_, text)) = text.split_once("$metadata#") else {
        return Place::default();
    };
    // `users('id')/authentication/methods` names the owner in brackets.
    if let Some((owner, rest)) = text.split_once("('")
        && let Some((id, rest)) = rest.split_once("')")
        && let Some(owner) = by_name(owner)
    {
        let rest: Vec<&str> = rest.split('/').filter(|s| !s.is_empty()).collect();
        return Place {
            relation: relation_of(owner, id, &rest),
            kind: rest.is_empty().then_some(owner),
            nameless: false,
        };
    }
    let lower = text.to_lowercase();
    let plain = lower.split('(').next().unwrap_or_default();
    let plain = plain.trim_end_matches("/$entity");
    let kind = match plain {
        "identity/conditionalaccess/policies" | "conditionalaccess/policies" => Some(POLICIES),
        "identitygovernance/accessreviews/definitions" => Some(REVIEWS),
        "identitygovernance/lifecycleworkflows/workflows" => Some(WORKFLOWS),
        _ => plain.rsplit('/').next().and_then(by_name),
    };
    Place {
        relation: None,
        kind,
        nameless: plain == "directoryobjects",
    }
}

/// The collection that an OData type belongs to.
pub(super) fn by_type(object: &Map<String, Value>) -> Option<&'static str> {
    let name = object.get("@odata.type")?.as_str()?;
    let name = name.trim_start_matches('#');
    find(TYPES, name.strip_prefix("microsoft.graph.")?)
}

/// The collection that the properties of an object belong to.
pub(super) fn by_shape(object: &Map<String, Value>) -> Option<&'static str> {
    let has = |key: &str| object.contains_key(key);
    if object.get("conditions").is_some_and(Value::is_object)
        && (has("grantControls") || has("sessionControls") || has("state"))
    {
        return Some(POLICIES);
    }
    if has("principalId") && has("roleDefinitionId") {
        return if has("scheduleInfo") {
            // A schedule or a request, which holds no role yet: only the place of the file can tell which.
            None
        } else if has("roleEligibilityScheduleId") {
            Some(ELIGIBLE)
        } else if has("roleAssignmentScheduleId") || has("assignmentType") {
            Some(ACTIVE)
        } else if has("startDateTime") || has("memberType") {
            // Active or eligible: only the place of the file can tell.
            None
        } else {
            Some(PLAIN)
        };
    }
    // Azure Resource Manager: the id says what it is.
    if let Some(id) = object.get("id").and_then(Value::as_str)
        && id.starts_with('/')
    {
        let mut segments = id.rsplit('/');
        segments.next();
        return match segments.next().and_then(by_name) {
            // Azure's own roles, not those of the directory.
            Some(PLAIN) => Some("azureRoleAssignments"),
            kind => kind,
        };
    }
    let table: &[(&str, &'static str)] = &[
        // Such a row has the user's name, too, and is no user.
        ("methodsRegistered", REGISTRATION),
        ("userPrincipalName", USERS),
        ("verifiedDomains", ORGANIZATION),
        ("isAssignableToRole", GROUPS),
        ("groupTypes", GROUPS),
        ("rolePermissions", ROLES),
        ("roleTemplateId", DIRECTORY_ROLES),
        ("isMemberManagementRestricted", UNITS),
        ("isInitial", DOMAINS),
        ("allowedCombinations", STRENGTHS),
        ("ipRanges", LOCATIONS),
        ("countriesAndRegions", LOCATIONS),
        (
            "authenticationMethodConfigurations",
            "authenticationMethodsPolicy",
        ),
        ("defaultUserRolePermissions", "authorizationPolicy"),
        ("servicePrincipalType", PRINCIPALS),
    ];
    table
        .iter()
        .find(|(key, _)| has(key))
        .map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_that_mirror_the_url_name_the_owner() {
        for (path, owner, id, name) in [
            ("x/groups/G1/members.json", GROUPS, "G1", MEMBERS),
            (
                "Groups/G1/TransitiveMembers.json",
                GROUPS,
                "G1",
                TRANSITIVE_MEMBERS,
            ),
            (
                "users/U-1/authentication/methods.json",
                USERS,
                "U-1",
                METHODS,
            ),
            ("groups-a-b-c-members.json", GROUPS, "a-b-c", MEMBERS),
            (
                "users-a-b-authentication-methods.json",
                USERS,
                "a-b",
                METHODS,
            ),
            (
                "users/U-1/registeredDevices.json",
                USERS,
                "U-1",
                REGISTERED_DEVICES,
            ),
            ("Groups/G1/Members/U1/U1.json", GROUPS, "G1", MEMBERS),
        ] {
            let relation = place(path).relation.unwrap();
            assert_eq!(
                (relation.owner, relation.id.as_str(), relation.name),
                (owner, id, name)
            );
        }
        assert!(place("members.json").nameless);
        assert_eq!(
            place("users/u/authentication/fido2Methods.json").relation,
            None
        );
        assert_eq!(
            place("Users/u/Authentication/FIDO2Methods/m/m.json").kind,
            None
        );
        assert_eq!(
            place("Identity/Conditional/AccessPolicies/1/1.json").kind,
            Some(POLICIES)
        );
    }

    #[test]
    fn contexts_name_the_collection_or_the_owner() {
        let of = |text: &str| {
            context(&format!(
                "https://graph.microsoft.com/v1.0/$metadata#{text}"
            ))
        };
        assert_eq!(of("users(id,displayName)").kind, Some(USERS));
        assert_eq!(of("users/$entity").kind, Some(USERS));
        assert_eq!(of("directoryObjects").kind, None);
        assert_eq!(
            of("identity/conditionalAccess/policies").kind,
            Some(POLICIES)
        );
        assert_eq!(
            of("users('a')/authentication/methods").relation.unwrap().id,
            "a"
        );
    }
}
