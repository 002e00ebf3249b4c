//! A1: at least two emergency access accounts exist.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG001",
    name: "two-accounts",
    requirement: "A1",
    title: "At least two emergency access accounts exist",
    severity: Severity::Critical,
    what: "Counts the declared accounts that exist in the tenant and are enabled; fewer than two fail.",
    rationale: "If the only account, its key or its safe is lost, nobody gets in.",
    fix: "Create a second account: Entra admin center > Users > New user, on the initial domain; then add it to the register.",
    controls: &["CIS M365 1.1.2", "Zero Trust 21835", "MCSB PA-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let complete = context.snapshot.users.is_complete();
    let (mut usable, mut possible) = (0, 0);
    for account in context.accounts {
        match account.user.map(|user| user.account_enabled.get()) {
            Some(Some(true)) => usable += 1,
            Some(Some(false)) => {}
            Some(None) => possible += 1,
            None => possible += usize::from(!complete),
        }
    }
    // Where no user was read at all, a count of those that exist would be made up.
    let none_read = context.snapshot.users.items.is_empty() && !complete;
    let finding = if usable >= 2 {
        CHECK.pass(
            "tenant",
            format!("{usable} declared accounts exist and are enabled"),
        )
    } else if usable + possible < 2 && !none_read {
        // One that was not read to its end may exist: then the most that there can be is told.
        let most = if possible > 0 { "at most " } else { "" };
        CHECK.fail(
            "tenant",
            format!(
                "{most}{} of {} declared accounts exists and is enabled; two are needed",
                usable + possible,
                context.accounts.len()
            ),
        )
    } else if let Some(missing) = &context.snapshot.users.missing {
        CHECK.unread("tenant", missing)
    } else {
        CHECK.unknown(
            "tenant",
            "users/accountEnabled",
            "it is not in the input for every account",
            "User.Read.All",
        )
    };
    vec![context.accounts.iter().fold(finding, |f, a| {
        f.seen(a.object(), "found", a.user.is_some())
    })]
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a1_two_pass() {
        let world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
    }

    #[test]
    fn a1_one_disabled_fails() {
        let mut world = World::modern();
        world.user("bg2").account_enabled = Reading::Read(false);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }

    #[test]
    fn a1_where_nothing_was_read_nothing_is_counted() {
        let mut world = World::modern();
        let one = |world: &World| world.run_for(CHECK.id, None, &["bg1".to_owned()]);
        world.snapshot.users.items.clear();
        assert_eq!(one(&world)[0].verdict, Fail);
        world.snapshot.users = breakglass_model::TenantSnapshot::empty().users;
        assert_eq!(one(&world)[0].verdict, CannotTell);
    }

    #[test]
    fn a1_one_that_may_exist_is_counted_as_the_most() {
        let mut world = World::modern();
        world.user("bg1").account_enabled = Reading::default();
        let findings = world.run_for(CHECK.id, None, &["bg1".to_owned()]);
        assert_eq!(findings[0].verdict, Fail);
        assert!(
            findings[0].because.starts_with("at most 1 of 1"),
            "{findings:?}"
        );
    }

    #[test]
    fn a1_unread_cannot_tell() {
        let mut world = World::modern();
        world.user("bg2").account_enabled = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
