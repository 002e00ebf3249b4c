//! C1: security defaults do not stand in the place of Conditional Access.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{Check, Context, catalogue::Seen};

pub(super) const CHECK: Check = Check {
    id: "BG094",
    name: "security-defaults-off",
    requirement: "C1",
    title: "Security defaults do not stand in the place of Conditional Access",
    severity: Severity::High,
    what: "Looks at the security defaults of the tenant: while they are on, no policy can be enabled, nobody can be excluded, and no dedicated policy guards the accounts.",
    rationale: "Security defaults ask everybody for Microsoft's choice of a second factor and know no exception. Switching them on in an emergency switches the protection of the accounts off.",
    fix: "First enable policies that do the same, with the accounts' group excluded; then Entra admin center > Overview > Properties > Manage security defaults: disabled.",
    controls: &["CIS M365 5.2.2.1"],
    references: &["https://learn.microsoft.com/entra/fundamentals/security-defaults"],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    const NAME: &str = "identitySecurityDefaultsEnforcementPolicy";
    let policy = match context.only(NAME, "Policy.Read.All") {
        Ok(policy) => policy,
        Err(missing) => return vec![CHECK.unread("tenant", &missing)],
    };
    let finding = match policy.get("isEnabled").and_then(Value::as_bool) {
        Some(false) => CHECK.pass("tenant", "security defaults are off"),
        Some(true) => CHECK.fail("tenant", "security defaults are on: no Conditional Access policy can guard or spare the accounts"),
        None => return vec![CHECK.unknown("tenant", NAME, "the input does not tell whether they are on", "Policy.Read.All")],
    };
    vec![finding.seen(
        format!("policies/{NAME}"),
        "isEnabled",
        policy["isEnabled"].clone(),
    )]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    #[test]
    fn c1_security_defaults_that_are_on_fail() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.listed("identitySecurityDefaultsEnforcementPolicy")[0]["isEnabled"] = json!(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world
            .snapshot
            .other
            .remove("identitySecurityDefaultsEnforcementPolicy");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
