//! W8: severity 0.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::{EMERGENCY_ACCESS, Seen},
    monitoring::Rule,
};

pub(super) const CHECK: Check = Check {
    id: "BG062",
    name: "severity-critical",
    requirement: "W8",
    title: "The alert has severity 0, critical",
    severity: Severity::Medium,
    what: "Reads the severity of every enabled alert rule about the accounts.",
    rationale: "Whoever sorts alerts sorts by severity, and so do the rules that hold some back at night.",
    fix: "`az monitor scheduled-query update --resource-group <group> --name <rule> --severity 0`; portal: Monitor > Alerts > Alert rules > the rule > Edit > Details > Severity 0 - Critical.",
    controls: &["NIST SP 800-53 r5 SI-4(5)", "MCSB PA-5"],
    references: &[EMERGENCY_ACCESS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, judge)
}

fn judge(rule: &Rule<'_>) -> Finding {
    match rule.properties()["severity"].as_i64() {
        Some(0) => {
            CHECK
                .pass(rule.name, "its severity is 0, critical")
                .seen(rule.object, "severity", 0)
        }
        Some(other) => CHECK
            .fail(rule.name, format!("its severity is {other}, not 0"))
            .seen(rule.object, "severity", other),
        None => CHECK.unknown(
            rule.name,
            "scheduledQueryRules/severity",
            "the rule is in the input without it",
            "Monitoring Reader",
        ),
    }
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{CannotTell, Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w8_only_zero_is_critical() {
        let mut world = World::modern();
        world.properties("scheduledQueryRules", 1)["severity"] = json!(1);
        world.properties("scheduledQueryRules", 2)["severity"] = json!(null);
        assert_eq!(world.verdicts(CHECK.id), [Pass, Fail, CannotTell]);
    }
}
