//! K4: administrators cannot reset their passwords by phone and mail.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{Check, Context, catalogue::Seen};

pub(super) const CHECK: Check = Check {
    id: "BG085",
    name: "no-self-service-reset",
    requirement: "K4",
    title: "Administrators cannot reset their own passwords",
    severity: Severity::Low,
    what: "Looks at `allowedToUseSSPR` of the authorization policy, which is on unless somebody switches it off and lets every administrator reset the password by two methods of the phone or inbox kind.",
    rationale: "Self-service reset takes weak and personal methods, and asks for them to be registered. The accounts shall have none.",
    fix: "az rest --method PATCH --url https://graph.microsoft.com/v1.0/policies/authorizationPolicy --body '{\"allowedToUseSSPR\":false}'",
    controls: &["NIST IA-5", "CIS M365 1.1.2"],
    references: &["https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy"],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let policy = match context.only("authorizationPolicy", "Policy.Read.All") {
        Ok(policy) => policy,
        Err(missing) => return vec![CHECK.unread("tenant", &missing)],
    };
    let field = "allowedToUseSSPR";
    let finding = match policy.get(field).and_then(Value::as_bool) {
        Some(false) => CHECK.pass("tenant", "administrators cannot reset their own passwords"),
        Some(true) => CHECK.fail(
            "tenant",
            "administrators can reset their own passwords by phone or mail",
        ),
        None => {
            return vec![CHECK.unknown(
                "tenant",
                "authorizationPolicy/allowedToUseSSPR",
                "the input does not tell it",
                "Policy.Read.All",
            )];
        }
    };
    vec![finding.seen("policies/authorizationPolicy", field, policy[field].clone())]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn k4_self_service_reset_for_administrators_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.listed("authorizationPolicy")[0]["allowedToUseSSPR"] = json!(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.listed("authorizationPolicy").clear();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
