//! A2: the account is on the initial domain.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG004",
    name: "initial-domain",
    requirement: "A2",
    title: "The account is on the initial domain",
    severity: Severity::High,
    what: "Compares the domain of the name with the initial domain of the tenant.",
    rationale: "A custom domain can be federated, moved or lose its DNS; the initial domain cannot.",
    fix: "Rename the account: az rest --method PATCH --url https://graph.microsoft.com/v1.0/users/{subject} --body '{\"userPrincipalName\":\"<name>@<initial domain>\"}'",
    controls: &["CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let Some(upn) = &user.upn else {
            return CHECK.unknown(
                subject,
                "users/userPrincipalName",
                "the input has no name for this user",
                "User.Read.All",
            );
        };
        let domains = &context.snapshot.domains;
        let initial = domains.iter().find(|d| d.initial.get() == Some(&true));
        match (initial, &domains.missing) {
            (Some(initial), _) if initial.name.eq_ignore_ascii_case(upn.domain()) => CHECK
                .pass(subject, "the name is on the initial domain")
                .seen(format!("domains/{}", initial.name), "isInitial", true),
            (Some(initial), _) => CHECK
                .fail(
                    subject,
                    format!(
                        "the name is on {}, the initial domain is {}",
                        upn.domain(),
                        initial.name
                    ),
                )
                .seen(account.object(), "userPrincipalName", upn),
            (None, Some(missing)) => CHECK.unread(subject, missing),
            (None, None) => CHECK.unknown(
                subject,
                "domains/isInitial",
                "no domain in the input is marked as the initial one",
                "Domain.Read.All",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a2_custom_domain_fails() {
        let mut world = World::modern();
        world.user("bg1").upn = Some("bg@contoso.com".parse().unwrap());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
