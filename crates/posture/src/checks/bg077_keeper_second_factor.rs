//! M4: activation asks for a second factor that the keeper can give.

use breakglass_model::{Finding, Reading, Severity, tenant::MethodKind};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::{PIM_SETTINGS, Seen},
    directory::{Keeper, names},
};

pub(super) const CHECK: Check = Check {
    id: "BG077",
    name: "keeper-second-factor",
    requirement: "M4",
    title: "Activating the role at the unit asks for a second factor that can be given",
    severity: Severity::Medium,
    what: "Looks at the PIM settings of every role at the restricted unit of the accounts: multifactor authentication, or an authentication context that an enabled Conditional Access policy asks for; and whether every keeper has a method besides the password.",
    rationale: "A context that no policy names asks for nothing. A factor that the keeper never registered makes a role that cannot be activated when it is needed.",
    fix: "Entra admin center > Identity Governance > Privileged Identity Management > Microsoft Entra roles > Settings > {subject} > Edit: on activation, require Azure MFA, or an authentication context with an enabled Conditional Access policy on it; let the keepers named in the evidence register a method.",
    controls: &["NIST IA-2(1)", "CIS Controls 6.5"],
    references: &[PIM_SETTINGS],
    run,
};

fn judge(context: &Context<'_>, keeper: &Keeper<'_>) -> Finding {
    let name = keeper.name.as_str();
    let pim = match context.pim(keeper.role) {
        Ok(pim) => pim,
        Err(missing) => return CHECK.unread(name, &missing),
    };
    let how = match pim.context() {
        Some(claim) => {
            let asked = context.snapshot.policies.iter().any(|policy| {
                policy.state.as_deref() == Some("enabled")
                    && names(
                        policy.raw.pointer(
                            "/conditions/applications/includeAuthenticationContextClassReferences",
                        ),
                        claim,
                    )
            });
            if !asked {
                return match &context.snapshot.policies.missing {
                    Some(missing) => CHECK.unread(name, missing),
                    None => CHECK
                        .fail(name, "the authentication context that activation asks for is in no enabled policy, so it asks for nothing")
                        .seen(keeper.object(), "AuthenticationContext_EndUser_Assignment", claim),
                };
            }
            format!("context {claim}")
        }
        None if pim.asks_for("MultiFactorAuthentication") => {
            "multifactor authentication".to_owned()
        }
        None => {
            return CHECK
                .fail(name, "activation asks for no second factor")
                .seen(
                    keeper.object(),
                    "Enablement_EndUser_Assignment",
                    enabled(&pim),
                );
        }
    };
    for who in keeper.eligible() {
        let person = context.principal(who);
        let Some(user) = context.snapshot.user(who) else {
            if context.snapshot.group(who).is_some() {
                // Members of a group are not followed here: BG076 and the register know the people.
                continue;
            }
            return match &context.snapshot.users.missing {
                Some(missing) => CHECK.unread(name, missing),
                None => CHECK
                    .fail(
                        name,
                        "the one who can activate the role is not in the tenant",
                    )
                    .seen(keeper.object(), "principal", person),
            };
        };
        match &user.methods {
            Reading::Read(methods)
                if methods.iter().all(|own| own.kind == MethodKind::Password) =>
            {
                return CHECK
                    .fail(
                        name,
                        format!(
                            "{person} has no method besides a password and cannot activate the role"
                        ),
                    )
                    .seen(
                        format!("users/{who}/authentication/methods"),
                        "method",
                        "password",
                    );
            }
            Reading::Read(_) => {}
            Reading::NotRead(why) => {
                return CHECK.unknown(
                    name,
                    "users/authentication/methods",
                    why,
                    "UserAuthenticationMethod.Read.All",
                );
            }
        }
    }
    CHECK
        .pass(
            name,
            format!("activation asks for {how}, and the keepers can give it"),
        )
        .seen(keeper.object(), "activation", how)
}

fn enabled(pim: &crate::directory::Pim<'_>) -> String {
    pim.rule("Enablement_EndUser_Assignment")
        .and_then(|rule| rule.get("enabledRules"))
        .map_or_else(String::new, Value::to_string)
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_keeper(&CHECK, |keeper| judge(context, keeper))
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, method};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};
    use breakglass_model::tenant::MethodKind;
    use serde_json::json;

    #[test]
    fn m4_no_second_factor_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.keeper_rule("Enablement_EndUser_Assignment")["enabledRules"] =
            json!(["Justification"]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn m4_a_context_needs_a_policy() {
        let mut world = World::modern();
        let rule = world.keeper_rule("AuthenticationContext_EndUser_Assignment");
        rule["isEnabled"] = json!(true);
        rule["claimValue"] = json!("c1");
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.policy(
            json!({"id": "ctx", "displayName": "Context", "state": "enabled",
            "conditions": {"users": {"includeUsers": ["adm1"]},
                "applications": {"includeAuthenticationContextClassReferences": ["c1"]}},
            "grantControls": {"operator": "OR", "builtInControls": ["mfa"]}}),
        );
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
    }

    #[test]
    fn m4_a_keeper_with_a_password_only_fails() {
        let mut world = World::modern();
        world.user("adm1").methods = Reading::Read(vec![method(MethodKind::Password)]);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
