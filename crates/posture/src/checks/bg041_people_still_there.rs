//! R3: everybody who is authorised is still there.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::context::ok_or_return;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;

pub(super) const CHECK: Check = Check {
    id: "BG041",
    name: "people-still-there",
    requirement: "R3",
    title: "Everybody who is authorised is still there",
    severity: Severity::High,
    what: "Looks up the everyday user of every authorised person; a missing or disabled one fails.",
    rationale: "Somebody who has left must not be able to take the glass with them.",
    fix: "Set `authorised_until` of {subject}, change combinations and PINs, and drill again; then record it in register.toml. Then `breakglass check --only BG041 --register register.toml`.",
    controls: &["NIST PS-4", "NIST PS-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    let register = ok_or_return!(context.needs_register(&CHECK));
    let people: Vec<_> = register
        .people
        .iter()
        .filter(|p| p.authorised_on(context.today()))
        .collect();
    if people.is_empty() {
        return vec![CHECK.fail("register", "nobody is authorised today").seen(
            "register/person",
            "authorised today",
            "nobody",
        )];
    }
    people
        .into_iter()
        .map(|person| {
            let path = format!("register/person/{}", person.id);

            let Some(id) = &person.object_id else {
                return CHECK.cannot_tell(
                    &person.id,
                    "the everyday user of the person is not in the register",
                    "Add `object_id` to the person in the register.",
                );
            };
            match (
                context.snapshot.user(id).map(|u| &u.account_enabled),
                &context.snapshot.users.missing,
            ) {
                (Some(Reading::Read(true)), _) => {
                    CHECK.pass(&person.id, "the everyday user is there and enabled")
                }
                (Some(Reading::Read(false)), _) => {
                    CHECK.fail(&person.id, "the everyday user is disabled")
                }
                (Some(Reading::NotRead(why)), _) => {
                    CHECK.unknown(&person.id, "users/accountEnabled", why, "User.Read.All")
                }
                (None, Some(missing)) => CHECK.unread(&person.id, missing),
                (None, None) => CHECK.fail(&person.id, "the everyday user is not in the tenant"),
            }
            .seen(path, "object_id", id)
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, oid};
    use breakglass_model::Verdict::{Fail, Pass};

    #[test]
    fn r3_leaver_fails() {
        let mut world = World::modern();
        world.register.people[0].object_id = Some(oid("gone"));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }
}
