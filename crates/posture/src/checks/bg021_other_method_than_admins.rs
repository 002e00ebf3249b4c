//! K2: the account uses another method than the everyday administrators.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use crate::facts::mechanism;
use crate::facts::missing;
use breakglass_model::Finding;
use breakglass_model::NotRead;
use breakglass_model::ObjectId;
use breakglass_model::Reading;
use breakglass_model::Severity;
use std::collections::BTreeSet;

pub(super) const CHECK: Check = Check {
    id: "BG021",
    name: "other-method-than-admins",
    requirement: "K2",
    title: "The account uses another method than the everyday administrators",
    severity: Severity::High,
    what: "Compares the methods of the account with those of every other Global Administrator; passkeys are told apart by vendor.",
    rationale: "When the method of the administrators fails, the accounts must not fail with it.",
    fix: "Register a key of a vendor that no everyday administrator uses: security info page (mysignins.microsoft.com/security-info), signed in as {subject}: Add sign-in method > Security key.",
    controls: &["NIST CP-2", "NIST IA-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// Methods of the other Global Administrators, and what was not read of them.
fn everyday(context: &Context<'_>) -> (BTreeSet<String>, Option<NotRead>) {
    let snapshot = context.snapshot;
    let mut unknown = [
        &snapshot.active_assignments.missing,
        &snapshot.eligible_assignments.missing,
        &snapshot.roles.missing,
        &snapshot.users.missing,
        &snapshot.groups.missing,
    ]
    .into_iter()
    .find_map(Clone::clone);
    let mut used = BTreeSet::new();
    let mut principals: Vec<ObjectId> = Vec::new();
    for a in snapshot
        .active_assignments
        .iter()
        .chain(&snapshot.eligible_assignments)
    {
        if !context.in_force(a) || !snapshot.is_global_administrator(&a.role) {
            continue;
        }
        match snapshot
            .group(&a.principal)
            .map(|g| g.transitive_members.get().or_else(|| g.members.get()))
        {
            Some(Some(members)) => principals.extend(members.iter().cloned()),
            Some(None) => {
                unknown.get_or_insert_with(|| {
                    missing(
                        "groups/members",
                        "the members of a group that holds the role are not in the input",
                        "GroupMember.Read.All",
                    )
                });
            }
            None => principals.push(a.principal.clone()),
        }
    }
    for user in principals
        .iter()
        .filter(|p| !context.accounts.iter().any(|a| a.id.as_ref() == Some(*p)))
        .filter_map(|p| snapshot.user(p))
    {
        match &user.methods {
            Reading::Read(methods) => used.extend(
                methods
                    .iter()
                    .filter_map(|own| mechanism(context.keys, own)),
            ),
            Reading::NotRead(why) => {
                unknown.get_or_insert_with(|| {
                    missing(
                        "users/authentication/methods",
                        why,
                        "UserAuthenticationMethod.Read.All",
                    )
                });
            }
        }
    }
    (used, unknown)
}

fn run(context: &Context<'_>) -> Vec<Finding> {
    let (used, unknown) = everyday(context);
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let own: BTreeSet<String> = match &user.methods {
            Reading::Read(methods) => methods
                .iter()
                .filter_map(|own| mechanism(context.keys, own))
                .collect(),
            Reading::NotRead(why) => {
                return CHECK.unknown(
                    subject,
                    "users/authentication/methods",
                    why,
                    "UserAuthenticationMethod.Read.All",
                );
            }
        };
        let text = |set: &BTreeSet<String>| set.iter().cloned().collect::<Vec<_>>().join(", ");
        if own.is_empty() {
            return CHECK
                .fail(subject, "the account has no method besides a password")
                .seen(account.object(), "methods", "none besides a password");
        }
        let finding = if own.is_subset(&used) {
            CHECK.fail(
                subject,
                "everyday administrators use every method that the account has",
            )
        } else if let Some(missing) = &unknown {
            return CHECK.unread(subject, missing);
        } else {
            CHECK.pass(
                subject,
                "the account has a method that no everyday administrator uses",
            )
        };
        finding.seen(account.object(), "methods", text(&own)).seen(
            "everyday administrators",
            "methods",
            text(&used),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, YUBICO, key};
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn k2_same_method_fails() {
        let mut world = World::modern();
        world.user("adm1").methods = Reading::Read(vec![key(YUBICO)]);
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn k2_admins_unread_cannot_tell() {
        let mut world = World::modern();
        world.user("adm1").methods = Reading::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
