//! K4: no weak or personal method stands beside the keys.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::kind_name;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;
use breakglass_model::tenant::MethodKind;

pub(super) const CHECK: Check = Check {
    id: "BG024",
    name: "no-weak-method",
    requirement: "K4",
    title: "No weak or personal method stands beside the keys",
    severity: Severity::High,
    what: "Looks for methods that are phishable or hang on a phone, an inbox or a PC.",
    rationale: "The weakest method decides: a phone number beside the keys is a way in, and it is somebody's phone.",
    fix: "Entra admin center > Users > {subject} > Authentication methods: delete the methods named in the evidence.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-2(1)"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let methods = match &user.methods {
            Reading::Read(methods) => methods,
            Reading::NotRead(why) => {
                return CHECK.unknown(
                    &account.subject,
                    "users/authentication/methods",
                    why,
                    "UserAuthenticationMethod.Read.All",
                );
            }
        };
        let object = format!("{}/authentication/methods", account.object());
        let weak: Vec<&str> = methods
            .iter()
            .filter(|m| {
                !matches!(
                    m.kind,
                    MethodKind::Fido2
                        | MethodKind::Password
                        | MethodKind::Certificate
                        | MethodKind::Other(_)
                )
            })
            .map(|m| kind_name(&m.kind))
            .collect();
        if !weak.is_empty() {
            return CHECK
                .fail(&account.subject, "a weak or personal method is registered")
                .seen(object, "method", weak.join(", "));
        }
        let other = methods
            .iter()
            .find(|m| matches!(m.kind, MethodKind::Other(_)));
        if let Some(other) = other {
            return CHECK.unknown(
                &account.subject,
                "the strength of a method",
                &format!("`{}` is not known", kind_name(&other.kind)),
                "",
            );
        }
        let kinds: Vec<&str> = methods.iter().map(|m| kind_name(&m.kind)).collect();
        CHECK
            .pass(
                &account.subject,
                "only keys, and at most a password or a certificate, are registered",
            )
            .seen(object, "method", kinds.join(", "))
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{FEITIAN, World, key, method};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};
    use breakglass_model::tenant::MethodKind;

    #[test]
    fn k4_phone_fails() {
        let mut world = World::modern();
        world.user("bg2").methods = Reading::Read(vec![key(FEITIAN), method(MethodKind::Phone)]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }
}
