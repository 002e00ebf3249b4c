//! W11: our own monitor runs, and reads everything.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    monitoring::CATEGORIES,
};

pub(super) const CHECK: Check = Check {
    id: "BG065",
    name: "own-monitor",
    requirement: "W11",
    title: "Our own monitor runs and reads every log",
    severity: Severity::High,
    what: "Reads from the store how far our own monitor has read the three logs and when a channel last accepted a message. Where no run is known, it does not apply if Azure Monitor or Microsoft Sentinel has rules about the accounts, and is cannot tell otherwise: one of the three ways suffices.",
    rationale: "The monitor does the whole job without any of W1 to W10, outside of Azure. It helps only while it runs.",
    fix: "Start `breakglass watch` again with its store, and see why it stopped: its log, its sources, the disk.",
    controls: &[
        "NIST SP 800-53 r5 SI-4",
        "NIS2 2024/2690 3.2.6",
        "BSI C5:2020 OPS-17",
    ],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    if context.accounts.is_empty() {
        return vec![context.undeclared(&CHECK)];
    }
    let subject = "our own monitor";
    let Some(last) = context.history.runs.iter().max_by_key(|run| run.read_to) else {
        let watch = context.watch();
        let why = if context.history.from_store {
            "the store tells of no run of the monitor"
        } else {
            "no store was given, so whether our own monitor runs is not known"
        };
        return vec![if watch.by_azure() || watch.by_sentinel().is_some() {
            CHECK.not_applicable(
                subject,
                "rules of Azure Monitor or Microsoft Sentinel are about the accounts (W3 to W10): one way suffices",
            )
        } else {
            CHECK.cannot_tell(
                subject,
                why,
                "Give the store of `breakglass watch` with --store; or let Azure Monitor or Microsoft Sentinel watch (BG055).",
            )
        }];
    };
    let unread: Vec<&str> = CATEGORIES
        .iter()
        .map(|(category, _)| *category)
        .filter(|category| {
            !last
                .streams
                .iter()
                .any(|stream| stream.eq_ignore_ascii_case(category))
        })
        .collect();
    let finding = if context.monitor().is_none() {
        CHECK.fail(subject, "it has not read the logs for an hour or longer")
    } else if !unread.is_empty() {
        CHECK.fail(subject, format!("it does not read {}", unread.join(", ")))
    } else if last.told.is_none() {
        CHECK.cannot_tell(
            subject,
            "it runs and reads every log; no channel has accepted a message from it yet",
            "Sign in once in a drill, and see that the message comes.",
        )
    } else {
        CHECK.pass(
            subject,
            "it reads every log, and a channel has accepted its messages",
        )
    };
    vec![finding.seen("store", "read to", last.read_to)]
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w11_runs_are_judged_and_none_is_no_failure() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [NotApplicable]);
        world.other("scheduledQueryRules").clear();
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.monitored();
        assert_eq!(world.verdicts(CHECK.id), [Pass]);
        world.history.runs[0].told = None;
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
        world.history.runs[0].streams.truncate(1);
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
        world.history.runs[0].read_to = "2026-09-30T00:00:00Z".parse().unwrap();
        assert_eq!(world.verdicts(CHECK.id), [Fail]);
    }
}
