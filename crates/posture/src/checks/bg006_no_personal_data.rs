//! A3: the account is tied to no person.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG006",
    name: "no-personal-data",
    requirement: "A3",
    title: "The account is tied to no person",
    severity: Severity::Medium,
    what: "Looks for a phone, mailbox, manager, employee id or job title on the object.",
    rationale: "What belongs to a person leaves with the person.",
    fix: "Entra admin center > Users > {subject} > Properties: clear the fields named in the evidence.",
    controls: &["CIS M365 1.1.2"],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// What `User::personal` is read from.
const FIELDS: &str =
    "mobilePhone, businessPhones, otherMails, manager, employeeId, mail, jobTitle, department";

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| match &user.personal {
        Reading::Read(signs) if signs.is_empty() => CHECK
            .pass(&account.subject, "the object names no person")
            .seen(account.object(), FIELDS, "empty"),
        Reading::Read(signs) => signs.iter().fold(
            CHECK.fail(
                &account.subject,
                "the object carries data of a person or of daily work",
            ),
            |f, (field, value)| f.seen(account.object(), field, value),
        ),
        Reading::NotRead(why) => CHECK.unknown(
            &account.subject,
            "personal properties of the user",
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
    fn a3_phone_fails() {
        let mut world = World::modern();
        world.user("bg1").personal =
            Reading::Read(vec![("mobilePhone".to_owned(), "x".to_owned())]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
