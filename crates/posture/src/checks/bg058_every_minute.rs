//! W5: a rule is evaluated every minute.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{LOG_ALERTS, Rule, minutes, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG058",
    name: "every-minute",
    requirement: "W5",
    title: "The alert rule is evaluated every minute",
    severity: Severity::Medium,
    what: "Reads how often every enabled alert rule about the accounts is evaluated, how far it looks back, and whether its query holds what Azure does not evaluate every minute. A rule that looks at each record as it comes passes. Rules of Microsoft Sentinel are judged by BG064: a near-real-time (NRT) rule runs each minute, a scheduled one every five at best.",
    rationale: "Microsoft's own delay, minutes and sometimes an hour, comes on top: what is lost to a slow rule is lost to the people who could still stop it. A rule that looks back less than five minutes never sees a late record.",
    fix: "`az monitor scheduled-query update --resource-group <group> --name <rule> --evaluation-frequency 1m --window-size 5m`, and `--override-query-time-range 30m` for late records; a query with `union`, `search`, `take` or `ingestion_time()` must be split into one rule for each table.",
    controls: &["NIST SP 800-53 r5 SI-4(2)", "NIST CSF 2.0 DE.CM-03"],
    references: &[LOG_ALERTS],
    run,
};

/// What Azure does not evaluate every minute (Azure Monitor, *Create a log search alert rule*).
const SLOW: [&str; 5] = ["search", "union", "take", "limit", "ingestion_time"];

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, judge)
}

fn judge(rule: &Rule<'_>) -> Finding {
    if rule.each_record() {
        return CHECK
            .pass(rule.name, "it looks at every record as it comes")
            .seen(rule.object, "kind", "SimpleLogAlert");
    }
    let properties = rule.properties();
    let Some(every) = minutes(&properties["evaluationFrequency"]) else {
        return CHECK.unknown(
            rule.name,
            "scheduledQueryRules/evaluationFrequency",
            "the rule is in the input without it",
            "Monitoring Reader",
        );
    };
    let periods = rule.condition()["failingPeriods"]["numberOfEvaluationPeriods"]
        .as_i64()
        .unwrap_or(1);
    let back = minutes(&properties["overrideQueryTimeRange"])
        .or_else(|| minutes(&properties["windowSize"]).map(|window| window * periods.max(1)));
    let slow = SLOW.iter().find(|word| rule.query.has_word(word));
    let finding = match (every, back, slow) {
        (2.., _, _) => CHECK.fail(rule.name, format!("it is evaluated every {every} minutes")),
        (_, Some(..5), _) => CHECK.fail(rule.name, "it looks back less than five minutes, so that a late record is never seen"),
        (_, None, _) => CHECK.unknown(rule.name, "scheduledQueryRules/windowSize", "the rule is in the input without it", "Monitoring Reader"),
        (_, _, Some(word)) => CHECK.cannot_tell(
            rule.name,
            format!("it is to run every minute, and its query holds `{word}`, which Azure does not evaluate every minute"),
            "Split the rule: one for each table, without `union`, `search`, `take` and `ingestion_time()`; or sign in once in a drill and see that the alert comes.",
        ),
        _ => CHECK.pass(rule.name, "it is evaluated every minute"),
    };
    let range = if properties["overrideQueryTimeRange"].is_string() {
        "overrideQueryTimeRange"
    } else {
        "windowSize"
    };
    finding
        .seen(
            rule.object,
            "evaluationFrequency",
            text(properties, "evaluationFrequency"),
        )
        .seen(rule.object, range, text(properties, range))
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w5_every_minute_and_far_enough_back() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("scheduledQueryRules", 0)["evaluationFrequency"] = json!("PT5M");
        world.properties("scheduledQueryRules", 1)["overrideQueryTimeRange"] = json!(null);
        world.properties("scheduledQueryRules", 1)["windowSize"] = json!("PT1M");
        world.query(
            2,
            "union AuditLogs, SigninLogs | where UserId in~ ('bg1', 'bg2')",
        );
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail, CannotTell]);
        world.other("scheduledQueryRules")[0]["kind"] = json!("SimpleLogAlert");
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail, CannotTell]);
    }
}
