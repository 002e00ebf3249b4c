//! A7: every use belongs to a drill or a reviewed emergency.

use crate::Check;
use crate::Context;
use crate::catalogue::EMERGENCY_ACCESS;
use crate::catalogue::Seen;
use breakglass_model::Finding;
use breakglass_model::Reading;
use breakglass_model::Severity;
use breakglass_model::history::DrillOutcome;

pub(super) const CHECK: Check = Check {
    id: "BG014",
    name: "uses-explained",
    requirement: "A7",
    title: "Every use belongs to a drill or a reviewed emergency",
    severity: Severity::High,
    what: "Holds the uses in the store, and the last sign-in that the directory knows, against drills and reviews.",
    rationale: "A sign-in that nobody can explain is a breach until somebody does.",
    fix: "Look at the use: `breakglass incident list`; find out who, why and by whose leave; if it was a drill, record it as a [[drill]] in register.toml.",
    controls: &["ISM 1611", "ISM 1612", "NIST AC-6(9)"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_user(&CHECK, |account, user| {
        let subject = &account.subject;
        let uses = || {
            context
                .history
                .uses
                .iter()
                .filter(|u| Some(&u.account) == account.id.as_ref())
        };
        if let Some(open) = uses().find(|u| !u.explained) {
            return CHECK
                .fail(subject, "a use is not explained by a drill or a review")
                .seen(account.object(), "use", open.at);
        }
        let last = match &user.last_sign_in {
            Reading::Read(None) => {
                return CHECK
                    .pass(
                        subject,
                        "every use is explained, and the directory knows of no sign-in",
                    )
                    .seen(account.object(), "signInActivity", "none");
            }
            Reading::Read(Some(last)) => *last,
            Reading::NotRead(why) => {
                return CHECK.unknown(subject, "users/signInActivity", why, "AuditLog.Read.All");
            }
        };
        let day = jiff::tz::TimeZone::UTC.to_datetime(last).date();
        let near = |on| context.days_since(on).abs_diff(context.days_since(day)) <= 1;
        // The store's own records tell the minute; a drill's date is only a day.
        let known = uses().any(|u| u.at >= last || last.duration_since(u.at).as_hours() < 1);
        if context.history.from_store && known {
            return CHECK
                .pass(
                    subject,
                    "every use is explained, and the last sign-in is one of them",
                )
                .seen(account.object(), "signInActivity", last);
        }
        let drill = context
            .history
            .drills
            .iter()
            .find(|d| Some(&d.account) == account.id.as_ref() && near(d.on));
        let declared = context.register.is_some_and(|r| {
            r.declared_drills
                .iter()
                .any(|d| account.is(&d.account) && near(d.on))
        });
        let finding = match drill {
            Some(d) if d.outcome != DrillOutcome::Declared => CHECK.pass(
                subject,
                "every use is explained, and the last sign-in belongs to a drill",
            ),
            Some(_) => declared_only(subject),
            None if declared => declared_only(subject),
            None if context.history.from_store || context.register.is_some() => CHECK.fail(
                subject,
                "the last sign-in belongs to no drill or review that is known",
            ),
            None => CHECK.cannot_tell(
                subject,
                "there is no store and no register to hold the last sign-in against",
                "Run `breakglass watch` with a store, or declare the drills in register.toml.",
            ),
        };
        finding.seen(account.object(), "signInActivity", last)
    })
}

fn declared_only(subject: &str) -> Finding {
    CHECK.cannot_tell(
        subject,
        "the last sign-in fits a drill that is declared, not proven",
        "Drills proven by records come with a later version; until then a declared drill stays cannot tell.",
    )
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::World;
    use breakglass_model::Reading;
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn a7_unknown_sign_in_fails() {
        let mut world = World::modern();
        world.user("bg1").last_sign_in =
            Reading::Read(Some("2026-09-20T00:00:00Z".parse().unwrap()));
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn a7_nothing_to_compare_cannot_tell() {
        let mut world = World::modern();
        world.history = breakglass_model::History::default();
        world.user("bg1").last_sign_in =
            Reading::Read(Some("2026-08-08T00:00:00Z".parse().unwrap()));
        assert_eq!(world.verdicts_unregistered(CHECK.id), [CannotTell, Pass]);
    }

    #[test]
    fn a7_drill_explains() {
        let mut world = World::modern();
        world.user("bg1").last_sign_in =
            Reading::Read(Some("2026-09-01T10:00:00Z".parse().unwrap()));
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
    }
}
