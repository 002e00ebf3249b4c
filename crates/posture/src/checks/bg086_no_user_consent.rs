//! M1: users cannot consent to any application.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{Check, Context, catalogue::Seen};

pub(super) const CHECK: Check = Check {
    id: "BG086",
    name: "no-user-consent",
    requirement: "M1",
    title: "Users cannot consent to just any application",
    severity: Severity::Low,
    what: "Looks at the consent policies that ordinary users have in the authorization policy; the legacy one, which allows any application, fails.",
    rationale: "An administrator who is tricked into consenting hands an application his powers over the tenant, accounts and policies included. It is the usual first step towards the permissions of BG070.",
    fix: "Entra admin center > Enterprise applications > Consent and permissions > User consent settings: for verified publishers and low-impact permissions, or not at all.",
    controls: &["NIST AC-6(5)"],
    references: &[
        "https://learn.microsoft.com/entra/identity/enterprise-apps/configure-user-consent",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let policy = match context.only("authorizationPolicy", "Policy.Read.All") {
        Ok(policy) => policy,
        Err(missing) => return vec![CHECK.unread("tenant", &missing)],
    };
    let field = "defaultUserRolePermissions.permissionGrantPoliciesAssigned";
    let assigned = policy
        .pointer("/defaultUserRolePermissions/permissionGrantPoliciesAssigned")
        .and_then(Value::as_array);
    let Some(assigned) = assigned else {
        return vec![CHECK.unknown(
            "tenant",
            &format!("authorizationPolicy/{field}"),
            "the input does not tell it",
            "Policy.Read.All",
        )];
    };
    let words: Vec<&str> = assigned.iter().filter_map(Value::as_str).collect();
    let finding = if words.iter().any(|word| {
        word.to_lowercase()
            .ends_with("microsoft-user-default-legacy")
    }) {
        CHECK.fail("tenant", "users can consent to any application")
    } else {
        CHECK.pass("tenant", "users cannot consent to just any application")
    };
    vec![finding.seen("policies/authorizationPolicy", field, words.join(", "))]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn m1_consent_to_anything_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        let policy = &mut world.listed("authorizationPolicy")[0];
        policy["defaultUserRolePermissions"]["permissionGrantPoliciesAssigned"] =
            json!(["ManagePermissionGrantsForSelf.microsoft-user-default-legacy"]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.listed("authorizationPolicy")[0] = json!({});
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
