//! W7: the message is recognised at once.

use breakglass_model::{Finding, Severity};

use crate::{
    Check, Context,
    catalogue::Seen,
    monitoring::{LOG_ALERTS, Rule},
};

pub(super) const CHECK: Check = Check {
    id: "BG061",
    name: "clear-subject",
    requirement: "W7",
    title: "The alert's subject says what happened",
    severity: Severity::Low,
    what: "Reads the e-mail subject that every enabled alert rule about the accounts sets: it holds `emergency` or `break glass`, and `critical`.",
    rationale: "A mailbox gets hundreds of `Azure Monitor alert` messages. This one must be opened at 03:00 by somebody who has never seen one before.",
    fix: "Azure portal > Monitor > Alerts > Alert rules > the rule > Edit > Actions > Email subject: `[CRITICAL] Emergency Access Activity` (`actions.actionProperties[\"Email.Subject\"]` in templates).",
    controls: &["NIST SP 800-53 r5 SI-4(5)", "MCSB PA-5"],
    references: &[LOG_ALERTS],
    run,
};

fn run(context: &Context<'_>) -> Vec<Finding> {
    context.each_rule(&CHECK, judge)
}

fn judge(rule: &Rule<'_>) -> Finding {
    let subject = rule.properties()["actions"]["actionProperties"]["Email.Subject"].as_str();
    let Some(subject) = subject else {
        return CHECK
            .fail(
                rule.name,
                "it sets no e-mail subject: the message looks like any other alert",
            )
            .seen(
                rule.object,
                "actions/actionProperties/Email.Subject",
                "none",
            );
    };
    let words: String = subject
        .to_lowercase()
        .chars()
        .filter(|c| c.is_alphanumeric())
        .collect();
    let has = |any: &[&str]| any.iter().any(|word| words.contains(word));
    let finding = if has(&["emergency", "breakglass"]) && has(&["critical", "sev0"]) {
        CHECK.pass(
            rule.name,
            "its e-mail subject says what happened, and how bad it is",
        )
    } else {
        CHECK.fail(rule.name, "its e-mail subject does not say that an emergency access account is concerned, and that it is critical")
    };
    finding.seen(
        rule.object,
        "actions/actionProperties/Email.Subject",
        subject,
    )
}

#[cfg(test)]
mod tests {
    use breakglass_model::Verdict::{Fail, Pass};
    use serde_json::json;

    use super::CHECK;
    use crate::testing::World;

    #[test]
    fn w7_subject_is_set_and_clear() {
        let mut world = World::modern();
        assert_eq!(world.verdicts(CHECK.id), [Pass; 3]);
        world.properties("scheduledQueryRules", 0)["actions"]["actionProperties"] = json!(null);
        world.properties("scheduledQueryRules", 1)["actions"]["actionProperties"] =
            json!({"Email.Subject": "Alert"});
        world.properties("scheduledQueryRules", 2)["actions"]["actionProperties"] =
            json!({"Email.Subject": "SEV0: break-glass used"});
        assert_eq!(world.verdicts(CHECK.id), [Fail, Fail, Pass]);
    }
}
