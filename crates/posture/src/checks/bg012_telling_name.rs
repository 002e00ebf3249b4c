//! A5: the name says what the account is for.

use crate::Check;
use crate::Context;
use crate::candidates::telling;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG012",
    name: "telling-name",
    requirement: "A5",
    title: "The name says what the account is for",
    severity: Severity::Low,
    what: "Looks for words such as break glass or emergency in the user principal name and the display name.",
    rationale: "Attackers go by privilege, not by name; an obscure name only slows the people who answer the alarm.",
    fix: "Entra admin center > Users > {subject} > Properties: name it BreakGlass01 or EmergencyAccess01.",
    controls: &["MCSB PA-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let upn = user.upn.as_ref().map_or("", |upn| upn.local_part());
        let display = user.display_name.as_deref().unwrap_or_default();
        let finding = if telling(upn) || telling(display) {
            CHECK.pass(&account.subject, "the name is recognised at once")
        } else if upn.is_empty() && display.is_empty() {
            return CHECK.unknown(
                &account.subject,
                "the names of the user",
                "they are not in the input",
                "User.Read.All",
            );
        } else {
            CHECK.fail(
                &account.subject,
                "the name does not say that this is an emergency access account",
            )
        };
        finding
            .seen(account.object(), "userPrincipalName", upn)
            .seen(account.object(), "displayName", display)
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a5_obscure_fails() {
        let mut world = World::modern();
        let user = world.user("bg1");
        user.display_name = None;
        user.upn = Some("svc7@contoso.onmicrosoft.com".parse().unwrap());
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
