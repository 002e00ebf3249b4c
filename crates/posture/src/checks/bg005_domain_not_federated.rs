//! A2: the domain of the account is not federated.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG005",
    name: "domain-not-federated",
    requirement: "A2",
    title: "The domain of the account is not federated",
    severity: Severity::Critical,
    what: "Looks up the domain of the name; a federated one fails.",
    rationale: "Sign-in to a federated domain is sent to an identity provider that may be down.",
    fix: "Move the account to the initial domain, which is always managed: az rest --method PATCH --url https://graph.microsoft.com/v1.0/users/{subject} --body '{\"userPrincipalName\":\"<name>@<initial domain>\"}'",
    controls: &["CIS M365 1.1.2", "NIST CP-2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let name = user.upn.as_ref().map_or("", |upn| upn.domain());
        let domain = context
            .snapshot
            .domains
            .iter()
            .find(|d| d.name.eq_ignore_ascii_case(name));
        match (
            domain.map(|d| &d.federated),
            &context.snapshot.domains.missing,
        ) {
            (Some(Reading::Read(false)), _) => CHECK
                .pass(subject, format!("{name} is a managed domain"))
                .seen(format!("domains/{name}"), "authenticationType", "Managed"),
            (Some(Reading::Read(true)), _) => CHECK
                .fail(subject, format!("{name} is federated"))
                .seen(format!("domains/{name}"), "authenticationType", "Federated"),
            (Some(Reading::NotRead(why)), _) => CHECK.unknown(
                subject,
                "domains/authenticationType",
                why,
                "Domain.Read.All",
            ),
            (None, Some(missing)) => CHECK.unread(subject, missing),
            (None, None) => CHECK.unknown(
                subject,
                "the domain of the account",
                "it is not among the domains in the input",
                "Domain.Read.All",
            ),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::Fail;

    #[test]
    fn a2_federated_fails() {
        let mut world = World::modern();
        world.snapshot.domains.items[0].federated = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
