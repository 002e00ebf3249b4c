//! K1: a FIDO2 passkey is registered.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::MANDATORY_MFA;
use crate::catalogue::Seen;
use crate::facts::fido2;
use crate::facts::kind_name;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG018",
    name: "fido2-key",
    requirement: "K1",
    title: "A FIDO2 passkey is registered",
    severity: Severity::Critical,
    what: "Looks for a FIDO2 passkey among the methods of the account.",
    rationale: "Microsoft demands multifactor authentication from every administrator: an account with a password alone cannot sign in to the admin portals.",
    fix: "Register a security key: security info page (mysignins.microsoft.com/security-info), signed in as {subject}: Add sign-in method > Security key.",
    controls: &["SCuBA MS.AAD.3.6v1", "NIST IA-2(1)", "CIS Controls 6.5"],
    references: &[EMERGENCY_ACCESS, MANDATORY_MFA],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| match &user.methods {
        Reading::Read(methods) if fido2(methods).is_empty() => methods.iter().fold(
            CHECK
                .fail(&account.subject, "no FIDO2 passkey is registered")
                .seen(
                    format!("{}/authentication/methods", account.object()),
                    "methods read",
                    methods.len(),
                ),
            |f, m| {
                f.seen(
                    format!("{}/authentication/methods", account.object()),
                    "method",
                    kind_name(&m.kind),
                )
            },
        ),
        Reading::Read(methods) => {
            let keys = fido2(methods);
            let finding = CHECK.pass(
                &account.subject,
                format!("{} FIDO2 passkeys are registered", keys.len()),
            );
            keys.into_iter().fold(finding, |finding, key| {
                let name = key.name.as_deref().or(key.id.as_deref());
                finding.seen(
                    format!("{}/authentication/methods", account.object()),
                    "fido2AuthenticationMethod",
                    name.unwrap_or("one without a name"),
                )
            })
        }
        Reading::NotRead(why) => CHECK.unknown(
            &account.subject,
            "users/authentication/methods",
            why,
            "UserAuthenticationMethod.Read.All",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, method};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use breakglass_model::tenant::MethodKind;

    #[test]
    fn k1_password_only_fails() {
        let mut world = World::modern();
        world.user("bg1").methods = Reading::Read(vec![method(MethodKind::Password)]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn k1_methods_unread_cannot_tell() {
        let mut world = World::modern();
        world.user("bg1").methods = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass]);
    }
}
