//! A3: the account has no licence.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG007",
    name: "no-licence",
    requirement: "A3",
    title: "The account has no licence",
    severity: Severity::Low,
    what: "Fails an account with assigned licences.",
    rationale: "A licence brings a mailbox and apps: daily work, and one more way in.",
    fix: "Microsoft 365 admin center > Users > Active users > {subject} > Licenses and apps: remove all.",
    controls: &["CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| match &user.licences {
        Reading::Read(skus) if skus.is_empty() => CHECK
            .pass(&account.subject, "no licence is assigned")
            .seen(account.object(), "assignedLicenses", "none"),
        Reading::Read(skus) => CHECK.fail(&account.subject, "licences are assigned").seen(
            account.object(),
            "assignedLicenses",
            skus.join(", "),
        ),
        Reading::NotRead(why) => CHECK.unknown(
            &account.subject,
            "users/assignedLicenses",
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
    fn a3_licensed_fails() {
        let mut world = World::modern();
        world.user("bg1").licences = Reading::Read(vec!["sku".to_owned()]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
