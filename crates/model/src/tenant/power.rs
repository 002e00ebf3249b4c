//! Permissions of Microsoft Graph by which an application can reach an emergency access account.

/// A permission that an application can hold for itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Power {
    /// Its name.
    pub permission: &'static str,
    /// Id of the app role, the same in every tenant of the public cloud (Microsoft Graph, *permissions reference*).
    pub role: &'static str,
    /// Whether it reaches the accounts although a restricted unit holds them: it changes roles, units, policies or what
    /// applications may do. The others change the objects themselves, which the unit forbids (Microsoft Entra,
    /// *Restricted management administrative units*).
    pub above_unit: bool,
}

const fn above(permission: &'static str, role: &'static str) -> Power {
    Power {
        permission,
        role,
        above_unit: true,
    }
}

const fn below(permission: &'static str, role: &'static str) -> Power {
    Power {
        permission,
        role,
        above_unit: false,
    }
}

/// All of them: by these an account can be locked out, lose its role, or be used by somebody else.
pub const POWERS: &[Power] = &[
    above(
        "AdministrativeUnit.ReadWrite.All",
        "5eb59dd3-1da2-4329-8733-9dabdc435916",
    ),
    above(
        "AppRoleAssignment.ReadWrite.All",
        "06b708a9-e830-4db3-a914-8e69da51d44f",
    ),
    above(
        "Application.ReadWrite.All",
        "1bfefb4e-e0b5-418b-a88f-73c46d2cc8e9",
    ),
    above(
        "Policy.ReadWrite.AuthenticationMethod",
        "29c18626-4985-4dcd-85c0-193eef327366",
    ),
    above(
        "Policy.ReadWrite.ConditionalAccess",
        "01c0a623-fc9b-48e9-b794-0756f8e8f067",
    ),
    above(
        "Policy.ReadWrite.SecurityDefaults",
        "1c6e93a6-28e2-4cbb-9f64-1a46a821124d",
    ),
    above(
        "RoleAssignmentSchedule.ReadWrite.Directory",
        "dd199f4a-f148-40a4-a2ec-f0069cc799ec",
    ),
    above(
        "RoleEligibilitySchedule.ReadWrite.Directory",
        "fee28b28-e1f3-4841-818e-2704dc62245f",
    ),
    above(
        "RoleManagement.ReadWrite.Directory",
        "9e3f62cf-ca93-4989-b6ce-bf83c28f9fe8",
    ),
    above(
        "RoleManagementPolicy.ReadWrite.Directory",
        "31e08e0a-d3f7-4ca2-ac39-7343fb83e8ad",
    ),
    below(
        "Directory.ReadWrite.All",
        "19dbc75e-c2e2-444c-a770-ec69d8559fc7",
    ),
    below(
        "Group.ReadWrite.All",
        "62a82d76-70ea-41e2-9197-370581804d09",
    ),
    below(
        "GroupMember.ReadWrite.All",
        "dbaae8cf-10b5-4b86-a4a1-f871c94c6695",
    ),
    below(
        "User-PasswordProfile.ReadWrite.All",
        "cc117bb9-00cf-4eb8-b580-ea2a878fe8f7",
    ),
    below(
        "User.DeleteRestore.All",
        "eccc023d-eccf-4e7b-9683-8813ab36cecc",
    ),
    below(
        "User.EnableDisableAccount.All",
        "3011c876-62b7-4ada-afa2-506cbbecc68c",
    ),
    below("User.ReadWrite.All", "741f803b-c850-494e-b5df-cde7c675a1ca"),
    below(
        "UserAuthMethod-Passkey.ReadWrite.All",
        "0400e371-7db1-4338-a269-96069eb65227",
    ),
    below(
        "UserAuthMethod-TAP.ReadWrite.All",
        "627169a8-8c15-451c-861a-5b80e383de5c",
    ),
    below(
        "UserAuthenticationMethod.ReadWrite.All",
        "50483e42-d915-4231-9639-7fdb7fd190e5",
    ),
];

#[cfg(test)]
mod tests {
    use super::POWERS;
    use std::collections::BTreeSet;

    #[test]
    fn m1_every_power_has_its_own_id() {
        let roles: BTreeSet<_> = POWERS.iter().map(|power| power.role).collect();
        assert_eq!(roles.len(), POWERS.len());
        for power in POWERS {
            assert!(
                uuid::Uuid::parse_str(power.role).is_ok(),
                "{}",
                power.permission
            );
        }
    }
}
