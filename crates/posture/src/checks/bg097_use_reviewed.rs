//! P1, P5: every use opened a review, and the review was closed in time.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    facts::day_of,
};

pub(super) const CHECK: Check = Check {
    id: "BG097",
    name: "use-reviewed",
    requirement: "P1",
    title: "Every use opened a review that was closed in time",
    severity: Severity::High,
    what: "Looks at every use in the store: it must belong to an incident, and a review or drill must explain it within 14 days.",
    rationale: "A use that nobody follows up becomes the custom. What is not reconstructed while the logs are there is never reconstructed.",
    fix: "Look at it: `breakglass incident list`; find out who, why and by whose leave, and close it as drill, emergency or misuse.",
    controls: &[
        "ISM 1612",
        "NIST IR-4",
        "NIST IR-5",
        "CIS Controls 17.8",
        "CSF RS.MA-02..05",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

/// No source gives a number. Microsoft Entra keeps sign-in logs for 30 days; half of that leaves time to fetch what is
/// missing.
const REVIEW_DAYS: i64 = 14;

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_id(&CHECK, |account, id| {
        let subject = &account.subject;
        let uses = || context.history.uses.iter().filter(|own| own.account == *id);
        if let Some(own) = uses().find(|own| own.incident.is_none()) {
            return CHECK.fail(subject, "a use opened no incident").seen(
                account.object(),
                "use",
                own.at,
            );
        }
        let old = |at| context.days_since(day_of(at)) > REVIEW_DAYS;
        let mut open: Vec<_> = uses().filter(|own| !own.explained).collect();
        open.sort_by_key(|own| own.at);
        match open.first() {
            Some(own) if old(own.at) => CHECK
                .fail(
                    subject,
                    format!("a use is not explained after {REVIEW_DAYS} days"),
                )
                .seen(account.object(), "use", own.at)
                .seen(
                    "incident",
                    "id",
                    own.incident.as_deref().unwrap_or_default(),
                ),
            Some(own) => CHECK
                .cannot_tell(
                    subject,
                    "the review of a use is still open",
                    "Close the incident named in the evidence: `breakglass incident list`.",
                )
                .seen(account.object(), "use", own.at)
                .seen(
                    "incident",
                    "id",
                    own.incident.as_deref().unwrap_or_default(),
                ),
            None if !context.history.from_store => CHECK.cannot_tell(
                subject,
                "the uses could not be read: there is no store",
                "Run `breakglass watch` with a store.",
            ),
            None => CHECK
                .pass(
                    subject,
                    format!("{} uses, each with a closed review", uses().count()),
                )
                .seen(account.object(), "uses read", uses().count()),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::testing::{World, seen_use};
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};

    #[test]
    fn p1_a_use_without_incident_fails() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass, Pass]);
        world.history.uses[0].incident = None;
        assert_eq!(world.verdicts(CHECK.id), [Fail, Pass]);
    }

    #[test]
    fn p5_a_review_may_be_open_for_two_weeks() {
        let mut world = World::modern();
        world.history.uses[0].explained = false;
        let mut fresh = seen_use("bg2", "2026-09-28T09:00:00Z");
        fresh.explained = false;
        world.history.uses.push(fresh);
        assert_eq!(world.verdicts(CHECK.id), [Fail, CannotTell]);
    }

    #[test]
    fn p1_without_store_nothing_passes() {
        let mut world = World::modern();
        world.history = breakglass_model::History::default();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, CannotTell]);
    }
}
