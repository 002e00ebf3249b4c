//! K5: the account passes Microsoft's mandatory multifactor authentication.

use breakglass_conditional_access::Truth;
use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context, GuardedAccount,
    catalogue::{MANDATORY_MFA, Seen},
    facts::kind_name,
};

pub(super) const CHECK: Check = Check {
    id: "BG048",
    name: "mandatory-mfa",
    requirement: "K5",
    title: "The account passes Microsoft's mandatory multifactor authentication",
    severity: Severity::Critical,
    what: "Judges whether a registered method that the methods policy allows satisfies multifactor authentication without any device of its own.",
    rationale: "Microsoft asks for multifactor authentication in the admin portals and tools whatever Conditional Access says: an account that is excluded from everything and has a password can't sign in.",
    fix: "Register a FIDO2 security key for {subject}, of a model that the authentication methods policy allows: plug it in and `breakglass key enroll --account <account> --label <label> --serial <serial> --envelope <envelope>`; then try it.",
    controls: &["NIST IA-2(1)", "CIS M365 5.2.2.1"],
    references: &[MANDATORY_MFA],
    run,
};

/// A finding with the methods that it rests on.
fn methods(account: &GuardedAccount<'_>, finding: Finding) -> Finding {
    let methods = account.user.and_then(|user| user.methods.get());
    let kinds: Vec<&str> = methods
        .into_iter()
        .flatten()
        .map(|own| kind_name(&own.kind))
        .collect();
    let object = format!("{}/authentication/methods", account.object());
    finding.seen(object, "method", kinds.join(", "))
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_proof(&CHECK, |account, proved| match proved.subject.second_factor() {
        Truth::Yes => methods(account, CHECK.pass(&account.subject, "a registered method is a second factor on any device")),
        Truth::No => methods(account, CHECK.fail(
            &account.subject,
            "no registered method that may be used satisfies multifactor authentication on an unmanaged device",
        )),
        Truth::Unknown => match proved.identity.methods.why() {
            Some(why) => CHECK.unknown(
                &account.subject,
                "users/authentication/methods",
                why,
                "UserAuthenticationMethod.Read.All",
            ),
            None => CHECK.cannot_tell(
                &account.subject,
                "whether the registered methods may be used is not known: their binding or the methods policy decides",
                "Register a FIDO2 security key, and add the authentication methods policy to the input.",
            ),
        },
    })
}

#[cfg(test)]
mod tests {
    use breakglass_model::{
        Reading,
        Verdict::{CannotTell, Fail, Pass},
        tenant::MethodKind,
    };

    use super::CHECK;
    use crate::testing::{World, method};

    #[test]
    fn k5_excluded_from_everything_with_a_password_is_out() {
        let mut world = World::modern();
        world.user("bg2").methods = Reading::Read(vec![method(MethodKind::Password)]);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
        world.user("bg2").methods = Reading::NotRead("refused".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Pass, CannotTell]);
    }
}
