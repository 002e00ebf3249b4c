//! Which permissions a write needs (Microsoft Graph, *permissions reference*).

use super::call::{Access, Call, Owner, Schedule};

/// All of these groups, any one of each.
pub(crate) type Needs = &'static [&'static [&'static str]];

const DIRECTORY: &str = "Directory.ReadWrite.All";
const POLICY_READ: &[&str] = &["Policy.Read.All"];
const ACCESS_WRITE: &[&str] = &["Policy.ReadWrite.ConditionalAccess"];

/// What a call needs. What depends on the body (`passwordProfile`, a role-assignable group) is checked with it.
pub(super) const fn of(call: &Call<'_>) -> Needs {
    match call {
        Call::CreateUser => &[&["User.ReadWrite.All", DIRECTORY]],
        Call::UpdateUser(_) => &[&[
            "User.ReadWrite.All",
            "User.EnableDisableAccount.All",
            "User-PasswordProfile.ReadWrite.All",
            DIRECTORY,
            "Directory.AccessAsUser.All",
        ]],
        Call::DeleteUser(_) => &[&["User.DeleteRestore.All", "User.ReadWrite.All", DIRECTORY]],
        Call::RevokeSessions(_) => &[&["User.RevokeSessions.All", "User.ReadWrite.All", DIRECTORY]],
        Call::Restore(_) | Call::Purge(_) => &[&[
            "User.DeleteRestore.All",
            "User.ReadWrite.All",
            "Group.ReadWrite.All",
            DIRECTORY,
        ]],
        Call::CreateGroup => &[&["Group.Create", "Group.ReadWrite.All", DIRECTORY]],
        Call::UpdateGroup(_) | Call::DeleteGroup(_) => &[&["Group.ReadWrite.All", DIRECTORY]],
        Call::AddLink(Owner::Group, ..) | Call::RemoveLink(Owner::Group, ..) => &[&[
            "GroupMember.ReadWrite.All",
            "Group.ReadWrite.All",
            DIRECTORY,
        ]],
        Call::CreateUnit
        | Call::UpdateUnit(_)
        | Call::DeleteUnit(_)
        | Call::AddLink(Owner::Unit, ..)
        | Call::RemoveLink(Owner::Unit, ..) => &[&["AdministrativeUnit.ReadWrite.All", DIRECTORY]],
        Call::AddScopedRole(_)
        | Call::RemoveScopedRole(..)
        | Call::CreateRole
        | Call::UpdateRole(_)
        | Call::DeleteRole(_)
        | Call::CreateAssignment
        | Call::DeleteAssignment(_) => &[&["RoleManagement.ReadWrite.Directory"]],
        Call::Request(Schedule::Assignment) => &[&[
            "RoleAssignmentSchedule.ReadWrite.Directory",
            "RoleManagement.ReadWrite.Directory",
        ]],
        Call::Request(Schedule::Eligibility) => &[&[
            "RoleEligibilitySchedule.ReadWrite.Directory",
            "RoleManagement.ReadWrite.Directory",
        ]],
        Call::UpdateRule(..) => &[&[
            "RoleManagementPolicy.ReadWrite.Directory",
            "RoleManagement.ReadWrite.Directory",
        ]],
        Call::CreateAccess(Access::Policy) | Call::UpdateAccess(Access::Policy, _) => {
            &[POLICY_READ, ACCESS_WRITE, &["Application.Read.All"]]
        }
        Call::CreateAccess(Access::Location)
        | Call::UpdateAccess(Access::Location, _)
        | Call::DeleteAccess(..)
        | Call::RestoreAccess(..)
        | Call::PurgeAccess(..) => &[POLICY_READ, ACCESS_WRITE],
        Call::WhatIf => &[&["Policy.Read.ConditionalAccess", "Policy.Read.All"]],
        Call::CreateStrength
        | Call::UpdateStrength(_)
        | Call::DeleteStrength(_)
        | Call::UpdateCombinations(_)
        | Call::CreateConfiguration(_)
        | Call::UpdateConfiguration(..)
        | Call::DeleteConfiguration(..) => &[&[
            "Policy.ReadWrite.ConditionalAccess",
            "Policy.ReadWrite.AuthenticationMethod",
        ]],
        Call::UpdateMethodsPolicy | Call::UpdateMethodConfiguration(_) => {
            &[&["Policy.ReadWrite.AuthenticationMethod"]]
        }
        Call::UpdateAuthorization => &[&["Policy.ReadWrite.Authorization"]],
        Call::UpdateSecurityDefaults => &[POLICY_READ, &["Policy.ReadWrite.SecurityDefaults"]],
        Call::CreationOptions(..) | Call::RegisterKey(_) => &[&[
            "UserAuthMethod-Passkey.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        Call::CreatePass(_) => &[&[
            "UserAuthMethod-TAP.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        Call::CreatePhone(_) | Call::UpdatePhone(..) => &[&[
            "UserAuthMethod-Phone.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        Call::DeleteMethod(_, kind, _) => of_kind(kind),
        Call::ResetPassword(..) => &[&[
            "UserAuthMethod-Password.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
    }
}

const fn of_kind(kind: &str) -> Needs {
    match kind.as_bytes() {
        b"fido2AuthenticationMethod" => &[&[
            "UserAuthMethod-Passkey.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        b"temporaryAccessPassAuthenticationMethod" => &[&[
            "UserAuthMethod-TAP.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        b"phoneAuthenticationMethod" => &[&[
            "UserAuthMethod-Phone.ReadWrite.All",
            "UserAuthenticationMethod.ReadWrite.All",
        ]],
        _ => &[&["UserAuthenticationMethod.ReadWrite.All"]],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_policy_needs_three_permissions_and_its_deletion_two() {
        assert_eq!(of(&Call::CreateAccess(Access::Policy)).len(), 3);
        assert_eq!(of(&Call::DeleteAccess(Access::Policy, "x")).len(), 2);
        assert_eq!(of_kind("emailAuthenticationMethod")[0].len(), 1);
    }
}
