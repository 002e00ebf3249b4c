//! A4: the settings of the role allow an assignment without an end.

use breakglass_model::{Finding, ObjectId, Severity, tenant::GLOBAL_ADMINISTRATOR};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::{PIM_SETTINGS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG082",
    name: "permanent-assignment-allowed",
    requirement: "A4",
    title: "The settings of Global Administrator allow a permanent active assignment",
    severity: Severity::Medium,
    what: "Looks at the PIM settings of Global Administrator: whether active assignments must expire.",
    rationale: "Where they must, the next account cannot be given the role for good, and the one that is renewed gets an end date that nobody watches.",
    fix: "Entra admin center > Identity Governance > Privileged Identity Management > Microsoft Entra roles > Settings > Global Administrator > Edit > Assignment: allow permanent active assignment.",
    controls: &["SCuBA MS.AAD.7.4v1", "NIST AC-2(2)"],
    references: &[PIM_SETTINGS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    const RULE: &str = "Expiration_Admin_Assignment";
    let pim = match ObjectId::parse(GLOBAL_ADMINISTRATOR).map(|role| context.pim(&role)) {
        Ok(Ok(pim)) => pim,
        Ok(Err(missing)) => return vec![CHECK.unread("tenant", &missing)],
        Err(_) => return Vec::new(),
    };
    let required = pim
        .rule(RULE)
        .and_then(|rule| rule.get("isExpirationRequired"))
        .and_then(Value::as_bool);
    let finding = match required {
        Some(false) => CHECK.pass(
            "tenant",
            "active assignments of Global Administrator need no end",
        ),
        Some(true) => CHECK.fail(
            "tenant",
            "active assignments of Global Administrator must expire",
        ),
        None => {
            return vec![CHECK.unknown(
                "tenant",
                "roleManagementPolicyAssignments/Expiration_Admin_Assignment",
                "the rule is not in the input",
                "RoleManagement.Read.Directory",
            )];
        }
    };
    vec![finding.seen(
        format!("policies/roleManagementPolicies/rules/{RULE}"),
        "isExpirationRequired",
        required.unwrap_or_default(),
    )]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn a4_settings_that_force_an_end_fail() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        let rule = &mut world.listed("roleManagementPolicyAssignments")[1]["policy"]["rules"][0];
        rule["isExpirationRequired"] = json!(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.listed("roleManagementPolicyAssignments").pop();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
