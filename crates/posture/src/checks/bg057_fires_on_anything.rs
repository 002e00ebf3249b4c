//! W4: a rule fires on anything.

use breakglass_model::{Finding, Severity};
use serde_json::Value;

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{LOG_ALERTS, Rule, text},
};

pub(super) const CHECK: Check = Check {
    id: "BG057",
    name: "fires-on-anything",
    requirement: "W4",
    title: "The alert rule fires on a single record",
    severity: Severity::High,
    what: "Reads the condition of every enabled alert rule about the accounts: it counts records, fires above 0, at the first evaluation, and leaves no account out.",
    rationale: "One sign-in is enough to take a tenant over. A rule that waits for the third, or learns what is usual, says nothing.",
    fix: "Azure portal > Monitor > Alerts > Alert rules > the rule > Edit > Condition: Table rows, Count, greater than 0, violations 1 of 1; or `az monitor scheduled-query update --resource-group <group> --name <rule> --condition \"count 'q' > 0\" --condition-query q=\"<query>\"`.",
    controls: &["NIST SP 800-53 r5 SI-4(5)", "MCSB PA-5"],
    references: &[LOG_ALERTS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, judge)
}

fn judge(rule: &Rule<'_>) -> Finding {
    if rule.each_record() {
        return CHECK
            .pass(rule.name, "it looks at every record by itself")
            .seen(rule.object, "kind", "SimpleLogAlert");
    }
    let condition = rule.condition();
    let operator = text(condition, "operator");
    let threshold = condition["threshold"].as_f64();
    let periods = &condition["failingPeriods"]["minFailingPeriodsToAlert"];
    let Some(failing) = periods.as_i64() else {
        return CHECK.unknown(
            rule.name,
            "scheduledQueryRules/failingPeriods",
            "the rule is in the input without the number of evaluations that must fail",
            "Monitoring Reader",
        );
    };
    let at = format!(
        "{operator} {}",
        threshold.map_or_else(|| "none".to_owned(), |t| t.to_string())
    );
    let filtered = condition["dimensions"]
        .as_array()
        .into_iter()
        .flatten()
        .any(|dimension| {
            text(dimension, "operator").eq_ignore_ascii_case("Exclude")
                || !dimension["values"]
                    .as_array()
                    .is_some_and(|values| values.contains(&Value::from("*")))
        });
    let wrong = if text(condition, "criterionType").starts_with("Dynamic") {
        Some("its threshold is dynamic: what it has learned to expect does not fire")
    } else if filtered {
        Some("a dimension leaves some records out")
    } else if failing > 1 {
        Some("it waits for more than one evaluation")
    } else {
        let any = match (operator, threshold) {
            ("GreaterThan", Some(t)) => (0.0..1.0).contains(&t),
            ("GreaterThanOrEqual", Some(t)) => t > 0.0 && t <= 1.0,
            (_, None) => {
                return CHECK.unknown(
                    rule.name,
                    "scheduledQueryRules/criteria",
                    "the rule is in the input without a threshold",
                    "Monitoring Reader",
                );
            }
            _ => false,
        };
        (!any).then_some("its threshold does not fire on a single record")
    };
    let finding = match wrong {
        Some(why) => CHECK.fail(rule.name, why),
        None if text(condition, "timeAggregation") != "Count" => CHECK.cannot_tell(
            rule.name,
            "it measures a column instead of counting records",
            "Count table rows, or show in a drill that a single record fires it.",
        ),
        None => CHECK.pass(rule.name, "it fires on a single record"),
    };
    finding
        .seen(rule.object, "criteria/allOf/0/operator threshold", at)
        .seen(
            rule.object,
            "criteria/allOf/0/failingPeriods/minFailingPeriodsToAlert",
            failing,
        )
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, NotApplicable, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::{World, sentinel};

    #[test]
    fn w4_anything_above_nothing_fires() {
        let mut world = World::modern();
        // The heartbeat is not about the accounts.
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        for (path, value) in [
            ("threshold", json!(3)),
            ("operator", json!("LessThan")),
            ("criterionType", json!("DynamicThresholdCriterion")),
            (
                "failingPeriods",
                json!({"numberOfEvaluationPeriods": 3, "minFailingPeriodsToAlert": 3}),
            ),
            (
                "dimensions",
                json!([{"name": "UserId", "operator": "Include", "values": ["bg1"]}]),
            ),
        ] {
            let mut world = World::modern();
            world.properties("scheduledQueryRules", 0)["criteria"]["allOf"][0][path] = value;
            assert_eq!(world.verdicts(CHECK.id), [Fail, Pass, Pass], "{path}");
        }
        world.properties("scheduledQueryRules", 0)["criteria"]["allOf"][0]["timeAggregation"] =
            json!("Total");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell, Pass, Pass]);
    }

    #[test]
    fn w4_other_ways_are_named() {
        let mut world = World::modern();
        world.other("scheduledQueryRules").clear();
        world
            .other("alertRules")
            .push(sentinel("s", "SigninLogs | where UserId in ('bg1', 'bg2')"));
        let finding = &world.run(CHECK.id)[0];
        assert_eq!(finding.verdict, NotApplicable);
        assert!(finding.because.contains("W10"), "{}", finding.because);
        world.other("alertRules").clear();
        world.monitored();
        assert!(world.run(CHECK.id)[0].because.contains("W11"));
        world.history.runs.clear();
        assert!(world.run(CHECK.id)[0].because.contains("BG055"));
        world.snapshot.other.remove("scheduledQueryRules");
        assert_eq!(world.verdicts(CHECK.id), [CannotTell]);
    }
}
