//! A9: the password neither expires nor has to be changed at the next sign-in.

use breakglass_model::{Finding, Reading, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
};

pub(super) const CHECK: Check = Check {
    id: "BG083",
    name: "password-state",
    requirement: "A9",
    title: "The password does not expire and need not be changed at sign-in",
    severity: Severity::Medium,
    what: "Looks at the password policies of the account, the validity of passwords in its domain, and whether a change is forced at the next sign-in.",
    rationale: "A forced change stands between the person and the tenant at the worst moment, and asks for a password that nobody knows. Credentials of these accounts must not expire.",
    fix: "az rest --method PATCH --url https://graph.microsoft.com/v1.0/users/{subject} --body '{\"passwordPolicies\":\"DisablePasswordExpiration\"}'; clear a forced change: the same with '{\"passwordProfile\":{\"forceChangePasswordNextSignIn\":false}}'.",
    controls: &["NIST IA-5", "CIS M365 1.1.2", "ISM 1685"],
    references: &[
        EMERGENCY_ACCESS,
        "https://learn.microsoft.com/entra/identity/authentication/concept-sspr-policy",
    ],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let password = &user.password;
        if password.must_change == Reading::Read(true) {
            return CHECK
                .fail(subject, "the password must be changed at the next sign-in")
                .seen(
                    account.object(),
                    "passwordProfile.forceChangePasswordNextSignIn",
                    true,
                );
        }
        let of_domain = user.domain().and_then(|name| {
            let mut domains = context.snapshot.domains.iter();
            domains.find(|own| own.name.eq_ignore_ascii_case(name))
        });
        let days = of_domain.map(|own| &own.password_days);
        let finding = match (&password.never_expires, days) {
            (Reading::Read(true), _) => CHECK.pass(subject, "the password never expires"),
            (_, Some(Reading::Read(None))) => {
                CHECK.pass(subject, "passwords of the domain never expire")
            }
            (Reading::Read(false), Some(Reading::Read(Some(days)))) => CHECK
                .fail(subject, format!("the password expires after {days} days"))
                .seen(
                    format!("domains/{}", user.domain().unwrap_or_default()),
                    "passwordValidityPeriodInDays",
                    days,
                ),
            (Reading::Read(false), Some(Reading::NotRead(why))) => {
                return CHECK.unknown(
                    subject,
                    "domains/passwordValidityPeriodInDays",
                    why,
                    "Domain.Read.All",
                );
            }
            (Reading::Read(false), None) => match &context.snapshot.domains.missing {
                Some(missing) => return CHECK.unread(subject, missing),
                None => {
                    return CHECK.unknown(
                        subject,
                        "domains/passwordValidityPeriodInDays",
                        "the domain of the account is not in the input",
                        "Domain.Read.All",
                    );
                }
            },
            (Reading::NotRead(why), _) => {
                return CHECK.unknown(subject, "users/passwordPolicies", why, "User.Read.All");
            }
        };
        if let (Reading::NotRead(why), breakglass_model::Verdict::Pass) =
            (&password.must_change, finding.verdict)
        {
            return CHECK.unknown(subject, "users/passwordProfile", why, "User.Read.All");
        }
        let policies = match &password.never_expires {
            Reading::Read(true) => "DisablePasswordExpiration",
            Reading::Read(false) => "without DisablePasswordExpiration",
            Reading::NotRead(_) => "not read",
        };
        let finding = finding.seen(account.object(), "passwordPolicies", policies);
        match password.changed.get() {
            Some(Some(changed)) => {
                finding.seen(account.object(), "lastPasswordChangeDateTime", changed)
            }
            _ => finding,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a9_a_password_that_expires_or_must_be_changed_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.user("bg1").password.must_change = Reading::Read(true);
        world.user("bg2").password.never_expires = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
        world.snapshot.domains.items[0].password_days = Reading::Read(Some(90));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }

    #[test]
    fn a9_an_unread_password_state_cannot_tell() {
        let mut world = World::modern();
        world.user("bg1").password.must_change = Reading::default();
        world.user("bg2").password.never_expires = Reading::Read(false);
        world.snapshot.domains.items[0].password_days = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
