//! A2: the account is cloud-only.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG003",
    name: "cloud-only",
    requirement: "A2",
    title: "The account is cloud-only",
    severity: Severity::Critical,
    what: "Fails an account that is synchronised from on-premises.",
    rationale: "A synchronised account falls with the directory that it comes from, and can be changed there.",
    fix: "Create a cloud-only account in its place: Entra admin center > Users > New user.",
    controls: &["CIS M365 1.1.2", "CIS M365 1.1.1", "SCuBA MS.AAD.7.3v1"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| match &user.synchronised {
        Reading::Read(false) => CHECK.pass(&account.subject, "the account is not synchronised"),
        Reading::Read(true) => CHECK
            .fail(
                &account.subject,
                "the account is synchronised from on-premises",
            )
            .seen(account.object(), "onPremisesSyncEnabled", true),
        Reading::NotRead(why) => CHECK.unknown(
            &account.subject,
            "users/onPremisesSyncEnabled",
            why,
            "User.Read.All",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a2_synchronised_fails() {
        let mut world = World::modern();
        world.user("bg1").synchronised = Reading::Read(true);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
