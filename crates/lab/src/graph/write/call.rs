//! Which write a request is: the one place where paths are read, so that permissions and deeds can't disagree.

/// Users, groups and units have the same kinds of links.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Owner {
    Group,
    Unit,
}

/// A list of references.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Link {
    Members,
    Owners,
}

/// Which half of Privileged Identity Management.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Schedule {
    /// Active roles.
    Assignment,
    /// Roles that can be activated.
    Eligibility,
}

/// Objects of Conditional Access that are deleted softly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    Policy,
    Location,
}

impl Access {
    pub(super) const fn table(self) -> &'static str {
        match self {
            Self::Policy => "conditionalAccessPolicies",
            Self::Location => "namedLocations",
        }
    }
}

/// A write of the API. Ids are as they stand in the path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Call<'a> {
    CreateUser,
    UpdateUser(&'a str),
    DeleteUser(&'a str),
    RevokeSessions(&'a str),
    Restore(&'a str),
    Purge(&'a str),
    CreateGroup,
    UpdateGroup(&'a str),
    DeleteGroup(&'a str),
    CreateUnit,
    UpdateUnit(&'a str),
    DeleteUnit(&'a str),
    AddLink(Owner, &'a str, Link),
    RemoveLink(Owner, &'a str, Link, &'a str),
    AddScopedRole(&'a str),
    RemoveScopedRole(&'a str, &'a str),
    CreateRole,
    UpdateRole(&'a str),
    DeleteRole(&'a str),
    CreateAssignment,
    DeleteAssignment(&'a str),
    Request(Schedule),
    UpdateRule(&'a str, &'a str),
    CreateAccess(Access),
    UpdateAccess(Access, &'a str),
    DeleteAccess(Access, &'a str),
    RestoreAccess(Access, &'a str),
    PurgeAccess(Access, &'a str),
    WhatIf,
    CreateStrength,
    UpdateStrength(&'a str),
    DeleteStrength(&'a str),
    UpdateCombinations(&'a str),
    CreateConfiguration(&'a str),
    UpdateConfiguration(&'a str, &'a str),
    DeleteConfiguration(&'a str, &'a str),
    UpdateMethodsPolicy,
    UpdateMethodConfiguration(&'a str),
    UpdateSecurityDefaults,
    UpdateAuthorization,
    CreationOptions(&'a str, Option<&'a str>),
    RegisterKey(&'a str),
    CreatePass(&'a str),
    CreatePhone(&'a str),
    UpdatePhone(&'a str, &'a str),
    DeleteMethod(&'a str, &'static str, &'a str),
    ResetPassword(&'a str, &'a str),
}

/// Segments under `/users/{id}/authentication` whose methods can be deleted, with their type.
const METHODS: &[(&str, &str)] = &[
    ("fido2methods", "fido2AuthenticationMethod"),
    (
        "temporaryaccesspassmethods",
        "temporaryAccessPassAuthenticationMethod",
    ),
    ("phonemethods", "phoneAuthenticationMethod"),
    ("emailmethods", "emailAuthenticationMethod"),
    ("softwareoathmethods", "softwareOathAuthenticationMethod"),
    (
        "microsoftauthenticatormethods",
        "microsoftAuthenticatorAuthenticationMethod",
    ),
    (
        "windowshelloforbusinessmethods",
        "windowsHelloForBusinessAuthenticationMethod",
    ),
    (
        "platformcredentialmethods",
        "platformCredentialAuthenticationMethod",
    ),
];

const OPTIONS: &str = "creationoptions";

impl<'a> Call<'a> {
    /// The write that a request asks for; `None`: there is none at this path.
    pub(super) fn of(method: &str, segments: &[&'a str]) -> Option<Self> {
        let low: Vec<String> = segments
            .iter()
            .map(|segment| segment.to_lowercase())
            .collect();
        let low: Vec<&str> = low.iter().map(String::as_str).collect();
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        Some(match (method, low.as_slice()) {
            ("POST", ["users"]) => Self::CreateUser,
            ("PATCH", ["users", _]) => Self::UpdateUser(at(1)),
            ("DELETE", ["users", _]) => Self::DeleteUser(at(1)),
            ("POST", ["users", _, "revokesigninsessions"]) => Self::RevokeSessions(at(1)),
            ("POST", ["directory", "deleteditems", _, "restore"]) => Self::Restore(at(2)),
            ("DELETE", ["directory", "deleteditems", _]) => Self::Purge(at(2)),
            ("POST", ["groups"]) => Self::CreateGroup,
            ("PATCH", ["groups", _]) => Self::UpdateGroup(at(1)),
            ("DELETE", ["groups", _]) => Self::DeleteGroup(at(1)),
            ("POST", ["groups", _, list @ ("members" | "owners"), "$ref"]) => {
                Self::AddLink(Owner::Group, at(1), link(list))
            }
            ("DELETE", ["groups", _, list @ ("members" | "owners"), _, "$ref"]) => {
                Self::RemoveLink(Owner::Group, at(1), link(list), at(3))
            }
            (method, ["directory", "administrativeunits", ..]) => {
                return Self::of_unit(method, &low[2..], &segments[2..]);
            }
            // The alias without `/directory` is beta's; reads and writes by it are the same.
            (method, ["administrativeunits", ..]) => {
                return Self::of_unit(method, &low[1..], &segments[1..]);
            }
            (method, ["rolemanagement", "directory", ..]) => {
                return Self::of_roles(method, &low[2..], &segments[2..]);
            }
            ("PATCH", ["policies", "rolemanagementpolicies", _, "rules", _]) => {
                Self::UpdateRule(at(2), at(4))
            }
            (
                method,
                [
                    "identity",
                    "conditionalaccess",
                    "authenticationstrength",
                    "policies",
                    ..,
                ],
            ) => {
                return Self::of_strength(method, &low[4..], &segments[4..]);
            }
            (method, ["policies", "authenticationstrengthpolicies", ..]) => {
                return Self::of_strength(method, &low[2..], &segments[2..]);
            }
            (method, ["identity", "conditionalaccess", ..]) => {
                return Self::of_access(method, &low[2..], &segments[2..]);
            }
            ("PATCH", ["policies", "authenticationmethodspolicy"]) => Self::UpdateMethodsPolicy,
            (
                "PATCH",
                [
                    "policies",
                    "authenticationmethodspolicy",
                    "authenticationmethodconfigurations",
                    _,
                ],
            ) => Self::UpdateMethodConfiguration(at(3)),
            ("PATCH", ["policies", "identitysecuritydefaultsenforcementpolicy"]) => {
                Self::UpdateSecurityDefaults
            }
            ("PATCH", ["policies", "authorizationpolicy"]) => Self::UpdateAuthorization,
            (method, ["users", _, "authentication", ..]) => {
                return Self::of_methods(method, at(1), &low[3..], &segments[3..]);
            }
            _ => return None,
        })
    }

    fn of_unit(method: &str, low: &[&str], segments: &[&'a str]) -> Option<Self> {
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        Some(match (method, low) {
            ("POST", []) => Self::CreateUnit,
            ("PATCH", [_]) => Self::UpdateUnit(at(0)),
            ("DELETE", [_]) => Self::DeleteUnit(at(0)),
            ("POST", [_, "members", "$ref"]) => Self::AddLink(Owner::Unit, at(0), Link::Members),
            ("DELETE", [_, "members", _, "$ref"]) => {
                Self::RemoveLink(Owner::Unit, at(0), Link::Members, at(2))
            }
            ("POST", [_, "scopedrolemembers"]) => Self::AddScopedRole(at(0)),
            ("DELETE", [_, "scopedrolemembers", _]) => Self::RemoveScopedRole(at(0), at(2)),
            _ => return None,
        })
    }

    fn of_roles(method: &str, low: &[&str], segments: &[&'a str]) -> Option<Self> {
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        Some(match (method, low) {
            ("POST", ["roledefinitions"]) => Self::CreateRole,
            ("PATCH", ["roledefinitions", _]) => Self::UpdateRole(at(1)),
            ("DELETE", ["roledefinitions", _]) => Self::DeleteRole(at(1)),
            ("POST", ["roleassignments"]) => Self::CreateAssignment,
            ("DELETE", ["roleassignments", _]) => Self::DeleteAssignment(at(1)),
            ("POST", ["roleassignmentschedulerequests"]) => Self::Request(Schedule::Assignment),
            ("POST", ["roleeligibilityschedulerequests"]) => Self::Request(Schedule::Eligibility),
            _ => return None,
        })
    }

    fn of_access(method: &str, low: &[&str], segments: &[&'a str]) -> Option<Self> {
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        let kind = |segment: &str| match segment {
            "policies" => Some(Access::Policy),
            "namedlocations" => Some(Access::Location),
            _ => None,
        };
        Some(match (method, low) {
            ("POST", ["evaluate"]) => Self::WhatIf,
            ("POST", [list]) => Self::CreateAccess(kind(list)?),
            ("PATCH", [list, _]) => Self::UpdateAccess(kind(list)?, at(1)),
            ("DELETE", ["deleteditems", list, _]) => Self::PurgeAccess(kind(list)?, at(2)),
            ("DELETE", [list, _]) => Self::DeleteAccess(kind(list)?, at(1)),
            (
                "POST",
                [
                    "deleteditems",
                    list,
                    _,
                    "restore" | "microsoft.graph.restore",
                ],
            ) => Self::RestoreAccess(kind(list)?, at(2)),
            _ => return None,
        })
    }

    fn of_strength(method: &str, low: &[&str], segments: &[&'a str]) -> Option<Self> {
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        Some(match (method, low) {
            ("POST", []) => Self::CreateStrength,
            ("PATCH", [_]) => Self::UpdateStrength(at(0)),
            ("DELETE", [_]) => Self::DeleteStrength(at(0)),
            (
                "POST",
                [
                    _,
                    "updateallowedcombinations" | "microsoft.graph.updateallowedcombinations",
                ],
            ) => Self::UpdateCombinations(at(0)),
            ("POST", [_, "combinationconfigurations"]) => Self::CreateConfiguration(at(0)),
            ("PATCH", [_, "combinationconfigurations", _]) => {
                Self::UpdateConfiguration(at(0), at(2))
            }
            ("DELETE", [_, "combinationconfigurations", _]) => {
                Self::DeleteConfiguration(at(0), at(2))
            }
            _ => return None,
        })
    }

    fn of_methods(method: &str, user: &'a str, low: &[&str], segments: &[&'a str]) -> Option<Self> {
        let at = |index: usize| segments.get(index).copied().unwrap_or_default();
        Some(match (method, low) {
            ("GET", ["fido2methods", name]) => {
                let name = name.strip_prefix("microsoft.graph.").unwrap_or(name);
                let argument = name.strip_prefix(OPTIONS)?;
                let argument = match argument {
                    "" | "()" => None,
                    _ => Some(at(1).get(at(1).find('(')?..)?),
                };
                Self::CreationOptions(user, argument)
            }
            ("POST", ["fido2methods"]) => Self::RegisterKey(user),
            ("POST", ["temporaryaccesspassmethods"]) => Self::CreatePass(user),
            ("POST", ["phonemethods"]) => Self::CreatePhone(user),
            ("PATCH", ["phonemethods", _]) => Self::UpdatePhone(user, at(1)),
            (
                "POST",
                [
                    "methods",
                    _,
                    "resetpassword" | "microsoft.graph.resetpassword",
                ],
            ) => Self::ResetPassword(user, at(1)),
            ("DELETE", [list, _]) => {
                let (_, kind) = METHODS.iter().find(|(segment, _)| segment == list)?;
                Self::DeleteMethod(user, kind, at(1))
            }
            _ => return None,
        })
    }
}

fn link(segment: &str) -> Link {
    match segment {
        "owners" => Link::Owners,
        _ => Link::Members,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_without_regard_to_case_and_ids_kept() {
        let of = |method: &str, path: &'static str| {
            let segments: Vec<&str> = path.split('/').collect();
            Call::of(method, &segments)
        };
        assert_eq!(
            of("PATCH", "Identity/ConditionalAccess/Policies/AbC"),
            Some(Call::UpdateAccess(Access::Policy, "AbC"))
        );
        assert_eq!(
            of("DELETE", "directory/administrativeUnits/u/members/m/$ref"),
            Some(Call::RemoveLink(Owner::Unit, "u", Link::Members, "m"))
        );
        assert_eq!(
            of(
                "GET",
                "users/u/authentication/fido2Methods/creationOptions(challengeTimeoutInMinutes=60)"
            ),
            Some(Call::CreationOptions(
                "u",
                Some("(challengeTimeoutInMinutes=60)")
            ))
        );
        assert_eq!(
            of("GET", "users/u/authentication/fido2Methods/creationOptions"),
            Some(Call::CreationOptions("u", None))
        );
        assert_eq!(of("GET", "users/u/authentication/fido2Methods/id"), None);
        assert_eq!(of("PATCH", "users/u/authentication/methods"), None);
        assert_eq!(of("GET", "users"), None);
    }
}
