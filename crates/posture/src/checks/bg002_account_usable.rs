//! A4: the account exists and is enabled.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG002",
    name: "account-usable",
    requirement: "A4",
    title: "The account exists and is enabled",
    severity: Severity::Critical,
    what: "Looks up every declared account; a missing or disabled one fails.",
    rationale: "Accounts have been found disabled for inactivity on the day they were needed.",
    fix: "Entra admin center > Users > {subject} > Account status: enable; or correct the register if the account was replaced.",
    controls: &["CIS M365 1.1.2", "NIST AC-2", "NIST AC-2(3)"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_account(&CHECK, |account| {
        let subject = &account.subject;
        match (account.user, &context.snapshot.users.missing) {
            (Some(user), _) => match &user.account_enabled {
                Reading::Read(true) => CHECK
                    .pass(subject, "the account exists and is enabled")
                    .seen(account.object(), "accountEnabled", true),
                Reading::Read(false) => CHECK.fail(subject, "the account is disabled").seen(
                    account.object(),
                    "accountEnabled",
                    false,
                ),
                Reading::NotRead(why) => {
                    CHECK.unknown(subject, "users/accountEnabled", why, "User.Read.All")
                }
            },
            (None, Some(missing)) => CHECK.unread(subject, missing),
            (None, None) => CHECK
                .fail(subject, "no user of the tenant has this id or name")
                .seen(account.object(), "found", false),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn a4_disabled_fails() {
        let mut world = World::modern();
        world.user("bg1").account_enabled = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn a4_missing_fails() {
        let mut world = World::modern();
        world
            .snapshot
            .users
            .items
            .retain(|u| u.id != Some(oid("bg2")));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail]);
    }
}
