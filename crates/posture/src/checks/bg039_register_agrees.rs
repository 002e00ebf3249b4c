//! R1: the register agrees with the tenant.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG039",
    name: "register-agrees",
    requirement: "R1",
    title: "The register agrees with the tenant",
    severity: Severity::Medium,
    what: "Compares id, name, tenant and initial domain in the register with the tenant.",
    rationale: "A register that names yesterday's account sends people to the wrong safe.",
    fix: "Correct the entry of {subject} in register.toml: what the tenant has stands in the evidence. Then `breakglass check --only BG039 --register register.toml`.",
    controls: &["NIST AC-2", "CIS Controls 5.1"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let Some(entry) = account.entry else {
            return CHECK
                .fail(subject, "the account is declared but not in the register")
                .seen("register/account", "listed", register.accounts.len());
        };
        if let (Some(ours), Some(theirs)) = (&entry.upn, &user.upn)
            && ours != theirs
        {
            return CHECK
                .fail(subject, "the register has another name for this object id")
                .seen(account.object(), "userPrincipalName", theirs);
        }
        if let (Some(ours), Some(theirs)) = (&register.tenant_id, &context.snapshot.id)
            && ours != theirs
        {
            return CHECK
                .fail(subject, "the register is of another tenant")
                .seen("organization", "id", theirs);
        }
        if register.tenant_id.is_some() && context.snapshot.id.is_none() {
            return CHECK.unknown(
                subject,
                "the tenant id",
                "it is not in the input",
                "Organization.Read.All",
            );
        }
        if let Some(ours) = &register.initial_domain {
            let domains = &context.snapshot.domains;
            let initial = domains.iter().find(|d| d.initial.get() == Some(&true));
            match (initial, &domains.missing) {
                (Some(d), _) if !d.name.eq_ignore_ascii_case(ours) => {
                    return CHECK
                        .fail(subject, "the register has another initial domain")
                        .seen("domains", "isInitial", &d.name);
                }
                (Some(_), _) => {}
                (None, Some(missing)) => return CHECK.unread(subject, missing),
                (None, None) => {
                    return CHECK.unknown(
                        subject,
                        "domains/isInitial",
                        "no domain in the input is marked as the initial one",
                        "Domain.Read.All",
                    );
                }
            }
        }
        if user.upn.is_none() {
            return CHECK.unknown(
                subject,
                "users/userPrincipalName",
                "the input has no name for this user",
                "User.Read.All",
            );
        }
        let finding = CHECK
            .pass(subject, "the register agrees with the tenant")
            .seen(
                account.object(),
                "userPrincipalName",
                user.upn.as_ref().map_or("", |upn| upn.as_str()),
            );
        match (&register.tenant_id, &context.snapshot.id) {
            (Some(_), Some(id)) => finding.seen("organization", "id", id),
            _ => finding,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn r1_other_name_fails() {
        let mut world = World::modern();
        world.user("bg1").upn = Some("Other@contoso.onmicrosoft.com".parse().unwrap());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn r1_other_domain_fails() {
        let mut world = World::modern();
        world.register.initial_domain = Some("fabrikam.onmicrosoft.com".to_owned());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail]);
    }
}
